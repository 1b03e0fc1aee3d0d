/* The installer's journal: what must outlast a power loss, as an append-only file of ENTRY records.

   One record: the body's length as u32 LE, eight bytes of BLAKE2b over length and body, the body as
   message_encode writes it. An append is on the disk before it returns. What a crash left of a last record is
   cut off at open; anything wrong before that is an error, because it was acknowledged once. */
#ifndef RELEVO_AGENT_IO_JOURNAL_H
#define RELEVO_AGENT_IO_JOURNAL_H

#include "common/core/error.h"
#include "proto/message.h"

struct journal;

/* Called for each record in order; the record lives until the call returns. False ends the reading. */
typedef bool (*journal_visit) (
    void *context, const struct record_type *type, const void *record, struct error *error);

/* Opens or makes the file, visits what it holds, and cuts off a torn end. `ret_cut` is how many bytes that
   were. A file that holds mostly outdated clock notes is written anew without them. */
bool journal_open (
    const char *path, journal_visit visit, void *context, struct journal **ret, uint64_t *ret_cut,
    struct error *error);
/* Visits without changing anything, also beside the program that appends; a torn end is left alone. A missing
 * file has no records. */
bool journal_read (const char *path, journal_visit visit, void *context, struct error *error);
/* On failure the file is as it was; if even that is not certain, every later append fails too. */
bool journal_append (
    struct journal *journal, const struct record_type *type, const void *record, struct error *error);
void journal_close (struct journal **journal);

#endif
