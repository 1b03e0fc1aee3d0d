/* Unpacks one archive, as from a stranger: no entry gets out of the folder, nothing but files, folders and
   links comes into being, and the amount is bounded. */
#ifndef RELEVO_AGENT_IO_UNPACK_H
#define RELEVO_AGENT_IO_UNPACK_H

#include "common/core/error.h"

#include <stdint.h>

/* What is still allowed; shared by the archives of one release. */
struct unpack_budget {
    uint64_t entries;
    uint64_t bytes;
    uint64_t unpacked; /* entries so far */
};

/* Changes the working folder meanwhile: not for programs with threads. */
bool unpack (const char *archive, const char *folder, struct unpack_budget *budget, struct error *error);

#endif
