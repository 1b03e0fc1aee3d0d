#include "proto/render.h"

#include <string.h>

#include "proto/codec_walk.h"

enum { SHOWN_TEXT = 160, SHOWN_ITEMS = 4, SHOWN_DIGEST = 12 };

static void render_text (const char *text, struct buffer *out)
{
    size_t size = text != NULL ? strlen (text) : 0;
    size_t shown = size > SHOWN_TEXT ? text_cut (text, SHOWN_TEXT) : size;
    bool plain = size > 0 && text_is_name (text);
    if (!plain)
        buffer_text (out, "\"");
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)text[i];
        unsigned char after = (unsigned char)text[i + 1];
        if (byte < 0x20 || byte == 0x7F || byte == '"' || byte == '\\')
            buffer_print (out, "\\x%02x", byte);
        else if (byte == 0xC2 && after < 0xA0) /* C1: a terminal may act on these too */
            buffer_print (out, "\\x%02x\\x%02x", byte, (unsigned char)text[++i]);
        else
            buffer_append (out, &text[i], 1);
    }
    if (!plain)
        buffer_text (out, shown < size ? "…\"" : "\"");
}

static void render_hex (const uint8_t *bytes, size_t size, struct buffer *out)
{
    for (size_t i = 0; i < size; i++)
        buffer_print (out, "%02x", bytes[i]);
}

static void render_fields (
    const struct record_type *type, const void *record, const char *between, struct buffer *out);

static void render_list (const struct field *field, const void *record, struct buffer *out)
{
    size_t count = field_count_in (field, record);
    const char *items = *(const char *const *)field_in (field, record);
    buffer_text (out, "[");
    for (size_t i = 0; i < count && i < SHOWN_ITEMS; i++) {
        buffer_text (out, i > 0 ? ", " : "");
        if (field->kind == FIELD_MANY) {
            buffer_text (out, "{");
            render_fields (field->part, items + i * field->part->size, " ", out);
            buffer_text (out, "}");
        } else if (field->kind == FIELD_TEXTS)
            render_text (((const char *const *)(const void *)items)[i], out);
        else
            render_hex ((const uint8_t *)items + i * DIGEST_SIZE, SHOWN_DIGEST / 2, out);
    }
    if (count > SHOWN_ITEMS)
        buffer_print (out, ", … %zu in all", count);
    buffer_text (out, "]");
}

static void render_field (const struct field *field, const void *record, struct buffer *out)
{
    const void *place = field_in (field, record);
    char time[TIME_TEXT_SIZE];
    switch (field->kind) {
    case FIELD_U64:
        buffer_print (out, "%llu", (unsigned long long)*(const uint64_t *)place);
        break;
    case FIELD_FLAG:
        buffer_text (out, *(const bool *)place ? "true" : "false");
        break;
    case FIELD_INSTANT:
        buffer_text (out, instant_print (*(const struct instant *)place, time));
        break;
    case FIELD_SPAN:
        buffer_print (out, "%lldms", (long long)((const struct span *)place)->ms);
        break;
    case FIELD_TEXT:
        render_text (*(const char *const *)place, out);
        break;
    case FIELD_BYTES:
        buffer_print (out, "<%zu bytes>", ((const struct bytes *)place)->size);
        break;
    case FIELD_DIGEST:
    case FIELD_WIRE_KEY:
        render_hex (place, SHOWN_DIGEST / 2, out);
        break;
    case FIELD_PUBLIC_KEY:
        render_hex (((const struct public_key *)place)->bytes, SHOWN_DIGEST / 2, out);
        break;
    case FIELD_ENUM:
        buffer_text (out, enum_word (field->words, *(const unsigned *)place));
        break;
    case FIELD_ONE:
        buffer_text (out, "{");
        render_fields (field->part, place, " ", out);
        buffer_text (out, "}");
        break;
    case FIELD_MANY:
    case FIELD_TEXTS:
    case FIELD_DIGESTS:
        render_list (field, record, out);
        break;
    }
}

static void render_fields (
    const struct record_type *type, const void *record, const char *between, struct buffer *out)
{
    for (size_t i = 0; i < type->field_count; i++) {
        buffer_print (out, "%s%s=", i > 0 ? between : "", type->fields[i].name);
        render_field (&type->fields[i], record, out);
    }
}

void render (const struct record_type *type, const void *record, struct buffer *out)
{
    buffer_print (out, "%s ", type->name);
    render_fields (type, record, " ", out);
}
