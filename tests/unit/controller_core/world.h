/* A controller, people with keys, and a fleet of hosts that judge every permit by the gate before they act,
   as an installer does. After each step a second controller is rebuilt from the recorded entries alone, and
   must show the same rollout. */
#ifndef RELEVO_TESTS_UNIT_CONTROLLER_CORE_WORLD_H
#define RELEVO_TESTS_UNIT_CONTROLLER_CORE_WORLD_H

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
    struct rollouts rollouts;
    struct progress progress[WORLD_PROGRESS];
    struct route progress_to[WORLD_PROGRESS];
    size_t progress_count;
    struct world_notice notices[WORLD_NOTICES];
    size_t notice_count;
    size_t permits_sent; /* to one host, by pull */
    size_t stored;       /* acknowledgements */
    size_t ticks;
    uint64_t sequence; /* of the newest publication */
    bool no_rebuild;
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
    if (ret_permit->kind == PERMIT_STEP ? !gate_step_open (&gate, ret_permit->step, host->name, &error)
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
    receipt = world_receipt (world, host, &permit);
    envelope = world_sign (world, &receipt_type, &receipt, &host->key);
    host->before = world_digest (&envelope);
    host->done[host->done_count] = envelope;
    host->done_what[host->done_count++] = receipt;
    world_report (world, index, &envelope);
}

/* ------------------------------------------------------------------------------------------------ the steps
 */

static inline void world_keep_entry (struct world *world, const struct record_type *type, const void *record)
{
    struct buffer bytes = {0};
    struct error error = {0};
    if (!message_encode (type, record, &bytes, &error))
        fail_msg ("%s: %s", type->name, error.text);
    assert_true (world->entry_count < WORLD_ENTRIES);
    world->entries[world->entry_count++] =
        (struct bytes){arena_copy (&world->arena, bytes.data, bytes.size), bytes.size};
    buffer_free (&bytes);
}

static inline void world_heard (struct world *world, const struct controller_effect *effect)
{
    const void *copy = world_copy (world, effect->type, effect->record, effect->type->size);
    if (effect->type == &answer_type)
        world->answer = *(const struct answer *)copy;
    if (effect->type == &enrolment_type) {
        world->enrolment = *(const struct enrolment *)copy;
        world->enrolment_heard = true;
    }
    if (effect->type == &evidence_list_type)
        world->evidence = *(const struct evidence_list *)copy;
    if (effect->type == &inventory_type)
        world->inventory = *(const struct inventory *)copy;
    if (effect->type == &rollouts_type)
        world->rollouts = *(const struct rollouts *)copy;
    if (effect->type == &report_stored_type)
        world->stored++;
    if (effect->type == &progress_type) {
        assert_true (world->progress_count < WORLD_PROGRESS);
        world->progress[world->progress_count] = *(const struct progress *)copy;
        world->progress_to[world->progress_count++] = effect->route;
    }
    if (effect->type == &permit_offer_type) {
        world->permits_sent++;
        world_host_hears (world, effect->route.id[4], copy);
    }
}

static inline void world_published (struct world *world, const struct controller_effect *effect)
{
    const void *copy = world_copy (world, effect->type, effect->record, effect->type->size);
    uint64_t sequence = 0;
    if (effect->type == &permit_offer_type) {
        sequence = ((const struct permit_offer *)copy)->sequence;
        for (size_t i = 0; i < WORLD_HOSTS; i++)
            if (!world->hosts[i].deaf)
                world_host_hears (world, i, copy);
    } else if (effect->type == &offer_type) {
        sequence = ((const struct offer *)copy)->sequence;
    } else if (effect->type == &heartbeat_type) {
        struct tick tick;
        struct error error = {0};
        if (!accept_tick (
                &world->trust, &((const struct heartbeat *)copy)->tick, world->now, &world->arena, &tick,
                &error))
            fail_msg ("tick: %s", error.text);
        sequence = tick.sequence;
        world->ticks++;
    }
    assert_true (sequence == world->sequence + 1);
    world->sequence = sequence;
}

static inline void world_rebuild (struct world *world);

