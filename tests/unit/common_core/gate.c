/* The gate: a plan of ten steps is walked through with real evidence, and at each place everything that must
   not open it is tried. */
#include "tests/unit/common_core/gate_world.h"

/* ------------------------------------------------------------------------------------ the way through */

static void test_whole_way (void **state)
{
    struct world *world = *state;
    assert_true (is_open (world, STAGING, "s1"));
    assert_false (is_open (world, STAGING_TEST, "s1"));
    assert_says (world, "step 1 (deploy): 0 of 1 hosts have kept; waiting for s1");
    assert_int_equal (world->error.kind, ERROR_CONFLICT);
    walk_to (world, STEPS + 1);
    for (uint64_t step = 1; step <= STEPS; step++) {
        assert_true (is_done (world, step));
        assert_true (is_open (world, step, NULL));
    }
    assert_true (is_open (world, FINAL_TEST, "p4"));
    assert_false (gate_is_closed (&world->gate, NULL));
    assert_false (gate_return_open (&world->gate, &world->error));
    assert_says (world, "no reason to return");
}

/* Each step opens only once every step before it is done. */
static void test_each_in_its_turn (void **state)
{
    static const char *const hosts[STEPS + 1] = {
        [STAGING] = "s1",     [STAGING_TEST] = "s1", [CANARY] = "p1",
        [CANARY_TEST] = "p1", [REST] = "p2",         [FINAL_TEST] = "p1"};
    (void)state;
    for (uint64_t reached = 1; reached <= STEPS; reached++) {
        void *own = NULL;
        struct world *world;
        assert_int_equal (enter (&own), 0);
        world = own;
        walk_to (world, reached);
        for (uint64_t step = 1; step <= STEPS; step++) {
            assert_int_equal (is_open (world, step, hosts[step]), step <= reached);
            assert_int_equal (is_done (world, step), step < reached || step == NOTIFY);
        }
        assert_int_equal (leave (&own), 0);
    }
}

static void test_host_of_the_step (void **state)
{
    struct world *world = *state;
    assert_false (is_open (world, STAGING, "p1"));
    assert_says (world, "p1 is not one of the hosts of step 1");
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    assert_false (is_open (world, STAGING, "p9"));
    assert_false (is_open (world, STAGING, ""));
    assert_false (is_open (world, 0, "s1"));
    assert_false (is_open (world, STEPS + 1, "s1"));
    assert_says (world, "no step 11");
    walk_to (world, NOTIFY);
    assert_false (is_open (world, NOTIFY, "p1"));
    assert_true (is_open (world, NOTIFY, NULL));
    assert_false (is_done (world, 0));
    assert_false (is_done (world, STEPS + 1));
}

/* ------------------------------------------------------------------------------------ order within a cohort
 */

static size_t window (struct world *world, uint64_t step, size_t ret[4])
{
    size_t count = gate_deploy_window (&world->gate, step, ret);
    const struct step *deploy = &world->plan.steps[step - 1];
    for (size_t i = 0; i < count; i++)
        assert_true (is_open (world, step, deploy->hosts[ret[i]]));
    return count;
}

static void test_window (void **state)
{
    struct world *world = *state;
    size_t hosts[4];
    walk_to (world, PAUSE);
    assert_int_equal (window (world, REST, hosts), 0);
    world->gate.now = instant_add (noon, span_seconds (600));
    assert_int_equal (window (world, REST, hosts), 2);
    assert_true (hosts[0] == 0 && hosts[1] == 1);
    assert_false (is_open (world, REST, "p4"));
    assert_says (world, "0 of the 2 hosts before p4 have kept, and only 2 may be at work at once");
    says (world, "p3", REST, OUTCOME_KEPT);
    assert_int_equal (window (world, REST, hosts), 2);
    assert_true (hosts[0] == 0 && hosts[1] == 2);
    assert_true (is_open (world, REST, "p4"));
    says (world, "p2", REST, OUTCOME_KEPT);
    assert_int_equal (window (world, REST, hosts), 1);
    assert_false (is_done (world, REST));
    assert_says (world, "2 of 3 hosts have kept; waiting for p4");
    says (world, "p4", REST, OUTCOME_KEPT);
    assert_int_equal (window (world, REST, hosts), 0);
    assert_true (is_done (world, REST));
    assert_int_equal (gate_deploy_window (&world->gate, FINAL_TEST, hosts), 0);
    assert_int_equal (gate_deploy_window (&world->gate, 0, hosts), 0);
    assert_int_equal (gate_deploy_window (&world->gate, STEPS + 1, hosts), 0);
}

