/* Tokens, the lock, and the small files of the state folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/io/enrol.h"
#include "agent/io/journal.h"
#include "agent/io/state.h"
#include "agent/io/status.h"
#include "common/core/document.h"
#include "common/io/file.h"

struct fixture {
    char folder[64];
    struct arena arena;
    struct agent_config config;
    struct state_paths paths;
};

static int setup (void **state)
{
    struct fixture *fixture = calloc (1, sizeof *fixture);
    assert_non_null (fixture);
    (void)snprintf (fixture->folder, sizeof fixture->folder, "/tmp/relevo-state-XXXXXX");
    assert_non_null (mkdtemp (fixture->folder));
    assert_true (config_parse (
        bytes_of_text ("name: web-1\nstate: state\nsession_user: nobody\nproducts: { app: { root: app } }\n"),
        "agent.yaml", fixture->folder, &fixture->arena, &fixture->config, NULL));
    fixture->paths = state_paths (&fixture->config, &fixture->arena);
    *state = fixture;
    return 0;
}

static int teardown (void **state)
{
    struct fixture *fixture = *state;
    assert_true (folder_remove (fixture->folder, NULL));
    arena_free (&fixture->arena);
    free (fixture);
    return 0;
}

static const struct connection somewhere = {
    .agents = "tcp://127.0.0.1:1", .publish = "tcp://127.0.0.1:2", .server = {{1}}, .trust = {{2}}};

static const char *make_token (struct arena *arena, int64_t expires)
{
    static const uint8_t secret[32] = {7};
    struct token token = {.connection = somewhere, .secret = {secret, sizeof secret}, .expires = {expires}};
    struct buffer bytes = {0};
    char text[2048];
    assert_true (codec_encode (&token_type, &token, &bytes, NULL));
    assert_non_null (sodium_bin2base64 (
        text, sizeof text, (const unsigned char *)bytes.data, bytes.size,
        sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    buffer_free (&bytes);
    return arena_format (arena, "relevo1.%s", text);
}

static void test_token (void **state)
{
    struct fixture *fixture = *state;
    char *text = arena_text (&fixture->arena, make_token (&fixture->arena, 99));
    struct token token;
    struct error error;
    assert_true (
        token_parse (arena_format (&fixture->arena, "  %s\n", text), &fixture->arena, &token, &error));
    assert_string_equal (token.connection.publish, "tcp://127.0.0.1:2");
    assert_int_equal (token.expires.ms, 99);
    assert_int_equal (token.secret.data[0], 7);
    assert_false (token_parse ("relevo2.abc", &fixture->arena, &token, &error));
    assert_non_null (strstr (error.text, "relevo1."));
    assert_false (
        token_parse (arena_format (&fixture->arena, "%s %s", text, text), &fixture->arena, &token, &error));
    text[strlen (text) - 8] ^= '\x80';
    assert_false (token_parse (text, &fixture->arena, &token, &error));
    assert_non_null (strstr (error.text, "damaged"));
    text[strlen (text) - 8] ^= '\x80';
    text[strlen (text) - 4] = '\0';
    assert_false (token_parse (text, &fixture->arena, &token, &error));
    assert_non_null (strstr (error.text, "damaged"));
}

static void test_lock (void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    int first;
    int second;
    assert_true (state_lock (&fixture->paths, &first, &error));
    assert_false (state_lock (&fixture->paths, &second, &error));
    assert_int_equal (error.kind, ERROR_CONFLICT);
    (void)close (first);
    assert_true (state_lock (&fixture->paths, &second, &error));
    (void)close (second);
}

static void test_keys_stay (void **state)
{
    struct fixture *fixture = *state;
    struct secret_key first;
    struct secret_key again;
    struct wire_pair wire;
    struct wire_pair wire_again;
    struct stat status;
    struct error error;
    assert_true (state_prepare (&fixture->paths, &fixture->config, &error));
    assert_false (state_key (&fixture->paths, false, &first, &error));
    assert_true (state_key (&fixture->paths, true, &first, &error));
    assert_true (state_key (&fixture->paths, true, &again, &error));
    assert_true (public_key_equal (&first.public, &again.public));
    assert_int_equal (stat (fixture->paths.key, &status), 0);
    assert_int_equal (status.st_mode & 0777, 0600);
    assert_true (state_wire (&fixture->paths, true, &wire, &error));
    assert_true (state_wire (&fixture->paths, false, &wire_again, &error));
    assert_memory_equal (wire.secret, wire_again.secret, WIRE_SECRET_SIZE);
    assert_int_equal (chmod (fixture->paths.key, 0644), 0);
    assert_false (state_key (&fixture->paths, false, &again, &error));
    assert_non_null (strstr (error.text, "chmod 600"));
}

static void test_enrolled_elsewhere (void **state)
{
    struct fixture *fixture = *state;
    struct connection other = somewhere;
    struct connection found;
    struct token token;
    struct error error;
    assert_false (state_connection_read (&fixture->paths, &fixture->arena, &found, &error));
    assert_non_null (strstr (error.text, "enrol --token"));
    assert_true (token_parse (make_token (&fixture->arena, 99), &fixture->arena, &token, &error));
    assert_false (enrol (&fixture->config, &token, (struct span){100}, &error));
    assert_int_equal (error.kind, ERROR_EXPIRED);
    assert_true (state_connection_write (&fixture->paths, &somewhere, &error));
    assert_true (enrol (&fixture->config, &token, (struct span){100}, &error)); /* done already */
    other.trust.bytes[0] ^= 1; /* the fleet has a newer one by now */
    assert_true (state_connection_write (&fixture->paths, &other, &error));
    assert_true (enrol (&fixture->config, &token, (struct span){100}, &error));
    other.server.bytes[0] ^= 1;
    assert_true (state_connection_write (&fixture->paths, &other, &error));
    assert_false (enrol (&fixture->config, &token, (struct span){100}, &error));
    assert_non_null (strstr (error.text, "another controller"));
}

