#include "controller/cli/audit.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/audit_state.h"

enum { FIRST_ROOM = 8 };

struct audit *audit_new (const struct digest *pin)
{
    struct audit *audit = calloc (1, sizeof *audit);
    assert (audit != NULL);
    audit->pin = *pin;
    return audit;
}

void audit_free (struct audit **audit)
{
    if (*audit == NULL)
        return;
    arena_free (&(*audit)->arena);
    free (*audit);
    *audit = NULL;
}

struct audit_counts audit_counts (const struct audit *audit)
{
    return audit->counts;
}

void audit_push (struct audit *audit, void *items, size_t *count, void *item)
{
    void **list;
    bool full = *count == 0 || (*count >= FIRST_ROOM && (*count & (*count - 1)) == 0);
    (void)memcpy (&list, items, sizeof list);
    if (full) {
        void **grown = arena_array (&audit->arena, *count == 0 ? FIRST_ROOM : 2 * *count, sizeof *grown);
        if (*count > 0)
            (void)memcpy (grown, list, *count * sizeof *grown);
        list = grown;
        (void)memcpy (items, &list, sizeof list);
    }
    list[(*count)++] = item;
}

struct audit_rollout *audit_rollout (struct audit *audit, uint64_t number, struct error *error)
{
    if (number >= 1 && number <= audit->counts.rollouts)
        return audit->rollouts[number - 1];
    (void)error_set (error, ERROR_MISSING, "there is no rollout %" PRIu64 " before it", number);
    return NULL;
}

/* ------------------------------------------------------------------------------------------- single
 * documents */

static bool judge_epoch (struct audit *audit, const struct entry_epoch *entry, struct error *error)
{
    if (entry->epoch <= audit->epoch)
        return error_set (
            error, ERROR_REFUSED, "epoch %" PRIu64 " after %" PRIu64 ": epochs only rise", entry->epoch,
            audit->epoch);
    audit->epoch = entry->epoch;
    return true;
}

/* After the first, one that had expired already when it came is only the way to the next: each document that
   it would have to vouch for is refused by its expiry. */
static bool judge_trust (
    struct audit *audit, const struct entry_trust *entry, struct instant at, struct error *error)
{
    const struct instant any = {0};
    struct trust trust;
    bool good = audit->counts.trusts == 0
                    ? accept_first_trust (&entry->document, &audit->pin, at, &audit->arena, &trust, error)
                    : accept_next_trust (&audit->trust, &entry->document, any, &audit->arena, &trust, error);
    if (!good)
        return false;
    audit->trust = trust;
    audit->counts.trusts++;
    return true;
}

static bool judge_fleet (
    struct audit *audit, const struct entry_fleet *entry, struct instant at, struct error *error)
{
    uint64_t least = audit->counts.fleets == 0 ? 0 : audit->fleet.version + 1;
    struct digest *digest = arena_take (&audit->arena, sizeof *digest);
    size_t count = (size_t)audit->counts.fleets;
    if (!accept_fleet (&audit->trust, least, &entry->document, at, &audit->arena, &audit->fleet, error))
        return false;
    *digest = digest_of (entry->document.content.data, entry->document.content.size);
    audit_push (audit, &audit->fleet_digests, &count, digest);
    audit->counts.fleets = count;
    return true;
}

static bool knows_fleet (const struct audit *audit, const struct digest *digest)
{
    for (uint64_t i = 0; i < audit->counts.fleets; i++)
        if (digest_equal (audit->fleet_digests[i], digest))
            return true;
    return false;
}

static bool judge_rollout (
    struct audit *audit, const struct entry_rollout *entry, struct instant at, struct error *error)
{
    struct audit_rollout *rollout = arena_take (&audit->arena, sizeof *rollout);
    size_t count = (size_t)audit->counts.rollouts;
    if (entry->rollout != audit->counts.rollouts + 1)
        return error_set (
            error, ERROR_REFUSED, "rollout %" PRIu64 " after %" PRIu64 ": they are numbered without a gap",
            entry->rollout, audit->counts.rollouts);
    if (!accept_plan (&audit->trust, &entry->plan, at, &audit->arena, &rollout->plan, error))
        return false;
    if (!knows_fleet (audit, &rollout->plan.fleet))
        return error_set (
            error, ERROR_REFUSED, "its plan was made for a fleet document that is not in the history");
    rollout->number = entry->rollout;
    rollout->digest = digest_of (entry->plan.content.data, entry->plan.content.size);
    audit_push (audit, &audit->rollouts, &count, rollout);
    audit->counts.rollouts = count;
    return true;
}

/* --------------------------------------------------------------------------------------------------- the
 * rows */

static bool judge_entry (
    struct audit *audit, const struct message *entry, struct instant at, struct error *error)
{
    const void *record = entry->record;
    if (entry->type == &entry_epoch_type)
        return judge_epoch (audit, record, error);
    if (entry->type == &entry_trust_type)
        return judge_trust (audit, record, at, error);
    if (entry->type == &entry_fleet_type)
        return judge_fleet (audit, record, at, error);
    if (entry->type == &entry_rollout_type)
        return judge_rollout (audit, record, at, error);
    if (entry->type == &entry_permit_type)
        return audit_permit (audit, record, at, error);
    if (entry->type == &entry_receipt_type)
        return audit_receipt (audit, record, error);
    if (entry->type == &entry_approval_type)
        return audit_approval (audit, record, at, error);
    if (entry->type == &entry_phase_type)
        return audit_phase (audit, record, error);
    /* The rest is the controller's own bookkeeping: it proves nothing and opens nothing. */
    return true;
}

static bool judge_chain (struct audit *audit, const struct audit_row *row, struct error *error)
{
    struct digest_stream stream;
    struct digest chain;
    if (row->sequence != audit->counts.rows + 1)
        return error_set (
            error, ERROR_REFUSED, "row %" PRIu64 " stands where row %" PRIu64 " should: rows are missing",
            row->sequence, audit->counts.rows + 1);
    digest_begin (&stream);
    digest_add (&stream, audit->counts.head.bytes, DIGEST_SIZE);
    digest_add (&stream, row->body.data, row->body.size);
    chain = digest_end (&stream);
    if (!digest_equal (&chain, &row->chain))
        return error_set (
            error, ERROR_REFUSED, "row %" PRIu64 " does not fit the chain: it, or one before it, was changed",
            row->sequence);
    audit->counts.head = chain;
    audit->counts.rows++;
    return true;
}

bool audit_judge (struct audit *audit, const struct audit_row *row, struct error *error)
{
    struct message entry;
    if (!judge_chain (audit, row, error))
        return false;
    if (!message_decode (ENTRY, 0, row->body, &audit->arena, &entry, error))
        return error_context (error, "row %" PRIu64, row->sequence);
    return judge_entry (audit, &entry, row->at, error) ||
           error_context (error, "row %" PRIu64 " (%s)", row->sequence, entry.type->name);
}

bool audit_finish (struct audit *audit, struct error *error)
{
    if (audit->counts.rows > 0 && audit->counts.trusts == 0)
        return error_set (error, ERROR_REFUSED, "the history holds no trust document");
    return audit_host_chains (audit, error);
}
