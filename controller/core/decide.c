/* Starting a rollout, and the decisions of people about one: judged here, recorded, and then left to the
   machine. */
#include "controller/core/state.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------- starting
 */

static bool has_content (
    const struct controller *controller, const struct digest *digest, const char *what, const char *name,
    struct error *error)
{
    return digest_is_none (digest) || controller_has_content (controller, digest) ||
           error_set (
               error, ERROR_MISSING,
               "the %s %s is not in the depot: upload it with 'relevo artifact add FILE' first", what, name);
}

static bool check_scripts (
    const struct controller *controller, const struct test *tests, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!has_content (controller, &tests[i].script, "test script of", tests[i].name, error))
            return false;
    return true;
}

static bool check_contents (const struct controller *controller, const struct plan *plan, struct error *error)
{
    for (size_t i = 0; i < plan->artifacts_count; i++)
        if (!has_content (controller, &plan->artifacts[i].digest, "artefact", plan->artifacts[i].name, error))
            return false;
    for (size_t i = 0; i < plan->suites_count; i++)
        if (!check_scripts (controller, plan->suites[i].tests, plan->suites[i].tests_count, error))
            return false;
    return check_scripts (controller, plan->profile.health, plan->profile.health_count, error);
}

static bool check_host (
    const struct controller *controller, const struct plan *plan, const struct step *step, const char *name,
    struct error *error)
{
    const struct host *host = host_named (controller, name);
    if (host == NULL || host->entry == NULL)
        return error_set (
            error, ERROR_MISSING, "step %llu: the fleet has no host %s: build the plan again",
            (unsigned long long)step->number, name);
    if (strcmp (host->entry->environment, step->environment) != 0)
        return error_set (
            error, ERROR_CONFLICT, "step %llu: %s is in %s, not in %s: build the plan again",
            (unsigned long long)step->number, name, host->entry->environment, step->environment);
    if (!fleet_host_has_product (host->entry, plan->product))
        return error_set (
            error, ERROR_CONFLICT, "step %llu: %s does not run %s: build the plan again",
            (unsigned long long)step->number, name, plan->product);
    return true;
}

static bool check_hosts (const struct controller *controller, const struct plan *plan, struct error *error)
{
    char when[TIME_TEXT_SIZE];
    if (!instant_before (controller->now, controller->fleet.expires))
        return error_set (
            error, ERROR_EXPIRED,
            "fleet %llu expired at %s, and no host would believe it: submit a newer one",
            (unsigned long long)controller->fleet.version, instant_print (controller->fleet.expires, when));
    if (plan->fleet_version > controller->fleet.version)
        return error_set (
            error, ERROR_CONFLICT, "the plan was made for fleet %llu, and this controller has %llu",
            (unsigned long long)plan->fleet_version, (unsigned long long)controller->fleet.version);
    if (plan->fleet_version == controller->fleet.version &&
        !digest_equal (&plan->fleet, &controller->fleet_digest))
        return error_set (
            error, ERROR_REFUSED, "the plan was made for another fleet document with the number %llu",
            (unsigned long long)plan->fleet_version);
    for (size_t i = 0; i < plan->steps_count; i++)
        for (size_t j = 0; j < plan->steps[i].hosts_count; j++)
            if (!check_host (controller, plan, &plan->steps[i], plan->steps[i].hosts[j], error))
                return false;
    return true;
}

/* Found out at the first step, not at the last. */
static bool check_targets (const struct controller *controller, const struct plan *plan, struct error *error)
{
    const char *const *known = controller->options.targets;
    for (size_t i = 0; i < plan->steps_count; i++)
        for (size_t j = 0; j < plan->steps[i].targets_count; j++) {
            const char *name = plan->steps[i].targets[j];
            const char *nearest = text_nearest (name, known, controller->options.target_count);
            if (!notice_has_target (controller, name))
                return error_set (
                    error, ERROR_MISSING,
                    "step %zu tells %s, and this controller has no such target%s%s: add it to `targets` in "
                    "its "
                    "configuration and restart it, or build the plan again",
                    i + 1, name, nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "");
        }
    return true;
}

