/* running ──child ends, output closed (or leave_group)──▶ over
   running ──deadline──▶ asked (TERM) ──GRACE──▶ killed (KILL) ──child ends──▶ over

   The child stays a zombie until it is over: so its number, which is its group's too, cannot become a
   stranger's before the last signal to the group was sent. */
#include "common/io/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/core/safe_text.h"
#include "common/io/clock.h"
#include "common/io/spawn_child.h"

enum {
    GRACE_MS = 5000,
    KILL_AGAIN_MS = 1000,
    KEPT_SIZE = LIMIT_TAIL + 4, /* a character may straddle the cut */
    PIECE_SIZE = 8192,
    PIECES_AT_ONCE = 64, /* a child that floods must not hold the loop */
};

enum stage { STAGE_RUNNING, STAGE_ASKED, STAGE_KILLED, STAGE_OVER };

struct spawn {
    pid_t child;
    int ending;
    int output;
    int keeper; /* leave_group: our hold on the pipe's writing end, see open_output; else -1 */
    enum stage stage;
    bool leave_group;
    bool ended;
    siginfo_t how; /* once ended */
    struct instant started;
    struct instant deadline;
    struct span allowed;
    struct spawn_result result;
    char kept[KEPT_SIZE];
    size_t kept_size;
};

/* ------------------------------------------------------------------------------------------------ starting
 */

static void close_one (int *file)
{
    if (*file >= 0)
        (void)close (*file);
    *file = -1;
}

static bool is_program (const char *path)
{
    struct stat status;
    return stat (path, &status) == 0 && S_ISREG (status.st_mode) && access (path, X_OK) == 0;
}

static const char *path_of (const char *const *environment)
{
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp (environment[i], "PATH=", 5) == 0)
            return environment[i] + 5;
    }
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Relative folders in PATH are passed over: where they lead depends on who looks. */
static bool find_program (const struct spawn_options *options, struct buffer *ret, struct error *error)
{
    const char *word = options->words[0];
    const char *path = path_of (options->environment);
    const char *place = path;
    if (strchr (word, '/') != NULL) {
        buffer_text (ret, word);
        return true;
    }
    while (*place != '\0') {
        size_t size = strcspn (place, ":");
        buffer_clear (ret);
        buffer_append (ret, place, size);
        buffer_print (ret, "/%s", word);
        if (place[0] == '/' && word[0] != '\0' && is_program (ret->data))
            return true;
        place += size + (place[size] == ':' ? 1 : 0);
    }
    return error_set (error, ERROR_MISSING, "%s: there is no such program in PATH=%s", word, path);
}

