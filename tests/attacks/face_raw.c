/* Connections without the care of wire.h: as a hostile program would make them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <zmq.h>

#include "tests/attacks/face_part.h"

enum { SHAKE_MS = 4000, SAY_MS = 5000, END_MS = 5000 };

/* ------------------------------------------------------------------------------------------------ handshakes
 */

static void set_curve (void *socket, const struct face *face, const struct wire_pair *pair)
{
    assert_int_equal (zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, face->server.public.bytes, 32), 0);
    assert_int_equal (zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, pair->public.bytes, 32), 0);
    assert_int_equal (zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, pair->secret, 32), 0);
}

/* The first word about the connection's fate. */
static enum face_shake fate (void *monitor)
{
    uint8_t frame[6];
    while (zmq_recv (monitor, frame, sizeof frame, 0) == (int)sizeof frame) {
        uint16_t event;
        (void)memcpy (&event, frame, sizeof event);
        (void)zmq_recv (monitor, NULL, 0, 0);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return FACE_OPEN;
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            return FACE_TURNED_AWAY;
        if (event != ZMQ_EVENT_CONNECTED)
            return FACE_BROKEN;
    }
    return FACE_SILENCE;
}

enum face_shake face_shake (struct face *face, enum face_door door, const struct wire_pair *pair)
{
    static const int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                              ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                              ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    const int none = 0;
    const int patience = SHAKE_MS;
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, door == FACE_PUBLISH ? ZMQ_SUB : ZMQ_DEALER);
    void *monitor = zmq_socket (context, ZMQ_PAIR);
    enum face_shake shake;
    if (pair != NULL)
        set_curve (socket, face, pair);
    assert_int_equal (zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none), 0);
    assert_int_equal (zmq_setsockopt (monitor, ZMQ_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal (zmq_socket_monitor (socket, "inproc://fate", events), 0);
    assert_int_equal (zmq_connect (monitor, "inproc://fate"), 0);
    assert_int_equal (zmq_connect (socket, face->endpoints[door]), 0);
    shake = fate (monitor);
    (void)zmq_close (socket);
    (void)zmq_close (monitor);
    (void)zmq_ctx_term (context);
    return shake;
}

/* ------------------------------------------------------------------------------------------------ ZeroMQ,
 * raw */

struct face_raw {
    void *context;
    void *socket;
};

struct face_raw *face_raw (
    struct face *face, enum face_door door, int type, const struct wire_pair *pair, const char *routing_id)
{
    const int none = 0;
    const int say = SAY_MS;
    struct face_raw *raw = calloc (1, sizeof *raw);
    assert_non_null (raw);
    raw->context = zmq_ctx_new ();
    raw->socket = zmq_socket (raw->context, type);
    if (pair != NULL)
        set_curve (raw->socket, face, pair);
    if (routing_id != NULL)
        assert_int_equal (zmq_setsockopt (raw->socket, ZMQ_ROUTING_ID, routing_id, strlen (routing_id)), 0);
    assert_int_equal (zmq_setsockopt (raw->socket, ZMQ_LINGER, &none, sizeof none), 0);
    assert_int_equal (zmq_setsockopt (raw->socket, ZMQ_SNDTIMEO, &say, sizeof say), 0);
    assert_int_equal (zmq_connect (raw->socket, face->endpoints[door]), 0);
    return raw;
}

static void say (struct face_raw *raw, struct bytes frame, int flags)
{
    if (zmq_send (raw->socket, frame.data, frame.size, flags) != (int)frame.size)
        fail_msg ("not sent: %s", zmq_strerror (zmq_errno ()));
}

void face_raw_say (struct face_raw *raw, struct bytes frame)
{
    say (raw, frame, 0);
}

void face_raw_say_part (struct face_raw *raw, struct bytes frame)
{
    say (raw, frame, ZMQ_SNDMORE);
}

bool face_raw_hears (struct face_raw *raw, int patience)
{
    char frame[1];
    assert_int_equal (zmq_setsockopt (raw->socket, ZMQ_RCVTIMEO, &patience, sizeof patience), 0);
    return zmq_recv (raw->socket, frame, sizeof frame, 0) >= 0;
}

void face_raw_leave (struct face_raw **raw)
{
    (void)zmq_close ((*raw)->socket);
    (void)zmq_ctx_term ((*raw)->context);
    free (*raw);
    *raw = NULL;
}

/* ------------------------------------------------------------------------------------------------- TCP, raw
 */

int face_tcp (const struct face *face, enum face_door door)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    const char *port = strrchr (face->endpoints[door], ':') + 1;
    int file = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true (file >= 0);
    address.sin_port = htons ((uint16_t)strtoul (port, NULL, 10));
    assert_int_equal (connect (file, (const struct sockaddr *)&address, sizeof address), 0);
    return file;
}

void face_tcp_say (int file, struct bytes data)
{
    size_t done = 0;
    while (done < data.size) {
        ssize_t sent = send (file, data.data + done, data.size - done, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        done += (size_t)sent;
    }
}

bool face_tcp_ends (int file)
{
    struct pollfd wanted = {.fd = file, .events = POLLIN};
    bool ended = false;
    while (!ended && poll (&wanted, 1, END_MS) == 1) {
        char data[1024];
        ended = recv (file, data, sizeof data, 0) <= 0;
    }
    (void)close (file);
    return ended;
}
