/* Works from begin to end, without and with every crash. */
#include "world.h"

static struct digest evidence_none;

/* 1.0 runs, 2.0 is planned. */
struct scene {
    struct world *world;
    struct release old;
    struct release new;
};

static struct scene scene_new (void)
{
    struct scene scene = {.world = world_new (HOST_1)};
    scene.old = make_plan (scene.world, "1.0", 1, RELEASER);
    scene.new = make_plan (scene.world, "2.0", 2, RELEASER);
    deploy (scene.world, &scene.old);
    assert_runs (scene.world, scene.old.folder);
    assert_int_equal (scene.world->receipt.outcome, OUTCOME_KEPT);
    return scene;
}

static void order_return (struct world *world, const struct release *release)
{
    struct envelope abort = make_approval (world, release, 0, 1, DECISION_ABORT, OPERATOR, evidence_none);
    offer (world, &release->plan);
    offer_permit (world, make_permit (world, release, 0, 1), &abort, 1);
}

static void order_test (struct world *world, const struct release *release)
{
    struct envelope kept = make_receipt (world, release, 1, OUTCOME_KEPT);
    offer (world, &release->plan);
    offer_permit (world, make_permit (world, release, 2, 1), &kept, 1);
}

static void test_deploy (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    (void)state;
    assert_string_equal (world->receipt.version, "1.0");
    assert_string_equal (world->receipt.previous, "");
    assert_int_equal (world->acts[ACT_STOP], 0);
    assert_int_equal (world->receipt.counter, 1);
    deploy (world, &scene.new);
    assert_runs (world, scene.new.folder);
    assert_int_equal (world->receipt.outcome, OUTCOME_KEPT);
    assert_string_equal (world->receipt.version, "2.0");
    assert_string_equal (world->receipt.previous, "1.0");
    assert_int_equal (world->receipt.counter, 2);
    assert_false (digest_is_none (&world->receipt.before));
    assert_int_equal (world->acts[ACT_STOP], 1);
    assert_int_equal (world->acts[ACT_PRUNE], 2);
    assert_int_equal (world->keep_count, 2);
    world_free (world);
}

static void test_same_permit_same_receipt (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    struct digest first = world->reported;
    size_t acts = world->acts[ACT_CHECK];
    (void)state;
    deploy (world, &scene.old);
    assert_true (digest_equal (&first, &world->reported));
    assert_int_equal (world->receipts, 1);
    boot (world);
    deploy (world, &scene.old);
    assert_true (digest_equal (&first, &world->reported));
    assert_int_equal (world->receipts, 1);
    assert_int_equal (world->acts[ACT_CHECK], acts);
    world_free (world);
}

/* A receipt is sent at every meeting, until it is stored. */
static void test_outbox (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    struct report_stored stored = {.receipt = world->reported};
    size_t before = world->reports;
    (void)state;
    (void)enqueue (world, INSTALLER_SESSION);
    run (world);
    assert_int_equal (world->reports, before + 1);
    world->now = installer_deadline (world->installer);
    (void)enqueue (world, INSTALLER_TIME);
    run (world);
    assert_int_equal (world->reports, before + 2);
    enqueue_message (world, &report_stored_type, &stored);
    (void)enqueue (world, INSTALLER_SESSION);
    run (world);
    boot (world);
    assert_int_equal (world->reports, before + 2);
    world_free (world);
}

static void test_bad_content (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    (void)state;
    world->bad_contents = 2;
    deploy (world, &scene.new);
    assert_runs (world, scene.new.folder);
    world_free (world);
    scene = scene_new ();
    world = scene.world;
    world->bad_contents = 100;
    deploy (world, &scene.new);
    assert_runs (world, scene.old.folder);
    assert_int_equal (world->receipt.outcome, OUTCOME_FAILED);
    assert_non_null (strstr (world->receipt.cause, "never what the plan says"));
    world_free (world);
}

/* The content is blamed only where nothing else is known. */
static void test_untaken_content (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    (void)state;
    world->bad_contents = 100;
    world->bad_words = "copy into the store: No space left on device";
    deploy (world, &scene.new);
    assert_runs (world, scene.old.folder);
    assert_int_equal (world->receipt.outcome, OUTCOME_FAILED);
    assert_string_equal (world->receipt.cause, "copy into the store: No space left on device (3 tries)");
    world_free (world);
}

static void say_late (struct world *world, const char *cause)
{
    struct content_late late = {.content = world->wanted_last, .cause = cause};
    enqueue_message (world, &content_late_type, &late);
    run (world);
}

