/* What an installer refuses, and that nothing on the host changes by it. */
#include "world.h"

static struct digest none;

struct court {
    struct world *world; /* host p2, whose step 4 needs everything before it proven */
    struct release release;
    struct envelope evidence[8]; /* 0 kept, 1 passed, 2 ana, 3 luis */
    size_t count;
};

static struct digest seen (struct court *court)
{
    struct world *world = court->world;
    struct plan plan;
    struct fleet fleet;
    struct trust trust;
    struct gate_case gate = {
        .plan = &plan, .plan_digest = court->release.digest, .attempt = 1, .now = world->now};
    struct error error;
    assert_true (document_read (&plan_type, court->release.plan.content, &world->arena, &plan, &error));
    assert_true (document_read (&fleet_type, world->fleet.content, &world->arena, &fleet, &error));
    assert_true (document_read (&trust_type, world->trust.content, &world->arena, &trust, &error));
    for (size_t i = 0; i < 2; i++)
        assert_true (gate_add (&gate, &trust, &fleet, &court->evidence[i], &world->arena, &error));
    return gate_evidence_digest (&gate, 3);
}

static struct court court_new (void)
{
    struct court court = {.world = world_new (HOST_2), .count = 4};
    struct world *world = court.world;
    court.release = make_plan (world, "2.0", 2, RELEASER);
    court.evidence[0] = make_receipt (world, &court.release, 1, OUTCOME_KEPT);
    court.evidence[1] = make_receipt (world, &court.release, 2, OUTCOME_PASSED);
    court.evidence[2] = make_approval (world, &court.release, 3, 1, DECISION_APPROVE, ANA, seen (&court));
    court.evidence[3] = make_approval (world, &court.release, 3, 1, DECISION_APPROVE, LUIS, seen (&court));
    return court;
}

static void go (struct court *court)
{
    offer (court->world, &court->release.plan);
    offer_permit (
        court->world, make_permit (court->world, &court->release, 4, 1), court->evidence, court->count);
}

/* Nothing was begun: no note, no act, no receipt; and the words say why. */
static void assert_refused (const struct court *court, const char *words)
{
    const struct world *world = court->world;
    assert_int_equal (world->receipts, 0);
    assert_int_equal (world->note_count, 2);
    for (size_t i = 0; i < act_count; i++)
        assert_int_equal (world->acts[i], 0);
    if (words != NULL && strstr (world->detail, words) == NULL)
        fail_msg ("'%s' does not say '%s'", world->detail, words);
    assert_int_equal (world->activity, ACTIVITY_WAITING);
}

static void test_good (void **state)
{
    struct court court = court_new ();
    (void)state;
    go (&court);
    assert_int_equal (court.world->receipts, 1);
    assert_int_equal (court.world->receipt.outcome, OUTCOME_KEPT);
    assert_runs (court.world, court.release.folder);
    world_free (court.world);
}

static void test_signers (void **state)
{
    static const enum who wrong[] = {ROOT, OPERATOR, RELEASER, ANA, STRANGER, HOST_2};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct court court = court_new ();
        offer (court.world, &court.release.plan);
        offer_permit_by (
            court.world, make_permit (court.world, &court.release, 4, 1), court.evidence, court.count,
            wrong[i]);
        assert_refused (&court, "permit");
        world_free (court.world);
    }
}

/* A plan signed by another role never begins anything, whatever the permit says. */
static void test_plan_of_another_role (void **state)
{
    struct court court = court_new ();
    (void)state;
    court.release = make_plan (court.world, "2.0", 2, CONTROLLER);
    offer (court.world, &court.release.plan);
    assert_refused (&court, "plan");
    go (&court);
    assert_refused (&court, NULL);
    world_free (court.world);
}

