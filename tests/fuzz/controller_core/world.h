/* What the targets of plans and of product profiles share: the world of the unit tests, and what holds of
   whatever they read. */
#ifndef RELEVO_TESTS_FUZZ_CONTROLLER_CORE_WORLD_H
#define RELEVO_TESTS_FUZZ_CONTROLLER_CORE_WORLD_H

#include "tests/fuzz/fuzz.h"

#include "common/core/accept.h"
#include "controller/core/plan_diff.h"
#include "controller/core/plan_show.h"
#include "tests/unit/controller_core/plan_world.h"

/* At most: YAML also breaks lines at CR, NEL, LS and PS, which here are known by their last bytes. */
static inline size_t lines_of (const char *text)
{
    size_t lines = 1;
    for (; *text != '\0'; text++)
        lines += strchr ("\n\r\x85\xA8\xA9", *text) != NULL;
    return lines;
}

/* Every problem has a place in the file, which begins its text, and words. */
static inline void check_problems (const struct plan_problems *problems, const char *file, const char *text)
{
    struct arena arena = {0};
    assert (problems->count <= problems->errors + problems->warnings);
    for (size_t i = 0; i < problems->count; i++) {
        const struct plan_problem *problem = &problems->items[i];
        const char *place =
            arena_format (&arena, "%s:%u:%u: ", problem->file, problem->line, problem->column);
        assert (problem->line >= 1 && problem->column >= 1);
        assert (
            strncmp (problem->text, place, strlen (place)) == 0 && strlen (problem->text) > strlen (place));
        assert (text_is_utf8 (problem->text, strlen (problem->text)));
        assert (strcmp (problem->file, file) != 0 || problem->line <= lines_of (text) + 1);
    }
    arena_free (&arena);
}

/* A plan that was built can be signed, checked and shown, and is no different from what is read back. */
static inline void check_built (const struct plan *plan)
{
    struct arena arena = {0};
    struct buffer document = {0};
    struct buffer shown = {0};
    struct plan again;
    assert (plan_check (plan, NULL));
    assert (document_write (&plan_type, plan, &document, NULL));
    assert (document_read (&plan_type, buffer_bytes (&document), &arena, &again, NULL));
    assert (plan_diff (plan, &again, &shown) == 0);
    plan_show (plan, &shown);
    for (char *line = strtok (shown.data, "\n"); line != NULL; line = strtok (NULL, "\n"))
        assert (text_is_printable (line, strlen (line)));
    buffer_free (&document);
    buffer_free (&shown);
    arena_free (&arena);
}

#endif
