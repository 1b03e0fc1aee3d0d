#include "common/core/tree.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct bytes input;
    const char *file;
    struct arena *arena;
    struct error *error;
    size_t nodes;
};

/* The items of a list, or the keys and values of a map, while they are being read. */
struct growing {
    struct tree **keys;
    struct tree **items;
    size_t count;
    size_t capacity;
};

static bool fail_at (struct reader *reader, yaml_mark_t mark, const char *what)
{
    return error_set (
        reader->error, ERROR_INPUT, "%s:%zu:%zu: %s", reader->file, mark.line + 1, mark.column + 1, what);
}

/* libyaml gives no line for a byte that is no character, only an offset. */
static yaml_mark_t mark_of_offset (struct bytes input, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < input.size; i++) {
        bool inside = (input.data[i] & 0xC0) == 0x80;
        if (input.data[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (!inside) {
            mark.column++;
        }
    }
    return mark;
}

static bool fail_of_parser (struct reader *reader)
{
    static const char advice[] = "indent with spaces alone, and close every quote and bracket";
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "this is not YAML";
    yaml_mark_t mark = parser->problem_mark;
    assert (parser->error != YAML_MEMORY_ERROR);
    if (parser->error == YAML_READER_ERROR) {
        mark = mark_of_offset (reader->input, parser->problem_offset);
        return fail_at (reader, mark, "a byte that is no UTF-8 text: remove it, or save the file as UTF-8");
    }
    if (parser->context == NULL)
        return error_set (
            reader->error, ERROR_INPUT, "%s:%zu:%zu: not well-formed YAML: %s: %s", reader->file,
            mark.line + 1, mark.column + 1, problem, advice);
    return error_set (
        reader->error, ERROR_INPUT, "%s:%zu:%zu: not well-formed YAML: %s (%s that begins in line %zu): %s",
        reader->file, mark.line + 1, mark.column + 1, problem, parser->context, parser->context_mark.line + 1,
        advice);
}

static bool next_event (struct reader *reader, yaml_event_t *ret)
{
    if (yaml_parser_parse (&reader->parser, ret) == 0)
        return fail_of_parser (reader);
    return true;
}

static struct tree *new_node (struct reader *reader, const yaml_event_t *event, enum tree_kind kind)
{
    struct tree *node = arena_take (reader->arena, sizeof *node);
    node->kind = kind;
    node->file = reader->file;
    node->line = (unsigned)event->start_mark.line + 1;
    node->column = (unsigned)event->start_mark.column + 1;
    return node;
}

static void grow (struct arena *arena, struct growing *growing, struct tree *key, struct tree *item)
{
    if (growing->count == growing->capacity) {
        size_t capacity = growing->capacity > 0 ? 2 * growing->capacity : 8;
        struct tree **keys = arena_array (arena, capacity, sizeof *keys);
        struct tree **items = arena_array (arena, capacity, sizeof *items);
        for (size_t i = 0; i < growing->count; i++) {
            keys[i] = growing->keys[i];
            items[i] = growing->items[i];
        }
        growing->keys = keys;
        growing->items = items;
        growing->capacity = capacity;
    }
    growing->keys[growing->count] = key;
    growing->items[growing->count] = item;
    growing->count++;
}

/* Lines and tabs may stand in a text; whatever else could steer a terminal may not. */
static bool is_plain_text (const char *text, size_t size)
{
    if (!text_is_utf8 (text, size))
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xC2 && i + 1 < size && (unsigned char)text[i + 1] < 0xA0;
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F || c1)
            return false;
    }
    return true;
}

static bool read_scalar (struct reader *reader, const yaml_event_t *event, struct tree **ret)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    struct tree *node;
    if (!is_plain_text (value, size))
        return fail_at (reader, event->start_mark, "a control character in a text: leave it out");
    node = new_node (reader, event, TREE_SCALAR);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_text_of (reader->arena, value, size);
    *ret = node;
    return true;
}

static bool refuse_extras (struct reader *reader, const yaml_event_t *event, unsigned depth)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return fail_at (
            reader, event->start_mark, "aliases (*name) are not used here: write the value again");
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor != NULL)
        return fail_at (reader, event->start_mark, "anchors (&name) are not used here: leave it out");
    if (tag != NULL)
        return fail_at (reader, event->start_mark, "tags (!name) are not used here: leave it out");
    if (depth > TREE_DEPTH)
        return fail_at (reader, event->start_mark, "nested too deeply: at most 16 levels");
    if (++reader->nodes > TREE_NODES)
        return fail_at (reader, event->start_mark, "too many values in one file: at most 65536");
    return true;
}

static bool read_node (struct reader *reader, const yaml_event_t *event, unsigned depth, struct tree **ret);

static bool read_next (
    struct reader *reader, yaml_event_type_t end, unsigned depth, bool *ret_end, struct tree **ret)
{
    yaml_event_t event;
    bool good;
    if (!next_event (reader, &event))
        return false;
    *ret_end = event.type == end;
    good = *ret_end || read_node (reader, &event, depth, ret);
    yaml_event_delete (&event);
    return good;
}

