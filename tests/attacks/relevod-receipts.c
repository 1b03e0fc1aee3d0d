/* Receipts: replayed, forged, broken, and lies that bear a true signature. */
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "common/io/file.h"
#include "common/io/spawn.h"
#include "tests/attacks/face_part.h"

enum { SILENCE_MS = 150 };

static void tell (struct face_peer *peer, const struct envelope *envelope)
{
    struct report report = {*envelope};
    face_say (peer, &report_type, &report);
}

/* Not acknowledged, not written down. */
static void expect_unheard (struct face *face, struct face_peer *peer, const struct envelope *envelope)
{
    uint64_t rows = face_journal (face);
    tell (peer, envelope);
    assert_null (face_hear_within (peer, &report_stored_type, SILENCE_MS));
    assert_int_equal (face_journal_count (face, rows, &entry_receipt_type), 0);
}

/* Written down for the audit, and no rollout moves. */
static void expect_strange (struct face *face, struct face_peer *peer, const struct envelope *envelope)
{
    uint64_t rows = face_journal (face);
    struct view_head before = face_head (face);
    tell (peer, envelope);
    (void)face_hear (peer, &report_stored_type);
    assert_int_equal (face_journal_count (face, rows, &entry_receipt_type), 1);
    assert_int_equal (face_journal_count (face, rows, &entry_step_type), 0);
    assert_int_equal (face_journal_count (face, rows, &entry_phase_type), 0);
    assert_int_equal (face_head (face).step, before.step);
}

/* The history is judged by the real command line. */
static bool audit_holds (struct face *face, char said[LIMIT_TAIL + 1])
{
    char key[WIRE_TEXT_SIZE];
    const char *settings = face_path (face, "relevo.yaml");
    const char *words[] = {
        "setpriv",  "--reuid=65534", "--regid=65534", "--clear-groups", face_program (face, "relevo"),
        "--config", settings,        "audit",         "verify",         NULL};
    const char *environment[] = {"PATH=/usr/bin:/bin", "ASAN_OPTIONS=detect_leaks=0", NULL};
    /* The keys belong to the user that relevod runs as. */
    struct spawn_options options = {
        .words = words + (geteuid () == 0 ? 0 : 4), .environment = environment, .deadline = {30000}};
    struct spawn_result result;
    struct error error;
    const char *text = arena_format (
        &face->arena,
        "controller: %s\nlocal: %s\nserver_key: \"%s\"\nwire_key: person.wire\ntrust: trust.relevo\nkeys: "
        ".\n",
        face->endpoints[FACE_REMOTE], face->endpoints[FACE_LOCAL],
        wire_key_print (&face->server.public, key));
    if (!file_write (settings, bytes_of_text (text), 0644, &error) || !spawn_run (&options, &result, &error))
        fail_msg ("%s", error.text);
    (void)snprintf (said, LIMIT_TAIL + 1, "%s", result.tail);
    return result.exit_code == 0;
}

static void expect_audit (struct face *face, const char *words)
{
    char said[LIMIT_TAIL + 1];
    bool holds = audit_holds (face, said);
    if (holds != (words == NULL) || (words != NULL && strstr (said, words) == NULL))
        fail_msg ("\"%s\" was expected of the audit: %s", words != NULL ? words : "the history holds", said);
}

/* ------------------------------------------------------------------------------------------------------
 * replay */

static void test_the_same_receipt_again (void **state)
{
    struct face *face = *state;
    struct face_release release = face_start_release (face);
    struct receipt receipt = face_draft_receipt (face, FACE_P1, &release.digest, 1, 1, OUTCOME_KEPT);
    struct face_peer *owner = face_agent (face, FACE_P1);
    struct face_peer *thief = face_agent (face, FACE_P3);
    struct envelope envelope;
    uint64_t rows;
    envelope = face_sign_receipt (face, FACE_P1, &receipt);
    expect_unheard (face, thief, &envelope); /* first by another host, before its owner */
    tell (owner, &envelope);
    (void)face_hear (owner, &report_stored_type);
    rows = face_journal (face);
    for (size_t i = 0; i < 10; i++) {
        tell (owner, &envelope);
        (void)face_hear (owner, &report_stored_type); /* its answer may have been lost */
        expect_unheard (face, thief, &envelope);
    }
    assert_int_equal (face_journal_count (face, rows, &entry_receipt_type), 0);
    face_leave (&owner);
    face_leave (&thief);
    face_work (face);
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
    expect_audit (face, NULL);
}

