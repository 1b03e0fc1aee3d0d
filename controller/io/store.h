/* The journal of relevod: journal.sqlite in the state folder. One table, append-only, every row chained to
   the one before by BLAKE2b-256, so that a changed byte anywhere is noticed at the next start and by every
   audit. A row that was appended survives a power loss. */
#ifndef RELEVO_CONTROLLER_IO_STORE_H
#define RELEVO_CONTROLLER_IO_STORE_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "common/core/text.h"
#include "proto/messages.h"

struct store;

enum store_mode {
    STORE_WRITE, /* takes the folder for this process alone */
    STORE_READ,  /* beside a running relevod; store_append is not allowed */
};

struct store_entry {
    unsigned number;   /* of the ENTRY in messages.def */
    struct bytes body; /* as message_encode wrote it */
};

struct store_row {
    uint64_t sequence; /* from 1, without a gap */
    struct instant at;
    unsigned number;
    struct digest chain;
    struct bytes body; /* valid during the call */
};

/* Sees every row, in order. False stops the reading with `error`. */
typedef bool (*store_visit) (void *context, const struct store_row *row, struct error *error);

/* Opens the journal in `folder` (STORE_WRITE: makes both where they are missing), checks every row's chain
   and shows each row to `visit` (may be NULL). An error about a row says its sequence. */
bool store_open (
    const char *folder, enum store_mode mode, store_visit visit, void *context, struct store **ret,
    struct error *error);
void store_close (struct store **store);

/* All of them or none, durable on return. After a failure nothing is known about the journal's end: close it,
   and stop. */
bool store_append (
    struct store *store, struct instant at, const struct store_entry *entries, size_t count,
    struct error *error);

/* The sequence of the newest row; 0: empty. */
uint64_t store_newest (const struct store *store);

/* Up to `most` rows behind `after`, fewer where their bodies pass `most_bytes` together (but one, if there is
   one). Memory from `arena`. */
bool store_page (
    struct store *store, uint64_t after, size_t most, size_t most_bytes, struct arena *arena,
    struct audit_row **ret, size_t *ret_count, bool *ret_more, struct error *error);

#endif
