/* The one way in: the right role's threshold, no way back, expiry, and nobody speaking for somebody else. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common_core/world.h"

static const struct instant later = {1811536000000}; /* when everything in this world has expired */
static const char *const roots[] = {"root-1", "root-2"};
static const char *const releasers[] = {"rel-1", "rel-2"};

struct world {
    struct arena arena;
    struct trust trust;
    struct fleet fleet;
    struct error error;
};

static int enter (void **state)
{
    struct world *world = test_calloc (1, sizeof *world);
    world->trust = world_trust (&world->arena);
    world->fleet = world_fleet (&world->arena);
    *state = world;
    return 0;
}

static int leave (void **state)
{
    struct world *world = *state;
    arena_free (&world->arena);
    test_free (world);
    return 0;
}

static struct digest digest_of_envelope (const struct envelope *envelope)
{
    return digest_of (envelope->content.data, envelope->content.size);
}

static void test_first_trust (void **state)
{
    struct world *world = *state;
    struct envelope good = signed_by (&trust_type, &world->trust, roots, 2, &world->arena);
    struct envelope one = signed_by (&trust_type, &world->trust, roots, 1, &world->arena);
    struct digest pin = digest_of_envelope (&good);
    struct digest other = {{1}};
    struct trust trust = {0};
    assert_true (accept_first_trust (&good, &pin, noon, &world->arena, &trust, &world->error));
    assert_int_equal (trust.keys_count, world->trust.keys_count);
    trust = (struct trust){0};
    assert_false (accept_first_trust (&good, &other, noon, &world->arena, &trust, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    assert_false (accept_first_trust (&one, &pin, noon, &world->arena, &trust, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    assert_false (accept_first_trust (&good, &pin, later, &world->arena, &trust, &world->error));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    assert_null (trust.keys);
    assert_true (accept_first_trust (&good, &pin, (struct instant){0}, &world->arena, &trust, &world->error));
}

static bool next (struct world *world, struct trust *document, const char *const *names, size_t count)
{
    struct envelope envelope = signed_by (&trust_type, document, names, count, &world->arena);
    struct trust trust = {.version = 99};
    bool good = accept_next_trust (&world->trust, &envelope, noon, &world->arena, &trust, &world->error);
    assert_int_equal (trust.version, good ? document->version : 99);
    return good;
}

static void test_next_trust (void **state)
{
    struct world *world = *state;
    struct trust following = world_trust (&world->arena);
    static const char *const all[] = {"root-1", "root-2", "ana"};
    following.version = 2;
    assert_true (next (world, &following, roots, 2));
    world->trust.expires = noon; /* an expired one may still be succeeded */
    assert_true (next (world, &following, roots, 2));
    assert_false (next (world, &following, roots, 1));
    following.version = 3;
    assert_false (next (world, &following, roots, 2));
    assert_int_equal (world->error.kind, ERROR_CONFLICT);
    following.version = 1;
    assert_false (next (world, &following, roots, 2));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    following.version = 2;
    following.roles[0].keys[1] = "ana"; /* root-2 gives way to ana: both sides must agree */
    assert_false (next (world, &following, roots, 2));
    assert_false (next (world, &following, (const char *const[]){"root-1", "ana"}, 2));
    assert_true (next (world, &following, all, 3));
    following.roles[0].threshold = 0;
    assert_false (next (world, &following, all, 3));
    following.roles[0].threshold = 2;
    following.expires = noon;
    assert_false (next (world, &following, all, 3));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    world->trust.version = UINT64_MAX;
    following.version = 0;
    assert_false (next (world, &following, all, 3));
}

/* Versions 1 and 2 have expired since; only the newest has to be in force. */
static void test_expired_links_of_a_chain (void **state)
{
    struct world *world = *state;
    struct envelope chain[3];
    struct trust newest = world->trust;
    struct trust found = {0};
    struct digest pin;
    for (size_t i = 0; i < 3; i++) {
        newest.version = world->trust.version + i;
        newest.expires = i == 2 ? next_year : noon;
        chain[i] = signed_by (&trust_type, &newest, roots, 2, &world->arena);
    }
    pin = digest_of (chain[0].content.data, chain[0].content.size);
    assert_true (accept_trusts (chain, 3, &pin, noon, &world->arena, &found, &world->error));
    assert_int_equal (found.version, newest.version);
    assert_false (accept_trusts (chain, 2, &pin, noon, &world->arena, &found, &world->error));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    assert_false (accept_trusts (chain, 1, &pin, noon, &world->arena, &found, &world->error));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    assert_false (accept_trusts (chain, 0, &pin, noon, &world->arena, &found, &world->error));
    assert_false (accept_trusts (chain + 1, 2, &pin, noon, &world->arena, &found, &world->error));
    chain[1] = chain[2];
    assert_false (accept_trusts (chain, 2, &pin, noon, &world->arena, &found, &world->error));
    assert_int_equal (found.version, newest.version);
}

static bool fleet_accepted (struct world *world, uint64_t version, uint64_t least)
{
    struct fleet fleet;
    struct envelope envelope;
    world->fleet.version = version;
    envelope = signed_by_one (&fleet_type, &world->fleet, "op", &world->arena);
    return accept_fleet (&world->trust, least, &envelope, noon, &world->arena, &fleet, &world->error);
}

static void test_numbers_run_to_the_end (void **state)
{
    struct world *world = *state;
    struct plan plan = {.name = "release", .counter = ACCEPT_FIRST};
    assert_true (fleet_accepted (world, ACCEPT_FIRST, 1));
    assert_false (fleet_accepted (world, ACCEPT_FIRST + 1, 1));
    assert_false (fleet_accepted (world, UINT64_MAX, 0));
    assert_true (fleet_accepted (world, 7 + ACCEPT_RISE, 8));
    assert_false (fleet_accepted (world, 8 + ACCEPT_RISE, 8));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    assert_true (accept_counter (&plan, 0, &world->error));
    assert_false (accept_counter (&plan, 1, &world->error));
    assert_false (accept_counter (&plan, plan.counter, &world->error));
    plan.counter++;
    assert_false (accept_counter (&plan, 0, &world->error));
    assert_true (accept_counter (&plan, ACCEPT_FIRST, &world->error));
    plan.counter = UINT64_MAX;
    assert_true (accept_counter (&plan, UINT64_MAX - ACCEPT_RISE, &world->error));
    assert_false (accept_counter (&plan, UINT64_MAX - ACCEPT_RISE - 1, &world->error));
}

static void test_fleet (void **state)
{
    struct world *world = *state;
    struct envelope good = signed_by_one (&fleet_type, &world->fleet, "op", &world->arena);
    struct envelope wrong = signed_by_one (&fleet_type, &world->fleet, "ctl", &world->arena);
    struct fleet fleet = {0};
    struct arena *arena = &world->arena;
    assert_true (accept_fleet (&world->trust, 1, &good, noon, arena, &fleet, &world->error));
    assert_int_equal (fleet.hosts_count, 6);
    assert_false (accept_fleet (&world->trust, 2, &good, noon, arena, &fleet, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    assert_false (accept_fleet (&world->trust, 1, &wrong, noon, arena, &fleet, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    assert_false (accept_fleet (&world->trust, 1, &good, later, arena, &fleet, &world->error));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    world->trust.expires = (struct instant){noon.ms + 1};
    assert_true (accept_fleet (&world->trust, 1, &good, noon, arena, &fleet, &world->error));
    world->trust.expires = noon;
    assert_false (accept_fleet (&world->trust, 1, &good, noon, arena, &fleet, &world->error));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    world->trust.expires = next_year;
    world->fleet.hosts[0].name = "p1";
    good = signed_by_one (&fleet_type, &world->fleet, "op", &world->arena);
    assert_false (accept_fleet (&world->trust, 1, &good, noon, arena, &fleet, &world->error));
}

static bool plan_accepted (
    struct world *world, const struct plan *plan, const char *const *names, size_t count, struct instant now)
{
    struct envelope envelope = signed_by (&plan_type, plan, names, count, &world->arena);
    struct plan accepted = {.counter = 99};
    bool good = accept_plan (&world->trust, &envelope, now, &world->arena, &accepted, &world->error);
    assert_int_equal (accepted.counter, good ? plan->counter : 99);
    return good;
}

static void test_plan (void **state)
{
    struct world *world = *state;
    struct plan plan = world_plan (&world->arena);
    assert_true (plan_accepted (world, &plan, releasers, 2, noon));
    assert_false (plan_accepted (world, &plan, releasers, 1, noon));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    assert_false (plan_accepted (world, &plan, (const char *const[]){"rel-1", "ctl"}, 2, noon));
    assert_false (plan_accepted (world, &plan, (const char *const[]){"rel-1", "rel-1"}, 2, noon));
    assert_false (plan_accepted (world, &plan, (const char *const[]){"op", "ana"}, 2, noon));
    assert_false (plan_accepted (world, &plan, releasers, 2, later));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    assert_true (plan_accepted (world, &plan, releasers, 2, (struct instant){0}));
    plan.trust_version = 2;
    assert_false (plan_accepted (world, &plan, releasers, 2, noon));
    assert_int_equal (world->error.kind, ERROR_CONFLICT);
    plan.trust_version = 1;
    plan.steps[CANARY - 1].max_parallel = 0;
    assert_false (plan_accepted (world, &plan, releasers, 2, noon));
}

/* The trust document says how many must agree at least; a plan can ask for more, never for fewer. */
static void test_plan_quorum (void **state)
{
    struct world *world = *state;
    struct plan plan = world_plan (&world->arena);
    struct step *signoff = &plan.steps[SIGNOFF - 1];
    signoff->approvals = 3;
    assert_true (plan_accepted (world, &plan, releasers, 2, noon));
    signoff->approvals = 4;
    assert_false (plan_accepted (world, &plan, releasers, 2, noon));
    signoff->approvals = 1;
    assert_false (plan_accepted (world, &plan, releasers, 2, noon));
    assert_non_null (strstr (world->error.text, "step 6 (signoff)"));
    signoff->approvals = 2;
    signoff->environment = ""; /* then that of the deploy before it counts */
    assert_true (plan_accepted (world, &plan, releasers, 2, noon));
    signoff->role = "nobody";
    assert_false (plan_accepted (world, &plan, releasers, 2, noon));
    assert_int_equal (world->error.kind, ERROR_MISSING);
}

/* Any changed byte of the content breaks the signatures, wherever it stands. */
static void test_plan_every_byte (void **state)
{
    struct world *world = *state;
    struct plan plan = world_plan (&world->arena);
    struct envelope envelope = signed_by (&plan_type, &plan, releasers, 2, &world->arena);
    uint8_t *content = arena_copy (&world->arena, envelope.content.data, envelope.content.size);
    envelope.content.data = content;
    for (size_t i = 0; i < envelope.content.size; i++) {
        struct arena arena = {0};
        content[i] ^= (uint8_t)(1u << i % 8);
        assert_false (accept_plan (&world->trust, &envelope, noon, &arena, &plan, &world->error));
        assert_int_equal (world->error.kind, ERROR_REFUSED);
        content[i] ^= (uint8_t)(1u << i % 8);
        arena_free (&arena);
    }
    assert_true (accept_plan (&world->trust, &envelope, noon, &world->arena, &plan, &world->error));
}

static struct permit sample_permit (void)
{
    static const char *hosts[] = {"p1", "p2"};
    return (struct permit){
        .plan = {{1}},
        .kind = PERMIT_STEP,
        .step = 1,
        .attempt = 1,
        .hosts = hosts,
        .hosts_count = 2,
        .issued = noon,
        .expires = {noon.ms + 600000}};
}

static bool permitted (struct world *world, const struct permit *permit, const char *name, struct instant now)
{
    struct envelope envelope = signed_by_one (&permit_type, permit, name, &world->arena);
    struct permit accepted;
    return accept_permit (&world->trust, &envelope, now, &world->arena, &accepted, &world->error);
}

static void test_permit (void **state)
{
    struct world *world = *state;
    struct permit permit = sample_permit ();
    const struct instant slack_before = {noon.ms - ACCEPT_CLOCK_SLACK_MS};
    const struct instant too_early = {noon.ms - ACCEPT_CLOCK_SLACK_MS - 1};
    const char *twice[] = {"p1", "p1"};
    assert_true (permitted (world, &permit, "ctl", noon));
    assert_false (permitted (world, &permit, "op", noon));
    assert_true (permitted (world, &permit, "ctl", (struct instant){permit.expires.ms - 1}));
    assert_false (permitted (world, &permit, "ctl", permit.expires));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    assert_true (permitted (world, &permit, "ctl", slack_before));
    assert_false (permitted (world, &permit, "ctl", too_early));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    assert_false (permitted (world, &permit, "ctl", (struct instant){0}));
    permit.attempt = 0;
    assert_false (permitted (world, &permit, "ctl", noon));
    permit = sample_permit ();
    permit.step = 0;
    assert_false (permitted (world, &permit, "ctl", noon));
    permit.kind = PERMIT_RETURN;
    assert_true (permitted (world, &permit, "ctl", noon));
    permit.step = 1;
    assert_false (permitted (world, &permit, "ctl", noon));
    permit = sample_permit ();
    permit.plan = (struct digest){{0}};
    assert_false (permitted (world, &permit, "ctl", noon));
    permit = sample_permit ();
    permit.hosts = twice;
    assert_false (permitted (world, &permit, "ctl", noon));
    permit.hosts_count = 0;
    assert_false (permitted (world, &permit, "ctl", noon));
    permit = sample_permit ();
    permit.expires = (struct instant){0};
    assert_false (permitted (world, &permit, "ctl", noon));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    assert_non_null (strstr (world->error.text, "does not say when"));
    permit = sample_permit ();
    world->trust.expires = noon;
    assert_false (permitted (world, &permit, "ctl", noon));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
}

static void test_tick (void **state)
{
    struct world *world = *state;
    struct tick tick = {.epoch = 1, .sequence = 2, .issued = noon, .expires = {noon.ms + 60000}};
    struct tick accepted;
    struct envelope good = signed_by_one (&tick_type, &tick, "ctl", &world->arena);
    struct envelope wrong = signed_by_one (&tick_type, &tick, "rel-1", &world->arena);
    struct arena *arena = &world->arena;
    struct error *error = &world->error;
    const struct instant too_early = {noon.ms - ACCEPT_CLOCK_SLACK_MS - 1};
    assert_true (accept_tick (&world->trust, &good, noon, arena, &accepted, error));
    assert_int_equal (accepted.sequence, 2);
    assert_false (accept_tick (&world->trust, &wrong, noon, arena, &accepted, error));
    assert_false (accept_tick (&world->trust, &good, tick.expires, arena, &accepted, error));
    assert_int_equal (error->kind, ERROR_EXPIRED);
    assert_false (accept_tick (&world->trust, &good, too_early, arena, &accepted, error));
    assert_int_equal (error->kind, ERROR_REFUSED);
}

static void test_receipt (void **state)
{
    struct world *world = *state;
    struct receipt receipt = {.host = "p1", .plan = {{1}}, .step = 1, .attempt = 1, .counter = 4};
    struct receipt accepted = {0};
    struct envelope envelope = signed_by_one (&receipt_type, &receipt, "p1", &world->arena);
    struct arena *arena = &world->arena;
    assert_true (accept_receipt (&world->fleet, &envelope, arena, &accepted, &world->error));
    assert_int_equal (accepted.counter, 4);
    envelope = signed_by_one (&receipt_type, &receipt, "p2", &world->arena);
    assert_false (accept_receipt (&world->fleet, &envelope, arena, &accepted, &world->error));
    assert_non_null (strstr (world->error.text, "speaks for p1, and p2 signed it"));
    envelope = signed_by_one (&receipt_type, &receipt, "ctl", &world->arena);
    assert_false (accept_receipt (&world->fleet, &envelope, arena, &accepted, &world->error));
    envelope.signatures_count = 0;
    assert_false (accept_receipt (&world->fleet, &envelope, arena, &accepted, &world->error));
    receipt.counter = 0;
    envelope = signed_by_one (&receipt_type, &receipt, "p1", &world->arena);
    assert_false (accept_receipt (&world->fleet, &envelope, arena, &accepted, &world->error));
    receipt.counter = 1;
    receipt.step = 0;
    envelope = signed_by_one (&receipt_type, &receipt, "p1", &world->arena);
    assert_false (accept_receipt (&world->fleet, &envelope, arena, &accepted, &world->error));
}

/* A receipt never passes for a permit, nor a permit for a tick, whoever signed it. */
static void test_other_kind (void **state)
{
    struct world *world = *state;
    struct permit permit = sample_permit ();
    struct envelope envelope = signed_by_one (&permit_type, &permit, "ctl", &world->arena);
    struct tick tick;
    struct receipt receipt;
    assert_false (accept_tick (&world->trust, &envelope, noon, &world->arena, &tick, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    envelope = signed_by_one (&permit_type, &permit, "p1", &world->arena);
    assert_false (accept_receipt (&world->fleet, &envelope, &world->arena, &receipt, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
}

static struct approval sample_approval (void)
{
    return (struct approval){
        .plan = {{1}},
        .step = SIGNOFF,
        .attempt = 1,
        .decision = DECISION_APPROVE,
        .role = "managers",
        .name = "ana",
        .issued = noon,
        .expires = next_year};
}

static bool approved (
    struct world *world, const struct approval *approval, const char *name, const char *environment)
{
    struct envelope envelope = signed_by_one (&approval_type, approval, name, &world->arena);
    struct approval accepted = {.attempt = 99};
    struct public_key key = {{0}, {0}};
    struct public_key expected = key_named (name).public;
    bool good = accept_approval (
        &world->trust, environment, &envelope, noon, &world->arena, &accepted, &key, &world->error);
    assert_int_equal (accepted.attempt, good ? approval->attempt : 99);
    assert_int_equal (public_key_equal (&key, &expected), good);
    return good;
}

static void test_approval (void **state)
{
    struct world *world = *state;
    struct approval approval = sample_approval ();
    assert_true (approved (world, &approval, "ana", "production"));
    assert_false (approved (world, &approval, "ana", "staging"));
    assert_false (approved (world, &approval, "luis", "production")); /* ana's name, luis's key */
    assert_false (approved (world, &approval, "ctl", "production"));
    assert_false (approved (world, &approval, "p1", "production"));
    approval.name = "bo";
    assert_true (approved (world, &approval, "bo", "staging"));
    assert_false (approved (world, &approval, "bo", "production"));
    approval.name = "nobody";
    assert_false (approved (world, &approval, "ana", "production"));
    approval = sample_approval ();
    approval.role = "operator";
    assert_false (approved (world, &approval, "ana", "production"));
    approval = sample_approval ();
    approval.expires = noon;
    assert_false (approved (world, &approval, "ana", "production"));
    assert_int_equal (world->error.kind, ERROR_EXPIRED);
    approval = sample_approval ();
    approval.attempt = 0;
    assert_false (approved (world, &approval, "ana", "production"));
}

static void test_decisions (void **state)
{
    static const struct {
        enum decision decision;
        bool about_step;
        bool by_role;
    } decisions[] = {
        {DECISION_APPROVE, true, true},  {DECISION_REJECT, true, true},  {DECISION_SKIP, true, true},
        {DECISION_PROMOTE, true, false}, {DECISION_PAUSE, false, false}, {DECISION_RESUME, false, false},
        {DECISION_ABORT, false, false},  {DECISION_RETRY, false, false}, {DECISION_UNDO, false, false},
        {DECISION_OVERRIDE, true, true},
    };
    struct world *world = *state;
    static_assert (COUNT_OF (decisions) == decision_count, "every decision");
    for (size_t i = 0; i < COUNT_OF (decisions); i++) {
        struct approval approval = sample_approval ();
        const char *name = decisions[i].by_role ? "ana" : "op";
        approval.comment = "for a reason";
        approval.decision = decisions[i].decision;
        approval.step = decisions[i].about_step ? PAUSE : 0;
        approval.role = decisions[i].by_role ? "managers" : "operator";
        approval.name = name;
        assert_true (approved (world, &approval, name, "production"));
        approval.step = decisions[i].about_step ? 0 : PAUSE;
        assert_false (approved (world, &approval, name, "production"));
        approval.step = decisions[i].about_step ? PAUSE : 0;
        approval.role = "managers";
        approval.name = "ana";
        assert_int_equal (approved (world, &approval, "ana", "production"), decisions[i].by_role);
        approval.comment = " \n";
        assert_int_equal (
            approved (world, &approval, "ana", "production"), decisions[i].by_role &&
                                                                  decisions[i].decision != DECISION_SKIP &&
                                                                  decisions[i].decision != DECISION_OVERRIDE);
    }
}

static void test_plan_approval (void **state)
{
    struct world *world = *state;
    struct plan plan = world_plan (&world->arena);
    struct approval approval = sample_approval ();
    struct approval accepted;
    struct public_key key;
    struct envelope envelope;
    approval.name = "bo"; /* for all environments, but production has its own managers */
    for (uint64_t step = STAGING; step <= STEPS + 1; step++) {
        bool good;
        approval.step = step;
        envelope = signed_by_one (&approval_type, &approval, "bo", &world->arena);
        good = accept_plan_approval (
            &world->trust, &plan, &envelope, noon, &world->arena, &accepted, &key, &world->error);
        assert_int_equal (good, step <= STAGING_TEST);
    }
    approval.name = "ana";
    approval.step = STEPS + 1;
    envelope = signed_by_one (&approval_type, &approval, "ana", &world->arena);
    assert_false (accept_plan_approval (
        &world->trust, &plan, &envelope, noon, &world->arena, &accepted, &key, &world->error));
    assert_non_null (strstr (world->error.text, "step 11"));
}

/* Bytes that no key signed never reach the decoder: they are refused, not found to be wrong. */
static void test_nothing_unsigned_is_parsed (void **state)
{
    struct world *world = *state;
    struct envelope envelope = {.content = bytes_of_text ("relevo approval 1\nrubbish")};
    struct approval approval;
    struct public_key key;
    struct receipt receipt;
    struct plan plan;
    struct arena *arena = &world->arena;
    assert_false (
        accept_approval (&world->trust, "", &envelope, noon, arena, &approval, &key, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    envelope.content = bytes_of_text ("relevo receipt 1\nrubbish");
    assert_false (accept_receipt (&world->fleet, &envelope, arena, &receipt, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
    envelope.content = bytes_of_text ("relevo plan 1\nrubbish");
    assert_false (accept_plan (&world->trust, &envelope, noon, arena, &plan, &world->error));
    assert_int_equal (world->error.kind, ERROR_REFUSED);
}

#define UNIT(function) cmocka_unit_test_setup_teardown (function, enter, leave)

int main (void)
{
    const struct CMUnitTest tests[] = {
        UNIT (test_first_trust),
        UNIT (test_next_trust),
        UNIT (test_expired_links_of_a_chain),
        UNIT (test_numbers_run_to_the_end),
        UNIT (test_fleet),
        UNIT (test_plan),
        UNIT (test_plan_quorum),
        UNIT (test_permit),
        UNIT (test_tick),
        UNIT (test_receipt),
        UNIT (test_plan_every_byte),
        UNIT (test_other_kind),
        UNIT (test_approval),
        UNIT (test_decisions),
        UNIT (test_plan_approval),
        UNIT (test_nothing_unsigned_is_parsed),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