bool rollout_may_open (
    const struct controller *controller, const struct plan *plan, const struct rollout *self,
    struct error *error)
{
    const struct counter_state *newest = counter_of (controller, plan->product);
    for (size_t i = 0; i < controller->rollout_count; i++) {
        const struct rollout *other = controller->rollouts[i];
        if (other == self || !rollouts_meet (plan, &other->plan))
            continue;
        if (rollout_is_open (other))
            return error_set (
                error, ERROR_CONFLICT, "rollout %llu (%s %s) stands in the way: it is %s",
                (unsigned long long)other->number, other->plan.product, other->plan.version,
                enum_word (&phase_words, other->phase));
        if (self != NULL && other->number > self->number)
            return error_set (
                error, ERROR_CONFLICT, "rollout %llu (%s %s) has gone out over this one since",
                (unsigned long long)other->number, other->plan.product, other->plan.version);
    }
    if (self == NULL && newest != NULL && plan->counter <= newest->counter)
        return error_set (
            error, ERROR_REFUSED,
            "the plan's release counter is %llu, and %s %s had %llu: build the plan again",
            (unsigned long long)plan->counter, newest->product, newest->version,
            (unsigned long long)newest->counter);
    return self != NULL || accept_counter (plan, newest != NULL ? newest->counter : 0, error);
}

/* By the remote door the connection has proven who it is; by the local one the word is taken. */
static const char *starter (const struct turn *turn, const struct rollout_start *wanted)
{
    const struct trust_key *key = trust_key_wired (&turn->controller->trust, &turn->event->wire);
    return key != NULL ? key->name : wanted->by;
}

/* NULL where it was refused, with the reason. */
static struct rollout *start (struct turn *turn, const struct rollout_start *wanted, struct error *error)
{
    struct controller *controller = turn->controller;
    struct entry_rollout entry = {
        .rollout = controller->rollout_count + 1,
        .by = starter (turn, wanted),
        .at = turn->now,
        .plan = wanted->plan};
    struct plan plan;
    if (controller->trust_count == 0 || !controller->has_fleet) {
        (void)error_set (error, ERROR_MISSING, "this controller has no trust or fleet document yet");
        return NULL;
    }
    if (!controller_is_believed (controller, error))
        return NULL;
    if (!accept_plan (&controller->trust, &wanted->plan, turn->now, &turn->effects->arena, &plan, error) ||
        !check_hosts (controller, &plan, error) || !rollout_may_open (controller, &plan, NULL, error) ||
        !check_contents (controller, &plan, error) || !check_targets (controller, &plan, error))
        return NULL;
    turn_record (turn, &entry_rollout_type, &entry);
    return controller->rollouts[controller->rollout_count - 1];
}

void request_start (struct turn *turn, const void *record)
{
    const struct rollout_start *wanted = record;
    struct digest digest = digest_of (wanted->plan.content.data, wanted->plan.content.size);
    struct rollout *rollout = rollout_of_plan (turn->controller, &digest);
    struct error error = {0};
    if (rollout != NULL) {
        turn_answer (
            turn, wanted->request, rollout->number,
            line_format (
                &turn->effects->arena, "this plan is rollout %llu already: it is %s",
                (unsigned long long)rollout->number, enum_word (&phase_words, rollout->phase)));
        return;
    }
    rollout = start (turn, wanted, &error);
    if (rollout == NULL) {
        turn_refuse (turn, wanted->request, &error);
        return;
    }
    turn_answer (
        turn, wanted->request, rollout->number,
        line_format (&turn->effects->arena, "rollout %llu has begun", (unsigned long long)rollout->number));
    permit_publish_plan (turn, rollout);
    rollout_advance (turn, rollout);
}

/* ------------------------------------------------------------------------------------------------- deciding
 */

static bool not_now (
    const struct rollout *rollout, const struct approval *approval, const char *instead, struct error *error)
{
    return error_set (
        error, ERROR_CONFLICT, "rollout %llu is %s, so there is nothing to %s%s",
        (unsigned long long)rollout->number, enum_word (&phase_words, rollout->phase),
        enum_word (&decision_words, approval->decision), instead);
}

static bool has_decided (
    const struct rollout *rollout, const struct approval *approval, const struct public_key *key)
{
    for (size_t i = 0; i < rollout->gate.approval_count; i++) {
        const struct gate_approval *item = &rollout->gate.approvals[i];
        if (item->approval->step == approval->step && item->approval->decision == approval->decision &&
            digest_equal (&item->approval->evidence, &approval->evidence) &&
            public_key_equal (&item->key, key))
            return true;
    }
    return false;
}

/* Whether the step asks for such a decision, by such a role. */
static bool check_fit (const struct stage *stage, const struct approval *approval, struct error *error)
{
    const struct step *step = stage->step;
    bool is_manual = step->kind == STEP_MANUAL;
    const char *word = enum_word (&decision_words, approval->decision);
    if (approval->decision == DECISION_PROMOTE)
        return step->kind == STEP_PAUSE ||
               error_set (
                   error, ERROR_CONFLICT, "step %llu is no pause: there is nothing to promote",
                   (unsigned long long)step->number);
    if (!is_manual && step->kind != STEP_SIGNOFF)
        return error_set (
            error, ERROR_CONFLICT, "step %llu (%s) asks nobody to %s", (unsigned long long)step->number,
            enum_word (&step_kind_words, step->kind), word);
    if (strcmp (approval->role, step->role) != 0)
        return error_set (
            error, ERROR_REFUSED, "step %llu asks for the role %s, not %s", (unsigned long long)step->number,
            step->role, approval->role);
    if (approval->decision == DECISION_SKIP && !(is_manual && step->optional))
        return error_set (
            error, ERROR_REFUSED, "step %llu is not optional: it can't be skipped",
            (unsigned long long)step->number);
    return true;
}

