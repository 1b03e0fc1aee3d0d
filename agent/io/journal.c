#include "agent/io/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/file.h"

enum {
    HEAD_SIZE = 12,
    CHECK_SIZE = 8,
    JOURNAL_COMPACT = 1024 * 1024, /* bytes of outdated clock notes that are worth a new file */
};

/* The journal is read whole; an honest one stays far below this. */
static const size_t JOURNAL_MAX = (size_t)1024 * 1024 * 1024;

struct journal {
    int descriptor;
    off_t end;
    bool broken; /* the file's end is not known: nothing more may be written */
};

static void head_make (struct bytes body, uint8_t ret[HEAD_SIZE])
{
    struct digest_stream stream;
    struct digest digest;
    size_t i;
    for (i = 0; i < 4; i++)
        ret[i] = (uint8_t)(body.size >> (8 * i));
    digest_begin (&stream);
    digest_add (&stream, ret, 4);
    digest_add (&stream, body.data, body.size);
    digest = digest_end (&stream);
    (void)memcpy (ret + 4, digest.bytes, CHECK_SIZE);
}

/* True where a whole record with the right checksum begins at `offset`. */
static bool record_at (struct bytes file, size_t offset, struct bytes *ret_body)
{
    const uint8_t *head = file.data + offset;
    uint8_t expected[HEAD_SIZE];
    struct bytes body;
    if (file.size - offset < HEAD_SIZE)
        return false;
    body.size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    body.data = head + HEAD_SIZE;
    if (body.size == 0 || body.size > LIMIT_MESSAGE || body.size > file.size - offset - HEAD_SIZE)
        return false;
    head_make (body, expected);
    if (memcmp (head, expected, HEAD_SIZE) != 0)
        return false;
    *ret_body = body;
    return true;
}

/* A whole record somewhere behind a bad one tells corruption from a torn end. Only places where a body could
   begin (an array of three, the protocol's version) are hashed, so that this stays quick. */
static bool record_follows (struct bytes file, size_t offset)
{
    struct bytes body;
    size_t at;
    for (at = offset + 1; at < file.size && file.size - at > HEAD_SIZE + 2; at++)
        if (file.data[at + HEAD_SIZE] == 0x93 && file.data[at + HEAD_SIZE + 1] == PROTOCOL_VERSION &&
            record_at (file, at, &body))
            return true;
    return false;
}

static bool visit_body (struct bytes body, journal_visit visit, void *context, struct error *error)
{
    struct arena arena = {0};
    struct message message;
    bool good = message_decode (ENTRY, 0, body, &arena, &message, error) &&
                visit (context, message.type, message.record, error);
    arena_free (&arena);
    return good;
}

/* `ret_end` is where the last whole record ends. */
static bool scan (
    const char *path, struct bytes file, journal_visit visit, void *context, size_t *ret_end,
    struct error *error)
{
    size_t offset = 0;
    struct bytes body;
    while (offset < file.size && record_at (file, offset, &body)) {
        if (!visit_body (body, visit, context, error))
            return error_context (error, "%s: the record at byte %zu", path, offset);
        offset += HEAD_SIZE + body.size;
    }
    if (offset < file.size && record_follows (file, offset))
        return error_set (
            error, ERROR_INPUT,
            "%s: the record at byte %zu is damaged, and whole records follow it: restore the file from a "
            "backup, or enrol this host anew",
            path, offset);
    *ret_end = offset;
    return true;
}

/* Which bytes a file without outdated clock notes would have: the clock only ever rises, so the last note
   holds all that the earlier ones say. */
static void compacted (struct bytes file, size_t end, struct buffer *ret)
{
    struct bytes body;
    size_t offset;
    size_t last = SIZE_MAX;
    int pass;
    for (pass = 0; pass < 2; pass++) {
        for (offset = 0; offset < end; offset += HEAD_SIZE + body.size) {
            bool is_clock;
            bool whole = record_at (file, offset, &body);
            assert (whole && body.size > 4);
            is_clock = body.data[2] == 0xcc && body.data[3] == note_clock_type.number;
            if (pass == 0 && is_clock)
                last = offset;
            if (pass == 1 && (!is_clock || offset == last))
                buffer_append (ret, file.data + offset, HEAD_SIZE + body.size);
        }
    }
}

