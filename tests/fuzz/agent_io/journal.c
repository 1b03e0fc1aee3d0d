/* The installer's journal: what a file holds is visited or refused, a torn end is cut off, and what is
   appended afterwards is there. The first byte of the input says whether the rest is the file itself, or a
   list of record bodies, to which the harness writes the right lengths and checksums, and a torn end. */
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"

#include "agent/io/journal.h"
#include "common/io/file.h"

enum { CHECK_SIZE = 8, FILE_MOST = 1024 * 1024 };

static void put_record (struct bytes body, struct buffer *out)
{
    uint8_t size[4] = {(uint8_t)body.size, (uint8_t)(body.size >> 8)};
    struct digest_stream stream;
    struct digest digest;
    digest_begin (&stream);
    digest_add (&stream, size, sizeof size);
    digest_add (&stream, body.data, body.size);
    digest = digest_end (&stream);
    buffer_append (out, size, sizeof size);
    buffer_append (out, digest.bytes, CHECK_SIZE);
    buffer_append (out, body.data, body.size);
}

static void make_file (struct bytes input, struct buffer *out)
{
    struct bytes head = take (&input, 1);
    while (head.size > 0 && head.data[0] == 1 && input.size > 2) {
        struct bytes body = take_piece (&input);
        if (body.size > 0)
            put_record (body, out);
    }
    buffer_append (out, input.data, input.size);
}

/* What was visited, and the bytes of its records. */
struct visits {
    size_t count;
    struct buffer records;
};

static bool visit (void *context, const struct record_type *type, const void *record, struct error *error)
{
    struct visits *visits = context;
    struct buffer body = {0};
    (void)error;
    assert (type->class == ENTRY);
    assert (message_encode (type, record, &body, NULL));
    put_record (buffer_bytes (&body), &visits->records);
    visits->count++;
    buffer_free (&body);
    return true;
}

static bool file_is (const char *path, struct bytes expected)
{
    struct arena arena = {0};
    struct bytes file;
    bool same = file_read (path, FILE_MOST, &arena, &file, NULL) && bytes_equal (file, expected);
    arena_free (&arena);
    return same;
}

/* The file holds exactly the records that were visited, and then also the one that is appended. */
static void check_opened (const char *path, struct journal *journal, struct visits *visits)
{
    const struct note_clock clock = {.floor = {1}, .epoch = 2, .sequence = 3};
    struct visits again = {0};
    assert (file_is (path, buffer_bytes (&visits->records)));
    assert (journal_append (journal, &note_clock_type, &clock, NULL));
    assert (visit (visits, &note_clock_type, &clock, NULL));
    assert (file_is (path, buffer_bytes (&visits->records)));
    assert (journal_read (path, visit, &again, NULL));
    assert (bytes_equal (buffer_bytes (&again.records), buffer_bytes (&visits->records)));
    buffer_free (&again.records);
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct visits visits = {0};
    struct visits read = {0};
    struct buffer file = {0};
    struct journal *journal = NULL;
    const char *path = path_join (&arena, scratch_folder (), "journal");
    uint64_t cut = 0;
    bool good;
    make_file (input, &file);
    assert (file_write (path, buffer_bytes (&file), 0600, NULL));
    good = journal_read (path, visit, &read, NULL);
    assert (file_is (path, buffer_bytes (&file)));
    assert (journal_open (path, visit, &visits, &journal, &cut, &error) == good);
    assert (visits.count == read.count);
    if (good) {
        assert (visits.records.size + cut == file.size);
        check_opened (path, journal, &visits);
    } else {
        check_error (&error);
        assert (journal == NULL && file_is (path, buffer_bytes (&file)));
    }
    journal_close (&journal);
    buffer_free (&file);
    buffer_free (&read.records);
    buffer_free (&visits.records);
    arena_free (&arena);
    return good;
}

static void put_note (struct buffer *out, const struct record_type *type, const void *note)
{
    struct buffer body = {0};
    assert (message_encode (type, note, &body, NULL));
    put_piece (buffer_bytes (&body), out);
    buffer_free (&body);
}

static void put_notes (struct buffer *out, struct arena *arena)
{
    static const char *const names[] = {"note_trust", "note_fleet",   "note_clock",   "note_begin",
                                        "note_act",   "note_release", "note_receipt", "note_stored"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct record_type *type = record_type_named (ENTRY, names[i]);
        void *note = arena_take (arena, type->size);
        fill_record (type, note, arena);
        put_note (out, type, note);
    }
}

static void seed (void)
{
    struct arena arena = {0};
    struct buffer list = {0};
    struct buffer whole = {0};
    buffer_append (&list, "\1", 1);
    put_notes (&list, &arena);
    seed_good ("notes", buffer_bytes (&list));
    buffer_append (&whole, "\0", 1);
    make_file (buffer_bytes (&list), &whole);
    seed_good ("file", buffer_bytes (&whole));
    whole.size -= 5;
    seed_good ("torn", buffer_bytes (&whole));
    whole.data[20] ^= 1;
    seed_bad ("damaged", buffer_bytes (&whole));
    buffer_free (&list);
    buffer_free (&whole);
    arena_free (&arena);
}

const struct fuzz_target fuzz_target = {.most = 8192, .run = run, .seed = seed};
