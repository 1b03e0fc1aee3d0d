/* The state of the world that world.h moves: its people, its documents, and a fleet of hosts that judge every
   permit by the gate before they act, as an installer does. */
#ifndef RELEVO_TESTS_UNIT_CONTROLLER_CORE_FLEET_H
#define RELEVO_TESTS_UNIT_CONTROLLER_CORE_FLEET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/core/controller.h"

enum { WORLD_HOSTS = 5, WORLD_ENTRIES = 4096, WORLD_QUEUE = 512, WORLD_PROGRESS = 512, WORLD_NOTICES = 64 };
enum { KEY_ROOT, KEY_ANA, KEY_LUIS, KEY_RELEASE, KEY_CONTROLLER, WORLD_KEYS };

#define PRODUCT "rstudio-connect"
#define OLD_VERSION "2026.03.1"
#define OLDER_VERSION "2026.01.7"
#define NEW_VERSION "2026.06.1"

static const char *const key_names[] = {"root", "ana", "luis", "release-key-2", "controller-1"};

struct world_host {
    const char *name;
    const char *environment;
    struct secret_key key;
    struct wire_key wire;
    const char *version;
    const char *told; /* the version that the controller has heard of */
    uint64_t counter;
    struct digest before;
    bool silent;         /* hears and says nothing */
    bool deaf;           /* hears no publications, but speaks */
    enum outcome deploy; /* what it will do */
    enum outcome test;
    enum outcome back;
    size_t kept;              /* permits to keep that it has heard */
    struct envelope done[64]; /* its receipts */
    struct receipt done_what[64];
    size_t done_count;
};

struct world_notice {
    char target[LIMIT_NAME + 1];
    char key[LIMIT_LINE + 1];
    char text[LIMIT_LINE + 1];
};

struct world {
    struct arena arena;
    struct controller *controller;
    struct controller_options options;
    struct secret_key keys[WORLD_KEYS];
    struct trust trust;
    struct fleet fleet;
    struct envelope trust_envelope;
    struct envelope fleet_envelope;
    struct plan plan;
    struct envelope plan_envelope;
    struct digest plan_digest;
    struct world_host hosts[WORLD_HOSTS];
    struct instant now;
    struct bytes entries[WORLD_ENTRIES];
    size_t entry_count;
    struct envelope queue[WORLD_QUEUE]; /* receipts on their way */
    size_t queue_host[WORLD_QUEUE];
    size_t queue_count;
    struct answer answer; /* the last one */
    struct enrolment enrolment;
    bool enrolment_heard;
    struct evidence_list evidence;
    struct inventory inventory;
    struct trusts_page trusts_page;
    struct rollouts rollouts;
    struct progress progress[WORLD_PROGRESS];
    struct route progress_to[WORLD_PROGRESS];
    size_t progress_count;
    struct world_notice notices[WORLD_NOTICES];
    size_t notice_count;
    size_t permits_sent; /* to one host, by pull */
    size_t plans_sent;   /* the same */
    size_t stored;       /* acknowledgements */
    size_t ticks;
    uint64_t sequence; /* of the newest publication */
    bool no_rebuild;
    size_t crash_at; /* the controller dies right after it has recorded so many entries; 0: never */
};

static inline struct route world_route (enum door door, unsigned char name)
{
    return (struct route){.door = door, .size = 5, .id = {0, 1, 2, 3, name}};
}

static inline struct world_host *world_host (struct world *world, const char *name)
{
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        if (strcmp (world->hosts[i].name, name) == 0)
            return &world->hosts[i];
    fail_msg ("no host %s", name);
    return NULL;
}

static inline void *world_copy (
    struct world *world, const struct record_type *type, const void *record, size_t size)
{
    struct buffer bytes = {0};
    struct error error = {0};
    void *copy = arena_take (&world->arena, size);
    if (!codec_encode (type, record, &bytes, &error) ||
        !codec_decode (type, buffer_bytes (&bytes), &world->arena, copy, &error))
        fail_msg ("%s: %s", type->name, error.text);
    buffer_free (&bytes);
    return copy;
}

static inline struct envelope world_sign (
    struct world *world, const struct record_type *type, const void *record, const struct secret_key *key)
{
    struct envelope envelope;
    struct error error = {0};
    if (!document_sign (type, record, key, world->now, &world->arena, &envelope, &error))
        fail_msg ("%s: %s", type->name, error.text);
    return envelope;
}

