/* Bad plans: each error has its place and says what to write instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan_world.h"

/* Five lines; the steps begin in line 6. */
#define HEAD "plan: p\nproduct: rstudio-connect\nversion: 2026.06.1\nartifact: a.deb\nsteps:\n"
#define STAGING "  - deploy: {environment: staging}\n  - test: {suite: regression}\n"
#define CANARY "  - deploy: {environment: production, canary: 1}\n  - test: {suite: final}\n"
#define STEPS "steps:\n" STAGING

struct bad {
    const char *text;
    const char *problem; /* the beginning of the first line */
};

static const struct bad structure[] = {
    {"", "d/p.yaml:1:1: a plan needs 'plan': its name, such as connect-2026.06.1"},
    {"- a\n", "d/p.yaml:1:1: a plan: expected a map of keys and values, not a list"},
    {"plan: p\nproduct: rstudio-connect\nversoin: 1\nversion: 1\nartifact: a.deb\n" STEPS,
     "d/p.yaml:3:1: a plan has no key 'versoin': did you mean 'version'?"},
    {"plan: a/b\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\n" STEPS,
     "d/p.yaml:1:7: plan: expected a name of at most 64 letters"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1 2\nartifact: a.deb\n" STEPS,
     "d/p.yaml:3:10: version: '1 2' is no version: use letters, digits and"},
    /* Cut within a character, which is marked: JSON could not hold half of it. */
    {"plan: p\nproduct: rstudio-connect\nversion: 1 2345678901234567890123456789012345678901234567890"
     "1234567890123456789012345678é\nartifact: a.deb\n" STEPS,
     "d/p.yaml:3:10: version: '1 2345678901234567890123456789012345678901234567890"
     "1234567890123456789012345678?' is no version"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\n" STEPS,
     "d/p.yaml:1:1: a plan needs 'artifact': the name of a file in the depot, or a path"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a\nartifacts: [b]\n" STEPS,
     "d/p.yaml:4:11: 'artifact' and 'artifacts' together: keep the list alone"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifacts: [a.deb, a.deb]\n" STEPS,
     "d/p.yaml:4:20: artifacts: 'a.deb' stands here twice: keep one"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifacts: []\n" STEPS,
     "d/p.yaml:4:12: artifacts: the list is empty: write at least one file"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\non_failure: rolback\n" STEPS,
     "d/p.yaml:5:13: on_failure: 'rolback': did you mean 'rollback'?"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\nexpires: 7\n" STEPS,
     "d/p.yaml:5:10: expires: '7' is not a length of time: write a number and a unit"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\nexpires: 366d\n" STEPS,
     "d/p.yaml:5:10: expires: expected a time from the build of at most 365d"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\nskip_staging: ''\n" STEPS,
     "d/p.yaml:5:15: skip_staging: write the reason, for those who sign"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\noverride: {role: testers}\n" STEPS,
     "d/p.yaml:5:11: override: the hosts of a failed step return before anybody could decide: write "
     "on_failure: "
     "pause"},
    {"on_failure: pause\nplan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\noverride: "
     "testers\n" STEPS,
     "d/p.yaml:6:11: override: expected a map"},
    {"on_failure: pause\nplan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\noverride: "
     "{}\n" STEPS,
     "d/p.yaml:6:11: override needs 'role': who may override a failure"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\n",
     "d/p.yaml:1:1: a plan needs 'steps': a list, such as - deploy: {environment: staging}"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: a.deb\nsteps: {deploy: x}\n",
     "d/p.yaml:5:8: steps: expected a list of 1 to 64 steps, each beginning with '- '"},
    {HEAD "  - depoly: {environment: staging}\n",
     "d/p.yaml:6:5: no step is named 'depoly': did you mean 'deploy'?"},
    {HEAD "  - parity: {}\n", "d/p.yaml:6:5: no step is named 'parity': use one of deploy, test, manual"},
    {HEAD "  - deploy\n", "d/p.yaml:6:5: a step is one of deploy, test, manual, signoff, pause and notify"},
    {HEAD "  - deploy: staging\n", "d/p.yaml:6:13: deploy: expected a map in braces or indented lines"},
    {HEAD "  - deploy:\n    environment: staging\n",
     "d/p.yaml:6:12: deploy: expected a map in braces or indented lines"},
    {HEAD STAGING "    test: {suite: final}\n", "d/p.yaml:8:5: 'test' stands here twice"},
    {HEAD "  - deploy: {environment: staging}\n    test: {suite: regression}\n",
     "d/p.yaml:7:5: 'test' belongs to another step, or deeper into this one: begin it with '- '"},
    {HEAD "  - deploy: {canary: 1}\n  - test: {suite: final}\n",
     "d/p.yaml:6:5: deploy needs 'environment': such as environment: staging"},
    {HEAD "  - deploy: {environment: staging, paralel: 1}\n  - test: {suite: final}\n",
     "d/p.yaml:6:36: deploy has no key 'paralel'"},
    {HEAD "  - deploy: {environment: staging, strategy: blue}\n  - test: {suite: final}\n",
     "d/p.yaml:6:46: strategy: 'blue': use one of rolling"},
    {HEAD "  - deploy: {environment: staging, canary: 0}\n  - test: {suite: final}\n",
     "d/p.yaml:6:44: canary: expected a number of hosts from 1, or a share such as 10%, not '0'"},
    {HEAD "  - deploy: {environment: staging, max_parallel: 101%}\n  - test: {suite: final}\n",
     "d/p.yaml:6:50: max_parallel: expected a number of hosts from 1"},
    {HEAD "  - deploy: {environment: staging, max_unavailable: [1]}\n  - test: {suite: final}\n",
     "d/p.yaml:6:53: max_unavailable: expected a number of hosts from 1, or a share such as 10%, not a list"},
    {HEAD "  - deploy: {environment: staging, canary: 1, hosts: [connect-s1]}\n  - test: {suite: final}\n",
     "d/p.yaml:6:5: deploy: canary, hosts and remaining exclude each other: keep one of them"},
    {HEAD "  - deploy: {environment: staging, remaining: false}\n  - test: {suite: final}\n",
     "d/p.yaml:6:47: remaining: false says nothing: leave it out, or write true"},
    {HEAD "  - deploy: {environment: staging, remaining: yes}\n  - test: {suite: final}\n",
     "d/p.yaml:6:47: remaining: expected true or false, not 'yes'"},
    {HEAD "  - deploy: {environment: staging, min_healthy_time: 5m}\n  - test: {suite: final}\n",
     "d/p.yaml:6:54: min_healthy_time (05:00) must be shorter than healthy_deadline (05:00)"},
    {HEAD "  - deploy: {environment: staging, confirm_within: 10m}\n  - test: {suite: final}\n",
     "d/p.yaml:6:52: confirm_within (10:00) must be longer than progress_deadline (10:00)"},
    {HEAD "  - deploy: {environment: staging, progress_deadline: 1m}\n  - test: {suite: final}\n",
     "d/p.yaml:6:55: healthy_deadline (05:00) must be shorter than progress_deadline (01:00)"},
    {HEAD "  - deploy: {environment: staging, remaining: true}\n  - test: {suite: final}\n",
     "d/p.yaml:6:47: remaining: no earlier step deploys to 'staging': leave it out"},
    {HEAD STAGING STAGING, "d/p.yaml:8:5: deploy: every host of 'staging' is in step 1 already"},
    {HEAD STAGING CANARY "  - deploy: {environment: production}\n  - test: {suite: final}\n",
     "d/p.yaml:10:5: deploy: step 3 deploys to a part of 'production' already: write remaining: true"},
    {HEAD "  - deploy: {environment: staging, hosts: [connect-s1, connect-s1]}\n  - test: {suite: final}\n",
     "d/p.yaml:6:56: hosts: 'connect-s1' stands here twice: keep one"},
    {HEAD "  - deploy: {environment: staging, hosts: []}\n  - test: {suite: final}\n",
     "d/p.yaml:6:43: hosts: the list is empty: write at least one name"},
    {HEAD "  - test: {suite: regression}\n" STAGING,
     "d/p.yaml:6:5: test: no earlier step deploys anything: move this step behind a deploy"},
    {HEAD STAGING "  - test: {suite: regression, environment: production}\n",
     "d/p.yaml:8:44: test: no earlier step deploys to 'production': move this step behind its deploy"},
    {HEAD STAGING "  - test: {suite: regresion}\n",
     "d/p.yaml:8:19: test: no suite is named 'regresion': did you mean 'regression'?"},
    {HEAD STAGING "  - test: {}\n", "d/p.yaml:8:5: test needs 'suite': the name of a list of tests"},
    {HEAD STAGING "  - manual: {optional: true, role: testers}\n",
     "d/p.yaml:8:5: manual needs 'instructions': what the tester is asked to do"},
    {HEAD STAGING "  - manual: {instructions: look}\n",
     "d/p.yaml:8:5: manual: no sign-off follows whose role could be meant: write role: NAME here"},
    {HEAD STAGING "  - signoff: {approvals: 2}\n",
     "d/p.yaml:8:5: signoff needs 'role': whose approvals count, such as release-managers"},
    {HEAD STAGING "  - signoff: {role: testers, approvals: 0}\n",
     "d/p.yaml:8:41: approvals: expected a number from 1 to 64, not '0'"},
    {HEAD STAGING "  - signoff: {role: testers, optional: true}\n",
     "d/p.yaml:8:30: signoff has no key 'optional'"},
    {HEAD "  - signoff: {role: testers}\n" STAGING,
     "d/p.yaml:6:5: signoff: no earlier step deploys anything"},
    {HEAD STAGING "  - pause: {duration: soon}\n", "d/p.yaml:8:23: duration: 'soon' is not a length of time"},
    {HEAD STAGING "  - pause: {duration: 0s}\n", "d/p.yaml:8:23: duration: expected a time such as 10m"},
    {HEAD STAGING "  - pause: 10m\n",
     "d/p.yaml:8:12: pause: expected a map in braces or indented lines, such as {duration: 10m}"},
    {HEAD "  - pause: {duration: 1m}\n" STAGING, "d/p.yaml:6:5: pause: no earlier step deploys anything"},
    {HEAD STAGING "  - notify: {}\n", "d/p.yaml:8:5: notify needs 'to': names of targets"},
    {HEAD STAGING "  - notify: {to: 'a b'}\n", "d/p.yaml:8:18: to: expected a name of at most 64 letters"},
    {HEAD "  - notify: {to: slack-ops}\n",
     "d/p.yaml:6:3: steps: none of them deploys anything: begin with - deploy: {environment: staging}"},
    {"suites:\n  regression: []\n" HEAD STAGING,
     "d/p.yaml:2:15: suite 'regression': expected a list of 1 to 256"},
    {"suites:\n  a: [{exec: x, http: 'http://y'}]\n" HEAD STAGING,
     "d/p.yaml:2:7: a test of suite 'a' needs exactly one of exec, http and tcp, and has 2 of them"},
    {"suites:\n  a: [{exec: x, staus: 1}]\n" HEAD STAGING, "d/p.yaml:2:17: an exec test has no key 'staus'"},
    {"suites:\n  a: [{http: example.org}]\n" HEAD STAGING, "d/p.yaml:2:14: http: 'example.org' is no URL"},
    {"suites:\n  a: [{tcp: localhost}]\n" HEAD STAGING, "d/p.yaml:2:13: tcp: 'localhost' has no port"},
    {"suites:\n  a: [{http: 'http://x', status: 600}]\n" HEAD STAGING,
     "d/p.yaml:2:34: status: expected a number from 100 to 599, not '600'"},
    {"suites:\n  a: [{tcp: 'x:1', name: n}, {tcp: 'x:2', name: n}]\n" HEAD STAGING,
     "d/p.yaml:2:49: name: another test of this list is named 'n' too: give each its own"},
    {"suites:\n  a: [{tcp: 'x:1', deadline: 0s}]\n" HEAD STAGING,
     "d/p.yaml:2:30: deadline: must be longer than 0"},
};

