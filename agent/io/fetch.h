/* The session's spool: contents on their way in. HEX.part grows from its start; when all bytes are there and
   match the digest, it becomes HEX. What was there before a restart is read again and counts. */
#ifndef RELEVO_AGENT_IO_FETCH_H
#define RELEVO_AGENT_IO_FETCH_H

#include "common/core/digest.h"
#include "common/core/error.h"

struct fetch;

struct fetch_state {
    uint64_t have;
    bool complete;
    bool bad;                     /* all bytes came and did not match: they are gone again */
    char trouble[ERROR_TEXT_MAX]; /* "" if none */
};

/* Opens the folder, for good: later neither its path nor rights on the folders above are needed. Removes what
   nobody has touched for a week. */
bool fetch_new (const char *spool, struct fetch **ret, struct error *error);
void fetch_free (struct fetch **fetch);

void fetch_open (struct fetch *fetch, const struct digest *digest, uint64_t length, struct fetch_state *ret);
/* Bytes at another offset than the end of what is there, or beyond the length, are dropped. */
void fetch_write (
    struct fetch *fetch, const struct digest *digest, uint64_t offset, struct bytes data,
    struct fetch_state *ret);
void fetch_drop (struct fetch *fetch, const struct digest *digest);

#endif
