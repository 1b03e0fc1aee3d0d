/* The installer's own contents: STORE/HEX, each named by its digest. The session's spool is never used in
   place: what it holds may change between the check and the use. */
#ifndef RELEVO_AGENT_IO_STORE_H
#define RELEVO_AGENT_IO_STORE_H

#include <sys/types.h>

#include "common/core/arena.h"
#include "common/core/digest.h"
#include "common/core/error.h"

/* Copies SPOOL/HEX to STORE/HEX. Refuses what is no regular file, has another length, or does not match its
   digest. What is already there and right is left as it is. */
bool store_take (
    const char *store, const char *spool, const struct digest *digest, uint64_t length, struct error *error);

/* Is the content there, with this length and digest? Reads the whole file. */
bool store_has (const char *store, const struct digest *digest, uint64_t length);

/* Copies STORE/HEX to `path`, which must not exist, with this mode; checks it meanwhile. */
bool store_copy (
    const char *store, const struct digest *digest, uint64_t length, const char *path, mode_t mode,
    struct error *error);

/* "STORE/HEX", in `arena`. */
const char *store_path (struct arena *arena, const char *store, const struct digest *digest);

/* Says that an artefact is unpacked, so that store_clear may remove it. */
bool store_mark_unpacked (const char *store, const struct digest *digest, struct error *error);
/* Removes unpacked artefacts and what a crash left behind. Test scripts stay: a return needs the probes of
   the release before. */
bool store_clear (const char *store, struct error *error);

#endif