static void test_expired (void **state)
{
    struct court court = court_new ();
    struct permit permit = make_permit (court.world, &court.release, 4, 1);
    (void)state;
    offer (court.world, &court.release.plan);
    court.world->now = later (court.world, 601);
    offer_permit (court.world, permit, court.evidence, court.count);
    assert_refused (&court, "expired");
    world_free (court.world);
    court = court_new ();
    court.world->now = later (court.world, 60000);
    go (&court);
    assert_refused (&court, "expired");
    world_free (court.world);
}

/* A permit for others is published to all: it is no news, and nothing begins. */
static void test_other_host (void **state)
{
    struct court court = court_new ();
    struct permit permit = make_permit (court.world, &court.release, 4, 1);
    (void)state;
    permit.hosts[0] = "p1";
    offer (court.world, &court.release.plan);
    offer_permit (court.world, permit, court.evidence, court.count);
    assert_int_equal (court.world->note_count, 2);
    permit.hosts[0] = "p2";
    permit.step = 1;
    offer_permit (court.world, permit, NULL, 0);
    assert_refused (&court, "not for this host");
    world_free (court.world);
}

static void test_evidence_missing (void **state)
{
    (void)state;
    for (size_t gone = 0; gone < 4; gone++) {
        struct court court = court_new ();
        for (size_t i = gone; i + 1 < 4; i++)
            court.evidence[i] = court.evidence[i + 1];
        court.count = 3;
        go (&court);
        assert_refused (&court, "step 4 is not open");
        world_free (court.world);
    }
}

static void test_evidence_not_listed (void **state)
{
    struct court court = court_new ();
    struct permit permit = make_permit (court.world, &court.release, 4, 1);
    struct digest *listed = arena_array (&court.world->arena, 4, sizeof *listed);
    (void)state;
    for (size_t i = 0; i < 4; i++)
        listed[i] = content_digest (&court.evidence[i]);
    permit.evidence = listed;
    permit.evidence_count = 3;
    offer (court.world, &court.release.plan);
    offer_permit (court.world, permit, court.evidence, 4);
    assert_refused (&court, "lists 3");
    permit.evidence_count = 4;
    listed[2] = listed[1];
    offer_permit (court.world, permit, court.evidence, 4);
    assert_refused (&court, "not what the permit lists");
    world_free (court.world);
}

static void test_evidence_that_fails (void **state)
{
    static const enum outcome bad[] = {OUTCOME_FAILED, OUTCOME_RETURNED, OUTCOME_STUCK, OUTCOME_REFUSED};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (uint64_t step = 1; step <= 2; step++) {
            struct court court = court_new ();
            court.evidence[step - 1] = make_receipt (court.world, &court.release, step, bad[i]);
            go (&court);
            assert_refused (&court, "");
            world_free (court.world);
        }
}

static void test_approvals (void **state)
{
    struct court court = court_new ();
    (void)state;
    court.evidence[3] =
        make_approval (court.world, &court.release, 3, 1, DECISION_APPROVE, STRANGER, seen (&court));
    go (&court);
    assert_refused (&court, "evidence 4");
    court.evidence[3] =
        make_approval (court.world, &court.release, 3, 1, DECISION_REJECT, LUIS, seen (&court));
    go (&court);
    assert_refused (&court, "not open");
    court.evidence[3] = make_approval (court.world, &court.release, 3, 1, DECISION_APPROVE, LUIS, none);
    go (&court);
    assert_refused (&court, "not open");
    court.evidence[3] =
        make_approval (court.world, &court.release, 3, 2, DECISION_APPROVE, LUIS, seen (&court));
    go (&court);
    assert_refused (&court, "evidence 4");
    world_free (court.world);
}

/* Another fleet key for this host, or none: it is not the host that the plan means. */
static void test_fleet (void **state)
{
    struct court court = court_new ();
    struct secret_key mine = court.world->keys[HOST_2];
    (void)state;
    court.world->keys[HOST_2] = make_key (99);
    boot (court.world);
    court.world->keys[HOST_2] = mine;
    go (&court);
    assert_refused (&court, "another key");
    world_free (court.world);
}

