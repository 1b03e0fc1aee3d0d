#include "controller/core/plan_problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADVICE_WORDS = 12 };

static void add (struct plan_problems *problems, struct plan_problem problem)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp (problems->items[i].text, problem.text) == 0)
            return;
    if (problem.warning)
        problems->warnings++;
    else
        problems->errors++;
    if (problems->count < PLAN_PROBLEMS)
        problems->items[problems->count++] = problem;
}

static void add_at (
    struct plan_problems *problems, const struct tree *place, bool warning, const char *format,
    va_list arguments)
{
    char text[ERROR_TEXT_MAX];
    (void)vsnprintf (text, sizeof text, format, arguments);
    text_mend (text); /* words may have been cut within a character */
    add (
        problems, (struct plan_problem){
                      .file = place->file,
                      .line = place->line,
                      .column = place->column,
                      .warning = warning,
                      .text = arena_format (
                          problems->arena, "%s:%u:%u: %s%s", place->file, place->line, place->column,
                          warning ? "warning: " : "", text)});
}

bool plan_problem (struct plan_problems *problems, const struct tree *place, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    add_at (problems, place, false, format, arguments);
    va_end (arguments);
    return false;
}

void plan_warning (struct plan_problems *problems, const struct tree *place, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    add_at (problems, place, true, format, arguments);
    va_end (arguments);
}

/* The error may stand at a node below `place`; only its text says where. */
bool plan_problem_take (struct plan_problems *problems, const struct tree *place, const struct error *error)
{
    struct plan_problem problem = {
        .file = place->file,
        .line = place->line,
        .column = place->column,
        .text = arena_text (problems->arena, error->text)};
    size_t prefix = strlen (place->file);
    if (strncmp (error->text, place->file, prefix) == 0 && error->text[prefix] == ':') {
        char *end;
        problem.line = (unsigned)strtoul (error->text + prefix + 1, &end, 10);
        problem.column = *end == ':' ? (unsigned)strtoul (end + 1, NULL, 10) : 0;
    }
    add (problems, problem);
    return false;
}

const char *plan_advice (
    struct plan_problems *problems, const char *word, const char *const *words, size_t count)
{
    const char *nearest = text_nearest (word, words, count);
    struct buffer list = {0};
    const char *advice;
    if (nearest != NULL)
        return arena_format (problems->arena, "'%.80s': did you mean '%s'?", word, nearest);
    if (count == 0)
        return arena_format (problems->arena, "'%.80s': there is none", word);
    for (size_t i = 0; i < count && i < ADVICE_WORDS; i++)
        buffer_print (&list, "%s%s", i > 0 ? ", " : "", words[i]);
    if (count > ADVICE_WORDS)
        buffer_text (&list, ", …");
    advice = arena_format (problems->arena, "'%.80s': use one of %s", word, list.data);
    buffer_free (&list);
    return advice;
}

struct sort_key {
    bool other_file;
    size_t index;
    struct plan_problem problem;
};

static int compare (const void *first, const void *second)
{
    const struct sort_key *left = first;
    const struct sort_key *right = second;
    int names = strcmp (left->problem.file, right->problem.file);
    if (left->other_file != right->other_file)
        return left->other_file ? 1 : -1;
    if (names != 0)
        return names;
    if (left->problem.line != right->problem.line)
        return left->problem.line < right->problem.line ? -1 : 1;
    if (left->problem.column != right->problem.column)
        return left->problem.column < right->problem.column ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

void plan_problems_sort (struct plan_problems *problems, const char *main_file)
{
    struct sort_key keys[PLAN_PROBLEMS];
    if (problems->count < 2)
        return;
    for (size_t i = 0; i < problems->count; i++)
        keys[i] = (struct sort_key){strcmp (problems->items[i].file, main_file) != 0, i, problems->items[i]};
    qsort (keys, problems->count, sizeof keys[0], compare);
    for (size_t i = 0; i < problems->count; i++)
        problems->items[i] = keys[i].problem;
}

void plan_problems_print (const struct plan_problems *problems, struct buffer *out)
{
    size_t all = problems->errors + problems->warnings;
    for (size_t i = 0; i < problems->count; i++)
        buffer_print (out, "%s\n", problems->items[i].text);
    if (all > problems->count)
        buffer_print (out, "… and %zu more\n", all - problems->count);
}
