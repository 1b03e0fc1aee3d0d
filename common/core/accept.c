#include "common/core/accept.h"

#include <inttypes.h>
#include <string.h>

#include "common/core/signature.h"
#include "common/core/twice.h"

static const struct span clock_slack = {ACCEPT_CLOCK_SLACK_MS};

static bool is_given (struct instant now)
{
    return now.ms != 0;
}

static bool in_force (
    const struct record_type *type, struct instant expires, struct instant now, struct error *error)
{
    char when[TIME_TEXT_SIZE];
    if (expires.ms <= 0)
        return error_set (error, ERROR_EXPIRED, "the %s does not say when it expires", type->name);
    return instant_before (now, expires) ||
           error_set (
               error, ERROR_EXPIRED, "the %s expired at %s", type->name, instant_print (expires, when));
}

static bool not_from_the_future (
    const struct record_type *type, struct instant issued, struct instant now, struct error *error)
{
    char when[TIME_TEXT_SIZE];
    return !instant_before (instant_add (now, clock_slack), issued) ||
           error_set (
               error, ERROR_REFUSED, "the %s was issued at %s, which is in the future: compare the clocks",
               type->name, instant_print (issued, when));
}

/* The one way in: threshold first, and only then the decoder. */
static bool verify_and_read (
    const struct record_type *type, const struct trust *trust, const char *role,
    const struct envelope *envelope, struct instant now, struct arena *arena, void *ret_record,
    struct error *error)
{
    if (is_given (now) && !in_force (&trust_type, trust->expires, now, error))
        return false;
    return (trust_verify (trust, role, "", envelope, error) ||
            error_context (error, "%s document", type->name)) &&
           document_read (type, envelope->content, arena, ret_record, error);
}

bool accept_first_trust (
    const struct envelope *envelope, const struct digest *pin, struct instant now, struct arena *arena,
    struct trust *ret, struct error *error)
{
    struct digest digest = digest_of (envelope->content.data, envelope->content.size);
    struct trust trust;
    if (!digest_equal (&digest, pin))
        return error_set (
            error, ERROR_REFUSED,
            "the first trust document is another one than the one that this side was told to trust");
    if (!document_read (&trust_type, envelope->content, arena, &trust, error) ||
        !trust_check (&trust, error) || !trust_verify (&trust, ROLE_ROOT, "", envelope, error) ||
        (is_given (now) && !in_force (&trust_type, trust.expires, now, error)))
        return false;
    *ret = trust;
    return true;
}

bool accept_next_trust (
    const struct trust *current, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct trust *ret, struct error *error)
{
    struct trust next;
    if (!trust_verify (current, ROLE_ROOT, "", envelope, error))
        return error_context (error, "trust document, by the roots of version %" PRIu64, current->version);
    if (!document_read (&trust_type, envelope->content, arena, &next, error))
        return false;
    if (current->version == UINT64_MAX || next.version != current->version + 1)
        return error_set (
            error, next.version <= current->version ? ERROR_REFUSED : ERROR_CONFLICT,
            "trust document of version %" PRIu64 ", where exactly the one after %" PRIu64 " can follow",
            next.version, current->version);
    if (!trust_check (&next, error))
        return false;
    if (!trust_verify (&next, ROLE_ROOT, "", envelope, error))
        return error_context (error, "trust document, by its own roots");
    if (is_given (now) && !in_force (&trust_type, next.expires, now, error))
        return false;
    *ret = next;
    return true;
}

bool accept_trusts (
    const struct envelope *envelopes, size_t count, const struct digest *pin, struct instant now,
    struct arena *arena, struct trust *ret, struct error *error)
{
    const struct instant any = {0};
    struct trust trust;
    if (count == 0)
        return error_set (error, ERROR_REFUSED, "there is no trust document");
    if (!accept_first_trust (&envelopes[0], pin, count == 1 ? now : any, arena, &trust, error))
        return error_context (error, "the first trust document");
    for (size_t i = 1; i < count; i++) {
        struct trust next;
        if (!accept_next_trust (&trust, &envelopes[i], i + 1 == count ? now : any, arena, &next, error))
            return error_context (error, "trust document %zu of %zu", i + 1, count);
        trust = next;
    }
    *ret = trust;
    return true;
}

