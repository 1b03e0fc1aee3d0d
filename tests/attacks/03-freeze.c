/* Row 3, freeze: a controller that keeps back what is newer, so that old documents stay in force. */
#include "tests/attacks/world.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE };

static struct envelope fleet_of (struct world *world, uint64_t version)
{
    struct fleet fleet = draft_fleet (&world->realm, version);
    return SIGNED (&world->realm, &fleet_type, &fleet, OPERATOR);
}

/* Says nothing of its own that the installer could learn from, but that time has passed. */
static void nudge (struct world *world, const struct release *known)
{
    struct offer offer = {.document = known->envelope};
    world_send (world, &offer_type, &offer);
}

/* A host whose clock the test sets, with release 1.0 on it. */
static int setup_clocked (void **state)
{
    struct world *world;
    struct release first;
    (void)world_setup_stranger (state);
    world = *state;
    world_clock (world, 0);
    world_join (world);
    agent_start (world);
    first = realm_release (&world->realm, "1.0", 10);
    world_obeys (world, &first);
    world_remember (world);
    return 0;
}

static void test_ticks_kept_back (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next;
    struct evidence evidence;
    struct permit permit;
    struct permit_offer offer;
    world_clock (world, 11 * MINUTE);
    next = realm_release (realm, "2.0", 20);
    evidence = realm_evidence (realm, &next, DEPLOY_P2, 1);
    permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    offer = (struct permit_offer){
        .permit = SIGNED (realm, &permit_type, &permit, CONTROLLER),
        .evidence = evidence.items,
        .evidence_count = evidence.count};
    nudge (world, &next);
    world_send (world, &permit_offer_type, &offer);
    world_says_as (world, ACTIVITY_STALE, "stale: no tick of the controller has come for");
    world_serve (world, (struct span){500});
    assert_int_equal (host_look (world).notes, world->before.notes); /* though the permit is true, and new */
    assert_non_null (strstr (agent_status (world), "stale: no tick of the controller has come for"));
    assert_non_null (strstr (agent_status (world), "nothing new begins here"));
    world_tick (world);
    world_reports (world, &next, DEPLOY_P2, OUTCOME_KEPT, "");
    world_runs (world, &next);
    assert_null (strstr (agent_status (world), "stale"));
}

static void test_newer_documents_announced_and_kept_back (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 2);
    struct release next;
    realm->trust_version = 2;
    realm->fleet_version = 2;
    world_tick (world);
    world_says_as (
        world, ACTIVITY_STALE, "stale: the newest are trust 2 and fleet 2; this host was given 1 and 1");
    assert_non_null (strstr (agent_status (world), "trust 1  fleet 1"));
    world_unchanged (world);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_tick (world);
    world_says_as (world, ACTIVITY_STALE, "the newest are trust 2 and fleet 2; this host was given 2 and 1");
    world_new_fleet (world, fleet_of (world, 2), 2);
    world_knows (world, 2, 2);
    assert_non_null (strstr (agent_status (world), "trust 2  fleet 2"));
    next = realm_release (realm, "2.0", 20);
    world_obeys (world, &next);
}

/* Delivered after its time, though it was true once. */
static void test_expired_permit (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &next, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    permit.expires = realm_in (realm, -1);
    world_offer (world, &next.envelope);
    world_permit (world, &permit, &evidence);
    world_refuses (world, "the permit expired at");
    permit.expires = (struct instant){0};
    world_permit (world, &permit, &evidence);
    world_refuses (world, "the permit does not say when it expires");
    world_obeys (world, &next);
}

/* So that it would stay in force for long. */
static void test_permit_of_the_future (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &next, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    permit.issued = realm_in (realm, HOUR);
    permit.expires = realm_in (realm, 2 * HOUR);
    world_offer (world, &next.envelope);
    world_permit (world, &permit, &evidence);
    world_refuses (world, "in the future: compare the clocks");
    world_obeys (world, &next);
}

static void test_expired_plan (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release old;
    struct release next;
    plan.expires = realm_in (realm, -1);
    old = realm_release_of (realm, &plan);
    world_open (world, &old, 1);
    world_refuses (world, "the plan expired at");
    next = realm_release (realm, "2.0", 20);
    world_obeys (world, &next);
}

