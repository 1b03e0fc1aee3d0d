/* Requests, decisions that are refused, watchers, notifications, enrolment, and what agents pull. */
#include "tests/unit/controller_core/world.h"

static void test_second_rollout_is_refused (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_to_signoff (world);
    world_start (world);
    world_expect_answer (world, true, "this plan is rollout 1 already");
    assert_int_equal (world->answer.rollout, 1);
    world_make_plan (world, 2);
    world_start (world);
    world_expect_answer (world, false, "rollout 1 (" PRODUCT " " NEW_VERSION ") stands in the way");
    assert_string_equal (world->answer.kind, "conflict");
    world_free (world);
}

static void test_start_is_judged (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world->plan.artifacts[0].digest = digest_of ("unknown", 7);
    world_sign_plan (world);
    world_start (world);
    world_expect_answer (world, false, "artefact connect.tar is not in the depot");
    world_make_plan (world, 1);
    world->plan_envelope = world_sign (world, &plan_type, &world->plan, &world->keys[KEY_ANA]);
    world_start (world);
    world_expect_answer (world, false, "");
    assert_string_equal (world->answer.kind, "refused");
    world_make_plan (world, 1);
    world->plan.steps[0].hosts[0] = "stage-1";
    world->plan.steps[1].hosts[0] = "stage-1";
    world->plan.steps[5].hosts[0] = "stage-1";
    world_sign_plan (world);
    world_start (world);
    world_expect_answer (world, false, "stage-1 is in staging, not in production");
    world_make_plan (world, 1);
    world_to_healthy (world);
    world_make_plan (world, 1);
    world->plan.comment = "the same counter again";
    world_sign_plan (world);
    world_start (world);
    world_expect_answer (world, false, "release counter");
    world_free (world);
}

static void test_decisions_are_judged (void **state)
{
    struct world *world = world_new ();
    struct envelope old;
    (void)state;
    world_start (world);
    old = world_approval (world, KEY_ANA, DECISION_APPROVE, 3, "testers", "");
    world_decide_with (world, 1, &old);
    world_expect_answer (world, false, "stands at step 1");
    world_deliver (world);
    world_decide_with (world, 1, &old);
    world_expect_answer (world, false, "evidence has changed");
    world_decide (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, false, "stands at step 3");
    world_decide (world, KEY_RELEASE, DECISION_APPROVE, 3, "testers", "");
    world_expect_answer (world, false, "release-key-2 is not in the role testers");
    world_decide (world, KEY_ANA, DECISION_APPROVE, 3, "managers", "");
    world_expect_answer (world, false, "asks for the role testers");
    world_decide (world, KEY_ANA, DECISION_PROMOTE, 3, ROLE_OPERATOR, "");
    world_expect_answer (world, false, "no pause");
    world_decide (world, KEY_ANA, DECISION_RETRY, 0, ROLE_OPERATOR, "");
    world_expect_answer (world, false, "nothing to retry");
    world_decide (world, KEY_ANA, DECISION_UNDO, 0, ROLE_OPERATOR, "");
    world_expect_answer (world, false, "abort it");
    world_decide (world, KEY_ANA, DECISION_SKIP, 3, "testers", "hotfix");
    world_expect_answer (world, true, "recorded");
    world_decide (world, KEY_ANA, DECISION_SKIP, 4, "managers", "hotfix");
    world_expect_answer (world, false, "can't be skipped");
    old = world_approval (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "first");
    world_decide_with (world, 1, &old);
    world_expect_answer (world, true, "recorded");
    world_decide_with (world, 1, &old);
    world_expect_answer (world, true, "recorded already");
    world_decide (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "second");
    world_expect_answer (world, false, "ana has decided on step 4 already");
    world_decide_with (world, 7, &old);
    world_expect_answer (world, false, "there is no rollout 7");
    world_expect_phase (world, PHASE_AWAITING);
    world_free (world);
}

