#include "common/core/sshsig.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/core/key_file.h"

#define BEGINNING "-----BEGIN SSH SIGNATURE-----"
#define ENDING "-----END SSH SIGNATURE-----"
#define MAGIC "SSHSIG"
#define KIND "ssh-ed25519"
#define SECRET_BEGINNING "-----BEGIN "

enum {
    BLOB_MOST = 4096, /* an RSA signature of 16384 bits too, whose kind is then named */
    LINE_CHARACTERS = 70,
    KIND_MOST = 64,
    VERSION = 1,
};

/* A key and a signature as they lie in a blob: two strings each, all of fixed size. */
struct key_form {
    uint8_t kind[4 + sizeof KIND - 1];
    uint8_t size[4];
    uint8_t key[PUBLIC_KEY_SIZE];
};

struct sshsig_form {
    uint8_t kind[4 + sizeof KIND - 1];
    uint8_t size[4];
    uint8_t signature[SSHSIG_SIZE];
};

static_assert (sizeof (struct key_form) == 51, "an Ed25519 key in OpenSSH's form");
static_assert (sizeof (struct sshsig_form) == 83, "an Ed25519 signature in OpenSSH's form");
static_assert (SSHSIG_SIZE == crypto_sign_BYTES, "an Ed25519 signature");

static const uint8_t kind_string[] = "\0\0\0\013" KIND; /* and a NUL, which is no part of it */
static const uint8_t key_size[4] = {0, 0, 0, PUBLIC_KEY_SIZE};
static const uint8_t signature_size[4] = {0, 0, 0, SSHSIG_SIZE};

/* -------------------------------------------------------------------------------------------------- strings
 */

static bool take (struct bytes *rest, size_t size, struct bytes *ret)
{
    if (rest->size < size)
        return false;
    *ret = (struct bytes){rest->data, size};
    *rest = (struct bytes){rest->data + size, rest->size - size};
    return true;
}

static bool take_number (struct bytes *rest, uint32_t *ret)
{
    struct bytes taken;
    if (!take (rest, 4, &taken))
        return false;
    *ret = (uint32_t)taken.data[0] << 24 | (uint32_t)taken.data[1] << 16 | (uint32_t)taken.data[2] << 8 |
           taken.data[3];
    return true;
}

static bool take_string (struct bytes *rest, struct bytes *ret)
{
    uint32_t size;
    return take_number (rest, &size) && take (rest, size, ret);
}

static bool is_text (struct bytes string, const char *text)
{
    return bytes_equal (string, bytes_of_text (text));
}

static void put_string (struct bytes string, struct buffer *out)
{
    const uint8_t size[4] = {
        (uint8_t)(string.size >> 24), (uint8_t)(string.size >> 16), (uint8_t)(string.size >> 8),
        (uint8_t)string.size};
    buffer_append (out, size, sizeof size);
    buffer_append (out, string.data, string.size);
}

/* ----------------------------------------------------------------------------------------------------- keys
 */

bool public_key_is_ssh (const struct public_key *key)
{
    return sodium_is_zero (key->number, sizeof key->number) == 1;
}

/* Another kind is named, where its name is fit to be shown. */
static bool other_kind (struct bytes kind, const char *what, struct error *error)
{
    const char *name = (const char *)kind.data;
    if (kind.size == 0 || kind.size > KIND_MOST || !text_is_printable (name, kind.size))
        return error_set (error, ERROR_INPUT, "%s of no known kind: only " KIND " keys can approve", what);
    return error_set (
        error, ERROR_INPUT, "%s of the kind %.*s: only " KIND " keys can approve", what, (int)kind.size,
        name);
}

static bool key_of_blob (struct bytes blob, struct public_key *ret, struct error *error)
{
    struct key_form form;
    struct bytes rest = blob;
    struct bytes kind;
    if (!take_string (&rest, &kind))
        return error_set (error, ERROR_INPUT, "not an SSH key: it ends within its kind");
    if (!is_text (kind, KIND))
        return other_kind (kind, "an SSH key", error);
    if (blob.size != sizeof form)
        return error_set (error, ERROR_INPUT, "not an " KIND " key: it takes 51 bytes");
    (void)memcpy (&form, blob.data, sizeof form);
    if (memcmp (form.size, key_size, sizeof form.size) != 0)
        return error_set (error, ERROR_INPUT, "not an " KIND " key: it takes 32 bytes");
    *ret = (struct public_key){{0}, {0}};
    (void)memcpy (ret->bytes, form.key, sizeof ret->bytes);
    return true;
}

