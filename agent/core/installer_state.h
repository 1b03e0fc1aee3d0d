/* The installer's inside: what its files share, and nobody else sees.

   Lasting state changes in one place, installer_apply (recover.c), whether a note comes from the journal or
   was just decided. What is decided next (work.c) follows from that state alone, so a restart continues where
   the notes end. What is not in a note (what is being waited for, what was offered) is asked for again. */
#ifndef RELEVO_AGENT_CORE_INSTALLER_STATE_H
#define RELEVO_AGENT_CORE_INSTALLER_STATE_H

#include "agent/core/installer.h"

enum {
    PLANS_HELD = 16,     /* offered plans kept in memory */
    PERMITS_HELD = 8,    /* permits that wait for a plan, a document or the end of other work */
    RECEIPTS_HELD = 256, /* newest receipts, to answer a doubled permit; those not yet stored never leave */
    CONTENT_TRIES = 3,   /* fetches of one content that turned out to be other bytes */
    FOLDER_DIGITS = 12,  /* of the plan's digest, in a release folder's name */
};

struct held_plan {
    struct arena arena;
    struct envelope envelope;
    struct digest digest;
    uint64_t age;
};

struct held_permit {
    struct arena arena;
    struct permit_offer offer;
    struct permit permit;
    uint64_t age;
};

struct held_receipt {
    struct arena arena;
    struct envelope envelope;
    struct digest digest;
    struct digest plan;
    enum permit_kind kind;
    uint64_t step;
    uint64_t attempt;
    enum outcome outcome;
    bool stored;
};

/* A release that its plan wants confirmed: without a permit to keep it this host goes back at `until`. */
struct vigil {
    bool on;
    struct arena arena;
    struct envelope plan;
    struct digest digest;
    uint64_t step;
    uint64_t attempt;
    struct instant until;
};

/* One product on this host. A release without a version: nothing is there. A previous release that names the
   product but no version: something ran before, and what it was is not known any more. */
struct row {
    struct arena arena;
    struct note_release release;
    bool stuck;     /* the last work on it ended so: the service may be down */
    char **folders; /* newest first: each that was ever current and may still be on disk */
    size_t folder_count;
    char *good;        /* folder of the release that last proved healthy, or NULL */
    char *good_before; /* and the one before that */
    struct vigil vigil;
};

/* What this host has begun of one product: it never begins an older plan again, nor an older attempt, however
   many receipts have been forgotten since. */
struct reached {
    char product[LIMIT_NAME + 1];
    uint64_t counter;   /* the highest release counter of which any step was begun */
    struct digest plan; /* the one plan that may bear it */
    uint64_t attempt;   /* the newest that was begun, forward or back */
    uint64_t closed;    /* the newest that ended here without success, or by a return; 0: none */
    uint64_t closings;  /* how many receipts of that attempt say so */
};

enum work_kind {
    WORK_NONE,
    WORK_DEPLOY,
    WORK_RECHECK, /* the plan's release is current already: its health alone decides */
    WORK_TEST,
    WORK_RETURN,
};

/* What has to come in before the work goes on. */
enum wait {
    WAIT_NOTHING,
    WAIT_LOOK,    /* which contents does the own store have? */
    WAIT_CONTENT, /* from the session */
    WAIT_TAKE,    /* a content is copied out of the spool */
    WAIT_ACT,
};

struct wanted {
    struct digest digest;
    uint64_t length;
    bool have;
    bool here; /* the session says that its spool has it */
    unsigned tries;
};

struct work {
    struct arena arena;
    enum work_kind kind;
    struct plan plan;
    struct envelope plan_envelope;
    struct digest plan_digest;
    struct permit permit;    /* of a return that nobody ordered: one without hosts */
    const struct step *step; /* the permit's; for a return: the last deploy step of this host */
    const struct suite *suite;
    const char *folder; /* of the plan's release */
    bool rescue;        /* a return after one that got stuck: stop, swap and start again */
    struct instant started;
    struct instant deployed; /* when the switch was done, or else the start */