static void test_nobody_answers (void **state)
{
    struct fixture *fixture = *state;
    struct token token;
    struct error error;
    assert_true (token_parse (make_token (&fixture->arena, INT64_MAX), &fixture->arena, &token, &error));
    assert_false (enrol (&fixture->config, &token, (struct span){300}, &error));
    assert_int_equal (error.kind, ERROR_TIMEOUT);
    assert_false (file_exists (fixture->paths.connection));
    assert_true (file_exists (fixture->paths.key)); /* the same fingerprint next time */
}

static bool accept_all (
    void *context, const struct record_type *type, const void *record, struct error *error)
{
    (void)context, (void)type, (void)record, (void)error;
    return true;
}

static void append (struct journal *journal, const struct record_type *type, const void *record)
{
    struct error error;
    if (!journal_append (journal, type, record, &error))
        fail_msg ("%s", error.text);
}

static struct envelope document (struct fixture *fixture, const struct record_type *type, const void *record)
{
    struct buffer content = {0};
    struct envelope envelope = {0};
    assert_true (document_write (type, record, &content, NULL));
    envelope.content = (struct bytes){arena_copy (&fixture->arena, content.data, content.size), content.size};
    buffer_free (&content);
    return envelope;
}

/* A deploy of 2.0 to this host, as its installer notes that it begins. */
static struct note_begin begin (struct fixture *fixture)
{
    const char *hosts[] = {"web-1"};
    struct step step = {
        .number = 1, .kind = STEP_DEPLOY, .environment = "production", .hosts = hosts, .hosts_count = 1};
    struct plan plan = {
        .name = "app-2", .product = "app", .version = "2.0", .counter = 1, .steps = &step, .steps_count = 1};
    struct permit permit = {.step = 1, .attempt = 1, .hosts = hosts, .hosts_count = 1};
    struct note_begin note = {.plan = document (fixture, &plan_type, &plan), .at = {500}};
    permit.plan = digest_of (note.plan.content.data, note.plan.content.size);
    note.permit = document (fixture, &permit_type, &permit);
    return note;
}

static void test_status (void **state)
{
    struct fixture *fixture = *state;
    struct note_begin begun = begin (fixture);
    struct note_release release = {
        .product = "app",
        .current = {.product = "app", .version = "2.0"},
        .previous = {.product = "app", .version = "1.0"}};
    struct note_act swap = {.act = ACT_SWAP, .finished = true, .good = true, .at = {1000}};
    struct journal *journal;
    struct buffer out = {0};
    struct error error;
    uint64_t cut;
    assert_true (state_prepare (&fixture->paths, &fixture->config, &error));
    assert_true (status_print (&fixture->config, &out, &error));
    assert_non_null (strstr (out.data, "web-1 is not enrolled"));
    buffer_clear (&out);
    assert_true (state_connection_write (&fixture->paths, &somewhere, &error));
    assert_true (journal_open (fixture->paths.journal, accept_all, NULL, &journal, &cut, &error));
    append (journal, &note_begin_type, &begun);
    append (journal, &note_release_type, &release);
    append (journal, &note_act_type, &swap);
    assert_true (status_print (&fixture->config, &out, &error)); /* beside the one that writes */
    journal_close (&journal);
    assert_non_null (strstr (out.data, "app      2.0      1970-01-01T00:00:01Z  1.0"));
    buffer_free (&out);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_token, setup, teardown),
        cmocka_unit_test_setup_teardown (test_lock, setup, teardown),
        cmocka_unit_test_setup_teardown (test_keys_stay, setup, teardown),
        cmocka_unit_test_setup_teardown (test_enrolled_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown (test_nobody_answers, setup, teardown),
        cmocka_unit_test_setup_teardown (test_status, setup, teardown),
    };
    if (sodium_init () < 0)
        return 1;
    return cmocka_run_group_tests (tests, NULL, NULL);
}
