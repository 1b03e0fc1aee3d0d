#include "common/core/gate_evidence.h"

#include <inttypes.h>
#include <string.h>

enum { NAMES_SHOWN = 3 };

/* ------------------------------------------------------------------------------------ what closes a case */

static const char *comment_of (const char *comment)
{
    return comment[0] != '\0' ? comment : "no reason given";
}

static void tell_receipt (const struct receipt *receipt, struct error *why)
{
    const char *word = enum_word (&outcome_words, receipt->outcome);
    if (receipt->kind == PERMIT_RETURN)
        (void)error_set (
            why, ERROR_REFUSED, "%s went back: %s (%s)", receipt->host, word, comment_of (receipt->cause));
    else if (receipt->outcome == OUTCOME_PASSED)
        (void)error_set (
            why, ERROR_REFUSED, "step %" PRIu64 ": %s says passed, and its test results do not",
            receipt->step, receipt->host);
    else
        (void)error_set (
            why, ERROR_REFUSED, "step %" PRIu64 ": %s says %s (%s)", receipt->step, receipt->host, word,
            comment_of (receipt->cause));
}

static bool forbids (const struct approval *approval, struct error *why)
{
    const char *comment = comment_of (approval->comment);
    if (approval->decision == DECISION_REJECT)
        (void)error_set (
            why, ERROR_REFUSED, "step %" PRIu64 ": rejected by %s (%s)", approval->step, approval->name,
            comment);
    else if (approval->decision == DECISION_ABORT)
        (void)error_set (why, ERROR_REFUSED, "aborted by %s (%s)", approval->name, comment);
    else if (approval->decision == DECISION_UNDO)
        (void)error_set (why, ERROR_REFUSED, "undone by %s (%s)", approval->name, comment);
    else
        return false;
    return true;
}

/* A stuck host needs a person at the host, and nobody's word makes it serve; what went back is gone. */
static bool may_be_overridden (const struct gate_case *gate, const struct receipt *receipt)
{
    return receipt->kind == PERMIT_STEP && !gate_is_success (gate->plan, receipt) &&
           receipt->outcome != OUTCOME_STUCK;
}

static bool closes (const struct gate_case *gate, const struct gate_receipt *item)
{
    return !gate_is_success (gate->plan, item->receipt) &&
           !(may_be_overridden (gate, item->receipt) &&
             gate_is_overridden (gate, item->receipt->step, &item->digest));
}

static bool is_closed_by_receipt (const struct gate_case *gate, enum permit_kind kind, struct error *why)
{
    for (size_t i = 0; i < gate->receipt_count; i++)
        if (gate->receipts[i].receipt->kind == kind && closes (gate, &gate->receipts[i])) {
            tell_receipt (gate->receipts[i].receipt, why);
            return true;
        }
    return false;
}

static bool is_overridden_rejection (const struct gate_case *gate, const struct gate_approval *item)
{
    return item->approval->decision == DECISION_REJECT &&
           gate_is_overridden (gate, item->approval->step, &item->digest);
}

size_t gate_overridable (const struct gate_case *gate, struct digest *ret, uint64_t *ret_step, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < gate->receipt_count; i++) {
        const struct gate_receipt *item = &gate->receipts[i];
        if (!may_be_overridden (gate, item->receipt) || !closes (gate, item))
            continue;
        if (count < most) {
            ret[count] = item->digest;
            ret_step[count] = item->receipt->step;
        }
        count++;
    }
    for (size_t i = 0; i < gate->approval_count; i++) {
        const struct gate_approval *item = &gate->approvals[i];
        if (item->approval->decision != DECISION_REJECT || is_overridden_rejection (gate, item))
            continue;
        if (count < most) {
            ret[count] = item->digest;
            ret_step[count] = item->approval->step;
        }
        count++;
    }
    return count;
}

bool gate_is_closed (const struct gate_case *gate, struct error *why)
{
    if (is_closed_by_receipt (gate, PERMIT_STEP, why))
        return true;
    for (size_t i = 0; i < gate->approval_count; i++)
        if (!is_overridden_rejection (gate, &gate->approvals[i]) &&
            forbids (gate->approvals[i].approval, why))
            return true;
    return is_closed_by_receipt (gate, PERMIT_RETURN, why);
}

