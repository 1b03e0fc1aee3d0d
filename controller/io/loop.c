#include "controller/io/loop.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "controller/io/bulk.h"
#include "controller/io/perform.h"

enum {
    MOST_WAITING = 1000,     /* messages queued for one peer */
    MOST_FOR_AGENT = 64,     /* the same: each may be a chunk, and a host that never reads can ask for many */
    MOST_IN_A_TURN = 64,     /* messages taken from one door before the others have their turn */
    MOST_WAIT_MS = 10000,    /* so that a wrong deadline can't make it sleep for ever */
    COMPLAINTS_A_MINUTE = 30 /* about messages that are refused: strangers can cause them */
};

struct complaints {
    struct instant since;
    unsigned said;
    uint64_t hidden;
};

struct loop {
    struct loop_parts parts;
    struct performer performer;
    struct bulk bulk;
    struct wire *wire;
    struct controller_effects effects;
    struct complaints complaints;
    struct instant now;    /* by instant_follow */
    struct instant steady; /* clock_steady when `now` was set */
    int signals;
    bool ended;
    bool unbelieved; /* and the log says so */
};

static struct instant time_now (struct loop *loop)
{
    struct instant steady = clock_steady ();
    struct instant before = loop->now;
    char text[TIME_TEXT_SIZE];
    loop->now = instant_follow (before, instant_between (loop->steady, steady), clock_now ());
    loop->steady = steady;
    if (instant_before (loop->now, before))
        log_line (
            loop->parts.log, LOG_WARNING,
            "the clock was set back by %s: what was dated before is in the future now",
            span_print (instant_between (loop->now, before), text));
    return loop->now;
}

/* ----------------------------------------------------------------------------------------- steps and effects
 */

/* Once, when a trust document takes this controller's say away; and at every start while that is so. */
static void tell_belief (struct loop *loop)
{
    struct error why;
    bool unbelieved = !controller_is_believed (loop->parts.controller, &why);
    if (unbelieved && !loop->unbelieved)
        log_line (loop->parts.log, LOG_PROBLEM, "%s", why.text);
    if (unbelieved)
        supervisor_say (loop->parts.supervisor, "%s", why.text);
    else
        supervisor_say (
            loop->parts.supervisor, "%s serves agents at %s, people at %s", loop->parts.config->name,
            wire_endpoint (loop->performer.doors[DOOR_AGENTS]),
            wire_endpoint (loop->performer.doors[DOOR_REMOTE]));
    loop->unbelieved = unbelieved;
}

static bool step_one (struct loop *loop, const struct controller_event *event, struct error *error)
{
    controller_effects_clear (&loop->effects);
    controller_step (loop->parts.controller, event, &loop->effects);
    if (!perform (&loop->performer, &loop->effects, event->now, error))
        return false;
    tell_belief (loop);
    return true;
}

/* What the performing brought up. Ends: a route goes once, a notice is not tried again before its time. */
static bool step_echoes (struct loop *loop, struct error *error)
{
    struct echo echo;
    while (perform_echo (&loop->performer, &echo)) {
        struct controller_event event = {
            .kind = echo.kind,
            .now = loop->now,
            .route = echo.route,
            .notice_key = echo.key,
            .notice_text = echo.text};
        if (!step_one (loop, &event, error))
            return false;
    }
    return true;
}

static bool step (struct loop *loop, const struct controller_event *event, struct error *error)
{
    return step_one (loop, event, error) && step_echoes (loop, error);
}

static bool step_stored (struct loop *loop, const struct bulk_stored *stored, struct error *error)
{
    struct controller_event event = {.kind = CONTROLLER_CONTENT, .now = loop->now, .content = &stored->row};
    if (!stored->there)
        return true;
    if (!controller_has_content (loop->parts.controller, &stored->row.digest) && !step (loop, &event, error))
        return false;
    bulk_acknowledge (&loop->bulk, stored);
    return true;
}

