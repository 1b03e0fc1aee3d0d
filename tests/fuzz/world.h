/* The small world of the unit tests (tests/unit/common_core/world.h) for fuzz targets, a document of every
   purpose from it, and the right signatures for whatever was made of them. */
#ifndef RELEVO_TESTS_FUZZ_WORLD_H
#define RELEVO_TESTS_FUZZ_WORLD_H

#include "tests/fuzz/fuzz.h"

#define assert_true(condition) assert (condition)
#include "tests/unit/common_core/world.h"

enum { WORLD_KEYS = 16, WORLD_DOCUMENTS = 10 };

/* The keys of world_trust, and those of the hosts of world_fleet. */
static inline const struct secret_key *world_key (const char *name)
{
    static const char *const names[WORLD_KEYS] = {"root-1", "root-2", "op",  "rel-1", "rel-2", "ctl",
                                                  "ana",    "luis",   "eva", "bo",    "s1",    "p1",
                                                  "p2",     "p3",     "p4",  "p9"};
    static struct secret_key keys[WORLD_KEYS];
    static bool made;
    for (size_t i = 0; i < WORLD_KEYS && !made; i++)
        keys[i] = key_named (names[i]);
    made = true;
    for (size_t i = 0; i < WORLD_KEYS; i++)
        if (strcmp (names[i], name) == 0)
            return &keys[i];
    return NULL;
}

/* The content, signed by those of the keys that are in the world. */
static inline struct envelope sign_content (
    struct bytes content, const char *const *names, size_t count, struct arena *arena)
{
    struct envelope envelope = {
        .content = content, .signatures = arena_array (arena, count, sizeof (char *))};
    for (size_t i = 0; i < count; i++) {
        const struct secret_key *key = world_key (names[i]);
        struct buffer text = {0};
        if (key == NULL)
            continue;
        assert_true (signature_make (key, content, "", &text, NULL));
        envelope.signatures[envelope.signatures_count++] = arena_text (arena, text.data);
        buffer_free (&text);
    }
    return envelope;
}

/* Signed as its purpose wants it, by whom it names; unsigned where it is no document. */
static inline struct envelope sign_as_wanted (struct bytes content, struct arena *arena)
{
    static const char *const roots[] = {"root-1", "root-2"};
    static const char *const releasers[] = {"rel-1", "rel-2"};
    static const char *const controller[] = {"ctl"};
    static const char *const operators[] = {"op"};
    const struct record_type *type;
    struct receipt receipt;
    struct approval approval;
    if (!document_type (content, &type, NULL))
        return (struct envelope){.content = content};
    if (type == &trust_type)
        return sign_content (content, roots, 2, arena);
    if (type == &fleet_type)
        return sign_content (content, operators, 1, arena);
    if (type == &plan_type)
        return sign_content (content, releasers, 2, arena);
    if (type == &receipt_type && document_read (type, content, arena, &receipt, NULL))
        return sign_content (content, &receipt.host, 1, arena);
    if (type == &approval_type && document_read (type, content, arena, &approval, NULL))
        return sign_content (content, &approval.name, 1, arena);
    return sign_content (content, controller, 1, arena);
}

struct world_document {
    const char *name;
    const struct record_type *type;
    struct bytes content;
};

static inline void world_add (
    struct world_document *documents, size_t *count, const char *name, const struct record_type *type,
    const void *record, struct arena *arena)
{
    struct buffer out = {0};
    assert_true (*count < WORLD_DOCUMENTS);
    assert_true (document_write (type, record, &out, NULL));
    documents[(*count)++] =
        (struct world_document){name, type, {arena_copy (arena, out.data, out.size), out.size}};
    buffer_free (&out);
}

/* What permit, receipts and approvals are about: world_plan as a document. */
static inline struct digest world_plan_digest (void)
{
    struct arena arena = {0};
    struct plan plan = world_plan (&arena);
    struct buffer out = {0};
    struct digest digest;
    assert_true (document_write (&plan_type, &plan, &out, NULL));
    digest = digest_of (out.data, out.size);
    buffer_free (&out);
    arena_free (&arena);
    return digest;
}

static inline void world_add_words (
    struct world_document *documents, size_t *count, struct digest plan, struct arena *arena)
{
    static struct test_result result = {.name = "answers", .verdict = VERDICT_PASSED, .took = {10}};
    struct receipt kept = {
        .host = "s1",
        .plan = plan,
        .step = STAGING,
        .attempt = 1,
        .outcome = OUTCOME_KEPT,
        .version = "2",
        .previous = "1",
        .started = noon,
        .finished = noon,
        .counter = 1};
    struct receipt passed = kept;
    struct approval approve = {
        .plan = plan,
        .step = SIGNOFF,
        .attempt = 1,
        .decision = DECISION_APPROVE,
        .role = "managers",
        .name = "ana",
        .comment = "good",
        .issued = noon,
        .expires = next_year};
    struct approval abort = {
        .plan = plan,
        .attempt = 1,
        .decision = DECISION_ABORT,
        .role = "operator",
        .name = "op",
        .issued = noon,
        .expires = next_year};
    passed.step = STAGING_TEST;
    passed.outcome = OUTCOME_PASSED;
    passed.tests = &result;
    passed.tests_count = 1;
    passed.counter = 2;
    world_add (documents, count, "receipt-kept", &receipt_type, &kept, arena);
    world_add (documents, count, "receipt-passed", &receipt_type, &passed, arena);
    world_add (documents, count, "approval", &approval_type, &approve, arena);
    world_add (documents, count, "approval-abort", &approval_type, &abort, arena);
}

/* One of every purpose, and more. Returns how many. */
static inline size_t world_documents (struct arena *arena, struct world_document documents[WORLD_DOCUMENTS])
{
    static const char *hosts[] = {"s1"};
    struct trust trust = world_trust (arena);
    struct fleet fleet = world_fleet (arena);
    struct plan plan = world_plan (arena);
    struct digest digest = world_plan_digest ();
    struct permit permit = {
        .plan = digest,
        .kind = PERMIT_STEP,
        .step = STAGING,
        .attempt = 1,
        .hosts = hosts,
        .hosts_count = 1,
        .issued = noon,
        .expires = next_year};
    struct tick tick = {
        .epoch = 1,
        .sequence = 2,
        .issued = noon,
        .expires = next_year,
        .trust_version = 1,
        .fleet_version = 1};
    size_t count = 0;
    world_add (documents, &count, "trust", &trust_type, &trust, arena);
    trust.version = 2;
    world_add (documents, &count, "trust-next", &trust_type, &trust, arena);
    world_add (documents, &count, "fleet", &fleet_type, &fleet, arena);
    world_add (documents, &count, "plan", &plan_type, &plan, arena);
    world_add (documents, &count, "permit", &permit_type, &permit, arena);
    world_add (documents, &count, "tick", &tick_type, &tick, arena);
    world_add_words (documents, &count, digest, arena);
    return count;
}

#endif
