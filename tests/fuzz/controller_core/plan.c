/* Plans as people write them, against a world that is known and against none: lint and build. */
#include "tests/fuzz/controller_core/world.h"

static bool build (const char *text, bool offline)
{
    struct arena arena = {0};
    struct plan_problems problems = {.arena = &arena};
    struct buffer out = {0};
    struct plan plan;
    bool built = world_build (text, offline, &problems, &plan);
    check_problems (&problems, "d/p.yaml", text);
    plan_problems_print (&problems, &out);
    assert (!built || (!offline && problems.errors == 0));
    if (built)
        check_built (&plan);
    buffer_free (&out);
    arena_free (&arena);
    return built;
}

/* world_build says nothing about a text that is no YAML. */
static void check_yaml (const char *text)
{
    struct arena arena = {0};
    struct error error = {0};
    const struct tree *root = NULL;
    if (!tree_parse (bytes_of_text (text), "d/p.yaml", &arena, &root, &error)) {
        check_error (&error);
        assert (error.kind == ERROR_LIMIT || strncmp (error.text, "d/p.yaml:", 9) == 0);
        assert (root == NULL);
    }
    arena_free (&arena);
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    const char *text = text_of (input, &arena);
    bool built = build (text, false);
    (void)build (text, true);
    check_yaml (text);
    arena_free (&arena);
    return built;
}

#define HEAD "plan: p\nproduct: rstudio-connect\nversion: 2026.06.1\nartifact: a.deb\n"

static void seed (void)
{
    seed_good (
        "seven-steps",
        bytes_of_text (HEAD "on_failure: rollback\nsteps:\n"
                            "  - deploy:  {environment: staging, strategy: rolling}\n"
                            "  - test:    {suite: regression}\n"
                            "  - deploy:  {environment: production, canary: 10%, min_healthy_time: 60s}\n"
                            "  - test:    {suite: regression}\n"
                            "  - manual:  {instructions: publish a Shiny app, optional: true}\n"
                            "  - signoff: {role: release-managers, approvals: 2}\n"
                            "  - deploy:  {environment: production, remaining: true, max_parallel: 80%}\n"
                            "  - test:    {suite: final}\n"
                            "  - notify:  {to: [slack-ops, mail-managers]}\n"));
    seed_good (
        "own-suite",
        bytes_of_text (HEAD
                       "skip_staging: 'no staging host'\nexpires: 2d\nsuites:\n"
                       "  mine:\n    - exec: own.sh\n      arguments: [x, 'y z']\n      deadline: 30s\n"
                       "    - http: 'http://127.0.0.1:${port}/'\n      status: 200\n      body: ok\n"
                       "steps:\n"
                       "  - deploy: {environment: production, hosts: [connect-p1], max_unavailable: 1,\n"
                       "             healthy_deadline: 2m, progress_deadline: 10m, title: 'one host'}\n"
                       "  - test: {suite: mine}\n"
                       "  - pause: {duration: 10m}\n"
                       "  - signoff: {role: release-managers, instructions: look, environment: production}\n"
                       "  - deploy: {environment: production, remaining: true}\n"));
    seed_bad ("unknown-word", bytes_of_text (HEAD "steps:\n  - deplo: {environment: staging}\n"));
    seed_bad ("no-yaml", bytes_of_text ("plan: [\n"));
}

const struct fuzz_target fuzz_target = {.most = 4096, .run = run, .seed = seed};
