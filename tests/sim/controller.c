/* The controller's core, and what its loop does around it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

enum { RESTART_LEAST = 500, RESTART_MOST = 8000, POLL_MOST = 10000 };

static const struct place here = {ROLE_OF_CONTROLLER, 0};

struct instant controller_now (struct world *world)
{
    struct controller_node *node = &world->controller;
    struct instant wall = {world->start.ms + world->now + node->clock.offset};
    struct span passed = {world->now - node->steady};
    node->steady = world->now;
    node->now = instant_follow ((struct instant){node->now}, passed, wall).ms;
    return (struct instant){node->now};
}

static struct instant next_wake (struct world *world)
{
    struct instant deadline = controller_deadline (world->controller.core);
    int64_t left = deadline.ms - controller_now (world).ms;
    if (left > POLL_MOST)
        left = POLL_MOST;
    return (struct instant){world->now + (left < 0 ? 0 : left)};
}

/* --------------------------------------------------------------------------------------------------- effects
 */

static void say_gone (struct world *world, uint64_t connection)
{
    later (
        world, 0,
        (struct event){
            .kind = EVENT_GONE, .place = here, .life = world->controller.process.life, .number = connection});
}

static void send (struct world *world, const struct controller_effect *effect)
{
    struct packet *packet;
    uint64_t connection = 0;
    struct host *host;
    oracle_sent (world, effect->type, effect->record);
    if (effect->route.door == DOOR_LOCAL) {
        oracle_answer (world, effect->route.id[0], effect->type, effect->record);
        packet = packet_make (effect->type, effect->record);
        if (packet != NULL)
            send_to_person (world, effect->route.id[0], packet);
        return;
    }
    memcpy (&connection, effect->route.id, sizeof connection);
    host = &world->hosts[world->connections[connection - 1]];
    if (connection != host->connection || !host->session.alive) {
        say_gone (world, connection);
        return;
    }
    packet = packet_make (effect->type, effect->record);
    if (packet == NULL)
        return;
    thief_overhears (world, packet);
    send_to_session (world, host, packet);
}

static bool subscribes (const struct host *host, const char *topic)
{
    const char *environment = environment_name (host->environment);
    size_t size = strlen (environment);
    return strcmp (topic, "all") == 0 || (strncmp (topic, environment, size) == 0 && topic[size] == '/');
}

static void publish (struct world *world, const struct controller_effect *effect)
{
    struct packet *packet = packet_make (effect->type, effect->record);
    if (packet == NULL)
        return;
    oracle_sent (world, effect->type, effect->record);
    thief_overhears (world, packet);
    for (unsigned i = 0; i < world->host_count; i++)
        if (world->hosts[i].session.alive && subscribes (&world->hosts[i], effect->topic)) {
            packet->references++;
            send_to_session (world, &world->hosts[i], packet);
        }
    packet_drop (packet);
}

static void tell (struct world *world, const struct controller_effect *effect)
{
    struct controller_node *node = &world->controller;
    size_t place = 0;
    while (place < node->notice_count && strcmp (node->notices[place].key, effect->notice_key) != 0)
        place++;
    if (place == node->notice_count) {
        violation (world, 10, "a notice goes out that is not owed: %s", effect->notice_key);
        return;
    }
    later (
        world, random_between (&world->body, 50, 3000),
        (struct event){.kind = EVENT_NOTICE, .place = here, .life = node->process.life, .number = place});
}

static bool performs (struct world *world, const struct controller_effect *effect)
{
    struct controller_node *node = &world->controller;
    if (process_dies (&node->process)) {
        controller_die (world, "killed");
        return false;
    }
    switch (effect->kind) {
    case CONTROLLER_RECORD:
        if (!disk_append (world, &node->journal, effect->type, effect->record)) {
            controller_die (world, "its journal can't be written");
            return false;
        }
        trace_record (world, "controller", "records", effect->type, effect->record);
        oracle_entry (world, effect->type, effect->record);
        break;
    case CONTROLLER_SEND:
        send (world, effect);
        break;
    case CONTROLLER_PUBLISH:
        publish (world, effect);
        break;
    case CONTROLLER_NOTIFY:
        trace_line (world, "controller", "notifies %s: %s", effect->target, effect->notice_text);
        tell (world, effect);
        break;
    }
    return true;
}

void controller_event_at (struct world *world, struct controller_event *event)
{
    struct controller_node *node = &world->controller;
    if (!node->process.alive)
        return;
    event->now = controller_now (world);
    controller_effects_clear (&node->effects);
    controller_step (node->core, event, &node->effects);
    for (size_t i = 0; i < node->effects.count; i++)
        if (!performs (world, &node->effects.items[i]))
            return;
    wake_at (world, &node->process, here, next_wake (world).ms);
}

