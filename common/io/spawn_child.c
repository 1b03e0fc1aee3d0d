#include "common/io/spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ACT_SESSION, ACT_PARENT, ACT_DESCRIPTORS, ACT_FOLDER, ACT_LIMITS, ACT_SIGNALS, ACT_EXEC, ACT_COUNT };

enum { CHILD_FAILED = 127 };

const char *spawn_act_name (int act)
{
    static const char *const names[ACT_COUNT] = {
        [ACT_SESSION] = "begin a session",
        [ACT_PARENT] = "tie it to its parent",
        [ACT_DESCRIPTORS] = "arrange its descriptors",
        [ACT_FOLDER] = "enter its folder",
        [ACT_LIMITS] = "set its limits",
        [ACT_SIGNALS] = "reset its signals",
        [ACT_EXEC] = "run it"};
    return act >= 0 && act < ACT_COUNT ? names[act] : "start it";
}

static _Noreturn void give_up (const struct spawn_plan *plan, int act)
{
    struct spawn_report report = {act, errno};
    ssize_t done;
    do
        done = write (plan->report, &report, sizeof report);
    while (done < 0 && errno == EINTR);
    _exit (CHILD_FAILED);
}

/* The parent may have died before the tie was in place. */
static bool tie_to_parent (const struct spawn_plan *plan)
{
    if (plan->options->leave_group)
        return true;
    if (prctl (PR_SET_PDEATHSIG, SIGKILL) != 0)
        return false;
    if (getppid () == plan->parent)
        return true;
    errno = ESRCH;
    return false;
}

/* The report stays open until exec, which closes all that bears close-on-exec. */
static bool arrange_descriptors (const struct spawn_plan *plan)
{
    return dup2 (plan->input, STDIN_FILENO) >= 0 && dup2 (plan->output, STDOUT_FILENO) >= 0 &&
           dup2 (plan->output, STDERR_FILENO) >= 0 &&
           close_range (STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

/* `extra` above the soft limit is where the kernel stops warning and kills. Never raises what is lower. */
static bool limit (int resource, uint64_t most, uint64_t extra)
{
    struct rlimit now;
    struct rlimit wanted = {most, most + extra};
    if (most == 0)
        return true;
    if (getrlimit ((__rlimit_resource_t)resource, &now) != 0)
        return false;
    if (now.rlim_max != RLIM_INFINITY && wanted.rlim_max > now.rlim_max)
        wanted.rlim_max = now.rlim_max;
    if (wanted.rlim_cur > wanted.rlim_max)
        wanted.rlim_cur = wanted.rlim_max;
    return setrlimit ((__rlimit_resource_t)resource, &wanted) == 0;
}

static bool set_limits (const struct spawn_options *options)
{
    return limit (RLIMIT_AS, options->most_memory, 0) && limit (RLIMIT_FSIZE, options->most_file, 0) &&
           limit (RLIMIT_NPROC, options->most_processes, 0) &&
           limit (RLIMIT_CPU, options->most_cpu_seconds, 1);
}

/* Ignored signals stay ignored through exec, and so does the mask. */
static bool reset_signals (void)
{
    struct sigaction usual;
    sigset_t none;
    (void)memset (&usual, 0, sizeof usual);
    usual.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction (number, &usual, NULL); /* KILL, STOP and libc's own refuse; they need none */
    (void)sigemptyset (&none);
    return sigprocmask (SIG_SETMASK, &none, NULL) == 0;
}

_Noreturn void spawn_child (const struct spawn_plan *plan)
{
    const struct spawn_options *options = plan->options;
    if (setsid () < 0)
        give_up (plan, ACT_SESSION);
    if (!tie_to_parent (plan))
        give_up (plan, ACT_PARENT);
    if (!arrange_descriptors (plan))
        give_up (plan, ACT_DESCRIPTORS);
    if (chdir (options->folder != NULL ? options->folder : "/") != 0)
        give_up (plan, ACT_FOLDER);
    if (!set_limits (options))
        give_up (plan, ACT_LIMITS);
    if (!reset_signals ())
        give_up (plan, ACT_SIGNALS);
    /* exec takes its lists without const, and changes neither. */
    (void)execve (plan->program, (char *const *)options->words, (char *const *)options->environment);
    give_up (plan, ACT_EXEC);
}
