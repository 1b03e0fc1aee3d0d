/* Ed25519 keys and detached signatures, byte for byte in minisign's formats (jedisct1.github.io/minisign);
   and those that an SSH key made, to be verified (sshsig.h).

   Pure: whoever makes a key or encrypts one brings the random bytes. Secrets are wiped by secret_key_wipe. */
#ifndef RELEVO_COMMON_CORE_KEY_H
#define RELEVO_COMMON_CORE_KEY_H

#include "common/core/error.h"
#include "common/core/text.h"
#include "common/core/time.h"
#include "proto/messages.h"

enum {
    KEY_SEED_SIZE = 32,
    SECRET_KEY_SIZE = 64,
    KEY_SALT_SIZE = 32,
    KEY_LINE_SIZE = 57,         /* base64 of 42 bytes, and a NUL */
    FINGERPRINT_TEXT_SIZE = 40, /* eight groups of four hexadecimal digits, and a NUL */
};

struct secret_key {
    struct public_key public;
    uint8_t bytes[SECRET_KEY_SIZE]; /* seed and public key, as libsodium holds it */
};

/* A file of two lines, or the base64 line alone; or OpenSSH's line, whose key has the number zero and can
   only approve. */
bool public_key_parse (struct bytes file, struct public_key *ret, struct error *error);
/* The base64 line ("RW…"). Returns `line`. */
const char *public_key_line (const struct public_key *key, char line[KEY_LINE_SIZE]);
/* Appends the whole file, with minisign's comment. */
void public_key_print (const struct public_key *key, struct buffer *out);
bool public_key_equal (
    const struct public_key *first, const struct public_key *second); /* the Ed25519 key alone */

/* What people compare by eye: BLAKE2b-128 over sign key and wire key (all zero where there is none). Returns
 * `text`. */
const char *key_fingerprint (
    const struct public_key *key, const struct wire_key *wire, char text[FINGERPRINT_TEXT_SIZE]);

void secret_key_make (
    const uint8_t seed[KEY_SEED_SIZE], const uint8_t number[KEY_NUMBER_SIZE], struct secret_key *ret);
/* True where the file says that it is encrypted (kdf "Sc"). */
bool secret_key_is_encrypted (struct bytes file, bool *ret, struct error *error);
/* `password` is NULL for a key without one. A wrong password is ERROR_REFUSED. Costs what the file says, up
   to minisign's own limits (opslimit 33554432, memlimit 1 GiB), above which it is ERROR_LIMIT. */
bool secret_key_parse (struct bytes file, const char *password, struct secret_key *ret, struct error *error);
/* Appends the whole file. With a password, `salt` is used and the limits are minisign's, both halved while
   memory for scrypt is not to be had. */
bool secret_key_print (
    const struct secret_key *key, const char *password, const uint8_t salt[KEY_SALT_SIZE], struct buffer *out,
    struct error *error);
void secret_key_wipe (struct secret_key *key);

/* Appends a signature file (prehashed, "ED"). `comment` becomes the trusted comment: one line, printable, <=
 * 8192. */
bool signature_make (
    const struct secret_key *key, struct bytes content, const char *comment, struct buffer *out,
    struct error *error);
/* "timestamp:1700000000\tfile:NAME\thashed": what minisign itself writes. Appends. */
void signature_comment (struct instant now, const char *name, struct buffer *out);
/* The key number in a signature file of minisign's: a hint about which key to try. */
bool signature_key_number (const char *signature, uint8_t ret[KEY_NUMBER_SIZE], struct error *error);
/* Checks both signatures (content, and trusted comment), prehashed or legacy; or that of an SSH key, where
   the content is an approval. */
bool signature_verify (
    const char *signature, const struct public_key *key, struct bytes content, struct error *error);

#endif
