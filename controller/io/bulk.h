/* What is large or only read, and needs no decision: pieces of content up and down, and pages of the journal.
   The message table has said already that the sender may ask. */
#ifndef RELEVO_CONTROLLER_IO_BULK_H
#define RELEVO_CONTROLLER_IO_BULK_H

#include "controller/io/depot.h"
#include "controller/io/perform.h"

enum { BULK_MOST_WAITING = 256 };

/* An upload whose beginning is being hashed again: its sender is answered when that is done. */
struct bulk_waiting {
    struct route route;
    uint64_t request;
    uint64_t length;
    struct digest content;
    char name[LIMIT_LINE + 1];
};

struct bulk {
    struct performer *performer;
    struct depot *depot;
    struct store *store;
    struct bulk_waiting *waiting[BULK_MOST_WAITING];
    size_t waiting_count;
    char name[LIMIT_LINE + 1]; /* of the upload that bulk_work has just made whole */
};

/* Content that has just become whole: the core must hear of it, and the journal hold it, before its sender is
   told by bulk_acknowledge. */
struct bulk_stored {
    struct route route;
    uint64_t request;
    struct content_row row; /* its name is valid as long as the message, or until the next call */
    bool there;             /* false: nothing to do */
};

/* True where the message was one of these, and is done with, but for `ret`. */
bool bulk_message (
    struct bulk *bulk, const struct route *route, const struct message *message, struct instant now,
    struct bulk_stored *ret);

/* One slice of the hashing that uploads wait for. True where it should be called again soon. */
bool bulk_work (struct bulk *bulk, struct instant now, struct bulk_stored *ret);

/* Tells the sender that its content is stored. */
void bulk_acknowledge (struct bulk *bulk, const struct bulk_stored *stored);

void bulk_free (struct bulk *bulk);

#endif