static void test_window_one_at_a_time (void **state)
{
    struct world *world = *state;
    size_t hosts[4];
    static const char *const cohort[] = {"p2", "p3", "p4"};
    world->plan.steps[REST - 1].max_parallel = 3;
    world->plan.steps[REST - 1].max_unavailable = 1; /* the narrower of the two counts */
    walk_to (world, REST);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal (window (world, REST, hosts), 1);
        assert_int_equal (hosts[0], i);
        for (size_t j = 0; j < 3; j++)
            assert_int_equal (is_open (world, REST, cohort[j]), j <= i);
        says (world, cohort[i], REST, OUTCOME_KEPT);
    }
    assert_int_equal (window (world, REST, hosts), 0);
}

static void test_window_closes (void **state)
{
    struct world *world = *state;
    size_t hosts[4];
    walk_to (world, REST);
    assert_int_equal (window (world, REST, hosts), 2);
    says (world, "p2", REST, OUTCOME_RETURNED);
    assert_int_equal (window (world, REST, hosts), 0);
    assert_false (is_open (world, REST, "p3"));
}

/* ------------------------------------------------------------------------------------ failures */

static void test_every_failure_closes (void **state)
{
    static const enum outcome bad[] = {OUTCOME_REFUSED, OUTCOME_RETURNED, OUTCOME_STUCK, OUTCOME_FAILED};
    (void)state;
    for (size_t i = 0; i < COUNT_OF (bad); i++) {
        void *own = NULL;
        struct world *world;
        assert_int_equal (enter (&own), 0);
        world = own;
        walk_to (world, CANARY_TEST);
        says (world, "p1", CANARY_TEST, bad[i]);
        says (world, "p1", CANARY_TEST, OUTCOME_PASSED); /* a second word does not undo the first */
        assert_false (is_open (world, CANARY_TEST, "p1"));
        assert_false (is_open (world, MANUAL, NULL));
        assert_says (world, "step 4: p1 says");
        assert_int_equal (world->error.kind, ERROR_REFUSED);
        assert_true (gate_is_closed (&world->gate, &world->error));
        assert_true (gate_return_open (&world->gate, &world->error));
        assert_int_equal (leave (&own), 0);
    }
}

/* "passed" is no more than what its results say: none, too many, another's, a failed one. */
static void test_passed_without_its_tests (void **state)
{
    static struct test_result results[][2] = {
        {{.name = "answers", .verdict = VERDICT_FAILED}},
        {{.name = "something", .verdict = VERDICT_PASSED}},
        {{.name = "answers", .verdict = VERDICT_PASSED}, {.name = "answers", .verdict = VERDICT_PASSED}},
        {{.name = "answers", .verdict = VERDICT_PASSED}},
    };
    static const size_t counts[] = {1, 1, 2, 0};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct receipt receipt;
        void *own;
        struct world *world;
        assert_int_equal (enter (&own), 0);
        world = own;
        walk_to (world, CANARY_TEST);
        receipt = receipt_of (world, "p1", CANARY_TEST, OUTCOME_PASSED);
        receipt.tests = results[i];
        receipt.tests_count = counts[i];
        assert_true (add (world, &receipt_type, &receipt, "p1"));
        assert_false (is_done (world, CANARY_TEST));
        assert_false (is_open (world, MANUAL, NULL));
        assert_says (world, "p1 says passed, and its test results do not");
        assert_true (gate_return_open (&world->gate, &world->error));
        assert_int_equal (leave (&own), 0);
    }
}

/* The outcome must fit the kind of step: a test that was passed does not prove that the release was kept. */
static void test_outcome_fits (void **state)
{
    struct world *world = *state;
    says (world, "s1", STAGING, OUTCOME_PASSED);
    assert_false (is_done (world, STAGING));
    says (world, "s1", STAGING, OUTCOME_KEPT);
    says (world, "s1", STAGING_TEST, OUTCOME_KEPT);
    assert_false (is_done (world, STAGING_TEST));
    assert_false (is_open (world, CANARY, "p1"));
    assert_says (world, "0 of 1 hosts have passed; waiting for s1");
}

