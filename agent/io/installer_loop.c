#include "agent/io/installer_loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/core/installer.h"
#include "agent/io/journal.h"
#include "agent/io/perform.h"
#include "agent/io/session_child.h"
#include "agent/io/state.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/supervisor.h"
#include "proto/render.h"

enum { DESCRIPTORS = 1 + SESSION_CHILD_DESCRIPTORS + PERFORM_DESCRIPTORS, WAIT_MOST_MS = 60000 };

/* What a session can't do (find its files, give up its rights) it finds out in its first moments. */
enum { SESSION_SETTLED_MS = 1000 };

struct loop {
    const struct agent_config *config;
    const struct log *log;
    struct arena arena;
    struct state_paths paths;
    int lock;
    int signals;
    struct installer *installer;
    struct installer_effects effects;
    struct journal *journal;
    struct perform *perform;
    struct session_child *session;
    struct supervisor *supervisor;
    /* On clock_steady: when a session that was just started counts as running; else INT64_MAX. */
    struct instant settled;
    struct buffer doing; /* the act at work; empty: none */
    struct error session_end;
    bool failed;
    struct error error;
};

/* ------------------------------------------------------------------------------------------------- effects
 */

static void trace (const struct loop *loop, const char *what, const struct installer_effect *effect)
{
    struct buffer line = {0};
    if (loop->log->least > LOG_DEBUG)
        return;
    render (effect->type, effect->record, &line);
    log_line (loop->log, LOG_DEBUG, "%s %s", what, line.data);
    buffer_free (&line);
}

static void note_act_begun (struct loop *loop, const struct act_order *order)
{
    buffer_clear (&loop->doing);
    buffer_print (
        &loop->doing, "%s: %s%s %s", order->product, enum_word (&act_words, order->act),
        order->returning ? " (returning to)" : "", order->version);
    log_line (loop->log, LOG_NOTE, "%s", loop->doing.data);
}

/* What cannot be written down must not be done: the loop ends, and the next start goes on from what is. */
static void record (struct loop *loop, const struct installer_effect *effect)
{
    trace (loop, "note", effect);
    if (!journal_append (loop->journal, effect->type, effect->record, &loop->error)) {
        (void)error_context (&loop->error, "%s", loop->paths.journal);
        loop->failed = true;
    }
}

static void tell_session (struct loop *loop, const struct installer_effect *effect)
{
    struct channel *channel = session_child_channel (loop->session);
    struct error error;
    trace (loop, "tell", effect);
    if (channel != NULL && !channel_send (channel, effect->type, effect->record, &error))
        log_line (loop->log, LOG_WARNING, "not told to the session: %s", error.text);
}

static void perform_effect (struct loop *loop, const struct installer_effect *effect)
{
    switch (effect->kind) {
    case INSTALLER_RECORD:
        record (loop, effect);
        break;
    case INSTALLER_SEND:
        tell_session (loop, effect);
        break;
    case INSTALLER_ACT:
        note_act_begun (loop, effect->order);
        perform_add (loop->perform, effect);
        break;
    case INSTALLER_TAKE:
    case INSTALLER_LOOK:
        perform_add (loop->perform, effect);
        break;
    }
}

static void step (struct loop *loop, struct installer_event *event)
{
    size_t i;
    if (loop->failed)
        return;
    event->now = clock_now ();
    installer_step (loop->installer, event, &loop->effects);
    for (i = 0; i < loop->effects.count && !loop->failed; i++)
        perform_effect (loop, &loop->effects.items[i]);
    installer_effects_clear (&loop->effects);
    installer_check (loop->installer);
}

/* -------------------------------------------------------------------------------------------------- events
 */

static void take_message (struct loop *loop, struct bytes body)
{
    struct installer_event event = {.kind = INSTALLER_MESSAGE};
    struct arena arena = {0};
    struct error error;
    if (message_decode (MESSAGE, FROM_SESSION, body, &arena, &event.message, &error)) {
        step (loop, &event);
    } else {
        log_line (loop->log, LOG_WARNING, "the session is ended: it sent what it may not: %s", error.text);
        session_child_stop (loop->session);
    }
    arena_free (&arena);
}

