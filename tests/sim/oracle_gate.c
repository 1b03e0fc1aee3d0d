#include "tests/sim/oracle_gate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool fits (const struct true_paper *paper, const struct true_plan *plan, uint64_t attempt)
{
    if (paper->receipt != NULL)
        return digest_equal (&paper->receipt->plan, &plan->digest) && paper->receipt->attempt == attempt;
    return paper->approval != NULL && digest_equal (&paper->approval->plan, &plan->digest) &&
           paper->approval->attempt == attempt;
}

bool proof_of (
    const struct papers *papers, const struct true_plan *plan, uint64_t attempt, struct instant now,
    const struct trust *trust, const struct digest *digests, size_t count, struct proof *ret)
{
    *ret = (struct proof){
        .plan = plan,
        .attempt = attempt,
        .now = now,
        .trust = trust,
        .papers = calloc (count + 1, sizeof (struct true_paper *))};
    assert (ret->papers != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct true_paper *paper = papers_find (papers, &digests[i]);
        if (paper == NULL || (paper->receipt == NULL && paper->approval == NULL))
            return false;
        if (fits (paper, plan, attempt))
            ret->papers[ret->count++] = paper;
    }
    return true;
}

void proof_of_recorded (
    const struct papers *papers, const struct true_plan *plan, uint64_t attempt, struct instant now,
    const struct trust *trust, struct proof *ret)
{
    *ret = (struct proof){
        .plan = plan,
        .attempt = attempt,
        .now = now,
        .trust = trust,
        .papers = calloc (papers->paper_count + 1, sizeof (struct true_paper *))};
    assert (ret->papers != NULL);
    for (size_t i = 0; i < papers->paper_count; i++)
        if (papers->papers[i].counted && fits (&papers->papers[i], plan, attempt))
            ret->papers[ret->count++] = &papers->papers[i];
}

void proof_free (struct proof *proof)
{
    free (proof->papers);
}

static bool is_good (const struct proof *proof, const struct receipt *receipt)
{
    const struct step *step;
    if (receipt->kind != PERMIT_STEP || receipt->step < 1 || receipt->step > proof->plan->plan.steps_count)
        return false;
    step = &proof->plan->plan.steps[receipt->step - 1];
    if (step->kind == STEP_DEPLOY)
        return receipt->outcome == OUTCOME_KEPT;
    if (receipt->outcome != OUTCOME_PASSED || receipt->tests_count != proof->plan->plan.suites[0].tests_count)
        return false;
    for (size_t i = 0; i < receipt->tests_count; i++)
        if (receipt->tests[i].verdict != VERDICT_PASSED)
            return false;
    return true;
}

static bool may (const struct proof *proof, const struct true_paper *paper, const char *role)
{
    const struct trust_role *entry = trust_role_for (proof->trust, role, "");
    return entry != NULL && strcmp (paper->approval->role, role) == 0 &&
           trust_role_has (proof->trust, entry, &key_of (paper->key)->public);
}

static int compare_digests (const void *first, const void *second)
{
    return memcmp (first, second, sizeof (struct digest));
}

static void add_sorted (struct digest *digests, size_t count, struct digest_stream *stream)
{
    qsort (digests, count, sizeof *digests, compare_digests);
    for (size_t i = 0; i < count; i++)
        digest_add (stream, digests[i].bytes, sizeof digests[i].bytes);
}

/* What somebody had to have seen who decides about the step: the plan, each receipt of each host of the steps
   before it, and who answered for their failures. */
static struct digest seen_before (const struct proof *proof, uint64_t number)
{
    struct digest *digests = calloc (proof->count + 1, sizeof *digests);
    struct digest_stream stream;
    size_t count = 0;
    assert (digests != NULL);
    digest_begin (&stream);
    digest_add (&stream, proof->plan->digest.bytes, sizeof proof->plan->digest.bytes);
    for (uint64_t i = 1; i < number; i++) {
        const struct step *step = &proof->plan->plan.steps[i - 1];
        for (size_t j = 0; j < step->hosts_count; j++, count = 0) {
            for (size_t k = 0; k < proof->count; k++) {
                const struct receipt *receipt = proof->papers[k]->receipt;
                if (receipt != NULL && receipt->kind == PERMIT_STEP && receipt->step == i &&
                    strcmp (receipt->host, step->hosts[j]) == 0)
                    digests[count++] = proof->papers[k]->digest;
            }
            add_sorted (digests, count, &stream);
        }
    }
    for (size_t k = 0; k < proof->count; k++) {
        const struct true_paper *paper = proof->papers[k];
        if (paper->approval != NULL && paper->approval->decision == DECISION_OVERRIDE &&
            paper->approval->step < number && may (proof, paper, proof->plan->plan.override_role))
            digests[count++] = paper->digest;
    }
    add_sorted (digests, count, &stream);
    free (digests);
    return digest_end (&stream);
}

/* How many different people have decided so: over `about`, where it is not NULL. */
static size_t voices (
    const struct proof *proof, enum decision decision, uint64_t step, const char *role,
    const struct digest *about)
{
    bool spoke[KEYS] = {false};
    size_t count = 0;
    for (size_t i = 0; i < proof->count; i++) {
        const struct true_paper *paper = proof->papers[i];
        if (paper->approval == NULL || paper->approval->decision != decision ||
            paper->approval->step != step || spoke[paper->key] || !may (proof, paper, role) ||
            (about != NULL && !digest_equal (about, &paper->approval->evidence)))
            continue;
        spoke[paper->key] = true;
        count++;
    }
    return count;
}

