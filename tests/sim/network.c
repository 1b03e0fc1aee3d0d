/* The queue, packets, and what the network does to them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/* ------------------------------------------------------------------------------------------------- the queue
 */

static bool is_before (const struct event *first, const struct event *second)
{
    return first->at != second->at ? first->at < second->at : first->order < second->order;
}

void queue_put (struct queue *queue, struct event event)
{
    size_t place = queue->count;
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 256 : 2 * queue->capacity;
        queue->items = realloc (queue->items, queue->capacity * sizeof *queue->items);
        assert (queue->items != NULL);
    }
    event.order = queue->order++;
    queue->count++;
    while (place > 0 && is_before (&event, &queue->items[(place - 1) / 2])) {
        queue->items[place] = queue->items[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    queue->items[place] = event;
}

bool queue_take (struct queue *queue, struct event *ret)
{
    struct event last;
    size_t place = 0;
    if (queue->count == 0)
        return false;
    *ret = queue->items[0];
    last = queue->items[--queue->count];
    while (2 * place + 1 < queue->count) {
        size_t child = 2 * place + 1;
        if (child + 1 < queue->count && is_before (&queue->items[child + 1], &queue->items[child]))
            child++;
        if (!is_before (&queue->items[child], &last))
            break;
        queue->items[place] = queue->items[child];
        place = child;
    }
    if (queue->count > 0)
        queue->items[place] = last;
    return true;
}

void queue_free (struct queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        packet_drop (queue->items[i].packet);
    free (queue->items);
}

void later (struct world *world, int64_t ms, struct event event)
{
    event.at = world->now + ms;
    queue_put (&world->queue, event);
}

void wake_at (struct world *world, struct process *process, struct place place, int64_t at)
{
    if (!process->alive || at >= process->wake_at)
        return;
    if (at < world->now)
        at = world->now;
    process->wake_at = at;
    queue_put (
        &world->queue, (struct event){.at = at, .kind = EVENT_WAKE, .place = place, .life = process->life});
}

bool process_dies (struct process *process)
{
    return process->dies_after >= 0 && process->dies_after-- == 0;
}

/* -------------------------------------------------------------------------------------------------- packets
 */

struct packet *packet_make (const struct record_type *type, const void *record)
{
    struct packet *packet = calloc (1, sizeof *packet);
    struct error error;
    assert (packet != NULL);
    packet->references = 1;
    if (message_encode (type, record, &packet->bytes, &error))
        return packet;
    packet_drop (packet);
    return NULL;
}

const struct message *packet_read (struct packet *packet, unsigned sender)
{
    if (!packet->decoded || packet->sender != sender) {
        arena_free (&packet->arena);
        packet->good = message_decode (
            MESSAGE, sender, buffer_bytes (&packet->bytes), &packet->arena, &packet->message, NULL);
        packet->decoded = true;
        packet->sender = sender;
    }
    return packet->good ? &packet->message : NULL;
}

void packet_drop (struct packet *packet)
{
    if (packet == NULL || --packet->references > 0)
        return;
    buffer_free (&packet->bytes);
    arena_free (&packet->arena);
    free (packet);
}

/* -------------------------------------------------------------------------------------------------- the
 * lines
 */

static int64_t delay (struct world *world)
{
    const struct story *story = world->story;
    if (world->calm)
        return random_between (&world->network, 1, 5);
    if (random_chance (&world->network, story->rates.slow))
        return random_between (&world->network, 1000, 10000);
    return random_between (&world->network, 1, story->delay);
}

/* Lost, or on its way once or twice; later ones may come before it. */
static void carry (struct world *world, struct event event, bool is_cut)
{
    const struct story_rates *rates = &world->story->rates;
    world->messages++;
    if (is_cut || (!world->calm && random_chance (&world->network, rates->drop))) {
        packet_drop (event.packet);
        return;
    }
    if (!world->calm && random_chance (&world->network, rates->twice)) {
        event.packet->references++;
        later (world, delay (world), event);
    }
    later (world, delay (world), event);
}

void send_to_session (struct world *world, struct host *host, struct packet *packet)
{
    struct event event = {
        .kind = EVENT_MESSAGE,
        .place = {ROLE_OF_SESSION, host->number},
        .life = host->connection,
        .packet = packet,
        .from_controller = true};
    carry (world, event, host->cut_in_until > world->now);
}

void send_to_controller (struct world *world, struct host *host, struct packet *packet)
{
    struct event event = {
        .kind = EVENT_MESSAGE,
        .place = {ROLE_OF_CONTROLLER, host->number},
        .life = world->controller.process.life,
        .number = host->connection,
        .packet = packet};
    carry (world, event, host->cut_out_until > world->now);
}

void send_to_person (struct world *world, unsigned person, struct packet *packet)
{
    struct event event = {
        .kind = EVENT_MESSAGE, .place = {ROLE_OF_PERSON, person}, .packet = packet, .from_controller = true};
    carry (world, event, false);
}

void send_from_person (struct world *world, unsigned person, struct packet *packet)
{
    struct event event = {
        .kind = EVENT_MESSAGE,
        .place = {ROLE_OF_CONTROLLER, STORY_HOSTS + person},
        .life = world->controller.process.life,
        .packet = packet};
    carry (world, event, false);
}

/* ---------------------------------------------------------------------------------------------------- disks
 */

bool disk_append (
    const struct world *world, struct disk *disk, const struct record_type *type, const void *record)
{
    struct buffer bytes = {0};
    struct error error;
    bool good = message_encode (type, record, &bytes, &error);
    assert (good);
    if (disk->full_until > world->now) {
        buffer_free (&bytes);
        return false;
    }
    if (disk->count == disk->capacity) {
        disk->capacity = disk->capacity == 0 ? 64 : 2 * disk->capacity;
        disk->records = realloc (disk->records, disk->capacity * sizeof *disk->records);
        assert (disk->records != NULL);
    }
    disk->records[disk->count++] = buffer_bytes (&bytes);
    return true;
}

void disk_free (struct disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        free ((void *)disk->records[i].data);
    free (disk->records);
}