static void service_session (struct loop *loop)
{
    struct channel *channel = session_child_channel (loop->session);
    struct error error;
    struct bytes body;
    bool good;
    if (channel == NULL)
        return;
    good = channel_service (channel, &error);
    while (!loop->failed && channel_next (channel, &body))
        take_message (loop, body);
    if (!good)
        session_child_stop (loop->session); /* a closed channel is of no use to either side */
    if (!session_child_ended (loop->session, &loop->session_end))
        return;
    loop->settled = (struct instant){INT64_MAX};
    log_line (
        loop->log, LOG_WARNING, "the session has ended (%s); it is started again", loop->session_end.text);
}

static void start_session (struct loop *loop)
{
    struct installer_event event = {.kind = INSTALLER_SESSION};
    bool started;
    if (!session_child_start (loop->session, &started, &loop->session_end))
        log_line (loop->log, LOG_PROBLEM, "%s", loop->session_end.text);
    if (!started)
        return;
    loop->settled = instant_add (clock_steady (), (struct span){SESSION_SETTLED_MS});
    step (loop, &event);
}

static void service_acts (struct loop *loop)
{
    struct perform_end end;
    while (!loop->failed && perform_service (loop->perform, &end)) {
        struct installer_event event = {
            .kind = end.kind,
            .good = end.good,
            .detail = end.detail,
            .result = end.result,
            .have = end.have,
            .have_count = end.have_count};
        if (!end.good)
            log_line (loop->log, LOG_WARNING, "it did not work: %s", end.detail);
        if (end.kind == INSTALLER_DONE)
            buffer_clear (&loop->doing);
        step (loop, &event);
    }
}

static void service_time (struct loop *loop)
{
    struct installer_event event = {.kind = INSTALLER_TIME};
    if (!instant_before (clock_now (), installer_deadline (loop->installer)))
        step (loop, &event);
}

static void tell_supervisor (struct loop *loop)
{
    bool runs = session_child_channel (loop->session) != NULL;
    if (!runs && loop->session_end.text[0] != '\0')
        supervisor_say (
            loop->supervisor, "the session has ended (%s); it is started again", loop->session_end.text);
    else if (loop->doing.size > 0)
        supervisor_say (loop->supervisor, "%s", loop->doing.data);
    else
        supervisor_say (loop->supervisor, "host %s: nothing to do", loop->config->name);
    if (runs && !instant_before (clock_steady (), loop->settled)) {
        supervisor_ready (loop->supervisor);
        loop->settled = (struct instant){INT64_MAX};
    }
    supervisor_turn (loop->supervisor);
}

static struct instant steady_deadline (const struct loop *loop)
{
    struct instant own = instant_earlier (supervisor_deadline (loop->supervisor), loop->settled);
    return instant_earlier (
        own, instant_earlier (perform_deadline (loop->perform), session_child_deadline (loop->session)));
}

static int wait_ms (const struct loop *loop)
{
    struct instant steady = steady_deadline (loop);
    struct span left = instant_between (clock_now (), installer_deadline (loop->installer));
    struct span other = instant_between (clock_steady (), steady);
    int64_t ms = left.ms < other.ms ? left.ms : other.ms;
    if (ms < 0)
        return 0;
    return ms < WAIT_MOST_MS ? (int)ms : WAIT_MOST_MS;
}

