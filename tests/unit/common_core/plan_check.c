/* A plan's inner order: each way in which one can be wrong is refused, with words that say where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common_core/world.h"

static void test_good (void **state)
{
    struct arena arena = {0};
    struct plan plan = world_plan (&arena);
    struct error error = {.text = ""};
    (void)state;
    assert_true (plan_check (&plan, &error));
    plan.steps[PAUSE - 1].duration = (struct span){0};
    assert_true (plan_check (&plan, &error));
    arena_free (&arena);
}

static void test_environment (void **state)
{
    struct arena arena = {0};
    struct plan plan = world_plan (&arena);
    (void)state;
    assert_string_equal (plan_environment (&plan, 0), "production");
    assert_string_equal (plan_environment (&plan, STAGING), "staging");
    assert_string_equal (plan_environment (&plan, CANARY), "production");
    assert_string_equal (plan_environment (&plan, MANUAL), "production");
    assert_string_equal (plan_environment (&plan, PAUSE), "production");
    plan.steps[STAGING_TEST - 1].environment = "";
    assert_string_equal (plan_environment (&plan, STAGING_TEST), "staging");
    plan.steps[SIGNOFF - 1].environment = "elsewhere";
    assert_string_equal (plan_environment (&plan, SIGNOFF), "elsewhere");
    plan.steps_count = 0;
    assert_string_equal (plan_environment (&plan, 0), "");
    arena_free (&arena);
}

/* One thing is spoilt in a good plan; the words of the refusal hold `says`. */
struct spoil {
    void (*spoil) (struct plan *plan, struct arena *arena);
    const char *says;
};

#define SPOIL(name, statement)                                                                               \
    static void name (struct plan *plan, struct arena *arena)                                                \
    {                                                                                                        \
        (void)plan;                                                                                          \
        (void)arena;                                                                                         \
        statement;                                                                                           \
    }
#define STEP(number) plan->steps[(number)-1]

static struct suite *own_suite (struct plan *plan, struct arena *arena)
{
    plan->suites = arena_copy (arena, plan->suites, sizeof *plan->suites);
    plan->suites[0].tests = arena_copy (arena, plan->suites[0].tests, sizeof (struct test));
    return &plan->suites[0];
}

static struct artifact *own_artifact (struct plan *plan, struct arena *arena)
{
    plan->artifacts = arena_copy (arena, plan->artifacts, sizeof *plan->artifacts);
    return &plan->artifacts[0];
}

static void two_artifacts (struct plan *plan, struct arena *arena)
{
    struct artifact *both = arena_array (arena, 2, sizeof *both);
    both[0] = both[1] = plan->artifacts[0];
    plan->artifacts = both;
    plan->artifacts_count = 2;
}

static void two_suites (struct plan *plan, struct arena *arena)
{
    struct suite *both = arena_array (arena, 2, sizeof *both);
    both[0] = both[1] = plan->suites[0];
    plan->suites = both;
    plan->suites_count = 2;
}

static void health_of (struct plan *plan, struct arena *arena, struct span interval, struct span deadline)
{
    struct test *probe = arena_copy (arena, plan->suites[0].tests, sizeof *probe);
    probe->deadline = deadline;
    plan->profile.health = probe;
    plan->profile.health_count = 1;
    plan->profile.health_interval = interval;
}

