/* Everything that the people, the hosts and the controller of one small fleet could sign, and the contents of
   its depot. An attack takes the keys that its thief is granted, and no others.

   The fleet: s1 in staging, p1 and p2 in production; one product, "app". A draft is an unsigned document as
   an honest owner of the keys would write it; attacks change it before it is signed. All memory belongs to
   the realm. */
#ifndef RELEVO_TESTS_ATTACKS_REALM_H
#define RELEVO_TESTS_ATTACKS_REALM_H

#include "common/core/accept.h"
#include "common/io/wire.h"

/* Whose keys. */
enum who {
    ROOT_1,
    ROOT_2, /* in no document, until a rotation brings it in */
    OPERATOR,
    RELEASER_1, /* two of the three releasers sign a plan */
    RELEASER_2,
    RELEASER_3,
    CONTROLLER,
    CONTROLLER_2, /* in no role, until a rotation brings it in */
    ANA,          /* ana and luis are the release-managers: two of two */
    LUIS,
    EVA,      /* a tester */
    STRANGER, /* in no document */
    S1,
    P1,
    P2,
    WHO_COUNT
};

enum { HOST_COUNT = 3, CONTENTS = 64, EVIDENCE = 32 };

/* The steps of an honest plan. */
enum { DEPLOY_S1 = 1, TESTS_S1, DEPLOY_P1, TESTS_P1, SIGNOFF, DEPLOY_P2, TESTS_P2 };

struct realm {
    struct arena arena;
    struct secret_key keys[WHO_COUNT];
    struct wire_pair wires[HOST_COUNT];
    struct span ahead; /* of the wall clock: for hosts whose clock is set */
    struct envelope trust;
    struct envelope fleet;
    uint64_t trust_version;
    uint64_t fleet_version;
    uint64_t receipts; /* counter of what hosts have signed */
    struct bytes contents[CONTENTS];
    size_t content_count;
};

/* A plan, signed or not yet. */
struct release {
    struct plan plan;
    struct envelope envelope;
    struct digest digest;
    const char *folder; /* its release's folder below releases/ */
};

struct evidence {
    struct envelope items[EVIDENCE];
    size_t count;
};

/* Makes all keys; the newest documents are the realm's first trust and fleet, version 1 each. */
void realm_open (struct realm *realm);
/* Again, after keys of the realm were replaced. */
void realm_found (struct realm *realm);
void realm_close (struct realm *realm);

const char *who_name (enum who who);
struct instant realm_now (const struct realm *realm);
struct instant realm_in (const struct realm *realm, int64_t seconds); /* negative: that long ago */
struct digest digest_of_envelope (const struct envelope *envelope);

struct envelope realm_sign (
    struct realm *realm, const struct record_type *type, const void *record, const enum who *who,
    size_t count);
#define SIGNED(realm, type, record, ...)                                                                     \
    realm_sign (                                                                                             \
        realm, type, record, (const enum who[]){__VA_ARGS__},                                                \
        sizeof ((const enum who[]){__VA_ARGS__}) / sizeof (enum who))
/* The same document, with the signatures of both. */
struct envelope envelope_join (struct realm *realm, struct envelope first, struct envelope second);
/* A copy of which bit `bit` of the content is flipped. */
struct envelope envelope_flip (struct realm *realm, const struct envelope *envelope, size_t bit);

struct trust draft_trust (struct realm *realm, uint64_t version);
struct trust_role *role_named (const struct trust *trust, const char *name);
/* The role's keys, from now on. */
void role_set (
    struct realm *realm, const struct trust *trust, const char *name, uint64_t threshold, const enum who *who,
    size_t count);
#define ROLE_SET(realm, trust, name, threshold, ...)                                                         \
    role_set (                                                                                               \
        realm, trust, name, threshold, (const enum who[]){__VA_ARGS__},                                      \
        sizeof ((const enum who[]){__VA_ARGS__}) / sizeof (enum who))
struct fleet draft_fleet (struct realm *realm, uint64_t version);
struct tick draft_tick (const struct realm *realm, uint64_t epoch, uint64_t sequence);

/* Puts it into the depot. */
struct artifact realm_content (struct realm *realm, const char *name, struct bytes data);
const struct bytes *realm_content_find (const struct realm *realm, const struct digest *digest);
/* A release of the product "app": a service that runs until it is stopped, and says its version. */
struct buffer app_archive (const char *version);

/* Releases in the order of their counters. The artefact and the scripts are in the depot. */
struct plan draft_plan (struct realm *realm, const char *version, uint64_t counter);
/* Its steps give up after two seconds. */
void plan_hasten (struct plan *plan);
struct release realm_release_signed (struct realm *realm, const struct plan *plan, struct envelope envelope);
/* Signed by two releasers. */
struct release realm_release_of (struct realm *realm, const struct plan *plan);
struct release realm_release (struct realm *realm, const char *version, uint64_t counter);

struct receipt draft_receipt (
    struct realm *realm, const struct release *release, uint64_t step, uint64_t attempt, enum who host,
    enum outcome outcome);
/* By a person who has seen that evidence. */
struct approval draft_approval (
    struct realm *realm, const struct release *release, const struct evidence *evidence, uint64_t step,
    uint64_t attempt, enum who who, enum decision decision);
void evidence_add (struct evidence *evidence, struct envelope envelope);
void evidence_remove (struct evidence *evidence, size_t place);
/* Adds what that host, or that person after a look at the evidence so far, honestly signs. */
void evidence_report (
    struct realm *realm, struct evidence *evidence, const struct release *release, uint64_t step,
    uint64_t attempt, enum who host, enum outcome outcome);
void evidence_decide (
    struct realm *realm, struct evidence *evidence, const struct release *release, uint64_t step,
    uint64_t attempt, enum who who, enum decision decision);
/* All that honestly proves every step before `step`. The receipts are in the order of the steps and hosts,
   the approvals of ana and luis after those before the signoff; an attempt above 1 has the operator's retry
   in the end. */
struct evidence realm_evidence (
    struct realm *realm, const struct release *release, uint64_t step, uint64_t attempt);
/* For the step's hosts (0: a return, for the hosts of all deploys), with the evidence listed. */
struct permit draft_permit (
    struct realm *realm, const struct release *release, uint64_t step, uint64_t attempt,
    const struct evidence *evidence);
void permit_list (struct realm *realm, struct permit *permit, const struct evidence *evidence);

#endif
