/* What proves that steps are done, and the permits that rest on it. */
#include <assert.h>
#include <string.h>

#include "common/core/gate.h"
#include "tests/attacks/realm.h"

enum { APPROVAL_SECONDS = 3600, PERMIT_SECONDS = 600 };

struct receipt draft_receipt (
    struct realm *realm, const struct release *release, uint64_t step, uint64_t attempt, enum who host,
    enum outcome outcome)
{
    struct test_result *results = arena_array (&realm->arena, 1, sizeof *results);
    bool is_test = step > 0 && release->plan.steps[step - 1].kind == STEP_TEST;
    results[0] = (struct test_result){
        .name = "version",
        .verdict = outcome == OUTCOME_PASSED ? VERDICT_PASSED : VERDICT_FAILED,
        .detail = ""};
    return (struct receipt){
        .host = who_name (host),
        .plan = release->digest,
        .kind = step == 0 ? PERMIT_RETURN : PERMIT_STEP,
        .step = step,
        .attempt = attempt,
        .outcome = outcome,
        .cause = outcome == OUTCOME_KEPT || outcome == OUTCOME_PASSED ? "" : "it did not work",
        .version = release->plan.version,
        .tests = results,
        .tests_count = is_test ? 1 : 0,
        .started = realm_in (realm, -2),
        .finished = realm_in (realm, -1),
        .counter = ++realm->receipts};
}

static const char *role_for (const struct release *release, uint64_t step)
{
    return step == 0 || release->plan.steps[step - 1].kind == STEP_PAUSE ? ROLE_OPERATOR
                                                                         : release->plan.steps[step - 1].role;
}

/* What an honest approver would have seen: the receipts of every step before, and who answers for failures.
 */
static struct digest evidence_seen (
    struct realm *realm, const struct release *release, const struct evidence *evidence, uint64_t step,
    uint64_t attempt)
{
    struct gate_case gate = {.plan = &release->plan, .plan_digest = release->digest, .attempt = attempt};
    const struct public_key any = {{0}, {0}};
    for (size_t i = 0; i < evidence->count; i++) {
        struct receipt *receipt = arena_take (&realm->arena, sizeof *receipt);
        struct approval *approval = arena_take (&realm->arena, sizeof *approval);
        struct digest digest = digest_of_envelope (&evidence->items[i]);
        struct bytes content = evidence->items[i].content;
        if (document_read (&receipt_type, content, &realm->arena, receipt, NULL))
            gate_take_receipt (&gate, digest, receipt, &realm->arena);
        else if (document_read (&approval_type, content, &realm->arena, approval, NULL))
            gate_take_approval (&gate, digest, approval, &any, &realm->arena);
    }
    return gate_evidence_digest (&gate, step);
}

struct approval draft_approval (
    struct realm *realm, const struct release *release, const struct evidence *evidence, uint64_t step,
    uint64_t attempt, enum who who, enum decision decision)
{
    return (struct approval){
        .plan = release->digest,
        .step = step,
        .attempt = attempt,
        .decision = decision,
        .role = role_for (release, step),
        .name = who_name (who),
        .comment = "it was looked at",
        .evidence = evidence_seen (realm, release, evidence, step, attempt),
        .issued = realm_now (realm),
        .expires = realm_in (realm, APPROVAL_SECONDS)};
}

void evidence_add (struct evidence *evidence, struct envelope envelope)
{
    assert (evidence->count < EVIDENCE);
    evidence->items[evidence->count++] = envelope;
}

void evidence_remove (struct evidence *evidence, size_t place)
{
    assert (place < evidence->count);
    evidence->count--;
    (void)memmove (
        &evidence->items[place], &evidence->items[place + 1],
        (evidence->count - place) * sizeof evidence->items[0]);
}

static enum who who_named (const char *name)
{
    enum who who = 0;
    while (who < WHO_COUNT && strcmp (who_name (who), name) != 0)
        who++;
    assert (who < WHO_COUNT);
    return who;
}

void evidence_decide (
    struct realm *realm, struct evidence *evidence, const struct release *release, uint64_t step,
    uint64_t attempt, enum who who, enum decision decision)
{
    struct approval approval = draft_approval (realm, release, evidence, step, attempt, who, decision);
    evidence_add (evidence, SIGNED (realm, &approval_type, &approval, who));
}

void evidence_report (
    struct realm *realm, struct evidence *evidence, const struct release *release, uint64_t step,
    uint64_t attempt, enum who host, enum outcome outcome)
{
    struct receipt receipt = draft_receipt (realm, release, step, attempt, host, outcome);
    evidence_add (evidence, SIGNED (realm, &receipt_type, &receipt, host));
}

struct evidence realm_evidence (
    struct realm *realm, const struct release *release, uint64_t step, uint64_t attempt)
{
    struct evidence evidence = {0};
    for (uint64_t number = 1; number < step; number++) {
        const struct step *before = &release->plan.steps[number - 1];
        enum outcome outcome = before->kind == STEP_DEPLOY ? OUTCOME_KEPT : OUTCOME_PASSED;
        for (size_t i = 0; i < before->hosts_count; i++)
            evidence_report (
                realm, &evidence, release, number, attempt, who_named (before->hosts[i]), outcome);
        if (before->kind != STEP_SIGNOFF)
            continue;
        evidence_decide (realm, &evidence, release, number, attempt, ANA, DECISION_APPROVE);
        evidence_decide (realm, &evidence, release, number, attempt, LUIS, DECISION_APPROVE);
    }
    if (attempt > 1)
        evidence_decide (realm, &evidence, release, 0, attempt, OPERATOR, DECISION_RETRY);
    return evidence;
}

void permit_list (struct realm *realm, struct permit *permit, const struct evidence *evidence)
{
    permit->evidence = arena_array (&realm->arena, evidence->count, sizeof *permit->evidence);
    permit->evidence_count = evidence->count;
    for (size_t i = 0; i < evidence->count; i++)
        permit->evidence[i] = digest_of_envelope (&evidence->items[i]);
}

static void add_hosts (const struct step *step, struct permit *permit)
{
    for (size_t i = 0; i < step->hosts_count; i++)
        permit->hosts[permit->hosts_count++] = step->hosts[i];
}

struct permit draft_permit (
    struct realm *realm, const struct release *release, uint64_t step, uint64_t attempt,
    const struct evidence *evidence)
{
    struct permit permit = {
        .plan = release->digest,
        .kind = step == 0 ? PERMIT_RETURN : PERMIT_STEP,
        .step = step,
        .attempt = attempt,
        .issued = realm_now (realm),
        .expires = realm_in (realm, PERMIT_SECONDS)};
    const struct plan *plan = &release->plan;
    size_t most = 0;
    for (size_t i = 0; i < plan->steps_count; i++)
        most += plan->steps[i].hosts_count;
    permit.hosts = arena_array (&realm->arena, most, sizeof *permit.hosts);
    for (size_t i = 0; i < plan->steps_count; i++)
        if (step == 0 ? plan->steps[i].kind == STEP_DEPLOY : plan->steps[i].number == step)
            add_hosts (&plan->steps[i], &permit);
    permit_list (realm, &permit, evidence);
    return permit;
}
