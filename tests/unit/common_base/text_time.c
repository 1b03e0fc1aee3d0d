/* Text, time, digests, errors and arenas: the ground that everything stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/arena.h"
#include "common/core/digest.h"
#include "common/core/text.h"
#include "common/core/time.h"

static void test_utf8 (void **state)
{
    static const char *const good[] = {"", "plain", "Größe", "日本", "😀", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF"};
    static const char *const bad[] = {"\x80",         "\xC3",
                                      "\xC0\xAF",     "\xE0\x80\x80",
                                      "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                      "\xFF",         "\xF8\x88\x80\x80\x80",
                                      "a\xE2\x82",    "\xC1\xBF"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true (text_is_utf8 (good[i], strlen (good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false (text_is_utf8 (bad[i], strlen (bad[i])));
    assert_false (text_is_utf8 ("a\0b", 3));
}

static void test_printable (void **state)
{
    (void)state;
    assert_true (text_is_printable ("Größe 😀", strlen ("Größe 😀")));
    assert_false (text_is_printable ("a\nb", 3));
    assert_false (text_is_printable ("\x1B[2J", 4));
    assert_false (text_is_printable ("\x7F", 1));
    assert_false (text_is_printable ("\xC2\x9B", 2));
    assert_true (text_is_printable ("\xC2\xA0", 2));
}

static void test_cut (void **state)
{
    const char *text = "aé😀";
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 3, 7};
    (void)state;
    for (size_t size = 0; size <= strlen (text); size++)
        assert_int_equal (text_cut (text, size), expected[size]);
}

static void test_names (void **state)
{
    (void)state;
    assert_true (text_is_name ("connect-p1"));
    assert_false (text_is_name (""));
    assert_false (text_is_name ("../up"));
    assert_false (text_is_name ("-option"));
    assert_false (text_is_name ("a/b"));
    assert_false (text_is_name ("a b"));
    assert_true (text_is_version ("2022.07.2+576.pro12"));
    assert_true (text_is_version ("2026.03.1~ubuntu22"));
    assert_false (text_is_version ("1.0/../.."));
}

static void test_nearest (void **state)
{
    static const char *const words[] = {"environment", "strategy", "max_parallel", "canary"};
    (void)state;
    assert_string_equal (text_nearest ("enviroment", words, 4), "environment");
    assert_string_equal (text_nearest ("stratgey", words, 4), "strategy");
    assert_string_equal (text_nearest ("max-parallel", words, 4), "max_parallel");
    assert_string_equal (text_nearest ("cnaary", words, 4), "canary");
    assert_null (text_nearest ("zebra", words, 4));
    assert_null (text_nearest ("x", words, 4));
}

static void test_spans (void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0s", 0}, {"500ms", 500}, {"10s", 10000}, {"1h30m", 5400000}, {"7d", 604800000}};
    static const char *const bad[] = {"", "10", "s", "10 s", "-1s", "1.5h", "10x", "99999999999d", "1s2"};
    struct span span = {-1};
    struct error error;
    char text[TIME_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true (span_parse (good[i].text, &span, &error));
        assert_int_equal (span.ms, good[i].ms);
    }
    span.ms = -1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false (span_parse (bad[i], &span, &error));
        assert_int_equal (span.ms, -1);
    }
    assert_string_equal (span_print ((struct span){250}, text), "250ms");
    assert_string_equal (span_print ((struct span){192000}, text), "03:12");
    assert_string_equal (span_print ((struct span){7500000}, text), "2h05m");
    assert_string_equal (span_print ((struct span){273600000}, text), "3d04h");
}

static void test_instants (void **state)
{
    char text[TIME_TEXT_SIZE];
    const struct instant last = {INT64_MAX};
    (void)state;
    assert_string_equal (instant_print ((struct instant){0}, text), "never");
    assert_string_equal (instant_print ((struct instant){1}, text), "1970-01-01T00:00:00Z");
    assert_string_equal (instant_print ((struct instant){951782400000}, text), "2000-02-29T00:00:00Z");
    assert_string_equal (instant_print ((struct instant){1780304999000}, text), "2026-06-01T09:09:59Z");
    assert_string_equal (instant_print ((struct instant){-1000}, text), "1969-12-31T23:59:59Z");
    assert_string_equal (instant_print ((struct instant){-86400001}, text), "1969-12-30T23:59:59Z");
    assert_string_equal (instant_print (last, text), "far future");
    assert_string_equal (instant_print ((struct instant){INT64_MIN}, text), "long ago");
    assert_true (instant_add (last, span_seconds (1)).ms == INT64_MAX);
    assert_true (instant_between ((struct instant){INT64_MIN}, last).ms == INT64_MAX);
}

static void test_digests (void **state)
{
    /* b2sum -l 256 of "abc" */
    static const char abc[] = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
    struct digest digest = digest_of ("abc", 3);
    struct digest again;
    struct digest_stream stream;
    char text[DIGEST_TEXT_SIZE];
    (void)state;
    assert_string_equal (digest_print (&digest, text), abc);
    assert_true (digest_parse (abc, &again) && digest_equal (&digest, &again));
    assert_false (digest_parse ("abc", &again));
    assert_false (digest_parse ("zddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319", &again));
    digest_begin (&stream);
    digest_add (&stream, "a", 1);
    digest_add (&stream, "bc", 2);
    again = digest_end (&stream);
    assert_true (digest_equal (&digest, &again));
    assert_false (digest_is_none (&digest));
}

