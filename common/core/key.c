#include "common/core/key.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "common/core/key_file.h"
#include "common/core/sshsig.h"

enum { FINGERPRINT_SIZE = 16, GROUP_DIGITS = 4 };

/* As it lies in the file. */
struct public_key_form {
    uint8_t algorithm[2];
    uint8_t number[KEY_NUMBER_SIZE];
    uint8_t key[PUBLIC_KEY_SIZE];
};

static_assert (sizeof (struct public_key_form) == 42, "minisign's public key");
static_assert ((sizeof (struct public_key_form) + 2) / 3 * 4 + 1 == KEY_LINE_SIZE, "its base64, and a NUL");

/* The line that holds the key: the second after a comment, else the first. */
static bool find_key_line (struct bytes file, struct bytes *ret)
{
    struct bytes rest = file;
    struct bytes line;
    struct bytes comment;
    if (!key_file_line (&rest, &line, NULL))
        return false;
    if (key_file_comment (line, UNTRUSTED_COMMENT, UNTRUSTED_COMMENT_MOST, &comment) &&
        !key_file_line (&rest, &line, NULL))
        return false;
    *ret = line;
    return rest.size == 0;
}

bool public_key_parse (struct bytes file, struct public_key *ret, struct error *error)
{
    struct public_key_form form;
    struct bytes line;
    if (ssh_key_is (file))
        return ssh_key_parse (file, ret, error);
    if (!find_key_line (file, &line) || !key_file_decode (line, (uint8_t *)&form, sizeof form))
        return error_set (
            error, ERROR_INPUT,
            "not a public key: expected minisign's two lines, or its line of 56 characters beginning RW, or "
            "OpenSSH's line beginning ssh-ed25519");
    if (memcmp (form.algorithm, "Ed", sizeof form.algorithm) != 0)
        return error_set (error, ERROR_INPUT, "a public key of another kind than Ed25519");
    (void)memcpy (ret->number, form.number, sizeof ret->number);
    (void)memcpy (ret->bytes, form.key, sizeof ret->bytes);
    return true;
}

const char *public_key_line (const struct public_key *key, char line[KEY_LINE_SIZE])
{
    struct public_key_form form = {.algorithm = {'E', 'd'}};
    (void)memcpy (form.number, key->number, sizeof form.number);
    (void)memcpy (form.key, key->bytes, sizeof form.key);
    return sodium_bin2base64 (
        line, KEY_LINE_SIZE, (const unsigned char *)&form, sizeof form, sodium_base64_VARIANT_ORIGINAL);
}

void public_key_print (const struct public_key *key, struct buffer *out)
{
    char line[KEY_LINE_SIZE];
    uint64_t number = 0;
    for (size_t i = KEY_NUMBER_SIZE; i > 0; i--)
        number = number << 8 | key->number[i - 1];
    buffer_print (out, UNTRUSTED_COMMENT "minisign public key %016" PRIX64 "\n", number);
    buffer_print (out, "%s\n", public_key_line (key, line));
}

bool public_key_equal (const struct public_key *first, const struct public_key *second)
{
    return memcmp (first->bytes, second->bytes, PUBLIC_KEY_SIZE) == 0;
}

const char *key_fingerprint (
    const struct public_key *key, const struct wire_key *wire, char text[FINGERPRINT_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    const struct wire_key none = {{0}};
    crypto_generichash_state state;
    uint8_t hash[FINGERPRINT_SIZE];
    char *place = text;
    int failed = crypto_generichash_init (&state, NULL, 0, sizeof hash);
    failed |= crypto_generichash_update (&state, key->bytes, sizeof key->bytes);
    failed |= crypto_generichash_update (&state, wire != NULL ? wire->bytes : none.bytes, WIRE_KEY_SIZE);
    failed |= crypto_generichash_final (&state, hash, sizeof hash);
    assert (failed == 0);
    for (size_t i = 0; i < 2 * sizeof hash; i++) {
        if (i > 0 && i % GROUP_DIGITS == 0)
            *place++ = ':';
        *place++ = digits[i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 15];
    }
    *place = '\0';
    return text;
}
