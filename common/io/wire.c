#include "common/io/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/io/clock.h"
#include "common/io/wire_part.h"

/* Declared among libzmq's drafts, but part of every build of 4.3. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

enum {
    SOCKETS_MAX = 256,
    IO_THREADS = 1,
    LISTEN_BACKLOG = 4096,
    HANDSHAKE_MS = 20000, /* thousands of hosts that come back at once take a while */
    CONNECT_MS = 10000,
    UNANSWERED_MS = 30000, /* TCP: unacknowledged for so long is a dead peer */
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_STEP_S = 10,
    KEEPALIVE_COUNT = 3,
    LINGER_MS = 1000,
    RECONNECT_LEAST_MS = 100,
    RECONNECT_SPREAD_MS = 400,
    RECONNECT_MOST_MS = 2500, /* with its spread below three heartbeats: back before it counts as silent */
    CURVE_OVERHEAD = 64,      /* what CURVE adds to a message on the wire: 33 bytes */
    ROUTER_WAITING = 64,      /* messages taken in from one peer before it has to wait: this times */
    CONNECT_WAITING = 1000,   /* LIMIT_MESSAGE is what one peer can make us hold */
    SUBSCRIPTION_MOST = 1024, /* XPUB hears nothing but topics, and the words of a handshake */
};

bool wire_failed (const char *text, const char *act, struct error *error)
{
    int number = zmq_errno ();
    enum error_kind kind = number == EADDRINUSE                                        ? ERROR_CONFLICT
                           : number == EINVAL || number == EPROTONOSUPPORT             ? ERROR_INPUT
                           : number == ENODEV || number == ENOENT || number == ENOTDIR ? ERROR_MISSING
                                                                                       : ERROR_SYSTEM;
    return error_set (error, kind, "%s: cannot %s: %s", text, act, zmq_strerror (number));
}

/* ------------------------------------------------------------------------------------------- open and close
 */

bool wire_open (wire_admit admit, void *context, struct wire **ret, struct error *error)
{
    struct wire *wire = calloc (1, sizeof *wire);
    assert (wire != NULL);
    wire->admit = admit;
    wire->admit_context = context;
    wire->context = zmq_ctx_new ();
    if (wire->context == NULL) {
        free (wire);
        return wire_failed ("ZeroMQ", "open a context", error);
    }
    if (zmq_ctx_set (wire->context, ZMQ_MAX_SOCKETS, SOCKETS_MAX) != 0 ||
        zmq_ctx_set (wire->context, ZMQ_IO_THREADS, IO_THREADS) != 0 ||
        zmq_ctx_set (wire->context, ZMQ_BLOCKY, 0) != 0) {
        (void)wire_failed ("ZeroMQ", "set its limits", error);
        wire_close (&wire);
        return false;
    }
    if (admit != NULL && !wire_zap_open (wire, error)) {
        wire_close (&wire);
        return false;
    }
    *ret = wire;
    return true;
}

void wire_close (struct wire **wire)
{
    struct wire *self = *wire;
    if (self == NULL)
        return;
    while (self->sockets != NULL) {
        struct wire_socket *socket = self->sockets;
        wire_socket_close (&socket);
    }
    if (self->zap != NULL)
        (void)zmq_close (self->zap);
    while (zmq_ctx_term (self->context) != 0 && zmq_errno () == EINTR)
        continue;
    free (self->items);
    free (self);
    *wire = NULL;
}

/* ------------------------------------------------------------------------------------------------- options
 */

struct option {
    int name;
    int value;
};

static bool set_options (void *zmq, const struct option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (zmq_setsockopt (zmq, options[i].name, &options[i].value, sizeof options[i].value) != 0)
            return false;
    }
    return true;
}

static int spread (int least, int width)
{
    return least + (int)(random_number () % (uint64_t)width);
}

