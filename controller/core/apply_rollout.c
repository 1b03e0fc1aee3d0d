#include "controller/core/apply_rollout.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int name_order (const void *first, const void *second)
{
    return strcmp (*(const char *const *)first, *(const char *const *)second);
}

/* One seat for each host that any step names, sorted by name. */
static void make_seats (struct controller *controller, struct rollout *rollout)
{
    size_t count = 0;
    size_t filled = 0;
    const char **names;
    for (size_t i = 0; i < rollout->plan.steps_count; i++)
        count += rollout->plan.steps[i].hosts_count;
    names = calloc (count + 1, sizeof *names);
    assert (names != NULL);
    for (size_t i = 0; i < rollout->plan.steps_count; i++)
        for (size_t j = 0; j < rollout->plan.steps[i].hosts_count; j++)
            names[filled++] = rollout->plan.steps[i].hosts[j];
    qsort (names, count, sizeof *names, name_order);
    rollout->seats = arena_array (&rollout->arena, count, sizeof *rollout->seats);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp (names[i], names[i - 1]) != 0)
            rollout->seats[rollout->seat_count++].host = host_for (controller, names[i]);
    free (names);
}

static void make_stages (struct controller *controller, struct rollout *rollout)
{
    rollout->stages = arena_array (&rollout->arena, rollout->plan.steps_count, sizeof *rollout->stages);
    for (size_t i = 0; i < rollout->plan.steps_count; i++) {
        struct stage *stage = &rollout->stages[i];
        stage->step = &rollout->plan.steps[i];
        stage->cause = "";
        stage->tasks = arena_array (&rollout->arena, stage->step->hosts_count, sizeof *stage->tasks);
        stage->seats = arena_array (&rollout->arena, stage->step->hosts_count, sizeof *stage->seats);
        stage->places = arena_array (&rollout->arena, rollout->seat_count, sizeof *stage->places);
        for (size_t j = 0; j < stage->step->hosts_count; j++) {
            struct host *host = host_named (controller, stage->step->hosts[j]);
            struct seat *seat = rollout_seat (rollout, host);
            stage->seats[j] = seat;
            stage->places[seat - rollout->seats] = (uint32_t)j + 1;
            if (seat->environment == NULL)
                seat->environment = stage->step->environment;
            if (stage->step->kind == STEP_DEPLOY && seat->deploy == NULL) {
                seat->deploy = &stage->tasks[j];
                seat->deploy_stage = i;
            }
        }
    }
}

static void count_release (struct controller *controller, const struct rollout *rollout)
{
    struct counter_state *state = counter_of (controller, rollout->plan.product);
    if (state == NULL) {
        controller->counters = list_room (
            controller->counters, controller->counter_count, &controller->counter_capacity, sizeof *state);
        state = &controller->counters[controller->counter_count++];
        *state = (struct counter_state){0};
        (void)snprintf (state->product, sizeof state->product, "%s", rollout->plan.product);
    }
    if (rollout->plan.counter >= state->counter) {
        state->counter = rollout->plan.counter;
        state->plan = rollout->plan_digest;
        (void)snprintf (state->version, sizeof state->version, "%s", rollout->plan.version);
    }
}

/* A new attempt has nothing but the evidence that bears its number; yet the hosts that run the release
   already remain to be returned if it fails. */
static void open_attempt (struct rollout *rollout, uint64_t attempt)
{
    for (size_t i = 0; i < rollout->seat_count; i++) {
        struct seat *seat = &rollout->seats[i];
        seat->carried = seat_is_touched (seat) && !seat_is_back (rollout, seat);
    }
    rollout->attempt = attempt;
    rollout->held = false;
    rollout->aborted = false;
    rollout->returned_once = false;
    rollout->unvouched = NULL;
    rollout->gate =
        (struct gate_case){.plan = &rollout->plan, .plan_digest = rollout->plan_digest, .attempt = attempt};
    for (size_t i = 0; i < rollout->plan.steps_count; i++) {
        struct stage *stage = &rollout->stages[i];
        stage->state = STEP_WAITING;
        stage->cause = "";
        stage->started = stage->finished = stage->progressed = (struct instant){0};
        for (size_t j = 0; j < stage->step->hosts_count; j++)
            stage->tasks[j] = (struct task){0};
    }
    for (size_t i = 0; i < rollout->seat_count; i++)
        rollout->seats[i].back = rollout->seats[i].keep = (struct task){0};
    for (size_t i = 0; i < rollout->paper_count; i++) {
        const struct paper *paper = rollout->papers[i];
        if (paper->approval != NULL && paper->approval->attempt == attempt)
            gate_take_approval (&rollout->gate, paper->digest, paper->approval, &paper->key, &rollout->arena);
    }
}

