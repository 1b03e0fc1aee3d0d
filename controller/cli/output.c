#include "controller/cli/output.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/key.h"
#include "proto/codec_walk.h"

enum { EXACT_NUMBER_BITS = 53, GAP = 2 };

/* --------------------------------------------------------------------------------------- records as JSON */

static json_t *number_json (uint64_t number)
{
    char text[TIME_TEXT_SIZE];
    if (number <= UINT64_C (1) << EXACT_NUMBER_BITS)
        return json_integer ((json_int_t)number);
    (void)snprintf (text, sizeof text, "%" PRIu64, number);
    return json_string (text);
}

static json_t *hex_json (const uint8_t *bytes, size_t size)
{
    struct buffer text = {0};
    json_t *value;
    for (size_t i = 0; i < size; i++)
        buffer_print (&text, "%02x", bytes[i]);
    value = json_string (text.data != NULL ? text.data : "");
    buffer_free (&text);
    return value;
}

static json_t *bytes_json (const struct bytes *bytes)
{
    size_t size = sodium_base64_encoded_len (bytes->size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc (size);
    json_t *value;
    assert (text != NULL);
    (void)sodium_bin2base64 (text, size, bytes->data, bytes->size, sodium_base64_VARIANT_ORIGINAL);
    value = json_string (text);
    free (text);
    return value;
}

static json_t *instant_json (const struct instant *instant)
{
    char text[TIME_TEXT_SIZE];
    return instant->ms == 0 ? json_null () : json_string (instant_print (*instant, text));
}

/* Zero stands for none: null says so to a program. */
static json_t *digest_json (const struct digest *digest)
{
    return digest_is_none (digest) ? json_null () : hex_json (digest->bytes, DIGEST_SIZE);
}

static json_t *list_json (const struct field *field, const void *record)
{
    json_t *list = json_array ();
    size_t count = field_count_in (field, record);
    const char *items = *(const char *const *)field_in (field, record);
    for (size_t i = 0; i < count; i++) {
        json_t *item;
        if (field->kind == FIELD_MANY)
            item = record_json (field->part, items + i * field->part->size);
        else if (field->kind == FIELD_TEXTS)
            item = json_string (((const char *const *)(const void *)items)[i]);
        else
            item = hex_json ((const uint8_t *)items + i * DIGEST_SIZE, DIGEST_SIZE);
        (void)json_array_append_new (list, item);
    }
    return list;
}

static json_t *field_json (const struct field *field, const void *record)
{
    const void *place = field_in (field, record);
    const char *text;
    char line[KEY_LINE_SIZE];
    switch (field->kind) {
    case FIELD_U64:
        return number_json (*(const uint64_t *)place);
    case FIELD_FLAG:
        return json_boolean (*(const bool *)place);
    case FIELD_INSTANT:
        return instant_json (place);
    case FIELD_SPAN:
        return json_integer (((const struct span *)place)->ms);
    case FIELD_TEXT:
        text = *(const char *const *)place;
        return json_string (text != NULL ? text : "");
    case FIELD_BYTES:
        return bytes_json (place);
    case FIELD_DIGEST:
        return digest_json (place);
    case FIELD_WIRE_KEY:
        return hex_json (place, WIRE_KEY_SIZE);
    case FIELD_PUBLIC_KEY:
        return json_string (public_key_line (place, line));
    case FIELD_ENUM:
        return json_string (enum_word (field->words, *(const unsigned *)place));
    case FIELD_ONE:
        return record_json (field->part, place);
    case FIELD_MANY:
    case FIELD_TEXTS:
    case FIELD_DIGESTS:
        return list_json (field, record);
    }
    return json_null ();
}

json_t *record_json (const struct record_type *type, const void *record)
{
    json_t *object = json_object ();
    assert (object != NULL);
    for (size_t i = 0; i < type->field_count; i++)
        (void)json_object_set_new (object, type->fields[i].name, field_json (&type->fields[i], record));
    return object;
}

json_t *output_envelope (const char *name, json_t *value)
{
    json_t *envelope = json_object ();
    assert (envelope != NULL);
    (void)json_object_set_new (envelope, "schema", json_integer (CLI_SCHEMA));
    (void)json_object_set_new (envelope, name, value);
    return envelope;
}

void output_json (const struct cli *cli, json_t *value)
{
    size_t flags = cli->format == CLI_JSONL ? JSON_COMPACT : JSON_INDENT (2);
    char *text = json_dumps (value, flags | JSON_ENCODE_ANY);
    assert (text != NULL);
    (void)fputs (text, stdout);
    (void)fputc ('\n', stdout);
    (void)fflush (stdout);
    free (text);
    json_decref (value);
}

void output_records (
    const struct cli *cli, const char *name, const struct record_type *type, const void *records,
    size_t count)
{
    json_t *list = json_array ();
    for (size_t i = 0; i < count; i++) {
        json_t *item = record_json (type, (const char *)records + i * type->size);
        if (cli->format == CLI_JSONL) {
            (void)json_object_set_new (item, "schema", json_integer (CLI_SCHEMA));
            output_json (cli, item);
        } else
            (void)json_array_append_new (list, item);
    }
    if (cli->format == CLI_JSONL)
        json_decref (list);
    else
        output_json (cli, output_envelope (name, list));
}

/* ------------------------------------------------------------------------------------------------- tables */

struct table {
    struct arena arena;
    size_t columns;
    size_t rows;
    size_t capacity;
    const char **cells;
};

struct table *table_new (const char *const *headings, size_t columns)
{
    struct table *table = calloc (1, sizeof *table);
    assert (table != NULL && columns > 0);
    table->columns = columns;
    table_add (table, headings);
    return table;
}

/* A cell stays on its line, whatever it holds. */
static const char *cell_text (struct arena *arena, const char *text)
{
    char *copy = arena_text (arena, text != NULL ? text : "");
    for (char *place = copy; *place != '\0'; place++)
        if ((unsigned char)*place < 0x20 || *place == 0x7F)
            *place = ' ';
    return copy;
}

void table_add (struct table *table, const char *const *cells)
{
    if (table->rows == table->capacity) {
        size_t capacity = table->capacity > 0 ? 2 * table->capacity : 16;
        const char **grown = reallocarray (table->cells, capacity * table->columns, sizeof *grown);
        assert (grown != NULL);
        table->cells = grown;
        table->capacity = capacity;
    }
    for (size_t i = 0; i < table->columns; i++)
        table->cells[table->rows * table->columns + i] = cell_text (&table->arena, cells[i]);
    table->rows++;
}

static unsigned column_width (const struct table *table, size_t column)
{
    unsigned widest = 0;
    for (size_t row = 0; row < table->rows; row++) {
        unsigned width = text_columns (table->cells[row * table->columns + column]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void print_row (
    const struct table *table, size_t row, const unsigned *widths, unsigned width, struct buffer *out)
{
    struct buffer line = {0};
    size_t size;
    for (size_t i = 0; i < table->columns; i++) {
        const char *cell = table->cells[row * table->columns + i];
        unsigned columns = text_columns (cell);
        buffer_text (&line, cell);
        if (i + 1 < table->columns)
            buffer_print (&line, "%*s", (int)(widths[i] - columns + GAP), "");
    }
    size = width > 0 ? text_fit (line.data, width) : line.size;
    while (size > 0 && line.data[size - 1] == ' ')
        size--;
    buffer_append (out, line.data, size);
    buffer_text (out, "\n");
    buffer_free (&line);
}

void table_print (const struct table *table, unsigned width, struct buffer *out)
{
    unsigned *widths = calloc (table->columns, sizeof *widths);
    assert (widths != NULL);
    for (size_t i = 0; i < table->columns; i++)
        widths[i] = column_width (table, i);
    for (size_t row = 0; row < table->rows; row++)
        print_row (table, row, widths, width, out);
    free (widths);
}

void table_free (struct table **table)
{
    if (*table == NULL)
        return;
    arena_free (&(*table)->arena);
    free ((*table)->cells);
    free (*table);
    *table = NULL;
}

void table_show (const struct cli *cli, struct table **table)
{
    struct buffer out = {0};
    table_print (*table, cli->out.is ? cli->out.width : 0, &out);
    (void)fwrite (out.data, 1, out.size, stdout);
    (void)fflush (stdout);
    buffer_free (&out);
    table_free (table);
}

/* ---------------------------------------------------------------------------------------------- small texts
 */

const char *size_print (uint64_t bytes, char text[TIME_TEXT_SIZE])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024) {
        (void)snprintf (text, TIME_TEXT_SIZE, "%" PRIu64 " B", bytes);
        return text;
    }
    while (size >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        size /= 1024;
        unit++;
    }
    (void)snprintf (text, TIME_TEXT_SIZE, "%.1f %s", size, units[unit]);
    return text;
}

const char *seconds_print (struct span span, char text[TIME_TEXT_SIZE])
{
    if (span.ms >= 1000)
        return span_print (span_seconds (span.ms / 1000), text);
    (void)snprintf (text, TIME_TEXT_SIZE, "0s");
    return text;
}

void buffer_plain (struct buffer *out, const char *text)
{
    for (const char *place = text; *place != '\0'; place++)
        buffer_append (out, (unsigned char)*place < 0x20 || *place == 0x7F ? " " : place, 1);
}

/* The character at `text`: its size in bytes, and its columns. */
static size_t character_at (const char *text, unsigned *ret_columns)
{
    unsigned char first = (unsigned char)text[0];
    size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t code = first < 0x80 ? first : first & (0xFFU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if (text[i] == '\0') {
            *ret_columns = 1;
            return i;
        }
        code = code << 6 | ((unsigned char)text[i] & 0x3FU);
    }
    if ((code >= 0x300 && code <= 0x36F) || (code >= 0x200B && code <= 0x200F) ||
        (code >= 0xFE00 && code <= 0xFE0F))
        *ret_columns = 0;
    else if (
        (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
        (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
        (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
        (code >= 0xFFE0 && code <= 0xFFE6) || (code >= 0x1F300 && code <= 0x1FAFF) ||
        (code >= 0x20000 && code <= 0x3FFFD))
        *ret_columns = 2;
    else
        *ret_columns = 1;
    return size;
}

unsigned text_columns (const char *text)
{
    unsigned columns = 0;
    for (size_t place = 0; text[place] != '\0';) {
        unsigned wide = 0;
        place += character_at (&text[place], &wide);
        columns += wide;
    }
    return columns;
}

size_t text_fit (const char *text, unsigned columns)
{
    size_t place = 0;
    unsigned used = 0;
    while (text[place] != '\0') {
        unsigned wide = 0;
        size_t size = character_at (&text[place], &wide);
        if (used + wide > columns)
            break;
        used += wide;
        place += size;
    }
    return place;
}
