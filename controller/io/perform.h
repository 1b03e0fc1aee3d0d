/* Performs the core's effects, one after the other. Entries that stand together are one transaction, and they
   are durable before anything behind them is sent. What the performing itself finds out comes back as events
   ("echoes"), to be stepped afterwards. */
#ifndef RELEVO_CONTROLLER_IO_PERFORM_H
#define RELEVO_CONTROLLER_IO_PERFORM_H

#include "common/io/log.h"
#include "common/io/wire.h"
#include "controller/core/controller.h"
#include "controller/io/courier.h"
#include "controller/io/store.h"

/* A route that can't be reached (CONTROLLER_GONE), or a notification that was not even handed
   over (CONTROLLER_NOTICE). */
struct echo {
    enum controller_event_kind kind;
    struct route route;
    const char *key;
    const char *text;
};

struct performer {
    struct store *store;
    struct courier *courier;
    const struct log *log;
    struct wire_socket *doors[DOOR_COUNT];
    struct wire_socket *publish;
    struct arena arena; /* of the echoes */
    struct echo *echoes;
    size_t echo_count;
    size_t echo_capacity;
    struct buffer bytes; /* of the message that is being sent */
};

/* False where the journal could not be written: then nothing behind that entry was sent, and the program must
   stop. */
bool perform (
    struct performer *performer, const struct controller_effects *effects, struct instant now,
    struct error *error);

/* One message outside of the core's effects (bulk data). Never waits. */
void perform_send (
    struct performer *performer, const struct route *route, const struct record_type *type,
    const void *record);

/* Takes the oldest echo; false where there is none. Its texts are valid until the next perform. */
bool perform_echo (struct performer *performer, struct echo *ret);

void performer_free (struct performer *performer);

#endif
