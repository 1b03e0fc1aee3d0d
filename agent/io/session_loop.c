#include "agent/io/session_loop.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/core/session.h"
#include "agent/io/fetch.h"
#include "agent/io/session_rights.h"
#include "agent/io/state.h"
#include "common/io/channel.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/privileges.h"
#include "common/io/wire.h"
#include "proto/render.h"

enum { MESSAGES_A_ROUND = 64, SOCKETS = 2, SPOOL_QUEUE = 4096 };

/* What the spool said, waiting to be told to the core. */
struct spool_news {
    struct digest content;
    struct fetch_state state;
};

struct loop {
    const struct agent_config *config;
    const struct log *log;
    struct arena arena;
    struct connection connection;
    struct wire_pair pair;
    struct wire *wire;
    struct wire_socket *sockets[SOCKETS]; /* DEALER, SUB */
    struct channel *channel;
    struct fetch *fetch;
    struct session_rights rights;
    struct session *session;
    struct session_effects effects;
    struct spool_news *news;
    size_t news_count;
    size_t news_capacity;
    bool failed;
    struct error error;
};

/* Without knowing its environment the session hears everything that is published: it has no verified fleet
   to learn it from, and what is not for this host is refused by the installer anyway. */
static bool subscribe (struct loop *loop, struct wire_socket *socket, struct error *error)
{
    struct arena arena = {0};
    bool good;
    size_t i;
    if (loop->config->environment[0] == '\0')
        return wire_subscribe (socket, "", error);
    good = wire_subscribe (socket, "all", error);
    for (i = 0; good && i < loop->config->product_count; i++)
        good = wire_subscribe (
            socket, arena_format (&arena, "%s/%s", loop->config->environment, loop->config->products[i].name),
            error);
    arena_free (&arena);
    return good;
}

static bool connect_sockets (struct loop *loop, struct error *error)
{
    const struct connection *to = &loop->connection;
    size_t i;
    for (i = 0; i < SOCKETS; i++)
        wire_socket_close (&loop->sockets[i]);
    return wire_connect (
               loop->wire, WIRE_DEALER, to->agents, &to->server, &loop->pair, &loop->sockets[0], error) &&
           wire_connect (
               loop->wire, WIRE_SUB, to->publish, &to->server, &loop->pair, &loop->sockets[1], error) &&
           subscribe (loop, loop->sockets[1], error);
}

/* Contents are too many and too long to be shown. */
static void trace (
    const struct loop *loop, const char *what, const struct record_type *type, const void *record)
{
    struct buffer line = {0};
    if (loop->log->least > LOG_DEBUG)
        return;
    if (type == &chunk_type)
        buffer_text (&line, type->name);
    else
        render (type, record, &line);
    log_line (loop->log, LOG_DEBUG, "%s %s", what, line.data);
    buffer_free (&line);
}

static void send_out (struct loop *loop, const struct session_effect *effect)
{
    struct buffer body = {0};
    struct error error;
    trace (loop, "send", effect->type, effect->record);
    if (!message_encode (effect->type, effect->record, &body, &error))
        log_line (loop->log, LOG_PROBLEM, "a %s can't be sent: %s", effect->type->name, error.text);
    else if (wire_send (loop->sockets[0], NULL, 0, buffer_bytes (&body)) != WIRE_SENT)
        log_line (loop->log, LOG_DEBUG, "a %s was not sent: no connection", effect->type->name);
    buffer_free (&body);
}

static void hand_over (struct loop *loop, const struct session_effect *effect)
{
    struct error error;
    trace (loop, "hand over", effect->type, effect->record);
    if (!channel_send (loop->channel, effect->type, effect->record, &error))
        log_line (loop->log, LOG_WARNING, "not handed to the installer: %s", error.text);
}

static struct fetch_state *add_news (struct loop *loop, const struct digest *content)
{
    struct spool_news *news;
    if (loop->news_count == loop->news_capacity) {
        loop->news_capacity = loop->news_capacity > 0 ? 2 * loop->news_capacity : 16;
        assert (loop->news_capacity <= SPOOL_QUEUE);
        loop->news = realloc (loop->news, loop->news_capacity * sizeof *loop->news);
        assert (loop->news != NULL);
    }
    news = &loop->news[loop->news_count++];
    news->content = *content;
    return &news->state;
}

static void reconnect (struct loop *loop)
{
    if (session_rights_are_stale (&loop->rights, &loop->error) || !connect_sockets (loop, &loop->error))
        loop->failed = true;
}

static void perform (struct loop *loop, const struct session_effect *effect)
{
    switch (effect->kind) {
    case SESSION_SEND:
        send_out (loop, effect);
        break;
    case SESSION_HAND:
        hand_over (loop, effect);
        break;
    case SESSION_RECONNECT:
        reconnect (loop);
        break;
    case SESSION_OPEN:
        fetch_open (loop->fetch, &effect->content, effect->length, add_news (loop, &effect->content));
        break;
    case SESSION_WRITE:
        fetch_write (
            loop->fetch, &effect->content, effect->offset, effect->data, add_news (loop, &effect->content));
        break;
    case SESSION_DROP:
        fetch_drop (loop->fetch, &effect->content);
        break;
    }
}

static void step (struct loop *loop, struct session_event *event)
{
    size_t i;
    event->now = clock_now ();
    event->random = random_number ();
    session_step (loop->session, event, &loop->effects);
    for (i = 0; i < loop->effects.count && !loop->failed; i++)
        perform (loop, &loop->effects.items[i]);
    session_effects_clear (&loop->effects);
    session_check (loop->session);
}

