/* Documents of every purpose: what is read writes the very same bytes, and passes for its own purpose alone.
 */
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"

static void check_read (const struct record_type *type, const void *record, struct bytes input)
{
    struct buffer out = {0};
    assert (document_write (type, record, &out, NULL));
    assert (bytes_equal (buffer_bytes (&out), input));
    buffer_free (&out);
}

static bool read_as (const struct record_type *type, const struct record_type *found, struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    void *record = arena_take (&arena, type->size);
    bool good = document_read (type, input, &arena, record, &error);
    assert (!good || type == found);
    if (good)
        check_read (type, record, input);
    else
        check_error (&error);
    arena_free (&arena);
    return good;
}

static bool run (struct bytes input)
{
    const struct record_type *found = NULL;
    struct error error = {0};
    bool good = false;
    if (!document_type (input, &found, &error)) {
        check_error (&error);
        assert (found == NULL);
    }
    for (size_t i = 0; i < record_type_count; i++)
        if (record_types[i]->class == DOCUMENT)
            good |= read_as (record_types[i], found, input);
    return good;
}

static void seed (void)
{
    struct arena arena = {0};
    struct world_document documents[WORLD_DOCUMENTS];
    size_t count = world_documents (&arena, documents);
    for (size_t i = 0; i < count; i++)
        seed_good (documents[i].name, documents[i].content);
    arena_free (&arena);
}

size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return mutate_document (data, size, most, seed);
}

const struct fuzz_target fuzz_target = {.most = 16384, .run = run, .seed = seed};
