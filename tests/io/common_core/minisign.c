/* Against minisign itself: what one side writes the other accepts, keys with and without a password, and
   signatures in both of its forms. Skipped where minisign is not installed. */
#include <sys/resource.h>

#include "tests/io/common_core/tools.h"

static const char password[] = "correct horse";

/* Runs minisign in the folder with the words, `text` on its standard input. */
#define MINISIGN(place, text, ...)                                                                           \
    (write_file (place, "input", bytes_of_text (text)), TOOL (place, "input", "minisign", __VA_ARGS__))

static struct secret_key own_key (void)
{
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    struct secret_key key;
    randombytes_buf (seed, sizeof seed);
    randombytes_buf (number, sizeof number);
    secret_key_make (seed, number, &key);
    return key;
}

static void write_own_key (struct place *place, const struct secret_key *key, const char *word)
{
    struct buffer file = {0};
    uint8_t salt[KEY_SALT_SIZE];
    randombytes_buf (salt, sizeof salt);
    assert_true (secret_key_print (key, word, salt, &file, NULL));
    write_file (place, "own.key", buffer_bytes (&file));
    buffer_clear (&file);
    public_key_print (&key->public, &file);
    write_file (place, "own.pub", buffer_bytes (&file));
    buffer_free (&file);
}

static void check_signature (struct place *place, const char *name, const struct public_key *key)
{
    struct buffer content = {0};
    struct buffer signature = {0};
    struct error error = {.text = ""};
    read_file (place, "f", &content);
    read_file (place, name, &signature);
    assert_true (signature_verify (signature.data, key, buffer_bytes (&content), &error));
    content.data[content.size / 2] ^= 1;
    assert_false (signature_verify (signature.data, key, buffer_bytes (&content), &error));
    buffer_free (&content);
    buffer_free (&signature);
}

static void test_minisign_makes (void **state)
{
    struct place *place = *state;
    struct buffer file = {0};
    struct public_key public;
    struct secret_key secret;
    need_tool (place, "minisign");
    write_file (place, "f", (struct bytes){(const uint8_t *)"bytes \0 and \xff\n", 15});
    assert_int_equal (MINISIGN (place, "", "-G", "-W", "-p", "a.pub", "-s", "a.key"), 0);
    assert_int_equal (MINISIGN (place, "", "-S", "-s", "a.key", "-m", "f"), 0);
    assert_int_equal (
        MINISIGN (place, "", "-S", "-l", "-s", "a.key", "-m", "f", "-x", "l.minisig", "-t", "grüße"), 0);
    read_file (place, "a.pub", &file);
    assert_true (public_key_parse (buffer_bytes (&file), &public, NULL));
    check_signature (place, "f.minisig", &public);
    check_signature (place, "l.minisig", &public);
    read_file (place, "a.key", &file);
    assert_true (secret_key_parse (buffer_bytes (&file), NULL, &secret, NULL));
    assert_memory_equal (&secret.public, &public, sizeof public);
    buffer_free (&file);
}

static void test_minisign_verifies (void **state)
{
    struct place *place = *state;
    struct secret_key key = own_key ();
    struct buffer comment = {0};
    struct buffer signature = {0};
    const struct bytes content = bytes_of_text ("relevo plan 1\nand its fields");
    need_tool (place, "minisign");
    write_own_key (place, &key, NULL);
    write_file (place, "g", content);
    signature_comment ((struct instant){1780000000000}, "g", &comment);
    assert_true (signature_make (&key, content, comment.data, &signature, NULL));
    write_file (place, "g.minisig", buffer_bytes (&signature));
    assert_int_equal (MINISIGN (place, "", "-V", "-m", "g", "-p", "own.pub"), 0);
    assert_int_equal (MINISIGN (place, "", "-V", "-H", "-m", "g", "-p", "own.pub"), 0);
    write_file (place, "g", bytes_of_text ("relevo plan 1\nand other fields"));
    assert_int_not_equal (MINISIGN (place, "", "-V", "-m", "g", "-p", "own.pub"), 0);
    assert_int_equal (MINISIGN (place, "", "-S", "-s", "own.key", "-m", "g"), 0);
    assert_int_equal (MINISIGN (place, "", "-V", "-m", "g", "-p", "own.pub"), 0);
    buffer_free (&comment);
    buffer_free (&signature);
}

