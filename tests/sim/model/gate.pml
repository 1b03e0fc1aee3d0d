/* Gate, permit, receipt: the protocol between one controller and three hosts, small enough to be searched to its
   last state. Spin checks the safety half of the invariants 3, 4 and 6 (agent/core, common/core, controller/core
   name them by number). tests/sim/model.sh runs every variant and every mutant; README.md says what is left out.

   The plan:   1 deploy h0    2 test h0    3 sign-off, 2 approvers    4 deploy h1 h2, WIDTH at once    5 test all

   Model                        Code
   -----                        ----
   truth[a]                     every receipt and decision of attempt a that anybody has signed: what can be shown
   know                         those of the current attempt that stand in the controller's journal
   rec[a], net[a]               permits recorded (permit_make), and sent at least once (permit_publish, offer_task)
   ev[]                         the evidence that a step permit carries (fill_evidence)
   DONE*, IS_OPEN               gate_step_done, gate_step_open               common/core/gate.c
   IN_TURN                      is_its_turn, gate_deploy_window              common/core/gate.c
   TOUCHED, BACK, carried       seat_is_touched, seat_is_back, open_attempt  controller/core/deploy.c, apply_rollout.c
   Controller                   go_on, go_back, recover, answer_wish         controller/core/rollout.c
   MAY_STEP, MAY_RETURN         judge, check_history, check_reached          agent/core/judge.c
   note, begun                  note_begin; work.c chooses what follows      agent/core/recover.c, work.c
   reached                      struct reached                               agent/core/recover.c
   People                       request_decide                               controller/core/decide.c

   The network loses, doubles, reorders and delays: whatever was signed once can be taken at any later time, any
   number of times, or never. So a message is a bit that never falls, and no queue is needed.

   A crash forgets what was not recorded. Each transition below is one RECORD, or one SEND or act after it, and any
   process may rest between any two of them for ever: a crashed or dead program is one that does not move, and after
   the restart it goes on from its records, which is where it stands here. What an order of effects would do wrong is
   shown by the mutants SEND_FIRST and ACT_FIRST, which have a volatile state and an explicit crash.

   Variants:  WIDTH=1|2   RETRY: an operator may open attempt 2   HOSTILE: whoever holds the controller's key
              STUCK: a deploy or a return may get stuck
              ACROSS: invariant 4 over all attempts together; COUNTS_CARRIED: the controller counts a host out of
              service that has not yet answered for an earlier attempt
   REACH=n: a state that must be reachable, so that the search is not about nothing. Mutants: -DMUTANT_NAME. */

#ifndef WIDTH
#define WIDTH 1
#endif

/* --------------------------------------------------------------------------------------------------- evidence */

/* Receipts of host h: step 1 or 4, step 2 (h0 only), step 5, and of a return. One receipt has one bit; a deploy that
   got stuck has both FAILED and WENT_BACK (an honest controller's variant only, where nobody shows half of it). */
#define KEPT(h) (1 << (h))
#define TESTED (1 << 3)
#define APPROVED_A (1 << 4) /* over the receipts of steps 1 and 2: the evidence digest fits */
#define APPROVED_B (1 << 5)
#define PASSED(h) (1 << (6 + (h)))
#define FAILED(h) (1 << (9 + (h)))     /* the deploy failed, and the version is what it was */
#define WENT_BACK(h) (1 << (12 + (h))) /* the deploy failed, and the host returned by itself */
#define UNPASSED(h) (1 << (15 + (h)))
#define UNTESTED (1 << 18)
#define REJECTED (1 << 19)
#define ABORTED (1 << 20) /* or undone */
#define BLIND_A (1 << 21) /* approved over something else than the receipts of steps 1 and 2 */
#define BLIND_B (1 << 22)
#define OTHER_ROLE (1 << 23) /* an approval by somebody who has no such role */
#define RETRIED (1 << 24)    /* an operator opened this attempt */
#define RETURNED(h) (1 << (25 + (h)))
#define LEFT_STUCK(h) (1 << (28 + (h)))