static void test_return (void **state)
{
    struct world *world = *state;
    walk_to (world, STAGING_TEST);
    assert_false (gate_return_open (&world->gate, NULL));
    says (world, "s1", 0, OUTCOME_RETURNED);
    assert_true (gate_return_open (&world->gate, NULL));
    assert_true (gate_is_closed (&world->gate, &world->error));
    assert_says (world, "s1 went back: returned");
    assert_true (is_done (world, STAGING));
    assert_false (is_open (world, STAGING_TEST, "s1"));
}

static void test_first_cause (void **state)
{
    struct world *world = *state;
    says (world, "s1", 0, OUTCOME_RETURNED);
    decides (world, "op", 0, DECISION_ABORT, "operator");
    assert_true (gate_is_closed (&world->gate, &world->error));
    assert_says (world, "aborted by op (because)");
    says (world, "p3", REST, OUTCOME_STUCK);
    says (world, "s1", STAGING_TEST, OUTCOME_FAILED);
    assert_true (gate_is_closed (&world->gate, &world->error));
    assert_says (world, "step 2: s1 says failed");
}

static void test_decisions_that_close (void **state)
{
    static const enum decision decisions[] = {DECISION_ABORT, DECISION_UNDO, DECISION_PAUSE, DECISION_RESUME};
    (void)state;
    for (size_t i = 0; i < COUNT_OF (decisions); i++) {
        bool closes = decisions[i] == DECISION_ABORT || decisions[i] == DECISION_UNDO;
        void *own = NULL;
        struct world *world;
        assert_int_equal (enter (&own), 0);
        world = own;
        decides (world, "op", 0, decisions[i], "operator");
        assert_int_equal (is_open (world, STAGING, "s1"), !closes);
        assert_int_equal (gate_is_closed (&world->gate, NULL), closes);
        assert_int_equal (gate_return_open (&world->gate, NULL), closes);
        assert_int_equal (leave (&own), 0);
    }
}

/* ------------------------------------------------------------------------------------ what people say */

static void test_quorum (void **state)
{
    struct world *world = *state;
    struct approval again;
    walk_to (world, SIGNOFF);
    assert_false (is_done (world, SIGNOFF));
    assert_says (world, "0 of 2 approvals by managers (nobody yet)");
    decides (world, "ana", SIGNOFF, DECISION_APPROVE, "managers");
    again = approval_of (world, "ana", SIGNOFF, DECISION_APPROVE, "managers");
    again.comment = "once more, in other words";
    assert_true (add (world, &approval_type, &again, "ana"));
    assert_int_equal (world->gate.approval_count, 3);
    assert_false (is_done (world, SIGNOFF));
    assert_says (world, "1 of 2 approvals by managers (ana)");
    assert_int_equal (world->error.kind, ERROR_CONFLICT);
    decides (world, "eva", SIGNOFF, DECISION_APPROVE, "managers");
    assert_true (is_done (world, SIGNOFF));
}

/* The same key under another name in the trust document stays one key. */
static void test_quorum_by_key (void **state)
{
    struct world *world = *state;
    struct approval approval;
    struct public_key key = key_named ("ana").public;
    walk_to (world, SIGNOFF);
    decides (world, "ana", SIGNOFF, DECISION_APPROVE, "managers");
    approval = approval_of (world, "luis", SIGNOFF, DECISION_APPROVE, "managers");
    gate_take_approval (&world->gate, digest_of ("x", 1), &approval, &key, &world->arena);
    assert_false (is_done (world, SIGNOFF));
    key = key_named ("luis").public;
    gate_take_approval (&world->gate, digest_of ("y", 1), &approval, &key, &world->arena);
    assert_true (is_done (world, SIGNOFF));
}

static void test_other_evidence (void **state)
{
    struct world *world = *state;
    struct approval stale;
    walk_to (world, SIGNOFF);
    decides (world, "ana", SIGNOFF, DECISION_APPROVE, "managers");
    stale = approval_of (world, "luis", SIGNOFF, DECISION_APPROVE, "managers");
    stale.evidence.bytes[31] ^= 1;
    assert_true (add (world, &approval_type, &stale, "luis"));
    assert_false (is_done (world, SIGNOFF));
    assert_says (world, "different evidence");
    assert_false (is_open (world, PAUSE, NULL));
    stale.evidence = (struct digest){{0}};
    assert_true (add (world, &approval_type, &stale, "luis"));
    assert_false (is_done (world, SIGNOFF));
    decides (world, "luis", SIGNOFF, DECISION_APPROVE, "managers");
    assert_true (is_done (world, SIGNOFF));
    /* Another word of a host changes what they saw. */
    says (world, "p1", CANARY_TEST, OUTCOME_PASSED);
    assert_false (is_done (world, SIGNOFF));
}

