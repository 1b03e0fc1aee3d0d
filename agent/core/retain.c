/* Which release folders stay on a host: the newest few, and always those that the host could go back to. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/installer_state.h"

/* Beyond this the oldest name is forgotten: keep_releases is at most 1000. */
enum { FOLDERS_KNOWN = 1008 };

static char *text_keep (const char *text)
{
    size_t size = strlen (text) + 1;
    char *copy = malloc (size);
    assert (copy != NULL);
    return memcpy (copy, text, size);
}

static size_t folder_place (const struct row *row, const char *folder)
{
    size_t place = 0;
    while (place < row->folder_count && strcmp (row->folders[place], folder) != 0)
        place++;
    return place;
}

void retain_note (struct row *row, const char *folder)
{
    size_t place = folder_place (row, folder);
    char *name;
    if (folder[0] == '\0')
        return;
    if (place < row->folder_count)
        name = row->folders[place];
    else {
        name = text_keep (folder);
        if (row->folder_count == FOLDERS_KNOWN)
            free (row->folders[--row->folder_count]);
        place = row->folder_count++;
        row->folders = realloc (row->folders, row->folder_count * sizeof *row->folders);
        assert (row->folders != NULL);
    }
    (void)memmove (row->folders + 1, row->folders, place * sizeof *row->folders);
    row->folders[0] = name;
}

void retain_good (struct row *row)
{
    const char *folder = row->release.folder;
    if (folder[0] == '\0' || (row->good != NULL && strcmp (row->good, folder) == 0))
        return;
    free (row->good_before);
    row->good_before = row->good;
    row->good = text_keep (folder);
}

static size_t keep_one (const char *folder, const char **ret, size_t count)
{
    if (folder == NULL || folder[0] == '\0')
        return count;
    for (size_t i = 0; i < count; i++)
        if (strcmp (ret[i], folder) == 0)
            return count;
    ret[count] = folder;
    return count + 1;
}

size_t retain_keep (const struct row *row, uint64_t keep_releases, const char **ret)
{
    size_t count = 0;
    for (size_t i = 0; i < row->folder_count && i < keep_releases; i++)
        count = keep_one (row->folders[i], ret, count);
    count = keep_one (row->release.folder, ret, count);
    count = keep_one (row->release.previous_folder, ret, count);
    count = keep_one (row->good, ret, count);
    return keep_one (row->good_before, ret, count);
}

/* The names of folders that are gone are forgotten with them. */
void retain_pruned (struct row *row, uint64_t keep_releases)
{
    const char **keep = calloc (row->folder_count + 4, sizeof *keep);
    size_t kept;
    size_t count = 0;
    assert (keep != NULL);
    kept = retain_keep (row, keep_releases, keep);
    for (size_t i = 0; i < row->folder_count; i++) {
        bool stays = false;
        for (size_t k = 0; k < kept; k++)
            stays = stays || strcmp (keep[k], row->folders[i]) == 0;
        if (stays)
            row->folders[count++] = row->folders[i];
        else
            free (row->folders[i]);
    }
    row->folder_count = count;
    free (keep);
}

void retain_free (struct row *row)
{
    for (size_t i = 0; i < row->folder_count; i++)
        free (row->folders[i]);
    free (row->folders);
    free (row->good);
    free (row->good_before);
}