#define DEPLOYED(h) (KEPT (h) | FAILED (h) | WENT_BACK (h))
#define ENDED_BACK(h) (RETURNED (h) | LEFT_STUCK (h))
#define STUCK_DEPLOY(e, h) (((e) & FAILED (h)) && ((e) & WENT_BACK (h)))
#define ALL(bit) (bit (0) | bit (1) | bit (2))
#define BAD                                                                                                   \
    (ALL (FAILED) | ALL (WENT_BACK) | ALL (UNPASSED) | ALL (ENDED_BACK) | UNTESTED | REJECTED | ABORTED)
/* What host h has said itself and that ends an attempt. */
#define OWN_BAD(h)                                                                                            \
    (FAILED (h) | WENT_BACK (h) | UNPASSED (h) | ENDED_BACK (h) | ((h) == 0 -> UNTESTED : 0))

/* ------------------------------------------------------------------------------------------------------- gate */

#ifdef MUTANT_REJECTION_IGNORED
#define CLOSED(e) ((e) & (BAD & ~REJECTED))
#else
#define CLOSED(e) ((e) & BAD)
#endif

#define DONE1(e) ((e) & KEPT (0))
#define DONE2(e) ((e) & TESTED)
#ifdef MUTANT_ONE_APPROVER
#define DONE3(e) ((e) & (APPROVED_A | APPROVED_B))
#elif defined(MUTANT_BLIND_APPROVAL)
#define DONE3(e) (((e) & (APPROVED_A | BLIND_A)) && ((e) & (APPROVED_B | BLIND_B)))
#else
#define DONE3(e) (((e) & APPROVED_A) && ((e) & APPROVED_B))
#endif
#ifdef MUTANT_HOST_FORGOTTEN
#define DONE4(e) ((e) & KEPT (1))
#else
#define DONE4(e) (((e) & KEPT (1)) && ((e) & KEPT (2)))
#endif
#define DONE5(e) (((e) & PASSED (0)) && ((e) & PASSED (1)) && ((e) & PASSED (2)))

/* Evidence that no such step asks for makes the host refuse the permit as a whole (approval_check). */
#ifdef MUTANT_ROLE_IGNORED
#define IS_FIT(e) true
#define ROLE_COUNTS(e) (((e) & OTHER_ROLE) -> (e) | APPROVED_A | APPROVED_B : (e))
#else
#define IS_FIT(e) (!((e) & OTHER_ROLE))
#define ROLE_COUNTS(e) (e)
#endif

/* `a` counts attempts from 0. */
#ifdef MUTANT_RETRY_UNPROVEN
#define ATTEMPT_IS_OPEN(e, a) true
#else
#define ATTEMPT_IS_OPEN(e, a) ((a) == 0 || ((e) & RETRIED))
#endif
#define IS_REACHED(e, s, a)                                                                                   \
    (ATTEMPT_IS_OPEN (e, a) && !CLOSED (e) && ((s) < 2 || DONE1 (e)) && ((s) < 3 || DONE2 (e)) &&             \
     ((s) < 4 || DONE3 (ROLE_COUNTS (e))) && ((s) < 5 || DONE4 (e)))
/* The only host that stands behind another one is h2. */
#ifdef MUTANT_WINDOW_IGNORED
#define IN_TURN(e, s, h) true
#else
#define IN_TURN(e, s, h) ((s) != 4 || (h) != 2 || WIDTH >= 2 || ((e) & KEPT (1)))
#endif
#define IS_OPEN(e, s, a, h) (IS_FIT (e) && IS_REACHED (e, s, a) && IN_TURN (e, s, h))

/* What the steps before s must have brought, written down a second time, for the assertions: not by way of the
   gate. A deploy's window is not in it; counting hosts at work checks that one. */