/* Whether a number that only ever rises may follow `highest` (0: none is known). */
static bool rises_soberly (uint64_t number, uint64_t highest)
{
    if (highest == 0)
        return number <= ACCEPT_FIRST;
    return number > highest && number - highest <= ACCEPT_RISE;
}

bool accept_counter (const struct plan *plan, uint64_t highest, struct error *error)
{
    if (plan->counter <= highest)
        return error_set (
            error, ERROR_REFUSED,
            "release counter %" PRIu64 " of plan %s is not above %" PRIu64 ": build it again", plan->counter,
            plan->name, highest);
    return rises_soberly (plan->counter, highest) ||
           error_set (
               error, ERROR_REFUSED,
               "release counter %" PRIu64 " of plan %s is absurdly far above %" PRIu64
               ", and would leave no room for later ones: build it again",
               plan->counter, plan->name, highest);
}

bool accept_fleet (
    const struct trust *trust, uint64_t least, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct fleet *ret, struct error *error)
{
    struct fleet fleet;
    if (!in_force (&trust_type, trust->expires, now, error) ||
        !verify_and_read (&fleet_type, trust, ROLE_OPERATOR, envelope, now, arena, &fleet, error) ||
        !fleet_check (&fleet, error))
        return false;
    if (fleet.version < least)
        return error_set (
            error, ERROR_REFUSED,
            "fleet document of version %" PRIu64 ", where at least %" PRIu64 " is wanted: it never goes back",
            fleet.version, least);
    if (!rises_soberly (fleet.version, least > 1 ? least - 1 : 0))
        return error_set (
            error, ERROR_REFUSED,
            "fleet document of version %" PRIu64 ", which is absurdly far above the one before it",
            fleet.version);
    if (!in_force (&fleet_type, fleet.expires, now, error))
        return false;
    *ret = fleet;
    return true;
}

/* A quorum that the trust document's owners find too small, or that nobody could ever reach, is refused
   before the rollout begins. */
static bool quorum_check (
    const struct trust *trust, const char *name, const char *environment, uint64_t approvals,
    struct error *error)
{
    const struct trust_role *role = trust_role_for (trust, name, environment);
    if (role == NULL)
        return error_set (
            error, ERROR_MISSING, "the trust document has no role %s for %s", name, environment);
    if (approvals < role->threshold)
        return error_set (
            error, ERROR_REFUSED, "%" PRIu64 " approvals are asked for, and the role %s needs %" PRIu64,
            approvals, name, role->threshold);
    if (approvals > role->keys_count)
        return error_set (
            error, ERROR_REFUSED, "%" PRIu64 " approvals are asked for, and the role %s has only %zu keys",
            approvals, name, role->keys_count);
    return true;
}

/* Of one step: of those who approve it, and of those who could override its failure. */
static bool step_quorums_check (
    const struct trust *trust, const struct plan *plan, const struct step *step, struct error *error)
{
    const char *environment = plan_environment (plan, step->number);
    bool is_judged = step->kind == STEP_MANUAL || step->kind == STEP_SIGNOFF;
    bool can_fail = is_judged || step->kind == STEP_DEPLOY || step->kind == STEP_TEST;
    if (is_judged && !quorum_check (trust, step->role, environment, step->approvals, error))
        return false;
    return !can_fail || plan->override_role[0] == '\0' ||
           quorum_check (trust, plan->override_role, environment, plan->override_approvals, error) ||
           error_context (error, "override");
}

static bool quorums_check (const struct trust *trust, const struct plan *plan, struct error *error)
{
    for (size_t i = 0; i < plan->steps_count; i++) {
        const struct step *step = &plan->steps[i];
        if (!step_quorums_check (trust, plan, step, error))
            return error_context (
                error, "plan %s, step %" PRIu64 " (%s)", plan->name, step->number,
                enum_word (&step_kind_words, step->kind));
    }
    return true;
}

bool accept_plan (
    const struct trust *trust, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct plan *ret, struct error *error)
{
    struct plan plan;
    if (!verify_and_read (&plan_type, trust, ROLE_RELEASER, envelope, now, arena, &plan, error) ||
        !plan_check (&plan, error))
        return false;
    if (plan.trust_version > trust->version)
        return error_set (
            error, ERROR_CONFLICT,
            "plan %s was made for trust version %" PRIu64 ", and version %" PRIu64 " is the newest here",
            plan.name, plan.trust_version, trust->version);
    if (!quorums_check (trust, &plan, error) ||
        (is_given (now) && !in_force (&plan_type, plan.expires, now, error)))
        return false;
    *ret = plan;
    return true;
}

