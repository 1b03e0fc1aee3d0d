/* minisign's secret key files. Everything that ever held a secret is wiped before it is left. */
#include "common/core/key.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/core/key_file.h"

enum { CHECKSUM_SIZE = 32, SECRET_LINE_SIZE = 213 };

/* minisign's own: what a new key costs, and the least to which that is halved. */
static const uint64_t OPSLIMIT_MOST = 33554432;
static const uint64_t MEMLIMIT_MOST = 1073741824;
static const uint64_t OPSLIMIT_LEAST = 32768;
static const uint64_t MEMLIMIT_LEAST = 16777216;

/* The part that a password hides. */
struct secret_part {
    uint8_t number[KEY_NUMBER_SIZE];
    uint8_t key[SECRET_KEY_SIZE];
    uint8_t checksum[CHECKSUM_SIZE];
};

/* As it lies in the file. */
struct secret_key_form {
    uint8_t algorithm[2];
    uint8_t kdf[2];
    uint8_t checksum_kind[2];
    uint8_t salt[KEY_SALT_SIZE];
    uint8_t opslimit[8];
    uint8_t memlimit[8];
    struct secret_part part;
};

static_assert (sizeof (struct secret_part) == 104, "minisign's secret part");
static_assert (sizeof (struct secret_key_form) == 158, "minisign's secret key");
static_assert ((sizeof (struct secret_key_form) + 2) / 3 * 4 + 1 == SECRET_LINE_SIZE, "base64, and a NUL");

static uint64_t number_load (const uint8_t bytes[8])
{
    uint64_t number = 0;
    for (size_t i = 8; i > 0; i--)
        number = number << 8 | bytes[i - 1];
    return number;
}

static void number_store (uint64_t number, uint8_t bytes[8])
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
}

static void checksum_of (const struct secret_part *part, uint8_t checksum[CHECKSUM_SIZE])
{
    crypto_generichash_state state;
    int failed = crypto_generichash_init (&state, NULL, 0, CHECKSUM_SIZE);
    failed |= crypto_generichash_update (&state, (const uint8_t *)"Ed", 2);
    failed |= crypto_generichash_update (&state, part->number, sizeof part->number);
    failed |= crypto_generichash_update (&state, part->key, sizeof part->key);
    failed |= crypto_generichash_final (&state, checksum, CHECKSUM_SIZE);
    assert (failed == 0);
    sodium_memzero (&state, sizeof state);
}

/* XORs the secret part with what scrypt makes of the password. False where memory is short. */
static bool part_scramble (
    struct secret_part *part, const char *password, const uint8_t salt[KEY_SALT_SIZE], uint64_t opslimit,
    uint64_t memlimit)
{
    uint8_t stream[sizeof *part];
    uint8_t *bytes = (uint8_t *)part;
    static_assert (KEY_SALT_SIZE == crypto_pwhash_scryptsalsa208sha256_SALTBYTES, "scrypt's salt");
    if (crypto_pwhash_scryptsalsa208sha256 (
            stream, sizeof stream, password, strlen (password), salt, opslimit, (size_t)memlimit) != 0)
        return false;
    for (size_t i = 0; i < sizeof stream; i++)
        bytes[i] ^= stream[i];
    sodium_memzero (stream, sizeof stream);
    return true;
}

void secret_key_make (
    const uint8_t seed[KEY_SEED_SIZE], const uint8_t number[KEY_NUMBER_SIZE], struct secret_key *ret)
{
    static_assert (KEY_SEED_SIZE == crypto_sign_SEEDBYTES, "Ed25519's seed");
    static_assert (SECRET_KEY_SIZE == crypto_sign_SECRETKEYBYTES, "Ed25519's secret key");
    int failed = crypto_sign_seed_keypair (ret->public.bytes, ret->bytes, seed);
    assert (failed == 0);
    (void)memcpy (ret->public.number, number, sizeof ret->public.number);
}

static bool form_read (struct bytes file, struct secret_key_form *form, struct error *error)
{
    struct bytes rest = file;
    struct bytes line;
    struct bytes comment;
    if (!key_file_line (&rest, &line, NULL) ||
        !key_file_comment (line, UNTRUSTED_COMMENT, UNTRUSTED_COMMENT_MOST, &comment) ||
        !key_file_line (&rest, &line, NULL) || rest.size != 0 ||
        !key_file_decode (line, (uint8_t *)form, sizeof *form))
        return error_set (
            error, ERROR_INPUT,
            "not a minisign secret key: expected a line \"" UNTRUSTED_COMMENT
            "…\" and a line of 212 characters");
    if (memcmp (form->algorithm, "Ed", 2) != 0 || memcmp (form->checksum_kind, "B2", 2) != 0)
        return error_set (error, ERROR_INPUT, "a secret key of another kind than Ed25519 with BLAKE2b");
    if (memcmp (form->kdf, "Sc", 2) != 0 && memcmp (form->kdf, "\0\0", 2) != 0)
        return error_set (error, ERROR_INPUT, "a secret key encrypted in another way than scrypt");
    return true;
}