static void test_rejection (void **state)
{
    struct world *world = *state;
    struct approval rejection;
    walk_to (world, PAUSE);
    assert_true (is_done (world, SIGNOFF));
    rejection = approval_of (world, "eva", SIGNOFF, DECISION_REJECT, "managers");
    rejection.evidence = (struct digest){{0}}; /* a no counts, whatever was seen */
    rejection.comment = "the graphs look wrong";
    assert_true (add (world, &approval_type, &rejection, "eva"));
    assert_false (is_done (world, SIGNOFF));
    assert_says (world, "step 6: rejected by eva (the graphs look wrong)");
    assert_false (is_open (world, STAGING, "s1"));
    assert_true (gate_return_open (&world->gate, NULL));
}

static void test_skip (void **state)
{
    struct world *world = *state;
    struct approval skip;
    walk_to (world, MANUAL);
    skip = approval_of (world, "bo", MANUAL, DECISION_SKIP, "testers");
    skip.comment = "  ";
    assert_false (add (world, &approval_type, &skip, "bo"));
    assert_says (world, "comment");
    skip.comment = "hotfix";
    skip.evidence.bytes[0] ^= 1;
    assert_true (add (world, &approval_type, &skip, "bo"));
    assert_false (is_done (world, MANUAL));
    decides (world, "bo", MANUAL, DECISION_SKIP, "testers");
    assert_true (is_done (world, MANUAL));
    skip = approval_of (world, "ana", SIGNOFF, DECISION_SKIP, "managers");
    assert_false (add (world, &approval_type, &skip, "ana"));
    assert_says (world, "not optional");
    assert_false (is_done (world, SIGNOFF));
    world->plan.steps[MANUAL - 1].optional = false;
    assert_false (is_done (world, MANUAL));
    skip = approval_of (world, "bo", MANUAL, DECISION_SKIP, "testers");
    assert_false (add (world, &approval_type, &skip, "bo"));
}

static void test_wrong_role (void **state)
{
    struct world *world = *state;
    struct approval approval;
    walk_to (world, MANUAL);
    approval = approval_of (world, "luis", MANUAL, DECISION_APPROVE, "managers");
    assert_false (add (world, &approval_type, &approval, "luis"));
    assert_says (world, "takes the role testers, not managers");
    approval = approval_of (world, "luis", MANUAL, DECISION_APPROVE, "testers");
    assert_false (add (world, &approval_type, &approval, "luis"));
    assert_says (world, "luis is not in the role testers");
    approval = approval_of (world, "bo", SIGNOFF, DECISION_APPROVE, "managers");
    assert_false (add (world, &approval_type, &approval, "bo")); /* a manager, and not of production */
    approval = approval_of (world, "ctl", MANUAL, DECISION_APPROVE, "testers");
    assert_false (add (world, &approval_type, &approval, "ctl"));
    approval = approval_of (world, "ana", 0, DECISION_ABORT, "managers");
    assert_false (add (world, &approval_type, &approval, "ana"));
    approval = approval_of (world, "ana", 0, DECISION_ABORT, "operator");
    assert_false (add (world, &approval_type, &approval, "ana"));
    approval = approval_of (world, "bo", CANARY, DECISION_APPROVE, "testers");
    assert_false (add (world, &approval_type, &approval, "bo"));
    assert_says (world, "is not one that people approve");
    approval = approval_of (world, "op", MANUAL, DECISION_PROMOTE, "operator");
    assert_false (add (world, &approval_type, &approval, "op"));
    assert_says (world, "no pause");
    assert_int_equal (world->gate.approval_count, 0);
}

static void test_expired_approval (void **state)
{
    struct world *world = *state;
    struct approval approval;
    walk_to (world, MANUAL);
    approval = approval_of (world, "bo", MANUAL, DECISION_APPROVE, "testers");
    approval.expires = noon;
    assert_false (add (world, &approval_type, &approval, "bo"));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
}

