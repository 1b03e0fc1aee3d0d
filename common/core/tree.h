/* YAML as a tree with positions: for plans, profiles and configuration. Made of libyaml's events. Refused,
   with line and column: anchors and aliases, tags, several documents, doubled keys, keys that are not
   scalars, nesting over TREE_DEPTH, input over TREE_INPUT bytes, invalid UTF-8. */
#ifndef RELEVO_COMMON_CORE_TREE_H
#define RELEVO_COMMON_CORE_TREE_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "common/core/text.h"
#include "common/core/time.h"

enum { TREE_DEPTH = 16, TREE_INPUT = 1024 * 1024, TREE_NODES = 65536 };

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree {
    enum tree_kind kind;
    const char *file;    /* as shown in errors */
    unsigned line;       /* from 1 */
    unsigned column;     /* from 1 */
    bool quoted;         /* a scalar in quotes, or a block: never a boolean or a number */
    const char *text;    /* scalar */
    struct tree **items; /* list: items; map: values */
    struct tree **keys;  /* map: scalars, beside their values */
    size_t count;
};

/* The whole belongs to `arena`. An empty document is an empty map. */
bool tree_parse (
    struct bytes input, const char *file, struct arena *arena, const struct tree **ret, struct error *error);

/* "file:line:column: …". Its value is false, as that of error_set. */
#define tree_error(place, error, ...) (tree_write_error (place, error, __VA_ARGS__), false)
void tree_write_error (const struct tree *place, struct error *error, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Every key of the map is one of `keys`, else an error at that key with the nearest right word, or all of
   them. Also refuses what is not a map. */
bool tree_check_keys (
    const struct tree *map, const char *what, const char *const *keys, size_t count, struct error *error);

const struct tree *tree_get (const struct tree *map, const char *key); /* NULL where absent */

/* Typed readings of one node; each error says what was expected and shows what stood there. */
bool tree_text (
    const struct tree *node, const char *what, size_t most, const char **ret, struct error *error);
bool tree_name (const struct tree *node, const char *what, const char **ret, struct error *error);
bool tree_flag (const struct tree *node, const char *what, bool *ret, struct error *error); /* true, false */
bool tree_number (
    const struct tree *node, const char *what, uint64_t least, uint64_t most, uint64_t *ret,
    struct error *error);
bool tree_span (const struct tree *node, const char *what, struct span *ret, struct error *error);
/* A list of texts, or one text for a list of one. */
bool tree_texts (
    const struct tree *node, const char *what, size_t most_items, size_t most, struct arena *arena,
    const char ***ret, size_t *ret_count, struct error *error);

#endif
