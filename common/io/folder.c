#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/file.h"
#include "common/io/file_part.h"

/* One descriptor is open a level, so the depth is bounded well below the usual limit of 1024 descriptors. */
enum { FOLDER_DEPTH_MAX = 256 };

bool folder_sync (const char *path, struct error *error)
{
    bool done;
    int folder = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return file_failed (path, "open the folder", error);
    done = fsync (folder) == 0 || file_failed (path, "sync the folder", error);
    (void)close (folder);
    return done;
}

static bool make_one (const char *path, mode_t mode, struct error *error)
{
    struct stat status;
    if (mkdir (path, mode) == 0)
        return folder_sync_of (path, error);
    if (errno != EEXIST)
        return file_failed (path, "make the folder", error);
    if (stat (path, &status) != 0)
        return file_failed (path, "look at it", error);
    if (!S_ISDIR (status.st_mode))
        return error_set (error, ERROR_CONFLICT, "%s: is in the way: it is not a folder", path);
    return true;
}

bool folder_make (const char *path, mode_t mode, struct error *error)
{
    char *partial = strdup (path);
    size_t size = strlen (path);
    bool done = true;
    assert (partial != NULL);
    while (size > 1 && partial[size - 1] == '/')
        partial[--size] = '\0';
    for (size_t i = 1; i < size && done; i++) {
        if (partial[i] != '/' || partial[i - 1] == '/')
            continue;
        partial[i] = '\0';
        done = make_one (partial, mode, error);
        partial[i] = '/';
    }
    done = done && make_one (partial, mode, error);
    free (partial);
    return done;
}

/* The tree that is being removed: for its name in errors, and to stay on its file system. */
struct removal {
    const char *path;
    dev_t device;
    struct error *error;
};

static bool remove_entry (const struct removal *removal, int parent, const char *name, unsigned depth);

static bool is_dots (const char *name)
{
    return strcmp (name, ".") == 0 || strcmp (name, "..") == 0;
}

/* A folder may skip entries in a listing while others are being removed from it: list until none is left. */
static bool remove_entries (const struct removal *removal, DIR *folder, unsigned depth)
{
    size_t removed;
    do {
        const struct dirent *entry;
        removed = 0;
        rewinddir (folder);
        while ((entry = readdir (folder)) != NULL) {
            if (is_dots (entry->d_name))
                continue;
            if (!remove_entry (removal, dirfd (folder), entry->d_name, depth + 1))
                return false;
            removed++;
        }
    } while (removed > 0);
    return true;
}

static bool remove_folder (const struct removal *removal, int parent, const char *name, unsigned depth)
{
    bool done;
    DIR *folder;
    int file = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return file_failed (removal->path, "open a folder in it", removal->error);
    /* A read-only folder of ours could not be emptied; where this fails, the removal says why. */
    (void)fchmod (file, S_IRWXU);
    folder = fdopendir (file);
    assert (folder != NULL);
    done = remove_entries (removal, folder, depth);
    (void)closedir (folder);
    if (!done)
        return false;
    return unlinkat (parent, name, AT_REMOVEDIR) == 0 ||
           file_failed (removal->path, "remove a folder in it", removal->error);
}

static bool remove_entry (const struct removal *removal, int parent, const char *name, unsigned depth)
{
    struct stat status;
    if (depth > FOLDER_DEPTH_MAX)
        return error_set (
            removal->error, ERROR_LIMIT, "%s: is nested deeper than %d folders", removal->path,
            (int)FOLDER_DEPTH_MAX);
    if (fstatat (parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || file_failed (removal->path, "look into it", removal->error);
    if (status.st_dev != removal->device)
        return error_set (
            removal->error, ERROR_CONFLICT, "%s: something is mounted on \"%s\" in it; unmount it first",
            removal->path, name);
    if (S_ISDIR (status.st_mode))
        return remove_folder (removal, parent, name, depth);
    return unlinkat (parent, name, 0) == 0 || errno == ENOENT ||
           file_failed (removal->path, "remove a file in it", removal->error);
}

bool folder_remove (const char *path, struct error *error)
{
    struct stat status;
    if (lstat (path, &status) != 0)
        return errno == ENOENT || file_failed (path, "look at it", error);
    struct removal removal = {path, status.st_dev, error};
    return remove_entry (&removal, AT_FDCWD, path, 0);
}
