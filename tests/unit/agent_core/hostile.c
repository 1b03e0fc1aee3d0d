/* Attacks on an installer by a controller with its true key, and by a session that hands over what it likes.
   Each test is named for the attack. */
#include "world.h"

static const struct digest none;

static struct envelope decision (
    struct world *world, const struct release *release, uint64_t attempt, enum decision what)
{
    return make_approval (world, release, 0, attempt, what, OPERATOR, none);
}

/* Attempt 1 kept and was then aborted elsewhere; attempt 2 keeps. */
static void deploy_twice (struct world *world, const struct release *release)
{
    struct envelope retry = decision (world, release, 2, DECISION_RETRY);
    deploy (world, release);
    offer_permit (world, make_permit (world, release, 1, 2), &retry, 1);
    assert_int_equal (world->receipt.outcome, OUTCOME_KEPT);
    assert_int_equal (world->receipt.attempt, 2);
}

static void test_old_failure_orders_no_return_of_a_later_attempt (void **state)
{
    static const enum decision reasons[] = {DECISION_ABORT, DECISION_UNDO};
    (void)state;
    for (size_t i = 0; i <= sizeof reasons / sizeof reasons[0]; i++) {
        struct world *world = world_new (HOST_1);
        struct release release = make_plan (world, "2.0", 2, RELEASER);
        struct envelope old = i < 2 ? decision (world, &release, 1, reasons[i])
                                    : make_receipt (world, &release, 2, OUTCOME_FAILED);
        size_t notes;
        deploy_twice (world, &release);
        boot (world);
        offer (world, &release.plan);
        notes = world->note_count;
        offer_permit (world, make_permit (world, &release, 0, 1), &old, 1);
        assert_int_equal (world->note_count, notes);
        assert_non_null (strstr (world->detail, "attempt 1 of plan release is over"));
        assert_runs (world, release.folder);
        old = decision (world, &release, 2, DECISION_ABORT);
        offer_permit (world, make_permit (world, &release, 0, 2), &old, 1);
        assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
        world_free (world);
    }
}

static void test_old_attempt_is_not_begun_again (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release release = make_plan (world, "2.0", 2, RELEASER);
    struct envelope kept;
    size_t notes;
    (void)state;
    deploy_twice (world, &release);
    kept = make_receipt (world, &release, 1, OUTCOME_KEPT);
    notes = world->note_count;
    offer_permit (world, make_permit (world, &release, 2, 1), &kept, 1);
    assert_int_equal (world->note_count, notes);
    assert_non_null (strstr (world->detail, "attempt 1 of plan release is over"));
    world_free (world);
}

static void test_return_of_an_older_plan_leaves_the_newer_release (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release old = make_plan (world, "1.0", 1, RELEASER);
    struct release new = make_plan (world, "2.0", 2, RELEASER);
    struct envelope undo = decision (world, &old, 1, DECISION_UNDO);
    struct envelope abort = decision (world, &new, 1, DECISION_ABORT);
    size_t notes;
    (void)state;
    deploy (world, &old);
    deploy (world, &new);
    notes = world->note_count;
    offer_permit (world, make_permit (world, &old, 0, 1), &undo, 1);
    assert_int_equal (world->note_count, notes);
    assert_non_null (strstr (world->detail, "release counter 1"));
    assert_runs (world, new.folder);
    offer_permit (world, make_permit (world, &new, 0, 1), &abort, 1);
    assert_runs (world, old.folder);
    boot (world);
    offer (world, &old.plan);
    offer_permit (world, make_permit (world, &old, 0, 1), &undo, 1);
    assert_runs (world, old.folder);
    world_free (world);
}

