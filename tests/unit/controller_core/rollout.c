/* Whole rollouts through the door, with a fleet that judges every permit. */
#include "tests/unit/controller_core/world.h"

static void test_seven_steps (void **state)
{
    struct world *world = world_new ();
    struct progress progress;
    (void)state;
    world_to_signoff (world);
    progress = world_view (world, 1);
    assert_int_equal (progress.head.step, 4);
    assert_string_equal (progress.head.from, OLD_VERSION);
    assert_string_equal (progress.head.signers, "release-key-2");
    assert_int_equal (progress.steps[2].state, STEP_SKIPPED);
    assert_string_equal (progress.steps[2].detail, "skipped by ana: \"hotfix\"");
    world_sign_off (world);
    assert_int_equal (world->queue_count, 2);
    world_deliver_one (world);
    progress = world_view (world, 1);
    assert_string_equal (progress.steps[3].detail, "2/2 ana, luis");
    assert_int_equal (progress.steps[4].done, 1);
    assert_int_equal (progress.steps[4].total, 3);
    assert_string_equal (progress.head.approvers, "ana, luis");
    world_deliver (world);
    world_expect_phase (world, PHASE_PROGRESSING);
    assert_int_equal (world->notice_count, 2);
    world_notified (world, world->notices[0].key, true);
    world_expect_phase (world, PHASE_PROGRESSING);
    world_notified (world, world->notices[1].key, true);
    progress = world_view (world, 1);
    assert_int_equal (progress.head.phase, PHASE_HEALTHY);
    assert_string_equal (progress.head.from, OLD_VERSION);
    assert_string_equal (progress.steps[1].detail, "3/3");
    assert_string_equal (progress.steps[5].detail, "12/12");
    assert_string_equal (progress.steps[6].detail, "2/2 told");
    for (size_t i = 1; i < WORLD_HOSTS; i++)
        assert_string_equal (world->hosts[i].version, NEW_VERSION);
    world_free (world);
}

static void test_failed_canary (void **state)
{
    struct world *world = world_new ();
    struct progress progress;
    (void)state;
    world_host (world, "connect-p1")->test = OUTCOME_FAILED;
    world_start (world);
    world_deliver (world);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_ROLLED_BACK);
    assert_non_null (strstr (progress.head.cause, "render: status 500"));
    assert_int_equal (progress.steps[1].state, STEP_FAILED);
    assert_int_equal (progress.steps[4].state, STEP_WAITING);
    assert_string_equal (world_host (world, "connect-p1")->version, OLD_VERSION);
    assert_int_equal (world_host (world, "connect-p2")->done_count, 0);
    assert_int_equal (world->notice_count, 4);
    world_free (world);
}

static void test_failed_in_the_middle (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_host (world, "connect-p4")->deploy = OUTCOME_RETURNED;
    world_to_signoff (world);
    world_sign_off (world);
    world_deliver (world);
    world_expect_phase (world, PHASE_ROLLED_BACK);
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        assert_string_equal (world->hosts[i].version, OLD_VERSION);
    world_free (world);
}

static void test_stuck_host_degrades (void **state)
{
    struct world *world = world_new ();
    struct progress progress;
    (void)state;
    world_host (world, "connect-p1")->test = OUTCOME_FAILED;
    world_host (world, "connect-p1")->back = OUTCOME_STUCK;
    world_start (world);
    world_deliver (world);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_DEGRADED);
    assert_non_null (strstr (progress.head.cause, "need a person: connect-p1"));
    world_free (world);
}

static void test_rejection (void **state)
{
    struct world *world = world_new ();
    struct progress progress;
    (void)state;
    world_to_signoff (world);
    world_decide (world, KEY_LUIS, DECISION_REJECT, 4, "managers", "wrong build");
    world_expect_answer (world, true, "recorded");
    world_deliver (world);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_ROLLED_BACK);
    assert_non_null (strstr (progress.head.cause, "wrong build"));
    assert_string_equal (world_host (world, "connect-p1")->version, OLD_VERSION);
    world_free (world);
}

static void test_abort_in_a_deploy (void **state)
{
    struct world *world = world_new ();
    struct progress progress;
    (void)state;
    world_to_signoff (world);
    world_host (world, "connect-p3")->silent = true;
    world_sign_off (world);
    world_deliver_one (world);
    world_decide (world, KEY_ANA, DECISION_ABORT, 0, ROLE_OPERATOR, "wrong day");
    world_expect_phase (world, PHASE_RETURNING);
    world_deliver (world);
    world_expect_phase (world, PHASE_RETURNING);
    world_wait (world, 127000);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_DEGRADED);
    assert_non_null (strstr (progress.head.cause, "connect-p3, last contact"));
    /* The host comes back, and its return is still owed. */
    world_host (world, "connect-p3")->silent = false;
    world_hello (world, 3);
    world_agent (world, 3, &pull_type, &(struct pull){.trust_version = 1, .fleet_version = 1});
    world_deliver (world);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_ABORTED);
    assert_non_null (strstr (progress.head.cause, "aborted by ana: \"wrong day\""));
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        assert_string_equal (world->hosts[i].version, OLD_VERSION);
    world_free (world);
}