static const struct bad resolution[] = {
    {"plan: p\nproduct: rstudio-conect\nversion: 1\nartifact: a.deb\n" STEPS,
     "d/p.yaml:1:1: profile: d/rstudio-conect.yaml describes 'rstudio-connect'"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: b.deb\n" STEPS,
     "d/p.yaml:4:11: artifact: no file 'd/b.deb', and none in the depot is named 'b.deb': did you mean "
     "'a.deb'?"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: twice.deb\n" STEPS,
     "d/p.yaml:4:11: artifact: the depot has different contents named 'twice.deb': put the file beside"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: ./c.deb\n" STEPS,
     "d/p.yaml:4:11: artifact: no file 'd/./c.deb'"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: empty.deb\n" STEPS,
     "d/p.yaml:4:11: artifact: 'empty.deb' is empty"},
    {"plan: p\nproduct: rstudio-connect\nversion: 1\nartifact: ../\n" STEPS,
     "d/p.yaml:4:11: artifact: expected the name of a file"},
    {HEAD "  - deploy: {environment: stagin}\n  - test: {suite: final}\n",
     "d/p.yaml:6:27: environment: no host with rstudio-connect is in one that is named 'stagin': did you "
     "mean 'staging'?"},
    {HEAD "  - deploy: {environment: staging, hosts: connect-s2}\n  - test: {suite: final}\n",
     "d/p.yaml:6:43: hosts: the fleet has no host 'connect-s2': did you mean 'connect-s1'?"},
    {HEAD "  - deploy: {environment: staging, hosts: connect-p1}\n  - test: {suite: final}\n",
     "d/p.yaml:6:43: hosts: 'connect-p1' belongs to 'production', and this step is about 'staging'"},
    {HEAD STAGING "  - deploy: {environment: production, hosts: pm-p1}\n  - test: {suite: final}\n",
     "d/p.yaml:8:46: hosts: 'pm-p1' does not have rstudio-connect"},
    {HEAD STAGING CANARY
     "  - deploy: {environment: production, hosts: connect-p1}\n  - test: {suite: final}\n",
     "d/p.yaml:10:46: hosts: 'connect-p1' is in step 3 already: leave it out here"},
    {HEAD STAGING "  - deploy: {environment: production, canary: 5}\n  - test: {suite: final}\n",
     "d/p.yaml:8:47: canary: 5 hosts are wanted, and 'production' has 4 left with rstudio-connect: write at "
     "most 4"},
    {HEAD STAGING "  - deploy: {environment: production, canary: 100%}\n  - test: {suite: final}\n"
                  "  - signoff: {role: testers}\n"
                  "  - deploy: {environment: production, remaining: true}\n  - test: {suite: final}\n",
     "d/p.yaml:11:50: remaining: every host of 'production' is in an earlier step: leave this step out"},
    {HEAD "  - deploy: {environment: production}\n  - test: {suite: final}\n",
     "d/p.yaml:6:5: deploy: 'production' comes before staging: deploy to staging first, or write "
     "skip_staging"},
    {HEAD STAGING CANARY "  - test: {suite: final, hosts: connect-p2}\n",
     "d/p.yaml:10:33: hosts: no earlier step deploys to 'connect-p2': a test there would test the version "
     "before"},
    {HEAD STAGING CANARY "  - signoff: {role: release-manager}\n",
     "d/p.yaml:10:21: role: nobody in 'production' has the role 'release-manager': did you mean "
     "'release-managers'?"},
    {HEAD STAGING "  - signoff: {role: release-managers}\n",
     "d/p.yaml:8:21: role: nobody in 'staging' has the role 'release-managers': use one of operator, "
     "testers"},
    {HEAD STAGING CANARY "  - signoff: {role: release-managers, approvals: 3}\n",
     "d/p.yaml:10:50: approvals: 3 are wanted, and the role 'release-managers' has 2 keys in 'production'"},
    {"on_failure: pause\noverride: {role: release-managers}\n" HEAD STAGING,
     "d/p.yaml:2:18: override: nobody in 'staging' has the role 'release-managers'"},
    {"on_failure: pause\noverride: {role: testers, approvals: 9}\n" HEAD STAGING,
     "d/p.yaml:2:38: override: 9 approvals are asked for, and the role 'testers' in 'staging'"},
    {HEAD STAGING "  - signoff: {role: controller}\n",
     "d/p.yaml:8:21: role: 'controller' is no role of people"},
    {HEAD STAGING "  - signoff: {role: releaser}\n", "d/p.yaml:8:21: role: 'releaser' is no role of people"},
    {HEAD STAGING "  - notify: {to: [slack-ops, mail-manager]}\n",
     "d/p.yaml:8:30: to: no target is named 'mail-manager': did you mean 'mail-managers'?"},
    {"suites:\n  own: [{exec: onw.sh}]\n" HEAD STAGING "  - test: {suite: own}\n",
     "d/p.yaml:2:16: exec: no file 'd/onw.sh'"},
};