static inline void world_event (struct world *world, struct controller_event *event)
{
    struct controller_effects effects = {0};
    event->now = world->now;
    if (event->kind == CONTROLLER_START)
        world->sequence = 0;
    controller_step (world->controller, event, &effects);
    controller_check (world->controller);
    for (size_t i = 0; i < effects.count; i++) {
        const struct controller_effect *effect = &effects.items[i];
        if (effect->kind == CONTROLLER_RECORD)
            world_keep_entry (world, effect->type, effect->record);
        else if (effect->kind == CONTROLLER_SEND)
            world_heard (world, effect);
        else if (effect->kind == CONTROLLER_PUBLISH)
            world_published (world, effect);
        else {
            struct world_notice *notice = &world->notices[world->notice_count++];
            assert_true (world->notice_count < WORLD_NOTICES);
            (void)snprintf (notice->target, sizeof notice->target, "%s", effect->target);
            (void)snprintf (notice->key, sizeof notice->key, "%s", effect->notice_key);
            (void)snprintf (notice->text, sizeof notice->text, "%s", effect->notice_text);
            assert_non_null (effect->head);
        }
    }
    controller_effects_free (&effects);
    if (!world->no_rebuild)
        world_rebuild (world);
}

/* What arrives goes through the wire's own form, so a message that may not be sent so is found here. */
static inline void world_message (
    struct world *world, enum door door, unsigned char route, const struct wire_key *wire, unsigned sender,
    const struct record_type *type, const void *record)
{
    struct buffer bytes = {0};
    struct arena arena = {0};
    struct error error = {0};
    struct controller_event event = {
        .kind = CONTROLLER_MESSAGE, .route = world_route (door, route), .sender = sender};
    if (wire != NULL)
        event.wire = *wire;
    if (!message_encode (type, record, &bytes, &error) ||
        !message_decode (MESSAGE, sender, buffer_bytes (&bytes), &arena, &event.message, &error))
        fail_msg ("%s: %s", type->name, error.text);
    world_event (world, &event);
    buffer_free (&bytes);
    arena_free (&arena);
}

static inline void world_person (struct world *world, const struct record_type *type, const void *record)
{
    world->answer = (struct answer){0};
    world_message (world, DOOR_LOCAL, 100, NULL, FROM_PERSON, type, record);
}

static inline void world_agent (
    struct world *world, size_t host, const struct record_type *type, const void *record)
{
    assert_int_equal (
        controller_sender (world->controller, DOOR_AGENTS, &world->hosts[host].wire, world->now), FROM_AGENT);
    world_message (
        world, DOOR_AGENTS, (unsigned char)host, &world->hosts[host].wire, FROM_AGENT, type, record);
}

static inline struct hello world_hello_of (
    const struct world *world, size_t host, struct host_release *release)
{
    *release = (struct host_release){.product = PRODUCT, .version = world->hosts[host].told};
    return (struct hello){
        .host = world->hosts[host].name,
        .agent = "0.1.0",
        .trust_version = 1,
        .fleet_version = 1,
        .releases = release,
        .releases_count = 1};
}

static inline void world_hello (struct world *world, size_t host)
{
    struct host_release release;
    struct hello hello;
    world->hosts[host].told = world->hosts[host].version;
    hello = world_hello_of (world, host, &release);
    world_agent (world, host, &hello_type, &hello);
}

static inline void world_ping_all (struct world *world)
{
    struct ping ping = {.number = 1};
    for (size_t i = 0; i < world->fleet.hosts_count; i++)
        if (!world->hosts[i].silent)
            world_agent (world, i, &ping_type, &ping);
}

/* Time passes in heartbeats, and the fleet pings. */
static inline void world_wait (struct world *world, int64_t ms)
{
    int64_t end = world->now.ms + ms;
    while (world->now.ms < end) {
        struct controller_event event = {.kind = CONTROLLER_TIME};
        struct instant due = controller_deadline (world->controller);
        int64_t next = world->now.ms + 2000 < end ? world->now.ms + 2000 : end;
        if (due.ms > world->now.ms && due.ms < next)
            next = due.ms;
        world->now.ms = next;
        if (!instant_before (world->now, due))
            world_event (world, &event);
        world_ping_all (world);
    }
}