static void test_expired_approval (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &next, SIGNOFF, 1);
    struct approval approval = draft_approval (realm, &next, &evidence, SIGNOFF, 1, ANA, DECISION_APPROVE);
    struct permit permit;
    approval.expires = realm_in (realm, -1);
    evidence_add (&evidence, SIGNED (realm, &approval_type, &approval, ANA));
    evidence_decide (realm, &evidence, &next, SIGNOFF, 1, LUIS, DECISION_APPROVE);
    permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    world_offer (world, &next.envelope);
    world_permit (world, &permit, &evidence);
    world_refuses (world, "the approval expired at");
    world_obeys (world, &next);
}

/* The newer fleet, in which hosts may have been revoked, is kept back for two hours. */
static void test_fleet_that_expires_on_the_host (void **state)
{
    struct world *world = *state;
    struct release next;
    world_clock (world, 2 * HOUR);
    next = realm_release (&world->realm, "2.0", 20);
    world_open (world, &next, 1);
    world_refuses (world, "fleet 1 expired at");
    world_new_fleet (world, fleet_of (world, 2), 2);
    next = realm_release (&world->realm, "2.0", 20);
    world_obeys (world, &next);
}

static void test_expired_fleet_is_not_taken (void **state)
{
    struct world *world = *state;
    struct fleet fleet = draft_fleet (&world->realm, 2);
    struct envelope old;
    fleet.expires = realm_in (&world->realm, -1);
    old = SIGNED (&world->realm, &fleet_type, &fleet, OPERATOR);
    world_offer (world, &old);
    world_refuses (world, "the fleet expired at");
    world_new_fleet (world, fleet_of (world, 2), 2);
    world_knows (world, 1, 2);
}

/* The same with the trust document: a rotation that takes a stolen key away is kept back. */
static void test_trust_that_expires_on_the_host (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct evidence evidence;
    struct release next;
    struct permit permit;
    struct trust trust;
    world_clock (world, 25 * HOUR);
    next = realm_release (realm, "2.0", 20);
    evidence = realm_evidence (realm, &next, DEPLOY_P2, 1);
    permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    world_tick (world);
    world_says (world, "the trust expired at");
    world_permit (world, &permit, &evidence);
    world_refuses (world, "the permit: the trust expired at");
    trust = draft_trust (realm, 2);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_new_fleet (world, fleet_of (world, 2), 2);
    next = realm_release (realm, "2.0", 20);
    world_obeys (world, &next);
}

/* Who can set a host's clock back would make old documents young again. */
static void test_clock_set_back (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &next, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    struct permit_offer offer = {.evidence = evidence.items, .evidence_count = evidence.count};
    for (int turn = 0; turn < 2; turn++) {
        world_clock (world, -HOUR);
        world_tick (world);
        world_says (world, "is past already: set the clock, then try again");
        world_offer (world, &next.envelope);
        world_settle (world);
        permit.issued = realm_now (realm);
        offer.permit = SIGNED (realm, &permit_type, &permit, CONTROLLER);
        world_send (world, &permit_offer_type, &offer);
        world_refuses (world, "is past already: set the clock, then try again");
        agent_restart (world);
    }
    world_clock (world, 0);
    world_obeys (world, &next);
}

#define ATTACK_CLOCKED(test) cmocka_unit_test_setup_teardown (test, setup_clocked, world_teardown)

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK_CLOCKED (test_ticks_kept_back),
        ATTACK (test_newer_documents_announced_and_kept_back),
        ATTACK (test_expired_permit),
        ATTACK (test_permit_of_the_future),
        ATTACK (test_expired_plan),
        ATTACK (test_expired_approval),
        ATTACK_CLOCKED (test_fleet_that_expires_on_the_host),
        ATTACK (test_expired_fleet_is_not_taken),
        ATTACK_CLOCKED (test_trust_that_expires_on_the_host),
        ATTACK_CLOCKED (test_clock_set_back),
    };
    return WORLD_RUN (tests);
}
