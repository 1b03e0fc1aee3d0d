/* Good plans: their cohorts, defaults and digests; how they are shown, and how two of them differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/accept.h"
#include "controller/core/plan_diff.h"
#include "controller/core/plan_show.h"
#include "plan_world.h"

#define HEAD "plan: p\nproduct: rstudio-connect\nversion: 2026.06.1\nartifact: a.deb\n"

static const char seven_steps[] =
    HEAD "steps:\n"
         "  - deploy:  {environment: staging, strategy: rolling}\n"
         "  - test:    {suite: regression}\n"
         "  - deploy:  {environment: production, canary: 10%, min_healthy_time: 60s, max_unavailable: 30%}\n"
         "  - test:    {suite: regression}\n"
         "  - manual:  {instructions: publish a Shiny app, optional: true}\n"
         "  - signoff: {role: release-managers, approvals: 2}\n"
         "  - deploy:  {environment: production, remaining: true, max_parallel: 80%}\n"
         "  - test:    {suite: final}\n"
         "  - notify:  {to: [slack-ops, mail-managers]}\n";

static void build (const char *text, struct arena *arena, struct plan *plan)
{
    struct plan_problems problems = {.arena = arena};
    struct buffer out = {0};
    if (world_build (text, false, &problems, plan))
        return;
    plan_problems_print (&problems, &out);
    print_error ("%s", out.size > 0 ? out.data : "no reason\n");
    buffer_free (&out);
    fail ();
}

/* "staging:a,b" */
static void assert_hosts (const struct step *step, const char *expected)
{
    struct buffer text = {0};
    buffer_print (&text, "%s:", step->environment);
    for (size_t i = 0; i < step->hosts_count; i++)
        buffer_print (&text, "%s%s", i > 0 ? "," : "", step->hosts[i]);
    assert_string_equal (text.data, expected);
    buffer_free (&text);
}

static void test_seven_steps (void **state)
{
    struct arena arena = {0};
    struct plan plan;
    (void)state;
    build (seven_steps, &arena, &plan);
    assert_int_equal (plan.steps_count, 9);
    assert_hosts (&plan.steps[0], "staging:connect-s1");
    assert_hosts (&plan.steps[1], "staging:connect-s1");
    assert_hosts (&plan.steps[2], "production:connect-p1");
    assert_hosts (&plan.steps[3], "production:connect-p1");
    assert_hosts (&plan.steps[4], "production:");
    assert_hosts (&plan.steps[6], "production:connect-p2,connect-p3,connect-p4");
    assert_hosts (&plan.steps[7], "production:connect-p1,connect-p2,connect-p3,connect-p4");
    assert_int_equal (plan.steps[2].max_unavailable, 1); /* 30 % of 4, rounded down */
    assert_int_equal (plan.steps[6].max_unavailable, 4); /* no limit: all of the environment */
    assert_int_equal (plan.steps[6].max_parallel, 2);    /* 80 % of 3, rounded down */
    assert_int_equal (plan.steps[0].max_parallel, 1);
    assert_int_equal (plan.steps[2].min_healthy_time.ms, 60000);
    assert_int_equal (plan.steps[2].healthy_deadline.ms, 300000);
    assert_int_equal (plan.steps[2].progress_deadline.ms, 600000);
    assert_string_equal (plan.steps[4].role, "release-managers"); /* the next sign-off's */
    assert_true (plan.steps[4].optional);
    assert_int_equal (plan.steps[4].approvals, 1);
    assert_int_equal (plan.steps[5].approvals, 2);
    assert_int_equal (plan.steps[8].targets_count, 2);
    arena_free (&arena);
}

