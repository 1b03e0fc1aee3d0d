/* The file of a CURVE key pair, and public keys as text: what is read has one form. */
#include "tests/fuzz/fuzz.h"

#include <unistd.h>

#include "common/io/file.h"
#include "common/io/wire.h"

enum { FILE_MOST = 4096 };

static bool parse_key (const char *text)
{
    struct wire_key key;
    struct error error = {0};
    char printed[WIRE_TEXT_SIZE];
    if (!wire_key_parse (text, &key, &error)) {
        check_error (&error);
        return false;
    }
    assert (strcmp (wire_key_print (&key, printed), text) == 0);
    return true;
}

static bool read_pair (struct bytes input, struct arena *arena)
{
    const char *path = path_join (arena, scratch_folder (), "in.wire");
    const char *other = path_join (arena, scratch_folder (), "out.wire");
    struct wire_pair pair;
    struct error error = {0};
    struct bytes again;
    assert (file_write (path, input, 0600, NULL));
    if (!wire_pair_read (path, &pair, &error)) {
        check_error (&error);
        return false;
    }
    assert (wire_pair_write (other, &pair, NULL));
    assert (!wire_pair_write (other, &pair, NULL));
    assert (file_read_secret (other, FILE_MOST, arena, &again, NULL) && bytes_equal (again, input));
    assert (unlink (other) == 0);
    return true;
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    bool is_pair = read_pair (input, &arena);
    bool is_key = parse_key (text_of (input, &arena));
    arena_free (&arena);
    return is_pair || is_key;
}

/* The example pair of zmq_curve(7). */
#define PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define SECRET "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

static void seed (void)
{
    static const char pair[] = "public " PUBLIC "\nsecret " SECRET "\n";
    seed_good ("key", bytes_of_text (PUBLIC));
    seed_good ("pair", bytes_of_text (pair));
    seed_bad ("zero-after", (struct bytes){(const uint8_t *)pair, sizeof pair});
    seed_bad ("halves-exchanged", bytes_of_text ("public " SECRET "\nsecret " PUBLIC "\n"));
}

const struct fuzz_target fuzz_target = {.most = 256, .run = run, .seed = seed};
