/* Decisions, plans, documents and contents that are well-formed, and that nobody with the right to them has
 * made. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "tests/attacks/face_part.h"

static const struct answer *decide_by (
    struct face *face, uint64_t rollout, const struct approval *approval, const struct secret_key *key)
{
    struct decide decide = {.request = 6, .rollout = rollout};
    decide.approval = FACE_SIGN (face, &approval_type, approval, key);
    return face_ask (face->local, &decide_type, &decide);
}

static void expect_no (
    struct face *face, uint64_t rollout, const struct approval *approval, enum face_person signer,
    const char *words)
{
    uint64_t rows = face_journal (face);
    face_expect (decide_by (face, rollout, approval, &face->keys[signer]), false, words);
    assert_int_equal (face_journal_count (face, rows, &entry_approval_type), 0);
}

static void finish (struct face *face, const struct face_release *release)
{
    face_expect (face_decide (face, release, FACE_ANA, DECISION_APPROVE, FACE_SIGNOFF), true, "recorded");
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
    face_expect (face_decide (face, release, FACE_LUIS, DECISION_APPROVE, FACE_SIGNOFF), true, "recorded");
    face_work (face);
    assert_int_equal (face_head (face).phase, PHASE_HEALTHY);
}

/* ----------------------------------------------------------------------------------------------------
 * decisions */

static void test_sign_offs_of_the_wrong_people (void **state)
{
    struct face *face = *state;
    struct face_release release = face_to_signoff (face);
    struct approval approval = face_draft_approval (face, &release, FACE_EVA, DECISION_APPROVE, FACE_SIGNOFF);
    expect_no (face, release.rollout, &approval, FACE_EVA, "eva is not in the role managers for production");
    approval.role = "testers";
    expect_no (face, release.rollout, &approval, FACE_EVA, "asks for the role managers, not testers");
    approval = face_draft_approval (face, &release, FACE_ANA, DECISION_APPROVE, FACE_SIGNOFF);
    for (size_t i = 0; i < FACE_PEOPLE; i++)
        if (i != FACE_ANA)
            expect_no (
                face, release.rollout, &approval, (enum face_person)i,
                i == FACE_NOBODY ? "signed by no key of the trust document" : "speaks for ana");
    approval.name = face_name (FACE_CONTROLLER);
    expect_no (face, release.rollout, &approval, FACE_CONTROLLER, "controller is not in the role managers");
    approval.name = face_name (FACE_OPERATOR);
    expect_no (face, release.rollout, &approval, FACE_OPERATOR, "operator is not in the role managers");
    approval.role = ROLE_OPERATOR;
    expect_no (face, release.rollout, &approval, FACE_OPERATOR, "asks for the role managers");
    finish (face, &release);
}

static void test_sign_off_twice (void **state)
{
    struct face *face = *state;
    struct face_release release = face_to_signoff (face);
    struct approval approval = face_draft_approval (face, &release, FACE_ANA, DECISION_APPROVE, FACE_SIGNOFF);
    uint64_t rows;
    face_expect (decide_by (face, release.rollout, &approval, &face->keys[FACE_ANA]), true, "recorded");
    rows = face_journal (face);
    face_expect (decide_by (face, release.rollout, &approval, &face->keys[FACE_ANA]), true, "already");
    assert_int_equal (face_journal (face), rows);
    approval.comment = "and once more, in other words";
    expect_no (face, release.rollout, &approval, FACE_ANA, "ana has decided on step 3 already");
    /* The same key under a name of somebody else's. */
    approval.name = face_name (FACE_LUIS);
    expect_no (face, release.rollout, &approval, FACE_ANA, "speaks for luis");
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
    face_expect (face_decide (face, &release, FACE_LUIS, DECISION_APPROVE, FACE_SIGNOFF), true, "recorded");
    face_work (face);
    assert_int_equal (face_head (face).phase, PHASE_HEALTHY);
}