static void test_minisign_reads_our_password (void **state)
{
    struct place *place = *state;
    struct secret_key key = own_key ();
    need_tool (place, "minisign");
    write_own_key (place, &key, password);
    write_file (place, "f", bytes_of_text ("signed behind a password\n"));
    assert_int_not_equal (MINISIGN (place, "wrong\n", "-S", "-s", "own.key", "-m", "f"), 0);
    assert_int_equal (MINISIGN (place, "correct horse\n", "-S", "-s", "own.key", "-m", "f"), 0);
    check_signature (place, "f.minisig", &key.public);
}

static void test_we_read_its_password (void **state)
{
    struct place *place = *state;
    struct buffer file = {0};
    struct public_key public;
    struct secret_key secret;
    struct error error;
    bool encrypted = false;
    need_tool (place, "minisign");
    assert_int_equal (
        MINISIGN (place, "correct horse\ncorrect horse\n", "-G", "-f", "-p", "a.pub", "-s", "a.key"), 0);
    read_file (place, "a.pub", &file);
    assert_true (public_key_parse (buffer_bytes (&file), &public, NULL));
    read_file (place, "a.key", &file);
    assert_true (secret_key_is_encrypted (buffer_bytes (&file), &encrypted, NULL));
    assert_true (encrypted);
    assert_false (secret_key_parse (buffer_bytes (&file), "correct horsf", &secret, &error));
    assert_int_equal (error.kind, ERROR_REFUSED);
    assert_true (secret_key_parse (buffer_bytes (&file), password, &secret, &error));
    assert_memory_equal (&secret.public, &public, sizeof public);
    buffer_free (&file);
}

/* What this process has mapped to write on, in KiB. */
static unsigned long data_mapped (void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *file = fopen ("/proc/self/status", "re");
    assert_non_null (file);
    while (fgets (line, sizeof line, file) != NULL)
        if (strncmp (line, "VmData:", 7) == 0)
            kib = strtoul (line + 7, NULL, 10);
    (void)fclose (file);
    return kib;
}

/* With room for 512 MiB and not for 1 GiB, both limits are halved once, as minisign does. */
static void test_little_memory (void **state)
{
    struct secret_key key = own_key ();
    struct secret_key again;
    const uint8_t salt[KEY_SALT_SIZE] = {1};
    uint8_t form[158];
    struct buffer file = {0};
    struct rlimit before;
    struct rlimit low;
    bool printed;
    (void)state;
    assert_int_equal (getrlimit (RLIMIT_DATA, &before), 0);
    low = (struct rlimit){(data_mapped () + 700UL * 1024) * 1024, before.rlim_max};
    assert_int_equal (setrlimit (RLIMIT_DATA, &low), 0);
    printed = secret_key_print (&key, password, salt, &file, NULL);
    assert_int_equal (setrlimit (RLIMIT_DATA, &before), 0);
    assert_true (printed);
    assert_int_equal (
        sodium_base642bin (
            form, sizeof form, strchr (file.data, '\n') + 1, 212, NULL, NULL, NULL,
            sodium_base64_VARIANT_ORIGINAL),
        0);
    assert_int_equal (form[38 + 3], 1);    /* opslimit 2^24 */
    assert_int_equal (form[46 + 3], 0x20); /* memlimit 2^29 */
    assert_true (secret_key_parse (buffer_bytes (&file), password, &again, NULL));
    assert_memory_equal (&again, &key, sizeof key);
    buffer_free (&file);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_minisign_makes, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_minisign_verifies, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_minisign_reads_our_password, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_we_read_its_password, enter_place, leave_place),
        cmocka_unit_test (test_little_memory),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
