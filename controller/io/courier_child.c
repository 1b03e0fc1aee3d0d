#include "controller/io/courier_child.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/io/channel.h"
#include "common/io/clock.h"
#include "common/io/sandbox.h"

enum { CHANNEL = STDERR_FILENO + 1, WAIT_MOST_MS = 60000 };

struct child {
    const struct log *log;
    struct channel *channel;
    struct notify *notify;
};

/* ---------------------------------------------------------------------------------------------- what it
 * gives up
 */

/* The terminal and systemd signal all of relevod: the courier ends when the face has. */
static void ignore_signals (void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)signal (numbers[i], SIG_IGN);
}

static bool keep_descriptors (int channel, struct error *error)
{
    if (channel != CHANNEL && dup2 (channel, CHANNEL) < 0)
        return error_set (error, ERROR_SYSTEM, "move the channel: %s", strerror (errno));
    return close_range (CHANNEL + 1, ~0U, 0) == 0 ||
           error_set (error, ERROR_SYSTEM, "close what it inherited: %s", strerror (errno));
}

static bool give_up (const struct courier_options *options, int channel, struct error *error)
{
    const struct config *config = options->config;
    const char *const secrets[] = {config->state, config->signing_key, config->wire_key};
    int landlock;
    ignore_signals ();
    (void)prctl (PR_SET_NAME, "relevo-courier");
    if (!keep_descriptors (channel, error) ||
        (options->privileges != NULL && !privileges_drop (options->privileges, error)) ||
        !sandbox_keep_away (secrets, sizeof secrets / sizeof secrets[0], &landlock, error))
        return false;
    if (landlock == 0)
        log_line (
            options->log, LOG_NOTE,
            "this kernel has no Landlock: file modes alone keep notifications' commands from keys and "
            "journal");
    return true;
}

/* ------------------------------------------------------------------------------------------------- serving
 */

static void answer (struct child *child, const char *key, bool done, const char *text)
{
    struct told told = {.key = key, .done = done, .text = text};
    struct error error;
    if (channel_send (child->channel, &told_type, &told, &error))
        return;
    log_line (child->log, LOG_WARNING, "notification %s: %s", key, error.text);
    told.text = "it ended with words that can't be passed on";
    (void)channel_send (child->channel, &told_type, &told, NULL);
}

static bool take (struct child *child, struct bytes body, struct error *error)
{
    struct arena arena = {0};
    struct message message;
    bool good = message_decode (MESSAGE, FROM_FACE, body, &arena, &message, error);
    if (good) {
        const struct tell *tell = message.record;
        const struct notice notice = {tell->target, tell->key, tell->text, &tell->head};
        struct error why;
        if (!notify_push (child->notify, &notice, &why))
            answer (child, tell->key, false, why.text);
    }
    arena_free (&arena);
    return good;
}

/* False where the face is gone, or sent what it may not. */
static bool take_all (struct child *child, struct error *error)
{
    struct bytes body;
    bool good = channel_service (child->channel, error);
    while (good && channel_next (child->channel, &body))
        good = take (child, body, error);
    return good;
}

static int wait_ms (const struct child *child)
{
    struct instant due = notify_deadline (child->notify);
    int64_t left = due.ms == 0 ? WAIT_MOST_MS : instant_between (clock_steady (), due).ms;
    return left < 0 ? 0 : left < WAIT_MOST_MS ? (int)left : WAIT_MOST_MS;
}

static bool turn (struct child *child, struct error *error)
{
    struct pollfd files[1 + NOTIFY_DESCRIPTORS];
    struct notice_result result;
    size_t count = 1 + notify_descriptors (child->notify, &files[1]);
    files[0] = (struct pollfd){
        .fd = channel_descriptor (child->channel), .events = channel_interest (child->channel)};
    if (poll (files, (nfds_t)count, wait_ms (child)) < 0 && errno != EINTR)
        return error_set (error, ERROR_SYSTEM, "poll: %s", strerror (errno));
    while (notify_service (child->notify, &result))
        answer (child, result.key, result.done, result.text);
    return take_all (child, error);
}

_Noreturn void courier_child (const struct courier_options *options, int channel)
{
    struct child child = {.log = options->log};
    struct error error;
    if (!give_up (options, channel, &error)) {
        log_line (options->log, LOG_PROBLEM, "the courier: %s", error.text);
        _exit (1);
    }
    child.channel = channel_new (CHANNEL);
    child.notify = notify_new (options->config);
    while (turn (&child, &error))
        continue;
    log_line (options->log, LOG_DEBUG, "the courier ends: %s", error.text);
    notify_free (&child.notify);
    channel_free (&child.channel);
    _exit (0);
}
