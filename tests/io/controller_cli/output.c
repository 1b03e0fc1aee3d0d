/* Records as JSON by their field tables, tables, columns and sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cli/output.h"

static void expect_json (const struct record_type *type, const void *record, const char *golden)
{
    json_t *value = record_json (type, record);
    char *text = json_dumps (value, JSON_COMPACT);
    assert_string_equal (text, golden);
    free (text);
    json_decref (value);
}

static void test_every_kind (void **state)
{
    struct host_release release = {.product = "connect", .version = "1.0", .counter = UINT64_MAX};
    struct host_row row = {
        .name = "a",
        .environment = "staging",
        .releases = &release,
        .releases_count = 1,
        .connected = true,
        .seen = {INT64_C (1780000000000)},
        .agent = NULL};
    const char *words[] = {"true", "é"};
    struct command command = {.words = words, .words_count = 2, .deadline = {1500}};
    struct doing doing = {.activity = ACTIVITY_TESTING, .tests_total = 2, .detail = "\"x\"\n"};
    struct digest digests[1] = {digest_of ("x", 1)};
    struct permit permit = {.kind = PERMIT_RETURN, .evidence = digests, .evidence_count = 1};
    (void)state;
    expect_json (
        &host_row_type, &row,
        "{\"name\":\"a\",\"environment\":\"staging\",\"releases\":[{\"product\":\"connect\",\"version\":\"1."
        "0\","
        "\"plan\":null,\"counter\":\"18446744073709551615\"}],\"connected\":true,\"seen\":\"2026-05-28T20:26:"
        "40Z\","
        "\"agent\":\"\",\"trust_version\":0}");
    expect_json (&command_type, &command, "{\"words\":[\"true\",\"é\"],\"deadline\":1500}");
    expect_json (
        &doing_type, &doing,
        "{\"plan\":null,\"step\":0,\"attempt\":0,\"activity\":\"testing\",\"tests_passed\":0,\"tests_total\":"
        "2,"
        "\"detail\":\"\\\"x\\\"\\n\"}");
    expect_json (
        &permit_type, &permit,
        "{\"plan\":null,\"kind\":\"return\",\"step\":0,\"attempt\":0,\"hosts\":[],\"evidence\":["
        "\"d161d71145abeec5ef15abcf0459cec60a27321e2f0ac0ef7ace5254f5944476\"],\"issued\":null,\"expires\":"
        "null}");
}

static void test_digest_in_list_is_the_digest (void **state)
{
    struct digest digest = digest_of ("x", 1);
    struct permit permit = {.evidence = &digest, .evidence_count = 1};
    char text[DIGEST_TEXT_SIZE];
    json_t *value = record_json (&permit_type, &permit);
    (void)state;
    assert_string_equal (
        json_string_value (json_array_get (json_object_get (value, "evidence"), 0)),
        digest_print (&digest, text));
    json_decref (value);
}

/* Every record of the protocol has a form, even when it is empty. */
static void test_all_records (void **state)
{
    (void)state;
    for (size_t i = 0; i < record_type_count; i++) {
        struct arena arena = {0};
        json_t *value = record_json (record_types[i], arena_take (&arena, record_types[i]->size));
        assert_int_equal (json_object_size (value), record_types[i]->field_count);
        json_decref (value);
        arena_free (&arena);
    }
}

static void test_table (void **state)
{
    struct table *table = table_new ((const char *const[]){"NAME", "WHAT"}, 2);
    struct buffer out = {0};
    (void)state;
    table_add (table, (const char *const[]){"é✔", "one\ntwo\033"});
    table_add (table, (const char *const[]){"longer name", NULL});
    table_print (table, 0, &out);
    assert_string_equal (out.data, "NAME         WHAT\né✔           one two\nlonger name\n");
    buffer_clear (&out);
    table_print (table, 6, &out);
    assert_string_equal (out.data, "NAME\né✔\nlonger\n");
    buffer_free (&out);
    table_free (&table);
    assert_null (table);
}

static void test_columns (void **state)
{
    char text[TIME_TEXT_SIZE];
    (void)state;
    assert_int_equal (text_columns ("abc"), 3);
    assert_int_equal (text_columns ("é✔█"), 3);
    assert_int_equal (text_columns ("漢字"), 4);
    assert_int_equal (text_columns ("e\u0301"), 1);
    assert_int_equal (text_fit ("漢字", 3), 3);
    assert_int_equal (text_fit ("ab", 9), 2);
    assert_string_equal (size_print (0, text), "0 B");
    assert_string_equal (size_print (1023, text), "1023 B");
    assert_string_equal (size_print (1536, text), "1.5 KiB");
    assert_string_equal (size_print (LIMIT_CONTENT, text), "64.0 GiB");
    assert_string_equal (seconds_print ((struct span){-5}, text), "0s");
    assert_string_equal (seconds_print ((struct span){41999}, text), "41s");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_every_kind),  cmocka_unit_test (test_digest_in_list_is_the_digest),
        cmocka_unit_test (test_all_records), cmocka_unit_test (test_table),
        cmocka_unit_test (test_columns),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
