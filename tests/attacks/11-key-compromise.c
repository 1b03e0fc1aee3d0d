/* Row 11, key compromise: what a thief of one role's keys can sign, and how a rotation takes it away. */
#include "tests/attacks/world.h"

/* Trust 2, in which root-2 takes the place of root-1. */
static struct trust rotated (struct world *world)
{
    struct trust trust = draft_trust (&world->realm, 2);
    ROLE_SET (&world->realm, &trust, ROLE_ROOT, 1, ROOT_2);
    return trust;
}

static void test_trust_signed_by_the_roots_of_one_side (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = rotated (world);
    struct envelope by_old = SIGNED (realm, &trust_type, &trust, ROOT_1);
    struct envelope by_new = SIGNED (realm, &trust_type, &trust, ROOT_2);
    world_offer (world, &by_new);
    world_refuses (
        world, "trust document, by the roots of version 1: 0 of 1 signatures that the role root needs");
    world_offer (world, &by_old);
    world_refuses (
        world, "trust document, by its own roots: 0 of 1 signatures that the role root needs are valid");
    world_new_trust (world, envelope_join (realm, by_old, by_new), 2);
    world_knows (world, 2, 1);
}

/* Every key but the roots': not even all of them together make a trust document. */
static void test_trust_signed_by_all_other_keys (void **state)
{
    static const enum who thieves[] = {OPERATOR, RELEASER_1, RELEASER_2, RELEASER_3, CONTROLLER,
                                       ANA,      LUIS,       EVA,        STRANGER,   P2};
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 2);
    struct envelope envelope;
    ROLE_SET (realm, &trust, ROLE_ROOT, 1, CONTROLLER_2);
    ROLE_SET (realm, &trust, ROLE_RELEASER, 1, RELEASER_1);
    envelope = envelope_join (
        realm, realm_sign (realm, &trust_type, &trust, thieves, sizeof thieves / sizeof *thieves),
        SIGNED (realm, &trust_type, &trust, CONTROLLER_2));
    world_offer (world, &envelope);
    world_refuses (world, "trust document, by the roots of version 1");
    trust = draft_trust (realm, 2);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_knows (world, 2, 1);
}

/* An expired trust document is a way on, and vouches for nothing. */
static void test_expired_trust_vouches_for_nothing (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 2);
    struct release next;
    trust.expires = realm_in (realm, -1);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_knows (world, 2, 1);
    world_remember (world);
    next = realm_release (realm, "2.0", 20);
    world_open (world, &next, 1);
    world_refuses (world, "the permit: the trust expired at");
    trust = draft_trust (realm, 3);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 3);
    world_obeys (world, &next);
}

/* Whose key is removed signed no plan that still counts: not one that comes later, and not one that was held
 * before. */
static void test_plan_of_a_removed_releaser (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 2);
    struct release held = realm_release (realm, "2.0", 20);
    struct plan plan = draft_plan (realm, "2.1", 21);
    struct release later = realm_release_of (realm, &plan);
    struct evidence evidence = realm_evidence (realm, &held, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &held, DEPLOY_P2, 1, &evidence);
    struct release honest;
    world_offer (world, &held.envelope);
    ROLE_SET (realm, &trust, ROLE_RELEASER, 2, RELEASER_2, RELEASER_3);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_knows (world, 2, 1);
    world_remember (world);
    world_permit (world, &permit, &evidence);
    world_refuses (
        world,
        "1 of 2 signatures that the role releaser needs are valid (releaser-2); missing from: releaser-3");
    world_open (world, &later, 1);
    world_refuses (world, "1 of 2 signatures that the role releaser needs are valid");
    honest = realm_release_signed (
        realm, &plan, envelope_join (realm, later.envelope, SIGNED (realm, &plan_type, &plan, RELEASER_3)));
    world_obeys (world, &honest);
}

/* p1 is stolen and leaves the fleet: its receipts prove nothing any more, and every other host's still do. */
static void test_receipts_of_a_revoked_host (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct fleet fleet = draft_fleet (realm, 2);
    struct release old = realm_release (realm, "2.0", 20);
    struct plan plan;
    struct release next;
    fleet.hosts[P1 - S1] = fleet.hosts[P2 - S1];
    fleet.hosts_count = P2 - S1;
    world_new_fleet (world, SIGNED (realm, &fleet_type, &fleet, OPERATOR), 2);
    world_knows (world, 1, 2);
    world_remember (world);
    world_open (world, &old, 1);
    world_refuses (world, "evidence 3: evidence: the receipt is signed by no host of the fleet");
    plan = draft_plan (realm, "2.1", 21);
    plan.steps[DEPLOY_P1 - 1].hosts[0] = "p2";
    plan.steps[TESTS_P1 - 1] = plan.steps[SIGNOFF - 1];
    plan.steps[TESTS_P1 - 1].number = TESTS_P1;
    plan.steps_count = TESTS_P1;
    next = realm_release_of (realm, &plan);
    {
        struct evidence evidence = realm_evidence (realm, &next, DEPLOY_P1, 1);
        struct permit permit = draft_permit (realm, &next, DEPLOY_P1, 1, &evidence);
        world_offer (world, &next.envelope);
        world_permit (world, &permit, &evidence);
        world_reports (world, &next, DEPLOY_P1, OUTCOME_KEPT, "");
    }
}

/* The same approval, before and after its key was taken away. */
static void test_approval_of_a_removed_approver (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 2);
    struct release next = realm_release (realm, "2.0", 20);
    ROLE_SET (realm, &trust, "release-managers", 2, LUIS, EVA);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_knows (world, 2, 1);
    world_remember (world);
    world_open (world, &next, 1);
    world_refuses (world, "ana is not in the role release-managers for production");
    trust = draft_trust (realm, 3);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 3);
    world_obeys (world, &next);
}

/* After the rotation of the controller's key the thief's own permits are worth nothing, and nobody else had
 * to change. */
static void test_permit_by_the_key_that_was_rotated_away (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 2);
    struct release next = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &next, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    struct envelope stolen = SIGNED (realm, &permit_type, &permit, CONTROLLER);
    ROLE_SET (realm, &trust, ROLE_CONTROLLER, 1, CONTROLLER_2);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_knows (world, 2, 1);
    world->controller = CONTROLLER_2;
    world_remember (world);
    world_offer (world, &next.envelope);
    world_permit_envelope (world, &stolen, &evidence);
    world_refuses (world, "0 of 1 signatures that the role controller needs are valid");
    world_obeys (world, &next);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_trust_signed_by_the_roots_of_one_side),
        ATTACK (test_trust_signed_by_all_other_keys),
        ATTACK (test_expired_trust_vouches_for_nothing),
        ATTACK (test_plan_of_a_removed_releaser),
        ATTACK (test_receipts_of_a_revoked_host),
        ATTACK (test_approval_of_a_removed_approver),
        ATTACK (test_permit_by_the_key_that_was_rotated_away),
    };
    return WORLD_RUN (tests);
}
