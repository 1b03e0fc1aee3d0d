/* Enrolment tokens as people paste them: one token has one text, but for blanks around it. */
#include "tests/fuzz/fuzz.h"

#include "agent/io/enrol.h"
#include "proto/codec.h"

static const char blanks[] = " \t\r\n";

/* As the controller's side writes it. */
static const char *print (const struct token *token, struct arena *arena)
{
    struct buffer bytes = {0};
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    const char *text;
    char *base64;
    assert (codec_encode (&token_type, token, &bytes, NULL));
    base64 = arena_take (arena, sodium_base64_encoded_len (bytes.size, variant));
    text = sodium_bin2base64 (
        base64, sodium_base64_encoded_len (bytes.size, variant), (const unsigned char *)bytes.data,
        bytes.size, variant);
    buffer_free (&bytes);
    return arena_format (arena, "relevo1.%s", text);
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct token token;
    const char *text = text_of (input, &arena);
    bool good = token_parse (text, &arena, &token, &error);
    if (good) {
        const char *start = text + strspn (text, blanks);
        const char *printed = print (&token, &arena);
        assert (strcspn (start, blanks) == strlen (printed));
        assert (strncmp (start, printed, strlen (printed)) == 0);
    } else {
        check_error (&error);
    }
    arena_free (&arena);
    return good;
}

static void seed (void)
{
    struct arena arena = {0};
    static uint8_t secret[32] = {1, 2, 3};
    const struct token token = {
        .connection =
            {.agents = "tcp://10.0.0.1:7301",
             .publish = "tcp://10.0.0.1:7302",
             .server = {{4}},
             .trust = {{5}}},
        .secret = {secret, sizeof secret},
        .expires = {1780000000000}};
    const char *text = print (&token, &arena);
    seed_good ("token", bytes_of_text (text));
    seed_good ("blanks", bytes_of_text (arena_format (&arena, " \t%s\r\n", text)));
    seed_bad ("padded", bytes_of_text (arena_format (&arena, "%s=", text)));
    seed_bad ("high-bit", bytes_of_text (arena_format (&arena, "%.40s\x92%s", text, text + 41)));
    seed_bad ("two", bytes_of_text (arena_format (&arena, "%s %s", text, text)));
    arena_free (&arena);
}

const struct fuzz_target fuzz_target = {.most = 2048, .run = run, .seed = seed};
