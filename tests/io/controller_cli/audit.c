/* A history made here with real keys: it holds as it is, and each kind of lie in it is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cli/audit.h"

enum { ROWS_MAX = 32, KEYS = 5 };

static const int64_t start_ms = INT64_C (1780000000000);

enum who { ROOT, OPERATOR, RELEASER, CONTROLLER, HOST };

struct story {
    struct arena arena;
    struct secret_key keys[KEYS];
    struct audit_row rows[ROWS_MAX];
    size_t count;
    struct digest pin;
    struct digest plan;
    struct digest last_receipt;
    uint64_t counter;
    struct digest evidence[ROWS_MAX];
    size_t evidence_count;
};

static struct instant at (const struct story *story)
{
    return (struct instant){start_ms + (int64_t)story->count * 1000};
}

static struct instant later (const struct story *story)
{
    return instant_add (at (story), span_seconds (86400));
}

/* Chains what is there anew: for a liar who can write the journal. */
static void chain (struct story *story)
{
    struct digest before = {0};
    for (size_t i = 0; i < story->count; i++) {
        struct digest_stream stream;
        digest_begin (&stream);
        digest_add (&stream, before.bytes, DIGEST_SIZE);
        digest_add (&stream, story->rows[i].body.data, story->rows[i].body.size);
        before = story->rows[i].chain = digest_end (&stream);
        story->rows[i].sequence = i + 1;
    }
}

static void add (struct story *story, const struct record_type *type, const void *record)
{
    struct buffer body = {0};
    struct audit_row *row = &story->rows[story->count];
    assert_true (message_encode (type, record, &body, NULL));
    row->at = at (story);
    row->body = (struct bytes){arena_copy (&story->arena, body.data, body.size), body.size};
    buffer_free (&body);
    story->count++;
    chain (story);
}

static struct envelope sign (
    struct story *story, const struct record_type *type, const void *record, enum who who)
{
    struct envelope envelope;
    struct error error;
    if (!document_sign (type, record, &story->keys[who], at (story), &story->arena, &envelope, &error))
        fail_msg ("%s", error.text);
    return envelope;
}

static struct envelope trust_document (struct story *story, uint64_t version, struct instant expires)
{
    static const char *names[] = {"root", "operator", "releaser", "controller"};
    struct trust_key *keys = arena_array (&story->arena, 4, sizeof *keys);
    struct trust_role *roles = arena_array (&story->arena, 4, sizeof *roles);
    struct trust trust = {
        .version = version,
        .issued = at (story),
        .expires = expires,
        .keys = keys,
        .keys_count = 4,
        .roles = roles,
        .roles_count = 4};
    for (size_t i = 0; i < 4; i++) {
        keys[i] = (struct trust_key){.name = names[i], .key = story->keys[i].public};
        roles[i] = (struct trust_role){names[i], "", 1, &names[i], 1};
    }
    return sign (story, &trust_type, &trust, ROOT);
}

static void add_trust (struct story *story)
{
    struct entry_trust entry = {.document = trust_document (story, 1, later (story))};
    story->pin = digest_of (entry.document.content.data, entry.document.content.size);
    add (story, &entry_trust_type, &entry);
}

static struct digest add_fleet (struct story *story)
{
    static const char *products[] = {"connect"};
    struct fleet_host host = {
        .name = "h1",
        .environment = "production",
        .products = products,
        .products_count = 1,
        .key = story->keys[HOST].public,
        .wire = {{1}}};
    struct fleet fleet = {
        .version = 1, .issued = at (story), .expires = later (story), .hosts = &host, .hosts_count = 1};
    struct entry_fleet entry = {sign (story, &fleet_type, &fleet, OPERATOR)};
    add (story, &entry_fleet_type, &entry);
    return digest_of (entry.document.content.data, entry.document.content.size);
}

