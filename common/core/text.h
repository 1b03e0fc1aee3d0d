/* Growing bytes, and small questions about text. */
#ifndef RELEVO_COMMON_CORE_TEXT_H
#define RELEVO_COMMON_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of bytes that somebody else owns. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

/* Bytes that grow. All zero is empty. `data` always has a NUL after `size` bytes once anything was appended.
 */
struct buffer {
    char *data;
    size_t size;
    size_t capacity;
};

void buffer_append (struct buffer *buffer, const void *data, size_t size);
void buffer_text (struct buffer *buffer, const char *text);
void buffer_print (struct buffer *buffer, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
void buffer_clear (struct buffer *buffer); /* keeps the memory */
void buffer_free (struct buffer *buffer);
struct bytes buffer_bytes (const struct buffer *buffer);

bool bytes_equal (struct bytes first, struct bytes second);
struct bytes bytes_of_text (const char *text);

/* Well-formed UTF-8 by RFC 3629 (no surrogates, no overlong forms) and no NUL. */
bool text_is_utf8 (const char *data, size_t size);

/* Every byte that is no part of well-formed UTF-8 becomes '?'. */
void text_mend (char *text);

/* No control characters (C0, DEL, C1), and well-formed UTF-8: safe to show on a terminal. */
bool text_is_printable (const char *data, size_t size);

/* A name that may become part of a path, a topic or an address: 1–64 of [A-Za-z0-9._-], not starting with '.'
 * or '-'. */
bool text_is_name (const char *text);

/* A version: 1–128 of [A-Za-z0-9.+~:_-], not starting with '.' or '-'. */
bool text_is_version (const char *text);

/* The word of `words` that is the fewest edits (Damerau-Levenshtein, restricted) from `text`, if near enough
   to be meant; else NULL. */
const char *text_nearest (const char *text, const char *const *words, size_t count);

/* The largest size <= `size` at which `data` can be cut without splitting a UTF-8 sequence. */
size_t text_cut (const char *data, size_t size);

#endif