static bool is_overridden (const struct proof *proof, const struct true_paper *paper)
{
    const struct plan *plan = &proof->plan->plan;
    uint64_t step = paper->receipt != NULL ? paper->receipt->step : paper->approval->step;
    if (plan->override_approvals == 0 ||
        (paper->receipt != NULL &&
         (paper->receipt->outcome == OUTCOME_STUCK || paper->receipt->kind != PERMIT_STEP)))
        return false;
    return voices (proof, DECISION_OVERRIDE, step, plan->override_role, &paper->digest) >=
           plan->override_approvals;
}

static bool closes (const struct proof *proof, const struct true_paper *paper)
{
    if (paper->receipt != NULL)
        return !is_good (proof, paper->receipt) && !is_overridden (proof, paper);
    switch (paper->approval->decision) {
    case DECISION_ABORT:
    case DECISION_UNDO:
        return true;
    case DECISION_REJECT:
        return !is_overridden (proof, paper);
    default:
        return false;
    }
}

bool proof_returns (const struct proof *proof)
{
    for (size_t i = 0; i < proof->count; i++)
        if (closes (proof, proof->papers[i]))
            return true;
    return false;
}

/* Which of the step's hosts have answered well, or are answered for. */
static void mark (const struct proof *proof, uint64_t step, bool *ret)
{
    for (size_t i = 0; i < proof->count; i++) {
        const struct receipt *receipt = proof->papers[i]->receipt;
        if (receipt != NULL && receipt->kind == PERMIT_STEP && receipt->step == step &&
            (is_good (proof, receipt) || is_overridden (proof, proof->papers[i])))
            ret[host_number (receipt->host)] = true;
    }
}

static bool hosts_done (const struct proof *proof, const struct step *step)
{
    bool *done = calloc (STORY_HOSTS, 1);
    bool all = true;
    assert (done != NULL);
    mark (proof, step->number, done);
    for (size_t i = 0; i < step->hosts_count; i++)
        all = all && done[host_number (step->hosts[i])];
    free (done);
    return all;
}

static bool pause_done (const struct proof *proof, const struct step *step)
{
    int64_t newest = INT64_MIN;
    struct digest seen = seen_before (proof, step->number);
    if (voices (proof, DECISION_PROMOTE, step->number, ROLE_OPERATOR, &seen) > 0)
        return true;
    if (step->duration.ms == 0)
        return false;
    for (size_t i = 0; i < proof->count; i++) {
        const struct true_paper *paper = proof->papers[i];
        int64_t at = paper->receipt != NULL ? paper->receipt->finished.ms : paper->approval->issued.ms;
        uint64_t about = paper->receipt != NULL ? paper->receipt->step : paper->approval->step;
        if (about >= 1 && about < step->number && at > newest)
            newest = at;
    }
    return newest != INT64_MIN && newest + step->duration.ms <= proof->now.ms;
}

bool proof_is_done (const struct proof *proof, uint64_t number)
{
    const struct step *step = &proof->plan->plan.steps[number - 1];
    struct digest seen;
    switch (step->kind) {
    case STEP_DEPLOY:
    case STEP_TEST:
        return hosts_done (proof, step);
    case STEP_MANUAL:
    case STEP_SIGNOFF:
        seen = seen_before (proof, number);
        return (step->optional && voices (proof, DECISION_SKIP, number, step->role, &seen) > 0) ||
               voices (proof, DECISION_APPROVE, number, step->role, &seen) >= step->approvals;
    case STEP_PAUSE:
        return pause_done (proof, step);
    default:
        return true;
    }
}

static bool window_open (const struct proof *proof, const struct step *step, const char *host)
{
    uint64_t width = step->max_parallel < step->max_unavailable ? step->max_parallel : step->max_unavailable;
    bool *done = calloc (STORY_HOSTS, 1);
    size_t kept = 0;
    size_t place = 0;
    assert (done != NULL);
    mark (proof, step->number, done);
    while (place < step->hosts_count && strcmp (step->hosts[place], host) != 0)
        kept += done[host_number (step->hosts[place++])] ? 1 : 0;
    free (done);
    return place < step->hosts_count && place - kept < width;
}

static bool names (const struct step *step, const char *host)
{
    for (size_t i = 0; i < step->hosts_count; i++)
        if (strcmp (step->hosts[i], host) == 0)
            return true;
    return false;
}

bool proof_opens (const struct proof *proof, uint64_t number, const char *host, const char **why)
{
    const struct step *step = &proof->plan->plan.steps[number - 1];
    *why = "the attempt was opened by nobody";
    if (proof->attempt > 1 && voices (proof, DECISION_RETRY, 0, ROLE_OPERATOR, NULL) == 0)
        return false;
    *why = "something has failed, or was rejected";
    if (proof_returns (proof))
        return false;
    *why = "an earlier step is not done";
    for (uint64_t i = 1; i < number; i++)
        if (!proof_is_done (proof, i))
            return false;
    *why = "it is none of the step's hosts";
    if (!names (step, host))
        return false;
    *why = "too many of the hosts before it are not done";
    return step->kind != STEP_DEPLOY || window_open (proof, step, host);
}

bool proof_keeps (const struct proof *proof, uint64_t number, const char **why)
{
    *why = "something has failed, or was rejected";
    if (proof_returns (proof))
        return false;
    *why = "the step, or one before it, is not done";
    for (uint64_t i = 1; i <= number; i++)
        if (!proof_is_done (proof, i))
            return false;
    return true;
}