static void test_receipts_twice (void **state)
{
    struct world *world = world_new ();
    struct report report;
    size_t entries;
    size_t stored;
    (void)state;
    world_start (world);
    report.receipt = world->queue[0];
    world_deliver (world);
    entries = world->entry_count;
    stored = world->stored;
    world_agent (world, 1, &report_type, &report);
    assert_int_equal (world->entry_count, entries);
    assert_int_equal (world->stored, stored + 1);
    /* Another host can't hand it in. */
    world_agent (world, 2, &report_type, &report);
    assert_int_equal (world->stored, stored + 1);
    world_free (world);
}

static void test_forged_receipt (void **state)
{
    struct world *world = world_new ();
    struct report report;
    struct receipt receipt;
    (void)state;
    world_start (world);
    assert_int_equal (world->queue_count, 1);
    assert_true (document_read (&receipt_type, world->queue[0].content, &world->arena, &receipt, NULL));
    report.receipt = world_sign (world, &receipt_type, &receipt, &world->hosts[2].key);
    world_agent (world, 1, &report_type, &report);
    assert_int_equal (world->stored, 0);
    assert_int_equal (world_view (world, 0).head.step, 1);
    world_free (world);
}

static void watch_from (struct world *world, unsigned char route)
{
    struct watch watch = {.request = 1, .rollout = 1};
    world_message (world, DOOR_LOCAL, route, NULL, FROM_ANY_PERSON, &watch_type, &watch);
}

/* Two watchers, one of whom comes late: the same changes under the same numbers, from a whole state on. */
static void test_watchers (void **state)
{
    struct world *world = world_new ();
    struct controller_event gone = {.kind = CONTROLLER_GONE, .route = world_route (DOOR_LOCAL, 1)};
    uint64_t last[2] = {0, 0};
    size_t heard[2] = {0, 0};
    size_t count;
    (void)state;
    world->no_rebuild = true;
    world_start (world);
    watch_from (world, 1);
    assert_int_equal (world->progress_count, 1);
    assert_true (world->progress[0].whole);
    world_deliver_one (world);
    watch_from (world, 2);
    world_deliver (world);
    world_decide (world, KEY_ANA, DECISION_SKIP, 3, "testers", "hotfix");
    for (size_t i = 0; i < world->progress_count; i++) {
        size_t who = (size_t)world->progress_to[i].id[4] - 1;
        const struct progress *progress = &world->progress[i];
        assert_int_equal (progress->whole, heard[who] == 0);
        if (heard[who] > 0)
            assert_int_equal (progress->sequence, last[who] + 1);
        last[who] = progress->sequence;
        heard[who]++;
    }
    assert_int_equal (last[0], last[1]);
    assert_true (heard[0] > heard[1] && heard[1] >= 3);
    assert_int_equal (world->progress[world->progress_count - 1].steps_count, 2);
    count = world->progress_count;
    world_event (world, &gone);
    world_operate (world, DECISION_PAUSE);
    assert_int_equal (world->progress_count, count + 1);
    assert_int_equal (world->progress_to[count].id[4], 2);
    world_free (world);
}

static void test_doing_is_shown (void **state)
{
    struct world *world = world_new ();
    struct doing doing = {
        .step = 1, .attempt = 1, .activity = ACTIVITY_STARTING, .detail = "readiness 8s of 30s"};
    size_t entries;
    (void)state;
    world->no_rebuild = true;
    world_start (world);
    watch_from (world, 1);
    entries = world->entry_count;
    doing.plan = world->plan_digest;
    world_agent (world, 1, &doing_type, &doing);
    assert_int_equal (world->progress_count, 2);
    assert_int_equal (world->progress[1].hosts_count, 1);
    assert_int_equal (world->progress[1].hosts[0].activity, ACTIVITY_STARTING);
    assert_string_equal (world->progress[1].hosts[0].detail, "readiness 8s of 30s");
    assert_int_equal (world->entry_count, entries);
    world_free (world);
}