static bool begins (struct bytes text, const char *word)
{
    size_t size = strlen (word);
    return text.size >= size && memcmp (text.data, word, size) == 0;
}

bool ssh_key_is (struct bytes file)
{
    static const char *const words[] = {"ssh-", "ecdsa-", "sk-", SECRET_BEGINNING};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (begins (file, words[i]))
            return true;
    return false;
}

/* Up to the next space, which is taken too. */
static struct bytes take_word (struct bytes *line)
{
    const uint8_t *space = line->size > 0 ? memchr (line->data, ' ', line->size) : NULL;
    struct bytes word = {line->data, space != NULL ? (size_t)(space - line->data) : line->size};
    size_t taken = word.size + (space != NULL ? 1 : 0);
    *line = (struct bytes){line->data + taken, line->size - taken};
    return word;
}

bool ssh_key_parse (struct bytes file, struct public_key *ret, struct error *error)
{
    uint8_t blob[sizeof (struct key_form)];
    struct bytes rest = file;
    struct bytes line;
    struct bytes kind;
    if (begins (file, SECRET_BEGINNING))
        return error_set (error, ERROR_INPUT, "a secret key, or a certificate: name the public one, *.pub");
    if (!key_file_line (&rest, &line, NULL) || rest.size != 0)
        return error_set (error, ERROR_INPUT, "not an SSH public key: it is one line");
    kind = take_word (&line);
    if (!is_text (kind, KIND))
        return other_kind (kind, "an SSH key", error);
    if (!key_file_decode (take_word (&line), blob, sizeof blob))
        return error_set (error, ERROR_INPUT, "not an " KIND " key: no base64 of 51 bytes follows its kind");
    if (!text_is_printable ((const char *)line.data, line.size))
        return error_set (error, ERROR_INPUT, "an SSH key whose comment is no printable text");
    return key_of_blob ((struct bytes){blob, sizeof blob}, ret, error);
}

/* ----------------------------------------------------------------------------------------------- signatures
 */

static bool malformed (const char *what, struct error *error)
{
    return error_set (error, ERROR_INPUT, "not an SSH signature: %s", what);
}

bool sshsig_is (const char *text)
{
    return begins (bytes_of_text (text), BEGINNING "\n");
}

static void armour (struct bytes blob, struct buffer *out)
{
    char base64[BLOB_MOST * 2];
    size_t size;
    (void)sodium_bin2base64 (base64, sizeof base64, blob.data, blob.size, sodium_base64_VARIANT_ORIGINAL);
    size = strlen (base64);
    buffer_text (out, BEGINNING "\n");
    for (size_t i = 0; i < size; i += LINE_CHARACTERS)
        buffer_print (out, "%.*s\n", LINE_CHARACTERS, base64 + i);
    buffer_text (out, ENDING "\n");
}

/* The one text that stands for the bytes: it is made again from them, and compared. */
static bool unarmour (const char *text, uint8_t blob[BLOB_MOST], size_t *ret_size, struct error *error)
{
    size_t size = strlen (text);
    size_t before = strlen (BEGINNING "\n");
    size_t behind = strlen (ENDING "\n");
    struct buffer again = {0};
    bool same;
    if (!sshsig_is (text) || size < before + behind || strcmp (text + size - behind, ENDING "\n") != 0)
        return malformed ("its first line is not " BEGINNING ", or its last not " ENDING, error);
    if (sodium_base642bin (
            blob, BLOB_MOST, text + before, size - before - behind, "\n", ret_size, NULL,
            sodium_base64_VARIANT_ORIGINAL) != 0)
        return malformed ("no base64 of at most 4096 bytes", error);
    armour ((struct bytes){blob, *ret_size}, &again);
    same = strcmp (again.data, text) == 0;
    buffer_free (&again);
    return same || malformed ("its lines are not as ssh-keygen writes them", error);
}

