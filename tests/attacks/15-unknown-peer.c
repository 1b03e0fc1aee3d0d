/* Row 15, unknown peer: a listener that is not the controller which the host was told of, or that says what
 * it may not say. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "tests/attacks/world.h"

enum { GREETING = 64, VERSION_END = 11, ATTACK_MS = 2500, SILENCE_MS = 700, EXIT_REFUSED = 3 };
enum { WAITING = 1000, LISTEN_TRIES = 100, LISTEN_PAUSE_US = 20000 };

/* --------------------------------------------------------------------------- not the true controller */

/* libzmq closes listeners in a thread of its own: the address is not free at once. */
static struct wire_socket *listen_again (
    struct world *world, enum wire_kind kind, const char *endpoint, const struct wire_pair *pair)
{
    struct wire_socket *socket = NULL;
    struct error error;
    for (int tries = 0; socket == NULL && tries < LISTEN_TRIES; tries++)
        if (!wire_listen (world->wire, kind, endpoint, "agents", pair, WAITING, &socket, &error))
            (void)usleep (LISTEN_PAUSE_US);
    if (socket == NULL)
        world_fail (world, "%s", error.text);
    return socket;
}

static void listen_with (struct world *world, const struct wire_pair *pair)
{
    char agents[LIMIT_ADDRESS + 1];
    char publish[LIMIT_ADDRESS + 1];
    (void)snprintf (agents, sizeof agents, "%s", wire_endpoint (world->agents));
    (void)snprintf (publish, sizeof publish, "%s", wire_endpoint (world->publish));
    wire_socket_close (&world->agents);
    wire_socket_close (&world->publish);
    world->agents = listen_again (world, WIRE_ROUTER, agents, pair);
    world->publish = listen_again (world, WIRE_XPUB, publish, pair);
}

/* The address is the true one, and whoever took it has another key: not one message reaches him. */
static void test_listener_with_another_key (void **state)
{
    struct world *world = *state;
    struct wire_pair other;
    wire_pair_make (&other);
    world_join (world);
    listen_with (world, &other);
    agent_spawn (world, "run", NULL);
    world_serve (world, (struct span){ATTACK_MS});
    assert_int_equal (world->messages, 0);
    assert_int_equal (world->admissions, 0); /* not even the handshake got so far */
    listen_with (world, &world->pair);
    world_until (world, &world->pulls, 0, "the agent's first pull");
    wire_pair_wipe (&other);
}

