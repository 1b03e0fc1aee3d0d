/* A world for installers: keys, documents, a host that can be cut off at any effect, and its journal. */
#ifndef RELEVO_TESTS_UNIT_AGENT_CORE_WORLD_H
#define RELEVO_TESTS_UNIT_AGENT_CORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/installer.h"
#include "common/core/gate.h"

enum who { ROOT, OPERATOR, RELEASER, CONTROLLER, ANA, LUIS, STRANGER, HOST_1, HOST_2, KEYS };

enum { QUEUE = 64, NOTES = 4096, PLANS = 4, FAULTS = 4 };

static const char *const names[KEYS] = {"root-1",   "operator-1", "releaser-1", "controller-1", "ana", "luis",
                                        "stranger", "p1",         "p2"};
static const struct instant start_of_time = {1800000000000};

/* An act of this release that fails, wherever it is tried. */
struct fault {
    enum act act;
    const char *version;
    bool returning;
};

struct world {
    struct arena arena;
    struct secret_key keys[KEYS];
    struct envelope trust;
    struct envelope fleet;
    struct digest fleet_digest;
    struct instant now;

    struct installer *installer;
    enum who host;
    struct buffer *notes; /* what is durable */
    size_t note_count;
    struct installer_event queue[QUEUE]; /* what is on its way to the installer */
    size_t queued;
    struct digest have[QUEUE]; /* the installer's own store */
    size_t have_count;
    struct digest spool[QUEUE]; /* what the session holds */
    size_t spool_count;
    struct digest answers[QUEUE];
    long effects;  /* performed since the start */
    long crash_at; /* before this one the power fails; -1: never */
    bool dark;

    bool starts_services; /* a boot of the whole host runs what `current` names */
    char link[128];
    char running[128];
    char staged[8][128];
    size_t staged_count;
    struct fault faults[FAULTS];
    size_t fault_count;
    unsigned bad_contents; /* so many of the next contents are other bytes than the digest says */
    const char *bad_words; /* what the store says of those, if anything */
    bool mute;             /* contents that are wanted never come */

    size_t receipts;        /* noted, in all */
    struct receipt receipt; /* the newest that was noted */
    size_t reports;
    struct digest reported;      /* the newest */
    char detail[LIMIT_LINE + 1]; /* of the last doing */
    enum activity activity;
    size_t acts[act_count];
    size_t wanted;
    struct digest wanted_last;
    size_t keep_count;
    char keep[8][128];
};

static inline struct secret_key make_key (unsigned which)
{
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    struct secret_key key;
    memset (seed, (int)which + 1, sizeof seed);
    memset (number, (int)which + 1, sizeof number);
    secret_key_make (seed, number, &key);
    return key;
}

static inline struct envelope sign (
    struct world *world, const struct record_type *type, const void *record, enum who who)
{
    struct envelope envelope;
    struct error error;
    if (!document_sign (type, record, &world->keys[who], world->now, &world->arena, &envelope, &error))
        fail_msg ("%s", error.text);
    return envelope;
}

static inline struct digest content_digest (const struct envelope *envelope)
{
    return digest_of (envelope->content.data, envelope->content.size);
}

static inline struct instant later (const struct world *world, int64_t seconds)
{
    return instant_add (world->now, span_seconds (seconds));
}

static inline struct envelope make_trust (struct world *world, uint64_t version, enum who controller)
{
    struct trust_key keys[KEYS] = {0};
    const char *lone[KEYS][1];
    const char *approvers[] = {names[ANA], names[LUIS]};
    struct trust_role roles[] = {
        {ROLE_ROOT, "", 1, lone[ROOT], 1},         {ROLE_OPERATOR, "", 1, lone[OPERATOR], 1},
        {ROLE_RELEASER, "", 1, lone[RELEASER], 1}, {ROLE_CONTROLLER, "", 1, lone[controller], 1},
        {"release-managers", "", 2, approvers, 2},
    };
    struct trust trust = {
        .version = version,
        .issued = world->now,
        .expires = later (world, 100000),
        .keys = keys,
        .keys_count = STRANGER + 1,
        .roles = roles,
        .roles_count = sizeof roles / sizeof roles[0],
    };
    for (unsigned i = 0; i < KEYS; i++) {
        keys[i] = (struct trust_key){.name = names[i], .key = world->keys[i].public};
        lone[i][0] = names[i];
    }
    return sign (world, &trust_type, &trust, ROOT);
}

