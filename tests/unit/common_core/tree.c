/* YAML as a tree: positions, what is refused and where, and the typed readings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/tree.h"

static const struct tree *parse (struct arena *arena, const char *text)
{
    const struct tree *root = NULL;
    struct error error = {0};
    if (!tree_parse (bytes_of_text (text), "f.yaml", arena, &root, &error))
        fail_msg ("%s", error.text);
    return root;
}

static void test_positions (void **state)
{
    struct arena arena = {0};
    const struct tree *root = parse (&arena, "a: 1\nlist:\n  - x\n  - {k: 'v', größe: ok}\nb: |\n  t\n  u\n");
    const struct tree *list = tree_get (root, "list");
    const struct tree *map = list->items[1];
    (void)state;
    assert_int_equal (root->kind, TREE_MAP);
    assert_int_equal (root->count, 3);
    assert_int_equal (list->kind, TREE_LIST);
    assert_int_equal (list->items[0]->line, 3);
    assert_int_equal (list->items[0]->column, 5);
    assert_int_equal (map->line, 4);
    assert_string_equal (tree_get (map, "k")->text, "v");
    assert_true (tree_get (map, "k")->quoted);
    assert_false (tree_get (root, "a")->quoted);
    assert_int_equal (tree_get (map, "größe")->column, 21); /* columns count characters, not bytes */
    assert_string_equal (tree_get (root, "b")->text, "t\nu\n");
    assert_true (tree_get (root, "b")->quoted);
    assert_null (tree_get (root, "c"));
    assert_null (tree_get (list, "c"));
    assert_null (tree_get (NULL, "c"));
    assert_string_equal (list->file, "f.yaml");
    arena_free (&arena);
}

static void test_empty_documents (void **state)
{
    static const char *const empty[] = {"", "\n# only a comment\n", "---\n", "--- {}\n"};
    (void)state;
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        struct arena arena = {0};
        const struct tree *root = parse (&arena, empty[i]);
        assert_int_equal (root->kind, TREE_MAP);
        assert_int_equal (root->count, 0);
        arena_free (&arena);
    }
}

