/* A document and the signature files beside it, whatever they hold: what is read is what lies there, and can
   be written again where its signatures are well-formed. */
#include "tests/fuzz/world.h"

#include "common/io/file.h"
#include "common/io/signed_file.h"

/* Beside "doc": signatures of two names, and files that are none. */
static const char *const names[] = {"doc", "doc.minisig", "doc.0123456789ABCDEF.minisig", "doc.x.minisig"};

static void check_read (const struct envelope *envelope, const struct bytes *files, struct arena *arena)
{
    const char *path = path_join (arena, scratch_folder (), "again/doc");
    struct envelope again;
    struct error error = {0};
    assert (bytes_equal (envelope->content, files[0]));
    assert (envelope->signatures_count == 2);
    for (size_t i = 0; i < 2; i++)
        assert (bytes_equal (bytes_of_text (envelope->signatures[i]), files[i + 1]));
    if (!signed_file_write (path, envelope, &error)) {
        check_error (&error);
        return;
    }
    assert (signed_file_read (path, arena, &again, NULL));
    assert (bytes_equal (again.content, files[0]) && again.signatures_count == 2);
    for (size_t i = 0; i < 2; i++)
        assert (strcmp (again.signatures[i], envelope->signatures[i]) == 0);
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct envelope envelope;
    struct bytes files[COUNT_OF (names)];
    const char *folder = scratch_folder ();
    bool good;
    assert (folder_make (path_join (&arena, folder, "again"), 0700, NULL));
    for (size_t i = 0; i < COUNT_OF (names); i++) {
        files[i] = take_piece (&input);
        assert (file_write (path_join (&arena, folder, names[i]), files[i], 0600, NULL));
    }
    good = signed_file_read (path_join (&arena, folder, names[0]), &arena, &envelope, &error);
    if (good)
        check_read (&envelope, files, &arena);
    else
        check_error (&error);
    arena_free (&arena);
    return good;
}

static void seed (void)
{
    static const char *const signers[] = {"ana", "eva"};
    struct arena arena = {0};
    struct buffer out = {0};
    struct envelope envelope = sign_content (bytes_of_text ("content"), signers, 2, &arena);
    put_piece (envelope.content, &out);
    put_piece (bytes_of_text (envelope.signatures[0]), &out);
    put_piece (bytes_of_text (envelope.signatures[1]), &out);
    seed_good ("signed", buffer_bytes (&out));
    buffer_clear (&out);
    put_piece (bytes_of_text ("content"), &out);
    put_piece ((struct bytes){(const uint8_t *)"a\0b", 3}, &out);
    seed_bad ("zero-byte", buffer_bytes (&out));
    buffer_free (&out);
    arena_free (&arena);
}

const struct fuzz_target fuzz_target = {.most = 16384, .run = run, .seed = seed};