static void test_sign_offs_of_something_else (void **state)
{
    struct face *face = *state;
    struct face_release other = face_to_signoff (face);
    struct approval old = face_draft_approval (face, &other, FACE_ANA, DECISION_APPROVE, FACE_SIGNOFF);
    struct face_release release;
    struct approval good;
    struct approval bad;
    face_expect (face_decide (face, &other, FACE_OPERATOR, DECISION_ABORT, 0), true, "recorded");
    face_work (face);
    release = face_to_signoff (face);
    good = face_draft_approval (face, &release, FACE_ANA, DECISION_APPROVE, FACE_SIGNOFF);
    expect_no (face, release.rollout, &old, FACE_ANA, "about another plan");
    expect_no (face, other.rollout, &old, FACE_ANA, "nothing to approve");
    bad = good;
    bad.evidence = old.evidence;
    expect_no (face, release.rollout, &bad, FACE_ANA, "the evidence has changed since you looked");
    bad = good;
    bad.attempt = 2;
    expect_no (face, release.rollout, &bad, FACE_ANA, "the decision is about attempt 2");
    bad = good;
    bad.step = FACE_DEPLOY_P2;
    expect_no (face, release.rollout, &bad, FACE_ANA, "stands at step 3");
    bad = good;
    bad.step = LIMIT_STEPS;
    expect_no (face, release.rollout, &bad, FACE_ANA, "the approval is about step");
    bad = good;
    bad.expires = face_in (-1);
    expect_no (face, release.rollout, &bad, FACE_ANA, "the approval expired");
    bad = good;
    bad.expires = (struct instant){0};
    expect_no (face, release.rollout, &bad, FACE_ANA, "does not say when it expires");
    bad = good;
    bad.decision = DECISION_SKIP;
    expect_no (face, release.rollout, &bad, FACE_ANA, "not optional");
    bad = good;
    bad.step = 0;
    bad.decision = DECISION_ABORT;
    bad.role = ROLE_OPERATOR;
    expect_no (face, release.rollout, &bad, FACE_ANA, "ana is not in the role operator");
    expect_no (face, 99, &good, FACE_ANA, "there is no rollout 99");
    finish (face, &release);
}

/* ---------------------------------------------------------------------------------------------------- plans
 */

static void expect_no_start (struct face *face, const struct envelope *plan, const char *words)
{
    struct rollout_start start = {.request = 3, .plan = *plan, .by = "operator"};
    uint64_t rows = face_journal (face);
    face_expect (face_ask (face->local, &rollout_start_type, &start), false, words);
    assert_int_equal (face_journal_count (face, rows, &entry_rollout_type), 0);
}

static void test_plans_without_their_releasers (void **state)
{
    struct face *face = *state;
    struct plan plan = face_draft_plan (face);
    struct envelope envelope = FACE_SIGN (face, &plan_type, &plan, &face->keys[FACE_RELEASER_1]);
    expect_no_start (face, &envelope, "1 of 2 signatures");
    envelope = FACE_SIGN (
        face, &plan_type, &plan, &face->keys[FACE_RELEASER_1], &face->keys[FACE_RELEASER_1],
        &face->keys[FACE_OPERATOR], &face->keys[FACE_CONTROLLER], &face->keys[FACE_ROOT_1],
        &face->keys[FACE_ANA], &face->keys[FACE_NOBODY], &face->hosts[FACE_P1].key);
    expect_no_start (face, &envelope, "1 of 2 signatures");
    envelope =
        FACE_SIGN (face, &plan_type, &plan, &face->keys[FACE_RELEASER_1], &face->keys[FACE_RELEASER_2]);
    ((uint8_t *)envelope.content.data)[envelope.content.size / 2] ^= 1;
    expect_no_start (face, &envelope, "0 of 2 signatures");
    face_carry_on (face);
}

static void test_plans_of_another_time (void **state)
{
    struct face *face = *state;
    struct plan plan;
    struct envelope envelope;
    face_carry_on (face);
    plan = face_draft_plan (face);
    plan.expires = face_in (-1);
    envelope = face_release_of (face, &plan).envelope;
    expect_no_start (face, &envelope, "expired");
    plan = face_draft_plan (face);
    plan.counter = 1; /* that of the release that is out */
    envelope = face_release_of (face, &plan).envelope;
    expect_no_start (face, &envelope, "release counter is 1");
    plan.counter = UINT64_MAX;
    envelope = face_release_of (face, &plan).envelope;
    expect_no_start (face, &envelope, "absurdly far");
    plan.counter = face->counter;
    plan.trust_version = 2;
    envelope = face_release_of (face, &plan).envelope;
    expect_no_start (face, &envelope, "made for trust version 2");
    plan.trust_version = 1;
    plan.fleet_version = 2;
    envelope = face_release_of (face, &plan).envelope;
    expect_no_start (face, &envelope, "made for fleet 2");
    plan.fleet_version = 1;
    plan.fleet = digest_of ("another fleet", 13);
    envelope = face_release_of (face, &plan).envelope;
    expect_no_start (face, &envelope, "another fleet document");
    face_carry_on (face);
}

