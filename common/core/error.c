#include "common/core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/core/text.h"

/* Words may come from outside, and be cut: half a character, in them or at their end, would make of the whole
   text something that no message and no journal entry can hold. */
static void make_whole (struct error *error)
{
    error->text[text_cut (error->text, strlen (error->text))] = '\0';
    text_mend (error->text);
}

void error_write (struct error *error, enum error_kind kind, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        error->kind = kind;
        va_start (arguments, format);
        (void)vsnprintf (error->text, sizeof error->text, format, arguments);
        va_end (arguments);
        make_whole (error);
    }
}

void error_prefix (struct error *error, const char *format, ...)
{
    if (error != NULL) {
        char cause[ERROR_TEXT_MAX];
        va_list arguments;
        int written;
        (void)memcpy (cause, error->text, sizeof cause);
        va_start (arguments, format);
        written = vsnprintf (error->text, sizeof error->text, format, arguments);
        va_end (arguments);
        if (written >= 0 && (size_t)written < sizeof error->text)
            (void)snprintf (
                error->text + written, sizeof error->text - (size_t)written, ": %.*s",
                (int)(sizeof error->text - (size_t)written), cause);
        make_whole (error);
    }
}

const char *error_kind_name (enum error_kind kind)
{
    static const char *const names[] = {
        [ERROR_REFUSED] = "refused",   [ERROR_INPUT] = "input",     [ERROR_LIMIT] = "limit",
        [ERROR_EXPIRED] = "expired",   [ERROR_MISSING] = "missing", [ERROR_CONFLICT] = "conflict",
        [ERROR_TIMEOUT] = "timed out", [ERROR_SYSTEM] = "system",
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}
