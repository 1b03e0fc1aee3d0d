/* Row 13, replay of receipts and approvals: what was said of one plan, step and attempt is used for another,
 * or counted twice. */
#include "tests/attacks/world.h"

struct case_of {
    struct realm *realm;
    struct release release;
    struct evidence evidence; /* all that is needed, but for the approvals */
};

static struct case_of begin (struct world *world)
{
    struct case_of it = {.realm = &world->realm, .release = realm_release (&world->realm, "2.0", 20)};
    it.evidence = realm_evidence (it.realm, &it.release, SIGNOFF, 1);
    world_offer (world, &it.release.envelope);
    return it;
}

static void attack (
    struct world *world, const struct case_of *it, const struct evidence *evidence, const char *words)
{
    struct permit permit = draft_permit (it->realm, &it->release, DEPLOY_P2, 1, evidence);
    world_permit (world, &permit, evidence);
    world_refuses (world, words);
}

static struct envelope approval_by (struct case_of *it, enum who who, const char *comment)
{
    struct approval approval =
        draft_approval (it->realm, &it->release, &it->evidence, SIGNOFF, 1, who, DECISION_APPROVE);
    approval.comment = comment;
    return SIGNED (it->realm, &approval_type, &approval, who);
}

static void test_one_approver_counted_twice (void **state)
{
    static const char words[] = "1 of 2 approvals by release-managers (ana)";
    struct world *world = *state;
    struct case_of it = begin (world);
    struct evidence same = it.evidence;
    struct evidence twice = it.evidence;
    struct evidence both = it.evidence;
    struct envelope approval = approval_by (&it, ANA, "yes");
    evidence_add (&same, approval);
    evidence_add (&same, approval);
    attack (world, &it, &same, words);
    evidence_add (&twice, approval);
    evidence_add (&twice, approval_by (&it, ANA, "yes again"));
    attack (world, &it, &twice, words);
    evidence_add (&both, approval);
    evidence_add (&both, envelope_join (it.realm, approval, approval));
    attack (world, &it, &both, words);
    world_obeys (world, &it.release);
}

/* ana signs one that says luis; the thief signs one that says luis with the controller's key, and ana's
 * beside it. */
static void test_approver_under_another_name (void **state)
{
    struct world *world = *state;
    struct case_of it = begin (world);
    struct approval approval =
        draft_approval (it.realm, &it.release, &it.evidence, SIGNOFF, 1, LUIS, DECISION_APPROVE);
    struct evidence forged = it.evidence;
    evidence_add (&forged, approval_by (&it, ANA, "yes"));
    evidence_add (&forged, SIGNED (it.realm, &approval_type, &approval, ANA));
    attack (world, &it, &forged, "the approval speaks for luis, whose key did not sign it");
    forged.items[forged.count - 1] = SIGNED (it.realm, &approval_type, &approval, CONTROLLER, ANA);
    attack (world, &it, &forged, "the approval speaks for luis, whose key did not sign it");
    approval.name = "nobody";
    forged.items[forged.count - 1] = SIGNED (it.realm, &approval_type, &approval, ANA);
    attack (world, &it, &forged, "the approval speaks for nobody, whose key did not sign it");
    world_obeys (world, &it.release);
}

/* An approval of the same step of the plan before, of the same plan's earlier attempt, of what was not yet
 * known. */
static void test_approvals_of_something_else (void **state)
{
    struct world *world = *state;
    struct case_of it = begin (world);
    struct realm *realm = it.realm;
    struct release before = realm_release (realm, "1.9", 19);
    struct evidence older = realm_evidence (realm, &before, DEPLOY_P2, 1);
    struct evidence later = realm_evidence (realm, &it.release, DEPLOY_P2, 2);
    struct evidence early = {0};
    struct evidence forged = it.evidence;
    evidence_add (&forged, older.items[older.count - 2]);
    evidence_add (&forged, older.items[older.count - 1]);
    attack (world, &it, &forged, "it is about another plan than app-2.0");
    forged = it.evidence;
    evidence_add (&forged, later.items[SIGNOFF - 1]);
    evidence_add (&forged, later.items[SIGNOFF]);
    attack (world, &it, &forged, "it is of attempt 2, where attempt 1 is judged");
    forged = it.evidence;
    evidence_decide (realm, &early, &it.release, SIGNOFF, 1, ANA, DECISION_APPROVE);
    evidence_decide (realm, &early, &it.release, SIGNOFF, 1, LUIS, DECISION_APPROVE);
    evidence_add (&forged, early.items[0]);
    evidence_add (&forged, early.items[1]);
    attack (
        world, &it, &forged,
        "0 of 2 approvals by release-managers (nobody yet); others decided over different evidence, and must "
        "look again");
    world_obeys (world, &it.release);
}

