#include "agent/io/probe_child.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/http.h"
#include "common/io/privileges.h"

enum { PROBE_WORDS = 6, STATUS_DEFAULT = 200 };

struct network_probe {
    const char *target;
    long status;
    const char *body;
    struct span deadline;
};

static int say (int code, const char *text)
{
    (void)printf ("%s\n", text);
    return code;
}

static int probe_http (const struct network_probe *probe)
{
    struct http_request request = {.url = probe->target, .deadline = probe->deadline};
    struct http_answer answer;
    struct arena arena = {0};
    struct error error;
    int code = PROBE_EXIT_PASSED;
    if (!http_do (&request, &arena, &answer, &error)) {
        code = error.kind == ERROR_TIMEOUT ? PROBE_EXIT_TIMEOUT : PROBE_EXIT_FAILED;
        (void)say (code, error.text);
    } else if (answer.status != probe->status) {
        code = PROBE_EXIT_FAILED;
        (void)printf ("status %ld instead of %ld\n", answer.status, probe->status);
    } else if (
        probe->body[0] != '\0' &&
        memmem (answer.body.data, answer.body.size, probe->body, strlen (probe->body)) == NULL) {
        code = PROBE_EXIT_FAILED;
        (void)printf ("status %ld, but the body lacks \"%s\"\n", answer.status, probe->body);
    } else {
        (void)printf ("status %ld\n", answer.status);
    }
    arena_free (&arena);
    return code;
}

/* "host:port" or "[v6]:port". */
static bool split_target (const char *target, char *host, size_t host_size, const char **ret_port)
{
    const char *colon = strrchr (target, ':');
    size_t size;
    if (colon == NULL || colon == target || colon[1] == '\0')
        return false;
    size = (size_t)(colon - target);
    if (target[0] == '[' && size > 2 && target[size - 1] == ']') {
        target++;
        size -= 2;
    }
    if (size >= host_size)
        return false;
    (void)memcpy (host, target, size);
    host[size] = '\0';
    *ret_port = colon + 1;
    return true;
}

/* 0, or why not as errno. */
static int connect_within (const struct addrinfo *address, struct instant until)
{
    int problem = 0;
    socklen_t size = sizeof problem;
    struct pollfd waiting;
    struct span left = instant_between (clock_steady (), until);
    int descriptor = socket (address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return errno;
    waiting = (struct pollfd){.fd = descriptor, .events = POLLOUT};
    if (connect (descriptor, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS)
        problem = errno;
    else if (left.ms <= 0 || poll (&waiting, 1, (int)left.ms) <= 0)
        problem = ETIMEDOUT;
    else if (getsockopt (descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        problem = errno;
    (void)close (descriptor);
    return problem;
}

static int connect_any (const struct addrinfo *addresses, struct instant until)
{
    int problem = EADDRNOTAVAIL;
    for (; addresses != NULL; addresses = addresses->ai_next) {
        problem = connect_within (addresses, until);
        if (problem == 0)
            break;
    }
    return problem;
}

static int probe_tcp (const struct network_probe *probe)
{
    struct instant until = instant_add (clock_steady (), probe->deadline);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses;
    const char *port;
    char host[256];
    int problem;
    if (!split_target (probe->target, host, sizeof host, &port))
        return say (PROBE_EXIT_ERROR, "the target is not HOST:PORT");
    problem = getaddrinfo (host, port, &hints, &addresses);
    if (problem != 0)
        return say (PROBE_EXIT_FAILED, gai_strerror (problem));
    problem = connect_any (addresses, until);
    freeaddrinfo (addresses);
    if (problem == ETIMEDOUT)
        return say (PROBE_EXIT_TIMEOUT, "no connection in time");
    return problem != 0 ? say (PROBE_EXIT_FAILED, strerror (problem)) : say (PROBE_EXIT_PASSED, "connected");
}

int probe_child (int count, char **words)
{
    struct network_probe probe;
    struct privileges privileges;
    struct error error;
    if (count != PROBE_WORDS)
        return say (PROBE_EXIT_ERROR, "a probe needs USER KIND TARGET STATUS BODY MILLISECONDS");
    if (geteuid () == 0 &&
        (!privileges_find (words[0], &privileges, &error) || !privileges_drop (&privileges, &error)))
        return say (PROBE_EXIT_ERROR, error.text);
    probe = (struct network_probe){
        .target = words[2],
        .status = strtol (words[3], NULL, 10),
        .body = words[4],
        .deadline = {strtoll (words[5], NULL, 10)}};
    if (probe.status == 0)
        probe.status = STATUS_DEFAULT;
    if (strcmp (words[1], "http") == 0)
        return probe_http (&probe);
    if (strcmp (words[1], "tcp") == 0)
        return probe_tcp (&probe);
    return say (PROBE_EXIT_ERROR, "a probe is http or tcp");
}
