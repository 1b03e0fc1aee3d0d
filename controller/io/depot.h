/* Artefacts and test scripts by their BLAKE2b-256: FOLDER/HEX is whole, synced and checked; FOLDER/HEX.part
   is on its way. An upload is hashed as it comes. One that is resumed after a restart must be hashed from its
   beginning again, which depot_work does in slices, so that a large one stops nobody else. */
#ifndef RELEVO_CONTROLLER_IO_DEPOT_H
#define RELEVO_CONTROLLER_IO_DEPOT_H

#include "common/core/arena.h"
#include "common/core/digest.h"
#include "common/core/error.h"
#include "common/core/text.h"

struct depot;

struct depot_state {
    uint64_t have; /* continue from here */
    bool complete;
    bool busy; /* nothing was taken: call depot_work until it returns false, then ask again */
};

/* Makes the folder where it is missing, and removes parts that nobody went on with for a week. */
bool depot_open (const char *folder, struct depot **ret, struct error *error);
void depot_close (struct depot **depot);

/* A piece of the content, or, with no data, the question how much is there. A piece that does not start at
   what is there already is ignored: `ret->have` says where to go on. The question about a content that is
   whole has its bytes checked: damaged ones are removed, and it begins anew. Bytes that turn out wrong at the
   end are removed (ERROR_INPUT). On a full disk nothing is lost but this piece. */
bool depot_put (
    struct depot *depot, const struct digest *digest, uint64_t length, uint64_t offset, struct bytes data,
    struct depot_state *ret, struct error *error);

/* One slice of hashing. True while there is more. */
bool depot_work (struct depot *depot);

/* Up to `size` bytes at `offset` of a whole content, into `arena`; fewer only at its end. */
bool depot_read (
    struct depot *depot, const struct digest *digest, uint64_t offset, size_t size, struct arena *arena,
    struct bytes *ret, struct error *error);

#endif