/* The success of an attempt, or of a plan, is none of another's. */
static void test_receipts_of_another_attempt_or_plan (void **state)
{
    struct face *face = *state;
    struct face_release first = face_to_signoff (face);
    struct face_release second;
    struct face_peer *peer;
    struct receipt receipt;
    struct envelope envelope;
    face_expect (face_decide (face, &first, FACE_OPERATOR, DECISION_ABORT, 0), true, "recorded");
    face_work (face);
    second = face_start_release (face);
    peer = face_agent (face, FACE_P1);
    receipt = face_draft_receipt (face, FACE_P1, &first.digest, 1, 1, OUTCOME_KEPT);
    envelope = face_sign_receipt (face, FACE_P1, &receipt);
    expect_strange (face, peer, &envelope);
    receipt = face_draft_receipt (face, FACE_P1, &second.digest, 1, 2, OUTCOME_KEPT);
    envelope = face_sign_receipt (face, FACE_P1, &receipt);
    expect_strange (face, peer, &envelope);
    receipt = face_draft_receipt (face, FACE_P1, &second.digest, 0, 1, OUTCOME_RETURNED);
    envelope = face_sign_receipt (face, FACE_P1, &receipt);
    expect_strange (face, peer, &envelope);
    assert_int_equal (face_head (face).phase, PHASE_PROGRESSING);
    face_leave (&peer);
    face_work (face);
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
}

/* ------------------------------------------------------------------------------------------------------
 * forged */

static void test_forged_receipts (void **state)
{
    struct face *face = *state;
    struct face_release release = face_start_release (face);
    struct face_peer *p1 = face_agent (face, FACE_P1);
    struct face_peer *p3 = face_agent (face, FACE_P3);
    struct receipt receipt = face_draft_receipt (face, FACE_P1, &release.digest, 1, 1, OUTCOME_KEPT);
    struct envelope envelope;
    receipt.counter = 1;
    /* p1's word, by every key but p1's, from p1's connection and from another's. */
    for (size_t i = 0; i < FACE_PEOPLE; i++) {
        envelope = FACE_SIGN (face, &receipt_type, &receipt, &face->keys[i]);
        expect_unheard (face, p1, &envelope);
    }
    envelope = FACE_SIGN (face, &receipt_type, &receipt, &face->hosts[FACE_P3].key);
    expect_unheard (face, p1, &envelope);
    expect_unheard (face, p3, &envelope);
    /* A signature that belongs to other bytes; none; the bytes of another kind of document. */
    envelope = FACE_SIGN (face, &receipt_type, &receipt, &face->hosts[FACE_P1].key);
    ((uint8_t *)envelope.content.data)[envelope.content.size - 1] ^= 1;
    expect_unheard (face, p1, &envelope);
    envelope.signatures_count = 0;
    expect_unheard (face, p1, &envelope);
    {
        struct permit permit = {
            .plan = release.digest, .kind = PERMIT_STEP, .step = 1, .attempt = 1, .expires = face_in (60)};
        envelope = FACE_SIGN (face, &permit_type, &permit, &face->hosts[FACE_P1].key);
        expect_unheard (face, p1, &envelope);
    }
    /* Without a counter it has no place in its host's chain. */
    receipt.counter = 0;
    envelope = FACE_SIGN (face, &receipt_type, &receipt, &face->hosts[FACE_P1].key);
    expect_unheard (face, p1, &envelope);
    face_leave (&p1);
    face_leave (&p3);
    face_work (face);
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
    expect_audit (face, NULL);
}

/* True keys, and nothing that a permit allowed: kept for steps to come, for steps of others, for what is no
   work of hosts at all. */
static void test_words_without_a_permit (void **state)
{
    static const struct {
        enum face_host host;
        uint64_t step;
        enum outcome outcome;
    } lies[] = {
        {FACE_P2, FACE_DEPLOY_P2, OUTCOME_KEPT},  {FACE_P2, FACE_TEST_ALL, OUTCOME_PASSED},
        {FACE_P1, FACE_TEST_ALL, OUTCOME_PASSED}, {FACE_P1, FACE_SIGNOFF, OUTCOME_PASSED},
        {FACE_P3, FACE_DEPLOY_P1, OUTCOME_KEPT},  {FACE_P3, FACE_DEPLOY_P1, OUTCOME_FAILED},
        {FACE_S1, FACE_DEPLOY_P1, OUTCOME_STUCK}, {FACE_P2, 60, OUTCOME_STUCK},
    };
    struct face *face = *state;
    struct face_release release = face_start_release (face);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct face_peer *peer = face_agent (face, lies[i].host);
        struct receipt receipt =
            face_draft_receipt (face, lies[i].host, &release.digest, lies[i].step, 1, lies[i].outcome);
        struct envelope envelope = face_sign_receipt (face, lies[i].host, &receipt);
        expect_strange (face, peer, &envelope);
        face_leave (&peer);
    }
    face_work (face);
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
    face_expect (face_decide (face, &release, FACE_ANA, DECISION_APPROVE, FACE_SIGNOFF), true, "recorded");
    face_expect (face_decide (face, &release, FACE_LUIS, DECISION_APPROVE, FACE_SIGNOFF), true, "recorded");
    face_work (face);
    assert_int_equal (face_head (face).phase, PHASE_HEALTHY);
    expect_audit (face, NULL);
}

/* ---------------------------------------------------------------------------------- lies with a true
 * signature */

/* The step wants a suite, and its host says "passed" with no result, with another's results, with a failed
 * one. */
