/* The courier: the one process of relevod that may run programs. It is forked before there is a key, a
   journal, a socket or a thread, and carries out notifications (notify.h) for the face, the process that
   talks to the network; so the face can give up exec, fork and connect.

     face ── tell {target, key, text, rollout} ──▶ courier       on a socketpair
     face ◀───────────────── told {key, done, text} ── courier

   What is owed stands in the journal, so a courier that dies loses nothing: what it did not answer is told
   again, under the same key, by the next relevod. The face can't fork another one, and does not go on alone:
   it ends with an error, and whoever watches over relevod (systemd) starts both anew. A third process that
   did nothing but fork couriers would have to keep the very right that the face gives up, for a death that
   only a bug or a lack of memory can cause. */
#ifndef RELEVO_CONTROLLER_IO_COURIER_H
#define RELEVO_CONTROLLER_IO_COURIER_H

#include <poll.h>

#include "common/io/log.h"
#include "common/io/privileges.h"
#include "controller/io/config.h"
#include "controller/io/notify.h"

struct courier;

struct courier_options {
    const struct config *config;
    const struct privileges *privileges; /* whom it becomes; NULL: it stays who it is */
    const struct log *log;
};

/* Forks it. Call before the process has any thread, and knows any secret. The state folder, where it is to be
   kept from, is there. `options` must outlive the courier's start only. */
bool courier_start (const struct courier_options *options, struct courier **ret, struct error *error);
/* Closes the channel, by which the courier ends with all that it still runs, and waits a moment for that. */
void courier_stop (struct courier **courier);

/* Copies the notice, whose head is not NULL, and hands it over; courier_next will tell how it ended. One with
   a key that is under way already is taken for the same. False: nothing was handed over. */
bool courier_tell (struct courier *courier, const struct notice *notice, struct error *error);

struct pollfd courier_poll (const struct courier *courier);
/* Reads and writes what goes without waiting. False where the courier has ended; how, is in `error`. */
bool courier_service (struct courier *courier, struct error *error);
/* One that has ended. `ret` is valid until the next call. `ret_there` is false where there is none. False
   where the courier does not keep to the form. */
bool courier_next (struct courier *courier, struct notice_result *ret, bool *ret_there, struct error *error);

#endif
