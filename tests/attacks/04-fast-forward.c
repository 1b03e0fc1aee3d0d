/* Row 4, fast-forward: a number that only ever rises is pushed to its end, so that nothing can follow. */
#include <inttypes.h>

#include "tests/attacks/world.h"

static void test_fleet_of_the_last_version (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct fleet fleet = draft_fleet (realm, UINT64_MAX);
    struct envelope last = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    world_offer (world, &last);
    world_refuses (
        world,
        "fleet document of version 18446744073709551615, which is absurdly far above the one before it");
    fleet = draft_fleet (realm, 2);
    world_new_fleet (world, SIGNED (realm, &fleet_type, &fleet, OPERATOR), 2);
    world_knows (world, 1, 2);
}

static void test_trust_of_the_last_version (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, UINT64_MAX);
    struct envelope last = SIGNED (realm, &trust_type, &trust, ROOT_1);
    world_offer (world, &last);
    world_refuses (
        world, "trust document of version 18446744073709551615, where exactly the one after 1 can follow");
    trust = draft_trust (realm, 3);
    last = SIGNED (realm, &trust_type, &trust, ROOT_1);
    world_offer (world, &last);
    world_refuses (world, "trust document of version 3, where exactly the one after 1 can follow");
    trust = draft_trust (realm, 2);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_knows (world, 2, 1);
}

static void test_plan_with_the_last_release_counter (void **state)
{
    struct world *world = *state;
    struct release last = realm_release (&world->realm, "2.0", UINT64_MAX);
    struct release next = realm_release (&world->realm, "2.0", 20);
    world_open (world, &last, 1);
    world_refuses (world, "is absurdly far above 10, and would leave no room for later ones");
    world_obeys (world, &next);
}

/* The same on a host that knows no counter yet. */
static void test_first_plan_with_the_last_release_counter (void **state)
{
    struct world *world = *state;
    struct release last = realm_release (&world->realm, "2.0", UINT64_MAX);
    struct release first = realm_release (&world->realm, "2.0", 20);
    world_open (world, &last, 1);
    world_refuses (world, "is absurdly far above 0, and would leave no room for later ones");
    world_obeys (world, &first);
}

static void test_permit_of_the_last_attempt (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &next, DEPLOY_P2, LIMIT_ATTEMPTS);
    struct permit permit;
    evidence_remove (
        &evidence, evidence.count - 1); /* the operator's retry, which no thief of the controller can sign */
    permit = draft_permit (realm, &next, DEPLOY_P2, LIMIT_ATTEMPTS, &evidence);
    world_offer (world, &next.envelope);
    world_permit (world, &permit, &evidence);
    world_refuses (world, "no operator's retry opens attempt 1000 of plan app-2.0");
    world_obeys (world, &next);
}

/* The thief's own signature, so it counts; a new controller key clears what the old one has set. */
static void test_ticks_counted_to_the_end_and_the_key_rotated (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 2);
    size_t hellos = world->hellos;
    struct heartbeat last;
    struct release next;
    struct tick tick;
    world_serve (world, (struct span){1100}); /* later than the clock's note: so this one is noted too */
    tick = draft_tick (realm, UINT64_MAX, UINT64_MAX);
    last.tick = SIGNED (realm, &tick_type, &tick, CONTROLLER);
    world_send (world, &heartbeat_type, &last);
    world_until (world, &world->hellos, hellos, "a hello to the controller of another epoch");
    world_tick (world);
    world_says (world, "after (18446744073709551615, 18446744073709551615)");
    agent_restart (world);
    world_tick (world);
    world_says (world, "after (18446744073709551615, 18446744073709551615)");
    ROLE_SET (realm, &trust, ROLE_CONTROLLER, 1, CONTROLLER_2);
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_knows (world, 2, 1);
    world_tick (world);
    world_says (world, "0 of 1 signatures that the role controller needs are valid");
    world->controller = CONTROLLER_2;
    world->epoch = 2;
    world->sequence = 0;
    next = realm_release (realm, "2.0", 20);
    world_obeys (world, &next);
}

static void test_tick_of_a_far_year (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct tick tick = draft_tick (realm, 1, 1000);
    struct heartbeat far;
    tick.issued = (struct instant){INT64_MAX - 1};
    tick.expires = (struct instant){INT64_MAX};
    far.tick = SIGNED (realm, &tick_type, &tick, CONTROLLER);
    world_send (world, &heartbeat_type, &far);
    world_refuses (world, "in the future: compare the clocks");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_fleet_of_the_last_version),
        ATTACK (test_trust_of_the_last_version),
        ATTACK (test_plan_with_the_last_release_counter),
        ATTACK_BARE (test_first_plan_with_the_last_release_counter),
        ATTACK (test_permit_of_the_last_attempt),
        ATTACK (test_ticks_counted_to_the_end_and_the_key_rotated),
        ATTACK (test_tick_of_a_far_year),
    };
    return WORLD_RUN (tests);
}