static void test_plans_with_paths_for_names (void **state)
{
    static const char *const bad[] = {"", "..", "../x", "a/b", "/etc", ".x", "-x"};
    struct face *face = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct plan plan = face_draft_plan (face);
        struct envelope envelope;
        plan.name = bad[i];
        envelope = face_release_of (face, &plan).envelope;
        expect_no_start (face, &envelope, "is no name for a plan");
        plan = face_draft_plan (face);
        plan.product = plan.profile.product = bad[i];
        envelope = face_release_of (face, &plan).envelope;
        expect_no_start (face, &envelope, "is no name for a product");
        plan = face_draft_plan (face);
        plan.version = bad[i];
        envelope = face_release_of (face, &plan).envelope;
        expect_no_start (face, &envelope, "is no version");
    }
    face_carry_on (face);
}

/* ------------------------------------------------------------------------------------------------ trust and
 * fleet */

static void expect_not_taken (
    struct face *face, struct face_peer *by, const struct envelope *document, const char *words)
{
    struct submit submit = {.request = 2, .document = *document};
    uint64_t rows = face_journal (face);
    face_expect (face_ask (by, &submit_type, &submit), false, words);
    assert_int_equal (face_journal_count (face, rows, &entry_trust_type), 0);
    assert_int_equal (face_journal_count (face, rows, &entry_fleet_type), 0);
}

/* By a watcher, who may hand in whatever others have signed, and by the local door. */
static void test_trust_documents (void **state)
{
    struct face *face = *state;
    struct face_peer *watcher = face_connect (face, FACE_REMOTE, &face->wires[FACE_ANA]);
    const struct secret_key *root1 = &face->keys[FACE_ROOT_1];
    const struct secret_key *root2 = &face->keys[FACE_ROOT_2];
    struct trust trust = face_draft_trust (face, 2);
    struct envelope good = FACE_SIGN (face, &trust_type, &trust, root1, root2);
    struct envelope envelope = FACE_SIGN (face, &trust_type, &trust, root1);
    expect_not_taken (face, watcher, &envelope, "1 of 2 signatures");
    envelope = FACE_SIGN (face, &trust_type, &trust, root1, root1, &face->keys[FACE_OPERATOR]);
    expect_not_taken (face, watcher, &envelope, "1 of 2 signatures");
    trust.version = 3;
    envelope = FACE_SIGN (face, &trust_type, &trust, root1, root2);
    expect_not_taken (face, watcher, &envelope, "exactly the one after 1");
    trust.version = UINT64_MAX;
    envelope = FACE_SIGN (face, &trust_type, &trust, root1, root2);
    expect_not_taken (face, watcher, &envelope, "exactly the one after 1");
    trust.version = 1;
    trust.expires = face_in (7200);
    envelope = FACE_SIGN (face, &trust_type, &trust, root1, root2);
    expect_not_taken (face, watcher, &envelope, "exactly the one after 1");
    trust = face_draft_trust (face, 2);
    trust.roles[0].threshold = 0;
    envelope = FACE_SIGN (face, &trust_type, &trust, root1, root2);
    expect_not_taken (face, watcher, &envelope, "threshold is 0");
    trust = face_draft_trust (face, 2);
    trust.roles[1].keys[0] = face_name (FACE_CONTROLLER);
    envelope = FACE_SIGN (face, &trust_type, &trust, root1, root2);
    expect_not_taken (face, watcher, &envelope, "a key that is online");
    {
        struct submit submit = {.request = 2, .document = good};
        face_expect (face_ask (watcher, &submit_type, &submit), true, "is in force");
        face_expect (face_ask (watcher, &submit_type, &submit), true, "in force already");
        expect_not_taken (face, watcher, &face->trust_envelope, "exactly the one after 2");
    }
    face_leave (&watcher);
    face_carry_on (face);
}

static void test_fleet_documents (void **state)
{
    struct face *face = *state;
    struct face_peer *watcher = face_connect (face, FACE_REMOTE, &face->wires[FACE_ANA]);
    struct fleet fleet = face_draft_fleet (face, 2);
    struct envelope first = face->fleet_envelope;
    struct envelope envelope;
    static const enum face_person thieves[] = {
        FACE_ANA, FACE_RELEASER_1, FACE_ROOT_1, FACE_CONTROLLER, FACE_NOBODY};
    for (size_t i = 0; i < sizeof thieves / sizeof thieves[0]; i++) {
        envelope = FACE_SIGN (face, &fleet_type, &fleet, &face->keys[thieves[i]]);
        expect_not_taken (face, watcher, &envelope, "0 of 1 signatures");
        expect_not_taken (face, face->local, &envelope, "0 of 1 signatures");
    }
    fleet.expires = face_in (-1);
    envelope = FACE_SIGN (face, &fleet_type, &fleet, &face->keys[FACE_OPERATOR]);
    expect_not_taken (face, watcher, &envelope, "expired");
    fleet = face_draft_fleet (face, UINT64_MAX);
    envelope = FACE_SIGN (face, &fleet_type, &fleet, &face->keys[FACE_OPERATOR]);
    expect_not_taken (face, watcher, &envelope, "absurdly far");
    fleet = face_draft_fleet (face, 1);
    fleet.hosts_count = 1;
    envelope = FACE_SIGN (face, &fleet_type, &fleet, &face->keys[FACE_OPERATOR]);
    expect_not_taken (face, watcher, &envelope, "it never goes back");
    {
        struct plan plan = face_draft_plan (face);
        envelope = face_release_of (face, &plan).envelope;
        expect_not_taken (face, watcher, &envelope, "a plan document is not submitted");
    }
    face_submit_fleet (face, face_draft_fleet (face, 2));
    expect_not_taken (face, watcher, &first, "it never goes back");
    face_stop (face);
    face_leave (&watcher);
    face_start (face);
    expect_not_taken (face, face->local, &first, "it never goes back");
    face_carry_on (face);
}