static void test_refused (void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } table[] = {
        {"a: &x 1\n", "f.yaml:1:4: anchors (&name) are not used here: leave it out"},
        {"a: [&x 1]\n", "f.yaml:1:5: anchors"},
        {"a: 1\nb: *x\n", "f.yaml:2:4: aliases (*name) are not used here: write the value again"},
        {"a: !!str 1\n", "f.yaml:1:4: tags (!name) are not used here: leave it out"},
        {"a: !x {b: 1}\n", "f.yaml:1:4: tags"},
        {"a: !x [1]\n", "f.yaml:1:4: tags"},
        {"a: 1\n---\nb: 1\n", "f.yaml:2:1: a second document begins here: keep one document in a file"},
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: 'a' stands here twice, first in line 1: keep one of them"},
        {"{x: 1, y: {z: 1, z: 2}}", "f.yaml:1:18: 'z' stands here twice"},
        {"[a]: 1\n", "f.yaml:1:1: a key must be a word, not a list or a map"},
        {"{{a: 1}: 1}\n", "f.yaml:1:2: a key must be a word"},
        {"[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "f.yaml:1:17: nested too deeply: at most 16 levels"},
        {"a: [1\n", "f.yaml:2:1: not well-formed YAML"},
        {"a: 1\n b: 2\n", "f.yaml:2:3: not well-formed YAML"},
        {"a:\n\t- b\n", "f.yaml:2:1: not well-formed YAML"},
        {"a: 'x\n", "f.yaml:2:1: not well-formed YAML"},
        {"ok: 1\nbad: \xff\n", "f.yaml:2:6: a byte that is no UTF-8 text"},
        {"ä: \xed\xa0\x80\n", "f.yaml:1:4: a byte that is no UTF-8 text"},
        {"a: \x1b[1m\n", "f.yaml:1:4: a byte that is no UTF-8 text"},
        {"a: \"x\\0y\"\n", "f.yaml:1:4: a control character in a text: leave it out"},
        {"a: \"x\\e[1m\"\n", "f.yaml:1:4: a control character in a text: leave it out"},
        {"a: \"\\x85\"\n", "f.yaml:1:4: a control character in a text: leave it out"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct arena arena = {0};
        struct error error = {0};
        const struct tree *root = NULL;
        if (tree_parse (bytes_of_text (table[i].text), "f.yaml", &arena, &root, &error))
            fail_msg ("accepted: %s", table[i].text);
        assert_null (root);
        if (strncmp (error.text, table[i].error, strlen (table[i].error)) != 0)
            fail_msg ("'%s' instead of '%s'", error.text, table[i].error);
        arena_free (&arena);
    }
}

static void test_depth_and_size (void **state)
{
    struct arena arena = {0};
    struct error error;
    const struct tree *root = parse (&arena, "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]");
    char *large = malloc (TREE_INPUT + 1);
    (void)state;
    assert_int_equal (root->kind, TREE_LIST);
    assert_non_null (large);
    (void)memset (large, ' ', TREE_INPUT + 1);
    assert_false (tree_parse ((struct bytes){(uint8_t *)large, TREE_INPUT + 1}, "f", &arena, &root, &error));
    assert_int_equal (error.kind, ERROR_LIMIT);
    assert_true (tree_parse ((struct bytes){(uint8_t *)large, TREE_INPUT}, "f", &arena, &root, &error));
    large[0] = '[';
    for (size_t i = 1; i < TREE_INPUT - 1; i += 2) {
        large[i] = '1';
        large[i + 1] = ',';
    }
    assert_false (tree_parse ((struct bytes){(uint8_t *)large, TREE_INPUT}, "f", &arena, &root, &error));
    assert_non_null (strstr (error.text, "too many values in one file"));
    free (large);
    arena_free (&arena);
}

/* Every cut of a good text is either good or an error with a position, and nothing leaks or overruns. */
static void test_every_cut (void **state)
{
    static const char text[] = "plan: x\nsteps:\n  - {a: [1, 'zwei', \"d\\u00fc\"]}\n  - b: >\n      long\n";
    (void)state;
    for (size_t size = 0; size < sizeof text; size++) {
        struct arena arena = {0};
        struct error error = {0};
        const struct tree *root = NULL;
        char *cut = malloc (size + 1);
        assert_non_null (cut);
        (void)memcpy (cut, text, size);
        if (!tree_parse ((struct bytes){(uint8_t *)cut, size}, "f", &arena, &root, &error))
            assert_true (strncmp (error.text, "f:", 2) == 0);
        free (cut);
        arena_free (&arena);
    }
}

static void test_check_keys (void **state)
{
    static const char *const keys[] = {"environment", "canary", "hosts"};
    struct arena arena = {0};
    struct error error;
    (void)state;
    assert_true (tree_check_keys (parse (&arena, "{canary: 1, hosts: []}"), "deploy", keys, 3, &error));
    assert_false (tree_check_keys (parse (&arena, "{hosts: 1, canari: 1}"), "deploy", keys, 3, &error));
    assert_string_equal (error.text, "f.yaml:1:12: deploy has no key 'canari': did you mean 'canary'?");
    assert_false (tree_check_keys (parse (&arena, "{zzz: 1}"), "deploy", keys, 3, &error));
    assert_string_equal (
        error.text, "f.yaml:1:2: deploy has no key 'zzz': use one of environment, canary, hosts");
    assert_false (tree_check_keys (parse (&arena, "- a"), "deploy", keys, 3, &error));
    assert_string_equal (error.text, "f.yaml:1:1: deploy: expected a map of keys and values, not a list");
    arena_free (&arena);
}

static void test_readings (void **state)
{
    struct arena arena = {0};
    struct error error;
    const struct tree *map = parse (
        &arena,
        "{n: 12, q: '12', big: 18446744073709551615, over: 18446744073709551616, yes: true, word: yes, "
        "t: 1h30m, bad: 3x, name: a-b.c, empty: , none: '', list: [a, b], dash: -a}");
    const char *text = NULL;
    const char **texts = NULL;
    size_t count = 0;
    uint64_t number = 0;
    struct span span = {0};
    bool flag = false;
    (void)state;
    assert_true (tree_number (tree_get (map, "n"), "n", 1, 12, &number, &error) && number == 12);
    assert_false (tree_number (tree_get (map, "n"), "n", 1, 11, &number, &error));
    assert_string_equal (error.text, "f.yaml:1:5: n: expected a number from 1 to 11, not '12'");
    assert_false (tree_number (tree_get (map, "q"), "q", 1, 12, &number, &error));
    assert_true (tree_number (tree_get (map, "big"), "big", 0, UINT64_MAX, &number, &error));
    assert_true (number == UINT64_MAX);
    assert_false (tree_number (tree_get (map, "over"), "over", 0, UINT64_MAX, &number, &error));
    assert_true (number == UINT64_MAX);
    assert_true (tree_flag (tree_get (map, "yes"), "yes", &flag, &error) && flag);
    assert_false (tree_flag (tree_get (map, "word"), "word", &flag, &error));
    assert_non_null (strstr (error.text, "word: expected true or false, not 'yes'"));
    assert_true (tree_span (tree_get (map, "t"), "t", &span, &error) && span.ms == 5400000);
    assert_false (tree_span (tree_get (map, "bad"), "bad", &span, &error));
    assert_non_null (strstr (error.text, "bad: '3x' is not a length of time"));
    assert_true (tree_name (tree_get (map, "name"), "name", &text, &error));
    assert_false (tree_name (tree_get (map, "dash"), "dash", &text, &error));
    assert_false (tree_text (tree_get (map, "empty"), "empty", 9, &text, &error));
    assert_non_null (strstr (error.text, "empty: expected a text, not nothing"));
    assert_true (tree_text (tree_get (map, "none"), "none", 9, &text, &error) && text[0] == '\0');
    assert_false (tree_text (tree_get (map, "name"), "name", 4, &text, &error));
    assert_non_null (strstr (error.text, "name: 5 bytes are too long: at most 4"));
    assert_true (tree_texts (tree_get (map, "list"), "list", 2, 9, &arena, &texts, &count, &error));
    assert_int_equal (count, 2);
    assert_string_equal (texts[1], "b");
    assert_false (tree_texts (tree_get (map, "list"), "list", 1, 9, &arena, &texts, &count, &error));
    assert_true (tree_texts (tree_get (map, "name"), "name", 1, 9, &arena, &texts, &count, &error));
    assert_int_equal (count, 1);
    assert_false (tree_texts (map, "map", 1, 9, &arena, &texts, &count, &error));
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_positions), cmocka_unit_test (test_empty_documents),
        cmocka_unit_test (test_refused),   cmocka_unit_test (test_depth_and_size),
        cmocka_unit_test (test_every_cut), cmocka_unit_test (test_check_keys),
        cmocka_unit_test (test_readings),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