/* A whole text that the tree itself refuses is told by the tree; here it counts as its first problem. */
static void first_problem (const char *text, bool offline, struct arena *arena, char ret[ERROR_TEXT_MAX])
{
    struct plan_problems problems = {.arena = arena};
    struct plan plan = {.name = ""};
    const struct tree *root = NULL;
    struct error error;
    ret[0] = '\0';
    if (!tree_parse (bytes_of_text (text), "d/p.yaml", arena, &root, &error)) {
        (void)memcpy (ret, error.text, ERROR_TEXT_MAX);
        return;
    }
    if (world_build (text, offline, &problems, &plan))
        fail_msg ("built: %s", text);
    for (size_t i = 0; i < problems.count; i++)
        if (!problems.items[i].warning) {
            (void)strncpy (ret, problems.items[i].text, ERROR_TEXT_MAX - 1);
            return;
        }
}

static void check (const struct bad *table, size_t count, bool offline)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct arena arena = {0};
        char text[ERROR_TEXT_MAX] = "";
        first_problem (table[i].text, offline, &arena, text);
        if (strncmp (text, table[i].problem, strlen (table[i].problem)) != 0) {
            print_error ("%zu: '%s'\n instead of '%s'\n", i, text, table[i].problem);
            wrong++;
        }
        arena_free (&arena);
    }
    assert_int_equal (wrong, 0);
}