static void test_notices_are_retried (void **state)
{
    struct world *world = world_new ();
    char key[2][LIMIT_LINE + 1];
    (void)state;
    world_to_signoff (world);
    world_sign_off (world);
    world_deliver (world);
    assert_int_equal (world->notice_count, 2);
    (void)snprintf (key[0], sizeof key[0], "%s", world->notices[0].key);
    (void)snprintf (key[1], sizeof key[1], "%s", world->notices[1].key);
    assert_string_not_equal (key[0], key[1]);
    world_notified (world, key[0], true);
    world_notified (world, key[1], false);
    /* The first try is enough for the rollout, not for the target. */
    world_expect_phase (world, PHASE_HEALTHY);
    assert_non_null (strstr (world_view (world, 0).steps[6].detail, "1/2 told; mail-managers: HTTP 500"));
    world_wait (world, 20000);
    assert_int_equal (world->notice_count, 2);
    world_wait (world, 11000);
    assert_int_equal (world->notice_count, 3);
    assert_string_equal (world->notices[2].key, key[1]);
    world_restart (world);
    assert_int_equal (world->notice_count, 4);
    assert_string_equal (world->notices[3].key, key[1]);
    assert_string_equal (world->notices[3].text, world->notices[1].text);
    world_notified (world, key[1], true);
    world_restart (world);
    world_wait (world, 60000);
    assert_int_equal (world->notice_count, 4);
    assert_string_equal (world_view (world, 0).steps[6].detail, "2/2 told");
    world_free (world);
}

static void test_unknown_target (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world->plan.steps[6].targets[1] = "slack-osp";
    world_sign_plan (world);
    world_start (world);
    world_expect_answer (
        world, false,
        "step 7 tells slack-osp, and this controller has no such target; did you mean slack-ops");
    world_free (world);
}

/* Configured at the start, and gone after a restart in between. */
static void test_lost_target (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world_to_signoff (world);
    world->options.target_count = 1;
    world_restart (world);
    world_sign_off (world);
    world_deliver (world);
    assert_int_equal (world->notice_count, 1);
    world_notified (world, world->notices[0].key, true);
    world_expect_phase (world, PHASE_HEALTHY);
    assert_non_null (strstr (world_view (world, 0).steps[6].detail, "no target named mail-managers"));
    world_free (world);
}

static void test_pull_offers_again (void **state)
{
    struct world *world = world_new ();
    struct pull pull = {.trust_version = 1, .fleet_version = 1};
    struct envelope first;
    size_t entries;
    (void)state;
    world->hosts[1].deaf = true;
    world_start (world);
    assert_int_equal (world->queue_count, 0);
    entries = world->entry_count;
    world_agent (world, 1, &pull_type, &pull);
    assert_int_equal (world->permits_sent, 1);
    assert_int_equal (world->entry_count, entries);
    assert_int_equal (world->queue_count, 1);
    first = world->queue[0];
    /* The report was lost on its way: the host answers the same permit with the same receipt. */
    world->queue_count = 0;
    world->now.ms += 100000;
    world_ping_all (world);
    world_agent (world, 1, &pull_type, &pull);
    assert_int_equal (world->permits_sent, 2);
    assert_true (bytes_equal (world->queue[0].content, first.content));
    world_deliver (world);
    world_agent (world, 1, &pull_type, &pull);
    assert_int_equal (world->permits_sent, 3); /* of the test step, which it has not heard either */
    world_free (world);
}

static void test_expired_permit_is_renewed (void **state)
{
    struct world *world = world_new ();
    struct pull pull = {.trust_version = 1, .fleet_version = 1};
    size_t entries;
    (void)state;
    world->options.permit_life.ms = 30000;
    world_restart (world);
    world->hosts[1].deaf = true;
    world_start (world);
    world->now.ms += 29000;
    world_ping_all (world);
    entries = world->entry_count;
    world_agent (world, 1, &pull_type, &pull);
    assert_int_equal (world->entry_count, entries + 1);
    world_deliver (world);
    assert_string_equal (world->hosts[1].version, NEW_VERSION);
    world_free (world);
}

