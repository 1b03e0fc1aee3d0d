#include "common/io/clock.h"

#include <assert.h>
#include <sodium.h>
#include <time.h>

static struct instant read_clock (clockid_t clock)
{
    struct timespec time;
    int failed = clock_gettime (clock, &time);
    assert (failed == 0);
    return (struct instant){(int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000};
}

struct instant clock_now (void)
{
    return read_clock (CLOCK_REALTIME);
}

struct instant clock_steady (void)
{
    return read_clock (CLOCK_MONOTONIC);
}

void random_fill (void *data, size_t size)
{
    int failed = sodium_init (); /* may be called any number of times */
    assert (failed >= 0);
    randombytes_buf (data, size);
}

uint64_t random_number (void)
{
    uint64_t number;
    random_fill (&number, sizeof number);
    return number;
}
