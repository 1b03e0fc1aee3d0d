/* The picture of a rollout against golden text, at three widths; and the lines for streams that are no
 * terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cli/live.h"
#include "controller/cli/output.h"

static const int64_t now_ms = INT64_C (1780000000000);

static struct instant ago (int64_t seconds)
{
    return (struct instant){now_ms - seconds * 1000};
}

static struct view_step steps[] = {
    {.number = 1,
     .kind = STEP_DEPLOY,
     .title = "deploy to one server",
     .environment = "production",
     .role = "",
     .state = STEP_PASSED,
     .detail = "1/1 connect-p1",
     .done = 1,
     .total = 1},
    {.number = 2,
     .kind = STEP_TEST,
     .title = "regression tests",
     .environment = "production",
     .role = "",
     .state = STEP_PASSED,
     .detail = "12/12",
     .done = 12,
     .total = 12},
    {.number = 3,
     .kind = STEP_MANUAL,
     .title = "manual test",
     .environment = "production",
     .role = "",
     .state = STEP_SKIPPED,
     .detail = "skipped by ana: \"hotfix\"",
     .total = 1},
    {.number = 4,
     .kind = STEP_SIGNOFF,
     .title = "sign-off",
     .environment = "production",
     .role = "",
     .state = STEP_PASSED,
     .detail = "2/2 ana, luis",
     .done = 2,
     .total = 2},
    {.number = 5,
     .kind = STEP_DEPLOY,
     .title = "remaining servers",
     .environment = "production",
     .role = "",
     .state = STEP_RUNNING,
     .detail = "2/3",
     .done = 2,
     .total = 3},
    {.number = 6,
     .kind = STEP_TEST,
     .title = "final test",
     .environment = "production",
     .role = "",
     .detail = "0/4",
     .total = 4},
    {.number = 7,
     .kind = STEP_NOTIFY,
     .title = "notify",
     .role = "",
     .environment = "",
     .detail = "",
     .total = 1},
};

static struct view_host hosts[] = {
    {.name = "connect-p1",
     .environment = "production",
     .version = "2026.06.1",
     .activity = ACTIVITY_KEPT,
     .tests_passed = 12,
     .tests_total = 12,
     .detail = ""},
    {.name = "connect-p3",
     .environment = "production",
     .version = "2026.06.1",
     .activity = ACTIVITY_STARTING,
     .tests_passed = 7,
     .tests_total = 12,
     .detail = "readiness 8s of 30s"},
    {.name = "connect-p4",
     .environment = "production",
     .version = "2026.03.1",
     .activity = ACTIVITY_STALE,
     .detail = "last contact\n19:55:36\033[2J"},
};

static struct progress sample (void)
{
    struct progress progress = {
        .sequence = 9,
        .whole = true,
        .at = ago (0),
        .steps = steps,
        .steps_count = 7,
        .hosts = hosts,
        .hosts_count = 3};
    progress.head = (struct view_head){
        .rollout = 42,
        .name = "connect",
        .product = "rstudio-connect",
        .version = "2026.06.1",
        .from = "2026.03.1",
        .environment = "production",
        .phase = PHASE_PROGRESSING,
        .cause = "started by ana",
        .attempt = 1,
        .step = 5,
        .steps = 7,
        .by = "ana",
        .signers = "release-key-2",
        .approvers = "ana, luis",
        .started = ago (192),
        .changed = ago (1)};
    steps[0].started = ago (191);
    steps[0].finished = ago (150);
    steps[1].started = ago (150);
    steps[1].finished = ago (132);
    steps[4].started = ago (60);
    hosts[0].seen = ago (1);
    hosts[1].seen = ago (0);
    hosts[2].seen = ago (47);
    return progress;
}

static void expect (const struct progress *progress, unsigned width, unsigned height, const char *golden)
{
    struct view view = {0};
    struct live_options options = {.now = ago (0), .width = width, .height = height};
    struct buffer out = {0};
    assert_int_equal (view_merge (&view, progress), VIEW_CHANGED);
    live_text (&view, &options, &out);
    assert_string_equal (out.data, golden);
    buffer_free (&out);
    view_free (&view);
}

static void test_wide (void **state)
{
    struct progress progress = sample ();
    (void)state;
    expect (
        &progress, 120, 0,
        "rstudio-connect 2026.03.1 → 2026.06.1   production   ● Progressing   step 5/7   03:12, ~01:22 left\n"
        "by ana  rollout 42  signed by release-key-2, signed off by ana, luis\n"
        " ✔ 1 deploy to one server  1/1 connect-p1            41s\n"
        " ✔ 2 regression tests      12/12                     18s\n"
        " ✔ 3 manual test           skipped by ana: \"hotfix\"\n"
        " ✔ 4 sign-off              2/2 ana, luis\n"
        " ◐ 5 remaining servers     ██████████░░░░░░ 2/3      01:00\n"
        " ○ 6 final test   ○ 7 notify\n"
        "HOST        VERSION    STATE       TESTS  SEEN  DETAIL\n"
        "connect-p1  2026.06.1  ✔ kept      12/12  1s\n"
        "connect-p3  2026.06.1  ◐ starting  7/12   0s    readiness 8s of 30s\n"
        "connect-p4  2026.03.1  ! stale     ?      47s   last contact 19:55:36 [2J\n"
        "next: relevo rollout pause 42 | relevo rollout abort 42\n");
}

static void test_eighty (void **state)
{
    struct progress progress = sample ();
    (void)state;
    progress.head.phase = PHASE_PAUSED;
    progress.head.cause =
        "step 5: connect-p3 did not become healthy within 30s, and its own return is done: the old "
        "version answers again";
    steps[4].state = STEP_FAILED;
    expect (
        &progress, 80, 0,
        "rstudio-connect 2026.03.1 → 2026.06.1   production   ● Paused   step 5/7   03:12\n"
        "by ana  rollout 42  signed by release-key-2, signed off by ana, luis\n"
        " ✔ 1 deploy to one server  1/1 connect-p1            41s\n"
        " ✔ 2 regression tests      12/12                     18s\n"
        " ✔ 3 manual test           skipped by ana: \"hotfix\"\n"
        " ✔ 4 sign-off              2/2 ana, luis\n"
        " ✘ 5 remaining servers     2/3\n"
        " ○ 6 final test   ○ 7 notify\n"
        "HOST        VERSION    STATE       TESTS  SEEN  DETAIL\n"
        "connect-p1  2026.06.1  ✔ kept      12/12  1s\n"
        "connect-p3  2026.06.1  ◐ starting  7/12   0s    readiness 8s of 30s\n"
        "connect-p4  2026.03.1  ! stale     ?      47s   last contact 19:55:36 [2J\n"
        "reason: step 5: connect-p3 did not become healthy within 30s, and its own return\n"
        "        is done: the old version answers again\n"
        "next: relevo rollout retry 42 | relevo rollout abort 42\n");
    steps[4].state = STEP_RUNNING;
}

/* Cut by columns, never inside a character. */
static void test_narrow (void **state)
{
    struct progress progress = sample ();
    (void)state;
    expect (
        &progress, 40, 0,
        "rstudio-connect 2026.03.1 → 2026.06.1\n"
        "● Progressing   step 5/7   03:12, ~01:22\n"
        "by ana  rollout 42  signed by release-ke\n"
        " ✔ 1 deploy to one  1/1 connect-p1  41s\n"
        " ✔ 2 regression te  12/12         18s\n"
        " ✔ 3 manual test    skipped by ana: \"hot\n"
        " ✔ 4 sign-off       2/2 ana, luis\n"
        " ◐ 5 remaining ser  ██████████░░░░░░ 2/3\n"
        " ○ 6 final test   ○ 7 notify\n"
        "HOST        VERSION    STATE       TESTS\n"
        "connect-p1  2026.06.1  ✔ kept      12/12\n"
        "connect-p3  2026.06.1  ◐ starting  7/12\n"
        "connect-p4  2026.03.1  ! stale     ?\n"
        "next: relevo rollout pause 42\n"
        "      relevo rollout abort 42\n");
}

