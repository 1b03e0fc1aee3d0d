/* Attacks on a controller by its own agents and people, and the loss of everything that it published. Each
   test is named for the attack. */
#include "tests/unit/controller_core/world.h"

static void pull_all (struct world *world)
{
    struct pull pull = {.trust_version = 1, .fleet_version = 1};
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        world_agent (world, i, &pull_type, &pull);
}

/* Nothing goes out but by a pull; each pull of a host with work brings the plan and the permit. */
static void go_on_by_pull (struct world *world, bool restart)
{
    size_t before;
    do {
        if (restart)
            world_restart (world);
        before = world->plans_sent;
        pull_all (world);
        if (world->queue_count > 0)
            assert_true (world->plans_sent > before);
        before = world->queue_count;
        world_deliver (world);
    } while (before > 0);
}

static struct world *deaf_world (void)
{
    struct world *world = world_new ();
    for (size_t i = 0; i < WORLD_HOSTS; i++)
        world->hosts[i].deaf = true;
    return world;
}

static void test_every_publication_is_lost (void **state)
{
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        struct world *world = deaf_world ();
        world_start (world);
        assert_int_equal (world->queue_count, 0);
        go_on_by_pull (world, restart == 1);
        world_expect_phase (world, PHASE_AWAITING);
        world_decide (world, KEY_ANA, DECISION_SKIP, 3, "testers", "hotfix");
        world_sign_off (world);
        go_on_by_pull (world, restart == 1);
        world_notified (world, world->notices[world->notice_count - 2].key, true);
        world_notified (world, world->notices[world->notice_count - 1].key, true);
        world_expect_phase (world, PHASE_HEALTHY);
        for (size_t i = 1; i < WORLD_HOSTS; i++)
            assert_string_equal (world->hosts[i].version, NEW_VERSION);
        world_free (world);
    }
}

/* A return that is owed is pulled too: while it is due, and when it is too late for that. */
static void test_every_return_is_lost (void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct world *world = deaf_world ();
        world_host (world, "connect-p1")->test = OUTCOME_FAILED;
        world_start (world);
        pull_all (world);
        world_deliver (world);
        pull_all (world);
        world_deliver (world);
        world_expect_phase (world, PHASE_RETURNING);
        if (late == 1) {
            world_wait (world, 127000);
            world_expect_phase (world, PHASE_DEGRADED);
            world_wait (world, 700000); /* the permit has expired, and is made anew */
        }
        assert_string_equal (world_host (world, "connect-p1")->version, NEW_VERSION);
        world_restart (world);
        go_on_by_pull (world, false);
        world_expect_phase (world, PHASE_ROLLED_BACK);
        assert_string_equal (world_host (world, "connect-p1")->version, OLD_VERSION);
        world_free (world);
    }
}

static void say (struct world *world, size_t host, struct receipt receipt)
{
    struct report report;
    receipt.host = world->hosts[host].name;
    if (receipt.version == NULL)
        receipt.version = NEW_VERSION;
    receipt.started = receipt.finished = world->now;
    report.receipt = world_sign (world, &receipt_type, &receipt, &world->hosts[host].key);
    world_agent (world, host, &report_type, &report);
}

static void test_receipts_of_unknown_plans (void **state)
{
    struct world *world = world_new ();
    struct receipt receipt = {
        .plan = digest_of ("nobody's", 8), .step = 1, .attempt = 1, .outcome = OUTCOME_KEPT, .cause = ""};
    size_t entries = world->entry_count;
    (void)state;
    world->no_rebuild = true;
    for (uint64_t i = 1; i <= 300; i++) {
        receipt.counter = i;
        say (world, 1, receipt);
    }
    assert_int_equal (world->entry_count, entries + 256);
    assert_int_equal (world->stored, 256);
    receipt.counter = 7; /* an acknowledgement was lost: no second entry */
    say (world, 1, receipt);
    assert_int_equal (world->entry_count, entries + 256);
    assert_int_equal (world->stored, 257);
    world_restart (world);
    entries = world->entry_count;
    receipt.counter = 301;
    say (world, 1, receipt);
    assert_int_equal (world->entry_count, entries);
    say (world, 2, receipt); /* another host is not made to suffer for it */
    assert_int_equal (world->entry_count, entries + 1);
    world->no_rebuild = false;
    world_to_healthy (world);
    world_free (world);
}

