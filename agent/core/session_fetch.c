/* Contents on their way into the spool:

     content_wanted → OPEN … SPOOL → chunk_wanted ⇄ chunk → WRITE … SPOOL complete → content_here →
   content_done

   One content at a time, with at most LIMIT_CREDIT bytes asked for and not yet written. Chunks are taken in
   order alone; after a gap, a silence or a new connection the rest is asked for again. Nothing is believed:
   whether the bytes are right the spool's digest says, and the installer's own check after it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/session_state.h"

enum {
    SILENCE_MS = 10 * 1000,
    REST_FIRST_MS = 1000,
    REST_MOST_MS = 60 * 1000,
    PROGRESS_MS = 500, /* at most twice a second */
};

#define DAMAGED                                                                                              \
    "what arrived was damaged; where that repeats itself, the controller's copy is: `relevo artifact add` "  \
    "of the file checks and repairs it"

static void ask_controller (const struct turn *turn, const struct fetch *fetch, uint64_t size)
{
    struct chunk_wanted wanted = {.content = fetch->content, .offset = fetch->asked, .size = size};
    turn_say (turn, &chunk_wanted_type, &wanted);
}

static bool controller_is_there (const struct session *session)
{
    return session->link == LINK_UP;
}

/* Where contents come from, the nearest first. After a trouble the next one is tried. */
static const struct source {
    bool (*is_there) (const struct session *session);
    void (*ask) (const struct turn *turn, const struct fetch *fetch, uint64_t size);
} sources[] = {
    {controller_is_there, ask_controller},
};

enum { SOURCES = sizeof sources / sizeof sources[0] };

static struct fetch *find (struct session *session, const struct digest *content)
{
    for (size_t i = 0; i < session->fetch_count; i++)
        if (digest_equal (&session->fetches[i].content, content))
            return &session->fetches[i];
    return NULL;
}

static void open_spool (const struct turn *turn, struct fetch *fetch)
{
    struct session_effect *effect = turn_add (turn, SESSION_OPEN);
    effect->content = fetch->content;
    effect->length = fetch->length;
    fetch->state = FETCH_OPENING;
}

static void tell_here (const struct turn *turn, const struct fetch *fetch)
{
    struct content_here here = {.content = fetch->content};
    turn_hand (turn, &content_here_type, &here);
}

/* At most a line of it, fit for a message. */
static const char *fit_line (const struct turn *turn, const char *text)
{
    size_t size = strlen (text);
    if (size > LIMIT_LINE)
        size = text_cut (text, LIMIT_LINE);
    return text_is_utf8 (text, size) ? arena_text_of (&turn->effects->arena, text, size)
                                     : "the spool reports trouble";
}

static void tell_late (const struct turn *turn, const struct fetch *fetch, const char *why)
{
    struct content_late late = {.content = fetch->content, .cause = fit_line (turn, why)};
    turn_hand (turn, &content_late_type, &late);
}

static void say_fetching (const struct turn *turn, const char *detail)
{
    struct doing doing = turn->session->doing;
    if (turn->session->link != LINK_UP)
        return;
    doing.activity = ACTIVITY_FETCHING;
    doing.detail = fit_line (turn, detail);
    turn_say (turn, &doing_type, &doing);
}

static void rest (const struct turn *turn, struct fetch *fetch, const char *why)
{
    unsigned times = fetch->troubles > fetch->damages ? fetch->troubles : fetch->damages;
    struct span pause = turn_backoff (turn, (struct span){REST_FIRST_MS}, times, (struct span){REST_MOST_MS});
    char text[TIME_TEXT_SIZE];
    tell_late (turn, fetch, why);
    fetch->state = FETCH_RESTING;
    fetch->again = instant_add (turn->now, pause);
    fetch->source = (fetch->source + 1) % SOURCES;
    if (fetch->troubles < UINT32_MAX)
        fetch->troubles++;
    say_fetching (
        turn, arena_format (&turn->effects->arena, "%s; again in %s", why, span_print (pause, text)));
}

