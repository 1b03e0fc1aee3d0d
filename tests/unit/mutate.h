/* Random mutations of records and bytes, by proto's tables alone, so that a new field is mutated without a
   word here.

   A run is a function of its seed: RELEVO_SEED=N sets another than the usual one, RELEVO_MUTATIONS=N how many
   mutations of each kind there are. What fails names the seed. */
#ifndef RELEVO_TESTS_UNIT_MUTATE_H
#define RELEVO_TESTS_UNIT_MUTATE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/document.h"
#include "proto/codec_walk.h"

struct mutator {
    uint64_t seed;
    uint64_t state;
    struct arena *arena;          /* what a mutation takes memory from */
    const struct digest *digests; /* some that mean something here */
    size_t digest_count;
    const char *const *texts; /* the same */
    size_t text_count;
};

static inline uint64_t number_of_environment (const char *name, uint64_t otherwise)
{
    const char *text = getenv (name);
    char *end = NULL;
    uint64_t number;
    if (text == NULL)
        return otherwise;
    number = strtoull (text, &end, 10);
    if (end == text || *end != '\0') {
        (void)fprintf (stderr, "%s=%s: use a whole number\n", name, text);
        abort ();
    }
    return number;
}

static inline size_t mutations_wanted (size_t otherwise)
{
    return (size_t)number_of_environment ("RELEVO_MUTATIONS", otherwise);
}

static inline struct mutator mutator_new (struct arena *arena)
{
    uint64_t seed = number_of_environment ("RELEVO_SEED", 20260601);
    return (struct mutator){.seed = seed, .state = seed, .arena = arena};
}