bool gate_return_open (const struct gate_case *gate, struct error *why)
{
    return gate_is_closed (gate, NULL) ||
           error_set (
               why, ERROR_REFUSED,
               "nothing failed, and nobody rejected, aborted or undid plan %s: there is no reason to return",
               gate->plan->name);
}

/* --------------------------------------------------------------------------------------- what makes a step
 * done */

/* It did what the step wants, or people answer for it that it did not. */
static bool is_host_done (
    const struct gate_case *gate, const struct step *step, const char *host, enum outcome outcome)
{
    const struct gate_receipt *receipts;
    size_t count = gate_receipts_of (gate, step->number, host, &receipts);
    for (size_t i = 0; i < count; i++)
        if ((receipts[i].receipt->outcome == outcome && gate_is_success (gate->plan, receipts[i].receipt)) ||
            (may_be_overridden (gate, receipts[i].receipt) &&
             gate_is_overridden (gate, step->number, &receipts[i].digest)))
            return true;
    return false;
}

static bool hosts_done (
    const struct gate_case *gate, const struct step *step, enum outcome outcome, struct error *why)
{
    struct buffer missing = {0};
    size_t lacking = 0;
    for (size_t i = 0; i < step->hosts_count; i++)
        if (!is_host_done (gate, step, step->hosts[i], outcome)) {
            if (lacking < NAMES_SHOWN)
                buffer_print (&missing, "%s%s", lacking > 0 ? ", " : "", step->hosts[i]);
            lacking++;
        }
    if (lacking > NAMES_SHOWN)
        buffer_print (&missing, " and %zu more", lacking - NAMES_SHOWN);
    if (lacking > 0)
        (void)error_set (
            why, ERROR_CONFLICT, "%zu of %zu hosts have %s; waiting for %s", step->hosts_count - lacking,
            step->hosts_count, enum_word (&outcome_words, outcome), missing.data);
    buffer_free (&missing);
    return lacking == 0 &&
           (step->hosts_count > 0 || error_set (why, ERROR_REFUSED, "the step names no host"));
}

static bool is_about (
    const struct gate_approval *item, const struct step *step, enum decision decision, const char *role)
{
    return item->approval->step == step->number && item->approval->decision == decision &&
           strcmp (item->approval->role, role) == 0;
}

/* Whether another approval before the one at `index` counts for the same key already. */
static bool is_counted (
    const struct gate_case *gate, size_t index, const struct step *step, const struct digest *evidence)
{
    for (size_t i = 0; i < index; i++) {
        const struct gate_approval *item = &gate->approvals[i];
        if (is_about (item, step, DECISION_APPROVE, step->role) &&
            digest_equal (&item->approval->evidence, evidence) &&
            public_key_equal (&item->key, &gate->approvals[index].key))
            return true;
    }
    return false;
}

/* What the decisions about one step come to. */
struct tally {
    uint64_t approvals; /* by different keys, over what is now known */
    size_t stale;       /* over something else */
    bool skipped;
    struct buffer names;
};

static struct tally tally_of (const struct gate_case *gate, const struct step *step)
{
    struct digest evidence = gate_evidence_digest (gate, step->number);
    struct tally tally = {0};
    for (size_t i = 0; i < gate->approval_count; i++) {
        const struct gate_approval *item = &gate->approvals[i];
        bool approves = is_about (item, step, DECISION_APPROVE, step->role);
        bool skips = is_about (item, step, DECISION_SKIP, step->role);
        if (!approves && !skips)
            continue;
        if (!digest_equal (&item->approval->evidence, &evidence))
            tally.stale++;
        else if (skips)
            tally.skipped = tally.skipped || item->approval->comment[0] != '\0';
        else if (!is_counted (gate, i, step, &evidence)) {
            buffer_print (&tally.names, "%s%s", tally.approvals > 0 ? ", " : "", item->approval->name);
            tally.approvals++;
        }
    }
    return tally;
}

static bool is_rejected (const struct gate_case *gate, const struct step *step, struct error *why)
{
    for (size_t i = 0; i < gate->approval_count; i++)
        if (is_about (&gate->approvals[i], step, DECISION_REJECT, step->role) &&
            !is_overridden_rejection (gate, &gate->approvals[i]))
            return forbids (gate->approvals[i].approval, why);
    return false;
}

