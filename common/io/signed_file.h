/* Signed documents as files that minisign understands: FILE holds the exact bytes, FILE.minisig the first
   signature, and FILE.NUMBER.minisig (NUMBER: sixteen hexadecimal digits of the key number) each further one.
 */
#ifndef RELEVO_COMMON_IO_SIGNED_FILE_H
#define RELEVO_COMMON_IO_SIGNED_FILE_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "proto/messages.h"

/* The content and every signature that lies beside it (none is fine). Memory from `arena`. */
bool signed_file_read (const char *path, struct arena *arena, struct envelope *ret, struct error *error);
/* All of it, signatures first, content last, each whole or not at all. Old signature files of that path are
 * removed. */
bool signed_file_write (const char *path, const struct envelope *envelope, struct error *error);
/* Adds one signature beside an existing file, or replaces the one by the same key. `ret_path` (may be NULL)
   is where it lies, from `arena`. */
bool signed_file_add (
    const char *path, const char *signature, struct arena *arena, const char **ret_path, struct error *error);

#endif