static void test_error_context (void **state)
{
    struct error error;
    char longest[2 * ERROR_TEXT_MAX];
    (void)state;
    assert_false (error_set (&error, ERROR_INPUT, "no '%s'", "host"));
    assert_false (error_context (&error, "plan.yaml:%d", 3));
    assert_string_equal (error.text, "plan.yaml:3: no 'host'");
    assert_false (error_set (NULL, ERROR_INPUT, "nobody listens"));
    memset (longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false (error_context (&error, "%s", longest));
    assert_int_equal (strlen (error.text), ERROR_TEXT_MAX - 1);
    assert_int_equal ((struct error){0}.kind, ERROR_REFUSED);
}

/* Words from outside are cut between characters, never in one. */
static void test_error_is_cut_whole (void **state)
{
    struct error error;
    char turtles[2 * ERROR_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i + 4 < sizeof turtles; i += 4)
        memcpy (turtles + i, "\xf0\x9f\x90\xa2", 5);
    for (int offset = 0; offset < 4; offset++) {
        assert_false (error_set (&error, ERROR_INPUT, "%.*s%s", offset, "xyz", turtles));
        assert_true (text_is_utf8 (error.text, strlen (error.text)));
        assert_true (strlen (error.text) >= ERROR_TEXT_MAX - 4);
        assert_false (error_context (&error, "%.*s", offset, "abc"));
        assert_true (text_is_utf8 (error.text, strlen (error.text)));
        assert_false (error_context (&error, "%.*s%s", offset, "abc", turtles));
        assert_true (text_is_utf8 (error.text, strlen (error.text)));
    }
}

/* What was cut within a character, or is no UTF-8 at all, is marked; everything else stays. */
static void test_mend (void **state)
{
    static const char *const texts[][2] = {
        {"", ""},
        {"Größe 😀", "Größe 😀"},
        {"'\xF0\x9F' is", "'?\?' is"},
        {"a\xFF\xC3\xA9\x80", "a?\xC3\xA9?"},
        {"\xED\xA0\x80", "?\?\?"},
        {"\xC3", "?"}};
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[32];
        (void)snprintf (text, sizeof text, "%s", texts[i][0]);
        text_mend (text);
        assert_string_equal (text, texts[i][1]);
    }
    assert_false (error_set (&error, ERROR_INPUT, "'%.2s' is cut", "é"));
    assert_string_equal (error.text, "'é' is cut");
    assert_false (error_set (&error, ERROR_INPUT, "'%.1s' is cut", "é"));
    assert_string_equal (error.text, "'?' is cut");
}

static void test_arena (void **state)
{
    struct arena arena = {0};
    (void)state;
    for (size_t size = 0; size < 10000; size += 37) {
        unsigned char *place = arena_take (&arena, size);
        assert_int_equal ((uintptr_t)place % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal (place[i], 0);
        memset (place, 0xFF, size);
    }
    assert_string_equal (arena_format (&arena, "%s-%d", "host", 7), "host-7");
    assert_string_equal (arena_text_of (&arena, "abcdef", 3), "abc");
    arena_free (&arena);
    assert_null (arena.blocks);
}

static void test_follow (void **state)
{
    struct instant before = {1000000};
    (void)state;
    assert_int_equal (instant_follow (before, (struct span){500}, (struct instant){1000500}).ms, 1000500);
    assert_int_equal (instant_follow (before, (struct span){500}, (struct instant){1000700}).ms, 1000700);
    assert_int_equal (instant_follow (before, (struct span){500}, (struct instant){9000000}).ms, 9000000);
    assert_int_equal (instant_follow (before, (struct span){500}, (struct instant){1000100}).ms, 1000500);
    assert_int_equal (instant_follow (before, (struct span){500}, (struct instant){940500}).ms, 1000500);
    assert_int_equal (instant_follow (before, (struct span){500}, (struct instant){940499}).ms, 940499);
    assert_int_equal (instant_follow (before, (struct span){0}, (struct instant){-5}).ms, -5);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_utf8),          cmocka_unit_test (test_printable),
        cmocka_unit_test (test_cut),           cmocka_unit_test (test_names),
        cmocka_unit_test (test_nearest),       cmocka_unit_test (test_spans),
        cmocka_unit_test (test_instants),      cmocka_unit_test (test_digests),
        cmocka_unit_test (test_error_context), cmocka_unit_test (test_mend),
        cmocka_unit_test (test_arena),         cmocka_unit_test (test_error_is_cut_whole),
        cmocka_unit_test (test_follow),
    };
    return cmocka_run_group_tests_name ("common base", tests, NULL, NULL);
}
