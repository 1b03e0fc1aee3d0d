/* The courier, as the face sees it: it carries out what it is told, as whom it should, away from keys and
   journal; and its end is noticed, and said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "controller/io/courier.h"

enum { PATIENCE_MS = 20000, NOBODY = 65534, MANY = 30 };

static const struct view_head head = {
    .rollout = 7,
    .name = "connect-2026.06.1",
    .product = "rstudio-connect",
    .version = "2026.06.1",
    .from = "2026.05.0",
    .environment = "production",
    .phase = PHASE_HEALTHY,
    .cause = "",
    .by = "ana",
    .signers = "",
    .approvers = "ben"};

struct fixture {
    char folder[128];
    struct arena arena;
    struct target target;
    struct config config;
    struct log log;
    struct privileges privileges;
    struct courier *courier;
};

static int setup (void **state)
{
    struct fixture *fixture = calloc (1, sizeof *fixture);
    const char *base = getenv ("TMPDIR");
    struct error error;
    (void)snprintf (
        fixture->folder, sizeof fixture->folder, "%s/relevo-courier-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp (fixture->folder) == NULL || chmod (fixture->folder, 0755) != 0)
        return -1;
    fixture->log = (struct log){"test", LOG_PROBLEM};
    fixture->target = (struct target){.name = "ops", .deadline = span_seconds (30)};
    fixture->config = (struct config){
        .state = path_join (&fixture->arena, fixture->folder, "state"),
        .signing_key = path_join (&fixture->arena, fixture->folder, "controller.key"),
        .wire_key = path_join (&fixture->arena, fixture->folder, "wire.key"),
        .targets = &fixture->target,
        .target_count = 1};
    *state = fixture;
    return !folder_make (fixture->config.state, 0700, &error) ||
           !file_write (fixture->config.signing_key, bytes_of_text ("secret\n"), 0600, &error) ||
           !file_write (fixture->config.wire_key, bytes_of_text ("secret\n"), 0600, &error) ||
           !file_write (
               path_join (&fixture->arena, fixture->config.state, "journal"), bytes_of_text ("entries\n"),
               0600, &error);
}

static int teardown (void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool good;
    courier_stop (&fixture->courier);
    good = folder_remove (fixture->folder, &error);
    arena_free (&fixture->arena);
    free (fixture);
    return !good;
}

/* A courier whose one target runs this script. */
static void start (struct fixture *fixture, const char *script, bool as_nobody)
{
    struct courier_options options = {.config = &fixture->config, .log = &fixture->log};
    const char *words[] = {"sh", "-c", script};
    struct error error;
    fixture->target.words = arena_copy (&fixture->arena, words, sizeof words);
    fixture->target.word_count = 3;
    fixture->privileges = (struct privileges){NOBODY, NOBODY};
    options.privileges = as_nobody ? &fixture->privileges : NULL;
    if (!courier_start (&options, &fixture->courier, &error))
        fail_msg ("%s", error.text);
}

static void tell (struct fixture *fixture, const char *target, const char *key)
{
    struct notice notice = {target, key, "rstudio-connect 2026.06.1 is \"Healthy\" \xc3\xa9", &head};
    struct error error;
    if (!courier_tell (fixture->courier, &notice, &error))
        fail_msg ("%s", error.text);
}

/* Waits as the loop does. */
static struct notice_result hear (struct fixture *fixture)
{
    struct instant until = instant_add (clock_steady (), (struct span){PATIENCE_MS});
    struct notice_result result;
    struct error error;
    bool there = false;
    while (!there) {
        struct pollfd file = courier_poll (fixture->courier);
        assert_true (instant_before (clock_steady (), until));
        if (!courier_next (fixture->courier, &result, &there, &error))
            fail_msg ("%s", error.text);
        if (there || poll (&file, 1, 1000) <= 0)
            continue;
        if (!courier_service (fixture->courier, &error))
            fail_msg ("%s", error.text);
    }
    return result;
}

static struct notice_result ask (struct fixture *fixture, const char *target, const char *key)
{
    tell (fixture, target, key);
    return hear (fixture);
}

static void test_told (void **state)
{
    struct fixture *fixture = *state;
    struct notice_result result;
    start (
        fixture,
        "echo \"$RELEVO_NOTICE_KEY $RELEVO_ROLLOUT $RELEVO_PHASE $RELEVO_VERSION $RELEVO_NOTICE_TEXT\"; "
        "[ $RELEVO_NOTICE_KEY = good ]",
        false);
    result = ask (fixture, "ops", "good");
    assert_true (result.done);
    assert_string_equal (result.key, "good");
    assert_string_equal (
        result.text, "good 7 Healthy 2026.06.1 rstudio-connect 2026.06.1 is \"Healthy\" \xc3\xa9");
    result = ask (fixture, "ops", "bad");
    assert_false (result.done);
    assert_non_null (strstr (result.text, "exit code 1: bad 7 Healthy"));
    result = ask (fixture, "pager", "unknown");
    assert_false (result.done);
    assert_string_equal (result.key, "unknown");
    assert_non_null (strstr (result.text, "no target \"pager\""));
}