/* -------------------------------------------------------------------------------------------------- messages
 */

/* What controller/io/bulk.c does without the core. */
static bool serve_chunk (struct world *world, uint64_t connection, const struct message *message)
{
    const struct chunk_wanted *wanted = message->record;
    struct host *host = &world->hosts[world->connections[connection - 1]];
    const struct content *content;
    struct chunk chunk;
    struct packet *packet;
    if (message->type != &chunk_wanted_type)
        return false;
    content = papers_content (&world->papers, &wanted->content);
    if (content == NULL || wanted->offset >= content->bytes.size || connection != host->connection)
        return true;
    chunk = (struct chunk){.content = wanted->content, .offset = wanted->offset};
    chunk.data.data = content->bytes.data + wanted->offset;
    chunk.data.size = content->bytes.size - wanted->offset;
    if (chunk.data.size > wanted->size)
        chunk.data.size = wanted->size;
    packet = packet_make (&chunk_type, &chunk);
    if (packet != NULL)
        send_to_session (world, host, packet);
    return true;
}

void controller_take (
    struct world *world, enum door door, unsigned number, uint64_t connection, struct packet *packet)
{
    struct controller_node *node = &world->controller;
    struct controller_event event = {.kind = CONTROLLER_MESSAGE, .route = {.door = door}};
    const struct message *message;
    if (!node->process.alive)
        return;
    if (door == DOOR_AGENTS) {
        event.route.size = sizeof connection;
        memcpy (event.route.id, &connection, sizeof connection);
        event.wire = host_wire (number);
    } else {
        event.route.size = 1;
        event.route.id[0] = (uint8_t)number;
    }
    event.sender = controller_sender (node->core, door, &event.wire, controller_now (world));
    message = event.sender != 0 ? packet_read (packet, event.sender) : NULL;
    if (message == NULL)
        return;
    if (door == DOOR_AGENTS) {
        world->hosts[number].heard_at = node->now;
        if (serve_chunk (world, connection, message))
            return;
    }
    event.message = *message;
    controller_event_at (world, &event);
}

void controller_wake (struct world *world)
{
    struct controller_event event = {.kind = CONTROLLER_TIME};
    if (!instant_before (controller_now (world), controller_deadline (world->controller.core)))
        controller_event_at (world, &event);
    else
        wake_at (world, &world->controller.process, here, next_wake (world).ms);
}

/* A target fails now and then, while anything may go wrong. */
void controller_notice (struct world *world, uint64_t number)
{
    struct controller_node *node = &world->controller;
    bool done = world->calm || !random_chance (&world->body, 200);
    struct controller_event event = {
        .kind = CONTROLLER_NOTICE,
        .notice_key = node->notices[number].key,
        .notice_done = done,
        .notice_text = done ? "ok" : "HTTP 500"};
    if (done)
        node->notices[number].delivered = true;
    controller_event_at (world, &event);
}

/* ----------------------------------------------------------------------------------------------- start,
 * death
 */

static bool replay (struct world *world)
{
    struct controller_node *node = &world->controller;
    for (size_t i = 0; i < node->journal.count; i++) {
        struct arena arena = {0};
        struct message entry;
        struct error error;
        bool good = message_decode (ENTRY, 0, node->journal.records[i], &arena, &entry, &error) &&
                    controller_apply (node->core, entry.type, entry.record, &error);
        arena_free (&arena);
        if (!good) {
            violation (world, 9, "the controller can't read entry %zu of its own journal: %s", i, error.text);
            return false;
        }
    }
    return true;
}

void controller_start_process (struct world *world)
{
    struct controller_node *node = &world->controller;
    struct controller_event start = {.kind = CONTROLLER_START};
    if (node->process.alive)
        return;
    node->process = (struct process){
        .alive = true, .life = node->process.life + 1, .dies_after = -1, .wake_at = INT64_MAX};
    node->core = controller_new (&node->options);
    node->now = 0;
    node->steady = world->now;
    node->started = controller_now (world).ms;
    for (unsigned i = 0; i < world->host_count; i++)
        world->hosts[i].heard_at = 0;
    if (!replay (world))
        return;
    trace_line (world, "controller", "starts with %zu entries", node->journal.count);
    controller_event_at (world, &start);
    if (node->process.alive)
        oracle_controller_rebuilt (world);
}

void controller_die (struct world *world, const char *why)
{
    struct controller_node *node = &world->controller;
    if (!node->process.alive)
        return;
    world->crashes++;
    trace_line (world, "controller", "dies: %s", why);
    node->process.alive = false;
    node->process.dies_after = -1;
    controller_effects_clear (&node->effects);
    controller_free (&node->core);
    later (
        world, random_between (&world->body, RESTART_LEAST, RESTART_MOST),
        (struct event){.kind = EVENT_START, .place = here});
}