static bool compact (const char *path, struct bytes file, size_t *end, struct error *error)
{
    struct buffer shorter = {0};
    bool good = true;
    compacted (file, *end, &shorter);
    if (*end - shorter.size > JOURNAL_COMPACT) {
        good = file_write (path, buffer_bytes (&shorter), 0600, error);
        if (good)
            *end = shorter.size;
    }
    buffer_free (&shorter);
    return good;
}

static bool open_file (const char *path, size_t end, struct journal *journal, struct error *error)
{
    struct stat status;
    journal->descriptor = open (path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (journal->descriptor < 0 || fstat (journal->descriptor, &status) != 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    journal->end = (off_t)end;
    if (status.st_size != journal->end &&
        (ftruncate (journal->descriptor, journal->end) != 0 || fsync (journal->descriptor) != 0))
        return error_set (error, ERROR_SYSTEM, "%s: cut off the torn end: %s", path, strerror (errno));
    return true;
}

static bool open_scanned (
    const char *path, journal_visit visit, void *context, struct journal *journal, uint64_t *ret_cut,
    struct error *error)
{
    struct arena arena = {0};
    struct bytes file;
    size_t end;
    bool good =
        file_read (path, JOURNAL_MAX, &arena, &file, error) && scan (path, file, visit, context, &end, error);
    if (good) {
        *ret_cut = file.size - end;
        good = compact (path, file, &end, error) && open_file (path, end, journal, error);
    }
    arena_free (&arena);
    return good;
}

bool journal_open (
    const char *path, journal_visit visit, void *context, struct journal **ret, uint64_t *ret_cut,
    struct error *error)
{
    struct journal *journal;
    uint64_t cut = 0;
    if (!file_exists (path) && !file_create (path, (struct bytes){(const uint8_t *)"", 0}, 0600, error))
        return false;
    journal = calloc (1, sizeof *journal);
    assert (journal != NULL);
    journal->descriptor = -1;
    if (!open_scanned (path, visit, context, journal, &cut, error)) {
        journal_close (&journal);
        return false;
    }
    *ret = journal;
    *ret_cut = cut;
    return true;
}

bool journal_read (const char *path, journal_visit visit, void *context, struct error *error)
{
    struct arena arena = {0};
    struct bytes file;
    size_t end;
    bool good;
    if (!file_exists (path))
        return true;
    good = file_read_start (path, JOURNAL_MAX, &arena, &file, error) &&
           scan (path, file, visit, context, &end, error);
    arena_free (&arena);
    return good;
}

static bool write_all (struct journal *journal, struct bytes data)
{
    size_t done = 0;
    while (done < data.size) {
        ssize_t size =
            pwrite (journal->descriptor, data.data + done, data.size - done, journal->end + (off_t)done);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return false;
        done += (size_t)size;
    }
    return true;
}

/* A failed sync leaves unknown what the disk holds; so nothing is built upon it. */
static bool store (struct journal *journal, struct bytes record, struct error *error)
{
    if (!write_all (journal, record)) {
        int problem = errno;
        journal->broken = ftruncate (journal->descriptor, journal->end) != 0;
        return error_set (error, ERROR_SYSTEM, "write the journal: %s", strerror (problem));
    }
    if (fdatasync (journal->descriptor) != 0) {
        journal->broken = true;
        return error_set (error, ERROR_SYSTEM, "sync the journal: %s", strerror (errno));
    }
    journal->end += (off_t)record.size;
    return true;
}

bool journal_append (
    struct journal *journal, const struct record_type *type, const void *record, struct error *error)
{
    struct buffer body = {0};
    struct buffer whole = {0};
    uint8_t head[HEAD_SIZE];
    bool good;
    assert (type->class == ENTRY);
    if (journal->broken)
        return error_set (error, ERROR_SYSTEM, "the journal failed before: nothing more is written to it");
    good = message_encode (type, record, &body, error);
    if (good && body.size > LIMIT_MESSAGE)
        good = error_set (error, ERROR_LIMIT, "a %s of %zu bytes is too large", type->name, body.size);
    if (good) {
        head_make (buffer_bytes (&body), head);
        buffer_append (&whole, head, HEAD_SIZE);
        buffer_append (&whole, body.data, body.size);
        good = store (journal, buffer_bytes (&whole), error);
    }
    buffer_free (&body);
    buffer_free (&whole);
    return good;
}

void journal_close (struct journal **journal)
{
    if (*journal == NULL)
        return;
    if ((*journal)->descriptor >= 0)
        (void)close ((*journal)->descriptor);
    free (*journal);
    *journal = NULL;
}
