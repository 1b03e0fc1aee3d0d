/* Permits: what must be true before this host begins anything. Nothing is believed that was not verified
   here, and the gate is asked with this host's own trust and fleet. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/installer_state.h"

enum judgement {
    JUDGED_REFUSED,
    JUDGED_GOOD,
    JUDGED_WAITS,    /* for a document, or for the end of other work */
    JUDGED_ANSWERED, /* there is a receipt already, or it is the running work */
};

struct trial {
    struct held_permit *held;
    struct instant now;
    struct arena arena;
    struct plan plan;
    const struct held_plan *held_plan;
    const struct fleet_host *host;
    struct gate_case gate;
};

static bool names (const char *const *items, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (items[i], name) == 0)
            return true;
    return false;
}

static bool is_for_host (const struct installer *installer, const struct permit *permit)
{
    return names (permit->hosts, permit->hosts_count, installer->options.host);
}

static bool check_permit (
    const struct installer *installer, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct permit *ret, struct error *error)
{
    if (!installer->has_trust)
        return error_set (
            error, ERROR_REFUSED, "this host has no trust document yet: enrol it with a token first");
    if (!accept_permit (&installer->trust, envelope, now, arena, ret, error))
        return error_context (error, "the permit");
    return clock_is_sane (installer, now, error);
}

/* This host, as the fleet has it, is the one that the plan speaks of. */
static bool check_host (const struct installer *installer, struct trial *trial, struct error *error)
{
    const char *name = installer->options.host;
    const struct plan *plan = &trial->plan;
    trial->host = fleet_host_named (&installer->fleet, name);
    if (trial->host == NULL)
        return error_set (
            error, ERROR_REFUSED, "fleet %llu does not know this host, %s",
            (unsigned long long)installer->fleet.version, name);
    if (!public_key_equal (&trial->host->key, &installer->options.key.public))
        return error_set (
            error, ERROR_REFUSED, "the fleet has another key for %s: enrol this host anew", name);
    if (!fleet_host_has_product (trial->host, plan->product))
        return error_set (error, ERROR_REFUSED, "%s does not run %s, says the fleet", name, plan->product);
    if (plan->fleet_version == installer->fleet.version &&
        !digest_equal (&plan->fleet, &installer->fleet_digest))
        return error_set (
            error, ERROR_REFUSED, "plan %s was made for another fleet %llu than this host has", plan->name,
            (unsigned long long)plan->fleet_version);
    return true;
}

/* The fleet says who may prove anything, so an old one must not be kept alive; back is always allowed. */
static bool check_fleet_expiry (
    const struct installer *installer, const struct trial *trial, struct error *error)
{
    char when[TIME_TEXT_SIZE];
    return trial->held->permit.kind == PERMIT_RETURN ||
           instant_before (trial->now, installer->fleet.expires) ||
           error_set (
               error, ERROR_EXPIRED, "fleet %llu expired at %s: submit a newer one",
               (unsigned long long)installer->fleet.version, instant_print (installer->fleet.expires, when));
}

static bool check_step (const struct installer *installer, const struct trial *trial, struct error *error)
{
    const struct permit *permit = &trial->held->permit;
    const struct plan *plan = &trial->plan;
    const struct step *step;
    if (permit->step < 1 || permit->step > plan->steps_count)
        return error_set (
            error, ERROR_REFUSED, "plan %s has no step %llu", plan->name, (unsigned long long)permit->step);
    step = &plan->steps[permit->step - 1];
    if (step->kind != STEP_DEPLOY && step->kind != STEP_TEST)
        return error_set (
            error, ERROR_REFUSED, "step %llu of plan %s is no work for a host",
            (unsigned long long)permit->step, plan->name);
    if (!names (step->hosts, step->hosts_count, installer->options.host))
        return error_set (
            error, ERROR_REFUSED, "step %llu of plan %s is not for this host, %s",
            (unsigned long long)permit->step, plan->name, installer->options.host);
    if (strcmp (step->environment, trial->host->environment) != 0)
        return error_set (
            error, ERROR_REFUSED, "step %llu is for %s, and this host belongs to %s",
            (unsigned long long)permit->step, step->environment, trial->host->environment);
    return true;
}

