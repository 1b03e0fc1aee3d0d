#include "common/core/digest.h"

#include <assert.h>
#include <string.h>

struct digest digest_of (const void *data, size_t size)
{
    struct digest_stream stream;
    digest_begin (&stream);
    digest_add (&stream, data, size);
    return digest_end (&stream);
}

bool digest_equal (const struct digest *first, const struct digest *second)
{
    return digest_compare (first, second) == 0;
}

bool digest_is_none (const struct digest *digest)
{
    static const struct digest none;
    return digest_equal (digest, &none);
}

int digest_compare (const struct digest *first, const struct digest *second)
{
    return memcmp (first->bytes, second->bytes, DIGEST_SIZE);
}

void digest_begin (struct digest_stream *stream)
{
    int failed = crypto_generichash_init (&stream->state, NULL, 0, DIGEST_SIZE);
    assert (failed == 0);
}

void digest_add (struct digest_stream *stream, const void *data, size_t size)
{
    int failed = crypto_generichash_update (&stream->state, data, size);
    assert (failed == 0);
}

struct digest digest_end (struct digest_stream *stream)
{
    struct digest digest;
    int failed = crypto_generichash_final (&stream->state, digest.bytes, DIGEST_SIZE);
    assert (failed == 0);
    return digest;
}

const char *digest_print (const struct digest *digest, char text[DIGEST_TEXT_SIZE])
{
    return sodium_bin2hex (text, DIGEST_TEXT_SIZE, digest->bytes, DIGEST_SIZE);
}

bool digest_parse (const char *text, struct digest *ret)
{
    struct digest digest;
    size_t size = 0;
    if (strlen (text) != DIGEST_TEXT_SIZE - 1 ||
        sodium_hex2bin (digest.bytes, DIGEST_SIZE, text, DIGEST_TEXT_SIZE - 1, NULL, &size, NULL) != 0 ||
        size != DIGEST_SIZE)
        return false;
    *ret = digest;
    return true;
}