/* splitmix64: each state gives one number, and no seed is a bad one. */
static inline uint64_t draw (struct mutator *mutator)
{
    uint64_t mixed = mutator->state += UINT64_C (0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C (0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C (0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

/* 0 to sides - 1 */
static inline size_t roll (struct mutator *mutator, size_t sides)
{
    assert (sides > 0);
    return (size_t)(draw (mutator) % sides);
}

static inline bool one_in (struct mutator *mutator, size_t sides)
{
    return roll (mutator, sides) == 0;
}

/* -------------------------------------------------------------------------------------------------- bytes */

static inline void flip_bits (struct mutator *mutator, uint8_t *data, size_t size)
{
    size_t count = 1 + roll (mutator, 8);
    for (size_t i = 0; i < count && size > 0; i++)
        data[roll (mutator, size)] ^= (uint8_t)(1U << roll (mutator, 8));
}

/* The first `from` bytes of one, and those of the other from `other_from` on. */
static inline struct bytes join_bytes (
    struct mutator *mutator, struct bytes one, size_t from, struct bytes other, size_t other_from)
{
    size_t rest = other.size - other_from;
    uint8_t *data = arena_take (mutator->arena, from + rest + 1);
    if (from > 0)
        (void)memcpy (data, one.data, from);
    if (rest > 0)
        (void)memcpy (data + from, other.data + other_from, rest);
    return (struct bytes){data, from + rest};
}

static inline struct bytes longer_bytes (struct mutator *mutator, struct bytes original)
{
    uint8_t more[16];
    for (size_t i = 0; i < sizeof more; i++)
        more[i] = (uint8_t)draw (mutator);
    return join_bytes (
        mutator, original, original.size, (struct bytes){more, 1 + roll (mutator, sizeof more)}, 0);
}

/* Usually, but not always, other bytes than `original`; `other` gives pieces that are well-formed somewhere
 * else. */
static inline struct bytes mutate_bytes (struct mutator *mutator, struct bytes original, struct bytes other)
{
    size_t first = roll (mutator, original.size + 1);
    size_t second = roll (mutator, original.size + 1);
    struct bytes copy = join_bytes (mutator, original, original.size, (struct bytes){0}, 0);
    uint8_t *data = (uint8_t *)copy.data;
    switch (roll (mutator, 8)) {
    case 0:
        return (struct bytes){copy.data, first};
    case 1:
        return longer_bytes (mutator, original);
    case 2: /* a piece is doubled, or left out */
        return join_bytes (mutator, original, first, original, second);
    case 3:
        return join_bytes (mutator, original, first, other, roll (mutator, other.size + 1));
    case 4:
        return join_bytes (mutator, other, other.size, other, other.size);
    case 5:
        if (first < copy.size && second < copy.size) {
            data[first] = original.data[second];
            data[second] = original.data[first];
        }
        return copy;
    default:
        flip_bits (mutator, data, copy.size);
        return copy;
    }
}

/* ------------------------------------------------------------------------------------------------- values */

static inline uint64_t mutate_number (struct mutator *mutator, uint64_t number, uint64_t bound)
{
    const uint64_t ends[] = {0,          1,     2,         number + 1,
                             number - 1, bound, bound - 1, number ^ 1U << roll (mutator, 16)};
    uint64_t chosen =
        one_in (mutator, 8) ? draw (mutator) : ends[roll (mutator, sizeof ends / sizeof ends[0])];
    return bound == UINT64_MAX ? chosen : chosen % (bound + 1);
}

static inline int64_t mutate_time (struct mutator *mutator, int64_t ms)
{
    static const int64_t steps[] = {1, -1, 1000, -1000, 3600000, -3600000, 400000000, -400000000};
    static const int64_t ends[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    if (one_in (mutator, 3))
        return ends[roll (mutator, sizeof ends / sizeof ends[0])];
    return instant_add ((struct instant){ms}, (struct span){steps[roll (mutator, 8)]}).ms;
}

static inline const char *mutate_text (struct mutator *mutator, const char *text, uint64_t bound)
{
    size_t size = text == NULL ? 0 : strlen (text);
    char *copy = arena_format (mutator->arena, "%s.", text == NULL ? "" : text);
    size_t way = roll (mutator, 5);
    if (way == 0)
        return "";
    if (way == 1 && size < bound)
        return copy; /* longer */
    copy[size] = '\0';
    if (way == 2 && size > 0)
        copy[size - 1] = '\0';
    else if (way == 3 && mutator->text_count > 0)
        return mutator->texts[roll (mutator, mutator->text_count)];
    else if (size > 0)
        copy[roll (mutator, size)] = (char)(' ' + roll (mutator, 95));
    return copy;
}

static inline void mutate_fixed (struct mutator *mutator, uint8_t *data, size_t size)
{
    if (one_in (mutator, 4))
        (void)memset (data, 0, size);
    else
        flip_bits (mutator, data, size);
}

static inline void mutate_digest (struct mutator *mutator, struct digest *digest)
{
    if (mutator->digest_count > 0 && !one_in (mutator, 3))
        *digest = mutator->digests[roll (mutator, mutator->digest_count)];
    else
        mutate_fixed (mutator, digest->bytes, sizeof digest->bytes);
}

/* ------------------------------------------------------------------------------------------------- fields */

static inline size_t value_size (const struct field *field)
{
    switch (field->kind) {
    case FIELD_FLAG:
        return sizeof (bool);
    case FIELD_TEXT:
    case FIELD_TEXTS:
        return sizeof (const char *);
    case FIELD_BYTES:
        return sizeof (struct bytes);
    case FIELD_DIGEST:
    case FIELD_DIGESTS:
        return sizeof (struct digest);
    case FIELD_PUBLIC_KEY:
        return sizeof (struct public_key);
    case FIELD_WIRE_KEY:
        return sizeof (struct wire_key);
    case FIELD_ENUM:
        return sizeof (unsigned);
    case FIELD_ONE:
    case FIELD_MANY:
        return field->part->size;
    case FIELD_U64:
    case FIELD_INSTANT:
    case FIELD_SPAN:
        break;
    }
    return sizeof (uint64_t);
}

static inline bool is_list (const struct field *field)
{
    return field->kind == FIELD_MANY || field->kind == FIELD_TEXTS || field->kind == FIELD_DIGESTS;
}

static inline void swap_values (void *one, void *other, size_t size, struct arena *arena)
{
    void *kept = arena_copy (arena, one, size);
    (void)memmove (one, other, size);
    (void)memcpy (other, kept, size);
}

static inline void mutate_record (struct mutator *mutator, const struct record_type *type, void *record);

static inline void mutate_item (struct mutator *mutator, const struct field *field, char *item)
{
    if (field->kind == FIELD_MANY)
        mutate_record (mutator, field->part, item);
    else if (field->kind == FIELD_TEXTS)
        *(const char **)(void *)item = mutate_text (mutator, *(const char **)(void *)item, field->item_bound);
    else
        mutate_digest (mutator, (struct digest *)(void *)item);
}

/* One item more, where the bound allows it. */
static inline void double_item (
    struct mutator *mutator, const struct field *field, void *record, size_t count, size_t which)
{
    size_t size = value_size (field);
    char *items = *(char **)field_of (field, record);
    char *grown = arena_array (mutator->arena, count + 1, size);
    if (count == field->bound)
        return;
    (void)memcpy (grown, items, count * size);
    (void)memcpy (grown + count * size, items + which * size, size);
    *(char **)field_of (field, record) = grown;
    field_count_set (field, record, count + 1);
}

static inline void mutate_list (struct mutator *mutator, const struct field *field, void *record)
{
    size_t count = field_count_in (field, record);
    size_t size = value_size (field);
    char *items = *(char **)field_of (field, record);
    size_t which;
    size_t other;
    if (count == 0)
        return;
    which = roll (mutator, count);
    other = roll (mutator, count);
    switch (roll (mutator, 8)) {
    case 0:
        field_count_set (field, record, 0);
        break;
    case 1:
        (void)memmove (items + which * size, items + (which + 1) * size, (count - which - 1) * size);
        field_count_set (field, record, count - 1);
        break;
    case 2:
        double_item (mutator, field, record, count, which);
        break;
    case 3:
        swap_values (items + which * size, items + other * size, size, mutator->arena);
        break;
    default:
        mutate_item (mutator, field, items + which * size);
    }
}

static inline void swap_fields (struct mutator *mutator, const struct record_type *type, void *record)
{
    const struct field *one = &type->fields[roll (mutator, type->field_count)];
    const struct field *other = &type->fields[roll (mutator, type->field_count)];
    if (one != other && one->kind == other->kind && one->part == other->part && !is_list (one) &&
        (one->kind != FIELD_ENUM || one->words == other->words))
        swap_values (field_of (one, record), field_of (other, record), value_size (one), mutator->arena);
}

static inline void mutate_field (struct mutator *mutator, const struct field *field, void *record)
{
    void *place = field_of (field, record);
    switch (field->kind) {
    case FIELD_U64:
        *(uint64_t *)place = mutate_number (mutator, *(uint64_t *)place, field->bound);
        break;
    case FIELD_FLAG:
        *(bool *)place = !*(bool *)place;
        break;
    case FIELD_INSTANT:
    case FIELD_SPAN:
        *(int64_t *)place = mutate_time (mutator, *(int64_t *)place);
        break;
    case FIELD_TEXT:
        *(const char **)place = mutate_text (mutator, *(const char **)place, field->bound);
        break;
    case FIELD_BYTES:
        *(struct bytes *)place = mutate_bytes (mutator, *(struct bytes *)place, *(struct bytes *)place);
        break;
    case FIELD_DIGEST:
        mutate_digest (mutator, place);
        break;
    case FIELD_PUBLIC_KEY:
    case FIELD_WIRE_KEY:
        mutate_fixed (mutator, place, value_size (field));
        break;
    case FIELD_ENUM:
        *(unsigned *)place = (unsigned)roll (mutator, field->words->count);
        break;
    case FIELD_ONE:
        mutate_record (mutator, field->part, place);
        break;
    case FIELD_MANY:
    case FIELD_TEXTS:
    case FIELD_DIGESTS:
        mutate_list (mutator, field, record);
        break;
    }
}

/* Changes one field, of the record or of one of its parts, or swaps two. Lists are changed in place: the
   record must be the caller's own, as a decoded one is. Now and then everything is as before. */
static inline void mutate_record (struct mutator *mutator, const struct record_type *type, void *record)
{
    if (one_in (mutator, 8))
        swap_fields (mutator, type, record);
    else
        mutate_field (mutator, &type->fields[roll (mutator, type->field_count)], record);
}

/* ------------------------------------------------------------------------------------------ whole records */

static inline void fill_record (struct mutator *mutator, const struct record_type *type, void *record);

/* None to two items. */
static inline void fill_list (struct mutator *mutator, const struct field *field, void *record)
{
    size_t count = roll (mutator, 3);
    size_t size = value_size (field);
    char *items = arena_array (mutator->arena, count, size);
    for (size_t i = 0; i < count; i++)
        if (field->kind == FIELD_MANY)
            fill_record (mutator, field->part, items + i * size);
        else
            mutate_item (mutator, field, items + i * size);
    *(char **)field_of (field, record) = items;
    field_count_set (field, record, count);
}

/* Any values, within the bounds of the table. `record` is all zero. */
static inline void fill_record (struct mutator *mutator, const struct record_type *type, void *record)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        if (is_list (field))
            fill_list (mutator, field, record);
        else if (field->kind == FIELD_ONE)
            fill_record (mutator, field->part, field_of (field, record));
        else if (!one_in (mutator, 4))
            mutate_field (mutator, field, record);
    }
}

/* A document of this kind with up to three mutations of its fields. False where no document can say that. */
static inline bool mutate_document (
    struct mutator *mutator, const struct record_type *type, struct bytes content, struct bytes *ret)
{
    void *record = arena_take (mutator->arena, type->size);
    struct buffer written = {0};
    size_t times = 1 + roll (mutator, 3);
    bool good = document_read (type, content, mutator->arena, record, NULL);
    for (size_t i = 0; i < times && good; i++)
        mutate_record (mutator, type, record);
    good = good && document_write (type, record, &written, NULL);
    if (good)
        *ret = (struct bytes){arena_copy (mutator->arena, written.data, written.size), written.size};
    buffer_free (&written);
    return good;
}

#endif
