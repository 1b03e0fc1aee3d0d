#include "proto/codec.h"

#include <assert.h>
#include <msgpack.h>
#include <string.h>

#include "proto/codec_walk.h"

static int buffer_write (void *data, const char *bytes, size_t size)
{
    buffer_append (data, bytes, size);
    return 0;
}

static bool out_of_bounds (const struct field *field, uint64_t value, uint64_t bound, struct error *error)
{
    return error_set (
        error, ERROR_LIMIT, "%s: %llu is over the limit of %llu", field->name, (unsigned long long)value,
        (unsigned long long)bound);
}

static bool encode_record (
    msgpack_packer *packer, const struct record_type *type, const void *record, struct error *error);

static void pack_binary (msgpack_packer *packer, const void *data, size_t size)
{
    (void)msgpack_pack_bin (packer, size);
    (void)msgpack_pack_bin_body (packer, data, size);
}

static bool encode_text (
    msgpack_packer *packer, const struct field *field, const char *text, uint64_t bound, struct error *error)
{
    size_t size = text != NULL ? strlen (text) : 0;
    if (size > bound)
        return out_of_bounds (field, size, bound, error);
    if (size > 0 && !text_is_utf8 (text, size))
        return error_set (error, ERROR_INPUT, "%s: not valid UTF-8", field->name);
    (void)msgpack_pack_str (packer, size);
    (void)msgpack_pack_str_body (packer, text != NULL ? text : "", size);
    return true;
}

static bool encode_list (
    msgpack_packer *packer, const struct field *field, const void *record, struct error *error)
{
    size_t count = field_count_in (field, record);
    const char *items = *(const char *const *)field_in (field, record);
    if (count > field->bound)
        return out_of_bounds (field, count, field->bound, error);
    (void)msgpack_pack_array (packer, count);
    for (size_t i = 0; i < count; i++) {
        bool good = true;
        if (field->kind == FIELD_MANY)
            good = encode_record (packer, field->part, items + i * field->part->size, error);
        else if (field->kind == FIELD_TEXTS)
            good = encode_text (
                packer, field, ((const char *const *)(const void *)items)[i], field->item_bound, error);
        else
            pack_binary (packer, items + i * DIGEST_SIZE, DIGEST_SIZE);
        if (!good)
            return field->kind == FIELD_MANY ? error_context (error, "%s[%zu]", field->name, i) : false;
    }
    return true;
}

static bool encode_enum (
    msgpack_packer *packer, const struct field *field, unsigned value, struct error *error)
{
    const char *word;
    if (value >= field->words->count)
        return out_of_bounds (field, value, field->words->count - 1, error);
    word = field->words->words[value];
    (void)msgpack_pack_str (packer, strlen (word));
    (void)msgpack_pack_str_body (packer, word, strlen (word));
    return true;
}

static bool encode_field (
    msgpack_packer *packer, const struct field *field, const void *record, struct error *error)
{
    const void *place = field_in (field, record);
    switch (field->kind) {
    case FIELD_U64:
        if (*(const uint64_t *)place > field->bound)
            return out_of_bounds (field, *(const uint64_t *)place, field->bound, error);
        (void)msgpack_pack_uint64 (packer, *(const uint64_t *)place);
        return true;
    case FIELD_FLAG:
        (void)(*(const bool *)place ? msgpack_pack_true (packer) : msgpack_pack_false (packer));
        return true;
    case FIELD_INSTANT:
        (void)msgpack_pack_int64 (packer, ((const struct instant *)place)->ms);
        return true;
    case FIELD_SPAN:
        (void)msgpack_pack_int64 (packer, ((const struct span *)place)->ms);
        return true;
    case FIELD_TEXT:
        return encode_text (packer, field, *(const char *const *)place, field->bound, error);
    case FIELD_BYTES: {
        const struct bytes *bytes = place;
        if (bytes->size > field->bound)
            return out_of_bounds (field, bytes->size, field->bound, error);
        pack_binary (packer, bytes->data, bytes->size);
        return true;
    }
    case FIELD_DIGEST:
        pack_binary (packer, place, DIGEST_SIZE);
        return true;
    case FIELD_PUBLIC_KEY:
        pack_binary (packer, place, sizeof (struct public_key));
        return true;
    case FIELD_WIRE_KEY:
        pack_binary (packer, place, sizeof (struct wire_key));
        return true;
    case FIELD_ENUM:
        return encode_enum (packer, field, *(const unsigned *)place, error);
    case FIELD_ONE:
        return encode_record (packer, field->part, place, error) || error_context (error, "%s", field->name);
    case FIELD_MANY:
    case FIELD_TEXTS:
    case FIELD_DIGESTS:
        return encode_list (packer, field, record, error);
    }
    return error_set (error, ERROR_INPUT, "%s: unknown kind of field", field->name);
}

static bool encode_record (
    msgpack_packer *packer, const struct record_type *type, const void *record, struct error *error)
{
    (void)msgpack_pack_map (packer, type->field_count);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        size_t size = strlen (field->name);
        (void)msgpack_pack_str (packer, size);
        (void)msgpack_pack_str_body (packer, field->name, size);
        if (!encode_field (packer, field, record, error))
            return false;
    }
    return true;
}

/* What of the expected bytes has not been written yet. */
struct comparison {
    struct bytes left;
    bool differs;
};

static int compare_write (void *data, const char *bytes, size_t size)
{
    struct comparison *comparison = data;
    if (comparison->differs || size > comparison->left.size ||
        (size > 0 && memcmp (bytes, comparison->left.data, size) != 0)) {
        comparison->differs = true;
        return -1;
    }
    comparison->left.data += size;
    comparison->left.size -= size;
    return 0;
}

bool codec_encodes_to (const struct record_type *type, const void *record, struct bytes expected)
{
    struct comparison comparison = {.left = expected};
    struct error error;
    msgpack_packer packer;
    msgpack_packer_init (&packer, &comparison, compare_write);
    return encode_record (&packer, type, record, &error) && !comparison.differs && comparison.left.size == 0;
}

bool codec_encode (
    const struct record_type *type, const void *record, struct buffer *out, struct error *error)
{
    size_t before = out->size;
    msgpack_packer packer;
    static_assert (sizeof (enum phase) == sizeof (unsigned), "enumerations are read as unsigned");
    msgpack_packer_init (&packer, out, buffer_write);
    if (encode_record (&packer, type, record, error))
        return true;
    out->size = before;
    return error_context (error, "%s", type->name);
}
