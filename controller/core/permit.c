/* Permits: the controller's word that a step is open for some hosts, with the evidence that proves it. Each
   host judges that evidence again by the same gate, so a permit is never more than a claim. */
#include "controller/core/state.h"

#include <assert.h>
#include <string.h>

/* A permit about to expire is no use to a host that still has to fetch what it needs: a tenth of its life is
   the least that it is sent out with. */
enum { LIFE_PARTS = 10 };

/* What proves a step: all evidence of this attempt that is no failure, and for a return what is one. The
   decision that opened the attempt belongs to both. */
static bool proves (const struct rollout *rollout, const struct paper *paper, enum permit_kind kind)
{
    if (paper->receipt != NULL && paper->receipt->attempt != rollout->attempt)
        return false;
    if (paper->receipt != NULL && paper->receipt->kind == PERMIT_RETURN)
        return kind == PERMIT_RETURN && paper_is_lapse (rollout, paper);
    if (paper->approval != NULL && paper->approval->attempt != rollout->attempt)
        return false;
    if (paper->approval != NULL && paper->approval->decision == DECISION_RETRY)
        return true;
    if (paper->approval != NULL &&
        (paper->approval->decision == DECISION_PAUSE || paper->approval->decision == DECISION_RESUME))
        return false;
    return paper_is_failure (rollout, paper) == (kind == PERMIT_RETURN);
}

static void fill_evidence (
    const struct controller *controller, const struct rollout *rollout, enum permit_kind kind,
    struct arena *arena, struct permit *permit)
{
    permit->evidence = arena_array (arena, rollout->paper_count, sizeof *permit->evidence);
    for (size_t i = 0; i < rollout->paper_count && permit->evidence_count < LIMIT_EVIDENCE; i++)
        if (proves (rollout, rollout->papers[i], kind) &&
            paper_holds (controller, rollout, rollout->papers[i]))
            permit->evidence[permit->evidence_count++] = rollout->papers[i]->digest;
}

static const struct grant *permit_make (
    struct turn *turn, struct rollout *rollout, enum permit_kind kind, uint64_t step,
    struct seat *const *seats, size_t count)
{
    struct arena *arena = &turn->effects->arena;
    const struct controller_options *options = &turn->controller->options;
    struct permit permit = {
        .plan = rollout->plan_digest,
        .kind = kind,
        .step = step,
        .attempt = rollout->attempt,
        .hosts = arena_array (arena, count, sizeof *permit.hosts),
        .hosts_count = count,
        .issued = turn->now,
        .expires = instant_add (turn->now, options->permit_life)};
    struct entry_permit entry = {.rollout = rollout->number};
    struct error error;
    bool made;
    for (size_t i = 0; i < count; i++)
        permit.hosts[i] = seats[i]->host->name;
    fill_evidence (turn->controller, rollout, kind, arena, &permit);
    made = document_sign (&permit_type, &permit, &options->key, turn->now, arena, &entry.permit, &error);
    assert (made);
    turn_record (turn, &entry_permit_type, &entry);
    return rollout_task (rollout, kind, step, seats[0]->host)->grant;
}

static struct permit_offer offer_of (
    const struct turn *turn, const struct rollout *rollout, const struct grant *grant)
{
    struct arena *arena = &turn->effects->arena;
    struct permit_offer offer = {
        .epoch = turn->controller->epoch,
        .permit = grant->envelope,
        .evidence = arena_array (arena, grant->permit.evidence_count, sizeof *offer.evidence)};
    for (size_t i = 0; i < grant->permit.evidence_count; i++) {
        const struct paper *paper = paper_find (rollout, &grant->permit.evidence[i]);
        if (paper != NULL)
            offer.evidence[offer.evidence_count++] = paper->envelope;
    }
    return offer;
}

static const char *topic_of (const struct turn *turn, const struct rollout *rollout, const char *environment)
{
    return arena_format (&turn->effects->arena, "%s/%s", environment, rollout->plan.product);
}

/* One publication for each environment that the seats are in. */
static void permit_publish (
    struct turn *turn, const struct rollout *rollout, const struct grant *grant, struct seat *const *seats,
    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct permit_offer offer;
        bool told = false;
        for (size_t j = 0; j < i && !told; j++)
            told = strcmp (seats[j]->environment, seats[i]->environment) == 0;
        if (told)
            continue;
        offer = offer_of (turn, rollout, grant);
        offer.sequence = turn_sequence (turn);
        turn_publish (turn, topic_of (turn, rollout, seats[i]->environment), &permit_offer_type, &offer);
    }
}

void permit_issue (
    struct turn *turn, struct rollout *rollout, enum permit_kind kind, uint64_t step,
    struct seat *const *seats, size_t count)
{
    assert (count > 0);
    permit_publish (turn, rollout, permit_make (turn, rollout, kind, step, seats, count), seats, count);
}