    enum act act; /* the last one begun */
    bool returning;
    bool finished;
    bool good;
    bool unsure;       /* this process has begun anew, and no stop has ended since: a service may run */
    bool linked;       /* the release was noted anew since the work began */
    bool swapped;      /* forward */
    bool swapped_back; /* and back */
    const char *cause; /* what failed first; NULL while nothing did */
    const char *back_cause;
    struct test_result *results;
    size_t result_count;

    bool supplied;      /* every content is in the own store; asked again after a restart */
    bool supplied_back; /* the same for the probes of the release that is returned to */
    struct instant supply_until;
    struct wanted *wanted;
    size_t wanted_count;
    char late[LIMIT_LINE + 1]; /* why contents do not come, in the session's last words about it */
    struct digest taking;
};

struct installer {
    struct installer_options options;
    struct arena arena; /* options */

    bool has_trust;
    struct arena trust_arena;
    struct trust trust;
    struct digest trust_digest;
    bool has_fleet;
    struct arena fleet_arena;
    struct fleet fleet;
    struct digest fleet_digest;
    struct note_clock clock;

    struct row rows[LIMIT_PRODUCTS];
    size_t row_count;
    struct reached reached[LIMIT_PRODUCTS];
    size_t reached_count;
    struct held_receipt receipts[RECEIPTS_HELD]; /* oldest first */
    size_t receipt_count;
    uint64_t receipt_counter;
    struct digest receipt_newest;

    struct work work;
    struct row *prune; /* its old folders may go; NULL: none due */
    enum wait wait;

    struct held_plan plans[PLANS_HELD];
    size_t plan_count;
    struct held_permit permits[PERMITS_HELD];
    size_t permit_count;
    uint64_t age;
    bool hello_due;
    bool judge_due;         /* something changed that a waiting permit may have waited for */
    struct instant repeat;  /* when unanswered words are said again */
    struct instant tick_at; /* when the last good tick came, or the start */
    char complaint[LIMIT_LINE + 1];
};

/* ----------------------------------------------------------------------------------------------- effects.c
 */

struct installer_effect *effects_add (struct installer_effects *effects, enum installer_effect_kind kind);
/* A deep copy that lives as long as the effects. The record must be within the bounds of its table. */
void *effects_copy (struct installer_effects *effects, const struct record_type *type, const void *record);
void effects_send (struct installer_effects *effects, const struct record_type *type, const void *record);
/* Orders the note to be written, and applies it. */
void effects_record (
    struct installer *installer, struct installer_effects *effects, const struct record_type *type,
    const void *record);
/* Text from outside, made fit for a record: at most `limit` bytes, valid UTF-8, NULL as "". */
const char *fit_text (struct arena *arena, const char *text, size_t limit);
void say_doing (
    const struct installer *installer, struct installer_effects *effects, const struct permit *about,
    enum activity activity, const char *detail);
/* Tells people why an offer was not taken; the same words twice in a row are said once. */
void complain (
    struct installer *installer, struct installer_effects *effects, enum activity activity, const char *text);
void say_hello (const struct installer *installer, struct installer_effects *effects);

/* ------------------------------------------------------------------------------------------ offers.c,
 * judge.c */

/* False, with words, where this host's clock stands more than five minutes before what is known to be past.
 */
bool clock_is_sane (const struct installer *installer, struct instant now, struct error *error);
void take_offer (
    struct installer *installer, const struct offer *offer, struct instant now,
    struct installer_effects *effects);
void take_tick (
    struct installer *installer, const struct heartbeat *heartbeat, struct instant now,
    struct installer_effects *effects);
/* Says so where this host is being starved. */
void check_starved (struct installer *installer, struct instant now, struct installer_effects *effects);
const struct held_plan *plan_held (const struct installer *installer, const struct digest *digest);

void take_permit (
    struct installer *installer, const struct permit_offer *offer, struct instant now,
    struct installer_effects *effects);
/* Judges the permits that wait, returns first, until one begins. True where one did, or a work was cut short.
 */
bool judge_waiting (struct installer *installer, struct instant now, struct installer_effects *effects);

