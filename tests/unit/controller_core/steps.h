/* A controller, people with keys, and a fleet. After each step a second controller is rebuilt from the
   recorded entries alone, and must show the same rollout. */
#ifndef RELEVO_TESTS_UNIT_CONTROLLER_CORE_STEPS_H
#define RELEVO_TESTS_UNIT_CONTROLLER_CORE_STEPS_H

#include "tests/unit/controller_core/fleet.h"

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
    if (effect->type == &trusts_page_type)
        world->trusts_page = *(const struct trusts_page *)copy;
    if (effect->type == &rollouts_type)
        world->rollouts = *(const struct rollouts *)copy;
    if (effect->type == &report_stored_type)
        world->stored++;
    if (effect->type == &progress_type) {
        assert_true (world->progress_count < WORLD_PROGRESS);
        world->progress[world->progress_count] = *(const struct progress *)copy;
        world->progress_to[world->progress_count++] = effect->route;
    }
    if (effect->type == &offer_type)
        world->plans_sent +=
            bytes_equal (((const struct offer *)copy)->document.content, world->plan_envelope.content);
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
static inline void world_come_back (struct world *world);

static inline bool world_crashes (struct world *world)
{
    if (world->crash_at == 0 || world->entry_count != world->crash_at)
        return false;
    world->crash_at = 0;
    return true;
}

static inline void world_event (struct world *world, struct controller_event *event)
{
    struct controller_effects effects = {0};
    bool crashed = false;
    event->now = world->now;
    if (event->kind == CONTROLLER_START)
        world->sequence = 0;
    controller_step (world->controller, event, &effects);
    controller_check (world->controller);
    for (size_t i = 0; i < effects.count && !crashed; i++) {
        const struct controller_effect *effect = &effects.items[i];
        if (effect->kind == CONTROLLER_RECORD) {
            world_keep_entry (world, effect->type, effect->record);
            crashed = world_crashes (world);
        } else if (effect->kind == CONTROLLER_SEND)
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
    if (crashed)
        world_come_back (world);
    else if (!world->no_rebuild)
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
    world_message (world, DOOR_LOCAL, 100, NULL, FROM_ANY_PERSON, type, record);
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
        .sender = FROM_ANY_PERSON,
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

#endif
