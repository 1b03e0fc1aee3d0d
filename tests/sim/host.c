/* A host: the installer's and the session's core, and what their loops do around them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

enum { RESTART_LEAST = 200, RESTART_MOST = 3000, POLL_MOST = 60000, CHANNEL_MOST = 3 };

struct instant host_now (const struct world *world, const struct host *host)
{
    return (struct instant){
        world->start.ms + world->now + host->clock.offset + world->now * host->clock.drift / 1000000};
}

static struct place installer_place (const struct host *host)
{
    return (struct place){ROLE_OF_INSTALLER, host->number};
}

static struct place session_place (const struct host *host)
{
    return (struct place){ROLE_OF_SESSION, host->number};
}

/* How long a loop sleeps until its core's deadline: the sleep itself knows no wall clock. */
static int64_t sleeps (struct instant now, struct instant deadline, int64_t most)
{
    int64_t left = deadline.ms == INT64_MAX ? most : deadline.ms - now.ms;
    if (left < 0)
        left = 0;
    return left < most ? left : most;
}

/* ------------------------------------------------------------------------------------- between the processes
 */

static void by_channel (
    struct world *world, struct host *host, bool to_session, const struct record_type *type,
    const void *record)
{
    struct process *target = to_session ? &host->session : &host->installer;
    struct packet *packet = target->alive ? packet_make (type, record) : NULL;
    if (packet == NULL)
        return;
    later (
        world, random_between (&world->network, 0, CHANNEL_MOST),
        (struct event){
            .kind = EVENT_MESSAGE,
            .place = to_session ? session_place (host) : installer_place (host),
            .life = target->life,
            .packet = packet});
}

/* ------------------------------------------------------------------------------------------------- installer
 */

static bool installer_performs (struct world *world, struct host *host, const struct installer_effect *effect)
{
    if (process_dies (&host->installer)) {
        if (host->installer.by_power)
            power_fail (world, host);
        else
            installer_die (world, host, "killed");
        return false;
    }
    switch (effect->kind) {
    case INSTALLER_RECORD:
        if (!disk_append (world, &host->journal, effect->type, effect->record)) {
            installer_die (world, host, "its journal can't be written");
            return false;
        }
        trace_record (world, host_name (host->number), "notes", effect->type, effect->record);
        oracle_note (world, host, effect->type, effect->record);
        break;
    case INSTALLER_SEND:
        trace_record (world, host_name (host->number), "says", effect->type, effect->record);
        oracle_said (world, host, effect->type, effect->record);
        by_channel (world, host, true, effect->type, effect->record);
        break;
    case INSTALLER_ACT:
    case INSTALLER_TAKE:
    case INSTALLER_LOOK:
        act_add (world, host, effect);
        break;
    }
    return true;
}

void installer_event_at (struct world *world, struct host *host, struct installer_event *event)
{
    struct installer_effects *effects = &host->installer_effects;
    if (!host->installer.alive)
        return;
    event->now = host_now (world, host);
    installer_step (host->installer_core, event, effects);
    for (size_t i = 0; i < effects->count; i++)
        if (!installer_performs (world, host, &effects->items[i]))
            return;
    installer_effects_clear (effects);
    wake_at (
        world, &host->installer, installer_place (host),
        world->now + sleeps (host_now (world, host), installer_deadline (host->installer_core), POLL_MOST));
}

void installer_wake (struct world *world, struct host *host)
{
    struct installer_event event = {.kind = INSTALLER_TIME};
    struct instant deadline = installer_deadline (host->installer_core);
    if (!instant_before (host_now (world, host), deadline))
        installer_event_at (world, host, &event);
    else
        wake_at (
            world, &host->installer, installer_place (host),
            world->now + sleeps (host_now (world, host), deadline, POLL_MOST));
}

static bool installer_replay (struct world *world, struct host *host)
{
    for (size_t i = 0; i < host->journal.count; i++) {
        struct arena arena = {0};
        struct message entry;
        struct error error;
        bool good = message_decode (ENTRY, 0, host->journal.records[i], &arena, &entry, &error) &&
                    installer_apply (host->installer_core, entry.type, entry.record, &error);
        arena_free (&arena);
        if (!good) {
            violation (
                world, 9, "%s can't read note %zu of its own journal: %s", host_name (host->number), i,
                error.text);
            return false;
        }
    }
    return true;
}

