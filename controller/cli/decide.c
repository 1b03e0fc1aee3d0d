#include "controller/cli/decide.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/core/gate.h"
#include "common/io/clock.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"
#include "controller/cli/signers.h"

enum { DAYS_VALID = 30 };

/* What a decision is about, verified. */
struct subject {
    struct client_inventory inventory;
    struct plan plan;
    struct gate_case gate;
    const struct evidence_list *list;
    const struct step *step; /* NULL for a decision about the whole rollout */
    const char *environment; /* that the signing role must be of */
};

static bool is_about_a_step (enum decision decision)
{
    return decision == DECISION_APPROVE || decision == DECISION_REJECT || decision == DECISION_SKIP ||
           decision == DECISION_PROMOTE;
}

/* ---------------------------------------------------------------------------------------------- the evidence
 */

static bool verify_evidence (struct subject *subject, struct arena *arena, struct error *error)
{
    const struct evidence_list *list = subject->list;
    if (!accept_plan (
            &subject->inventory.trust, &list->plan, (struct instant){0}, arena, &subject->plan, error))
        return false;
    subject->gate = (struct gate_case){
        .plan = &subject->plan,
        .plan_digest = digest_of (list->plan.content.data, list->plan.content.size),
        .attempt = list->attempt,
        .now = clock_now ()};
    for (size_t i = 0; i < list->evidence_count; i++)
        if (!gate_add (
                &subject->gate, &subject->inventory.trust, &subject->inventory.fleet, &list->evidence[i],
                arena, error))
            return error_context (error, "the controller's evidence does not hold, nothing was signed");
    return true;
}

static bool fetch (
    struct client *client, uint64_t rollout, struct arena *arena, struct subject *ret, struct error *error)
{
    struct evidence_wanted wanted = {.rollout = rollout};
    const void *list;
    if (!client_inventory (client, arena, &ret->inventory, error) ||
        !client_ask_for (client, &evidence_wanted_type, &wanted, &evidence_list_type, arena, &list, error))
        return false;
    ret->list = list;
    return verify_evidence (ret, arena, error);
}

/* A host acts only on approvals of a step whose earlier steps are proven, so signing before is of no use. */
static bool find_step (struct subject *subject, enum decision decision, struct error *error)
{
    uint64_t number = subject->list->step;
    const char *word = enum_word (&decision_words, decision);
    struct error why;
    bool judged;
    subject->environment = plan_environment (&subject->plan, 0);
    if (!is_about_a_step (decision))
        return true;
    if (number < 1 || number > subject->plan.steps_count)
        return error_set (error, ERROR_CONFLICT, "the rollout stands at no step that could be decided");
    subject->step = &subject->plan.steps[number - 1];
    subject->environment = plan_environment (&subject->plan, number);
    judged = subject->step->kind == STEP_MANUAL || subject->step->kind == STEP_SIGNOFF;
    if (decision == DECISION_PROMOTE ? subject->step->kind != STEP_PAUSE : !judged)
        return error_set (
            error, ERROR_CONFLICT,
            "the rollout stands at step %" PRIu64 " (%s), which is none to %s: see `relevo "
            "rollout status %" PRIu64 "`",
            number, enum_word (&step_kind_words, subject->step->kind), word, subject->list->rollout);
    if (decision == DECISION_SKIP && !subject->step->optional)
        return error_set (
            error, ERROR_REFUSED, "step %" PRIu64 " is not optional: approve or reject it", number);
    for (uint64_t before = 1; before < number && decision != DECISION_REJECT; before++)
        if (!gate_step_done (&subject->gate, before, &why))
            return error_set (
                error, ERROR_CONFLICT, "step %" PRIu64 " is not proven here: %s", before, why.text);
    return true;
}

/* -------------------------------------------------------------------------------------------------- showing
 */

static void add_receipt (struct table *table, const struct receipt *receipt)
{
    struct buffer step = {0};
    struct buffer versions = {0};
    struct buffer tests = {0};
    size_t passed = 0;
    for (size_t i = 0; i < receipt->tests_count; i++)
        passed += receipt->tests[i].verdict == VERDICT_PASSED ? 1 : 0;
    if (receipt->step > 0)
        buffer_print (&step, "%" PRIu64, receipt->step);
    else
        buffer_text (&step, "return");
    buffer_print (
        &versions, "%s%s%s", receipt->previous, receipt->previous[0] != '\0' ? " → " : "", receipt->version);
    if (receipt->tests_count > 0)
        buffer_print (&tests, "%zu/%zu", passed, receipt->tests_count);
    table_add (
        table, (const char *const[]){
                   step.data, receipt->host, enum_word (&outcome_words, receipt->outcome), versions.data,
                   tests.data, receipt->cause});
    buffer_free (&step);
    buffer_free (&versions);
    buffer_free (&tests);
}

