/* What the controller knows, privately. Everything that must survive a restart is changed by apply.c alone,
   from entries; the fields marked "transient" are told again after a restart by those whom they concern.

   Memory: what entries bring lives in the arena of its rollout or document and is kept; hosts, watchers and
   notices are kept in lists of pointers, so that a pointer to one stays good. */
#ifndef RELEVO_CONTROLLER_CORE_STATE_H
#define RELEVO_CONTROLLER_CORE_STATE_H

#include "controller/core/controller.h"

enum {
    STALE_HEARTBEATS = 3,
    STRANGE_RECEIPTS =
        256,              /* of one host, about what no permit here allowed: as many as an installer holds */
    WATCHERS_MOST = 4096, /* beyond, who began to watch first hears no more */
    TOKENS_OPEN_MOST = 1024,
};

/* A receipt or an approval as it was recorded. One of `receipt` and `approval` is set. */
struct paper {
    struct digest digest;
    struct envelope envelope;
    const struct receipt *receipt;
    const struct approval *approval;
    struct public_key key; /* the approval's signer */
};

/* A permit as it was recorded. */
struct grant {
    struct envelope envelope;
    struct permit permit;
    const struct grant *before; /* the rollout's permit that was recorded before this one */
};

/* What one host owes in one step (or on its return) of the current attempt. Either may be missing. */
struct task {
    const struct grant *grant;   /* the newest permit for it */
    const struct paper *receipt; /* the first receipt of it */
};

struct host {
    char name[LIMIT_NAME + 1];
    const struct fleet_host *entry; /* in the fleet in force; NULL for a host that left it */
    struct arena arena;             /* of releases */
    struct host_release *releases;
    size_t release_count;
    struct digest *strange; /* receipts that were recorded for the audit alone */
    size_t strange_count;
    size_t strange_capacity;
    /* transient */
    struct route route;
    bool connected;
    bool stale; /* as of the last look */
    struct instant seen;
    char agent[LIMIT_VERSION + 1];
    uint64_t trust_version; /* that it told; 0: not yet */
    struct doing doing;     /* its detail is `detail` */
    char detail[LIMIT_LINE + 1];
};

/* One host of one plan. */
struct seat {
    struct host *host;
    const char *environment; /* of the step that names it first */
    struct task *deploy;     /* its task in the deploy step that names it; NULL if none does */
    size_t deploy_stage;
    bool carried;     /* an earlier attempt reached it, and it has not gone back since */
    struct task back; /* its return */
    struct task keep; /* the permit to keep what it was given; there is no receipt of that */
    /* transient: what watchers were told last */
    struct digest shown;
    struct instant shown_seen;
};

/* One step of one plan, in the current attempt. */
struct stage {
    const struct step *step;
    enum step_state state;
    struct instant started;
    struct instant finished;
    const char *cause;
    struct task *tasks;  /* one for each of step->hosts */
    struct seat **seats; /* the same order */
    uint32_t *places;    /* by seat: its place among the tasks, plus one; 0 where it has none */
    /* transient */
    struct instant progressed; /* the last receipt */
    struct digest shown;
};

/* A notification that is owed or went out. */
struct notice {
    uint64_t step; /* 0: about the whole rollout */
    uint64_t attempt;
    const char *target;
    const char *key;
    const char *text;
    const char *said; /* what came of the last try that was recorded */
    bool tried;
    bool done;
    /* transient */
    bool trying;
    struct instant next;
};

/* Papers by digest: open addressing over a power of two of places. */
struct paper_index {
    struct paper **places;
    size_t size;
};

struct rollout {
    uint64_t number;
    struct arena arena;
    struct envelope envelope;
    struct plan plan;
    struct digest plan_digest;
    const char *by;
    const char *signers;
    struct instant started;
    struct instant changed;

    enum phase phase;
    uint64_t attempt;
    const char *cause;
    struct instant phase_since;
    uint64_t phase_changes;

    struct stage *stages; /* plan.steps_count */
    struct seat *seats;
    size_t seat_count;
    struct paper **papers; /* in the order in which they came */
    size_t paper_count;
    size_t paper_capacity;
    struct paper_index index;
    const struct grant *grant; /* the newest permit of any attempt */
    struct gate_case gate;     /* of the current attempt */
    const char *unvouched;     /* why hosts refuse the plan by now; NULL: they don't */
    struct notice **notices;
    size_t notice_count;
    size_t notice_capacity;