/* Above 2, so that dup2 in the child overwrites none of them even where this program runs without 0–2. */
static bool lift (int *file)
{
    int lifted;
    if (*file > STDERR_FILENO)
        return true;
    lifted = fcntl (*file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close_one (file);
    *file = lifted;
    return lifted >= 0;
}

static bool open_pipe (int ends[2])
{
    return pipe2 (ends, O_CLOEXEC) == 0 && lift (&ends[0]) && lift (&ends[1]);
}

/* What a start command leaves behind keeps its output. If nobody had the reading end any more, a SIGPIPE
   would end it at its next word, and if nobody read, a full pipe would stop it. So its end of the pipe is
   opened for reading and writing, and turned non-blocking by `keeper`, which shares its state, when we stop
   reading. */
static bool open_output (struct spawn *spawn, int *ret_write)
{
    int ends[2] = {-1, -1};
    char path[64];
    if (!open_pipe (ends)) {
        close_one (&ends[0]);
        close_one (&ends[1]);
        return false;
    }
    if (spawn->leave_group) {
        close_one (&ends[1]);
        (void)snprintf (path, sizeof path, "/proc/self/fd/%d", ends[0]);
        ends[1] = open (path, O_RDWR | O_CLOEXEC);
        spawn->keeper = ends[1] < 0 ? -1 : fcntl (ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
    spawn->output = ends[0];
    *ret_write = ends[1];
    return ends[1] >= 0 && lift (ret_write) && (!spawn->leave_group || spawn->keeper >= 0) &&
           fcntl (spawn->output, F_SETFL, O_NONBLOCK) == 0;
}

/* All signals wait from before the fork until the child has put them back to their defaults: no handler of
   this program may run in the child. */
static pid_t fork_child (const struct spawn_plan *plan)
{
    sigset_t all;
    sigset_t before;
    pid_t child;
    int failed;
    (void)sigfillset (&all);
    failed = pthread_sigmask (SIG_SETMASK, &all, &before);
    assert (failed == 0);
    child = fork ();
    if (child == 0)
        spawn_child (plan);
    failed = pthread_sigmask (SIG_SETMASK, &before, NULL);
    assert (failed == 0);
    return child;
}

/* Until exec closes the pipe, or the child says why it cannot. */
static bool read_report (int report, struct spawn_report *ret)
{
    ssize_t got;
    do
        got = read (report, ret, sizeof *ret);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *ret;
}

static void reap (struct spawn *spawn)
{
    siginfo_t how;
    while (waitid (P_PID, (id_t)spawn->child, &how, WEXITED) != 0 && errno == EINTR)
        continue;
}

static bool explain_report (
    const struct spawn_plan *plan, const struct spawn_report *report, struct error *error)
{
    enum error_kind kind = report->number == ENOENT ? ERROR_MISSING : ERROR_SYSTEM;
    const char *hint = report->number == ENOEXEC ? " (a script needs a first line that begins with #!)" : "";
    return error_set (
        error, kind, "%s: cannot %s: %s%s", plan->program, spawn_act_name (report->act),
        strerror (report->number), hint);
}

/* Fills the plan's descriptors, which the caller closes. */
static bool launch (struct spawn *spawn, struct spawn_plan *plan, struct error *error)
{
    struct spawn_report report;
    int reports[2] = {-1, -1};
    bool ready = open_output (spawn, &plan->output) && open_pipe (reports);
    plan->input = open ("/dev/null", O_RDONLY | O_CLOEXEC);
    plan->report = reports[1];
    ready = ready && plan->input >= 0 && lift (&plan->input);
    if (ready)
        spawn->child = fork_child (plan);
    if (!ready || spawn->child < 0) {
        (void)error_set (error, ERROR_SYSTEM, "%s: cannot start it: %s", plan->program, strerror (errno));
        close_one (&reports[0]);
        return false;
    }
    close_one (&plan->report); /* else its end would never be seen */
    if (read_report (reports[0], &report)) {
        close_one (&reports[0]);
        reap (spawn);
        return explain_report (plan, &report, error);
    }
    close_one (&reports[0]);
    spawn->ending = pidfd_open (spawn->child, 0);
    if (spawn->ending >= 0)
        return true;
    (void)error_set (error, ERROR_SYSTEM, "%s: cannot watch it: %s", plan->program, strerror (errno));
    (void)kill (-spawn->child, SIGKILL);
    reap (spawn);
    return false;
}

static void release (struct spawn *spawn)
{
    close_one (&spawn->output);
    close_one (&spawn->keeper);
    close_one (&spawn->ending);
    free (spawn);
}

static bool start_program (
    const struct spawn_options *options, const char *program, struct spawn **ret, struct error *error)
{
    struct spawn_plan plan = {options, program, -1, -1, -1, getpid ()};
    struct spawn *spawn = calloc (1, sizeof *spawn);
    bool done;
    assert (spawn != NULL);
    spawn->ending = spawn->output = spawn->keeper = -1;
    spawn->leave_group = options->leave_group;
    spawn->allowed = options->deadline;
    spawn->started = clock_steady ();
    spawn->deadline = options->deadline.ms > 0 ? instant_add (spawn->started, options->deadline)
                                               : (struct instant){INT64_MAX};
    done = launch (spawn, &plan, error);
    close_one (&plan.input);
    close_one (&plan.output);
    close_one (&plan.report);
    if (done)
        *ret = spawn;
    else
        release (spawn);
    return done;
}

bool spawn_start (const struct spawn_options *options, struct spawn **ret, struct error *error)
{
    struct buffer program = {0};
    bool done;
    if (options->words == NULL || options->words[0] == NULL)
        return error_set (error, ERROR_INPUT, "a command needs at least one word");
    done = find_program (options, &program, error) && start_program (options, program.data, ret, error);
    buffer_free (&program);
    return done;
}

/* ------------------------------------------------------------------------------------------------- running
 */

int spawn_output (const struct spawn *spawn)
{
    return spawn->output;
}

int spawn_ending (const struct spawn *spawn)
{
    return spawn->ending;
}

struct instant spawn_deadline (const struct spawn *spawn)
{
    return spawn->deadline;
}

static void keep (struct spawn *spawn, const char *data, size_t size)
{
    size_t old = spawn->kept_size;
    if (size >= KEPT_SIZE) {
        data += size - KEPT_SIZE;
        size = KEPT_SIZE;
    }
    if (old + size > KEPT_SIZE) {
        size_t gone = old + size - KEPT_SIZE;
        (void)memmove (spawn->kept, spawn->kept + gone, old - gone);
        old -= gone;
    }
    (void)memcpy (spawn->kept + old, data, size);
    spawn->kept_size = old + size;
}

static void take_output (struct spawn *spawn)
{
    char piece[PIECE_SIZE];
    for (int i = 0; i < PIECES_AT_ONCE && spawn->output >= 0; i++) {
        ssize_t got = read (spawn->output, piece, sizeof piece);
        if (got > 0)
            keep (spawn, piece, (size_t)got);
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            close_one (&spawn->output);
        else if (errno == EAGAIN)
            return;
    }
}

static void look_for_end (struct spawn *spawn)
{
    siginfo_t how = {0};
    if (spawn->ended || waitid (P_PID, (id_t)spawn->child, &how, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        how.si_pid == 0)
        return;
    spawn->ended = true;
    spawn->how = how;
    spawn->result.took = instant_between (spawn->started, clock_steady ());
    close_one (&spawn->ending); /* it would be readable for ever */
}

static void enforce_deadline (struct spawn *spawn)
{
    struct instant now = clock_steady ();
    if (instant_before (now, spawn->deadline))
        return;
    spawn->result.timed_out = true;
    if (spawn->stage == STAGE_RUNNING) {
        (void)kill (-spawn->child, SIGTERM);
        spawn->stage = STAGE_ASKED;
        spawn->deadline = instant_add (now, (struct span){GRACE_MS});
    } else {
        (void)kill (-spawn->child, SIGKILL);
        spawn->stage = STAGE_KILLED;
        spawn->deadline = instant_add (now, (struct span){KILL_AGAIN_MS});
    }
}

/* After KILL, an output that is still open is held by somebody who left the group. What a start command left
   behind after its deadline has GRACE to end, as everybody has. */
static bool is_over (const struct spawn *spawn)
{
    bool left_alone = spawn->leave_group && spawn->stage == STAGE_RUNNING;
    return spawn->ended && (spawn->output < 0 || left_alone || spawn->stage == STAGE_KILLED);
}

static void finish (struct spawn *spawn)
{
    struct spawn_result *result = &spawn->result;
    bool exited = spawn->how.si_code == CLD_EXITED;
    take_output (spawn);
    if (spawn->keeper >= 0)
        (void)fcntl (spawn->keeper, F_SETFL, O_NONBLOCK);
    if (!spawn->leave_group)
        (void)kill (-spawn->child, SIGKILL);
    reap (spawn);
    close_one (&spawn->output);
    close_one (&spawn->keeper);
    result->exit_code = exited ? spawn->how.si_status : -1;
    result->signal = exited ? 0 : spawn->how.si_status;
    result->deadline = spawn->allowed;
    (void)text_tail (spawn->kept, spawn->kept_size, LIMIT_TAIL, result->tail);
    spawn->stage = STAGE_OVER;
}

bool spawn_service (struct spawn *spawn, struct spawn_result *ret)
{
    if (spawn->stage != STAGE_OVER) {
        look_for_end (spawn); /* before the output, so that what it wrote last is taken */
        take_output (spawn);
        if (!is_over (spawn))
            enforce_deadline (spawn);
        if (!is_over (spawn))
            return false;
        finish (spawn);
    }
    *ret = spawn->result;
    return true;
}

void spawn_free (struct spawn **spawn)
{
    if (*spawn == NULL)
        return;
    if ((*spawn)->stage != STAGE_OVER && !(*spawn)->leave_group) {
        (void)kill (-(*spawn)->child, SIGKILL);
        reap (*spawn);
    } else if ((*spawn)->stage != STAGE_OVER) {
        (void)fcntl ((*spawn)->keeper, F_SETFL, O_NONBLOCK);
    }
    release (*spawn);
    *spawn = NULL;
}

static int wait_ms (const struct spawn *spawn)
{
    struct span left = instant_between (clock_steady (), spawn->deadline);
    if (spawn->deadline.ms == INT64_MAX)
        return -1;
    return left.ms <= 0 ? 0 : left.ms > INT_MAX ? INT_MAX : (int)left.ms;
}

bool spawn_run (const struct spawn_options *options, struct spawn_result *ret, struct error *error)
{
    struct spawn *spawn = NULL;
    if (!spawn_start (options, &spawn, error))
        return false;
    assert (spawn != NULL);
    while (!spawn_service (spawn, ret)) {
        struct pollfd files[] = {
            {.fd = spawn->output, .events = POLLIN}, {.fd = spawn->ending, .events = POLLIN}};
        (void)poll (files, sizeof files / sizeof *files, wait_ms (spawn));
    }
    spawn_free (&spawn);
    return true;
}

const char *spawn_explain (const struct spawn_result *result, char *text, size_t size)
{
    char time[TIME_TEXT_SIZE];
    if (result->timed_out)
        (void)snprintf (text, size, "no end within %s", span_print (result->deadline, time));
    else if (result->signal != 0)
        (void)snprintf (text, size, "killed by signal %d (%s)", result->signal, strsignal (result->signal));
    else
        (void)snprintf (text, size, "exit code %d", result->exit_code);
    return text;
}
