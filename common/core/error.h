/* Errors travel up as values: a kind that a program can act on, and words that a person can act on. */
#ifndef RELEVO_COMMON_CORE_ERROR_H
#define RELEVO_COMMON_CORE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum error_kind {
    ERROR_REFUSED = 0, /* a signature, gate or permission says no; zero, so that a forgotten kind refuses */
    ERROR_INPUT,       /* the bytes or words that came from outside are wrong */
    ERROR_LIMIT,       /* a named bound is exceeded */
    ERROR_EXPIRED,     /* it was valid once */
    ERROR_MISSING,     /* something named is not there */
    ERROR_CONFLICT,    /* it is right, but not now: something else stands in its way */
    ERROR_TIMEOUT,     /* a deadline passed */
    ERROR_SYSTEM,      /* the operating system or a library failed */
};

enum { ERROR_TEXT_MAX = 1024 };

struct error {
    enum error_kind kind;
    char text[ERROR_TEXT_MAX];
};

/* Writes the error; `error` may be NULL where the caller needs only the verdict. The macro's value is false,
   so that `return error_set (…)` ends a function that returns bool, and every compiler and analyser knows
   that it failed. */
#define error_set(error, kind, ...) (error_write (error, kind, __VA_ARGS__), false)
void error_write (struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Puts "context: " before the text of an error that is being passed on. Its value is false too. */
#define error_context(error, ...) (error_prefix (error, __VA_ARGS__), false)
void error_prefix (struct error *error, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/* "refused", "input", … for machine-readable output. Static storage. */
const char *error_kind_name (enum error_kind kind);

#endif
