/* The simulated world: a controller, the two processes of every host with the host under them, people, and
   whoever means ill; one queue of events in virtual time. What decides is the very core of the programs; what
   is here stands for their io/, the network, the disks and the clocks. */
#ifndef RELEVO_TESTS_SIM_WORLD_H
#define RELEVO_TESTS_SIM_WORLD_H

#include <setjmp.h>
#include <stdio.h>

#include "agent/core/installer.h"
#include "agent/core/session.h"
#include "controller/core/controller.h"
#include "tests/sim/papers.h"

enum { PEOPLE = 3, RELEASES = 8, STORED = 48, ACTS = 64, STOCK = 256, WATCHED = STORY_ROLLOUTS + 8 };

/* ------------------------------------------------------------------------------------------------- the queue
 */

enum event_kind {
    EVENT_HAPPENING, /* number: of the story */
    EVENT_START,     /* a process of `place` */
    EVENT_WAKE,      /* the same: its deadline may have come */
    EVENT_MESSAGE,   /* `packet` arrives at `place` */
    EVENT_ACT,       /* a host's oldest act ends */
    EVENT_NOTICE,    /* number: of the notices that are being tried */
    EVENT_GONE,      /* number: a connection, of which the controller learns that it is gone */
    EVENT_POWER,     /* a host comes back */
    EVENT_PERSON,    /* number: looks at what there is to do */
    EVENT_ROLLOUT,   /* number: of the story; somebody starts it */
};

enum role { ROLE_OF_CONTROLLER, ROLE_OF_INSTALLER, ROLE_OF_SESSION, ROLE_OF_PERSON };

struct place {
    enum role role;
    unsigned number; /* of the host or person */
};

/* A message on its way, shared by all whom it is sent to, and decoded once. */
struct packet {
    unsigned references;
    unsigned sender; /* the bit by which it was decoded */
    bool good;
    bool decoded;
    struct buffer bytes;
    struct arena arena;
    struct message message;
};

struct event {
    int64_t at; /* ms since the beginning */
    uint64_t order;
    enum event_kind kind;
    struct place place;
    uint64_t life; /* of the process, or of the connection; it is for no other */
    uint64_t number;
    struct packet *packet;
    bool from_controller; /* to a session or person */
};

struct queue {
    struct event *items; /* a heap: earliest first, of the same time the first that was put in */
    size_t count;
    size_t capacity;
    uint64_t order;
};

void queue_put (struct queue *queue, struct event event);
bool queue_take (struct queue *queue, struct event *ret);
void queue_free (struct queue *queue);
void packet_drop (struct packet *packet);

/* ---------------------------------------------------------------------------------- processes, disks, clocks
 */

struct process {
    bool alive;
    uint64_t life;   /* counts its starts */
    long dies_after; /* so many effects; -1: not */
    bool by_power;
    int64_t wake_at; /* the earliest EVENT_WAKE on its way; INT64_MAX: none */
};

struct clock {
    int64_t offset; /* ms */
    int64_t drift;  /* parts in a million */
};

/* A file of records, each of which is on the disk when the append returns. */
struct disk {
    struct bytes *records;
    size_t count;
    size_t capacity;
    int64_t full_until;
};

/* --------------------------------------------------------------------------------------------------- a host
 */

struct release_folder {
    char name[160];
    char version[LIMIT_VERSION + 1];
};

/* One product on a host, as its file system and process table have it. */
struct machine {
    struct release_folder folders[RELEASES];
    size_t folder_count;
    char link[160];    /* what `current` names; "": nothing */
    char running[160]; /* the folder whose service runs */
    bool unstoppable;  /* the last stop failed: a start may find it running */
};

struct stored {
    struct digest digest;
    uint64_t have; /* bytes, in the spool */
    uint64_t length;
    struct buffer bytes;
    bool rotten;
};

struct act_job {
    enum installer_effect_kind kind;
    struct act_order *order; /* a copy in `arena` */
    struct arena arena;
    struct digest digest;
    uint64_t length;
};