static void test_titles (void **state)
{
    static const char *const titles[] = {"deploy to staging", "regression tests", "deploy to one server",
                                         "regression tests",  "manual test",      "sign-off",
                                         "remaining servers", "final test",       "notify"};
    struct arena arena = {0};
    struct plan plan;
    (void)state;
    build (seven_steps, &arena, &plan);
    for (size_t i = 0; i < plan.steps_count; i++) {
        assert_string_equal (plan.steps[i].title, titles[i]);
        assert_int_equal (plan.steps[i].number, i + 1);
    }
    build (
        HEAD "steps:\n  - pause: until promoted\n  - deploy: {environment: staging, title: first}\n"
             "  - test: {suite: final}\n  - pause: {duration: 90s}\n"
             "  - deploy: {environment: production, hosts: [connect-p4, connect-p2]}\n"
             "  - test: {suite: final}\n",
        &arena, &plan);
    assert_string_equal (plan.steps[0].title, "pause until promoted");
    assert_string_equal (plan.steps[0].role, "operator");
    assert_string_equal (plan.steps[1].title, "first");
    assert_string_equal (plan.steps[3].title, "pause for 01:30");
    assert_int_equal (plan.steps[3].duration.ms, 90000);
    assert_string_equal (plan.steps[4].title, "deploy to 2 servers");
    assert_hosts (&plan.steps[4], "production:connect-p4,connect-p2"); /* as written */
    assert_hosts (&plan.steps[5], "production:connect-p4,connect-p2");
    arena_free (&arena);
}