/* What failed once stays failed, even where its receipt is long forgotten. */
static void test_forgotten_failure_is_not_forgiven (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release release = make_plan (world, "2.0", 2, RELEASER);
    struct envelope reason = decision (world, &release, 1, DECISION_ABORT);
    struct report_stored stored;
    struct digest failed;
    size_t notes;
    (void)state;
    deploy (world, &release);
    stored.receipt = world->reported;
    enqueue_message (world, &report_stored_type, &stored);
    offer_permit (world, make_permit (world, &release, 0, 1), &reason, 1);
    failed = world->reported;
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    for (size_t i = 0; i < 300; i++) { /* more than any installer keeps */
        struct release other = make_plan (world, "0.9", 3 + i, RELEASER);
        struct envelope abort = decision (world, &other, 1, DECISION_ABORT);
        stored.receipt = world->reported;
        enqueue_message (world, &report_stored_type, &stored);
        offer (world, &other.plan);
        offer_permit (world, make_permit (world, &other, 0, 1), &abort, 1);
    }
    assert_false (digest_equal (&world->reported, &failed));
    offer (world, &release.plan);
    notes = world->note_count;
    offer_permit (world, make_permit (world, &release, 1, 1), NULL, 0);
    assert_int_equal (world->note_count, notes);
    assert_non_null (strstr (world->detail, "ended on this host"));
    world_free (world);
}

static void test_two_plans_with_one_counter (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release first = make_plan (world, "2.0", 5, RELEASER);
    struct release second = make_plan (world, "2.0b", 5, RELEASER);
    size_t notes;
    (void)state;
    deploy (world, &first);
    boot (world);
    notes = world->note_count;
    deploy (world, &second);
    assert_int_equal (world->note_count, notes);
    assert_non_null (strstr (world->detail, "another plan with the release counter 5"));
    assert_runs (world, first.folder);
    world_free (world);
}

static void test_counter_runs_to_the_end (void **state)
{
    static const uint64_t absurd[] = {UINT64_MAX, ACCEPT_FIRST + 1};
    struct world *world = world_new (HOST_1);
    struct release release = make_plan (world, "1.0", ACCEPT_FIRST, RELEASER);
    struct release far = make_plan (world, "2.0", ACCEPT_FIRST + ACCEPT_RISE + 1, RELEASER);
    struct release near = make_plan (world, "3.0", ACCEPT_FIRST + ACCEPT_RISE, RELEASER);
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct release first = make_plan (world, "9.9", absurd[i], RELEASER);
        deploy (world, &first);
        assert_int_equal (world->note_count, 2);
        assert_non_null (strstr (world->detail, "absurdly"));
    }
    deploy (world, &release);
    assert_runs (world, release.folder);
    deploy (world, &far);
    assert_runs (world, release.folder);
    assert_non_null (strstr (world->detail, "absurdly"));
    deploy (world, &near);
    assert_runs (world, near.folder);
    world_free (world);
}

static void beat (struct world *world, uint64_t epoch, enum who who)
{
    struct tick tick = {
        .epoch = epoch,
        .sequence = 1,
        .issued = world->now,
        .expires = later (world, 100),
        .trust_version = 1,
        .fleet_version = 1};
    struct heartbeat heartbeat = {.tick = sign (world, &tick_type, &tick, who)};
    enqueue_message (world, &heartbeat_type, &heartbeat);
    run (world);
}

/* Version 2 has expired by the time that this host comes back: it is only the way to version 3. */
static void test_expired_link_of_the_trust_chain (void **state)
{
    struct world *world = world_new (HOST_1);
    struct envelope second = make_trust (world, 2, CONTROLLER);
    struct envelope third;
    struct envelope fleet;
    struct release release;
    (void)state;
    world->now = later (world, 200000);
    third = make_trust (world, 3, CONTROLLER);
    fleet = make_fleet (world, 2);
    offer (world, &second);
    assert_int_equal (world->note_count, 3);
    offer (world, &fleet);
    assert_int_equal (world->note_count, 3); /* an expired version vouches for nothing */
    offer (world, &third);
    offer (world, &fleet);
    assert_int_equal (world->note_count, 5);
    world->fleet_digest = content_digest (&fleet);
    release = make_plan (world, "2.0", 2, RELEASER);
    deploy (world, &release);
    assert_int_equal (world->note_count, 5); /* and no tick came for long */
    assert_non_null (strstr (world->detail, "stale: no tick of the controller"));
    beat (world, 1, CONTROLLER);
    assert_runs (world, release.folder);
    world_free (world);
}

