/* Data without end, and readers who never read: what relevod holds stays bounded, and others are served. The
   bounds are generous; without the limits that are attacked here, each is passed several times over. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "common/io/clock.h"
#include "tests/attacks/face_part.h"

enum { PATIENCE_MS = 15000, HEAR_MS = 1000, LITTLE_KB = 48 * 1024, MUCH_KB = 160 * 1024 };
enum {
    TOPICS = 20000,
    TOPIC_SIZE = 131,
    LONG_TOPIC = 4000000,
    REQUESTS = 2000,
    FLOOD = 3000,
    NESTED = 100000
};

/* Beside the flood, and after it. */
static void expect_little (struct face *face, size_t before, size_t room)
{
    size_t after = face_memory (face);
    if (after > before + room)
        fail_msg ("relevod held %zu KiB before, and holds %zu now", before, after);
}

static struct buffer encoded (const struct record_type *type, const void *record)
{
    struct buffer body = {0};
    struct error error;
    if (!message_encode (type, record, &body, &error))
        fail_msg ("%s", error.text);
    return body;
}

static void expect_ticks (struct face *face)
{
    struct face_raw *agent = face_raw (face, FACE_PUBLISH, ZMQ_XSUB, &face->hosts[FACE_P2].wire, NULL);
    face_raw_say (agent, (struct bytes){(const uint8_t *)"\1", 1});
    assert_true (face_raw_hears (agent, PATIENCE_MS));
    face_raw_leave (&agent);
}

/* -------------------------------------------------------------------------------------------------------
 * topics */

/* libzmq keeps a tree of all topics, with a node for each of their bytes. */
static void test_flood_of_topics (void **state)
{
    struct face *face = *state;
    struct face_raw *agent = face_raw (face, FACE_PUBLISH, ZMQ_XSUB, &face->hosts[FACE_P3].wire, NULL);
    size_t before = face_memory (face);
    for (size_t i = 0; i < TOPICS; i++) {
        uint8_t topic[TOPIC_SIZE] = {1};
        random_fill (topic + 1, sizeof topic - 1);
        face_raw_say (agent, (struct bytes){topic, sizeof topic});
    }
    assert_true (face_log_says (face, "subscribed to too much"));
    (void)sleep (1);
    expect_little (face, before, LITTLE_KB);
    face_raw_leave (&agent);
    expect_ticks (face);
    face_carry_on (face);
}

/* In a process of its own: the attacker's libzmq does not survive it either. */
static void test_topic_without_end (void **state)
{
    struct face *face = *state;
    size_t before = face_memory (face);
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        struct face_raw *agent = face_raw (face, FACE_PUBLISH, ZMQ_XSUB, &face->hosts[FACE_P3].wire, NULL);
        uint8_t *topic = malloc (LONG_TOPIC);
        random_fill (topic, LONG_TOPIC);
        topic[0] = 1;
        face_raw_say (agent, (struct bytes){topic, LONG_TOPIC});
        (void)sleep (2);
        _exit (0);
    }
    assert_int_equal (waitpid (child, NULL, 0), child);
    expect_little (face, before, LITTLE_KB);
    expect_ticks (face);
    face_carry_on (face);
}

/* -------------------------------------------------------------------------------------- readers who never
 * read */

static struct digest put_chunk (struct face *face)
{
    static uint8_t data[LIMIT_CHUNK];
    struct put put = {.request = 1, .name = "large", .length = sizeof data, .data = {data, sizeof data}};
    random_fill (data, sizeof data);
    put.content = digest_of (data, sizeof data);
    face_say (face->local, &put_type, &put);
    assert_true (((const struct put_state *)face_hear (face->local, &put_state_type))->complete);
    return put.content;
}

static void ask_and_never_read (
    struct face *face, enum face_door door, const struct wire_pair *pair, const struct record_type *type,
    const void *record)
{
    struct buffer body = encoded (type, record);
    struct face_raw *raw = face_raw (face, door, ZMQ_DEALER, pair, NULL);
    size_t before = face_memory (face);
    for (size_t i = 0; i < REQUESTS; i++)
        face_raw_say (raw, buffer_bytes (&body));
    face_settle (face->local);
    (void)sleep (2);
    expect_little (face, before, MUCH_KB);
    face_carry_on (face);
    face_raw_leave (&raw);
    buffer_free (&body);
}