static void test_cohorts (void **state)
{
    static const struct {
        const char *canary;
        const char *first;
        const char *rest;
    } table[] = {
        {"1", "production:connect-p1", "production:connect-p2,connect-p3,connect-p4"},
        {"2", "production:connect-p1,connect-p2", "production:connect-p3,connect-p4"},
        {"1%", "production:connect-p1", "production:connect-p2,connect-p3,connect-p4"},
        {"25%", "production:connect-p1", "production:connect-p2,connect-p3,connect-p4"},
        {"26%", "production:connect-p1,connect-p2", "production:connect-p3,connect-p4"},
        {"75%", "production:connect-p1,connect-p2,connect-p3", "production:connect-p4"},
        {"'50%'", "production:connect-p1,connect-p2", "production:connect-p3,connect-p4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct arena arena = {0};
        struct plan plan;
        build (
            arena_format (
                &arena,
                HEAD "skip_staging: it is down\ncomment: hello\nsteps:\n"
                     "  - deploy: {environment: production, canary: %s}\n  - test: {suite: final}\n"
                     "  - signoff: {role: testers}\n"
                     "  - deploy: {environment: production, remaining: true}\n  - test: {suite: final}\n",
                table[i].canary),
            &arena, &plan);
        assert_hosts (&plan.steps[0], table[i].first);
        assert_hosts (&plan.steps[3], table[i].rest);
        assert_string_equal (plan.comment, "hello\nStaging is skipped: it is down");
        arena_free (&arena);
    }
}

/* A canary after a canary takes the next hosts; a test of an environment covers all that have the release. */
static void test_growing_canary (void **state)
{
    struct arena arena = {0};
    struct plan plan;
    (void)state;
    build (
        HEAD "skip_staging: none\nsteps:\n"
             "  - deploy: {environment: production, canary: 1}\n  - test: {suite: final}\n"
             "  - deploy: {environment: production, canary: 50%}\n"
             "  - test: {suite: final, environment: production}\n"
             "  - test: {suite: final, hosts: connect-p1}\n  - signoff: {role: testers}\n"
             "  - deploy: {environment: production, remaining: true}\n"
             "  - test: {suite: final}\n",
        &arena, &plan);
    assert_hosts (&plan.steps[2], "production:connect-p2,connect-p3");
    assert_hosts (&plan.steps[3], "production:connect-p1,connect-p2,connect-p3");
    assert_hosts (&plan.steps[4], "production:connect-p1");
    assert_hosts (&plan.steps[6], "production:connect-p4");
    arena_free (&arena);
}

static void test_head_and_digests (void **state)
{
    struct arena arena = {0};
    struct plan plan;
    const struct suite *own;
    (void)state;
    build (
        "plan: p\nproduct: rstudio-connect\nversion: 2026.06.1\nartifacts: [a.deb, ../b.deb]\non_failure: "
        "pause\n"
        "expires: 2d\nprofile: c.yaml\n"
        "suites:\n  regression: [{exec: own.sh, name: mine, deadline: 3s}, {exec: own.sh}, {exec: own.sh}]\n"
        "  unused: [{exec: absent.sh}]\n"
        "steps:\n  - deploy: {environment: staging}\n  - test: {suite: regression}\n  - test: {suite: "
        "final}\n",
        &arena, &plan);
    assert_int_equal (plan.counter, 42);
    assert_int_equal (plan.issued.ms, 1700000000000);
    assert_int_equal (plan.expires.ms, 1700000000000 + 2 * 86400000);
    assert_int_equal (plan.trust_version, 2);
    assert_int_equal (plan.fleet_version, 3);
    assert_int_equal (plan.fleet.bytes[0], 5);
    assert_int_equal (plan.on_failure, ON_FAILURE_PAUSE);
    assert_int_equal (plan.artifacts_count, 2);
    assert_int_equal (plan.artifacts[0].digest.bytes[0], 1);
    assert_string_equal (plan.artifacts[1].name, "b.deb");
    assert_int_equal (plan.artifacts[1].digest.bytes[0], 9);
    assert_int_equal (plan.suites_count, 2); /* the plan's own regression, and the profile's final */
    own = &plan.suites[0];
    assert_string_equal (own->name, "regression");
    assert_int_equal (own->tests_count, 3);
    assert_string_equal (own->tests[0].name, "mine");
    assert_string_equal (own->tests[1].name, "own.sh");
    assert_string_equal (own->tests[2].name, "own.sh-2");
    assert_int_equal (own->tests[0].deadline.ms, 3000);
    assert_int_equal (own->tests[1].deadline.ms, 30000);
    assert_int_equal (own->tests[1].script.bytes[0], 8);
    assert_int_equal (own->tests[1].length, 80);
    assert_string_equal (plan.suites[1].tests[0].target, "http://127.0.0.1:${port}/");
    assert_int_equal (plan.suites[1].tests[0].status, 204);
    arena_free (&arena);
}

static void test_profile (void **state)
{
    struct arena arena = {0};
    struct plan plan;
    (void)state;
    build (seven_steps, &arena, &plan);
    assert_string_equal (plan.profile.product, "rstudio-connect");
    assert_int_equal (plan.profile.start.words_count, 2);
    assert_string_equal (plan.profile.start.words[1], "now");
    assert_int_equal (plan.profile.start.deadline.ms, 20000);
    assert_int_equal (plan.profile.stop.words_count, 3); /* a text is for the shell, never split */
    assert_string_equal (plan.profile.stop.words[0], "/bin/sh");
    assert_string_equal (plan.profile.stop.words[1], "-c");
    assert_string_equal (plan.profile.stop.words[2], "kill $pid");
    assert_int_equal (plan.profile.stop.deadline.ms, 60000);
    assert_int_equal (plan.profile.health_interval.ms, 1000);
    assert_int_equal (plan.profile.keep_releases, 3);
    assert_int_equal (plan.profile.health[0].status, 200);
    assert_int_equal (plan.suites[0].tests[0].script.bytes[0], 7); /* seen from the profile's folder */
    assert_string_equal (plan.suites[0].tests[0].name, "version.sh");
    assert_string_equal (plan.suites[0].tests[1].name, "tcp");
    assert_int_equal (plan.suites[0].tests[0].arguments_count, 2);
    arena_free (&arena);
}

/* What is built is what is signed: it encodes, decodes, and passes the check that every host makes. */
static void test_as_document (void **state)
{
    struct arena arena = {0};
    struct buffer out = {0};
    struct buffer differences = {0};
    struct plan plan;
    struct plan again;
    struct error error;
    (void)state;
    build (seven_steps, &arena, &plan);
    assert_true (document_write (&plan_type, &plan, &out, &error));
    assert_true (document_read (&plan_type, buffer_bytes (&out), &arena, &again, &error));
    assert_true (plan_check (&again, &error));
    assert_int_equal (plan_diff (&plan, &again, &differences), 0);
    buffer_free (&out);
    buffer_free (&differences);
    arena_free (&arena);
}

static void test_changes (void **state)
{
    static struct host_release old = {.product = "rstudio-connect", .version = "2026.05.0"};
    static struct host_release there = {.product = "rstudio-connect", .version = "2026.06.1"};
    const struct host_row rows[] = {
        {.name = "connect-s1", .releases = &there, .releases_count = 1},
        {.name = "connect-p2"},
        {.name = "connect-p1", .releases = &old, .releases_count = 1},
    };
    struct arena arena = {0};
    struct buffer out = {0};
    struct plan plan;
    (void)state;
    build (seven_steps, &arena, &plan);
    plan_show_changes (&plan, rows, 3, &out);
    assert_string_equal (
        out.data, "HOST        ENVIRONMENT  NOW          NEW        STEP\n"
                  "connect-s1  staging      2026.06.1 -> 2026.06.1  1 deploy to staging (runs it already)\n"
                  "connect-p1  production   2026.05.0 -> 2026.06.1  3 deploy to one server\n"
                  "connect-p2  production   none      -> 2026.06.1  7 remaining servers\n"
                  "connect-p3  production   ?         -> 2026.06.1  7 remaining servers\n"
                  "connect-p4  production   ?         -> 2026.06.1  7 remaining servers\n");
    buffer_free (&out);
    arena_free (&arena);
}

static void test_show (void **state)
{
    static const char *const parts[] = {
        "plan          p\n",
        "expires       2023-11-21T22:13:20Z\n",
        "  start within 20s\n    /bin/start\n    now\n",
        "    version.sh: exec 070000000000, 70 bytes, with a, b, within 30s\n",
        ("  3  deploy  deploy to one server  [production]\n     1 host: connect-p1\n"
         "     rolling, at most 1 at once, at most 1 out of service\n"
         "     healthy for 01:00 within 05:00, all within 10:00\n"),
        ("     1 approval of role 'release-managers', may be skipped with a reason\n"
         "     > publish a Shiny app\n"),
        "     to slack-ops, mail-managers\n",
    };
    struct arena arena = {0};
    struct buffer out = {0};
    struct plan plan;
    (void)state;
    build (seven_steps, &arena, &plan);
    plan_show (&plan, &out);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr (out.data, parts[i]) == NULL)
            fail_msg ("no '%s' in:\n%s", parts[i], out.data);
    buffer_clear (&out);
    plan.steps[0].title = "\x1b[2Jsigned by all";
    plan.comment = "fine\n\x1b]0;title\x07";
    plan_show (&plan, &out);
    plan_show_changes (&plan, NULL, 0, &out);
    assert_null (strchr (out.data, '\x1b'));
    assert_null (strchr (out.data, '\x07'));
    buffer_free (&out);
    arena_free (&arena);
}

