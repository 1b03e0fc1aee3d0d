/* Words from outside, made fit for people and for logs. Pure. */
#ifndef RELEVO_COMMON_CORE_SAFE_TEXT_H
#define RELEVO_COMMON_CORE_SAFE_TEXT_H

#include <stddef.h>

#include "common/core/text.h"

/* Appends `data` with every byte that is a control character (C0, DEL, C1) or no well-formed UTF-8 as \xNN:
   one line stays one line. */
void text_escape (const char *data, size_t size, struct buffer *out);

/* The end of `data`, at most `most` bytes, beginning at a character; control characters except \n and \t, and
   bytes that are no UTF-8, become '?'. Writes a NUL behind: `ret` has room for most + 1. Returns the size. */
size_t text_tail (const char *data, size_t size, size_t most, char *ret);

#endif
