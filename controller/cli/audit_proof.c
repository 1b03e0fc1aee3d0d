/* Permits, receipts, approvals: what was allowed, what was done, and whether the one proves the other. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/audit_state.h"

static bool names_host (const struct permit *permit, const char *host)
{
    for (size_t i = 0; i < permit->hosts_count; i++)
        if (strcmp (permit->hosts[i], host) == 0)
            return true;
    return false;
}

static const struct audit_paper *find_paper (const struct audit_rollout *rollout, const struct digest *digest)
{
    for (size_t i = rollout->paper_count; i-- > 0;)
        if (digest_equal (&rollout->papers[i]->digest, digest))
            return rollout->papers[i];
    return NULL;
}

/* Papers were verified when their rows were judged; here only that they are about this case. */
static bool take_paper (
    struct audit *audit, struct gate_case *gate, const struct audit_paper *paper, struct error *error)
{
    const struct digest *plan = paper->receipt != NULL ? &paper->receipt->plan : &paper->approval->plan;
    uint64_t attempt = paper->receipt != NULL ? paper->receipt->attempt : paper->approval->attempt;
    if (!digest_equal (plan, &gate->plan_digest) || attempt != gate->attempt)
        return error_set (
            error, ERROR_REFUSED, "its evidence of row %" PRIu64 " is about another plan or attempt",
            paper->row);
    if (paper->receipt != NULL)
        gate_take_receipt (gate, paper->digest, paper->receipt, &audit->arena);
    else
        gate_take_approval (gate, paper->digest, paper->approval, &paper->key, &audit->arena);
    return true;
}

static bool gate_of_permit (
    struct audit *audit, const struct audit_rollout *rollout, const struct permit *permit, struct instant at,
    struct gate_case *ret, struct error *error)
{
    *ret = (struct gate_case){
        .plan = &rollout->plan, .plan_digest = rollout->digest, .attempt = permit->attempt, .now = at};
    for (size_t i = 0; i < permit->evidence_count; i++) {
        const struct audit_paper *paper = find_paper (rollout, &permit->evidence[i]);
        if (paper == NULL)
            return error_set (error, ERROR_REFUSED, "it names evidence that is not in the history before it");
        if (!take_paper (audit, ret, paper, error))
            return false;
    }
    return true;
}

static bool is_open (
    const struct gate_case *gate, const struct permit *permit, const char *host, struct error *why)
{
    switch (permit->kind) {
    case PERMIT_STEP:
        return gate_step_open (gate, permit->step, host, why);
    case PERMIT_RETURN:
        return gate_return_open (gate, why);
    case PERMIT_KEEP:
        return gate_keep_open (gate, permit->step, host, why);
    case permit_kind_count:
        break;
    }
    return error_set (why, ERROR_REFUSED, "the permit is of an unknown kind");
}

/* Whoever leaves a failure out of a permit's evidence makes the gate look open: all that the history holds of
   the attempt by then is asked. */
static bool is_in_spite (
    struct audit *audit, const struct audit_rollout *rollout, const struct permit *permit, struct instant at,
    struct error *why)
{
    struct gate_case all = {
        .plan = &rollout->plan, .plan_digest = rollout->digest, .attempt = permit->attempt, .now = at};
    for (size_t i = 0; i < rollout->paper_count && permit->kind != PERMIT_RETURN; i++) {
        const struct audit_paper *paper = rollout->papers[i];
        uint64_t attempt = paper->receipt != NULL ? paper->receipt->attempt : paper->approval->attempt;
        if (attempt == permit->attempt && !take_paper (audit, &all, paper, why))
            return true;
    }
    return gate_is_closed (&all, why);
}

