/* Merging: whole, changes, what is known already, gaps; and the exit code of each phase. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cli/cli.h"
#include "controller/cli/view.h"

static struct progress whole (uint64_t sequence, struct view_host *host)
{
    *host = (struct view_host){.name = "a", .environment = "e", .version = "1", .detail = ""};
    return (struct progress){
        .sequence = sequence,
        .whole = true,
        .head = {.rollout = 3, .attempt = 1},
        .hosts = host,
        .hosts_count = 1};
}

static void test_merge (void **state)
{
    struct view view = {0};
    struct view_host host;
    struct view_host other = {.name = "b", .activity = ACTIVITY_KEPT};
    struct progress first = whole (7, &host);
    struct progress change = {.sequence = 8, .head = {.rollout = 3}, .hosts = &other, .hosts_count = 1};
    (void)state;
    assert_int_equal (view_merge (&view, &change), VIEW_GAP);
    assert_int_equal (view_merge (&view, &first), VIEW_CHANGED);
    assert_int_equal (view_merge (&view, &first), VIEW_SAME);
    assert_int_equal (view_merge (&view, &change), VIEW_CHANGED);
    assert_int_equal (view_merge (&view, &change), VIEW_SAME);
    assert_int_equal (view.state.hosts_count, 2);
    assert_string_equal (view_host_named (&view, "a")->version, "1");
    assert_int_equal (view_host_named (&view, "b")->activity, ACTIVITY_KEPT);
    change.sequence = 10;
    assert_int_equal (view_merge (&view, &change), VIEW_GAP);
    assert_int_equal (view.state.sequence, 8);
    host.version = "2";
    first.sequence = 10;
    assert_int_equal (view_merge (&view, &first), VIEW_CHANGED);
    assert_int_equal (view.state.hosts_count, 1);
    assert_string_equal (view_host_named (&view, "a")->version, "2");
    view_free (&view);
}

/* A controller that began anew may count from 1: the whole state is taken all the same. */
static void test_sequence_begins_anew (void **state)
{
    struct view view = {0};
    struct view_host host;
    struct progress old = whole (100, &host);
    struct progress young = whole (1, &host);
    (void)state;
    assert_int_equal (view_merge (&view, &old), VIEW_CHANGED);
    assert_int_equal (view_merge (&view, &young), VIEW_CHANGED);
    assert_int_equal (view.state.sequence, 1);
    view_free (&view);
}

static void test_exit_codes (void **state)
{
    (void)state;
    assert_int_equal (phase_exit_code (PHASE_HEALTHY), 0);
    assert_int_equal (phase_exit_code (PHASE_DEGRADED), 3);
    assert_int_equal (phase_exit_code (PHASE_ABORTED), 3);
    assert_int_equal (phase_exit_code (PHASE_ROLLED_BACK), 4);
    assert_int_equal (phase_exit_code (PHASE_PROGRESSING), 5);
    assert_int_equal (phase_exit_code (PHASE_PAUSED), 5);
    assert_int_equal (phase_exit_code (PHASE_RETURNING), 5);
    assert_int_equal (phase_exit_code (PHASE_AWAITING), 6);
    for (unsigned phase = 0; phase < phase_count; phase++)
        assert_int_equal (
            phase_is_final ((enum phase)phase),
            phase_exit_code ((enum phase)phase) != 5 && phase_exit_code ((enum phase)phase) != 6);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_merge),
        cmocka_unit_test (test_sequence_begins_anew),
        cmocka_unit_test (test_exit_codes),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