static bool check_return (const struct installer *installer, const struct trial *trial, struct error *error)
{
    const struct plan *plan = &trial->plan;
    if (trial->held->permit.step != 0)
        return error_set (error, ERROR_REFUSED, "a return is about the whole plan, not about one step");
    for (size_t i = 0; i < plan->steps_count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->kind == STEP_DEPLOY && strcmp (step->environment, trial->host->environment) == 0 &&
            names (step->hosts, step->hosts_count, installer->options.host))
            return true;
    }
    return error_set (
        error, ERROR_REFUSED, "plan %s deploys nothing to this host, %s", plan->name,
        installer->options.host);
}

static int compare (const void *first, const void *second)
{
    return digest_compare (first, second);
}

/* The permit lists exactly the evidence that came with it. */
static bool check_evidence_list (const struct trial *trial, struct arena *arena, struct error *error)
{
    const struct permit_offer *offer = &trial->held->offer;
    const struct permit *permit = &trial->held->permit;
    size_t count = permit->evidence_count;
    struct digest *listed = arena_array (arena, count, sizeof *listed);
    struct digest *given = arena_array (arena, offer->evidence_count, sizeof *given);
    if (count != offer->evidence_count)
        return error_set (
            error, ERROR_REFUSED, "the permit lists %zu pieces of evidence, and %zu came with it", count,
            offer->evidence_count);
    for (size_t i = 0; i < count; i++) {
        listed[i] = permit->evidence[i];
        given[i] = digest_of (offer->evidence[i].content.data, offer->evidence[i].content.size);
    }
    qsort (listed, count, sizeof *listed, compare);
    qsort (given, count, sizeof *given, compare);
    for (size_t i = 0; i < count; i++)
        if (!digest_equal (&listed[i], &given[i]))
            return error_set (error, ERROR_REFUSED, "the evidence is not what the permit lists");
    return true;
}

static bool check_gate (const struct installer *installer, struct trial *trial, struct error *error)
{
    const struct permit *permit = &trial->held->permit;
    const struct permit_offer *offer = &trial->held->offer;
    struct gate_case *gate = &trial->gate;
    *gate = (struct gate_case){
        .plan = &trial->plan,
        .plan_digest = trial->held_plan->digest,
        .attempt = permit->attempt,
        .now = trial->now,
    };
    if (!check_evidence_list (trial, &trial->arena, error))
        return false;
    for (size_t i = 0; i < offer->evidence_count; i++)
        if (!gate_add (gate, &installer->trust, &installer->fleet, &offer->evidence[i], &trial->arena, error))
            return error_context (error, "evidence %zu", i + 1);
    if (permit->kind == PERMIT_RETURN)
        return gate_return_open (gate, error) ||
               error_context (error, "no return of plan %s", trial->plan.name);
    if (permit->kind == PERMIT_KEEP)
        return gate_keep_open (gate, permit->step, installer->options.host, error) ||
               error_context (error, "step %llu is not confirmed", (unsigned long long)permit->step);
    return gate_step_open (gate, permit->step, installer->options.host, error) ||
           error_context (error, "step %llu is not open", (unsigned long long)permit->step);
}

static bool is_overridden (const struct trial *trial, const struct held_receipt *receipt)
{
    return receipt->kind == PERMIT_STEP && receipt->attempt == trial->gate.attempt &&
           digest_equal (&receipt->plan, &trial->gate.plan_digest) &&
           gate_is_overridden (&trial->gate, receipt->step, &receipt->digest);
}

/* This host's own failures in the attempt that people answer for, as far as it remembers them. */
static uint64_t count_overridden (const struct installer *installer, const struct trial *trial)
{
    uint64_t count = 0;
    for (size_t i = 0; i < installer->receipt_count; i++)
        count +=
            !receipt_is_success (&installer->receipts[i]) && is_overridden (trial, &installer->receipts[i]);
    return count;
}

