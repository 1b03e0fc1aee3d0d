/* Giving up root's rights, for good. */
#ifndef RELEVO_COMMON_IO_PRIVILEGES_H
#define RELEVO_COMMON_IO_PRIVILEGES_H

#include <sys/types.h>

#include "common/core/error.h"

struct privileges {
    uid_t user;
    gid_t group;
};

/* Who that is on this host. */
bool privileges_find (const char *user, struct privileges *ret, struct error *error);

/* Becomes that user with no further groups, where the process is root; in any case nothing that it executes
   can gain rights any more. */
bool privileges_drop (const struct privileges *privileges, struct error *error);

#endif