static void test_passed_without_its_tests (void **state)
{
    struct face *face = *state;
    struct test_result other = {.name = "something else", .verdict = VERDICT_PASSED};
    struct test_result failed = {.name = "port", .verdict = VERDICT_FAILED};
    struct test_result *const lies[] = {NULL, &other, &failed};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct face_release release = face_start_release (face);
        struct face_peer *peer = face_agent (face, FACE_P1);
        struct receipt receipt;
        struct envelope envelope;
        struct view_head head;
        assert_int_equal (face_obey (face, peer, FACE_P1), 1);
        receipt = face_draft_receipt (face, FACE_P1, &release.digest, FACE_TEST_P1, 1, OUTCOME_PASSED);
        receipt.tests = lies[i];
        receipt.tests_count = lies[i] != NULL;
        envelope = face_sign_receipt (face, FACE_P1, &receipt);
        tell (peer, &envelope);
        (void)face_hear (peer, &report_stored_type);
        head = face_head (face);
        assert_int_equal (head.phase, PHASE_RETURNING);
        assert_non_null (strstr (head.cause, "p1 says passed, and its test results do not"));
        face_leave (&peer);
        face_work (face);
        assert_int_equal (face_head (face).phase, PHASE_ROLLED_BACK);
    }
    face_carry_on (face);
}

static const char *version_of_p1 (struct face *face)
{
    struct inventory_wanted wanted = {.request = 1};
    const struct inventory *inventory;
    face_say (face->local, &inventory_wanted_type, &wanted);
    inventory = face_hear (face->local, &inventory_type);
    for (size_t i = 0; i < inventory->hosts_count; i++)
        if (strcmp (inventory->hosts[i].name, "p1") == 0 && inventory->hosts[i].releases_count > 0)
            return inventory->hosts[i].releases[0].version;
    return "";
}

/* Nobody but a host itself says what it runs. One that lies about itself with its own key, and in all of its
   words alike, can't be told from an honest one: neither here nor by other hosts. All it gains is that the
   cohort after it begins, and only where people sign off what they have seen; every other host still runs
   nothing but the plan's bytes. What can be seen is a lie that is not told throughout: the version is shown
   as the host said it, not as the plan wants it. */
static void test_kept_and_another_version (void **state)
{
    struct face *face = *state;
    struct face_release release = face_start_release (face);
    struct face_peer *peer = face_agent (face, FACE_P1);
    struct receipt receipt =
        face_draft_receipt (face, FACE_P1, &release.digest, FACE_DEPLOY_P1, 1, OUTCOME_KEPT);
    struct envelope envelope;
    receipt.version = "6.6.6";
    envelope = face_sign_receipt (face, FACE_P1, &receipt);
    tell (peer, &envelope);
    (void)face_hear (peer, &report_stored_type);
    assert_string_equal (version_of_p1 (face), "6.6.6");
    face_leave (&peer);
    face_work (face);
    assert_int_equal (face_head (face).phase, PHASE_AWAITING);
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
}

/* -------------------------------------------------------------------------------------------------------
 * chains */

static void break_chain (struct face *face, struct receipt *receipt, const char *words)
{
    struct face_peer *peer = face_agent (face, FACE_P3);
    struct envelope envelope = FACE_SIGN (face, &receipt_type, receipt, &face->hosts[FACE_P3].key);
    tell (peer, &envelope);
    (void)face_hear (peer, &report_stored_type);
    face_leave (&peer);
    expect_audit (face, words);
}

static struct receipt next_of_p3 (struct face *face)
{
    const struct digest plan = digest_of ("nobody's", 8);
    struct receipt receipt = face_draft_receipt (face, FACE_P3, &plan, 1, 1, OUTCOME_REFUSED);
    struct face_peer *peer = face_agent (face, FACE_P3);
    struct envelope envelope = face_sign_receipt (face, FACE_P3, &receipt);
    tell (peer, &envelope);
    (void)face_hear (peer, &report_stored_type);
    face_leave (&peer);
    expect_audit (face, NULL);
    return receipt;
}

static void test_counter_with_a_gap (void **state)
{
    struct face *face = *state;
    struct receipt receipt = next_of_p3 (face);
    receipt.counter += 2;
    receipt.before = face->hosts[FACE_P3].before;
    break_chain (face, &receipt, "receipt 2 is missing");
}

static void test_counter_twice (void **state)
{
    struct face *face = *state;
    struct receipt receipt = next_of_p3 (face);
    receipt.cause = "I never said that";
    break_chain (face, &receipt, "p3 signed two different receipts with the counter 1");
}

static void test_receipt_that_does_not_follow (void **state)
{
    struct face *face = *state;
    struct receipt receipt = next_of_p3 (face);
    receipt.counter++;
    receipt.before = digest_of ("another history", 15);
    break_chain (face, &receipt, "receipt 2 of p3 does not follow the one before it");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_the_same_receipt_again, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_receipts_of_another_attempt_or_plan, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_forged_receipts, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_words_without_a_permit, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_passed_without_its_tests, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_kept_and_another_version, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_counter_with_a_gap, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_counter_twice, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_receipt_that_does_not_follow, face_setup, face_teardown),
    };
    return cmocka_run_group_tests_name ("receipts", tests, NULL, NULL);
}