/* ------------------------------------------------------------------------------------ pauses */

static void test_pause_by_duration (void **state)
{
    struct world *world = *state;
    struct receipt late;
    walk_to (world, PAUSE);
    assert_false (is_done (world, PAUSE));
    assert_int_equal (world->error.kind, ERROR_CONFLICT);
    world->gate.now.ms += 599999;
    assert_false (is_open (world, REST, "p2"));
    assert_says (world, "step 7 (pause): the pause goes on for");
    world->gate.now.ms += 1;
    assert_true (is_done (world, PAUSE));
    assert_true (is_open (world, REST, "p2"));
    late = receipt_of (world, "p2", REST, OUTCOME_KEPT); /* what comes after does not start it again */
    late.finished = world->gate.now;
    assert_true (add (world, &receipt_type, &late, "p2"));
    assert_true (is_done (world, PAUSE));
}

/* People may think for longer than the pause lasts: it begins behind them. */
static void test_pause_after_late_sign_off (void **state)
{
    struct world *world = *state;
    struct approval approval;
    walk_to (world, SIGNOFF);
    decides (world, "ana", SIGNOFF, DECISION_APPROVE, "managers");
    world->gate.now = instant_add (noon, span_seconds (7200));
    approval = approval_of (world, "luis", SIGNOFF, DECISION_APPROVE, "managers");
    approval.issued = world->gate.now;
    assert_true (add (world, &approval_type, &approval, "luis"));
    assert_false (is_done (world, PAUSE));
    assert_int_equal (gate_pause_end (&world->gate, PAUSE).ms, world->gate.now.ms + 600000);
    approval = approval_of (world, "op", 0, DECISION_RESUME, "operator"); /* not about a step */
    world->gate.now = instant_add (world->gate.now, span_seconds (600));
    approval.issued = world->gate.now;
    assert_true (add (world, &approval_type, &approval, "op"));
    assert_true (is_done (world, PAUSE));
    assert_int_equal (gate_pause_end (&world->gate, SIGNOFF).ms, INT64_MAX);
}

static void test_pause_by_promote (void **state)
{
    struct world *world = *state;
    struct approval promote;
    walk_to (world, PAUSE);
    promote = approval_of (world, "op", PAUSE, DECISION_PROMOTE, "operator");
    promote.evidence.bytes[5] ^= 1;
    assert_true (add (world, &approval_type, &promote, "op"));
    assert_false (is_done (world, PAUSE));
    decides (world, "op", PAUSE, DECISION_PROMOTE, "operator");
    assert_true (is_done (world, PAUSE));
    assert_true (is_open (world, REST, "p3"));
}

static void test_pause_without_duration (void **state)
{
    struct world *world = *state;
    world->plan.steps[PAUSE - 1].duration = (struct span){0};
    walk_to (world, PAUSE);
    world->gate.now = (struct instant){INT64_MAX};
    assert_false (is_done (world, PAUSE));
    assert_says (world, "waiting for an operator to promote");
    world->gate.now = noon;
    decides (world, "op", PAUSE, DECISION_PROMOTE, "operator");
    assert_true (is_done (world, PAUSE));
}

/* ------------------------------------------------------------------------------------ attempts */

static void test_attempts (void **state)
{
    struct world *world = *state;
    world->gate.attempt = 0;
    assert_false (is_open (world, STAGING, "s1"));
    world->gate.attempt = 2;
    assert_false (is_open (world, STAGING, "s1"));
    assert_says (world, "no operator's retry opens attempt 2");
    decides (world, "op", 0, DECISION_PAUSE, "operator");
    assert_false (is_open (world, STAGING, "s1"));
    decides (world, "op", 0, DECISION_RETRY, "operator");
    assert_true (is_open (world, STAGING, "s1"));
    walk_to (world, STEPS + 1);
    assert_true (is_done (world, FINAL_TEST));
}

static void test_attempts_do_not_mix (void **state)
{
    struct world *world = *state;
    struct receipt receipt = receipt_of (world, "s1", STAGING, OUTCOME_KEPT);
    struct approval retry = approval_of (world, "op", 0, DECISION_RETRY, "operator");
    assert_false (add (world, &approval_type, &retry, "op")); /* nothing opens attempt 1 */
    world->gate.attempt = 2;
    assert_false (add (world, &receipt_type, &receipt, "s1"));
    assert_says (world, "attempt 1, where attempt 2");
    retry.attempt = 3;
    assert_false (add (world, &approval_type, &retry, "op"));
    assert_false (is_open (world, STAGING, "s1"));
    assert_int_equal (world->gate.receipt_count + world->gate.approval_count, 0);
}

