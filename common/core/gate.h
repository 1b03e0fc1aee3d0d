/* The gate: what must be proven before a step may touch a host. The controller asks it before it issues a
   permit, and each host's installer asks the very same code before it acts on one.

   All evidence of one case bears one attempt. An attempt above 1 needs an operator's `retry` that opens it.
   Step n is open for a host when
     - the host is one of the step's,
     - every step before n is done (below),
     - for a deploy: of the cohort's hosts that stand before it, at least index + 1 - width have kept, where
       the width is the smaller of max_parallel and max_unavailable,
     - and the case is not closed: no receipt of this plan and attempt is anything but a success, no approver
       rejected, no operator aborted or undid. A failed receipt or a rejection closes no more once
       `override_approvals` different keys of the plan's override role signed, with a reason, that it is
       overridden; one that got stuck, or a return, is never overridden.

   Done means, by kind of step:
     - deploy: every host of the cohort has a receipt `kept`, or one that is overridden
     - test: every host of the step has a receipt `passed` with the result of every test of the suite, or one
       that is overridden
     - manual: `approvals` different keys of the role approved over the evidence digest; or, where optional,
       one skipped over it with a comment; none rejected
     - signoff: the same, without skipping
     - pause: with a duration, that long since the newest receipt or decision of the steps before, by `now`;
       without one, or before it is over, a `promote` by an operator over the evidence digest
     - notify: always, for it proves nothing

   To keep what step n deployed is open for a host of that step when steps 1 to n are done and the case is not
   closed. A plan may ask for it (confirm_within): a host that hears no such permit in time goes back by
   itself, so that nobody who is cut off, or silent, or served by a thief, stays on a release that the fleet
   never confirmed. A permit for a later step proves the same.

   A return is open for a host where the plan failed somewhere (a receipt failed, returned, refused or stuck),
   or an approver rejected, or an operator aborted or undid it: where the case is closed. */
#ifndef RELEVO_COMMON_CORE_GATE_H
#define RELEVO_COMMON_CORE_GATE_H

#include "common/core/accept.h"

struct gate_receipt {
    struct digest digest; /* of the document's content */
    const struct receipt *receipt;
};

struct gate_approval {
    struct digest digest;
    const struct approval *approval;
    struct public_key key;
};

/* Zero it, set plan, plan_digest, attempt and now, and add the evidence by the functions below alone. The
   lists belong to their arena. Receipts are kept sorted: steps before returns, then by step, host and digest.
 */
struct gate_case {
    const struct plan *plan;
    struct digest plan_digest;
    uint64_t attempt;
    struct instant now;
    struct gate_receipt *receipts;
    size_t receipt_count;
    struct gate_approval *approvals;
    size_t approval_count;
};

/* Verifies one receipt or approval and takes it into the case. Refuses evidence of another plan or attempt,
   a document of another kind, a receipt of a host that the step (or, for a return, the plan) does not name,
   and a decision that the step does not ask for or by a role other than the step's. The same document twice
   counts once. */
bool gate_add (
    struct gate_case *gate, const struct trust *trust, const struct fleet *fleet,
    const struct envelope *envelope, struct arena *arena, struct error *error);

/* For evidence that this program verified when it came in: takes it without verifying again. */
void gate_take_receipt (
    struct gate_case *gate, struct digest digest, const struct receipt *receipt, struct arena *arena);
void gate_take_approval (
    struct gate_case *gate, struct digest digest, const struct approval *approval,
    const struct public_key *key, struct arena *arena);

/* `number` counts from 1. `why` says in words what is still missing ("2 of 3 hosts have kept; waiting for
   connect-p3") or what forbids it; untouched where the answer is true. gate_step_done looks at that step
   alone. `host` may be NULL: then gate_step_open asks about no host in particular, and leaves the cohort and
   its order out; a permit must name its host. ERROR_CONFLICT: not yet. ERROR_REFUSED: not in this attempt. */
bool gate_step_done (const struct gate_case *gate, uint64_t number, struct error *why);
bool gate_step_open (const struct gate_case *gate, uint64_t number, const char *host, struct error *why);
bool gate_keep_open (const struct gate_case *gate, uint64_t number, const char *host, struct error *why);
bool gate_return_open (const struct gate_case *gate, struct error *why);

/* A host says that it has kept the release, or that it has passed; of a test step with the result of every
   test of the suite, in its order, and each of them passed. "passed" without them is a word like "failed". */
bool gate_is_success (const struct plan *plan, const struct receipt *receipt);

/* The first failure or rejection in the case: its words in `why` and true, or false (and `why` untouched)
   where there is none. Failed steps come before decisions, and decisions before returns. */
bool gate_is_closed (const struct gate_case *gate, struct error *why);

/* The failed receipts and rejections that an override could open the case for, and has not: fills `ret` with
   their digests and `ret_step` with their steps, at most `most`; returns how many there are. */
size_t gate_overridable (const struct gate_case *gate, struct digest *ret, uint64_t *ret_step, size_t most);
/* Whether the receipt or rejection with that digest, which is about that step, is overridden: by those who
   may override that step, and not by those of another environment. */
bool gate_is_overridden (const struct gate_case *gate, uint64_t step, const struct digest *digest);

/* Which of `hosts` may get a permit for deploy step `number` now: fills `ret` with indices into the step's
   hosts, in order, at most `step->hosts_count`; returns how many. A host that has a receipt of this step is
   not among them. */
size_t gate_deploy_window (const struct gate_case *gate, uint64_t number, size_t *ret);

/* When the pause step `number` is over by itself, by the evidence so far; INT64_MAX where only an operator
   can end it, or where it is no pause. */
struct instant gate_pause_end (const struct gate_case *gate, uint64_t number);

/* BLAKE2b-256 over the plan's digest, the digests of the receipts of all steps before `number`, in the plan's
   order of steps and hosts, and the digests of the overrides of those steps, in their own order: what a
   person saw when deciding on step `number`. */
struct digest gate_evidence_digest (const struct gate_case *gate, uint64_t number);

#endif
