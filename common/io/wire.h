/* ZeroMQ with CURVE everywhere, and with the traps of libzmq 4.3.4 dealt with: every limit set, jittered
   reconnects, ZAP in the same thread, identities taken from what ZAP proved and never from the peer's words.
   No zmq heartbeats (libzmq#3937): programs ping each other. Single-threaded: a wire and its sockets belong
   to one thread.

   Over libzmq directly, without czmq's zsock: that would bring one context for the whole process, whose
   limits cannot be set where it is opened, an atexit hook and signal handlers. */
#ifndef RELEVO_COMMON_IO_WIRE_H
#define RELEVO_COMMON_IO_WIRE_H

#include <poll.h>

#include "common/core/error.h"
#include "common/core/text.h"
#include "common/core/time.h"
#include "proto/messages.h"

enum { WIRE_SECRET_SIZE = 32, WIRE_TEXT_SIZE = 41, WIRE_ROUTE_SIZE = 31 };

struct wire_pair {
    struct wire_key public;
    uint8_t secret[WIRE_SECRET_SIZE];
};

/* A new CURVE key pair. */
void wire_pair_make (struct wire_pair *ret);
void wire_pair_wipe (struct wire_pair *pair);
/* Z85, 40 characters. */
const char *wire_key_print (const struct wire_key *key, char text[WIRE_TEXT_SIZE]);
bool wire_key_parse (const char *text, struct wire_key *ret, struct error *error);
/* The file of a pair: "public Z85\nsecret Z85\n", mode 0600, and the way back. An existing file is never
   overwritten (ERROR_CONFLICT); one that others may read, or whose halves do not belong together, is refused.
 */
bool wire_pair_write (const char *path, const struct wire_pair *pair, struct error *error);
bool wire_pair_read (const char *path, struct wire_pair *ret, struct error *error);

struct wire;
struct wire_socket;

/* Asked by ZAP for every new connection; `domain` is the listening socket's. */
typedef bool (*wire_admit) (void *context, const char *domain, const struct wire_key *key);

/* Call before the process has any thread, and never fork afterwards (but to exec at once, as spawn does).
 * `admit` may be NULL where nothing listens. */
bool wire_open (wire_admit admit, void *context, struct wire **ret, struct error *error);
/* Closes the sockets that are still open, too. Waits up to a second for what is on its way out. */
void wire_close (struct wire **wire);

enum wire_kind { WIRE_ROUTER, WIRE_XPUB, WIRE_DEALER, WIRE_SUB };

/* ROUTER or XPUB. `domain` is for ZAP; `most_waiting` bounds the messages queued for one peer. An ipc://
   endpoint's file gets mode 0600. */
bool wire_listen (
    struct wire *wire, enum wire_kind kind, const char *endpoint, const char *domain,
    const struct wire_pair *pair, int most_waiting, struct wire_socket **ret, struct error *error);
/* The endpoint that was bound, with the port that was chosen for ":*". Static to the socket. */
const char *wire_endpoint (const struct wire_socket *socket);
/* DEALER or SUB (subscribed to nothing). The connection is begun again for ever, also after a refusal, as
   long as the program calls wire_wait or wire_send. */
bool wire_connect (
    struct wire *wire, enum wire_kind kind, const char *endpoint, const struct wire_key *server,
    const struct wire_pair *pair, struct wire_socket **ret, struct error *error);
/* Exactly this topic; "" stands for every topic. */
bool wire_subscribe (struct wire_socket *socket, const char *topic, struct error *error);
void wire_socket_close (struct wire_socket **socket);

struct wire_message {
    uint8_t route[WIRE_ROUTE_SIZE]; /* ROUTER: whom to answer */
    uint8_t route_size;
    struct wire_key peer; /* ROUTER: what ZAP proved */
    struct bytes body;    /* valid until the next wire_receive on this socket */
};

/* One message, without waiting. False where there is none; a message that is not one body frame (with a topic
   before it on SUB, a route on ROUTER), larger than LIMIT_MESSAGE, or from a peer that chose its own route,
   is dropped and counted. One that claims to be much larger ends its connection. XPUB: there is never one. */
bool wire_receive (struct wire_socket *socket, struct wire_message *ret);
uint64_t wire_dropped (const struct wire_socket *socket);

enum wire_sent { WIRE_SENT, WIRE_FULL, WIRE_GONE };

/* Never waits. `route` for ROUTER only. FULL: the peer's queue is full. GONE: nobody there; of a DEALER: not
   connected, or not yet. The body has at most LIMIT_MESSAGE bytes. */
enum wire_sent wire_send (
    struct wire_socket *socket, const uint8_t *route, uint8_t route_size, struct bytes body);
/* XPUB. Peers that are slow lose messages, and notice it by the sequence. Topics match as a whole: who
   subscribed to "a" does not get "ab". */
void wire_publish (struct wire_socket *socket, const char *topic, struct bytes body);
/* XPUB. Every topic that somebody subscribes to costs memory here, and no subscriber can be ended alone: when
   there are too many, all connections are ended, and the socket listens anew. True once for each time that
   this happened; `ret` is whose topic was the last. */
bool wire_flooded (struct wire_socket *socket, struct wire_key *ret);

/* Waits until one of the sockets or descriptors has something, or `timeout` passed (negative: no limit). ZAP
   requests are answered inside. `descriptors` as for poll(2), their revents are filled. `ret_ready[i]` for
   sockets[i]. A signal ends the waiting early, with nothing ready: that is no error. */
bool wire_wait (
    struct wire *wire, struct wire_socket *const *sockets, size_t socket_count, bool *ret_ready,
    struct pollfd *descriptors, size_t descriptor_count, struct span timeout, struct error *error);

#endif