/* One word about each thing: a host can't fill a rollout, nor change its mind. */
static void test_a_host_says_another_word (void **state)
{
    struct world *world = world_new ();
    struct receipt receipt = {
        .plan = world->plan_digest, .step = 2, .attempt = 1, .outcome = OUTCOME_FAILED, .cause = "ha"};
    size_t entries;
    (void)state;
    world_to_signoff (world);
    entries = world->entry_count;
    world->no_rebuild = true;
    for (uint64_t i = 0; i < 300; i++) {
        receipt.counter = 100 + i;
        say (world, 1, receipt);
    }
    assert_int_equal (world->entry_count, entries + 256);
    world->no_rebuild = false;
    world_expect_phase (world, PHASE_AWAITING);
    world_sign_off (world);
    world_deliver (world);
    world_expect_phase (world, PHASE_PROGRESSING);
    world_free (world);
}

/* The longest cause, all of it in characters of several bytes, at each offset: wherever it is cut on its way
   into a step's cause, a notice or an answer, no half character may get into the journal, which could not be
   read again. */
static void test_cause_that_is_cut_in_a_character (void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 4; offset++) {
        struct world *world = world_new ();
        struct receipt receipt = {
            .plan = world->plan_digest, .step = 1, .attempt = 1, .outcome = OUTCOME_RETURNED, .counter = 1};
        char cause[LIMIT_LINE + 1] = "";
        (void)memset (cause, 'x', offset);
        while (strlen (cause) + 4 <= LIMIT_LINE)
            (void)memcpy (cause + strlen (cause), "\xf0\x9f\x90\xa2", 4);
        receipt.cause = cause;
        receipt.version = OLD_VERSION;
        world->hosts[1].silent = true;
        world_start (world);
        world->hosts[1].silent = false;
        say (world, 1, receipt);
        world_expect_phase (world, PHASE_ROLLED_BACK);
        world_restart (world);
        world_expect_phase (world, PHASE_ROLLED_BACK);
        world_free (world);
    }
}

/* What no permit allowed did not happen, whoever signs it; the true word later counts. */
static void test_receipt_before_its_permit (void **state)
{
    static const struct receipt early[] = {
        {.step = 1, .attempt = 2, .outcome = OUTCOME_FAILED},
        {.step = 5, .attempt = 1, .outcome = OUTCOME_KEPT},
        {.step = 5, .attempt = 1, .outcome = OUTCOME_STUCK},
        {.step = 3, .attempt = 1, .outcome = OUTCOME_PASSED},
        {.kind = PERMIT_RETURN, .attempt = 1, .outcome = OUTCOME_STUCK},
    };
    struct world *world = world_new ();
    (void)state;
    world_start (world);
    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++) {
        struct receipt receipt = early[i];
        receipt.plan = world->plan_digest;
        receipt.cause = "";
        receipt.counter = 50 + i;
        say (world, 2, receipt);
    }
    assert_int_equal (world->stored, 5);
    world_expect_phase (world, PHASE_PROGRESSING);
    world_deliver (world);
    world_decide (world, KEY_ANA, DECISION_SKIP, 3, "testers", "hotfix");
    world_sign_off (world);
    world_deliver (world);
    world_notified (world, world->notices[0].key, true);
    world_notified (world, world->notices[1].key, true);
    world_expect_phase (world, PHASE_HEALTHY);
    world_free (world);
}

static void test_counter_runs_to_the_end (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_make_plan (world, UINT64_MAX);
    world_start (world);
    world_expect_answer (world, false, "absurdly");
    world_make_plan (world, 5);
    world_to_healthy (world);
    world_make_plan (world, 5);
    world->plan.comment = "another one";
    world_sign_plan (world);
    world_start (world);
    world_expect_answer (world, false, "release counter");
    world_make_plan (world, 6 + ACCEPT_RISE);
    world_start (world);
    world_expect_answer (world, false, "absurdly");
    world_make_plan (world, 5 + ACCEPT_RISE);
    world_start (world);
    world_expect_answer (world, true, "begun");
    world_free (world);
}