#define NEED2 KEPT (0)
#define NEED4 (KEPT (0) | TESTED | APPROVED_A | APPROVED_B)
#define NEED5 (NEED4 | KEPT (1) | KEPT (2))
#define NEED(s) ((s) == 1 -> 0 : ((s) == 2 -> NEED2 : ((s) == 4 -> NEED4 : NEED5)))
#define FULL(e, s, a) ((((e) & NEED (s)) == NEED (s)) && ((a) == 0 || ((e) & RETRIED)))

/* ------------------------------------------------------------------------------------------------------ state */

#define DEPLOY_STEP(h) ((h) == 0 -> 1 : 4)

/* Permits: bits in rec and net; a step permit's number is its place in ev too. */
#define P_DEPLOY(h) (1 << (h))
#define P_TEST (1 << 3)
#define P_FINAL(h) (1 << (4 + (h)))
#define P_RETURN(h) (1 << (7 + (h)))
#define P_ANY_RETURN (ALL (P_RETURN))
#define STEP_PERMITS 7
#define EV(a, place) ev[(a) * STEP_PERMITS + (place)]

#define PROGRESSING 0 /* and AwaitingApproval */
#define RETURNING 1
#define DEGRADED 2
#define SETTLED 3 /* RolledBack, or Aborted where somebody did */
#define HEALTHY 4

#define NOTHING 0
#define DEPLOYING 1
#define TESTING 2
#define FINAL_TESTING 3
#define GOING_BACK 4

int truth[2];
bit attempt;

#ifndef HOSTILE
int know;
short rec[2];
int ev[14];
byte phase;
byte carried; /* a bit for each host */
#ifdef COUNTS_CARRIED
byte unanswered; /* hosts that may still be at work on attempt 0 */
#endif
#endif
#ifdef MUTANT_SEND_FIRST
short sent[2];
short unrecorded; /* in the controller's memory alone */
#endif

bit runs_new[3];
byte note[3]; /* what the installer has begun and not yet ended, in its journal */
bit note_attempt[3];
bit acted[3];    /* the journal has the act's beginning: from here on it is done, or done again, or undone */
byte reached[3]; /* newest attempt begun, counted from 1 */
byte begun[3];   /* only looked at by assertions: which steps of which attempts were ever begun */

/* Never part of a state. */
hidden int shown;
hidden int good;
hidden int bad;
hidden int bad_left;
hidden byte is_taken;

#define AT_WORK(h) (note[h] == DEPLOYING -> 1 : 0)
#define AT_WORK_ON(h, a) ((note[h] == DEPLOYING && note_attempt[h] == (a)) -> 1 : 0)
#define LIMIT(h) ((h) == 0 -> 1 : WIDTH)

/* ------------------------------------------------------------------------------------------------------- host */

#define ME _pid

/* check_step */
#define IS_NAMED(s) ((s) != 2 || ME == 0)
/* receipt_find, closing_receipt, check_reached. */
#ifdef MUTANT_TWICE
#define IS_ANSWERED(a, bits) false
#else
#define IS_ANSWERED(a, bits) (truth[a] & (bits))
#endif
#ifdef MUTANT_END_FORGOTTEN
#define IS_OVER(a) false
#else
#define IS_OVER(a) (((a) == 0 -> (truth[0] | truth[1]) : truth[1]) & OWN_BAD (ME))
#endif
#ifdef MUTANT_OLD_ATTEMPT
#define IS_PAST(a) false
#else
#define IS_PAST(a) ((a) + 1 < reached[ME])
#endif
#define MAY_STEP(a, bits) (note[ME] == NOTHING && !IS_ANSWERED (a, bits) && !IS_OVER (a) && !IS_PAST (a))
#define MAY_RETURN(a) (note[ME] == NOTHING && !(truth[a] & ENDED_BACK (ME)) && !IS_PAST (a))

