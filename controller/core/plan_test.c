#include "controller/core/plan_test.h"

#include <string.h>

enum { TEST_DEADLINE = 30, LEAST_STATUS = 100, MOST_STATUS = 599, GOOD_STATUS = 200, NAME_ROOM = 60 };

static const char *const kind_keys[] = {[TEST_EXEC] = "exec", [TEST_HTTP] = "http", [TEST_TCP] = "tcp"};

const char *plan_path (struct arena *arena, const char *file, const char *path)
{
    const char *slash = strrchr (file, '/');
    if (path[0] == '/' || slash == NULL)
        return arena_text (arena, path);
    return arena_format (arena, "%.*s/%s", (int)(slash - file), file, path);
}

/* A name may hold less than a file name. */
static const char *name_of_file (struct arena *arena, const char *path)
{
    const char *slash = strrchr (path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char *name = arena_text_of (arena, base, strnlen (base, NAME_ROOM));
    for (char *c = name; *c != '\0'; c++)
        if (strchr ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *c) == NULL)
            *c = '_';
    if (!text_is_name (name))
        return "exec";
    return name;
}

static bool has_scheme (const char *url)
{
    return strncmp (url, "http://", 7) == 0 || strncmp (url, "https://", 8) == 0;
}

/* "HOST:PORT" or "[ADDRESS]:PORT"; the port may be a ${variable}. */
static bool has_port (const char *target)
{
    const char *colon = strrchr (target, ':');
    return colon != NULL && colon != target && colon[1] != '\0' && strchr (colon, '/') == NULL &&
           (colon[1] == '$' || strspn (colon + 1, "0123456789") == strlen (colon + 1));
}

static void read_target (struct plan_problems *problems, const struct tree *map, struct draft_test *draft)
{
    const char *key = kind_keys[draft->test.kind];
    const struct tree *node = tree_get (map, key);
    const char *target = field_text (problems, map, key, LIMIT_ADDRESS, NULL);
    if (target == NULL)
        return;
    if (draft->test.kind == TEST_EXEC) {
        draft->script = plan_path (problems->arena, node->file, target);
        draft->script_place = node;
        return;
    }
    draft->test.target = target;
    if (draft->test.kind == TEST_HTTP && !has_scheme (target))
        (void)plan_problem (
            problems, node, "http: '%.80s' is no URL: begin it with http:// or https://", target);
    if (draft->test.kind == TEST_TCP && !has_port (target))
        (void)plan_problem (
            problems, node, "tcp: '%.80s' has no port: write HOST:PORT, such as 127.0.0.1:${port}", target);
}

static bool find_kind (
    struct plan_problems *problems, const struct tree *map, const char *what, enum test_kind *ret)
{
    size_t found = 0;
    for (unsigned i = 0; i < test_kind_count; i++)
        if (tree_get (map, kind_keys[i]) != NULL) {
            *ret = (enum test_kind)i;
            found++;
        }
    if (found != 1)
        return plan_problem (
            problems, map, "a test of %s needs exactly one of exec, http and tcp, and has %zu of them", what,
            found);
    return true;
}

static void check_keys (struct plan_problems *problems, const struct tree *map, enum test_kind kind)
{
    static const char *const exec_keys[] = {"exec", "arguments", "deadline", "name"};
    static const char *const http_keys[] = {"http", "status", "body", "deadline", "name"};
    static const char *const tcp_keys[] = {"tcp", "deadline", "name"};
    if (kind == TEST_EXEC)
        (void)field_keys (problems, map, "an exec test", exec_keys, 4);
    else if (kind == TEST_HTTP)
        (void)field_keys (problems, map, "an http test", http_keys, 5);
    else
        (void)field_keys (problems, map, "a tcp test", tcp_keys, 3);
}

static bool read_test (
    struct plan_problems *problems, const struct tree *map, const char *what, struct draft_test *ret)
{
    struct draft_test draft = {
        .place = map, .test = {.name = "", .target = "", .body = "", .status = GOOD_STATUS}};
    const struct tree *arguments = tree_get (map, "arguments");
    struct error error;
    if (map->kind != TREE_MAP)
        return plan_problem (
            problems, map, "%s: a test is a map, such as {http: \"http://127.0.0.1:${port}/\"}", what);
    if (!find_kind (problems, map, what, &draft.test.kind))
        return false;
    check_keys (problems, map, draft.test.kind);
    read_target (problems, map, &draft);
    draft.test.name = field_name (problems, map, "name", "");
    draft.test.body = field_text (problems, map, "body", LIMIT_LINE, "");
    draft.test.status = draft.test.kind == TEST_HTTP
                            ? field_number (problems, map, "status", LEAST_STATUS, MOST_STATUS, GOOD_STATUS)
                            : 0;
    draft.test.deadline = field_span (problems, map, "deadline", span_seconds (TEST_DEADLINE));
    if (draft.test.deadline.ms == 0)
        (void)plan_problem (problems, tree_get (map, "deadline"), "deadline: must be longer than 0");
    if (arguments != NULL && !tree_texts (
                                 arguments, "arguments", LIMIT_ARGUMENTS, LIMIT_ARGUMENT, problems->arena,
                                 &draft.test.arguments, &draft.test.arguments_count, &error))
        (void)plan_problem_take (problems, arguments, &error);
    *ret = draft;
    return true;
}

