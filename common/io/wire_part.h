/* What the files wire*.c share; nobody else's business. */
#ifndef RELEVO_COMMON_IO_WIRE_PART_H
#define RELEVO_COMMON_IO_WIRE_PART_H

#include <zmq.h>

#include "common/io/wire.h"

struct wire_socket {
    struct wire *wire;
    struct wire_socket *next;
    enum wire_kind kind;
    void *zmq;
    void *monitor; /* DEALER, SUB: see wire_monitor.c; else NULL */
    bool is_connected;
    struct instant renew_at; /* steady; 0 where libzmq is at it by itself; XPUB: when to listen anew */
    uint64_t dropped;
    size_t topic_bytes; /* XPUB: of all topics that were subscribed to since it last listened anew */
    bool is_flooded;    /* XPUB: and nobody was told */
    struct wire_key flooder;
    zmq_msg_t body; /* what wire_receive gave out last */
    char endpoint[LIMIT_ADDRESS + 1];
};

struct wire {
    void *context;
    void *zap;
    wire_admit admit;
    void *admit_context;
    struct wire_socket *sockets;
    zmq_pollitem_t *items; /* grows; of wire_wait */
    size_t item_room;
};

/* "TEXT: cannot ACT: " and libzmq's errno in words. Always false. */
bool wire_failed (const char *text, const char *act, struct error *error);

/* Opens the place where libzmq asks who may connect. Must stand before the first socket is bound. */
bool wire_zap_open (struct wire *wire, struct error *error);
/* Answers all requests that wait. */
void wire_zap_serve (struct wire *wire);

/* XPUB: takes out what subscribers sent. libzmq has counted their subscriptions already; too many of them end
   all connections. */
void wire_drain (struct wire_socket *socket);

/* DEALER, SUB: what tells the connection's state, before the connection is begun. */
bool wire_monitor_open (struct wire_socket *socket, struct error *error);
/* Takes in what happened to the connection, and renews a dead one that is due. True where it is up. */
bool wire_follow (struct wire_socket *socket);
void wire_monitor_close (struct wire_socket *socket);

#endif
