/* Row 8, wrong software: a genuine release, for another product, environment or host. */
#include "tests/attacks/world.h"

/* The releasers signed that "other" goes to p2, which runs only "app". */
static void test_plan_of_another_product (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release wrong;
    struct release honest = realm_release_of (realm, &plan);
    plan.product = "other";
    plan.profile.product = "other";
    wrong = realm_release_of (realm, &plan);
    world_open (world, &wrong, 1);
    world_refuses (world, "p2 does not run other, says the fleet");
    world_obeys (world, &honest);
}

/* The step says staging, and the fleet says that p2 is in production. */
static void test_step_of_another_environment (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release wrong;
    struct release honest;
    plan.steps[DEPLOY_P2 - 1].environment = "staging";
    plan.steps[TESTS_P2 - 1].environment = "staging";
    wrong = realm_release_of (realm, &plan);
    world_open (world, &wrong, 1);
    world_refuses (world, "step 6 is for staging, and this host belongs to production");
    honest = realm_release (realm, "2.0", 20);
    world_obeys (world, &honest);
}

/* Permits of steps of s1 and p1, with p2 put among their hosts. */
static void test_step_of_another_host (void **state)
{
    static const uint64_t steps[] = {DEPLOY_S1, TESTS_S1, DEPLOY_P1, TESTS_P1};
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release release = realm_release (realm, "2.0", 20);
    const char *hosts[] = {"p1", "p2"};
    world_offer (world, &release.envelope);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct evidence evidence = realm_evidence (realm, &release, steps[i], 1);
        struct permit permit = draft_permit (realm, &release, steps[i], 1, &evidence);
        permit.hosts = hosts;
        permit.hosts_count = 2;
        world_permit (world, &permit, &evidence);
        world_refuses (world, "is not for this host, p2");
    }
    world_obeys (world, &release);
}

/* Steps of people, of no host at all, and a step that the plan does not have. */
static void test_step_that_is_no_work_for_a_host (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release release = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &release, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &release, DEPLOY_P2, 1, &evidence);
    world_offer (world, &release.envelope);
    permit.step = SIGNOFF;
    world_permit (world, &permit, &evidence);
    world_refuses (world, "step 5 of plan app-2.0 is no work for a host");
    permit.step = TESTS_P2 + 1;
    world_permit (world, &permit, &evidence);
    world_refuses (world, "plan app-2.0 has no step 8");
    world_obeys (world, &release);
}

/* It is published to all: what is not for this host is passed over in silence. */
static void test_permit_that_does_not_name_the_host (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release release = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &release, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &release, DEPLOY_P2, 1, &evidence);
    const char *hosts[] = {"p1", "P2", "p22", "p2 "};
    permit.hosts = hosts;
    permit.hosts_count = 4;
    world_offer (world, &release.envelope);
    world_permit (world, &permit, &evidence);
    world_unchanged (world);
    world_obeys (world, &release);
}

static void test_host_named_twice (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release honest = realm_release (realm, "2.0", 20);
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &honest, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &honest, DEPLOY_P2, 1, &evidence);
    struct fleet fleet = draft_fleet (realm, 2);
    const char *twice[] = {"p2", "p2"};
    struct envelope envelope;
    permit.hosts = twice;
    permit.hosts_count = 2;
    world_offer (world, &honest.envelope);
    world_permit (world, &permit, &evidence);
    world_refuses (world, "the permit names the host p2 twice");
    plan.steps[DEPLOY_P2 - 1].hosts = twice;
    plan.steps[DEPLOY_P2 - 1].hosts_count = 2;
    envelope = SIGNED (realm, &plan_type, &plan, RELEASER_1, RELEASER_2);
    world_offer (world, &envelope);
    world_refuses (world, "the host p2 is deployed to twice, in the steps 6 and 6");
    plan = draft_plan (realm, "2.0", 20);
    plan.steps[DEPLOY_P1 - 1].hosts = twice;
    envelope = SIGNED (realm, &plan_type, &plan, RELEASER_1, RELEASER_2);
    world_offer (world, &envelope);
    world_refuses (world, "the host p2 is deployed to twice, in the steps 3 and 6");
    fleet.hosts[P1 - S1].name = "p2";
    envelope = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    world_offer (world, &envelope);
    world_refuses (world, "the host p2 is listed twice");
    world_obeys (world, &honest);
}

/* The fleet gives the name p2 to a host with another key: this one is it no more. */
static void test_name_given_to_another_key (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct fleet fleet = draft_fleet (realm, 2);
    struct release release;
    fleet.hosts[P2 - S1].key = realm->keys[STRANGER].public;
    world_new_fleet (world, SIGNED (realm, &fleet_type, &fleet, OPERATOR), 2);
    world_remember (world);
    release = realm_release (realm, "2.0", 20);
    world_open (world, &release, 1);
    world_refuses (world, "the fleet has another key for p2: enrol this host anew");
    fleet = draft_fleet (realm, 3);
    world_new_fleet (world, SIGNED (realm, &fleet_type, &fleet, OPERATOR), 3);
    release = realm_release (realm, "2.0", 20);
    world_obeys (world, &release);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_plan_of_another_product),
        ATTACK (test_step_of_another_environment),
        ATTACK (test_step_of_another_host),
        ATTACK (test_step_that_is_no_work_for_a_host),
        ATTACK (test_permit_that_does_not_name_the_host),
        ATTACK (test_host_named_twice),
        ATTACK (test_name_given_to_another_key),
    };
    return WORLD_RUN (tests);
}