static void test_restart_publishes_what_is_open (void **state)
{
    struct world *world = world_new ();
    (void)state;
    world->hosts[1].deaf = true;
    world_start (world);
    assert_int_equal (world->queue_count, 0);
    world->hosts[1].deaf = false;
    world_restart (world);
    assert_int_equal (world->queue_count, 1);
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    world_free (world);
}

/* ------------------------------------------------------------------------------------------------- enrolling
 */

static const uint8_t secret[32] = {1, 2, 3};

static void enrol_as (struct world *world, unsigned sender, const uint8_t *token)
{
    struct wire_key wire = world->hosts[4].wire;
    struct enrol enrol = {
        .secret = {token, 32}, .name = world->hosts[4].name, .key = world->hosts[4].key.public};
    world->enrolment_heard = false;
    assert_int_equal (controller_sender (world->controller, DOOR_AGENTS, &wire, world->now), sender);
    world_message (world, DOOR_AGENTS, 50, &wire, sender, &enrol_type, &enrol);
    assert_true (world->enrolment_heard);
}

static void make_token (struct world *world)
{
    struct token_make make = {
        .request = 1, .secret = digest_of (secret, sizeof secret), .expires = {world->now.ms + 60000}};
    world_person (world, &token_make_type, &make);
    world_expect_answer (world, true, "one host");
}

static struct world *world_with_one_less (void)
{
    struct world *world = world_new ();
    world_make_fleet (world, 1, WORLD_HOSTS - 1);
    world->entry_count = 0;
    world_open_journal (world);
    world_restart (world);
    return world;
}

static void submit_fleet (struct world *world)
{
    struct submit submit;
    world_make_fleet (world, world->fleet.version + 1, WORLD_HOSTS);
    submit = (struct submit){.request = 1, .document = world->fleet_envelope};
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, true, "in force");
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, true, "in force already");
}

static void test_enrolment (void **state)
{
    static const uint8_t wrong[32] = {9};
    struct world *world = world_with_one_less ();
    struct inventory_wanted wanted = {.request = 1};
    struct wire_key wire = world->hosts[4].wire;
    (void)state;
    assert_int_equal (controller_sender (world->controller, DOOR_AGENTS, &wire, world->now), 0);
    make_token (world);
    enrol_as (world, FROM_STRANGER, wrong);
    assert_int_equal (world->enrolment.state, ENROLMENT_REJECTED);
    enrol_as (world, FROM_STRANGER, secret);
    assert_int_equal (world->enrolment.state, ENROLMENT_WAITING);
    enrol_as (world, FROM_STRANGER, wrong); /* the key is known by now */
    assert_int_equal (world->enrolment.state, ENROLMENT_WAITING);
    world_person (world, &inventory_wanted_type, &wanted);
    assert_int_equal (world->inventory.pending_count, 1);
    assert_string_equal (world->inventory.pending[0].name, "connect-p4");
    world->enrolment_heard = false;
    submit_fleet (world);
    assert_true (world->enrolment_heard);
    assert_int_equal (world->enrolment.state, ENROLMENT_ACCEPTED);
    assert_int_equal (world->enrolment.trusts_count, 1);
    assert_true (bytes_equal (world->enrolment.fleet.content, world->fleet_envelope.content));
    enrol_as (world, FROM_AGENT, secret);
    assert_int_equal (world->enrolment.state, ENROLMENT_ACCEPTED);
    world_hello (world, 4);
    world_person (world, &inventory_wanted_type, &wanted);
    assert_int_equal (world->inventory.pending_count, 0);
    assert_int_equal (world->inventory.hosts_count, WORLD_HOSTS);
    world_free (world);
}