/* Every limit is set, because libzmq's defaults are none, or too small, or the same for a whole fleet. */
static bool set_common (void *zmq, enum wire_kind kind, const char *endpoint)
{
    const int64_t most = kind == WIRE_XPUB ? SUBSCRIPTION_MOST : LIMIT_MESSAGE + CURVE_OVERHEAD;
    const struct option options[] = {
        {ZMQ_LINGER, LINGER_MS},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_HEARTBEAT_IVL, 0},
        {ZMQ_IPV6, strchr (endpoint, '[') != NULL ? 1 : 0},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S},
        {ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_STEP_S},
        {ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT},
        {ZMQ_TCP_MAXRT, UNANSWERED_MS},
    };
    return zmq_setsockopt (zmq, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0 &&
           set_options (zmq, options, sizeof options / sizeof *options);
}

static bool set_listener (
    void *zmq, enum wire_kind kind, const char *domain, const struct wire_pair *pair, int most_waiting)
{
    const struct option common[] = {
        {ZMQ_BACKLOG, LISTEN_BACKLOG}, {ZMQ_SNDHWM, most_waiting},  {ZMQ_RCVHWM, ROUTER_WAITING},
        {ZMQ_CURVE_SERVER, 1},         {ZMQ_ZAP_ENFORCE_DOMAIN, 1},
    };
    const struct option router[] = {{ZMQ_ROUTER_MANDATORY, 1}, {ZMQ_ROUTER_HANDOVER, 0}};
    const struct option publisher[] = {{ZMQ_XPUB_NODROP, 0}, {ZMQ_XPUB_VERBOSE, 0}};
    return set_options (zmq, common, sizeof common / sizeof *common) &&
           set_options (zmq, kind == WIRE_ROUTER ? router : publisher, 2) &&
           zmq_setsockopt (zmq, ZMQ_ZAP_DOMAIN, domain, strlen (domain)) == 0 &&
           zmq_setsockopt (zmq, ZMQ_CURVE_SECRETKEY, pair->secret, sizeof pair->secret) == 0;
}

static bool set_connector (void *zmq, const struct wire_key *server, const struct wire_pair *pair)
{
    const struct option options[] = {
        {ZMQ_SNDHWM, CONNECT_WAITING},
        {ZMQ_RCVHWM, CONNECT_WAITING},
        {ZMQ_IMMEDIATE, 1}, /* else messages queue for a connection that may never be */
        {ZMQ_CONNECT_TIMEOUT, CONNECT_MS},
        {ZMQ_RECONNECT_IVL, spread (RECONNECT_LEAST_MS, RECONNECT_SPREAD_MS)},
        {ZMQ_RECONNECT_IVL_MAX, spread (RECONNECT_MOST_MS, RECONNECT_MOST_MS)},
    };
    return set_options (zmq, options, sizeof options / sizeof *options) &&
           zmq_setsockopt (zmq, ZMQ_CURVE_SERVERKEY, server->bytes, sizeof server->bytes) == 0 &&
           zmq_setsockopt (zmq, ZMQ_CURVE_PUBLICKEY, pair->public.bytes, sizeof pair->public.bytes) == 0 &&
           zmq_setsockopt (zmq, ZMQ_CURVE_SECRETKEY, pair->secret, sizeof pair->secret) == 0;
}

/* ------------------------------------------------------------------------------------------------- sockets
 */

static struct wire_socket *socket_new (
    struct wire *wire, enum wire_kind kind, const char *endpoint, struct error *error)
{
    static const int types[] = {
        [WIRE_ROUTER] = ZMQ_ROUTER, [WIRE_XPUB] = ZMQ_XPUB, [WIRE_DEALER] = ZMQ_DEALER, [WIRE_SUB] = ZMQ_SUB};
    struct wire_socket *socket;
    void *zmq = zmq_socket (wire->context, types[kind]);
    int failed;
    if (zmq == NULL) {
        (void)wire_failed (endpoint, "open a socket", error);
        return NULL;
    }
    socket = calloc (1, sizeof *socket);
    assert (socket != NULL);
    failed = zmq_msg_init (&socket->body);
    assert (failed == 0);
    socket->wire = wire;
    socket->kind = kind;
    socket->zmq = zmq;
    socket->next = wire->sockets;
    wire->sockets = socket;
    return socket;
}

