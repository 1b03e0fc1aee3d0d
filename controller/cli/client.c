#include "controller/cli/client.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"

enum {
    FIRST_PAUSE_MS = 4,
    LAST_PAUSE_MS = 128,
    LOCAL_WAIT_MS = 1500,
    REMOTE_WAIT_MS = 5000,
    ASK_MS = 30000,
    PING_MS = 2000,
    LOST_MS = 6000
};

struct client {
    struct wire *wire;
    struct wire_socket *socket;
    struct wire_pair pair;
    struct wire_key server;
    struct digest pin;    /* of the first trust document */
    const char *endpoint; /* of cli->arena */
    uint64_t number;      /* of the last request or ping */
    struct instant heard; /* steady */
    struct instant pinged;
};

const char *client_endpoint (const struct client *client)
{
    return client->endpoint;
}

static struct span span_ms (int64_t ms)
{
    return (struct span){ms};
}

/* -------------------------------------------------------------------------------------- sending, receiving
 */

static bool send_record (
    struct client *client, const struct record_type *type, const void *record, struct error *error)
{
    struct buffer out = {0};
    enum wire_sent sent = WIRE_FULL;
    if (!message_encode (type, record, &out, error))
        return false;
    sent = wire_send (client->socket, NULL, 0, buffer_bytes (&out));
    buffer_free (&out);
    if (sent == WIRE_SENT)
        return true;
    return error_set (
        error, ERROR_TIMEOUT, "the line to %s is %s", client->endpoint, sent == WIRE_FULL ? "full" : "down");
}

static void ping_when_due (struct client *client)
{
    struct ping ping;
    struct instant now = clock_steady ();
    if (instant_between (client->pinged, now).ms < PING_MS)
        return;
    client->pinged = now;
    ping = (struct ping){.number = ++client->number};
    (void)send_record (client, &ping_type, &ping, NULL);
}

/* One message that is already there. A message that can't be read is the controller's fault, and the end. */
static enum client_heard take_one (
    struct client *client, struct arena *arena, struct message *ret, struct error *error)
{
    struct wire_message message;
    if (!wire_receive (client->socket, &message))
        return CLIENT_NOTHING;
    client->heard = clock_steady ();
    if (!message_decode (MESSAGE, FROM_CONTROLLER, message.body, arena, ret, error)) {
        (void)error_context (error, "the controller at %s", client->endpoint);
        return CLIENT_BROKEN;
    }
    return CLIENT_MESSAGE;
}

/* The next message, pongs included, within `timeout`. Interrupted by signals and by `descriptor`. */
static enum client_heard hear (
    struct client *client, struct span timeout, int descriptor, struct arena *arena, struct message *ret,
    struct error *error)
{
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    bool ready = false;
    enum client_heard heard = take_one (client, arena, ret, error);
    if (heard != CLIENT_NOTHING)
        return heard;
    if (!wire_wait (
            client->wire, &client->socket, 1, &ready, &watched, descriptor >= 0 ? 1 : 0, timeout, error))
        return CLIENT_BROKEN;
    return take_one (client, arena, ret, error);
}

enum client_heard client_next (
    struct client *client, struct span timeout, int descriptor, struct arena *arena, struct message *ret,
    struct error *error)
{
    enum client_heard heard;
    struct span wait = timeout.ms < PING_MS ? timeout : span_ms (PING_MS);
    ping_when_due (client);
    heard = hear (client, wait, descriptor, arena, ret, error);
    if (heard == CLIENT_MESSAGE && ret->type == &pong_type)
        return CLIENT_NOTHING;
    if (heard == CLIENT_NOTHING && instant_between (client->heard, clock_steady ()).ms >= LOST_MS) {
        client->heard = clock_steady ();
        return CLIENT_LOST;
    }
    return heard;
}

/* ------------------------------------------------------------------------------------------------ connecting
 */

/* Waits for any word of the controller: ZeroMQ itself never says whether somebody is there. */
static bool wait_for_pong (struct client *client, struct span most, struct error *error)
{
    struct instant end = instant_add (clock_steady (), most);
    struct arena arena = {0};
    bool heard = false;
    bool broken = false;
    int64_t pause = FIRST_PAUSE_MS; /* until the handshake is done a ping goes nowhere */
    client->pinged = (struct instant){0};
    while (!heard && !broken && instant_before (clock_steady (), end)) {
        struct message message;
        struct ping ping = {.number = ++client->number};
        enum client_heard what;
        (void)send_record (client, &ping_type, &ping, NULL);
        what = hear (client, span_ms (pause), -1, &arena, &message, error);
        heard = what == CLIENT_MESSAGE;
        broken = what == CLIENT_BROKEN;
        pause = pause < LAST_PAUSE_MS ? 2 * pause : LAST_PAUSE_MS;
    }
    arena_free (&arena);
    if (broken)
        return false;
    client->pinged = clock_steady ();
    return heard ||
           error_set (error, ERROR_TIMEOUT, "the controller at %s does not answer", client->endpoint);
}