static inline struct digest world_digest (const struct envelope *envelope)
{
    return digest_of (envelope->content.data, envelope->content.size);
}

/* ------------------------------------------------------------------------------------------- the documents
 */

static inline struct trust_role world_role (
    struct world *world, const char *name, uint64_t threshold, size_t count, const char *first,
    const char *second)
{
    const char **keys = arena_array (&world->arena, 2, sizeof *keys);
    keys[0] = first;
    keys[1] = second;
    return (struct trust_role){
        .name = name, .environment = "", .threshold = threshold, .keys = keys, .keys_count = count};
}

static inline void world_make_trust (struct world *world)
{
    struct trust_key *keys = arena_array (&world->arena, WORLD_KEYS, sizeof *keys);
    struct trust_role *roles = arena_array (&world->arena, 6, sizeof *roles);
    for (size_t i = 0; i < WORLD_KEYS; i++) {
        keys[i] = (struct trust_key){.name = key_names[i], .key = world->keys[i].public};
        if (i == KEY_ANA)
            memset (keys[i].wire.bytes, 0xA1, sizeof keys[i].wire.bytes);
    }
    roles[0] = world_role (world, ROLE_ROOT, 1, 1, "root", "");
    roles[1] = world_role (world, ROLE_OPERATOR, 1, 2, "ana", "luis");
    roles[2] = world_role (world, ROLE_RELEASER, 1, 1, "release-key-2", "");
    roles[3] = world_role (world, ROLE_CONTROLLER, 1, 1, "controller-1", "");
    roles[4] = world_role (world, "testers", 1, 2, "ana", "luis");
    roles[5] = world_role (world, "managers", 2, 2, "ana", "luis");
    world->trust = (struct trust){
        .version = 1,
        .issued = world->now,
        .expires = {world->now.ms + INT64_C (86400000) * 365},
        .keys = keys,
        .keys_count = WORLD_KEYS,
        .roles = roles,
        .roles_count = 6};
    world->trust_envelope = world_sign (world, &trust_type, &world->trust, &world->keys[KEY_ROOT]);
}

static inline void world_make_fleet (struct world *world, uint64_t version, size_t hosts)
{
    struct fleet_host *list = arena_array (&world->arena, hosts, sizeof *list);
    for (size_t i = 0; i < hosts; i++) {
        const char **products = arena_array (&world->arena, 1, sizeof *products);
        products[0] = PRODUCT;
        list[i] = (struct fleet_host){
            .name = world->hosts[i].name,
            .environment = world->hosts[i].environment,
            .products = products,
            .products_count = 1,
            .key = world->hosts[i].key.public,
            .wire = world->hosts[i].wire};
    }
    world->fleet = (struct fleet){
        .version = version,
        .issued = world->now,
        .expires = {world->now.ms + INT64_C (86400000) * 365},
        .hosts = list,
        .hosts_count = hosts};
    world->fleet_envelope = world_sign (world, &fleet_type, &world->fleet, &world->keys[KEY_ANA]);
}

