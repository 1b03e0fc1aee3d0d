/* The controller's one door: an event in, ordered effects out. It sees no clock, socket, file or randomness.

   Every lasting change is an ENTRY of messages.def: controller_step decides, emits the entry as a RECORD
   effect and applies it by the same controller_apply that rebuilds the state from the journal at start. What
   is not in an entry (who is connected, what a host is doing, who watches) is forgotten at a restart and told
   again by those whom it concerns.

   Order: the effects are performed one after the other. A RECORD is durable before anything after it is sent.
 */
#ifndef RELEVO_CONTROLLER_CORE_CONTROLLER_H
#define RELEVO_CONTROLLER_CORE_CONTROLLER_H

#include "common/core/arena.h"
#include "common/core/gate.h"
#include "proto/message.h"

enum door { DOOR_AGENTS, DOOR_REMOTE, DOOR_LOCAL, DOOR_COUNT };

/* Where an answer goes: opaque to the core, which compares and returns it. */
struct route {
    enum door door;
    uint8_t size;
    uint8_t id[31];
};

struct controller_options {
    struct secret_key key; /* of the role controller: signs permits and ticks */
    struct span heartbeat; /* expected of agents; a host is stale after three */
    struct span tick_interval;
    struct span permit_life;
    struct span notice_retry;   /* between tries of one notification */
    const char *const *targets; /* names of the configured notification targets */
    size_t target_count;
};

enum controller_event_kind {
    CONTROLLER_START,   /* once, after the journal was applied: opens a new epoch */
    CONTROLLER_TIME,    /* the deadline that controller_deadline gave has come */
    CONTROLLER_MESSAGE, /* admitted by controller_sender and decoded with that sender */
    CONTROLLER_CONTENT, /* the depot has stored and checked an artefact */
    CONTROLLER_NOTICE,  /* a try of a notification ended */
    CONTROLLER_GONE,    /* a route can't be reached any more */
};

struct controller_event {
    enum controller_event_kind kind;
    struct instant now;
    struct route route;                /* MESSAGE, GONE */
    struct wire_key wire;              /* MESSAGE: what ZAP proved */
    unsigned sender;                   /* MESSAGE: the bits that controller_sender gave */
    struct message message;            /* MESSAGE */
    const struct content_row *content; /* CONTENT */
    const char *notice_key;            /* NOTICE */
    bool notice_done;                  /* NOTICE: false asks for another try later */
    const char *notice_text;           /* NOTICE: what the target said */
};

enum controller_effect_kind {
    CONTROLLER_RECORD,  /* append to the journal: `type` is an ENTRY */
    CONTROLLER_SEND,    /* one message to one route */
    CONTROLLER_PUBLISH, /* one message to all subscribers of a topic */
    CONTROLLER_NOTIFY,  /* tell a target; the outcome comes back as CONTROLLER_NOTICE */
};

struct controller_effect {
    enum controller_effect_kind kind;
    const struct record_type *type; /* RECORD, SEND, PUBLISH */
    const void *record;
    struct route route;           /* SEND */
    const char *topic;            /* PUBLISH: "all", or "ENVIRONMENT/PRODUCT" */
    const char *target;           /* NOTIFY: a name of the configuration */
    const char *notice_key;       /* NOTIFY: idempotency key */
    const char *notice_text;      /* NOTIFY: one line for people */
    const struct view_head *head; /* NOTIFY: the rollout, for structured bodies */
};

/* Everything that effects point to lives in `arena`, until effects_clear. */
struct controller_effects {
    struct arena arena;
    struct controller_effect *items;
    size_t count;
    size_t capacity;
};

struct controller;

struct controller *controller_new (const struct controller_options *options);
void controller_free (struct controller **controller);

/* Rebuilds: one entry of the journal, in order, before CONTROLLER_START. An entry that does not fit is an
   error that names it. */
bool controller_apply (
    struct controller *controller, const struct record_type *type, const void *record, struct error *error);

void controller_step (
    struct controller *controller, const struct controller_event *event, struct controller_effects *effects);
void controller_effects_clear (struct controller_effects *effects);
void controller_effects_free (struct controller_effects *effects);

/* When the next CONTROLLER_TIME is due. */
struct instant controller_deadline (const struct controller *controller);

/* What a peer with this proven key may be at this door: bits of enum sender, or 0: not admitted. Strangers
   are admitted at DOOR_AGENTS only while an unexpired token is outstanding, or while they wait or have been
   rejected; at DOOR_REMOTE a person may ask for what the roles of the key allow; at DOOR_LOCAL for
   everything, because the file system let them in. */
unsigned controller_sender (
    const struct controller *controller, enum door door, const struct wire_key *wire, struct instant now);

/* False, with the reason, where the trust document in force gives the role controller to other keys than the
   one in `options`: no host would believe a permit or tick of this controller, so it makes none. It goes on
   serving documents, so that hosts can take the newest one from it. True where there is no trust document. */
bool controller_is_believed (const struct controller *controller, struct error *why);

/* Is this content known (so that `put` need not send it again)? And the page of the journal is io's own. */
bool controller_has_content (const struct controller *controller, const struct digest *digest);

/* Every invariant that can be seen from inside holds; asserted after each step. */
void controller_check (const struct controller *controller);

#endif
