/* The rollout machine.

                    +------------------- retry (attempt + 1) ------------------+
                    v                                                          |
     start --> Progressing <--> AwaitingApproval          undo                 |
                |  ^   |                |         Healthy ----+                |
          pause |  |   +--> Healthy     |                     |                |
          or a  v  | resume, promote,   | rejected, aborted   v                |
          pause Paused  override -------+-------------> RollingBack --> RolledBack, Aborted
          step, or                                       |      ^              |
          failed (on_failure: pause)                     v      | abort, late proof
                                                        Degraded --------------+ (also when the last return
                                                                                  comes in after all)

   It is driven by levels, not by edges: rollout_advance looks at the evidence, the decisions and the time,
   and does what follows from them. So a crash between two entries only makes it look again.

   Invariants (rollout_check in check.c sees to them after each step):
     - steps are done strictly in order: no step has begun before the one in front of it is done;
     - a step is passed only where common/core/gate says that it is done;
     - a permit exists only for a step that was reached, and for the current attempt;
     - a failed step forbids every further step permit of its attempt;
     - return permits exist only where the gate's case is closed;
     - Healthy has no step that is not done; RolledBack and Aborted have no touched host that is not back. */
#include "controller/core/state.h"

#include <assert.h>
#include <string.h>

/* More changes than one look can bring: each step begins, ends, and lets the phase change twice. */
enum { MOST_MOVES = 8 * LIMIT_STEPS };

#define BIT(phase) (1U << (phase))

static const unsigned followers[] = {
    [PHASE_PROGRESSING] = BIT (PHASE_PAUSED) | BIT (PHASE_AWAITING) | BIT (PHASE_RETURNING) |
                          BIT (PHASE_HEALTHY) | BIT (PHASE_DEGRADED),
    [PHASE_PAUSED] =
        BIT (PHASE_PROGRESSING) | BIT (PHASE_PAUSED) | BIT (PHASE_RETURNING) | BIT (PHASE_DEGRADED),
    [PHASE_AWAITING] =
        BIT (PHASE_PROGRESSING) | BIT (PHASE_PAUSED) | BIT (PHASE_RETURNING) | BIT (PHASE_DEGRADED),
    [PHASE_RETURNING] = BIT (PHASE_ROLLED_BACK) | BIT (PHASE_ABORTED) | BIT (PHASE_DEGRADED),
    [PHASE_HEALTHY] = BIT (PHASE_RETURNING) | BIT (PHASE_DEGRADED),
    [PHASE_DEGRADED] =
        BIT (PHASE_RETURNING) | BIT (PHASE_ROLLED_BACK) | BIT (PHASE_ABORTED) | BIT (PHASE_PROGRESSING),
    [PHASE_ABORTED] = BIT (PHASE_PROGRESSING),
    [PHASE_ROLLED_BACK] = BIT (PHASE_PROGRESSING),
};

/* A step's new state (`stage` given), or else a new phase. */
struct move {
    const struct stage *stage;
    enum step_state state;
    enum phase phase;
    uint64_t attempt; /* 0: as it is */
    const char *cause;
    bool loud; /* the targets of the plan hear of it */
};

/* The one function that changes a step or a phase. What is owed because of it is recorded before it, so that
   no crash lies between the change and its notice. */
static bool rollout_move (struct turn *turn, struct rollout *rollout, struct move move)
{
    const char *cause = line_format (&turn->effects->arena, "%s", move.cause);
    if (move.stage != NULL) {
        struct entry_step entry = {
            .rollout = rollout->number,
            .step = move.stage->step->number,
            .attempt = rollout->attempt,
            .state = move.state,
            .at = turn->now,
            .cause = cause};
        turn_record (turn, &entry_step_type, &entry);
    } else {
        struct entry_phase entry = {
            .rollout = rollout->number,
            .phase = move.phase,
            .attempt = move.attempt > 0 ? move.attempt : rollout->attempt,
            .at = turn->now,
            .cause = cause};
        assert ((followers[rollout->phase] & BIT (move.phase)) != 0);
        if (move.loud)
            notice_owe_phase (turn, rollout, move.phase, cause);
        turn_record (turn, &entry_phase_type, &entry);
    }
    return true;
}

