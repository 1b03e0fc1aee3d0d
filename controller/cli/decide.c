#include "controller/cli/decide.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/core/gate.h"
#include "common/io/clock.h"
#include "controller/cli/evidence.h"
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
    const struct step *step; /* NULL for a decision about the whole rollout, or about failures */
    struct digest failures[LIMIT_OVERRIDES]; /* to override */
    uint64_t failed_steps[LIMIT_OVERRIDES];
    size_t failure_count;
    const char *environment; /* that the signing role must be of */
};

static bool is_about_a_step (enum decision decision)
{
    return decision == DECISION_APPROVE || decision == DECISION_REJECT || decision == DECISION_SKIP ||
           decision == DECISION_PROMOTE || decision == DECISION_OVERRIDE;
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

static bool find_failures (struct subject *subject, struct error *error)
{
    const struct plan *plan = &subject->plan;
    if (plan->override_role[0] == '\0')
        return error_set (
            error, ERROR_REFUSED, "plan %s lets nobody override a failure: retry or abort it", plan->name);
    subject->failure_count =
        gate_overridable (&subject->gate, subject->failures, subject->failed_steps, LIMIT_OVERRIDES);
    if (subject->failure_count > LIMIT_OVERRIDES)
        return error_set (
            error, ERROR_LIMIT, "%zu failures are more than people can answer for: retry or abort it",
            subject->failure_count);
    return subject->failure_count > 0 ||
           error_set (error, ERROR_CONFLICT, "nothing failed that could be overridden");
}

/* A host acts only on approvals of a step whose earlier steps are proven, so signing before is of no use. */
static bool find_step (struct subject *subject, enum decision decision, struct error *error)
{
    uint64_t number = subject->list->step;
    const char *word = enum_word (&decision_words, decision);
    struct error why;
    bool judged;
    subject->environment = plan_environment (&subject->plan, 0);
    if (decision == DECISION_OVERRIDE)
        return find_failures (subject, error);
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
    evidence_print (&subject->gate, &out);
    if (subject->step != NULL) {
        buffer_print (&out, "to decide: step %" PRIu64 " ", subject->step->number);
        buffer_plain (&out, subject->step->title);
        buffer_text (&out, subject->step->instructions[0] != '\0' ? ": " : "");
        buffer_plain (&out, subject->step->instructions);
        buffer_text (&out, "\n");
    }
    if (subject->failure_count > 0)
        buffer_print (
            &out, "to override: the %zu failure%s and rejection%s above that nobody has answered for yet\n",
            subject->failure_count, subject->failure_count == 1 ? "" : "s",
            subject->failure_count == 1 ? "" : "s");
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

/* Of the step that is decided, of the failure that is overridden, or of those who operate. */
static const char *role_for (const struct subject *subject, enum decision decision)
{
    if (decision == DECISION_OVERRIDE)
        return subject->plan.override_role;
    return is_about_a_step (decision) && decision != DECISION_PROMOTE ? subject->step->role : ROLE_OPERATOR;
}

static bool load (
    struct cli *cli, const struct subject *subject, const char *role, const char *environment,
    const struct decide_options *options, struct signer *ret, struct error *error)
{
    const struct trust *trust = &subject->inventory.trust;
    return options->ssh_key != NULL
               ? signer_load_ssh (cli, trust, role, environment, options->ssh_key, ret, error)
               : signer_load (cli, trust, role, environment, options->key, ret, error);
}

static bool sign_and_send (
    struct cli *cli, struct client *client, const struct subject *subject, const struct signer *signer,
    const struct approval *approval, struct arena *arena, struct error *error)
{
    struct decide decide = {.rollout = subject->list->rollout};
    const void *answer;
    return signer_sign (
               cli, signer, &approval_type, approval, subject->gate.now, arena, &decide.approval, error) &&
           client_ask_for (client, &decide_type, &decide, &answer_type, arena, &answer, error);
}

static bool decide_one (
    struct cli *cli, struct client *client, const struct subject *subject, enum decision decision,
    const struct decide_options *options, struct arena *arena, struct error *error)
{
    const char *role = role_for (subject, decision);
    struct approval approval;
    struct signer signer;
    bool done;
    if (!load (cli, subject, role, subject->environment, options, &signer, error))
        return false;
    approval = approval_for (subject, decision, role, signer.name, options->comment);
    done = sign_and_send (cli, client, subject, &signer, &approval, arena, error);
    signer_wipe (&signer);
    if (done)
        cli_say (cli, "%s by %s: the controller has it", enum_word (&decision_words, decision), signer.name);
    return done;
}

/* Who answers twice for the same failure is one person still. */
static bool has_answered (const struct gate_case *gate, const struct approval *approval)
{
    for (size_t i = 0; i < gate->approval_count; i++) {
        const struct approval *other = gate->approvals[i].approval;
        if (other->decision == DECISION_OVERRIDE && other->step == approval->step &&
            digest_equal (&other->evidence, &approval->evidence) && strcmp (other->name, approval->name) == 0)
            return true;
    }
    return false;
}

/* Each failure is overridden by itself: whoever signs answers for exactly what was shown, and for nothing
   that fails later. */
static bool override_all (
    struct cli *cli, struct client *client, const struct subject *subject,
    const struct decide_options *options, struct arena *arena, struct error *error)
{
    const char *role = role_for (subject, DECISION_OVERRIDE);
    size_t signed_count = 0;
    for (size_t i = 0; i < subject->failure_count; i++) {
        uint64_t step = subject->failed_steps[i];
        struct approval approval;
        struct signer signer;
        bool fresh;
        bool done;
        if (!load (cli, subject, role, plan_environment (&subject->plan, step), options, &signer, error))
            return false;
        approval = approval_for (subject, DECISION_OVERRIDE, role, signer.name, options->comment);
        approval.step = step;
        approval.evidence = subject->failures[i];
        fresh = !has_answered (&subject->gate, &approval);
        done = !fresh || sign_and_send (cli, client, subject, &signer, &approval, arena, error);
        signer_wipe (&signer);
        if (!done)
            return error_context (error, "failure %zu of %zu", i + 1, subject->failure_count);
        signed_count += fresh ? 1 : 0;
        if (fresh)
            cli_say (cli, "override of step %" PRIu64 " by %s: the controller has it", step, signer.name);
    }
    return signed_count > 0 ||
           error_set (
               error, ERROR_CONFLICT,
               "this key has answered for all of them already: it takes %" PRIu64 " different ones",
               subject->plan.override_approvals);
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
               (decision == DECISION_OVERRIDE
                    ? override_all (cli, client, &subject, options, &arena, error)
                    : decide_one (cli, client, &subject, decision, options, &arena, error));
    }
    arena_free (&arena);
    return done;
}
