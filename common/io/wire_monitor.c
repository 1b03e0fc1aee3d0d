/* A DEALER's full queue and its missing connection are the same errno. Its monitor knows the difference. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/io/wire_part.h"

enum { EVENTS = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED, PLACE_SIZE = 64 };

/* Without a limit, because libzmq's own thread would stop at it. There are two events a connection, and every
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

/* Two frames: the event's number (16 bits) with a value, and the endpoint. */
bool wire_is_connected (struct wire_socket *socket)
{
    uint8_t frame[6];
    uint16_t event;
    while (socket->monitor != NULL && receive (socket, frame, sizeof frame) == (int)sizeof frame) {
        (void)memcpy (&event, frame, sizeof event);
        (void)receive (socket, NULL, 0);
        socket->connected = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    }
    return socket->connected;
}

void wire_monitor_close (struct wire_socket *socket)
{
    if (socket->monitor == NULL)
        return;
    (void)zmq_socket_monitor (socket->zmq, NULL, 0);
    (void)zmq_close (socket->monitor);
    socket->monitor = NULL;
}