static bool move_step (
    struct turn *turn, struct rollout *rollout, const struct stage *stage, enum step_state state,
    const char *cause)
{
    return rollout_move (turn, rollout, (struct move){.stage = stage, .state = state, .cause = cause});
}

static bool move_phase (struct turn *turn, struct rollout *rollout, enum phase phase, const char *cause)
{
    bool loud = phase == PHASE_RETURNING || phase == PHASE_DEGRADED || phase == PHASE_ABORTED ||
                phase == PHASE_ROLLED_BACK;
    return rollout_move (turn, rollout, (struct move){.phase = phase, .cause = cause, .loud = loud});
}

/* "aborted by ana: \"wrong build\"" */
static const char *decided (struct turn *turn, const char *verb, const struct approval *approval)
{
    if (approval->comment[0] == '\0')
        return line_format (&turn->effects->arena, "%s by %s", verb, approval->name);
    return line_format (&turn->effects->arena, "%s by %s: \"%s\"", verb, approval->name, approval->comment);
}

/* Hosts that are not confirmed by now never are, and will say so themselves. */
static bool waits_for_lapses (const struct rollout *rollout)
{
    for (size_t i = 0; i < rollout->seat_count; i++)
        if (rollout->seats[i].keep.grant == NULL && seat_unconfirmed (rollout, &rollout->seats[i]).ms > 0)
            return true;
    return false;
}

static const char *failure_cause (struct turn *turn, const struct rollout *rollout, const struct stage *stage)
{
    bool asks =
        rollout->plan.override_role[0] != '\0' && gate_overridable (&rollout->gate, NULL, NULL, 0) > 0;
    if (rollout->plan.on_failure == ON_FAILURE_PAUSE)
        return line_format (
            &turn->effects->arena, "%s; retry%s or abort", stage->cause, asks ? ", override" : "");
    if (gate_return_open (&rollout->gate, NULL))
        return stage->cause;
    return line_format (
        &turn->effects->arena,
        "%s; no host reported a failure, so the hosts go back %s when an operator aborts it", stage->cause,
        waits_for_lapses (rollout) ? "when nobody confirms them in time, or" : "only");
}

/* A step has failed: what the plan says about that. A return has to be proven to the hosts; silence proves
   nothing. */
static bool act_on_failure (struct turn *turn, struct rollout *rollout, const struct stage *stage)
{
    const char *cause = failure_cause (turn, rollout, stage);
    if (rollout->plan.on_failure == ON_FAILURE_ROLLBACK)
        return move_phase (
            turn, rollout, gate_return_open (&rollout->gate, NULL) ? PHASE_RETURNING : PHASE_DEGRADED, cause);
    if (rollout->phase == PHASE_PAUSED && strcmp (rollout->cause, cause) == 0)
        return false;
    return rollout_move (turn, rollout, (struct move){.phase = PHASE_PAUSED, .cause = cause, .loud = true});
}

static bool resume (struct turn *turn, struct rollout *rollout, const char *verb, const struct approval *wish)
{
    const struct stage *stage = rollout_current (rollout);
    const char *cause = decided (turn, verb, wish);
    if (stage != NULL && stage->state == STEP_FAILED)
        (void)move_step (turn, rollout, stage, STEP_RUNNING, cause);
    return move_phase (turn, rollout, PHASE_PROGRESSING, cause);
}

/* Decisions about the whole rollout were judged in decide.c before they were recorded. */
static bool answer_wish (struct turn *turn, struct rollout *rollout)
{
    const struct approval *wish = rollout->wish;
    if (wish == NULL)
        return false;
    switch (wish->decision) {
    case DECISION_PAUSE:
        return move_phase (turn, rollout, PHASE_PAUSED, decided (turn, "paused", wish));
    case DECISION_RESUME:
        return resume (turn, rollout, "resumed", wish);
    case DECISION_OVERRIDE:
        return rollout->phase == PHASE_PAUSED && !rollout->held && !gate_is_closed (&rollout->gate, NULL) &&
               resume (turn, rollout, "overridden", wish);
    case DECISION_ABORT:
        return move_phase (turn, rollout, PHASE_RETURNING, decided (turn, "aborted", wish));
    case DECISION_UNDO:
        return move_phase (turn, rollout, PHASE_RETURNING, decided (turn, "undone", wish));
    case DECISION_RETRY:
        return rollout_move (
            turn, rollout,
            (struct move){
                .phase = PHASE_PROGRESSING,
                .attempt = wish->attempt,
                .cause = decided (turn, "retried", wish)});
    default:
        return false;
    }
}