static void test_pause_and_resume (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_to_signoff (world);
    world_sign_off (world);
    world_operate (world, DECISION_PAUSE);
    world_expect_phase (world, PHASE_PAUSED);
    world_deliver (world);
    assert_int_equal (world_host (world, "connect-p4")->done_count, 0);
    world_decide (world, KEY_ANA, DECISION_PAUSE, 0, ROLE_OPERATOR, "again");
    world_expect_answer (world, false, "held already");
    world_wait (world, 300000);
    world_expect_phase (world, PHASE_PAUSED);
    world_operate (world, DECISION_RESUME);
    world_deliver (world);
    assert_string_equal (world_host (world, "connect-p4")->version, NEW_VERSION);
    world_expect_phase (world, PHASE_PROGRESSING);
    world_free (world);
}

static void test_retry (void **state)
{
    struct world *world = world_new ();
    struct progress progress;
    (void)state;
    world_host (world, "connect-p1")->test = OUTCOME_FAILED;
    world_start (world);
    world_deliver (world);
    world_expect_phase (world, PHASE_ROLLED_BACK);
    world_host (world, "connect-p1")->test = OUTCOME_PASSED;
    world_operate (world, DECISION_RETRY);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.attempt, 2);
    assert_int_equal (progress.head.phase, PHASE_PROGRESSING);
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    world_decide (world, KEY_ANA, DECISION_APPROVE, 3, "testers", "");
    world_sign_off (world);
    world_deliver (world);
    for (size_t i = 1; i < WORLD_HOSTS; i++)
        assert_string_equal (world->hosts[i].version, NEW_VERSION);
    world_free (world);
}

/* A retry that fails must also send back the hosts that only the attempt before had reached. */
static void test_carried_hosts_return (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world->plan.on_failure = ON_FAILURE_PAUSE;
    world_sign_plan (world);
    world_host (world, "connect-p3")->deploy = OUTCOME_FAILED;
    world_to_signoff (world);
    world_sign_off (world);
    world_deliver (world);
    world_expect_phase (world, PHASE_PAUSED);
    assert_string_equal (world_host (world, "connect-p2")->version, NEW_VERSION);
    world_decide (world, KEY_ANA, DECISION_RESUME, 0, ROLE_OPERATOR, "");
    world_expect_answer (world, false, "retried or aborted");
    world_host (world, "connect-p1")->test = OUTCOME_FAILED;
    world_operate (world, DECISION_RETRY);
    world_deliver (world);
    world_expect_phase (world, PHASE_PAUSED);
    world_operate (world, DECISION_ABORT);
    world_deliver (world);
    world_expect_phase (world, PHASE_ABORTED);
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        assert_string_equal (world->hosts[i].version, OLD_VERSION);
    world_free (world);
}

/* What a host ran when it failed before anything changed is what the rollout comes from. */
static void test_failed_before_a_change (void **state)
{
    struct world *world = world_new ();
    (void)state;
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        world->hosts[i].deploy = OUTCOME_FAILED;
    world_start (world);
    world_deliver (world);
    world_expect_phase (world, PHASE_ROLLED_BACK);
    assert_string_equal (world_view (world, 0).head.from, OLD_VERSION);
    world_free (world);
}

static void test_undo (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_to_healthy (world);
    world_decide (world, KEY_ANA, DECISION_ABORT, 0, ROLE_OPERATOR, "");
    world_expect_answer (world, false, "undo it");
    world_operate (world, DECISION_UNDO);
    world_deliver (world);
    world_expect_phase (world, PHASE_ROLLED_BACK);
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        assert_string_equal (world->hosts[i].version, OLD_VERSION);
    world_free (world);
}

static void test_silence_fails (void **state)
{
    struct world *world = world_new ();
    struct progress progress;
    (void)state;
    world_host (world, "connect-p1")->silent = true;
    world_start (world);
    world_wait (world, 47000);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_PROGRESSING);
    assert_non_null (strstr (progress.head.cause, "waiting for connect-p1, last contact 2"));
    assert_int_equal (progress.hosts[0].activity, ACTIVITY_STALE);
    world_wait (world, 80000);
    progress = world_view (world, 0);
    assert_int_equal (progress.head.phase, PHASE_DEGRADED);
    assert_non_null (strstr (progress.head.cause, "connect-p1, last contact"));
    assert_int_equal (progress.steps[0].state, STEP_FAILED);
    world_operate (world, DECISION_ABORT);
    world_host (world, "connect-p1")->silent = false;
    world_hello (world, 1);
    world_agent (world, 1, &pull_type, &(struct pull){.trust_version = 1, .fleet_version = 1});
    world_deliver (world);
    world_expect_phase (world, PHASE_ABORTED);
    world_free (world);
}