static void test_many (void **state)
{
    struct fixture *fixture = *state;
    bool heard[MANY] = {false};
    start (fixture, "sleep 0.1", false);
    for (unsigned i = 0; i < MANY; i++)
        tell (fixture, "ops", arena_format (&fixture->arena, "%u", i));
    for (unsigned i = 0; i < MANY; i++) {
        struct notice_result result = hear (fixture);
        unsigned long key = strtoul (result.key, NULL, 10);
        assert_true (result.done && key < MANY && !heard[key]);
        heard[key] = true;
    }
}

/* What has no room in the message is refused at once, and nothing is handed over. */
static void test_untellable (void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    char *key = calloc (1, LIMIT_LINE + 2);
    struct notice notice = {"ops", key, "text", &head};
    start (fixture, "true", false);
    (void)memset (key, 'k', LIMIT_LINE + 1);
    assert_false (courier_tell (fixture->courier, &notice, &error));
    free (key);
    assert_true (ask (fixture, "ops", "short").done);
}

/* The same user's keys and journal. */
static void test_away_from_secrets (void **state)
{
    struct fixture *fixture = *state;
    struct notice_result result;
    if (syscall (SYS_landlock_create_ruleset, NULL, 0, 1) <= 0)
        skip ();
    start (
        fixture,
        arena_format (
            &fixture->arena,
            "cd %s; for file in controller.key wire.key state/journal; do "
            "if cat $file || echo x >>$file || mv $file stolen; then exit 9; fi; done 2>/dev/null; "
            "if touch state/new 2>/dev/null; then exit 8; fi; grep NoNewPrivs /proc/self/status",
            fixture->folder),
        false);
    result = ask (fixture, "ops", "k");
    if (!result.done)
        fail_msg ("%s", result.text);
    assert_string_equal (result.text, "NoNewPrivs: 1");
}

static void test_as_another_user (void **state)
{
    struct fixture *fixture = *state;
    if (geteuid () != 0)
        skip ();
    start (fixture, "echo $(id -u) $(id -G)", true);
    assert_string_equal (ask (fixture, "ops", "k").text, "65534 65534");
}

static void expect_end (struct fixture *fixture, const char *words)
{
    struct instant until = instant_add (clock_steady (), (struct span){PATIENCE_MS});
    struct error error;
    struct pollfd file;
    do {
        assert_true (instant_before (clock_steady (), until));
        file = courier_poll (fixture->courier);
        (void)poll (&file, 1, 1000);
    } while (courier_service (fixture->courier, &error));
    if (strstr (error.text, words) == NULL)
        fail_msg ("%s", error.text);
}

static void test_its_end_is_said (void **state)
{
    struct fixture *fixture = *state;
    struct notice_result result;
    start (fixture, "echo $PPID", false);
    result = ask (fixture, "ops", "k");
    assert_int_equal (kill ((pid_t)strtol (result.text, NULL, 10), SIGKILL), 0);
    expect_end (fixture, "has ended, killed by signal: Killed: relevod ends too");
}

/* With the face gone, nothing that it ran goes on. */
static void test_stop_ends_all (void **state)
{
    struct fixture *fixture = *state;
    struct bytes content;
    struct error error;
    pid_t command;
    const char *file = arena_format (&fixture->arena, "%s/out/pid", fixture->folder);
    assert_true (folder_make (arena_format (&fixture->arena, "%s/out", fixture->folder), 0755, &error));
    start (fixture, arena_format (&fixture->arena, "echo $$ >%s; exec sleep 60", file), false);
    tell (fixture, "ops", "k");
    for (int waited = 0; !file_read (file, 20, &fixture->arena, &content, &error) || content.size == 0;
         waited += 20) {
        assert_true (waited < PATIENCE_MS);
        assert_true (courier_service (fixture->courier, &error));
        (void)usleep (20000);
    }
    command = (pid_t)strtol ((const char *)content.data, NULL, 10);
    assert_int_equal (kill (command, 0), 0);
    courier_stop (&fixture->courier);
    assert_int_equal (kill (command, 0), -1);
    assert_int_equal (errno, ESRCH);
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST (test_told),
        TEST (test_many),
        TEST (test_untellable),
        TEST (test_away_from_secrets),
        TEST (test_as_another_user),
        TEST (test_its_end_is_said),
        TEST (test_stop_ends_all),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
