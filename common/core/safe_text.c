#include "common/core/safe_text.h"

#include <string.h>

enum { CHARACTER_MAX_SIZE = 4 };

/* The size of the printable character at `data`, 0 if there is none. */
static size_t printable_size (const char *data, size_t left)
{
    for (size_t size = 1; size <= CHARACTER_MAX_SIZE && size <= left; size++) {
        if (text_is_utf8 (data, size))
            return text_is_printable (data, size) ? size : 0;
    }
    return 0;
}

void text_escape (const char *data, size_t size, struct buffer *out)
{
    size_t place = 0;
    while (place < size) {
        size_t step = printable_size (data + place, size - place);
        if (step > 0) {
            buffer_append (out, data + place, step);
            place += step;
        } else {
            buffer_print (out, "\\x%02x", (unsigned)(unsigned char)data[place]);
            place++;
        }
    }
}

/* Where to begin so that at most `most` bytes are left and no character is cut in two. */
static size_t tail_start (const char *data, size_t size, size_t most)
{
    size_t start = size > most ? size - most : 0;
    for (size_t back = 1; back < CHARACTER_MAX_SIZE && back <= start; back++) {
        size_t step = printable_size (data + start - back, size - start + back);
        if (step > back)
            return start + step - back;
    }
    return start;
}

size_t text_tail (const char *data, size_t size, size_t most, char *ret)
{
    size_t place = tail_start (data, size, most);
    size_t used = 0;
    while (place < size) {
        size_t step = printable_size (data + place, size - place);
        if (step > 0) {
            (void)memcpy (ret + used, data + place, step);
        } else {
            char byte = data[place];
            step = 1;
            ret[used] = '?';
            if (byte == '\n' || byte == '\t')
                ret[used] = byte;
        }
        used += step;
        place += step;
    }
    ret[used] = '\0';
    return used;
}