/* -------------------------------------------------------------------------------------------------- messages
 */

static void complain (struct loop *loop, enum door door, const struct wire_key *peer, const char *text)
{
    static const char *const names[DOOR_COUNT] = {"agents", "people", "local"};
    struct complaints *complaints = &loop->complaints;
    char key[WIRE_TEXT_SIZE];
    if (instant_between (complaints->since, loop->now).ms >= 60000) {
        if (complaints->hidden > 0)
            log_line (
                loop->parts.log, LOG_WARNING, "%" PRIu64 " more refused messages were not shown",
                complaints->hidden);
        *complaints = (struct complaints){.since = loop->now};
    }
    if (complaints->said == COMPLAINTS_A_MINUTE) {
        complaints->hidden++;
        return;
    }
    complaints->said++;
    log_line (
        loop->parts.log, LOG_WARNING, "%s: message from %s refused: %s", names[door],
        wire_key_print (peer, key), text);
}

/* A person is told why; there is no request number yet that could be answered. */
static void refuse (
    struct loop *loop, const struct route *route, const struct wire_key *peer, unsigned sender,
    const struct error *error)
{
    struct answer answer = {.kind = error_kind_name (error->kind), .text = error->text};
    complain (loop, route->door, peer, error->text);
    if ((sender & FROM_PERSON) != 0)
        perform_send (&loop->performer, route, &answer_type, &answer);
}

static bool take_message (
    struct loop *loop, enum door door, const struct wire_message *wire, struct error *error)
{
    struct arena arena = {0};
    struct controller_event event = {
        .kind = CONTROLLER_MESSAGE,
        .now = loop->now,
        .route = {.door = door, .size = wire->route_size},
        .wire = wire->peer,
        .sender = controller_sender (loop->parts.controller, door, &wire->peer, loop->now)};
    struct bulk_stored stored;
    struct error why;
    bool good = true;
    static_assert (WIRE_ROUTE_SIZE == sizeof event.route.id, "a route of the wire is one of the core");
    memcpy (event.route.id, wire->route, wire->route_size);
    if (event.sender == 0)
        complain (loop, door, &wire->peer, "this key is not admitted (any more)");
    else if (!message_decode (MESSAGE, event.sender, wire->body, &arena, &event.message, &why))
        refuse (loop, &event.route, &wire->peer, event.sender, &why);
    else if (bulk_message (&loop->bulk, &event.route, &event.message, loop->now, &stored))
        good = step_stored (loop, &stored, error);
    else
        good = step (loop, &event, error);
    arena_free (&arena);
    return good;
}