bool secret_key_is_encrypted (struct bytes file, bool *ret, struct error *error)
{
    struct secret_key_form form;
    bool good = form_read (file, &form, error);
    if (good)
        *ret = form.kdf[0] != 0;
    sodium_memzero (&form, sizeof form);
    return good;
}

static bool form_decrypt (struct secret_key_form *form, const char *password, struct error *error)
{
    uint8_t checksum[CHECKSUM_SIZE];
    uint64_t opslimit = number_load (form->opslimit);
    uint64_t memlimit = number_load (form->memlimit);
    bool same;
    if (password == NULL)
        return error_set (error, ERROR_REFUSED, "this secret key needs its password");
    if (opslimit > OPSLIMIT_MOST || memlimit > MEMLIMIT_MOST)
        return error_set (
            error, ERROR_LIMIT, "the secret key asks for more work or memory than minisign ever does");
    if (!part_scramble (&form->part, password, form->salt, opslimit, memlimit))
        return error_set (
            error, ERROR_SYSTEM, "not enough memory to decrypt the secret key: it takes %llu MiB",
            (unsigned long long)(memlimit >> 20));
    checksum_of (&form->part, checksum);
    same = sodium_memcmp (checksum, form->part.checksum, sizeof checksum) == 0;
    sodium_memzero (checksum, sizeof checksum);
    return same ||
           error_set (error, ERROR_REFUSED, "wrong password for the secret key: nothing was done, try again");
}

/* The file holds the public key as a function of the secret one; a damaged file must not sign. */
static bool key_from_part (const struct secret_part *part, struct secret_key *ret, struct error *error)
{
    struct secret_key made;
    uint8_t seed[KEY_SEED_SIZE];
    bool same;
    (void)memcpy (seed, part->key, sizeof seed);
    secret_key_make (seed, part->number, &made);
    sodium_memzero (seed, sizeof seed);
    same = sodium_memcmp (made.bytes, part->key, sizeof made.bytes) == 0;
    if (same)
        *ret = made;
    secret_key_wipe (&made);
    return same || error_set (error, ERROR_INPUT, "the secret key is damaged: its two halves do not agree");
}

bool secret_key_parse (struct bytes file, const char *password, struct secret_key *ret, struct error *error)
{
    struct secret_key_form form;
    bool good = form_read (file, &form, error) &&
                (form.kdf[0] == 0 || form_decrypt (&form, password, error)) &&
                key_from_part (&form.part, ret, error);
    sodium_memzero (&form, sizeof form);
    return good;
}

static bool form_encrypt (
    struct secret_key_form *form, const char *password, const uint8_t salt[KEY_SALT_SIZE],
    struct error *error)
{
    uint64_t opslimit = OPSLIMIT_MOST;
    uint64_t memlimit = MEMLIMIT_MOST;
    (void)memcpy (form->kdf, "Sc", 2);
    (void)memcpy (form->salt, salt, sizeof form->salt);
    checksum_of (&form->part, form->part.checksum);
    while (!part_scramble (&form->part, password, salt, opslimit, memlimit)) {
        opslimit /= 2;
        memlimit /= 2;
        if (opslimit < OPSLIMIT_LEAST || memlimit < MEMLIMIT_LEAST)
            return error_set (
                error, ERROR_SYSTEM,
                "not enough memory to encrypt the secret key: it takes at least %llu MiB",
                (unsigned long long)(MEMLIMIT_LEAST >> 20));
    }
    number_store (opslimit, form->opslimit);
    number_store (memlimit, form->memlimit);
    return true;
}

bool secret_key_print (
    const struct secret_key *key, const char *password, const uint8_t salt[KEY_SALT_SIZE], struct buffer *out,
    struct error *error)
{
    struct secret_key_form form = {.algorithm = {'E', 'd'}, .checksum_kind = {'B', '2'}};
    char line[SECRET_LINE_SIZE];
    bool good;
    (void)memcpy (form.part.number, key->public.number, sizeof form.part.number);
    (void)memcpy (form.part.key, key->bytes, sizeof form.part.key);
    good = password == NULL || form_encrypt (&form, password, salt, error);
    if (good) {
        (void)sodium_bin2base64 (
            line, sizeof line, (const unsigned char *)&form, sizeof form, sodium_base64_VARIANT_ORIGINAL);
        /* minisign writes these words above either kind, and one append leaves no copy behind. */
        buffer_print (out, UNTRUSTED_COMMENT "minisign encrypted secret key\n%s\n", line);
        sodium_memzero (line, sizeof line);
    }
    sodium_memzero (&form, sizeof form);
    return good;
}

void secret_key_wipe (struct secret_key *key)
{
    sodium_memzero (key, sizeof *key);
}
