#include "common/core/gate_evidence.h"

#include <inttypes.h>
#include <string.h>

enum { FIRST_CAPACITY = 8 };

/* A list grows when its count reaches a power of two, so that it needs no capacity of its own. */
static void *list_room (const void *items, size_t count, size_t size, struct arena *arena)
{
    bool is_full = count == 0 || (count >= FIRST_CAPACITY && (count & (count - 1)) == 0);
    void *grown;
    if (!is_full)
        return NULL;
    grown = arena_array (arena, count == 0 ? FIRST_CAPACITY : 2 * count, size);
    if (count > 0)
        (void)memcpy (grown, items, count * size);
    return grown;
}

static int compare_place (
    const struct receipt *receipt, enum permit_kind kind, uint64_t step, const char *host)
{
    if (receipt->kind != kind)
        return receipt->kind < kind ? -1 : 1;
    if (receipt->step != step)
        return receipt->step < step ? -1 : 1;
    return strcmp (receipt->host, host);
}

/* The first receipt that does not stand before that place. */
static size_t lower_bound (
    const struct gate_case *gate, enum permit_kind kind, uint64_t step, const char *host)
{
    size_t low = 0;
    size_t high = gate->receipt_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_place (gate->receipts[middle].receipt, kind, step, host) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void gate_take_receipt (
    struct gate_case *gate, struct digest digest, const struct receipt *receipt, struct arena *arena)
{
    size_t place = lower_bound (gate, receipt->kind, receipt->step, receipt->host);
    struct gate_receipt *grown;
    while (place < gate->receipt_count &&
           compare_place (gate->receipts[place].receipt, receipt->kind, receipt->step, receipt->host) == 0) {
        int order = digest_compare (&gate->receipts[place].digest, &digest);
        if (order == 0)
            return;
        if (order > 0)
            break;
        place++;
    }
    grown = list_room (gate->receipts, gate->receipt_count, sizeof *grown, arena);
    if (grown != NULL)
        gate->receipts = grown;
    (void)memmove (
        &gate->receipts[place + 1], &gate->receipts[place],
        (gate->receipt_count - place) * sizeof *gate->receipts);
    gate->receipts[place] = (struct gate_receipt){digest, receipt};
    gate->receipt_count++;
}

void gate_take_approval (
    struct gate_case *gate, struct digest digest, const struct approval *approval,
    const struct public_key *key, struct arena *arena)
{
    struct gate_approval *grown;
    for (size_t i = 0; i < gate->approval_count; i++)
        if (digest_equal (&gate->approvals[i].digest, &digest) &&
            public_key_equal (&gate->approvals[i].key, key))
            return;
    grown = list_room (gate->approvals, gate->approval_count, sizeof *grown, arena);
    if (grown != NULL)
        gate->approvals = grown;
    gate->approvals[gate->approval_count] = (struct gate_approval){digest, approval, *key};
    gate->approval_count++;
}

const struct step *gate_step (const struct gate_case *gate, uint64_t number)
{
    return number >= 1 && number <= gate->plan->steps_count ? &gate->plan->steps[number - 1] : NULL;
}

size_t gate_receipts_of (
    const struct gate_case *gate, uint64_t number, const char *host, const struct gate_receipt **ret)
{
    size_t from = lower_bound (gate, PERMIT_STEP, number, host);
    size_t count = 0;
    while (from + count < gate->receipt_count &&
           compare_place (gate->receipts[from + count].receipt, PERMIT_STEP, number, host) == 0)
        count++;
    *ret = count > 0 ? &gate->receipts[from] : NULL;
    return count;
}

/* NULL where the step runs none. */
static const struct suite *suite_of (const struct plan *plan, uint64_t number)
{
    const struct step *step = number >= 1 && number <= plan->steps_count ? &plan->steps[number - 1] : NULL;
    for (size_t i = 0; step != NULL && step->kind == STEP_TEST && i < plan->suites_count; i++)
        if (strcmp (plan->suites[i].name, step->suite) == 0)
            return &plan->suites[i];
    return NULL;
}

bool gate_is_success (const struct plan *plan, const struct receipt *receipt)
{
    const struct suite *suite = suite_of (plan, receipt->step);
    if (receipt->kind != PERMIT_STEP ||
        (receipt->outcome != OUTCOME_KEPT && receipt->outcome != OUTCOME_PASSED))
        return false;
    if (receipt->outcome == OUTCOME_KEPT || suite == NULL)
        return true;
    if (receipt->tests_count != suite->tests_count)
        return false;
    for (size_t i = 0; i < suite->tests_count; i++)
        if (receipt->tests[i].verdict != VERDICT_PASSED ||
            strcmp (receipt->tests[i].name, suite->tests[i].name) != 0)
            return false;
    return true;
}

size_t gate_host_index (const struct step *step, const char *host)
{
    size_t index = 0;
    while (index < step->hosts_count && strcmp (step->hosts[index], host) != 0)
        index++;
    return index;
}

static bool is_override (const struct gate_case *gate, const struct gate_approval *item)
{
    return item->approval->decision == DECISION_OVERRIDE && gate->plan->override_role[0] != '\0' &&
           strcmp (item->approval->role, gate->plan->override_role) == 0;
}

static bool overrides (
    const struct gate_case *gate, const struct gate_approval *item, uint64_t step,
    const struct digest *digest)
{
    return is_override (gate, item) && item->approval->step == step &&
           digest_equal (&item->approval->evidence, digest);
}

bool gate_is_overridden (const struct gate_case *gate, uint64_t step, const struct digest *digest)
{
    uint64_t different = 0;
    for (size_t i = 0; i < gate->approval_count; i++) {
        bool counts = overrides (gate, &gate->approvals[i], step, digest);
        for (size_t j = 0; j < i && counts; j++)
            counts = !overrides (gate, &gate->approvals[j], step, digest) ||
                     !public_key_equal (&gate->approvals[j].key, &gate->approvals[i].key);
        different += counts ? 1 : 0;
    }
    return different > 0 && different >= gate->plan->override_approvals;
}

/* The next override of a step before `number` behind that digest; NULL where there is none. They come to the
   controller and to hosts in different orders. */
static const struct digest *override_after (
    const struct gate_case *gate, uint64_t number, const struct digest *before)
{
    const struct digest *next = NULL;
    for (size_t i = 0; i < gate->approval_count; i++) {
        const struct gate_approval *item = &gate->approvals[i];
        if (is_override (gate, item) && item->approval->step < number &&
            (before == NULL || digest_compare (&item->digest, before) > 0) &&
            (next == NULL || digest_compare (&item->digest, next) < 0))
            next = &item->digest;
    }
    return next;
}

struct digest gate_evidence_digest (const struct gate_case *gate, uint64_t number)
{
    const struct digest *override = NULL;
    struct digest_stream stream;
    digest_begin (&stream);
    digest_add (&stream, gate->plan_digest.bytes, sizeof gate->plan_digest.bytes);
    for (size_t i = 0; i < gate->plan->steps_count && i + 1 < number; i++) {
        const struct step *step = &gate->plan->steps[i];
        for (size_t j = 0; j < step->hosts_count; j++) {
            const struct gate_receipt *receipts;
            size_t count = gate_receipts_of (gate, step->number, step->hosts[j], &receipts);
            for (size_t k = 0; k < count; k++)
                digest_add (&stream, receipts[k].digest.bytes, sizeof receipts[k].digest.bytes);
        }
    }
    while ((override = override_after (gate, number, override)) != NULL)
        digest_add (&stream, override->bytes, sizeof override->bytes);
    return digest_end (&stream);
}

/* ------------------------------------------------------------------------------------- evidence on its way
 * in */

static bool subject_check (
    const struct gate_case *gate, const struct digest *plan, uint64_t attempt, struct error *error)
{
    if (!digest_equal (plan, &gate->plan_digest))
        return error_set (error, ERROR_REFUSED, "it is about another plan than %s", gate->plan->name);
    if (attempt != gate->attempt)
        return error_set (
            error, ERROR_REFUSED, "it is of attempt %" PRIu64 ", where attempt %" PRIu64 " is judged",
            attempt, gate->attempt);
    return true;
}

static bool is_deployed_to (const struct plan *plan, const char *host)
{
    for (size_t i = 0; i < plan->steps_count; i++)
        if (plan->steps[i].kind == STEP_DEPLOY &&
            gate_host_index (&plan->steps[i], host) < plan->steps[i].hosts_count)
            return true;
    return false;
}

/* A host that has no part in a step has no say in it: neither to prove it done, nor to make it fail. */
static bool receipt_check (const struct gate_case *gate, const struct receipt *receipt, struct error *error)
{
    const struct step *step = gate_step (gate, receipt->step);
    if (!subject_check (gate, &receipt->plan, receipt->attempt, error))
        return false;
    if (receipt->kind == PERMIT_RETURN)
        return is_deployed_to (gate->plan, receipt->host) ||
               error_set (
                   error, ERROR_REFUSED, "plan %s deploys nothing to %s", gate->plan->name, receipt->host);
    if (step == NULL)
        return error_set (
            error, ERROR_REFUSED, "plan %s has no step %" PRIu64, gate->plan->name, receipt->step);
    return gate_host_index (step, receipt->host) < step->hosts_count ||
           error_set (
               error, ERROR_REFUSED, "%s is not one of the hosts of step %" PRIu64, receipt->host,
               receipt->step);
}

static bool override_check (
    const struct plan *plan, const struct step *step, const struct approval *approval, struct error *error)
{
    if (plan->override_role[0] == '\0')
        return error_set (
            error, ERROR_REFUSED, "plan %s lets nobody override a failure: retry or abort it", plan->name);
    if (strcmp (approval->role, plan->override_role) != 0)
        return error_set (
            error, ERROR_REFUSED, "to override step %" PRIu64 " takes the role %s, not %s", step->number,
            plan->override_role, approval->role);
    return !digest_is_none (&approval->evidence) ||
           error_set (
               error, ERROR_INPUT, "the override does not name the receipt or rejection that it is about");
}

static bool step_decision_check (
    const struct plan *plan, const struct step *step, const struct approval *approval, struct error *error)
{
    const char *word = enum_word (&decision_words, approval->decision);
    bool is_judged = step->kind == STEP_MANUAL || step->kind == STEP_SIGNOFF;
    if (approval->decision == DECISION_OVERRIDE)
        return override_check (plan, step, approval, error);
    if (approval->decision == DECISION_PROMOTE)
        return step->kind == STEP_PAUSE ||
               error_set (
                   error, ERROR_REFUSED, "step %" PRIu64 " is no pause that could be promoted", step->number);
    if (!is_judged)
        return error_set (
            error, ERROR_REFUSED, "step %" PRIu64 " (%s) is not one that people %s", step->number,
            enum_word (&step_kind_words, step->kind), word);
    if (strcmp (approval->role, step->role) != 0)
        return error_set (
            error, ERROR_REFUSED, "to %s step %" PRIu64 " takes the role %s, not %s", word, step->number,
            step->role, approval->role);
    if (approval->decision == DECISION_SKIP && (step->kind != STEP_MANUAL || !step->optional))
        return error_set (
            error, ERROR_REFUSED, "step %" PRIu64 " (%s) is not optional: it can't be skipped", step->number,
            enum_word (&step_kind_words, step->kind));
    return true;
}

static bool approval_check (
    const struct gate_case *gate, const struct approval *approval, struct error *error)
{
    const struct step *step = gate_step (gate, approval->step);
    if (!subject_check (gate, &approval->plan, approval->attempt, error))
        return false;
    if (approval->decision == DECISION_RETRY && approval->attempt == 1)
        return error_set (error, ERROR_REFUSED, "a retry opens attempt 2 or a later one");
    return approval->step == 0 || (step != NULL && step_decision_check (gate->plan, step, approval, error));
}

static bool add_receipt (
    struct gate_case *gate, const struct fleet *fleet, const struct envelope *envelope, struct digest digest,
    struct arena *arena, struct error *error)
{
    struct receipt *receipt = arena_take (arena, sizeof *receipt);
    if (!accept_receipt (fleet, envelope, arena, receipt, error) || !receipt_check (gate, receipt, error))
        return error_context (error, "evidence");
    gate_take_receipt (gate, digest, receipt, arena);
    return true;
}

static bool add_approval (
    struct gate_case *gate, const struct trust *trust, const struct envelope *envelope, struct digest digest,
    struct arena *arena, struct error *error)
{
    struct approval *approval = arena_take (arena, sizeof *approval);
    struct public_key key;
    if (!accept_plan_approval (trust, gate->plan, envelope, gate->now, arena, approval, &key, error) ||
        !approval_check (gate, approval, error))
        return error_context (error, "evidence");
    gate_take_approval (gate, digest, approval, &key, arena);
    return true;
}

bool gate_add (
    struct gate_case *gate, const struct trust *trust, const struct fleet *fleet,
    const struct envelope *envelope, struct arena *arena, struct error *error)
{
    struct digest digest = digest_of (envelope->content.data, envelope->content.size);
    const struct record_type *type;
    if (!document_type (envelope->content, &type, error))
        return error_context (error, "evidence");
    if (type == &receipt_type)
        return add_receipt (gate, fleet, envelope, digest, arena, error);
    if (type == &approval_type)
        return add_approval (gate, trust, envelope, digest, arena, error);
    return error_set (
        error, ERROR_REFUSED, "evidence: a %s document proves nothing here, only receipts and approvals do",
        type->name);
}