static void add_rollout (struct story *story, struct digest fleet, enum who signer)
{
    static const char *hosts[] = {"h1"};
    static const char *words[] = {"true"};
    struct test probe = {.name = "port", .kind = TEST_TCP, .target = "127.0.0.1:1", .deadline = {1000}};
    struct suite suite = {.name = "smoke", .tests = &probe, .tests_count = 1};
    struct artifact artifact = {"a.tar", digest_of ("a", 1), 1};
    struct step steps[2] = {
        {.number = 1,
         .kind = STEP_DEPLOY,
         .title = "deploy",
         .environment = "production",
         .hosts = hosts,
         .hosts_count = 1,
         .max_parallel = 1,
         .max_unavailable = 1,
         .min_healthy_time = {1000},
         .healthy_deadline = {2000},
         .progress_deadline = {3000}},
        {.number = 2,
         .kind = STEP_TEST,
         .title = "test",
         .environment = "production",
         .hosts = hosts,
         .hosts_count = 1,
         .suite = "smoke"}};
    struct plan plan = {
        .name = "p",
        .product = "connect",
        .version = "1",
        .counter = 1,
        .issued = at (story),
        .expires = later (story),
        .trust_version = 1,
        .fleet_version = 1,
        .fleet = fleet,
        .artifacts = &artifact,
        .artifacts_count = 1,
        .suites = &suite,
        .suites_count = 1,
        .steps = steps,
        .steps_count = 2,
        .profile = {
            .product = "connect",
            .start = {words, 1, {1000}},
            .stop = {words, 1, {1000}},
            .health = &probe,
            .health_count = 1,
            .health_interval = {100},
            .keep_releases = 2}};
    struct entry_rollout entry = {.rollout = 1, .by = "ana", .at = at (story)};
    entry.plan = sign (story, &plan_type, &plan, signer);
    story->plan = digest_of (entry.plan.content.data, entry.plan.content.size);
    add (story, &entry_rollout_type, &entry);
}

static void add_permit (struct story *story, uint64_t step)
{
    static const char *hosts[] = {"h1"};
    struct permit permit = {
        .plan = story->plan,
        .step = step,
        .attempt = 1,
        .hosts = hosts,
        .hosts_count = 1,
        .evidence = story->evidence,
        .evidence_count = story->evidence_count,
        .issued = at (story),
        .expires = later (story)};
    struct entry_permit entry = {1, sign (story, &permit_type, &permit, CONTROLLER)};
    add (story, &entry_permit_type, &entry);
}

static void add_receipt_of (
    struct story *story, uint64_t rollout, uint64_t step, enum outcome outcome, enum who signer)
{
    struct test_result result = {
        .name = "port", .verdict = outcome == OUTCOME_PASSED ? VERDICT_PASSED : VERDICT_FAILED};
    struct receipt receipt = {
        .host = "h1",
        .plan = story->plan,
        .step = step,
        .attempt = 1,
        .outcome = outcome,
        .version = "1",
        .started = at (story),
        .finished = at (story),
        .counter = ++story->counter,
        .before = story->last_receipt,
        .tests = &result,
        .tests_count = step == 2 ? 1 : 0};
    struct entry_receipt entry = {rollout, sign (story, &receipt_type, &receipt, signer)};
    story->last_receipt = digest_of (entry.receipt.content.data, entry.receipt.content.size);
    if (rollout > 0)
        story->evidence[story->evidence_count++] = story->last_receipt;
    add (story, &entry_receipt_type, &entry);
}

static void add_receipt (struct story *story, uint64_t step, enum outcome outcome, enum who signer)
{
    add_receipt_of (story, 1, step, outcome, signer);
}

static void add_healthy (struct story *story)
{
    struct entry_phase entry = {
        .rollout = 1, .phase = PHASE_HEALTHY, .attempt = 1, .at = at (story), .cause = "done"};
    add (story, &entry_phase_type, &entry);
}

static void begin (struct story *story)
{
    *story = (struct story){0};
    for (uint8_t i = 0; i < KEYS; i++) {
        uint8_t seed[KEY_SEED_SIZE] = {i, 7};
        uint8_t number[KEY_NUMBER_SIZE] = {(uint8_t)(i + 1)};
        secret_key_make (seed, number, &story->keys[i]);
    }
}

