/* From the journal, or from the first documents, to a controller that can start. */
#ifndef RELEVO_CONTROLLER_IO_HISTORY_H
#define RELEVO_CONTROLLER_IO_HISTORY_H

#include "controller/core/controller.h"
#include "controller/io/config.h"
#include "controller/io/store.h"

/* Reads the signing key (which must have no password, and no reader but its owner) and fills the options for
   controller_new. Memory from `arena`; wipe `ret->key` after controller_new. */
bool history_options (
    const struct config *config, struct arena *arena, struct controller_options *ret, struct error *error);

/* What was read: for people. */
struct history {
    struct controller *controller;
    uint64_t entries;
    uint64_t rollouts;
    uint64_t epochs;
    struct instant newest;
};

/* A store_visit with a struct history as its context: applies each row. */
bool history_apply (void *context, const struct store_row *row, struct error *error);

/* The trust and fleet documents that the configuration names. */
struct history_first {
    bool there;
    struct error why; /* where they could not be read: only an empty journal needs them */
    struct envelope trust;
    struct envelope fleet;
};

/* Memory from `arena`. To be called while root's files can still be read. */
void history_first_read (const struct config *config, struct arena *arena, struct history_first *ret);

/* For an empty journal: judges the first documents, applies them, and appends them to `store` in one
   transaction. With `store` NULL: only judges and applies. */
bool history_begin (
    struct history *history, const struct config *config, const struct history_first *first,
    const struct public_key *signing, struct store *store, struct instant now, struct error *error);

#endif
