/* What people override, and what nobody can; and the permit to keep a release. */
#include "tests/unit/common_core/gate_world.h"

static int enter_with_override (void **state)
{
    struct world *world;
    (void)enter (state);
    world = *state;
    world->plan.on_failure = ON_FAILURE_PAUSE;
    world->plan.override_role = "managers";
    world->plan.override_approvals = 2;
    return 0;
}

/* The newest failed receipt or rejection that could be overridden. */
static struct digest closing (const struct world *world)
{
    struct digest digests[8];
    uint64_t steps[8];
    size_t count = gate_overridable (&world->gate, digests, steps, 8);
    assert_in_range (count, 1, 8);
    return digests[count - 1];
}

static struct approval override_of (struct world *world, const char *name, uint64_t step, struct digest about)
{
    struct approval approval = approval_of (world, name, step, DECISION_OVERRIDE, "managers");
    approval.evidence = about;
    return approval;
}

static void overrides (struct world *world, const char *name, uint64_t step, struct digest about)
{
    struct approval approval = override_of (world, name, step, about);
    assert_true (add (world, &approval_type, &approval, name));
}

static void test_failed_test (void **state)
{
    struct world *world = *state;
    struct digest failed;
    walk_to (world, CANARY_TEST);
    says (world, "p1", CANARY_TEST, OUTCOME_FAILED);
    failed = closing (world);
    overrides (world, "ana", CANARY_TEST, failed);
    overrides (world, "ana", CANARY_TEST, failed);
    assert_true (gate_is_closed (&world->gate, &world->error)); /* one person, twice, is one person */
    assert_true (gate_return_open (&world->gate, NULL));
    overrides (world, "luis", CANARY_TEST, failed);
    assert_false (gate_is_closed (&world->gate, NULL));
    assert_false (gate_return_open (&world->gate, NULL));
    assert_true (is_done (world, CANARY_TEST));
    assert_true (is_open (world, MANUAL, NULL));
    assert_int_equal (gate_overridable (&world->gate, NULL, NULL, 0), 0);
    /* Another failure is another one. */
    says (world, "p1", CANARY_TEST, OUTCOME_FAILED);
    assert_true (gate_is_closed (&world->gate, NULL));
}

static void test_rejection (void **state)
{
    struct world *world = *state;
    struct approval rejection;
    walk_to (world, SIGNOFF);
    rejection = approval_of (world, "eva", SIGNOFF, DECISION_REJECT, "managers");
    assert_true (add (world, &approval_type, &rejection, "eva"));
    assert_true (gate_is_closed (&world->gate, NULL));
    overrides (world, "ana", SIGNOFF, closing (world));
    overrides (world, "luis", SIGNOFF, closing (world));
    assert_false (gate_is_closed (&world->gate, NULL));
    assert_false (is_done (world, SIGNOFF)); /* nobody has approved it by that */
    decides (world, "ana", SIGNOFF, DECISION_APPROVE, "managers");
    decides (world, "luis", SIGNOFF, DECISION_APPROVE, "managers");
    assert_true (is_done (world, SIGNOFF));
}

/* A host that failed does not hold up those behind it, nor does it make their number larger. */
static void test_cohort_goes_on (void **state)
{
    struct world *world = *state;
    size_t window[4];
    walk_to (world, REST);
    says (world, "p2", REST, OUTCOME_KEPT);
    says (world, "p3", REST, OUTCOME_RETURNED);
    assert_int_equal (gate_deploy_window (&world->gate, REST, window), 0);
    overrides (world, "ana", REST, closing (world));
    overrides (world, "luis", REST, closing (world));
    assert_int_equal (gate_deploy_window (&world->gate, REST, window), 1);
    assert_int_equal (window[0], 2);
    assert_true (is_open (world, REST, "p4"));
    says (world, "p4", REST, OUTCOME_KEPT);
    assert_true (is_done (world, REST));
}

static void test_never_overridden (void **state)
{
    struct world *world = *state;
    struct receipt stuck;
    struct digest digests[1];
    uint64_t steps[1];
    walk_to (world, CANARY);
    stuck = receipt_of (world, "p1", CANARY, OUTCOME_STUCK);
    assert_true (add (world, &receipt_type, &stuck, "p1"));
    says (world, "s1", 0, OUTCOME_RETURNED);
    assert_int_equal (gate_overridable (&world->gate, digests, steps, 1), 0);
    for (size_t i = 0; i < world->gate.receipt_count; i++) {
        overrides (world, "ana", CANARY, world->gate.receipts[i].digest);
        overrides (world, "luis", CANARY, world->gate.receipts[i].digest);
    }
    assert_true (gate_is_closed (&world->gate, &world->error));
    assert_says (world, "p1 says stuck");
    decides (world, "op", 0, DECISION_ABORT, "operator");
    assert_true (gate_is_closed (&world->gate, NULL));
}

