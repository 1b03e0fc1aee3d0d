/* A small world for the tests of trust, acceptance and gate: keys, a trust and a fleet document, and the plan
   of the seven steps. Every key is made from its name. */
#ifndef RELEVO_TESTS_UNIT_COMMON_CORE_WORLD_H
#define RELEVO_TESTS_UNIT_COMMON_CORE_WORLD_H

#include <string.h>

#include "common/core/gate.h"

#define COUNT_OF(list) (sizeof (list) / sizeof (list)[0])

static const struct instant noon = {1780000000000};
static const struct instant next_year = {1811536000000};

static inline struct secret_key key_named (const char *name)
{
    struct digest seed = digest_of (name, strlen (name));
    struct secret_key key;
    secret_key_make (seed.bytes, seed.bytes + 8, &key);
    return key;
}

static inline struct wire_key wire_named (const char *name)
{
    struct digest digest = digest_of (name, strlen (name));
    struct wire_key wire;
    (void)memcpy (wire.bytes, digest.bytes, sizeof wire.bytes);
    wire.bytes[0] ^= 1;
    return wire;
}

static inline struct trust world_trust (struct arena *arena)
{
    static const char *const names[] = {"root-1", "root-2", "op",   "rel-1", "rel-2",
                                        "ctl",    "ana",    "luis", "eva",   "bo"};
    static const struct {
        const char *name;
        const char *environment;
        uint64_t threshold;
        const char *keys[4];
    } roles[] = {
        {"root", "", 2, {"root-1", "root-2"}},
        {"operator", "", 1, {"op"}},
        {"releaser", "", 2, {"rel-1", "rel-2"}},
        {"controller", "", 1, {"ctl"}},
        {"testers", "", 1, {"bo", "ana"}},
        {"managers", "", 1, {"bo"}},
        {"managers", "production", 2, {"ana", "luis", "eva"}},
    };
    struct trust trust = {.version = 1, .issued = noon, .expires = next_year};
    trust.keys_count = COUNT_OF (names);
    trust.keys = arena_array (arena, trust.keys_count, sizeof *trust.keys);
    for (size_t i = 0; i < trust.keys_count; i++)
        trust.keys[i] = (struct trust_key){names[i], key_named (names[i]).public, wire_named (names[i])};
    trust.roles_count = COUNT_OF (roles);
    trust.roles = arena_array (arena, trust.roles_count, sizeof *trust.roles);
    for (size_t i = 0; i < trust.roles_count; i++) {
        struct trust_role *role = &trust.roles[i];
        *role = (struct trust_role){
            .name = roles[i].name, .environment = roles[i].environment, .threshold = roles[i].threshold};
        role->keys = arena_array (arena, COUNT_OF (roles[i].keys), sizeof *role->keys);
        while (role->keys_count < COUNT_OF (roles[i].keys) && roles[i].keys[role->keys_count] != NULL) {
            role->keys[role->keys_count] = roles[i].keys[role->keys_count];
            role->keys_count++;
        }
    }
    return trust;
}

static inline struct fleet world_fleet (struct arena *arena)
{
    static const char *const names[] = {"s1", "p1", "p2", "p3", "p4", "p9"};
    struct fleet fleet = {.version = 1, .issued = noon, .expires = next_year};
    fleet.hosts_count = COUNT_OF (names);
    fleet.hosts = arena_array (arena, fleet.hosts_count, sizeof *fleet.hosts);
    for (size_t i = 0; i < fleet.hosts_count; i++) {
        fleet.hosts[i] = (struct fleet_host){
            .name = names[i],
            .environment = names[i][0] == 's' ? "staging" : "production",
            .key = key_named (names[i]).public,
            .wire = wire_named (names[i])};
        fleet.hosts[i].products = arena_array (arena, 1, sizeof (const char *));
        fleet.hosts[i].products[0] = "connect";
        fleet.hosts[i].products_count = 1;
    }
    return fleet;
}

static inline void step_hosts (struct step *step, const char *const *hosts, size_t count, struct arena *arena)
{
    step->hosts = arena_copy (arena, hosts, count * sizeof *hosts);
    step->hosts_count = count;
}

static inline struct step deploy_step (
    const char *environment, const char *const *hosts, size_t count, uint64_t parallel, struct arena *arena)
{
    struct step step = {
        .kind = STEP_DEPLOY,
        .title = "deploy",
        .environment = environment,
        .max_parallel = parallel,
        .max_unavailable = parallel,
        .min_healthy_time = {1000},
        .healthy_deadline = {60000},
        .progress_deadline = {600000},
        .suite = "",
        .instructions = "",
        .role = ""};
    step_hosts (&step, hosts, count, arena);
    return step;
}