void fetch_wanted (const struct turn *turn, const struct content_wanted *wanted)
{
    struct session *session = turn->session;
    struct fetch *fetch = find (session, &wanted->content);
    if (fetch != NULL) {
        if (fetch->state == FETCH_HERE)
            tell_here (turn, fetch);
        return;
    }
    if (session->fetch_count == FETCHES)
        return;
    if (session->fetch_count == 0)
        session->fetched = 0;
    fetch = &session->fetches[session->fetch_count++];
    *fetch = (struct fetch){.content = wanted->content, .length = wanted->length};
    open_spool (turn, fetch);
}

void fetch_done (const struct turn *turn, const struct content_done *done)
{
    struct session *session = turn->session;
    struct fetch *fetch = find (session, &done->content);
    turn_add (turn, SESSION_DROP)->content = done->content;
    if (fetch == NULL)
        return;
    if (!done->good) {
        *fetch = (struct fetch){
            .content = fetch->content,
            .length = fetch->length,
            .source = (fetch->source + 1) % SOURCES,
            .troubles = fetch->troubles + 1};
        open_spool (turn, fetch);
        return;
    }
    session->fetched += fetch->length;
    session->fetch_count--;
    (void)memmove (
        fetch, fetch + 1, (size_t)(session->fetches + session->fetch_count - fetch) * sizeof *fetch);
}

void fetch_refused (const struct turn *turn, const struct chunk_refused *refused)
{
    struct fetch *fetch = find (turn->session, &refused->content);
    if (fetch != NULL && fetch->state == FETCH_RUNNING)
        rest (turn, fetch, refused->cause);
}

void fetch_chunk (const struct turn *turn, const struct chunk *chunk)
{
    struct fetch *fetch = find (turn->session, &chunk->content);
    struct session_effect *effect;
    if (fetch == NULL || fetch->state != FETCH_RUNNING || chunk->offset < fetch->taken)
        return;
    if (chunk->data.size == 0 || chunk->data.size > fetch->length - fetch->taken) {
        rest (turn, fetch, "what arrived is not of the length that the plan says");
        return;
    }
    if (chunk->offset > fetch->taken) {
        if (fetch->rewound != fetch->taken + 1)
            fetch->asked = fetch->taken;
        fetch->rewound = fetch->taken + 1;
        return;
    }
    effect = turn_add (turn, SESSION_WRITE);
    effect->content = fetch->content;
    effect->offset = fetch->taken;
    effect->data = (struct bytes){
        arena_copy (&turn->effects->arena, chunk->data.data, chunk->data.size), chunk->data.size};
    fetch->taken += chunk->data.size;
    if (fetch->asked < fetch->taken)
        fetch->asked = fetch->taken;
    fetch->troubles = 0;
    fetch->again = instant_add (turn->now, (struct span){SILENCE_MS});
}

static void say_progress (const struct turn *turn)
{
    struct session *session = turn->session;
    uint64_t have = session->fetched;
    uint64_t total = have;
    if (instant_before (turn->now, session->progress_at))
        return;
    session->progress_at = instant_add (turn->now, (struct span){PROGRESS_MS});
    for (size_t i = 0; i < session->fetch_count; i++) {
        have += session->fetches[i].have;
        total += session->fetches[i].length;
    }
    say_fetching (
        turn,
        arena_format (&turn->effects->arena, "%.1f of %.1f MB", (double)have / 1e6, (double)total / 1e6));
}

