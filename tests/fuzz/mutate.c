#include "tests/fuzz/mutate.h"

#include <string.h>

#include "common/core/document.h"
#include "proto/codec_walk.h"

/* How often bytes are changed instead of fields; how far a text or a list may grow at once. */
enum { BYTES_ONE_IN = 8, GROWTH = 24 };

/* Names and versions that the worlds of the targets know, and words that are none. */
static const char *const words[] = {
    "",           "p1",         "p2",      "s1",       "ana",      "luis",       "bo",
    "eva",        "ctl",        "op",      "rel-1",    "root-1",   "root",       "operator",
    "releaser",   "controller", "testers", "managers", "staging",  "production", "connect",
    "regression", "slack-ops",  "2",       "../x",     "\xC2\x9B", "a b"};

uint64_t dice_roll (struct dice *dice, uint64_t bound)
{
    dice->state = dice->state * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
    return (dice->state >> 24) % bound;
}

static uint64_t any_number (struct dice *dice, uint64_t now, uint64_t bound)
{
    switch (dice_roll (dice, 7)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return bound;
    case 3:
        return now + 1;
    case 4:
        return now - 1;
    case 5:
        return UINT64_C (1) << dice_roll (dice, 64);
    default:
        return dice_roll (dice, 16);
    }
}

static int64_t any_time (struct dice *dice, int64_t now)
{
    static const int64_t times[] = {0, 1, -1, 1000, INT64_MAX, INT64_MIN, INT64_C (1780000000000)};
    const uint64_t count = sizeof times / sizeof times[0];
    uint64_t choice = dice_roll (dice, count + 2);
    if (choice < count)
        return times[choice];
    return (int64_t)((uint64_t)now + (choice == count ? 1000 : (uint64_t)-1000));
}

static const char *any_text (struct dice *dice, const char *now, struct arena *arena)
{
    size_t size = now != NULL ? strlen (now) : 0;
    char *text = arena_take (arena, size + GROWTH + 1);
    if (dice_roll (dice, 2) == 0)
        return words[dice_roll (dice, sizeof words / sizeof words[0])];
    if (size > 0)
        (void)memcpy (text, now, size);
    return text[LLVMFuzzerMutate ((uint8_t *)text, size, size + GROWTH)] = '\0', text;
}

static void change_bytes (struct dice *dice, uint8_t *bytes, size_t size)
{
    switch (dice_roll (dice, 3)) {
    case 0:
        bytes[dice_roll (dice, size)] ^= (uint8_t)(1 + dice_roll (dice, 255));
        break;
    case 1:
        (void)memset (bytes, 0, size);
        break;
    default:
        (void)memset (bytes, (int)dice_roll (dice, 4), size);
    }
}

static struct bytes any_bytes (struct dice *dice, struct bytes now, struct arena *arena)
{
    const struct record_type *type;
    size_t most = now.size + GROWTH;
    uint8_t *bytes;
    if (document_type (now, &type, NULL)) {
        void *record = arena_take (arena, type->size);
        struct buffer out = {0};
        if (document_read (type, now, arena, record, NULL)) {
            mutate_record (type, record, arena, dice);
            if (document_write (type, record, &out, NULL))
                now = (struct bytes){arena_copy (arena, out.data, out.size), out.size};
            buffer_free (&out);
            return now;
        }
    }
    bytes = arena_take (arena, most);
    if (now.size > 0)
        (void)memcpy (bytes, now.data, now.size);
    return (struct bytes){bytes, LLVMFuzzerMutate (bytes, now.size, most)};
}

static size_t item_size (const struct field *field)
{
    return field->kind == FIELD_MANY    ? field->part->size
           : field->kind == FIELD_TEXTS ? sizeof (const char *)
                                        : sizeof (struct digest);
}

static void change_item (const struct field *field, char *item, struct arena *arena, struct dice *dice)
{
    if (field->kind == FIELD_MANY)
        mutate_record (field->part, item, arena, dice);
    else if (field->kind == FIELD_TEXTS)
        *(const char **)(void *)item = any_text (dice, *(const char **)(void *)item, arena);
    else
        change_bytes (dice, (uint8_t *)item, sizeof (struct digest));
}

/* Drops an item, doubles one, makes one from nothing, exchanges two, or changes one. */
static void change_list (const struct field *field, void *record, struct arena *arena, struct dice *dice)
{
    size_t size = item_size (field);
    size_t count = field_count_in (field, record);
    char *old = *(char **)field_of (field, record);
    char *items = arena_array (arena, count + 1, size);
    size_t at = count > 0 ? (size_t)dice_roll (dice, count) : 0;
    size_t other = count > 0 ? (size_t)dice_roll (dice, count) : 0;
    uint64_t choice = count > 0 ? dice_roll (dice, 8) : 3;
    if (count > 0)
        (void)memcpy (items, old, count * size);
    if (choice == 0) {
        (void)memmove (items + at * size, items + (at + 1) * size, (count - at - 1) * size);
        count--;
    } else if (choice == 1) {
        (void)memcpy (items + count++ * size, items + at * size, size);
    } else if (choice == 2) {
        (void)memcpy (items + at * size, old + other * size, size);
        (void)memcpy (items + other * size, old + at * size, size);
    } else if (choice == 3) {
        if (field->kind == FIELD_MANY)
            fill_record (field->part, items + count * size, arena);
        else
            change_item (field, items + count * size, arena, dice);
        count++;
    } else {
        change_item (field, items + at * size, arena, dice);
    }
    *(char **)field_of (field, record) = items;
    field_count_set (field, record, count);
}

