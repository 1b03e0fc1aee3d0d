/* Keys and signatures: minisign's own bytes in both directions, and nothing changed that still passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/core/key.h"

/* Made by minisign 0.11: -G -W, then -S and -S -l over the bytes "hello\n". */
static const char public_file[] = "untrusted comment: minisign public key 410F94A881F5CB2\n"
                                  "RWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYgF\n";
static const char public_line[] = "RWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYgF";
static const char secret_file[] =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAslwfiEr5EASjNxrwt/EGnMLy7C+PJ367"
    "TshQrQmJfRGzFfC/"
    "GrCyMd9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYgFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    "\n";
static const char hashed_signature[] =
    "untrusted comment: signature from minisign secret key\n"
    "RUSyXB+ISvkQBL4BJw+YWuvVuB+L+2F/UmaIS7S95ryka+LI0U3vih5/sJjNezpL/MAQSSx5xmBrwx61m6/DoEuZdHaxYkmmxAU=\n"
    "trusted comment: timestamp:1795397439\tfile:f\thashed\n"
    "8WBYw7rO1/YZcP0ZP49EGGl4q3YDVxCI0JgIHnz0aWtuPOH+PkFEsDQX0IgQ6XW9YFvcysFHeynZQ49LFIJqCA==\n";
static const char legacy_signature[] =
    "untrusted comment: signature from minisign secret key\n"
    "RWSyXB+ISvkQBB8SQNZTg+oiwB1uU2cL/WH1/4M1cutAey8E/u8L2Ymh/wlf3EltB/M0XVD+ugjUgzPFLB3Ks1srPqFe93JuOQ0=\n"
    "trusted comment: timestamp:1795397439\tfile:f\n"
    "3dg6EDJRK/gff9lwB71umsyjdAQERytR/cYvQRrzPWZ2/jyCKmEhbcy4lVG1eR70wqPT59BRvFVNJ3rVuxCjAw==\n";
static const char signed_text[] = "hello\n";

/* The byte with one bit changed; for bit 8, a NUL. */
static char flipped (char byte, unsigned bit)
{
    unsigned changed = bit == 8 ? 0 : (unsigned char)byte ^ 1u << bit;
    return (char)changed;
}

static struct public_key minisign_key (void)
{
    struct public_key key;
    assert_true (public_key_parse (bytes_of_text (public_file), &key, NULL));
    return key;
}

static void test_public_key (void **state)
{
    struct public_key key = minisign_key ();
    struct public_key again;
    struct buffer file = {0};
    char line[KEY_LINE_SIZE];
    (void)state;
    assert_string_equal (public_key_line (&key, line), public_line);
    assert_true (public_key_parse (bytes_of_text (public_line), &again, NULL));
    assert_memory_equal (&key, &again, sizeof key);
    public_key_print (&key, &file);
    assert_string_equal (
        file.data, "untrusted comment: minisign public key 0410F94A881F5CB2\n"
                   "RWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYgF\n");
    assert_true (public_key_parse (buffer_bytes (&file), &again, NULL));
    again.number[0] ^= 1;
    assert_true (public_key_equal (&key, &again));
    again.bytes[31] ^= 1;
    assert_false (public_key_equal (&key, &again));
    buffer_free (&file);
}

static void test_public_key_refused (void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "untrusted comment: only that\n",
        "RWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYg",
        "RWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYgFA",
        "EWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYgF",
        "RWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYgF\nmore",
        "a comment\nRWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrYgF\n",
        "RWSyXB+ISvkQBN9QL1TpQCbLrlKesQJux5k1MzWfyQkKRGsGaPlPrY F",
    };
    struct public_key key = {{0}, {7}};
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false (public_key_parse (bytes_of_text (bad[i]), &key, &error));
        assert_int_equal (error.kind, ERROR_INPUT);
        assert_int_equal (key.bytes[0], 7);
    }
}

static void test_fingerprint (void **state)
{
    struct public_key key = minisign_key ();
    struct wire_key wire = {{0}};
    char text[FINGERPRINT_TEXT_SIZE];
    char other[FINGERPRINT_TEXT_SIZE];
    uint8_t both[PUBLIC_KEY_SIZE + WIRE_KEY_SIZE] = {0};
    uint8_t hash[16];
    char digits[33];
    size_t place = 0;
    (void)state;
    assert_string_equal (key_fingerprint (&key, NULL, text), key_fingerprint (&key, &wire, other));
    assert_int_equal (strlen (text), FINGERPRINT_TEXT_SIZE - 1);
    (void)memcpy (both, key.bytes, sizeof key.bytes);
    assert_int_equal (crypto_generichash (hash, sizeof hash, both, sizeof both, NULL, 0), 0);
    (void)sodium_bin2hex (digits, sizeof digits, hash, sizeof hash);
    for (size_t i = 0; i < strlen (text); i++)
        if (text[i] != ':')
            assert_int_equal (text[i], digits[place++]);
    assert_int_equal (place, 32);
    wire.bytes[31] = 1;
    assert_string_not_equal (text, key_fingerprint (&key, &wire, other));
}