/* ------------------------------------------------------------------------------------ work.c, acts.c,
 * supply.c */

/* Goes on until something has to come in, or nothing is left to do. */
void work_advance (struct installer *installer, struct instant now, struct installer_effects *effects);
/* The work ends here: the receipt is noted and sent. */
void work_end (
    struct installer *installer, enum outcome outcome, struct instant now, struct installer_effects *effects);

/* The plan's release is current. */
bool work_is_current (const struct installer *installer);
struct row *work_row (const struct installer *installer); /* NULL: this host never had the product */

/* One of the two releases that a work is about. */
struct side {
    bool exists;
    bool known; /* false: there was one, and it is forgotten */
    const char *version;
    const char *folder;
    const struct profile *profile;
};
struct side side_new (const struct installer *installer);
struct side side_old (const struct installer *installer);

void act_begin (
    struct installer *installer, enum act act, bool returning, struct instant now,
    struct installer_effects *effects);
void act_done (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects);
void prune_begin (struct installer *installer, struct instant now, struct installer_effects *effects);

/* Gets the contents that the work needs into the own store. */
void supply_begin (struct installer *installer, struct instant now, struct installer_effects *effects);
void supply_have (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects);
void supply_here (
    struct installer *installer, const struct digest *content, struct installer_effects *effects);
void supply_late (struct installer *installer, const struct content_late *late);
void supply_ask (const struct installer *installer, struct installer_effects *effects); /* again */
struct instant supply_deadline (const struct installer *installer);
/* Gives up, if it is late. */
void supply_check_time (struct installer *installer, struct instant now, struct installer_effects *effects);
void supply_cancel (struct installer *installer, struct installer_effects *effects);

/* ---------------------------------------------------------------------------- recover.c, receipts.c,
 * retain.c */

struct row *row_named (const struct installer *installer, const char *product);
/* NULL: nothing of this product was ever begun here. */
const struct reached *reached_of (const struct installer *installer, const char *product);
bool release_exists (const struct host_release *release);
void work_free (struct installer *installer);

const struct held_receipt *receipt_find (
    const struct installer *installer, const struct digest *plan, enum permit_kind kind, uint64_t step,
    uint64_t attempt);
bool receipt_is_success (const struct held_receipt *receipt);
bool receipts_full (const struct installer *installer);
void receipt_send (const struct held_receipt *receipt, struct installer_effects *effects);
void receipts_resend (const struct installer *installer, struct installer_effects *effects);
void receipt_stored (
    struct installer *installer, const struct digest *digest, struct installer_effects *effects);
/* Signs, notes and sends the receipt of the work. */
void receipt_make (
    struct installer *installer, enum outcome outcome, struct instant now, struct installer_effects *effects);
bool receipts_apply (struct installer *installer, const struct envelope *envelope, struct error *error);
void receipts_apply_stored (struct installer *installer, const struct digest *digest);
void receipts_free (struct installer *installer);

/* `folder` became current. */
void retain_note (struct row *row, const char *folder);
/* The current release proved healthy. */
void retain_good (struct row *row);
/* Folders that stay: at most folder_count + 4 of them, each once. Returns how many. */
size_t retain_keep (const struct row *row, uint64_t keep_releases, const char **ret);
void retain_pruned (struct row *row, uint64_t keep_releases);
void retain_free (struct row *row);

/* --------------------------------------------------------------------------------------------------- vigil.c
 */

/* At the end of a work that left a release running: a vigil begins where its plan asks for one. */
void vigil_begin (struct row *row, const struct work *work, struct instant now);
void vigil_end (struct row *row);
/* The row whose vigil this permit ends; NULL where there is none. */
struct row *vigil_of (const struct installer *installer, const struct permit *permit);
/* When the first one is over; {INT64_MAX} where none is kept. */
struct instant vigil_deadline (const struct installer *installer);
/* Begins the return of one that is over. True where it did. */
bool vigil_lapse (struct installer *installer, struct instant now, struct installer_effects *effects);

#endif