static inline struct step world_step_of (
    struct world *world, uint64_t number, enum step_kind kind, size_t count, const char *const *hosts)
{
    const char **names = arena_array (&world->arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = hosts[i];
    return (struct step){
        .number = number,
        .kind = kind,
        .title = "",
        .environment = "production",
        .hosts = names,
        .hosts_count = count,
        .max_parallel = 1,
        .max_unavailable = 5,
        .min_healthy_time = {1000},
        .healthy_deadline = {30000},
        .progress_deadline = {120000},
        .suite = "",
        .instructions = "",
        .role = ""};
}

/* The seven steps of the field's practice. */
static inline void world_make_steps (struct world *world, struct plan *plan)
{
    static const char *const canary[] = {"connect-p1"};
    static const char *const rest[] = {"connect-p2", "connect-p3", "connect-p4"};
    static const char *const all[] = {"connect-p1", "connect-p2", "connect-p3", "connect-p4"};
    const char **targets = arena_array (&world->arena, 2, sizeof *targets);
    struct step *steps = arena_array (&world->arena, 7, sizeof *steps);
    targets[0] = "slack-ops";
    targets[1] = "mail-managers";
    steps[0] = world_step_of (world, 1, STEP_DEPLOY, 1, canary);
    steps[1] = world_step_of (world, 2, STEP_TEST, 1, canary);
    steps[1].suite = "regression";
    steps[2] = world_step_of (world, 3, STEP_MANUAL, 0, NULL);
    steps[2].instructions = "publish an application";
    steps[2].optional = true;
    steps[2].role = "testers";
    steps[2].approvals = 1;
    steps[3] = world_step_of (world, 4, STEP_SIGNOFF, 0, NULL);
    steps[3].role = "managers";
    steps[3].approvals = 2;
    steps[4] = world_step_of (world, 5, STEP_DEPLOY, 3, rest);
    steps[4].max_parallel = 2;
    steps[5] = world_step_of (world, 6, STEP_TEST, 4, all);
    steps[5].suite = "regression";
    steps[6] = world_step_of (world, 7, STEP_NOTIFY, 0, NULL);
    steps[6].targets = targets;
    steps[6].targets_count = 2;
    plan->steps = steps;
    plan->steps_count = 7;
}

static inline void world_sign_plan (struct world *world)
{
    world->plan_envelope = world_sign (world, &plan_type, &world->plan, &world->keys[KEY_RELEASE]);
    world->plan_digest = world_digest (&world->plan_envelope);
}

static inline void world_make_plan (struct world *world, uint64_t counter)
{
    struct artifact *artifacts = arena_array (&world->arena, 1, sizeof *artifacts);
    struct suite *suites = arena_array (&world->arena, 1, sizeof *suites);
    struct test *tests = arena_array (&world->arena, 3, sizeof *tests);
    for (size_t i = 0; i < 3; i++)
        tests[i] = (struct test){
            .name = i == 0   ? "login"
                    : i == 1 ? "publish"
                             : "render",
            .kind = TEST_TCP,
            .target = "localhost:80",
            .body = "",
            .deadline = {5000}};
    artifacts[0] = (struct artifact){.name = "connect.tar", .digest = digest_of ("artefact", 8), .length = 8};
    suites[0] = (struct suite){.name = "regression", .tests = tests, .tests_count = 3};
    world->plan = (struct plan){
        .name = "connect-" NEW_VERSION,
        .product = PRODUCT,
        .version = NEW_VERSION,
        .comment = "",
        .counter = counter,
        .issued = world->now,
        .expires = {world->now.ms + INT64_C (86400000) * 30},
        .trust_version = world->trust.version,
        .fleet_version = world->fleet.version,
        .fleet = world_digest (&world->fleet_envelope),
        .on_failure = ON_FAILURE_ROLLBACK,
        .profile = {.product = PRODUCT, .health_interval = {1000}, .keep_releases = 3},
        .artifacts = artifacts,
        .artifacts_count = 1,
        .suites = suites,
        .suites_count = 1};
    world_make_steps (world, &world->plan);
    world_sign_plan (world);
}

/* ------------------------------------------------------------------------------------------------ the hosts
 */

static inline const struct step *world_plan_step (const struct world *world, uint64_t number)
{
    return &world->plan.steps[number - 1];
}

static inline struct receipt world_receipt (
    struct world *world, struct world_host *host, const struct permit *permit)
{
    bool is_return = permit->kind == PERMIT_RETURN;
    bool is_test = !is_return && world_plan_step (world, permit->step)->kind == STEP_TEST;
    struct receipt receipt = {
        .host = host->name,
        .plan = permit->plan,
        .kind = permit->kind,
        .step = permit->step,
        .attempt = permit->attempt,
        .outcome = is_return ? host->back
                   : is_test ? host->test
                             : host->deploy,
        .cause = "",
        .previous = host->version,
        .started = world->now,
        .finished = world->now,
        .counter = ++host->counter,
        .before = host->before};
    if (receipt.outcome == OUTCOME_KEPT)
        host->version = world->plan.version;
    if (receipt.outcome == OUTCOME_RETURNED)
        host->version = OLD_VERSION;
    receipt.version = host->version;
    /* Nothing was changed: what ran before the version that runs is still named. */
    if (receipt.outcome == OUTCOME_FAILED && !is_test)
        receipt.previous = OLDER_VERSION;
    if (is_test) {
        struct test_result *results = arena_array (&world->arena, 3, sizeof *results);
        for (size_t i = 0; i < 3; i++)
            results[i] = (struct test_result){
                .name = world->plan.suites[0].tests[i].name,
                .verdict = i == 2 && host->test == OUTCOME_FAILED ? VERDICT_FAILED : VERDICT_PASSED,
                .detail = "",
                .tail = ""};
        receipt.tests = results;
        receipt.tests_count = 3;
        receipt.cause = host->test == OUTCOME_FAILED ? "render: status 500" : "";
    }
    return receipt;
}

/* What an installer does before it acts: the controller's signature, and the gate over the evidence. */
static inline void world_judge (
    struct world *world, const struct world_host *host, const struct permit_offer *offer,
    struct permit *ret_permit)
{
    struct error error = {0};
    struct gate_case gate = {.plan = &world->plan, .plan_digest = world->plan_digest, .now = world->now};
    if (!accept_permit (&world->trust, &offer->permit, world->now, &world->arena, ret_permit, &error))
        fail_msg ("permit: %s", error.text);
    gate.attempt = ret_permit->attempt;
    assert_int_equal (offer->evidence_count, ret_permit->evidence_count);
    for (size_t i = 0; i < offer->evidence_count; i++) {
        struct digest digest = world_digest (&offer->evidence[i]);
        assert_true (digest_equal (&digest, &ret_permit->evidence[i]));
        if (!gate_add (&gate, &world->trust, &world->fleet, &offer->evidence[i], &world->arena, &error))
            fail_msg ("evidence: %s", error.text);
    }
    if (ret_permit->kind == PERMIT_STEP   ? !gate_step_open (&gate, ret_permit->step, host->name, &error)
        : ret_permit->kind == PERMIT_KEEP ? !gate_keep_open (&gate, ret_permit->step, host->name, &error)
                                          : !gate_return_open (&gate, &error))
        fail_msg ("the gate is not open for %s: %s", host->name, error.text);
}

static inline void world_report (struct world *world, size_t host, const struct envelope *receipt)
{
    assert_true (world->queue_count < WORLD_QUEUE);
    world->queue[world->queue_count] = *receipt;
    world->queue_host[world->queue_count++] = host;
}

static inline void world_host_hears (struct world *world, size_t index, const struct permit_offer *offer)
{
    struct world_host *host = &world->hosts[index];
    struct permit permit;
    struct receipt receipt;
    struct envelope envelope;
    bool named = false;
    struct error error = {0};
    if (!document_read (&permit_type, offer->permit.content, &world->arena, &permit, &error))
        fail_msg ("%s", error.text);
    for (size_t i = 0; i < permit.hosts_count; i++)
        named = named || strcmp (permit.hosts[i], host->name) == 0;
    if (!named || host->silent)
        return;
    world_judge (world, host, offer, &permit);
    for (size_t i = 0; i < host->done_count; i++)
        if (host->done_what[i].kind == permit.kind && host->done_what[i].step == permit.step &&
            host->done_what[i].attempt == permit.attempt) {
            world_report (world, index, &host->done[i]);
            return;
        }
    if (permit.kind == PERMIT_KEEP) {
        host->kept++;
        return;
    }
    receipt = world_receipt (world, host, &permit);
    envelope = world_sign (world, &receipt_type, &receipt, &host->key);
    host->before = world_digest (&envelope);
    host->done[host->done_count] = envelope;
    host->done_what[host->done_count++] = receipt;
    world_report (world, index, &envelope);
}

/* Nobody confirmed it in time: it goes back by itself, and says so. */
static inline void world_lapse (struct world *world, const char *name)
{
    struct world_host *host = world_host (world, name);
    struct permit none = {.plan = world->plan_digest, .kind = PERMIT_RETURN, .attempt = 1};
    struct receipt receipt = world_receipt (world, host, &none);
    struct envelope envelope;
    receipt.cause = "not confirmed within 05:00";
    envelope = world_sign (world, &receipt_type, &receipt, &host->key);
    host->before = world_digest (&envelope);
    host->done[host->done_count] = envelope;
    host->done_what[host->done_count++] = receipt;
    world_report (world, (size_t)(host - world->hosts), &envelope);
}

#endif
