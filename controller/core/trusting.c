/* The trust document in force, and what follows from a new one: for the chain that is handed on, for rollouts
   that stand on keys which are not believed any more, and for this controller's own key. */
#include "controller/core/state.h"

#include <string.h>

/* Of a chain in one message, beside what else is in it. */
enum { CHAIN_BYTES = LIMIT_MESSAGE / 4 };

/* ------------------------------------------------------------------------------------- the controller's key
 */

bool controller_is_believed (const struct controller *controller, struct error *why)
{
    const struct trust *trust = &controller->trust;
    const struct trust_role *role = trust_role_for (trust, ROLE_CONTROLLER, "");
    struct buffer names = {0};
    if (controller->trust_count == 0 ||
        (role != NULL && trust_role_has (trust, role, &controller->options.key.public)))
        return true;
    for (size_t i = 0; role != NULL && i < role->keys_count; i++)
        buffer_print (&names, "%s%s", i > 0 ? ", " : "", role->keys[i]);
    (void)error_set (
        why, ERROR_REFUSED,
        "this controller's signing key has no say any more: trust version %llu gives the role controller to "
        "another key (%s). Hosts believe nothing that this one signs, so it signs nothing: put the new key "
        "into `signing_key` of its configuration and restart it",
        (unsigned long long)trust->version, names.size > 0 ? names.data : "none");
    buffer_free (&names);
    return false;
}

bool grant_is_believed (const struct controller *controller, const struct grant *grant)
{
    return trust_verify (&controller->trust, ROLE_CONTROLLER, "", &grant->envelope, NULL);
}

/* ------------------------------------------------------------------------------------------------- rollouts
 */

static bool key_holds (
    const struct controller *controller, const struct rollout *rollout, const struct approval *approval,
    const struct public_key *made_by)
{
    const struct trust *trust = &controller->trust;
    const struct trust_key *key = trust_key_named (trust, approval->name);
    const struct trust_role *role =
        trust_role_for (trust, approval->role, plan_environment (&rollout->plan, approval->step));
    return key != NULL && role != NULL && public_key_equal (&key->key, made_by) &&
           trust_role_has (trust, role, made_by);
}

bool approval_holds (
    const struct controller *controller, const struct rollout *rollout, const struct paper *paper)
{
    return key_holds (controller, rollout, paper->approval, &paper->key);
}

/* The case as hosts see it by now: without the approvals of keys that may not speak any more. `ret_lost` is
   the first of these, NULL where all hold. */
static struct gate_case case_that_holds (
    const struct controller *controller, const struct rollout *rollout, struct arena *arena,
    const struct approval **ret_lost)
{
    struct gate_case gate = rollout->gate;
    gate.approvals = arena_array (arena, gate.approval_count, sizeof *gate.approvals);
    gate.approval_count = 0;
    *ret_lost = NULL;
    for (size_t i = 0; i < rollout->gate.approval_count; i++) {
        const struct gate_approval *item = &rollout->gate.approvals[i];
        if (key_holds (controller, rollout, item->approval, &item->key))
            gate.approvals[gate.approval_count++] = *item;
        else if (*ret_lost == NULL)
            *ret_lost = item->approval;
    }
    return gate;
}

/* Steps that were passed and would not be passed again, failures that nobody who may answers for, and an
   attempt that nobody who may has opened. */
static bool stands (
    const struct rollout *rollout, const struct gate_case *gate, const struct approval *lost,
    struct error *why)
{
    bool opened = rollout->attempt == 1;
    struct error missing;
    for (size_t i = 0; i < gate->approval_count; i++)
        opened = opened || gate->approvals[i].approval->decision == DECISION_RETRY;
    if (!opened)
        return error_set (
            why, ERROR_REFUSED, "%s, whose key has no say any more, opened this attempt: hosts refuse it",
            lost->name);
    if (gate_is_closed (gate, &missing) && !gate_is_closed (&rollout->gate, NULL))
        return error_set (
            why, ERROR_REFUSED,
            "a failure closes the gate again, because the key of %s may not speak for %s now: %s", lost->name,
            lost->role, missing.text);
    for (size_t i = 0; i < rollout->plan.steps_count; i++) {
        const struct stage *stage = &rollout->stages[i];
        if ((stage->state == STEP_PASSED || stage->state == STEP_SKIPPED) &&
            (stage->step->kind == STEP_MANUAL || stage->step->kind == STEP_SIGNOFF ||
             stage->step->kind == STEP_PAUSE) &&
            !gate_step_done (gate, stage->step->number, &missing))
            return error_set (
                why, ERROR_REFUSED,
                "step %llu does not stand any more, because the key of %s may not speak for %s now: %s",
                (unsigned long long)stage->step->number, lost->name, lost->role, missing.text);
    }
    return true;
}

bool rollout_is_vouched (
    const struct controller *controller, const struct rollout *rollout, struct error *why)
{
    struct arena arena = {0};
    const struct approval *lost;
    struct gate_case gate;
    bool good;
    if (rollout->unvouched != NULL)
        return error_set (why, ERROR_REFUSED, "%s", rollout->unvouched);
    gate = case_that_holds (controller, rollout, &arena, &lost);
    good = lost == NULL || stands (rollout, &gate, lost, why);
    arena_free (&arena);
    return good;
}

/* ------------------------------------------------------------------------------------------------ the chain
 */

static size_t envelope_size (const struct envelope *envelope)
{
    size_t size = envelope->content.size;
    for (size_t i = 0; i < envelope->signatures_count; i++)
        size += strlen (envelope->signatures[i]);
    return size;
}

size_t trust_page (const struct controller *controller, size_t first)
{
    size_t count = 0;
    size_t bytes = 0;
    while (first + count < controller->trust_count && count < LIMIT_PAGE) {
        bytes += envelope_size (&controller->trusts[first + count]);
        if (count > 0 && bytes > CHAIN_BYTES)
            break;
        count++;
    }
    return count;
}

size_t trust_tail (const struct controller *controller)
{
    size_t first = controller->trust_count;
    size_t bytes = 0;
    while (first > 0 && controller->trust_count - first < LIMIT_PAGE) {
        bytes += envelope_size (&controller->trusts[first - 1]);
        if (first < controller->trust_count && bytes > CHAIN_BYTES)
            break;
        first--;
    }
    return first;
}

void request_trusts (struct turn *turn, const void *record)
{
    const struct trusts_wanted *wanted = record;
    const struct controller *controller = turn->controller;
    struct trusts_page page = {.request = wanted->request};
    if (wanted->after < controller->trust_count) {
        page.trusts = controller->trusts + wanted->after;
        page.trusts_count = trust_page (controller, (size_t)wanted->after);
    }
    turn_send (turn, &turn->event->route, &trusts_page_type, &page);
}

/* One version of a chain may have expired while this controller was away: what follows it is the way on. So
   its expiry does not count here, as it does not for installers; what an expired document vouches for is
   refused wherever it is asked. */
bool trusting_submit (struct turn *turn, const struct envelope *envelope, struct error *error)
{
    struct controller *controller = turn->controller;
    struct entry_trust entry = {.document = *envelope};
    struct trust trust;
    if (controller->trust_count == 0)
        return error_set (
            error, ERROR_MISSING, "the first trust document comes from the controller's configuration");
    if (!accept_next_trust (
            &controller->trust, envelope, (struct instant){0}, &turn->effects->arena, &trust, error))
        return false;
    turn_record (turn, &entry_trust_type, &entry);
    turn_offer (turn, "all", NULL, envelope);
    rollout_advance_all (turn);
    return true;
}