/* A receipt that ended this attempt here, or a later one, and that nobody answers for. */
static const struct held_receipt *closing_receipt (
    const struct installer *installer, const struct trial *trial)
{
    const struct permit *permit = &trial->held->permit;
    for (size_t i = installer->receipt_count; i > 0; i--) {
        const struct held_receipt *receipt = &installer->receipts[i - 1];
        if (!receipt_is_success (receipt) && digest_equal (&receipt->plan, &permit->plan) &&
            receipt->attempt >= permit->attempt && !is_overridden (trial, receipt))
            return receipt;
    }
    return NULL;
}

/* Neither a plan nor an attempt that is over comes back, in either direction: an old failure or an old abort
   is no reason to undo what has gone out since. */
static bool check_reached (const struct installer *installer, const struct trial *trial, struct error *error)
{
    const struct permit *permit = &trial->held->permit;
    const struct plan *plan = &trial->plan;
    const struct reached *reached = reached_of (installer, plan->product);
    bool returns = permit->kind != PERMIT_STEP;
    if (reached == NULL)
        return returns ||
               (installer->reached_count < LIMIT_PRODUCTS
                    ? accept_counter (plan, 0, error)
                    : error_set (
                          error, ERROR_LIMIT, "this host has had %d products already", LIMIT_PRODUCTS));
    if (plan->counter < reached->counter)
        return error_set (
            error, ERROR_REFUSED,
            "release counter %llu of plan %s is lower than %llu, which this host has had: build a new plan",
            (unsigned long long)plan->counter, plan->name, (unsigned long long)reached->counter);
    if (!digest_equal (&permit->plan, &reached->plan) && plan->counter == reached->counter)
        return error_set (
            error, ERROR_REFUSED,
            "this host has had another plan with the release counter %llu: build a new one",
            (unsigned long long)plan->counter);
    if (!digest_equal (&permit->plan, &reached->plan))
        return returns || accept_counter (plan, reached->counter, error);
    if (permit->attempt < reached->attempt)
        return error_set (
            error, ERROR_REFUSED, "attempt %llu of plan %s is over: this host has begun attempt %llu",
            (unsigned long long)permit->attempt, plan->name, (unsigned long long)reached->attempt);
    return returns || permit->attempt > reached->closed ||
           (permit->attempt == reached->closed && count_overridden (installer, trial) == reached->closings) ||
           error_set (
               error, ERROR_REFUSED, "attempt %llu of plan %s ended on this host; a retry opens the next one",
               (unsigned long long)permit->attempt, plan->name);
}

/* What this host itself has done before. */
static bool check_history (const struct installer *installer, const struct trial *trial, struct error *error)
{
    const struct permit *permit = &trial->held->permit;
    const struct plan *plan = &trial->plan;
    const struct row *row = row_named (installer, plan->product);
    const struct held_receipt *closing = closing_receipt (installer, trial);
    if (receipts_full (installer))
        return error_set (
            error, ERROR_LIMIT, "%d receipts wait for the controller: nothing new begins before it has them",
            RECEIPTS_HELD);
    if (permit->kind == PERMIT_STEP && closing != NULL)
        return error_set (
            error, ERROR_REFUSED,
            "attempt %llu of plan %s ended on this host: %s; a retry opens the next one",
            (unsigned long long)permit->attempt, plan->name, enum_word (&outcome_words, closing->outcome));
    if (permit->kind == PERMIT_STEP && row == NULL && installer->row_count == LIMIT_PRODUCTS)
        return error_set (error, ERROR_LIMIT, "this host has had %d products already", LIMIT_PRODUCTS);
    return check_reached (installer, trial, error);
}

static bool check_all (const struct installer *installer, struct trial *trial, struct error *error)
{
    enum permit_kind kind = trial->held->permit.kind;
    struct instant now = trial->now;
    if (kind != PERMIT_STEP)
        now = (struct instant){0}; /* what a plan put here can be kept or taken back after the plan expired */
    return accept_plan (
               &installer->trust, &trial->held_plan->envelope, now, &trial->arena, &trial->plan, error) &&
           check_fleet_expiry (installer, trial, error) && check_host (installer, trial, error) &&
           (kind == PERMIT_RETURN ? check_return (installer, trial, error)
                                  : check_step (installer, trial, error)) &&
           check_gate (installer, trial, error) && check_history (installer, trial, error);
}