/* A plain socket in the place of the ROUTER; `ret_port` of 127.0.0.1. */
static int listen_plainly (in_port_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true (listener >= 0);
    assert_int_equal (bind (listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal (listen (listener, 8), 0);
    assert_int_equal (getsockname (listener, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs (address.sin_port);
    return listener;
}

/* What the agent sends, until it has sent `most`, closes the connection, or says nothing more for a while. */
static size_t read_some (int connection, uint8_t *ret, size_t most)
{
    struct pollfd ready = {.fd = connection, .events = POLLIN};
    size_t total = 0;
    while (total < most && poll (&ready, 1, SILENCE_MS) > 0) {
        ssize_t size = recv (connection, ret + total, most - total, 0);
        if (size <= 0)
            break;
        total += (size_t)size;
    }
    return total;
}

/* A ZMTP 3.0 greeting of the mechanism NULL. Both sides greet; then nothing is proven, and nothing is said.
 */
static const uint8_t plain_greeting[GREETING] = {[0] = 0xff, [9] = 0x7f, [10] = 3, [12] = 'N', 'U', 'L', 'L'};

static void test_listener_without_encryption (void **state)
{
    struct world *world = *state;
    struct connection connection = {.publish = wire_endpoint (world->publish), .server = world->pair.public};
    struct error error;
    uint8_t heard[4096];
    in_port_t port;
    int listener = listen_plainly (&port);
    world_join (world);
    connection.agents = arena_format (&world->realm.arena, "tcp://127.0.0.1:%u", port);
    connection.trust = digest_of_envelope (&world->realm.trust);
    assert_true (state_connection_write (&world->paths, &connection, &error));
    agent_spawn (world, "run", NULL);
    for (int turn = 0; turn < 2; turn++) {
        int peer = accept (listener, NULL, NULL);
        assert_true (peer >= 0);
        assert_int_equal (send (peer, plain_greeting, VERSION_END, MSG_NOSIGNAL), VERSION_END);
        assert_int_equal (read_some (peer, heard, GREETING), GREETING);
        assert_non_null (memmem (heard, GREETING, "CURVE", strlen ("CURVE")));
        assert_int_equal (
            send (peer, plain_greeting + VERSION_END, GREETING - VERSION_END, MSG_NOSIGNAL),
            GREETING - VERSION_END);
        assert_int_equal (read_some (peer, heard, sizeof heard), 0);
        (void)close (peer);
    }
    (void)close (listener);
    agent_stop (world);
    assert_int_equal (world->messages, 0);
    connection.agents = wire_endpoint (world->agents);
    assert_true (state_connection_write (&world->paths, &connection, &error));
    agent_start (world);
}

/* --------------------------------------------------------------------- who may send what to an agent */

/* Every message that is not the controller's to send, with fields that would be good ones. */
static void test_messages_that_no_controller_may_send (void **state)
{
    struct world *world = *state;
    struct release next = realm_release (&world->realm, "2.0", 20);
    size_t sent = 0;
    for (size_t i = 0; i < record_type_count; i++) {
        const struct record_type *type = record_types[i];
        struct arena arena = {0};
        if (type->class != MESSAGE || (type->senders & FROM_CONTROLLER) != 0)
            continue;
        world_send (world, type, arena_take (&arena, type->size));
        world_logs (
            world,
            arena_format (&arena, "a message is dropped: %s must not come from the controller", type->name));
        arena_free (&arena);
        sent++;
    }
    assert_true (sent > 10);
    world_unchanged (world);
    world_obeys (world, &next);
}

/* ------------------------------------------------------------------------------- while a host enrols */

static bool is_enrolled (const struct world *world)
{
    return file_exists (world->paths.connection);
}

static void refuse_enrolment (struct world *world, const struct enrolment *answer, const char *words)
{
    world_enrol (world, answer);
    assert_int_equal (agent_wait (world), EXIT_REFUSED);
    world_logs (world, words);
    assert_false (is_enrolled (world));
}

static void test_enrolment_with_forged_documents (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 1);
    struct fleet fleet;
    struct envelope other;
    struct enrolment answer = {.state = ENROLMENT_ACCEPTED, .trusts_count = 1};
    struct envelope pinned = realm->trust;
    world_learn_keys (world);
    fleet = draft_fleet (realm, 1);
    answer.fleet = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    trust.issued = realm_in (realm, -5);
    other = SIGNED (realm, &trust_type, &trust, ROOT_1);
    answer.trusts = &other;
    refuse_enrolment (
        world, &answer,
        "the first trust document is another one than the one that this side was told to trust");
    answer.trusts = &pinned;
    answer.fleet = SIGNED (realm, &fleet_type, &fleet, CONTROLLER);
    refuse_enrolment (world, &answer, "0 of 1 signatures that the role operator needs are valid");
    fleet.hosts[P2 - S1].key = realm->keys[STRANGER].public;
    answer.fleet = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    refuse_enrolment (world, &answer, "the fleet document gives host \"p2\" other keys than this host's");
    fleet.hosts_count--;
    answer.fleet = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    refuse_enrolment (world, &answer, "the fleet document has no host \"p2\"");
    fleet = draft_fleet (realm, 1);
    answer.fleet = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    world_enrol (world, &answer);
    assert_int_equal (agent_wait (world), 0);
    assert_true (is_enrolled (world));
    agent_start (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK_STRANGER (test_listener_with_another_key),
        ATTACK_STRANGER (test_listener_without_encryption),
        ATTACK (test_messages_that_no_controller_may_send),
        ATTACK_STRANGER (test_enrolment_with_forged_documents),
    };
    return WORLD_RUN (tests);
}
