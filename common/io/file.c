#include "common/io/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/file_part.h"

enum { PIECE_SIZE = 64 * 1024 };

bool file_failed (const char *path, const char *act, struct error *error)
{
    enum error_kind kind = errno == ENOENT || errno == ENOTDIR ? ERROR_MISSING
                           : errno == EEXIST                   ? ERROR_CONFLICT
                                                               : ERROR_SYSTEM;
    return error_set (error, kind, "%s: cannot %s: %s", path, act, strerror (errno));
}

/* O_NONBLOCK: a FIFO in the place of a file must not hold the program. */
static int open_regular (const char *path, struct stat *status, struct error *error)
{
    int file = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        (void)file_failed (path, "open it", error);
        return -1;
    }
    if (fstat (file, status) != 0)
        (void)file_failed (path, "look at it", error);
    else if (!S_ISREG (status->st_mode))
        (void)error_set (error, ERROR_INPUT, "%s: is not a regular file", path);
    else
        return file;
    (void)close (file);
    return -1;
}

static ssize_t read_some (int file, void *data, size_t size)
{
    ssize_t got;
    do
        got = read (file, data, size);
    while (got < 0 && errno == EINTR);
    return got;
}

/* A file may grow while it is read, so one byte more than allowed is asked for, whatever fstat said. */
static bool read_all (
    int file, const char *path, size_t size, size_t most, struct arena *arena, struct bytes *ret,
    struct error *error)
{
    size_t room = size < most ? size : most;
    uint8_t *data = arena_take (arena, room + 1);
    size_t used = 0;
    ssize_t got;
    while ((got = read_some (file, data + used, room + 1 - used)) > 0 && used + (size_t)got <= room)
        used += (size_t)got;
    if (got != 0) {
        if (got < 0)
            (void)file_failed (path, "read it", error);
        else
            (void)error_set (
                error, ERROR_LIMIT, "%s: is larger than %zu bytes, or grew while it was read", path, room);
        sodium_memzero (data, room + 1); /* it may be a part of a secret */
        return false;
    }
    data[used] = 0;
    *ret = (struct bytes){data, used};
    return true;
}

/* No more than `size` bytes, though there may be more by now. */
static bool read_start (
    int file, const char *path, size_t size, struct arena *arena, struct bytes *ret, struct error *error)
{
    uint8_t *data = arena_take (arena, size + 1);
    size_t used = 0;
    ssize_t got = 1;
    while (used < size && got > 0) {
        got = read_some (file, data + used, size - used);
        used += got > 0 ? (size_t)got : 0;
    }
    *ret = (struct bytes){data, used};
    return got >= 0 || file_failed (path, "read it", error);
}

static bool check_size (const char *path, const struct stat *status, size_t most, struct error *error)
{
    return (uint64_t)status->st_size <= most ||
           error_set (
               error, ERROR_LIMIT, "%s: has %lld bytes, at most %zu are allowed", path,
               (long long)status->st_size, most);
}

