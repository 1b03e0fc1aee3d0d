#include "controller/io/depot.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "proto/limits.h"

enum {
    MOST_UPLOADS = 32,
    MOST_READERS = 64,
    WORK_SLICE = 32 * 1024 * 1024, /* hashed in one call of depot_work: some tens of milliseconds */
    PART_LIFE_DAYS = 7,            /* an upload that nobody went on with for so long is forgotten */
    FLUSH_EVERY = 8 * 1024 * 1024, /* written out early, so that the sync at the end is short */
};

#define PART ".part"

struct upload {
    int file;   /* -1: a free place */
    bool whole; /* a finished content that is checked again */
    struct digest digest;
    uint64_t have;
    uint64_t hashed; /* <= have */
    uint64_t flushed;
    uint64_t used;
    struct digest_stream stream;
};

struct reader {
    int file; /* -1: a free place */
    struct digest digest;
    uint64_t length;
    uint64_t used;
};

struct depot {
    struct arena arena;
    const char *folder;
    uint64_t clock; /* orders the uses */
    struct upload uploads[MOST_UPLOADS];
    struct reader readers[MOST_READERS];
    uint8_t piece[64 * 1024];
};

static const char *whole_path (const struct depot *depot, const struct digest *digest, struct arena *arena)
{
    char text[DIGEST_TEXT_SIZE];
    return path_join (arena, depot->folder, digest_print (digest, text));
}

static const char *part_path (const struct depot *depot, const struct digest *digest, struct arena *arena)
{
    return arena_format (arena, "%s" PART, whole_path (depot, digest, arena));
}

static bool system_error (const char *path, const char *what, struct error *error)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return error_set (
            error, ERROR_SYSTEM, "%s: the controller's disk is full: free space there, then send again",
            path);
    return error_set (error, ERROR_SYSTEM, "%s: %s: %s", path, what, strerror (errno));
}