static void test_structure_offline (void **state)
{
    (void)state;
    check (ITEMS (structure), true);
}

static void test_structure_with_a_fleet (void **state)
{
    (void)state;
    check (ITEMS (structure), false);
}

static void test_resolution (void **state)
{
    (void)state;
    check (ITEMS (resolution), false);
}

static void test_all_at_once_and_sorted (void **state)
{
    static const char text[] = "plan: p\nproduct: rstudio-connect\nversion: 1 2\nartifact: a.deb\nsteps:\n"
                               "  - deploy: {environment: staging, canary: x, paralel: 1}\n"
                               "  - test: {suite: nothing-like-it}\n"
                               "  - signoff: {approvals: 99}\n"
                               "on_failure: explode\n";
    static const char expected[] =
        "d/p.yaml:3:10: version: '1 2' is no version: use letters, digits and . + ~ : _ -, beginning with a "
        "letter "
        "or digit\n"
        "d/p.yaml:6:44: canary: expected a number of hosts from 1, or a share such as 10%, not 'x'\n"
        "d/p.yaml:6:47: deploy has no key 'paralel': use one of environment, strategy, canary, remaining, "
        "hosts, "
        "max_parallel, max_unavailable, min_healthy_time, healthy_deadline, progress_deadline, "
        "confirm_within, title\n"
        "d/p.yaml:7:19: test: no suite is named 'nothing-like-it': use one of regression, final\n"
        "d/p.yaml:8:5: signoff needs 'role': whose approvals count, such as release-managers\n"
        "d/p.yaml:8:26: approvals: expected a number from 1 to 64, not '99'\n"
        "d/p.yaml:9:13: on_failure: 'explode': use one of rollback, pause\n";
    struct arena arena = {0};
    struct plan_problems problems = {.arena = &arena};
    struct plan plan;
    struct buffer out = {0};
    (void)state;
    assert_false (world_build (text, false, &problems, &plan));
    plan_problems_print (&problems, &out);
    assert_string_equal (out.data, expected);
    assert_int_equal (problems.errors, 7);
    buffer_free (&out);
    arena_free (&arena);
}