/* A controller that keeps the newer fleet back would keep a dropped host's receipts valid for ever. */
static void test_fleet_is_frozen (void **state)
{
    struct world *world = world_new (HOST_1);
    struct envelope trust = make_trust (world, 2, CONTROLLER);
    struct envelope abort;
    struct release release;
    size_t notes;
    (void)state;
    release = make_plan (world, "2.0", 2, RELEASER);
    deploy (world, &release);
    world->now = later (world, 99000);
    trust = make_trust (world, 2, CONTROLLER);
    offer (world, &trust);
    world->now = later (world, 2000);
    notes = world->note_count;
    release = make_plan (world, "3.0", 3, RELEASER);
    deploy (world, &release);
    assert_int_equal (world->note_count, notes);
    assert_non_null (strstr (world->detail, "fleet 1 expired"));
    abort = decision (world, &release, 1, DECISION_ABORT);
    offer_permit (world, make_permit (world, &release, 0, 1), &abort, 1);
    assert_true (world->note_count > notes); /* back is always allowed */
    world_free (world);
}

/* A tick from next year, on the one day when this host's clock was wrong too: the roots can undo it. */
static void test_clock_floor_in_the_far_future (void **state)
{
    struct world *world = world_new (HOST_1);
    struct instant today = world->now;
    struct envelope second;
    struct release release;
    (void)state;
    world->now = later (world, 90000);
    beat (world, 1, CONTROLLER);
    assert_int_equal (world->note_count, 3);
    world->now = today;
    beat (world, 2, CONTROLLER);
    assert_non_null (strstr (world->detail, "set the clock"));
    assert_int_equal (world->note_count, 3);
    second = make_trust (world, 2, STRANGER);
    offer (world, &second);
    assert_int_equal (world->note_count, 5);
    boot (world);
    beat (world, 1, STRANGER);
    release = make_plan (world, "2.0", 2, RELEASER);
    offer (world, &release.plan);
    offer_permit_by (world, make_permit (world, &release, 1, 1), NULL, 0, STRANGER);
    assert_runs (world, release.folder);
    world_free (world);
}

/* Roots that name a new controller, in a document of a time before all time: the floor is as low as can be,
   and nothing is counted past its end. */
static void test_clock_floor_before_all_time (void **state)
{
    struct world *world = world_new (HOST_1);
    struct envelope second = make_trust (world, 2, STRANGER);
    struct release release;
    struct trust trust;
    (void)state;
    assert_true (document_read (&trust_type, second.content, &world->arena, &trust, NULL));
    trust.issued.ms = INT64_MIN;
    second = sign (world, &trust_type, &trust, ROOT);
    offer (world, &second);
    assert_int_equal (world->note_count, 4);
    boot (world);
    beat (world, 1, STRANGER);
    assert_int_equal (world->note_count, 5);
    release = make_plan (world, "2.0", 2, RELEASER);
    offer (world, &release.plan);
    offer_permit_by (world, make_permit (world, &release, 1, 1), NULL, 0, STRANGER);
    assert_runs (world, release.folder);
    world_free (world);
}

/* A new epoch with each tick: the journal grows with the time that passes, not with the ticks. */
static void test_flood_of_epochs (void **state)
{
    struct world *world = world_new (HOST_1);
    (void)state;
    for (uint64_t i = 1; i <= 300; i++) /* three seconds */
        beat (world, i, CONTROLLER);
    assert_in_range (world->note_count, 3, 6);
    beat (world, 299, CONTROLLER);
    assert_non_null (strstr (world->detail, "an old tick"));
    world_free (world);
}

