/* Loaded before an agent, it sets that agent's wall clock: the first eight bytes of the file that
   RELEVO_TEST_CLOCK names are the milliseconds by which it is ahead. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t ahead_ms (void)
{
    const char *path = getenv ("RELEVO_TEST_CLOCK");
    int64_t ahead = 0;
    int file = path != NULL ? open (path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    if (read (file, &ahead, sizeof ahead) != (ssize_t)sizeof ahead)
        ahead = 0;
    (void)close (file);
    return ahead;
}

int clock_gettime (clockid_t clock, struct timespec *ret)
{
    int failed = (int)syscall (SYS_clock_gettime, clock, ret);
    if (failed == 0 && clock == CLOCK_REALTIME)
        ret->tv_sec += ahead_ms () / 1000;
    return failed;
}
