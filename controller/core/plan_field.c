#include "controller/core/plan_field.h"

#include <string.h>

#include "proto/limits.h"

bool field_keys (
    struct plan_problems *problems, const struct tree *map, const char *what, const char *const *keys,
    size_t count)
{
    struct error error;
    if (map->kind != TREE_MAP) {
        (void)tree_check_keys (map, what, keys, count, &error);
        return plan_problem_take (problems, map, &error);
    }
    for (size_t i = 0; i < map->count; i++) {
        struct tree one = *map;
        one.keys = &map->keys[i];
        one.items = &map->items[i];
        one.count = 1;
        if (!tree_check_keys (&one, what, keys, count, &error))
            (void)plan_problem_take (problems, map, &error);
    }
    return true;
}

const struct tree *field_need (
    struct plan_problems *problems, const struct tree *map, const struct tree *place, const char *what,
    const char *key, const char *hint)
{
    const struct tree *node = tree_get (map, key);
    if (node == NULL)
        (void)plan_problem (problems, place, "%s needs '%s': %s", what, key, hint);
    return node;
}

const char *field_text (
    struct plan_problems *problems, const struct tree *map, const char *key, size_t most,
    const char *otherwise)
{
    const struct tree *node = tree_get (map, key);
    const char *text = otherwise;
    struct error error;
    if (node != NULL && !tree_text (node, key, most, &text, &error))
        (void)plan_problem_take (problems, node, &error);
    return text;
}

const char *field_name (
    struct plan_problems *problems, const struct tree *map, const char *key, const char *otherwise)
{
    const struct tree *node = tree_get (map, key);
    const char *text = otherwise;
    struct error error;
    if (node != NULL && !tree_name (node, key, &text, &error))
        (void)plan_problem_take (problems, node, &error);
    return text;
}

bool field_flag (struct plan_problems *problems, const struct tree *map, const char *key, bool otherwise)
{
    const struct tree *node = tree_get (map, key);
    bool flag = otherwise;
    struct error error;
    if (node != NULL && !tree_flag (node, key, &flag, &error))
        (void)plan_problem_take (problems, node, &error);
    return flag;
}

uint64_t field_number (
    struct plan_problems *problems, const struct tree *map, const char *key, uint64_t least, uint64_t most,
    uint64_t otherwise)
{
    const struct tree *node = tree_get (map, key);
    uint64_t number = otherwise;
    struct error error;
    if (node != NULL && !tree_number (node, key, least, most, &number, &error))
        (void)plan_problem_take (problems, node, &error);
    return number;
}

struct span field_span (
    struct plan_problems *problems, const struct tree *map, const char *key, struct span otherwise)
{
    const struct tree *node = tree_get (map, key);
    struct span span = otherwise;
    struct error error;
    if (node != NULL && !tree_span (node, key, &span, &error))
        (void)plan_problem_take (problems, node, &error);
    return span;
}

struct plan_amount field_amount (struct plan_problems *problems, const struct tree *map, const char *key)
{
    const struct tree *node = tree_get (map, key);
    struct plan_amount amount = {0};
    size_t digits;
    if (node == NULL)
        return amount;
    digits = node->kind == TREE_SCALAR ? strspn (node->text, "0123456789") : 0;
    for (size_t i = 0; i < digits && digits <= 5; i++)
        amount.value = amount.value * 10 + (uint64_t)(node->text[i] - '0');
    amount.percent = digits > 0 && strcmp (node->text + digits, "%") == 0;
    amount.given = amount.value > 0 && (amount.percent || node->text[digits] == '\0') &&
                   amount.value <= (amount.percent ? 100 : (uint64_t)LIMIT_HOSTS);
    if (!amount.given)
        (void)plan_problem (
            problems, node, "%s: expected a number of hosts from 1, or a share such as 10%%, not %s%.40s%s",
            key, node->kind == TREE_SCALAR ? "'" : "a list or map",
            node->kind == TREE_SCALAR ? node->text : "", node->kind == TREE_SCALAR ? "'" : "");
    return amount;
}

static bool is_among (const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (names[i], name) == 0)
            return true;
    return false;
}

const char **field_names (
    struct plan_problems *problems, const struct tree *map, const char *key, size_t most, size_t *ret_count)
{
    const struct tree *node = tree_get (map, key);
    const char **names = NULL;
    size_t count = 0;
    size_t good = 0;
    struct error error;
    *ret_count = 0;
    if (node == NULL)
        return NULL;
    if (!tree_texts (node, key, most, LIMIT_NAME, problems->arena, &names, &count, &error)) {
        (void)plan_problem_take (problems, node, &error);
        return NULL;
    }
    if (count == 0)
        (void)plan_problem (problems, node, "%s: the list is empty: write at least one name", key);
    for (size_t i = 0; i < count; i++) {
        const struct tree *place = node->kind == TREE_LIST ? node->items[i] : node;
        const char *name;
        if (!tree_name (place, key, &name, &error))
            (void)plan_problem_take (problems, place, &error);
        else if (is_among (name, names, good))
            (void)plan_problem (problems, place, "%s: '%s' stands here twice: keep one", key, name);
        else
            names[good++] = name;
    }
    *ret_count = good;
    return names;
}

const struct tree *field_place (const struct tree *map, const char *key, const struct tree *place)
{
    const struct tree *node = tree_get (map, key);
    return node != NULL ? node : place;
}

const struct tree *field_entry (
    const struct tree *map, const char *key, const char *name, const struct tree *place)
{
    const struct tree *node = tree_get (map, key);
    for (size_t i = 0; node != NULL && node->kind == TREE_LIST && i < node->count; i++)
        if (node->items[i]->kind == TREE_SCALAR && strcmp (node->items[i]->text, name) == 0)
            return node->items[i];
    return field_place (map, key, place);
}