/* Ahead of this host's own clock by more than honest clocks differ: it moves nothing. */
static void test_tick_from_the_future (void **state)
{
    struct world *world = world_new (HOST_1);
    struct instant today = world->now;
    struct tick tick = {.epoch = 1, .sequence = 1, .trust_version = 1, .fleet_version = 1};
    struct heartbeat message;
    (void)state;
    tick.issued = later (world, ACCEPT_CLOCK_SLACK_MS / 1000 + 60);
    tick.expires = later (world, 90000);
    message.tick = sign (world, &tick_type, &tick, CONTROLLER);
    enqueue_message (world, &heartbeat_type, &message);
    run (world);
    assert_int_equal (world->note_count, 2);
    world->now = today;
    beat (world, 1, CONTROLLER);
    assert_int_equal (world->note_count, 3);
    world_free (world);
}

/* A session that floods: what is kept stays few, and the true permit still goes through. */
static void test_flood_of_offers (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release release = make_plan (world, "2.0", 2, RELEASER);
    struct permit permit = make_permit (world, &release, 1, 1);
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        struct release other = make_plan (world, "1.0", 100 + i, RELEASER);
        struct release forged = make_plan (world, "6.6", 100 + i, CONTROLLER);
        struct content_here here = {.content = digest_of (&i, sizeof i)};
        struct report_stored stored = {.receipt = here.content};
        struct permit unknown = permit;
        unknown.plan = here.content;
        offer (world, &other.plan);
        offer (world, &forged.plan);
        offer_permit (world, unknown, NULL, 0);
        enqueue_message (world, &content_here_type, &here);
        enqueue_message (world, &report_stored_type, &stored);
        run (world);
        world->spool_count = 0;
    }
    assert_int_equal (world->note_count, 2);
    offer (world, &release.plan);
    offer_permit (world, permit, NULL, 0);
    assert_runs (world, release.folder);
    world_free (world);
}

/* A dropped host is nobody: its word proves nothing, and it obeys no permit itself. */
static void test_fleet_drops_a_host (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release release = make_plan (world, "2.0", 2, RELEASER);
    struct fleet fleet;
    struct fleet_host rest;
    struct envelope smaller;
    (void)state;
    assert_true (document_read (&fleet_type, world->fleet.content, &world->arena, &fleet, NULL));
    rest = fleet.hosts[1];
    fleet.version = 2;
    fleet.hosts = &rest;
    fleet.hosts_count = 1;
    smaller = sign (world, &fleet_type, &fleet, OPERATOR);
    offer (world, &smaller);
    assert_int_equal (world->note_count, 3);
    deploy (world, &release);
    assert_int_equal (world->note_count, 3);
    assert_non_null (strstr (world->detail, "does not know this host"));
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_old_failure_orders_no_return_of_a_later_attempt),
        cmocka_unit_test (test_old_attempt_is_not_begun_again),
        cmocka_unit_test (test_return_of_an_older_plan_leaves_the_newer_release),
        cmocka_unit_test (test_forgotten_failure_is_not_forgiven),
        cmocka_unit_test (test_two_plans_with_one_counter),
        cmocka_unit_test (test_counter_runs_to_the_end),
        cmocka_unit_test (test_expired_link_of_the_trust_chain),
        cmocka_unit_test (test_fleet_is_frozen),
        cmocka_unit_test (test_clock_floor_in_the_far_future),
        cmocka_unit_test (test_clock_floor_before_all_time),
        cmocka_unit_test (test_flood_of_epochs),
        cmocka_unit_test (test_tick_from_the_future),
        cmocka_unit_test (test_flood_of_offers),
        cmocka_unit_test (test_fleet_drops_a_host),
    };
    return cmocka_run_group_tests_name ("agent hostile", tests, NULL, NULL);
}
