/* Key files in minisign's formats, public and secret: what is parsed is printed as it was. */
#include "tests/fuzz/world.h"

#include "common/core/key_file.h"

enum {
    FORM_SIZE = 158, /* a secret key as it lies in the file, before base64 */
    OPSLIMIT_AT = 38,
    MEMLIMIT_AT = 46,
    OPSLIMIT_CHEAP = 32768, /* scrypt below takes a few milliseconds */
};

static bool parse_public (struct bytes input)
{
    struct public_key key;
    struct public_key again;
    struct buffer out = {0};
    struct error error = {0};
    char line[KEY_LINE_SIZE];
    char fingerprint[FINGERPRINT_TEXT_SIZE];
    if (!public_key_parse (input, &key, &error)) {
        check_error (&error);
        return false;
    }
    assert (memmem (input.data, input.size, public_key_line (&key, line), KEY_LINE_SIZE - 1) != NULL);
    public_key_print (&key, &out);
    assert (public_key_parse (buffer_bytes (&out), &again, NULL));
    assert (public_key_equal (&key, &again) && memcmp (key.number, again.number, KEY_NUMBER_SIZE) == 0);
    assert (strlen (key_fingerprint (&key, NULL, fingerprint)) == FINGERPRINT_TEXT_SIZE - 1);
    buffer_free (&out);
    return true;
}

static uint64_t number_at (const uint8_t *form, size_t at)
{
    uint64_t number = 0;
    for (size_t i = 8; i > 0; i--)
        number = number << 8 | form[at + i - 1];
    return number;
}

/* The second line of a secret key's file, decoded. */
static void read_form (struct bytes file, uint8_t form[FORM_SIZE])
{
    struct bytes line;
    size_t size = 0;
    int failed;
    bool found = key_file_line (&file, &line, NULL) && key_file_line (&file, &line, NULL);
    assert (found);
    failed = sodium_base642bin (
        form, FORM_SIZE, (const char *)line.data, line.size, NULL, &size, NULL,
        sodium_base64_VARIANT_ORIGINAL);
    assert (failed == 0 && size == FORM_SIZE);
}

/* More than minisign's own limits is refused at once; an honest password takes a second, and is not tried. */
static void parse_encrypted (struct bytes input)
{
    uint8_t form[FORM_SIZE];
    struct secret_key key;
    struct error error = {0};
    uint64_t opslimit;
    uint64_t memlimit;
    assert (!secret_key_parse (input, NULL, &key, &error) && error.kind == ERROR_REFUSED);
    read_form (input, form);
    opslimit = number_at (form, OPSLIMIT_AT);
    memlimit = number_at (form, MEMLIMIT_AT);
    if (opslimit > 33554432 || memlimit > 1073741824)
        assert (!secret_key_parse (input, "password", &key, &error) && error.kind == ERROR_LIMIT);
    else if (opslimit <= OPSLIMIT_CHEAP && !secret_key_parse (input, "password", &key, &error))
        check_error (&error);
}

static bool parse_secret (struct bytes input)
{
    static const uint8_t salt[KEY_SALT_SIZE];
    struct secret_key key;
    struct secret_key again;
    struct buffer out = {0};
    struct error error = {0};
    bool encrypted = false;
    if (!secret_key_is_encrypted (input, &encrypted, &error)) {
        check_error (&error);
        assert (!secret_key_parse (input, NULL, &key, NULL));
        return false;
    }
    if (encrypted) {
        parse_encrypted (input);
        return true;
    }
    if (!secret_key_parse (input, NULL, &key, &error)) {
        check_error (&error);
        return false;
    }
    assert (secret_key_print (&key, NULL, salt, &out, NULL));
    assert (secret_key_parse (buffer_bytes (&out), NULL, &again, NULL));
    assert (memcmp (&key, &again, sizeof key) == 0);
    buffer_free (&out);
    return true;
}

static bool run (struct bytes input)
{
    bool public = parse_public (input);
    bool secret = parse_secret (input);
    assert (!public || !secret);
    return public || secret;
}

/* The file of a key with a password that costs `opslimit`, from the file of one without. */
static void seed_encrypted (const char *name, struct bytes plain, uint8_t opslimit_bits)
{
    uint8_t form[FORM_SIZE];
    struct buffer out = {0};
    char line[256];
    read_form (plain, form);
    (void)memcpy (form + 2, "Sc", 2);
    form[OPSLIMIT_AT + opslimit_bits / 8] = (uint8_t)(1 << opslimit_bits % 8);
    form[MEMLIMIT_AT + 3] = 1;
    (void)sodium_bin2base64 (line, sizeof line, form, sizeof form, sodium_base64_VARIANT_ORIGINAL);
    buffer_print (&out, "untrusted comment: encrypted\n%s\n", line);
    seed_good (name, buffer_bytes (&out));
    buffer_free (&out);
}

static void seed (void)
{
    static const uint8_t salt[KEY_SALT_SIZE];
    const struct secret_key *key = world_key ("ana");
    struct buffer out = {0};
    char line[KEY_LINE_SIZE];
    seed_good ("line", bytes_of_text (public_key_line (&key->public, line)));
    public_key_print (&key->public, &out);
    seed_good ("public", buffer_bytes (&out));
    buffer_clear (&out);
    assert (secret_key_print (key, NULL, salt, &out, NULL));
    seed_good ("secret", buffer_bytes (&out));
    seed_encrypted ("cheap", buffer_bytes (&out), 12);
    seed_encrypted ("dear", buffer_bytes (&out), 40);
    buffer_free (&out);
}

const struct fuzz_target fuzz_target = {.most = 2048, .run = run, .seed = seed};
