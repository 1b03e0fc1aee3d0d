#include "controller/io/perform.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/render.h"

enum { SHOWN_MOST = 400 };

static void add_echo (struct performer *performer, struct echo echo)
{
    if (performer->echo_count == performer->echo_capacity) {
        performer->echo_capacity = performer->echo_capacity == 0 ? 16 : 2 * performer->echo_capacity;
        performer->echoes =
            realloc (performer->echoes, performer->echo_capacity * sizeof performer->echoes[0]);
        assert (performer->echoes != NULL);
    }
    performer->echoes[performer->echo_count++] = echo;
}

bool perform_echo (struct performer *performer, struct echo *ret)
{
    if (performer->echo_count == 0)
        return false;
    *ret = performer->echoes[0];
    performer->echo_count--;
    memmove (
        &performer->echoes[0], &performer->echoes[1], performer->echo_count * sizeof performer->echoes[0]);
    return true;
}

void performer_free (struct performer *performer)
{
    arena_free (&performer->arena);
    free (performer->echoes);
    buffer_free (&performer->bytes);
}

static void trace (
    const struct performer *performer, const char *verb, const struct record_type *type, const void *record)
{
    struct buffer line = {0};
    if (performer->log->least > LOG_DEBUG)
        return;
    render (type, record, &line);
    log_line (performer->log, LOG_DEBUG, "%s %.*s", verb, SHOWN_MOST, line.data);
    buffer_free (&line);
}

/* ------------------------------------------------------------------------------------------------- entries
 */

static bool record_run (
    struct performer *performer, const struct controller_effect *effects, size_t count, struct instant now,
    struct error *error)
{
    struct store_entry *entries = calloc (count, sizeof entries[0]);
    struct buffer *bodies = calloc (count, sizeof bodies[0]);
    bool good = true;
    assert (entries != NULL && bodies != NULL);
    for (size_t i = 0; good && i < count; i++) {
        trace (performer, "record", effects[i].type, effects[i].record);
        good = message_encode (effects[i].type, effects[i].record, &bodies[i], error);
        entries[i] = (struct store_entry){effects[i].type->number, buffer_bytes (&bodies[i])};
    }
    good = good && store_append (performer->store, now, entries, count, error);
    for (size_t i = 0; i < count; i++)
        buffer_free (&bodies[i]);
    free (bodies);
    free (entries);
    return good;
}

/* ------------------------------------------------------------------------------------------------- messages
 */

static bool encode (struct performer *performer, const struct record_type *type, const void *record)
{
    struct error error;
    buffer_clear (&performer->bytes);
    if (message_encode (type, record, &performer->bytes, &error))
        return true;
    log_line (performer->log, LOG_PROBLEM, "%s can't be sent: %s", type->name, error.text);
    return false;
}

static bool route_equal (const struct route *first, const struct route *second)
{
    return first->door == second->door && first->size == second->size &&
           memcmp (first->id, second->id, first->size) == 0;
}

static void route_gone (struct performer *performer, const struct route *route)
{
    for (size_t i = 0; i < performer->echo_count; i++)
        if (performer->echoes[i].kind == CONTROLLER_GONE && route_equal (&performer->echoes[i].route, route))
            return;
    add_echo (performer, (struct echo){.kind = CONTROLLER_GONE, .route = *route});
}

void perform_send (
    struct performer *performer, const struct route *route, const struct record_type *type,
    const void *record)
{
    assert (route->door < DOOR_COUNT);
    trace (performer, "send", type, record);
    if (encode (performer, type, record) &&
        wire_send (performer->doors[route->door], route->id, route->size, buffer_bytes (&performer->bytes)) !=
            WIRE_SENT)
        route_gone (performer, route);
}

static void publish (struct performer *performer, const struct controller_effect *effect)
{
    trace (performer, "publish", effect->type, effect->record);
    if (encode (performer, effect->type, effect->record))
        wire_publish (performer->publish, effect->topic, buffer_bytes (&performer->bytes));
}

static void notify (struct performer *performer, const struct controller_effect *effect)
{
    struct notice notice = {effect->target, effect->notice_key, effect->notice_text, effect->head};
    struct error error;
    if (courier_tell (performer->courier, &notice, &error))
        return;
    log_line (performer->log, LOG_WARNING, "notification to %s: %s", notice.target, error.text);
    add_echo (
        performer, (struct echo){
                       .kind = CONTROLLER_NOTICE,
                       .key = arena_text (&performer->arena, notice.key),
                       .text = arena_text (&performer->arena, error.text)});
}

/* ---------------------------------------------------------------------------------------------- all of them
 */

static void perform_one (struct performer *performer, const struct controller_effect *effect)
{
    switch (effect->kind) {
    case CONTROLLER_SEND:
        perform_send (performer, &effect->route, effect->type, effect->record);
        break;
    case CONTROLLER_PUBLISH:
        publish (performer, effect);
        break;
    case CONTROLLER_NOTIFY:
        notify (performer, effect);
        break;
    case CONTROLLER_RECORD: /* perform takes these in runs */
        assert (effect->kind != CONTROLLER_RECORD);
        break;
    }
}

bool perform (
    struct performer *performer, const struct controller_effects *effects, struct instant now,
    struct error *error)
{
    const struct controller_effect *items = effects->items;
    size_t i = 0;
    if (performer->echo_count == 0)
        arena_free (&performer->arena);
    while (i < effects->count) {
        size_t run = 0;
        while (i + run < effects->count && items[i + run].kind == CONTROLLER_RECORD)
            run++;
        if (run > 0 && !record_run (performer, &items[i], run, now, error))
            return false;
        if (run == 0)
            perform_one (performer, &items[i]);
        i += run > 0 ? run : 1;
    }
    return true;
}