/* Invariant 3, of what was shown and of what is true. */
#define ASSERT_PROVEN(e, s, a)                                                                                \
    assert (FULL (e, s, a) && !((e) & BAD));                                                                  \
    assert (FULL (truth[a], s, a))

/* The word of a permit is taken: note_begin. `what` is a kind of work, s the step. */
inline begin_step (what, s, a)
{
    assert (!(begun[ME] & (1 << ((a) * 4 + what)))); /* delivered twice, acted on once */
    begun[ME] = begun[ME] | (1 << ((a) * 4 + what));
    note[ME] = what;
    note_attempt[ME] = a;
    reached[ME] = (reached[ME] < (a) + 1 -> (a) + 1 : reached[ME]);
#ifndef HOSTILE
    /* Invariant 6: nothing begins any more in an attempt that is over. */
    assert (!(phase == SETTLED && attempt == (a)));
#endif
    if
    :: what == DEPLOYING ->
        /* Invariant 4. */
#ifdef ACROSS
        assert (AT_WORK (0) + AT_WORK (1) + AT_WORK (2) <= LIMIT (ME));
#else
        assert (AT_WORK_ON (0, a) + AT_WORK_ON (1, a) + AT_WORK_ON (2, a) <= LIMIT (ME));
#endif
    :: else
    fi
}

/* A return counts for `reached` only where the plan was begun here. */
inline begin_return (a)
{
    assert (truth[a] & BAD); /* nobody goes back without a reason */
#ifndef HOSTILE
    assert (phase != HEALTHY);
#endif
    note[ME] = GOING_BACK;
    note_attempt[ME] = a;
    reached[ME] = ((reached[ME] > 0 && reached[ME] < (a) + 1) -> (a) + 1 : reached[ME]);
}

inline end_work (bits)
{
    truth[note_attempt[ME]] = truth[note_attempt[ME]] | (bits);
#ifdef HOSTILE
    if
    :: (truth[note_attempt[ME]] & TESTED) && (truth[note_attempt[ME]] & KEPT (0)) ->
        truth[note_attempt[ME]] = truth[note_attempt[ME]] | APPROVED_A | APPROVED_B
    :: else
    fi;
#endif
    note[ME] = NOTHING;
    note_attempt[ME] = 0;
    acted[ME] = 0;
}

#ifdef HOSTILE

/* Whoever has the controller's key sends any permit with any part of what was ever signed. The gate's answer about a
   set of evidence falls with each bad piece in it: a set that is taken would be taken with any one of its bad pieces
   alone. So all subsets of the good pieces are tried, each without and with each single bad one. After that it makes
   no difference which of them was taken, and that none was taken leaves the state as it is. */
#define GOOD_FOR(s)                                                                                           \
    ((s) == 1 -> RETRIED                                                                                      \
              : ((s) == 2 -> RETRIED | KEPT (0)                                                               \
                          : RETRIED | NEED5 | BLIND_A | BLIND_B | OTHER_ROLE))

/* Decisions that prove nothing can be had at any time. */
#define WORTHLESS (BLIND_A | BLIND_B | OTHER_ROLE)
#ifdef MUTANT_OLD_EVIDENCE
#define SHOWABLE(a) (truth[0] | truth[1] | WORTHLESS)
#else
#define SHOWABLE(a) (truth[a] | WORTHLESS)
#endif

inline offer_step (what, s, a)
{
    is_taken = 0;
    bad = 0;
    bad_left = SHOWABLE (a) & BAD;
    do
    :: true ->
        good = SHOWABLE (a) & GOOD_FOR (s);
        do
        :: true ->
            shown = good | bad;
            if
            :: IS_OPEN (shown, s, a, ME) ->
                ASSERT_PROVEN (shown, s, a);
                is_taken = 1
            :: else
            fi;
            if
            :: good == 0 -> break
            :: else -> good = (good - 1) & SHOWABLE (a) & GOOD_FOR (s)
            fi
        od;
        if
        :: bad_left == 0 -> break
        :: else
        fi;
        bad = bad_left & (-bad_left); /* the lowest bit */
        bad_left = bad_left & ~bad
    od;
    if
    :: is_taken == 1 -> begin_step (what, s, a)
    :: else
    fi
}

