#include "agent/io/enrol.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/io/journal.h"
#include "agent/io/state.h"
#include "common/core/accept.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "proto/codec.h"

enum { TOKEN_MAX = 4096, ASK_EVERY_MS = 1500 };

#define TOKEN_START "relevo1."

struct enrolling {
    const struct agent_config *config;
    const struct token *token;
    struct arena arena;
    struct state_paths paths;
    struct secret_key key;
    struct wire_pair pair;
    struct wire *wire;
    struct wire_socket *socket;
    struct instant until; /* on clock_steady */
    bool told_waiting;
};

/* --------------------------------------------------------------------------------------------------- token
 */

bool token_parse (const char *text, struct arena *arena, struct token *ret, struct error *error)
{
    static const char blanks[] = " \t\r\n";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t decoded[TOKEN_MAX];
    size_t length;
    size_t size;
    text += strspn (text, blanks);
    if (strncmp (text, TOKEN_START, strlen (TOKEN_START)) != 0)
        return error_set (
            error, ERROR_INPUT,
            "a token begins with \"" TOKEN_START "\"; copy the whole line that "
            "\"relevo host token\" printed");
    text += strlen (TOKEN_START);
    /* libsodium 1.0.18 takes some bytes with the high bit set for digits. */
    length = strspn (text, digits);
    if (text[length + strspn (text + length, blanks)] != '\0' ||
        sodium_base642bin (
            decoded, sizeof decoded, text, length, NULL, &size, NULL,
            sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return error_set (error, ERROR_INPUT, "the token is damaged: copy the whole line");
    if (!codec_decode (&token_type, (struct bytes){decoded, size}, arena, ret, error))
        return error_context (error, "the token is damaged, or of another version");
    return true;
}

/* ---------------------------------------------------------------------------------------------- acceptance
 */

/* The fleet must name exactly the keys that lie here: else receipts of this host would prove nothing. */
static bool check_own_entry (
    const struct enrolling *enrolling, const struct fleet *fleet, struct error *error)
{
    const struct fleet_host *host = fleet_host_named (fleet, enrolling->config->name);
    if (host == NULL)
        return error_set (
            error, ERROR_REFUSED, "the fleet document has no host \"%s\"", enrolling->config->name);
    if (!public_key_equal (&host->key, &enrolling->key.public) ||
        memcmp (host->wire.bytes, enrolling->pair.public.bytes, WIRE_KEY_SIZE) != 0)
        return error_set (
            error, ERROR_REFUSED, "the fleet document gives host \"%s\" other keys than this host's",
            enrolling->config->name);
    return true;
}

static bool visit_nothing (
    void *context, const struct record_type *type, const void *record, struct error *error)
{
    (void)context, (void)type, (void)record, (void)error;
    return true;
}

static bool write_notes (struct journal *journal, const struct enrolment *answer, struct error *error)
{
    struct note_fleet fleet = {answer->fleet};
    size_t i;
    for (i = 0; i < answer->trusts_count; i++) {
        struct note_trust trust = {answer->trusts[i]};
        if (!journal_append (journal, &note_trust_type, &trust, error))
            return false;
    }
    return journal_append (journal, &note_fleet_type, &fleet, error);
}

/* A journal without `connection` is what an earlier try left: nothing ran with it, so it starts over. */
static bool commit (struct enrolling *enrolling, const struct enrolment *answer, struct error *error)
{
    struct journal *journal;
    uint64_t cut;
    bool good;
    if (unlink (enrolling->paths.journal) != 0 && errno != ENOENT)
        return error_set (error, ERROR_SYSTEM, "%s: %s", enrolling->paths.journal, strerror (errno));
    if (!journal_open (enrolling->paths.journal, visit_nothing, NULL, &journal, &cut, error))
        return false;
    good = write_notes (journal, answer, error);
    journal_close (&journal);
    return good && state_connection_write (&enrolling->paths, &enrolling->token->connection, error);
}

/* The chain begins with the document that the token names; what is older is of no use here. */
static void skip_older (struct enrolment *answer, const struct digest *pin)
{
    for (size_t i = 0; i < answer->trusts_count; i++) {
        struct digest digest = digest_of (answer->trusts[i].content.data, answer->trusts[i].content.size);
        if (!digest_equal (&digest, pin))
            continue;
        answer->trusts += i;
        answer->trusts_count -= i;
        return;
    }
}

static bool accepted (struct enrolling *enrolling, const struct enrolment *told, struct error *error)
{
    const struct digest *pin = &enrolling->token->connection.trust;
    struct enrolment answer = *told;
    struct instant now = clock_now ();
    struct trust trust;
    struct fleet fleet;
    skip_older (&answer, pin);
    return accept_trusts (answer.trusts, answer.trusts_count, pin, now, &enrolling->arena, &trust, error) &&
           accept_fleet (&trust, 0, &answer.fleet, now, &enrolling->arena, &fleet, error) &&
           check_own_entry (enrolling, &fleet, error) && commit (enrolling, &answer, error);
}

/* ------------------------------------------------------------------------------------------------ the talk
 */

static bool ask (struct enrolling *enrolling, struct error *error)
{
    struct enrol message = {
        .secret = enrolling->token->secret, .name = enrolling->config->name, .key = enrolling->key.public};
    struct buffer body = {0};
    bool good = message_encode (&enrol_type, &message, &body, error);
    if (good)
        (void)wire_send (enrolling->socket, NULL, 0, buffer_bytes (&body));
    buffer_free (&body);
    return good;
}

static void tell_waiting (struct enrolling *enrolling)
{
    if (enrolling->told_waiting)
        return;
    enrolling->told_waiting = true;
    (void)printf ("waiting: relevo host accept %s\n", enrolling->config->name);
    (void)fflush (stdout);
}

static bool take_answer (
    struct enrolling *enrolling, const struct enrolment *answer, bool *ret_done, struct error *error)
{
    if (answer->state == ENROLMENT_REJECTED)
        return error_set (error, ERROR_REFUSED, "rejected: %s", answer->cause);
    if (answer->state == ENROLMENT_WAITING)
        tell_waiting (enrolling);
    else if (accepted (enrolling, answer, error))
        *ret_done = true;
    else
        return false;
    return true;
}

/* What else the controller may say to strangers is not of interest here. */
static bool take_all (struct enrolling *enrolling, bool *ret_done, struct error *error)
{
    struct wire_message received;
    bool good = true;
    while (good && !*ret_done && wire_receive (enrolling->socket, &received)) {
        struct arena arena = {0};
        struct message message;
        if (message_decode (MESSAGE, FROM_CONTROLLER, received.body, &arena, &message, error) &&
            message.type == &enrolment_type)
            good = take_answer (enrolling, message.record, ret_done, error);
        arena_free (&arena);
    }
    return good;
}

static bool late (const struct enrolling *enrolling, struct error *error)
{
    if (enrolling->told_waiting)
        return error_set (
            error, ERROR_TIMEOUT, "nobody has accepted yet: run the same command again to go on waiting");
    return error_set (
        error, ERROR_TIMEOUT, "no answer from %s: is the address right, and was the token used already?",
        enrolling->token->connection.agents);
}

static bool talk (struct enrolling *enrolling, struct error *error)
{
    bool done = false;
    while (!done) {
        struct span pause = {ASK_EVERY_MS};
        bool ready;
        if (!instant_before (clock_steady (), enrolling->until))
            return late (enrolling, error);
        if (!ask (enrolling, error) ||
            !wire_wait (enrolling->wire, &enrolling->socket, 1, &ready, NULL, 0, pause, error) ||
            !take_all (enrolling, &done, error))
            return false;
        if (ready && !done)
            (void)wire_wait (enrolling->wire, NULL, 0, NULL, NULL, 0, pause, error);
    }
    return true;
}

static bool connect_and_talk (struct enrolling *enrolling, struct error *error)
{
    const struct connection *to = &enrolling->token->connection;
    bool good = wire_open (NULL, NULL, &enrolling->wire, error);
    if (!good)
        return false;
    good = wire_connect (
               enrolling->wire, WIRE_DEALER, to->agents, &to->server, &enrolling->pair, &enrolling->socket,
               error) &&
           talk (enrolling, error);
    wire_socket_close (&enrolling->socket);
    wire_close (&enrolling->wire);
    return good;
}

/* ------------------------------------------------------------------------------------------------ the door
 */

/* Enrolling twice with the same fleet is done already; with another, it is a mistake. */
static bool is_enrolled (struct enrolling *enrolling, bool *ret, struct error *error)
{
    struct connection connection;
    *ret = file_exists (enrolling->paths.connection);
    if (!*ret)
        return true;
    if (!state_connection_read (&enrolling->paths, &enrolling->arena, &connection, error))
        return false;
    /* Not by the trust document: a token names the one that was the newest when it was made. */
    if (memcmp (&connection.server, &enrolling->token->connection.server, sizeof connection.server) != 0)
        return error_set (
            error, ERROR_CONFLICT,
            "this host is enrolled with another controller, at %s; to enrol it anew, move %s away first",
            connection.agents, enrolling->paths.folder);
    (void)printf ("%s is enrolled already\n", enrolling->config->name);
    return true;
}

static bool enrol_anew (struct enrolling *enrolling, struct error *error)
{
    char fingerprint[FINGERPRINT_TEXT_SIZE];
    if (instant_before (enrolling->token->expires, clock_now ()))
        return error_set (
            error, ERROR_EXPIRED, "the token has expired: make a new one with \"relevo host token\"");
    if (!state_prepare (&enrolling->paths, enrolling->config, error) ||
        !state_key (&enrolling->paths, true, &enrolling->key, error) ||
        !state_wire (&enrolling->paths, true, &enrolling->pair, error))
        return false;
    (void)printf (
        "host:        %s\nfingerprint: %s\n", enrolling->config->name,
        key_fingerprint (&enrolling->key.public, &enrolling->pair.public, fingerprint));
    (void)fflush (stdout);
    if (!connect_and_talk (enrolling, error))
        return false;
    (void)printf ("enrolled; start the agent now: relevo-agent run --config %s\n", enrolling->config->file);
    return true;
}

bool enrol (
    const struct agent_config *config, const struct token *token, struct span timeout, struct error *error)
{
    struct enrolling enrolling = {
        .config = config, .token = token, .until = instant_add (clock_steady (), timeout)};
    bool done = false;
    bool good;
    int lock;
    enrolling.paths = state_paths (config, &enrolling.arena);
    if (!state_lock (&enrolling.paths, &lock, error)) {
        arena_free (&enrolling.arena);
        return false;
    }
    good = is_enrolled (&enrolling, &done, error) && (done || enrol_anew (&enrolling, error));
    secret_key_wipe (&enrolling.key);
    wire_pair_wipe (&enrolling.pair);
    (void)close (lock);
    arena_free (&enrolling.arena);
    return good;
}
