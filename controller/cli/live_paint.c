#include <string.h>

#include "controller/cli/live.h"

/* Colour follows the marks, so that the text is laid out, and cut, without knowing of it. */
static const struct {
    const char *mark;
    const char *code;
} paints[] = {
    {"✔", "32"},
    {"✘", "31"},
    {"◐", "36"},
    {"○", "2"},
    {"↩", "33"},
    {"! ", "33"},
    {"█", "36"},
    {"░", "2"},
    {"next:", "1"},
    {"reason:", "1"},
    {"HOST ", "1"},
    {"● ", "36"},
    {"● Healthy", "32"},
    {"● Degraded", "31"},
    {"● Aborted", "31"},
    {"● RolledBack", "33"},
    {"● RollingBack", "33"},
    {"● AwaitingApproval", "33"},
    {"● Paused", "33"},
    {"● Progressing", "36"},
};

/* The longest mark at this place; NULL where there is none. */
static const char *mark_at (const char *place, const char **ret_code)
{
    const char *best = NULL;
    for (size_t i = 0; i < sizeof paints / sizeof paints[0]; i++) {
        size_t size = strlen (paints[i].mark);
        if (strncmp (place, paints[i].mark, size) == 0 && (best == NULL || size > strlen (best))) {
            best = paints[i].mark;
            *ret_code = paints[i].code;
        }
    }
    return best;
}

void live_paint (const char *text, struct buffer *out)
{
    while (*text != '\0') {
        const char *code = NULL;
        const char *mark = mark_at (text, &code);
        if (mark != NULL) {
            buffer_print (out, "\033[%sm%s\033[0m", code, mark);
            text += strlen (mark);
        } else
            buffer_append (out, text++, 1);
    }
}