/* On a low screen, hosts that need no attention are left out first. */
static void test_low_screen (void **state)
{
    struct view_host many[50];
    struct progress progress = sample ();
    struct view view = {0};
    struct live_options options = {.now = ago (0), .width = 100, .height = 20};
    struct buffer out = {0};
    char names[50][16];
    size_t lines = 0;
    (void)state;
    for (size_t i = 0; i < 50; i++) {
        (void)snprintf (names[i], sizeof names[i], "host-%zu", i);
        many[i] = hosts[0];
        many[i].name = names[i];
        if (i == 49)
            many[i].activity = ACTIVITY_FAILED;
    }
    progress.hosts = many;
    progress.hosts_count = 50;
    assert_int_equal (view_merge (&view, &progress), VIEW_CHANGED);
    live_text (&view, &options, &out);
    for (const char *place = out.data; *place != '\0'; place++)
        lines += *place == '\n' ? 1 : 0;
    assert_true (lines < 20);
    assert_non_null (strstr (out.data, "host-49  2026.06.1  ✘ failed"));
    assert_non_null (strstr (out.data, "… and 4"));
    buffer_free (&out);
    view_free (&view);
}

/* No picture is as high as the screen: what scrolls away can't be drawn over. */
static void test_every_height (void **state)
{
    struct progress progress = sample ();
    struct view view = {0};
    (void)state;
    assert_int_equal (view_merge (&view, &progress), VIEW_CHANGED);
    for (unsigned height = 2; height < 30; height++) {
        struct live_options options = {.now = ago (0), .width = 60, .height = height};
        struct buffer out = {0};
        unsigned lines = 0;
        live_text (&view, &options, &out);
        for (const char *place = out.data; *place != '\0'; place++)
            lines += *place == '\n' ? 1 : 0;
        assert_true (lines > 0 && lines < height);
        assert_true (height < 10 || strstr (out.data, "◐ 5 remaining servers") != NULL);
        buffer_free (&out);
    }
    view_free (&view);
}