/* False on TERM or INT. */
static bool turn (struct loop *loop)
{
    struct pollfd waiting[DESCRIPTORS];
    struct signalfd_siginfo signal;
    size_t count = 1;
    waiting[0] = (struct pollfd){.fd = loop->signals, .events = POLLIN};
    count += session_child_poll (loop->session, &waiting[count]);
    count += perform_poll (loop->perform, &waiting[count]);
    if (poll (waiting, (nfds_t)count, wait_ms (loop)) < 0 && errno != EINTR) {
        loop->failed = true;
        return error_set (&loop->error, ERROR_SYSTEM, "poll: %s", strerror (errno));
    }
    if (read (loop->signals, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        log_line (
            loop->log, LOG_NOTE, "%s: the agent ends, services keep running",
            strsignal ((int)signal.ssi_signo));
        supervisor_ending (loop->supervisor);
        return false;
    }
    service_session (loop);
    service_acts (loop);
    service_time (loop);
    start_session (loop);
    tell_supervisor (loop);
    return !loop->failed;
}

/* ----------------------------------------------------------------------------------------------- beginning
 */

static bool apply (void *context, const struct record_type *type, const void *entry, struct error *error)
{
    struct loop *loop = context;
    return installer_apply (loop->installer, type, entry, error);
}

static bool open_core (struct loop *loop, struct error *error)
{
    struct installer_options options = {.host = loop->config->name, .agent = RELEVO_VERSION};
    uint64_t cut = 0;
    if (!state_key (&loop->paths, false, &options.key, error))
        return false;
    loop->installer = installer_new (&options);
    secret_key_wipe (&options.key);
    if (!journal_open (loop->paths.journal, apply, loop, &loop->journal, &cut, error))
        return false;
    if (cut > 0)
        log_line (
            loop->log, LOG_WARNING, "%s: %llu bytes of an unfinished last record were cut off",
            loop->paths.journal, (unsigned long long)cut);
    return true;
}

static bool watch_signals (struct loop *loop, struct error *error)
{
    sigset_t set;
    (void)sigemptyset (&set);
    (void)sigaddset (&set, SIGTERM);
    (void)sigaddset (&set, SIGINT);
    (void)signal (SIGPIPE, SIG_IGN);
    if (sigprocmask (SIG_BLOCK, &set, NULL) != 0)
        return error_set (error, ERROR_SYSTEM, "block signals: %s", strerror (errno));
    loop->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return loop->signals >= 0 || error_set (error, ERROR_SYSTEM, "signalfd: %s", strerror (errno));
}

static bool open_perform (struct loop *loop, struct error *error)
{
    struct perform_options options = {
        .config = loop->config,
        .spool = loop->paths.spool,
        .tools = {
            .store = loop->paths.store,
            .scratch = loop->paths.scratch,
            .user = loop->config->session_user,
            .program = "/proc/self/exe"}};
    if (access (options.tools.program, X_OK) != 0)
        return error_set (error, ERROR_SYSTEM, "/proc/self/exe: %s; is /proc mounted?", strerror (errno));
    loop->perform = perform_new (&options);
    return true;
}

static bool begin (struct loop *loop, struct error *error)
{
    struct connection connection;
    (void)umask (022);
    loop->paths = state_paths (loop->config, &loop->arena);
    if (!state_connection_read (&loop->paths, &loop->arena, &connection, error) ||
        !state_lock (&loop->paths, &loop->lock, error) ||
        !state_prepare (&loop->paths, loop->config, error) || !open_core (loop, error) ||
        !watch_signals (loop, error) || !open_perform (loop, error) ||
        !supervisor_open (&loop->supervisor, error))
        return false;
    loop->session = session_child_new (loop->config->file, loop->log->least == LOG_DEBUG);
    return true;
}

static void end (struct loop *loop)
{
    session_child_free (&loop->session);
    perform_free (&loop->perform);
    journal_close (&loop->journal);
    installer_effects_free (&loop->effects);
    installer_free (&loop->installer);
    supervisor_close (&loop->supervisor);
    buffer_free (&loop->doing);
    if (loop->signals >= 0)
        (void)close (loop->signals);
    if (loop->lock >= 0)
        (void)close (loop->lock);
    arena_free (&loop->arena);
}

bool installer_run (const struct agent_config *config, const struct log *log, struct error *error)
{
    struct loop loop = {.config = config, .log = log, .lock = -1, .signals = -1, .settled = {INT64_MAX}};
    struct installer_event start = {.kind = INSTALLER_START};
    bool good = begin (&loop, error);
    if (good) {
        log_line (
            log, LOG_NOTE, "host %s, %zu products, state in %s", config->name, config->product_count,
            config->state);
        step (&loop, &start);
        start_session (&loop);
        while (!loop.failed && turn (&loop))
            ;
        good = !loop.failed;
        if (!good)
            *error = loop.error;
    }
    end (&loop);
    return good;
}
