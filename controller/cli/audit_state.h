/* What an audit remembers. For the audit's own files. */
#ifndef RELEVO_CONTROLLER_CLI_AUDIT_STATE_H
#define RELEVO_CONTROLLER_CLI_AUDIT_STATE_H

#include "controller/cli/audit.h"

/* A receipt or an approval of a rollout. One of the two is NULL. */
struct audit_paper {
    struct digest digest;
    const struct receipt *receipt;
    const struct approval *approval;
    struct public_key key; /* the signer's */
    uint64_t row;
};

struct audit_rollout {
    uint64_t number;
    struct plan plan;
    struct digest digest;
    struct audit_paper **papers;
    size_t paper_count;
    const struct permit **permits;
    size_t permit_count;
};

struct audit {
    struct arena arena;
    struct digest pin;
    struct trust trust;
    struct fleet fleet;
    uint64_t epoch;
    struct digest **fleet_digests;
    struct audit_rollout **rollouts;
    struct audit_paper **receipts; /* of all rollouts */
    struct audit_counts counts;
};

/* A list whose room doubles; `items` is the place of the pointer. */
void audit_push (struct audit *audit, void *items, size_t *count, void *item);
struct audit_rollout *audit_rollout (struct audit *audit, uint64_t number, struct error *error);

/* One entry each, at the row's time. */
bool audit_permit (
    struct audit *audit, const struct entry_permit *entry, struct instant at, struct error *error);
bool audit_receipt (struct audit *audit, const struct entry_receipt *entry, struct error *error);
bool audit_approval (
    struct audit *audit, const struct entry_approval *entry, struct instant at, struct error *error);
bool audit_phase (struct audit *audit, const struct entry_phase *entry, struct error *error);
/* Each host's receipts, by their counters. */
bool audit_host_chains (struct audit *audit, struct error *error);

#endif