static inline void world_deliver_one (struct world *world)
{
    struct report report = {.receipt = world->queue[0]};
    size_t host = world->queue_host[0];
    struct receipt receipt;
    assert_true (world->queue_count > 0);
    assert_true (document_read (&receipt_type, report.receipt.content, &world->arena, &receipt, NULL));
    if (strcmp (receipt.version, world->hosts[host].version) == 0)
        world->hosts[host].told = world->hosts[host].version;
    world->queue_count--;
    memmove (world->queue, world->queue + 1, world->queue_count * sizeof world->queue[0]);
    memmove (world->queue_host, world->queue_host + 1, world->queue_count * sizeof world->queue_host[0]);
    world_agent (world, host, &report_type, &report);
}

static inline void world_deliver (struct world *world)
{
    while (world->queue_count > 0)
        world_deliver_one (world);
}

/* ----------------------------------------------------------------------------------------------- the views
 */

static inline struct progress world_view (struct world *world, uint64_t rollout)
{
    struct watch watch = {.request = 9, .rollout = rollout, .once = true};
    bool no_rebuild = world->no_rebuild;
    struct progress progress;
    world->no_rebuild = true;
    world_person (world, &watch_type, &watch);
    world->no_rebuild = no_rebuild;
    assert_true (world->progress_count > 0);
    progress = world->progress[--world->progress_count];
    assert_true (progress.whole);
    return progress;
}

static inline enum phase world_phase (struct world *world)
{
    return world_view (world, 0).head.phase;
}

static inline void world_expect_phase (struct world *world, enum phase phase)
{
    struct progress progress = world_view (world, 0);
    if (progress.head.phase != phase)
        fail_msg (
            "expected %s, found %s: %s", enum_word (&phase_words, phase),
            enum_word (&phase_words, progress.head.phase), progress.head.cause);
}

static inline void world_expect_answer (struct world *world, bool done, const char *word)
{
    if (world->answer.text == NULL)
        fail_msg ("no answer");
    if (world->answer.done != done || strstr (world->answer.text, word) == NULL)
        fail_msg ("unexpected answer: %s (%s)", world->answer.text, world->answer.kind);
}

static inline bool world_has_silence (const struct world *world)
{
    bool silence = false;
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        silence = silence || world->hosts[i].silent;
    return silence;
}

/* One view in one form: without what only a connection tells, which is more where a host is silent. */
static inline struct buffer world_picture (const struct world *world, const struct progress *progress)
{
    struct progress plain = *progress;
    struct buffer bytes = {0};
    struct error error = {0};
    plain.sequence = 0;
    plain.at = (struct instant){0};
    for (size_t i = 0; i < plain.hosts_count; i++)
        plain.hosts[i].seen = (struct instant){0};
    if (world_has_silence (world)) {
        plain.hosts_count = 0;
        plain.head.from = plain.head.cause = "";
    }
    if (!codec_encode (&progress_type, &plain, &bytes, &error))
        fail_msg ("%s", error.text);
    return bytes;
}

static inline struct controller *world_replay (struct world *world, struct arena *arena)
{
    struct controller *controller = controller_new (&world->options);
    for (size_t i = 0; i < world->entry_count; i++) {
        struct message entry;
        struct error error = {0};
        if (!message_decode (ENTRY, 0, world->entries[i], arena, &entry, &error) ||
            !controller_apply (controller, entry.type, entry.record, &error))
            fail_msg ("entry %zu: %s", i, error.text);
    }
    controller_check (controller);
    return controller;
}

static inline const struct progress *world_ask (
    struct world *world, struct controller *controller, struct controller_effects *effects)
{
    struct watch watch = {.rollout = 0, .once = true};
    struct controller_event event = {
        .kind = CONTROLLER_MESSAGE,
        .now = world->now,
        .route = world_route (DOOR_LOCAL, 101),
        .sender = FROM_PERSON,
        .message = {&watch_type, &watch}};
    controller_step (controller, &event, effects);
    for (size_t i = effects->count; i > 0; i--)
        if (effects->items[i - 1].type == &progress_type)
            return effects->items[i - 1].record;
    return NULL;
}