static void test_host_that_never_reads_its_chunks (void **state)
{
    struct face *face = *state;
    struct chunk_wanted wanted = {.content = put_chunk (face), .size = LIMIT_CHUNK};
    ask_and_never_read (face, FACE_AGENTS, &face->hosts[FACE_P3].wire, &chunk_wanted_type, &wanted);
}

static void test_host_that_never_reads_what_it_pulls (void **state)
{
    struct face *face = *state;
    struct pull pull = {0};
    ask_and_never_read (face, FACE_AGENTS, &face->hosts[FACE_P3].wire, &pull_type, &pull);
}

/* The largest receipts that a host can sign fill the journal; then somebody reads it without reading. */
static void test_person_who_never_reads_the_journal (void **state)
{
    enum { TESTS = 100, RECEIPTS = 6 };
    struct face *face = *state;
    struct face_peer *agent = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P3].wire);
    struct audit_wanted wanted = {.request = 1};
    struct test_result *results = arena_array (&face->arena, TESTS, sizeof *results);
    char *tail = arena_take (&face->arena, LIMIT_TAIL + 1);
    const struct digest plan = digest_of ("nobody's", 8);
    (void)memset (tail, 'x', LIMIT_TAIL);
    for (size_t i = 0; i < TESTS; i++)
        results[i] = (struct test_result){.name = arena_format (&face->arena, "t%zu", i), .tail = tail};
    for (size_t i = 0; i < RECEIPTS; i++) {
        struct receipt receipt = face_draft_receipt (face, FACE_P3, &plan, 2, 1, OUTCOME_FAILED);
        struct report report;
        receipt.tests = results;
        receipt.tests_count = TESTS;
        report = face_report (face, FACE_P3, receipt);
        face_say (agent, &report_type, &report);
        (void)face_hear (agent, &report_stored_type);
    }
    ask_and_never_read (face, FACE_REMOTE, &face->wires[FACE_ANA], &audit_wanted_type, &wanted);
    face_leave (&agent);
}

/* --------------------------------------------------------------------------------------------- sizes and
 * depths */

static void test_messages_too_large (void **state)
{
    struct face *face = *state;
    struct face_peer *agent = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P3].wire);
    struct face_raw *raw = face_raw (face, FACE_AGENTS, ZMQ_DEALER, &face->hosts[FACE_P3].wire, NULL);
    uint8_t *data = calloc (1, LIMIT_MESSAGE + 1000);
    size_t before = face_memory (face);
    uint64_t rows = face_journal (face);
    struct ping ping = {.number = 1};
    struct buffer body = encoded (&ping_type, &ping);
    (void)memcpy (data, "\x93\x01\x09", 3); /* a report, as large as a message may be */
    face_log_mark (face);
    face_say_bytes (agent, (struct bytes){data, LIMIT_MESSAGE});
    face_settle (agent);
    assert_true (face_log_says (face, "refused: report"));
    /* One byte more is not read; much more ends the connection. */
    face_raw_say (raw, (struct bytes){data, LIMIT_MESSAGE + 1});
    face_raw_say (raw, buffer_bytes (&body));
    assert_true (face_raw_hears (raw, PATIENCE_MS));
    face_raw_say (raw, (struct bytes){data, LIMIT_MESSAGE + 1000});
    assert_false (face_raw_hears (raw, HEAR_MS));
    assert_int_equal (face_journal (face), rows);
    expect_little (face, before, MUCH_KB);
    face_raw_leave (&raw);
    face_leave (&agent);
    buffer_free (&body);
    free (data);
    face_carry_on (face);
}

