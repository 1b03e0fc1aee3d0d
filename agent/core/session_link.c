/* The link: hello until welcome, then pings; three without an answer, and all is begun anew.

     NONE ──installer's hello──▶ GREETING ──welcome──▶ UP ──3 pings unanswered, or a new epoch──▶ GREETING

   What was published and missed is pulled: the sequence tells. */
#include <assert.h>
#include <string.h>

#include "agent/core/session_state.h"
#include "common/core/document.h"

enum {
    HELLO_FIRST_MS = 1000,
    HELLO_MOST_MS = 30 * 1000,
    RECONNECT_FIRST_MS = 1000,
    RECONNECT_MOST_MS = 60 * 1000,
    PULL_REST_MS = 2000, /* between two pulls */
    HEARTBEAT_LEAST_MS = 100,
    HEARTBEAT_MOST_MS = 60 * 1000,
};

static const struct instant never = {INT64_MAX};

static void send_hello (const struct turn *turn)
{
    struct session *session = turn->session;
    struct arena arena = {0};
    struct hello hello;
    bool good = codec_decode (&hello_type, buffer_bytes (&session->hello), &arena, &hello, NULL);
    assert (good);
    turn_say (turn, &hello_type, &hello);
    arena_free (&arena);
}

static void greet (const struct turn *turn, struct span in)
{
    struct session *session = turn->session;
    session->link = LINK_GREETING;
    session->hellos = 0;
    session->unanswered = 0;
    session->hello_at = instant_add (turn->now, in);
}

void link_hello (const struct turn *turn, const struct hello *hello)
{
    struct session *session = turn->session;
    struct buffer bytes = {0};
    bool good = codec_encode (&hello_type, hello, &bytes, NULL);
    bool news;
    assert (good);
    news = !bytes_equal (buffer_bytes (&bytes), buffer_bytes (&session->hello));
    buffer_free (&session->hello);
    session->hello = bytes;
    session->trust_version = hello->trust_version;
    session->fleet_version = hello->fleet_version;
    if (session->link == LINK_NONE)
        greet (turn, (struct span){0});
    else if (session->link == LINK_UP && news)
        send_hello (turn);
}

static void want_pull (const struct turn *turn)
{
    turn->session->pull_due = true;
}

void link_welcome (const struct turn *turn, const struct welcome *welcome)
{
    struct session *session = turn->session;
    int64_t ms = welcome->heartbeat.ms;
    if (session->link == LINK_NONE)
        return;
    if (session->link == LINK_GREETING || welcome->epoch != session->epoch ||
        welcome->sequence > session->sequence)
        want_pull (turn);
    if (session->link == LINK_GREETING) {
        turn_hand (turn, &linked_type, &(struct linked){.epoch = welcome->epoch});
        session->ping_at = turn->now;
        session->pull_at = turn->now;
        fetch_restart (turn);
    }
    session->link = LINK_UP;
    session->hellos = 0;
    session->reconnects = 0;
    session->unanswered = 0;
    session->epoch = welcome->epoch;
    session->sequence = welcome->sequence;
    session->heartbeat.ms = ms < HEARTBEAT_LEAST_MS  ? HEARTBEAT_LEAST_MS
                            : ms > HEARTBEAT_MOST_MS ? HEARTBEAT_MOST_MS
                                                     : ms;
}

/* An answer to any of the pings that are out. */
void link_pong (const struct turn *turn, const struct pong *pong)
{
    struct session *session = turn->session;
    if (session->link == LINK_UP && pong->number <= session->ping &&
        session->ping - pong->number < UNANSWERED)
        session->unanswered = 0;
}

/* Another epoch: the controller started anew, and knows nobody who has not greeted it. */
void link_published (const struct turn *turn, uint64_t epoch, uint64_t sequence)
{
    struct session *session = turn->session;
    if (session->link != LINK_UP || sequence == 0)
        return;
    if (epoch != session->epoch) {
        if (epoch > session->epoch)
            greet (turn, (struct span){0});
        return;
    }
    if (sequence > session->sequence + 1)
        want_pull (turn);
    if (sequence > session->sequence)
        session->sequence = sequence;
}

/* A tick is a publication too. Read without a check of its signature: it only makes the session ask. */
void link_tick (const struct turn *turn, const struct envelope *envelope)
{
    struct session *session = turn->session;
    struct arena arena = {0};
    struct tick tick;
    if (session->link == LINK_UP && document_read (&tick_type, envelope->content, &arena, &tick, NULL)) {
        link_published (turn, tick.epoch, tick.sequence);
        if (tick.trust_version > session->trust_version || tick.fleet_version > session->fleet_version)
            want_pull (turn);
    }
    arena_free (&arena);
}

static void reconnect (const struct turn *turn)
{
    struct session *session = turn->session;
    (void)turn_add (turn, SESSION_RECONNECT);
    greet (
        turn,
        turn_backoff (
            turn, (struct span){RECONNECT_FIRST_MS}, session->reconnects, (struct span){RECONNECT_MOST_MS}));
    if (session->reconnects < UINT32_MAX)
        session->reconnects++;
}

static void greeting_time (const struct turn *turn)
{
    struct session *session = turn->session;
    if (instant_before (turn->now, session->hello_at))
        return;
    if (session->hellos == UNANSWERED) {
        reconnect (turn);
        return;
    }
    send_hello (turn);
    session->hello_at = instant_add (
        turn->now, turn_backoff (
                       turn, (struct span){HELLO_FIRST_MS}, session->hellos + session->reconnects,
                       (struct span){HELLO_MOST_MS}));
    session->hellos++;
}

static void ping_time (const struct turn *turn)
{
    struct session *session = turn->session;
    struct ping ping;
    if (instant_before (turn->now, session->ping_at))
        return;
    if (session->unanswered == UNANSWERED) {
        reconnect (turn);
        return;
    }
    ping.number = ++session->ping;
    session->unanswered++;
    session->ping_at = instant_add (turn->now, session->heartbeat);
    turn_say (turn, &ping_type, &ping);
}

/* Gaps often come in groups, and to all hosts at once: one pull for all of them, not at the same moment. */
static void pull_time (const struct turn *turn)
{
    struct session *session = turn->session;
    struct pull pull = {.trust_version = session->trust_version, .fleet_version = session->fleet_version};
    if (session->link != LINK_UP || !session->pull_due || instant_before (turn->now, session->pull_at))
        return;
    session->pull_due = false;
    session->pull_at = instant_add (turn->now, turn_jitter (turn, (struct span){PULL_REST_MS}));
    turn_say (turn, &pull_type, &pull);
}

void link_time (const struct turn *turn)
{
    if (turn->session->link == LINK_GREETING)
        greeting_time (turn);
    else if (turn->session->link == LINK_UP)
        ping_time (turn);
    pull_time (turn);
}

struct instant link_deadline (const struct session *session)
{
    if (session->link == LINK_NONE)
        return never;
    if (session->link == LINK_GREETING)
        return session->hello_at;
    return session->pull_due ? instant_earlier (session->ping_at, session->pull_at) : session->ping_at;
}