/* One event, and then the spool's news that follow from it. */
static void feed (struct loop *loop, struct session_event *event)
{
    size_t i;
    step (loop, event);
    for (i = 0; i < loop->news_count && !loop->failed; i++) {
        struct spool_news news = loop->news[i];
        struct session_event told = {
            .kind = SESSION_SPOOL,
            .content = news.content,
            .have = news.state.have,
            .complete = news.state.complete,
            .bad = news.state.bad,
            .trouble = news.state.trouble[0] != '\0' ? news.state.trouble : NULL};
        if (told.trouble != NULL)
            log_line (loop->log, LOG_PROBLEM, "%s", told.trouble);
        step (loop, &told);
    }
    loop->news_count = 0;
}

static void take (struct loop *loop, enum session_event_kind kind, unsigned sender, struct bytes body)
{
    struct session_event event = {.kind = kind};
    struct arena arena = {0};
    struct error error;
    if (message_decode (MESSAGE, sender, body, &arena, &event.message, &error)) {
        trace (loop, "got", event.message.type, event.message.record);
        feed (loop, &event);
    } else {
        log_line (loop->log, LOG_WARNING, "a message is dropped: %s", error.text);
    }
    arena_free (&arena);
}

static void take_from_network (struct loop *loop, size_t which)
{
    struct wire_message message;
    int round;
    for (round = 0; round < MESSAGES_A_ROUND && !loop->failed; round++) {
        if (!wire_receive (loop->sockets[which], &message))
            return;
        take (loop, SESSION_FROM_CONTROLLER, FROM_CONTROLLER, message.body);
    }
}

/* False where the installer is gone: then the session ends, in silence. */
static bool take_from_installer (struct loop *loop)
{
    struct bytes body;
    struct error error;
    if (!channel_service (loop->channel, &error)) {
        log_line (loop->log, LOG_NOTE, "the session ends: %s", error.text);
        return false;
    }
    while (!loop->failed && channel_next (loop->channel, &body))
        take (loop, SESSION_FROM_INSTALLER, FROM_INSTALLER, body);
    return true;
}

static struct span until_due (const struct loop *loop)
{
    struct instant due = session_deadline (loop->session);
    struct span left = instant_between (clock_now (), due);
    if (due.ms == INT64_MAX)
        return (struct span){-1};
    return left.ms > 0 ? left : (struct span){0};
}

static bool turn (struct loop *loop, bool *ret_going)
{
    struct pollfd channel = {
        .fd = channel_descriptor (loop->channel), .events = channel_interest (loop->channel)};
    struct session_event time = {.kind = SESSION_TIME};
    bool ready[SOCKETS] = {false};
    size_t i;
    if (!wire_wait (loop->wire, loop->sockets, SOCKETS, ready, &channel, 1, until_due (loop), &loop->error))
        return false;
    if (channel.revents != 0)
        *ret_going = take_from_installer (loop);
    for (i = 0; *ret_going && i < SOCKETS; i++)
        if (ready[i])
            take_from_network (loop, i);
    if (!instant_before (clock_now (), session_deadline (loop->session)))
        feed (loop, &time);
    return !loop->failed;
}

/* Root's files are read first; then root's rights go, and after them all others; only then is there a
   network. */
static bool begin (struct loop *loop, struct error *error)
{
    struct state_paths paths = state_paths (loop->config, &loop->arena);
    struct privileges privileges = {0};
    if (!state_connection_read (&paths, &loop->arena, &loop->connection, error) ||
        !state_wire (&paths, false, &loop->pair, error) || !fetch_new (paths.spool, &loop->fetch, error))
        return false;
    if (geteuid () == 0 && !privileges_find (loop->config->session_user, &privileges, error))
        return false;
    if (!privileges_drop (&privileges, error))
        return false;
    (void)prctl (PR_SET_NAME, "relevo-session");
    if (!session_rights_enter (&loop->rights, paths.spool, &loop->connection, error))
        return false;
    if (loop->rights.landlock == 0)
        log_line (
            loop->log, LOG_NOTE,
            "this kernel has no Landlock: file modes alone keep the session from files, and nothing keeps it "
            "from other ports");
    loop->channel = channel_new (SESSION_CHANNEL);
    loop->session = session_new ();
    return wire_open (NULL, NULL, &loop->wire, error) && connect_sockets (loop, error);
}

static void end (struct loop *loop)
{
    size_t i;
    for (i = 0; i < SOCKETS; i++)
        wire_socket_close (&loop->sockets[i]);
    if (loop->wire != NULL)
        wire_close (&loop->wire);
    channel_free (&loop->channel);
    fetch_free (&loop->fetch);
    session_free (&loop->session);
    session_effects_free (&loop->effects);
    wire_pair_wipe (&loop->pair);
    free (loop->news);
    arena_free (&loop->arena);
}

bool session_run (const struct agent_config *config, const struct log *log, struct error *error)
{
    struct loop loop = {.config = config, .log = log};
    struct session_event start = {.kind = SESSION_START};
    bool going = true;
    bool good = begin (&loop, error);
    if (good) {
        feed (&loop, &start);
        good = !loop.failed;
        while (good && going)
            good = turn (&loop, &going);
        if (!good)
            *error = loop.error;
    }
    end (&loop);
    return good;
}