static void test_nesting_and_claims (void **state)
{
    static const struct {
        const char *head;
        size_t head_size;
        const char *again;
        size_t again_size;
    } bad[] = {
        {"\x93\x01\x01", 3, "\x91", 1},                 /* lists in lists */
        {"\x93\x01\x01", 3, "\x81\xa4host", 6},         /* maps in maps */
        {"\x93\x01\x01", 3, "\xdd\xff\xff\xff\xff", 5}, /* lists of four thousand million lists */
        {"\x93\x01\x01", 3, "\xdf\xff\xff\xff\xff", 5}, /* maps of the same */
        {"\x93\x01\x09\x81\xa7receipt\x82\xa7"
         "content",
         20, "\xc6\xff\xff\xff\xff", 5},
        {"\x93\x01\x01\x86\xa4host", 9, "\xdb\xff\xff\xff\xff", 5},
    };
    struct face *face = *state;
    struct face_peer *agent = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P3].wire);
    size_t before = face_memory (face);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buffer body = {0};
        buffer_append (&body, bad[i].head, bad[i].head_size);
        for (size_t j = 0; j < NESTED; j++)
            buffer_append (&body, bad[i].again, bad[i].again_size);
        face_log_mark (face);
        face_say_bytes (agent, buffer_bytes (&body));
        face_settle (agent);
        assert_true (face_log_says (face, "refused: "));
        buffer_free (&body);
    }
    expect_little (face, before, LITTLE_KB);
    face_leave (&agent);
    face_carry_on (face);
}

/* -------------------------------------------------------------------------------------------------------
 * floods */

/* A host may say as often as it likes what it is doing: nothing is kept of it but the last word. */
static void test_flood_of_doing (void **state)
{
    struct face *face = *state;
    struct face_release release = face_start_release (face);
    struct face_peer *agent = face_agent (face, FACE_P1);
    struct face_peer *watcher = face_connect (face, FACE_REMOTE, &face->wires[FACE_ANA]);
    struct watch watch = {.request = 1};
    char detail[LIMIT_LINE + 1];
    struct doing doing = {.plan = release.digest, .step = 1, .attempt = 1, .detail = detail};
    uint64_t rows = face_journal (face);
    size_t before = face_memory (face);
    (void)memset (detail, 'd', LIMIT_LINE);
    detail[LIMIT_LINE] = '\0';
    face_say (watcher, &watch_type, &watch);
    for (size_t i = 0; i < FLOOD; i++) {
        detail[i % LIMIT_LINE] = (char)('a' + i % 26);
        doing.activity = (enum activity) (i % activity_count); /* "kept" and "stuck" among them */
        face_say (agent, &doing_type, &doing);
    }
    face_settle (agent);
    assert_int_equal (face_journal_count (face, rows, &entry_receipt_type), 0);
    assert_int_equal (face_journal_count (face, rows, &entry_step_type), 0);
    assert_int_equal (face_head (face).step, FACE_DEPLOY_P1);
    expect_little (face, before, LITTLE_KB);
    face_leave (&watcher);
    face_leave (&agent);
    face_work (face);
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
}

static void test_flood_of_requests_for_what_is_not_there (void **state)
{
    struct face *face = *state;
    struct face_peer *agent = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P3].wire);
    struct hello hello = {.host = face_host_name (FACE_P3), .agent = "1"};
    struct pull pull = {0};
    size_t before = face_memory (face);
    for (uint64_t i = 0; i < FLOOD; i++) {
        struct chunk_wanted wanted = {.content = digest_of (&i, sizeof i), .offset = i, .size = LIMIT_CHUNK};
        face_say (agent, &chunk_wanted_type, &wanted);
        (void)face_hear (agent, &chunk_refused_type);
        face_say (agent, &hello_type, &hello);
        (void)face_hear (agent, &welcome_type);
        face_say (agent, &pull_type, &pull);
        (void)face_hear (agent, &offer_type);
    }
    expect_little (face, before, LITTLE_KB);
    face_leave (&agent);
    face_carry_on (face);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_flood_of_topics, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_topic_without_end, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_host_that_never_reads_its_chunks, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_host_that_never_reads_what_it_pulls, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_person_who_never_reads_the_journal, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_messages_too_large, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_nesting_and_claims, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_flood_of_doing, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (
            test_flood_of_requests_for_what_is_not_there, face_setup, face_teardown),
    };
    return cmocka_run_group_tests_name ("floods", tests, NULL, NULL);
}