#define STEP_OFFER(what, s, a, bits, place, permit)                                                           \
    d_step { (IS_NAMED (s) && MAY_STEP (a, bits)) -> offer_step (what, s, a) }
#define RETURN_OFFER(a)                                                                                       \
    d_step { (MAY_RETURN (a) && CLOSED (truth[a])) -> begin_return (a) }

#else

/* What is recorded is sent at some time, and offered again whenever the host asks; not yet sent, lost and delayed look
   the same from the host. So the correct order needs no second set. */
#ifdef MUTANT_SEND_FIRST
#define SENT(a) sent[a]
#else
#define SENT(a) rec[a]
#endif

#define STEP_OFFER(what, s, a, bits, place, permit)                                                           \
    d_step                                                                                                    \
    {                                                                                                         \
        ((SENT (a) & permit) && IS_NAMED (s) && MAY_STEP (a, bits) && IS_OPEN (EV (a, place), s, a, ME)) ->                     \
            ASSERT_PROVEN (EV (a, place), s, a);                                                              \
        begin_step (what, s, a)                                                                               \
    }
/* What such a permit carries is what closed the case; that it was closed is asserted where it was issued. */
#define RETURN_OFFER(a)                                                                                       \
    d_step { ((SENT (a) & P_RETURN (ME)) && MAY_RETURN (a)) -> begin_return (a) }

#endif

active [3] proctype Host ()
{
end:
    do
    :: STEP_OFFER (DEPLOYING, DEPLOY_STEP (ME), 0, DEPLOYED (ME), ME, P_DEPLOY (ME))
    :: STEP_OFFER (TESTING, 2, 0, TESTED | UNTESTED, 3, P_TEST)
    :: STEP_OFFER (FINAL_TESTING, 5, 0, PASSED (ME) | UNPASSED (ME), 4 + ME, P_FINAL (ME))
    :: RETURN_OFFER (0)
#ifdef RETRY
    :: STEP_OFFER (DEPLOYING, DEPLOY_STEP (ME), 1, DEPLOYED (ME), ME, P_DEPLOY (ME))
    :: STEP_OFFER (TESTING, 2, 1, TESTED | UNTESTED, 3, P_TEST)
    :: STEP_OFFER (FINAL_TESTING, 5, 1, PASSED (ME) | UNPASSED (ME), 4 + ME, P_FINAL (ME))
    :: RETURN_OFFER (1)
#endif

    /* Deploy: fails before anything has changed; or the act is noted, done (once more after a crash), and ends in one
       of its ways. A host that runs the release already only looks whether it is well. */
    :: d_step { note[ME] == DEPLOYING && !acted[ME] -> end_work (FAILED (ME)) }
    :: d_step { note[ME] == DEPLOYING && !acted[ME] -> acted[ME] = 1 }
    :: d_step { note[ME] == DEPLOYING && acted[ME] && !runs_new[ME] -> runs_new[ME] = 1 }
    :: d_step { note[ME] == DEPLOYING && acted[ME] && runs_new[ME] -> end_work (KEPT (ME)) }
    :: d_step { note[ME] == DEPLOYING && acted[ME] -> runs_new[ME] = 0; end_work (WENT_BACK (ME)) }
#ifdef STUCK
    :: d_step { note[ME] == DEPLOYING && acted[ME] && runs_new[ME] -> end_work (FAILED (ME) | WENT_BACK (ME)) }
    :: d_step { note[ME] == GOING_BACK && runs_new[ME] -> end_work (LEFT_STUCK (ME)) }
#endif
#ifdef MUTANT_ACT_FIRST
    /* The act began before the journal had it: a crash leaves the change, and nobody who knows of it. */
    :: d_step { note[ME] == DEPLOYING && acted[ME] -> note[ME] = NOTHING; note_attempt[ME] = 0; acted[ME] = 0 }
#endif

    /* A test of a release that does not run here fails. */
    :: d_step { note[ME] == TESTING && runs_new[ME] -> end_work (TESTED) }
    :: d_step { note[ME] == TESTING -> end_work (UNTESTED) }
    :: d_step { note[ME] == FINAL_TESTING && runs_new[ME] -> end_work (PASSED (ME)) }
    :: d_step { note[ME] == FINAL_TESTING -> end_work (UNPASSED (ME)) }

    :: d_step { note[ME] == GOING_BACK && runs_new[ME] -> runs_new[ME] = 0 }
    :: d_step { note[ME] == GOING_BACK && !runs_new[ME] -> end_work (RETURNED (ME)) }
    od
}

