#include "proto/codec.h"

#include <msgpack.h>
#include <string.h>

#include "proto/codec_walk.h"

static bool decode_record (
    const struct record_type *type, const msgpack_object *object, struct arena *arena, void *record,
    struct error *error);

static bool wrong (const struct field *field, const char *expected, struct error *error)
{
    return error_set (error, ERROR_INPUT, "%s: expected %s", field->name, expected);
}

static bool over (const struct field *field, uint64_t value, uint64_t bound, struct error *error)
{
    return error_set (
        error, ERROR_LIMIT, "%s: %llu is over the limit of %llu", field->name, (unsigned long long)value,
        (unsigned long long)bound);
}

static bool decode_milliseconds (
    const struct field *field, const msgpack_object *object, int64_t *ret, struct error *error)
{
    if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *ret = object->via.i64;
    else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX)
        *ret = (int64_t)object->via.u64;
    else
        return wrong (field, "milliseconds", error);
    return true;
}

static bool decode_text (
    const struct field *field, const msgpack_object *object, uint64_t bound, struct arena *arena,
    const char **ret, struct error *error)
{
    if (object->type != MSGPACK_OBJECT_STR)
        return wrong (field, "text", error);
    if (object->via.str.size > bound)
        return over (field, object->via.str.size, bound, error);
    if (!text_is_utf8 (object->via.str.ptr, object->via.str.size))
        return wrong (field, "valid UTF-8 without NUL", error);
    *ret = arena_text_of (arena, object->via.str.ptr, object->via.str.size);
    return true;
}

static bool decode_fixed (
    const struct field *field, const msgpack_object *object, void *place, size_t size, struct error *error)
{
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size != size)
        return error_set (error, ERROR_INPUT, "%s: expected %zu bytes", field->name, size);
    (void)memcpy (place, object->via.bin.ptr, size);
    return true;
}

static bool decode_bytes (
    const struct field *field, const msgpack_object *object, struct arena *arena, struct bytes *ret,
    struct error *error)
{
    if (object->type != MSGPACK_OBJECT_BIN)
        return wrong (field, "bytes", error);
    if (object->via.bin.size > field->bound)
        return over (field, object->via.bin.size, field->bound, error);
    *ret =
        (struct bytes){arena_copy (arena, object->via.bin.ptr, object->via.bin.size), object->via.bin.size};
    return true;
}

static bool decode_enum (
    const struct field *field, const msgpack_object *object, unsigned *ret, struct error *error)
{
    if (object->type != MSGPACK_OBJECT_STR)
        return wrong (field, "a word", error);
    if (!enum_value (field->words, object->via.str.ptr, object->via.str.size, ret))
        return error_set (error, ERROR_INPUT, "%s: not a %s", field->name, field->words->name);
    return true;
}

static size_t item_size (const struct field *field)
{
    return field->kind == FIELD_MANY    ? field->part->size
           : field->kind == FIELD_TEXTS ? sizeof (const char *)
                                        : sizeof (struct digest);
}

static bool decode_list (
    const struct field *field, const msgpack_object *object, struct arena *arena, void *record,
    struct error *error)
{
    size_t size = item_size (field);
    size_t count;
    char *items;
    if (object->type != MSGPACK_OBJECT_ARRAY)
        return wrong (field, "a list", error);
    count = object->via.array.size;
    if (count > field->bound)
        return over (field, count, field->bound, error);
    items = arena_array (arena, count, size);
    for (size_t i = 0; i < count; i++) {
        const msgpack_object *item = &object->via.array.ptr[i];
        void *place = items + i * size;
        bool good = field->kind == FIELD_MANY ? decode_record (field->part, item, arena, place, error)
                    : field->kind == FIELD_TEXTS
                        ? decode_text (field, item, field->item_bound, arena, place, error)
                        : decode_fixed (field, item, place, size, error);
        if (!good)
            return field->kind == FIELD_MANY ? error_context (error, "%s[%zu]", field->name, i) : false;
    }
    *(void **)field_of (field, record) = items;
    field_count_set (field, record, count);
    return true;
}

