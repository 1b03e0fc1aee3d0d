/* A history as an export holds it. The input is a list of row bodies; the harness numbers and chains them,
   and signs their documents as their purposes want it: so that what is judged is what they say. */
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"

#include "controller/cli/audit.h"
#include "proto/codec_walk.h"

enum { ROWS_MOST = 24 };

static const struct field *envelope_of (const struct record_type *type)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].kind == FIELD_ONE && type->fields[i].part == &envelope_type)
            return &type->fields[i];
    return NULL;
}

/* The body with its document signed anew. The first trust document is the one that is believed. */
static struct bytes sign_body (struct bytes body, struct digest *pin, struct arena *arena)
{
    struct message entry;
    const struct field *field;
    struct envelope *envelope;
    struct buffer out = {0};
    if (!message_decode (ENTRY, 0, body, arena, &entry, NULL))
        return body;
    field = envelope_of (entry.type);
    if (field == NULL)
        return body;
    envelope = (struct envelope *)(uintptr_t)field_in (field, entry.record);
    *envelope = sign_as_wanted (envelope->content, arena);
    if (digest_is_none (pin) && entry.type == &entry_trust_type)
        *pin = digest_of (envelope->content.data, envelope->content.size);
    if (message_encode (entry.type, entry.record, &out, NULL))
        body = (struct bytes){arena_copy (arena, out.data, out.size), out.size};
    buffer_free (&out);
    return body;
}

static void chain (struct audit_row *row, const struct digest *before)
{
    struct digest_stream stream;
    digest_begin (&stream);
    digest_add (&stream, before->bytes, DIGEST_SIZE);
    digest_add (&stream, row->body.data, row->body.size);
    row->chain = digest_end (&stream);
}

static size_t read_rows (
    struct bytes input, struct audit_row rows[ROWS_MOST], struct digest *pin, struct arena *arena)
{
    struct digest before = {0};
    size_t count = 0;
    while (input.size > 0 && count < ROWS_MOST) {
        struct audit_row *row = &rows[count];
        row->body = sign_body (take_piece (&input), pin, arena);
        row->sequence = ++count;
        row->at = instant_add (noon, span_seconds ((int64_t)count));
        chain (row, &before);
        before = row->chain;
    }
    return count;
}

/* A history that holds says nothing that its rows do not prove. */
static void check_counts (const struct audit *audit, const struct audit_row *rows, size_t count)
{
    struct audit_counts counts = audit_counts (audit);
    assert (counts.rows == count);
    assert (counts.trusts + counts.fleets + counts.rollouts + counts.permits <= count);
    assert (counts.permits == 0 || counts.rollouts > 0);
    assert (count == 0 || (counts.trusts > 0 && digest_equal (&counts.head, &rows[count - 1].chain)));
}

static bool judge (const struct audit_row *rows, size_t count, const struct digest *pin)
{
    struct audit *audit = audit_new (pin);
    struct error error = {0};
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        good = audit_judge (audit, &rows[i], &error);
    good = good && audit_finish (audit, &error);
    if (good)
        check_counts (audit, rows, count);
    else
        check_error (&error);
    audit_free (&audit);
    return good;
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct audit_row rows[ROWS_MOST] = {{0}};
    struct digest pin = {0};
    size_t count = read_rows (input, rows, &pin, &arena);
    bool good = judge (rows, count, &pin);
    if (good && count > 1) {
        rows[0].chain.bytes[0] ^= 1;
        assert (!judge (rows, count, &pin));
        rows[0].chain.bytes[0] ^= 1;
        assert (!judge (rows + 1, count - 1, &pin));
    }
    arena_free (&arena);
    return good && count > 0;
}

static void put_entry (struct buffer *out, const struct record_type *type, const void *entry)
{
    struct buffer body = {0};
    assert (message_encode (type, entry, &body, NULL));
    put_piece (buffer_bytes (&body), out);
    buffer_free (&body);
}

static struct envelope content_of (const struct world_document *documents, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (documents[i].name, name) == 0)
            return (struct envelope){.content = documents[i].content};
    abort ();
}