/* ------------------------------------------------------------------------------------------------- controller */

#ifndef HOSTILE

#define GRANTED rec[attempt]
#ifdef MUTANT_UNTOUCHED_UNTIL_KEPT
#define IS_SILENT_TOUCHED(h) false
#else
#define IS_SILENT_TOUCHED(h) (!(know & DEPLOYED (h)) && ((carried & (1 << (h))) || (GRANTED & P_DEPLOY (h))))
#endif
#define TOUCHED(h)                                                                                            \
    ((know & KEPT (h)) || STUCK_DEPLOY (know, h) || ((know & FAILED (h)) && (carried & (1 << (h)))) ||        \
     IS_SILENT_TOUCHED (h))
#ifdef MUTANT_SETTLES_EARLY
#define BACK(h) (!TOUCHED (h) || (GRANTED & P_RETURN (h)))
#else
#define BACK(h) (!TOUCHED (h) || (know & RETURNED (h)))
#endif
#define ALL_BACK (BACK (0) && BACK (1) && BACK (2))

#define STAGE                                                                                                 \
    (!DONE1 (know) -> 1 : (!DONE2 (know) -> 2 : (!DONE3 (know) -> 3 : (!DONE4 (know) -> 4 : (!DONE5 (know) -> 5 : 6)))))

#ifdef MUTANT_FAILURE_OVERLOOKED
#define GOES_ON true
#else
#define GOES_ON (!CLOSED (know))
#endif

/* deploy.c counts who is out of service by the tasks of this attempt. */
#define IN_FLIGHT(h) ((GRANTED & P_DEPLOY (h)) && !(know & DEPLOYED (h)))
#ifdef COUNTS_CARRIED
#define IS_OUT(h) (IN_FLIGHT (h) || (unanswered & (1 << (h))))
#define OUT (((IS_OUT (0)) -> 1 : 0) + ((IS_OUT (1)) -> 1 : 0) + ((IS_OUT (2)) -> 1 : 0))
#define IS_FREE(h) (IS_OUT (h) || OUT < LIMIT (h))
#else
#define IS_FREE(h) true
#endif

#ifdef MUTANT_SEND_FIRST
#define ISSUE(permit) sent[attempt] = sent[attempt] | (permit); unrecorded = unrecorded | (permit)
#define IS_ISSUED(permit) ((GRANTED | unrecorded) & (permit))
#else
#define ISSUE(permit) GRANTED = GRANTED | (permit)
#define IS_ISSUED(permit) (GRANTED & (permit))
#endif

/* fill_evidence: what of this attempt is no failure. Only the part that the step can depend on is kept, so that equal
   permits are equal states. A permit made anew carries more of the same, and the gate never closes by that. */
#define EVIDENCE(s) (know & (RETRIED | NEED (s) | ((s) == 4 -> KEPT (1) : 0)))