SPOIL (bad_name, plan->name = "a/b")
SPOIL (bad_product, plan->product = "")
SPOIL (bad_version, plan->version = "../1")
SPOIL (no_counter, plan->counter = 0)
SPOIL (other_profile, plan->profile.product = "workbench")
SPOIL (start_forever, plan->profile.start.words_count = 1)
SPOIL (stop_forever, plan->profile.stop.words_count = 1)
SPOIL (no_interval, health_of (plan, arena, (struct span){0}, (struct span){1}))
SPOIL (probe_forever, health_of (plan, arena, (struct span){1}, (struct span){0}))
SPOIL (no_artifact, plan->artifacts_count = 0)
SPOIL (artifact_without_digest, own_artifact (plan, arena)->digest = (struct digest){{0}})
SPOIL (artifact_without_length, own_artifact (plan, arena)->length = 0)
SPOIL (artifact_without_name, own_artifact (plan, arena)->name = "")
SPOIL (artifact_that_blinks, own_artifact (plan, arena)->name = "a\033[5m")
SPOIL (suite_without_test, own_suite (plan, arena)->tests_count = 0)
SPOIL (suite_without_name, own_suite (plan, arena)->name = "")
SPOIL (test_without_name, own_suite (plan, arena)->tests[0].name = "")
SPOIL (test_forever, own_suite (plan, arena)->tests[0].deadline = (struct span){0})
SPOIL (test_without_target, own_suite (plan, arena)->tests[0].target = "")
SPOIL (test_without_script, own_suite (plan, arena)->tests[0].kind = TEST_EXEC)
SPOIL (test_without_status, own_suite (plan, arena)->tests[0].kind = TEST_HTTP)
SPOIL (no_step, plan->steps_count = 0)
SPOIL (number_from_zero, STEP (STAGING).number = 0)
SPOIL (number_gap, STEP (NOTIFY).number = 11)
SPOIL (no_environment, STEP (CANARY).environment = "")
SPOIL (no_hosts, STEP (CANARY).hosts_count = 0)
SPOIL (host_twice, STEP (REST).hosts[2] = "p2")
SPOIL (host_in_two_steps, STEP (REST).hosts[0] = "p1")
SPOIL (host_in_two_environments, STEP (REST).hosts[0] = "s1")
SPOIL (host_without_name, STEP (CANARY).hosts[0] = "-p1")
SPOIL (no_parallel, STEP (REST).max_parallel = 0)
SPOIL (no_unavailable, STEP (REST).max_unavailable = 0)
SPOIL (healthy_too_long, STEP (REST).min_healthy_time = STEP (REST).healthy_deadline)
SPOIL (healthy_negative, STEP (REST).min_healthy_time.ms = -1)
SPOIL (deadline_too_long, STEP (REST).healthy_deadline = STEP (REST).progress_deadline)
SPOIL (no_suite, STEP (FINAL_TEST).suite = "final")
SPOIL (test_nowhere, STEP (FINAL_TEST).hosts_count = 0)
SPOIL (test_twice, STEP (FINAL_TEST).hosts[3] = "p1")
SPOIL (test_too_early, STEP (CANARY_TEST).hosts[0] = "p2")
SPOIL (test_of_stranger, STEP (FINAL_TEST).hosts[0] = "p9")
SPOIL (test_elsewhere, STEP (STAGING_TEST).environment = "production")
SPOIL (no_role, STEP (SIGNOFF).role = "")
SPOIL (controller_role, STEP (SIGNOFF).role = "controller")
SPOIL (releaser_role, STEP (MANUAL).role = "releaser")
SPOIL (no_approvals, STEP (SIGNOFF).approvals = 0)
SPOIL (optional_signoff, STEP (SIGNOFF).optional = true)
SPOIL (signoff_environment, STEP (SIGNOFF).environment = "a b")
SPOIL (pause_back, STEP (PAUSE).duration.ms = -1)
SPOIL (no_target, STEP (NOTIFY).targets_count = 0)
SPOIL (bad_target, STEP (NOTIFY).targets[0] = "a b")
SPOIL (manual_first, STEP (STAGING).kind = STEP_MANUAL; STEP (STAGING).role = "testers";
       STEP (STAGING).approvals = 1)
SPOIL (pause_first, STEP (STAGING).kind = STEP_PAUSE; STEP (STAGING).duration.ms = 1;
       STEP (STAGING_TEST).kind = STEP_NOTIFY; STEP (STAGING_TEST).targets = STEP (NOTIFY).targets;
       STEP (STAGING_TEST).targets_count = 1)
