/* The works on files that perform.c hands to a child: TAKE, LOOK, STAGE, SWAP and PRUNE. */
#ifndef RELEVO_AGENT_IO_CHORES_H
#define RELEVO_AGENT_IO_CHORES_H

#include "agent/core/installer.h"
#include "agent/io/config.h"

struct chore {
    enum installer_effect_kind kind;
    const struct product_config *product; /* of an act */
    const struct act_order *order;        /* LOOK, ACT */
    struct digest digest;                 /* TAKE */
    uint64_t length;
    const char *store;
    const char *spool;
};

/* An errand_work; `context` is a chore. TAKE and LOOK answer with the digests that the store has, one behind
   the other. */
bool chore_do (void *context, struct buffer *answer, struct error *error);

#endif
