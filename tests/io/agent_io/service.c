/* Start and stop commands: words get their variables, a shell's script is left to the shell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>

#include "agent/io/service.h"

/* A value that would be code, if it ever stood in a script. */
static struct label items[] = {{"port", "1$(echo hacked)"}, {"PATH", "/usr/bin:/bin"}};
static const struct variables variables = {items, sizeof items / sizeof items[0]};

static bool run (const char **words, size_t count, struct spawn_result *result, struct error *error)
{
    struct command command = {.words = words, .words_count = count, .deadline = span_seconds (10)};
    struct spawn *spawn = NULL;
    if (!service_start (&command, "/", &variables, false, &spawn, error))
        return false;
    while (!spawn_service (spawn, result)) {
        struct pollfd ends = {.fd = spawn_ending (spawn), .events = POLLIN};
        (void)poll (&ends, 1, 20);
    }
    spawn_free (&spawn);
    return true;
}

static void test_words_are_expanded (void **state)
{
    const char *words[] = {"echo", "at ${port}"};
    struct spawn_result result;
    struct error error;
    (void)state;
    assert_true (run (words, 2, &result, &error));
    assert_int_equal (result.exit_code, 0);
    assert_string_equal (result.tail, "at 1$(echo hacked)\n");
}

static void test_script_is_left_to_the_shell (void **state)
{
    const char *words[] = {"/bin/sh", "-c", "echo \"at ${port} ${none:-nothing}\""};
    struct spawn_result result;
    struct error error;
    (void)state;
    assert_true (run (words, 3, &result, &error));
    assert_string_equal (result.tail, "at 1$(echo hacked) nothing\n");
}

static void test_unknown_variable (void **state)
{
    const char *words[] = {"echo", "${prot}"};
    struct spawn_result result;
    struct error error;
    (void)state;
    assert_false (run (words, 2, &result, &error));
    assert_non_null (strstr (error.text, "${prot} is not known here"));
}

static void test_failure_is_told (void **state)
{
    const char *words[] = {"/bin/sh", "-c", "echo no licence >&2; exit 3"};
    struct spawn_result result;
    struct arena arena = {0};
    struct error error;
    const char *detail;
    (void)state;
    assert_true (run (words, 3, &result, &error));
    assert_false (service_judge (&result, "start", &arena, &detail));
    assert_non_null (strstr (detail, "exit code 3"));
    assert_non_null (strstr (detail, "no licence"));
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_words_are_expanded),
        cmocka_unit_test (test_script_is_left_to_the_shell),
        cmocka_unit_test (test_unknown_variable),
        cmocka_unit_test (test_failure_is_told),
    };
    return cmocka_run_group_tests_name ("agent commands", tests, NULL, NULL);
}
