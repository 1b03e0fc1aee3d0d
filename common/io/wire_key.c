#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/wire.h"

enum { KEY_TEXT_LENGTH = WIRE_TEXT_SIZE - 1, PAIR_FILE_MAX = 256, PAIR_MODE = 0600 };

static_assert (
    WIRE_SECRET_SIZE == crypto_box_SECRETKEYBYTES && WIRE_KEY_SIZE == crypto_box_PUBLICKEYBYTES, "CURVE");

void wire_pair_make (struct wire_pair *ret)
{
    int failed = sodium_init ();
    assert (failed >= 0);
    (void)crypto_box_keypair (ret->public.bytes, ret->secret);
}

void wire_pair_wipe (struct wire_pair *pair)
{
    sodium_memzero (pair, sizeof *pair);
}

const char *wire_key_print (const struct wire_key *key, char text[WIRE_TEXT_SIZE])
{
    return zmq_z85_encode (text, key->bytes, sizeof key->bytes);
}

/* libzmq's decoder takes forms that its encoder never writes, so the way back is checked. */
static bool decode (const char *text, uint8_t bytes[WIRE_KEY_SIZE])
{
    static const char digits[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    char again[WIRE_TEXT_SIZE];
    bool same;
    if (strlen (text) != KEY_TEXT_LENGTH || strspn (text, digits) != KEY_TEXT_LENGTH ||
        zmq_z85_decode (bytes, text) == NULL || zmq_z85_encode (again, bytes, WIRE_KEY_SIZE) == NULL)
        return false;
    same = strcmp (text, again) == 0;
    sodium_memzero (again, sizeof again);
    return same;
}

bool wire_key_parse (const char *text, struct wire_key *ret, struct error *error)
{
    struct wire_key key = {0};
    if (!decode (text, key.bytes))
        return error_set (error, ERROR_INPUT, "a CURVE key has %d characters of Z85", (int)KEY_TEXT_LENGTH);
    *ret = key;
    return true;
}

bool wire_pair_write (const char *path, const struct wire_pair *pair, struct error *error)
{
    char public[WIRE_TEXT_SIZE];
    char secret[WIRE_TEXT_SIZE];
    char file[PAIR_FILE_MAX];
    bool done;
    (void)zmq_z85_encode (public, pair->public.bytes, WIRE_KEY_SIZE);
    (void)zmq_z85_encode (secret, pair->secret, WIRE_SECRET_SIZE);
    (void)snprintf (file, sizeof file, "public %s\nsecret %s\n", public, secret);
    done = file_create (path, bytes_of_text (file), PAIR_MODE, error);
    sodium_memzero (secret, sizeof secret);
    sodium_memzero (file, sizeof file);
    return done;
}

/* `line` is the word, a blank, a key, and the line's end. */
static bool parse_line (const char *line, const char *word, uint8_t bytes[WIRE_KEY_SIZE])
{
    char text[WIRE_TEXT_SIZE] = "";
    size_t size = strlen (word);
    bool done;
    if (strncmp (line, word, size) != 0 || strlen (line) < size + KEY_TEXT_LENGTH + 1 ||
        line[size + KEY_TEXT_LENGTH] != '\n')
        return false;
    (void)memcpy (text, line + size, KEY_TEXT_LENGTH);
    done = decode (text, bytes);
    sodium_memzero (text, sizeof text);
    return done;
}

static bool parse_pair (const char *file, struct wire_pair *ret)
{
    static const char first[] = "public ";
    static const char second[] = "secret ";
    const size_t line = strlen (first) + KEY_TEXT_LENGTH + 1;
    uint8_t proof[WIRE_KEY_SIZE];
    return strlen (file) == 2 * line && parse_line (file, first, ret->public.bytes) &&
           parse_line (file + line, second, ret->secret) &&
           crypto_scalarmult_base (proof, ret->secret) == 0 &&
           memcmp (proof, ret->public.bytes, sizeof proof) == 0;
}

bool wire_pair_read (const char *path, struct wire_pair *ret, struct error *error)
{
    struct arena arena = {0};
    struct wire_pair pair = {0};
    struct bytes file;
    bool done = file_read_secret (path, PAIR_FILE_MAX, &arena, &file, error);
    if (done) {
        char *text = arena_text_of (&arena, (const char *)file.data, file.size);
        done = (strlen (text) == file.size && parse_pair (text, &pair)) ||
               error_set (
                   error, ERROR_INPUT,
                   "%s: is not a key pair: expected \"public KEY\" and \"secret "
                   "KEY\" that belong together, each on a line",
                   path);
        sodium_memzero (text, file.size);
        file_wipe_secret (&file);
    }
    if (done)
        *ret = pair;
    wire_pair_wipe (&pair);
    arena_free (&arena);
    return done;
}
