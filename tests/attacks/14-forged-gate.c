/* Row 14, forged gate: a controller with its own valid key opens production without what the plan asks for.
 */
#include "tests/attacks/world.h"

struct gate {
    struct realm *realm;
    struct release release;
    struct evidence honest; /* all that opens step 6 for p2 */
};

static struct gate begin (struct world *world)
{
    struct gate gate = {.realm = &world->realm, .release = realm_release (&world->realm, "2.0", 20)};
    gate.honest = realm_evidence (gate.realm, &gate.release, DEPLOY_P2, 1);
    world_offer (world, &gate.release.envelope);
    return gate;
}

static void attack (
    struct world *world, const struct gate *gate, const struct evidence *forged, const char *words)
{
    struct permit permit = draft_permit (gate->realm, &gate->release, DEPLOY_P2, 1, forged);
    world_permit (world, &permit, forged);
    world_refuses (world, words);
}

static void obey (struct world *world, const struct gate *gate)
{
    struct permit permit = draft_permit (gate->realm, &gate->release, DEPLOY_P2, 1, &gate->honest);
    world_permit (world, &permit, &gate->honest);
    world_reports (world, &gate->release, DEPLOY_P2, OUTCOME_KEPT, "");
    world_runs (world, &gate->release);
}

/* Nothing at all, and then each piece left out. */
static void test_evidence_left_out (void **state)
{
    static const char *const words[] = {
        "step 1 (deploy): 0 of 1 hosts have kept; waiting for s1",
        "step 2 (test): 0 of 1 hosts have passed; waiting for s1",
        "step 3 (deploy): 0 of 1 hosts have kept; waiting for p1",
        "step 4 (test): 0 of 1 hosts have passed; waiting for p1",
        "step 5 (signoff): 1 of 2 approvals by release-managers (luis)",
        "step 5 (signoff): 1 of 2 approvals by release-managers (ana)"};
    struct world *world = *state;
    struct gate gate = begin (world);
    struct evidence nothing = {0};
    attack (world, &gate, &nothing, words[0]);
    assert_int_equal (gate.honest.count, sizeof words / sizeof *words);
    for (size_t i = 0; i < gate.honest.count; i++) {
        struct evidence forged = gate.honest;
        evidence_remove (&forged, i);
        attack (world, &gate, &forged, words[i]);
    }
    obey (world, &gate);
}

/* The canary's tests failed. With its receipt inside the gate is closed; without it, it is not open. */
static void test_failed_receipt_of_the_canary (void **state)
{
    struct world *world = *state;
    struct gate gate = begin (world);
    struct evidence forged = realm_evidence (gate.realm, &gate.release, TESTS_P1, 1);
    struct evidence without;
    struct evidence both = gate.honest;
    evidence_report (gate.realm, &forged, &gate.release, TESTS_P1, 1, P1, OUTCOME_FAILED);
    evidence_decide (gate.realm, &forged, &gate.release, SIGNOFF, 1, ANA, DECISION_APPROVE);
    evidence_decide (gate.realm, &forged, &gate.release, SIGNOFF, 1, LUIS, DECISION_APPROVE);
    attack (world, &gate, &forged, "step 4: p1 says failed (it did not work)");
    without = forged;
    evidence_remove (&without, TESTS_P1 - 1);
    attack (world, &gate, &without, "step 4 (test): 0 of 1 hosts have passed; waiting for p1");
    evidence_report (gate.realm, &both, &gate.release, DEPLOY_S1, 1, S1, OUTCOME_RETURNED);
    attack (world, &gate, &both, "step 1: s1 says returned (it did not work)");
    obey (world, &gate);
}

static void test_signoff_by_keys_of_other_roles (void **state)
{
    struct world *world = *state;
    struct gate gate = begin (world);
    struct evidence forged = gate.honest;
    struct approval approval =
        draft_approval (gate.realm, &gate.release, &gate.honest, SIGNOFF, 1, EVA, DECISION_APPROVE);
    size_t last = forged.count - 1;
    forged.items[last] = SIGNED (gate.realm, &approval_type, &approval, EVA);
    attack (world, &gate, &forged, "eva is not in the role release-managers for production");
    approval.role = "testers";
    forged.items[last] = SIGNED (gate.realm, &approval_type, &approval, EVA);
    attack (world, &gate, &forged, "to approve step 5 takes the role release-managers, not testers");
    approval.role = "release-managers";
    approval.name = who_name (CONTROLLER);
    forged.items[last] = SIGNED (gate.realm, &approval_type, &approval, CONTROLLER);
    attack (world, &gate, &forged, "controller-1 is not in the role release-managers for production");
    approval.name = who_name (LUIS);
    forged.items[last] = SIGNED (gate.realm, &approval_type, &approval, CONTROLLER);
    attack (world, &gate, &forged, "the approval speaks for luis, whose key did not sign it");
    forged.items[last] = SIGNED (gate.realm, &approval_type, &approval, STRANGER);
    attack (world, &gate, &forged, "the approval is signed by no key of the trust document");
    obey (world, &gate);
}

