/* The dead man's return, and what people answer for: hosts that nobody confirms go back by themselves, and a
   failure that was overridden holds this host up no longer. */
#include "world.h"

enum { WITHIN = 200 };

static const struct digest none;

/* The same release with a plan that wants it confirmed, and lets managers override. */
static void change_plan (struct world *world, struct release *release)
{
    struct plan plan;
    char digits[DIGEST_TEXT_SIZE];
    assert_true (document_read (&plan_type, release->plan.content, &world->arena, &plan, NULL));
    plan.steps[0].confirm_within = span_seconds (WITHIN);
    plan.steps[3].confirm_within = span_seconds (WITHIN);
    plan.on_failure = ON_FAILURE_PAUSE;
    plan.override_role = "release-managers";
    plan.override_approvals = 2;
    release->plan = sign (world, &plan_type, &plan, RELEASER);
    release->digest = content_digest (&release->plan);
    (void)snprintf (
        release->folder, sizeof release->folder, "%s-%.12s", release->version,
        digest_print (&release->digest, digits));
}

static struct release plan_of (struct world *world, const char *version, uint64_t counter)
{
    struct release release = make_plan (world, version, counter, RELEASER);
    change_plan (world, &release);
    return release;
}

static void wait_for (struct world *world, int64_t seconds)
{
    world->now = later (world, seconds);
    (void)enqueue (world, INSTALLER_TIME);
    run (world);
}

static struct envelope newest_receipt (struct world *world)
{
    struct message note = {0};
    for (size_t i = world->note_count; i > 0; i--) {
        assert_true (
            message_decode (ENTRY, 0, buffer_bytes (&world->notes[i - 1]), &world->arena, &note, NULL));
        if (note.type == &note_receipt_type)
            return ((const struct note_receipt *)note.record)->receipt;
    }
    fail_msg ("no receipt was noted");
    return (struct envelope){0};
}

static struct permit keep_permit (struct world *world, const struct release *release)
{
    struct permit permit = make_permit (world, release, 1, 1);
    permit.kind = PERMIT_KEEP;
    return permit;
}

/* 1.0 runs and is confirmed; 2.0 runs and is not. */
static struct world *world_with_vigil (struct release *old, struct release *new)
{
    struct world *world = world_new (HOST_1);
    *old = make_plan (world, "1.0", 1, RELEASER);
    *new = plan_of (world, "2.0", 2);
    deploy (world, old);
    deploy (world, new);
    assert_runs (world, new->folder);
    return world;
}

static void test_nobody_confirms (void **state)
{
    struct release old;
    struct release new;
    struct world *world = world_with_vigil (&old, &new);
    (void)state;
    assert_true (installer_unconfirmed (world->installer, "app").ms > world->now.ms);
    wait_for (world, WITHIN - 10);
    assert_runs (world, new.folder);
    wait_for (world, 11);
    assert_runs (world, old.folder);
    assert_int_equal (world->receipt.kind, PERMIT_RETURN);
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    assert_int_equal (world->receipt.attempt, 1);
    assert_non_null (strstr (world->receipt.cause, "not confirmed within 03:20"));
    assert_string_equal (world->receipt.version, "1.0");
    assert_int_equal (installer_unconfirmed (world->installer, "app").ms, 0);
    world_free (world);
}

static void test_confirmed (void **state)
{
    struct release old;
    struct release new;
    struct world *world = world_with_vigil (&old, &new);
    struct envelope kept = newest_receipt (world);
    size_t acts = world->acts[ACT_SWAP];
    size_t notes = world->note_count;
    (void)state;
    offer_permit (world, keep_permit (world, &new), &kept, 1);
    assert_int_equal (world->note_count, notes + 1);
    offer_permit (world, keep_permit (world, &new), &kept, 1);
    assert_int_equal (world->note_count, notes + 1); /* twice is once */
    wait_for (world, 10 * WITHIN);
    boot (world);
    wait_for (world, 10 * WITHIN);
    assert_runs (world, new.folder);
    assert_int_equal (world->acts[ACT_SWAP], acts);
    world_free (world);
}

static void test_confirmed_by_the_next_step (void **state)
{
    struct release old;
    struct release new;
    struct world *world = world_with_vigil (&old, &new);
    struct envelope kept = newest_receipt (world);
    (void)state;
    offer_permit (world, make_permit (world, &new, 2, 1), &kept, 1);
    assert_int_equal (world->receipt.outcome, OUTCOME_PASSED);
    wait_for (world, 10 * WITHIN);
    assert_runs (world, new.folder);
    world_free (world);
}

