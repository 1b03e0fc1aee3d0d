/* SSH signatures as from a stranger: a text, the bytes inside its armour, or a signature that the right key
   makes over whatever namespace, hash and content are asked for. What is parsed has this one text, and only
   the right key, namespace and content verify it. And the line of a public key. */
#include "tests/fuzz/world.h"

#include <sodium.h>

#include "common/core/sshsig.h"

enum mode { MODE_TEXT, MODE_BLOB, MODE_SIGNED, MODE_KEY, MODES };

enum { LINE = 70 };

static void put_string (const void *data, size_t size, struct buffer *out)
{
    uint8_t head[] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    buffer_append (out, head, sizeof head);
    buffer_append (out, data, size);
}

static void put_pair (const void *data, size_t size, struct buffer *out)
{
    struct buffer pair = {0};
    put_string ("ssh-ed25519", 11, &pair);
    put_string (data, size, &pair);
    put_string (pair.data, pair.size, out);
    buffer_free (&pair);
}

static const char *armour (struct bytes blob, struct arena *arena)
{
    size_t size = sodium_base64_encoded_len (blob.size, sodium_base64_VARIANT_ORIGINAL);
    char *base64 = arena_take (arena, size);
    struct buffer out = {0};
    const char *text;
    (void)sodium_bin2base64 (base64, size, blob.data, blob.size, sodium_base64_VARIANT_ORIGINAL);
    buffer_text (&out, "-----BEGIN SSH SIGNATURE-----\n");
    for (size_t i = 0; i + 1 < size; i += LINE)
        buffer_print (&out, "%.*s\n", LINE, base64 + i);
    buffer_text (&out, "-----END SSH SIGNATURE-----\n");
    text = arena_text (arena, out.data);
    buffer_free (&out);
    return text;
}

static const char *text_from (const struct sshsig *signature, struct arena *arena)
{
    const char *hash = signature->is_sha256 ? "sha256" : "sha512";
    struct buffer blob = {0};
    const char *text;
    buffer_append (&blob, "SSHSIG\0\0\0\001", 10);
    put_pair (signature->key.bytes, PUBLIC_KEY_SIZE, &blob);
    put_string (signature->namespace, strlen (signature->namespace), &blob);
    put_string ("", 0, &blob);
    put_string (hash, strlen (hash), &blob);
    put_pair (signature->bytes, SSHSIG_SIZE, &blob);
    text = armour (buffer_bytes (&blob), arena);
    buffer_free (&blob);
    return text;
}

/* What the key signs: not the content, but these bytes with the content's hash. */
static void sign (struct sshsig *signature, struct bytes content)
{
    uint8_t hash[crypto_hash_sha512_BYTES];
    const char *name = signature->is_sha256 ? "sha256" : "sha512";
    struct buffer message = {0};
    if (signature->is_sha256)
        (void)crypto_hash_sha256 (hash, content.data, content.size);
    else
        (void)crypto_hash_sha512 (hash, content.data, content.size);
    buffer_append (&message, "SSHSIG", 6);
    put_string (signature->namespace, strlen (signature->namespace), &message);
    put_string ("", 0, &message);
    put_string (name, strlen (name), &message);
    put_string (hash, signature->is_sha256 ? crypto_hash_sha256_BYTES : sizeof hash, &message);
    (void)crypto_sign_detached (
        signature->bytes, NULL, (const uint8_t *)message.data, message.size, world_key ("ana")->bytes);
    signature->key = (struct public_key){0};
    (void)memcpy (signature->key.bytes, world_key ("ana")->public.bytes, PUBLIC_KEY_SIZE);
    buffer_free (&message);
}

static bool try_text (const char *text, struct arena *arena)
{
    struct sshsig signature;
    struct error error = {0};
    if (!sshsig_parse (text, &signature, &error)) {
        check_error (&error);
        return false;
    }
    assert (strcmp (text_from (&signature, arena), text) == 0);
    assert (public_key_is_ssh (&signature.key));
    assert (!sshsig_check (
        &signature, &world_key ("eva")->public, signature.namespace, bytes_of_text ("nothing"), &error));
    check_error (&error);
    return true;
}

