#include "common/core/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_SIZE = 64, VERSION_MAX_SIZE = 128, WORD_MAX_SIZE = 48 };

static void buffer_reserve (struct buffer *buffer, size_t more)
{
    size_t needed;
    assert (more < SIZE_MAX / 4 && buffer->size < SIZE_MAX / 4);
    needed = buffer->size + more + 1;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity > 0 ? buffer->capacity : 128;
        char *grown;
        while (capacity < needed)
            capacity *= 2;
        grown = realloc (buffer->data, capacity);
        assert (grown != NULL);
        buffer->data = grown;
        buffer->capacity = capacity;
    }
}

void buffer_append (struct buffer *buffer, const void *data, size_t size)
{
    buffer_reserve (buffer, size);
    if (size > 0)
        (void)memcpy (buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void buffer_text (struct buffer *buffer, const char *text)
{
    buffer_append (buffer, text, strlen (text));
}

void buffer_print (struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_list again;
    int size;
    va_start (arguments, format);
    va_copy (again, arguments);
    size = vsnprintf (NULL, 0, format, arguments);
    va_end (arguments);
    assert (size >= 0);
    buffer_reserve (buffer, (size_t)size);
    (void)vsnprintf (buffer->data + buffer->size, (size_t)size + 1, format, again);
    va_end (again);
    buffer->size += (size_t)size;
}

void buffer_clear (struct buffer *buffer)
{
    buffer->size = 0;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

void buffer_free (struct buffer *buffer)
{
    free (buffer->data);
    *buffer = (struct buffer){0};
}

struct bytes buffer_bytes (const struct buffer *buffer)
{
    return (struct bytes){(const uint8_t *)buffer->data, buffer->size};
}

bool bytes_equal (struct bytes first, struct bytes second)
{
    return first.size == second.size &&
           (first.size == 0 || memcmp (first.data, second.data, first.size) == 0);
}

struct bytes bytes_of_text (const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen (text)};
}

/* The length of the well-formed UTF-8 sequence at `data`, 0 if there is none; RFC 3629, section 4. */
static size_t sequence_size (const unsigned char *data, size_t left)
{
    unsigned char first = data[0];
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t size = first < 0x80 ? 1 : first >= 0xC2 && first <= 0xDF ? 2 : (first & 0xF0) == 0xE0 ? 3 : 4;
    if (size == 4 && (first < 0xF0 || first > 0xF4))
        return 0;
    if (size > left)
        return 0;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    for (size_t i = 1; i < size; i++) {
        if (data[i] < low || data[i] > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return size;
}

/* Eight bytes of ASCII, none of which is NUL. Signatures and names are nothing else, and what a large fleet
   hands over is mostly that. Behind a NUL the second test may take a byte of 0x01 for another, which is no
   harm. */
static bool are_plain (const unsigned char *data)
{
    uint64_t word;
    memcpy (&word, data, sizeof word);
    return ((word | (word - UINT64_C (0x0101010101010101))) & UINT64_C (0x8080808080808080)) == 0;
}

bool text_is_utf8 (const char *data, size_t size)
{
    const unsigned char *place = (const unsigned char *)data;
    size_t left = size;
    while (left > 0) {
        size_t step;
        if (left >= sizeof (uint64_t) && are_plain (place)) {
            place += sizeof (uint64_t);
            left -= sizeof (uint64_t);
            continue;
        }
        step = sequence_size (place, left);
        if (step == 0 || place[0] == 0)
            return false;
        place += step;
        left -= step;
    }
    return true;
}

void text_mend (char *text)
{
    size_t left = strlen (text);
    while (left > 0) {
        size_t step = sequence_size ((const unsigned char *)text, left);
        if (step == 0) {
            *text = '?';
            step = 1;
        }
        text += step;
        left -= step;
    }
}

bool text_is_printable (const char *data, size_t size)
{
    const unsigned char *place = (const unsigned char *)data;
    if (!text_is_utf8 (data, size))
        return false;
    for (size_t i = 0; i < size; i++) {
        bool c1 = place[i] == 0xC2 && i + 1 < size && place[i + 1] < 0xA0;
        if (place[i] < 0x20 || place[i] == 0x7F || c1)
            return false;
    }
    return true;
}

static bool text_is_made_of (const char *text, const char *allowed, size_t most)
{
    size_t size = strlen (text);
    return size > 0 && size <= most && strspn (text, allowed) == size && text[0] != '.' && text[0] != '-';
}

bool text_is_name (const char *text)
{
    return text_is_made_of (
        text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", NAME_MAX_SIZE);
}

bool text_is_version (const char *text)
{
    return text_is_made_of (
        text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+~:_-", VERSION_MAX_SIZE);
}

static size_t least (size_t first, size_t second)
{
    return first < second ? first : second;
}

/* Optimal string alignment distance: insert, delete, replace, or swap two neighbours. */
static size_t edits_between (const char *first, const char *second)
{
    size_t first_size = strlen (first);
    size_t second_size = strlen (second);
    size_t rows[3][WORD_MAX_SIZE + 1];
    if (first_size > WORD_MAX_SIZE || second_size > WORD_MAX_SIZE)
        return SIZE_MAX;
    for (size_t j = 0; j <= second_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= first_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= second_size; j++) {
            size_t replace = above[j - 1] + (first[i - 1] == second[j - 1] ? 0 : 1);
            row[j] = least (replace, least (above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && first[i - 1] == second[j - 2] && first[i - 2] == second[j - 1])
                row[j] = least (row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[first_size % 3][second_size];
}

const char *text_nearest (const char *text, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t fewest = least (strlen (text) / 3 + 1, 4) + 1;
    for (size_t i = 0; i < count; i++) {
        size_t edits = edits_between (text, words[i]);
        if (edits < fewest) {
            fewest = edits;
            nearest = words[i];
        }
    }
    return nearest;
}

size_t text_cut (const char *data, size_t size)
{
    size_t cut = size;
    while (cut > 0 && size - cut < 4 && ((unsigned char)data[cut - 1] & 0xC0) == 0x80)
        cut--;
    if (cut > 0 && sequence_size ((const unsigned char *)data + cut - 1, size - cut + 1) == size - cut + 1)
        return size;
    return cut > 0 && (unsigned char)data[cut - 1] < 0x80 ? size : (cut > 0 ? cut - 1 : 0);
}
