#include "common/core/key_file.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* The longest: a secret key's base64, and a NUL. */
enum { LINE_SIZE_MOST = 213 };

bool key_file_line (struct bytes *rest, struct bytes *ret_line, bool *ret_ended)
{
    const uint8_t *end;
    size_t size;
    if (rest->size == 0)
        return false;
    end = memchr (rest->data, '\n', rest->size);
    size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    *ret_line = (struct bytes){rest->data, size};
    if (ret_ended != NULL)
        *ret_ended = end != NULL;
    if (end != NULL)
        size++;
    *rest = (struct bytes){rest->data + size, rest->size - size};
    return true;
}

bool key_file_comment (struct bytes line, const char *prefix, size_t most, struct bytes *ret_comment)
{
    size_t size = strlen (prefix);
    if (line.size < size || line.size - size > most || memcmp (line.data, prefix, size) != 0)
        return false;
    *ret_comment = (struct bytes){line.data + size, line.size - size};
    return true;
}

bool key_file_decode (struct bytes line, uint8_t *ret, size_t size)
{
    char again[LINE_SIZE_MOST];
    size_t encoded = sodium_base64_encoded_len (size, sodium_base64_VARIANT_ORIGINAL);
    size_t decoded = 0;
    bool same;
    assert (encoded <= sizeof again);
    if (line.size != encoded - 1 || sodium_base642bin (
                                        ret, size, (const char *)line.data, line.size, NULL, &decoded, NULL,
                                        sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    /* libsodium 1.0.18 takes '/' and '+' with the high bit set for '/' and '+'. */
    (void)sodium_bin2base64 (again, sizeof again, ret, size, sodium_base64_VARIANT_ORIGINAL);
    same = decoded == size && memcmp (again, line.data, line.size) == 0;
    sodium_memzero (again, sizeof again);
    return same;
}