static inline struct envelope make_fleet (struct world *world, uint64_t version)
{
    const char *products[] = {"app"};
    struct fleet_host hosts[] = {
        {.name = "p1", .environment = "production", .products = products, .products_count = 1},
        {.name = "p2", .environment = "production", .products = products, .products_count = 1},
    };
    struct fleet fleet = {
        .version = version,
        .issued = world->now,
        .expires = later (world, 100000),
        .hosts = hosts,
        .hosts_count = 2,
    };
    for (unsigned i = 0; i < 2; i++) {
        hosts[i].key = world->keys[HOST_1 + i].public;
        memset (hosts[i].wire.bytes, (int)i + 1, WIRE_KEY_SIZE);
    }
    return sign (world, &fleet_type, &fleet, OPERATOR);
}

struct release {
    struct envelope plan;
    struct digest digest;
    const char *version;
    char folder[128];
};

static inline struct command make_command (struct world *world, const char *word)
{
    const char **words = arena_array (&world->arena, 1, sizeof *words);
    words[0] = word;
    return (struct command){.words = words, .words_count = 1, .deadline = span_seconds (30)};
}

static inline struct test make_script (const char *name)
{
    return (struct test){
        .name = name,
        .kind = TEST_EXEC,
        .script = digest_of (name, strlen (name)),
        .length = 10,
        .deadline = span_seconds (10)};
}

/* 1 deploy p1, 2 test p1, 3 signoff of two, 4 deploy p2, 5 test p2. */
static inline struct release make_plan (
    struct world *world, const char *version, uint64_t counter, enum who signer)
{
    const char *first[] = {"p1"};
    const char *second[] = {"p2"};
    struct test health[] = {make_script ("health")};
    struct test tests[] = {make_script ("login"), make_script ("publish")};
    struct suite suites[] = {{"regression", tests, 2}};
    struct artifact artifact = {
        .name = "app.tar", .digest = digest_of (version, strlen (version)), .length = 1000};
    struct step deploy = {
        .kind = STEP_DEPLOY,
        .title = "deploy",
        .environment = "production",
        .max_parallel = 1,
        .max_unavailable = 1,
        .min_healthy_time = span_seconds (1),
        .healthy_deadline = span_seconds (10),
        .progress_deadline = span_seconds (100),
        .hosts_count = 1,
    };
    struct step steps[5] = {deploy, {0}, {0}, deploy, {0}};
    struct plan plan = {
        .name = "release",
        .product = "app",
        .version = version,
        .counter = counter,
        .issued = world->now,
        .expires = later (world, 50000),
        .trust_version = 1,
        .fleet_version = 1,
        .fleet = world->fleet_digest,
        .artifacts = &artifact,
        .artifacts_count = 1,
        .suites = suites,
        .suites_count = 1,
        .steps = steps,
        .steps_count = 5,
        .profile =
            {.product = "app",
             .start = make_command (world, "start"),
             .stop = make_command (world, "stop"),
             .health = health,
             .health_count = 1,
             .health_interval = span_seconds (1),
             .keep_releases = 1},
    };
    struct release release = {.version = version};
    char digits[DIGEST_TEXT_SIZE];
    for (unsigned i = 0; i < 5; i++)
        steps[i].number = i + 1;
    steps[0].hosts = first;
    steps[3].hosts = second;
    steps[1] = (struct step){
        .number = 2,
        .kind = STEP_TEST,
        .title = "tests",
        .environment = "production",
        .suite = "regression",
        .hosts = first,
        .hosts_count = 1,
        .progress_deadline = span_seconds (100)};
    steps[2] = (struct step){
        .number = 3, .kind = STEP_SIGNOFF, .title = "sign-off", .role = "release-managers", .approvals = 2};
    steps[4] = steps[1];
    steps[4].number = 5;
    steps[4].hosts = second;
    release.plan = sign (world, &plan_type, &plan, signer);
    release.digest = content_digest (&release.plan);
    (void)snprintf (
        release.folder, sizeof release.folder, "%s-%.12s", version, digest_print (&release.digest, digits));
    return release;
}

static inline struct permit make_permit (
    struct world *world, const struct release *release, uint64_t step, uint64_t attempt)
{
    const char **hosts = arena_array (&world->arena, 1, sizeof *hosts);
    hosts[0] = names[world->host];
    return (struct permit){
        .plan = release->digest,
        .kind = step == 0 ? PERMIT_RETURN : PERMIT_STEP,
        .step = step,
        .attempt = attempt,
        .hosts = hosts,
        .hosts_count = 1,
        .issued = world->now,
        .expires = later (world, 600),
    };
}

