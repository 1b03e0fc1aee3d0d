/* Probes against a small server, scripts with limits, and CHECK over both. This program is its own probe
   child, as relevo-agent is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/io/perform.h"
#include "agent/io/probe_child.h"
#include "agent/io/store.h"
#include "common/io/clock.h"
#include "common/io/file.h"

enum { HUGE_BODY = 64 * 1024 * 1024, FLAP_AFTER_MS = 700 };

struct fixture {
    char folder[64];
    struct arena arena;
    struct agent_config config;
    struct perform_options options;
    struct perform *perform;
    unsigned port;
    pid_t server;
};

/* ------------------------------------------------------------------------------------------------ a server
 */

static void say (int connection, const char *text)
{
    (void)send (connection, text, strlen (text), MSG_NOSIGNAL);
}

static void say_huge (int connection)
{
    static char piece[65536];
    (void)memset (piece, 'x', sizeof piece);
    say (connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    for (size_t sent = 0; sent < HUGE_BODY; sent += sizeof piece)
        if (send (connection, piece, sizeof piece, MSG_NOSIGNAL) <= 0)
            return;
}

static void answer (int connection, struct instant started)
{
    char request[4096];
    ssize_t size = recv (connection, request, sizeof request - 1, 0);
    request[size > 0 ? size : 0] = '\0';
    if (strncmp (request, "GET /slow", 9) == 0)
        (void)sleep (20);
    else if (strncmp (request, "GET /huge", 9) == 0)
        say_huge (connection);
    else if (strncmp (request, "GET /ok", 7) == 0)
        say (connection, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nall is ready");
    else if (
        strncmp (request, "GET /late", 9) == 0 &&
        instant_between (started, clock_steady ()).ms > FLAP_AFTER_MS)
        say (connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    else
        say (connection, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
}

static void serve (int listener)
{
    struct instant started = clock_steady ();
    (void)signal (SIGCHLD, SIG_IGN);
    for (;;) {
        int connection = accept (listener, NULL, NULL);
        if (connection < 0)
            _exit (1);
        if (fork () == 0) {
            answer (connection, started);
            _exit (0);
        }
        (void)close (connection);
    }
}

static void start_server (struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket (AF_INET, SOCK_STREAM, 0);
    assert_true (listener >= 0);
    assert_int_equal (bind (listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal (listen (listener, 16), 0);
    assert_int_equal (getsockname (listener, (struct sockaddr *)&address, &size), 0);
    fixture->port = ntohs (address.sin_port);
    fixture->server = fork ();
    if (fixture->server == 0)
        serve (listener);
    (void)close (listener);
}

/* ------------------------------------------------------------------------------------------------- fixture
 */

static void make_folders (struct fixture *fixture)
{
    (void)snprintf (fixture->folder, sizeof fixture->folder, "/tmp/relevo-probe-XXXXXX");
    assert_non_null (mkdtemp (fixture->folder));
    fixture->options = (struct perform_options){
        .config = &fixture->config,
        .spool = path_join (&fixture->arena, fixture->folder, "spool"),
        .tools = {
            .store = path_join (&fixture->arena, fixture->folder, "store"),
            .scratch = path_join (&fixture->arena, fixture->folder, "scratch"),
            .program = "/proc/self/exe",
            .user = ""}};
    assert_true (folder_make (fixture->options.tools.store, 0700, NULL));
    assert_true (folder_make (fixture->options.tools.scratch, 0700, NULL));
    assert_true (folder_make (fixture->options.spool, 0700, NULL));
}

static int setup (void **state)
{
    struct fixture *fixture = calloc (1, sizeof *fixture);
    const char *text;
    struct error error;
    assert_non_null (fixture);
    make_folders (fixture);
    start_server (fixture);
    text = arena_format (
        &fixture->arena, "name: h\nstate: s\nproducts: { app: { root: root, variables: { port: %u } } }\n",
        fixture->port);
    if (!config_parse (
            bytes_of_text (text), "agent.yaml", fixture->folder, &fixture->arena, &fixture->config, &error))
        fail_msg ("%s", error.text);
    fixture->perform = perform_new (&fixture->options);
    *state = fixture;
    return 0;
}

static int teardown (void **state)
{
    struct fixture *fixture = *state;
    perform_free (&fixture->perform);
    assert_int_equal (kill (fixture->server, SIGKILL), 0);
    assert_int_equal (waitpid (fixture->server, NULL, 0), fixture->server);
    assert_true (folder_remove (fixture->folder, NULL));
    arena_free (&fixture->arena);
    free (fixture);
    return 0;
}

static struct perform_end wait_for_end (struct fixture *fixture)
{
    struct perform_end end;
    while (!perform_service (fixture->perform, &end)) {
        struct pollfd waiting[PERFORM_DESCRIPTORS];
        size_t count = perform_poll (fixture->perform, waiting);
        int64_t ms = instant_between (clock_steady (), perform_deadline (fixture->perform)).ms;
        (void)poll (waiting, (nfds_t)count, ms < 0 ? 0 : ms > 10000 ? 10000 : (int)ms);
    }
    return end;
}

static struct perform_end do_order (struct fixture *fixture, struct act_order order)
{
    struct installer_effect effect = {.kind = INSTALLER_ACT, .order = &order};
    if (order.product == NULL)
        order.product = "app";
    order.version = "2.0";
    order.folder = "2.0";
    order.previous = "1.0";
    order.environment = "staging";
    perform_add (fixture->perform, &effect);
    return wait_for_end (fixture);
}

static struct test_result do_test (struct fixture *fixture, struct test test)
{
    struct perform_end end;
    test.name = "probe";
    end = do_order (fixture, (struct act_order){.act = ACT_TEST, .tests = &test, .test_count = 1});
    assert_int_equal (end.kind, INSTALLER_DONE);
    assert_int_equal (end.good, end.result.verdict == VERDICT_PASSED);
    assert_string_equal (end.result.name, "probe");
    return end.result;
}

static void expect (const struct test_result *result, enum verdict verdict, const char *words)
{
    if (result->verdict != verdict || strstr (result->detail, words) == NULL)
        fail_msg (
            "%s (\"%s\", \"%s\") instead of %s (\"%s\")", enum_word (&verdict_words, result->verdict),
            result->detail, result->tail, enum_word (&verdict_words, verdict), words);
}

static struct test http (const char *target)
{
    return (struct test){.kind = TEST_HTTP, .target = target, .status = 200, .deadline = {2000}};
}

/* --------------------------------------------------------------------------------------------------- tests
 */

static void test_http (void **state)
{
    struct test test = http ("http://127.0.0.1:${port}/ok");
    struct test_result result = do_test (*state, test);
    expect (&result, VERDICT_PASSED, "status 200");
    test.body = "is ready";
    result = do_test (*state, test);
    expect (&result, VERDICT_PASSED, "status 200");
    test.body = "is broken";
    result = do_test (*state, test);
    expect (&result, VERDICT_FAILED, "lacks \"is broken\"");
    result = do_test (*state, http ("http://127.0.0.1:${port}/other"));
    expect (&result, VERDICT_FAILED, "status 503 instead of 200");
    result = do_test (*state, http ("http://127.0.0.1:1/ok"));
    expect (&result, VERDICT_FAILED, "");
    assert_true (result.detail[0] != '\0');
    result = do_test (*state, http ("http://127.0.0.1:${prt}/ok"));
    expect (&result, VERDICT_ERROR, "${prt} is not known");
    result = do_test (*state, http ("file:///etc/passwd"));
    assert_int_not_equal (result.verdict, VERDICT_PASSED);
}

static void test_http_hostile (void **state)
{
    struct test test = http ("http://127.0.0.1:${port}/slow");
    struct test_result result;
    test.deadline.ms = 400;
    result = do_test (*state, test);
    expect (&result, VERDICT_TIMEOUT, "");
    assert_true (result.took.ms < 2000);
    test = http ("http://127.0.0.1:${port}/huge");
    test.body = "never there";
    result = do_test (*state, test);
    assert_int_not_equal (result.verdict, VERDICT_PASSED);
}

static void test_tcp (void **state)
{
    struct test test = {.kind = TEST_TCP, .target = "127.0.0.1:${port}", .deadline = {2000}};
    struct test_result result = do_test (*state, test);
    expect (&result, VERDICT_PASSED, "connected");
    test.target = "127.0.0.1:1";
    result = do_test (*state, test);
    expect (&result, VERDICT_FAILED, "refused");
    test.target = "127.0.0.1";
    result = do_test (*state, test);
    expect (&result, VERDICT_ERROR, "HOST:PORT");
}

static struct test script (struct fixture *fixture, const char *text)
{
    struct test test = {.kind = TEST_EXEC, .length = strlen (text), .deadline = {2000}};
    test.script = digest_of (text, strlen (text));
    assert_true (file_write (
        store_path (&fixture->arena, fixture->options.tools.store, &test.script), bytes_of_text (text), 0400,
        NULL));
    return test;
}

static void test_exec (void **state)
{
    static const char *words[] = {"${RELEVO_VERSION}", "two words"};
    struct fixture *fixture = *state;
    struct test test = script (fixture, "#!/bin/sh\necho \"$RELEVO_HOST $RELEVO_PREVIOUS $1 $2 $port\"\n");
    struct test_result result;
    test.arguments = words;
    test.arguments_count = 2;
    result = do_test (fixture, test);
    expect (&result, VERDICT_PASSED, "");
    assert_string_equal (
        result.tail, arena_format (&fixture->arena, "h 1.0 2.0 two words %u\n", fixture->port));
    result = do_test (fixture, script (fixture, "#!/bin/sh\necho no luck\nexit 3\n"));
    expect (&result, VERDICT_FAILED, "exit code 3");
    assert_string_equal (result.tail, "no luck\n");
    test = script (fixture, "#!/bin/sh\nsleep 30\n");
    test.deadline.ms = 300;
    result = do_test (fixture, test);
    expect (&result, VERDICT_TIMEOUT, "no end within");
    result = do_test (fixture, script (fixture, "no script at all\n"));
    expect (&result, VERDICT_ERROR, "");
    assert_true (folder_remove (fixture->options.tools.store, NULL));
    result = do_test (fixture, test);
    expect (&result, VERDICT_ERROR, "store");
}

/* What a test ran from is gone afterwards. */
static void test_exec_leaves_nothing (void **state)
{
    struct fixture *fixture = *state;
    struct test_result result = do_test (fixture, script (fixture, "#!/bin/sh\nexit 0\n"));
    expect (&result, VERDICT_PASSED, "");
    assert_int_equal (rmdir (fixture->options.tools.scratch), 0);
}

static struct act_order check (struct test *probe, int64_t healthy_ms, int64_t deadline_ms)
{
    probe->name = "ready";
    return (struct act_order){
        .act = ACT_CHECK,
        .tests = probe,
        .test_count = 1,
        .interval = {100},
        .min_healthy_time = {healthy_ms},
        .deadline = {deadline_ms}};
}

static void test_check (void **state)
{
    struct test probe = http ("http://127.0.0.1:${port}/late");
    struct instant started = clock_steady ();
    struct perform_end end = do_order (*state, check (&probe, 300, 5000));
    int64_t took = instant_between (started, clock_steady ()).ms;
    if (!end.good)
        fail_msg ("%s", end.detail);
    assert_true (took >= FLAP_AFTER_MS - 200 + 300 && took < 4000);
    assert_non_null (strstr (end.detail, "healthy for"));
    probe = http ("http://127.0.0.1:${port}/other");
    end = do_order (*state, check (&probe, 0, 2500)); /* a busy machine takes a while for the first try */
    assert_false (end.good);
    assert_non_null (strstr (end.detail, "probe ready failed: status 503 instead of 200"));
    probe = http ("http://127.0.0.1:${port}/slow");
    end = do_order (*state, check (&probe, 0, 500));
    assert_false (end.good);
    probe = http ("http://127.0.0.1:${port}/ok");
    end = do_order (*state, check (&probe, 60000, 700)); /* healthy, but not for long enough */
    assert_false (end.good);
    assert_non_null (strstr (end.detail, "not healthy for"));
}

static void test_check_without_probes (void **state)
{
    struct act_order order = {.act = ACT_CHECK, .min_healthy_time = {200}, .deadline = {2000}};
    struct instant started = clock_steady ();
    struct perform_end end = do_order (*state, order);
    assert_true (end.good);
    assert_true (instant_between (started, clock_steady ()).ms >= 200);
}

static void test_commands (void **state)
{
    static const char *fail[] = {"sh", "-c", "echo it is broken; exit 7"};
    static const char *leave[] = {"sh", "-c", "sleep 5 & exit 0"};
    static const char *unknown[] = {"echo", "${nothing}"};
    static const char *absent[] = {"there-is-no-such-program"};
    struct command command = {.words = fail, .words_count = 3, .deadline = {3000}};
    struct act_order order = {.act = ACT_STOP, .command = &command};
    struct instant started = clock_steady ();
    struct perform_end end = do_order (*state, order);
    assert_false (end.good);
    assert_string_equal (end.detail, "the stop command: exit code 7; it said: it is broken");
    order.act = ACT_START;
    command.words = leave;
    end = do_order (*state, order);
    assert_true (end.good);
    assert_true (instant_between (started, clock_steady ()).ms < 4000);
    command = (struct command){.words = unknown, .words_count = 2};
    end = do_order (*state, order);
    assert_non_null (strstr (end.detail, "${nothing} is not known"));
    command = (struct command){.words = absent, .words_count = 1};
    end = do_order (*state, order);
    assert_false (end.good);
    command = (struct command){0};
    end = do_order (*state, order);
    assert_true (end.good);
    order.product = "other";
    end = do_order (*state, order);
    assert_false (end.good);
    assert_non_null (strstr (end.detail, "agent.yaml has no product \"other\""));
}

/* The way of one content, and then a question for it. */
static void test_take_and_look (void **state)
{
    struct fixture *fixture = *state;
    struct artifact artifacts[2] = {
        {.name = "a", .digest = digest_of ("content", 7), .length = 7},
        {.name = "b", .digest = digest_of ("other", 5), .length = 5}};
    struct act_order order = {
        .product = "app",
        .version = "",
        .folder = "",
        .previous = "",
        .environment = "",
        .artifacts = artifacts,
        .artifact_count = 2};
    struct installer_effect take = {.kind = INSTALLER_TAKE, .digest = artifacts[0].digest, .length = 7};
    struct installer_effect look = {.kind = INSTALLER_LOOK, .order = &order};
    struct perform_end end;
    perform_add (fixture->perform, &take);
    end = wait_for_end (fixture);
    assert_int_equal (end.kind, INSTALLER_HAVE);
    assert_int_equal (end.have_count, 0);
    assert_true (file_write (
        store_path (&fixture->arena, fixture->options.spool, &artifacts[0].digest), bytes_of_text ("content"),
        0600, NULL));
    perform_add (fixture->perform, &take);
    perform_add (fixture->perform, &look);
    end = wait_for_end (fixture);
    assert_int_equal (end.have_count, 1);
    end = wait_for_end (fixture);
    assert_int_equal (end.kind, INSTALLER_HAVE);
    assert_int_equal (end.have_count, 1);
    assert_true (digest_equal (&end.have[0], &artifacts[0].digest));
}

int main (int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_http, setup, teardown),
        cmocka_unit_test_setup_teardown (test_http_hostile, setup, teardown),
        cmocka_unit_test_setup_teardown (test_tcp, setup, teardown),
        cmocka_unit_test_setup_teardown (test_exec, setup, teardown),
        cmocka_unit_test_setup_teardown (test_exec_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown (test_check, setup, teardown),
        cmocka_unit_test_setup_teardown (test_check_without_probes, setup, teardown),
        cmocka_unit_test_setup_teardown (test_commands, setup, teardown),
        cmocka_unit_test_setup_teardown (test_take_and_look, setup, teardown),
    };
    if (count > 1 && strcmp (words[1], PROBE_MODE) == 0)
        return probe_child (count - 2, words + 2);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
