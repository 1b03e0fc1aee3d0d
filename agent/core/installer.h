/* The installer's one door: an event in, ordered effects out. The only part of relevo that changes a host,
   and it believes nobody: every document is verified here, every permit judged with its evidence by
   common/core/gate.

   State is rebuilt from the installer's journal by installer_apply. A RECORD is durable before the effect
   after it is done: an act's note_act (finished = false) goes before the act. */
#ifndef RELEVO_AGENT_CORE_INSTALLER_H
#define RELEVO_AGENT_CORE_INSTALLER_H

#include "common/core/arena.h"
#include "common/core/gate.h"
#include "proto/message.h"

struct installer_options {
    const char *host;      /* this host's name in the fleet document */
    const char *agent;     /* this program's version */
    struct secret_key key; /* signs receipts */
};

/* One thing to do on this host. Idempotent: doing it again after a crash gives the same result. */
struct act_order {
    enum act act;
    bool returning;
    const char *product;
    const char *version;  /* of the release that the act is about */
    const char *folder;   /* its folder's name below releases/; "" for a SWAP that removes `current`, because
                             nothing ran before */
    const char *previous; /* version that ran before, "" if none */
    const char *environment;
    const struct artifact *artifacts; /* STAGE: unpacked in this order into the folder */
    size_t artifact_count;
    const struct command *command; /* STOP, START */
    const struct test
        *tests; /* CHECK: all probes; TEST: one; PRUNE: probes whose scripts stay in the store */
    size_t test_count;
    struct span interval;         /* CHECK: between probes */
    struct span min_healthy_time; /* CHECK: all probes hold this long without a break */
    struct span deadline;         /* CHECK: from its start */
    const char *const *keep;      /* PRUNE: folders that stay */
    size_t keep_count;
};

enum installer_event_kind {
    INSTALLER_START, /* once, after the journal was applied */
    INSTALLER_TIME,
    INSTALLER_MESSAGE, /* from the session */
    INSTALLER_DONE,    /* the act that was ordered last has ended */
    INSTALLER_HAVE,    /* the answer to INSTALLER_LOOK and INSTALLER_TAKE */
    INSTALLER_SESSION, /* a session has connected anew: it hears everything again that it needs */
};

struct installer_event {
    enum installer_event_kind kind;
    struct instant now;
    struct message message;    /* MESSAGE */
    bool good;                 /* DONE */
    const char *detail;        /* DONE: why not, or what was noticed */
    struct test_result result; /* DONE of TEST */
    const struct digest *have; /* HAVE: contents that are in the installer's own store, checked */
    size_t have_count;
};

enum installer_effect_kind {
    INSTALLER_RECORD, /* `type` is an ENTRY */
    INSTALLER_SEND,   /* to the session; dropped where none is connected */
    INSTALLER_ACT,    /* `order`; its end comes back as INSTALLER_DONE. One at a time. */
    INSTALLER_TAKE,   /* copy spool content `digest` of `length` bytes into the own store, checking it; then
                         HAVE */
    INSTALLER_LOOK,   /* which of the contents of `order` (artefacts, test scripts) are in the own store? then
                         HAVE */
};

struct installer_effect {
    enum installer_effect_kind kind;
    const struct record_type *type;
    const void *record;
    const struct act_order *order;
    struct digest digest;
    uint64_t length;
};

/* Everything that effects point to lives in `arena`, until installer_effects_clear. */
struct installer_effects {
    struct arena arena;
    struct installer_effect *items;
    size_t count;
    size_t capacity;
};

struct installer;

/* Copies what `options` point to. */
struct installer *installer_new (const struct installer_options *options);
void installer_free (struct installer **installer); /* wipes the key */

/* Rebuilds: one note of the journal, in order, before INSTALLER_START. Copies what it keeps. A note that does
   not fit is an error that names it. */
bool installer_apply (
    struct installer *installer, const struct record_type *type, const void *record, struct error *error);

/* Appends to `effects`, to be performed in order. Nothing of `event` is kept. */
void installer_step (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects);
void installer_effects_clear (struct installer_effects *effects);
void installer_effects_free (struct installer_effects *effects);
struct instant installer_deadline (const struct installer *installer); /* {INT64_MAX} where nothing is due */
/* Whether this host is kept in the dark: no tick of the controller for ten minutes, or newer documents that
   were announced and did not come. Then it begins no step. The reason in `why`, untouched where it is false.
 */
bool installer_is_stale (const struct installer *installer, struct instant now, struct error *why);
/* When this host goes back by itself because nobody confirmed what it runs of the product; {0}: it won't. */
struct instant installer_unconfirmed (const struct installer *installer, const char *product);
/* Every invariant that can be seen from inside holds; asserted after each step. */
void installer_check (const struct installer *installer);

#endif
