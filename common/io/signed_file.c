#include "common/io/signed_file.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/core/key.h"
#include "common/io/file.h"
#include "common/io/file_part.h"

static const char suffix[] = ".minisig";

enum { NUMBER_DIGITS = 2 * KEY_NUMBER_SIZE, DOCUMENT_MODE = 0644, NAMES_MAX = 1024 };

/* The paths of signature files that lie beside a document, the plain one first, the others by name. */
struct beside {
    const char **paths;
    size_t count;
};

/* "BASE.minisig" or "BASE.0123456789ABCDEF.minisig" */
static bool is_signature_name (const char *name, const char *base)
{
    size_t size = strlen (base);
    if (strncmp (name, base, size) != 0)
        return false;
    name += size;
    if (strcmp (name, suffix) == 0)
        return true;
    if (name[0] != '.')
        return false;
    for (size_t i = 1; i <= NUMBER_DIGITS; i++) {
        if (!isxdigit ((unsigned char)name[i]))
            return false;
    }
    return strcmp (name + 1 + NUMBER_DIGITS, suffix) == 0;
}

/* The plain name is the shortest. */
static int compare_paths (const void *first, const void *second)
{
    const char *const *one = first;
    const char *const *other = second;
    size_t one_size = strlen (*one);
    size_t other_size = strlen (*other);
    return one_size != other_size ? (one_size < other_size ? -1 : 1) : strcmp (*one, *other);
}