bool audit_permit (
    struct audit *audit, const struct entry_permit *entry, struct instant at, struct error *error)
{
    struct audit_rollout *rollout = audit_rollout (audit, entry->rollout, error);
    struct permit *permit = arena_take (&audit->arena, sizeof *permit);
    struct gate_case gate;
    struct error why;
    if (rollout == NULL || !accept_permit (&audit->trust, &entry->permit, at, &audit->arena, permit, error))
        return false;
    if (!digest_equal (&permit->plan, &rollout->digest))
        return error_set (
            error, ERROR_REFUSED, "the permit is about another plan than rollout %" PRIu64, entry->rollout);
    if (!gate_of_permit (audit, rollout, permit, at, &gate, error))
        return false;
    for (size_t i = 0; i < permit->hosts_count; i++) {
        if (!is_open (&gate, permit, permit->hosts[i], &why))
            return error_set (
                error, ERROR_REFUSED,
                "rollout %" PRIu64 ", step %" PRIu64 ": the gate was not open for %s: %s", entry->rollout,
                permit->step, permit->hosts[i], why.text);
    }
    if (is_in_spite (audit, rollout, permit, at, &why))
        return error_set (
            error, ERROR_REFUSED,
            "rollout %" PRIu64 ", step %" PRIu64 ": a permit was given in spite of this: %s", entry->rollout,
            permit->step, why.text);
    audit_push (audit, &rollout->permits, &rollout->permit_count, permit);
    audit->counts.permits++;
    return true;
}

/* What it let a host deploy the host takes back by itself where nobody confirms it. */
static bool wants_confirmation (const struct audit_rollout *rollout, const struct permit *permit)
{
    return permit->kind == PERMIT_STEP && permit->step >= 1 && permit->step <= rollout->plan.steps_count &&
           rollout->plan.steps[permit->step - 1].confirm_within.ms > 0;
}

static bool was_permitted (const struct audit_rollout *rollout, const struct receipt *receipt)
{
    for (size_t i = rollout->permit_count; i-- > 0;) {
        const struct permit *permit = rollout->permits[i];
        if (permit->attempt == receipt->attempt && names_host (permit, receipt->host) &&
            ((permit->kind == receipt->kind && permit->step == receipt->step) ||
             (receipt->kind == PERMIT_RETURN && wants_confirmation (rollout, permit))))
            return true;
    }
    return false;
}

static struct audit_paper *add_paper (
    struct audit *audit, struct audit_rollout *rollout, const struct envelope *envelope)
{
    struct audit_paper *paper = arena_take (&audit->arena, sizeof *paper);
    paper->digest = digest_of (envelope->content.data, envelope->content.size);
    paper->row = audit->counts.rows;
    audit_push (audit, &rollout->papers, &rollout->paper_count, paper);
    return paper;
}

static void chain_receipt (struct audit *audit, struct audit_paper *paper, const struct receipt *receipt)
{
    size_t count = (size_t)audit->counts.receipts;
    paper->receipt = receipt;
    paper->key = fleet_host_named (&audit->fleet, receipt->host)->key;
    audit_push (audit, &audit->receipts, &count, paper);
    audit->counts.receipts = count;
}

/* Without a rollout: a host's word about what no permit of this journal allowed. It proves nothing for any
   rollout, and only has its place in the host's own chain. */
static bool audit_strange (
    struct audit *audit, const struct envelope *envelope, const struct receipt *receipt)
{
    struct audit_paper *paper = arena_take (&audit->arena, sizeof *paper);
    paper->digest = digest_of (envelope->content.data, envelope->content.size);
    paper->row = audit->counts.rows;
    chain_receipt (audit, paper, receipt);
    return true;
}

bool audit_receipt (struct audit *audit, const struct entry_receipt *entry, struct error *error)
{
    struct receipt *receipt = arena_take (&audit->arena, sizeof *receipt);
    struct audit_rollout *rollout;
    if (!accept_receipt (&audit->fleet, &entry->receipt, &audit->arena, receipt, error))
        return false;
    if (entry->rollout == 0)
        return audit_strange (audit, &entry->receipt, receipt);
    rollout = audit_rollout (audit, entry->rollout, error);
    if (rollout == NULL)
        return false;
    if (!digest_equal (&receipt->plan, &rollout->digest))
        return error_set (
            error, ERROR_REFUSED, "the receipt is about another plan than rollout %" PRIu64, entry->rollout);
    if (!was_permitted (rollout, receipt))
        return error_set (
            error, ERROR_REFUSED,
            "%s has a receipt for step %" PRIu64 " of rollout %" PRIu64 ", attempt %" PRIu64
            ", and no permit",
            receipt->host, receipt->step, entry->rollout, receipt->attempt);
    chain_receipt (audit, add_paper (audit, rollout, &entry->receipt), receipt);
    return true;
}