static void fill_rollout (struct controller *controller, struct rollout *rollout)
{
    struct buffer signers = {0};
    if (controller->trust_count > 0)
        trust_signers (&controller->trust, ROLE_RELEASER, "", &rollout->envelope, &signers);
    rollout->signers = line_format (&rollout->arena, "%s", signers.size > 0 ? signers.data : "");
    buffer_free (&signers);
    make_seats (controller, rollout);
    make_stages (controller, rollout);
    open_attempt (rollout, 1);
    count_release (controller, rollout);
}

bool apply_rollout (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_rollout *entry = record;
    struct rollout *rollout;
    if (entry->rollout != controller->rollout_count + 1)
        return error_set (
            error, ERROR_CONFLICT, "rollout %llu after %zu: they are numbered without a gap",
            (unsigned long long)entry->rollout, controller->rollout_count);
    rollout = calloc (1, sizeof *rollout);
    assert (rollout != NULL);
    rollout->envelope = envelope_copy (&entry->plan, &rollout->arena);
    if (!document_read (&plan_type, rollout->envelope.content, &rollout->arena, &rollout->plan, error)) {
        rollout_free (rollout);
        return false;
    }
    rollout->number = entry->rollout;
    rollout->plan_digest = digest_of (entry->plan.content.data, entry->plan.content.size);
    rollout->by = arena_text (&rollout->arena, entry->by);
    rollout->started = rollout->changed = rollout->phase_since = entry->at;
    rollout->phase = PHASE_PROGRESSING;
    rollout->cause = line_format (&rollout->arena, "started by %s", entry->by);
    fill_rollout (controller, rollout);
    rollout->dirty = rollout->unchecked = true;
    controller->rollouts = list_room (
        controller->rollouts, controller->rollout_count, &controller->rollout_capacity, sizeof (rollout));
    controller->rollouts[controller->rollout_count++] = rollout;
    return true;
}

static struct rollout *find (struct controller *controller, uint64_t number, struct error *error)
{
    struct rollout *rollout = rollout_numbered (controller, number);
    if (rollout == NULL)
        (void)error_set (error, ERROR_MISSING, "there is no rollout %llu", (unsigned long long)number);
    else
        rollout->dirty = rollout->unchecked = true;
    return rollout;
}

bool apply_step (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_step *entry = record;
    struct rollout *rollout = find (controller, entry->rollout, error);
    struct stage *stage;
    if (rollout == NULL)
        return false;
    if (entry->step == 0 || entry->step > rollout->plan.steps_count || entry->attempt != rollout->attempt)
        return error_set (
            error, ERROR_CONFLICT, "rollout %llu has no step %llu in attempt %llu",
            (unsigned long long)entry->rollout, (unsigned long long)entry->step,
            (unsigned long long)entry->attempt);
    stage = &rollout->stages[entry->step - 1];
    stage->state = entry->state;
    stage->cause = arena_text (&rollout->arena, entry->cause);
    rollout->changed = entry->at;
    if (entry->state == STEP_RUNNING) {
        stage->started = entry->at;
        stage->finished = (struct instant){0};
    } else {
        stage->finished = entry->at;
    }
    return true;
}

static void grant_host (struct rollout *rollout, const struct grant *grant, const struct host *host)
{
    struct task *task =
        host == NULL ? NULL : rollout_task (rollout, grant->permit.kind, grant->permit.step, host);
    if (task != NULL)
        task->grant = grant;
}

bool apply_permit (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_permit *entry = record;
    struct rollout *rollout = find (controller, entry->rollout, error);
    struct grant *grant;
    if (rollout == NULL)
        return false;
    grant = arena_take (&rollout->arena, sizeof *grant);
    grant->envelope = envelope_copy (&entry->permit, &rollout->arena);
    if (!document_read (&permit_type, grant->envelope.content, &rollout->arena, &grant->permit, error))
        return false;
    if (grant->permit.attempt != rollout->attempt)
        return error_set (error, ERROR_CONFLICT, "the permit is for another attempt");
    grant->before = rollout->grant;
    rollout->grant = grant;
    if (grant->permit.kind == PERMIT_RETURN)
        rollout->returned_once = true;
    for (size_t i = 0; i < grant->permit.hosts_count; i++)
        grant_host (rollout, grant, host_named (controller, grant->permit.hosts[i]));
    return true;
}