SPOIL (notify_only, plan->steps = &STEP (NOTIFY); plan->steps[0].number = 1; plan->steps_count = 1)

static const struct spoil spoils[] = {
    {bad_name, "no name for a plan"},
    {bad_product, "no name for a product"},
    {bad_version, "no version"},
    {no_counter, "counter"},
    {other_profile, "workbench"},
    {start_forever, "start command"},
    {stop_forever, "stop command"},
    {no_interval, "interval"},
    {probe_forever, "health probes"},
    {no_artifact, "no artefact"},
    {artifact_without_digest, "no digest"},
    {artifact_without_length, "no length"},
    {artifact_without_name, "artefact 1"},
    {artifact_that_blinks, "artefact 1"},
    {two_artifacts, "listed twice"},
    {suite_without_test, "has no test"},
    {suite_without_name, "no name for a suite"},
    {two_suites, "listed twice"},
    {test_without_name, "no name for a test"},
    {test_forever, "deadline"},
    {test_without_target, "target"},
    {test_without_script, "script"},
    {test_without_status, "status"},
    {no_step, "no deploy step"},
    {number_from_zero, "step 1"},
    {number_gap, "step 10"},
    {no_environment, "step 3 (deploy)"},
    {no_hosts, "step 3 (deploy)"},
    {host_twice, "p2"},
    {host_in_two_steps, "p1 is deployed to twice"},
    {host_in_two_environments, "s1 is deployed to twice"},
    {host_without_name, "no name for a host"},
    {no_parallel, "at least 1"},
    {no_unavailable, "at least 1"},
    {healthy_too_long, "healthy_deadline"},
    {healthy_negative, "min_healthy_time"},
    {deadline_too_long, "progress_deadline"},
    {no_suite, "no suite 'final'"},
    {test_nowhere, "step 9 (test)"},
    {test_twice, "p1 is listed twice"},
    {test_too_early, "no earlier step deploys to the host p2"},
    {test_of_stranger, "p9"},
    {test_elsewhere, "s1 in production"},
    {no_role, "no name for a role"},
    {controller_role, "controller"},
    {releaser_role, "releaser"},
    {no_approvals, "at least 1 approval"},
    {optional_signoff, "never optional"},
    {signoff_environment, "environment"},
    {pause_back, "negative"},
    {no_target, "no target"},
    {bad_target, "no name for a target"},
    {manual_first, "step 1 (manual)"},
    {pause_first, "step 1 (pause)"},
    {notify_only, "no deploy step"},
};

static void test_refused (void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF (spoils); i++) {
        struct arena arena = {0};
        struct plan plan = world_plan (&arena);
        struct error error = {.text = ""};
        spoils[i].spoil (&plan, &arena);
        assert_false (plan_check (&plan, &error));
        if (strstr (error.text, spoils[i].says) == NULL)
            fail_msg ("spoil %zu says \"%s\", not \"%s\"", i, error.text, spoils[i].says);
        arena_free (&arena);
    }
}

/* The largest plan that the codec lets through is checked in the time that sorting takes. */
static void test_largest (void **state)
{
    struct arena arena = {0};
    struct plan plan = world_plan (&arena);
    struct step *rest = &plan.steps[REST - 1];
    struct step *last = &plan.steps[FINAL_TEST - 1];
    (void)state;
    rest->hosts = arena_array (&arena, LIMIT_HOSTS, sizeof *rest->hosts);
    rest->hosts_count = LIMIT_HOSTS;
    for (size_t i = 0; i < LIMIT_HOSTS; i++)
        rest->hosts[i] = arena_format (&arena, "web-%zu", i);
    last->hosts = rest->hosts;
    last->hosts_count = rest->hosts_count;
    assert_true (plan_check (&plan, NULL));
    rest->hosts[LIMIT_HOSTS - 1] = "web-0";
    assert_false (plan_check (&plan, NULL));
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_good),
        cmocka_unit_test (test_environment),
        cmocka_unit_test (test_refused),
        cmocka_unit_test (test_largest),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
