/*   paused ──due──▶ running ──ends──▶ paused, twice as long as the last time (BACKOFF_FIRST … BACKOFF_MOST);
                                       a run of STEADY_MS starts the pauses over. */
#include "agent/io/session_child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/io/session_loop.h"
#include "common/io/clock.h"

enum { BACKOFF_FIRST_MS = 500, BACKOFF_MOST_MS = 30000, STEADY_MS = 60000, LAST_WAIT_MS = 2000 };

struct session_child {
    const char *config;
    bool verbose;
    pid_t process; /* 0 while it does not run */
    int ending;    /* a pidfd */
    struct channel *channel;
    struct instant started;
    struct instant due;
    int64_t pause_ms;
};

struct session_child *session_child_new (const char *config, bool verbose)
{
    struct session_child *child = calloc (1, sizeof *child);
    assert (child != NULL);
    child->config = config;
    child->verbose = verbose;
    child->ending = -1;
    child->pause_ms = BACKOFF_FIRST_MS;
    return child;
}

/* In the child. Everything else is closed by close-on-exec. */
static void become_session (const struct session_child *child, int end)
{
    static char program[] = "relevo-agent";
    static char mode[] = SESSION_MODE;
    static char option[] = "--config";
    static char verbose[] = "--verbose";
    char *words[] = {program, mode, option, strdup (child->config), child->verbose ? verbose : NULL, NULL};
    sigset_t none;
    (void)sigemptyset (&none);
    (void)sigprocmask (SIG_SETMASK, &none, NULL);
    if (end == SESSION_CHANNEL)
        (void)fcntl (end, F_SETFD, 0);
    else
        (void)dup2 (end, SESSION_CHANNEL);
    (void)execv ("/proc/self/exe", words);
    _exit (127);
}

static bool start (struct session_child *child, struct error *error)
{
    int ends[2];
    pid_t process;
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set (error, ERROR_SYSTEM, "make a socketpair: %s", strerror (errno));
    process = fork ();
    if (process == 0)
        become_session (child, ends[1]);
    (void)close (ends[1]);
    if (process < 0) {
        (void)close (ends[0]);
        return error_set (error, ERROR_SYSTEM, "start the session: %s", strerror (errno));
    }
    child->process = process;
    child->ending = pidfd_open (process, 0);
    child->channel = channel_new (ends[0]);
    child->started = clock_steady ();
    return true;
}

static void pause_longer (struct session_child *child)
{
    if (instant_between (child->started, clock_steady ()).ms >= STEADY_MS)
        child->pause_ms = BACKOFF_FIRST_MS;
    child->due = instant_add (clock_steady (), (struct span){child->pause_ms});
    child->pause_ms = child->pause_ms * 2 < BACKOFF_MOST_MS ? child->pause_ms * 2 : BACKOFF_MOST_MS;
}

bool session_child_start (struct session_child *child, bool *ret_started, struct error *error)
{
    *ret_started = false;
    if (child->process != 0 || instant_before (clock_steady (), child->due))
        return true;
    if (!start (child, error)) {
        child->started = clock_steady ();
        pause_longer (child);
        return false;
    }
    *ret_started = true;
    return true;
}

struct channel *session_child_channel (struct session_child *child)
{
    return child->channel;
}

size_t session_child_poll (const struct session_child *child, struct pollfd *ret)
{
    if (child->process == 0)
        return 0;
    ret[0] = (struct pollfd){
        .fd = channel_descriptor (child->channel), .events = channel_interest (child->channel)};
    ret[1] = (struct pollfd){.fd = child->ending, .events = POLLIN};
    return SESSION_CHILD_DESCRIPTORS;
}

static void describe (int status, struct error *why)
{
    if (WIFSIGNALED (status))
        (void)error_set (
            why, ERROR_SYSTEM, "killed by signal %d (%s)", WTERMSIG (status), strsignal (WTERMSIG (status)));
    else
        (void)error_set (why, ERROR_SYSTEM, "exit code %d", WEXITSTATUS (status));
}

static void forget (struct session_child *child)
{
    channel_free (&child->channel);
    if (child->ending >= 0)
        (void)close (child->ending);
    child->ending = -1;
    child->process = 0;
    pause_longer (child);
}

bool session_child_ended (struct session_child *child, struct error *why)
{
    int status = 0;
    if (child->process == 0 || waitpid (child->process, &status, WNOHANG) != child->process)
        return false;
    describe (status, why);
    forget (child);
    return true;
}

void session_child_stop (struct session_child *child)
{
    if (child->process != 0)
        (void)kill (child->process, SIGKILL);
}

struct instant session_child_deadline (const struct session_child *child)
{
    return child->process == 0 ? child->due : (struct instant){INT64_MAX};
}

static void wait_for_end (struct session_child *child)
{
    struct pollfd ending = {.fd = child->ending, .events = POLLIN};
    if (child->ending < 0 || poll (&ending, 1, LAST_WAIT_MS) <= 0)
        (void)kill (child->process, SIGKILL);
    while (waitpid (child->process, NULL, 0) < 0 && errno == EINTR)
        ;
}

void session_child_free (struct session_child **child)
{
    if (*child == NULL)
        return;
    channel_free (&(*child)->channel);
    if ((*child)->process != 0)
        wait_for_end (*child);
    if ((*child)->ending >= 0)
        (void)close ((*child)->ending);
    free (*child);
    *child = NULL;
}