/* One mistake, one error: what only follows from it is not told. */
static void test_no_echo (void **state)
{
    static const char text[] = HEAD STAGING
        "  - deploy: {environment: prodction, canary: 1}\n  - test: {suite: final}\n"
        "  - signoff: {role: release-managers}\n  - deploy: {environment: prodction, remaining: true}\n"
        "  - test: {suite: final}\n";
    struct arena arena = {0};
    struct plan_problems problems = {.arena = &arena};
    struct plan plan;
    (void)state;
    assert_false (world_build (text, false, &problems, &plan));
    assert_int_equal (problems.errors, 2); /* both places at which the word stands */
    assert_int_equal (problems.items[0].line, 8);
    assert_int_equal (problems.items[1].line, 11);
    arena_free (&arena);
}

static void test_no_flood (void **state)
{
    struct arena arena = {0};
    struct plan_problems problems = {.arena = &arena};
    struct plan plan;
    struct buffer text = {0};
    struct buffer out = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        buffer_print (&text, "wrong%d: 1\n", i);
    assert_false (world_build (text.data, true, &problems, &plan));
    plan_problems_print (&problems, &out);
    assert_int_equal (problems.count, PLAN_PROBLEMS);
    assert_int_equal (problems.errors, 105); /* and the five keys that a plan needs */
    assert_non_null (strstr (out.data, "\n… and 41 more\n"));
    buffer_free (&text);
    buffer_free (&out);
    arena_free (&arena);
}