static void tell_until_rollout (struct story *story)
{
    begin (story);
    add_trust (story);
    add_rollout (story, add_fleet (story), RELEASER);
}

static void tell (struct story *story)
{
    tell_until_rollout (story);
    add_permit (story, 1);
    add_receipt (story, 1, OUTCOME_KEPT, HOST);
    add_permit (story, 2);
    add_receipt (story, 2, OUTCOME_PASSED, HOST);
    add_healthy (story);
}

static bool judge (const struct story *story, struct audit_counts *ret, struct error *error)
{
    struct audit *audit = audit_new (&story->pin);
    bool good = true;
    for (size_t i = 0; good && i < story->count; i++)
        good = audit_judge (audit, &story->rows[i], error);
    good = good && audit_finish (audit, error);
    *ret = audit_counts (audit);
    audit_free (&audit);
    return good;
}

static void expect_lie (struct story *story, const char *words)
{
    struct audit_counts counts;
    struct error error = {0};
    assert_false (judge (story, &counts, &error));
    if (strstr (error.text, words) == NULL)
        fail_msg ("\"%s\" is not in \"%s\"", words, error.text);
    arena_free (&story->arena);
}

static void test_true_story (void **state)
{
    struct story story;
    struct audit_counts counts;
    struct error error = {0};
    (void)state;
    tell (&story);
    if (!judge (&story, &counts, &error))
        fail_msg ("%s", error.text);
    assert_int_equal (counts.rows, 8);
    assert_int_equal (counts.permits, 2);
    assert_int_equal (counts.receipts, 2);
    assert_true (digest_equal (&counts.head, &story.rows[7].chain));
    arena_free (&story.arena);
}

static void test_changed_row (void **state)
{
    struct story story;
    uint8_t *byte;
    (void)state;
    tell (&story);
    byte = (uint8_t *)(uintptr_t)story.rows[3].body.data;
    byte[story.rows[3].body.size / 2] ^= 1;
    expect_lie (&story, "row 4 does not fit the chain");
}

static void test_missing_row (void **state)
{
    struct story story;
    (void)state;
    tell (&story);
    (void)memmove (&story.rows[5], &story.rows[6], 2 * sizeof story.rows[0]);
    story.count--;
    expect_lie (&story, "row 7 stands where row 6 should");
}

static void test_other_trust (void **state)
{
    struct story story;
    (void)state;
    tell (&story);
    story.pin = digest_of ("another", 7);
    expect_lie (&story, "row 1 (entry_trust)");
}

static void add_next_trust (struct story *story, uint64_t version, struct instant expires)
{
    struct entry_trust entry = {.document = trust_document (story, version, expires)};
    add (story, &entry_trust_type, &entry);
}

/* A link that had expired when it came is the way to the next one, and vouches for nothing itself. */
static void test_expired_link (void **state)
{
    struct story story;
    struct audit_counts counts;
    struct error error = {0};
    struct instant past;
    (void)state;
    begin (&story);
    add_trust (&story);
    past.ms = at (&story).ms - 1;
    add_next_trust (&story, 2, past);
    add_next_trust (&story, 3, later (&story));
    add_rollout (&story, add_fleet (&story), RELEASER);
    if (!judge (&story, &counts, &error))
        fail_msg ("%s", error.text);
    assert_int_equal (counts.trusts, 3);
    add_next_trust (&story, 4, past);
    add_permit (&story, 1);
    expect_lie (&story, "row 7 (entry_permit): the trust expired at");
}

static void test_plan_of_a_wrong_key (void **state)
{
    struct story story;
    (void)state;
    begin (&story);
    add_trust (&story);
    add_rollout (&story, add_fleet (&story), CONTROLLER);
    expect_lie (&story, "row 3 (entry_rollout)");
}