static bool check_step (
    const struct rollout *rollout, const struct approval *approval, const struct public_key *key,
    struct error *error)
{
    const struct stage *stage = rollout_current (rollout);
    struct digest seen;
    if (!rollout_is_open (rollout) || rollout->phase == PHASE_RETURNING || stage == NULL)
        return not_now (rollout, approval, "", error);
    if (approval->step != stage->step->number || stage->state != STEP_RUNNING)
        return error_set (
            error, ERROR_CONFLICT, "rollout %llu stands at step %llu (%s), not at step %llu",
            (unsigned long long)rollout->number, (unsigned long long)stage->step->number,
            enum_word (&step_state_words, stage->state), (unsigned long long)approval->step);
    if (!check_fit (stage, approval, error))
        return false;
    seen = gate_evidence_digest (&rollout->gate, approval->step);
    if (!digest_equal (&seen, &approval->evidence))
        return error_set (
            error, ERROR_CONFLICT, "the evidence has changed since you looked: look again, then decide");
    if (has_decided (rollout, approval, key))
        return error_set (
            error, ERROR_CONFLICT, "%s has decided on step %llu already", approval->name,
            (unsigned long long)approval->step);
    return true;
}

static bool check_pause (
    const struct turn *turn, const struct rollout *rollout, const struct approval *approval,
    struct error *error)
{
    const struct stage *stage = rollout_current (rollout);
    bool failed = stage != NULL && stage->state == STEP_FAILED;
    (void)turn;
    if (rollout->phase == PHASE_RETURNING || !rollout_is_open (rollout) || failed)
        return not_now (rollout, approval, "", error);
    return !rollout->held || not_now (rollout, approval, ": it is held already", error);
}

/* It names one failure that closes the case, and that nobody has answered for yet. */
static bool names_failure (const struct rollout *rollout, const struct approval *approval)
{
    struct digest digests[LIMIT_OVERRIDES];
    uint64_t steps[LIMIT_OVERRIDES];
    size_t count = gate_overridable (&rollout->gate, digests, steps, LIMIT_OVERRIDES);
    for (size_t i = 0; i < count && i < LIMIT_OVERRIDES; i++)
        if (steps[i] == approval->step && digest_equal (&digests[i], &approval->evidence))
            return true;
    return false;
}

static bool check_override (
    const struct rollout *rollout, const struct approval *approval, const struct public_key *key,
    struct error *error)
{
    const struct plan *plan = &rollout->plan;
    if (plan->override_role[0] == '\0')
        return error_set (
            error, ERROR_REFUSED, "plan %s lets nobody override a failure: retry or abort it", plan->name);
    if (strcmp (approval->role, plan->override_role) != 0)
        return error_set (
            error, ERROR_REFUSED, "to override takes the role %s, not %s", plan->override_role,
            approval->role);
    if (!rollout_is_open (rollout) || rollout->phase == PHASE_RETURNING)
        return not_now (rollout, approval, "", error);
    if (has_decided (rollout, approval, key))
        return error_set (error, ERROR_CONFLICT, "%s has overridden this failure already", approval->name);
    return names_failure (rollout, approval) ||
           error_set (
               error, ERROR_CONFLICT,
               "it names no failure of step %llu that could be overridden, and is not yet: look again",
               (unsigned long long)approval->step);
}

static bool check_resume (
    const struct turn *turn, const struct rollout *rollout, const struct approval *approval,
    struct error *error)
{
    const struct stage *stage = rollout_current (rollout);
    bool failed = stage != NULL && stage->state == STEP_FAILED;
    (void)turn;
    if (rollout->phase != PHASE_PAUSED)
        return not_now (rollout, approval, "", error);
    if (gate_is_closed (&rollout->gate, error))
        return error_context (error, "it can't go on, only be retried or aborted");
    return rollout->held || failed || not_now (rollout, approval, " (a pause step is promoted)", error);
}

static bool check_abort (
    const struct turn *turn, const struct rollout *rollout, const struct approval *approval,
    struct error *error)
{
    if (rollout->phase == PHASE_DEGRADED)
        return rollout_may_open (turn->controller, &rollout->plan, rollout, error);
    if (rollout->phase == PHASE_RETURNING)
        return not_now (rollout, approval, ": its hosts go back already", error);
    return rollout_is_open (rollout) ||
           not_now (rollout, approval, rollout->phase == PHASE_HEALTHY ? ": undo it" : "", error);
}

