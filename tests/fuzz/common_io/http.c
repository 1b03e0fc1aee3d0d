/* What a web server answers, byte by byte as it likes: an answer within bounds, or an error in words. */
#include "tests/fuzz/fuzz.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io/http.h"

static int listener = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct bytes reply; /* of the next connection; held by the lock */
static char url[64];

/* Reads the request, of which the head is all, and says its line. */
static void answer_one (int descriptor)
{
    char request[4096];
    size_t size = 0;
    ssize_t got;
    while (size < sizeof request && memmem (request, size, "\r\n\r\n", 4) == NULL &&
           (got = recv (descriptor, request + size, sizeof request - size, 0)) > 0)
        size += (size_t)got;
    (void)send (descriptor, reply.data, reply.size, MSG_NOSIGNAL);
    (void)shutdown (descriptor, SHUT_WR);
    while (recv (descriptor, request, sizeof request, 0) > 0)
        continue;
    (void)close (descriptor);
}

static void *serve (void *nothing)
{
    for (;;) {
        int descriptor = accept (listener, NULL, NULL);
        if (descriptor < 0)
            continue;
        (void)pthread_mutex_lock (&lock);
        answer_one (descriptor);
        (void)pthread_mutex_unlock (&lock);
    }
    return nothing;
}

static void begin (void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    pthread_t thread;
    int failed;
    if (listener >= 0)
        return;
    listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    failed = bind (listener, (const struct sockaddr *)&address, size);
    failed |= listen (listener, 8);
    failed |= getsockname (listener, (struct sockaddr *)&address, &size);
    failed |= pthread_create (&thread, NULL, serve, NULL);
    assert (listener >= 0 && failed == 0);
    (void)snprintf (url, sizeof url, "http://127.0.0.1:%u/", (unsigned)ntohs (address.sin_port));
}

/* Waits for the answer that is being given, for its bytes do not outlive the run. */
static void set_reply (struct bytes bytes)
{
    (void)pthread_mutex_lock (&lock);
    reply = bytes;
    (void)pthread_mutex_unlock (&lock);
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct http_answer answer = {0};
    struct http_request request = {.url = url, .deadline = span_seconds (10)};
    bool good;
    begin ();
    set_reply (input);
    good = http_do (&request, &arena, &answer, &error);
    set_reply ((struct bytes){0});
    if (good) {
        assert (answer.status >= 100 && answer.status <= 999);
        assert (answer.body.size <= HTTP_BODY_MAX && answer.body.data[answer.body.size] == 0);
        assert (answer.body.size <= input.size);
    } else {
        check_error (&error);
        assert (answer.status == 0 && answer.body.data == NULL);
    }
    arena_free (&arena);
    return good;
}

static void seed (void)
{
    seed_good ("sized", bytes_of_text ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    seed_good ("until-end", bytes_of_text ("HTTP/1.0 503 Busy\r\nA: b\r\n\r\nlater"));
    seed_good (
        "chunked",
        bytes_of_text ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: x\r\n\r\n"));
    seed_good ("twice", bytes_of_text ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n"));
    seed_good ("moved", bytes_of_text ("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n"));
    seed_bad ("cut-short", bytes_of_text ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"));
    seed_bad ("no-status", bytes_of_text ("HTTP/21 01.4 \r\n\r\n"));
    seed_bad ("no-http", bytes_of_text ("220 mail\r\n"));
}

const struct fuzz_target fuzz_target = {.most = 4096, .run = run, .seed = seed};
