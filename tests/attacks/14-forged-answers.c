/* Row 14 once more: a controller that confirms what was not proven, or keeps the confirmation back, and one
   that answers for failures in other people's names. */
#include "tests/attacks/world.h"

struct gate {
    struct realm *realm;
    struct release release;
    struct evidence honest; /* all that opens step 6 for p2 */
};

/* A plan whose hosts go back where nobody confirms them within three seconds. */
static struct gate begin_confirmed (struct world *world)
{
    struct gate gate = {.realm = &world->realm};
    struct plan plan = draft_plan (gate.realm, "2.0", 20);
    plan_hasten (&plan);
    plan.steps[DEPLOY_P2 - 1].confirm_within = span_seconds (3);
    gate.release = realm_release_of (gate.realm, &plan);
    gate.honest = realm_evidence (gate.realm, &gate.release, DEPLOY_P2, 1);
    return gate;
}

/* p2 is let into step 6 and keeps; what it reports is added to the evidence. */
static void deploy (struct world *world, struct gate *gate)
{
    struct permit permit = draft_permit (gate->realm, &gate->release, DEPLOY_P2, 1, &gate->honest);
    world_offer (world, &gate->release.envelope);
    world_permit (world, &permit, &gate->honest);
    world_reports (world, &gate->release, DEPLOY_P2, OUTCOME_KEPT, "");
    world_runs (world, &gate->release);
    evidence_add (&gate->honest, world->report);
}

static struct permit keep (const struct gate *gate, const struct evidence *evidence)
{
    struct permit permit = draft_permit (gate->realm, &gate->release, DEPLOY_P2, 1, evidence);
    permit.kind = PERMIT_KEEP;
    return permit;
}

static void goes_back (struct world *world, const struct gate *gate)
{
    world_reports (world, &gate->release, 0, OUTCOME_RETURNED, "not confirmed within 3s");
    assert_string_equal (world->receipt.version, "1.0");
}

static void test_confirmation_kept_back (void **state)
{
    struct world *world = *state;
    struct gate gate = begin_confirmed (world);
    deploy (world, &gate);
    assert_non_null (strstr (agent_status (world), "app: not confirmed yet; it returns to 1.0 at "));
    goes_back (world, &gate);
}

/* The agent is killed in between, and comes back when the time is over. */
static void test_confirmation_kept_back_across_a_restart (void **state)
{
    struct world *world = *state;
    struct gate gate = begin_confirmed (world);
    deploy (world, &gate);
    agent_kill (world);
    world_serve (world, span_seconds (4));
    agent_start (world);
    goes_back (world, &gate);
}

static void test_forged_confirmations (void **state)
{
    struct world *world = *state;
    struct gate gate = begin_confirmed (world);
    struct evidence forged;
    struct receipt receipt;
    struct permit permit;
    deploy (world, &gate);
    forged = gate.honest;
    evidence_remove (&forged, forged.count - 1);
    permit = keep (&gate, &forged);
    world_permit (world, &permit, &forged);
    world_says (world, "step 6 (deploy): 0 of 1 hosts have kept; waiting for p2");
    receipt = world->receipt;
    evidence_add (&forged, SIGNED (gate.realm, &receipt_type, &receipt, CONTROLLER));
    permit = keep (&gate, &forged);
    world_permit (world, &permit, &forged);
    world_says (world, "the receipt is signed by no host of the fleet");
    forged = gate.honest;
    evidence_report (gate.realm, &forged, &gate.release, TESTS_P1, 1, P1, OUTCOME_FAILED);
    permit = keep (&gate, &forged);
    world_permit (world, &permit, &forged);
    world_says (world, "step 4: p1 says failed");
    goes_back (world, &gate);
}

static void test_true_confirmation (void **state)
{
    struct world *world = *state;
    struct gate gate = begin_confirmed (world);
    struct permit permit;
    deploy (world, &gate);
    permit = keep (&gate, &gate.honest);
    world_permit (world, &permit, &gate.honest);
    world_serve (world, span_seconds (4));
    world_runs (world, &gate.release);
    assert_null (strstr (agent_status (world), "not confirmed"));
}

/* ---------------------------------------------------------------------------------------------- overrides */