void fetch_spool (const struct turn *turn, const struct session_event *event)
{
    struct fetch *fetch = find (turn->session, &event->content);
    if (fetch == NULL || fetch->state == FETCH_HERE)
        return;
    if (event->trouble != NULL) {
        rest (turn, fetch, event->trouble);
        return;
    }
    if (event->bad) {
        fetch->have = fetch->taken = fetch->asked = 0;
        rest (turn, fetch, DAMAGED);
        if (fetch->damages < UINT32_MAX)
            fetch->damages++;
        return;
    }
    if (fetch->state == FETCH_RUNNING && event->have < fetch->have)
        fetch->taken = fetch->asked = event->have;
    fetch->have = event->have < fetch->length ? event->have : fetch->length;
    if (fetch->state != FETCH_OPENING && fetch->have > fetch->taken)
        fetch->have = fetch->taken;
    if (event->complete) {
        fetch->have = fetch->taken = fetch->asked = fetch->length;
        fetch->state = FETCH_HERE;
        tell_here (turn, fetch);
    } else if (fetch->state == FETCH_OPENING) {
        fetch->state = FETCH_RUNNING;
        fetch->taken = fetch->asked = fetch->have;
        fetch->again = (struct instant){INT64_MAX};
    }
    say_progress (turn);
}

void fetch_restart (const struct turn *turn)
{
    struct session *session = turn->session;
    for (size_t i = 0; i < session->fetch_count; i++) {
        struct fetch *fetch = &session->fetches[i];
        fetch->asked = fetch->taken;
        fetch->rewound = 0;
        if (fetch->state == FETCH_RUNNING)
            fetch->again = (struct instant){INT64_MAX};
        else if (fetch->state == FETCH_RESTING)
            fetch->again = turn->now;
    }
}

/* The one that is fetched now: the first that is neither here nor resting. */
static struct fetch *running (struct session *session)
{
    for (size_t i = 0; i < session->fetch_count; i++)
        if (session->fetches[i].state == FETCH_RUNNING)
            return &session->fetches[i];
    return NULL;
}

static void ask_more (const struct turn *turn, struct fetch *fetch)
{
    if (fetch->asked < fetch->length && fetch->again.ms == INT64_MAX)
        fetch->again = instant_add (turn->now, (struct span){SILENCE_MS});
    while (fetch->asked < fetch->length) {
        uint64_t size =
            fetch->length - fetch->asked < LIMIT_CHUNK ? fetch->length - fetch->asked : LIMIT_CHUNK;
        if (fetch->asked + size - fetch->have > LIMIT_CREDIT)
            return;
        sources[fetch->source].ask (turn, fetch, size);
        fetch->asked += size;
    }
}

/* A rest ends with a new look into the spool: it knows best where to go on. */
static void check_times (const struct turn *turn)
{
    struct session *session = turn->session;
    for (size_t i = 0; i < session->fetch_count; i++) {
        struct fetch *fetch = &session->fetches[i];
        if (instant_before (turn->now, fetch->again))
            continue;
        if (fetch->state == FETCH_RESTING)
            open_spool (turn, fetch);
        else if (fetch->state == FETCH_RUNNING)
            rest (turn, fetch, "no content arrived for ten seconds");
    }
}

void fetch_go_on (const struct turn *turn)
{
    struct fetch *fetch;
    if (turn->session->link == LINK_UP)
        check_times (turn);
    fetch = running (turn->session);
    if (fetch != NULL && sources[fetch->source].is_there (turn->session))
        ask_more (turn, fetch);
}

struct instant fetch_deadline (const struct session *session)
{
    struct instant due = {INT64_MAX};
    if (session->link != LINK_UP)
        return due;
    for (size_t i = 0; i < session->fetch_count; i++)
        if (session->fetches[i].state == FETCH_RESTING || session->fetches[i].state == FETCH_RUNNING)
            due = instant_earlier (due, session->fetches[i].again);
    return due;
}

void fetch_check (const struct session *session)
{
    for (size_t i = 0; i < session->fetch_count; i++) {
        const struct fetch *fetch = &session->fetches[i];
        assert (fetch->have <= fetch->taken && fetch->taken <= fetch->length);
        assert (fetch->taken <= fetch->asked && fetch->asked <= fetch->length);
        assert (fetch->asked - fetch->have <= LIMIT_CREDIT);
    }
}
