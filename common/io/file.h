/* Files, with bounds and with care for what survives a power loss. */
#ifndef RELEVO_COMMON_IO_FILE_H
#define RELEVO_COMMON_IO_FILE_H

#include <sys/types.h>

#include "common/core/arena.h"
#include "common/core/digest.h"
#include "common/core/error.h"
#include "common/core/text.h"

/* The whole file, at most `most` bytes, into `arena` (with a NUL behind). Regular files only. */
bool file_read (const char *path, size_t most, struct arena *arena, struct bytes *ret, struct error *error);
/* As file_read, for a file that another process appends to meanwhile: what it held when opened. */
bool file_read_start (
    const char *path, size_t most, struct arena *arena, struct bytes *ret, struct error *error);
/* As file_read, for secret keys: refuses a file that others than its owner may read or write, and one that
   belongs to another user than this process's own, who could change it at any time. A link is followed, and
   a second name does not matter: it is the file itself that is judged. The caller wipes what was read. */
bool file_read_secret (
    const char *path, size_t most, struct arena *arena, struct bytes *ret, struct error *error);
/* Wipes what file_read_secret returned; nothing where that failed and `secret` is all zero. */
void file_wipe_secret (struct bytes *secret);
/* Writes beside, syncs, renames over `path`, syncs the folder: old or new, never half. */
bool file_write (const char *path, struct bytes content, mode_t mode, struct error *error);
/* As file_write, but fails with ERROR_CONFLICT where `path` exists already. */
bool file_create (const char *path, struct bytes content, mode_t mode, struct error *error);
bool file_exists (const char *path);
/* The folder and its missing parents. */
bool folder_make (const char *path, mode_t mode, struct error *error);
bool folder_sync (const char *path, struct error *error);
/* Removes a tree without following links; a missing one is fine. */
bool folder_remove (const char *path, struct error *error);
/* Digest and size of a file, read in pieces. */
bool file_digest (const char *path, struct digest *ret, uint64_t *ret_size, struct error *error);
/* "FOLDER/NAME", in `arena`. */
const char *path_join (struct arena *arena, const char *folder, const char *name);

#endif