void installer_start_process (struct world *world, struct host *host)
{
    struct installer_options options = {
        .host = host_name (host->number), .agent = "sim", .key = *host_key (host->number)};
    struct installer_event start = {.kind = INSTALLER_START};
    if (host->installer.alive || host->lost || !host->powered)
        return;
    host->installer = (struct process){
        .alive = true, .life = host->installer.life + 1, .dies_after = -1, .wake_at = INT64_MAX};
    host->installer_core = installer_new (&options);
    if (!installer_replay (world, host))
        return;
    trace_line (world, host_name (host->number), "the installer starts");
    installer_event_at (world, host, &start);
    if (!host->installer.alive)
        return;
    oracle_rebuilt (world, host);
    session_start_process (world, host);
}

void installer_die (struct world *world, struct host *host, const char *why)
{
    if (!host->installer.alive)
        return;
    world->crashes++;
    trace_line (world, host_name (host->number), "the installer dies: %s", why);
    die_with (world, host);
    host->installer.alive = false;
    host->installer.dies_after = -1;
    acts_drop (world, host, host->installer.by_power);
    installer_effects_clear (&host->installer_effects);
    installer_free (&host->installer_core);
    session_die (world, host, "its installer is gone");
    oracle_machine (world, host);
    if (!host->lost && host->powered)
        later (
            world, random_between (&world->body, RESTART_LEAST, RESTART_MOST),
            (struct event){.kind = EVENT_START, .place = installer_place (host)});
}

/* --------------------------------------------------------------------------------------------------- session
 */

static void connect (struct world *world, struct host *host)
{
    if (world->connection_count == world->connection_capacity) {
        world->connection_capacity = world->connection_capacity == 0 ? 64 : 2 * world->connection_capacity;
        world->connections =
            realloc (world->connections, world->connection_capacity * sizeof *world->connections);
        assert (world->connections != NULL);
    }
    world->connections[world->connection_count++] = host->number;
    host->connection = world->connection_count;
}

static struct stored *spooled (struct host *host, const struct digest *digest)
{
    for (size_t i = 0; i < host->spool_count; i++)
        if (digest_equal (&host->spool[i].digest, digest))
            return &host->spool[i];
    return NULL;
}

static void spool_drop (struct host *host, struct stored *stored)
{
    if (stored == NULL)
        return;
    buffer_free (&stored->bytes);
    *stored = host->spool[--host->spool_count];
}

static void spool_open (struct host *host, const struct session_effect *effect)
{
    struct stored *stored = spooled (host, &effect->content);
    if (stored == NULL && host->spool_count == STORED)
        spool_drop (host, &host->spool[0]);
    if (stored == NULL) {
        stored = &host->spool[host->spool_count++];
        *stored = (struct stored){.digest = effect->content};
    }
    stored->length = effect->length;
}

static void spool_write (struct host *host, const struct session_effect *effect)
{
    struct stored *stored = spooled (host, &effect->content);
    if (stored != NULL && stored->bytes.size == effect->offset)
        buffer_append (&stored->bytes, effect->data.data, effect->data.size);
}

static void spool_news (
    struct world *world, struct host *host, const struct digest *content, struct session_event *ret)
{
    struct stored *stored = spooled (host, content);
    struct digest digest;
    *ret = (struct session_event){.kind = SESSION_SPOOL, .content = *content};
    if (host->journal.full_until > world->now) {
        ret->trouble = "No space left on device";
        return;
    }
    if (stored == NULL)
        return;
    ret->have = stored->bytes.size;
    if (stored->bytes.size < stored->length)
        return;
    digest = digest_of (stored->bytes.data, stored->bytes.size);
    ret->complete = digest_equal (&digest, content) && !stored->rotten;
    ret->bad = !ret->complete;
    if (ret->bad)
        spool_drop (host, stored);
}

enum { NEWS = 64 };

struct news {
    struct digest items[NEWS];
    size_t count;
};