/* Approvals are over the receipts that the persons saw: none can be put in the place of another afterwards.
 */
static void test_receipt_exchanged_after_the_approval (void **state)
{
    struct world *world = *state;
    struct case_of it = begin (world);
    struct evidence all = realm_evidence (it.realm, &it.release, DEPLOY_P2, 1);
    struct receipt other = draft_receipt (it.realm, &it.release, TESTS_P1, 1, P1, OUTCOME_PASSED);
    struct evidence forged = all;
    forged.items[TESTS_P1 - 1] = SIGNED (it.realm, &receipt_type, &other, P1);
    attack (world, &it, &forged, "others decided over different evidence, and must look again");
    world_obeys (world, &it.release);
}

/* What p1 said of one step, as its word about the other; what s1 said, as if p1 had. */
static void test_receipts_of_another_step_or_host (void **state)
{
    struct world *world = *state;
    struct case_of it = begin (world);
    struct evidence all = realm_evidence (it.realm, &it.release, DEPLOY_P2, 1);
    struct evidence forged = all;
    struct receipt lie = draft_receipt (it.realm, &it.release, TESTS_P1, 1, P1, OUTCOME_PASSED);
    forged.items[TESTS_P1 - 1] = all.items[DEPLOY_P1 - 1];
    attack (world, &it, &forged, "step 4 (test): 0 of 1 hosts have passed; waiting for p1");
    forged = all;
    forged.items[TESTS_P1 - 1] = all.items[TESTS_S1 - 1];
    attack (world, &it, &forged, "step 4 (test): 0 of 1 hosts have passed; waiting for p1");
    forged.items[TESTS_P1 - 1] = SIGNED (it.realm, &receipt_type, &lie, S1);
    attack (world, &it, &forged, "the receipt speaks for p1, and s1 signed it");
    world_obeys (world, &it.release);
}

/* A receipt of the attempt before; and an operator's retry that was for another attempt, or another plan. */
static void test_retry_of_another_attempt (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release release = realm_release (realm, "2.0", 20);
    struct release other = realm_release (realm, "1.9", 19);
    struct evidence third = realm_evidence (realm, &release, DEPLOY_P2, 3);
    struct evidence second = realm_evidence (realm, &release, DEPLOY_P2, 2);
    struct evidence alien = realm_evidence (realm, &other, DEPLOY_P2, 3);
    struct evidence forged = third;
    struct permit permit;
    world_offer (world, &release.envelope);
    forged.items[forged.count - 1] = second.items[second.count - 1];
    permit = draft_permit (realm, &release, DEPLOY_P2, 3, &forged);
    world_permit (world, &permit, &forged);
    world_refuses (world, "it is of attempt 2, where attempt 3 is judged");
    forged.items[forged.count - 1] = alien.items[alien.count - 1];
    permit = draft_permit (realm, &release, DEPLOY_P2, 3, &forged);
    world_permit (world, &permit, &forged);
    world_refuses (world, "it is about another plan than app-2.0");
    evidence_remove (&forged, forged.count - 1);
    permit = draft_permit (realm, &release, DEPLOY_P2, 3, &forged);
    world_permit (world, &permit, &forged);
    world_refuses (world, "no operator's retry opens attempt 3 of plan app-2.0");
    world_obeys_attempt (world, &release, 3);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_one_approver_counted_twice),       ATTACK (test_approver_under_another_name),
        ATTACK (test_approvals_of_something_else),      ATTACK (test_receipt_exchanged_after_the_approval),
        ATTACK (test_receipts_of_another_step_or_host), ATTACK (test_retry_of_another_attempt),
    };
    return WORLD_RUN (tests);
}
