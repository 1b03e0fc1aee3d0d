/* Product profiles, read for a plan that is good. */
#include "tests/fuzz/controller_core/world.h"

static const char plan_text[] = "plan: p\nproduct: rstudio-connect\nversion: '2'\nartifact: a.deb\n"
                                "suites:\n  own:\n    - tcp: 127.0.0.1:1\n"
                                "steps:\n"
                                "  - deploy: {environment: staging}\n"
                                "  - test: {suite: own}\n";

static bool build (const struct tree *root, struct plan_problems *problems, const char *text)
{
    static const struct fleet fleet = {
        .version = 3, .hosts = world_hosts, .hosts_count = sizeof world_hosts / sizeof world_hosts[0]};
    static const struct trust trust = {
        .version = 2, .roles = world_roles, .roles_count = sizeof world_roles / sizeof world_roles[0]};
    struct plan_world world = world_make (&fleet, &trust);
    const struct tree *plan_root;
    struct plan_draft draft;
    struct draft_profile profile;
    struct plan plan;
    bool built;
    assert (tree_parse (bytes_of_text (plan_text), "d/p.yaml", problems->arena, &plan_root, NULL));
    draft = plan_read (problems, plan_root);
    profile = plan_profile_read (problems, root);
    plan_order (problems, &draft, &profile);
    built = plan_build (problems, &draft, &profile, &world, &plan);
    plan_problems_sort (problems, "d/p.yaml");
    check_problems (problems, "d/c.yaml", text);
    assert (built == (problems->errors == 0));
    if (built)
        check_built (&plan);
    return built;
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct plan_problems problems = {.arena = &arena};
    struct error error = {0};
    const char *text = text_of (input, &arena);
    const struct tree *root;
    bool good = tree_parse (bytes_of_text (text), "d/c.yaml", &arena, &root, &error);
    if (good)
        good = build (root, &problems, text);
    else
        check_error (&error);
    arena_free (&arena);
    return good;
}

static void seed (void)
{
    seed_good ("world", bytes_of_text (world_profile));
    seed_good (
        "whole", bytes_of_text ("product: rstudio-connect\n"
                                "start: {command: [/usr/bin/env, 'a b', \"${port}\"], deadline: 1m}\n"
                                "stop:\n  command: |\n    kill \"$pid\"\n    exit 0\n"
                                "health:\n"
                                "  - {http: 'http://127.0.0.1/', status: 204, body: ok, deadline: 5s}\n"
                                "  - {name: port, tcp: '127.0.0.1:${port}'}\n"
                                "health_interval: 500ms\nkeep_releases: 5\n"
                                "suites:\n  regression:\n    - exec: tests/version.sh\n"));
    seed_bad ("no-health", bytes_of_text ("product: rstudio-connect\nkeep_releases: 1\n"));
}

const struct fuzz_target fuzz_target = {.most = 4096, .run = run, .seed = seed};