static bool is_running (const struct installer *installer, const struct permit *permit)
{
    const struct permit *running = &installer->work.permit;
    return installer->work.kind != WORK_NONE && digest_equal (&running->plan, &permit->plan) &&
           running->kind == permit->kind && running->step == permit->step &&
           running->attempt == permit->attempt;
}

/* Newer documents than this host has are on their way. */
static bool lacks_documents (const struct installer *installer, const struct trial *trial)
{
    struct arena arena = {0};
    struct plan plan;
    bool lacks = document_read (&plan_type, trial->held_plan->envelope.content, &arena, &plan, NULL) &&
                 (!installer->has_fleet || plan.fleet_version > installer->fleet.version ||
                  plan.trust_version > installer->trust.version);
    arena_free (&arena);
    return lacks;
}

static enum judgement judge (
    struct installer *installer, struct trial *trial, struct installer_effects *effects, struct error *error)
{
    struct held_permit *held = trial->held;
    const struct held_receipt *receipt;
    struct permit again;
    if (!check_permit (installer, &held->offer.permit, trial->now, &trial->arena, &again, error))
        return JUDGED_REFUSED;
    receipt = receipt_find (installer, &again.plan, again.kind, again.step, again.attempt);
    if (receipt != NULL) {
        receipt_send (receipt, effects);
        return JUDGED_ANSWERED;
    }
    if (is_running (installer, &again) || (again.kind == PERMIT_KEEP && vigil_of (installer, &again) == NULL))
        return JUDGED_ANSWERED;
    trial->held_plan = plan_held (installer, &again.plan);
    (void)error_set (error, ERROR_MISSING, "waiting for the plan");
    if (trial->held_plan == NULL)
        return JUDGED_WAITS;
    (void)error_set (error, ERROR_MISSING, "waiting for the trust and fleet documents that the plan names");
    if (lacks_documents (installer, trial))
        return JUDGED_WAITS;
    if (!check_all (installer, trial, error))
        return JUDGED_REFUSED;
    /* Who is kept in the dark can't know what else would forbid it. Keeping and going back are no news. */
    if (again.kind == PERMIT_STEP && installer_is_stale (installer, trial->now, error)) {
        complain (installer, effects, ACTIVITY_STALE, error->text);
        return JUDGED_WAITS;
    }
    return JUDGED_GOOD;
}

static void keep (struct installer *installer, const struct trial *trial, struct installer_effects *effects)
{
    struct note_kept note = {.permit = trial->held->offer.permit, .at = trial->now};
    effects_record (installer, effects, &note_kept_type, &note);
}

static void begin (struct installer *installer, const struct trial *trial, struct installer_effects *effects)
{
    struct note_begin note = {
        .plan = trial->held_plan->envelope, .permit = trial->held->offer.permit, .at = trial->now};
    effects_record (installer, effects, &note_begin_type, &note);
}

/* A return need not wait for a work of its plan that has only been fetching. */
static bool cut_short (
    struct installer *installer, const struct trial *trial, struct installer_effects *effects)
{
    struct work *work = &installer->work;
    if (trial->held->permit.kind != PERMIT_RETURN || installer->wait != WAIT_CONTENT || work->returning ||
        work->kind == WORK_RETURN || !digest_equal (&work->plan_digest, &trial->held->permit.plan))
        return false;
    work->cause = "a return was ordered before anything had changed";
    supply_cancel (installer, effects);
    work_end (installer, OUTCOME_FAILED, trial->now, effects);
    return true;
}

static void forget (struct installer *installer, size_t place)
{
    arena_free (&installer->permits[place].arena);
    installer->permit_count--;
    (void)memmove (
        installer->permits + place, installer->permits + place + 1,
        (installer->permit_count - place) * sizeof installer->permits[0]);
}

