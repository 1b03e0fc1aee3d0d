#include "controller/io/history.h"

#include <assert.h>
#include <string.h>

#include "common/core/accept.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"

enum { KEY_FILE_MOST = 4096 };

bool history_options (
    const struct config *config, struct arena *arena, struct controller_options *ret, struct error *error)
{
    struct bytes file = {0};
    bool good;
    const char **targets = arena_array (arena, config->target_count, sizeof targets[0]);
    struct controller_options options = {
        .heartbeat = config->heartbeat,
        .tick_interval = config->tick,
        .permit_life = config->permit_life,
        .notice_retry = config->notice_retry,
        .targets = targets,
        .target_count = config->target_count};
    for (size_t i = 0; i < config->target_count; i++)
        targets[i] = config->targets[i].name;
    good = file_read_secret (config->signing_key, KEY_FILE_MOST, arena, &file, error) &&
           (secret_key_parse (file, NULL, &options.key, error) ||
            error_context (error, "%s", config->signing_key));
    if (good)
        *ret = options;
    file_wipe_secret (&file);
    secret_key_wipe (&options.key);
    return good;
}

static void count (struct history *history, const struct record_type *type, const struct store_row *row)
{
    history->entries++;
    history->rollouts += type == &entry_rollout_type;
    history->epochs += type == &entry_epoch_type;
    history->newest = row->at;
}

bool history_apply (void *context, const struct store_row *row, struct error *error)
{
    struct history *history = context;
    struct arena arena = {0};
    struct message entry;
    bool good = message_decode (ENTRY, 0, row->body, &arena, &entry, error);
    if (good && entry.type->number != row->number)
        good = error_set (
            error, ERROR_INPUT, "its number is %u, its body is an entry of number %u", row->number,
            entry.type->number);
    good = good && controller_apply (history->controller, entry.type, entry.record, error);
    if (good)
        count (history, entry.type, row);
    arena_free (&arena);
    return good;
}

/* --------------------------------------------------------------------------------------- the first documents
 */

void history_first_read (const struct config *config, struct arena *arena, struct history_first *ret)
{
    *ret = (struct history_first){0};
    ret->there = signed_file_read (config->trust, arena, &ret->trust, &ret->why) &&
                 signed_file_read (config->fleet, arena, &ret->fleet, &ret->why);
}

static bool check_signing (
    const struct config *config, const struct trust *trust, const struct public_key *signing,
    struct error *error)
{
    const struct trust_role *role = trust_role_for (trust, ROLE_CONTROLLER, "");
    if (role != NULL && trust_role_has (trust, role, signing))
        return true;
    return error_set (
        error, ERROR_REFUSED,
        "the key of %s does not have the role \"controller\" in %s: no host would believe this controller",
        config->signing_key, config->trust);
}

/* The administrator who wrote the configuration vouches for the first trust document: its own digest is the
   pin. */
static bool judge_first (
    const struct config *config, const struct history_first *first, const struct public_key *signing,
    struct instant now, struct arena *arena, struct error *error)
{
    struct trust trust;
    struct fleet fleet;
    struct digest pin;
    if (!first->there) {
        *error = first->why;
        return false;
    }
    pin = digest_of (first->trust.content.data, first->trust.content.size);
    if (!accept_first_trust (&first->trust, &pin, now, arena, &trust, error))
        return error_context (error, "%s", config->trust);
    if (!accept_fleet (&trust, 1, &first->fleet, now, arena, &fleet, error))
        return error_context (error, "%s", config->fleet);
    return check_signing (config, &trust, signing, error);
}

static bool append_first (
    struct store *store, const struct entry_trust *first_trust, const struct entry_fleet *first_fleet,
    struct instant now, struct error *error)
{
    struct buffer trust = {0};
    struct buffer fleet = {0};
    bool good = message_encode (&entry_trust_type, first_trust, &trust, error) &&
                message_encode (&entry_fleet_type, first_fleet, &fleet, error);
    struct store_entry entries[] = {
        {entry_trust_type.number, buffer_bytes (&trust)}, {entry_fleet_type.number, buffer_bytes (&fleet)}};
    good = good && store_append (store, now, entries, 2, error);
    buffer_free (&trust);
    buffer_free (&fleet);
    return good;
}

bool history_begin (
    struct history *history, const struct config *config, const struct history_first *first,
    const struct public_key *signing, struct store *store, struct instant now, struct error *error)
{
    struct arena arena = {0};
    const struct entry_trust trust = {first->trust};
    const struct entry_fleet fleet = {first->fleet};
    bool good = judge_first (config, first, signing, now, &arena, error) &&
                controller_apply (history->controller, &entry_trust_type, &trust, error) &&
                controller_apply (history->controller, &entry_fleet_type, &fleet, error) &&
                (store == NULL || append_first (store, &trust, &fleet, now, error));
    arena_free (&arena);
    return good;
}