static void test_diff (void **state)
{
    static const char expected[] = "version: 2026.06.1 -> 2026.07.0\n"
                                   "counter: 42 -> 43\n"
                                   "artifacts: - a.deb\n"
                                   "artifacts: + b.deb\n"
                                   "suites[final].tests[http].status: 204 -> 200\n"
                                   "steps[3].hosts: + connect-p2\n"
                                   "steps[3].max_parallel: 1 -> 2\n"
                                   "steps[7].hosts: - connect-p2\n"
                                   "steps[9]: - notify, notify\n";
    struct arena arena = {0};
    struct buffer out = {0};
    struct plan first;
    struct plan second;
    const char *more[] = {"connect-p1", "connect-p2"};
    const char *fewer[] = {"connect-p3", "connect-p4"};
    struct artifact other = {.name = "b.deb"};
    (void)state;
    build (seven_steps, &arena, &first);
    build (seven_steps, &arena, &second);
    assert_int_equal (plan_diff (&first, &second, &out), 0);
    assert_int_equal (out.size, 0);
    second.version = "2026.07.0";
    second.counter = 43;
    second.artifacts = &other;
    second.suites[1].tests[0].status = 200;
    second.steps[2].hosts = more;
    second.steps[2].hosts_count = 2;
    second.steps[2].max_parallel = 2;
    second.steps[6].hosts = fewer;
    second.steps[6].hosts_count = 2;
    second.steps_count = 8;
    assert_int_equal (plan_diff (&first, &second, &out), 9);
    assert_string_equal (out.data, expected);
    buffer_free (&out);
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_seven_steps),
        cmocka_unit_test (test_titles),
        cmocka_unit_test (test_cohorts),
        cmocka_unit_test (test_growing_canary),
        cmocka_unit_test (test_head_and_digests),
        cmocka_unit_test (test_profile),
        cmocka_unit_test (test_as_document),
        cmocka_unit_test (test_changes),
        cmocka_unit_test (test_show),
        cmocka_unit_test (test_diff),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
