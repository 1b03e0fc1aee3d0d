/* Row 2, rollback: what was valid once is replayed, of each kind of document, with a restart of the agent
 * between. */
#include "tests/attacks/world.h"

static struct envelope trust_of (struct world *world, uint64_t version)
{
    struct trust trust = draft_trust (&world->realm, version);
    return SIGNED (&world->realm, &trust_type, &trust, ROOT_1);
}

static struct envelope fleet_of (struct world *world, uint64_t version)
{
    struct fleet fleet = draft_fleet (&world->realm, version);
    return SIGNED (&world->realm, &fleet_type, &fleet, OPERATOR);
}

/* The agent refuses in these words, and, started again, still does. */
static void replay (struct world *world, const struct envelope *old, const char *words)
{
    world_remember (world);
    world_offer (world, old);
    world_refuses (world, words);
    agent_restart (world);
    world_offer (world, old);
    world_refuses (world, words);
}

static void test_old_trust (void **state)
{
    struct world *world = *state;
    struct envelope first = world->realm.trust;
    world_new_trust (world, trust_of (world, 2), 2);
    world_knows (world, 2, 1);
    replay (world, &first, "trust document of version 1, where exactly the one after 2 can follow");
    world_new_trust (world, trust_of (world, 3), 3);
    world_knows (world, 3, 1);
}

/* The same version with other contents is no way back either. */
static void test_other_trust_of_the_same_version (void **state)
{
    struct world *world = *state;
    struct envelope other;
    world_new_trust (world, trust_of (world, 2), 2);
    world_knows (world, 2, 1);
    world->realm.ahead = span_seconds (1);
    other = trust_of (world, 2);
    world->realm.ahead = span_seconds (0);
    replay (world, &other, "trust document of version 2, where exactly the one after 2 can follow");
    world_new_trust (world, trust_of (world, 3), 3);
    world_knows (world, 3, 1);
}

static void test_old_fleet (void **state)
{
    struct world *world = *state;
    struct envelope first = world->realm.fleet;
    world_new_fleet (world, fleet_of (world, 2), 2);
    world_knows (world, 1, 2);
    replay (world, &first, "fleet document of version 1, where at least 3 is wanted: it never goes back");
    world_new_fleet (world, fleet_of (world, 3), 3);
    world_knows (world, 1, 3);
}

/* Signed by the releasers once, never opened then; the thief of the controller opens it now, with the word of
   hosts and approvers that was given for it. */
static void test_old_plan (void **state)
{
    static const char words[] = "release counter 15 of plan app-1.5 is lower than 20";
    struct world *world = *state;
    struct release old = realm_release (&world->realm, "1.5", 15);
    struct release current = realm_release (&world->realm, "2.0", 20);
    struct release next = realm_release (&world->realm, "3.0", 30);
    world_obeys (world, &current);
    world_remember (world);
    world_open (world, &old, 1);
    world_refuses (world, words);
    agent_restart (world);
    world_open (world, &old, 1);
    world_refuses (world, words);
    world_obeys (world, &next);
}

/* What was done before is answered by the receipt of then, and not done again. */
static void test_permit_of_a_step_that_is_done (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release first = realm_release (realm, "2.0", 20);
    struct release second = realm_release (realm, "3.0", 30);
    struct evidence evidence = realm_evidence (realm, &first, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &first, DEPLOY_P2, 1, &evidence);
    struct digest receipt;
    world_offer (world, &first.envelope);
    world_permit (world, &permit, &evidence);
    world_reports (world, &first, DEPLOY_P2, OUTCOME_KEPT, "");
    receipt = digest_of_envelope (&world->report);
    world_obeys (world, &second);
    world_remember (world);
    for (int turn = 0; turn < 2; turn++) {
        struct digest again;
        world_offer (world, &first.envelope);
        world_permit (world, &permit, &evidence);
        world_reports (world, &first, DEPLOY_P2, OUTCOME_KEPT, "");
        again = digest_of_envelope (&world->report);
        assert_true (digest_equal (&again, &receipt));
        world_unchanged (world);
        agent_restart (world);
    }
    world_runs (world, &second);
}

/* An old failure is no reason to undo what has gone out since. */
static void test_return_by_the_failure_of_an_attempt_that_is_over (void **state)
{
    static const char words[] = "attempt 1 of plan app-2.0 is over: this host has begun attempt 2";
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release release = realm_release (realm, "2.0", 20);
    struct evidence failure = realm_evidence (realm, &release, DEPLOY_P1, 1);
    struct evidence abort = {0};
    struct permit permit;
    evidence_report (realm, &failure, &release, DEPLOY_P1, 1, P1, OUTCOME_RETURNED);
    world_obeys_attempt (world, &release, 2);
    world_remember (world);
    permit = draft_permit (realm, &release, 0, 1, &failure);
    world_permit (world, &permit, &failure);
    world_refuses (world, words);
    agent_restart (world);
    world_offer (world, &release.envelope);
    world_permit (world, &permit, &failure);
    world_refuses (world, words);
    evidence_decide (realm, &abort, &release, 0, 2, OPERATOR, DECISION_UNDO);
    permit = draft_permit (realm, &release, 0, 2, &abort);
    world_permit (world, &permit, &abort);
    world_reports (world, &release, 0, OUTCOME_RETURNED, "");
}

static struct heartbeat heartbeat_of (struct world *world, uint64_t epoch, uint64_t sequence)
{
    struct tick tick = draft_tick (&world->realm, epoch, sequence);
    return (struct heartbeat){SIGNED (&world->realm, &tick_type, &tick, CONTROLLER)};
}

/* The first tick of epoch 2 is issued a second later than what the journal holds: so it is noted. */
static void test_old_tick (void **state)
{
    static const char words[] = "an old tick (1, 90) after (2, ";
    struct world *world = *state;
    struct heartbeat old = heartbeat_of (world, 1, 90);
    world_serve (world, (struct span){1100});
    world->epoch = 2;
    world->sequence = 0;
    world_remember (world);
    world_send (world, &heartbeat_type, &old);
    world_refuses (world, words);
    agent_restart (world);
    world_send (world, &heartbeat_type, &old);
    world_refuses (world, words);
    old = heartbeat_of (world, 2, 0);
    world_send (world, &heartbeat_type, &old);
    world_refuses (world, "an old tick (2, 0) after (2, ");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_old_trust),
        ATTACK (test_other_trust_of_the_same_version),
        ATTACK (test_old_fleet),
        ATTACK (test_old_plan),
        ATTACK (test_permit_of_a_step_that_is_done),
        ATTACK (test_return_by_the_failure_of_an_attempt_that_is_over),
        ATTACK (test_old_tick),
    };
    return WORLD_RUN (tests);
}