static inline struct envelope make_approval (
    struct world *world, const struct release *release, uint64_t step, uint64_t attempt,
    enum decision decision, enum who who, struct digest evidence)
{
    struct approval approval = {
        .plan = release->digest,
        .step = step,
        .attempt = attempt,
        .decision = decision,
        .role = step == 0 ? ROLE_OPERATOR : "release-managers",
        .name = names[who],
        .comment = "because",
        .evidence = evidence,
        .issued = world->now,
        .expires = later (world, 5000),
    };
    return sign (world, &approval_type, &approval, who);
}

static inline struct envelope make_receipt (
    struct world *world, const struct release *release, uint64_t step, enum outcome outcome)
{
    struct test_result results[] = {
        {.name = "login", .verdict = VERDICT_PASSED}, {.name = "publish", .verdict = VERDICT_PASSED}};
    struct receipt receipt = {
        .host = "p1",
        .plan = release->digest,
        .kind = PERMIT_STEP,
        .step = step,
        .attempt = 1,
        .outcome = outcome,
        .version = release->version,
        .tests = results,
        .tests_count = step == 2 ? 2 : 0,
        .started = world->now,
        .finished = world->now,
        .counter = step,
    };
    return sign (world, &receipt_type, &receipt, HOST_1);
}

/* ------------------------------------------------------------------------------------------------- the host
 */

static inline bool is_faulty (const struct world *world, const struct act_order *order, const char *version)
{
    for (size_t i = 0; i < world->fault_count; i++)
        if (world->faults[i].act == order->act && strcmp (world->faults[i].version, version) == 0 &&
            world->faults[i].returning == order->returning)
            return true;
    return false;
}

static inline bool is_staged (const struct world *world, const char *folder)
{
    for (size_t i = 0; i < world->staged_count; i++)
        if (strcmp (world->staged[i], folder) == 0)
            return true;
    return false;
}

static inline bool has (const struct world *world, const struct digest *digest)
{
    for (size_t i = 0; i < world->have_count; i++)
        if (digest_equal (&world->have[i], digest))
            return true;
    return false;
}

/* What a host does, and what it insists on: nothing is swapped under a running service, nothing is started
   twice, nothing is run that was not staged. */
static inline bool do_act (struct world *world, const struct act_order *order)
{
    const char *version = order->act == ACT_TEST ? order->tests[0].name : order->version;
    bool faulty = is_faulty (world, order, version);
    world->acts[order->act]++;
    switch (order->act) {
    case ACT_STAGE:
        for (size_t i = 0; i < order->artifact_count; i++)
            assert_true (has (world, &order->artifacts[i].digest));
        if (!faulty && !is_staged (world, order->folder))
            strncpy (world->staged[world->staged_count++], order->folder, 127);
        return !faulty;
    case ACT_STOP:
        assert_int_equal (order->command->words_count, 1);
        assert_string_equal (order->command->words[0], "stop");
        if (!faulty)
            world->running[0] = '\0';
        return !faulty;
    case ACT_SWAP:
        assert_true (world->running[0] == '\0' || strcmp (world->running, order->folder) == 0);
        assert_true (order->folder[0] == '\0' || is_staged (world, order->folder));
        if (!faulty)
            strncpy (world->link, order->folder, 127);
        return !faulty;
    case ACT_START:
        assert_string_equal (world->running, "");
        assert_string_equal (world->link, order->folder);
        assert_string_equal (order->command->words[0], "start");
        if (!faulty)
            strncpy (world->running, order->folder, 127);
        return !faulty;
    case ACT_CHECK:
        assert_int_equal (order->test_count, 1);
        assert_int_equal (order->deadline.ms, 10000);
        return !faulty && strcmp (world->running, order->folder) == 0 && has (world, &order->tests[0].script);
    case ACT_TEST:
        assert_int_equal (order->test_count, 1);
        assert_true (has (world, &order->tests[0].script));
        assert_string_equal (world->link, order->folder);
        return !faulty;
    case ACT_PRUNE:
        world->keep_count = order->keep_count;
        for (size_t i = 0; i < order->keep_count; i++)
            strncpy (world->keep[i], order->keep[i], 127);
        world->have_count = 0;
        return true;
    default:
        fail_msg ("no such act");
        return false;
    }
}