bool audit_approval (
    struct audit *audit, const struct entry_approval *entry, struct instant at, struct error *error)
{
    struct audit_rollout *rollout = audit_rollout (audit, entry->rollout, error);
    struct approval *approval = arena_take (&audit->arena, sizeof *approval);
    struct public_key key;
    struct audit_paper *paper;
    if (rollout == NULL ||
        !accept_plan_approval (
            &audit->trust, &rollout->plan, &entry->approval, at, &audit->arena, approval, &key, error))
        return false;
    if (!digest_equal (&approval->plan, &rollout->digest))
        return error_set (
            error, ERROR_REFUSED, "the approval is about another plan than rollout %" PRIu64, entry->rollout);
    paper = add_paper (audit, rollout, &entry->approval);
    paper->approval = approval;
    paper->key = key;
    audit->counts.approvals++;
    return true;
}

/* Healthy is a claim: every step of the plan is proven by what the history holds of that attempt. */
bool audit_phase (struct audit *audit, const struct entry_phase *entry, struct error *error)
{
    struct audit_rollout *rollout = audit_rollout (audit, entry->rollout, error);
    struct gate_case gate;
    struct error why;
    if (rollout == NULL)
        return false;
    if (entry->phase != PHASE_HEALTHY)
        return true;
    gate = (struct gate_case){
        .plan = &rollout->plan, .plan_digest = rollout->digest, .attempt = entry->attempt, .now = entry->at};
    for (size_t i = 0; i < rollout->paper_count; i++) {
        const struct audit_paper *paper = rollout->papers[i];
        uint64_t attempt = paper->receipt != NULL ? paper->receipt->attempt : paper->approval->attempt;
        if (attempt == entry->attempt && !take_paper (audit, &gate, paper, error))
            return false;
    }
    for (uint64_t number = 1; number <= rollout->plan.steps_count; number++)
        if (!gate_step_done (&gate, number, &why))
            return error_set (
                error, ERROR_REFUSED,
                "rollout %" PRIu64 " is called Healthy, and step %" PRIu64 " is not proven: %s",
                entry->rollout, number, why.text);
    return true;
}

/* --------------------------------------------------------------------------------------------- hosts' chains
 */

static int compare_receipts (const void *first, const void *second)
{
    const struct audit_paper *a = *(const struct audit_paper *const *)first;
    const struct audit_paper *b = *(const struct audit_paper *const *)second;
    int order = strcmp (a->receipt->host, b->receipt->host);
    if (order == 0)
        order = memcmp (a->key.bytes, b->key.bytes, sizeof a->key.bytes);
    if (order == 0 && a->receipt->counter != b->receipt->counter)
        order = a->receipt->counter < b->receipt->counter ? -1 : 1;
    return order != 0 ? order : digest_compare (&a->digest, &b->digest);
}

static bool judge_link (
    const struct audit_paper *before, const struct audit_paper *paper, struct error *error)
{
    const struct receipt *receipt = paper->receipt;
    uint64_t expected = before != NULL ? before->receipt->counter + 1 : 1;
    if (before != NULL && digest_equal (&before->digest, &paper->digest))
        return true;
    if (receipt->counter < expected)
        return error_set (
            error, ERROR_REFUSED,
            "row %" PRIu64 ": %s signed two different receipts with the counter %" PRIu64, paper->row,
            receipt->host, receipt->counter);
    if (receipt->counter > expected)
        return error_set (
            error, ERROR_REFUSED,
            "row %" PRIu64 ": receipt %" PRIu64 " of %s is there, and receipt %" PRIu64 " is missing",
            paper->row, receipt->counter, receipt->host, expected);
    if (before != NULL ? !digest_equal (&receipt->before, &before->digest)
                       : !digest_is_none (&receipt->before))
        return error_set (
            error, ERROR_REFUSED,
            "row %" PRIu64 ": receipt %" PRIu64 " of %s does not follow the one before it", paper->row,
            receipt->counter, receipt->host);
    return true;
}

bool audit_host_chains (struct audit *audit, struct error *error)
{
    size_t count = (size_t)audit->counts.receipts;
    if (count > 0)
        qsort (audit->receipts, count, sizeof (struct audit_paper *), compare_receipts);
    for (size_t i = 0; i < count; i++) {
        const struct audit_paper *before = i > 0 ? audit->receipts[i - 1] : NULL;
        bool same = before != NULL &&
                    strcmp (before->receipt->host, audit->receipts[i]->receipt->host) == 0 &&
                    public_key_equal (&before->key, &audit->receipts[i]->key);
        if (!judge_link (same ? before : NULL, audit->receipts[i], error))
            return false;
    }
    return true;
}