void permit_publish_plan (struct turn *turn, const struct rollout *rollout)
{
    for (size_t i = 0; i < rollout->plan.steps_count; i++) {
        const struct step *step = &rollout->plan.steps[i];
        bool told = step->hosts_count == 0;
        for (size_t j = 0; j < i && !told; j++)
            told = rollout->plan.steps[j].hosts_count > 0 &&
                   strcmp (rollout->plan.steps[j].environment, step->environment) == 0;
        if (!told)
            turn_offer (turn, topic_of (turn, rollout, step->environment), NULL, &rollout->envelope);
    }
}

/* Another release has gone out over this one since: an old return would undo the wrong thing. */
static bool is_superseded (const struct turn *turn, const struct rollout *rollout, const struct seat *seat)
{
    for (size_t i = (size_t)rollout->number; i < turn->controller->rollout_count; i++)
        if (rollout_covers (turn->controller->rollouts[i], rollout->plan.product, seat->environment))
            return true;
    return false;
}

/* A permit that has expired, or whose key is the controller's no more, is made anew where it is still true; a
   paused rollout opens nothing. */
static const struct grant *fresh (
    struct turn *turn, struct rollout *rollout, struct seat *seat, const struct task *task)
{
    const struct permit *permit = &task->grant->permit;
    struct span margin = {turn->controller->options.permit_life.ms / LIFE_PARTS};
    struct seat *const seats[] = {seat};
    if (instant_before (instant_add (turn->now, margin), permit->expires) &&
        grant_is_believed (turn->controller, task->grant))
        return task->grant;
    rollout->gate.now = turn->now;
    if (permit->kind == PERMIT_STEP &&
        (rollout->held || !gate_step_open (&rollout->gate, permit->step, seat->host->name, NULL)))
        return NULL;
    if (permit->kind == PERMIT_KEEP && !gate_keep_open (&rollout->gate, permit->step, seat->host->name, NULL))
        return NULL;
    return permit_make (turn, rollout, permit->kind, permit->step, seats, 1);
}

static void offer_task (
    struct turn *turn, struct rollout *rollout, struct seat *seat, const struct task *task)
{
    const struct grant *grant;
    struct permit_offer offer;
    if (task->grant == NULL || task->receipt != NULL)
        return;
    grant = fresh (turn, rollout, seat, task);
    if (grant == NULL)
        return;
    offer = offer_of (turn, rollout, grant);
    turn_send (turn, &turn->event->route, &permit_offer_type, &offer);
}

/* The rollout is over, and a host that was away then may not know yet that it can keep the release. */
static bool is_unconfirmed (const struct turn *turn, const struct rollout *rollout, const struct seat *seat)
{
    return rollout->phase == PHASE_HEALTHY && seat->keep.grant != NULL &&
           instant_before (turn->now, seat_unconfirmed (rollout, seat));
}

void permit_offer_open (struct turn *turn, struct rollout *rollout, struct seat *seat)
{
    bool returning = rollout->phase == PHASE_RETURNING || rollout->phase == PHASE_DEGRADED;
    bool owed = (returning && seat->back.grant != NULL && seat->back.receipt == NULL) ||
                is_unconfirmed (turn, rollout, seat);
    if (!rollout_is_open (rollout) && !(owed && !is_superseded (turn, rollout, seat)))
        return;
    if (!controller_is_believed (turn->controller, NULL))
        return;
    turn_offer (turn, NULL, &turn->event->route, &rollout->envelope);
    if (!returning)
        offer_task (turn, rollout, seat, &seat->keep);
    if (returning) {
        offer_task (turn, rollout, seat, &seat->back);
        return;
    }
    for (size_t i = 0; i < rollout->plan.steps_count; i++) {
        const struct task *task = rollout_task (rollout, PERMIT_STEP, i + 1, seat->host);
        if (task != NULL)
            offer_task (turn, rollout, seat, task);
    }
}

/* Whether this task is the first of its stage that holds the grant: a grant is published once. */
static bool leads (const struct stage *stage, size_t place)
{
    for (size_t i = 0; i < place; i++)
        if (stage->tasks[i].grant == stage->tasks[place].grant && stage->tasks[i].receipt == NULL)
            return false;
    return true;
}

void permit_publish_open (struct turn *turn, struct rollout *rollout)
{
    const struct stage *stage = rollout_current (rollout);
    if (!rollout_is_open (rollout))
        return;
    permit_publish_plan (turn, rollout);
    if (rollout->phase == PHASE_RETURNING || stage == NULL)
        return;
    for (size_t i = 0; i < stage->step->hosts_count; i++) {
        const struct task *task = &stage->tasks[i];
        if (task->grant != NULL && task->receipt == NULL && leads (stage, i) &&
            instant_before (turn->now, task->grant->permit.expires) &&
            grant_is_believed (turn->controller, task->grant))
            permit_publish (turn, rollout, task->grant, &stage->seats[i], 1);
    }
}
