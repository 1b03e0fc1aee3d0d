/* Everything that a seed decides before the world begins: the fleet, the plans, how rough the network is, how
   people are tempered, and what happens when. A story can be made shorter and milder, and stays the same
   otherwise. */
#ifndef RELEVO_TESTS_SIM_STORY_H
#define RELEVO_TESTS_SIM_STORY_H

#include "common/core/text.h"
#include "proto/messages.h"
#include "tests/sim/random.h"

enum {
    STORY_HOSTS = 10000,
    STORY_ROLLOUTS = 3,
    STORY_STEPS = 16,
    STORY_HAPPENINGS = 40,
};

enum happening_kind {
    HAPPENS_CUT,             /* a host's line, for `span`: which 1 to the controller, 2 from it, 3 both */
    HAPPENS_CUT_ALL,         /* every host's line */
    HAPPENS_KILL_CONTROLLER, /* after `count` effects */
    HAPPENS_KILL_INSTALLER,  /* the same; its services run on */
    HAPPENS_KILL_SESSION,
    HAPPENS_POWER, /* a host's power fails after `count` effects, for `span` */
    HAPPENS_FULL,  /* a host's disk is full for `span` */
    HAPPENS_FULL_CONTROLLER,
    HAPPENS_ROT,   /* contents that a host has stored are damaged */
    HAPPENS_CLOCK, /* a host's clock jumps by `span` */
    HAPPENS_CLOCK_CONTROLLER,
    HAPPENS_LOST,  /* a host is gone for good */
    HAPPENS_TRUST, /* the next trust document: which 0 revokes a releaser, 1 an approver, 2 changes a root key
                    */
    HAPPENS_FLEET, /* the next fleet document; which 1 leaves the host out */
    HAPPENS_DECIDE, /* an operator's decision `which`, whatever it is good for */
    HAPPENS_FORGE,  /* somebody without keys says something to a host, or to the controller */
    HAPPENS_STEAL,  /* somebody with the controller's key says something to a host */
    happening_count
};

struct happening {
    enum happening_kind kind;
    int64_t at; /* ms since the beginning */
    unsigned host;
    unsigned which;
    long count;
    int64_t span; /* ms */
    bool dropped; /* left out of this telling */
};

struct story_step {
    enum step_kind kind;
    unsigned environment; /* 0 staging, 1 production */
    unsigned first;       /* deploy: hosts of the environment, from this place on */
    unsigned hosts;
    unsigned max_parallel;
    unsigned max_unavailable;
    int64_t min_healthy;
    int64_t healthy_deadline;
    int64_t progress_deadline;
    int64_t confirm_within;
    int64_t duration;
    unsigned approvals;
    bool optional;
};

struct story_rollout {
    int64_t at;
    unsigned product;
    bool pauses_on_failure;
    unsigned override_approvals; /* 0: nobody may */
    struct story_step steps[STORY_STEPS];
    unsigned step_count;
};

/* In thousandths. */
struct story_rates {
    unsigned drop;
    unsigned twice;
    unsigned slow;    /* a message takes up to ten seconds */
    unsigned fails;   /* an act of a new release on a host */
    unsigned stuck;   /* an act on the way back */
    unsigned rejects; /* a person who could approve */
};

struct story {
    uint64_t seed;
    unsigned staging;
    unsigned production;
    struct story_rates rates;
    int64_t delay;    /* ms: most of an ordinary message's */
    int64_t drift;    /* parts in a million, of a host's clock */
    int64_t thinking; /* ms: most that a person takes */
    int64_t heartbeat;
    int64_t tick;
    struct story_rollout rollouts[STORY_ROLLOUTS];
    unsigned rollout_count;
    struct happening happenings[STORY_HAPPENINGS];
    unsigned happening_count;
    int64_t calm_at;    /* from here on nothing goes wrong any more */
    enum act fated_act; /* that fails for certain, of a new release on `fated_host`; ACT_NONE: none */
    unsigned fated_host;
    enum happening_kind
        dies_with; /* what comes with a host's first death: HAPPENS_FULL, HAPPENS_ROT, or nothing */
    bool large;    /* artefacts of more than one chunk */
    bool stolen;   /* somebody has the controller's key: only safety is asked for */
};

/* What the seed says. `hosts` 0: that too; else so many. */
void story_draw (uint64_t seed, unsigned hosts, struct story *ret);
/* One line for people. */
void story_print_happening (const struct story *story, unsigned number, struct buffer *out);
void story_print (const struct story *story, struct buffer *out);
/* The options of `sim` that tell this story again. */
void story_print_options (const struct story *story, unsigned hosts, struct buffer *out);

/* Ways to make a story simpler, by number; false where there are no more. One that changes nothing leaves
   `ret` equal to `story`. */
bool story_simplify (const struct story *story, unsigned way, struct story *ret);
/* The same by its name, as story_print_options writes it. */
bool story_apply (struct story *story, const char *option);

#endif
