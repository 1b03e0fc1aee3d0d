#include "controller/core/plan_diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/core/arena.h"
#include "common/core/safe_text.h"

struct differ {
    struct arena arena;
    struct buffer *out;
    size_t count;
};

static void compare_records (
    struct differ *differ, const char *path, const struct record_type *type, const void *first,
    const void *second);

static void line (struct differ *differ, const char *path, const char *mark, const char *text)
{
    buffer_print (differ->out, "%s: %s", path, mark);
    text_escape (text, strlen (text), differ->out);
    buffer_text (differ->out, "\n");
    differ->count++;
}

static void changed (struct differ *differ, const char *path, const char *first, const char *second)
{
    if (strcmp (first, second) == 0)
        return;
    buffer_print (differ->out, "%s: ", path);
    text_escape (
        first[0] != '\0' ? first : "(none)", strlen (first[0] != '\0' ? first : "(none)"), differ->out);
    buffer_text (differ->out, " -> ");
    text_escape (
        second[0] != '\0' ? second : "(none)", strlen (second[0] != '\0' ? second : "(none)"), differ->out);
    buffer_text (differ->out, "\n");
    differ->count++;
}

static const void *at (const void *record, size_t offset)
{
    return (const char *)record + offset;
}

static size_t count_at (const void *record, const struct field *field)
{
    size_t count;
    (void)memcpy (&count, at (record, field->count_offset), sizeof count);
    return count;
}

static const void *pointer_at (const void *record, const struct field *field)
{
    const void *pointer;
    (void)memcpy (&pointer, at (record, field->offset), sizeof pointer);
    return pointer;
}

static const char *print_bytes (struct arena *arena, const uint8_t *data, size_t size)
{
    char *text = arena_take (arena, 2 * size + 1);
    for (size_t i = 0; i < size; i++)
        (void)snprintf (text + 2 * i, 3, "%02x", data[i]);
    return text;
}

/* A field of one value, as text. Lists and parts are compared elsewhere. */
static const char *print_value (struct arena *arena, const struct field *field, const void *record)
{
    const void *place = at (record, field->offset);
    char text[TIME_TEXT_SIZE];
    switch (field->kind) {
    case FIELD_U64:
        return arena_format (arena, "%" PRIu64, *(const uint64_t *)place);
    case FIELD_FLAG:
        return *(const bool *)place ? "true" : "false";
    case FIELD_INSTANT:
        return arena_text (arena, instant_print (*(const struct instant *)place, text));
    case FIELD_SPAN:
        return arena_format (arena, "%" PRId64 "ms", ((const struct span *)place)->ms);
    case FIELD_TEXT:
        return pointer_at (record, field) != NULL ? pointer_at (record, field) : "";
    case FIELD_BYTES:
        return print_bytes (arena, ((const struct bytes *)place)->data, ((const struct bytes *)place)->size);
    case FIELD_DIGEST:
        return print_bytes (arena, ((const struct digest *)place)->bytes, DIGEST_SIZE);
    case FIELD_PUBLIC_KEY:
        return print_bytes (arena, ((const struct public_key *)place)->bytes, PUBLIC_KEY_SIZE);
    case FIELD_WIRE_KEY:
        return print_bytes (arena, ((const struct wire_key *)place)->bytes, WIRE_KEY_SIZE);
    case FIELD_ENUM:
        return enum_word (field->words, *(const unsigned *)place);
    case FIELD_ONE:
    case FIELD_MANY:
    case FIELD_TEXTS:
    case FIELD_DIGESTS:
        break;
    }
    return "";
}

static bool has_text (const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (texts[i], text) == 0)
            return true;
    return false;
}

static bool same_texts (const char *const *first, const char *const *second, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (first[i], second[i]) != 0)
            return false;
    return true;
}

static void compare_texts (
    struct differ *differ, const char *path, const struct field *field, const void *first, const void *second)
{
    const char *const *left = pointer_at (first, field);
    const char *const *right = pointer_at (second, field);
    size_t left_count = count_at (first, field);
    size_t right_count = count_at (second, field);
    size_t before = differ->count;
    if (left_count == right_count && same_texts (left, right, left_count))
        return;
    for (size_t i = 0; i < left_count; i++)
        if (!has_text (right, right_count, left[i]))
            line (differ, path, "- ", left[i]);
    for (size_t i = 0; i < right_count; i++)
        if (!has_text (left, left_count, right[i]))
            line (differ, path, "+ ", right[i]);
    if (differ->count == before)
        line (differ, path, "", "the same entries in another order or number");
}

