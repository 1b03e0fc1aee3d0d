/* One way in for every kind of document: verify the role's threshold over the exact bytes, decode once, check
   that it is well-formed and in force. `now` is the caller's one clock reading for the whole cycle. What
   `ret` points to belongs to `arena`. Untouched on failure. */
#ifndef RELEVO_COMMON_CORE_ACCEPT_H
#define RELEVO_COMMON_CORE_ACCEPT_H

#include "common/core/trust.h"

/* How far the clocks of two honest machines may differ: what was issued further in the future is refused. */
enum { ACCEPT_CLOCK_SLACK_MS = 5 * 60 * 1000 };

/* How far a release counter or a fleet version may rise at once above the highest known, and how high the
   first may be where none is. An absurd one, signed by mistake or by a thief, would leave no room above it.
 */
enum { ACCEPT_RISE = 1000000 };
#define ACCEPT_FIRST (UINT64_C (1) << 48)

/* An expired trust document vouches for nothing: every function below that takes one refuses then. Only
   accept_first_trust, accept_next_trust and accept_plan skip every check of expiry where `now` is {0}. For
   trust documents that is the way through older versions to the newest one. */

/* The first trust document, of any version: its own root threshold, and its content's digest is `pin`. */
bool accept_first_trust (
    const struct envelope *envelope, const struct digest *pin, struct instant now, struct arena *arena,
    struct trust *ret, struct error *error);
/* Exactly version N + 1, signed by the root threshold of N and of N + 1. An expired N may still be succeeded.
 */
bool accept_next_trust (
    const struct trust *current, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct trust *ret, struct error *error);
/* A whole chain, from the document that `pin` names to the newest. Older ones may have expired, for they are
   only the way; the newest is in force. */
bool accept_trusts (
    const struct envelope *envelopes, size_t count, const struct digest *pin, struct instant now,
    struct arena *arena, struct trust *ret, struct error *error);
/* Signed by operators; a version of at least `least`, and no absurd one: `least` above 1 means that the one
   before it is known. */
bool accept_fleet (
    const struct trust *trust, uint64_t least, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct fleet *ret, struct error *error);
/* Signed by releasers (of all environments), and plan_check; the roles of its manual and signoff steps exist,
   and their quorum is at least that role's threshold in the trust document and can be reached; the same for
   those who may override. ERROR_CONFLICT
   where the plan was made for a newer trust document than `trust`. `now` = {0} skips the expiry alone. */
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
/* Signed by one key of the role that it names, for `environment` (plan_environment); its name is that key's.
   `ret_key` is the signer's. Approve, reject, skip, override and promote are about a step, all other
   decisions about the whole rollout (step 0); all but the first four need the role operator; a skip and an
   override need a comment. */
bool accept_approval (
    const struct trust *trust, const char *environment, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct approval *ret, struct public_key *ret_key, struct error *error);

/* As accept_approval, for the environment that plan_environment gives the step which the approval is about.
 */
bool accept_plan_approval (
    const struct trust *trust, const struct plan *plan, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct approval *ret, struct public_key *ret_key, struct error *error);

/* The plan's release counter is above `highest`, the highest that is known of its product (0: none), and not
   absurdly so. */
bool accept_counter (const struct plan *plan, uint64_t highest, struct error *error);

/* A plan's inner order: steps numbered from 1 without a gap, limits at least 1, every suite, host and
   duration that a step needs is there, no host twice in the deploys of one environment, test and approval
   steps after a deploy, spans with min_healthy_time < healthy_deadline < progress_deadline, names and
   versions well-formed. */
bool plan_check (const struct plan *plan, struct error *error);

/* The environment whose roles decide about step `number`: the step's own, else that of the last deploy before
   it. For the whole rollout (0): that of the plan's last deploy, where it is headed. "" where there is none.
 */
const char *plan_environment (const struct plan *plan, uint64_t number);

#endif
