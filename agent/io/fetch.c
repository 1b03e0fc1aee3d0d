#include "agent/io/fetch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/clock.h"

enum {
    FETCH_FILES = 256, /* contents that grow at the same time */
    FETCH_PIECE = 128 * 1024,
    FETCH_OLD_SECONDS = 7 * 24 * 3600,
    FETCH_NAME = DIGEST_TEXT_SIZE + 8,
};

struct growing {
    struct digest digest;
    uint64_t length;
    uint64_t have;
    int descriptor;
    struct digest_stream stream;
};

struct fetch {
    int folder;
    struct growing files[FETCH_FILES];
    size_t count;
};

static void name_of (const struct digest *digest, const char *ending, char ret[FETCH_NAME])
{
    char text[DIGEST_TEXT_SIZE];
    (void)snprintf (ret, FETCH_NAME, "%s%s", digest_print (digest, text), ending);
}

static void set_trouble (struct fetch_state *state, const char *what)
{
    (void)snprintf (state->trouble, sizeof state->trouble, "spool: %s: %s", what, strerror (errno));
}

static void remove_old (int folder)
{
    int64_t oldest = clock_now ().ms / 1000 - FETCH_OLD_SECONDS;
    int copy = fcntl (folder, F_DUPFD_CLOEXEC, 3);
    DIR *list = copy >= 0 ? fdopendir (copy) : NULL;
    const struct dirent *entry;
    struct stat status;
    if (list == NULL) {
        if (copy >= 0)
            (void)close (copy);
        return;
    }
    while ((entry = readdir (list)) != NULL)
        if (fstatat (folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (status.st_mode) &&
            status.st_mtime < oldest)
            (void)unlinkat (folder, entry->d_name, 0);
    (void)closedir (list);
}

bool fetch_new (const char *spool, struct fetch **ret, struct error *error)
{
    struct fetch *fetch;
    int folder = open (spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", spool, strerror (errno));
    fetch = calloc (1, sizeof *fetch);
    assert (fetch != NULL);
    fetch->folder = folder;
    remove_old (folder);
    *ret = fetch;
    return true;
}

static struct growing *find (struct fetch *fetch, const struct digest *digest)
{
    size_t i;
    for (i = 0; i < fetch->count; i++)
        if (digest_equal (&fetch->files[i].digest, digest))
            return &fetch->files[i];
    return NULL;
}

static void forget (struct fetch *fetch, struct growing *file)
{
    (void)close (file->descriptor);
    *file = fetch->files[--fetch->count];
}

void fetch_free (struct fetch **fetch)
{
    if (*fetch == NULL)
        return;
    while ((*fetch)->count > 0)
        forget (*fetch, &(*fetch)->files[0]);
    (void)close ((*fetch)->folder);
    free (*fetch);
    *fetch = NULL;
}

/* Reads what is there into the stream; false where it can't be read or is longer than it may be. */
static bool read_again (struct growing *file)
{
    char *piece = malloc (FETCH_PIECE);
    ssize_t size;
    assert (piece != NULL);
    digest_begin (&file->stream);
    file->have = 0;
    while ((size = pread (file->descriptor, piece, FETCH_PIECE, (off_t)file->have)) > 0 &&
           file->have + (uint64_t)size <= file->length) {
        digest_add (&file->stream, piece, (size_t)size);
        file->have += (uint64_t)size;
    }
    free (piece);
    return size == 0;
}

static bool start_over (struct growing *file)
{
    file->have = 0;
    digest_begin (&file->stream);
    return ftruncate (file->descriptor, 0) == 0;
}

static void finish (struct fetch *fetch, struct growing *file, struct fetch_state *ret)
{
    struct digest found = digest_end (&file->stream);
    char part[FETCH_NAME];
    char whole[FETCH_NAME];
    name_of (&file->digest, ".part", part);
    name_of (&file->digest, "", whole);
    if (!digest_equal (&found, &file->digest)) {
        ret->bad = true;
        ret->have = 0;
        (void)unlinkat (fetch->folder, part, 0);
    } else if (renameat (fetch->folder, part, fetch->folder, whole) != 0) {
        /* Not synced: what a power loss takes is noticed by its digest, and fetched again. */
        set_trouble (ret, "finish a content");
    } else {
        ret->complete = true;
    }
    forget (fetch, file);
}

static void tell (struct fetch *fetch, struct growing *file, struct fetch_state *ret)
{
    ret->have = file->have;
    if (file->have == file->length)
        finish (fetch, file, ret);
}

static int open_part (struct fetch *fetch, const struct digest *digest, struct fetch_state *ret)
{
    char whole[FETCH_NAME];
    char part[FETCH_NAME];
    int descriptor;
    name_of (digest, "", whole);
    name_of (digest, ".part", part);
    /* A finished one is checked again like any other: going back to .part makes that one way. */
    (void)renameat (fetch->folder, whole, fetch->folder, part);
    descriptor =
        openat (fetch->folder, part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (descriptor < 0)
        set_trouble (ret, "open a content");
    return descriptor;
}

void fetch_open (struct fetch *fetch, const struct digest *digest, uint64_t length, struct fetch_state *ret)
{
    struct growing *file = find (fetch, digest);
    int descriptor;
    *ret = (struct fetch_state){0};
    if (file != NULL && file->length == length) {
        ret->have = file->have;
        return;
    }
    if (file != NULL)
        forget (fetch, file);
    if (fetch->count == FETCH_FILES) {
        errno = EMFILE;
        set_trouble (ret, "too many contents at once");
        return;
    }
    descriptor = open_part (fetch, digest, ret);
    if (descriptor < 0)
        return;
    file = &fetch->files[fetch->count++];
    *file = (struct growing){.digest = *digest, .length = length, .descriptor = descriptor};
    if (!read_again (file) && !start_over (file)) {
        set_trouble (ret, "read a content again");
        forget (fetch, file);
        return;
    }
    tell (fetch, file, ret);
}

static bool append (struct growing *file, struct bytes data)
{
    size_t done = 0;
    while (done < data.size) {
        ssize_t size =
            pwrite (file->descriptor, data.data + done, data.size - done, (off_t)(file->have + done));
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return false;
        done += (size_t)size;
    }
    digest_add (&file->stream, data.data, data.size);
    file->have += data.size;
    return true;
}

void fetch_write (
    struct fetch *fetch, const struct digest *digest, uint64_t offset, struct bytes data,
    struct fetch_state *ret)
{
    struct growing *file = find (fetch, digest);
    *ret = (struct fetch_state){0};
    if (file == NULL)
        return;
    if (offset == file->have && data.size <= file->length - file->have && !append (file, data))
        set_trouble (ret, "write a content");
    tell (fetch, file, ret);
}

void fetch_drop (struct fetch *fetch, const struct digest *digest)
{
    struct growing *file = find (fetch, digest);
    char name[FETCH_NAME];
    if (file != NULL)
        forget (fetch, file);
    name_of (digest, "", name);
    (void)unlinkat (fetch->folder, name, 0);
    name_of (digest, ".part", name);
    (void)unlinkat (fetch->folder, name, 0);
}
