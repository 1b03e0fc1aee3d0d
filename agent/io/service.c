#include "agent/io/service.h"

#include <string.h>

#include "agent/io/probe.h"
#include "common/io/file.h"

enum { COMMAND_DEFAULT_MS = 300000 }; /* for a command that names no deadline */

/* A shell finds the variables in its environment. Put into its script, a value could become code. */
static bool is_shell_script (const struct command *command)
{
    return command->words_count == 3 && strcmp (command->words[0], "/bin/sh") == 0 &&
           strcmp (command->words[1], "-c") == 0;
}

static bool words_of (
    const struct command *command, const struct variables *variables, struct arena *arena,
    const char *const **ret, struct error *error)
{
    const char **words;
    if (!is_shell_script (command))
        return variables_words (
            variables, NULL, (const char *const *)command->words, command->words_count, arena, ret, error);
    words = arena_array (arena, command->words_count + 1, sizeof *words);
    (void)memcpy (words, command->words, command->words_count * sizeof *words);
    *ret = (const char *const *)words;
    return true;
}

bool service_start (
    const struct command *command, const char *folder, const struct variables *variables, bool leaves,
    struct spawn **ret, struct error *error)
{
    struct arena arena = {0};
    struct spawn_options options = {
        .folder = file_exists (folder) ? folder : NULL,
        .deadline = {command->deadline.ms > 0 ? command->deadline.ms : COMMAND_DEFAULT_MS},
        .environment = variables_environment (variables, &arena),
        .leave_group = leaves};
    bool good =
        words_of (command, variables, &arena, &options.words, error) && spawn_start (&options, ret, error);
    arena_free (&arena);
    return good;
}

static const char *last_line (const char *text, struct arena *arena)
{
    size_t end = strlen (text);
    size_t start;
    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' '))
        end--;
    start = end;
    while (start > 0 && text[start - 1] != '\n')
        start--;
    return arena_text_of (arena, text + start, end - start);
}

bool service_judge (
    const struct spawn_result *result, const char *what, struct arena *arena, const char **ret_detail)
{
    char text[LIMIT_LINE];
    const char *line = last_line (result->tail, arena);
    if (!result->timed_out && result->exit_code == 0) {
        *ret_detail = "";
        return true;
    }
    *ret_detail = probe_line (
        arena_format (
            arena, "the %s command: %s%s%s", what, spawn_explain (result, text, sizeof text),
            line[0] != '\0' ? "; it said: " : "", line),
        arena);
    return false;
}