static void test_content_that_never_comes (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    (void)state;
    world->mute = true;
    deploy (world, &scene.new);
    assert_int_equal (world->receipts, 1);
    say_late (world, "the disk there is full");
    say_late (world, "\x1b[2J"); /* not for a terminal: the words before it stay */
    for (int i = 0; i < 10 && world->receipts == 1; i++) {
        world->now = installer_deadline (world->installer);
        (void)enqueue (world, INSTALLER_TIME);
        run (world);
    }
    assert_int_equal (world->receipts, 2);
    assert_int_equal (world->receipt.outcome, OUTCOME_FAILED);
    assert_non_null (strstr (world->receipt.cause, "did not arrive"));
    assert_non_null (strstr (world->receipt.cause, "the session says: the disk there is full"));
    assert_runs (world, scene.old.folder);
    world_free (world);
}

static void test_return_cuts_a_fetch_short (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    (void)state;
    world->mute = true;
    deploy (world, &scene.new);
    order_return (world, &scene.new);
    assert_int_equal (world->receipts, 3);
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    assert_runs (world, scene.old.folder);
    world_free (world);
}

/* Twice back is not back to something forgotten: a person decides. */
static void test_return_twice (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    size_t receipts;
    (void)state;
    deploy (world, &scene.new);
    order_return (world, &scene.new);
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    assert_string_equal (world->receipt.version, "1.0");
    assert_string_equal (world->receipt.previous, "2.0");
    assert_runs (world, scene.old.folder);
    receipts = world->receipts;
    order_return (world, &scene.old);
    assert_int_equal (world->receipts, receipts);
    assert_non_null (strstr (world->detail, "release counter"));
    assert_runs (world, scene.old.folder);
    world_free (world);
}

static void test_return_of_the_first (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    (void)state;
    order_return (world, &scene.old);
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    assert_string_equal (world->receipt.version, "");
    assert_runs (world, "");
    deploy (world, &scene.new);
    assert_runs (world, scene.new.folder);
    world_free (world);
}

/* A host that got stuck can still be brought back by a permit. */
static void test_rescue (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    (void)state;
    add_fault (world, ACT_START, "2.0", false);
    add_fault (world, ACT_START, "1.0", true);
    deploy (world, &scene.new);
    assert_int_equal (world->receipt.outcome, OUTCOME_STUCK);
    assert_non_null (strstr (world->receipt.cause, "on the way back"));
    assert_string_equal (world->running, "");
    boot (world);
    world->fault_count = 0;
    order_return (world, &scene.new);
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    assert_runs (world, scene.old.folder);
    world_free (world);
}

static void test_stop_that_fails (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    (void)state;
    add_fault (world, ACT_STOP, "1.0", false);
    add_fault (world, ACT_STOP, "1.0", true);
    deploy (world, &scene.new);
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    assert_runs (world, scene.old.folder);
    assert_int_equal (world->acts[ACT_SWAP], 1);
    world_free (world);
}

static void test_retry_checks_alone (void **state)
{
    struct scene scene = scene_new ();
    struct world *world = scene.world;
    struct envelope retry = make_approval (world, &scene.old, 0, 2, DECISION_RETRY, OPERATOR, evidence_none);
    (void)state;
    offer_permit (world, make_permit (world, &scene.old, 1, 2), &retry, 1);
    assert_int_equal (world->receipt.outcome, OUTCOME_KEPT);
    assert_int_equal (world->receipt.attempt, 2);
    assert_int_equal (world->acts[ACT_START], 1);
    assert_int_equal (world->acts[ACT_CHECK], 2);
    world_free (world);
}

/* ---------------------------------------------------------------------------------------------- every crash
 */

enum job { JOB_DEPLOY, JOB_TEST, JOB_RETURN, JOB_FIRST };

struct crash_case {
    const char *name;
    enum job job;
    struct fault faults[2];
    enum outcome outcome;
    const char *runs; /* version, "" for none, NULL where the service is down */
};

static const struct crash_case crash_cases[] = {
    {"deploy", JOB_DEPLOY, {{0}}, OUTCOME_KEPT, "2.0"},
    {"stage fails", JOB_DEPLOY, {{ACT_STAGE, "2.0", false}}, OUTCOME_FAILED, "1.0"},
    {"stop fails", JOB_DEPLOY, {{ACT_STOP, "1.0", false}}, OUTCOME_RETURNED, "1.0"},
    {"swap fails", JOB_DEPLOY, {{ACT_SWAP, "2.0", false}}, OUTCOME_RETURNED, "1.0"},
    {"start fails", JOB_DEPLOY, {{ACT_START, "2.0", false}}, OUTCOME_RETURNED, "1.0"},
    {"check fails", JOB_DEPLOY, {{ACT_CHECK, "2.0", false}}, OUTCOME_RETURNED, "1.0"},
    {"both starts fail",
     JOB_DEPLOY,
     {{ACT_START, "2.0", false}, {ACT_START, "1.0", true}},
     OUTCOME_STUCK,
     NULL},
    {"first deploy", JOB_FIRST, {{0}}, OUTCOME_KEPT, "2.0"},
    {"first deploy fails", JOB_FIRST, {{ACT_CHECK, "2.0", false}}, OUTCOME_RETURNED, ""},
    {"tests", JOB_TEST, {{0}}, OUTCOME_PASSED, "1.0"},
    {"a test fails", JOB_TEST, {{ACT_TEST, "login", false}}, OUTCOME_FAILED, "1.0"},
    {"return", JOB_RETURN, {{0}}, OUTCOME_RETURNED, "1.0"},
};