static void test_false_confirmations (void **state)
{
    struct release old;
    struct release new;
    struct world *world = world_with_vigil (&old, &new);
    struct envelope kept = newest_receipt (world);
    struct permit permit = keep_permit (world, &new);
    size_t notes = world->note_count;
    (void)state;
    offer_permit (world, permit, NULL, 0); /* no proof */
    assert_non_null (strstr (world->detail, "waiting for p1"));
    offer_permit_by (world, permit, &kept, 1, RELEASER);
    permit.step = 2;
    offer_permit (world, permit, &kept, 1);
    permit.step = 4; /* others' step */
    offer_permit (world, permit, &kept, 1);
    permit = keep_permit (world, &new);
    permit.attempt = 2;
    offer_permit (world, permit, &kept, 1);
    permit = keep_permit (world, &old);
    offer_permit (world, permit, &kept, 1);
    permit = keep_permit (world, &new);
    permit.expires = world->now;
    offer_permit (world, permit, &kept, 1);
    assert_int_equal (world->note_count, notes);
    wait_for (world, WITHIN);
    assert_runs (world, old.folder);
    world_free (world);
}

/* A failure elsewhere closes the case: who was not confirmed by then never is. */
static void test_closed_case_confirms_nothing (void **state)
{
    struct release old;
    struct release new;
    struct world *world = world_with_vigil (&old, &new);
    struct envelope evidence[] = {newest_receipt (world), make_receipt (world, &new, 2, OUTCOME_FAILED)};
    (void)state;
    offer_permit (world, keep_permit (world, &new), evidence, 2);
    assert_non_null (strstr (world->detail, "step 2: p1 says failed"));
    wait_for (world, WITHIN);
    assert_runs (world, old.folder);
    world_free (world);
}

/* A newer plan is not undone for an older one's silence. */
static void test_newer_release_ends_the_vigil (void **state)
{
    struct release old;
    struct release new;
    struct world *world = world_with_vigil (&old, &new);
    struct release newest = make_plan (world, "3.0", 3, RELEASER);
    (void)state;
    deploy (world, &newest);
    wait_for (world, 10 * WITHIN);
    assert_runs (world, newest.folder);
    world_free (world);
}

static void test_first_release_goes (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release first = plan_of (world, "1.0", 1);
    (void)state;
    deploy (world, &first);
    assert_runs (world, first.folder);
    wait_for (world, WITHIN + 1);
    assert_runs (world, "");
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    world_free (world);
}

static void test_return_that_fails_is_not_tried_again (void **state)
{
    struct release old;
    struct release new;
    struct world *world = world_with_vigil (&old, &new);
    size_t receipts;
    (void)state;
    add_fault (world, ACT_STOP, "2.0", true);
    wait_for (world, WITHIN + 1);
    assert_int_equal (world->receipt.outcome, OUTCOME_STUCK);
    receipts = world->receipts;
    wait_for (world, 10 * WITHIN);
    assert_int_equal (world->receipts, receipts);
    world_free (world);
}

/* Whatever the moment at which the power fails, the host ends on the old release, and says so once. */
static void test_every_crash (void **state)
{
    bool crashed = true;
    (void)state;
    for (long moment = 0; crashed; moment++) {
        struct release old;
        struct release new;
        struct world *world = world_with_vigil (&old, &new);
        size_t receipts = world->receipts;
        world->effects = 0;
        world->crash_at = moment;
        wait_for (world, WITHIN + 1);
        crashed = world->dark;
        world->crash_at = -1;
        boot (world);
        wait_for (world, 1);
        assert_runs (world, old.folder);
        assert_int_equal (world->receipts, receipts + 1);
        assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
        world_free (world);
        assert_in_range (moment, 0, 100);
    }
}

/* The controller orders back what has gone back by itself: the same receipt is the answer. */
static void test_ordered_back_afterwards (void **state)
{
    struct release old;
    struct release new;
    struct world *world = world_with_vigil (&old, &new);
    struct envelope reason = make_approval (world, &new, 0, 1, DECISION_ABORT, OPERATOR, none);
    size_t receipts;
    size_t reports;
    (void)state;
    wait_for (world, WITHIN + 1);
    receipts = world->receipts;
    reports = world->reports;
    offer_permit (world, make_permit (world, &new, 0, 1), &reason, 1);
    assert_int_equal (world->receipts, receipts);
    assert_int_equal (world->reports, reports + 1);
    assert_runs (world, old.folder);
    world_free (world);
}

/* -------------------------------------------------------------------------------------------- overrides */

static struct envelope override (
    struct world *world, const struct release *release, struct digest about, enum who who)
{
    return make_approval (world, release, 2, 1, DECISION_OVERRIDE, who, about);
}