static inline struct installer_event *enqueue (struct world *world, enum installer_event_kind kind)
{
    struct installer_event *event = &world->queue[world->queued++];
    assert_true (world->queued < QUEUE);
    *event = (struct installer_event){.kind = kind, .now = world->now};
    return event;
}

static inline void enqueue_message (struct world *world, const struct record_type *type, const void *record)
{
    struct installer_event *event = enqueue (world, INSTALLER_MESSAGE);
    event->message = (struct message){type, arena_copy (&world->arena, record, type->size)};
}

/* The session's side of contents: there from content_here until content_done. */
static inline bool spool_has (const struct world *world, const struct digest *digest)
{
    for (size_t i = 0; i < world->spool_count; i++)
        if (digest_equal (&world->spool[i], digest))
            return true;
    return false;
}

static inline void spool_drop (struct world *world, const struct digest *digest)
{
    for (size_t i = 0; i < world->spool_count; i++)
        if (digest_equal (&world->spool[i], digest))
            world->spool[i--] = world->spool[--world->spool_count];
}

static inline void see_message (struct world *world, const struct installer_effect *effect)
{
    if (effect->type == &doing_type) {
        const struct doing *doing = effect->record;
        strncpy (world->detail, doing->detail, LIMIT_LINE);
        world->activity = doing->activity;
    } else if (effect->type == &report_type) {
        const struct report *report = effect->record;
        world->reported = content_digest (&report->receipt);
        world->reports++;
    } else if (effect->type == &content_wanted_type) {
        const struct content_wanted *wanted = effect->record;
        struct content_here here = {.content = wanted->content};
        world->wanted++;
        world->wanted_last = wanted->content;
        if (!world->mute)
            enqueue_message (world, &content_here_type, &here);
    } else if (effect->type == &content_done_type)
        spool_drop (world, &((const struct content_done *)effect->record)->content);
}

static inline void look (struct world *world, const struct act_order *order, struct installer_event *event)
{
    size_t count = 0;
    for (size_t i = 0; i < order->artifact_count; i++)
        if (has (world, &order->artifacts[i].digest))
            world->answers[count++] = order->artifacts[i].digest;
    for (size_t i = 0; i < order->test_count; i++)
        if (has (world, &order->tests[i].script))
            world->answers[count++] = order->tests[i].script;
    event->have = arena_copy (&world->arena, world->answers, count * sizeof *event->have);
    event->have_count = count;
}

static inline void spool_put (struct world *world, const struct installer_event *event)
{
    if (event->kind == INSTALLER_MESSAGE && event->message.type == &content_here_type)
        world->spool[world->spool_count++] = ((const struct content_here *)event->message.record)->content;
    assert_true (world->spool_count < QUEUE);
}

static inline void take (
    struct world *world, const struct installer_effect *effect, struct installer_event *event)
{
    assert_true (spool_has (world, &effect->digest));
    if (world->bad_contents > 0) {
        world->bad_contents--;
        event->detail = world->bad_words;
        return;
    }
    world->have[world->have_count++] = effect->digest;
    event->have = arena_copy (&world->arena, &effect->digest, sizeof effect->digest);
    event->have_count = 1;
}

static inline void write_note (struct world *world, const struct installer_effect *effect)
{
    struct error error;
    assert_true (world->note_count < NOTES);
    if (!message_encode (effect->type, effect->record, &world->notes[world->note_count++], &error))
        fail_msg ("%s", error.text);
    if (effect->type == &note_receipt_type) {
        const struct note_receipt *note = effect->record;
        assert_true (
            document_read (&receipt_type, note->receipt.content, &world->arena, &world->receipt, &error));
        world->receipts++;
    }
}

static inline void perform (struct world *world, const struct installer_effect *effect)
{
    struct installer_event *event;
    switch (effect->kind) {
    case INSTALLER_RECORD:
        write_note (world, effect);
        break;
    case INSTALLER_SEND:
        see_message (world, effect);
        break;
    case INSTALLER_ACT:
        event = enqueue (world, INSTALLER_DONE);
        event->good = do_act (world, effect->order);
        event->detail = event->good ? "" : "it broke";
        event->result.verdict = event->good ? VERDICT_PASSED : VERDICT_FAILED;
        break;
    case INSTALLER_TAKE:
        take (world, effect, enqueue (world, INSTALLER_HAVE));
        break;
    case INSTALLER_LOOK:
        look (world, effect->order, enqueue (world, INSTALLER_HAVE));
        break;
    }
}

