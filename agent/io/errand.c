#include "agent/io/errand.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ERRAND_PIECE = 4096, ERRAND_ANSWER_MAX = 4 * 1024 * 1024 };

/* What the child writes first; the answer follows. Both ends are the same program. */
struct errand_verdict {
    bool good;
    struct error error;
};

struct errand {
    pid_t child; /* 0 once it was waited for */
    int pipe;
    struct buffer received;
};

static void write_whole (int descriptor, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t done = write (descriptor, at, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        at += done;
        size -= (size_t)done;
    }
}

static void run_child (errand_work work, void *context, int descriptor, pid_t parent)
{
    struct errand_verdict verdict;
    struct buffer answer = {0};
    (void)prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)
        _exit (1);
    (void)memset (&verdict, 0, sizeof verdict);
    verdict.good = work (context, &answer, &verdict.error);
    write_whole (descriptor, &verdict, sizeof verdict);
    write_whole (descriptor, answer.data, answer.size);
    _exit (0);
}

bool errand_start (errand_work work, void *context, struct errand **ret, struct error *error)
{
    struct errand *errand;
    pid_t parent = getpid ();
    int ends[2];
    pid_t child;
    if (pipe2 (ends, O_CLOEXEC) != 0)
        return error_set (error, ERROR_SYSTEM, "make a pipe: %s", strerror (errno));
    child = fork ();
    if (child == 0) {
        (void)close (ends[0]);
        run_child (work, context, ends[1], parent);
    }
    (void)close (ends[1]);
    if (child < 0) {
        (void)close (ends[0]);
        return error_set (error, ERROR_SYSTEM, "start a child: %s", strerror (errno));
    }
    (void)fcntl (ends[0], F_SETFL, O_NONBLOCK);
    errand = calloc (1, sizeof *errand);
    assert (errand != NULL);
    errand->child = child;
    errand->pipe = ends[0];
    *ret = errand;
    return true;
}

int errand_descriptor (const struct errand *errand)
{
    return errand->pipe;
}

static void reap (struct errand *errand)
{
    while (waitpid (errand->child, NULL, 0) < 0 && errno == EINTR)
        ;
    errand->child = 0;
}

bool errand_service (struct errand *errand, bool *ret_good, struct error *error)
{
    char piece[ERRAND_PIECE];
    struct errand_verdict verdict;
    ssize_t size;
    while ((size = read (errand->pipe, piece, sizeof piece)) != 0) {
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return false;
        if (errand->received.size < ERRAND_ANSWER_MAX)
            buffer_append (&errand->received, piece, (size_t)size);
    }
    reap (errand);
    if (errand->received.size < sizeof verdict) {
        *ret_good = error_set (error, ERROR_SYSTEM, "the child that did this was killed or crashed");
        return true;
    }
    (void)memcpy (&verdict, errand->received.data, sizeof verdict);
    *ret_good = verdict.good;
    if (!verdict.good && error != NULL)
        *error = verdict.error;
    return true;
}

struct bytes errand_answer (const struct errand *errand)
{
    struct bytes answer = {0};
    if (errand->received.size > sizeof (struct errand_verdict)) {
        answer.data = (const uint8_t *)errand->received.data + sizeof (struct errand_verdict);
        answer.size = errand->received.size - sizeof (struct errand_verdict);
    }
    return answer;
}

void errand_free (struct errand **errand)
{
    if (*errand == NULL)
        return;
    if ((*errand)->child > 0) {
        (void)kill ((*errand)->child, SIGKILL);
        reap (*errand);
    }
    (void)close ((*errand)->pipe);
    buffer_free (&(*errand)->received);
    free (*errand);
    *errand = NULL;
}