static void test_rejected_enrolment (void **state)
{
    struct world *world = world_with_one_less ();
    struct host_reject reject = {.request = 1, .name = "connect-p4", .cause = "not ours"};
    (void)state;
    make_token (world);
    enrol_as (world, FROM_STRANGER, secret);
    world->enrolment_heard = false;
    world_person (world, &host_reject_type, &reject);
    world_expect_answer (world, true, "rejected");
    assert_true (world->enrolment_heard);
    assert_string_equal (world->enrolment.cause, "not ours");
    enrol_as (world, FROM_STRANGER, secret);
    assert_int_equal (world->enrolment.state, ENROLMENT_REJECTED);
    assert_string_equal (world->enrolment.cause, "not ours");
    world_person (world, &host_reject_type, &reject);
    world_expect_answer (world, false, "no host named connect-p4");
    world_free (world);
}

static void test_expired_token (void **state)
{
    struct world *world = world_with_one_less ();
    struct wire_key wire = world->hosts[4].wire;
    (void)state;
    make_token (world);
    world->now.ms += 61000;
    assert_int_equal (controller_sender (world->controller, DOOR_AGENTS, &wire, world->now), 0);
    world_free (world);
}

static void test_doors (void **state)
{
    struct world *world = world_new ();
    struct wire_key ana = world->trust.keys[KEY_ANA].wire;
    struct wire_key none = {{0}};
    (void)state;
    assert_int_equal (
        controller_sender (world->controller, DOOR_REMOTE, &ana, world->now), FROM_PERSON | FROM_OPERATOR);
    assert_int_equal (controller_sender (world->controller, DOOR_AGENTS, &ana, world->now), 0);
    assert_int_equal (controller_sender (world->controller, DOOR_REMOTE, &none, world->now), 0);
    assert_int_equal (controller_sender (world->controller, DOOR_AGENTS, &none, world->now), 0);
    assert_int_equal (
        controller_sender (world->controller, DOOR_REMOTE, &world->hosts[0].wire, world->now), 0);
    assert_int_equal (controller_sender (world->controller, DOOR_LOCAL, &none, world->now), FROM_ANY_PERSON);
    world_free (world);
}

static void test_documents_never_go_back (void **state)
{
    struct world *world = world_new ();
    struct submit submit = {.request = 1};
    (void)state;
    world_make_fleet (world, 1, 2);
    submit.document = world->fleet_envelope;
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, false, "never goes back");
    world->fleet.version = 2;
    submit.document = world_sign (world, &fleet_type, &world->fleet, &world->keys[KEY_RELEASE]);
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, false, "");
    assert_string_equal (world->answer.kind, "refused");
    submit.document = world->plan_envelope;
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, false, "only trust and fleet");
    world->trust.version = 3;
    submit.document = world_sign (world, &trust_type, &world->trust, &world->keys[KEY_ROOT]);
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, false, "version 3");
    world->trust.version = 2;
    submit.document = world_sign (world, &trust_type, &world->trust, &world->keys[KEY_ROOT]);
    world_person (world, &submit_type, &submit);
    world_expect_answer (world, true, "in force");
    world_free (world);
}

static void test_ticks (void **state)
{
    struct world *world = world_new ();
    size_t ticks = world->ticks;
    (void)state;
    world_wait (world, 50000);
    assert_int_equal (world->ticks, ticks + 10);
    world_free (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_second_rollout_is_refused),
        cmocka_unit_test (test_start_is_judged),
        cmocka_unit_test (test_decisions_are_judged),
        cmocka_unit_test (test_receipts_twice),
        cmocka_unit_test (test_forged_receipt),
        cmocka_unit_test (test_watchers),
        cmocka_unit_test (test_doing_is_shown),
        cmocka_unit_test (test_notices_are_retried),
        cmocka_unit_test (test_unknown_target),
        cmocka_unit_test (test_lost_target),
        cmocka_unit_test (test_pull_offers_again),
        cmocka_unit_test (test_expired_permit_is_renewed),
        cmocka_unit_test (test_restart_publishes_what_is_open),
        cmocka_unit_test (test_enrolment),
        cmocka_unit_test (test_rejected_enrolment),
        cmocka_unit_test (test_expired_token),
        cmocka_unit_test (test_doors),
        cmocka_unit_test (test_documents_never_go_back),
        cmocka_unit_test (test_ticks),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