static void test_secret_key (void **state)
{
    struct secret_key key;
    struct public_key public = minisign_key ();
    struct buffer file = {0};
    bool encrypted = true;
    (void)state;
    assert_true (secret_key_is_encrypted (bytes_of_text (secret_file), &encrypted, NULL));
    assert_false (encrypted);
    assert_true (secret_key_parse (bytes_of_text (secret_file), NULL, &key, NULL));
    assert_memory_equal (&key.public, &public, sizeof public);
    assert_true (secret_key_print (&key, NULL, NULL, &file, NULL));
    assert_string_equal (file.data, secret_file);
    secret_key_wipe (&key);
    assert_true (sodium_is_zero ((const unsigned char *)&key, sizeof key));
    buffer_free (&file);
}

/* Salt, limits and checksum mean nothing without a password; a changed number gives a key that nobody knows.
   A change anywhere else is noticed. */
static void test_secret_key_every_byte (void **state)
{
    struct public_key public = minisign_key ();
    (void)state;
    for (size_t i = strlen ("untrusted comment: minisign encrypted secret key\n"); i < strlen (secret_file);
         i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            char changed[sizeof secret_file];
            struct secret_key key;
            (void)memcpy (changed, secret_file, sizeof changed);
            changed[i] = flipped (changed[i], bit);
            if (secret_key_parse ((struct bytes){(uint8_t *)changed, strlen (secret_file)}, NULL, &key, NULL))
                assert_memory_equal (key.public.bytes, public.bytes, sizeof public.bytes);
        }
}

/* A file that asks for more than minisign ever does must not cost it. */
static void test_secret_key_limits (void **state)
{
    static const char prefix[] = "untrusted comment: x\n";
    uint8_t form[158] = {'E', 'd', 'S', 'c', 'B', '2'};
    char file[sizeof prefix + 213];
    struct secret_key key;
    struct error error;
    bool encrypted = false;
    (void)state;
    form[38 + 4] = 1; /* opslimit 2^32 */
    (void)memcpy (file, prefix, sizeof prefix);
    (void)sodium_bin2base64 (file + strlen (prefix), 213, form, sizeof form, sodium_base64_VARIANT_ORIGINAL);
    assert_true (secret_key_is_encrypted (bytes_of_text (file), &encrypted, &error));
    assert_true (encrypted);
    assert_false (secret_key_parse (bytes_of_text (file), NULL, &key, &error));
    assert_int_equal (error.kind, ERROR_REFUSED);
    assert_false (secret_key_parse (bytes_of_text (file), "word", &key, &error));
    assert_int_equal (error.kind, ERROR_LIMIT);
    form[2] = 'x';
    (void)sodium_bin2base64 (file + strlen (prefix), 213, form, sizeof form, sodium_base64_VARIANT_ORIGINAL);
    assert_false (secret_key_is_encrypted (bytes_of_text (file), &encrypted, &error));
}

static void test_minisign_signatures (void **state)
{
    struct public_key key = minisign_key ();
    uint8_t number[KEY_NUMBER_SIZE];
    struct error error;
    (void)state;
    assert_true (signature_verify (hashed_signature, &key, bytes_of_text (signed_text), &error));
    assert_true (signature_verify (legacy_signature, &key, bytes_of_text (signed_text), &error));
    assert_true (signature_key_number (legacy_signature, number, &error));
    assert_memory_equal (number, key.number, sizeof number);
    assert_false (signature_verify (hashed_signature, &key, bytes_of_text ("hello"), &error));
    assert_int_equal (error.kind, ERROR_REFUSED);
}

/* Where minisign's own bytes are expected: the same key and content give the same signature. */
static void test_same_bytes_as_minisign (void **state)
{
    struct secret_key key;
    struct buffer comment = {0};
    struct buffer signature = {0};
    (void)state;
    assert_true (secret_key_parse (bytes_of_text (secret_file), NULL, &key, NULL));
    signature_comment ((struct instant){1795397439999}, "f", &comment);
    assert_string_equal (comment.data, "timestamp:1795397439\tfile:f\thashed");
    assert_true (signature_make (&key, bytes_of_text (signed_text), comment.data, &signature, NULL));
    assert_string_equal (strchr (signature.data, '\n'), strchr (hashed_signature, '\n'));
    buffer_free (&comment);
    buffer_free (&signature);
}

static bool verifies (const char *signature, const struct public_key *key, struct bytes content)
{
    return signature_verify (signature, key, content, NULL);
}