static void test_paint (void **state)
{
    struct buffer out = {0};
    (void)state;
    live_paint ("● Healthy ✔ x\n", &out);
    assert_string_equal (out.data, "\033[32m● Healthy\033[0m \033[32m✔\033[0m x\n");
    buffer_free (&out);
}

static void test_lines (void **state)
{
    struct view before = {0};
    struct view after = {0};
    struct progress progress = sample ();
    struct progress change = {.sequence = 10, .at = ago (0), .head = progress.head};
    struct view_step step = steps[4];
    struct buffer out = {0};
    (void)state;
    assert_int_equal (view_merge (&before, &progress), VIEW_CHANGED);
    assert_int_equal (view_merge (&after, &progress), VIEW_CHANGED);
    live_changes (&before, &after, &out);
    assert_int_equal (out.size, 0);
    step.state = STEP_PASSED;
    step.detail = "3/3";
    step.done = 3;
    change.steps = &step;
    change.steps_count = 1;
    change.head.phase = PHASE_HEALTHY;
    change.head.cause = "all steps are done";
    assert_int_equal (view_merge (&after, &change), VIEW_CHANGED);
    live_changes (&before, &after, &out);
    assert_string_equal (
        out.data,
        "2026-05-28T20:26:40Z step 5 remaining servers passed 3/3\n"
        "2026-05-28T20:26:40Z rollout 42 rstudio-connect 2026.06.1 Healthy step 5/7: all steps are done\n");
    buffer_free (&out);
    view_free (&before);
    view_free (&after);
}

/* What a person may say to the step that waits, and why it waits. */
static void test_next (void **state)
{
    struct progress progress = sample ();
    struct view view = {0};
    struct buffer out = {0};
    (void)state;
    progress.head.phase = PHASE_AWAITING;
    progress.head.step = 4;
    assert_int_equal (view_merge (&view, &progress), VIEW_CHANGED);
    live_next (&view, &out);
    assert_string_equal (
        out.data, "relevo rollout approve 42 --key NAME | relevo rollout reject 42 --key NAME -m WHY");
    buffer_clear (&out);
    progress.sequence++;
    progress.head.step = 3;
    steps[2].optional = true;
    assert_int_equal (view_merge (&view, &progress), VIEW_CHANGED);
    live_next (&view, &out);
    assert_string_equal (
        out.data, "relevo rollout approve 42 --key NAME | relevo rollout skip 42 --key NAME -m WHY | "
                  "relevo rollout reject 42 --key NAME -m WHY");
    steps[2].optional = false;
    buffer_free (&out);
    view_free (&view);
}

/* Off a terminal neither a test that passed nor a host that says so itself is told twice; an approval is. */
static void test_lines_are_states (void **state)
{
    struct view before = {0};
    struct view after = {0};
    struct progress progress = sample ();
    struct progress change = {.sequence = 10, .at = ago (0), .head = progress.head};
    struct view_step changed[2] = {steps[4], steps[3]};
    struct buffer out = {0};
    (void)state;
    changed[0].done = 1;
    changed[1].state = STEP_RUNNING;
    changed[1].done = 1;
    changed[1].detail = "1/2 ana";
    steps[3].state = STEP_RUNNING;
    assert_int_equal (view_merge (&before, &progress), VIEW_CHANGED);
    assert_int_equal (view_merge (&after, &progress), VIEW_CHANGED);
    steps[3].state = STEP_PASSED;
    change.steps = changed;
    change.steps_count = 2;
    assert_int_equal (view_merge (&after, &change), VIEW_CHANGED);
    live_changes (&before, &after, &out);
    assert_string_equal (out.data, "2026-05-28T20:26:40Z step 4 sign-off running 1/2 ana\n");
    buffer_free (&out);
    view_free (&before);
    view_free (&after);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_wide),
        cmocka_unit_test (test_eighty),
        cmocka_unit_test (test_narrow),
        cmocka_unit_test (test_low_screen),
        cmocka_unit_test (test_paint),
        cmocka_unit_test (test_every_height),
        cmocka_unit_test (test_lines),
        cmocka_unit_test (test_next),
        cmocka_unit_test (test_lines_are_states),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
