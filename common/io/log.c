#include "common/io/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/core/safe_text.h"
#include "common/io/clock.h"

enum { LOG_TEXT_MAX = 4096 };

static const char *level_name (enum log_level level)
{
    static const char *const names[] = {"debug", "note", "warning", "problem"};
    return names[level];
}

/* Where stderr is gone there is nobody left to tell. */
static void write_line (struct bytes line)
{
    while (line.size > 0) {
        ssize_t done = write (STDERR_FILENO, line.data, line.size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        line.data += done;
        line.size -= (size_t)done;
    }
}

void log_line (const struct log *log, enum log_level level, const char *format, ...)
{
    char text[LOG_TEXT_MAX];
    char time[TIME_TEXT_SIZE];
    struct buffer line = {0};
    va_list arguments;
    int written;
    if (level < log->least)
        return;
    va_start (arguments, format);
    written = vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    if (written < 0)
        text[0] = '\0';
    buffer_print (&line, "%s %s %s: ", instant_print (clock_now (), time), level_name (level), log->program);
    text_escape (text, text_cut (text, strlen (text)), &line);
    buffer_text (&line, "\n");
    /* One write, so that lines of several processes on one stderr do not mix. */
    write_line (buffer_bytes (&line));
    buffer_free (&line);
}
