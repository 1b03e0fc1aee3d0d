/* What is wrong with a plan: every error that can be found, with its place, for one reading by a person. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_PROBLEM_H
#define RELEVO_CONTROLLER_CORE_PLAN_PROBLEM_H

#include "common/core/tree.h"

enum { PLAN_PROBLEMS = 64 };

struct plan_problem {
    const char *file;
    unsigned line;
    unsigned column;
    bool warning;
    const char *text; /* "file:line:column: …", in the arena of the list */
};

/* Set `arena`; the rest begins as zero. */
struct plan_problems {
    struct arena *arena;
    struct plan_problem items[PLAN_PROBLEMS];
    size_t count;
    size_t errors; /* all of them, also those beyond PLAN_PROBLEMS */
    size_t warnings;
};

/* Adds an error or a warning at `place`. The same text at the same place is kept once. Always returns false.
 */
bool plan_problem (struct plan_problems *problems, const struct tree *place, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void plan_warning (struct plan_problems *problems, const struct tree *place, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Adds an error that a function of tree.h made about the same file as `place`. Always returns false. */
bool plan_problem_take (struct plan_problems *problems, const struct tree *place, const struct error *error);

/* "'WORD': did you mean 'NEAREST'?", or "'WORD': use one of A, B, C" (at most a few, then "…"), or, without
   any words, "'WORD': there is none". In the arena of `problems`. */
const char *plan_advice (
    struct plan_problems *problems, const char *word, const char *const *words, size_t count);

/* By file, line and column; the main file (that of the first argument) goes first. */
void plan_problems_sort (struct plan_problems *problems, const char *main_file);
/* Appends a line each, and how many did not fit. */
void plan_problems_print (const struct plan_problems *problems, struct buffer *out);

#endif