static bool session_performs (
    struct world *world, struct host *host, const struct session_effect *effect, struct news *news)
{
    struct packet *packet;
    if (process_dies (&host->session)) {
        session_die (world, host, "killed");
        return false;
    }
    switch (effect->kind) {
    case SESSION_SEND:
        packet = packet_make (effect->type, effect->record);
        if (packet != NULL)
            send_to_controller (world, host, packet);
        break;
    case SESSION_HAND:
        by_channel (world, host, false, effect->type, effect->record);
        break;
    case SESSION_RECONNECT:
        connect (world, host);
        break;
    case SESSION_OPEN:
    case SESSION_WRITE:
        if (effect->kind == SESSION_OPEN)
            spool_open (host, effect);
        else if (host->journal.full_until <= world->now)
            spool_write (host, effect);
        assert (news->count < NEWS);
        news->items[news->count++] = effect->content;
        break;
    case SESSION_DROP:
        spool_drop (host, spooled (host, &effect->content));
        break;
    }
    return true;
}

static bool session_step_one (
    struct world *world, struct host *host, struct session_event *event, struct news *news)
{
    struct session_effects *effects = &host->session_effects;
    event->now = host_now (world, host);
    event->random = random_next (&world->network);
    session_step (host->session_core, event, effects);
    for (size_t i = 0; i < effects->count; i++)
        if (!session_performs (world, host, &effects->items[i], news))
            return false;
    session_effects_clear (effects);
    return true;
}

void session_event_at (struct world *world, struct host *host, struct session_event *event)
{
    struct news news = {0};
    if (!host->session.alive || !session_step_one (world, host, event, &news))
        return;
    for (size_t i = 0; i < news.count; i++) {
        struct session_event told;
        spool_news (world, host, &news.items[i], &told);
        if (!session_step_one (world, host, &told, &news))
            return;
    }
    wake_at (
        world, &host->session, session_place (host),
        world->now +
            sleeps (host_now (world, host), session_deadline (host->session_core), INT64_C (1) << 40));
}

void session_wake (struct world *world, struct host *host)
{
    struct session_event event = {.kind = SESSION_TIME};
    struct instant deadline = session_deadline (host->session_core);
    if (!instant_before (host_now (world, host), deadline))
        session_event_at (world, host, &event);
    else
        wake_at (
            world, &host->session, session_place (host),
            world->now + sleeps (host_now (world, host), deadline, INT64_C (1) << 40));
}

void session_start_process (struct world *world, struct host *host)
{
    struct session_event start = {.kind = SESSION_START};
    struct installer_event greeted = {.kind = INSTALLER_SESSION};
    if (host->session.alive || !host->installer.alive)
        return;
    host->session = (struct process){
        .alive = true, .life = host->session.life + 1, .dies_after = -1, .wake_at = INT64_MAX};
    host->session_core = session_new ();
    connect (world, host);
    session_event_at (world, host, &start);
    installer_event_at (world, host, &greeted);
}

void session_die (struct world *world, struct host *host, const char *why)
{
    if (!host->session.alive)
        return;
    world->crashes++;
    trace_line (world, host_name (host->number), "the session dies: %s", why);
    host->session.alive = false;
    host->session.dies_after = -1;
    session_effects_clear (&host->session_effects);
    session_free (&host->session_core);
    if (host->installer.alive)
        later (
            world, random_between (&world->body, RESTART_LEAST, RESTART_MOST),
            (struct event){.kind = EVENT_START, .place = session_place (host)});
}

/* ----------------------------------------------------------------------------------------------------- power
 */

/* What was not synced is gone: of the spool, any part of its end. */
void power_fail (struct world *world, struct host *host)
{
    trace_line (world, host_name (host->number), "the power fails");
    if (host->dark_for > 0)
        later (world, host->dark_for, (struct event){.kind = EVENT_POWER, .place = installer_place (host)});
    host->powered = false;
    host->installer.by_power = true;
    installer_die (world, host, "no power");
    for (unsigned i = 0; i < PRODUCTS; i++)
        host->machines[i].running[0] = '\0';
    for (size_t i = 0; i < host->spool_count; i++)
        host->spool[i].bytes.size = (size_t)random_below (&world->body, host->spool[i].bytes.size + 1);
}

void host_power_on (struct world *world, struct host *host)
{
    if (host->powered || host->lost)
        return;
    host->powered = true;
    machine_boot (world, host);
    installer_start_process (world, host);
}