static bool check_retry (
    const struct turn *turn, const struct rollout *rollout, const struct approval *approval,
    struct error *error)
{
    const struct stage *stage = rollout_current (rollout);
    bool failed = stage != NULL && stage->state == STEP_FAILED;
    bool ended = rollout->phase == PHASE_ROLLED_BACK || rollout->phase == PHASE_ABORTED ||
                 rollout->phase == PHASE_DEGRADED;
    if (!ended && !(rollout->phase == PHASE_PAUSED && failed))
        return not_now (rollout, approval, "", error);
    if (!instant_before (turn->now, rollout->plan.expires))
        return error_set (error, ERROR_EXPIRED, "the plan has expired: sign a new one");
    if (!trust_verify (&turn->controller->trust, ROLE_RELEASER, "", &rollout->envelope, error))
        return error_context (error, "the plan");
    return rollout_may_open (turn->controller, &rollout->plan, rollout, error);
}

static bool check_undo (
    const struct turn *turn, const struct rollout *rollout, const struct approval *approval,
    struct error *error)
{
    if (rollout->phase != PHASE_HEALTHY)
        return not_now (rollout, approval, rollout_is_open (rollout) ? ": abort it" : "", error);
    return rollout_may_open (turn->controller, &rollout->plan, rollout, error);
}

static bool (*const checks[]) (
    const struct turn *turn, const struct rollout *rollout, const struct approval *approval,
    struct error *error) = {
    [DECISION_PAUSE] = check_pause, [DECISION_RESUME] = check_resume, [DECISION_ABORT] = check_abort,
    [DECISION_RETRY] = check_retry, [DECISION_UNDO] = check_undo,
};

static bool check_attempt (
    const struct rollout *rollout, const struct approval *approval, struct error *error)
{
    uint64_t wanted = rollout->attempt + (approval->decision == DECISION_RETRY ? 1 : 0);
    if (!digest_equal (&approval->plan, &rollout->plan_digest))
        return error_set (
            error, ERROR_REFUSED, "the decision is about another plan than that of rollout %llu",
            (unsigned long long)rollout->number);
    if (wanted > LIMIT_ATTEMPTS)
        return error_set (error, ERROR_LIMIT, "a rollout has at most %d attempts", LIMIT_ATTEMPTS);
    return approval->attempt == wanted ||
           error_set (
               error, ERROR_CONFLICT, "the decision is about attempt %llu, and attempt %llu is the one",
               (unsigned long long)approval->attempt, (unsigned long long)wanted);
}

static bool judge (
    struct turn *turn, struct rollout *rollout, const struct envelope *envelope, struct error *error)
{
    struct approval approval;
    struct public_key key;
    rollout->gate.now = turn->now;
    if (!accept_plan_approval (
            &turn->controller->trust, &rollout->plan, envelope, turn->now, &turn->effects->arena, &approval,
            &key, error) ||
        !check_attempt (rollout, &approval, error))
        return false;
    if (approval.decision == DECISION_OVERRIDE)
        return check_override (rollout, &approval, &key, error);
    if (approval.step > 0)
        return check_step (rollout, &approval, &key, error);
    return checks[approval.decision](turn, rollout, &approval, error);
}

void request_decide (struct turn *turn, const void *record)
{
    const struct decide *decide = record;
    struct rollout *rollout = rollout_numbered (turn->controller, decide->rollout);
    struct entry_approval entry = {.rollout = decide->rollout, .approval = decide->approval};
    struct digest digest = digest_of (decide->approval.content.data, decide->approval.content.size);
    struct error error = {0};
    if (rollout == NULL) {
        (void)error_set (
            &error, ERROR_MISSING, "there is no rollout %llu", (unsigned long long)decide->rollout);
        turn_refuse (turn, decide->request, &error);
        return;
    }
    if (paper_find (rollout, &digest) != NULL) {
        turn_answer (turn, decide->request, rollout->number, "this decision is recorded already");
        return;
    }
    if (!judge (turn, rollout, &decide->approval, &error)) {
        turn_refuse (turn, decide->request, &error);
        return;
    }
    turn_record (turn, &entry_approval_type, &entry);
    rollout_advance (turn, rollout);
    turn_answer (
        turn, decide->request, rollout->number,
        controller_is_believed (turn->controller, &error)
            ? line_format (
                  &turn->effects->arena, "recorded; rollout %llu is %s", (unsigned long long)rollout->number,
                  enum_word (&phase_words, rollout->phase))
            : line_format (
                  &turn->effects->arena, "recorded, and nothing follows from it yet: %s", error.text));
}