/* What the oracle keeps of a host and product; see oracle.c. */
struct watch_product {
    bool busy; /* a work has begun and no receipt is noted */
    bool busy_deploy;
    const struct true_plan *plan;
    enum permit_kind kind;
    uint64_t step;
    uint64_t attempt;
    uint64_t counter;                               /* highest release counter begun */
    char before[STORY_ROLLOUTS][LIMIT_VERSION + 1]; /* what ran before that rollout touched it */
    bool touched[STORY_ROLLOUTS];
    bool stuck;
    char folder[160]; /* of the release that was noted last */
    char version[LIMIT_VERSION + 1];
    int64_t deployed_at; /* host's clock, of the last good forward swap; 0: none */
    const struct true_plan *deployed;
    uint64_t deployed_step;
    bool kept; /* a permit to keep it was noted */
};

struct grant_seen {
    uint64_t attempt;
    uint64_t step;
};

struct host {
    unsigned number;
    unsigned environment;
    bool lost;
    bool died;        /* its installer, once at least */
    int64_t dark_for; /* ms: how long its power stays away; 0: for good */
    bool powered;
    struct clock clock;
    struct process installer;
    struct process session;
    struct installer *installer_core;
    struct session *session_core;
    struct installer_effects installer_effects;
    struct session_effects session_effects;
    struct disk journal;
    struct machine machines[PRODUCTS];
    struct stored store[STORED];
    size_t store_count;
    struct stored spool[STORED];
    size_t spool_count;
    struct act_job acts[ACTS];
    size_t act_first;
    size_t act_count;
    bool act_at_work;
    uint64_t connection; /* the current one; 0: none */
    int64_t cut_out_until;
    int64_t cut_in_until;
    int64_t heard_at; /* controller's clock: its last message there; 0: none since its start */
    struct grant_seen granted[WATCHED]; /* by rollout: the last deploy that the controller let it do */
    struct watch_product watch[PRODUCTS];
    uint64_t trust_version; /* this and what follows: as its notes have it */
    uint64_t fleet_version;
    uint64_t receipts;
    struct digest receipt_newest;
    struct instant floor;
    enum act noted_act; /* begun and not ended */
};

/* ------------------------------------------------------------------------------------------- the controller
 */

struct watch_rollout {
    const struct true_plan *plan;
    uint64_t number;
    enum phase phase;
    char cause[LIMIT_LINE + 1];
    uint64_t attempt;
};

struct notice_try {
    char key[LIMIT_LINE + 1];
    bool delivered;
    bool done; /* recorded so */
};

struct controller_node {
    struct process process;
    struct clock clock;
    struct controller *core;
    struct controller_effects effects;
    struct controller_options options;
    struct disk journal;
    int64_t now;    /* by instant_follow */
    int64_t steady; /* world time when `now` was set */
    int64_t started;
    uint64_t epoch;
    struct notice_try *notices;
    size_t notice_count;
    size_t notice_capacity;
    struct watch_rollout rollouts[WATCHED];
    size_t rollout_count;
};

/* --------------------------------------------------------------------------------------------------- people
 */

enum asking { ASKING_NOTHING, ASKING_LIST, ASKING_EVIDENCE, ASKING_DECIDE };

struct person {
    enum key_name key;
    enum asking asking;
    uint64_t request;
    uint64_t rollout;
    enum phase phase;
    int64_t asked_at;
    int64_t decided_at;     /* the last decision; not more often than one thinks */
    struct digest decision; /* on its way */
    bool urged;             /* a decision of the story, whatever it is good for */
    enum decision urge;
};

/* Starts a rollout of the story, and puts its documents into force. */
struct start_try {
    const struct true_plan *plan;
    bool done;
    unsigned tries;
};

/* ------------------------------------------------------------------------------------------------- the world
 */

struct world {
    const struct story *story;
    struct papers papers;
    struct queue queue;
    int64_t now;          /* ms since the beginning */
    struct instant start; /* what honest clocks say at the beginning */
    struct random network;
    struct random body; /* how long acts take, and what a crash leaves */
    struct random minds;
    struct random thieves;
    struct controller_node controller;
    struct host *hosts;
    unsigned host_count;
    uint64_t *connections; /* host of connection number i + 1 */
    size_t connection_count;
    size_t connection_capacity;
    struct person people[PEOPLE];
    struct start_try starts[STORY_ROLLOUTS];
    struct packet *stock[STOCK]; /* what a thief has overheard */
    size_t stock_count;
    size_t submitted_trust; /* versions that the controller has taken */
    size_t submitted_fleet;
    bool calm;
    FILE *trace;
    bool brief; /* only what changes a rollout, a host or somebody's mind */
    uint64_t events;
    uint64_t messages;
    uint64_t crashes;
    uint64_t acts;
    unsigned invariant; /* that was broken; 0: none so far. 99: an assertion of the core */
    char words[512];
    sigjmp_buf *out;
};

