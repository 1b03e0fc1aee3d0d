/* The session's inside: the link to the controller, and the contents that are being fetched. */
#ifndef RELEVO_AGENT_CORE_SESSION_STATE_H
#define RELEVO_AGENT_CORE_SESSION_STATE_H

#include "agent/core/session.h"

enum {
    FETCHES = 512, /* contents at once: the artefacts of a plan, and the scripts of its suite */
    UNANSWERED = 3 /* pings or hellos, after which the connection is given up */
};

enum link {
    LINK_NONE,     /* the installer has not said yet who this host is */
    LINK_GREETING, /* hello is repeated until a welcome comes */
    LINK_UP,
};

enum fetch_state {
    FETCH_OPENING, /* the spool is asked what it has */
    FETCH_RUNNING,
    FETCH_RESTING, /* until `again` */
    FETCH_HERE,    /* complete; the installer was told */
};

struct fetch {
    struct digest content;
    uint64_t length;
    enum fetch_state state;
    uint64_t have;        /* written to the spool */
    uint64_t taken;       /* received, in order: the only offset that is accepted next */
    uint64_t asked;       /* asked for, up to here */
    uint64_t rewound;     /* the offset, plus one, at which a gap has already made us ask again */
    size_t source;        /* index into the table of sources */
    unsigned troubles;    /* since bytes came last */
    unsigned damages;     /* how often all bytes came and were wrong: the next ones don't make that good */
    struct instant again; /* RESTING: when to try again; RUNNING: when silence is too long */
};

struct session {
    enum link link;
    struct buffer hello; /* encoded, as the installer said it last */
    uint64_t trust_version;
    uint64_t fleet_version;
    unsigned hellos; /* sent without a welcome */
    struct instant hello_at;
    unsigned reconnects; /* since the last welcome */

    uint64_t epoch;
    uint64_t sequence;
    bool pull_due;
    struct instant pull_at; /* not before */

    struct span heartbeat;
    uint64_t ping; /* the last one's number */
    unsigned unanswered;
    struct instant ping_at;

    struct doing doing; /* what the installer said last; of its texts only `detail`, which is not kept */
    struct fetch fetches[FETCHES]; /* in the order in which they were wanted */
    size_t fetch_count;
    uint64_t fetched; /* bytes of contents that are done, while others are not */
    struct instant progress_at;
};

/* One step's surroundings. */
struct turn {
    struct session *session;
    struct instant now;
    uint64_t random;
    struct session_effects *effects;
};

/* ----------------------------------------------------------------------------------------------- session.c
 */

struct session_effect *turn_add (const struct turn *turn, enum session_effect_kind kind);
void turn_say (const struct turn *turn, const struct record_type *type, const void *record);
void turn_hand (const struct turn *turn, const struct record_type *type, const void *record);
/* Between half of `span` and all of it. */
struct span turn_jitter (const struct turn *turn, struct span span);
/* `first` doubled `times` times, at most `most`, with jitter. */
struct span turn_backoff (const struct turn *turn, struct span first, unsigned times, struct span most);

/* ------------------------------------------------------------------------------------------ session_link.c
 */

void link_hello (const struct turn *turn, const struct hello *hello);
void link_welcome (const struct turn *turn, const struct welcome *welcome);
void link_pong (const struct turn *turn, const struct pong *pong);
/* A publication, or (sequence 0) what was pulled: notices a gap. */
void link_published (const struct turn *turn, uint64_t epoch, uint64_t sequence);
void link_tick (const struct turn *turn, const struct envelope *tick);
void link_time (const struct turn *turn);
struct instant link_deadline (const struct session *session);

/* ----------------------------------------------------------------------------------------- session_fetch.c
 */

void fetch_wanted (const struct turn *turn, const struct content_wanted *wanted);
void fetch_done (const struct turn *turn, const struct content_done *done);
void fetch_chunk (const struct turn *turn, const struct chunk *chunk);
void fetch_refused (const struct turn *turn, const struct chunk_refused *refused);
void fetch_spool (const struct turn *turn, const struct session_event *event);
/* What was asked for on the old connection will not come. */
void fetch_restart (const struct turn *turn);
/* Asks for what there is credit for, and tells of the progress. */
void fetch_go_on (const struct turn *turn);
struct instant fetch_deadline (const struct session *session);
void fetch_check (const struct session *session);

#endif
