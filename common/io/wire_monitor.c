/* Follows the state of a connection, for two reasons. A DEALER's full queue and its missing connection are
   the same errno. And libzmq 4.3.4 gives up for good after a connection that was refused (ZAP's 400) or that
   broke the protocol: a host that is accepted a minute later would never come in. So such a connection is
   begun anew.

   connecting ──handshake──▶ connected ──lost──▶ lost ──libzmq retries──▶ connecting
                                        refused ─▶ lost ──no retry in RENEW──▶ connecting (by us) */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/io/wire_part.h"

enum {
    EVENTS_LOST = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                  ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
    EVENTS_TRYING = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED,
    EVENTS = EVENTS_LOST | EVENTS_TRYING | ZMQ_EVENT_HANDSHAKE_SUCCEEDED,
    PLACE_SIZE = 64,
    RENEW_LEAST_MS = 1000, /* libzmq's own retry is announced at once; the spread keeps a fleet apart */
    RENEW_SPREAD_MS = 2000,
};

/* Without a limit, because libzmq's own thread would stop at it. There are few events a connection, and every
   wire_send and wire_wait takes them out. */
bool wire_monitor_open (struct wire_socket *socket, struct error *error)
{
    char place[PLACE_SIZE];
    int none = 0;
    (void)snprintf (place, sizeof place, "inproc://relevo.monitor.%p", (void *)socket);
    if (zmq_socket_monitor (socket->zmq, place, EVENTS) != 0)
        return wire_failed (socket->endpoint, "watch the connection", error);
    socket->monitor = zmq_socket (socket->wire->context, ZMQ_PAIR);
    if (socket->monitor == NULL || zmq_setsockopt (socket->monitor, ZMQ_LINGER, &none, sizeof none) != 0 ||
        zmq_setsockopt (socket->monitor, ZMQ_RCVHWM, &none, sizeof none) != 0 ||
        zmq_connect (socket->monitor, place) != 0)
        return wire_failed (socket->endpoint, "watch the connection", error);
    return true;
}

static int receive (struct wire_socket *socket, void *data, size_t size)
{
    int got;
    do
        got = zmq_recv (socket->monitor, data, size, ZMQ_DONTWAIT);
    while (got < 0 && zmq_errno () == EINTR);
    return got;
}

static void take_event (struct wire_socket *socket, uint16_t event)
{
    socket->is_connected = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    if ((event & EVENTS_LOST) == 0) {
        socket->renew_at = (struct instant){0};
    } else if (socket->renew_at.ms == 0) {
        int64_t wait = RENEW_LEAST_MS + (int64_t)(random_number () % RENEW_SPREAD_MS);
        socket->renew_at = instant_add (clock_steady (), (struct span){wait});
    }
}

static void renew_when_due (struct wire_socket *socket)
{
    if (socket->renew_at.ms == 0 || instant_before (clock_steady (), socket->renew_at))
        return;
    socket->renew_at = (struct instant){0};
    (void)zmq_disconnect (socket->zmq, socket->endpoint); /* mostly gone by itself */
    (void)zmq_connect (socket->zmq, socket->endpoint);    /* worked once, so the endpoint is well-formed */
}

/* Two frames an event: its number (16 bits) with a value, and the endpoint. */
bool wire_follow (struct wire_socket *socket)
{
    uint8_t frame[6];
    uint16_t event;
    while (socket->monitor != NULL && receive (socket, frame, sizeof frame) == (int)sizeof frame) {
        (void)memcpy (&event, frame, sizeof event);
        (void)receive (socket, NULL, 0);
        take_event (socket, event);
    }
    renew_when_due (socket);
    return socket->is_connected;
}

void wire_monitor_close (struct wire_socket *socket)
{
    if (socket->monitor == NULL)
        return;
    (void)zmq_socket_monitor (socket->zmq, NULL, 0);
    (void)zmq_close (socket->monitor);
    socket->monitor = NULL;
}
