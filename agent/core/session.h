/* The session's one door. It carries messages between controller and installer, fetches content into the
   spool, and keeps the connection alive. It has no say: what it forwards is judged by the installer. Nothing
   of it lasts. */
#ifndef RELEVO_AGENT_CORE_SESSION_H
#define RELEVO_AGENT_CORE_SESSION_H

#include "common/core/arena.h"
#include "proto/message.h"

enum session_event_kind {
    SESSION_START,
    SESSION_TIME,
    SESSION_FROM_CONTROLLER, /* over the DEALER, or published */
    SESSION_FROM_INSTALLER,
    SESSION_SPOOL, /* the state of one content in the spool, after OPEN or WRITE */
};

struct session_event {
    enum session_event_kind kind;
    struct instant now;
    uint64_t random; /* fresh at every event: for jitter */
    struct message message;
    struct digest content; /* SPOOL */
    uint64_t have;         /* SPOOL: bytes from the start that are there */
    bool complete;         /* SPOOL: all bytes, and they match the digest */
    bool bad;              /* SPOOL: all bytes, and they do not match; the spool has dropped them */
    const char *trouble;   /* SPOOL: the spool can't be written (disk full…); NULL if fine */
};

enum session_effect_kind {
    SESSION_SEND,      /* to the controller */
    SESSION_HAND,      /* to the installer */
    SESSION_RECONNECT, /* close both sockets and connect anew */
    SESSION_OPEN,      /* start or resume `content` of `length` bytes in the spool */
    SESSION_WRITE,     /* append `data` at `offset` */
    SESSION_DROP,      /* forget `content` */
};

struct session_effect {
    enum session_effect_kind kind;
    const struct record_type *type;
    const void *record;
    struct digest content;
    uint64_t length;
    uint64_t offset;
    struct bytes data;
};

/* Everything that effects point to lives in `arena`, until session_effects_clear. */
struct session_effects {
    struct arena arena;
    struct session_effect *items;
    size_t count;
    size_t capacity;
};

struct session;

struct session *session_new (void);
void session_free (struct session **session);
void session_step (
    struct session *session, const struct session_event *event, struct session_effects *effects);
void session_effects_clear (struct session_effects *effects);
void session_effects_free (struct session_effects *effects);
struct instant session_deadline (const struct session *session);
void session_check (const struct session *session);

#endif
