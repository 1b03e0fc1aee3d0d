/* Hosts that want to be confirmed, hosts that nobody confirmed, and failures that people answer for. */
#include "tests/unit/controller_core/world.h"

enum { WITHIN_MS = 300000 };

static struct world *world_that_confirms (void)
{
    struct world *world = world_new ();
    world->plan.steps[0].confirm_within.ms = WITHIN_MS;
    world->plan.steps[4].confirm_within.ms = WITHIN_MS;
    world_sign_plan (world);
    return world;
}

static void ask (struct world *world, const char *name)
{
    struct pull pull = {.trust_version = 1, .fleet_version = 1};
    world_agent (world, (size_t)(world_host (world, name) - world->hosts), &pull_type, &pull);
}

static void test_everybody_is_confirmed (void **state)
{
    struct world *world = world_that_confirms ();
    (void)state;
    world_to_signoff (world);
    assert_int_equal (world_host (world, "connect-p1")->kept, 1);
    world_sign_off (world);
    world_deliver_one (world);
    assert_int_equal (world_host (world, "connect-p2")->kept, 0); /* not before all of its step have kept */
    world_deliver (world);
    for (size_t i = 1; i < WORLD_HOSTS; i++)
        assert_int_equal (world->hosts[i].kept, 1);
    world_free (world);
}

/* The publication is lost; the host asks, also when all is over, as long as it matters. */
static void test_confirmed_late (void **state)
{
    struct world *world = world_that_confirms ();
    struct world_host *host = world_host (world, "connect-p2");
    (void)state;
    world_to_signoff (world);
    world_sign_off (world);
    host->deaf = true;
    world_deliver (world);
    assert_int_equal (host->kept, 0);
    ask (world, "connect-p2");
    assert_int_equal (host->kept, 1);
    world_deliver (world);
    world_notified (world, world->notices[world->notice_count - 2].key, true);
    world_notified (world, world->notices[world->notice_count - 1].key, true);
    world_expect_phase (world, PHASE_HEALTHY);
    ask (world, "connect-p2");
    assert_int_equal (host->kept, 2);
    world_wait (world, WITHIN_MS);
    ask (world, "connect-p2");
    assert_int_equal (host->kept, 2);
    world_free (world);
}

/* Silence proves nothing to anybody; hosts that go back by themselves do. */
static void test_silence_sends_all_back (void **state)
{
    struct world *world = world_that_confirms ();
    struct progress progress;
    (void)state;
    world_to_signoff (world);
    world_host (world, "connect-p4")->silent = true;
    world_sign_off (world);
    world_deliver (world);
    world_wait (world, 127000);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_DEGRADED);
    assert_non_null (strstr (progress.head.cause, "when nobody confirms them in time"));
    world_lapse (world, "connect-p2");
    world_deliver (world);
    world_expect_phase (world, PHASE_RETURNING);
    for (size_t i = 1; i < 4; i++)
        assert_string_equal (world->hosts[i].version, OLD_VERSION);
    progress = world_view (world, 0);
    assert_non_null (strstr (progress.head.cause, "no progress for 02:00"));
    world_host (world, "connect-p4")->silent = false;
    world_hello (world, 4);
    ask (world, "connect-p4");
    world_deliver (world);
    world_expect_phase (world, PHASE_ROLLED_BACK);
    world_free (world);
}

static void test_lapse_closes_the_case (void **state)
{
    struct world *world = world_that_confirms ();
    struct progress progress;
    (void)state;
    world_to_signoff (world);
    world_lapse (world, "connect-p1");
    world_deliver (world);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_ROLLED_BACK);
    assert_non_null (
        strstr (progress.head.cause, "connect-p1 went back: returned (not confirmed within 05:00)"));
    world_decide (world, KEY_ANA, DECISION_RETRY, 0, ROLE_OPERATOR, "the line was cut");
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    assert_string_equal (world_host (world, "connect-p1")->version, NEW_VERSION);
    assert_int_equal (world_host (world, "connect-p1")->kept, 2);
    world_free (world);
}

static void test_lapse_after_the_end (void **state)
{
    struct world *world = world_that_confirms ();
    struct progress progress;
    (void)state;
    world_to_healthy (world);
    world_lapse (world, "connect-p3");
    world_deliver (world);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_DEGRADED);
    assert_non_null (strstr (progress.head.cause, "connect-p3 went back by itself: not confirmed"));
    world_decide (world, KEY_ANA, DECISION_RETRY, 0, ROLE_OPERATOR, "the line was cut");
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    world_free (world);
}