struct instant host_now (const struct world *world, const struct host *host);
struct instant controller_now (struct world *world);
struct instant true_now (const struct world *world);

/* Ends the telling: the first broken invariant counts. */
void violation (struct world *world, unsigned invariant, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void trace_line (const struct world *world, const char *who, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void trace_record (
    const struct world *world, const char *who, const char *verb, const struct record_type *type,
    const void *record);

/* network.c */
struct packet *packet_make (const struct record_type *type, const void *record);
const struct message *packet_read (struct packet *packet, unsigned sender);
/* By the network, with all that it does to a message. Takes over one reference. */
void send_to_session (struct world *world, struct host *host, struct packet *packet);
void send_to_controller (struct world *world, struct host *host, struct packet *packet);
void send_to_person (struct world *world, unsigned person, struct packet *packet);
void send_from_person (struct world *world, unsigned person, struct packet *packet);
void later (struct world *world, int64_t ms, struct event event);
void wake_at (struct world *world, struct process *process, struct place place, int64_t at);
bool process_dies (struct process *process);
bool disk_append (
    const struct world *world, struct disk *disk, const struct record_type *type, const void *record);
void disk_free (struct disk *disk);

/* controller.c */
void controller_start_process (struct world *world);
void controller_die (struct world *world, const char *why);
void controller_event_at (struct world *world, struct controller_event *event);
void controller_take (
    struct world *world, enum door door, unsigned number, uint64_t connection, struct packet *packet);
void controller_wake (struct world *world);
void controller_notice (struct world *world, uint64_t number);

/* host.c, machine.c */
void host_power_on (struct world *world, struct host *host);
void installer_start_process (struct world *world, struct host *host);
void session_start_process (struct world *world, struct host *host);
void installer_die (struct world *world, struct host *host, const char *why);
void session_die (struct world *world, struct host *host, const char *why);
void power_fail (struct world *world, struct host *host);
void installer_event_at (struct world *world, struct host *host, struct installer_event *event);
void session_event_at (struct world *world, struct host *host, struct session_event *event);
void installer_wake (struct world *world, struct host *host);
void session_wake (struct world *world, struct host *host);
void act_add (struct world *world, struct host *host, const struct installer_effect *effect);
void act_end (struct world *world, struct host *host);
void acts_drop (struct world *world, struct host *host, bool by_power);
void machine_boot (struct world *world, struct host *host);
struct machine *machine_of (struct host *host, const char *product);
/* Of the release that `current` names; "": none. */
const char *machine_version (const struct host *host, unsigned product);
unsigned product_number (const char *product);

/* people.c */
void person_wake (struct world *world, unsigned number);
void person_take (struct world *world, unsigned number, struct packet *packet);
void rollout_start_try (struct world *world, unsigned number);

/* happenings.c, thief.c */
void happen (struct world *world, const struct happening *happening);
void calm_down (struct world *world);
/* What a story lets come with a host's first death. */
void die_with (struct world *world, struct host *host);
void thief_forges (struct world *world, const struct happening *happening);
void thief_steals (struct world *world, const struct happening *happening);
void thief_overhears (struct world *world, struct packet *packet);

/* oracle.c */
void oracle_note (struct world *world, struct host *host, const struct record_type *type, const void *record);
void oracle_said (struct world *world, struct host *host, const struct record_type *type, const void *record);
void oracle_act (struct world *world, struct host *host, const struct act_order *order);
void oracle_machine (struct world *world, struct host *host);
void oracle_rebuilt (struct world *world, struct host *host);
void oracle_entry (struct world *world, const struct record_type *type, const void *record);
void oracle_answer (struct world *world, unsigned person, const struct record_type *type, const void *record);
void oracle_sent (struct world *world, const struct record_type *type, const void *record);
void oracle_controller_rebuilt (struct world *world);
bool oracle_is_settled (struct world *world);
void oracle_end (struct world *world);

/* run.c */
struct outcome_of_run {
    unsigned invariant; /* 0: all held */
    char words[512];
    uint64_t events;
    uint64_t messages;
    uint64_t crashes;
    uint64_t acts;
    int64_t virtual_ms;
    enum phase phases[STORY_ROLLOUTS];
    unsigned phase_count;
};

void run_story (const struct story *story, FILE *trace, bool brief, struct outcome_of_run *ret);

#endif