static inline struct step other_step (enum step_kind kind, const char *environment, const char *role)
{
    return (struct step){
        .kind = kind,
        .title = "",
        .environment = environment,
        .suite = kind == STEP_TEST ? "regression" : "",
        .instructions = "",
        .role = role,
        .approvals = kind == STEP_MANUAL    ? 1
                     : kind == STEP_SIGNOFF ? 2
                                            : 0,
        .optional = kind == STEP_MANUAL};
}

enum {
    STAGING = 1,
    STAGING_TEST,
    CANARY,
    CANARY_TEST,
    MANUAL,
    SIGNOFF,
    PAUSE,
    REST,
    FINAL_TEST,
    NOTIFY,
    STEPS = NOTIFY
};

static inline struct step *world_steps (struct arena *arena)
{
    static const char *const staging[] = {"s1"};
    static const char *const production[] = {"p1", "p2", "p3", "p4"};
    static const char *const targets[] = {"slack-ops"};
    struct step *steps = arena_array (arena, STEPS, sizeof *steps);
    steps[STAGING - 1] = deploy_step ("staging", staging, 1, 1, arena);
    steps[STAGING_TEST - 1] = other_step (STEP_TEST, "staging", "");
    step_hosts (&steps[STAGING_TEST - 1], staging, 1, arena);
    steps[CANARY - 1] = deploy_step ("production", production, 1, 1, arena);
    steps[CANARY_TEST - 1] = other_step (STEP_TEST, "production", "");
    step_hosts (&steps[CANARY_TEST - 1], production, 1, arena);
    steps[MANUAL - 1] = other_step (STEP_MANUAL, "", "testers");
    steps[SIGNOFF - 1] = other_step (STEP_SIGNOFF, "production", "managers");
    steps[PAUSE - 1] = other_step (STEP_PAUSE, "", "");
    steps[PAUSE - 1].duration = span_seconds (600);
    steps[REST - 1] = deploy_step ("production", production + 1, 3, 2, arena);
    steps[FINAL_TEST - 1] = other_step (STEP_TEST, "production", "");
    step_hosts (&steps[FINAL_TEST - 1], production, 4, arena);
    steps[NOTIFY - 1] = other_step (STEP_NOTIFY, "", "");
    steps[NOTIFY - 1].targets = arena_copy (arena, targets, sizeof targets);
    steps[NOTIFY - 1].targets_count = 1;
    for (uint64_t i = 0; i < STEPS; i++)
        steps[i].number = i + 1;
    return steps;
}

static inline struct plan world_plan (struct arena *arena)
{
    static struct artifact artifact = {.name = "connect_2.deb", .digest = {{1}}, .length = 10};
    static struct test test = {
        .name = "answers", .kind = TEST_TCP, .target = "127.0.0.1:80", .body = "", .deadline = {1000}};
    static struct suite suite = {.name = "regression", .tests = &test, .tests_count = 1};
    return (struct plan){
        .name = "connect-2",
        .product = "connect",
        .version = "2",
        .comment = "",
        .override_role = "",
        .counter = 7,
        .issued = noon,
        .expires = next_year,
        .trust_version = 1,
        .fleet_version = 1,
        .profile = {.product = "connect", .keep_releases = 3},
        .artifacts = &artifact,
        .artifacts_count = 1,
        .suites = &suite,
        .suites_count = 1,
        .steps = world_steps (arena),
        .steps_count = STEPS};
}

/* Signed by the keys of that many names. */
static inline struct envelope signed_by (
    const struct record_type *type, const void *record, const char *const *names, size_t count,
    struct arena *arena)
{
    struct envelope all = {0};
    const char **signatures = arena_array (arena, count, sizeof *signatures);
    for (size_t i = 0; i < count; i++) {
        struct secret_key key = key_named (names[i]);
        struct envelope one;
        assert_true (document_sign (type, record, &key, noon, arena, &one, NULL));
        all.content = one.content;
        signatures[i] = one.signatures[0];
    }
    all.signatures = signatures;
    all.signatures_count = count;
    return all;
}

static inline struct envelope signed_by_one (
    const struct record_type *type, const void *record, const char *name, struct arena *arena)
{
    return signed_by (type, record, &name, 1, arena);
}

#endif