/* Of a plan that asks for no confirmation it is a word that nobody wanted: kept for the audit. */
static void test_lapse_that_no_plan_wants (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_to_signoff (world);
    world->no_rebuild = true; /* its next hello will say what this word does not */
    world_lapse (world, "connect-p1");
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    assert_int_equal (world->stored, 3);
    world_free (world);
}

/* -------------------------------------------------------------------------------------------- overrides */

static struct world *world_that_overrides (void)
{
    struct world *world = world_new ();
    world->plan.on_failure = ON_FAILURE_PAUSE;
    world->plan.override_role = "managers";
    world->plan.override_approvals = 2;
    world_sign_plan (world);
    return world;
}

/* The newest paper in the evidence that closes the case. */
static struct approval override_of (struct world *world, size_t key, uint64_t step)
{
    struct envelope seen = world_approval (world, key, DECISION_RETRY, 0, ROLE_OPERATOR, "");
    struct approval approval;
    assert_true (document_read (&approval_type, seen.content, &world->arena, &approval, NULL));
    approval.decision = DECISION_OVERRIDE;
    approval.step = step;
    approval.attempt = world->evidence.attempt;
    approval.role = "managers";
    approval.comment = "a known flake";
    approval.evidence = (struct digest){{0}};
    for (size_t i = 0; i < world->evidence.evidence_count; i++) {
        const struct envelope *paper = &world->evidence.evidence[i];
        struct receipt receipt;
        struct approval other;
        if ((document_read (&receipt_type, paper->content, &world->arena, &receipt, NULL) &&
             receipt.outcome == OUTCOME_FAILED) ||
            (document_read (&approval_type, paper->content, &world->arena, &other, NULL) &&
             other.decision == DECISION_REJECT))
            approval.evidence = world_digest (paper);
    }
    return approval;
}

static void send_override (struct world *world, const struct approval *approval, size_t key)
{
    struct envelope envelope = world_sign (world, &approval_type, approval, &world->keys[key]);
    world_decide_with (world, 1, &envelope);
}

static void overrides (struct world *world, size_t key, uint64_t step)
{
    struct approval approval = override_of (world, key, step);
    send_override (world, &approval, key);
    world_expect_answer (world, true, "recorded");
}

static void test_failed_test_is_overridden (void **state)
{
    struct world *world = world_that_overrides ();
    struct progress progress;
    (void)state;
    world_host (world, "connect-p1")->test = OUTCOME_FAILED;
    world_start (world);
    world_deliver (world);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_PAUSED);
    assert_non_null (strstr (progress.head.cause, "; retry, override or abort"));
    overrides (world, KEY_ANA, 2);
    world_expect_phase (world, PHASE_PAUSED);
    overrides (world, KEY_LUIS, 2);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_AWAITING);
    assert_int_equal (progress.steps[1].state, STEP_PASSED);
    assert_non_null (strstr (progress.steps[1].detail, "overridden by ana, luis: \"a known flake\""));
    world_host (world, "connect-p1")->test = OUTCOME_PASSED;
    world_decide (world, KEY_ANA, DECISION_APPROVE, 3, "testers", "");
    world_sign_off (world);
    world_deliver (world);
    world_notified (world, world->notices[world->notice_count - 2].key, true);
    world_notified (world, world->notices[world->notice_count - 1].key, true);
    world_expect_phase (world, PHASE_HEALTHY);
    world_free (world);
}

static void test_rejection_is_overridden (void **state)
{
    struct world *world = world_that_overrides ();
    (void)state;
    world_to_signoff (world);
    world_decide (world, KEY_LUIS, DECISION_REJECT, 4, "managers", "wrong build");
    world_expect_phase (world, PHASE_PAUSED);
    overrides (world, KEY_ANA, 4);
    overrides (world, KEY_LUIS, 4);
    world_expect_phase (world, PHASE_AWAITING);
    world_sign_off (world);
    world_deliver (world);
    world_expect_phase (world, PHASE_PROGRESSING);
    world_free (world);
}

static void replace_key (struct world *world, size_t key)
{
    struct submit submit = {.request = 1};
    uint8_t seed[KEY_SEED_SIZE] = {99, 77};
    uint8_t number[KEY_NUMBER_SIZE] = {99};
    secret_key_make (seed, number, &world->keys[key]);
    world->trust.keys[key].key = world->keys[key].public;
    world->trust.version++;
    world->trust_envelope = world_sign (world, &trust_type, &world->trust, &world->keys[KEY_ROOT]);
    submit.document = world->trust_envelope;
    world_person (world, &submit_type, &submit);
}

