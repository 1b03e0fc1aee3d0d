#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/io/wire_part.h"

enum {
    AUTOMATIC_ROUTE_SIZE = 5, /* a zero byte, which no chosen route begins with, and a number */
    DROPS_AT_ONCE = 100,      /* a peer that sends rubbish must not hold the loop */
    TOPIC_SIZE = 256,
    TOPICS_MOST = 256 * 1024, /* bytes; libzmq holds thirty for each */
    LISTEN_ANEW_MS = 20,
};

/* ------------------------------------------------------------------------------------------------ receiving
 */

static bool receive_frame (struct wire_socket *socket, zmq_msg_t *frame)
{
    int got;
    do
        got = zmq_msg_recv (frame, socket->zmq, ZMQ_DONTWAIT);
    while (got < 0 && zmq_errno () == EINTR);
    return got >= 0;
}

static void skip_rest (struct wire_socket *socket)
{
    while (zmq_msg_more (&socket->body) && receive_frame (socket, &socket->body))
        continue;
}

/* Routes are what this side made up. A peer that names itself may want to be taken for another. */
static bool take_route (const zmq_msg_t *frame, struct wire_message *ret)
{
    zmq_msg_t *readable = (zmq_msg_t *)frame; /* libzmq's accessors take no const */
    const uint8_t *data = zmq_msg_data (readable);
    if (zmq_msg_size (readable) != AUTOMATIC_ROUTE_SIZE || data[0] != 0)
        return false;
    (void)memcpy (ret->route, data, AUTOMATIC_ROUTE_SIZE);
    ret->route_size = AUTOMATIC_ROUTE_SIZE;
    return true;
}

static bool take_peer (zmq_msg_t *body, struct wire_message *ret)
{
    const char *user = zmq_msg_gets (body, "User-Id");
    return user != NULL && wire_key_parse (user, &ret->peer, NULL);
}

/* The frames of one message. False where it is none of ours; its frames are taken out all the same. */
static bool take_message (struct wire_socket *socket, struct wire_message *ret)
{
    bool is_good = true;
    if (socket->kind != WIRE_DEALER) {
        is_good = zmq_msg_more (&socket->body) != 0;
        if (socket->kind == WIRE_ROUTER)
            is_good = is_good && take_route (&socket->body, ret);
        if (!zmq_msg_more (&socket->body) || !receive_frame (socket, &socket->body))
            return false;
    }
    if (zmq_msg_more (&socket->body)) {
        skip_rest (socket);
        return false;
    }
    if (socket->kind == WIRE_ROUTER)
        is_good = is_good && take_peer (&socket->body, ret);
    ret->body = (struct bytes){zmq_msg_data (&socket->body), zmq_msg_size (&socket->body)};
    return is_good && ret->body.size <= LIMIT_MESSAGE;
}

/* What is taken back is not taken off: to take back what one never had is allowed. */
static void count_topic (struct wire_socket *socket)
{
    const char *user = zmq_msg_gets (&socket->body, "User-Id");
    const uint8_t *data = zmq_msg_data (&socket->body);
    size_t size = zmq_msg_size (&socket->body);
    if (size == 0 || data[0] != 1)
        return;
    socket->topic_bytes += size;
    if (user == NULL || !wire_key_parse (user, &socket->flooder, NULL))
        socket->flooder = (struct wire_key){{0}};
}

/* The listener takes its connections with it, and they their subscriptions. libzmq needs a moment to let go
   of the port. */
static void listen_anew (struct wire_socket *socket)
{
    struct instant now = clock_steady ();
    if (socket->topic_bytes > TOPICS_MOST) {
        (void)zmq_unbind (socket->zmq, socket->endpoint);
        socket->topic_bytes = 0;
        socket->is_flooded = true;
        socket->renew_at = instant_add (now, (struct span){LISTEN_ANEW_MS});
    }
    if (socket->renew_at.ms == 0 || instant_before (now, socket->renew_at))
        return;
    socket->renew_at = (struct instant){0};
    if (zmq_bind (socket->zmq, socket->endpoint) != 0)
        socket->renew_at = instant_add (now, (struct span){LISTEN_ANEW_MS});
}

void wire_drain (struct wire_socket *socket)
{
    for (int i = 0; i < DROPS_AT_ONCE && receive_frame (socket, &socket->body); i++) {
        count_topic (socket);
        skip_rest (socket);
    }
    listen_anew (socket);
}

bool wire_flooded (struct wire_socket *socket, struct wire_key *ret)
{
    bool is_flooded = socket->is_flooded;
    *ret = socket->flooder;
    socket->is_flooded = false;
    return is_flooded;
}

bool wire_receive (struct wire_socket *socket, struct wire_message *ret)
{
    if (socket->kind == WIRE_XPUB) {
        wire_drain (socket);
        return false;
    }
    for (int i = 0; i < DROPS_AT_ONCE; i++) {
        struct wire_message message = {0};
        if (!receive_frame (socket, &socket->body))
            return false;
        if (take_message (socket, &message)) {
            *ret = message;
            return true;
        }
        socket->dropped++;
    }
    return false;
}

uint64_t wire_dropped (const struct wire_socket *socket)
{
    return socket->dropped;
}

/* -------------------------------------------------------------------------------------------------- sending
 */

static int send_frame (struct wire_socket *socket, const void *data, size_t size, int more)
{
    int done;
    do
        done = zmq_send (socket->zmq, data, size, ZMQ_DONTWAIT | more);
    while (done < 0 && zmq_errno () == EINTR);
    return done;
}

enum wire_sent wire_send (
    struct wire_socket *socket, const uint8_t *route, uint8_t route_size, struct bytes body)
{
    assert (socket->kind == WIRE_ROUTER || socket->kind == WIRE_DEALER);
    assert (body.size <= LIMIT_MESSAGE);
    if (socket->kind == WIRE_DEALER) {
        bool connected = wire_follow (socket);
        if (send_frame (socket, body.data, body.size, 0) >= 0)
            return WIRE_SENT;
        return connected ? WIRE_FULL : WIRE_GONE;
    }
    if (send_frame (socket, route, route_size, ZMQ_SNDMORE) < 0)
        return zmq_errno () == EAGAIN ? WIRE_FULL : WIRE_GONE;
    return send_frame (socket, body.data, body.size, 0) >= 0 ? WIRE_SENT : WIRE_GONE;
}

/* libzmq matches subscriptions by their beginning. With its NUL, a topic begins no other topic. */
static size_t topic_size (const char *topic)
{
    size_t size = strlen (topic) + 1;
    assert (size <= TOPIC_SIZE);
    return size;
}

bool wire_subscribe (struct wire_socket *socket, const char *topic, struct error *error)
{
    size_t size = topic[0] != '\0' ? topic_size (topic) : 0;
    assert (socket->kind == WIRE_SUB);
    return zmq_setsockopt (socket->zmq, ZMQ_SUBSCRIBE, topic, size) == 0 ||
           wire_failed (topic, "subscribe to it", error);
}

void wire_publish (struct wire_socket *socket, const char *topic, struct bytes body)
{
    assert (socket->kind == WIRE_XPUB);
    assert (body.size <= LIMIT_MESSAGE);
    wire_drain (socket); /* newer subscriptions count already */
    if (send_frame (socket, topic, topic_size (topic), ZMQ_SNDMORE) >= 0)
        (void)send_frame (socket, body.data, body.size, 0);
}