static void test_fleet_is_frozen (void **state)
{
    struct world *world = world_new ();
    struct submit submit = {.request = 8};
    (void)state;
    world_make_fleet (world, 2, WORLD_HOSTS);
    world->fleet.expires.ms = world->now.ms + 1000;
    world->fleet_envelope = world_sign (world, &fleet_type, &world->fleet, &world->keys[KEY_ANA]);
    submit.document = world->fleet_envelope;
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, true, "in force");
    world_make_plan (world, 1);
    world->now.ms += 1000;
    world_start (world);
    world_expect_answer (world, false, "fleet 2 expired");
    world_free (world);
}

static void test_flood_of_tokens (void **state)
{
    struct world *world = world_new ();
    struct token_make make = {.request = 4, .expires = {world->now.ms + 60000}};
    uint64_t made = 0;
    (void)state;
    world->no_rebuild = true;
    do {
        make.secret = digest_of (&made, sizeof made);
        world_person (world, &token_make_type, &make);
    } while (world->answer.done && ++made < 3000);
    assert_int_equal (made, 1024);
    world_expect_answer (world, false, "tokens are out already");
    world->now.ms += 60000;
    make.expires.ms += 60000;
    world_person (world, &token_make_type, &make);
    world_expect_answer (world, true, "one host can enrol");
    world_free (world);
}

static size_t count_progress (const struct controller_effects *effects)
{
    size_t count = 0;
    for (size_t i = 0; i < effects->count; i++)
        count += effects->items[i].type == &progress_type;
    return count;
}

/* People who come and go without a word leave watchers behind: not for ever more. */
static void test_flood_of_watchers (void **state)
{
    struct world *world = world_new ();
    struct controller_effects effects = {0};
    struct watch watch = {.request = 1, .rollout = 1};
    struct decide decide = {.request = 2, .rollout = 1};
    struct controller_event event = {
        .kind = CONTROLLER_MESSAGE, .sender = FROM_ANY_PERSON, .message = {&watch_type, &watch}};
    (void)state;
    world_start (world);
    decide.approval = world_approval (world, KEY_ANA, DECISION_PAUSE, 0, ROLE_OPERATOR, "");
    event.now = world->now;
    for (unsigned i = 0; i < 6000; i++) {
        event.route = world_route (DOOR_LOCAL, (unsigned char)(i & 0xff));
        event.route.id[3] = (uint8_t)(i >> 8);
        controller_step (world->controller, &event, &effects);
        assert_int_equal (count_progress (&effects), 1);
        controller_effects_clear (&effects);
    }
    event.message = (struct message){&decide_type, &decide};
    controller_step (world->controller, &event, &effects);
    assert_int_equal (count_progress (&effects), 4096);
    controller_effects_free (&effects);
    world_free (world);
}

/* A person of the remote door is who the connection proves, whatever the message says. */
static void test_start_in_another_name (void **state)
{
    struct world *world = world_new ();
    struct rollout_start start = {.request = 3, .plan = world->plan_envelope, .by = "luis"};
    struct wire_key ana;
    (void)state;
    memset (ana.bytes, 0xA1, sizeof ana.bytes);
    world_message (world, DOOR_REMOTE, 90, &ana, FROM_PERSON | FROM_OPERATOR, &rollout_start_type, &start);
    world_expect_answer (world, true, "begun");
    assert_string_equal (world_view (world, 1).head.by, "ana");
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_every_publication_is_lost),
        cmocka_unit_test (test_every_return_is_lost),
        cmocka_unit_test (test_receipts_of_unknown_plans),
        cmocka_unit_test (test_a_host_says_another_word),
        cmocka_unit_test (test_receipt_before_its_permit),
        cmocka_unit_test (test_cause_that_is_cut_in_a_character),
        cmocka_unit_test (test_counter_runs_to_the_end),
        cmocka_unit_test (test_fleet_is_frozen),
        cmocka_unit_test (test_flood_of_tokens),
        cmocka_unit_test (test_flood_of_watchers),
        cmocka_unit_test (test_start_in_another_name),
    };
    return cmocka_run_group_tests_name ("controller hostile", tests, NULL, NULL);
}
