/* Two kinds of time that the compiler keeps apart: a moment, and a length of time. Core code never asks for
   the time: it arrives with the event. */
#ifndef RELEVO_COMMON_CORE_TIME_H
#define RELEVO_COMMON_CORE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/error.h"

/* Milliseconds since 1970-01-01T00:00:00Z; 0 stands for "not set". */
struct instant {
    int64_t ms;
};

/* Milliseconds; 0 stands for "not set" where a field is optional. */
struct span {
    int64_t ms;
};

enum { TIME_TEXT_SIZE = 32 };

struct instant instant_add (struct instant instant, struct span span); /* saturates */
struct span instant_between (
    struct instant from, struct instant to); /* negative where to < from; saturates */
bool instant_before (struct instant first, struct instant second);
struct instant instant_earlier (struct instant first, struct instant second);
struct span span_seconds (int64_t seconds);

/* What a program that never stops takes for the time: the steady clock's `passed` since `before`, or the wall
   clock where that is ahead. A wall clock that was set back a little would only put off deadlines, so it is
   waited for; where it is more than a minute behind, what was believed before was wrong, and others, whose
   clocks are right, refuse what is dated by it. */
struct instant instant_follow (struct instant before, struct span passed, struct instant wall);

/* "2026-06-01T09:30:00Z" (RFC 3339, UTC, whole seconds), "never" for 0. Returns `text`. */
const char *instant_print (struct instant instant, char text[TIME_TEXT_SIZE]);

/* "250ms", "41s", "03:12", "2h05m", "3d04h": one short form for people. Returns `text`. */
const char *span_print (struct span span, char text[TIME_TEXT_SIZE]);

/* "500ms", "10s", "5m", "2h", "1d", and sums such as "1h30m". The error names what was expected; it has no
   position, which the caller adds. */
bool span_parse (const char *text, struct span *ret, struct error *error);

#endif
