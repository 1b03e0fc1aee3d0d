#include "controller/cli/token_text.h"

#include <string.h>

#include "proto/codec.h"

#define TOKEN_PREFIX "relevo1."

bool token_print (const struct token *token, struct arena *arena, char **ret, struct error *error)
{
    struct buffer bytes = {0};
    size_t size;
    char *text;
    if (!codec_encode (&token_type, token, &bytes, error))
        return false;
    size = sodium_base64_encoded_len (bytes.size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    text = arena_take (arena, size);
    (void)sodium_bin2base64 (
        text, size, (const unsigned char *)bytes.data, bytes.size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero (bytes.data, bytes.size);
    buffer_free (&bytes);
    *ret = arena_format (arena, TOKEN_PREFIX "%s", text);
    return true;
}
