/* The session's door: who may have sent it is the io side's table; what it is decides where it goes.

     controller ──offer, permit_offer, heartbeat, report_stored──▶ installer
     controller ◀──hello, report, doing────────────────────────── installer
     controller ◀──chunk_wanted── session ◀──content_wanted, content_done── installer
     controller ──chunk──▶ session ──WRITE──▶ spool … complete ──content_here──▶ installer */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/session_state.h"

struct session *session_new (void)
{
    struct session *session = calloc (1, sizeof *session);
    assert (session != NULL);
    return session;
}

void session_free (struct session **session)
{
    if (*session != NULL)
        buffer_free (&(*session)->hello);
    free (*session);
    *session = NULL;
}

void session_effects_clear (struct session_effects *effects)
{
    effects->count = 0;
    arena_free (&effects->arena);
}

void session_effects_free (struct session_effects *effects)
{
    session_effects_clear (effects);
    free (effects->items);
    *effects = (struct session_effects){0};
}

struct session_effect *turn_add (const struct turn *turn, enum session_effect_kind kind)
{
    struct session_effects *effects = turn->effects;
    struct session_effect *effect;
    if (effects->count == effects->capacity) {
        effects->capacity = effects->capacity > 0 ? 2 * effects->capacity : 16;
        effects->items = realloc (effects->items, effects->capacity * sizeof *effects->items);
        assert (effects->items != NULL);
    }
    effect = &effects->items[effects->count++];
    *effect = (struct session_effect){.kind = kind};
    return effect;
}

/* By way of the codec: a deep copy, and nothing leaves that the other side would refuse. */
static void add_message (
    const struct turn *turn, enum session_effect_kind kind, const struct record_type *type,
    const void *record)
{
    struct buffer buffer = {0};
    struct error error;
    void *copy = arena_take (&turn->effects->arena, type->size);
    struct session_effect *effect;
    bool good = codec_encode (type, record, &buffer, &error) &&
                codec_decode (type, buffer_bytes (&buffer), &turn->effects->arena, copy, &error);
    assert (good);
    buffer_free (&buffer);
    effect = turn_add (turn, kind);
    effect->type = type;
    effect->record = copy;
}

void turn_say (const struct turn *turn, const struct record_type *type, const void *record)
{
    add_message (turn, SESSION_SEND, type, record);
}

void turn_hand (const struct turn *turn, const struct record_type *type, const void *record)
{
    add_message (turn, SESSION_HAND, type, record);
}

struct span turn_jitter (const struct turn *turn, struct span span)
{
    uint64_t half = (uint64_t)span.ms / 2;
    return (struct span){span.ms - (int64_t)(turn->random % (half + 1))};
}

struct span turn_backoff (const struct turn *turn, struct span first, unsigned times, struct span most)
{
    struct span span = first;
    for (unsigned i = 0; i < times && span.ms < most.ms; i++)
        span.ms *= 2;
    if (span.ms > most.ms)
        span = most;
    return turn_jitter (turn, span);
}

static void from_controller (const struct turn *turn, const struct message *message)
{
    const void *record = message->record;
    if (message->type == &welcome_type)
        link_welcome (turn, record);
    else if (message->type == &pong_type)
        link_pong (turn, record);
    else if (message->type == &chunk_type)
        fetch_chunk (turn, record);
    else if (message->type == &chunk_refused_type)
        fetch_refused (turn, record);
    else if (message->type == &offer_type) {
        const struct offer *offer = record;
        turn_hand (turn, &offer_type, offer);
        link_published (turn, offer->epoch, offer->sequence);
    } else if (message->type == &permit_offer_type) {
        const struct permit_offer *offer = record;
        turn_hand (turn, &permit_offer_type, offer);
        link_published (turn, offer->epoch, offer->sequence);
    } else if (message->type == &heartbeat_type) {
        const struct heartbeat *heartbeat = record;
        turn_hand (turn, &heartbeat_type, heartbeat);
        link_tick (turn, &heartbeat->tick);
    } else if (message->type == &report_stored_type)
        turn_hand (turn, &report_stored_type, record);
}

/* A report that cannot go now is not kept: the installer says it again until it is stored. */
static void from_installer (const struct turn *turn, const struct message *message)
{
    struct session *session = turn->session;
    const void *record = message->record;
    if (message->type == &hello_type)
        link_hello (turn, record);
    else if (message->type == &report_type) {
        if (session->link == LINK_UP)
            turn_say (turn, &report_type, record);
    } else if (message->type == &doing_type) {
        session->doing = *(const struct doing *)record;
        session->doing.detail = "";
        if (session->link == LINK_UP)
            turn_say (turn, &doing_type, record);
    } else if (message->type == &content_wanted_type)
        fetch_wanted (turn, record);
    else if (message->type == &content_done_type)
        fetch_done (turn, record);
}

void session_step (
    struct session *session, const struct session_event *event, struct session_effects *effects)
{
    struct turn turn = {session, event->now, event->random, effects};
    switch (event->kind) {
    case SESSION_START:
    case SESSION_TIME:
        break;
    case SESSION_FROM_CONTROLLER:
        from_controller (&turn, &event->message);
        break;
    case SESSION_FROM_INSTALLER:
        from_installer (&turn, &event->message);
        break;
    case SESSION_SPOOL:
        fetch_spool (&turn, event);
        break;
    }
    link_time (&turn);
    fetch_go_on (&turn);
    session_check (session);
}

struct instant session_deadline (const struct session *session)
{
    return instant_earlier (link_deadline (session), fetch_deadline (session));
}

void session_check (const struct session *session)
{
    assert (session->unanswered <= UNANSWERED);
    assert (session->link == LINK_NONE || session->hello.size > 0);
    fetch_check (session);
}
