/* Requests against a server on loopback that answers by the path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/http.h"

enum { REQUEST_MAX = 4096 };

struct server {
    pid_t process;
    unsigned port;
    struct arena arena;
};

static void put (int peer, const char *text)
{
    size_t size = strlen (text);
    if (send (peer, text, size, MSG_NOSIGNAL) != (ssize_t)size)
        _exit (1);
}

static void put_zeros (int peer, size_t count)
{
    static const char block[4096];
    char head[128];
    (void)snprintf (head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    put (peer, head);
    while (count > 0) {
        size_t size = count < sizeof block ? count : sizeof block;
        if (send (peer, block, size, MSG_NOSIGNAL) <= 0)
            return;
        count -= size;
    }
}

/* All of a small request: the head, and as much body as it announces. */
static void take_request (int peer, char request[REQUEST_MAX])
{
    size_t used = 0;
    for (;;) {
        ssize_t got = recv (peer, request + used, REQUEST_MAX - 1 - used, 0);
        const char *end;
        const char *length;
        if (got <= 0)
            return;
        used += (size_t)got;
        request[used] = '\0';
        end = strstr (request, "\r\n\r\n");
        length = strstr (request, "Content-Length: ");
        if (end != NULL &&
            (length == NULL || strlen (end + 4) >= strtoul (length + strlen ("Content-Length: "), NULL, 10)))
            return;
    }
}