static void test_receipts_signed_by_the_controller (void **state)
{
    struct world *world = *state;
    struct gate gate = begin (world);
    for (size_t i = 0; i < SIGNOFF - 1; i++) {
        struct evidence forged = gate.honest;
        enum who host = i < 2 ? S1 : P1;
        struct receipt receipt = draft_receipt (
            gate.realm, &gate.release, i + 1, 1, host, i % 2 == 0 ? OUTCOME_KEPT : OUTCOME_PASSED);
        forged.items[i] = SIGNED (gate.realm, &receipt_type, &receipt, CONTROLLER, OPERATOR, STRANGER);
        attack (world, &gate, &forged, "the receipt is signed by no host of the fleet");
    }
    obey (world, &gate);
}

/* p2's own key says that p2 did the canary's steps; s1's, that s1 did. */
static void test_receipts_of_hosts_outside_of_the_cohort (void **state)
{
    struct world *world = *state;
    struct gate gate = begin (world);
    struct evidence forged = gate.honest;
    struct receipt receipt = draft_receipt (gate.realm, &gate.release, DEPLOY_P1, 1, P2, OUTCOME_KEPT);
    forged.items[DEPLOY_P1 - 1] = SIGNED (gate.realm, &receipt_type, &receipt, P2);
    attack (world, &gate, &forged, "p2 is not one of the hosts of step 3");
    receipt.host = who_name (S1);
    forged.items[DEPLOY_P1 - 1] = SIGNED (gate.realm, &receipt_type, &receipt, S1);
    attack (world, &gate, &forged, "s1 is not one of the hosts of step 3");
    obey (world, &gate);
}

static void test_evidence_that_the_permit_does_not_list (void **state)
{
    struct world *world = *state;
    struct gate gate = begin (world);
    struct permit permit = draft_permit (gate.realm, &gate.release, DEPLOY_P2, 1, &gate.honest);
    struct evidence fewer = gate.honest;
    struct evidence other = gate.honest;
    evidence_remove (&fewer, 0);
    world_permit (world, &permit, &fewer);
    world_refuses (world, "the permit lists 6 pieces of evidence, and 5 came with it");
    other.items[0] = other.items[1];
    world_permit (world, &permit, &other);
    world_refuses (world, "the evidence is not what the permit lists");
    permit = draft_permit (gate.realm, &gate.release, DEPLOY_P2, 1, &fewer);
    world_permit (world, &permit, &gate.honest);
    world_refuses (world, "the permit lists 5 pieces of evidence, and 6 came with it");
    obey (world, &gate);
}

static void test_rejection_and_abort (void **state)
{
    struct world *world = *state;
    struct gate gate = begin (world);
    struct evidence forged = gate.honest;
    evidence_decide (gate.realm, &forged, &gate.release, SIGNOFF, 1, LUIS, DECISION_REJECT);
    attack (world, &gate, &forged, "step 5: rejected by luis (it was looked at)");
    forged = gate.honest;
    evidence_decide (gate.realm, &forged, &gate.release, 0, 1, OPERATOR, DECISION_ABORT);
    attack (world, &gate, &forged, "aborted by operator-1 (it was looked at)");
    obey (world, &gate);
}

/* The suite on p2, before p2 has kept the release. */
static void test_step_skipped (void **state)
{
    struct world *world = *state;
    struct gate gate = begin (world);
    struct permit permit = draft_permit (gate.realm, &gate.release, TESTS_P2, 1, &gate.honest);
    struct evidence after;
    world_permit (world, &permit, &gate.honest);
    world_refuses (world, "step 6 (deploy): 0 of 1 hosts have kept; waiting for p2");
    obey (world, &gate);
    after = gate.honest;
    evidence_add (&after, world->report);
    permit = draft_permit (gate.realm, &gate.release, TESTS_P2, 1, &after);
    world_permit (world, &permit, &after);
    world_reports (world, &gate.release, TESTS_P2, OUTCOME_PASSED, "");
}