/* Receipts of a host that was revoked prove nothing to the others, and it will give no more: the plan can't
   come to its end, and nobody has to wait until that shows. */
static bool has_lost_a_host (const struct rollout *rollout, struct error *why)
{
    for (size_t i = 0; i < rollout->seat_count; i++)
        if (rollout->seats[i].host->entry == NULL) {
            (void)error_set (
                why, ERROR_CONFLICT,
                "%s does not belong to the fleet any more: build the plan again without it",
                rollout->seats[i].host->name);
            return true;
        }
    return false;
}

/* A failure or rejection fails the step that the rollout stands at. */
static bool fail_if_closed (struct turn *turn, struct rollout *rollout, const struct stage *stage)
{
    struct error why = {0};
    if (stage == NULL || stage->state == STEP_FAILED)
        return false;
    if (!gate_is_closed (&rollout->gate, &why) &&
        (stage->step->kind == STEP_NOTIFY ||
         (!has_lost_a_host (rollout, &why) && rollout_is_vouched (turn->controller, rollout, &why))))
        return false;
    return move_step (turn, rollout, stage, STEP_FAILED, why.text);
}

static bool is_skipped (const struct rollout *rollout, const struct stage *stage)
{
    for (size_t i = 0; i < rollout->gate.approval_count; i++)
        if (rollout->gate.approvals[i].approval->step == stage->step->number &&
            rollout->gate.approvals[i].approval->decision == DECISION_SKIP)
            return true;
    return false;
}

static bool finish (struct turn *turn, struct rollout *rollout, const struct stage *stage)
{
    return move_step (turn, rollout, stage, is_skipped (rollout, stage) ? STEP_SKIPPED : STEP_PASSED, "");
}

static const char *awaiting_cause (struct turn *turn, const struct stage *stage)
{
    const struct step *step = stage->step;
    return line_format (
        &turn->effects->arena, "step %llu (%s) waits for %llu approval%s by %s",
        (unsigned long long)step->number, enum_word (&step_kind_words, step->kind),
        (unsigned long long)step->approvals, step->approvals == 1 ? "" : "s", step->role);
}

static const char *pause_cause (struct turn *turn, const struct stage *stage)
{
    char text[TIME_TEXT_SIZE];
    const struct step *step = stage->step;
    if (step->duration.ms == 0)
        return line_format (
            &turn->effects->arena, "step %llu (pause) waits for an operator to promote it",
            (unsigned long long)step->number);
    return line_format (
        &turn->effects->arena, "step %llu pauses for %s, unless an operator promotes it",
        (unsigned long long)step->number, span_print (step->duration, text));
}

static bool work_on (struct turn *turn, struct rollout *rollout, struct stage *stage)
{
    struct error why = {0};
    bool is_deploy = stage->step->kind == STEP_DEPLOY;
    switch (stage->step->kind) {
    case STEP_DEPLOY:
    case STEP_TEST:
        return !(is_deploy ? deploy_work : test_work) (turn, rollout, stage, &why) &&
               move_step (turn, rollout, stage, STEP_FAILED, why.text);
    case STEP_MANUAL:
    case STEP_SIGNOFF:
        return move_phase (turn, rollout, PHASE_AWAITING, awaiting_cause (turn, stage));
    case STEP_PAUSE:
        return move_phase (turn, rollout, PHASE_PAUSED, pause_cause (turn, stage));
    default:
        return false;
    }
}

static bool step_is_done (struct turn *turn, struct rollout *rollout, const struct stage *stage)
{
    if (stage->step->kind != STEP_NOTIFY)
        return gate_step_done (&rollout->gate, stage->step->number, NULL);
    notice_owe_step (turn, rollout, stage);
    return notice_step_over (rollout, stage);
}