/* What an access list grants shows in the group's bits. */
static bool check_secret (const char *path, const struct stat *status, struct error *error)
{
    if ((status->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set (
            error, ERROR_REFUSED,
            "%s: holds a secret, but its mode %04o lets others at it; run: chmod 600 %s", path,
            (unsigned)(status->st_mode & 07777), path);
    if (status->st_uid != geteuid ())
        return error_set (
            error, ERROR_REFUSED,
            "%s: holds a secret, but belongs to user %u, and this program runs as user %u; run: chown %u %s",
            path, (unsigned)status->st_uid, (unsigned)geteuid (), (unsigned)geteuid (), path);
    return true;
}

bool file_read (const char *path, size_t most, struct arena *arena, struct bytes *ret, struct error *error)
{
    struct stat status;
    bool done;
    int file = open_regular (path, &status, error);
    if (file < 0)
        return false;
    done = check_size (path, &status, most, error) &&
           read_all (file, path, (size_t)status.st_size, most, arena, ret, error);
    (void)close (file);
    return done;
}

bool file_read_start (
    const char *path, size_t most, struct arena *arena, struct bytes *ret, struct error *error)
{
    struct stat status;
    bool done;
    int file = open_regular (path, &status, error);
    if (file < 0)
        return false;
    done = check_size (path, &status, most, error) &&
           read_start (file, path, (size_t)status.st_size, arena, ret, error);
    (void)close (file);
    return done;
}

bool file_read_secret (
    const char *path, size_t most, struct arena *arena, struct bytes *ret, struct error *error)
{
    struct stat status;
    bool done;
    int file = open_regular (path, &status, error);
    if (file < 0)
        return false;
    done = check_secret (path, &status, error) && check_size (path, &status, most, error) &&
           read_all (file, path, (size_t)status.st_size, most, arena, ret, error);
    (void)close (file);
    return done;
}

void file_wipe_secret (struct bytes *secret)
{
    if (secret->size > 0)
        sodium_memzero ((void *)(uintptr_t)secret->data, secret->size);
    *secret = (struct bytes){0};
}

static bool write_all (int file, struct bytes content)
{
    while (content.size > 0) {
        ssize_t done = write (file, content.data, content.size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        content.data += done;
        content.size -= (size_t)done;
    }
    return true;
}

/* The synced content in a new file beside `path`. On failure nothing is left behind. */
static bool write_beside (
    const char *path, struct bytes content, mode_t mode, struct buffer *beside, struct error *error)
{
    const char *name = strrchr (path, '/');
    size_t folder = name == NULL ? 0 : (size_t)(name - path) + 1;
    bool done;
    int file;
    buffer_append (beside, path, folder);
    buffer_print (beside, ".%s.XXXXXX", path + folder);
    file = mkostemp (beside->data, O_CLOEXEC);
    if (file < 0)
        return file_failed (path, "write beside it", error);
    done = write_all (file, content) && fchmod (file, mode) == 0 && fsync (file) == 0;
    if (!done)
        (void)file_failed (path, "write it", error);
    /* Some file systems tell only here that there was no room. */
    if (close (file) != 0 && done)
        done = file_failed (path, "close it", error);
    if (!done)
        (void)unlink (beside->data);
    return done;
}

bool folder_sync_of (const char *path, struct error *error)
{
    const char *name = strrchr (path, '/');
    struct buffer folder = {0};
    bool done;
    if (name == NULL)
        buffer_text (&folder, ".");
    else
        buffer_append (&folder, path, name == path ? 1 : (size_t)(name - path));
    done = folder_sync (folder.data, error);
    buffer_free (&folder);
    return done;
}

bool file_write (const char *path, struct bytes content, mode_t mode, struct error *error)
{
    struct buffer beside = {0};
    bool done = write_beside (path, content, mode, &beside, error);
    if (done && rename (beside.data, path) != 0) {
        done = file_failed (path, "put the new content in its place", error);
        (void)unlink (beside.data);
    }
    if (done)
        done = folder_sync_of (path, error);
    buffer_free (&beside);
    return done;
}

bool file_create (const char *path, struct bytes content, mode_t mode, struct error *error)
{
    struct buffer beside = {0};
    bool done = write_beside (path, content, mode, &beside, error);
    if (done) {
        /* link refuses where rename would replace, and works on every file system with hard links. */
        if (link (beside.data, path) != 0) {
            done = errno == EEXIST
                       ? error_set (error, ERROR_CONFLICT, "%s: exists already, and is left as it is", path)
                       : file_failed (path, "put it in its place", error);
        }
        (void)unlink (beside.data);
    }
    if (done)
        done = folder_sync_of (path, error);
    buffer_free (&beside);
    return done;
}

bool file_exists (const char *path)
{
    struct stat status;
    return stat (path, &status) == 0;
}

bool file_digest (const char *path, struct digest *ret, uint64_t *ret_size, struct error *error)
{
    struct digest_stream stream;
    struct stat status;
    uint8_t *piece;
    uint64_t size = 0;
    ssize_t got;
    int file = open_regular (path, &status, error);
    if (file < 0)
        return false;
    piece = malloc (PIECE_SIZE);
    assert (piece != NULL);
    digest_begin (&stream);
    while ((got = read_some (file, piece, PIECE_SIZE)) > 0) {
        digest_add (&stream, piece, (size_t)got);
        size += (uint64_t)got;
    }
    if (got < 0) {
        (void)file_failed (path, "read it", error);
    } else {
        *ret = digest_end (&stream);
        *ret_size = size;
    }
    free (piece);
    (void)close (file);
    return got == 0;
}

const char *path_join (struct arena *arena, const char *folder, const char *name)
{
    size_t size = strlen (folder);
    const char *between = size > 0 && folder[size - 1] == '/' ? "" : "/";
    return arena_format (arena, "%s%s%s", folder, between, name);
}
