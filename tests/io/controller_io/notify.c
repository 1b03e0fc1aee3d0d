/* Notifications: against a real HTTP server of this test, and a real command. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "controller/io/notify.h"

enum { MOST_REQUESTS = 64, REQUEST_SIZE = 16384 };

/* Answers `failures` requests by 500, and then each by 200. */
struct server {
    int listener;
    uint16_t port;
    unsigned failures;
    unsigned count;
    char requests[MOST_REQUESTS][REQUEST_SIZE];
    pthread_t thread;
};

static bool is_whole (const char *request)
{
    const char *body = strstr (request, "\r\n\r\n");
    const char *length = strcasestr (request, "content-length:");
    return body != NULL && length != NULL &&
           strlen (body + 4) >= strtoul (length + strlen ("content-length:"), NULL, 10);
}

static void answer_one (struct server *server, int connection)
{
    static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    static const char bad[] =
        "HTTP/1.1 500 No\r\nContent-Length: 13\r\nConnection: close\r\n\r\ninvalid_token";
    char *request = server->requests[server->count];
    size_t size = 0;
    const char *text;
    while (size + 1 < REQUEST_SIZE && !is_whole (request)) {
        ssize_t got = recv (connection, request + size, REQUEST_SIZE - 1 - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
        request[size] = '\0';
    }
    text = server->count < server->failures ? bad : good;
    server->count++;
    (void)send (connection, text, strlen (text), MSG_NOSIGNAL);
    (void)close (connection);
}

static void *serve (void *context)
{
    struct server *server = context;
    int connection;
    while (server->count < MOST_REQUESTS && (connection = accept (server->listener, NULL, NULL)) >= 0)
        answer_one (server, connection);
    return NULL;
}

static struct server *server_start (unsigned failures)
{
    struct server *server = calloc (1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    server->failures = failures;
    server->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal (bind (server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal (getsockname (server->listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal (listen (server->listener, 16), 0);
    server->port = ntohs (address.sin_port);
    assert_int_equal (pthread_create (&server->thread, NULL, serve, server), 0);
    return server;
}

/* After it, what the server got may be read. */
static void server_end (struct server *server)
{
    (void)shutdown (server->listener, SHUT_RDWR);
    assert_int_equal (pthread_join (server->thread, NULL), 0);
    (void)close (server->listener);
}

static void server_stop (struct server *server)
{
    server_end (server);
    free (server);
}

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

/* Waits as the loop does, until one result is there. */
static struct notice_result next_result (struct notify *notify)
{
    struct notice_result result;
    struct pollfd files[NOTIFY_DESCRIPTORS];
    struct instant started = clock_steady ();
    while (!notify_service (notify, &result)) {
        int64_t wait = instant_between (clock_steady (), notify_deadline (notify)).ms;
        size_t count = notify_descriptors (notify, files);
        assert_true (instant_between (started, clock_steady ()).ms < 20000);
        assert_true (notify_deadline (notify).ms != 0);
        (void)poll (files, count, wait < 0 ? 0 : wait > 1000 ? 1000 : (int)wait);
    }
    return result;
}

static void push (struct notify *notify, const char *target, const char *key)
{
    struct notice notice = {target, key, "rstudio-connect 2026.06.1 is \"Healthy\" \xc3\xa9", &head};
    struct error error;
    if (!notify_push (notify, &notice, &error))
        fail_msg ("%s", error.text);
}

static void check_body (const char *request)
{
    json_error_t problem;
    json_t *body = json_loads (strstr (request, "\r\n\r\n") + 4, 0, &problem);
    assert_non_null (body);
    assert_string_equal (
        json_string_value (json_object_get (body, "text")),
        "rstudio-connect 2026.06.1 is \"Healthy\" \xc3\xa9");
    assert_int_equal (json_integer_value (json_object_get (body, "rollout")), 7);
    assert_string_equal (json_string_value (json_object_get (body, "phase")), "Healthy");
    assert_string_equal (json_string_value (json_object_get (body, "product")), "rstudio-connect");
    assert_string_equal (json_string_value (json_object_get (body, "version")), "2026.06.1");
    json_decref (body);
}

static void test_webhook (void **state)
{
    struct server *server = server_start (1);
    struct arena arena = {0};
    const char *headers[] = {"X-Team: ops"};
    struct target target = {
        .name = "slack",
        .webhook = arena_format (&arena, "http://127.0.0.1:%u/hook", server->port),
        .headers = headers,
        .header_count = 1,
        .deadline = span_seconds (10)};
    struct config config = {.targets = &target, .target_count = 1};
    struct notify *notify = notify_new (&config);
    struct notice_result result;
    (void)state;
    push (notify, "slack", "7/3/1/slack");
    push (notify, "slack", "7/3/1/slack");
    result = next_result (notify);
    assert_false (result.done);
    assert_string_equal (result.key, "7/3/1/slack");
    assert_non_null (strstr (result.text, "HTTP 500: invalid_token"));
    assert_int_equal (notify_deadline (notify).ms, 0);
    push (notify, "slack", "7/3/1/slack");
    result = next_result (notify);
    assert_true (result.done);
    assert_string_equal (result.text, "HTTP 200: ok");
    server_end (server);
    assert_int_equal (server->count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_memory_equal (server->requests[i], "POST /hook ", 11);
        assert_non_null (strcasestr (server->requests[i], "\r\nIdempotency-Key: 7/3/1/slack\r\n"));
        assert_non_null (strcasestr (server->requests[i], "\r\nX-Team: ops\r\n"));
        assert_non_null (strcasestr (server->requests[i], "\r\nContent-Type: application/json"));
        check_body (server->requests[i]);
    }
    notify_free (&notify);
    free (server);
    arena_free (&arena);
}

static void test_nobody_there (void **state)
{
    struct server *server = server_start (0);
    struct arena arena = {0};
    struct target target = {
        .name = "slack",
        .webhook = arena_format (&arena, "http://127.0.0.1:%u/", server->port),
        .deadline = span_seconds (5)};
    struct config config = {.targets = &target, .target_count = 1};
    struct notify *notify = notify_new (&config);
    struct notice_result result;
    (void)state;
    server_stop (server);
    push (notify, "slack", "k");
    result = next_result (notify);
    assert_false (result.done);
    assert_true (strlen (result.text) > 10);
    notify_free (&notify);
    arena_free (&arena);
}

static void test_command (void **state)
{
    const char *script =
        "echo \"$RELEVO_NOTICE_KEY $RELEVO_ROLLOUT $RELEVO_PHASE $RELEVO_PRODUCT $RELEVO_VERSION\";"
        "echo \"$RELEVO_NOTICE_TEXT\" | grep -q Healthy || exit 9; test -z \"$SECRET_OF_RELEVOD\"";
    const char *words[] = {"sh", "-c", script};
    struct target target = {.name = "mail", .words = words, .word_count = 3, .deadline = span_seconds (10)};
    struct config config = {.targets = &target, .target_count = 1};
    struct notify *notify = notify_new (&config);
    struct notice_result result;
    (void)state;
    assert_int_equal (setenv ("SECRET_OF_RELEVOD", "x", 1), 0);
    push (notify, "mail", "k1");
    result = next_result (notify);
    assert_string_equal (result.text, "k1 7 Healthy rstudio-connect 2026.06.1");
    assert_true (result.done);
    notify_free (&notify);
}

static void test_bad_commands (void **state)
{
    const char *failing[] = {"sh", "-c", "echo no such mailbox; exit 3"};
    const char *slow[] = {"sleep", "60"};
    const char *missing[] = {"/nonexistent/program"};
    struct target targets[] = {
        {.name = "failing", .words = failing, .word_count = 3, .deadline = span_seconds (10)},
        {.name = "slow", .words = slow, .word_count = 2, .deadline = {300}},
        {.name = "missing", .words = missing, .word_count = 1, .deadline = span_seconds (10)}};
    struct config config = {.targets = targets, .target_count = 3};
    struct notify *notify = notify_new (&config);
    struct notice_result result;
    (void)state;
    push (notify, "failing", "k");
    result = next_result (notify);
    assert_false (result.done);
    assert_non_null (strstr (result.text, "3"));
    assert_non_null (strstr (result.text, "no such mailbox"));
    push (notify, "slow", "k");
    result = next_result (notify);
    assert_false (result.done);
    push (notify, "missing", "k");
    result = next_result (notify);
    assert_false (result.done);
    assert_true (strlen (result.text) > 3);
    notify_free (&notify);
}

static void test_unknown_target (void **state)
{
    struct config config = {0};
    struct notify *notify = notify_new (&config);
    struct notice notice = {"pager", "k", "text", NULL};
    struct error error;
    (void)state;
    assert_false (notify_push (notify, &notice, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
    assert_int_equal (notify_deadline (notify).ms, 0);
    notify_free (&notify);
}

/* More than may run at once: at no time too many, and each comes to its end, once. */
static void test_many (void **state)
{
    enum { MANY = 30 };
    const char *words[] = {"sh", "-c", "sleep 0.1"};
    struct target target = {.name = "t", .words = words, .word_count = 3, .deadline = span_seconds (10)};
    struct config config = {.targets = &target, .target_count = 1};
    struct notify *notify = notify_new (&config);
    struct pollfd files[NOTIFY_DESCRIPTORS];
    bool seen[MANY] = {false};
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        char key[16];
        (void)snprintf (key, sizeof key, "%u", i);
        push (notify, "t", key);
    }
    for (unsigned i = 0; i < MANY; i++) {
        struct notice_result result = next_result (notify);
        unsigned long key = strtoul (result.key, NULL, 10);
        assert_true (result.done);
        assert_true (key < MANY && !seen[key]);
        seen[key] = true;
        assert_true (notify_descriptors (notify, files) <= NOTIFY_DESCRIPTORS);
    }
    assert_int_equal (notify_deadline (notify).ms, 0);
    notify_free (&notify);
}

static void test_free_ends_children (void **state)
{
    const char *words[] = {"sleep", "60"};
    struct target target = {.name = "t", .words = words, .word_count = 2, .deadline = span_seconds (60)};
    struct config config = {.targets = &target, .target_count = 1};
    struct notify *notify = notify_new (&config);
    struct notice_result result;
    struct instant started = clock_steady ();
    (void)state;
    push (notify, "t", "k");
    assert_false (notify_service (notify, &result));
    notify_free (&notify);
    assert_null (notify);
    assert_true (instant_between (started, clock_steady ()).ms < 10000);
}

int main (int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_webhook),
        cmocka_unit_test (test_nobody_there),
        cmocka_unit_test (test_command),
        cmocka_unit_test (test_bad_commands),
        cmocka_unit_test (test_unknown_target),
        cmocka_unit_test (test_many),
        cmocka_unit_test (test_free_ends_children),
    };
    if (count == 2 && strcmp (words[1], NOTIFY_POST_WORD) == 0)
        return notify_post ();
    return cmocka_run_group_tests (tests, NULL, NULL);
}