    /* What people decided in this attempt about the whole rollout. */
    bool held;                   /* the last of pause and resume was pause */
    bool aborted;                /* an abort: a return ends as Aborted */
    bool returned_once;          /* return permits were issued in this attempt */
    const struct approval *wish; /* the last decision that no change of phase has answered yet */

    /* transient */
    uint64_t sequence; /* of progress */
    struct digest shown_head;
    bool dirty;     /* watchers have not seen the newest */
    bool unchecked; /* changed in this step */
};

struct token_state {
    struct digest secret;
    struct instant expires;
    bool used;
};

struct pending {
    struct pending_row row;
    char name[LIMIT_NAME + 1];
    enum entry_state state;
    char cause[LIMIT_LINE + 1];
    /* transient */
    struct route route;
    bool connected;
};

struct counter_state {
    char product[LIMIT_NAME + 1];
    char version[LIMIT_VERSION + 1];
    struct digest plan;
    uint64_t counter;
};

/* transient */
struct watcher {
    struct route route;
    struct rollout *rollout;
    bool fresh; /* gets a whole progress next */
    bool once;
};

struct controller {
    struct controller_options options;
    struct arena arena; /* options, trust envelopes, contents */
    uint64_t epoch;

    struct envelope *trusts;
    size_t trust_count;
    size_t trust_capacity;
    struct arena trust_arena;
    struct trust trust; /* in force where trust_count > 0 */

    struct arena fleet_arena;
    bool has_fleet;
    struct envelope fleet_envelope;
    struct digest fleet_digest;
    struct fleet fleet;

    struct host **hosts; /* sorted by name */
    size_t host_count;
    size_t host_capacity;
    struct host **wires; /* those of the fleet in force, sorted by wire key */
    size_t wire_count;

    struct token_state *tokens;
    size_t token_count;
    size_t token_capacity;
    struct pending **pendings;
    size_t pending_count;
    size_t pending_capacity;
    struct content_row *contents; /* sorted by digest */
    size_t content_count;
    size_t content_capacity;
    struct counter_state *counters;
    size_t counter_count;
    size_t counter_capacity;
    struct rollout **rollouts; /* by number, ascending */
    size_t rollout_count;
    size_t rollout_capacity;

    /* transient */
    struct instant started; /* nobody is stale because this controller was away */
    struct instant now;     /* of the last event */
    uint64_t sequence;      /* of what was published in this epoch */
    struct instant next_tick;
    struct instant refreshed; /* when watchers heard of contacts last */
    struct watcher *watchers;
    size_t watcher_count;
    size_t watcher_capacity;
};

/* One call of controller_step: what its parts share. */
struct turn {
    struct controller *controller;
    struct controller_effects *effects;
    const struct controller_event *event;
    struct instant now;
    bool refresh; /* watchers hear of contacts, too */
};

/* ---- state.c: lists and look-ups; nothing of them decides */

/* Room for one item more in a list; returns its place. */
void *list_room (void *items, size_t count, size_t *capacity, size_t size);

