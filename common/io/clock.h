/* The clocks and the randomness of the operating system. */
#ifndef RELEVO_COMMON_IO_CLOCK_H
#define RELEVO_COMMON_IO_CLOCK_H

#include <stddef.h>

#include "common/core/time.h"

struct instant clock_now (void);    /* wall clock (CLOCK_REALTIME) */
struct instant clock_steady (void); /* CLOCK_MONOTONIC, in the same type: only for differences */
uint64_t random_number (void);
void random_fill (void *data, size_t size);

#endif