/* The canary's tests failed; two release managers may answer for that. */
static struct gate begin_failed (struct world *world, uint64_t approvals)
{
    struct gate gate = {.realm = &world->realm};
    struct plan plan = draft_plan (gate.realm, "2.0", 20);
    plan.on_failure = ON_FAILURE_PAUSE;
    plan.override_role = approvals > 0 ? "release-managers" : "";
    plan.override_approvals = approvals;
    gate.release = realm_release_of (gate.realm, &plan);
    gate.honest = realm_evidence (gate.realm, &gate.release, TESTS_P1, 1);
    evidence_report (gate.realm, &gate.honest, &gate.release, TESTS_P1, 1, P1, OUTCOME_FAILED);
    world_offer (world, &gate.release.envelope);
    return gate;
}

static struct approval override_of (const struct gate *gate, enum who who)
{
    struct approval approval =
        draft_approval (gate->realm, &gate->release, &gate->honest, SIGNOFF, 1, who, DECISION_APPROVE);
    approval.decision = DECISION_OVERRIDE;
    approval.step = TESTS_P1;
    approval.evidence = digest_of_envelope (&gate->honest.items[TESTS_P1 - 1]);
    return approval;
}

static void add_override (struct evidence *evidence, const struct gate *gate, enum who who, enum who signer)
{
    struct approval approval = override_of (gate, who);
    evidence_add (evidence, SIGNED (gate->realm, &approval_type, &approval, signer));
}

/* The sign-off follows over whatever the evidence is by then. */
static struct permit sign_off (const struct gate *gate, struct evidence *evidence)
{
    evidence_decide (gate->realm, evidence, &gate->release, SIGNOFF, 1, ANA, DECISION_APPROVE);
    evidence_decide (gate->realm, evidence, &gate->release, SIGNOFF, 1, LUIS, DECISION_APPROVE);
    return draft_permit (gate->realm, &gate->release, DEPLOY_P2, 1, evidence);
}

static void attack (struct world *world, const struct gate *gate, struct evidence evidence, const char *words)
{
    struct permit permit = sign_off (gate, &evidence);
    world_permit (world, &permit, &evidence);
    world_refuses (world, words);
}

static void test_forged_overrides (void **state)
{
    struct world *world = *state;
    struct gate gate = begin_failed (world, 2);
    struct evidence forged = gate.honest;
    struct approval approval;
    struct permit permit;
    add_override (&forged, &gate, ANA, ANA);
    attack (world, &gate, forged, "step 4: p1 says failed");
    add_override (&forged, &gate, ANA, ANA); /* the same person is one person */
    attack (world, &gate, forged, "step 4: p1 says failed");
    forged = gate.honest;
    add_override (&forged, &gate, ANA, ANA);
    add_override (&forged, &gate, LUIS, CONTROLLER);
    attack (world, &gate, forged, "the approval speaks for luis, whose key did not sign it");
    forged = gate.honest;
    add_override (&forged, &gate, ANA, ANA);
    approval = override_of (&gate, LUIS);
    approval.step = TESTS_S1; /* of another step */
    evidence_add (&forged, SIGNED (gate.realm, &approval_type, &approval, LUIS));
    attack (world, &gate, forged, "step 4: p1 says failed");
    forged.count--;
    approval = override_of (&gate, LUIS);
    approval.comment = "";
    evidence_add (&forged, SIGNED (gate.realm, &approval_type, &approval, LUIS));
    attack (world, &gate, forged, "to override a step takes a comment that says why");
    forged.count--;
    add_override (&forged, &gate, LUIS, LUIS);
    permit = sign_off (&gate, &forged);
    world_permit (world, &permit, &forged);
    world_reports (world, &gate.release, DEPLOY_P2, OUTCOME_KEPT, "");
    world_runs (world, &gate.release);
}

static void test_override_that_the_plan_does_not_know (void **state)
{
    struct world *world = *state;
    struct gate gate = begin_failed (world, 0);
    struct evidence forged = gate.honest;
    struct release next;
    add_override (&forged, &gate, ANA, ANA);
    add_override (&forged, &gate, LUIS, LUIS);
    attack (world, &gate, forged, "plan app-2.0 lets nobody override a failure");
    next = realm_release (&world->realm, "3.0", 30);
    world_obeys (world, &next);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_confirmation_kept_back), ATTACK (test_confirmation_kept_back_across_a_restart),
        ATTACK (test_forged_confirmations),   ATTACK (test_true_confirmation),
        ATTACK (test_forged_overrides),       ATTACK (test_override_that_the_plan_does_not_know),
    };
    return WORLD_RUN (tests);
}
