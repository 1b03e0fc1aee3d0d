/* What watchers are shown of hosts: an end by the receipt alone, and what a host was until it is at work
 * again. */
#include "tests/unit/controller_core/world.h"

static struct view_host row_of (struct world *world, const char *name)
{
    struct progress progress = world_view (world, 0);
    for (size_t i = 0; i < progress.hosts_count; i++)
        if (strcmp (progress.hosts[i].name, name) == 0)
            return progress.hosts[i];
    fail_msg ("no row of %s", name);
    return progress.hosts[0];
}

static void say (struct world *world, const char *name, uint64_t step, enum activity activity)
{
    struct doing doing = {
        .plan = world->plan_digest, .step = step, .attempt = 1, .activity = activity, .detail = NEW_VERSION};
    world_agent (world, (size_t)(world_host (world, name) - world->hosts), &doing_type, &doing);
}

static void test_kept_when_proven (void **state)
{
    struct world *world = world_new ();
    struct view_host row;
    (void)state;
    world_host (world, "connect-p2")->silent = true;
    world_to_signoff (world);
    row = row_of (world, "connect-p2");
    assert_int_equal (row.activity, ACTIVITY_IDLE);
    assert_string_equal (row.version, OLD_VERSION);
    world_sign_off (world);
    row = row_of (world, "connect-p2");
    assert_int_equal (row.activity, ACTIVITY_WAITING);
    say (world, "connect-p2", 5, ACTIVITY_SWAPPING);
    row = row_of (world, "connect-p2");
    assert_int_equal (row.activity, ACTIVITY_SWAPPING);
    assert_string_equal (row.version, OLD_VERSION);
    say (world, "connect-p2", 5, ACTIVITY_KEPT);
    row = row_of (world, "connect-p2");
    assert_int_equal (row.activity, ACTIVITY_CHECKING);
    assert_string_equal (row.version, NEW_VERSION);
    assert_string_equal (row.detail, "");
    world_free (world);
}

static void test_stays_as_it_was (void **state)
{
    struct world *world = world_new ();
    struct view_host row;
    (void)state;
    world_to_signoff (world);
    world_host (world, "connect-p1")->silent = true;
    world_sign_off (world);
    world_deliver (world);
    assert_int_equal (world_view (world, 0).head.step, 6);
    row = row_of (world, "connect-p1");
    assert_int_equal (row.activity, ACTIVITY_PASSED);
    assert_int_equal (row.tests_passed, 3);
    say (world, "connect-p1", 6, ACTIVITY_TESTING);
    row = row_of (world, "connect-p1");
    assert_int_equal (row.activity, ACTIVITY_TESTING);
    assert_int_equal (row.tests_passed, 0);
    world_free (world);
}

static void test_who_may_decide (void **state)
{
    struct world *world = world_new ();
    struct progress progress;
    (void)state;
    world_to_signoff (world);
    progress = world_view (world, 0);
    assert_true (progress.steps[2].optional);
    assert_false (progress.steps[3].optional);
    assert_string_equal (progress.steps[3].role, "managers");
    assert_string_equal (progress.steps[0].role, "");
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_kept_when_proven),
        cmocka_unit_test (test_stays_as_it_was),
        cmocka_unit_test (test_who_may_decide),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