static void serve (int peer)
{
    char request[REQUEST_MAX] = "";
    char head[128];
    take_request (peer, request);
    if (strstr (request, " /redirect ") != NULL) {
        put (peer, "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    } else if (strstr (request, " /limit ") != NULL) {
        put_zeros (peer, HTTP_BODY_MAX);
    } else if (strstr (request, " /large ") != NULL) {
        put_zeros (peer, HTTP_BODY_MAX + 1);
    } else if (strstr (request, " /status ") != NULL) {
        put (peer, "HTTP/21 01.4 \r\nContent-Length: 0\r\n\r\n");
    } else if (strstr (request, " /slow ") != NULL) {
        (void)sleep (30);
    } else {
        (void)snprintf (
            head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
            strstr (request, " /missing ") != NULL ? "404 Not Found" : "200 OK", strlen (request));
        put (peer, head);
        put (peer, request);
    }
    (void)shutdown (peer, SHUT_WR);
    (void)close (peer);
}

static int start (void **state)
{
    static struct server server;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int door = socket (AF_INET, SOCK_STREAM, 0);
    *state = &server;
    if (door < 0 || bind (door, (struct sockaddr *)&address, size) != 0 || listen (door, 8) != 0 ||
        getsockname (door, (struct sockaddr *)&address, &size) != 0)
        return -1;
    server.port = ntohs (address.sin_port);
    server.process = fork ();
    if (server.process == 0) {
        for (;;)
            serve (accept (door, NULL, NULL));
    }
    (void)close (door);
    return server.process < 0 ? -1 : 0;
}

static int stop (void **state)
{
    struct server *server = *state;
    arena_free (&server->arena);
    (void)kill (server->process, SIGKILL);
    return waitpid (server->process, NULL, 0) == server->process ? 0 : -1;
}

static struct http_request request_for (struct server *server, const char *path)
{
    const char *url = arena_format (&server->arena, "http://127.0.0.1:%u%s", server->port, path);
    return (struct http_request){.url = url, .deadline = span_seconds (10)};
}

static struct http_answer ask (struct server *server, const struct http_request *request)
{
    struct http_answer answer = {0};
    struct error error;
    if (!http_do (request, &server->arena, &answer, &error))
        fail_msg ("%s", error.text);
    return answer;
}

static void test_get (void **state)
{
    struct server *server = *state;
    struct http_request request = request_for (server, "/echo?a=b");
    struct http_answer answer = ask (server, &request);
    assert_int_equal (answer.status, 200);
    assert_non_null (strstr ((const char *)answer.body.data, "GET /echo?a=b HTTP/1.1\r\n"));
    assert_non_null (strstr ((const char *)answer.body.data, "User-Agent: relevo/"));
    request = request_for (server, "/missing");
    assert_int_equal (ask (server, &request).status, 404);
}

static void test_post (void **state)
{
    struct server *server = *state;
    static const char *const headers[] = {"X-Token: secret", "Idempotency-Key: 7", NULL};
    struct http_request request = request_for (server, "/echo");
    struct http_answer answer;
    const char *seen;
    request.body = "{\"text\":\"done\"}";
    request.content_type = "application/json";
    request.headers = headers;
    answer = ask (server, &request);
    seen = (const char *)answer.body.data;
    assert_non_null (strstr (seen, "POST /echo HTTP/1.1\r\n"));
    assert_non_null (strstr (seen, "\r\nContent-Type: application/json\r\n"));
    assert_non_null (strstr (seen, "\r\nX-Token: secret\r\nIdempotency-Key: 7\r\n"));
    assert_non_null (strstr (seen, "\r\n\r\n{\"text\":\"done\"}"));
    assert_null (strstr (seen, "Expect"));
    request.body = "";
    answer = ask (server, &request);
    assert_non_null (strstr ((const char *)answer.body.data, "POST /echo"));
}

/* A redirect is an answer like any other, and the environment's proxy is not asked. */
static void test_goes_nowhere_else (void **state)
{
    struct server *server = *state;
    struct http_request request = request_for (server, "/redirect");
    assert_int_equal (setenv ("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal (setenv ("all_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal (ask (server, &request).status, 302);
    assert_int_equal (unsetenv ("http_proxy") | unsetenv ("all_proxy"), 0);
}

static void assert_fails (
    struct server *server, const struct http_request *request, enum error_kind kind, const char *hidden)
{
    struct http_answer answer = {.status = 77};
    struct error error;
    assert_false (http_do (request, &server->arena, &answer, &error));
    assert_int_equal (error.kind, kind);
    assert_null (strstr (error.text, hidden));
    assert_int_equal (answer.status, 77);
}

static void test_bounds (void **state)
{
    struct server *server = *state;
    struct http_request request = request_for (server, "/limit");
    struct http_request slow = request_for (server, "/slow");
    assert_int_equal (ask (server, &request).body.size, HTTP_BODY_MAX);
    request = request_for (server, "/large");
    assert_fails (server, &request, ERROR_LIMIT, "/large");
    request = request_for (server, "/status");
    assert_fails (server, &request, ERROR_INPUT, "/status");
    slow.deadline = (struct span){300};
    assert_fails (server, &slow, ERROR_TIMEOUT, "/slow");
}

static void test_refused_requests (void **state)
{
    struct server *server = *state;
    static const char *const urls[] = {"file:///etc/passwd",  "ftp://127.0.0.1/secret",
                                       "gopher://127.0.0.1/", "no url",
                                       "127.0.0.1/secret",    ""};
    static const char *const forged[] = {"X-A: b\r\nX-Forged: c", NULL};
    static const char *const nameless[] = {"no colon", NULL};
    struct http_request request = request_for (server, "/echo");
    request.headers = forged;
    assert_fails (server, &request, ERROR_INPUT, "Forged");
    request.headers = nameless;
    assert_fails (server, &request, ERROR_INPUT, "/echo");
    request.headers = NULL;
    request.deadline.ms = 0;
    assert_fails (server, &request, ERROR_INPUT, "/echo");
    request.deadline.ms = 1000;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        request.url = urls[i];
        assert_fails (server, &request, ERROR_INPUT, "secret");
    }
    request.url = "http://127.0.0.1:1/secret";
    assert_fails (server, &request, ERROR_SYSTEM, "secret");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_get, start, stop),
        cmocka_unit_test_setup_teardown (test_post, start, stop),
        cmocka_unit_test_setup_teardown (test_goes_nowhere_else, start, stop),
        cmocka_unit_test_setup_teardown (test_bounds, start, stop),
        cmocka_unit_test_setup_teardown (test_refused_requests, start, stop),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