/* The order of effects is RECORD, then SEND; sending is a transition of its own, or happens when the host asks. */
#define STEP_ISSUE(h, s, permit, place)                                                                       \
    d_step                                                                                                    \
    {                                                                                                         \
        (phase == PROGRESSING && GOES_ON && STAGE == s && !IS_ISSUED (permit) && IN_TURN (know, s, h) &&      \
         (s == 2 || s == 5 || (!(know & DEPLOYED (h)) && IS_FREE (h)))) ->                                    \
            assert (!(know & BAD)); /* invariant 6: no step permit after a failure */                         \
        EV (attempt, place) = EVIDENCE (s);                                                                   \
        ISSUE (permit)                                                                                        \
    }
#define RETURN_ISSUE(h)                                                                                       \
    d_step                                                                                                    \
    {                                                                                                         \
        (phase == RETURNING && TOUCHED (h) && !IS_ISSUED (P_RETURN (h)) && !(know & ENDED_BACK (h))) ->       \
            assert (know & BAD);                                                                              \
        ISSUE (P_RETURN (h))                                                                                  \
    }
#define RECEIPT(bits)                                                                                         \
    d_step { (truth[attempt] & (bits) & ~know) -> know = know | (truth[attempt] & (bits)) }

inline settle ()
{
    phase = SETTLED;
    /* Invariant 6: who was reached runs what it ran, and is not about to change that. */
    assert (!runs_new[0] && !runs_new[1] && !runs_new[2]);
    assert (!AT_WORK (0) && !AT_WORK (1) && !AT_WORK (2));
#if REACH == 2
    assert (know & ABORTED); /* RolledBack */
#elif REACH == 3
    assert (!(know & ABORTED)); /* Aborted */
#elif REACH == 5
    assert (attempt == 0);
#endif
}

inline all_well ()
{
    phase = HEALTHY;
    assert (runs_new[0] && runs_new[1] && runs_new[2]);
#if REACH == 1
    assert (false);
#elif REACH == 4
    assert (attempt == 0);
#endif
}

inline open_attempt ()
{
    carried = ((TOUCHED (0) && !BACK (0)) -> 1 : 0) | ((TOUCHED (1) && !BACK (1)) -> 2 : 0) |
              ((TOUCHED (2) && !BACK (2)) -> 4 : 0);
#ifdef MUTANT_CARRIED_FORGOTTEN
    carried = 0;
#endif
#ifdef COUNTS_CARRIED
    unanswered = ((IN_FLIGHT (0) && !(know & ENDED_BACK (0))) -> 1 : 0) |
                 ((IN_FLIGHT (1) && !(know & ENDED_BACK (1))) -> 2 : 0) |
                 ((IN_FLIGHT (2) && !(know & ENDED_BACK (2))) -> 4 : 0);
#endif
    attempt = 1;
    truth[1] = truth[1] | RETRIED;
    know = RETRIED;
    phase = PROGRESSING;
}