/* An hour's pause in the place of the sign-off. The controller's key promotes nothing. */
static void test_pause_cut_short (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct gate gate = {.realm = realm};
    struct evidence forged;
    struct approval promotion;
    plan.steps[SIGNOFF - 1] = (struct step){
        .number = SIGNOFF, .kind = STEP_PAUSE, .title = "pause", .duration = span_seconds (3600)};
    gate.release = realm_release_of (realm, &plan);
    gate.honest = realm_evidence (realm, &gate.release, DEPLOY_P2, 1);
    world_offer (world, &gate.release.envelope);
    attack (world, &gate, &gate.honest, "step 5 (pause): the pause goes on for 59:");
    promotion = draft_approval (realm, &gate.release, &gate.honest, SIGNOFF, 1, CONTROLLER, DECISION_PROMOTE);
    forged = gate.honest;
    evidence_add (&forged, SIGNED (realm, &approval_type, &promotion, CONTROLLER));
    attack (world, &gate, &forged, "controller-1 is not in the role operator for production");
    evidence_decide (realm, &gate.honest, &gate.release, SIGNOFF, 1, OPERATOR, DECISION_PROMOTE);
    obey (world, &gate);
}

/* Back is a change too: it takes a failure, or a person who says so. */
static void test_return_without_a_reason (void **state)
{
    struct world *world = *state;
    struct gate gate = begin (world);
    struct evidence evidence = {0};
    struct approval undo;
    struct permit permit;
    obey (world, &gate);
    world_remember (world);
    permit = draft_permit (gate.realm, &gate.release, 0, 1, &gate.honest);
    world_permit (world, &permit, &gate.honest);
    world_refuses (
        world,
        "no return of plan app-2.0: nothing failed, and nobody rejected, aborted or undid plan app-2.0");
    undo = draft_approval (gate.realm, &gate.release, &evidence, 0, 1, CONTROLLER, DECISION_UNDO);
    evidence_add (&evidence, SIGNED (gate.realm, &approval_type, &undo, CONTROLLER));
    permit = draft_permit (gate.realm, &gate.release, 0, 1, &evidence);
    world_permit (world, &permit, &evidence);
    world_refuses (world, "controller-1 is not in the role operator for production");
    undo.name = who_name (ANA);
    evidence.items[0] = SIGNED (gate.realm, &approval_type, &undo, ANA);
    permit = draft_permit (gate.realm, &gate.release, 0, 1, &evidence);
    world_permit (world, &permit, &evidence);
    world_refuses (world, "ana is not in the role operator for production");
    evidence.count = 0;
    evidence_decide (gate.realm, &evidence, &gate.release, 0, 1, OPERATOR, DECISION_UNDO);
    permit = draft_permit (gate.realm, &gate.release, 0, 1, &evidence);
    world_permit (world, &permit, &evidence);
    world_reports (world, &gate.release, 0, OUTCOME_RETURNED, "");
}

/* Two hosts one after the other: the second one's turn comes when the first one has kept. */
static void test_hosts_at_work_at_once (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    const char *both[] = {"p1", "p2"};
    struct evidence before;
    struct release release;
    struct permit permit;
    plan.steps[DEPLOY_P1 - 1].hosts = both;
    plan.steps[DEPLOY_P1 - 1].hosts_count = 2;
    plan.steps_count = DEPLOY_P1;
    release = realm_release_of (realm, &plan);
    before = realm_evidence (realm, &release, DEPLOY_P1, 1);
    permit = draft_permit (realm, &release, DEPLOY_P1, 1, &before);
    world_offer (world, &release.envelope);
    world_permit (world, &permit, &before);
    world_refuses (world, "0 of the 1 hosts before p2 have kept, and only 1 may be at work at once");
    evidence_report (realm, &before, &release, DEPLOY_P1, 1, P1, OUTCOME_KEPT);
    permit = draft_permit (realm, &release, DEPLOY_P1, 1, &before);
    world_permit (world, &permit, &before);
    world_reports (world, &release, DEPLOY_P1, OUTCOME_KEPT, "");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_evidence_left_out),
        ATTACK (test_failed_receipt_of_the_canary),
        ATTACK (test_signoff_by_keys_of_other_roles),
        ATTACK (test_receipts_signed_by_the_controller),
        ATTACK (test_receipts_of_hosts_outside_of_the_cohort),
        ATTACK (test_evidence_that_the_permit_does_not_list),
        ATTACK (test_rejection_and_abort),
        ATTACK (test_step_skipped),
        ATTACK (test_pause_cut_short),
        ATTACK (test_return_without_a_reason),
        ATTACK (test_hosts_at_work_at_once),
    };
    return WORLD_RUN (tests);
}