static void do_job (struct scene *scene, const struct crash_case *c)
{
    if (c->job == JOB_TEST)
        order_test (scene->world, &scene->old);
    else if (c->job == JOB_RETURN)
        order_return (scene->world, &scene->new);
    else
        deploy (scene->world, &scene->new);
}

static struct scene crash_scene (const struct crash_case *c)
{
    struct scene scene;
    if (c->job == JOB_FIRST) {
        scene.world = world_new (HOST_1);
        scene.new = make_plan (scene.world, "2.0", 2, RELEASER);
    } else
        scene = scene_new ();
    if (c->job == JOB_RETURN)
        deploy (scene.world, &scene.new);
    for (size_t i = 0; i < 2 && c->faults[i].act != ACT_NONE; i++)
        add_fault (scene.world, c->faults[i].act, c->faults[i].version, c->faults[i].returning);
    scene.world->effects = 0;
    return scene;
}

static void assert_end (const struct scene *scene, const struct crash_case *c, size_t before)
{
    const struct world *world = scene->world;
    assert_int_equal (world->receipts, before + 1);
    assert_int_equal (world->receipt.outcome, c->outcome);
    assert_int_equal (world->receipt.counter, before + 1);
    if (c->runs == NULL) /* it got stuck; and a boot may start anything */
        assert_true (world->starts_services || world->running[0] == '\0');
    else if (c->runs[0] == '\0')
        assert_runs (world, "");
    else
        assert_runs (world, strcmp (c->runs, "2.0") == 0 ? scene->new.folder : scene->old.folder);
    if (c->job == JOB_TEST) {
        assert_int_equal (world->receipt.tests_count, 2);
        assert_string_equal (world->receipt.tests[0].name, "login");
        assert_string_equal (world->receipt.tests[1].name, "publish");
    }
}

/* True where the crash came, and not the end of the work. The whole host may boot, or the agent alone. */
static bool crash (const struct crash_case *c, long at, bool whole)
{
    struct scene scene = crash_scene (c);
    size_t before = scene.world->receipts;
    bool crashed;
    scene.world->starts_services = whole;
    scene.world->crash_at = at;
    do_job (&scene, c);
    crashed = scene.world->dark;
    if (crashed) {
        scene.world->crash_at = -1;
        boot (scene.world);
        do_job (&scene, c);
    }
    assert_end (&scene, c, before);
    boot (scene.world);
    assert_end (&scene, c, before);
    world_free (scene.world);
    return crashed;
}

static bool crash_both (const struct crash_case *c, long at)
{
    bool alone = crash (c, at, false);
    return crash (c, at, true) || alone;
}

static void test_every_crash (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof crash_cases / sizeof crash_cases[0]; i++) {
        long at = 0;
        while (crash_both (&crash_cases[i], at))
            at++;
        print_message ("%s: %ld places\n", crash_cases[i].name, at);
        assert_true (at > 5);
    }
}

/* Twice in one work: the second crash hits the recovery of the first. */
static void test_crash_in_recovery (void **state)
{
    const struct crash_case *c = &crash_cases[4];
    (void)state;
    for (long first = 5; first < 40; first += 3)
        for (long second = 0; second < 30; second++) {
            struct scene scene = crash_scene (c);
            size_t before = scene.world->receipts;
            scene.world->crash_at = first;
            do_job (&scene, c);
            scene.world->effects = 0;
            scene.world->crash_at = second;
            boot (scene.world);
            if (!scene.world->dark)
                do_job (&scene, c);
            scene.world->crash_at = -1;
            boot (scene.world);
            do_job (&scene, c);
            assert_end (&scene, c, before);
            world_free (scene.world);
        }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_deploy),
        cmocka_unit_test (test_same_permit_same_receipt),
        cmocka_unit_test (test_outbox),
        cmocka_unit_test (test_bad_content),
        cmocka_unit_test (test_untaken_content),
        cmocka_unit_test (test_content_that_never_comes),
        cmocka_unit_test (test_return_cuts_a_fetch_short),
        cmocka_unit_test (test_return_twice),
        cmocka_unit_test (test_return_of_the_first),
        cmocka_unit_test (test_rescue),
        cmocka_unit_test (test_stop_that_fails),
        cmocka_unit_test (test_retry_checks_alone),
        cmocka_unit_test (test_every_crash),
        cmocka_unit_test (test_crash_in_recovery),
    };
    return cmocka_run_group_tests_name ("agent work", tests, NULL, NULL);
}
