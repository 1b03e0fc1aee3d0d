/* A signature file taken apart: for those who try many keys, and need to read the text only once. */
#ifndef RELEVO_COMMON_CORE_SIGNATURE_H
#define RELEVO_COMMON_CORE_SIGNATURE_H

#include "common/core/key.h"

enum { SIGNATURE_SIZE = 64 };

/* `comment` points into the text that was parsed. */
struct signature {
    bool prehashed;
    uint8_t number[KEY_NUMBER_SIZE];
    uint8_t content[SIGNATURE_SIZE]; /* over the content, or over its BLAKE2b-512 */
    uint8_t global[SIGNATURE_SIZE];  /* over the one before, and the trusted comment */
    struct bytes comment;            /* trusted, once `global` is verified */
};

/* ERROR_INPUT where the text is not exactly a signature file. */
bool signature_parse (const char *text, struct signature *ret, struct error *error);

/* As signature_verify. Costs nothing where the key number is another. */
bool signature_check (
    const struct signature *signature, const struct public_key *key, struct bytes content,
    struct error *error);

#endif