/* ------------------------------------------------------------------------------------ what is no evidence */

static void test_evidence_refused (void **state)
{
    struct world *world = *state;
    struct receipt good = receipt_of (world, "s1", STAGING, OUTCOME_KEPT);
    struct receipt receipt = good;
    struct tick tick = {.epoch = 1, .expires = next_year};
    assert_false (add (world, &receipt_type, &good, "ctl")); /* the controller's word is no host's */
    assert_false (add (world, &receipt_type, &good, "p1"));
    assert_false (add (world, &tick_type, &tick, "ctl"));
    assert_says (world, "a tick document proves nothing here");
    receipt.plan.bytes[0] ^= 1;
    assert_false (add (world, &receipt_type, &receipt, "s1"));
    assert_says (world, "another plan");
    receipt = good;
    receipt.host = "p9"; /* in the fleet, and not in the plan */
    assert_false (add (world, &receipt_type, &receipt, "p9"));
    assert_says (world, "p9 is not one of the hosts of step 1");
    receipt.kind = PERMIT_RETURN;
    receipt.step = 0;
    assert_false (add (world, &receipt_type, &receipt, "p9"));
    receipt = good;
    receipt.step = STEPS + 1;
    assert_false (add (world, &receipt_type, &receipt, "s1"));
    receipt.step = MANUAL;
    assert_false (add (world, &receipt_type, &receipt, "s1"));
    assert_int_equal (world->gate.receipt_count, 0);
    assert_true (add (world, &receipt_type, &good, "s1"));
}

static void test_every_byte (void **state)
{
    struct world *world = *state;
    struct receipt receipt = receipt_of (world, "s1", STAGING, OUTCOME_KEPT);
    struct envelope envelope = signed_by_one (&receipt_type, &receipt, "s1", &world->arena);
    uint8_t *content = arena_copy (&world->arena, envelope.content.data, envelope.content.size);
    envelope.content.data = content;
    for (size_t i = 0; i < envelope.content.size; i++) {
        content[i] ^= 4;
        assert_false (gate_add (&world->gate, &world->trust, &world->fleet, &envelope, &world->arena, NULL));
        content[i] ^= 4;
    }
    assert_true (gate_add (&world->gate, &world->trust, &world->fleet, &envelope, &world->arena, NULL));
}

static void test_twice_counts_once (void **state)
{
    struct world *world = *state;
    struct receipt receipt = receipt_of (world, "s1", STAGING, OUTCOME_KEPT);
    struct approval pause = approval_of (world, "op", 0, DECISION_PAUSE, "operator");
    for (int i = 0; i < 3; i++) {
        assert_true (add (world, &receipt_type, &receipt, "s1"));
        assert_true (add (world, &approval_type, &pause, "op"));
    }
    assert_int_equal (world->gate.receipt_count, 1);
    assert_int_equal (world->gate.approval_count, 1);
}

/* ------------------------------------------------------------------------------------ the digest, and size
 */

static void test_digest (void **state)
{
    struct world *world = *state;
    struct world *other;
    void *own = NULL;
    struct digest first;
    struct digest again;
    const struct receipt *receipts[2];
    walk_to (world, MANUAL);
    first = gate_evidence_digest (&world->gate, MANUAL);
    again = gate_evidence_digest (&world->gate, SIGNOFF);
    assert_true (digest_equal (&first, &again)); /* people's words are not in it */
    again = gate_evidence_digest (&world->gate, CANARY);
    assert_false (digest_equal (&first, &again));
    assert_int_equal (enter (&own), 0);
    other = own;
    for (size_t i = world->gate.receipt_count; i > 0; i--) /* the other way round */
        gate_take_receipt (
            &other->gate, world->gate.receipts[i - 1].digest, world->gate.receipts[i - 1].receipt,
            &other->arena);
    again = gate_evidence_digest (&other->gate, MANUAL);
    assert_true (digest_equal (&first, &again));
    other->gate.plan_digest.bytes[0] ^= 1;
    again = gate_evidence_digest (&other->gate, MANUAL);
    assert_false (digest_equal (&first, &again));
    receipts[0] = world->gate.receipts[0].receipt;
    receipts[1] = other->gate.receipts[0].receipt;
    assert_ptr_equal (receipts[0], receipts[1]); /* sorted alike */
    assert_int_equal (leave (&own), 0);
}