static bool decode_field (
    const struct field *field, const msgpack_object *object, struct arena *arena, void *record,
    struct error *error)
{
    void *place = field_of (field, record);
    switch (field->kind) {
    case FIELD_U64:
        if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return wrong (field, "a number that is not negative", error);
        if (object->via.u64 > field->bound)
            return over (field, object->via.u64, field->bound, error);
        *(uint64_t *)place = object->via.u64;
        return true;
    case FIELD_FLAG:
        if (object->type != MSGPACK_OBJECT_BOOLEAN)
            return wrong (field, "true or false", error);
        *(bool *)place = object->via.boolean;
        return true;
    case FIELD_INSTANT:
        return decode_milliseconds (field, object, &((struct instant *)place)->ms, error);
    case FIELD_SPAN:
        return decode_milliseconds (field, object, &((struct span *)place)->ms, error);
    case FIELD_TEXT:
        return decode_text (field, object, field->bound, arena, place, error);
    case FIELD_BYTES:
        return decode_bytes (field, object, arena, place, error);
    case FIELD_DIGEST:
        return decode_fixed (field, object, place, sizeof (struct digest), error);
    case FIELD_PUBLIC_KEY:
        return decode_fixed (field, object, place, sizeof (struct public_key), error);
    case FIELD_WIRE_KEY:
        return decode_fixed (field, object, place, sizeof (struct wire_key), error);
    case FIELD_ENUM:
        return decode_enum (field, object, place, error);
    case FIELD_ONE:
        return decode_record (field->part, object, arena, place, error) ||
               error_context (error, "%s", field->name);
    case FIELD_MANY:
    case FIELD_TEXTS:
    case FIELD_DIGESTS:
        return decode_list (field, object, arena, record, error);
    }
    return wrong (field, "a known kind of field", error);
}

static bool decode_record (
    const struct record_type *type, const msgpack_object *object, struct arena *arena, void *record,
    struct error *error)
{
    if (object->type != MSGPACK_OBJECT_MAP)
        return error_set (error, ERROR_INPUT, "expected the fields of a %s", type->name);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        const msgpack_object_kv *pair = i < object->via.map.size ? &object->via.map.ptr[i] : NULL;
        if (pair == NULL || pair->key.type != MSGPACK_OBJECT_STR ||
            pair->key.via.str.size != strlen (field->name) ||
            memcmp (pair->key.via.str.ptr, field->name, strlen (field->name)) != 0)
            return error_set (error, ERROR_INPUT, "expected the field '%s' in place %zu", field->name, i + 1);
        if (!decode_field (field, &pair->val, arena, record, error))
            return false;
    }
    if (object->via.map.size != type->field_count)
        return error_set (
            error, ERROR_INPUT, "a field too many after '%s'", type->fields[type->field_count - 1].name);
    return true;
}

/* One value has one encoding: what was decoded must encode to the very bytes that came. */
static bool is_shortest_form (
    const struct record_type *type, const void *record, struct bytes input, struct error *error)
{
    return codec_encodes_to (type, record, input) ||
           error_set (error, ERROR_INPUT, "not in the one form that is allowed");
}

bool codec_decode (
    const struct record_type *type, struct bytes input, struct arena *arena, void *ret_record,
    struct error *error)
{
    size_t measured = codec_measure (input);
    msgpack_unpacked unpacked;
    msgpack_unpack_return unpacking;
    void *record;
    bool good;
    if (measured == 0)
        return error_set (
            error, ERROR_INPUT, "%s: cut short, too deep, or not MessagePack as relevo uses it", type->name);
    if (measured != input.size)
        return error_set (
            error, ERROR_INPUT, "%s: %zu bytes too many at the end", type->name, input.size - measured);
    record = arena_take (arena, type->size);
    msgpack_unpacked_init (&unpacked);
    unpacking = msgpack_unpack_next (&unpacked, (const char *)input.data, input.size, NULL);
    good = unpacking == MSGPACK_UNPACK_SUCCESS ||
           error_set (error, ERROR_INPUT, "cannot be unpacked (%d)", (int)unpacking);
    good = good && decode_record (type, &unpacked.data, arena, record, error) &&
           is_shortest_form (type, record, input, error);
    msgpack_unpacked_destroy (&unpacked);
    if (!good)
        return error_context (error, "%s", type->name);
    (void)memcpy (ret_record, record, type->size);
    return true;
}