static void test_silence_with_pause_resumes (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world->plan.on_failure = ON_FAILURE_PAUSE;
    world_sign_plan (world);
    world_host (world, "connect-p1")->silent = true;
    world_start (world);
    world_wait (world, 131000);
    world_expect_phase (world, PHASE_PAUSED);
    world_host (world, "connect-p1")->silent = false;
    world_hello (world, 1);
    world_operate (world, DECISION_RESUME);
    world_agent (world, 1, &pull_type, &(struct pull){.trust_version = 1, .fleet_version = 1});
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    world_free (world);
}

static void test_pause_steps (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world->plan.steps[2] = world_step_of (world, 3, STEP_PAUSE, 0, NULL);
    world->plan.steps[2].duration.ms = 60000;
    world->plan.steps[3] = world_step_of (world, 4, STEP_PAUSE, 0, NULL);
    world->plan.steps[3].role = ROLE_OPERATOR;
    world_sign_plan (world);
    world_start (world);
    world_expect_answer (world, true, "begun");
    world_deliver (world);
    world_expect_phase (world, PHASE_PAUSED);
    world_wait (world, 58000);
    assert_int_equal (world_view (world, 0).head.step, 3);
    world_wait (world, 3000);
    assert_int_equal (world_view (world, 0).head.step, 4);
    world_expect_phase (world, PHASE_PAUSED);
    world_wait (world, 600000);
    world_decide (world, KEY_LUIS, DECISION_PROMOTE, 4, ROLE_OPERATOR, "");
    world_expect_answer (world, true, "recorded");
    assert_int_equal (world_view (world, 0).head.step, 5);
    assert_string_equal (world_view (world, 0).steps[3].detail, "promoted by luis");
    world_free (world);
}

static void test_unavailable_hosts_count (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world->plan.steps[4].max_parallel = 3;
    world->plan.steps[4].max_unavailable = 2;
    world_sign_plan (world);
    world_to_signoff (world);
    world_host (world, "connect-p4")->silent = true;
    world_wait (world, 12000);
    world_sign_off (world);
    /* connect-p4 is out of service already, so only one more may go. */
    assert_int_equal (world->queue_count, 1);
    world_deliver (world);
    assert_string_equal (world_host (world, "connect-p3")->version, NEW_VERSION);
    world_free (world);
}

/* Nobody waits for a host that was revoked, forward or back. */
static void test_revoked_host (void **state)
{
    struct world *world = world_new ();
    struct submit submit;
    (void)state;
    world_to_signoff (world);
    world_host (world, "connect-p1")->silent = true;
    world->no_rebuild = true; /* who is gone can't tell a new controller again what it told the old one */
    world_make_fleet (world, 2, 1); /* production is gone, and connect-p1 runs the new version */
    submit = (struct submit){.request = 1, .document = world->fleet_envelope};
    world_person (world, &submit_type, &submit);
    world_expect_phase (world, PHASE_DEGRADED);
    assert_non_null (strstr (
        world_view (world, 0).head.cause,
        "connect-p1 does not belong to the fleet any more: build the plan again without it"));
    world_operate (world, DECISION_ABORT);
    world_deliver (world);
    world_expect_phase (world, PHASE_DEGRADED);
    assert_string_equal (world_host (world, "stage-1")->version, OLD_VERSION);
    assert_non_null (
        strstr (world_view (world, 0).head.cause, "not yet returned: connect-p1, no longer of this fleet"));
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_seven_steps),
        cmocka_unit_test (test_failed_canary),
        cmocka_unit_test (test_failed_in_the_middle),
        cmocka_unit_test (test_stuck_host_degrades),
        cmocka_unit_test (test_rejection),
        cmocka_unit_test (test_abort_in_a_deploy),
        cmocka_unit_test (test_pause_and_resume),
        cmocka_unit_test (test_retry),
        cmocka_unit_test (test_carried_hosts_return),
        cmocka_unit_test (test_failed_before_a_change),
        cmocka_unit_test (test_undo),
        cmocka_unit_test (test_silence_fails),
        cmocka_unit_test (test_silence_with_pause_resumes),
        cmocka_unit_test (test_pause_steps),
        cmocka_unit_test (test_unavailable_hosts_count),
        cmocka_unit_test (test_revoked_host),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