/* Only the words of the untrusted comment may differ. */
static void every_byte_of_signature (const char *signature)
{
    static const char prefix[] = "untrusted comment: ";
    struct public_key key = minisign_key ();
    size_t size = strlen (signature);
    size_t end = (size_t)(strchr (signature, '\n') - signature);
    for (size_t i = 0; i < size; i++)
        for (unsigned bit = 0; bit <= 8; bit++) {
            char changed[1024];
            bool is_comment = i >= strlen (prefix) && i < end;
            (void)memcpy (changed, signature, size + 1);
            changed[i] = flipped (changed[i], bit);
            if (!is_comment || changed[i] == '\n' || changed[i] == '\0')
                assert_false (verifies (changed, &key, bytes_of_text (signed_text)));
            else
                assert_true (verifies (changed, &key, bytes_of_text (signed_text)));
        }
    for (size_t cut = 0; cut < size; cut++) {
        char shorter[1024];
        (void)memcpy (shorter, signature, cut);
        shorter[cut] = '\0';
        assert_false (verifies (shorter, &key, bytes_of_text (signed_text)));
    }
}

static void test_every_byte (void **state)
{
    struct public_key key = minisign_key ();
    char longer[1024];
    (void)state;
    every_byte_of_signature (hashed_signature);
    every_byte_of_signature (legacy_signature);
    for (size_t i = 0; i < sizeof key; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct public_key changed = key;
            ((uint8_t *)&changed)[i] ^= (uint8_t)(1 << bit);
            assert_false (verifies (hashed_signature, &changed, bytes_of_text (signed_text)));
        }
    for (size_t i = 0; i < strlen (signed_text); i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            char changed[sizeof signed_text];
            (void)memcpy (changed, signed_text, sizeof changed);
            changed[i] = flipped (changed[i], bit);
            struct bytes content = {(uint8_t *)changed, strlen (signed_text)};
            assert_false (verifies (hashed_signature, &key, content));
            assert_false (verifies (legacy_signature, &key, content));
        }
    (void)snprintf (longer, sizeof longer, "%s\n", hashed_signature);
    assert_false (verifies (longer, &key, bytes_of_text (signed_text)));
}

static void test_comments (void **state)
{
    struct secret_key key;
    struct buffer out = {0};
    struct error error;
    char most[8194];
    (void)state;
    assert_true (secret_key_parse (bytes_of_text (secret_file), NULL, &key, NULL));
    assert_false (signature_make (&key, bytes_of_text ("x"), "two\nlines", &out, &error));
    assert_false (signature_make (&key, bytes_of_text ("x"), "\033[2J", &out, &error));
    assert_false (signature_make (&key, bytes_of_text ("x"), "\xff", &out, &error));
    assert_int_equal (out.size, 0);
    (void)memset (most, 'c', sizeof most);
    most[8193] = '\0';
    assert_false (signature_make (&key, bytes_of_text ("x"), most, &out, &error));
    most[8192] = '\0';
    assert_true (signature_make (&key, bytes_of_text ("x"), most, &out, &error));
    assert_true (verifies (out.data, &key.public, bytes_of_text ("x")));
    buffer_clear (&out);
    assert_true (signature_make (&key, (struct bytes){(const uint8_t *)"", 0}, "", &out, &error));
    assert_true (verifies (out.data, &key.public, (struct bytes){(const uint8_t *)"", 0}));
    buffer_free (&out);
}

/* A comment that a terminal would act on is refused even where the key did sign it. */
static void test_signed_comment_that_blinks (void **state)
{
    static const char comments[][8] = {"plain", "\033[5m", "\xff", "a\rb"};
    struct secret_key key;
    (void)state;
    assert_true (secret_key_parse (bytes_of_text (secret_file), NULL, &key, NULL));
    for (size_t i = 0; i < sizeof comments / sizeof comments[0]; i++) {
        uint8_t covered[64 + 8];
        uint8_t form[74];
        uint8_t global[64];
        char line[89];
        char file[1024];
        const char *second = strchr (hashed_signature, '\n') + 1;
        size_t size = strlen (comments[i]);
        assert_int_equal (
            sodium_base642bin (
                form, sizeof form, second, 100, NULL, NULL, NULL, sodium_base64_VARIANT_ORIGINAL),
            0);
        (void)memcpy (covered, form + 10, 64);
        (void)memcpy (covered + 64, comments[i], size);
        assert_int_equal (crypto_sign_detached (global, NULL, covered, 64 + size, key.bytes), 0);
        (void)sodium_bin2base64 (line, sizeof line, global, sizeof global, sodium_base64_VARIANT_ORIGINAL);
        (void)snprintf (
            file, sizeof file, "untrusted comment: x\n%.100s\ntrusted comment: %s\n%s\n", second, comments[i],
            line);
        assert_int_equal (verifies (file, &key.public, bytes_of_text (signed_text)), i == 0);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_public_key),
        cmocka_unit_test (test_public_key_refused),
        cmocka_unit_test (test_fingerprint),
        cmocka_unit_test (test_secret_key),
        cmocka_unit_test (test_secret_key_every_byte),
        cmocka_unit_test (test_secret_key_limits),
        cmocka_unit_test (test_minisign_signatures),
        cmocka_unit_test (test_same_bytes_as_minisign),
        cmocka_unit_test (test_every_byte),
        cmocka_unit_test (test_comments),
        cmocka_unit_test (test_signed_comment_that_blinks),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
