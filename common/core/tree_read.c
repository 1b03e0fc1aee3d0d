#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/core/tree.h"

enum { SHOWN_SIZE = 64, SHOWN_TEXT = 40, LIST_SIZE = 512 };

void tree_write_error (const struct tree *place, struct error *error, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list arguments;
    va_start (arguments, format);
    (void)vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    error_write (error, ERROR_INPUT, "%s:%u:%u: %s", place->file, place->line, place->column, text);
}

/* What stands at the node, for an error: short, and on one line. */
static const char *show (const struct tree *node, char text[SHOWN_SIZE])
{
    size_t size;
    if (node->kind != TREE_SCALAR) {
        (void)snprintf (text, SHOWN_SIZE, "%s", node->kind == TREE_LIST ? "a list" : "a map");
        return text;
    }
    size = strcspn (node->text, "\n\t");
    if (node->text[0] == '\0')
        (void)snprintf (text, SHOWN_SIZE, "nothing");
    else if (size > SHOWN_TEXT)
        (void)snprintf (text, SHOWN_SIZE, "'%.*s…'", (int)text_cut (node->text, SHOWN_TEXT), node->text);
    else
        (void)snprintf (
            text, SHOWN_SIZE, "'%.*s%s'", (int)size, node->text, node->text[size] != '\0' ? "…" : "");
    return text;
}

static bool refuse (const struct tree *node, const char *what, const char *expected, struct error *error)
{
    char shown[SHOWN_SIZE];
    return tree_error (node, error, "%s: expected %s, not %s", what, expected, show (node, shown));
}

static void list_keys (const char *const *keys, size_t count, char list[LIST_SIZE])
{
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < count && used + 1 < LIST_SIZE; i++) {
        int size = snprintf (list + used, LIST_SIZE - used, "%s%s", i > 0 ? ", " : "", keys[i]);
        assert (size >= 0);
        used += (size_t)size;
    }
}

bool tree_check_keys (
    const struct tree *map, const char *what, const char *const *keys, size_t count, struct error *error)
{
    if (map->kind != TREE_MAP)
        return refuse (map, what, "a map of keys and values", error);
    for (size_t i = 0; i < map->count; i++) {
        const struct tree *key = map->keys[i];
        const char *nearest = text_nearest (key->text, keys, count);
        char list[LIST_SIZE];
        char shown[SHOWN_SIZE];
        if (nearest != NULL && strcmp (nearest, key->text) == 0)
            continue;
        if (nearest != NULL)
            return tree_error (
                key, error, "%s has no key %s: did you mean '%s'?", what, show (key, shown), nearest);
        list_keys (keys, count, list);
        return tree_error (key, error, "%s has no key %s: use one of %s", what, show (key, shown), list);
    }
    return true;
}

const struct tree *tree_get (const struct tree *map, const char *key)
{
    if (map == NULL || map->kind != TREE_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp (map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

static bool is_bare (const struct tree *node)
{
    return node->kind == TREE_SCALAR && !node->quoted;
}

bool tree_text (const struct tree *node, const char *what, size_t most, const char **ret, struct error *error)
{
    if (node->kind != TREE_SCALAR || (!node->quoted && node->text[0] == '\0'))
        return refuse (node, what, "a text", error);
    if (strlen (node->text) > most)
        return tree_error (
            node, error, "%s: %zu bytes are too long: at most %zu", what, strlen (node->text), most);
    *ret = node->text;
    return true;
}

bool tree_name (const struct tree *node, const char *what, const char **ret, struct error *error)
{
    if (node->kind != TREE_SCALAR || !text_is_name (node->text))
        return refuse (
            node, what,
            "a name of at most 64 letters, digits, '.', '_' and '-' that begins with a letter, "
            "digit or '_'",
            error);
    *ret = node->text;
    return true;
}

bool tree_flag (const struct tree *node, const char *what, bool *ret, struct error *error)
{
    bool yes = is_bare (node) && strcmp (node->text, "true") == 0;
    bool no = is_bare (node) && strcmp (node->text, "false") == 0;
    if (!yes && !no)
        return refuse (node, what, "true or false", error);
    *ret = yes;
    return true;
}

/* Twenty digits hold every uint64_t; the overflow is caught while they are added up. */
static bool parse_number (const char *text, uint64_t *ret)
{
    uint64_t sum = 0;
    size_t size = strlen (text);
    if (size == 0 || size > 20 || strspn (text, "0123456789") != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (__builtin_mul_overflow (sum, 10, &sum) ||
            __builtin_add_overflow (sum, (uint64_t)(text[i] - '0'), &sum))
            return false;
    *ret = sum;
    return true;
}

bool tree_number (
    const struct tree *node, const char *what, uint64_t least, uint64_t most, uint64_t *ret,
    struct error *error)
{
    char expected[SHOWN_SIZE];
    uint64_t number;
    if (!is_bare (node) || !parse_number (node->text, &number) || number < least || number > most) {
        (void)snprintf (
            expected, sizeof expected, "a number from %llu to %llu", (unsigned long long)least,
            (unsigned long long)most);
        return refuse (node, what, expected, error);
    }
    *ret = number;
    return true;
}

bool tree_span (const struct tree *node, const char *what, struct span *ret, struct error *error)
{
    struct error cause;
    struct span span;
    if (node->kind != TREE_SCALAR || node->text[0] == '\0')
        return refuse (node, what, "a length of time such as 30s or 1h30m", error);
    if (!span_parse (node->text, &span, &cause))
        return tree_error (node, error, "%s: %s", what, cause.text);
    *ret = span;
    return true;
}

bool tree_texts (
    const struct tree *node, const char *what, size_t most_items, size_t most, struct arena *arena,
    const char ***ret, size_t *ret_count, struct error *error)
{
    const char **texts;
    size_t count = node->kind == TREE_LIST ? node->count : 1;
    if (node->kind == TREE_MAP)
        return refuse (node, what, "a text or a list of texts", error);
    if (count > most_items)
        return tree_error (node, error, "%s: %zu entries are too many: at most %zu", what, count, most_items);
    texts = arena_array (arena, count, sizeof *texts);
    for (size_t i = 0; i < count; i++)
        if (!tree_text (node->kind == TREE_LIST ? node->items[i] : node, what, most, &texts[i], error))
            return false;
    *ret = texts;
    *ret_count = count;
    return true;
}