static const void *item_at (const void *record, const struct field *field, size_t index)
{
    return at (pointer_at (record, field), index * field->part->size);
}

/* Parts that have a name are found again by it. */
static const char *name_of (const struct record_type *part, const void *item)
{
    if (part->fields[0].kind != FIELD_TEXT || strcmp (part->fields[0].name, "name") != 0)
        return NULL;
    return pointer_at (item, &part->fields[0]);
}

static const void *find_named (
    const struct record_type *part, const void *items, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const void *item = at (items, i * part->size);
        if (strcmp (name_of (part, item), name) == 0)
            return item;
    }
    return NULL;
}

static const char *title_of (struct arena *arena, const struct record_type *part, const void *item)
{
    if (part == &step_type)
        return arena_format (
            arena, "%s, %s", enum_word (&step_kind_words, ((const struct step *)item)->kind),
            ((const struct step *)item)->title);
    return name_of (part, item) != NULL ? name_of (part, item) : "";
}

static void compare_named (
    struct differ *differ, const char *path, const struct field *field, const void *first, const void *second)
{
    const struct record_type *part = field->part;
    const void *left = pointer_at (first, field);
    const void *right = pointer_at (second, field);
    size_t left_count = count_at (first, field);
    size_t right_count = count_at (second, field);
    for (size_t i = 0; i < left_count; i++) {
        const void *item = at (left, i * part->size);
        const char *name = name_of (part, item);
        const void *other = find_named (part, right, right_count, name);
        if (other == NULL)
            line (differ, path, "- ", name);
        else
            compare_records (differ, arena_format (&differ->arena, "%s[%s]", path, name), part, item, other);
    }
    for (size_t i = 0; i < right_count; i++) {
        const char *name = name_of (part, at (right, i * part->size));
        if (find_named (part, left, left_count, name) == NULL)
            line (differ, path, "+ ", name);
    }
}

static void compare_many (
    struct differ *differ, const char *path, const struct field *field, const void *first, const void *second)
{
    const struct record_type *part = field->part;
    size_t left_count = count_at (first, field);
    size_t right_count = count_at (second, field);
    for (size_t i = 0; i < left_count || i < right_count; i++) {
        const char *item_path = arena_format (&differ->arena, "%s[%zu]", path, i + 1);
        if (i >= right_count)
            line (differ, item_path, "- ", title_of (&differ->arena, part, item_at (first, field, i)));
        else if (i >= left_count)
            line (differ, item_path, "+ ", title_of (&differ->arena, part, item_at (second, field, i)));
        else
            compare_records (differ, item_path, part, item_at (first, field, i), item_at (second, field, i));
    }
}

static void compare_field (
    struct differ *differ, const char *path, const struct field *field, const void *first, const void *second)
{
    if (field->kind == FIELD_ONE)
        compare_records (differ, path, field->part, at (first, field->offset), at (second, field->offset));
    else if (field->kind == FIELD_TEXTS)
        compare_texts (differ, path, field, first, second);
    else if (field->kind == FIELD_MANY && field->part->fields[0].kind == FIELD_TEXT)
        compare_named (differ, path, field, first, second);
    else if (field->kind == FIELD_MANY)
        compare_many (differ, path, field, first, second);
    else
        changed (
            differ, path, print_value (&differ->arena, field, first),
            print_value (&differ->arena, field, second));
}

static void compare_records (
    struct differ *differ, const char *path, const struct record_type *type, const void *first,
    const void *second)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        const char *field_path =
            path[0] == '\0' ? field->name : arena_format (&differ->arena, "%s.%s", path, field->name);
        compare_field (differ, field_path, field, first, second);
    }
}

size_t plan_diff (const struct plan *first, const struct plan *second, struct buffer *out)
{
    struct differ differ = {.out = out};
    compare_records (&differ, "", &plan_type, first, second);
    arena_free (&differ.arena);
    return differ.count;
}
