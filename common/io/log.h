/* One line an event on stderr: "2026-06-01T09:30:00Z level program: text". Only programs log; libraries
 * return errors. */
#ifndef RELEVO_COMMON_IO_LOG_H
#define RELEVO_COMMON_IO_LOG_H

#include <stdbool.h>

#include "common/core/error.h"

enum log_level { LOG_DEBUG, LOG_NOTE, LOG_WARNING, LOG_PROBLEM };

struct log {
    const char *program;
    enum log_level least;
};

/* Control characters are shown as \xNN, so that nothing from outside can forge a line. */
void log_line (const struct log *log, enum log_level level, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif
