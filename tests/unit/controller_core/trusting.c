/* New trust documents: the controller that is named no more, rollouts that stand on keys which are gone,
   expired links, and chains that are longer than a message. Hosts of this world judge each permit and tick by
   the newest document, so whatever comes from a controller that they would not believe fails the test. */
#include "tests/unit/controller_core/world.h"

static struct secret_key make_key (uint8_t seed_byte)
{
    struct secret_key key;
    uint8_t seed[KEY_SEED_SIZE] = {seed_byte, 77};
    uint8_t number[KEY_NUMBER_SIZE] = {seed_byte, 77};
    secret_key_make (seed, number, &key);
    return key;
}

/* Version N + 1 as world->trust is by now. */
static void submit (struct world *world, const char *words)
{
    struct submit submit = {.request = 1};
    world->trust.version++;
    world->trust_envelope = world_sign (world, &trust_type, &world->trust, &world->keys[KEY_ROOT]);
    submit.document = world->trust_envelope;
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, true, words);
}

static void replace (struct world *world, size_t key, uint8_t seed)
{
    world->keys[key] = make_key (seed);
    world->trust.keys[key].key = world->keys[key].public;
}

static void expect_cause (struct world *world, enum phase phase, const char *words)
{
    struct progress progress = world_view (world, 0);
    world_expect_phase (world, phase);
    if (strstr (progress.head.cause, words) == NULL)
        fail_msg ("\"%s\" without \"%s\"", progress.head.cause, words);
}

/* The next release, while the world goes on with its plan. */
static struct envelope other_plan (struct world *world)
{
    struct plan other = world->plan;
    other.counter++;
    return world_sign (world, &plan_type, &other, &world->keys[KEY_RELEASE]);
}

/* Taken over in the middle: the old one falls silent at once, the new one brings it to its end. */
static void test_controller_key (void **state)
{
    struct world *world = world_new ();
    struct rollout_start start = {.request = 3, .by = "ana"};
    size_t ticks;
    (void)state;
    world_to_signoff (world);
    replace (world, KEY_CONTROLLER, 1);
    submit (world, "the trust document is in force; this controller's signing key has no say any more");
    ticks = world->ticks;
    assert_false (controller_is_believed (world->controller, NULL));
    world_wait (world, 60000);
    assert_int_equal (world->ticks, ticks);
    expect_cause (world, PHASE_AWAITING, "trust version 2 gives the role controller to another key");
    world_decide (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, true, "nothing follows from it yet");
    world_decide (world, KEY_LUIS, DECISION_APPROVE, 4, "managers", "");
    world_expect_phase (world, PHASE_AWAITING);
    start.plan = other_plan (world);
    world_person (world, &rollout_start_type, &start);
    world_expect_answer (world, false, "Hosts believe nothing");
    /* The same configuration again: still nothing. */
    world_restart (world);
    assert_int_equal (world->ticks, ticks);
    assert_int_equal (world->queue_count, 0);
    world->options.key = world->keys[KEY_CONTROLLER];
    world_restart (world);
    assert_true (controller_is_believed (world->controller, NULL));
    assert_true (world->ticks > ticks);
    world_deliver (world);
    world_notified (world, world->notices[world->notice_count - 2].key, true);
    world_notified (world, world->notices[world->notice_count - 1].key, true);
    world_expect_phase (world, PHASE_HEALTHY);
    world_free (world);
}

/* A permit that was out is made anew for whoever asks. */
static void test_permits_are_made_anew (void **state)
{
    struct world *world = world_new ();
    struct pull pull = {.trust_version = 1, .fleet_version = 1};
    (void)state;
    world->hosts[1].deaf = true;
    world_start (world);
    replace (world, KEY_CONTROLLER, 1);
    submit (world, "no say any more");
    world_agent (world, 1, &pull_type, &pull);
    assert_int_equal (world->permits_sent, 0);
    world->options.key = world->keys[KEY_CONTROLLER];
    world_restart (world);
    world_agent (world, 1, &pull_type, &pull);
    assert_int_equal (world->permits_sent, 1);
    world_deliver (world);
    assert_string_equal (world->hosts[1].version, NEW_VERSION);
    world_free (world);
}

/* An approval that is there, and whose key is not any more, does not open the step. */
static void test_approval_of_a_replaced_key (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_start (world);
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    world_decide (world, KEY_LUIS, DECISION_SKIP, 3, "testers", "hotfix");
    world_decide (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, true, "recorded");
    replace (world, KEY_ANA, 2);
    submit (world, "in force");
    world->now.ms++;
    world_decide (world, KEY_LUIS, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, true, "recorded");
    world_expect_phase (world, PHASE_AWAITING);
    assert_int_equal (world->queue_count, 0);
    world_decide (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, true, "recorded");
    world_deliver (world);
    world_expect_phase (world, PHASE_PROGRESSING);
    assert_string_equal (world->hosts[4].version, NEW_VERSION);
    world_free (world);
}

/* A step was passed by it: hosts would refuse every further permit, so the rollout says so at once. */
static void test_step_passed_by_a_replaced_key (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_to_signoff (world);
    replace (world, KEY_ANA, 2);
    submit (world, "in force");
    expect_cause (
        world, PHASE_DEGRADED,
        "step 3 does not stand any more, because the key of ana may not speak for testers now");
    world_decide (world, KEY_LUIS, DECISION_ABORT, 0, ROLE_OPERATOR, "");
    world_expect_answer (world, true, "recorded");
    world_deliver (world);
    world_expect_phase (world, PHASE_ABORTED);
    assert_string_equal (world->hosts[1].version, OLD_VERSION);
    world_free (world);
}

static void test_plan_of_a_replaced_releaser (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_to_signoff (world);
    replace (world, KEY_RELEASE, 3);
    submit (world, "in force");
    expect_cause (world, PHASE_DEGRADED, "trust version 2 does not vouch for its plan any more");
    world_decide (world, KEY_LUIS, DECISION_RETRY, 0, ROLE_OPERATOR, "");
    world_expect_answer (world, false, "the plan: 0 of 1 signatures");
    world_free (world);
}

static void test_too_few_signatures (void **state)
{
    struct world *world = world_new ();
    struct submit submit = {.request = 1};
    struct trust next = world->trust;
    struct trust_role *roles = arena_copy (&world->arena, next.roles, next.roles_count * sizeof *roles);
    (void)state;
    next.version = 2;
    submit.document = world_sign (world, &trust_type, &next, &world->keys[KEY_ANA]);
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, false, "by the roots of version 1: 0 of 1 signatures");
    roles[0] = world_role (world, ROLE_ROOT, 2, 2, "root", "luis");
    next.roles = roles;
    submit.document = world_sign (world, &trust_type, &next, &world->keys[KEY_ROOT]);
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, false, "by its own roots: 1 of 2 signatures");
    world_free (world);
}

/* On the way to the newest an expired link is passed; as the newest it vouches for nothing. */
static void test_expired_link (void **state)
{
    struct world *world = world_new ();
    struct rollout_start start = {.request = 3, .plan = world->plan_envelope, .by = "ana"};
    struct instant expires = world->trust.expires;
    (void)state;
    world->no_rebuild = true; /* the ticks of this while are of no use to anybody */
    world->trust.expires.ms = world->now.ms - 1000;
    submit (world, "it is only the way to the next one");
    world_person (world, &rollout_start_type, &start);
    world_expect_answer (world, false, "the trust expired at");
    world->trust.expires = expires;
    submit (world, "the trust document is in force");
    world_person (world, &rollout_start_type, &start);
    world_expect_answer (world, true, "begun");
    world_free (world);
}

static void test_long_chain (void **state)
{
    enum { VERSIONS = LIMIT_PAGE + 44 };
    struct world *world = world_new ();
    struct inventory_wanted wanted = {.request = 1};
    struct trusts_wanted more = {.request = 1, .after = LIMIT_PAGE};
    struct envelope first = world->trust_envelope;
    (void)state;
    world->no_rebuild = true;
    while (world->trust.version < VERSIONS)
        submit (world, "in force");
    world_person (world, &inventory_wanted_type, &wanted);
    assert_int_equal (world->inventory.trust_version, VERSIONS);
    assert_int_equal (world->inventory.trusts_count, LIMIT_PAGE);
    assert_true (bytes_equal (world->inventory.trusts[0].content, first.content));
    world_person (world, &trusts_wanted_type, &more);
    assert_int_equal (world->trusts_page.trusts_count, VERSIONS - LIMIT_PAGE);
    assert_true (bytes_equal (
        world->trusts_page.trusts[VERSIONS - LIMIT_PAGE - 1].content, world->trust_envelope.content));
    more.after = VERSIONS;
    world_person (world, &trusts_wanted_type, &more);
    assert_int_equal (world->trusts_page.trusts_count, 0);
    more.after = UINT64_MAX;
    world_person (world, &trusts_wanted_type, &more);
    assert_int_equal (world->trusts_page.trusts_count, 0);
    world_free (world);
}

static void test_hosts_say_what_they_have (void **state)
{
    struct world *world = world_new ();
    struct inventory_wanted wanted = {.request = 1};
    struct hello hello;
    struct host_release release;
    (void)state;
    world_person (world, &inventory_wanted_type, &wanted);
    assert_int_equal (world->inventory.hosts[0].trust_version, 1);
    hello = world_hello_of (world, 0, &release);
    hello.trust_version = 5;
    world_agent (world, 0, &hello_type, &hello);
    world_person (world, &inventory_wanted_type, &wanted);
    for (size_t i = 0; i < world->inventory.hosts_count; i++)
        assert_int_equal (
            world->inventory.hosts[i].trust_version,
            strcmp (world->inventory.hosts[i].name, world->hosts[0].name) == 0 ? 5 : 1);
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_controller_key),
        cmocka_unit_test (test_permits_are_made_anew),
        cmocka_unit_test (test_approval_of_a_replaced_key),
        cmocka_unit_test (test_step_passed_by_a_replaced_key),
        cmocka_unit_test (test_plan_of_a_replaced_releaser),
        cmocka_unit_test (test_too_few_signatures),
        cmocka_unit_test (test_expired_link),
        cmocka_unit_test (test_long_chain),
        cmocka_unit_test (test_hosts_say_what_they_have),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