static bool connect_to (struct client *client, const char *endpoint, struct span most, struct error *error)
{
    client->endpoint = endpoint;
    if (wire_connect (
            client->wire, WIRE_DEALER, endpoint, &client->server, &client->pair, &client->socket, error) &&
        wait_for_pong (client, most, error))
        return true;
    wire_socket_close (&client->socket);
    return false;
}

static bool local_is_usable (const char *local)
{
    struct stat status;
    const char *path = local + strlen ("ipc://");
    return local[0] != '\0' && stat (path, &status) == 0 && S_ISSOCK (status.st_mode) &&
           access (path, R_OK | W_OK) == 0;
}

static bool connect_somewhere (struct cli *cli, struct client *client, struct error *error)
{
    const struct settings *settings = &cli->settings;
    const char *remote = cli->controller != NULL ? cli->controller : settings->controller;
    if (cli->controller == NULL && local_is_usable (settings->local) &&
        connect_to (client, settings->local, span_ms (LOCAL_WAIT_MS), NULL))
        return true;
    if (connect_to (client, remote, span_ms (REMOTE_WAIT_MS), error))
        return true;
    if (error->kind != ERROR_TIMEOUT)
        return false;
    return error_set (
        error, ERROR_TIMEOUT,
        "the controller at %s does not answer: is relevod running, are the address and the server_key right "
        "(%s), "
        "and does the controller's trust document hold the public key of %s?",
        remote, settings->path, settings->wire_key);
}

bool client_open (struct cli *cli, struct client **ret, struct error *error)
{
    struct client *client;
    if (!cli_settings (cli, error))
        return false;
    client = calloc (1, sizeof *client);
    assert (client != NULL);
    client->server = cli->settings.server;
    client->number = random_number () >> 1;
    if (client_pin (cli, &client->pin, error) &&
        wire_pair_read (cli->settings.wire_key, &client->pair, error) &&
        wire_open (NULL, NULL, &client->wire, error) && connect_somewhere (cli, client, error)) {
        *ret = client;
        return true;
    }
    client_close (&client);
    return false;
}

void client_close (struct client **client)
{
    if (*client == NULL)
        return;
    if ((*client)->socket != NULL)
        wire_socket_close (&(*client)->socket);
    if ((*client)->wire != NULL)
        wire_close (&(*client)->wire);
    wire_pair_wipe (&(*client)->pair);
    free (*client);
    *client = NULL;
}

/* -----------------------------------------------------------------------------------------------------
 * asking */

/* Every request and every answer to one has this field first; NULL for other messages. */
static const struct field *request_field (const struct record_type *type)
{
    const struct field *field = &type->fields[0];
    return type->field_count > 0 && strcmp (field->name, "request") == 0 && field->kind == FIELD_U64 ? field
                                                                                                     : NULL;
}

static uint64_t request_of (const struct message *message)
{
    const struct field *field = request_field (message->type);
    return field != NULL ? *(const uint64_t *)(const void *)((const char *)message->record + field->offset)
                         : 0;
}

static bool send_numbered (
    struct client *client, const struct record_type *type, const void *record, uint64_t number,
    struct error *error)
{
    const struct field *field = request_field (type);
    struct arena arena = {0};
    char *copy = arena_copy (&arena, record, type->size);
    bool sent;
    assert (field != NULL);
    (void)memcpy (copy + field->offset, &number, sizeof number);
    sent = send_record (client, type, copy, error);
    arena_free (&arena);
    return sent;
}

uint64_t client_send (
    struct client *client, const struct record_type *type, const void *record, struct error *error)
{
    uint64_t number = ++client->number;
    return send_numbered (client, type, record, number, error) ? number : 0;
}

static enum error_kind kind_named (const char *name)
{
    for (int kind = ERROR_REFUSED; kind <= ERROR_SYSTEM; kind++)
        if (strcmp (error_kind_name ((enum error_kind)kind), name) == 0)
            return (enum error_kind)kind;
    return ERROR_REFUSED;
}

static bool answer_check (const struct message *message, struct error *error)
{
    const struct answer *answer = message->record;
    if (message->type != &answer_type || answer->done)
        return true;
    return error_set (error, kind_named (answer->kind), "%s", answer->text);
}

bool client_ask (
    struct client *client, const struct record_type *type, const void *record, struct arena *arena,
    struct message *ret, struct error *error)
{
    struct instant end = instant_add (clock_steady (), span_ms (ASK_MS));
    uint64_t number = client_send (client, type, record, error);
    struct message message;
    if (number == 0)
        return false;
    while (instant_before (clock_steady (), end)) {
        enum client_heard heard = client_next (client, span_ms (PING_MS), -1, arena, &message, error);
        if (heard == CLIENT_BROKEN)
            return false;
        /* What got lost with a connection is asked again: every request is the same when it comes twice. */
        if (heard == CLIENT_LOST)
            (void)send_numbered (client, type, record, number, NULL);
        if (heard != CLIENT_MESSAGE)
            continue;
        if (request_of (&message) == number || (type == &watch_type && message.type == &progress_type)) {
            if (!answer_check (&message, error))
                return false;
            *ret = message;
            return true;
        }
    }
    return error_set (
        error, ERROR_TIMEOUT, "the controller at %s gave no answer to %s within %d s", client->endpoint,
        type->name, ASK_MS / 1000);
}