static bool approvals_done (const struct gate_case *gate, const struct step *step, struct error *why)
{
    struct tally tally;
    bool good;
    if (is_rejected (gate, step, why))
        return false;
    if (step->approvals == 0)
        return error_set (why, ERROR_REFUSED, "the step asks for no approval, by which anybody would do");
    tally = tally_of (gate, step);
    good =
        tally.approvals >= step->approvals || (tally.skipped && step->optional && step->kind == STEP_MANUAL);
    if (!good)
        (void)error_set (
            why, ERROR_CONFLICT, "%" PRIu64 " of %" PRIu64 " approvals by %s (%s)%s", tally.approvals,
            step->approvals, step->role, tally.names.size > 0 ? tally.names.data : "nobody yet",
            tally.stale > 0 ? "; others decided over different evidence, and must look again" : "");
    buffer_free (&tally.names);
    return good;
}

static bool is_promoted (const struct gate_case *gate, const struct step *step)
{
    struct digest evidence = gate_evidence_digest (gate, step->number);
    for (size_t i = 0; i < gate->approval_count; i++)
        if (is_about (&gate->approvals[i], step, DECISION_PROMOTE, ROLE_OPERATOR) &&
            digest_equal (&gate->approvals[i].approval->evidence, &evidence))
            return true;
    return false;
}

static struct instant later (struct instant first, struct instant second)
{
    return instant_before (first, second) ? second : first;
}

/* When the last step before ended, as its signed evidence tells: the work of hosts, or the word of people,
   who may have taken longer than the pause itself. {0} where no step before has a receipt. */
static struct instant newest_before (const struct gate_case *gate, const struct step *step)
{
    struct instant newest = {0};
    for (size_t i = 0; i < gate->receipt_count; i++) {
        const struct receipt *receipt = gate->receipts[i].receipt;
        if (receipt->kind == PERMIT_STEP && receipt->step < step->number)
            newest = later (newest, receipt->finished);
    }
    for (size_t i = 0; newest.ms > 0 && i < gate->approval_count; i++) {
        const struct approval *approval = gate->approvals[i].approval;
        if (approval->step > 0 && approval->step < step->number)
            newest = later (newest, approval->issued);
    }
    return newest;
}

struct instant gate_pause_end (const struct gate_case *gate, uint64_t number)
{
    const struct step *step = gate_step (gate, number);
    struct instant newest;
    if (step == NULL || step->kind != STEP_PAUSE || step->duration.ms <= 0)
        return (struct instant){INT64_MAX};
    newest = newest_before (gate, step);
    return newest.ms > 0 ? instant_add (newest, step->duration) : (struct instant){INT64_MAX};
}

static bool pause_done (const struct gate_case *gate, const struct step *step, struct error *why)
{
    struct instant over = gate_pause_end (gate, step->number);
    char left[TIME_TEXT_SIZE];
    if (is_promoted (gate, step))
        return true;
    if (over.ms == INT64_MAX)
        return error_set (why, ERROR_CONFLICT, "waiting for an operator to promote it");
    return !instant_before (gate->now, over) ||
           error_set (
               why, ERROR_CONFLICT, "the pause goes on for %s, unless an operator promotes it",
               span_print (instant_between (gate->now, over), left));
}

bool gate_step_done (const struct gate_case *gate, uint64_t number, struct error *why)
{
    const struct step *step = gate_step (gate, number);
    if (step == NULL)
        return error_set (why, ERROR_REFUSED, "plan %s has no step %" PRIu64, gate->plan->name, number);
    switch (step->kind) {
    case STEP_DEPLOY:
        return hosts_done (gate, step, OUTCOME_KEPT, why);
    case STEP_TEST:
        return hosts_done (gate, step, OUTCOME_PASSED, why);
    case STEP_MANUAL:
    case STEP_SIGNOFF:
        return approvals_done (gate, step, why);
    case STEP_PAUSE:
        return pause_done (gate, step, why);
    case STEP_NOTIFY:
        return true;
    case step_kind_count:
        break;
    }
    return error_set (why, ERROR_REFUSED, "step %" PRIu64 " is of an unknown kind", number);
}

/* --------------------------------------------------------------------------------------- what opens a step
 */