/* Goes on until nothing is on its way any more, or the power fails. */
static inline void run (struct world *world)
{
    struct installer_effects effects = {0};
    while (world->queued > 0 && !world->dark) {
        struct installer_event event = world->queue[0];
        memmove (world->queue, world->queue + 1, --world->queued * sizeof event);
        world->now.ms += 10;
        event.now = world->now;
        spool_put (world, &event);
        installer_step (world->installer, &event, &effects);
        for (size_t i = 0; i < effects.count && !world->dark; i++) {
            world->dark = world->effects == world->crash_at;
            if (!world->dark)
                perform (world, &effects.items[i]);
            world->effects++;
        }
        installer_effects_clear (&effects);
    }
    installer_effects_free (&effects);
}

/* A process that begins with the journal alone. */
static inline void boot (struct world *world)
{
    struct installer_options options = {
        .host = names[world->host], .agent = "0.1", .key = world->keys[world->host]};
    installer_free (&world->installer);
    world->installer = installer_new (&options);
    world->queued = 0;
    world->dark = false;
    if (world->starts_services)
        memcpy (world->running, world->link, sizeof world->running);
    for (size_t i = 0; i < world->note_count; i++) {
        struct arena arena = {0};
        struct message note;
        struct error error;
        if (!message_decode (ENTRY, 0, buffer_bytes (&world->notes[i]), &arena, &note, &error) ||
            !installer_apply (world->installer, note.type, note.record, &error))
            fail_msg ("note %zu: %s", i, error.text);
        arena_free (&arena);
    }
    (void)enqueue (world, INSTALLER_START);
    run (world);
}

static inline void note_document (
    struct world *world, const struct record_type *type, const struct envelope *envelope)
{
    struct installer_effect effect = {.type = type, .record = envelope};
    write_note (world, &effect);
}

static inline struct world *world_new (enum who host)
{
    struct world *world = calloc (1, sizeof *world);
    struct note_trust trust;
    struct note_fleet fleet;
    assert_non_null (world);
    world->notes = calloc (NOTES, sizeof *world->notes);
    assert_non_null (world->notes);
    world->now = start_of_time;
    world->host = host;
    world->crash_at = -1;
    for (unsigned i = 0; i < KEYS; i++)
        world->keys[i] = make_key (i);
    world->trust = make_trust (world, 1, CONTROLLER);
    world->fleet = make_fleet (world, 1);
    world->fleet_digest = content_digest (&world->fleet);
    trust.document = world->trust;
    fleet.document = world->fleet;
    note_document (world, &note_trust_type, &trust.document);
    note_document (world, &note_fleet_type, &fleet.document);
    boot (world);
    return world;
}

static inline void world_free (struct world *world)
{
    installer_free (&world->installer);
    for (size_t i = 0; i < world->note_count; i++)
        buffer_free (&world->notes[i]);
    free (world->notes);
    arena_free (&world->arena);
    free (world);
}

/* ------------------------------------------------------------------------------------------- the controller
 */

static inline void offer (struct world *world, const struct envelope *document)
{
    struct offer message = {.document = *document};
    enqueue_message (world, &offer_type, &message);
    run (world);
}

static inline void offer_permit_by (
    struct world *world, struct permit permit, struct envelope *evidence, size_t count, enum who signer)
{
    struct permit_offer message = {.evidence = evidence, .evidence_count = count};
    if (permit.evidence == NULL) {
        permit.evidence = arena_array (&world->arena, count, sizeof *permit.evidence);
        permit.evidence_count = count;
        for (size_t i = 0; i < count; i++)
            permit.evidence[i] = content_digest (&evidence[i]);
    }
    message.permit = sign (world, &permit_type, &permit, signer);
    enqueue_message (world, &permit_offer_type, &message);
    run (world);
}

static inline void offer_permit (
    struct world *world, struct permit permit, struct envelope *evidence, size_t count)
{
    offer_permit_by (world, permit, evidence, count, CONTROLLER);
}

static inline void deploy (struct world *world, const struct release *release)
{
    offer (world, &release->plan);
    offer_permit (world, make_permit (world, release, 1, 1), NULL, 0);
}

static inline void add_fault (struct world *world, enum act act, const char *version, bool returning)
{
    world->faults[world->fault_count++] = (struct fault){act, version, returning};
}

static inline void assert_runs (const struct world *world, const char *folder)
{
    assert_string_equal (world->link, folder);
    assert_string_equal (world->running, folder);
}

#endif