static bool signature_of_blob (struct bytes blob, struct sshsig *signature, struct error *error)
{
    struct sshsig_form form;
    if (blob.size != sizeof form)
        return malformed ("the signature itself does not take 83 bytes", error);
    (void)memcpy (&form, blob.data, sizeof form);
    if (memcmp (form.kind, kind_string, sizeof form.kind) != 0 ||
        memcmp (form.size, signature_size, sizeof form.size) != 0)
        return malformed ("the signature itself is of another kind than its key", error);
    (void)memcpy (signature->bytes, form.signature, sizeof signature->bytes);
    return true;
}

static bool namespace_of (struct bytes string, struct sshsig *signature, struct error *error)
{
    if (string.size == 0)
        return malformed ("it has no namespace", error);
    if (string.size > SSHSIG_NAMESPACE_MOST || !text_is_printable ((const char *)string.data, string.size))
        return malformed ("its namespace is no printable text of at most 64 bytes", error);
    (void)memcpy (signature->namespace, string.data, string.size);
    return true;
}

static bool read_blob (struct bytes blob, struct sshsig *signature, struct error *error)
{
    struct bytes rest = blob;
    struct bytes magic;
    struct bytes key;
    struct bytes namespace;
    struct bytes reserved;
    struct bytes hash;
    struct bytes bytes;
    uint32_t version;
    if (!take (&rest, strlen (MAGIC), &magic) || !is_text (magic, MAGIC))
        return malformed ("its bytes do not begin with " MAGIC, error);
    if (!take_number (&rest, &version) || version != VERSION)
        return malformed ("another version than 1", error);
    if (!take_string (&rest, &key) || !take_string (&rest, &namespace) || !take_string (&rest, &reserved) ||
        !take_string (&rest, &hash) || !take_string (&rest, &bytes))
        return malformed ("its bytes end too early", error);
    if (rest.size != 0)
        return malformed ("there are bytes behind its end", error);
    if (!key_of_blob (key, &signature->key, error))
        return error_context (error, "SSH signature");
    if (reserved.size != 0)
        return malformed ("its reserved field is not empty", error);
    signature->is_sha256 = is_text (hash, "sha256");
    if (!signature->is_sha256 && !is_text (hash, "sha512"))
        return malformed ("another hash than sha256 and sha512", error);
    return namespace_of (namespace, signature, error) && signature_of_blob (bytes, signature, error);
}

bool sshsig_parse (const char *text, struct sshsig *ret, struct error *error)
{
    uint8_t blob[BLOB_MOST];
    struct sshsig signature = {0};
    size_t size;
    if (!unarmour (text, blob, &size, error) || !read_blob ((struct bytes){blob, size}, &signature, error))
        return false;
    *ret = signature;
    return true;
}

/* What is signed: the content's hash, with all that says what it is for. */
static void signed_bytes (const struct sshsig *signature, struct bytes content, struct buffer *out)
{
    uint8_t hash[crypto_hash_sha512_BYTES];
    size_t size = signature->is_sha256 ? crypto_hash_sha256_BYTES : crypto_hash_sha512_BYTES;
    int failed = signature->is_sha256 ? crypto_hash_sha256 (hash, content.data, content.size)
                                      : crypto_hash_sha512 (hash, content.data, content.size);
    assert (failed == 0);
    buffer_text (out, MAGIC);
    put_string (bytes_of_text (signature->namespace), out);
    put_string ((struct bytes){0}, out);
    put_string (bytes_of_text (signature->is_sha256 ? "sha256" : "sha512"), out);
    put_string ((struct bytes){hash, size}, out);
}

bool sshsig_check (
    const struct sshsig *signature, const struct public_key *key, const char *namespace, struct bytes content,
    struct error *error)
{
    struct buffer covered = {0};
    bool good;
    if (!public_key_equal (&signature->key, key))
        return error_set (error, ERROR_REFUSED, "the SSH signature is by another key");
    if (strcmp (signature->namespace, namespace) != 0)
        return error_set (
            error, ERROR_REFUSED, "the SSH signature is for the namespace %s, where %s is wanted",
            signature->namespace, namespace);
    signed_bytes (signature, content, &covered);
    good = crypto_sign_verify_detached (
               signature->bytes, (const uint8_t *)covered.data, covered.size, key->bytes) == 0;
    buffer_free (&covered);
    return good || error_set (error, ERROR_REFUSED, "the SSH signature does not fit the content and its key");
}