/* True where the state of the work changed. Sets `ret_stays` where the permit goes on waiting. */
static bool judge_one (
    struct installer *installer, size_t place, struct instant now, struct installer_effects *effects,
    bool *ret_stays)
{
    struct trial trial = {.held = &installer->permits[place], .now = now};
    struct error error = {0};
    bool busy = installer->work.kind != WORK_NONE || installer->wait != WAIT_NOTHING;
    bool changed = false;
    enum judgement judgement = judge (installer, &trial, effects, &error);
    if (judgement == JUDGED_GOOD && trial.held->permit.kind == PERMIT_KEEP) {
        keep (installer, &trial, effects);
        judgement = JUDGED_ANSWERED;
    }
    if (judgement == JUDGED_GOOD && busy) {
        changed = cut_short (installer, &trial, effects);
        busy = !changed;
    }
    if (judgement == JUDGED_GOOD && !busy) {
        begin (installer, &trial, effects);
        changed = true;
    }
    *ret_stays = judgement == JUDGED_WAITS || (judgement == JUDGED_GOOD && busy);
    if (judgement == JUDGED_REFUSED)
        say_doing (installer, effects, &trial.held->permit, ACTIVITY_WAITING, error.text);
    arena_free (&trial.arena);
    if (!*ret_stays)
        forget (installer, place);
    return changed;
}

bool judge_waiting (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    static const enum permit_kind order[] = {PERMIT_RETURN, PERMIT_KEEP, PERMIT_STEP};
    if (!installer->judge_due)
        return false;
    installer->judge_due = false;
    for (size_t turn = 0; turn < sizeof order / sizeof order[0]; turn++)
        for (size_t place = 0; place < installer->permit_count;) {
            bool stays = true;
            if (installer->permits[place].permit.kind != order[turn])
                place++;
            else if (judge_one (installer, place, now, effects, &stays)) {
                installer->judge_due = true;
                return true;
            } else if (stays)
                place++;
        }
    return false;
}

static bool same_permit (const struct permit *first, const struct permit *second)
{
    return digest_equal (&first->plan, &second->plan) && first->kind == second->kind &&
           first->step == second->step && first->attempt == second->attempt;
}

/* A newer permit for the same thing takes the place of the one before; else the one that waits longest goes.
 */
static struct held_permit *permit_place (struct installer *installer, const struct permit *permit)
{
    size_t oldest = 0;
    for (size_t i = 0; i < installer->permit_count; i++) {
        if (same_permit (&installer->permits[i].permit, permit)) {
            forget (installer, i);
            return &installer->permits[installer->permit_count++];
        }
        if (installer->permits[i].age < installer->permits[oldest].age)
            oldest = i;
    }
    if (installer->permit_count == PERMITS_HELD)
        forget (installer, oldest);
    return &installer->permits[installer->permit_count++];
}

static void copy_offer (struct held_permit *held, const struct permit_offer *offer)
{
    held->offer = *offer;
    held->offer.permit = envelope_copy (&offer->permit, &held->arena);
    held->offer.evidence = arena_array (&held->arena, offer->evidence_count, sizeof *held->offer.evidence);
    for (size_t i = 0; i < offer->evidence_count; i++)
        held->offer.evidence[i] = envelope_copy (&offer->evidence[i], &held->arena);
}

/* Only what the controller signed for this host is kept at all. Permits are published to all hosts of an
   environment: one for others is no news. */
void take_permit (
    struct installer *installer, const struct permit_offer *offer, struct instant now,
    struct installer_effects *effects)
{
    struct held_permit held = {.age = ++installer->age};
    struct error error;
    bool good = check_permit (installer, &offer->permit, now, &held.arena, &held.permit, &error);
    if (good && is_for_host (installer, &held.permit)) {
        copy_offer (&held, offer);
        *permit_place (installer, &held.permit) = held;
        installer->judge_due = true;
        return;
    }
    if (!good)
        complain (installer, effects, ACTIVITY_WAITING, error.text);
    arena_free (&held.arena);
}
