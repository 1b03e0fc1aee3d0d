/* The line to the controller: the local door where its socket can be used, else the remote one. One request
   at a time; every answer is found again by its `request` number. Reconnects by itself: libzmq does so, and
   what was asked is asked again where no answer comes. */
#ifndef RELEVO_CONTROLLER_CLI_CLIENT_H
#define RELEVO_CONTROLLER_CLI_CLIENT_H

#include "common/core/accept.h"
#include "controller/cli/cli.h"
#include "proto/message.h"

struct client;

/* Loads the settings where that has not happened, connects, and waits for a pong. The error says what to look
 * at. */
bool client_open (struct cli *cli, struct client **ret, struct error *error);
void client_close (struct client **client);
/* The endpoint that is in use, for messages. */
const char *client_endpoint (const struct client *client);

/* Sends a copy of `record` (a struct of `type` whose table has `request`) with a fresh number, and waits for
   the message with that number, or for a `progress` where `type` is watch. An `answer` that says no becomes
   an error of its kind and text. `ret` belongs to `arena`. Waits at most 30 s. */
bool client_ask (
    struct client *client, const struct record_type *type, const void *record, struct arena *arena,
    struct message *ret, struct error *error);

/* The same, where only a message of type `wanted` is of use: `*ret` is its record. */
bool client_ask_for (
    struct client *client, const struct record_type *type, const void *record,
    const struct record_type *wanted, struct arena *arena, const void **ret, struct error *error);

enum client_heard { CLIENT_MESSAGE, CLIENT_NOTHING, CLIENT_LOST, CLIENT_BROKEN };

/* For watchers: the next message that is no pong, or NOTHING after `timeout`, or at once when a signal or a
   readable `descriptor` (-1: none) interrupts. Pings every 2 s; LOST where nothing was heard for 6 s (and
   again every 6 s). BROKEN: `error` is set. */
enum client_heard client_next (
    struct client *client, struct span timeout, int descriptor, struct arena *arena, struct message *ret,
    struct error *error);
/* Sends without waiting for the answer, which client_next will bring. Returns the request number, 0 on
 * failure. */
uint64_t client_send (
    struct client *client, const struct record_type *type, const void *record, struct error *error);

/* What the controller has, verified here: trust from the pinned first document along the chain, fleet by its
   signatures. The rest of `raw` is the controller's own word. All memory is of the arena that was given. */
struct client_inventory {
    struct trust trust;
    const struct envelope *document; /* the trust document, as it was signed */
    struct fleet fleet;
    uint64_t fleet_trust; /* the newest trust version whose operators signed the fleet document; 0: none */
    struct digest fleet_digest; /* of the fleet document's content */
    const struct inventory *raw;
};

bool client_inventory (
    struct client *client, struct arena *arena, struct client_inventory *ret, struct error *error);
/* The same, with a connection for this one question; the memory is of cli->arena. */
bool client_fetch_inventory (struct cli *cli, struct client_inventory *ret, struct error *error);
/* The trust document alone (`fleet` stays empty), also where the newest has expired and vouches for nothing:
   for showing it, and for making its successor. */
bool client_trust (
    struct client *client, struct arena *arena, struct client_inventory *ret, struct error *error);
/* The digest of the pinned first trust document of the settings. */
bool client_pin (struct cli *cli, struct digest *ret, struct error *error);

/* Told after every acknowledgement. */
typedef void (*client_uploaded) (void *context, uint64_t have, uint64_t length);

/* Puts a file into the depot under `name`, from where an earlier try ended, with at most LIMIT_CREDIT bytes
   on their way. Done when the controller has stored it and checked its digest. `told` may be NULL. */
bool client_upload (
    struct client *client, const char *path, const char *name, client_uploaded told, void *context,
    struct artifact *ret, struct arena *arena, struct error *error);

#endif