static void test_counter_never_falls (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release high = make_plan (world, "2.0", 5, RELEASER);
    struct release low = make_plan (world, "1.0", 4, RELEASER);
    struct release next = make_plan (world, "2.1", 6, RELEASER);
    size_t notes;
    (void)state;
    deploy (world, &high);
    boot (world);
    notes = world->note_count;
    deploy (world, &low);
    assert_int_equal (world->note_count, notes);
    assert_non_null (strstr (world->detail, "counter 4"));
    assert_runs (world, high.folder);
    deploy (world, &next);
    assert_runs (world, next.folder);
    world_free (world);
}

/* After a return nothing of that attempt goes on. */
static void test_attempt_ends_with_return (void **state)
{
    struct world *world = world_new (HOST_1);
    struct release release = make_plan (world, "2.0", 5, RELEASER);
    struct envelope evidence = make_approval (world, &release, 0, 1, DECISION_UNDO, OPERATOR, none);
    size_t receipts;
    (void)state;
    deploy (world, &release);
    offer_permit (world, make_permit (world, &release, 0, 1), NULL, 0);
    assert_non_null (strstr (world->detail, "no reason to return"));
    assert_runs (world, release.folder);
    offer_permit (world, make_permit (world, &release, 0, 1), &evidence, 1);
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
    receipts = world->receipts;
    evidence = make_receipt (world, &release, 1, OUTCOME_KEPT);
    offer_permit (world, make_permit (world, &release, 2, 1), &evidence, 1);
    assert_int_equal (world->receipts, receipts);
    assert_non_null (strstr (world->detail, "a retry opens the next one"));
    world_free (world);
}

/* In any order: the permit waits for the plan, and for the documents that the plan names. */
static void test_permit_before_plan (void **state)
{
    struct court court = court_new ();
    (void)state;
    offer_permit (court.world, make_permit (court.world, &court.release, 4, 1), court.evidence, court.count);
    assert_int_equal (court.world->note_count, 2);
    offer (court.world, &court.release.plan);
    assert_int_equal (court.world->receipts, 1);
    assert_runs (court.world, court.release.folder);
    world_free (court.world);
}

static void test_clock (void **state)
{
    struct court court = court_new ();
    struct tick tick = {
        .epoch = 3,
        .sequence = 7,
        .issued = court.world->now,
        .expires = later (court.world, 100),
        .trust_version = 1,
        .fleet_version = 1};
    struct heartbeat beat = {.tick = sign (court.world, &tick_type, &tick, CONTROLLER)};
    (void)state;
    enqueue_message (court.world, &heartbeat_type, &beat);
    run (court.world);
    assert_int_equal (court.world->note_count, 3);
    boot (court.world);
    court.world->now = later (court.world, -299);
    tick.sequence = 6;
    beat.tick = sign (court.world, &tick_type, &tick, CONTROLLER);
    enqueue_message (court.world, &heartbeat_type, &beat);
    run (court.world);
    assert_non_null (strstr (court.world->detail, "an old tick"));
    court.world->now = later (court.world, -10);
    court.release = make_plan (court.world, "2.0", 2, RELEASER);
    go (&court);
    assert_int_equal (court.world->note_count, 3);
    assert_non_null (strstr (court.world->detail, "set the clock"));
    world_free (court.world);
}

/* Trust goes from N to N + 1 alone, the fleet never back; and a new controller key clears what the old one
   had counted. */