/* The world's plan is made for no fleet document; this history needs one that names it. */
static void put_plan (struct buffer *out, struct bytes fleet, struct digest *ret_digest)
{
    struct arena arena = {0};
    struct buffer document = {0};
    struct plan plan = world_plan (&arena);
    struct entry_rollout entry = {.rollout = 1, .by = "ana", .at = noon};
    plan.fleet = digest_of (fleet.data, fleet.size);
    assert (document_write (&plan_type, &plan, &document, NULL));
    entry.plan.content = buffer_bytes (&document);
    *ret_digest = digest_of (document.data, document.size);
    put_entry (out, &entry_rollout_type, &entry);
    buffer_free (&document);
    arena_free (&arena);
}

static void put_document (
    struct buffer *out, const struct record_type *type, const void *record, const struct record_type *entry)
{
    struct buffer document = {0};
    struct entry_permit made = {.rollout = 1};
    assert (document_write (type, record, &document, NULL));
    made.permit.content = buffer_bytes (&document);
    /* entry_permit, entry_receipt and entry_approval have the same two fields. */
    put_entry (out, entry, &made);
    buffer_free (&document);
}

static void put_rollout (struct buffer *out, struct bytes fleet)
{
    static const char *hosts[] = {"s1"};
    struct digest plan;
    struct permit permit = {
        .step = STAGING,
        .attempt = 1,
        .hosts = hosts,
        .hosts_count = 1,
        .issued = noon,
        .expires = next_year};
    struct receipt receipt = {
        .host = "s1", .step = STAGING, .attempt = 1, .outcome = OUTCOME_KEPT, .counter = 1};
    struct approval approval = {
        .attempt = 1, .decision = DECISION_ABORT, .role = "operator", .name = "op", .expires = next_year};
    struct entry_phase phase = {.rollout = 1, .phase = PHASE_ABORTED, .attempt = 1, .at = noon};
    put_plan (out, fleet, &plan);
    permit.plan = receipt.plan = approval.plan = plan;
    put_document (out, &permit_type, &permit, &entry_permit_type);
    put_document (out, &receipt_type, &receipt, &entry_receipt_type);
    put_document (out, &approval_type, &approval, &entry_approval_type);
    put_entry (out, &entry_phase_type, &phase);
}

static void seed (void)
{
    struct arena arena = {0};
    struct world_document documents[WORLD_DOCUMENTS];
    size_t count = world_documents (&arena, documents);
    struct entry_epoch epoch = {1};
    struct entry_trust trust = {content_of (documents, count, "trust")};
    struct entry_trust next = {content_of (documents, count, "trust-next")};
    struct entry_fleet fleet = {content_of (documents, count, "fleet")};
    struct buffer out = {0};
    put_entry (&out, &entry_epoch_type, &epoch);
    put_entry (&out, &entry_trust_type, &trust);
    put_entry (&out, &entry_fleet_type, &fleet);
    seed_good ("begun", buffer_bytes (&out));
    put_rollout (&out, fleet.document.content);
    put_entry (&out, &entry_trust_type, &next);
    seed_good ("whole", buffer_bytes (&out));
    buffer_free (&out);
    arena_free (&arena);
}

/* One body is changed by its table, the others stay. */
size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most, unsigned seed)
{
    struct dice dice = {seed};
    struct bytes rest = {data, size};
    struct bytes bodies[ROWS_MOST];
    struct arena arena = {0};
    struct buffer out = {0};
    struct message entry;
    size_t count = 0;
    size_t chosen;
    while (rest.size > 0 && count < ROWS_MOST)
        bodies[count++] = take_piece (&rest);
    chosen = count > 0 ? (size_t)dice_roll (&dice, count) : 0;
    if (dice_roll (&dice, 8) > 0 && count > 0 &&
        message_decode (ENTRY, 0, bodies[chosen], &arena, &entry, NULL)) {
        struct buffer body = {0};
        mutate_record (entry.type, (void *)(uintptr_t)entry.record, &arena, &dice);
        if (message_encode (entry.type, entry.record, &body, NULL) && body.size <= UINT16_MAX)
            bodies[chosen] = (struct bytes){arena_copy (&arena, body.data, body.size), body.size};
        buffer_free (&body);
        for (size_t i = 0; i < count; i++)
            put_piece (bodies[i], &out);
    }
    if (out.size > 0 && out.size <= most) {
        (void)memcpy (data, out.data, out.size);
        size = out.size;
    } else {
        size = LLVMFuzzerMutate (data, size, most);
    }
    buffer_free (&out);
    arena_free (&arena);
    return size;
}

const struct fuzz_target fuzz_target = {.most = 32768, .run = run, .seed = seed};