static bool has_name (const struct draft_test *tests, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (tests[i].test.name, name) == 0)
            return true;
    return false;
}

/* Written names first, so that a made-up one never takes the name of a later test. */
static void name_tests (struct plan_problems *problems, struct draft_tests *tests)
{
    for (size_t i = 0; i < tests->count; i++)
        if (tests->items[i].test.name[0] != '\0' && has_name (tests->items, i, tests->items[i].test.name))
            (void)plan_problem (
                problems, tree_get (tests->items[i].place, "name"),
                "name: another test of this list is named '%s' too: give each its own",
                tests->items[i].test.name);
    for (size_t i = 0; i < tests->count; i++) {
        struct draft_test *draft = &tests->items[i];
        const char *stem = draft->script != NULL ? name_of_file (problems->arena, draft->script)
                                                 : kind_keys[draft->test.kind];
        const char *name = stem;
        if (draft->test.name[0] != '\0')
            continue;
        for (size_t number = 2; has_name (tests->items, tests->count, name); number++)
            name = arena_format (problems->arena, "%s-%zu", stem, number);
        draft->test.name = name;
    }
}

struct draft_tests plan_tests_read (struct plan_problems *problems, const struct tree *list, const char *what)
{
    struct draft_tests tests = {0};
    if (list->kind != TREE_LIST || list->count == 0 || list->count > LIMIT_TESTS) {
        (void)plan_problem (
            problems, list, "%s: expected a list of 1 to %d tests, such as - {http: \"http://…\"}", what,
            LIMIT_TESTS);
        return tests;
    }
    tests.items = arena_array (problems->arena, list->count, sizeof *tests.items);
    for (size_t i = 0; i < list->count; i++)
        if (read_test (problems, list->items[i], what, &tests.items[tests.count]))
            tests.count++;
    name_tests (problems, &tests);
    return tests;
}

struct draft_suites plan_suites_read (struct plan_problems *problems, const struct tree *map)
{
    struct draft_suites suites = {0};
    if (map == NULL)
        return suites;
    if (map->kind != TREE_MAP || map->count > LIMIT_SUITES) {
        (void)plan_problem (
            problems, map, "suites: expected a map of at most %d names, each with its list of tests",
            LIMIT_SUITES);
        return suites;
    }
    suites.items = arena_array (problems->arena, map->count, sizeof *suites.items);
    for (size_t i = 0; i < map->count; i++) {
        struct draft_suite *suite = &suites.items[suites.count];
        struct error error;
        suite->place = map->keys[i];
        if (!tree_name (map->keys[i], "suites", &suite->name, &error)) {
            (void)plan_problem_take (problems, map->keys[i], &error);
            continue;
        }
        suite->tests = plan_tests_read (
            problems, map->items[i], arena_format (problems->arena, "suite '%s'", suite->name));
        suites.count++;
    }
    return suites;
}

const struct draft_suite *plan_suite_named (const struct draft_suites *suites, const char *name)
{
    for (size_t i = 0; i < suites->count; i++)
        if (strcmp (suites->items[i].name, name) == 0)
            return &suites->items[i];
    return NULL;
}

static const struct plan_file *find_file (const struct plan_file *files, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (files[i].path, path) == 0)
            return &files[i];
    return NULL;
}

struct test *plan_tests_finish (
    struct plan_problems *problems, const struct draft_tests *tests, const struct plan_file *files,
    size_t file_count)
{
    struct test *finished = arena_array (problems->arena, tests->count, sizeof *finished);
    for (size_t i = 0; i < tests->count; i++) {
        const struct draft_test *draft = &tests->items[i];
        const struct plan_file *file;
        finished[i] = draft->test;
        if (draft->script == NULL)
            continue;
        file = find_file (files, file_count, draft->script);
        if (file == NULL) {
            (void)plan_problem (problems, draft->script_place, "exec: no file '%s'", draft->script);
            continue;
        }
        finished[i].script = file->digest;
        finished[i].length = file->length;
    }
    return finished;
}