static void print_evidence (const struct subject *subject, struct buffer *out)
{
    static const char *const headings[] = {"STEP", "HOST", "OUTCOME", "VERSION", "TESTS", "DETAIL"};
    struct table *table = table_new (headings, sizeof headings / sizeof headings[0]);
    for (size_t i = 0; i < subject->gate.receipt_count; i++)
        add_receipt (table, subject->gate.receipts[i].receipt);
    if (subject->gate.receipt_count > 0)
        table_print (table, 0, out);
    table_free (&table);
    for (size_t i = 0; i < subject->gate.approval_count; i++) {
        const struct approval *approval = subject->gate.approvals[i].approval;
        buffer_print (
            out, "%s by %s (%s)", enum_word (&decision_words, approval->decision), approval->name,
            approval->role);
        if (approval->step > 0)
            buffer_print (out, ", step %" PRIu64, approval->step);
        buffer_text (out, approval->comment[0] != '\0' ? ": " : "");
        buffer_plain (out, approval->comment);
        buffer_text (out, "\n");
    }
}

static void show (const struct cli *cli, const struct subject *subject)
{
    struct buffer out = {0};
    const struct plan *plan = &subject->plan;
    buffer_print (
        &out, "rollout %" PRIu64 ": %s %s, plan %s", subject->list->rollout, plan->product, plan->version,
        plan->name);
    if (subject->list->attempt > 1)
        buffer_print (&out, ", attempt %" PRIu64, subject->list->attempt);
    buffer_text (&out, "\nverified here, every signature:\n");
    print_evidence (subject, &out);
    if (subject->step != NULL) {
        buffer_print (&out, "to decide: step %" PRIu64 " ", subject->step->number);
        buffer_plain (&out, subject->step->title);
        buffer_text (&out, subject->step->instructions[0] != '\0' ? ": " : "");
        buffer_plain (&out, subject->step->instructions);
        buffer_text (&out, "\n");
    }
    if (!cli->quiet)
        (void)fwrite (out.data, 1, out.size, stderr);
    buffer_free (&out);
}

/* -------------------------------------------------------------------------------------------------- signing
 */

static struct approval approval_for (
    const struct subject *subject, enum decision decision, const char *role, const char *name,
    const char *comment)
{
    struct approval approval = {
        .plan = subject->gate.plan_digest,
        .attempt = subject->list->attempt,
        .decision = decision,
        .role = role,
        .name = name,
        .comment = comment,
        .issued = subject->gate.now,
        .expires = instant_add (subject->gate.now, span_seconds (DAYS_VALID * INT64_C (86400)))};
    if (decision == DECISION_RETRY)
        approval.attempt++;
    if (subject->step != NULL) {
        approval.step = subject->step->number;
        approval.evidence = gate_evidence_digest (&subject->gate, approval.step);
    }
    return approval;
}

static bool sign_and_send (
    struct cli *cli, struct client *client, const struct subject *subject, enum decision decision,
    const struct decide_options *options, struct arena *arena, struct error *error)
{
    bool judged = is_about_a_step (decision) && decision != DECISION_PROMOTE;
    const char *role = judged ? subject->step->role : ROLE_OPERATOR;
    struct decide decide = {.rollout = subject->list->rollout};
    struct approval approval;
    struct signer signer;
    const void *answer;
    bool signed_it;
    if (options->ssh_key != NULL
            ? !signer_load_ssh (
                  cli, &subject->inventory.trust, role, subject->environment, options->ssh_key, &signer,
                  error)
            : !signer_load (
                  cli, &subject->inventory.trust, role, subject->environment, options->key, &signer, error))
        return false;
    approval = approval_for (subject, decision, role, signer.name, options->comment);
    signed_it = signer_sign (
        cli, &signer, &approval_type, &approval, subject->gate.now, arena, &decide.approval, error);
    signer_wipe (&signer);
    if (!signed_it || !client_ask_for (client, &decide_type, &decide, &answer_type, arena, &answer, error))
        return false;
    cli_say (cli, "%s by %s: the controller has it", enum_word (&decision_words, decision), signer.name);
    return true;
}

bool decide_do (
    struct cli *cli, struct client *client, uint64_t rollout, enum decision decision,
    const struct decide_options *options, struct error *error)
{
    struct arena arena = {0};
    struct subject subject = {0};
    char question[64];
    bool done = fetch (client, rollout, &arena, &subject, error) && find_step (&subject, decision, error);
    if (done) {
        show (cli, &subject);
        (void)snprintf (
            question, sizeof question, "Sign this decision (%s)?", enum_word (&decision_words, decision));
        /* A judgement is asked for once more, with its evidence in sight; `abort` in an emergency is not. */
        done = (!is_about_a_step (decision) || cli_confirm (cli, question, error)) &&
               sign_and_send (cli, client, &subject, decision, options, &arena, error);
    }
    arena_free (&arena);
    return done;
}