/* The newest receipt says what runs, until the host itself says it again in its next hello. */
static void note_version (
    struct controller *controller, const struct rollout *rollout, const struct receipt *receipt)
{
    struct host *host = host_for (controller, receipt->host);
    bool kept = strcmp (receipt->version, rollout->plan.version) == 0;
    if (receipt->version[0] == '\0')
        return;
    host_release_set (
        host, host_release_for (host, rollout->plan.product), receipt->version,
        kept ? rollout->plan_digest : (struct digest){{0}}, kept ? rollout->plan.counter : 0);
}

static void take_receipt (struct controller *controller, struct rollout *rollout, const struct paper *paper)
{
    const struct receipt *receipt = paper->receipt;
    struct host *host = host_named (controller, receipt->host);
    struct task *task = host == NULL ? NULL : rollout_task (rollout, receipt->kind, receipt->step, host);
    if (receipt->kind == PERMIT_RETURN || (receipt->step > 0 && receipt->step <= rollout->plan.steps_count &&
                                           rollout->plan.steps[receipt->step - 1].kind == STEP_DEPLOY))
        note_version (controller, rollout, receipt);
    if (receipt->attempt != rollout->attempt || task == NULL || task->receipt != NULL)
        return;
    task->receipt = paper;
    /* A return that was ordered proves nothing that its order did not. */
    if (receipt->kind == PERMIT_STEP || task->grant == NULL)
        gate_take_receipt (&rollout->gate, paper->digest, receipt, &rollout->arena);
}

/* Of a plan that this journal never had, or of work that no permit in it allowed: kept for the audit alone.
 */
static bool take_strange (
    struct controller *controller, const struct envelope *envelope, struct digest digest, struct error *error)
{
    struct arena arena = {0};
    struct receipt receipt;
    struct host *host;
    bool good = document_read (&receipt_type, envelope->content, &arena, &receipt, error);
    if (good) {
        host = host_for (controller, receipt.host);
        host->strange =
            list_room (host->strange, host->strange_count, &host->strange_capacity, sizeof digest);
        host->strange[host->strange_count++] = digest;
    }
    arena_free (&arena);
    return good;
}

bool apply_receipt (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_receipt *entry = record;
    struct rollout *rollout;
    struct paper *paper;
    struct receipt *receipt;
    struct digest digest = digest_of (entry->receipt.content.data, entry->receipt.content.size);
    if (entry->rollout == 0)
        return take_strange (controller, &entry->receipt, digest, error);
    rollout = find (controller, entry->rollout, error);
    if (rollout == NULL || paper_find (rollout, &digest) != NULL)
        return rollout != NULL;
    paper = arena_take (&rollout->arena, sizeof *paper);
    receipt = arena_take (&rollout->arena, sizeof *receipt);
    paper->digest = digest;
    paper->envelope = envelope_copy (&entry->receipt, &rollout->arena);
    paper->receipt = receipt;
    if (!document_read (&receipt_type, paper->envelope.content, &rollout->arena, receipt, error))
        return false;
    paper_add (rollout, paper);
    take_receipt (controller, rollout, paper);
    return true;
}

/* What a decision about the whole rollout, or about its failure, asks for; the machine answers it with a
   change of phase. */
static void take_decision (struct rollout *rollout, const struct approval *approval)
{
    if (approval->step != 0 && approval->decision != DECISION_OVERRIDE)
        return;
    if (approval->decision == DECISION_PAUSE)
        rollout->held = true;
    if (approval->decision == DECISION_RESUME)
        rollout->held = false;
    if (approval->decision == DECISION_ABORT)
        rollout->aborted = true;
    rollout->wish = approval;
}

bool apply_approval (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_approval *entry = record;
    struct rollout *rollout = find (controller, entry->rollout, error);
    struct digest digest = digest_of (entry->approval.content.data, entry->approval.content.size);
    const struct trust_key *key;
    struct approval *approval;
    struct paper *paper;
    if (rollout == NULL || paper_find (rollout, &digest) != NULL)
        return rollout != NULL;
    paper = arena_take (&rollout->arena, sizeof *paper);
    approval = arena_take (&rollout->arena, sizeof *approval);
    paper->digest = digest;
    paper->envelope = envelope_copy (&entry->approval, &rollout->arena);
    paper->approval = approval;
    if (!document_read (&approval_type, paper->envelope.content, &rollout->arena, approval, error))
        return false;
    key = trust_key_named (&controller->trust, approval->name);
    if (key == NULL)
        return error_set (error, ERROR_MISSING, "no key is named %s", approval->name);
    paper->key = key->key;
    paper_add (rollout, paper);
    if (approval->attempt == rollout->attempt)
        gate_take_approval (&rollout->gate, digest, approval, &paper->key, &rollout->arena);
    take_decision (rollout, approval);
    return true;
}

