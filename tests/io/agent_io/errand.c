/* Work in a child: its answer, its verdict, and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agent/io/errand.h"

static bool good_work (void *context, struct buffer *answer, struct error *error)
{
    (void)error;
    for (int i = 0; i < 100000; i++) /* more than a pipe holds */
        buffer_append (answer, context, 4);
    return true;
}

static bool bad_work (void *context, struct buffer *answer, struct error *error)
{
    (void)context, (void)answer;
    return error_set (error, ERROR_CONFLICT, "it is in the way");
}

static bool crash_work (void *context, struct buffer *answer, struct error *error)
{
    (void)context, (void)answer, (void)error;
    _exit (9);
}

static bool endless_work (void *context, struct buffer *answer, struct error *error)
{
    (void)context, (void)answer, (void)error;
    while (pause () != 0)
        ;
    return true;
}

static bool run_errand (errand_work work, struct errand **errand, struct error *error)
{
    static char context[] = "word";
    bool good;
    assert_true (errand_start (work, context, errand, error));
    while (!errand_service (*errand, &good, error)) {
        struct pollfd waiting = {.fd = errand_descriptor (*errand), .events = POLLIN};
        assert_true (poll (&waiting, 1, 10000) > 0);
    }
    return good;
}

static void test_errands (void **state)
{
    struct errand *errand;
    struct error error;
    struct bytes answer;
    (void)state;
    assert_true (run_errand (good_work, &errand, &error));
    answer = errand_answer (errand);
    assert_int_equal (answer.size, 400000);
    assert_memory_equal (answer.data + 399996, "word", 4);
    errand_free (&errand);
    assert_false (run_errand (bad_work, &errand, &error));
    assert_int_equal (error.kind, ERROR_CONFLICT);
    assert_string_equal (error.text, "it is in the way");
    errand_free (&errand);
    assert_false (run_errand (crash_work, &errand, &error));
    assert_non_null (strstr (error.text, "killed or crashed"));
    errand_free (&errand);
    assert_true (errand_start (endless_work, NULL, &errand, &error));
    errand_free (&errand); /* returns at once */
    assert_null (errand);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_errands),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