/* ------------------------------------------------------------------------------------------- contents and
 * files */

static bool is_in_depot (struct face *face, const struct digest *digest, const char *end)
{
    char text[DIGEST_TEXT_SIZE];
    return file_exists (
        face_path (face, arena_format (&face->arena, "state/depot/%s%s", digest_print (digest, text), end)));
}

static void test_contents (void **state)
{
    struct face *face = *state;
    struct face_peer *releaser = face_connect (face, FACE_REMOTE, &face->wires[FACE_RELEASER_1]);
    struct bytes data = bytes_of_text ("what was promised");
    struct put put = {
        .request = 1, .name = "x", .content = digest_of (data.data, data.size), .length = data.size};
    struct put bad = put;
    const struct put_state *said;
    struct stat status;
    uint64_t rows = face_journal (face);
    bad.data = bytes_of_text ("something foreign"); /* as long as what was promised */
    face_expect (face_ask (releaser, &put_type, &bad), false, "the bytes are not what was named");
    assert_false (is_in_depot (face, &put.content, ""));
    assert_false (is_in_depot (face, &put.content, ".part"));
    /* Longer than it says, at its end or far behind it. */
    bad.length = 10;
    face_expect (face_ask (releaser, &put_type, &bad), false, "passes the end at 10");
    bad.length = data.size;
    bad.offset = data.size;
    face_expect (face_ask (releaser, &put_type, &bad), false, "passes the end at 17");
    bad.offset = LIMIT_CONTENT;
    face_expect (face_ask (releaser, &put_type, &bad), false, "passes the end at 17");
    assert_false (is_in_depot (face, &put.content, ""));
    assert_false (is_in_depot (face, &put.content, ".part"));
    assert_int_equal (face_journal (face), rows);
    /* A name is shown to people, and never a path. */
    put.name = "../../../../tmp/relevo-was-here";
    put.data = data;
    face_say (releaser, &put_type, &put);
    said = face_hear (releaser, &put_state_type);
    assert_true (said->complete);
    assert_true (is_in_depot (face, &put.content, ""));
    assert_int_not_equal (stat ("/tmp/relevo-was-here", &status), 0);
    face_leave (&releaser);
    face_carry_on (face);
}

/* Whoever else has an account on the controller's machine reads no journal and speaks at no door. */
static void test_modes_of_files (void **state)
{
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = {
        {"state", 0700},       {"state/local", 0600}, {"state/journal.sqlite", 0600},
        {"state/depot", 0700}, {"wire.key", 0600},    {"controller.key", 0600},
    };
    struct face *face = *state;
    struct bytes content = bytes_of_text (FACE_CONTENT);
    struct digest digest = digest_of (content.data, content.size);
    char text[DIGEST_TEXT_SIZE];
    struct stat status;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_int_equal (stat (face_path (face, files[i].name), &status), 0);
        if ((status.st_mode & 07777) != files[i].mode)
            fail_msg ("%s has the mode %o", files[i].name, status.st_mode & 07777);
    }
    assert_int_equal (
        stat (
            face_path (face, arena_format (&face->arena, "state/depot/%s", digest_print (&digest, text))),
            &status),
        0);
    assert_int_equal (status.st_mode & 07777, 0400);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_sign_offs_of_the_wrong_people, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_sign_off_twice, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_sign_offs_of_something_else, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_plans_without_their_releasers, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_plans_of_another_time, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_plans_with_paths_for_names, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_trust_documents, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_fleet_documents, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_contents, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_modes_of_files, face_setup, face_teardown),
    };
    return cmocka_run_group_tests_name ("decisions", tests, NULL, NULL);
}
