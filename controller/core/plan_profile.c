#include "controller/core/plan_profile.h"

#include <string.h>

enum { COMMAND_DEADLINE = 60, HEALTH_INTERVAL = 1, KEEP_RELEASES = 3, LEAST_KEPT = 2, MOST_KEPT = 1000 };

static void read_words (struct plan_problems *problems, const struct tree *node, struct command *command)
{
    struct error error;
    const char *text;
    if (node->kind == TREE_SCALAR) {
        if (!tree_text (node, "command", LIMIT_ARGUMENT, &text, &error)) {
            (void)plan_problem_take (problems, node, &error);
            return;
        }
        command->words = arena_array (problems->arena, 3, sizeof *command->words);
        command->words[0] = "/bin/sh";
        command->words[1] = "-c";
        command->words[2] = text;
        command->words_count = 3;
        return;
    }
    if (!tree_texts (
            node, "command", LIMIT_ARGUMENTS, LIMIT_ARGUMENT, problems->arena, &command->words,
            &command->words_count, &error))
        (void)plan_problem_take (problems, node, &error);
    else if (command->words_count == 0)
        (void)plan_problem (problems, node, "command: the list is empty: write the program and its words");
}

static struct command read_command (struct plan_problems *problems, const struct tree *root, const char *key)
{
    static const char *const keys[] = {"command", "deadline"};
    struct command command = {.deadline = span_seconds (COMMAND_DEADLINE)};
    const struct tree *map = tree_get (root, key);
    const struct tree *words;
    if (map == NULL || !field_keys (problems, map, key, keys, sizeof keys / sizeof keys[0]))
        return command;
    words = field_need (
        problems, map, map, key, "command", "a list of words, or a text for the shell, such as command: |");
    if (words != NULL)
        read_words (problems, words, &command);
    command.deadline = field_span (problems, map, "deadline", command.deadline);
    if (command.deadline.ms == 0)
        (void)plan_problem (problems, tree_get (map, "deadline"), "deadline: must be longer than 0");
    return command;
}

struct draft_profile plan_profile_read (struct plan_problems *problems, const struct tree *root)
{
    static const char *const keys[] = {"product",         "start",         "stop",  "health",
                                       "health_interval", "keep_releases", "suites"};
    struct draft_profile profile = {.root = root, .product = ""};
    const struct tree *health;
    if (!field_keys (problems, root, "a profile", keys, sizeof keys / sizeof keys[0]))
        return profile;
    (void)field_need (problems, root, root, "a profile", "product", "the product's name in the fleet");
    profile.product = field_name (problems, root, "product", "");
    profile.start = read_command (problems, root, "start");
    profile.stop = read_command (problems, root, "stop");
    health = field_need (
        problems, root, root, "a profile", "health", "at least one test that says whether the product works");
    if (health != NULL)
        profile.health = plan_tests_read (problems, health, "health");
    profile.health_interval = field_span (problems, root, "health_interval", span_seconds (HEALTH_INTERVAL));
    if (profile.health_interval.ms == 0)
        (void)plan_problem (
            problems, tree_get (root, "health_interval"), "health_interval: must be longer than 0");
    profile.keep_releases =
        field_number (problems, root, "keep_releases", LEAST_KEPT, MOST_KEPT, KEEP_RELEASES);
    profile.suites = plan_suites_read (problems, tree_get (root, "suites"));
    return profile;
}