bool route_equal (const struct route *first, const struct route *second);
bool wire_is_none (const struct wire_key *wire);
/* One line for people in `arena`, cut to LIMIT_LINE without splitting a character. */
const char *line_format (struct arena *arena, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/* NULL where there is none. */
struct host *host_named (const struct controller *controller, const char *name);
struct host *host_wired (const struct controller *controller, const struct wire_key *wire);
/* Finds it or makes it. */
struct host *host_for (struct controller *controller, const char *name);
struct host_release *host_release_of (const struct host *host, const char *product);
struct host_release *host_release_for (struct host *host, const char *product);
void host_release_set (
    struct host *host, struct host_release *release, const char *version, struct digest plan,
    uint64_t counter);
/* Until then hosts may still be on their way back to a controller that has just started: their silence says
   nothing yet, and no deadline for progress begins before. */
struct instant controller_settled (const struct controller *controller);

/* No contact for three heartbeats. */
bool host_is_stale (const struct controller *controller, const struct host *host, struct instant now);

struct rollout *rollout_numbered (const struct controller *controller, uint64_t number);
struct rollout *rollout_of_plan (const struct controller *controller, const struct digest *plan);
bool rollout_is_open (const struct rollout *rollout); /* it holds its product and environments */
bool rollout_covers (const struct rollout *rollout, const char *product, const char *environment);
/* The two touch the same product in the same environment. */
bool rollouts_meet (const struct plan *first, const struct plan *second);
struct stage *rollout_current (
    const struct rollout *rollout); /* the first that is not done; NULL at the end */
struct seat *rollout_seat (const struct rollout *rollout, const struct host *host);
struct paper *paper_find (const struct rollout *rollout, const struct digest *digest);
void paper_add (struct rollout *rollout, struct paper *paper);
/* The task that a permit or receipt is about, in the current attempt; NULL where the plan has none. */
struct task *rollout_task (
    const struct rollout *rollout, enum permit_kind kind, uint64_t step, const struct host *host);
/* A failed receipt, a rejection, abort or undo, that nobody has overridden in this attempt. */
bool paper_is_failure (const struct rollout *rollout, const struct paper *paper);
/* A host of this attempt went back by itself, for nobody had confirmed it: a failure like any other. */
bool paper_is_lapse (const struct rollout *rollout, const struct paper *paper);

/* Whether others can still verify it: nobody believes the receipts of a host that the fleet has no more, nor
   the approval of a key that the trust document has no more. */
bool paper_holds (
    const struct controller *controller, const struct rollout *rollout, const struct paper *paper);
/* A permit of this rollout allowed what the receipt is about, and it is the first word about that. */
bool receipt_is_due (const struct rollout *rollout, const struct host *host, const struct receipt *receipt);
bool host_has_strange (const struct host *host, const struct digest *digest);

struct pending *pending_wired (const struct controller *controller, const struct wire_key *wire);
struct token_state *token_of (const struct controller *controller, const struct digest *secret);
struct counter_state *counter_of (const struct controller *controller, const char *product);
bool content_place (const struct controller *controller, const struct digest *digest, size_t *ret);
void rollout_free (struct rollout *rollout);

/* ---- effect.c: what a step hands out */

/* Applies the entry and hands it out. It was judged before: one that does not fit is a bug. */
void turn_record (struct turn *turn, const struct record_type *type, const void *record);
/* These copy the struct; what it points to belongs to the controller or to the effects' arena. */
void turn_send (
    struct turn *turn, const struct route *route, const struct record_type *type, const void *record);
void turn_publish (struct turn *turn, const char *topic, const struct record_type *type, const void *record);
void turn_notify (struct turn *turn, const struct rollout *rollout, const struct notice *notice);
void turn_answer (struct turn *turn, uint64_t request, uint64_t rollout, const char *text);
void turn_refuse (struct turn *turn, uint64_t request, const struct error *error);
/* The number of the next publication. */
uint64_t turn_sequence (struct turn *turn);
/* The envelope as an offer, by PUB or, where `route` is given, to one agent. */
void turn_offer (
    struct turn *turn, const char *topic, const struct route *route, const struct envelope *envelope);

/* ---- trusting.c: what follows from the trust document in force */

/* The key that made the approval may still speak for its role. */
bool approval_holds (
    const struct controller *controller, const struct rollout *rollout, const struct paper *paper);
/* The plan is still signed by keys that may, and so are enough of the approvals by which steps were passed:
   else hosts would refuse all further permits. */
bool rollout_is_vouched (
    const struct controller *controller, const struct rollout *rollout, struct error *why);
/* The permit is signed by a key that is the controller's by the trust document in force. */
bool grant_is_believed (const struct controller *controller, const struct grant *grant);
/* How many documents of the chain from place `first` on fit into one message. */
size_t trust_page (const struct controller *controller, size_t first);
/* The place from which on the rest of the chain fits into one message. */
size_t trust_tail (const struct controller *controller);
bool trusting_submit (struct turn *turn, const struct envelope *envelope, struct error *error);
void request_trusts (struct turn *turn, const void *record);

/* ---- fleet.c: agents, strangers, staleness, the tick */

void fleet_hello (struct turn *turn, const void *record);
void fleet_ping (struct turn *turn, const void *record);
void fleet_pull (struct turn *turn, const void *record);
void fleet_report (struct turn *turn, const void *record);
void fleet_doing (struct turn *turn, const void *record);
void fleet_enrol (struct turn *turn, const void *record);
void fleet_gone (struct turn *turn);
void fleet_heard (struct turn *turn); /* any message of an agent is a sign of life */
void fleet_look (struct turn *turn);  /* who has become stale, or has come back */
void fleet_tick (struct turn *turn);
void fleet_welcome_accepted (struct turn *turn); /* a new fleet is in force */

/* ---- permit.c */

/* A permit for these hosts with the evidence that proves it, recorded and published. */
void permit_issue (
    struct turn *turn, struct rollout *rollout, enum permit_kind kind, uint64_t step,
    struct seat *const *seats, size_t count);
/* Sends one host the plan, and every permit that is open for it: fresh where the stored one has expired. */
void permit_offer_open (struct turn *turn, struct rollout *rollout, struct seat *seat);
/* After a start: publishes the plan again, and the permits that are open. */
void permit_publish_open (struct turn *turn, struct rollout *rollout);
void permit_publish_plan (struct turn *turn, const struct rollout *rollout);

/* ---- rollout.c, deploy.c, notice.c: the machine, what its steps do, and who is told */

/* Goes as far as evidence, decisions and time allow. */
void rollout_advance (struct turn *turn, struct rollout *rollout);
void rollout_advance_all (struct turn *turn);
struct instant rollout_deadline (const struct controller *controller, const struct rollout *rollout);

/* False with the reason where the step has failed by its deadline. Issues permits as the gate allows. */
bool deploy_work (struct turn *turn, struct rollout *rollout, struct stage *stage, struct error *why);
bool test_work (struct turn *turn, struct rollout *rollout, struct stage *stage, struct error *why);
/* When the step's (or return's) progress deadline passes. */
struct instant stage_deadline (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage);
struct instant return_deadline (const struct controller *controller, const struct rollout *rollout);
/* A deploy of this plan reached it, or may have, and it has not gone back by itself. */
bool seat_is_touched (const struct seat *seat);
bool seat_is_back (const struct rollout *rollout, const struct seat *seat);
/* Return permits for all touched hosts that have none. */
void return_work (struct turn *turn, struct rollout *rollout);
/* Permits to keep, for the hosts of every deploy step that is done and asks to be confirmed. */
void keep_work (struct turn *turn, struct rollout *rollout);
/* Until when the host goes back by itself, as its receipt and the plan say; {0} where it is not asked to. */
struct instant seat_unconfirmed (const struct rollout *rollout, const struct seat *seat);
/* Names of hosts, with their last contact where they are stale: "connect-p3, last contact 47s ago". */
void silent_print (
    const struct controller *controller, struct seat *const *seats, size_t count, struct buffer *out);

/* Owes the notifications of a notify step, or of a change of phase. Recorded once for each key. */
bool notice_has_target (const struct controller *controller, const char *name);
void notice_owe_step (struct turn *turn, struct rollout *rollout, const struct stage *stage);
void notice_owe_phase (struct turn *turn, struct rollout *rollout, enum phase phase, const char *cause);
/* Starts every try that is due. */
void notice_work (struct turn *turn, struct rollout *rollout);
void notice_ended (struct turn *turn);
bool notice_step_over (const struct rollout *rollout, const struct stage *stage);
struct instant notice_deadline (const struct rollout *rollout);

/* ---- view.c: what people see */

void view_head (
    const struct controller *controller, const struct rollout *rollout, struct arena *arena,
    struct view_head *ret);
/* At the end of a step: tells the watchers what changed. */
void view_publish (struct turn *turn);
void view_dirty_host (struct controller *controller, const struct host *host);

/* ---- view_step.c: the rows below the head */
void view_step_fill (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage,
    struct arena *arena, struct view_step *ret);
void view_host_fill (
    const struct rollout *rollout, const struct seat *seat, struct arena *arena, struct view_host *ret);

/* ---- requests.c, decide.c, start.c: people */

void request_inventory (struct turn *turn, const void *record);
void request_submit (struct turn *turn, const void *record);
void request_token (struct turn *turn, const void *record);
void request_reject (struct turn *turn, const void *record);
void request_start (struct turn *turn, const void *record);
void request_decide (struct turn *turn, const void *record);
void request_rollouts (struct turn *turn, const void *record);
void request_watch (struct turn *turn, const void *record);
void request_evidence (struct turn *turn, const void *record);

/* ---- check.c: the invariants of what changed in this step */
void check_changed (struct controller *controller);

/* Is there a rollout that forbids another of this plan's product and environments? */
bool rollout_may_open (
    const struct controller *controller, const struct plan *plan, const struct rollout *self,
    struct error *error);

#endif
