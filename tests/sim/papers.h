/* The documents of a simulated fleet, and the truth about them: what honest people and hosts have really
   signed. The oracle judges by this; the programs under test never see it. */
#ifndef RELEVO_TESTS_SIM_PAPERS_H
#define RELEVO_TESTS_SIM_PAPERS_H

#include "common/core/gate.h"
#include "tests/sim/story.h"

enum key_name {
    KEY_ROOT_1,
    KEY_ROOT_2,
    KEY_ROOT_3,
    KEY_ANA,
    KEY_LUIS,
    KEY_EVA,
    KEY_RELEASE_1,
    KEY_RELEASE_2,
    KEY_CONTROLLER,
    KEY_STRANGER,
    KEYS
};

enum { PRODUCTS = 2, TRUSTS = 8, FLEETS = 8, CONTENTS = 64 };

#define ROLE_MANAGERS "managers"
#define ROLE_TESTERS "testers"

struct true_plan {
    struct digest digest;
    struct envelope envelope;
    struct plan plan;
    unsigned rollout; /* of the story */
    unsigned signer;  /* enum key_name */
    bool genuine;     /* made by a releaser; else by a thief */
};

/* A receipt or an approval that its honest owner has signed. */
struct true_paper {
    struct digest digest;
    struct envelope envelope;
    const struct receipt *receipt;   /* or NULL */
    const struct approval *approval; /* or NULL */
    enum key_name key;               /* approval */
    bool recorded;                   /* the controller's journal has it */
    bool counted;                    /* and as something that is about a rollout */
};

struct content {
    struct digest digest;
    struct bytes bytes;
};

struct papers {
    struct arena arena;
    const struct story *story;
    struct envelope trusts[TRUSTS]; /* version 1 is at place 0 */
    struct trust trust[TRUSTS];
    size_t trust_count;
    struct envelope fleets[FLEETS];
    struct fleet fleet[FLEETS];
    size_t fleet_count;
    struct true_plan plans[2 * STORY_ROLLOUTS + 32];
    size_t plan_count;
    struct true_paper *papers;
    size_t paper_count;
    size_t paper_capacity;
    size_t *index; /* open addressing: 1 + place in `papers` */
    size_t index_size;
    struct content contents[CONTENTS];
    size_t content_count;
};

struct digest envelope_digest (const struct envelope *envelope);
const struct secret_key *key_of (enum key_name name);
const char *key_word (enum key_name name);
const struct secret_key *host_key (unsigned host);
struct wire_key host_wire (unsigned host);
const char *host_name (unsigned host); /* static storage */
unsigned host_number (const char *name);
const char *product_name (unsigned product);
const char *environment_name (unsigned environment);

void papers_open (struct papers *papers, const struct story *story, struct instant start);
void papers_close (struct papers *papers);
/* The next one; false where there is no room for more. */
bool papers_next_trust (struct papers *papers, unsigned change, struct instant now);
bool papers_next_fleet (struct papers *papers, int without, struct instant now);
bool papers_has_key (const struct trust *trust, enum key_name name);
/* What a host runs that was set up before this story begins. */
struct note_release papers_old_release (struct papers *papers, unsigned product);
/* The plan of the story's rollout, against the newest fleet. NULL where the fleet has no host for it. */
struct true_plan *papers_plan (struct papers *papers, unsigned rollout, struct instant now);
/* One that nobody should take: `kind` 0 by a stranger, 1 by a revoked releaser, 2 expired, 3 of an approver.
 */
struct true_plan *papers_false_plan (struct papers *papers, unsigned kind, struct instant now);
struct envelope papers_sign (
    struct papers *papers, const struct record_type *type, const void *record, const struct secret_key *key,
    struct instant now);

const struct true_plan *papers_plan_of (const struct papers *papers, const struct digest *digest);
struct true_paper *papers_find (const struct papers *papers, const struct digest *digest);
/* A permit that the controller has recorded: then it may be sent. */
void papers_keep_permit (struct papers *papers, const struct envelope *envelope);
void papers_keep_receipt (struct papers *papers, const struct envelope *envelope);
void papers_keep_approval (
    struct papers *papers, const struct envelope *envelope, const struct approval *approval,
    enum key_name key);
const struct content *papers_content (const struct papers *papers, const struct digest *digest);

#endif
