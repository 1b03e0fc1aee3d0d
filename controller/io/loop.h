/* The real loop around controller_step: sockets, clock, signals, courier. One thread; nothing in it waits
   for anybody but wire_wait. */
#ifndef RELEVO_CONTROLLER_IO_LOOP_H
#define RELEVO_CONTROLLER_IO_LOOP_H

#include "common/io/log.h"
#include "common/io/supervisor.h"
#include "controller/core/controller.h"
#include "controller/io/config.h"
#include "controller/io/courier.h"
#include "controller/io/depot.h"
#include "controller/io/store.h"

/* Everything must outlive the loop. */
struct loop_parts {
    const struct config *config;
    const struct log *log;
    struct controller *controller; /* the journal is applied already */
    struct store *store;
    struct depot *depot;
    struct courier *courier;
    struct supervisor *supervisor;
    const struct wire_pair *pair; /* only loop_open needs it: wipe it afterwards (libzmq keeps a copy) */
};

struct loop;

/* Blocks the signals that end the program, and binds the four endpoints, whose folder is there. Before the
   process has any thread. */
bool loop_open (const struct loop_parts *parts, struct loop **ret, struct error *error);

/* Starts a new epoch, writes STATE/endpoints, says "ready", and goes on until SIGTERM or SIGINT (true) or
   until the journal can't be written or the courier has ended (false). */
bool loop_run (struct loop *loop, struct error *error);

void loop_close (struct loop **loop);

#endif