static void change_field (const struct field *field, void *record, struct arena *arena, struct dice *dice)
{
    void *place = field_of (field, record);
    switch (field->kind) {
    case FIELD_U64:
        *(uint64_t *)place = any_number (dice, *(uint64_t *)place, field->bound);
        break;
    case FIELD_FLAG:
        *(bool *)place = !*(bool *)place;
        break;
    case FIELD_INSTANT:
    case FIELD_SPAN:
        *(int64_t *)place = any_time (dice, *(int64_t *)place);
        break;
    case FIELD_TEXT:
        *(const char **)place = any_text (dice, *(const char **)place, arena);
        break;
    case FIELD_BYTES:
        *(struct bytes *)place = any_bytes (dice, *(struct bytes *)place, arena);
        break;
    case FIELD_DIGEST:
    case FIELD_WIRE_KEY:
        change_bytes (dice, place, DIGEST_SIZE);
        break;
    case FIELD_PUBLIC_KEY:
        change_bytes (dice, place, sizeof (struct public_key));
        break;
    case FIELD_ENUM:
        *(unsigned *)place = (unsigned)dice_roll (dice, field->words->count);
        break;
    case FIELD_ONE:
        mutate_record (field->part, place, arena, dice);
        break;
    case FIELD_MANY:
    case FIELD_TEXTS:
    case FIELD_DIGESTS:
        change_list (field, record, arena, dice);
        break;
    }
}

void mutate_record (const struct record_type *type, void *record, struct arena *arena, struct dice *dice)
{
    change_field (&type->fields[dice_roll (dice, type->field_count)], record, arena, dice);
}

static void fill_list (const struct field *field, void *record, struct arena *arena)
{
    char *item = arena_array (arena, 1, item_size (field));
    if (field->kind == FIELD_MANY)
        fill_record (field->part, item, arena);
    else if (field->kind == FIELD_TEXTS)
        *(const char **)(void *)item = "p1";
    else
        (void)memset (item, 1, sizeof (struct digest));
    *(char **)field_of (field, record) = item;
    field_count_set (field, record, 1);
}

void fill_record (const struct record_type *type, void *record, struct arena *arena)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        void *place = field_of (field, record);
        switch (field->kind) {
        case FIELD_U64:
            *(uint64_t *)place = 1;
            break;
        case FIELD_FLAG:
            *(bool *)place = true;
            break;
        case FIELD_INSTANT:
        case FIELD_SPAN:
            *(int64_t *)place = 1000;
            break;
        case FIELD_TEXT:
            *(const char **)place = "p1";
            break;
        case FIELD_BYTES:
            *(struct bytes *)place = (struct bytes){(const uint8_t *)"relevo", 6};
            break;
        case FIELD_DIGEST:
        case FIELD_WIRE_KEY:
            (void)memset (place, 1, DIGEST_SIZE);
            break;
        case FIELD_PUBLIC_KEY:
            (void)memset (place, 1, sizeof (struct public_key));
            break;
        case FIELD_ENUM:
            *(unsigned *)place = (unsigned)field->words->count - 1;
            break;
        case FIELD_ONE:
            fill_record (field->part, place, arena);
            break;
        case FIELD_MANY:
        case FIELD_TEXTS:
        case FIELD_DIGESTS:
            fill_list (field, record, arena);
            break;
        }
    }
}

/* Puts `out` behind the prefix, where it fits. */
static size_t place_behind (struct buffer *out, size_t prefix, uint8_t *data, size_t size, size_t most)
{
    if (out->size > 0 && prefix + out->size <= most) {
        (void)memcpy (data + prefix, out->data, out->size);
        size = prefix + out->size;
    }
    buffer_free (out);
    return size;
}

size_t mutate_encoded (
    const struct record_type *type, size_t prefix, uint8_t *data, size_t size, size_t most, unsigned seed)
{
    struct dice dice = {seed};
    struct arena arena = {0};
    struct buffer out = {0};
    void *record = arena_take (&arena, type->size);
    if (dice_roll (&dice, BYTES_ONE_IN) == 0 || size < prefix ||
        !codec_decode (type, (struct bytes){data + prefix, size - prefix}, &arena, record, NULL)) {
        arena_free (&arena);
        return LLVMFuzzerMutate (data, size, most);
    }
    mutate_record (type, record, &arena, &dice);
    (void)codec_encode (type, record, &out, NULL);
    arena_free (&arena);
    return place_behind (&out, prefix, data, size, most);
}

size_t mutate_document (uint8_t *data, size_t size, size_t most, unsigned seed)
{
    const struct record_type *type;
    const uint8_t *end = size > 0 ? memchr (data, '\n', size) : NULL;
    if (end == NULL || !document_type ((struct bytes){data, size}, &type, NULL))
        return LLVMFuzzerMutate (data, size, most);
    return mutate_encoded (type, (size_t)(end - data) + 1, data, size, most, seed);
}
