/* SSH keys and signatures: ssh-keygen's own bytes, nothing changed that still passes, and nothing but an
   approval that counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/core/signature.h"
#include "tests/unit/common_core/world.h"

/* Made by OpenSSH 9.2: ssh-keygen -t ed25519, then -Y sign -n relevo-approval over the bytes of `content`,
   the second with -O hashalg=sha256, the third for the namespace git; then over the same with another
   purpose, and by an ECDSA key. */
static const char public_line[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y ana@example.org\n";
static const char hashed_512[] = "-----BEGIN SSH SIGNATURE-----\n"
                                 "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgEqQ2mk3EwrlNCO/rDY4ILSOj+3\n"
                                 "jhbtj/KLt7nxhaDhgAAAAPcmVsZXZvLWFwcHJvdmFsAAAAAAAAAAZzaGE1MTIAAABTAAAA\n"
                                 "C3NzaC1lZDI1NTE5AAAAQAeCw2uUbg/SVuhqiWbvNSz7SAaGXjVzUmMO59GZkq+gPuxIXP\n"
                                 "QIqySOfPJwU1lntj4Ro9JgnU8teCBMtwAhjgs=\n"
                                 "-----END SSH SIGNATURE-----\n";
static const char hashed_256[] = "-----BEGIN SSH SIGNATURE-----\n"
                                 "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgEqQ2mk3EwrlNCO/rDY4ILSOj+3\n"
                                 "jhbtj/KLt7nxhaDhgAAAAPcmVsZXZvLWFwcHJvdmFsAAAAAAAAAAZzaGEyNTYAAABTAAAA\n"
                                 "C3NzaC1lZDI1NTE5AAAAQNf9BBPDA6PRz85ozZZhbPQX9mY9P+eZfV+M7N5ls5mvYQw+Ow\n"
                                 "ucCNwt5gdbgsbFyetWtGkPkJe3twFQIuWM8wo=\n"
                                 "-----END SSH SIGNATURE-----\n";
static const char for_git[] = "-----BEGIN SSH SIGNATURE-----\n"
                              "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgEqQ2mk3EwrlNCO/rDY4ILSOj+3\n"
                              "jhbtj/KLt7nxhaDhgAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\n"
                              "AAAAQL47fvehSmVv/WppOE3LgHwQbNzkKBvhy6shK9AKnsmirLNvvvYDnBX2FokPReUu9d\n"
                              "lc3NdwLbd+Rxk8I07Iyw8=\n"
                              "-----END SSH SIGNATURE-----\n";
static const char of_plan[] = "-----BEGIN SSH SIGNATURE-----\n"
                              "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgEqQ2mk3EwrlNCO/rDY4ILSOj+3\n"
                              "jhbtj/KLt7nxhaDhgAAAAPcmVsZXZvLWFwcHJvdmFsAAAAAAAAAAZzaGE1MTIAAABTAAAA\n"
                              "C3NzaC1lZDI1NTE5AAAAQJX4zotRzZMbFkj3Gxuz9pUr5VVPvbuOM0p2rRDXvj6DppQtTo\n"
                              "sM7Pi138Mc3/4UA+g1sBMySxn19k4aSZz7eAY=\n"
                              "-----END SSH SIGNATURE-----\n";
static const char of_receipt[] = "-----BEGIN SSH SIGNATURE-----\n"
                                 "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgEqQ2mk3EwrlNCO/rDY4ILSOj+3\n"
                                 "jhbtj/KLt7nxhaDhgAAAAPcmVsZXZvLWFwcHJvdmFsAAAAAAAAAAZzaGE1MTIAAABTAAAA\n"
                                 "C3NzaC1lZDI1NTE5AAAAQEnNgB1tQNr0N2om/E3VKgyFkWaIiho9uAYCnCvTzbOI8TYvZS\n"
                                 "NqVBbpCxqyexCs8Y/h7jDGYQurFXkB8RQ4vg8=\n"
                                 "-----END SSH SIGNATURE-----\n";
static const char by_ecdsa[] = "-----BEGIN SSH SIGNATURE-----\n"
                               "U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE\n"
                               "EEIBup09uVl/OXs9lR+MkXRR+/GySRXoWQxrfz41fDx5Xijcv4HzM7QpiLQC7zl+qnyO/D\n"
                               "bE53TQ/PMPqdr2eweAAAAA9yZWxldm8tYXBwcm92YWwAAAAAAAAABnNoYTUxMgAAAGMAAA\n"
                               "ATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAEgAAAAgZHibh6fBI8Cq49+BXhSB9KMhvuvGXAa0\n"
                               "vs4IeSgSVtkAAAAgB9h6+b1OiUe3LJB9O1Cl7Co4J731xJ6juqnAc1pwFis=\n"
                               "-----END SSH SIGNATURE-----\n";
static const char content[] = "relevo approval 1\nx";

static struct public_key ssh_key (void)
{
    struct public_key key;
    assert_true (public_key_parse (bytes_of_text (public_line), &key, NULL));
    return key;
}

static bool verifies (const char *text, const struct public_key *key, const char *bytes)
{
    return signature_verify (text, key, bytes_of_text (bytes), NULL);
}

/* ------------------------------------------------------------------------------------------------- the keys
 */

static void test_key (void **state)
{
    static const char *const other[] = {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y ana@example.org",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y \n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y Ana Díaz, phone\n",
    };
    struct public_key key = ssh_key ();
    (void)state;
    assert_true (public_key_is_ssh (&key));
    for (size_t i = 0; i < COUNT_OF (other); i++) {
        struct public_key again;
        assert_true (public_key_parse (bytes_of_text (other[i]), &again, NULL));
        assert_memory_equal (&again, &key, sizeof key);
    }
}

static void test_key_refused (void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } bad[] = {
        {"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDP2fNTaEbK r\n", "ssh-rsa"},
        {"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB e\n",
         "ecdsa-sha2-nistp256"},
        {"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t e\n",
         "sk-ssh-ed25519@openssh.com"},
        {"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5 c\n", "ssh-ed25519-cert-v01@openssh.com"},
        {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n", "secret"},
        {"ssh-\033[2J AAAA\n", "no known kind"},
        {"ssh-ed25519\n", "base64"},
        {"ssh-ed25519 \n", "base64"},
        {"ssh-ed25519  AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y\n", "base64"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4YAAAA\n", "base64"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIRKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y a\n", "32 bytes"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE4AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y a\n",
         "ssh-ed25518"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y \033[2J\n",
         "printable"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y a\n\n",
         "one line"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y a\r\n",
         "printable"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF (bad); i++) {
        struct public_key key = {{0}, {7}};
        struct error error = {.text = ""};
        assert_false (public_key_parse (bytes_of_text (bad[i].text), &key, &error));
        assert_int_equal (error.kind, ERROR_INPUT);
        assert_non_null (strstr (error.text, bad[i].why));
        assert_int_equal (key.bytes[0], 7);
    }
}

/* ------------------------------------------------------------------------------------------- ssh-keygen's
 * own
 */

static void test_signatures (void **state)
{
    struct public_key key = ssh_key ();
    struct signature signature;
    struct error error;
    uint8_t number[KEY_NUMBER_SIZE];
    (void)state;
    assert_true (verifies (hashed_512, &key, content));
    assert_true (verifies (hashed_256, &key, content));
    assert_false (verifies (hashed_512, &key, "relevo approval 1\ny"));
    assert_true (signature_parse (hashed_256, &signature, &error));
    assert_int_equal (signature.form, SIGNATURE_SSH);
    assert_true (signature.ssh.is_sha256);
    assert_string_equal (signature.ssh.namespace, SIGNATURE_SSH_NAMESPACE);
    assert_memory_equal (&signature.ssh.key, &key, sizeof key);
    assert_false (signature_key_number (hashed_512, number, &error));
}

/* A signature that is good in itself, and does not count. */
static void refused (
    const char *text, const struct public_key *key, const char *bytes, enum error_kind kind, const char *why)
{
    struct error error = {.text = ""};
    assert_false (signature_verify (text, key, bytes_of_text (bytes), &error));
    assert_int_equal (error.kind, kind);
    assert_non_null (strstr (error.text, why));
}

static void test_what_does_not_count (void **state)
{
    struct public_key key = ssh_key ();
    struct public_key other = key_named ("ana").public;
    (void)state;
    refused (for_git, &key, content, ERROR_REFUSED, "for the namespace git, where relevo-approval is wanted");
    refused (of_plan, &key, "relevo plan 1\nx", ERROR_REFUSED, "counts for an approval");
    refused (of_receipt, &key, "relevo receipt 1\nx", ERROR_REFUSED, "counts for an approval");
    refused (hashed_512, &key, "relevo approval 2\nx", ERROR_REFUSED, "counts for an approval");
    refused (by_ecdsa, &key, content, ERROR_INPUT, "ecdsa-sha2-nistp256");
    refused (hashed_512, &other, content, ERROR_REFUSED, "one of minisign's");
    (void)memset (other.number, 0, sizeof other.number);
    refused (hashed_512, &other, content, ERROR_REFUSED, "by another key");
    key.number[3] = 1;
    refused (hashed_512, &key, content, ERROR_REFUSED, "one of minisign's");
}

/* The byte with one bit changed; for bit 8, a NUL. */
static char flipped (char byte, unsigned bit)
{
    unsigned changed = bit == 8 ? 0 : (unsigned char)byte ^ 1u << bit;
    return (char)changed;
}

/* No byte of the text may differ, nor may it end early or late. */
static void every_byte (const char *signature)
{
    struct public_key key = ssh_key ();
    size_t size = strlen (signature);
    char changed[1024];
    for (size_t i = 0; i < size; i++)
        for (unsigned bit = 0; bit <= 8; bit++) {
            (void)memcpy (changed, signature, size + 1);
            changed[i] = flipped (changed[i], bit);
            assert_false (verifies (changed, &key, content));
        }
    for (size_t cut = 0; cut < size; cut++) {
        (void)memcpy (changed, signature, cut);
        changed[cut] = '\0';
        assert_false (verifies (changed, &key, content));
    }
    (void)snprintf (changed, sizeof changed, "%s\n", signature);
    assert_false (verifies (changed, &key, content));
    (void)snprintf (changed, sizeof changed, "\n%s", signature);
    assert_false (verifies (changed, &key, content));
}

static void test_every_byte (void **state)
{
    struct public_key key = ssh_key ();
    (void)state;
    every_byte (hashed_512);
    every_byte (hashed_256);
    for (size_t i = 0; i < sizeof key; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct public_key changed = key;
            ((uint8_t *)&changed)[i] ^= (uint8_t)(1 << bit);
            assert_false (verifies (hashed_512, &changed, content));
        }
    for (size_t i = 0; i < strlen (content); i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            char changed[sizeof content];
            (void)memcpy (changed, content, sizeof changed);
            changed[i] = flipped (changed[i], bit);
            assert_false (verifies (hashed_512, &key, changed));
        }
}

/* ---------------------------------------------------------------------------------------- signatures by
 * parts
 */

/* The fields of a signature's blob, to be made wrong one by one. */
struct parts {
    const char *magic;
    uint32_t version;
    const char *kind;
    const char *namespace;
    const char *reserved;
    const char *hash;
    const char *signature_kind;
    size_t signature_size;
    const char *behind;
};

static const struct parts good_parts = {
    "SSHSIG", 1, "ssh-ed25519", "relevo-approval", "", "sha512", "ssh-ed25519", 64, ""};

static void put_number (uint32_t number, struct buffer *out)
{
    const uint8_t bytes[] = {
        (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    buffer_append (out, bytes, sizeof bytes);
}

static void put_string (const void *data, size_t size, struct buffer *out)
{
    put_number ((uint32_t)size, out);
    buffer_append (out, data, size);
}

static void put_text (const char *text, struct buffer *out)
{
    put_string (text, strlen (text), out);
}

static void put_armour (const struct buffer *blob, size_t characters, struct buffer *out)
{
    char base64[4096];
    (void)sodium_bin2base64 (
        base64, sizeof base64, (const unsigned char *)blob->data, blob->size, sodium_base64_VARIANT_ORIGINAL);
    buffer_text (out, "-----BEGIN SSH SIGNATURE-----\n");
    for (size_t i = 0; i < strlen (base64); i += characters)
        buffer_print (out, "%.*s\n", (int)characters, base64 + i);
    buffer_text (out, "-----END SSH SIGNATURE-----\n");
}

/* Signs as ssh-keygen does, with the fields as they are given. */
static void put_blob (
    const struct parts *parts, const struct secret_key *key, struct bytes signed_content, struct buffer *out)
{
    struct buffer covered = {0};
    struct buffer part = {0};
    uint8_t hash[64];
    uint8_t bytes[64];
    assert_int_equal (crypto_hash_sha512 (hash, signed_content.data, signed_content.size), 0);
    buffer_text (&covered, "SSHSIG");
    put_text (parts->namespace, &covered);
    put_text (parts->reserved, &covered);
    put_text (parts->hash, &covered);
    put_string (hash, sizeof hash, &covered);
    assert_int_equal (
        crypto_sign_detached (bytes, NULL, (const uint8_t *)covered.data, covered.size, key->bytes), 0);
    buffer_text (out, parts->magic);
    put_number (parts->version, out);
    put_text (parts->kind, &part);
    put_string (key->public.bytes, sizeof key->public.bytes, &part);
    put_string (part.data, part.size, out);
    put_text (parts->namespace, out);
    put_text (parts->reserved, out);
    put_text (parts->hash, out);
    buffer_clear (&part);
    put_text (parts->signature_kind, &part);
    put_string (bytes, parts->signature_size, &part);
    put_string (part.data, part.size, out);
    buffer_text (out, parts->behind);
    buffer_free (&covered);
    buffer_free (&part);
}

static struct secret_key ssh_key_named (const char *name)
{
    struct secret_key key = key_named (name);
    (void)memset (key.public.number, 0, sizeof key.public.number);
    return key;
}

static void ssh_sign (const struct secret_key *key, struct bytes signed_content, struct buffer *out)
{
    struct buffer blob = {0};
    put_blob (&good_parts, key, signed_content, &blob);
    put_armour (&blob, 70, out);
    buffer_free (&blob);
}

static void check_parts (const struct parts *parts, const char *why)
{
    struct secret_key key = ssh_key_named ("ana");
    struct buffer blob = {0};
    struct buffer text = {0};
    put_blob (parts, &key, bytes_of_text (content), &blob);
    put_armour (&blob, 70, &text);
    if (why == NULL)
        assert_true (verifies (text.data, &key.public, content));
    else
        refused (text.data, &key.public, content, ERROR_INPUT, why);
    buffer_free (&blob);
    buffer_free (&text);
}

static void test_parts (void **state)
{
    static const char sixty_five[] = "a23456789a123456789b123456789c123456789d123456789e123456789f12345";
    struct parts parts = good_parts;
    (void)state;
    check_parts (&parts, NULL);
    parts.magic = "SSHSIH";
    check_parts (&parts, "SSHSIG");
    parts = good_parts;
    parts.version = 0;
    check_parts (&parts, "another version");
    parts.version = 2;
    check_parts (&parts, "another version");
    parts = good_parts;
    parts.kind = "ssh-rsa";
    check_parts (&parts, "an SSH key of the kind ssh-rsa: only ssh-ed25519 keys can approve");
    parts.kind = "";
    check_parts (&parts, "no known kind");
    parts = good_parts;
    parts.namespace = "";
    check_parts (&parts, "no namespace");
    parts.namespace = "two\nlines";
    check_parts (&parts, "printable");
    parts.namespace = sixty_five;
    check_parts (&parts, "at most 64 bytes");
    parts = good_parts;
    parts.reserved = "x";
    check_parts (&parts, "reserved");
    parts = good_parts;
    parts.hash = "sha1";
    check_parts (&parts, "another hash");
    parts.hash = "SHA512";
    check_parts (&parts, "another hash");
    parts = good_parts;
    parts.signature_kind = "ssh-ed25518";
    check_parts (&parts, "another kind than its key");
    parts = good_parts;
    parts.signature_size = 63;
    check_parts (&parts, "83 bytes");
    parts = good_parts;
    parts.behind = "x";
    check_parts (&parts, "behind its end");
}

/* Blobs that end anywhere, that claim more than they have, and lines of other lengths. */
static void test_blob_and_lines (void **state)
{
    struct secret_key key = ssh_key_named ("ana");
    struct buffer blob = {0};
    struct buffer text = {0};
    (void)state;
    put_blob (&good_parts, &key, bytes_of_text (content), &blob);
    for (size_t size = blob.size; size-- > 0;) {
        struct buffer shorter = {blob.data, size, 0};
        buffer_clear (&text);
        put_armour (&shorter, 70, &text);
        assert_false (verifies (text.data, &key.public, content));
    }
    for (size_t characters = 1; characters < 80; characters++) {
        buffer_clear (&text);
        put_armour (&blob, characters, &text);
        assert_int_equal (verifies (text.data, &key.public, content), characters == 70);
    }
    for (size_t i = 0; i < blob.size; i++) {
        char before = blob.data[i];
        blob.data[i] = '\xff';
        buffer_clear (&text);
        put_armour (&blob, 70, &text);
        assert_int_equal (verifies (text.data, &key.public, content), before == '\xff');
        blob.data[i] = before;
    }
    buffer_free (&blob);
    buffer_free (&text);
}

/* More bytes than any signature has. */
static void test_endless (void **state)
{
    struct public_key key = ssh_key ();
    struct buffer text = {0};
    (void)state;
    buffer_text (&text, "-----BEGIN SSH SIGNATURE-----\n");
    for (size_t i = 0; i < 200; i++)
        buffer_text (&text, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\n");
    buffer_text (&text, "-----END SSH SIGNATURE-----\n");
    refused (text.data, &key, content, ERROR_INPUT, "at most 4096 bytes");
    buffer_free (&text);
    refused ("-----BEGIN SSH SIGNATURE-----\n", &key, content, ERROR_INPUT, "its last");
    refused (
        "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", &key, content, ERROR_INPUT, "SSHSIG");
}

/* -------------------------------------------------------------------------------------------- whole
 * documents
 */

static struct envelope ssh_signed (
    const struct record_type *type, const void *record, const char *name, struct arena *arena)
{
    struct secret_key key = ssh_key_named (name);
    struct envelope envelope = signed_by_one (type, record, name, arena);
    const char **signatures = arena_array (arena, 1, sizeof *signatures);
    struct buffer text = {0};
    ssh_sign (&key, envelope.content, &text);
    signatures[0] = arena_text (arena, text.data);
    buffer_free (&text);
    envelope.signatures = signatures;
    return envelope;
}

/* The world, in which these names have SSH keys. */
static struct trust ssh_trust (struct arena *arena)
{
    static const char *const names[] = {"ana", "rel-1", "rel-2", "op"};
    struct trust trust = world_trust (arena);
    for (size_t i = 0; i < trust.keys_count; i++)
        for (size_t j = 0; j < COUNT_OF (names); j++)
            if (strcmp (trust.keys[i].name, names[j]) == 0)
                trust.keys[i].key = ssh_key_named (names[j]).public;
    return trust;
}

static void test_approval (void **state)
{
    struct arena arena = {0};
    struct trust trust = ssh_trust (&arena);
    struct approval approval = {
        .plan = digest_of ("plan", 4),
        .step = SIGNOFF,
        .attempt = 1,
        .decision = DECISION_APPROVE,
        .role = "managers",
        .name = "ana",
        .comment = "",
        .issued = noon,
        .expires = next_year};
    struct envelope envelope = ssh_signed (&approval_type, &approval, "ana", &arena);
    struct approval accepted;
    struct public_key key;
    struct error error;
    (void)state;
    assert_true (trust_check (&trust, &error));
    assert_true (accept_approval (&trust, "production", &envelope, noon, &arena, &accepted, &key, &error));
    assert_true (public_key_equal (&key, &trust_key_named (&trust, "ana")->key));
    assert_false (accept_approval (&trust, "staging", &envelope, noon, &arena, &accepted, &key, &error));
    approval.name = "luis"; /* whose key is one of minisign's */
    envelope = ssh_signed (&approval_type, &approval, "luis", &arena);
    assert_false (accept_approval (&trust, "production", &envelope, noon, &arena, &accepted, &key, &error));
    approval.name = "ana"; /* whose key is an SSH key, and signs here as minisign does */
    envelope = signed_by_one (&approval_type, &approval, "ana", &arena);
    assert_false (accept_approval (&trust, "production", &envelope, noon, &arena, &accepted, &key, &error));
    arena_free (&arena);
}

/* In whatever role an SSH key stands: what it signs is neither a plan nor a fleet document nor a receipt. */
static void test_other_documents (void **state)
{
    struct arena arena = {0};
    struct trust trust = ssh_trust (&arena);
    struct fleet fleet = world_fleet (&arena);
    struct plan plan = world_plan (&arena);
    struct receipt receipt = {
        .host = "p1",
        .plan = digest_of ("plan", 4),
        .step = CANARY,
        .attempt = 1,
        .outcome = OUTCOME_KEPT,
        .cause = "",
        .version = "2",
        .previous = "1",
        .counter = 1};
    struct envelope envelope = ssh_signed (&plan_type, &plan, "rel-1", &arena);
    struct envelope second = ssh_signed (&plan_type, &plan, "rel-2", &arena);
    const char *both[] = {envelope.signatures[0], second.signatures[0]};
    struct error error;
    (void)state;
    envelope.signatures = both;
    envelope.signatures_count = 2;
    assert_false (accept_plan (&trust, &envelope, noon, &arena, &plan, &error));
    assert_non_null (strstr (error.text, "0 of 2 signatures"));
    envelope = ssh_signed (&fleet_type, &fleet, "op", &arena);
    assert_false (accept_fleet (&trust, 1, &envelope, noon, &arena, &fleet, &error));
    for (size_t i = 0; i < fleet.hosts_count; i++)
        (void)memset (fleet.hosts[i].key.number, 0, sizeof fleet.hosts[i].key.number);
    envelope = ssh_signed (&receipt_type, &receipt, "p1", &arena);
    assert_false (accept_receipt (&fleet, &envelope, &arena, &receipt, &error));
    assert_non_null (strstr (error.text, "signed by no host"));
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_key),
        cmocka_unit_test (test_key_refused),
        cmocka_unit_test (test_signatures),
        cmocka_unit_test (test_what_does_not_count),
        cmocka_unit_test (test_every_byte),
        cmocka_unit_test (test_parts),
        cmocka_unit_test (test_blob_and_lines),
        cmocka_unit_test (test_endless),
        cmocka_unit_test (test_approval),
        cmocka_unit_test (test_other_documents),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
