/* Small readings of words from outside, and what makes them fit for people and logs. */
#include "tests/fuzz/fuzz.h"

#include "common/core/digest.h"
#include "common/core/safe_text.h"
#include "common/core/time.h"

enum { TAIL = 40 };

static void check_escape (struct bytes input)
{
    struct buffer out = {0};
    char tail[TAIL + 1];
    size_t size = text_tail ((const char *)input.data, input.size, TAIL, tail);
    assert (size <= TAIL && tail[size] == '\0' && text_is_utf8 (tail, size));
    text_escape ((const char *)input.data, input.size, &out);
    assert (text_is_printable (out.data, out.size));
    if (text_is_printable ((const char *)input.data, input.size))
        assert (bytes_equal (buffer_bytes (&out), input));
    buffer_free (&out);
}

/* Cutting well-formed text anywhere leaves well-formed text. */
static void check_cut (struct bytes input)
{
    const char *text = (const char *)input.data;
    for (size_t size = 0; text_is_utf8 (text, input.size) && size <= input.size; size++) {
        size_t cut = text_cut (text, size);
        assert (cut <= size && size - cut < 4 && text_is_utf8 (text, cut));
    }
}

static bool check_span (const char *text)
{
    struct error error = {0};
    struct span span = {-1};
    char printed[TIME_TEXT_SIZE];
    bool good = span_parse (text, &span, &error);
    if (good) {
        assert (span.ms >= 0);
        assert (strlen (span_print (span, printed)) > 0);
    } else {
        check_error (&error);
        assert (span.ms == -1);
    }
    return good;
}

static bool check_digest (const char *text)
{
    struct digest digest;
    char printed[DIGEST_TEXT_SIZE];
    if (!digest_parse (text, &digest))
        return false;
    assert (strcasecmp (digest_print (&digest, printed), text) == 0);
    return true;
}

static bool run (struct bytes input)
{
    static const char *const words[] = {"deploy", "production", "max_parallel"};
    struct arena arena = {0};
    bool is_text = text_is_utf8 ((const char *)input.data, input.size);
    const char *text = is_text ? text_of (input, &arena) : "";
    bool is_span = check_span (text);
    bool is_digest = check_digest (text);
    bool is_version = text_is_version (text);
    check_escape (input);
    check_cut (input);
    (void)text_nearest (text, words, 3);
    assert (!text_is_name (text) || (text_is_printable (text, strlen (text)) && strchr (text, '/') == NULL));
    assert (!text_is_name (text) || is_version);
    arena_free (&arena);
    return is_span || is_digest || is_version;
}

static void seed (void)
{
    seed_good ("span", bytes_of_text ("1h30m"));
    seed_good ("span-ms", bytes_of_text ("500ms"));
    seed_good ("name", bytes_of_text ("max_paralel"));
    seed_good ("version", bytes_of_text ("2026.06.1+3~rc:1"));
    seed_good ("digest", bytes_of_text ("00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"));
    seed_bad ("characters", bytes_of_text ("\x1b[2J\xC2\x9B \xE2\x82\xAC \xF0\x9F\x9A\x80 \xED\xA0\x80"));
}

const struct fuzz_target fuzz_target = {.most = 512, .run = run, .seed = seed};
