/* Messages and journal entries, from every kind of sender: only those that the table names are believed, and
   what is believed has one form. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#include "proto/message.h"

static void check_decoded (const struct message *message, struct bytes input)
{
    struct buffer out = {0};
    assert (message_encode (message->type, message->record, &out, NULL));
    assert (bytes_equal (buffer_bytes (&out), input));
    buffer_free (&out);
}

static bool decode (enum record_class class, unsigned sender, struct bytes input)
{
    struct arena arena = {0};
    struct message message = {0};
    struct error error = {0};
    bool good = message_decode (class, sender, input, &arena, &message, &error);
    if (good) {
        assert (message.type->class == class);
        assert (class == ENTRY || (message.type->senders & sender) != 0);
        check_decoded (&message, input);
    } else {
        check_error (&error);
        assert (message.type == NULL && message.record == NULL);
    }
    arena_free (&arena);
    return good;
}

static bool run (struct bytes input)
{
    bool good = decode (ENTRY, 0, input);
    for (unsigned sender = FROM_STRANGER; sender <= FROM_COURIER; sender <<= 1)
        good |= decode (MESSAGE, sender, input);
    return good;
}

static void seed (void)
{
    for (size_t i = 0; i < record_type_count; i++) {
        const struct record_type *type = record_types[i];
        struct arena arena = {0};
        struct buffer out = {0};
        void *record = arena_take (&arena, type->size);
        if (type->class == MESSAGE || type->class == ENTRY) {
            fill_record (type, record, &arena);
            assert (message_encode (type, record, &out, NULL));
            seed_good (type->name, buffer_bytes (&out));
        }
        buffer_free (&out);
        arena_free (&arena);
    }
}

/* [version, number, fields]: one byte of list and one of version, then a number of one byte or two. */
size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most, unsigned seed)
{
    size_t prefix = size > 2 && data[2] == 0xCC ? 4 : 3;
    unsigned number = size < prefix ? 0 : data[prefix - 1];
    const struct record_type *type = record_type_find (MESSAGE, number);
    if (type == NULL)
        type = record_type_find (ENTRY, number);
    if (type == NULL)
        return LLVMFuzzerMutate (data, size, most);
    return mutate_encoded (type, prefix, data, size, most, seed);
}

const struct fuzz_target fuzz_target = {.most = 8192, .run = run, .seed = seed};