static bool serve_door (struct loop *loop, enum door door, struct error *error)
{
    struct wire_message message;
    for (size_t i = 0; i < MOST_IN_A_TURN; i++) {
        if (!wire_receive (loop->performer.doors[door], &message))
            return true;
        (void)time_now (loop);
        if (!take_message (loop, door, &message, error))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------- the turns
 */

static struct span wait_span (struct loop *loop)
{
    struct span least = {MOST_WAIT_MS};
    struct span span = instant_between (time_now (loop), controller_deadline (loop->parts.controller));
    struct span alive = instant_between (clock_steady (), supervisor_deadline (loop->parts.supervisor));
    if (span.ms < least.ms)
        least = span;
    if (alive.ms < least.ms)
        least = alive;
    if (loop->bulk.waiting_count > 0 || least.ms < 0)
        least.ms = 0;
    return least;
}

static void take_signals (struct loop *loop)
{
    struct signalfd_siginfo info;
    while (read (loop->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            continue;
        log_line (loop->parts.log, LOG_NOTE, "ending: %s", strsignal ((int)info.ssi_signo));
        supervisor_ending (loop->parts.supervisor);
        loop->ended = true;
    }
}

/* Of the agents one knows who it was; which of them is the thief's, an operator finds out. */
static void look_at_subscribers (struct loop *loop)
{
    struct wire_key key;
    char text[WIRE_TEXT_SIZE];
    if (wire_flooded (loop->performer.publish, &key))
        log_line (
            loop->parts.log, LOG_WARNING,
            "publish: %s and others subscribed to too much: all subscribers have to connect anew",
            wire_key_print (&key, text));
}

static bool serve_notices (struct loop *loop, struct error *error)
{
    struct notice_result result;
    bool there;
    if (!courier_service (loop->parts.courier, error))
        return false;
    while (true) {
        if (!courier_next (loop->parts.courier, &result, &there, error))
            return false;
        if (!there)
            return true;
        struct controller_event event = {
            .kind = CONTROLLER_NOTICE,
            .now = time_now (loop),
            .notice_key = result.key,
            .notice_done = result.done,
            .notice_text = result.text};
        log_line (
            loop->parts.log, result.done ? LOG_DEBUG : LOG_WARNING, "notification %s: %s", result.key,
            result.text);
        if (!step (loop, &event, error))
            return false;
    }
}

static bool serve_time (struct loop *loop, struct error *error)
{
    struct controller_event event = {.kind = CONTROLLER_TIME, .now = time_now (loop)};
    if (instant_before (event.now, controller_deadline (loop->parts.controller)))
        return true;
    return step (loop, &event, error);
}

static bool serve_work (struct loop *loop, struct error *error)
{
    struct bulk_stored stored;
    (void)bulk_work (&loop->bulk, time_now (loop), &stored);
    return step_stored (loop, &stored, error);
}

static bool turn (struct loop *loop, struct error *error)
{
    bool ready[DOOR_COUNT] = {false};
    struct pollfd files[] = {{.fd = loop->signals, .events = POLLIN}, courier_poll (loop->parts.courier)};
    if (!wire_wait (
            loop->wire, loop->performer.doors, DOOR_COUNT, ready, files, sizeof files / sizeof files[0],
            wait_span (loop), error))
        return false;
    supervisor_turn (loop->parts.supervisor);
    take_signals (loop);
    look_at_subscribers (loop);
    for (enum door door = DOOR_AGENTS; door < DOOR_COUNT; door++)
        if (ready[door] && !serve_door (loop, door, error))
            return false;
    return serve_notices (loop, error) && serve_work (loop, error) && serve_time (loop, error) &&
           step_echoes (loop, error);
}

/* -------------------------------------------------------------------------------------------- open and close
 */

/* Only hosts need what is published, and strangers get their fleet with their enrolment. */
static bool admit (void *context, const char *domain, const struct wire_key *key)
{
    struct loop *loop = context;
    const struct controller *controller = loop->parts.controller;
    struct instant now = time_now (loop);
    if (strcmp (domain, "publish") == 0)
        return controller_sender (controller, DOOR_AGENTS, key, now) == FROM_AGENT;
    if (strcmp (domain, "agents") == 0)
        return controller_sender (controller, DOOR_AGENTS, key, now) != 0;
    if (strcmp (domain, "people") == 0)
        return controller_sender (controller, DOOR_REMOTE, key, now) != 0;
    return strcmp (domain, "local") == 0 && controller_sender (controller, DOOR_LOCAL, key, now) != 0;
}

/* Before any thread, so that none but the signalfd gets them. SIGHUP is taken, and ignored there. */
static bool open_signals (struct loop *loop, struct error *error)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigaddset (&set, SIGHUP);
    if (sigprocmask (SIG_BLOCK, &set, NULL) != 0)
        return error_set (error, ERROR_SYSTEM, "signals: %s", strerror (errno));
    loop->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signals < 0)
        return error_set (error, ERROR_SYSTEM, "signals: %s", strerror (errno));
    return true;
}

static bool open_sockets (struct loop *loop, struct error *error)
{
    const struct config *config = loop->parts.config;
    struct performer *performer = &loop->performer;
    const struct wire_pair *pair = loop->parts.pair;
    return wire_open (admit, loop, &loop->wire, error) &&
           wire_listen (
               loop->wire, WIRE_ROUTER, config->agents, "agents", pair, MOST_FOR_AGENT,
               &performer->doors[DOOR_AGENTS], error) &&
           wire_listen (
               loop->wire, WIRE_XPUB, config->publish, "publish", pair, MOST_WAITING, &performer->publish,
               error) &&
           wire_listen (
               loop->wire, WIRE_ROUTER, config->people, "people", pair, MOST_WAITING,
               &performer->doors[DOOR_REMOTE], error) &&
           wire_listen (
               loop->wire, WIRE_ROUTER, config->local, "local", pair, MOST_WAITING,
               &performer->doors[DOOR_LOCAL], error);
}

bool loop_open (const struct loop_parts *parts, struct loop **ret, struct error *error)
{
    struct loop *loop = calloc (1, sizeof *loop);
    assert (loop != NULL);
    loop->parts = *parts;
    loop->signals = -1;
    loop->now = clock_now ();
    loop->steady = clock_steady ();
    loop->performer.store = parts->store;
    loop->performer.courier = parts->courier;
    loop->performer.log = parts->log;
    loop->bulk = (struct bulk){.performer = &loop->performer, .depot = parts->depot, .store = parts->store};
    if (!open_signals (loop, error) || !open_sockets (loop, error)) {
        loop_close (&loop);
        return false;
    }
    *ret = loop;
    return true;
}

void loop_close (struct loop **loop)
{
    struct loop *self = *loop;
    if (self == NULL)
        return;
    for (size_t i = 0; i < DOOR_COUNT; i++)
        if (self->performer.doors[i] != NULL)
            wire_socket_close (&self->performer.doors[i]);
    if (self->performer.publish != NULL)
        wire_socket_close (&self->performer.publish);
    if (self->wire != NULL)
        wire_close (&self->wire);
    if (self->signals >= 0)
        (void)close (self->signals);
    bulk_free (&self->bulk);
    performer_free (&self->performer);
    controller_effects_free (&self->effects);
    free (self);
    *loop = NULL;
}

/* The file stands there only while somebody answers at its endpoints (but for a crash). */
static void remove_endpoints (const struct loop *loop)
{
    struct arena arena = {0};
    (void)unlink (path_join (&arena, loop->parts.config->state, "endpoints"));
    arena_free (&arena);
}

/* For those who start relevod with ports that the system chooses. */
static bool say_endpoints (const struct loop *loop, struct error *error)
{
    const struct performer *performer = &loop->performer;
    const char *agents = wire_endpoint (performer->doors[DOOR_AGENTS]);
    const char *publish = wire_endpoint (performer->publish);
    const char *people = wire_endpoint (performer->doors[DOOR_REMOTE]);
    const char *local = wire_endpoint (performer->doors[DOOR_LOCAL]);
    struct arena arena = {0};
    struct buffer text = {0};
    bool good;
    buffer_print (&text, "agents: %s\npublish: %s\npeople: %s\nlocal: %s\n", agents, publish, people, local);
    good = file_write (
        path_join (&arena, loop->parts.config->state, "endpoints"), buffer_bytes (&text), 0644, error);
    if (good)
        log_line (
            loop->parts.log, LOG_NOTE, "ready: agents %s publish %s people %s local %s", agents, publish,
            people, local);
    buffer_free (&text);
    arena_free (&arena);
    return good;
}

bool loop_run (struct loop *loop, struct error *error)
{
    struct controller_event start = {.kind = CONTROLLER_START, .now = time_now (loop)};
    bool good;
    remove_endpoints (loop);
    good = step (loop, &start, error) && say_endpoints (loop, error);
    if (good)
        supervisor_ready (loop->parts.supervisor);
    while (good && !loop->ended)
        good = turn (loop, error);
    remove_endpoints (loop);
    return good;
}