active proctype Controller ()
{
end:
    do
    :: STEP_ISSUE (0, 1, P_DEPLOY (0), 0)
    :: STEP_ISSUE (0, 2, P_TEST, 3)
    :: STEP_ISSUE (1, 4, P_DEPLOY (1), 1)
    :: STEP_ISSUE (2, 4, P_DEPLOY (2), 2)
    :: STEP_ISSUE (0, 5, P_FINAL (0), 4)
    :: STEP_ISSUE (1, 5, P_FINAL (1), 5)
    :: STEP_ISSUE (2, 5, P_FINAL (2), 6)
    :: RETURN_ISSUE (0)
    :: RETURN_ISSUE (1)
    :: RETURN_ISSUE (2)
#ifdef MUTANT_SEND_FIRST
    :: d_step { unrecorded != 0 -> GRANTED = GRANTED | unrecorded; unrecorded = 0 }
    :: d_step { unrecorded != 0 -> unrecorded = 0 } /* the crash */
#endif

    :: RECEIPT (DEPLOYED (0))
    :: RECEIPT (DEPLOYED (1))
    :: RECEIPT (DEPLOYED (2))
    :: RECEIPT (TESTED | UNTESTED)
    :: RECEIPT (PASSED (0) | UNPASSED (0))
    :: RECEIPT (PASSED (1) | UNPASSED (1))
    :: RECEIPT (PASSED (2) | UNPASSED (2))
    :: RECEIPT (ENDED_BACK (0))
    :: RECEIPT (ENDED_BACK (1))
    :: RECEIPT (ENDED_BACK (2))
#ifdef COUNTS_CARRIED
    /* It has answered for attempt 0, or for this one, and does one thing at a time. */
    :: d_step { ((unanswered & 1) && ((truth[0] & (DEPLOYED (0) | ENDED_BACK (0))) || (know & DEPLOYED (0)))) ->
                unanswered = unanswered & ~1 }
    :: d_step { ((unanswered & 2) && ((truth[0] & (DEPLOYED (1) | ENDED_BACK (1))) || (know & DEPLOYED (1)))) ->
                unanswered = unanswered & ~2 }
    :: d_step { ((unanswered & 4) && ((truth[0] & (DEPLOYED (2) | ENDED_BACK (2))) || (know & DEPLOYED (2)))) ->
                unanswered = unanswered & ~4 }
#endif

    :: d_step { phase == PROGRESSING && !CLOSED (know) && STAGE == 6 -> all_well () }
    :: d_step { phase == PROGRESSING && CLOSED (know) -> phase = RETURNING }
    /* Silence is a failure too, and proves nothing; so does a return that takes too long. */
    :: d_step { phase == PROGRESSING && !CLOSED (know) && STAGE != 3 && STAGE != 6 -> phase = DEGRADED }
    :: d_step { phase == RETURNING && !ALL_BACK -> phase = DEGRADED }
    :: d_step { phase == RETURNING && ALL_BACK -> settle () }
    :: d_step { phase == DEGRADED && (GRANTED & P_ANY_RETURN) && ALL_BACK -> settle () }
    :: d_step { phase == DEGRADED && !(GRANTED & P_ANY_RETURN) && CLOSED (know) -> phase = RETURNING }
    od
}

/* Decisions that the controller let pass (decide.c) and recorded. */
active proctype People ()
{
end:
    do
    :: d_step { phase == PROGRESSING && STAGE == 3 && !(know & APPROVED_A) ->
                truth[attempt] = truth[attempt] | APPROVED_A; know = know | APPROVED_A }
    :: d_step { phase == PROGRESSING && STAGE == 3 && !(know & APPROVED_B) ->
                truth[attempt] = truth[attempt] | APPROVED_B; know = know | APPROVED_B }
    :: d_step { phase == PROGRESSING && STAGE == 3 && !(know & REJECTED) ->
                truth[attempt] = truth[attempt] | REJECTED; know = know | REJECTED }
    /* An abort, or the undo of what is well. */
    :: d_step { (phase == PROGRESSING || phase == DEGRADED || phase == HEALTHY) && !(know & ABORTED) ->
                truth[attempt] = truth[attempt] | ABORTED; know = know | ABORTED; phase = RETURNING }
#ifdef RETRY
    :: d_step { (phase == DEGRADED || phase == SETTLED) && attempt == 0 -> open_attempt () }
#endif
    od
}

#else

/* Nobody checks when people decide, and what they are shown is the thief's choice. More documents are more choice, and
   none has to be shown: so decisions that prove nothing are always there (WORTHLESS), and approvals from the moment at which
   there is something to be approved (end_work). */
#define SAYS_NO(a)                                                                                            \
    d_step { ((a) <= attempt && !(truth[a] & REJECTED)) -> truth[a] = truth[a] | REJECTED | ABORTED }

active proctype People ()
{
end:
    do
    :: SAYS_NO (0)
#ifdef RETRY
    :: SAYS_NO (1)
    :: d_step { attempt == 0 -> attempt = 1; truth[1] = RETRIED }
#endif
    od
}

#endif