static bool go_on (struct turn *turn, struct rollout *rollout)
{
    struct stage *stage = rollout_current (rollout);
    keep_work (turn, rollout);
    if (stage == NULL)
        return move_phase (
            turn, rollout, PHASE_HEALTHY,
            line_format (&turn->effects->arena, "all %zu steps are done", rollout->plan.steps_count));
    if (fail_if_closed (turn, rollout, stage))
        return true;
    if (stage->state == STEP_FAILED)
        return act_on_failure (turn, rollout, stage);
    if (stage->state == STEP_WAITING)
        return move_step (turn, rollout, stage, STEP_RUNNING, "");
    if (step_is_done (turn, rollout, stage))
        return finish (turn, rollout, stage);
    return work_on (turn, rollout, stage);
}

/* AwaitingApproval, and Paused: until what they wait for is done. */
static bool wait_on (struct turn *turn, struct rollout *rollout)
{
    const struct stage *stage = rollout_current (rollout);
    bool is_waiter;
    if (fail_if_closed (turn, rollout, stage))
        return true;
    if (stage != NULL && stage->state == STEP_FAILED)
        return act_on_failure (turn, rollout, stage);
    if (rollout->held)
        return false;
    is_waiter = stage != NULL && stage->state == STEP_RUNNING &&
                (rollout->phase == PHASE_PAUSED
                     ? stage->step->kind == STEP_PAUSE
                     : stage->step->kind == STEP_MANUAL || stage->step->kind == STEP_SIGNOFF);
    if (is_waiter && !gate_step_done (&rollout->gate, stage->step->number, NULL))
        return false;
    if (is_waiter)
        (void)finish (turn, rollout, stage);
    return move_phase (
        turn, rollout, PHASE_PROGRESSING,
        is_waiter ? line_format (
                        &turn->effects->arena, "step %llu is done", (unsigned long long)stage->step->number)
                  : "goes on");
}

/* Touched hosts that are not back: those that have answered otherwise, and those that have not answered. */
static size_t not_back (
    const struct turn *turn, const struct rollout *rollout, bool answered, struct seat ***ret)
{
    struct seat **seats = arena_array (&turn->effects->arena, rollout->seat_count, sizeof (struct seat *));
    size_t count = 0;
    for (size_t i = 0; i < rollout->seat_count; i++)
        if (!seat_is_back (rollout, &rollout->seats[i]) &&
            (rollout->seats[i].back.receipt != NULL) == answered)
            seats[count++] = &rollout->seats[i];
    *ret = seats;
    return count;
}

/* Why the hosts go back: the decision, else the failure. */
static const char *return_cause (struct turn *turn, const struct rollout *rollout)
{
    const struct stage *stage = rollout_current (rollout);
    for (size_t i = rollout->gate.approval_count; i > 0; i--) {
        const struct approval *approval = rollout->gate.approvals[i - 1].approval;
        if (approval->decision == DECISION_ABORT)
            return decided (turn, "aborted", approval);
        if (approval->decision == DECISION_UNDO)
            return decided (turn, "undone", approval);
    }
    return stage != NULL && stage->state == STEP_FAILED ? stage->cause : rollout->cause;
}

static bool settle (struct turn *turn, struct rollout *rollout)
{
    return move_phase (
        turn, rollout, rollout->aborted ? PHASE_ABORTED : PHASE_ROLLED_BACK,
        line_format (
            &turn->effects->arena, "%s; %s", return_cause (turn, rollout),
            rollout->returned_once ? "every host that it had reached runs what it ran before"
                                   : "no host had to go back"));
}

static bool degrade (
    struct turn *turn, struct rollout *rollout, struct seat *const *silent, size_t silent_count,
    struct seat *const *stuck, size_t stuck_count)
{
    struct buffer words = {0};
    bool moved;
    buffer_text (&words, return_cause (turn, rollout));
    if (silent_count > 0) {
        buffer_text (&words, "; not yet returned: ");
        silent_print (turn->controller, silent, silent_count, &words);
    }
    if (stuck_count > 0) {
        buffer_text (&words, "; could not return and need a person: ");
        silent_print (turn->controller, stuck, stuck_count, &words);
    }
    moved = move_phase (turn, rollout, PHASE_DEGRADED, words.data);
    buffer_free (&words);
    return moved;
}

/* A host that was revoked meanwhile is told no more, and says no more. */
static bool is_any_of_the_fleet (struct seat *const *seats, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (seats[i]->host->entry != NULL)
            return true;
    return false;
}

