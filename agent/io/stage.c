#include "agent/io/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/io/store.h"
#include "agent/io/unpack.h"
#include "common/io/file.h"

const struct stage_limits stage_limits_default = {
    .most_entries = 2000000, .most_bytes = UINT64_C (64) * 1024 * 1024 * 1024};

struct staging {
    const char *store;
    const char *releases;
    const char *partial;
    const char *final;
    const struct artifact *artifacts;
    size_t count;
};

static bool unpack_all (const struct staging *staging, struct unpack_budget *budget, struct error *error)
{
    struct arena arena = {0};
    bool good = true;
    size_t i;
    for (i = 0; good && i < staging->count; i++) {
        const struct artifact *artifact = &staging->artifacts[i];
        good =
            unpack (store_path (&arena, staging->store, &artifact->digest), staging->partial, budget, error);
        if (!good)
            (void)error_context (error, "artefact %s", artifact->name);
    }
    arena_free (&arena);
    if (good && budget->unpacked == 0)
        return error_set (error, ERROR_INPUT, "the artefacts hold no files: nothing would run");
    return good;
}

/* One syncfs writes out all that was unpacked, folders too; only then may the name without ".partial" exist.
 */
static bool commit (const struct staging *staging, struct error *error)
{
    int folder = open (staging->partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    bool good = folder >= 0 && fchmod (folder, 0755) == 0 && syncfs (folder) == 0;
    if (!good)
        (void)error_set (error, ERROR_SYSTEM, "sync %s: %s", staging->partial, strerror (errno));
    if (folder >= 0)
        (void)close (folder);
    if (good && rename (staging->partial, staging->final) != 0)
        good = error_set (error, ERROR_SYSTEM, "%s: %s", staging->final, strerror (errno));
    return good && folder_sync (staging->releases, error);
}

static bool mark_unpacked (const struct staging *staging, struct error *error)
{
    size_t i;
    for (i = 0; i < staging->count; i++)
        if (!store_mark_unpacked (staging->store, &staging->artifacts[i].digest, error))
            return false;
    return true;
}

static bool stage_fresh (
    const struct staging *staging, const struct stage_limits *limits, struct error *error)
{
    struct unpack_budget budget = {.entries = limits->most_entries, .bytes = limits->most_bytes};
    bool good = folder_remove (staging->partial, error) && folder_make (staging->partial, 0755, error) &&
                unpack_all (staging, &budget, error) && commit (staging, error);
    if (!good)
        (void)folder_remove (staging->partial, NULL);
    return good;
}

static bool is_component (const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr (name, '/') == NULL;
}

bool stage (
    const char *releases, const char *name, const char *store, const struct artifact *artifacts, size_t count,
    const struct stage_limits *limits, struct error *error)
{
    struct arena arena = {0};
    struct staging staging = {.store = store, .releases = releases, .artifacts = artifacts, .count = count};
    struct stat status;
    bool good = true;
    if (!is_component (name))
        return error_set (error, ERROR_INPUT, "\"%s\" can't be a release's folder", name);
    staging.final = path_join (&arena, releases, name);
    staging.partial = arena_format (&arena, "%s.partial", staging.final);
    if (!folder_make (releases, 0755, error))
        good = false;
    else if (lstat (staging.final, &status) != 0)
        good = stage_fresh (&staging, limits, error);
    else if (!S_ISDIR (status.st_mode))
        good = error_set (error, ERROR_CONFLICT, "%s is no folder: move it away", staging.final);
    if (good)
        good = mark_unpacked (&staging, error);
    arena_free (&arena);
    return good;
}