static bool attempt_is_open (const struct gate_case *gate, struct error *why)
{
    if (gate->attempt == 0)
        return error_set (why, ERROR_REFUSED, "attempts count from 1");
    if (gate->attempt == 1)
        return true;
    for (size_t i = 0; i < gate->approval_count; i++) {
        const struct approval *approval = gate->approvals[i].approval;
        if (approval->decision == DECISION_RETRY && approval->attempt == gate->attempt &&
            strcmp (approval->role, ROLE_OPERATOR) == 0)
            return true;
    }
    return error_set (
        why, ERROR_REFUSED, "no operator's retry opens attempt %" PRIu64 " of plan %s", gate->attempt,
        gate->plan->name);
}

static bool is_reached (const struct gate_case *gate, uint64_t number, struct error *why)
{
    if (!attempt_is_open (gate, why) || gate_is_closed (gate, why))
        return false;
    for (uint64_t before = 1; before < number; before++)
        if (!gate_step_done (gate, before, why))
            return error_context (
                why, "step %" PRIu64 " (%s)", before,
                enum_word (&step_kind_words, gate->plan->steps[before - 1].kind));
    return true;
}

static uint64_t cohort_width (const struct step *step)
{
    bool is_narrower = step->max_unavailable > 0 && step->max_unavailable < step->max_parallel;
    return is_narrower ? step->max_unavailable : step->max_parallel;
}

/* `kept` of the hosts before the one at `index` have kept. */
static bool is_in_window (const struct step *step, size_t index, uint64_t kept)
{
    return kept + cohort_width (step) >= (uint64_t)index + 1;
}

static bool is_its_turn (
    const struct gate_case *gate, const struct step *step, size_t index, struct error *why)
{
    uint64_t kept = 0;
    for (size_t i = 0; i < index; i++)
        kept += is_host_done (gate, step, step->hosts[i], OUTCOME_KEPT) ? 1 : 0;
    return is_in_window (step, index, kept) ||
           error_set (
               why, ERROR_CONFLICT,
               "%" PRIu64 " of the %zu hosts before %s have kept, and only %" PRIu64
               " may be at work at once",
               kept, index, step->hosts[index], cohort_width (step));
}

bool gate_step_open (const struct gate_case *gate, uint64_t number, const char *host, struct error *why)
{
    const struct step *step = gate_step (gate, number);
    size_t index;
    if (step == NULL)
        return error_set (why, ERROR_REFUSED, "plan %s has no step %" PRIu64, gate->plan->name, number);
    if (!is_reached (gate, number, why))
        return false;
    if (host == NULL)
        return true;
    index = gate_host_index (step, host);
    if (index == step->hosts_count)
        return error_set (
            why, ERROR_REFUSED, "%s is not one of the hosts of step %" PRIu64 " (%s)", host, number,
            enum_word (&step_kind_words, step->kind));
    return step->kind != STEP_DEPLOY || is_its_turn (gate, step, index, why);
}

bool gate_keep_open (const struct gate_case *gate, uint64_t number, const char *host, struct error *why)
{
    const struct step *step = gate_step (gate, number);
    if (step == NULL || step->kind != STEP_DEPLOY)
        return error_set (
            why, ERROR_REFUSED, "step %" PRIu64 " of plan %s deploys nothing that could be kept", number,
            gate->plan->name);
    if (gate_host_index (step, host) == step->hosts_count)
        return error_set (
            why, ERROR_REFUSED, "%s is not one of the hosts of step %" PRIu64 " (%s)", host, number,
            enum_word (&step_kind_words, step->kind));
    return is_reached (gate, number + 1, why);
}

size_t gate_deploy_window (const struct gate_case *gate, uint64_t number, size_t *ret)
{
    const struct step *step = gate_step (gate, number);
    uint64_t kept = 0;
    size_t count = 0;
    if (step == NULL || step->kind != STEP_DEPLOY || !is_reached (gate, number, NULL))
        return 0;
    for (size_t i = 0; i < step->hosts_count && is_in_window (step, i, kept); i++) {
        const struct gate_receipt *receipts;
        if (gate_receipts_of (gate, number, step->hosts[i], &receipts) == 0)
            ret[count++] = i;
        else if (is_host_done (gate, step, step->hosts[i], OUTCOME_KEPT))
            kept++;
    }
    return count;
}
