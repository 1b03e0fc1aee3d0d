#include "agent/io/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/file.h"

enum {
    COPY_PIECE = 128 * 1024,
    FLUSH_EVERY = 8 * 1024 * 1024, /* written out early, so that the sync at the end is short */
};

/* The mark is the owner's write permission on an otherwise read-only file: no second file can get lost. */
enum { MODE_KEPT = 0400, MODE_UNPACKED = 0600 };

#define PARTIAL ".partial"

const char *store_path (struct arena *arena, const char *store, const struct digest *digest)
{
    char text[DIGEST_TEXT_SIZE];
    return path_join (arena, store, digest_print (digest, text));
}

/* Opened without following a link and without waiting at a fifo. */
static int open_regular (const char *path, uint64_t *ret_size)
{
    struct stat status;
    int descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return -1;
    if (fstat (descriptor, &status) != 0 || !S_ISREG (status.st_mode)) {
        (void)close (descriptor);
        errno = ELOOP;
        return -1;
    }
    *ret_size = (uint64_t)status.st_size;
    return descriptor;
}

static ssize_t read_piece (int descriptor, void *piece, size_t size)
{
    ssize_t got;
    do
        got = read (descriptor, piece, size);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool write_piece (int descriptor, const char *piece, size_t size)
{
    while (size > 0) {
        ssize_t done = write (descriptor, piece, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        piece += done;
        size -= (size_t)done;
    }
    return true;
}

static void flush_early (int descriptor, uint64_t before, uint64_t after)
{
    uint64_t from = before / FLUSH_EVERY * FLUSH_EVERY;
    if (from != after / FLUSH_EVERY * FLUSH_EVERY)
        (void)sync_file_range (descriptor, (off_t)from, FLUSH_EVERY, SYNC_FILE_RANGE_WRITE);
}

/* Reads to the end, but never more than `length` + 1 bytes; copies unless `to` is -1. */
static bool digest_copy (int from, int to, uint64_t length, struct digest *ret, struct error *error)
{
    static const char *const where = "copy into the store";
    char piece[COPY_PIECE];
    struct digest_stream stream;
    uint64_t total = 0;
    ssize_t size;
    digest_begin (&stream);
    while ((size = read_piece (from, piece, sizeof piece)) > 0) {
        total += (uint64_t)size;
        if (total > length)
            return error_set (
                error, ERROR_INPUT, "it is longer than the %llu bytes that were signed",
                (unsigned long long)length);
        digest_add (&stream, piece, (size_t)size);
        if (to >= 0 && !write_piece (to, piece, (size_t)size))
            return error_set (error, ERROR_SYSTEM, "%s: %s", where, strerror (errno));
        if (to >= 0)
            flush_early (to, total - (uint64_t)size, total);
    }
    if (size < 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", where, strerror (errno));
    if (total != length)
        return error_set (
            error, ERROR_INPUT, "it has %llu bytes, not the %llu that were signed", (unsigned long long)total,
            (unsigned long long)length);
    *ret = digest_end (&stream);
    return true;
}

bool store_has (const char *store, const struct digest *digest, uint64_t length)
{
    struct arena arena = {0};
    struct digest found;
    uint64_t size;
    int descriptor = open_regular (store_path (&arena, store, digest), &size);
    bool good = descriptor >= 0 && size == length && digest_copy (descriptor, -1, length, &found, NULL) &&
                digest_equal (&found, digest);
    if (descriptor >= 0)
        (void)close (descriptor);
    arena_free (&arena);
    return good;
}

/* Checked while it is copied: what was checked is what lies in the store. */
static bool copy_checked (
    int from, const char *path, mode_t mode, const struct digest *digest, uint64_t length,
    struct error *error)
{
    struct digest found;
    bool good;
    int to;
    to = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (to < 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    good = digest_copy (from, to, length, &found, error);
    if (good && !digest_equal (&found, digest))
        good = error_set (error, ERROR_REFUSED, "its bytes are not what its digest says");
    if (good && (fchmod (to, mode) != 0 || fsync (to) != 0))
        good = error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    (void)close (to);
    if (!good)
        (void)unlink (path);
    return good;
}

static bool take_from (
    const char *store, int from, const struct digest *digest, uint64_t length, struct arena *arena,
    struct error *error)
{
    const char *path = store_path (arena, store, digest);
    const char *partial = arena_format (arena, "%s" PARTIAL, path);
    (void)unlink (partial);
    if (!copy_checked (from, partial, MODE_KEPT, digest, length, error))
        return false;
    if (rename (partial, path) != 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    return folder_sync (store, error);
}

bool store_take (
    const char *store, const char *spool, const struct digest *digest, uint64_t length, struct error *error)
{
    struct arena arena = {0};
    uint64_t size = 0;
    bool good = true;
    int from;
    if (store_has (store, digest, length))
        return true;
    from = open_regular (store_path (&arena, spool, digest), &size);
    if (from < 0)
        good = error_set (error, ERROR_INPUT, "the spool has no such regular file: %s", strerror (errno));
    else if (size != length)
        good = error_set (
            error, ERROR_INPUT, "it has %llu bytes, not the %llu that were signed", (unsigned long long)size,
            (unsigned long long)length);
    if (good)
        good = take_from (store, from, digest, length, &arena, error);
    if (from >= 0)
        (void)close (from);
    arena_free (&arena);
    return good;
}

bool store_copy (
    const char *store, const struct digest *digest, uint64_t length, const char *path, mode_t mode,
    struct error *error)
{
    struct arena arena = {0};
    uint64_t size;
    bool good;
    int from = open_regular (store_path (&arena, store, digest), &size);
    if (from < 0)
        good = error_set (error, ERROR_MISSING, "the store does not have it: %s", strerror (errno));
    else
        good = copy_checked (from, path, mode, digest, length, error);
    if (from >= 0)
        (void)close (from);
    arena_free (&arena);
    return good;
}

bool store_mark_unpacked (const char *store, const struct digest *digest, struct error *error)
{
    struct arena arena = {0};
    const char *path = store_path (&arena, store, digest);
    bool good = true;
    if (chmod (path, MODE_UNPACKED) != 0 && errno != ENOENT)
        good = error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    arena_free (&arena);
    return good;
}

static bool may_go (int folder, const char *name)
{
    const char *ending = strrchr (name, '.');
    struct stat status;
    if (fstatat (folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG (status.st_mode))
        return false;
    return (ending != NULL && strcmp (ending, PARTIAL) == 0) || (status.st_mode & 0777) == MODE_UNPACKED;
}

bool store_clear (const char *store, struct error *error)
{
    DIR *folder = opendir (store);
    const struct dirent *entry;
    bool good = true;
    if (folder == NULL)
        return error_set (error, ERROR_SYSTEM, "%s: %s", store, strerror (errno));
    while (good && (entry = readdir (folder)) != NULL)
        if (may_go (dirfd (folder), entry->d_name) && unlinkat (dirfd (folder), entry->d_name, 0) != 0)
            good = error_set (error, ERROR_SYSTEM, "%s/%s: %s", store, entry->d_name, strerror (errno));
    (void)closedir (folder);
    return good;
}