static bool is_done (const struct rollout *rollout, uint64_t step)
{
    enum step_state state = rollout->stages[step - 1].state;
    return state == STEP_PASSED || state == STEP_SKIPPED;
}

/* An approval by a key that may not speak any more does not open a step that is still to be decided. What was
   decided before stays in the case, for it did happen; so does every no. */
static bool still_counts (
    const struct controller *controller, const struct rollout *rollout, const struct paper *paper)
{
    const struct approval *approval = paper->approval;
    bool opens = approval->decision == DECISION_APPROVE || approval->decision == DECISION_SKIP ||
                 approval->decision == DECISION_PROMOTE || approval->decision == DECISION_OVERRIDE;
    return !opens || approval->step == 0 || approval->step > rollout->plan.steps_count ||
           is_done (rollout, approval->step) || approval_holds (controller, rollout, paper);
}

static void take_approvals_anew (const struct controller *controller, struct rollout *rollout)
{
    rollout->gate.approvals = NULL;
    rollout->gate.approval_count = 0;
    for (size_t i = 0; i < rollout->paper_count; i++) {
        const struct paper *paper = rollout->papers[i];
        if (paper->approval != NULL && paper->approval->attempt == rollout->attempt &&
            still_counts (controller, rollout, paper))
            gate_take_approval (&rollout->gate, paper->digest, paper->approval, &paper->key, &rollout->arena);
    }
}

/* A rollout that has ended is looked at when an operator wants to open it again. */
void apply_trust_to_rollouts (struct controller *controller)
{
    for (size_t i = 0; i < controller->rollout_count; i++) {
        struct rollout *rollout = controller->rollouts[i];
        struct error why;
        if (!rollout_is_open (rollout))
            continue;
        take_approvals_anew (controller, rollout);
        rollout->unvouched = NULL;
        if (!trust_verify (&controller->trust, ROLE_RELEASER, "", &rollout->envelope, &why))
            rollout->unvouched = line_format (
                &rollout->arena, "trust version %llu does not vouch for its plan any more: %s",
                (unsigned long long)controller->trust.version, why.text);
        rollout->dirty = rollout->unchecked = true;
    }
}

bool apply_phase (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_phase *entry = record;
    struct rollout *rollout = find (controller, entry->rollout, error);
    if (rollout == NULL)
        return false;
    if (entry->attempt != rollout->attempt && entry->attempt != rollout->attempt + 1)
        return error_set (
            error, ERROR_CONFLICT, "attempt %llu after %llu", (unsigned long long)entry->attempt,
            (unsigned long long)rollout->attempt);
    if (entry->attempt != rollout->attempt)
        open_attempt (rollout, entry->attempt);
    rollout->phase = entry->phase;
    rollout->cause = arena_text (&rollout->arena, entry->cause);
    rollout->phase_since = rollout->changed = entry->at;
    rollout->phase_changes++;
    rollout->wish = NULL;
    return true;
}

static struct notice *notice_find (const struct rollout *rollout, const char *key)
{
    for (size_t i = 0; i < rollout->notice_count; i++)
        if (strcmp (rollout->notices[i]->key, key) == 0)
            return rollout->notices[i];
    return NULL;
}

bool apply_notice (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_notice *entry = record;
    struct rollout *rollout = find (controller, entry->rollout, error);
    struct notice *notice;
    if (rollout == NULL)
        return false;
    notice = notice_find (rollout, entry->key);
    if (notice != NULL) {
        notice->tried = true;
        notice->done = notice->done || entry->done;
        notice->said = arena_text (&rollout->arena, entry->text);
        return true;
    }
    notice = calloc (1, sizeof *notice);
    assert (notice != NULL);
    notice->step = entry->step;
    notice->attempt = entry->attempt;
    notice->target = arena_text (&rollout->arena, entry->target);
    notice->key = arena_text (&rollout->arena, entry->key);
    notice->text = arena_text (&rollout->arena, entry->text);
    notice->said = "";
    notice->done = entry->done;
    rollout->notices =
        list_room (rollout->notices, rollout->notice_count, &rollout->notice_capacity, sizeof (notice));
    rollout->notices[rollout->notice_count++] = notice;
    return true;
}
