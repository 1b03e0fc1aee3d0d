#include "common/core/key_file.h"

#include <sodium.h>
#include <string.h>

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
    size_t decoded = 0;
    /* libsodium refuses characters outside the alphabet, wrong padding and bits that no byte uses. */
    return line.size == sodium_base64_encoded_len (size, sodium_base64_VARIANT_ORIGINAL) - 1 &&
           sodium_base642bin (
               ret, size, (const char *)line.data, line.size, NULL, &decoded, NULL,
               sodium_base64_VARIANT_ORIGINAL) == 0 &&
           decoded == size;
}