bool client_ask_for (
    struct client *client, const struct record_type *type, const void *record,
    const struct record_type *wanted, struct arena *arena, const void **ret, struct error *error)
{
    struct message message;
    if (!client_ask (client, type, record, arena, &message, error))
        return false;
    if (message.type != wanted)
        return error_set (
            error, ERROR_INPUT, "the controller answered %s with %s, not with %s: is one side older?",
            type->name, message.type->name, wanted->name);
    *ret = message.record;
    return true;
}

/* ------------------------------------------------------------------------------------------------- inventory
 */

bool client_pin (struct cli *cli, struct digest *ret, struct error *error)
{
    struct arena arena = {0};
    struct envelope envelope;
    bool read = cli_settings (cli, error) && signed_file_read (cli->settings.trust, &arena, &envelope, error);
    if (read)
        *ret = digest_of (envelope.content.data, envelope.content.size);
    arena_free (&arena);
    return read || error_context (error, "the pinned trust document");
}

/* A part of the chain, whose `known` first documents were verified before. Each may have expired, for it is
   only the way to the next. */
static bool follow (
    const struct client *client, const struct envelope *envelopes, size_t count, size_t known,
    struct arena *arena, struct client_inventory *found, struct error *error)
{
    const struct instant any = {0};
    for (size_t i = 0; i < count; i++) {
        struct trust next;
        bool good = known + i == 0
                        ? accept_first_trust (&envelopes[i], &client->pin, any, arena, &next, error)
                        : accept_next_trust (&found->trust, &envelopes[i], any, arena, &next, error);
        if (!good)
            return error_context (error, "the controller's trust document %zu", known + i + 1);
        found->trust = next;
        found->document = &envelopes[i];
        if (trust_verify (&next, ROLE_OPERATOR, "", &found->raw->fleet, NULL))
            found->fleet_trust = next.version;
    }
    return true;
}

bool client_trust (
    struct client *client, struct arena *arena, struct client_inventory *ret, struct error *error)
{
    struct inventory_wanted wanted = {0};
    struct client_inventory found = {0};
    const void *record = NULL;
    size_t known;
    if (!client_ask_for (client, &inventory_wanted_type, &wanted, &inventory_type, arena, &record, error))
        return false;
    found.raw = record;
    known = found.raw->trusts_count;
    if (known == 0)
        return error_set (error, ERROR_REFUSED, "the controller has no trust document");
    if (!follow (client, found.raw->trusts, known, 0, arena, &found, error))
        return false;
    while (found.trust.version < found.raw->trust_version) {
        struct trusts_wanted more = {.after = known};
        const struct trusts_page *page;
        if (!client_ask_for (client, &trusts_wanted_type, &more, &trusts_page_type, arena, &record, error))
            return false;
        page = record;
        if (page->trusts_count == 0)
            return error_set (
                error, ERROR_REFUSED,
                "the controller says that it has trust version %" PRIu64 ", and gives version %" PRIu64
                " as its newest",
                found.raw->trust_version, found.trust.version);
        if (!follow (client, page->trusts, page->trusts_count, known, arena, &found, error))
            return false;
        known += page->trusts_count;
    }
    *ret = found;
    return true;
}

bool client_inventory (
    struct client *client, struct arena *arena, struct client_inventory *ret, struct error *error)
{
    struct client_inventory found;
    struct instant now = clock_now ();
    char time[TIME_TEXT_SIZE];
    if (!client_trust (client, arena, &found, error))
        return false;
    if (!instant_before (now, found.trust.expires))
        return error_set (
            error, ERROR_EXPIRED,
            "trust version %" PRIu64 " expired at %s and vouches for nothing any more: its root keys have to "
            "sign the next one, which `relevo trust renew` makes",
            found.trust.version, instant_print (found.trust.expires, time));
    if (found.fleet_trust > 0 && found.fleet_trust < found.trust.version)
        return error_set (
            error, ERROR_REFUSED,
            "the fleet document is signed by operators of trust version %" PRIu64
            ", who are operators no more by version %" PRIu64
            ": one of those that are has to sign it anew, with `relevo host renew`",
            found.fleet_trust, found.trust.version);
    if (!accept_fleet (&found.trust, 0, &found.raw->fleet, now, arena, &found.fleet, error))
        return error_context (error, "the controller's fleet document");
    found.fleet_digest = digest_of (found.raw->fleet.content.data, found.raw->fleet.content.size);
    *ret = found;
    return true;
}

bool client_fetch_inventory (struct cli *cli, struct client_inventory *ret, struct error *error)
{
    struct client *client = NULL;
    bool good = client_open (cli, &client, error) && client_inventory (client, &cli->arena, ret, error);
    client_close (&client);
    return good;
}