static void test_documents (void **state)
{
    struct world *world = world_new (HOST_1);
    struct envelope second = make_trust (world, 2, STRANGER);
    struct envelope third = make_trust (world, 3, CONTROLLER);
    struct envelope fleet = make_fleet (world, 5);
    struct envelope older = make_fleet (world, 4);
    struct tick tick = {
        .epoch = UINT64_MAX,
        .sequence = UINT64_MAX,
        .issued = world->now,
        .expires = later (world, 100),
        .trust_version = 1,
        .fleet_version = 1};
    struct heartbeat beat = {.tick = sign (world, &tick_type, &tick, CONTROLLER)};
    (void)state;
    enqueue_message (world, &heartbeat_type, &beat);
    offer (world, &third);
    assert_int_equal (world->note_count, 3);
    offer (world, &second);
    assert_int_equal (world->note_count, 5);
    tick.epoch = 1;
    tick.trust_version = 9;
    beat.tick = sign (world, &tick_type, &tick, STRANGER);
    enqueue_message (world, &heartbeat_type, &beat);
    run (world);
    assert_non_null (strstr (world->detail, "the newest are trust 9"));
    offer (world, &third);
    offer (world, &third);
    offer (world, &fleet);
    offer (world, &older);
    offer (world, &fleet);
    assert_non_null (strstr (world->detail, "an offered fleet was not taken"));
    boot (world);
    assert_int_equal (world->receipts, 0);
    world_free (world);
}

/* A controller that keeps its ticks back is noticed. */
static void test_starved (void **state)
{
    struct world *world = world_new (HOST_1);
    struct tick tick = {.epoch = 1, .sequence = 1, .trust_version = 1, .fleet_version = 1};
    struct heartbeat beat;
    (void)state;
    for (int i = 0; i < 3; i++) {
        world->now = later (world, 599);
        tick.issued = world->now;
        tick.expires = later (world, 100);
        beat.tick = sign (world, &tick_type, &tick, CONTROLLER);
        enqueue_message (world, &heartbeat_type, &beat);
        (void)enqueue (world, INSTALLER_TIME);
        run (world);
    }
    assert_string_equal (world->detail, "");
    world->now = later (world, 601);
    (void)enqueue (world, INSTALLER_TIME);
    run (world);
    assert_int_equal (world->activity, ACTIVITY_STALE);
    assert_non_null (strstr (world->detail, "no tick"));
    world_free (world);
}

/* Every byte of a permit counts. */
static void test_flipped_bits (void **state)
{
    struct court court = court_new ();
    struct permit permit = make_permit (court.world, &court.release, 4, 1);
    struct permit_offer message = {.evidence = court.evidence, .evidence_count = 4};
    struct digest digests[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        digests[i] = content_digest (&court.evidence[i]);
    permit.evidence = digests;
    permit.evidence_count = 4;
    message.permit = sign (court.world, &permit_type, &permit, CONTROLLER);
    offer (court.world, &court.release.plan);
    for (size_t i = 0; i < message.permit.content.size; i += 7) {
        uint8_t *byte = (uint8_t *)message.permit.content.data + i;
        *byte ^= 1;
        enqueue_message (court.world, &permit_offer_type, &message);
        run (court.world);
        *byte ^= 1;
        assert_int_equal (court.world->note_count, 2);
    }
    enqueue_message (court.world, &permit_offer_type, &message);
    run (court.world);
    assert_runs (court.world, court.release.folder);
    world_free (court.world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_good),
        cmocka_unit_test (test_signers),
        cmocka_unit_test (test_plan_of_another_role),
        cmocka_unit_test (test_expired),
        cmocka_unit_test (test_other_host),
        cmocka_unit_test (test_evidence_missing),
        cmocka_unit_test (test_evidence_not_listed),
        cmocka_unit_test (test_evidence_that_fails),
        cmocka_unit_test (test_approvals),
        cmocka_unit_test (test_fleet),
        cmocka_unit_test (test_counter_never_falls),
        cmocka_unit_test (test_attempt_ends_with_return),
        cmocka_unit_test (test_permit_before_plan),
        cmocka_unit_test (test_clock),
        cmocka_unit_test (test_documents),
        cmocka_unit_test (test_starved),
        cmocka_unit_test (test_flipped_bits),
    };
    return cmocka_run_group_tests_name ("agent judge", tests, NULL, NULL);
}