/* The same entries give the same rollout, and there is nothing more to do about it. */
static inline void world_rebuild (struct world *world)
{
    struct arena arena = {0};
    struct controller_effects effects = {0};
    struct controller_effects live_effects = {0};
    struct controller_event start = {.kind = CONTROLLER_START, .now = world->now};
    struct controller *again = world_replay (world, &arena);
    const struct progress *there;
    const struct progress *here;
    controller_step (again, &start, &effects);
    for (size_t i = 0; i < effects.count; i++)
        if (effects.items[i].kind == CONTROLLER_RECORD)
            assert_ptr_equal (effects.items[i].type, &entry_epoch_type);
    for (size_t i = 0; i < world->fleet.hosts_count; i++) {
        struct host_release release;
        struct hello hello = world_hello_of (world, i, &release);
        struct controller_event event = {
            .kind = CONTROLLER_MESSAGE,
            .now = world->now,
            .route = world_route (DOOR_AGENTS, (unsigned char)i),
            .wire = world->hosts[i].wire,
            .sender = FROM_AGENT,
            .message = {&hello_type, &hello}};
        if (!world->hosts[i].silent)
            controller_step (again, &event, &effects);
    }
    there = world_ask (world, again, &effects);
    here = world_ask (world, world->controller, &live_effects);
    assert_int_equal (there != NULL, here != NULL);
    if (here != NULL) {
        struct buffer first = world_picture (world, here);
        struct buffer second = world_picture (world, there);
        if (!bytes_equal (buffer_bytes (&first), buffer_bytes (&second)))
            fail_msg (
                "rebuilt: %s %s, here: %s %s", enum_word (&phase_words, there->head.phase), there->head.cause,
                enum_word (&phase_words, here->head.phase), here->head.cause);
        buffer_free (&first);
        buffer_free (&second);
    }
    controller_effects_free (&effects);
    controller_effects_free (&live_effects);
    controller_free (&again);
    arena_free (&arena);
}

/* ------------------------------------------------------------------------------------------------ decisions
 */

static inline struct envelope world_approval (
    struct world *world, size_t key, enum decision decision, uint64_t step, const char *role,
    const char *comment)
{
    struct evidence_wanted wanted = {.request = 5, .rollout = 0};
    struct gate_case gate = {.plan = &world->plan, .plan_digest = world->plan_digest, .now = world->now};
    struct approval approval = {
        .plan = world->plan_digest,
        .step = step,
        .decision = decision,
        .role = role,
        .name = key_names[key],
        .comment = comment,
        .issued = world->now,
        .expires = {world->now.ms + 86400000}};
    world_person (world, &evidence_wanted_type, &wanted);
    gate.attempt = world->evidence.attempt;
    for (size_t i = 0; i < world->evidence.evidence_count; i++) {
        struct error error = {0};
        if (!gate_add (
                &gate, &world->trust, &world->fleet, &world->evidence.evidence[i], &world->arena, &error))
            fail_msg ("evidence: %s", error.text);
    }
    approval.attempt = world->evidence.attempt + (decision == DECISION_RETRY ? 1 : 0);
    if (step > 0)
        approval.evidence = gate_evidence_digest (&gate, step);
    return world_sign (world, &approval_type, &approval, &world->keys[key]);
}

static inline void world_decide_with (struct world *world, uint64_t rollout, const struct envelope *approval)
{
    struct decide decide = {.request = 6, .rollout = rollout, .approval = *approval};
    world_person (world, &decide_type, &decide);
}

static inline void world_decide (
    struct world *world, size_t key, enum decision decision, uint64_t step, const char *role,
    const char *comment)
{
    struct envelope approval = world_approval (world, key, decision, step, role, comment);
    world_decide_with (world, world->evidence.rollout, &approval);
}

static inline void world_operate (struct world *world, enum decision decision)
{
    world_decide (world, KEY_ANA, decision, 0, ROLE_OPERATOR, "");
    world_expect_answer (world, true, "recorded");
}

static inline void world_start (struct world *world)
{
    struct rollout_start start = {.request = 3, .plan = world->plan_envelope, .by = "ana"};
    world_person (world, &rollout_start_type, &start);
}

static inline void world_notified (struct world *world, const char *key, bool done)
{
    struct controller_event event = {
        .kind = CONTROLLER_NOTICE,
        .notice_key = key,
        .notice_done = done,
        .notice_text = done ? "ok" : "HTTP 500"};
    world_event (world, &event);
}

