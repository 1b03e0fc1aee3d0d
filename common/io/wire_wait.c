#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/io/wire_part.h"

/* What one wire_wait waits for. In `items`: the sockets, the descriptors, ZAP, publishers and monitors. */
struct waiting {
    struct wire *wire;
    struct wire_socket *const *sockets;
    size_t socket_count;
    bool *ret_ready;
    struct pollfd *descriptors;
    size_t descriptor_count;
    size_t item_count;
};

static zmq_pollitem_t *items_room (struct wire *wire, size_t count)
{
    if (count > wire->item_room) {
        zmq_pollitem_t *grown = realloc (wire->items, count * sizeof *grown);
        assert (grown != NULL);
        wire->items = grown;
        wire->item_room = count;
    }
    return wire->items;
}

static size_t own_count (const struct wire *wire)
{
    size_t count = 1;
    for (const struct wire_socket *socket = wire->sockets; socket != NULL; socket = socket->next)
        count++;
    return count;
}

static short zmq_events (short events)
{
    int same = 0;
    same |= (events & POLLIN) != 0 ? ZMQ_POLLIN : 0;
    same |= (events & POLLOUT) != 0 ? ZMQ_POLLOUT : 0;
    same |= (events & POLLPRI) != 0 ? ZMQ_POLLPRI : 0;
    return (short)same;
}

static void list_items (struct waiting *waiting)
{
    struct wire *wire = waiting->wire;
    size_t most = waiting->socket_count + waiting->descriptor_count + own_count (wire);
    zmq_pollitem_t *item = items_room (wire, most);
    for (size_t i = 0; i < waiting->socket_count; i++) {
        assert (waiting->sockets[i]->wire == wire);
        *item++ = (zmq_pollitem_t){.socket = waiting->sockets[i]->zmq, .events = ZMQ_POLLIN};
    }
    for (size_t i = 0; i < waiting->descriptor_count; i++) {
        const struct pollfd *file = &waiting->descriptors[i];
        *item++ = (zmq_pollitem_t){.fd = file->fd, .events = zmq_events (file->events)};
    }
    if (wire->zap != NULL)
        *item++ = (zmq_pollitem_t){.socket = wire->zap, .events = ZMQ_POLLIN};
    for (struct wire_socket *socket = wire->sockets; socket != NULL; socket = socket->next) {
        if (socket->kind == WIRE_XPUB)
            *item++ = (zmq_pollitem_t){.socket = socket->zmq, .events = ZMQ_POLLIN};
        else if (socket->monitor != NULL)
            *item++ = (zmq_pollitem_t){.socket = socket->monitor, .events = ZMQ_POLLIN};
    }
    waiting->item_count = (size_t)(item - wire->items);
}

/* libzmq tells POLLHUP and its like as errors alone; poll tells them as they are. */
static bool take_descriptors (struct waiting *waiting)
{
    int ready = poll (waiting->descriptors, (nfds_t)waiting->descriptor_count, 0);
    if (ready >= 0)
        return ready > 0;
    for (size_t i = 0; i < waiting->descriptor_count; i++)
        waiting->descriptors[i].revents = 0;
    return false;
}

/* After zmq_poll. True where there is something for the caller. */
static bool take_ready (struct waiting *waiting)
{
    bool any = take_descriptors (waiting);
    for (size_t i = 0; i < waiting->socket_count; i++) {
        bool ready =
            waiting->sockets[i]->kind != WIRE_XPUB && (waiting->wire->items[i].revents & ZMQ_POLLIN) != 0;
        waiting->ret_ready[i] = ready;
        any = any || ready;
    }
    return any;
}

static void serve_own (struct wire *wire)
{
    wire_zap_serve (wire);
    for (struct wire_socket *socket = wire->sockets; socket != NULL; socket = socket->next) {
        if (socket->kind == WIRE_XPUB)
            wire_drain (socket);
        else
            (void)wire_follow (socket);
    }
}

static long left_ms (struct instant end)
{
    struct span left;
    if (end.ms == INT64_MAX)
        return -1;
    left = instant_between (clock_steady (), end);
    return left.ms <= 0 ? 0 : left.ms > INT_MAX ? INT_MAX : (long)left.ms;
}

/* When to wake at the latest: at `end`, or to renew a dead connection. */
static struct instant next_wake (const struct wire *wire, struct instant end)
{
    for (const struct wire_socket *socket = wire->sockets; socket != NULL; socket = socket->next) {
        if (socket->renew_at.ms != 0)
            end = instant_earlier (end, socket->renew_at);
    }
    return end;
}

bool wire_wait (
    struct wire *wire, struct wire_socket *const *sockets, size_t socket_count, bool *ret_ready,
    struct pollfd *descriptors, size_t descriptor_count, struct span timeout, struct error *error)
{
    struct waiting waiting = {
        .wire = wire,
        .sockets = sockets,
        .socket_count = socket_count,
        .descriptors = descriptors,
        .descriptor_count = descriptor_count};
    struct instant end = {INT64_MAX};
    bool interrupted = false;
    waiting.ret_ready = ret_ready;
    if (timeout.ms >= 0)
        end = instant_add (clock_steady (), timeout);
    list_items (&waiting);
    for (;;) {
        bool last = left_ms (end) == 0;
        int got = zmq_poll (wire->items, (int)waiting.item_count, left_ms (next_wake (wire, end)));
        if (got < 0 && zmq_errno () != EINTR)
            return wire_failed ("ZeroMQ", "wait for messages", error);
        interrupted = got < 0;
        for (size_t i = 0; interrupted && i < waiting.item_count; i++)
            wire->items[i].revents = 0;
        serve_own (wire);
        /* Without anything for the caller it was our own business: wait for the rest of the time. */
        if (take_ready (&waiting) || interrupted || last)
            return true;
    }
}
