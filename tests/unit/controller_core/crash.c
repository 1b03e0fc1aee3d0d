/* The journal: the controller dies after any entry that it records, and the verdict is the same; an entry
   that does not fit is refused. */
#include "tests/unit/controller_core/world.h"

enum { MOST_ROUNDS = 100, FIRST_ENTRY = 4, MOST_ENTRIES = 200 };

/* Whatever has not been answered is asked again; a decision that is there already is refused or repeated. */
static void decide_if_wanted (struct world *world, const struct progress *view)
{
    if (view->head.phase != PHASE_AWAITING)
        return;
    if (view->head.step == 3)
        world_decide (world, KEY_ANA, DECISION_SKIP, 3, "testers", "hotfix");
    else if (strstr (view->head.approvers, "ana") == NULL)
        world_decide (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "");
    else
        world_decide (world, KEY_LUIS, DECISION_APPROVE, 4, "managers", "");
}

static bool has_rollout (struct world *world)
{
    struct rollouts_wanted wanted = {.request = 1};
    world_person (world, &rollouts_wanted_type, &wanted);
    return world->rollouts.heads_count > 0;
}

static bool is_over (const struct progress *view)
{
    return view->head.phase == PHASE_HEALTHY || view->head.phase == PHASE_ROLLED_BACK ||
           view->head.phase == PHASE_ABORTED;
}

/* Until the rollout has ended and everybody was told. */
static void drive (struct world *world)
{
    size_t told = 0;
    for (size_t round = 0; round < MOST_ROUNDS; round++) {
        struct progress view;
        if (!has_rollout (world)) {
            world_start (world);
            continue;
        }
        view = world_view (world, 0);
        if (is_over (&view) && told == world->notice_count && world->queue_count == 0)
            return;
        decide_if_wanted (world, &view);
        if (world->queue_count > 0)
            world_deliver_one (world);
        while (told < world->notice_count) {
            struct world_notice notice = world->notices[told++];
            world_notified (world, notice.key, true);
        }
    }
    fail_msg ("the rollout does not end: %s", world_view (world, 0).head.cause);
}

/* Both targets heard of the end, however often. */
static void expect_told (const struct world *world)
{
    bool slack = false;
    bool mail = false;
    for (size_t i = 0; i < world->notice_count; i++) {
        slack = slack || strcmp (world->notices[i].target, "slack-ops") == 0;
        mail = mail || strcmp (world->notices[i].target, "mail-managers") == 0;
    }
    assert_true (slack && mail);
}

/* Returns how many entries were recorded in all. */
static size_t drive_with_crash (size_t crash_at, enum outcome test, enum phase phase, const char *version)
{
    struct world *world = world_new ();
    size_t entries;
    world->no_rebuild = true;
    world->crash_at = crash_at;
    world_host (world, "connect-p1")->test = test;
    drive (world);
    world_expect_phase (world, phase);
    assert_int_equal (world_view (world, 0).head.attempt, 1);
    expect_told (world);
    for (size_t i = 1; i < WORLD_HOSTS; i++)
        assert_string_equal (world->hosts[i].version, version);
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        assert_true (world->hosts[i].done_count <= 3);
    entries = world->entry_count;
    world_free (world);
    return entries;
}

static void crash_everywhere (enum outcome test, enum phase phase, const char *version)
{
    size_t entries = drive_with_crash (0, test, phase, version);
    assert_in_range (entries, 2 * FIRST_ENTRY, MOST_ENTRIES);
    for (size_t i = FIRST_ENTRY + 1; i <= entries; i++)
        (void)drive_with_crash (i, test, phase, version);
}

static void test_healthy (void **state)
{
    (void)state;
    crash_everywhere (OUTCOME_PASSED, PHASE_HEALTHY, NEW_VERSION);
}

static void test_rolled_back (void **state)
{
    (void)state;
    crash_everywhere (OUTCOME_FAILED, PHASE_ROLLED_BACK, OLD_VERSION);
}

/* What does not fit the journal is named, and changes nothing. */
static void test_entries_are_judged (void **state)
{
    struct world *world = world_new ();
    struct error error = {0};
    struct entry_phase phase = {.rollout = 9, .phase = PHASE_HEALTHY, .attempt = 1, .cause = ""};
    struct entry_epoch epoch = {.epoch = 1};
    (void)state;
    assert_false (controller_apply (world->controller, &entry_phase_type, &phase, &error));
    assert_non_null (strstr (error.text, "entry_phase: there is no rollout 9"));
    assert_false (controller_apply (world->controller, &entry_epoch_type, &epoch, &error));
    assert_false (controller_apply (world->controller, &hello_type, &epoch, &error));
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_healthy),
        cmocka_unit_test (test_rolled_back),
        cmocka_unit_test (test_entries_are_judged),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
