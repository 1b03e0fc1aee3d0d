#include "agent/io/swap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/file.h"

#define CURRENT "current"
#define CURRENT_NEXT ".current.next"
#define PARTIAL ".partial"

static bool check_current (int root, const char *path, struct error *error)
{
    struct stat status;
    if (fstatat (root, CURRENT, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ||
               error_set (error, ERROR_SYSTEM, "%s/" CURRENT ": %s", path, strerror (errno));
    return S_ISLNK (status.st_mode) ||
           error_set (
               error, ERROR_CONFLICT,
               "%s/" CURRENT " is no symbolic link: move it away, relevo makes its own", path);
}

static bool remove_current (int root, const char *path, struct error *error)
{
    if (unlinkat (root, CURRENT, 0) != 0 && errno != ENOENT)
        return error_set (error, ERROR_SYSTEM, "remove %s/" CURRENT ": %s", path, strerror (errno));
    return true;
}

static bool point_current (int root, const char *path, const char *folder, struct error *error)
{
    char target[PATH_MAX];
    struct stat status;
    int size = snprintf (target, sizeof target, "releases/%s", folder);
    if (folder[0] == '.' || strchr (folder, '/') != NULL || size < 0 || (size_t)size >= sizeof target)
        return error_set (error, ERROR_INPUT, "\"%s\" can't be a release's folder", folder);
    if (fstatat (root, target, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR (status.st_mode))
        return error_set (error, ERROR_MISSING, "%s/%s is not there: " CURRENT " stays", path, target);
    if (unlinkat (root, CURRENT_NEXT, 0) != 0 && errno != ENOENT)
        return error_set (error, ERROR_SYSTEM, "%s/" CURRENT_NEXT ": %s", path, strerror (errno));
    if (symlinkat (target, root, CURRENT_NEXT) != 0 || renameat (root, CURRENT_NEXT, root, CURRENT) != 0)
        return error_set (error, ERROR_SYSTEM, "%s/" CURRENT ": %s", path, strerror (errno));
    return true;
}

bool swap (const char *root, const char *folder, struct error *error)
{
    int descriptor = open (root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good;
    if (descriptor < 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", root, strerror (errno));
    good = check_current (descriptor, root, error) &&
           (folder[0] == '\0' ? remove_current (descriptor, root, error)
                              : point_current (descriptor, root, folder, error));
    if (good && fsync (descriptor) != 0)
        good = error_set (error, ERROR_SYSTEM, "sync %s: %s", root, strerror (errno));
    (void)close (descriptor);
    return good;
}

static bool ends_with (const char *text, const char *ending)
{
    size_t size = strlen (text);
    size_t most = strlen (ending);
    return size > most && strcmp (text + size - most, ending) == 0;
}

static bool stays (const char *name, const char *current, const char *const *keep, size_t count)
{
    size_t i;
    if (strcmp (name, current) == 0)
        return true;
    for (i = 0; i < count; i++)
        if (strcmp (name, keep[i]) == 0)
            return true;
    return false;
}

/* A release that is half removed must not look complete: it becomes a partial one first. */
static bool remove_release (const char *releases, const char *name, struct error *error)
{
    struct arena arena = {0};
    const char *whole = path_join (&arena, releases, name);
    const char *partial = ends_with (name, PARTIAL) ? whole : arena_format (&arena, "%s" PARTIAL, whole);
    bool good = true;
    if (partial != whole) {
        good = folder_remove (partial, error);
        if (good && rename (whole, partial) != 0)
            good = error_set (error, ERROR_SYSTEM, "%s: %s", whole, strerror (errno));
        good = good && folder_sync (releases, error);
    }
    good = good && folder_remove (partial, error);
    arena_free (&arena);
    return good;
}

static const char *current_release (const char *root, char target[PATH_MAX])
{
    struct arena arena = {0};
    ssize_t size = readlink (path_join (&arena, root, CURRENT), target, PATH_MAX - 1);
    arena_free (&arena);
    target[size > 0 ? size : 0] = '\0';
    return strncmp (target, "releases/", 9) == 0 ? target + 9 : "";
}

/* Names first, removal afterwards: removing while reading a folder may skip entries. */
static bool list_outdated (
    const char *root, const char *releases, const char *const *keep, size_t count, struct buffer *names,
    struct error *error)
{
    char target[PATH_MAX];
    const char *current = current_release (root, target);
    const struct dirent *entry;
    DIR *folder = opendir (releases);
    if (folder == NULL)
        return errno == ENOENT || error_set (error, ERROR_SYSTEM, "%s: %s", releases, strerror (errno));
    while ((entry = readdir (folder)) != NULL)
        if (entry->d_name[0] != '.' && !stays (entry->d_name, current, keep, count))
            buffer_append (names, entry->d_name, strlen (entry->d_name) + 1);
    (void)closedir (folder);
    return true;
}

bool prune (const char *root, const char *const *keep, size_t keep_count, struct error *error)
{
    struct arena arena = {0};
    struct buffer names = {0};
    const char *releases = path_join (&arena, root, "releases");
    bool good = list_outdated (root, releases, keep, keep_count, &names, error);
    size_t at = 0;
    while (good && at < names.size) {
        good = remove_release (releases, names.data + at, error);
        at += strlen (names.data + at) + 1;
    }
    buffer_free (&names);
    arena_free (&arena);
    return good;
}