static bool read_value (struct reader *reader, unsigned depth, struct tree **ret)
{
    yaml_event_t event;
    bool good;
    if (!next_event (reader, &event))
        return false;
    good = read_node (reader, &event, depth, ret);
    yaml_event_delete (&event);
    return good;
}

static int compare_keys (const void *first, const void *second)
{
    const struct tree *const *left = first;
    const struct tree *const *right = second;
    int order = strcmp ((*left)->text, (*right)->text);
    if (order != 0)
        return order;
    if ((*left)->line != (*right)->line)
        return (*left)->line < (*right)->line ? -1 : 1;
    return (*left)->column < (*right)->column ? -1 : (*left)->column > (*right)->column;
}

static bool refuse_doubled_keys (struct reader *reader, const struct tree *map)
{
    const struct tree **sorted = arena_array (reader->arena, map->count, sizeof *sorted);
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = map->keys[i];
    if (map->count > 1)
        qsort (sorted, map->count, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < map->count; i++)
        if (strcmp (sorted[i - 1]->text, sorted[i]->text) == 0)
            return tree_error (
                sorted[i], reader->error, "'%.80s' stands here twice, first in line %u: keep one of them",
                sorted[i]->text, sorted[i - 1]->line);
    return true;
}

static bool read_list (struct reader *reader, const yaml_event_t *start, unsigned depth, struct tree **ret)
{
    struct tree *node = new_node (reader, start, TREE_LIST);
    struct growing growing = {0};
    for (;;) {
        struct tree *item = NULL;
        bool end;
        if (!read_next (reader, YAML_SEQUENCE_END_EVENT, depth + 1, &end, &item))
            return false;
        if (end)
            break;
        grow (reader->arena, &growing, NULL, item);
    }
    node->items = growing.items;
    node->count = growing.count;
    *ret = node;
    return true;
}

static bool read_map (struct reader *reader, const yaml_event_t *start, unsigned depth, struct tree **ret)
{
    struct tree *node = new_node (reader, start, TREE_MAP);
    struct growing growing = {0};
    for (;;) {
        struct tree *key = NULL;
        struct tree *value = NULL;
        bool end;
        if (!read_next (reader, YAML_MAPPING_END_EVENT, depth + 1, &end, &key))
            return false;
        if (end)
            break;
        if (key->kind != TREE_SCALAR)
            return tree_error (key, reader->error, "a key must be a word, not a list or a map");
        if (!read_value (reader, depth + 1, &value))
            return false;
        grow (reader->arena, &growing, key, value);
    }
    node->keys = growing.keys;
    node->items = growing.items;
    node->count = growing.count;
    *ret = node;
    return refuse_doubled_keys (reader, node);
}

static bool read_node (struct reader *reader, const yaml_event_t *event, unsigned depth, struct tree **ret)
{
    if (!refuse_extras (reader, event, depth))
        return false;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return read_list (reader, event, depth, ret);
    if (event->type == YAML_MAPPING_START_EVENT)
        return read_map (reader, event, depth, ret);
    assert (event->type == YAML_SCALAR_EVENT);
    return read_scalar (reader, event, ret);
}

static struct tree *empty_map (struct reader *reader)
{
    struct tree *map = arena_take (reader->arena, sizeof *map);
    *map = (struct tree){.kind = TREE_MAP, .file = reader->file, .line = 1, .column = 1};
    return map;
}

static bool read_document (struct reader *reader, struct tree **ret)
{
    struct tree *root = NULL;
    if (!read_value (reader, 1, &root))
        return false;
    if (root->kind == TREE_SCALAR && !root->quoted && root->text[0] == '\0')
        root = empty_map (reader);
    *ret = root;
    return true;
}

static bool read_stream (struct reader *reader, struct tree **ret)
{
    struct tree *root = NULL;
    yaml_event_type_t type = YAML_NO_EVENT;
    while (type != YAML_STREAM_END_EVENT) {
        yaml_event_t event;
        yaml_mark_t mark;
        if (!next_event (reader, &event))
            return false;
        type = event.type;
        mark = event.start_mark;
        yaml_event_delete (&event);
        if (type != YAML_DOCUMENT_START_EVENT)
            continue;
        if (root != NULL)
            return fail_at (reader, mark, "a second document begins here: keep one document in a file");
        if (!read_document (reader, &root))
            return false;
    }
    *ret = root != NULL ? root : empty_map (reader);
    return true;
}

bool tree_parse (
    struct bytes input, const char *file, struct arena *arena, const struct tree **ret, struct error *error)
{
    struct reader reader = {.input = input, .file = arena_text (arena, file), .arena = arena, .error = error};
    struct tree *root = NULL;
    bool good;
    if (input.size > TREE_INPUT)
        return error_set (
            error, ERROR_LIMIT, "%s:1:1: the file has %zu bytes: at most %d are read", file, input.size,
            TREE_INPUT);
    good = yaml_parser_initialize (&reader.parser) == 1;
    assert (good);
    yaml_parser_set_encoding (&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string (
        &reader.parser, input.size > 0 ? input.data : (const unsigned char *)"", input.size);
    good = read_stream (&reader, &root);
    yaml_parser_delete (&reader.parser);
    if (good)
        *ret = root;
    return good;
}
