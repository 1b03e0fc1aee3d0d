/* BLAKE2b-256 (RFC 7693), by which all content is named. */
#ifndef RELEVO_COMMON_CORE_DIGEST_H
#define RELEVO_COMMON_CORE_DIGEST_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/text.h"

enum { DIGEST_SIZE = 32, DIGEST_TEXT_SIZE = 2 * DIGEST_SIZE + 1 };

/* All zero stands for "none". */
struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

/* A digest that is being computed over pieces. */
struct digest_stream {
    crypto_generichash_state state;
};

struct digest digest_of (const void *data, size_t size);
bool digest_equal (const struct digest *first, const struct digest *second);
bool digest_is_none (const struct digest *digest);
int digest_compare (const struct digest *first, const struct digest *second); /* bytewise, for sorting */

void digest_begin (struct digest_stream *stream);
void digest_add (struct digest_stream *stream, const void *data, size_t size);
struct digest digest_end (struct digest_stream *stream);

/* 64 lower-case hexadecimal digits. Returns `text`. */
const char *digest_print (const struct digest *digest, char text[DIGEST_TEXT_SIZE]);
/* Exactly 64 hexadecimal digits, else false. */
bool digest_parse (const char *text, struct digest *ret);

#endif