/* The last test of p1, after an override of its first: the attempt is closed here for all others. */
static void test_host_goes_on_after_its_own_failure (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release release = make_plan (world, "2.0", 2, RELEASER);
    struct envelope evidence[8];
    struct plan plan;
    size_t count = 0;
    (void)state;
    assert_true (document_read (&plan_type, release.plan.content, &world->arena, &plan, NULL));
    plan.on_failure = ON_FAILURE_PAUSE;
    plan.override_role = "release-managers";
    plan.override_approvals = 2;
    plan.steps[2] = plan.steps[1];
    plan.steps[2].number = 3;
    plan.steps_count = 3;
    release.plan = sign (world, &plan_type, &plan, RELEASER);
    release.digest = content_digest (&release.plan);
    deploy (world, &release);
    evidence[count++] = newest_receipt (world);
    add_fault (world, ACT_TEST, "login", false);
    offer_permit (world, make_permit (world, &release, 2, 1), evidence, count);
    assert_int_equal (world->receipt.outcome, OUTCOME_FAILED);
    evidence[count++] = newest_receipt (world);
    world->fault_count = 0;
    evidence[count] = override (world, &release, content_digest (&evidence[1]), ANA);
    offer_permit (world, make_permit (world, &release, 3, 1), evidence, count + 1);
    assert_int_equal (world->receipt.step, 2);
    assert_non_null (strstr (world->detail, "p1 says failed"));
    count++;
    evidence[count] = override (world, &release, content_digest (&evidence[1]), LUIS);
    boot (world);
    offer (world, &release.plan);
    offer_permit (world, make_permit (world, &release, 3, 1), evidence, count + 1);
    assert_int_equal (world->receipt.step, 3);
    assert_int_equal (world->receipt.outcome, OUTCOME_PASSED);
    world_free (world);
}

/* ------------------------------------------------------------------------------------------------- stale */

static void beat (struct world *world, uint64_t sequence, uint64_t trust, uint64_t fleet)
{
    struct tick tick = {
        .epoch = 1,
        .sequence = sequence,
        .issued = world->now,
        .expires = later (world, 100),
        .trust_version = trust,
        .fleet_version = fleet};
    struct heartbeat heartbeat = {.tick = sign (world, &tick_type, &tick, CONTROLLER)};
    enqueue_message (world, &heartbeat_type, &heartbeat);
    run (world);
}

static void test_withheld_fleet (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release release = make_plan (world, "2.0", 2, RELEASER);
    struct envelope second = make_fleet (world, 2);
    struct error why;
    size_t notes;
    (void)state;
    beat (world, 1, 1, 2);
    assert_true (installer_is_stale (world->installer, world->now, &why));
    assert_non_null (strstr (why.text, "the newest are trust 1 and fleet 2"));
    assert_int_equal (world->activity, ACTIVITY_STALE);
    boot (world); /* and it is not forgotten */
    assert_true (installer_is_stale (world->installer, world->now, NULL));
    notes = world->note_count;
    deploy (world, &release);
    assert_int_equal (world->note_count, notes);
    assert_string_equal (world->link, "");
    offer (world, &second);
    assert_false (installer_is_stale (world->installer, world->now, NULL));
    assert_runs (world, release.folder); /* the permit has waited */
    world_free (world);
}

static void test_starved_of_ticks (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release first = make_plan (world, "1.0", 1, RELEASER);
    struct release second = make_plan (world, "2.0", 2, RELEASER);
    struct envelope abort = make_approval (world, &first, 0, 1, DECISION_ABORT, OPERATOR, none);
    (void)state;
    beat (world, 1, 1, 1);
    deploy (world, &first);
    wait_for (world, 700);
    assert_int_equal (world->activity, ACTIVITY_STALE);
    boot (world); /* a restart is no tick */
    deploy (world, &second);
    assert_runs (world, first.folder);
    assert_non_null (strstr (world->detail, "stale: no tick of the controller"));
    offer (world, &first.plan);
    abort = make_approval (world, &first, 0, 1, DECISION_ABORT, OPERATOR, none);
    offer_permit (world, make_permit (world, &first, 0, 1), &abort, 1);
    assert_runs (world, ""); /* back is always allowed */
    beat (world, 2, 1, 1);
    assert_runs (world, second.folder);
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_nobody_confirms),
        cmocka_unit_test (test_confirmed),
        cmocka_unit_test (test_confirmed_by_the_next_step),
        cmocka_unit_test (test_false_confirmations),
        cmocka_unit_test (test_closed_case_confirms_nothing),
        cmocka_unit_test (test_newer_release_ends_the_vigil),
        cmocka_unit_test (test_first_release_goes),
        cmocka_unit_test (test_return_that_fails_is_not_tried_again),
        cmocka_unit_test (test_every_crash),
        cmocka_unit_test (test_ordered_back_afterwards),
        cmocka_unit_test (test_host_goes_on_after_its_own_failure),
        cmocka_unit_test (test_withheld_fleet),
        cmocka_unit_test (test_starved_of_ticks),
    };
    return cmocka_run_group_tests_name ("agent vigil", tests, NULL, NULL);
}