static bool subject_check (
    const struct record_type *type, const struct digest *plan, enum permit_kind kind, uint64_t step,
    uint64_t attempt, struct error *error)
{
    if (digest_is_none (plan))
        return error_set (error, ERROR_INPUT, "the %s names no plan", type->name);
    if (attempt == 0)
        return error_set (error, ERROR_INPUT, "the %s names no attempt: they count from 1", type->name);
    if ((kind == PERMIT_RETURN) != (step == 0) || (kind == PERMIT_KEEP && type == &receipt_type))
        return error_set (
            error, ERROR_INPUT, "the %s is of kind %s and about step %" PRIu64, type->name,
            enum_word (&permit_kind_words, kind), step);
    return true;
}

static bool permit_check (const struct permit *permit, struct arena *arena, struct error *error)
{
    const char **hosts = arena_array (arena, permit->hosts_count, sizeof *hosts);
    const char *twice;
    if (!subject_check (&permit_type, &permit->plan, permit->kind, permit->step, permit->attempt, error))
        return false;
    if (permit->hosts_count == 0)
        return error_set (error, ERROR_INPUT, "the permit names no host");
    for (size_t i = 0; i < permit->hosts_count; i++)
        hosts[i] = permit->hosts[i];
    twice = text_twice (hosts, permit->hosts_count);
    return twice == NULL || error_set (error, ERROR_INPUT, "the permit names the host %s twice", twice);
}

bool accept_permit (
    const struct trust *trust, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct permit *ret, struct error *error)
{
    struct permit permit;
    if (!in_force (&trust_type, trust->expires, now, error) ||
        !verify_and_read (&permit_type, trust, ROLE_CONTROLLER, envelope, now, arena, &permit, error) ||
        !permit_check (&permit, arena, error) || !in_force (&permit_type, permit.expires, now, error) ||
        !not_from_the_future (&permit_type, permit.issued, now, error))
        return false;
    *ret = permit;
    return true;
}

bool accept_tick (
    const struct trust *trust, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct tick *ret, struct error *error)
{
    struct tick tick;
    if (!in_force (&trust_type, trust->expires, now, error) ||
        !verify_and_read (&tick_type, trust, ROLE_CONTROLLER, envelope, now, arena, &tick, error) ||
        !in_force (&tick_type, tick.expires, now, error) ||
        !not_from_the_future (&tick_type, tick.issued, now, error))
        return false;
    *ret = tick;
    return true;
}

/* Whether any host of the fleet signed it, before the name in it is read; and then whether it was that one.
 */
static const struct fleet_host *host_that_signed (const struct fleet *fleet, const struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->signatures_count && i < LIMIT_SIGNATURES; i++) {
        struct signature signature;
        if (!signature_parse (envelope->signatures[i], &signature, NULL))
            continue;
        for (size_t j = 0; j < fleet->hosts_count; j++)
            if (signature_check (&signature, &fleet->hosts[j].key, envelope->content, NULL))
                return &fleet->hosts[j];
    }
    return NULL;
}

bool accept_receipt (
    const struct fleet *fleet, const struct envelope *envelope, struct arena *arena, struct receipt *ret,
    struct error *error)
{
    const struct fleet_host *host = host_that_signed (fleet, envelope);
    struct receipt receipt;
    if (host == NULL)
        return error_set (error, ERROR_REFUSED, "the receipt is signed by no host of the fleet");
    if (!document_read (&receipt_type, envelope->content, arena, &receipt, error) ||
        !subject_check (&receipt_type, &receipt.plan, receipt.kind, receipt.step, receipt.attempt, error))
        return false;
    if (strcmp (receipt.host, host->name) != 0)
        return error_set (
            error, ERROR_REFUSED, "the receipt speaks for %s, and %s signed it", receipt.host, host->name);
    if (receipt.counter == 0)
        return error_set (error, ERROR_INPUT, "the receipt has no counter: they count from 1");
    *ret = receipt;
    return true;
}

static bool is_blank (const char *text)
{
    return text[strspn (text, " \t\r\n")] == '\0';
}