/* A key that is taken out of the trust document answers for nothing any more. */
static void test_override_of_a_replaced_key (void **state)
{
    struct world *world = world_that_overrides ();
    (void)state;
    world_to_signoff (world);
    world_decide (world, KEY_ANA, DECISION_REJECT, 4, "managers", "wrong build");
    overrides (world, KEY_ANA, 4);
    overrides (world, KEY_LUIS, 4);
    world_expect_phase (world, PHASE_AWAITING);
    replace_key (world, KEY_LUIS);
    world_expect_phase (world, PHASE_PAUSED);
    world_wait (world, 1000); /* else the same words would be the same document */
    overrides (world, KEY_LUIS, 4);
    world_expect_phase (world, PHASE_AWAITING);
    world_free (world);
}

/* Nor for a failure in a step that has passed since: hosts would refuse every later step. */
static void test_override_behind_a_replaced_key (void **state)
{
    struct world *world = world_that_overrides ();
    struct progress progress;
    (void)state;
    world_host (world, "connect-p1")->test = OUTCOME_FAILED;
    world_start (world);
    world_deliver (world);
    overrides (world, KEY_ANA, 2);
    overrides (world, KEY_LUIS, 2);
    world_expect_phase (world, PHASE_AWAITING);
    replace_key (world, KEY_LUIS);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_PAUSED);
    assert_non_null (strstr (progress.head.cause, "because the key of luis may not speak for managers now"));
    assert_non_null (strstr (progress.head.cause, "; retry or abort"));
    world_free (world);
}

static void test_wrong_overrides (void **state)
{
    struct world *world = world_that_overrides ();
    struct approval right;
    struct approval wrong;
    (void)state;
    world_host (world, "connect-p1")->test = OUTCOME_FAILED;
    world_start (world);
    world_deliver (world);
    right = override_of (world, KEY_ANA, 2);
    wrong = right;
    wrong.role = "testers";
    send_override (world, &wrong, KEY_ANA);
    world_expect_answer (world, false, "takes the role managers, not testers");
    wrong = right;
    wrong.evidence.bytes[0] ^= 1;
    send_override (world, &wrong, KEY_ANA);
    world_expect_answer (world, false, "names no failure of step 2");
    wrong = right;
    wrong.step = 1;
    send_override (world, &wrong, KEY_ANA);
    world_expect_answer (world, false, "names no failure of step 1");
    wrong = right;
    wrong.comment = "";
    send_override (world, &wrong, KEY_ANA);
    world_expect_answer (world, false, "takes a comment");
    wrong = right;
    wrong.attempt = 2;
    send_override (world, &wrong, KEY_ANA);
    world_expect_answer (world, false, "attempt 1 is the one");
    send_override (world, &right, KEY_ANA);
    world_expect_answer (world, true, "recorded");
    wrong = right;
    wrong.comment = "once more";
    send_override (world, &wrong, KEY_ANA);
    world_expect_answer (world, false, "ana has overridden this failure already");
    world_operate (world, DECISION_ABORT);
    world_deliver (world);
    wrong = right;
    wrong.name = "luis";
    send_override (world, &wrong, KEY_LUIS);
    world_expect_answer (world, false, "nothing to override");
    world_free (world);
}

static void test_plan_lets_nobody_override (void **state)
{
    struct world *world = world_new ();
    struct approval approval;
    (void)state;
    world->plan.on_failure = ON_FAILURE_PAUSE;
    world_sign_plan (world);
    world_host (world, "connect-p1")->test = OUTCOME_FAILED;
    world_start (world);
    world_deliver (world);
    approval = override_of (world, KEY_ANA, 2);
    send_override (world, &approval, KEY_ANA);
    world_expect_answer (world, false, "lets nobody override");
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_everybody_is_confirmed),
        cmocka_unit_test (test_confirmed_late),
        cmocka_unit_test (test_silence_sends_all_back),
        cmocka_unit_test (test_lapse_closes_the_case),
        cmocka_unit_test (test_lapse_after_the_end),
        cmocka_unit_test (test_lapse_that_no_plan_wants),
        cmocka_unit_test (test_failed_test_is_overridden),
        cmocka_unit_test (test_rejection_is_overridden),
        cmocka_unit_test (test_override_of_a_replaced_key),
        cmocka_unit_test (test_override_behind_a_replaced_key),
        cmocka_unit_test (test_wrong_overrides),
        cmocka_unit_test (test_plan_lets_nobody_override),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