/* ------------------------------------------------------------------------------------------------- the world
 */

static inline void world_keys (struct world *world)
{
    static const char *const names[] = {"stage-1", "connect-p1", "connect-p2", "connect-p3", "connect-p4"};
    for (size_t i = 0; i < WORLD_KEYS + WORLD_HOSTS; i++) {
        uint8_t seed[KEY_SEED_SIZE] = {(uint8_t)(i + 1), 7};
        uint8_t number[KEY_NUMBER_SIZE] = {(uint8_t)(i + 1)};
        secret_key_make (seed, number, i < WORLD_KEYS ? &world->keys[i] : &world->hosts[i - WORLD_KEYS].key);
    }
    for (size_t i = 0; i < WORLD_HOSTS; i++) {
        struct world_host *host = &world->hosts[i];
        host->name = names[i];
        host->environment = i == 0 ? "staging" : "production";
        host->version = host->told = OLD_VERSION;
        host->deploy = OUTCOME_KEPT;
        host->test = OUTCOME_PASSED;
        host->back = OUTCOME_RETURNED;
        memset (host->wire.bytes, (int)(0x50 - i), sizeof host->wire.bytes);
    }
}

static inline void world_open_journal (struct world *world)
{
    struct entry_trust trust = {.document = world->trust_envelope};
    struct entry_fleet fleet = {.document = world->fleet_envelope};
    world_keep_entry (world, &entry_trust_type, &trust);
    world_keep_entry (world, &entry_fleet_type, &fleet);
}

static inline void world_restart (struct world *world)
{
    struct controller_event start = {.kind = CONTROLLER_START};
    bool no_rebuild = world->no_rebuild;
    controller_free (&world->controller);
    world->controller = world_replay (world, &world->arena);
    world->no_rebuild = true; /* until everybody has said hello, the two know different things */
    world_event (world, &start);
    for (size_t i = 0; i < world->fleet.hosts_count; i++)
        if (!world->hosts[i].silent)
            world_hello (world, i);
    world->no_rebuild = no_rebuild;
    if (!no_rebuild)
        world_rebuild (world);
}

static inline struct world *world_new (void)
{
    static const char *const targets[] = {"slack-ops", "mail-managers"};
    struct world *world = calloc (1, sizeof *world);
    struct content_row content = {.name = "connect.tar", .digest = digest_of ("artefact", 8), .length = 8};
    struct controller_event stored = {.kind = CONTROLLER_CONTENT, .content = &content};
    assert_non_null (world);
    world->now.ms = INT64_C (1790000000000);
    world_keys (world);
    world_make_trust (world);
    world_make_fleet (world, 1, WORLD_HOSTS);
    world->options = (struct controller_options){
        .key = world->keys[KEY_CONTROLLER],
        .heartbeat = {2000},
        .tick_interval = {5000},
        .permit_life = {600000},
        .notice_retry = {30000},
        .targets = targets,
        .target_count = 2};
    world_open_journal (world);
    world_restart (world);
    world_event (world, &stored);
    world_make_plan (world, 1);
    return world;
}

static inline void world_free (struct world *world)
{
    controller_free (&world->controller);
    arena_free (&world->arena);
    free (world);
}

/* Up to the sign-off, by everybody's consent. */
static inline void world_to_signoff (struct world *world)
{
    world_start (world);
    world_expect_answer (world, true, "begun");
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    world_decide (world, KEY_ANA, DECISION_SKIP, 3, "testers", "hotfix");
    world_expect_answer (world, true, "recorded");
}

static inline void world_sign_off (struct world *world)
{
    world_decide (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, true, "recorded");
    world_expect_phase (world, PHASE_AWAITING);
    world_decide (world, KEY_LUIS, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, true, "recorded");
}

static inline void world_to_healthy (struct world *world)
{
    world_to_signoff (world);
    world_sign_off (world);
    world_deliver (world);
    world_notified (world, world->notices[world->notice_count - 2].key, true);
    world_notified (world, world->notices[world->notice_count - 1].key, true);
    world_expect_phase (world, PHASE_HEALTHY);
}

#endif
