/* ZAP (RFC 27): before a connection is let in, libzmq asks at a fixed place who it is. CURVE has proven by
   then that the peer holds the secret half of the key that it names.

   Only 200 and 400 are answered: any other status leaves the peer hung (libzmq#2329). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/io/wire_part.h"

enum {
    FRAMES = 7, /* version, request id, domain, address, routing id, mechanism, key */
    FRAME_MAX = 255,
    DOMAIN_MAX = 64,
    ID_MAX = 64,
    DESCRIPTOR_RESERVE = 64,
};

struct request {
    uint8_t id[ID_MAX];
    size_t id_size;
    char domain[DOMAIN_MAX + 1];
    struct wire_key key;
    bool is_valid;
};

bool wire_zap_open (struct wire *wire, struct error *error)
{
    int linger = 0;
    wire->zap = zmq_socket (wire->context, ZMQ_REP);
    if (wire->zap == NULL || zmq_setsockopt (wire->zap, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_bind (wire->zap, "inproc://zeromq.zap.01") != 0)
        return wire_failed ("ZeroMQ", "open the place for authentication", error);
    return true;
}

/* Takes one frame into the request. False where it is not what it should be. */
static bool take_frame (struct request *request, size_t number, const void *data, size_t size)
{
    switch (number) {
    case 0:
        return size == 3 && memcmp (data, "1.0", size) == 0;
    case 1:
        if (size > ID_MAX)
            return false;
        (void)memcpy (request->id, data, size);
        request->id_size = size;
        return true;
    case 2:
        if (size > DOMAIN_MAX || memchr (data, 0, size) != NULL)
            return false;
        (void)memcpy (request->domain, data, size);
        return true;
    case 5:
        return size == 5 && memcmp (data, "CURVE", size) == 0;
    case 6:
        if (size != sizeof request->key.bytes)
            return false;
        (void)memcpy (request->key.bytes, data, size);
        return true;
    default: /* the peer's address and the name that it gave itself prove nothing */
        return number < FRAMES;
    }
}

/* False where no request waits. */
static bool receive_request (struct wire *wire, struct request *ret)
{
    size_t number = 0;
    int more = 1;
    *ret = (struct request){.is_valid = true};
    while (more) {
        uint8_t frame[FRAME_MAX];
        size_t size = sizeof more;
        int got = zmq_recv (wire->zap, frame, sizeof frame, ZMQ_DONTWAIT);
        if (got < 0 && zmq_errno () == EINTR)
            continue;
        if (got < 0)
            return false;
        if ((size_t)got > sizeof frame || !take_frame (ret, number, frame, (size_t)got))
            ret->is_valid = false;
        number++;
        if (zmq_getsockopt (wire->zap, ZMQ_RCVMORE, &more, &size) != 0)
            return false;
    }
    ret->is_valid = ret->is_valid && number == FRAMES;
    return true;
}

/* The lowest free descriptor tells how many are taken. At the limit accept would turn in circles, and the
   program could not even open its journal: peers are turned away before. */
static bool has_room (void)
{
    struct rlimit limit;
    int lowest = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (lowest < 0)
        return errno == EBADF; /* without a stderr: no way to know */
    (void)close (lowest);
    return getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           (rlim_t)lowest + DESCRIPTOR_RESERVE < limit.rlim_cur;
}

static void send_frame (struct wire *wire, const void *data, size_t size, int more)
{
    while (zmq_send (wire->zap, data, size, ZMQ_DONTWAIT | more) < 0 && zmq_errno () == EINTR)
        continue;
}

/* The user id is what messages carry as "User-Id": the key in Z85. */
static void answer (struct wire *wire, const struct request *request, bool admitted)
{
    char user[WIRE_TEXT_SIZE] = "";
    const char *reason = admitted ? "OK" : "no admission";
    if (admitted)
        (void)wire_key_print (&request->key, user);
    send_frame (wire, "1.0", 3, ZMQ_SNDMORE);
    send_frame (wire, request->id, request->id_size, ZMQ_SNDMORE);
    send_frame (wire, admitted ? "200" : "400", 3, ZMQ_SNDMORE);
    send_frame (wire, reason, strlen (reason), ZMQ_SNDMORE);
    send_frame (wire, user, strlen (user), ZMQ_SNDMORE);
    send_frame (wire, NULL, 0, 0);
}

void wire_zap_serve (struct wire *wire)
{
    struct request request;
    while (wire->zap != NULL && receive_request (wire, &request)) {
        bool admitted = request.is_valid && has_room () &&
                        wire->admit (wire->admit_context, request.domain, &request.key);
        answer (wire, &request, admitted);
    }
}
