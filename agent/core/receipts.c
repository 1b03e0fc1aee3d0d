/* Receipts: made and signed here, each bound to the one before, kept and sent until the controller has them.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/installer_state.h"

const struct held_receipt *receipt_find (
    const struct installer *installer, const struct digest *plan, enum permit_kind kind, uint64_t step,
    uint64_t attempt)
{
    for (size_t i = installer->receipt_count; i > 0; i--) {
        const struct held_receipt *receipt = &installer->receipts[i - 1];
        if (digest_equal (&receipt->plan, plan) && receipt->kind == kind && receipt->step == step &&
            receipt->attempt == attempt)
            return receipt;
    }
    return NULL;
}

bool receipt_is_success (const struct held_receipt *receipt)
{
    return receipt->kind == PERMIT_STEP &&
           (receipt->outcome == OUTCOME_KEPT || receipt->outcome == OUTCOME_PASSED);
}

static size_t oldest_stored (const struct installer *installer)
{
    size_t place = 0;
    while (place < installer->receipt_count && !installer->receipts[place].stored)
        place++;
    return place;
}

bool receipts_full (const struct installer *installer)
{
    return installer->receipt_count == RECEIPTS_HELD && oldest_stored (installer) == RECEIPTS_HELD;
}

void receipt_send (const struct held_receipt *receipt, struct installer_effects *effects)
{
    struct report report = {.receipt = receipt->envelope};
    effects_send (effects, &report_type, &report);
}

void receipts_resend (const struct installer *installer, struct installer_effects *effects)
{
    for (size_t i = 0; i < installer->receipt_count; i++)
        if (!installer->receipts[i].stored)
            receipt_send (&installer->receipts[i], effects);
}

void receipt_stored (
    struct installer *installer, const struct digest *digest, struct installer_effects *effects)
{
    for (size_t i = 0; i < installer->receipt_count; i++)
        if (!installer->receipts[i].stored && digest_equal (&installer->receipts[i].digest, digest)) {
            struct note_stored note = {.receipt = *digest};
            effects_record (installer, effects, &note_stored_type, &note);
            return;
        }
}

void receipts_apply_stored (struct installer *installer, const struct digest *digest)
{
    for (size_t i = 0; i < installer->receipt_count; i++)
        if (digest_equal (&installer->receipts[i].digest, digest))
            installer->receipts[i].stored = true;
}

static void drop (struct installer *installer, size_t place)
{
    arena_free (&installer->receipts[place].arena);
    installer->receipt_count--;
    (void)memmove (
        installer->receipts + place, installer->receipts + place + 1,
        (installer->receipt_count - place) * sizeof installer->receipts[0]);
}

bool receipts_apply (struct installer *installer, const struct envelope *envelope, struct error *error)
{
    struct held_receipt held = {0};
    struct receipt receipt;
    held.envelope = envelope_copy (envelope, &held.arena);
    if (receipts_full (installer) ||
        !document_read (&receipt_type, held.envelope.content, &held.arena, &receipt, error)) {
        arena_free (&held.arena);
        return receipts_full (installer)
                   ? error_set (error, ERROR_LIMIT, "more than %d unsent receipts", RECEIPTS_HELD)
                   : false;
    }
    held.digest = digest_of (held.envelope.content.data, held.envelope.content.size);
    held.plan = receipt.plan;
    held.kind = receipt.kind;
    held.step = receipt.step;
    held.attempt = receipt.attempt;
    held.outcome = receipt.outcome;
    if (installer->receipt_count == RECEIPTS_HELD)
        drop (installer, oldest_stored (installer));
    installer->receipts[installer->receipt_count++] = held;
    installer->receipt_counter = receipt.counter;
    installer->receipt_newest = held.digest;
    return true;
}

void receipts_free (struct installer *installer)
{
    while (installer->receipt_count > 0)
        drop (installer, installer->receipt_count - 1);
}

static const char *failed_tests (const struct work *work, struct arena *arena)
{
    struct buffer text = {0};
    size_t failed = 0;
    const char *copy;
    for (size_t i = 0; i < work->result_count; i++)
        failed += work->results[i].verdict != VERDICT_PASSED;
    buffer_print (&text, "%zu of %zu tests failed", failed, work->suite->tests_count);
    for (size_t i = 0, named = 0; i < work->result_count && text.size < LIMIT_LINE; i++)
        if (work->results[i].verdict != VERDICT_PASSED) {
            buffer_print (&text, "%s %s", named++ == 0 ? ":" : ",", work->results[i].name);
            if (work->results[i].detail[0] != '\0')
                buffer_print (&text, " (%s)", work->results[i].detail);
        }
    copy = fit_text (arena, text.data, LIMIT_LINE);
    buffer_free (&text);
    return copy;
}

static const char *cause_of (
    const struct installer *installer, enum outcome outcome, struct installer_effects *effects)
{
    const struct work *work = &installer->work;
    const char *cause = work->cause != NULL ? work->cause : "";
    if (outcome == OUTCOME_FAILED && work->kind == WORK_TEST && work->cause == NULL)
        return failed_tests (work, &effects->arena);
    if (outcome == OUTCOME_STUCK && work->back_cause != NULL)
        cause = arena_format (
            &effects->arena, "%s%s%s", cause, cause[0] != '\0' ? "; and on the way back: " : "",
            work->back_cause);
    return fit_text (&effects->arena, cause, LIMIT_LINE);
}

/* What ran before, as the receipt says it: on the way forward the old release, after a return the new one. */
static const char *version_before (const struct installer *installer, enum outcome outcome)
{
    const struct work *work = &installer->work;
    const struct row *row = work_row (installer);
    bool changed = work->linked && !work_is_current (installer);
    if (outcome == OUTCOME_RETURNED && changed)
        return work->plan.version;
    return row != NULL ? row->release.previous.version : "";
}

void receipt_make (
    struct installer *installer, enum outcome outcome, struct instant now, struct installer_effects *effects)
{
    const struct work *work = &installer->work;
    const struct row *row = work_row (installer);
    struct note_receipt note;
    struct error error;
    bool good;
    struct receipt receipt = {
        .host = installer->options.host,
        .plan = work->plan_digest,
        .kind = work->permit.kind,
        .step = work->permit.step,
        .attempt = work->permit.attempt,
        .outcome = outcome,
        .cause = cause_of (installer, outcome, effects),
        .version = row != NULL ? row->release.current.version : "",
        .previous = version_before (installer, outcome),
        .tests = work->results,
        .tests_count = work->result_count,
        .started = work->started,
        .finished = now,
        .counter = installer->receipt_counter + 1,
        .before = installer->receipt_newest,
    };
    good = document_sign (
        &receipt_type, &receipt, &installer->options.key, now, &effects->arena, &note.receipt, &error);
    assert (good);
    effects_record (installer, effects, &note_receipt_type, &note);
    receipt_send (&installer->receipts[installer->receipt_count - 1], effects);
}
