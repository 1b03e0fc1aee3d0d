/* The picture of a rollout as text. Pure: view and time in, text out; what draws it on a terminal is watch.c.
 */
#ifndef RELEVO_CONTROLLER_CLI_LIVE_H
#define RELEVO_CONTROLLER_CLI_LIVE_H

#include "controller/cli/view.h"

struct live_options {
    struct instant now;
    unsigned width;   /* columns; no line is longer */
    unsigned height;  /* most lines; 0: no bound. Hosts that need no attention are left out first. */
    const char *note; /* shown below, NULL: none */
};

/* Appends lines, each with its newline, without colours. */
void live_text (const struct view *view, const struct live_options *options, struct buffer *out);
/* The same text with colours by its marks. Appends. */
void live_paint (const char *text, struct buffer *out);

/* What differs between two states, one line a change, each "TIME WHAT: HOW\n"; for streams that are no
   terminal. `before` may be empty. Appends. */
void live_changes (const struct view *before, const struct view *after, struct buffer *out);

/* What a step says of itself, its counts first: "2/3 connect-p1, …". Appends. */
void live_step_words (const struct view_step *step, struct buffer *out);

/* The commands that are of use now: "relevo rollout pause 42 | …", "" where none is. Appends. */
void live_next (const struct view *view, struct buffer *out);

#endif