static void test_wrong_overrides (void **state)
{
    struct world *world = *state;
    struct approval wrong;
    struct digest failed;
    walk_to (world, CANARY_TEST);
    says (world, "p1", CANARY_TEST, OUTCOME_FAILED);
    failed = closing (world);
    wrong = override_of (world, "ana", CANARY_TEST, failed);
    wrong.comment = " \t";
    assert_false (add (world, &approval_type, &wrong, "ana"));
    assert_says (world, "to override a step takes a comment");
    wrong = override_of (world, "ana", CANARY_TEST, (struct digest){{0}});
    assert_false (add (world, &approval_type, &wrong, "ana"));
    assert_says (world, "does not name the receipt");
    wrong = override_of (world, "bo", CANARY_TEST, failed);
    assert_false (add (world, &approval_type, &wrong, "bo")); /* a manager of all but production */
    wrong = override_of (world, "bo", CANARY_TEST, failed);
    wrong.role = "testers";
    assert_false (add (world, &approval_type, &wrong, "bo"));
    assert_says (world, "takes the role managers, not testers");
    wrong = override_of (world, "op", CANARY_TEST, failed);
    wrong.role = "operator";
    assert_false (add (world, &approval_type, &wrong, "op"));
    /* Who may override in staging says so about a step of staging, and names a failure of production. */
    overrides (world, "bo", STAGING_TEST, failed);
    world->plan.override_approvals = 1;
    assert_true (gate_is_closed (&world->gate, NULL));
    world->plan.override_role = "";
    wrong = override_of (world, "ana", CANARY_TEST, failed);
    assert_false (add (world, &approval_type, &wrong, "ana"));
    assert_says (world, "lets nobody override");
}

/* Who signs off after an override has it in sight: its digest is part of what is signed. */
static void test_evidence_binds_overrides (void **state)
{
    struct world *world = *state;
    struct gate_case other;
    struct digest before;
    struct digest after;
    struct digest failed;
    walk_to (world, CANARY_TEST);
    says (world, "p1", CANARY_TEST, OUTCOME_FAILED);
    failed = closing (world);
    before = gate_evidence_digest (&world->gate, SIGNOFF);
    overrides (world, "ana", CANARY_TEST, failed);
    overrides (world, "luis", CANARY_TEST, failed);
    after = gate_evidence_digest (&world->gate, SIGNOFF);
    assert_false (digest_equal (&before, &after));
    before = gate_evidence_digest (&world->gate, CANARY_TEST);
    other = world->gate;
    other.approvals =
        arena_copy (&world->arena, other.approvals, other.approval_count * sizeof *other.approvals);
    other.approvals[0] = world->gate.approvals[1];
    other.approvals[1] = world->gate.approvals[0];
    for (uint64_t step = CANARY_TEST; step <= SIGNOFF; step++) {
        struct digest one = gate_evidence_digest (&world->gate, step);
        struct digest two = gate_evidence_digest (&other, step);
        assert_true (digest_equal (&one, &two)); /* in whatever order they came */
    }
}

static void test_keep (void **state)
{
    struct world *world = *state;
    walk_to (world, CANARY);
    assert_false (gate_keep_open (&world->gate, CANARY, "p1", &world->error));
    assert_says (world, "0 of 1 hosts have kept");
    says (world, "p1", CANARY, OUTCOME_KEPT);
    assert_true (gate_keep_open (&world->gate, CANARY, "p1", NULL));
    assert_false (gate_keep_open (&world->gate, CANARY, "p2", &world->error));
    assert_says (world, "p2 is not one of the hosts of step 3");
    assert_false (gate_keep_open (&world->gate, CANARY_TEST, "p1", &world->error));
    assert_says (world, "deploys nothing that could be kept");
    assert_false (gate_keep_open (&world->gate, 99, "p1", NULL));
    says (world, "p1", CANARY_TEST, OUTCOME_FAILED);
    assert_false (gate_keep_open (&world->gate, CANARY, "p1", NULL));
}

#define UNIT(function) cmocka_unit_test_setup_teardown (function, enter_with_override, leave)

int main (void)
{
    const struct CMUnitTest tests[] = {
        UNIT (test_failed_test),
        UNIT (test_rejection),
        UNIT (test_cohort_goes_on),
        UNIT (test_never_overridden),
        UNIT (test_wrong_overrides),
        UNIT (test_evidence_binds_overrides),
        UNIT (test_keep),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