/* A good plan with one character replaced, everywhere: it is built, or told where it is wrong. */
static void test_every_slip (void **state)
{
    static const char good[] =
        HEAD STAGING CANARY "  - manual: {instructions: look, optional: true}\n  - signoff: {role: "
                            "release-managers, approvals: 2}\n"
                            "  - deploy: {environment: production, remaining: true, max_parallel: 25%}\n"
                            "  - test: {suite: final, hosts: [connect-p1]}\n  - notify: {to: [slack-ops]}\n";
    static const char slips[] = "x:{[%-'\n 0";
    size_t refused = 0;
    (void)state;
    for (size_t i = 0; i + 1 < sizeof good; i++)
        for (size_t j = 0; j + 1 < sizeof slips; j++) {
            struct arena arena = {0};
            struct plan_problems problems = {.arena = &arena};
            struct plan plan;
            const struct tree *root = NULL;
            char *text = arena_text (&arena, good);
            text[i] = slips[j];
            if (tree_parse (bytes_of_text (text), "d/p.yaml", &arena, &root, NULL) &&
                !world_build (text, false, &problems, &plan)) {
                assert_true (problems.errors > 0);
                for (size_t k = 0; k < problems.count; k++)
                    assert_true (problems.items[k].line > 0 && problems.items[k].column > 0);
                refused++;
            }
            arena_free (&arena);
        }
    assert_true (refused > 1000);
}

static void test_warnings (void **state)
{
    static const char text[] = HEAD STAGING CANARY "  - deploy: {environment: production, remaining: true}\n";
    struct arena arena = {0};
    struct plan_problems problems = {.arena = &arena};
    struct plan plan;
    (void)state;
    assert_true (world_build (text, false, &problems, &plan));
    assert_int_equal (problems.errors, 0);
    assert_int_equal (problems.warnings, 2);
    assert_string_equal (
        problems.items[0].text,
        "d/p.yaml:10:5: warning: nobody signs off between step 3 and the remaining hosts "
        "of 'production': add a signoff step");
    assert_string_equal (
        problems.items[1].text,
        "d/p.yaml:10:5: warning: nothing tests what this step deploys: add a test step behind it");
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_structure_offline), cmocka_unit_test (test_structure_with_a_fleet),
        cmocka_unit_test (test_resolution),        cmocka_unit_test (test_all_at_once_and_sorted),
        cmocka_unit_test (test_no_echo),           cmocka_unit_test (test_no_flood),
        cmocka_unit_test (test_every_slip),        cmocka_unit_test (test_warnings),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