void wire_socket_close (struct wire_socket **socket)
{
    struct wire_socket *self = *socket;
    struct wire_socket **place;
    if (self == NULL)
        return;
    place = &self->wire->sockets;
    while (*place != self)
        place = &(*place)->next;
    *place = self->next;
    wire_monitor_close (self);
    (void)zmq_msg_close (&self->body);
    (void)zmq_close (self->zmq);
    free (self);
    *socket = NULL;
}

/* Every peer is a descriptor; at the limit libzmq's accept would turn in circles. What may be had, is had. */
static void raise_descriptor_limit (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit (RLIMIT_NOFILE, &limit);
    }
}

static bool bind_socket (struct wire_socket *socket, const char *endpoint, struct error *error)
{
    static const char local[] = "ipc://";
    size_t size = sizeof socket->endpoint;
    const char *path = endpoint + strlen (local);
    if (zmq_bind (socket->zmq, endpoint) != 0)
        return wire_failed (endpoint, "listen there", error);
    if (strncmp (endpoint, local, strlen (local)) == 0 && chmod (path, S_IRUSR | S_IWUSR) != 0)
        return error_set (
            error, ERROR_SYSTEM, "%s: cannot keep others from it: %s", endpoint, strerror (errno));
    if (zmq_getsockopt (socket->zmq, ZMQ_LAST_ENDPOINT, socket->endpoint, &size) != 0)
        return wire_failed (endpoint, "tell where it listens", error);
    return true;
}

bool wire_listen (
    struct wire *wire, enum wire_kind kind, const char *endpoint, const char *domain,
    const struct wire_pair *pair, int most_waiting, struct wire_socket **ret, struct error *error)
{
    struct wire_socket *socket;
    assert (kind == WIRE_ROUTER || kind == WIRE_XPUB);
    assert (wire->admit != NULL && domain[0] != '\0' && most_waiting > 0); /* 0 would mean: no limit */
    raise_descriptor_limit ();
    socket = socket_new (wire, kind, endpoint, error);
    if (socket == NULL)
        return false;
    if (!set_common (socket->zmq, kind, endpoint) ||
        !set_listener (socket->zmq, kind, domain, pair, most_waiting))
        (void)wire_failed (endpoint, "set a socket's options", error);
    else if (bind_socket (socket, endpoint, error)) {
        *ret = socket;
        return true;
    }
    wire_socket_close (&socket);
    return false;
}

const char *wire_endpoint (const struct wire_socket *socket)
{
    return socket->endpoint;
}

bool wire_connect (
    struct wire *wire, enum wire_kind kind, const char *endpoint, const struct wire_key *server,
    const struct wire_pair *pair, struct wire_socket **ret, struct error *error)
{
    struct wire_socket *socket;
    bool done = false;
    assert (kind == WIRE_DEALER || kind == WIRE_SUB);
    if (strlen (endpoint) > LIMIT_ADDRESS)
        return error_set (
            error, ERROR_LIMIT, "an address of %zu bytes, at most %d are allowed", strlen (endpoint),
            (int)LIMIT_ADDRESS);
    socket = socket_new (wire, kind, endpoint, error);
    if (socket == NULL)
        return false;
    (void)strncpy (socket->endpoint, endpoint, sizeof socket->endpoint - 1);
    if (!set_common (socket->zmq, kind, endpoint) || !set_connector (socket->zmq, server, pair))
        (void)wire_failed (endpoint, "set a socket's options", error);
    else if (wire_monitor_open (socket, error))
        done = zmq_connect (socket->zmq, endpoint) == 0 || wire_failed (endpoint, "connect to it", error);
    if (done)
        *ret = socket;
    else
        wire_socket_close (&socket);
    return done;
}