static bool go_back (struct turn *turn, struct rollout *rollout)
{
    struct seat **silent;
    struct seat **stuck;
    size_t silent_count;
    size_t stuck_count;
    return_work (turn, rollout);
    silent_count = not_back (turn, rollout, false, &silent);
    stuck_count = not_back (turn, rollout, true, &stuck);
    if (silent_count + stuck_count == 0)
        return settle (turn, rollout);
    if (is_any_of_the_fleet (silent, silent_count) &&
        instant_before (turn->now, return_deadline (turn->controller, rollout)))
        return false;
    return degrade (turn, rollout, silent, silent_count, stuck, stuck_count);
}

/* A host that comes back late may complete the return, or bring the proof that one is due. */
static bool recover (struct turn *turn, struct rollout *rollout)
{
    const struct stage *stage = rollout_current (rollout);
    struct seat **seats;
    if (rollout->returned_once)
        return not_back (turn, rollout, false, &seats) + not_back (turn, rollout, true, &seats) == 0 &&
               settle (turn, rollout);
    return stage != NULL && stage->state == STEP_FAILED && rollout->plan.on_failure == ON_FAILURE_ROLLBACK &&
           gate_return_open (&rollout->gate, NULL) &&
           rollout_may_open (turn->controller, &rollout->plan, rollout, NULL) &&
           move_phase (turn, rollout, PHASE_RETURNING, stage->cause);
}

/* A host that never heard that it may keep the release has gone back by itself: then not all is well. */
static bool watch_over (struct turn *turn, struct rollout *rollout)
{
    for (size_t i = 0; i < rollout->seat_count; i++) {
        const struct paper *paper = rollout->seats[i].back.receipt;
        if (paper != NULL && paper_is_lapse (rollout, paper))
            return move_phase (
                turn, rollout, PHASE_DEGRADED,
                line_format (
                    &turn->effects->arena, "%s went back by itself: %s; retry", paper->receipt->host,
                    paper->receipt->cause));
    }
    return false;
}

static bool stay (struct turn *turn, struct rollout *rollout)
{
    (void)turn;
    (void)rollout;
    return false;
}

static bool (*const handlers[]) (struct turn *turn, struct rollout *rollout) = {
    [PHASE_PROGRESSING] = go_on, [PHASE_PAUSED] = wait_on,     [PHASE_AWAITING] = wait_on,
    [PHASE_RETURNING] = go_back, [PHASE_HEALTHY] = watch_over, [PHASE_DEGRADED] = recover,
    [PHASE_ABORTED] = stay,      [PHASE_ROLLED_BACK] = stay};

void rollout_advance (struct turn *turn, struct rollout *rollout)
{
    size_t moves = 0;
    rollout->gate.now = turn->now;
    /* Otherwise everything stands as it is, until a controller comes that hosts believe. */
    while (controller_is_believed (turn->controller, NULL) &&
           (answer_wish (turn, rollout) || handlers[rollout->phase](turn, rollout))) {
        rollout->gate.now = turn->now;
        moves++;
        assert (moves < MOST_MOVES);
    }
    notice_work (turn, rollout);
}

void rollout_advance_all (struct turn *turn)
{
    for (size_t i = 0; i < turn->controller->rollout_count; i++)
        rollout_advance (turn, turn->controller->rollouts[i]);
}

struct instant rollout_deadline (const struct controller *controller, const struct rollout *rollout)
{
    struct instant first = notice_deadline (rollout);
    const struct stage *stage = rollout_current (rollout);
    if (rollout->phase == PHASE_RETURNING)
        first = instant_earlier (first, return_deadline (controller, rollout));
    else if (stage == NULL)
        return first;
    else if (
        rollout->phase == PHASE_PROGRESSING &&
        (stage->step->kind == STEP_DEPLOY || stage->step->kind == STEP_TEST))
        first = instant_earlier (first, stage_deadline (controller, rollout, stage));
    else if (rollout->phase == PHASE_PAUSED && !rollout->held && stage->step->kind == STEP_PAUSE)
        first = instant_earlier (first, gate_pause_end (&rollout->gate, stage->step->number));
    return first;
}
