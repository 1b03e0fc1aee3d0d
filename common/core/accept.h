/* One way in for every kind of document: verify the role's threshold over the exact bytes, decode once, check
   that it is well-formed and in force. `now` is the caller's one clock reading for the whole cycle. What
   `ret` points to belongs to `arena`. Untouched on failure. */
#ifndef RELEVO_COMMON_CORE_ACCEPT_H
#define RELEVO_COMMON_CORE_ACCEPT_H

#include "common/core/trust.h"

/* The first trust document, of any version: its own root threshold, and its content's digest is `pin`. */
bool accept_first_trust (
    const struct envelope *envelope, const struct digest *pin, struct instant now, struct arena *arena,
    struct trust *ret, struct error *error);
/* Exactly version N + 1, signed by the root threshold of N and of N + 1. An expired N may still be succeeded.
 */
bool accept_next_trust (
    const struct trust *current, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct trust *ret, struct error *error);
/* Signed by operators; a version of at least `least`. */
bool accept_fleet (
    const struct trust *trust, uint64_t least, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct fleet *ret, struct error *error);
/* Signed by releasers (of all environments), and plan_check. `now` = {0} skips the expiry alone. */
bool accept_plan (
    const struct trust *trust, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct plan *ret, struct error *error);
/* Signed by the controller. */
bool accept_permit (
    const struct trust *trust, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct permit *ret, struct error *error);
bool accept_tick (
    const struct trust *trust, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct tick *ret, struct error *error);
/* Signed by the key that the fleet gives the host which it names. */
bool accept_receipt (
    const struct fleet *fleet, const struct envelope *envelope, struct arena *arena, struct receipt *ret,
    struct error *error);
/* Signed by one key of the role that it names, for `environment`; its name is that key's. `ret_key` is the
 * signer's. */
bool accept_approval (
    const struct trust *trust, const char *environment, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct approval *ret, struct public_key *ret_key, struct error *error);

/* A plan's inner order: steps numbered from 1 without a gap, limits at least 1, every suite, host and
   duration that a step needs is there, no host twice in the deploys of one environment, test and approval
   steps after a deploy, spans with min_healthy_time < healthy_deadline < progress_deadline, names and
   versions well-formed. */
bool plan_check (const struct plan *plan, struct error *error);

#endif