static void test_plan_for_an_unknown_fleet (void **state)
{
    struct story story;
    (void)state;
    begin (&story);
    add_trust (&story);
    (void)add_fleet (&story);
    add_rollout (&story, digest_of ("x", 1), RELEASER);
    expect_lie (&story, "fleet document that is not in the history");
}

static void test_permit_before_its_proof (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_permit (&story, 1);
    add_permit (&story, 2);
    expect_lie (&story, "step 2: the gate was not open for h1");
}

static void test_permit_after_a_failure (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_permit (&story, 1);
    add_receipt (&story, 1, OUTCOME_RETURNED, HOST);
    add_permit (&story, 2);
    expect_lie (&story, "the gate was not open");
}

static void test_invented_evidence (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    story.evidence[story.evidence_count++] = digest_of ("invented", 8);
    add_permit (&story, 1);
    expect_lie (&story, "evidence that is not in the history");
}

static void test_forged_receipt (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_permit (&story, 1);
    add_receipt (&story, 1, OUTCOME_KEPT, CONTROLLER);
    expect_lie (&story, "row 5 (entry_receipt)");
}

static void test_receipt_without_permit (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_receipt (&story, 1, OUTCOME_KEPT, HOST);
    expect_lie (&story, "and no permit");
}

/* A host's word that no permit asked for stands without a rollout: no lie, no proof, and a link of its chain.
 */
static void test_strange_receipt (void **state)
{
    struct audit_counts counts;
    struct error error;
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_receipt_of (&story, 0, 1, OUTCOME_KEPT, HOST);
    add_permit (&story, 1);
    add_receipt (&story, 1, OUTCOME_KEPT, HOST);
    if (!judge (&story, &counts, &error))
        fail_msg ("%s", error.text);
    assert_int_equal (counts.receipts, 2);
    add_receipt_of (&story, 0, 2, OUTCOME_PASSED, CONTROLLER);
    expect_lie (&story, "entry_receipt");
}

static void test_left_out_receipt (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_permit (&story, 1);
    story.counter = 1;
    add_receipt (&story, 1, OUTCOME_KEPT, HOST);
    expect_lie (&story, "receipt 1 is missing");
}

static void test_two_faced_host (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_permit (&story, 1);
    add_receipt (&story, 1, OUTCOME_KEPT, HOST);
    story.counter = 0;
    story.last_receipt = (struct digest){0};
    add_receipt (&story, 1, OUTCOME_RETURNED, HOST);
    expect_lie (&story, "two different receipts with the counter 1");
}

static void test_broken_host_chain (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_permit (&story, 1);
    add_receipt (&story, 1, OUTCOME_KEPT, HOST);
    add_permit (&story, 2);
    story.last_receipt = digest_of ("x", 1);
    add_receipt (&story, 2, OUTCOME_PASSED, HOST);
    expect_lie (&story, "receipt 2 of h1 does not follow");
}

static void test_called_healthy (void **state)
{
    struct story story;
    (void)state;
    tell_until_rollout (&story);
    add_permit (&story, 1);
    add_receipt (&story, 1, OUTCOME_KEPT, HOST);
    add_healthy (&story);
    expect_lie (&story, "called Healthy, and step 2 is not proven");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_true_story),
        cmocka_unit_test (test_changed_row),
        cmocka_unit_test (test_missing_row),
        cmocka_unit_test (test_other_trust),
        cmocka_unit_test (test_expired_link),
        cmocka_unit_test (test_plan_of_a_wrong_key),
        cmocka_unit_test (test_plan_for_an_unknown_fleet),
        cmocka_unit_test (test_permit_before_its_proof),
        cmocka_unit_test (test_permit_after_a_failure),
        cmocka_unit_test (test_invented_evidence),
        cmocka_unit_test (test_forged_receipt),
        cmocka_unit_test (test_receipt_without_permit),
        cmocka_unit_test (test_strange_receipt),
        cmocka_unit_test (test_left_out_receipt),
        cmocka_unit_test (test_two_faced_host),
        cmocka_unit_test (test_broken_host_chain),
        cmocka_unit_test (test_called_healthy),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
