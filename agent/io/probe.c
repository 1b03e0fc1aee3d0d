#include "agent/io/probe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/io/probe_child.h"
#include "agent/io/store.h"
#include "common/io/clock.h"
#include "common/io/file.h"

/* Bounds for a script that a plan brings; its deadline comes from the plan. */
static const uint64_t SCRIPT_MEMORY = UINT64_C (8) * 1024 * 1024 * 1024;
static const uint64_t SCRIPT_FILE = UINT64_C (1) * 1024 * 1024 * 1024;
enum {
    SCRIPT_PROCESSES = 4096,
    SCRIPT_CPU_SECONDS = 3600,
    PROBE_CPU_SECONDS = 60,
    PROBE_DEFAULT_MS = 10000, /* for a test that names no deadline */
    PROBE_GRACE_MS = 2000,    /* the child notices its deadline itself; this is for one that hangs */
};

struct probe {
    struct spawn *spawn;
    enum test_kind kind;
    struct arena arena;
    const char *name;
    const char *script; /* to be removed; NULL if none */
};

const char *probe_line (const char *text, struct arena *arena)
{
    size_t size = text_cut (text, strlen (text) < LIMIT_LINE ? strlen (text) : LIMIT_LINE);
    char *line = arena_text_of (arena, text, size);
    bool is_utf8 = text_is_utf8 (line, size);
    size_t i;
    for (i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)line[i];
        if (byte < 0x20 || byte == 0x7f)
            line[i] = ' ';
        else if (byte >= 0x80 && !is_utf8)
            line[i] = '?';
    }
    return line;
}

static struct span test_deadline (const struct test *test)
{
    return (struct span){test->deadline.ms > 0 ? test->deadline.ms : PROBE_DEFAULT_MS};
}

static bool start_script (
    const struct probe_tools *tools, const struct test *test, const struct variables *variables,
    struct probe *probe, struct error *error)
{
    struct spawn_options options = {
        .deadline = test_deadline (test),
        .most_memory = SCRIPT_MEMORY,
        .most_file = SCRIPT_FILE,
        .most_processes = SCRIPT_PROCESSES,
        .most_cpu_seconds = SCRIPT_CPU_SECONDS,
        .environment = variables_environment (variables, &probe->arena)};
    const char *script =
        arena_format (&probe->arena, "%s/test-%016llx", tools->scratch, (unsigned long long)random_number ());
    if (!variables_words (
            variables, script, test->arguments, test->arguments_count, &probe->arena, &options.words,
            error) ||
        !store_copy (tools->store, &test->script, test->length, script, 0500, error))
        return false;
    probe->script = script;
    return spawn_start (&options, &probe->spawn, error);
}

static bool start_network (
    const struct probe_tools *tools, const struct test *test, const struct variables *variables,
    struct probe *probe, struct error *error)
{
    struct span deadline = test_deadline (test);
    struct spawn_options options = {
        .deadline = {deadline.ms + PROBE_GRACE_MS},
        .most_cpu_seconds = PROBE_CPU_SECONDS,
        .environment = variables_environment (variables, &probe->arena)};
    const char *words[] = {
        tools->program,
        PROBE_MODE,
        tools->user[0] != '\0' ? tools->user : "nobody",
        enum_word (&test_kind_words, test->kind),
        NULL,
        arena_format (&probe->arena, "%llu", (unsigned long long)test->status),
        test->body != NULL ? test->body : "",
        arena_format (&probe->arena, "%lld", (long long)deadline.ms),
        NULL};
    if (!variables_expand (variables, test->target, &probe->arena, &words[4], error))
        return false;
    options.words = (const char *const *)words;
    return spawn_start (&options, &probe->spawn, error);
}

bool probe_start (
    const struct probe_tools *tools, const struct test *test, const struct variables *variables,
    struct probe **ret, struct error *error)
{
    struct probe *probe = calloc (1, sizeof *probe);
    bool good;
    assert (probe != NULL);
    probe->kind = test->kind;
    probe->name = arena_text (&probe->arena, test->name);
    good = test->kind == TEST_EXEC ? start_script (tools, test, variables, probe, error)
                                   : start_network (tools, test, variables, probe, error);
    if (!good) {
        probe_free (&probe);
        return false;
    }
    *ret = probe;
    return true;
}

const struct spawn *probe_spawn (const struct probe *probe)
{
    return probe->spawn;
}

static enum verdict script_verdict (const struct spawn_result *result)
{
    if (result->timed_out)
        return VERDICT_TIMEOUT;
    return result->exit_code == 0 ? VERDICT_PASSED : VERDICT_FAILED;
}

static enum verdict network_verdict (const struct spawn_result *result)
{
    if (result->timed_out || result->exit_code == PROBE_EXIT_TIMEOUT)
        return VERDICT_TIMEOUT;
    if (result->exit_code == PROBE_EXIT_PASSED)
        return VERDICT_PASSED;
    return result->exit_code == PROBE_EXIT_FAILED ? VERDICT_FAILED : VERDICT_ERROR;
}

static const char *explain (const struct probe *probe, const struct spawn_result *result, struct arena *arena)
{
    char text[LIMIT_LINE];
    bool is_own = probe->kind != TEST_EXEC && !result->timed_out && result->exit_code >= PROBE_EXIT_PASSED &&
                  result->exit_code <= PROBE_EXIT_TIMEOUT && result->tail[0] != '\0';
    if (is_own)
        return probe_line (arena_text_of (arena, result->tail, strcspn (result->tail, "\n")), arena);
    if (result->exit_code == 0)
        return "";
    return probe_line (spawn_explain (result, text, sizeof text), arena);
}

bool probe_service (struct probe *probe, struct arena *arena, struct test_result *ret)
{
    struct spawn_result result;
    if (!spawn_service (probe->spawn, &result))
        return false;
    *ret = (struct test_result){
        .name = arena_text (arena, probe->name),
        .verdict = probe->kind == TEST_EXEC ? script_verdict (&result) : network_verdict (&result),
        .took = result.took,
        .detail = explain (probe, &result, arena),
        .tail = probe->kind == TEST_EXEC ? arena_text (arena, result.tail) : ""};
    return true;
}

void probe_free (struct probe **probe)
{
    if (*probe == NULL)
        return;
    spawn_free (&(*probe)->spawn);
    if ((*probe)->script != NULL)
        (void)unlink ((*probe)->script);
    arena_free (&(*probe)->arena);
    free (*probe);
    *probe = NULL;
}

struct test_result probe_impossible (const struct test *test, const char *why, struct arena *arena)
{
    return (struct test_result){
        .name = arena_text (arena, test->name),
        .verdict = VERDICT_ERROR,
        .detail = probe_line (why, arena),
        .tail = ""};
}
