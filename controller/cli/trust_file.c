#include "controller/cli/trust_file.h"

#include <inttypes.h>

#include "common/io/clock.h"
#include "common/io/signed_file.h"

static void say_if_expired (const struct cli *cli, const struct trust *trust)
{
    char time[TIME_TEXT_SIZE];
    if (!instant_before (clock_now (), trust->expires))
        cli_say (
            cli,
            "trust version %" PRIu64 " expired at %s: nothing is believed until its successor is in force",
            trust->version, instant_print (trust->expires, time));
}

bool trust_base_of_client (
    struct cli *cli, struct client *client, struct trust_base *ret, struct error *error)
{
    struct client_inventory found;
    if (!client_trust (client, &cli->arena, &found, error))
        return false;
    *ret = (struct trust_base){.trust = found.trust, .document = found.document, .raw = found.raw};
    say_if_expired (cli, &ret->trust);
    return true;
}

/* Nothing says that no newer one is in force: whoever saved it knows. */
static bool base_of_file (struct cli *cli, const char *path, struct trust_base *ret, struct error *error)
{
    struct envelope *envelope = arena_take (&cli->arena, sizeof *envelope);
    struct digest own;
    if (!signed_file_read (path, &cli->arena, envelope, error))
        return false;
    own = digest_of (envelope->content.data, envelope->content.size);
    if (!accept_first_trust (envelope, &own, (struct instant){0}, &cli->arena, &ret->trust, error))
        return error_context (error, "%s", path);
    ret->document = envelope;
    ret->raw = NULL;
    say_if_expired (cli, &ret->trust);
    return true;
}

bool trust_base_load (struct cli *cli, const char *current, struct trust_base *ret, struct error *error)
{
    struct client *client = NULL;
    bool good;
    if (current != NULL)
        return base_of_file (cli, current, ret, error);
    good = client_open (cli, &client, error) && trust_base_of_client (cli, client, ret, error);
    client_close (&client);
    return good || error_context (error, "the trust document in force (--current FILE does without)");
}

bool trust_draft_read (
    struct cli *cli, const char *path, struct envelope *ret_envelope, struct trust *ret, struct error *error)
{
    return signed_file_read (path, &cli->arena, ret_envelope, error) &&
           ((document_read (&trust_type, ret_envelope->content, &cli->arena, ret, error) &&
             trust_check (ret, error)) ||
            error_context (error, "%s", path));
}

bool trust_draft_follows (
    const struct trust_base *base, const char *path, const struct envelope *envelope,
    const struct trust *draft, struct error *error)
{
    if (bytes_equal (envelope->content, base->document->content))
        return error_set (
            error, ERROR_CONFLICT, "%s is in force already, as version %" PRIu64, path, draft->version);
    if (draft->version <= base->trust.version)
        return error_set (
            error, ERROR_CONFLICT,
            "%s is a stale draft: it would be version %" PRIu64 ", and version %" PRIu64
            " is in force. Remove it, and make its edits again",
            path, draft->version, base->trust.version);
    if (draft->version > base->trust.version + 1)
        return error_set (
            error, ERROR_CONFLICT,
            "%s is of version %" PRIu64 ", and version %" PRIu64
            " is the newest here: save the one in force with `relevo trust show --save FILE`, and use that",
            path, draft->version, base->trust.version);
    return true;
}

bool trust_draft_check (
    const struct trust_base *base, const char *path, const struct envelope *envelope,
    const struct trust *draft, struct error *error)
{
    return trust_draft_follows (base, path, envelope, draft, error) &&
           (trust_edit_check (&base->trust, draft, clock_now (), error) || error_context (error, "%s", path));
}

bool trust_draft_write (const char *path, const struct trust *draft, struct error *error)
{
    struct envelope envelope = {0};
    struct buffer content = {0};
    bool good = document_write (&trust_type, draft, &content, error);
    envelope.content = buffer_bytes (&content);
    good = good && signed_file_write (path, &envelope, error);
    buffer_free (&content);
    return good;
}
