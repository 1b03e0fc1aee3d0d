/* The codec: a number that chooses a record, and what is to be its encoding. What decodes has this one form,
   and can be shown on one line. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/codec.h"
#include "proto/render.h"

static const struct record_type *type_of (uint8_t number)
{
    return record_types[number % record_type_count];
}

static void check_decoded (const struct record_type *type, const void *record, struct bytes input)
{
    struct buffer out = {0};
    assert (codec_measure (input) == input.size);
    assert (codec_encode (type, record, &out, NULL));
    assert (bytes_equal (buffer_bytes (&out), input));
    buffer_clear (&out);
    render (type, record, &out);
    assert (text_is_printable (out.data, out.size));
    buffer_free (&out);
}

/* A refusal leaves the record as it was. */
static void check_refused (const struct record_type *type, const void *record, const struct error *error)
{
    const uint8_t *bytes = record;
    check_error (error);
    for (size_t i = 0; i < type->size; i++)
        assert (bytes[i] == 0);
}

static bool run (struct bytes input)
{
    struct bytes head = take (&input, 1);
    const struct record_type *type = type_of (head.size > 0 ? head.data[0] : 0);
    struct arena arena = {0};
    struct error error = {0};
    void *record = arena_take (&arena, type->size);
    bool good = codec_decode (type, input, &arena, record, &error);
    assert (codec_measure (input) <= input.size);
    if (good)
        check_decoded (type, record, input);
    else
        check_refused (type, record, &error);
    arena_free (&arena);
    return good;
}

static void seed_record (uint8_t number, const char *how, const void *record)
{
    const struct record_type *type = type_of (number);
    struct buffer out = {0};
    char name[96];
    buffer_append (&out, &number, 1);
    assert (codec_encode (type, record, &out, NULL));
    (void)snprintf (name, sizeof name, "%s-%s", type->name, how);
    seed_good (name, buffer_bytes (&out));
    buffer_free (&out);
}

static uint8_t number_of (const struct record_type *type)
{
    for (uint8_t i = 0; i < record_type_count; i++)
        if (record_types[i] == type)
            return i;
    abort ();
}

/* What once made trouble when it was shown. */
static void seed_extremes (void)
{
    const struct note_clock clock = {.floor = {INT64_MIN}, .epoch = UINT64_MAX};
    const struct host_reject reject = {.name = "\x1b[2J", .cause = "\xC2\x9B \"\\\n"};
    seed_record (number_of (&note_clock_type), "extreme", &clock);
    seed_record (number_of (&host_reject_type), "extreme", &reject);
}

static void seed (void)
{
    seed_extremes ();
    assert (record_type_count <= UINT8_MAX);
    for (uint8_t i = 0; i < record_type_count; i++) {
        struct arena arena = {0};
        void *record = arena_take (&arena, record_types[i]->size);
        seed_record (i, "empty", record);
        fill_record (record_types[i], record, &arena);
        seed_record (i, "full", record);
        arena_free (&arena);
    }
}

size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return mutate_encoded (type_of (size > 0 ? data[0] : 0), 1, data, size, most, seed);
}

const struct fuzz_target fuzz_target = {.most = 8192, .run = run, .seed = seed};