static bool list_beside (const char *path, struct arena *arena, struct beside *ret, struct error *error)
{
    const char *slash = strrchr (path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *prefix = arena_text_of (arena, path, (size_t)(base - path));
    const struct dirent *entry;
    struct beside found = {0};
    DIR *folder = opendir (slash == NULL ? "." : prefix);
    bool done = true;
    if (folder == NULL)
        return file_failed (path, "list its folder", error);
    found.paths = arena_array (arena, NAMES_MAX, sizeof *found.paths);
    while (done && (entry = readdir (folder)) != NULL) {
        if (!is_signature_name (entry->d_name, base))
            continue;
        if (found.count == NAMES_MAX)
            done = error_set (
                error, ERROR_LIMIT, "%s: more than %d signature files lie beside it", path, (int)NAMES_MAX);
        else
            found.paths[found.count++] = arena_format (arena, "%s%s", prefix, entry->d_name);
    }
    (void)closedir (folder);
    if (!done)
        return false;
    qsort (found.paths, found.count, sizeof *found.paths, compare_paths);
    *ret = found;
    return true;
}

static bool read_signature (const char *path, struct arena *arena, const char **ret, struct error *error)
{
    struct bytes file;
    if (!file_read (path, LIMIT_SIGNATURE, arena, &file, error))
        return false;
    if (memchr (file.data, 0, file.size) != NULL)
        return error_set (error, ERROR_INPUT, "%s: is not a signature file: it has a zero byte", path);
    *ret = (const char *)file.data;
    return true;
}

bool signed_file_read (const char *path, struct arena *arena, struct envelope *ret, struct error *error)
{
    struct envelope envelope = {0};
    struct beside beside = {0};
    if (!file_read (path, LIMIT_DOCUMENT, arena, &envelope.content, error) ||
        !list_beside (path, arena, &beside, error))
        return false;
    if (beside.count > LIMIT_SIGNATURES)
        return error_set (
            error, ERROR_LIMIT, "%s: has %zu signatures, at most %d are allowed", path, beside.count,
            (int)LIMIT_SIGNATURES);
    envelope.signatures = arena_array (arena, beside.count, sizeof *envelope.signatures);
    for (size_t i = 0; i < beside.count; i++) {
        if (!read_signature (beside.paths[i], arena, &envelope.signatures[i], error))
            return false;
    }
    envelope.signatures_count = beside.count;
    *ret = envelope;
    return true;
}

static const char *plain_path (const char *path, struct arena *arena)
{
    return arena_format (arena, "%s%s", path, suffix);
}

/* The number as minisign shows it: read as a little-endian number. */
static bool numbered_path (
    const char *path, const char *signature, struct arena *arena, const char **ret, struct error *error)
{
    uint8_t bytes[KEY_NUMBER_SIZE];
    uint64_t number = 0;
    if (!signature_key_number (signature, bytes, error))
        return false;
    for (size_t i = KEY_NUMBER_SIZE; i > 0; i--)
        number = number << 8 | bytes[i - 1];
    *ret = arena_format (arena, "%s.%016" PRIX64 "%s", path, number, suffix);
    return true;
}

/* Where each signature of the envelope goes. Two further ones of one number would share a file. */
static bool assign_paths (
    const char *path, const struct envelope *envelope, struct arena *arena, const char **paths,
    struct error *error)
{
    for (size_t i = 0; i < envelope->signatures_count; i++) {
        if (!numbered_path (path, envelope->signatures[i], arena, &paths[i], error))
            return error_context (error, "%s: signature %zu", path, i + 1);
        if (i == 0)
            paths[0] = plain_path (path, arena);
        for (size_t j = 1; j < i; j++) {
            if (strcmp (paths[i], paths[j]) == 0)
                return error_set (
                    error, ERROR_CONFLICT, "%s: signatures %zu and %zu have the same key number", path, j + 1,
                    i + 1);
        }
    }
    return true;
}

static bool remove_beside (const char *path, struct arena *arena, struct error *error)
{
    struct beside old = {0};
    if (!list_beside (path, arena, &old, error))
        return false;
    for (size_t i = 0; i < old.count; i++) {
        if (unlink (old.paths[i]) != 0 && errno != ENOENT)
            return file_failed (old.paths[i], "remove it", error);
    }
    return true;
}

static bool write_envelope (
    const char *path, const struct envelope *envelope, struct arena *arena, struct error *error)
{
    const char **paths = arena_array (arena, envelope->signatures_count, sizeof *paths);
    if (envelope->signatures_count > LIMIT_SIGNATURES)
        return error_set (
            error, ERROR_LIMIT, "%s: %zu signatures, at most %d are allowed", path,
            envelope->signatures_count, (int)LIMIT_SIGNATURES);
    if (!assign_paths (path, envelope, arena, paths, error) || !remove_beside (path, arena, error))
        return false;
    for (size_t i = 0; i < envelope->signatures_count; i++) {
        if (!file_write (paths[i], bytes_of_text (envelope->signatures[i]), DOCUMENT_MODE, error))
            return false;
    }
    return file_write (path, envelope->content, DOCUMENT_MODE, error);
}

bool signed_file_write (const char *path, const struct envelope *envelope, struct error *error)
{
    struct arena arena = {0};
    bool done = write_envelope (path, envelope, &arena, error);
    arena_free (&arena);
    return done;
}

/* The plain file, where it is free or bears a signature of the same key number; else the numbered one. */
static bool choose_path (
    const char *path, const char *signature, const struct beside *beside, struct arena *arena,
    const char **ret, struct error *error)
{
    const char *plain = plain_path (path, arena);
    const char *numbered = NULL;
    const char *there = NULL;
    const char *there_numbered = NULL;
    bool taken = beside->count > 0 && strcmp (beside->paths[0], plain) == 0;
    if (!numbered_path (path, signature, arena, &numbered, error))
        return false;
    for (size_t i = 0; i < beside->count; i++) {
        if (strcasecmp (beside->paths[i], numbered) == 0) {
            *ret = beside->paths[i];
            return true;
        }
    }
    if (taken) {
        if (!read_signature (plain, arena, &there, error))
            return false;
        if (!numbered_path (path, there, arena, &there_numbered, error))
            return error_context (error, "%s", plain);
        if (strcmp (there_numbered, numbered) != 0)
            plain = numbered;
    }
    *ret = plain;
    return true;
}

bool signed_file_add (
    const char *path, const char *signature, struct arena *arena, const char **ret_path, struct error *error)
{
    struct beside beside = {0};
    const char *target = NULL;
    bool replaces = false;
    if (!file_exists (path))
        return error_set (error, ERROR_MISSING, "%s: there is no such file to sign", path);
    if (!list_beside (path, arena, &beside, error) ||
        !choose_path (path, signature, &beside, arena, &target, error))
        return false;
    assert (target != NULL);
    for (size_t i = 0; i < beside.count; i++)
        replaces = replaces || strcmp (beside.paths[i], target) == 0;
    if (!replaces && beside.count >= LIMIT_SIGNATURES)
        return error_set (
            error, ERROR_LIMIT, "%s: has %d signatures already, and no more are allowed", path,
            (int)LIMIT_SIGNATURES);
    if (!file_write (target, bytes_of_text (signature), DOCUMENT_MODE, error))
        return false;
    if (ret_path != NULL)
        *ret_path = target;
    return true;
}
