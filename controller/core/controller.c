/* The door: an event is handed to its handler by a table, rollouts look whether they can go on, watchers are
   told. */
#include "controller/core/controller.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "controller/core/state.h"

struct controller *controller_new (const struct controller_options *options)
{
    struct controller *controller = calloc (1, sizeof *controller);
    const char **targets;
    assert (controller != NULL);
    assert (options->heartbeat.ms > 0 && options->tick_interval.ms > 0 && options->permit_life.ms > 0);
    controller->options = *options;
    targets = arena_array (&controller->arena, options->target_count, sizeof *targets);
    for (size_t i = 0; i < options->target_count; i++)
        targets[i] = arena_text (&controller->arena, options->targets[i]);
    controller->options.targets = targets;
    return controller;
}

static void free_hosts (struct controller *controller)
{
    for (size_t i = 0; i < controller->host_count; i++) {
        arena_free (&controller->hosts[i]->arena);
        free (controller->hosts[i]->strange);
        free (controller->hosts[i]);
    }
    free (controller->hosts);
    free (controller->wires);
}

void controller_free (struct controller **controller)
{
    struct controller *self = *controller;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->rollout_count; i++)
        rollout_free (self->rollouts[i]);
    for (size_t i = 0; i < self->pending_count; i++)
        free (self->pendings[i]);
    free_hosts (self);
    free (self->rollouts);
    free (self->pendings);
    free (self->tokens);
    free (self->contents);
    free (self->counters);
    free (self->watchers);
    free (self->trusts);
    arena_free (&self->trust_arena);
    arena_free (&self->fleet_arena);
    arena_free (&self->arena);
    secret_key_wipe (&self->options.key);
    free (self);
    *controller = NULL;
}

/* put, audit_wanted and chunk_wanted are answered by the loop itself: they are about files and the journal.
 */
static const struct {
    const struct record_type *type;
    void (*handle) (struct turn *turn, const void *record);
} handlers[] = {
    {&hello_type, fleet_hello},
    {&ping_type, fleet_ping},
    {&pull_type, fleet_pull},
    {&report_type, fleet_report},
    {&doing_type, fleet_doing},
    {&enrol_type, fleet_enrol},
    {&inventory_wanted_type, request_inventory},
    {&trusts_wanted_type, request_trusts},
    {&submit_type, request_submit},
    {&token_make_type, request_token},
    {&host_reject_type, request_reject},
    {&rollout_start_type, request_start},
    {&decide_type, request_decide},
    {&rollouts_wanted_type, request_rollouts},
    {&watch_type, request_watch},
    {&evidence_wanted_type, request_evidence},
};

static void on_message (struct turn *turn)
{
    const struct message *message = &turn->event->message;
    if ((message->type->senders & turn->event->sender) == 0)
        return;
    if (turn->event->sender == FROM_AGENT)
        fleet_heard (turn);
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (handlers[i].type == message->type) {
            handlers[i].handle (turn, message->record);
            return;
        }
}

/* Nothing is known about what was under way: everything that is open is looked at and published again. */
static void on_start (struct turn *turn)
{
    struct controller *controller = turn->controller;
    struct entry_epoch entry = {.epoch = controller->epoch + 1};
    controller->started = turn->now;
    controller->sequence = 0;
    turn_record (turn, &entry_epoch_type, &entry);
    fleet_tick (turn);
    fleet_welcome_accepted (turn);
    rollout_advance_all (turn);
    for (size_t i = 0; i < controller->rollout_count; i++)
        permit_publish_open (turn, controller->rollouts[i]);
}

static void on_time (struct turn *turn)
{
    struct controller *controller = turn->controller;
    if (!instant_before (turn->now, controller->next_tick)) {
        fleet_look (turn);
        fleet_tick (turn);
        turn->refresh = true;
    }
    rollout_advance_all (turn);
}

static void on_content (struct turn *turn)
{
    struct entry_content entry = {.content = *turn->event->content};
    if (!controller_has_content (turn->controller, &entry.content.digest))
        turn_record (turn, &entry_content_type, &entry);
}

static void on_notice (struct turn *turn)
{
    notice_ended (turn);
    rollout_advance_all (turn);
}

static void (*const openers[]) (struct turn *turn) = {
    [CONTROLLER_START] = on_start,     [CONTROLLER_TIME] = on_time,     [CONTROLLER_MESSAGE] = on_message,
    [CONTROLLER_CONTENT] = on_content, [CONTROLLER_NOTICE] = on_notice, [CONTROLLER_GONE] = fleet_gone,
};

void controller_step (
    struct controller *controller, const struct controller_event *event, struct controller_effects *effects)
{
    struct turn turn = {.controller = controller, .effects = effects, .event = event, .now = event->now};
    controller->now = event->now;
    openers[event->kind](&turn);
    /* Contacts alone are worth a message to watchers once a heartbeat. */
    if (instant_between (controller->refreshed, turn.now).ms >= controller->options.heartbeat.ms)
        turn.refresh = true;
    if (turn.refresh)
        controller->refreshed = turn.now;
    view_publish (&turn);
    check_changed (controller);
}

/* What was due by the last event has been looked at: if it is due still, the next tick looks again. */
struct instant controller_deadline (const struct controller *controller)
{
    struct instant first = controller->next_tick;
    for (size_t i = 0; i < controller->rollout_count; i++) {
        struct instant due = rollout_deadline (controller, controller->rollouts[i]);
        if (instant_before (controller->now, due))
            first = instant_earlier (first, due);
    }
    return first;
}

/* Who has asked before is told what became of it; but a host that was accepted, and is of the fleet no more,
   is as unknown as anybody. */
static bool expects_strangers (
    const struct controller *controller, const struct wire_key *wire, struct instant now)
{
    const struct pending *pending = pending_wired (controller, wire);
    if (pending != NULL && pending->state != ENROLMENT_ACCEPTED)
        return true;
    for (size_t i = 0; i < controller->token_count; i++)
        if (!controller->tokens[i].used && instant_before (now, controller->tokens[i].expires))
            return true;
    return false;
}

/* What the roles of a connection's key let it ask for; the signatures in what it sends are judged besides. */
static unsigned person_of (const struct controller *controller, const struct wire_key *wire)
{
    const struct trust_key *key = NULL;
    unsigned person = FROM_PERSON;
    if (controller->trust_count > 0)
        key = trust_key_wired (&controller->trust, wire);
    if (key == NULL)
        return 0;
    if (trust_key_plays (&controller->trust, key, ROLE_OPERATOR))
        person |= FROM_OPERATOR;
    if (trust_key_plays (&controller->trust, key, ROLE_RELEASER))
        person |= FROM_RELEASER;
    return person;
}

unsigned controller_sender (
    const struct controller *controller, enum door door, const struct wire_key *wire, struct instant now)
{
    if (door == DOOR_LOCAL)
        return FROM_ANY_PERSON;
    if (wire_is_none (wire))
        return 0;
    if (door == DOOR_REMOTE)
        return person_of (controller, wire);
    if (door != DOOR_AGENTS)
        return 0;
    if (host_wired (controller, wire) != NULL)
        return FROM_AGENT;
    return expects_strangers (controller, wire, now) ? FROM_STRANGER : 0;
}

bool controller_has_content (const struct controller *controller, const struct digest *digest)
{
    size_t place;
    return content_place (controller, digest, &place);
}
