/* Child processes with limits, a deadline and a captured tail: the one way in which relevo runs anything, but
   for the ssh-keygen that has to ask its owner on the terminal (controller/cli/ssh_sign.h). The child gets
   its own session and process group, no descriptor beyond 0–2, /dev/null as input, stdout and stderr into one
   pipe, and exactly the environment that it is given. */
#ifndef RELEVO_COMMON_IO_SPAWN_H
#define RELEVO_COMMON_IO_SPAWN_H

#include <sys/types.h>

#include "common/core/error.h"
#include "common/core/text.h"
#include "common/core/time.h"
#include "proto/limits.h"

struct spawn_options {
    const char *const *words;       /* ends with NULL; the first is looked up in PATH of `environment`, or in
                                       the system's usual folders where there is no PATH */
    const char *const *environment; /* "NAME=value", ends with NULL */
    const char *folder;             /* working folder, NULL: / */
    struct span deadline;           /* afterwards TERM to the group, and KILL five seconds later; 0: none */
    uint64_t most_memory;           /* RLIMIT_AS in bytes, 0: none */
    uint64_t most_file;             /* RLIMIT_FSIZE in bytes, 0: none */
    uint64_t most_processes;        /* RLIMIT_NPROC, 0: none */
    uint64_t most_cpu_seconds;      /* RLIMIT_CPU, 0: none */
    bool leave_group; /* a start command: what it leaves behind in the background goes on, and its pipe's
                         being still open does not keep the command from being over. What goes on may keep
                         writing into the pipe: it is lost, but does no harm. Without leave_group, the command
                         is over when its output is closed too, and what is left of its group is killed. */
};

/* A running child. Owned by the caller; spawn_free kills what still runs, unless leave_group. */
struct spawn;

struct spawn_result {
    bool timed_out;
    struct span deadline; /* what it was given */
    int exit_code;        /* -1 where a signal ended it */
    int signal;           /* 0 where it exited */
    struct span took;
    char tail[LIMIT_TAIL + 1]; /* the end of its output, cut at a character, control characters except \n and
                                  \t replaced by '?', always valid UTF-8 */
};

bool spawn_start (const struct spawn_options *options, struct spawn **ret, struct error *error);
/* Descriptors to poll for reading: the output pipe, and one that becomes readable when the child ends (a
   pidfd). Either may be -1 when that is over. */
int spawn_output (const struct spawn *spawn);
int spawn_ending (const struct spawn *spawn);
struct instant spawn_deadline (
    const struct spawn *spawn); /* on clock_steady: when spawn_service must be called at the latest */
/* Takes output, enforces the deadline. True, from then on at every call, when the child is over and `ret` is
 * filled. Never blocks. */
bool spawn_service (struct spawn *spawn, struct spawn_result *ret);
void spawn_free (struct spawn **spawn);

/* Start, wait, free: for programs without a loop. */
bool spawn_run (const struct spawn_options *options, struct spawn_result *ret, struct error *error);

/* "exit code 3", "killed by signal 9 (Killed)", "no end within 30s": for people. Static or in `text`. */
const char *spawn_explain (const struct spawn_result *result, char *text, size_t size);

#endif