/* The digest, written out: the plan's, then each receipt's in the plan's order. */
static void test_digest_bytes (void **state)
{
    struct world *world = *state;
    struct digest_stream stream;
    struct digest expected;
    struct digest got;
    walk_to (world, CANARY_TEST);
    digest_begin (&stream);
    digest_add (&stream, world->gate.plan_digest.bytes, DIGEST_SIZE);
    for (size_t i = 0; i < 3; i++)
        digest_add (&stream, world->gate.receipts[i].digest.bytes, DIGEST_SIZE);
    expected = digest_end (&stream);
    got = gate_evidence_digest (&world->gate, CANARY_TEST);
    assert_true (digest_equal (&expected, &got));
    digest_begin (&stream);
    digest_add (&stream, world->gate.plan_digest.bytes, DIGEST_SIZE);
    expected = digest_end (&stream);
    got = gate_evidence_digest (&world->gate, STAGING);
    assert_true (digest_equal (&expected, &got));
}

/* Thousands of hosts, whose receipts come in any order. */
static void test_many_hosts (void **state)
{
    enum { HOSTS = 3000, STRIDE = 1009 };
    struct world *world = *state;
    struct step *rest = &world->plan.steps[REST - 1];
    size_t *hosts = arena_array (&world->arena, HOSTS, sizeof *hosts);
    walk_to (world, REST);
    rest->hosts = arena_array (&world->arena, HOSTS, sizeof *rest->hosts);
    rest->hosts_count = HOSTS;
    rest->max_parallel = rest->max_unavailable = HOSTS;
    for (size_t i = 0; i < HOSTS; i++)
        rest->hosts[i] = arena_format (&world->arena, "web-%zu", i);
    assert_int_equal (gate_deploy_window (&world->gate, REST, hosts), HOSTS);
    for (size_t i = 0; i < HOSTS; i++) {
        struct receipt *receipt = arena_take (&world->arena, sizeof *receipt);
        const char *host = rest->hosts[i * STRIDE % HOSTS];
        assert_false (is_done (world, REST));
        *receipt = receipt_of (world, host, REST, OUTCOME_KEPT);
        gate_take_receipt (&world->gate, digest_of (host, strlen (host)), receipt, &world->arena);
        if (i == HOSTS / 2) {
            assert_int_equal (gate_deploy_window (&world->gate, REST, hosts), HOSTS - i - 1);
            assert_false (is_done (world, REST));
            assert_says (world, "more");
        }
    }
    assert_true (is_done (world, REST));
    assert_int_equal (gate_deploy_window (&world->gate, REST, hosts), 0);
}

#define UNIT(function) cmocka_unit_test_setup_teardown (function, enter, leave)

int main (void)
{
    const struct CMUnitTest tests[] = {
        UNIT (test_whole_way),
        UNIT (test_each_in_its_turn),
        UNIT (test_host_of_the_step),
        UNIT (test_window),
        UNIT (test_window_one_at_a_time),
        UNIT (test_window_closes),
        UNIT (test_every_failure_closes),
        cmocka_unit_test (test_passed_without_its_tests),
        UNIT (test_outcome_fits),
        UNIT (test_return),
        UNIT (test_first_cause),
        UNIT (test_decisions_that_close),
        UNIT (test_quorum),
        UNIT (test_quorum_by_key),
        UNIT (test_other_evidence),
        UNIT (test_rejection),
        UNIT (test_skip),
        UNIT (test_wrong_role),
        UNIT (test_expired_approval),
        UNIT (test_pause_by_duration),
        UNIT (test_pause_after_late_sign_off),
        UNIT (test_pause_by_promote),
        UNIT (test_pause_without_duration),
        UNIT (test_attempts),
        UNIT (test_attempts_do_not_mix),
        UNIT (test_evidence_refused),
        UNIT (test_every_byte),
        UNIT (test_twice_counts_once),
        UNIT (test_digest),
        UNIT (test_digest_bytes),
        UNIT (test_many_hosts),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
