/* What comes from outside is shown, and forges nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/core/safe_text.h"

static void assert_escaped (const char *data, size_t size, const char *expected)
{
    struct buffer out = {0};
    buffer_text (&out, ">");
    text_escape (data, size, &out);
    assert_string_equal (out.data + 1, expected);
    buffer_free (&out);
}

static void test_escape (void **state)
{
    (void)state;
    assert_escaped ("", 0, "");
    assert_escaped ("a b\xC3\xA9\xE2\x82\xAC", 8, "a b\xC3\xA9\xE2\x82\xAC");
    assert_escaped ("one\ntwo\r\t\x1B[2J\x7F", 14, "one\\x0atwo\\x0d\\x09\\x1b[2J\\x7f");
    assert_escaped ("\xC2\x85|\xFF|\xE2\x82", 7, "\\xc2\\x85|\\xff|\\xe2\\x82");
    assert_escaped ("a\0b", 3, "a\\x00b");
}

static void assert_tail (const char *data, size_t size, size_t most, const char *expected)
{
    char out[32];
    size_t used = text_tail (data, size, most, out);
    assert_true (used <= most);
    assert_int_equal (used, strlen (out));
    assert_string_equal (out, expected);
}

static void test_tail (void **state)
{
    (void)state;
    assert_tail ("", 0, 4, "");
    assert_tail ("abcdef", 6, 4, "cdef");
    assert_tail ("abc", 3, 3, "abc");
    assert_tail ("a\tb\nc\rd", 7, 31, "a\tb\nc?d");
    /* The euro sign has three bytes: a cut inside it drops the rest of it, and no more. */
    assert_tail (
        "x\xE2\x82\xAC"
        "y",
        5, 4, "\xE2\x82\xACy");
    assert_tail (
        "x\xE2\x82\xAC"
        "y",
        5, 3, "y");
    assert_tail (
        "x\xE2\x82\xAC"
        "y",
        5, 2, "y");
    /* Bytes that belong to no character are shown as such, also at the cut. */
    assert_tail ("\x82\x82\x82\x82", 4, 2, "??");
    assert_tail ("ab\xE2\x82", 4, 31, "ab??");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_escape),
        cmocka_unit_test (test_tail),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
