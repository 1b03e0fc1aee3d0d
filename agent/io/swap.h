/* `current`: one symbolic link, changed by one rename, so that at every moment it names the old release or
   the new one. */
#ifndef RELEVO_AGENT_IO_SWAP_H
#define RELEVO_AGENT_IO_SWAP_H

#include "common/core/error.h"

#include <stddef.h>

/* ROOT/current -> releases/FOLDER, which must be there. "" removes the link. */
bool swap (const char *root, const char *folder, struct error *error);

/* Removes releases beyond `keep`, and half-unpacked ones; never what `current` names. */
bool prune (const char *root, const char *const *keep, size_t keep_count, struct error *error);

#endif