/* flags, the namespace, the content */
static bool try_signed (struct bytes input, struct arena *arena)
{
    struct bytes flags = take (&input, 1);
    struct bytes namespace = take_piece (&input);
    struct sshsig made = {.is_sha256 = flags.size > 0 && (flags.data[0] & 1) != 0};
    struct sshsig read;
    const char *other = "relevo-approval";
    if (namespace.size == 0 || namespace.size > SSHSIG_NAMESPACE_MOST ||
        !text_is_printable ((const char *)namespace.data, namespace.size))
        return false;
    (void)memcpy (made.namespace, namespace.data, namespace.size);
    sign (&made, input);
    assert (sshsig_parse (text_from (&made, arena), &read, NULL));
    assert (sshsig_check (&read, &world_key ("ana")->public, made.namespace, input, NULL));
    assert (!sshsig_check (&read, &world_key ("eva")->public, made.namespace, input, NULL));
    assert (sshsig_check (&read, &read.key, other, input, NULL) == (strcmp (made.namespace, other) == 0));
    read.bytes[input.size % SSHSIG_SIZE] ^= 1;
    assert (!sshsig_check (&read, &read.key, made.namespace, input, NULL));
    return true;
}

static bool try_key (struct bytes file)
{
    struct public_key key;
    struct error error = {0};
    bool good = ssh_key_parse (file, &key, &error);
    if (!good)
        check_error (&error);
    assert (!good || (ssh_key_is (file) && public_key_is_ssh (&key)));
    return good;
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct bytes mode = take (&input, 1);
    bool good = false;
    switch (mode.size > 0 ? mode.data[0] % MODES : MODE_TEXT) {
    case MODE_TEXT:
        good = try_text (text_of (input, &arena), &arena);
        break;
    case MODE_BLOB:
        good = try_text (armour (input, &arena), &arena);
        break;
    case MODE_SIGNED:
        good = try_signed (input, &arena);
        break;
    case MODE_KEY:
        good = try_key (input);
        break;
    }
    arena_free (&arena);
    return good;
}

static void seed_mode (const char *name, enum mode mode, struct bytes rest, bool is_good)
{
    struct buffer input = {0};
    uint8_t byte = (uint8_t)mode;
    buffer_append (&input, &byte, 1);
    buffer_append (&input, rest.data, rest.size);
    (is_good ? seed_good : seed_bad) (name, buffer_bytes (&input));
    buffer_free (&input);
}

static void seed (void)
{
    struct arena arena = {0};
    struct sshsig made = {.namespace = "relevo-approval"};
    struct buffer wanted = {0};
    uint8_t blob[1024];
    size_t size = 0;
    const char *text;
    sign (&made, bytes_of_text ("relevo approval 1\n"));
    text = text_from (&made, &arena);
    seed_mode ("text", MODE_TEXT, bytes_of_text (text), true);
    assert (
        sodium_base642bin (
            blob, sizeof blob, text + 30, strlen (text) - 30 - 28, "\n", &size, NULL,
            sodium_base64_VARIANT_ORIGINAL) == 0);
    seed_mode ("blob", MODE_BLOB, (struct bytes){blob, size}, true);
    seed_mode ("blob-cut", MODE_BLOB, (struct bytes){blob, size - 1}, false);
    buffer_append (&wanted, "\1", 1);
    put_piece (bytes_of_text ("git"), &wanted);
    buffer_text (&wanted, "what is signed");
    seed_mode ("signed", MODE_SIGNED, buffer_bytes (&wanted), true);
    seed_mode (
        "key", MODE_KEY,
        bytes_of_text (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g ana\n"),
        true);
    seed_mode ("key-rsa", MODE_KEY, bytes_of_text ("ssh-rsa AAAAB3NzaC1yc2E= ana\n"), false);
    buffer_free (&wanted);
    arena_free (&arena);
}

const struct fuzz_target fuzz_target = {.most = 4096, .run = run, .seed = seed};