static bool is_part (const char *name)
{
    char text[DIGEST_TEXT_SIZE];
    struct digest digest;
    if (strlen (name) != DIGEST_TEXT_SIZE - 1 + strlen (PART) ||
        strcmp (name + DIGEST_TEXT_SIZE - 1, PART) != 0)
        return false;
    memcpy (text, name, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    return digest_parse (text, &digest);
}

static void forget_old_parts (const char *folder)
{
    struct instant now = clock_now ();
    DIR *directory = opendir (folder);
    struct dirent *entry;
    if (directory == NULL)
        return;
    while ((entry = readdir (directory)) != NULL) {
        struct stat status;
        if (is_part (entry->d_name) &&
            fstatat (dirfd (directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            now.ms / 1000 - status.st_mtime > PART_LIFE_DAYS * 24 * 3600)
            (void)unlinkat (dirfd (directory), entry->d_name, 0);
    }
    (void)closedir (directory);
}

bool depot_open (const char *folder, struct depot **ret, struct error *error)
{
    struct depot *depot;
    if (!folder_make (folder, 0700, error))
        return false;
    forget_old_parts (folder);
    /* libsodium's hash state wants more alignment than calloc gives. */
    depot = aligned_alloc (alignof (struct depot), sizeof *depot);
    assert (depot != NULL);
    memset (depot, 0, sizeof *depot);
    depot->folder = arena_text (&depot->arena, folder);
    for (size_t i = 0; i < MOST_UPLOADS; i++)
        depot->uploads[i].file = -1;
    for (size_t i = 0; i < MOST_READERS; i++)
        depot->readers[i].file = -1;
    *ret = depot;
    return true;
}

static void close_file (int *file)
{
    if (*file >= 0)
        (void)close (*file);
    *file = -1;
}

void depot_close (struct depot **depot)
{
    if (*depot == NULL)
        return;
    for (size_t i = 0; i < MOST_UPLOADS; i++)
        close_file (&(*depot)->uploads[i].file);
    for (size_t i = 0; i < MOST_READERS; i++)
        close_file (&(*depot)->readers[i].file);
    arena_free (&(*depot)->arena);
    free (*depot);
    *depot = NULL;
}

/* ------------------------------------------------------------------------------------------------- reading
 */

/* A free place, else the one that was used longest ago. */
static struct reader *reader_place (struct depot *depot)
{
    struct reader *oldest = &depot->readers[0];
    for (size_t i = 0; i < MOST_READERS; i++) {
        if (depot->readers[i].file < 0)
            return &depot->readers[i];
        if (depot->readers[i].used < oldest->used)
            oldest = &depot->readers[i];
    }
    close_file (&oldest->file);
    return oldest;
}

static bool reader_open (
    struct depot *depot, const struct digest *digest, struct arena *arena, struct reader **ret,
    struct error *error)
{
    const char *path = whole_path (depot, digest, arena);
    struct reader *reader;
    struct stat status;
    int file;
    for (size_t i = 0; i < MOST_READERS; i++)
        if (depot->readers[i].file >= 0 && digest_equal (&depot->readers[i].digest, digest)) {
            *ret = &depot->readers[i];
            return true;
        }
    file = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return error_set (
            error, ERROR_MISSING, "the depot has no content %.12s: put it there first",
            strrchr (path, '/') + 1);
    if (file < 0 || fstat (file, &status) != 0) {
        (void)system_error (path, "opening", error);
        close_file (&file);
        return false;
    }
    reader = reader_place (depot);
    *reader = (struct reader){.file = file, .digest = *digest, .length = (uint64_t)status.st_size};
    *ret = reader;
    return true;
}

bool depot_read (
    struct depot *depot, const struct digest *digest, uint64_t offset, size_t size, struct arena *arena,
    struct bytes *ret, struct error *error)
{
    struct reader *reader = NULL;
    uint8_t *data;
    size_t done = 0;
    if (!reader_open (depot, digest, arena, &reader, error))
        return false;
    reader->used = ++depot->clock;
    if (offset > reader->length)
        return error_set (
            error, ERROR_INPUT, "offset %" PRIu64 " is behind the content's end at %" PRIu64, offset,
            reader->length);
    if (size > reader->length - offset)
        size = (size_t)(reader->length - offset);
    data = arena_take (arena, size + 1);
    while (done < size) {
        ssize_t got = pread (reader->file, data + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return system_error (whole_path (depot, digest, arena), "reading", error);
        done += (size_t)got;
    }
    *ret = (struct bytes){data, size};
    return true;
}

/* ------------------------------------------------------------------------------------------------- uploads
 */

/* One that was opened for the other purpose is of no use any more: the file has got its other name. */
static struct upload *upload_find (struct depot *depot, const struct digest *digest, bool whole)
{
    for (size_t i = 0; i < MOST_UPLOADS; i++) {
        struct upload *upload = &depot->uploads[i];
        if (upload->file < 0 || !digest_equal (&upload->digest, digest))
            continue;
        if (upload->whole == whole)
            return upload;
        close_file (&upload->file);
    }
    return NULL;
}

/* Giving a place to another upload costs its owner only the hashing of what is there. */
static struct upload *upload_place (struct depot *depot)
{
    struct upload *oldest = &depot->uploads[0];
    for (size_t i = 0; i < MOST_UPLOADS; i++) {
        if (depot->uploads[i].file < 0)
            return &depot->uploads[i];
        if (depot->uploads[i].used < oldest->used)
            oldest = &depot->uploads[i];
    }
    close_file (&oldest->file);
    return oldest;
}

static struct upload *upload_open (
    struct depot *depot, const struct digest *digest, const char *path, int flags, struct error *error)
{
    struct upload *upload;
    struct stat status;
    int file = open (path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 || fstat (file, &status) != 0) {
        (void)system_error (path, "opening", error);
        close_file (&file);
        return NULL;
    }
    upload = upload_place (depot);
    *upload = (struct upload){.file = file, .digest = *digest, .have = (uint64_t)status.st_size};
    digest_begin (&upload->stream);
    return upload;
}

/* A file that can't be read any more is as good as none: it starts over. */
static void upload_restart (struct upload *upload)
{
    upload->have = upload->hashed = upload->flushed = 0;
    digest_begin (&upload->stream);
    if (upload->whole || ftruncate (upload->file, 0) != 0)
        close_file (&upload->file);
}

static void upload_hash (struct depot *depot, struct upload *upload)
{
    uint64_t end = upload->have - upload->hashed > WORK_SLICE ? upload->hashed + WORK_SLICE : upload->have;
    while (upload->hashed < end) {
        size_t size =
            end - upload->hashed < sizeof depot->piece ? (size_t)(end - upload->hashed) : sizeof depot->piece;
        ssize_t got = pread (upload->file, depot->piece, size, (off_t)upload->hashed);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            upload_restart (upload);
            return;
        }
        digest_add (&upload->stream, depot->piece, (size_t)got);
        upload->hashed += (uint64_t)got;
    }
}

bool depot_work (struct depot *depot)
{
    bool worked = false;
    for (size_t i = 0; i < MOST_UPLOADS; i++) {
        struct upload *upload = &depot->uploads[i];
        if (upload->file < 0 || upload->hashed == upload->have)
            continue;
        if (worked)
            return true;
        upload_hash (depot, upload);
        worked = true;
        if (upload->file >= 0 && upload->hashed < upload->have)
            return true;
    }
    return false;
}

static bool upload_append (struct upload *upload, const char *path, struct bytes data, struct error *error)
{
    size_t done = 0;
    while (done < data.size) {
        ssize_t put = pwrite (upload->file, data.data + done, data.size - done, (off_t)(upload->have + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            (void)system_error (path, "writing", error);
            if (ftruncate (upload->file, (off_t)upload->have) != 0)
                close_file (&upload->file);
            return false;
        }
        done += (size_t)put;
    }
    digest_add (&upload->stream, data.data, data.size);
    upload->have += data.size;
    upload->hashed = upload->have;
    if (upload->have - upload->flushed >= FLUSH_EVERY) {
        (void)sync_file_range (
            upload->file, (off_t)upload->flushed, (off_t)(upload->have - upload->flushed),
            SYNC_FILE_RANGE_WRITE);
        upload->flushed = upload->have;
    }
    return true;
}

/* All bytes are there: they become the content, or nothing. */
static bool upload_finish (
    const struct depot *depot, struct upload *upload, const char *path, const char *whole,
    struct error *error)
{
    struct digest found = digest_end (&upload->stream);
    char expected_text[DIGEST_TEXT_SIZE];
    char found_text[DIGEST_TEXT_SIZE];
    bool good = true;
    if (!digest_equal (&found, &upload->digest)) {
        (void)unlink (path);
        (void)error_set (
            error, ERROR_INPUT, "the bytes are not what was named: %.16s expected, %.16s came: send again",
            digest_print (&upload->digest, expected_text), digest_print (&found, found_text));
        good = false;
    } else if (fsync (upload->file) != 0 || fchmod (upload->file, 0400) != 0) {
        good = system_error (path, "syncing", error);
    } else if (rename (path, whole) != 0) {
        good = system_error (path, "renaming", error);
    }
    close_file (&upload->file);
    return good && folder_sync (depot->folder, error);
}

static bool upload_take (
    struct depot *depot, struct upload *upload, uint64_t length, uint64_t offset, struct bytes data,
    struct arena *arena, struct depot_state *ret, struct error *error)
{
    const char *path = part_path (depot, &upload->digest, arena);
    upload->used = ++depot->clock;
    if (upload->have > length)
        upload_restart (upload);
    if (upload->hashed < upload->have)
        upload_hash (depot, upload);
    if (upload->file < 0)
        return error_set (error, ERROR_SYSTEM, "%s: can't be started over: remove it", path);
    if (upload->hashed < upload->have) {
        *ret = (struct depot_state){.have = upload->have, .busy = true};
        return true;
    }
    if (offset == upload->have && data.size > 0 && !upload_append (upload, path, data, error))
        return false;
    *ret = (struct depot_state){.have = upload->have, .complete = upload->have == length};
    return !ret->complete ||
           upload_finish (depot, upload, path, whole_path (depot, &upload->digest, arena), error);
}

/* What the disk damaged is removed, so that it can be sent again. Hosts that are reading it meanwhile notice
   the damage by themselves. */
static bool whole_remove (
    struct depot *depot, const struct digest *digest, const char *path, struct depot_state *ret,
    struct error *error)
{
    for (size_t i = 0; i < MOST_READERS; i++)
        if (depot->readers[i].file >= 0 && digest_equal (&depot->readers[i].digest, digest))
            close_file (&depot->readers[i].file);
    if (unlink (path) != 0)
        return system_error (path, "removing what is damaged", error);
    *ret = (struct depot_state){0};
    return true;
}

/* A question about a content that is here: its bytes answer, not its name alone. */
static bool whole_check (
    struct depot *depot, const struct digest *digest, uint64_t length, const char *path,
    struct depot_state *ret, struct error *error)
{
    struct upload *upload = upload_find (depot, digest, true);
    struct digest found;
    bool readable;
    if (upload == NULL)
        upload = upload_open (depot, digest, path, O_RDONLY, error);
    if (upload == NULL)
        return false;
    upload->whole = true;
    upload->used = ++depot->clock;
    upload_hash (depot, upload);
    readable = upload->file >= 0;
    if (readable && upload->hashed < upload->have) {
        *ret = (struct depot_state){.have = upload->have, .busy = true};
        return true;
    }
    close_file (&upload->file);
    found = digest_end (&upload->stream);
    if (!readable || !digest_equal (&found, digest))
        return whole_remove (depot, digest, path, ret, error);
    *ret = (struct depot_state){.have = length, .complete = true};
    return upload->have == length ||
           error_set (
               error, ERROR_INPUT, "this content is here with %" PRIu64 " bytes, not %" PRIu64, upload->have,
               length);
}

static bool whole_state (
    struct depot *depot, const struct digest *digest, uint64_t length, const char *path, bool is_question,
    bool *ret_there, struct depot_state *ret, struct error *error)
{
    struct stat status;
    *ret_there = lstat (path, &status) == 0;
    if (!*ret_there)
        return errno == ENOENT || system_error (path, "looking", error);
    if (is_question && S_ISREG (status.st_mode))
        return whole_check (depot, digest, length, path, ret, error);
    if (!S_ISREG (status.st_mode) || (uint64_t)status.st_size != length)
        return error_set (
            error, ERROR_INPUT, "this content is here with %jd bytes, not %" PRIu64, (intmax_t)status.st_size,
            length);
    *ret = (struct depot_state){.have = length, .complete = true};
    return true;
}

/* A mere question leaves no file behind. */
static bool has_part (const struct depot *depot, const struct digest *digest, struct arena *arena)
{
    return access (part_path (depot, digest, arena), F_OK) == 0;
}

bool depot_put (
    struct depot *depot, const struct digest *digest, uint64_t length, uint64_t offset, struct bytes data,
    struct depot_state *ret, struct error *error)
{
    struct arena arena = {0};
    struct depot_state state = {0};
    struct upload *upload;
    bool there = false;
    bool good;
    if (length > LIMIT_CONTENT || offset > length || data.size > length - offset)
        return error_set (
            error, ERROR_LIMIT, "a piece of %zu bytes at %" PRIu64 " passes the end at %" PRIu64, data.size,
            offset, length);
    good = whole_state (
        depot, digest, length, whole_path (depot, digest, &arena), data.size == 0, &there, &state, error);
    if (good && !there && (data.size > 0 || length == 0 || has_part (depot, digest, &arena))) {
        upload = upload_find (depot, digest, false);
        if (upload == NULL)
            upload = upload_open (depot, digest, part_path (depot, digest, &arena), O_RDWR | O_CREAT, error);
        good = upload != NULL && upload_take (depot, upload, length, offset, data, &arena, &state, error);
    }
    if (good)
        *ret = state;
    arena_free (&arena);
    return good;
}