static bool approval_check (const struct approval *approval, struct error *error)
{
    const char *word = enum_word (&decision_words, approval->decision);
    bool explains = approval->decision == DECISION_SKIP || approval->decision == DECISION_OVERRIDE;
    bool by_role =
        explains || approval->decision == DECISION_APPROVE || approval->decision == DECISION_REJECT;
    bool about_step = by_role || approval->decision == DECISION_PROMOTE;
    if (digest_is_none (&approval->plan) || approval->attempt == 0)
        return error_set (error, ERROR_INPUT, "the approval names no plan or no attempt");
    if (about_step != (approval->step != 0))
        return error_set (
            error, ERROR_INPUT, "the decision to %s is about %s", word,
            about_step ? "one step: name it" : "the whole rollout, not about a step");
    if (!by_role && strcmp (approval->role, ROLE_OPERATOR) != 0)
        return error_set (
            error, ERROR_REFUSED, "to %s takes the role operator, not %s", word, approval->role);
    if (explains && is_blank (approval->comment))
        return error_set (error, ERROR_INPUT, "to %s a step takes a comment that says why", word);
    return true;
}

/* The key that the approval names, where it signed; `envelope` has been found to be signed by some key. */
static const struct trust_key *approver (
    const struct trust *trust, const char *environment, const struct envelope *envelope,
    const struct approval *approval, struct error *error)
{
    const struct trust_role *role = trust_role_for (trust, approval->role, environment);
    const struct trust_key *key = trust_key_named (trust, approval->name);
    if (key == NULL || document_signers (envelope, &key->key, 1, NULL) == 0)
        (void)error_set (
            error, ERROR_REFUSED, "the approval speaks for %s, whose key did not sign it", approval->name);
    else if (role == NULL || !trust_role_has (trust, role, &key->key))
        (void)error_set (
            error, ERROR_REFUSED, "%s is not in the role %s for %s", approval->name, approval->role,
            environment[0] != '\0' ? environment : "all environments");
    else
        return key;
    return NULL;
}

static bool signed_by_any (const struct trust *trust, const struct envelope *envelope)
{
    struct arena arena = {0};
    struct public_key *keys = arena_array (&arena, trust->keys_count, sizeof *keys);
    size_t signers;
    for (size_t i = 0; i < trust->keys_count; i++)
        keys[i] = trust->keys[i].key;
    signers = document_signers (envelope, keys, trust->keys_count, NULL);
    arena_free (&arena);
    return signers > 0;
}

/* Everything but the role, which depends on the environment. */
static bool read_approval (
    const struct trust *trust, const struct envelope *envelope, struct instant now, struct arena *arena,
    struct approval *ret, struct error *error)
{
    if (!in_force (&trust_type, trust->expires, now, error))
        return false;
    if (!signed_by_any (trust, envelope))
        return error_set (error, ERROR_REFUSED, "the approval is signed by no key of the trust document");
    return document_read (&approval_type, envelope->content, arena, ret, error) &&
           approval_check (ret, error) && in_force (&approval_type, ret->expires, now, error);
}

bool accept_approval (
    const struct trust *trust, const char *environment, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct approval *ret, struct public_key *ret_key, struct error *error)
{
    struct approval approval;
    const struct trust_key *key;
    if (!read_approval (trust, envelope, now, arena, &approval, error))
        return false;
    key = approver (trust, environment, envelope, &approval, error);
    if (key == NULL)
        return false;
    *ret = approval;
    *ret_key = key->key;
    return true;
}

bool accept_plan_approval (
    const struct trust *trust, const struct plan *plan, const struct envelope *envelope, struct instant now,
    struct arena *arena, struct approval *ret, struct public_key *ret_key, struct error *error)
{
    struct approval approval;
    const struct trust_key *key;
    if (!read_approval (trust, envelope, now, arena, &approval, error))
        return false;
    if (approval.step > plan->steps_count)
        return error_set (
            error, ERROR_REFUSED, "the approval is about step %" PRIu64 ", and plan %s has %zu",
            approval.step, plan->name, plan->steps_count);
    key = approver (trust, plan_environment (plan, approval.step), envelope, &approval, error);
    if (key == NULL)
        return false;
    *ret = approval;
    *ret_key = key->key;
    return true;
}
