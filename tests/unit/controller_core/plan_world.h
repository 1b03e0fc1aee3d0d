/* The fleet, the trust and the files against which the plans of these tests are resolved. */
#ifndef RELEVO_TESTS_PLAN_WORLD_H
#define RELEVO_TESTS_PLAN_WORLD_H

#include <string.h>

#include "controller/core/plan_build.h"

#define ITEMS(array) (array), sizeof (array) / sizeof (array)[0]

static const char world_profile[] = "product: rstudio-connect\n"
                                    "start: {command: [/bin/start, now], deadline: 20s}\n"
                                    "stop: {command: 'kill $pid'}\n"
                                    "health:\n"
                                    "  - http: http://127.0.0.1:${port}/__ping__\n"
                                    "suites:\n"
                                    "  regression:\n"
                                    "    - exec: tests/version.sh\n"
                                    "      arguments: [a, b]\n"
                                    "    - tcp: 127.0.0.1:${port}\n"
                                    "  final:\n"
                                    "    - http: http://127.0.0.1:${port}/\n"
                                    "      status: 204\n";

static const char *world_connect[] = {"rstudio-connect"};
static const char *world_both[] = {"rstudio-pm", "rstudio-connect"};
static const char *world_pm[] = {"rstudio-pm"};
static const char *world_two_keys[] = {"ana", "luis"};
static const char *world_one_key[] = {"eva"};

static struct fleet_host world_hosts[] = {
    {.name = "connect-p3", .environment = "production", .products = world_connect, .products_count = 1},
    {.name = "connect-p1", .environment = "production", .products = world_both, .products_count = 2},
    {.name = "connect-s1", .environment = "staging", .products = world_connect, .products_count = 1},
    {.name = "connect-p2", .environment = "production", .products = world_connect, .products_count = 1},
    {.name = "connect-p4", .environment = "production", .products = world_connect, .products_count = 1},
    {.name = "pm-p1", .environment = "production", .products = world_pm, .products_count = 1},
};

static struct trust_role world_roles[] = {
    {.name = "root", .environment = "", .threshold = 1, .keys = world_one_key, .keys_count = 1},
    {.name = "operator", .environment = "", .threshold = 1, .keys = world_one_key, .keys_count = 1},
    {.name = "testers", .environment = "", .threshold = 1, .keys = world_one_key, .keys_count = 1},
    {.name = "release-managers",
     .environment = "production",
     .threshold = 1,
     .keys = world_two_keys,
     .keys_count = 2},
};

static struct content_row world_contents[] = {
    {.name = "a.deb", .digest = {{1}}, .length = 10},
    {.name = "a.deb", .digest = {{1}}, .length = 10},
    {.name = "twice.deb", .digest = {{2}}, .length = 10},
    {.name = "twice.deb", .digest = {{3}}, .length = 10},
    {.name = "empty.deb", .digest = {{4}}, .length = 0},
};

static struct host_release world_counters[] = {
    {.product = "rstudio-connect", .counter = 41},
    {.product = "rstudio-connect", .counter = 7},
    {.product = "rstudio-pm", .counter = 99},
};

static const char *const world_targets[] = {"slack-ops", "mail-managers"};

static struct plan_world world_make (const struct fleet *fleet, const struct trust *trust)
{
    static struct plan_file scripts[] = {
        {.path = "d/tests/version.sh", .digest = {{7}}, .length = 70},
        {.path = "d/own.sh", .digest = {{8}}, .length = 80}};
    static struct plan_file files[] = {{.path = "d/../b.deb", .digest = {{9}}, .length = 90}};
    return (struct plan_world){
        .trust = trust,
        .fleet = fleet,
        .fleet_digest = {{5}},
        .scripts = scripts,
        .script_count = 2,
        .scripts_known = true,
        .files = files,
        .file_count = 1,
        .contents = world_contents,
        .content_count = sizeof world_contents / sizeof world_contents[0],
        .contents_known = true,
        .counters = world_counters,
        .counter_count = 3,
        .targets = world_targets,
        .target_count = 2,
        .targets_known = true,
        .now = {1700000000000}};
}

/* Reads profile and plan, orders and builds against the world above; `offline` knows only the files. */
static inline bool world_build (
    const char *text, bool offline, struct plan_problems *problems, struct plan *plan)
{
    static const struct fleet fleet = {
        .version = 3, .hosts = world_hosts, .hosts_count = sizeof world_hosts / sizeof world_hosts[0]};
    static const struct trust trust = {
        .version = 2, .roles = world_roles, .roles_count = sizeof world_roles / sizeof world_roles[0]};
    struct plan_world world = world_make (&fleet, &trust);
    const struct tree *root = NULL;
    const struct tree *profile_root = NULL;
    struct draft_profile profile;
    struct plan_draft draft;
    struct error error;
    bool built;
    if (offline)
        world = (struct plan_world){.now = {1700000000000}};
    if (!tree_parse (bytes_of_text (world_profile), "d/c.yaml", problems->arena, &profile_root, &error))
        return false;
    if (!tree_parse (bytes_of_text (text), "d/p.yaml", problems->arena, &root, &error))
        return false;
    draft = plan_read (problems, root);
    profile = plan_profile_read (problems, profile_root);
    plan_order (problems, &draft, &profile);
    built = plan_build (problems, &draft, &profile, &world, plan);
    plan_problems_sort (problems, "d/p.yaml");
    return built;
}

#endif
