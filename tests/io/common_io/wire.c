/* Sockets over loopback: who gets in, as whom, and what becomes of what is too large, too much or
 * misaddressed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/wire.h"

enum { PATIENCE_MS = 20000, TURN_MS = 10, REFUSED_MS = 600, FOLDER_SIZE = 64 };

/* A server that admits one key, and a client in the same thread. */
struct scene {
    struct wire *server_wire;
    struct wire *client_wire;
    struct wire_socket *server;
    struct wire_socket *client;
    struct wire_pair server_pair;
    struct wire_pair client_pair;
    struct wire_key admitted;
    char domain[32];
    int asked;
};

static bool admit (void *context, const char *domain, const struct wire_key *key)
{
    struct scene *scene = context;
    scene->asked++;
    (void)snprintf (scene->domain, sizeof scene->domain, "%s", domain);
    return memcmp (key, &scene->admitted, sizeof *key) == 0;
}

static void check (bool done, const struct error *error)
{
    if (!done)
        fail_msg ("%s", error->text);
}

static void listen_at (struct scene *scene, enum wire_kind kind, const char *endpoint, int most_waiting)
{
    struct error error;
    wire_pair_make (&scene->server_pair);
    wire_pair_make (&scene->client_pair);
    scene->admitted = scene->client_pair.public;
    check (wire_open (admit, scene, &scene->server_wire, &error), &error);
    check (wire_open (NULL, NULL, &scene->client_wire, &error), &error);
    check (
        wire_listen (
            scene->server_wire, kind, endpoint, "doors", &scene->server_pair, most_waiting, &scene->server,
            &error),
        &error);
}

static void connect_as (struct scene *scene, enum wire_kind kind, const struct wire_pair *pair)
{
    struct error error;
    check (
        wire_connect (
            scene->client_wire, kind, wire_endpoint (scene->server), &scene->server_pair.public, pair,
            &scene->client, &error),
        &error);
}

static void begin (struct scene *scene)
{
    *scene = (struct scene){0};
    listen_at (scene, WIRE_ROUTER, "tcp://127.0.0.1:*", 100);
    connect_as (scene, WIRE_DEALER, &scene->client_pair);
}

static void end (struct scene *scene)
{
    wire_socket_close (&scene->client);
    wire_socket_close (&scene->server);
    assert_null (scene->client);
    wire_close (&scene->client_wire);
    wire_close (&scene->server_wire);
    assert_null (scene->server_wire);
}

static bool turn (struct scene *scene)
{
    struct error error;
    bool ready = false;
    check (
        wire_wait (scene->server_wire, &scene->server, 1, &ready, NULL, 0, (struct span){TURN_MS}, &error),
        &error);
    return ready;
}

static bool hear (struct scene *scene, int most_ms, struct wire_message *ret)
{
    struct instant until = instant_add (clock_steady (), (struct span){most_ms});
    while (instant_before (clock_steady (), until)) {
        if (turn (scene) && wire_receive (scene->server, ret))
            return true;
    }
    return false;
}

static enum wire_sent say (struct scene *scene, struct bytes body)
{
    struct instant until = instant_add (clock_steady (), (struct span){PATIENCE_MS});
    enum wire_sent sent = WIRE_GONE;
    while (sent != WIRE_SENT && instant_before (clock_steady (), until)) {
        sent = wire_send (scene->client, NULL, 0, body);
        (void)turn (scene);
    }
    return sent;
}

static bool client_hears (struct scene *scene, int most_ms, struct wire_message *ret)
{
    struct error error;
    struct instant until = instant_add (clock_steady (), (struct span){most_ms});
    while (instant_before (clock_steady (), until)) {
        bool ready = false;
        (void)turn (scene);
        check (
            wire_wait (
                scene->client_wire, &scene->client, 1, &ready, NULL, 0, (struct span){TURN_MS}, &error),
            &error);
        if (ready && wire_receive (scene->client, ret))
            return true;
    }
    return false;
}

static void assert_body (const struct wire_message *message, const char *text)
{
    assert_true (bytes_equal (message->body, bytes_of_text (text)));
}

static void test_round_trip (void **state)
{
    struct scene scene;
    struct wire_message message;
    (void)state;
    begin (&scene);
    assert_int_equal (say (&scene, bytes_of_text ("hello")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    assert_body (&message, "hello");
    assert_memory_equal (&message.peer, &scene.client_pair.public, sizeof message.peer);
    assert_string_equal (scene.domain, "doors");
    assert_int_equal (
        wire_send (scene.server, message.route, message.route_size, bytes_of_text ("welcome")), WIRE_SENT);
    assert_true (client_hears (&scene, PATIENCE_MS, &message));
    assert_body (&message, "welcome");
    assert_false (wire_receive (scene.client, &message));
    end (&scene);
}

/* The peer is who it proved to be, on every one of its messages, whoever else is connected. */
static void test_two_peers (void **state)
{
    struct scene scene;
    struct wire_socket *other = NULL;
    struct wire_pair pair;
    struct wire_message message;
    struct error error;
    int heard[2] = {0, 0};
    (void)state;
    begin (&scene);
    assert_int_equal (say (&scene, bytes_of_text ("first")), WIRE_SENT);
    wire_pair_make (&pair);
    scene.admitted = pair.public;
    check (
        wire_connect (
            scene.client_wire, WIRE_DEALER, wire_endpoint (scene.server), &scene.server_pair.public, &pair,
            &other, &error),
        &error);
    for (int i = 0; i < 500 && wire_send (other, NULL, 0, bytes_of_text ("other")) != WIRE_SENT; i++) {
        (void)turn (&scene);
        (void)poll (NULL, 0, TURN_MS);
    }
    assert_int_equal (say (&scene, bytes_of_text ("first")), WIRE_SENT);
    while (heard[0] + heard[1] < 3) {
        assert_true (hear (&scene, PATIENCE_MS, &message));
        bool is_other = bytes_equal (message.body, bytes_of_text ("other"));
        const struct wire_pair *expected = is_other ? &pair : &scene.client_pair;
        assert_memory_equal (&message.peer, &expected->public, sizeof message.peer);
        heard[is_other]++;
    }
    assert_int_equal (heard[0], 2);
    wire_socket_close (&other);
    end (&scene);
}

static void test_stranger_is_refused (void **state)
{
    struct scene scene = {0};
    struct wire_pair stranger;
    struct wire_message message;
    (void)state;
    listen_at (&scene, WIRE_ROUTER, "tcp://127.0.0.1:*", 100);
    wire_pair_make (&stranger);
    connect_as (&scene, WIRE_DEALER, &stranger);
    for (int i = 0; i < REFUSED_MS / TURN_MS; i++) {
        assert_int_equal (wire_send (scene.client, NULL, 0, bytes_of_text ("let me in")), WIRE_GONE);
        (void)turn (&scene);
    }
    assert_true (scene.asked > 0);
    assert_false (hear (&scene, 50, &message));
    /* Once its key is admitted, it gets in by itself: it was refused, not left hanging. */
    scene.admitted = stranger.public;
    assert_int_equal (say (&scene, bytes_of_text ("now")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    assert_body (&message, "now");
    end (&scene);
}

static void test_wrong_server_key (void **state)
{
    struct scene scene = {0};
    struct wire_pair other;
    struct wire_message message;
    struct error error;
    (void)state;
    listen_at (&scene, WIRE_ROUTER, "tcp://127.0.0.1:*", 100);
    wire_pair_make (&other);
    check (
        wire_connect (
            scene.client_wire, WIRE_DEALER, wire_endpoint (scene.server), &other.public, &scene.client_pair,
            &scene.client, &error),
        &error);
    for (int i = 0; i < REFUSED_MS / TURN_MS; i++) {
        assert_int_equal (wire_send (scene.client, NULL, 0, bytes_of_text ("hello")), WIRE_GONE);
        (void)turn (&scene);
    }
    assert_false (hear (&scene, 50, &message));
    assert_int_equal (scene.asked, 0);
    end (&scene);
}

/* A client without any of this module's care, with the admitted key or with no security at all. */
static void *raw_client (void *context, const struct scene *scene, bool secure, const char *name)
{
    void *client = zmq_socket (context, ZMQ_DEALER);
    int linger = 0;
    assert_non_null (client);
    assert_int_equal (zmq_setsockopt (client, ZMQ_LINGER, &linger, sizeof linger), 0);
    if (name != NULL)
        assert_int_equal (zmq_setsockopt (client, ZMQ_ROUTING_ID, name, strlen (name)), 0);
    if (secure) {
        const struct wire_pair *pair = &scene->client_pair;
        assert_int_equal (
            zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, scene->server_pair.public.bytes, WIRE_KEY_SIZE), 0);
        assert_int_equal (zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, pair->public.bytes, WIRE_KEY_SIZE), 0);
        assert_int_equal (zmq_setsockopt (client, ZMQ_CURVE_SECRETKEY, pair->secret, WIRE_SECRET_SIZE), 0);
    }
    assert_int_equal (zmq_connect (client, wire_endpoint (scene->server)), 0);
    return client;
}

static void test_without_curve (void **state)
{
    struct scene scene;
    struct wire_message message;
    void *context = zmq_ctx_new ();
    void *client;
    (void)state;
    begin (&scene);
    client = raw_client (context, &scene, false, NULL);
    assert_int_equal (zmq_send (client, "plain", 5, 0), 5);
    assert_false (hear (&scene, REFUSED_MS, &message));
    (void)zmq_close (client);
    (void)zmq_ctx_term (context);
    end (&scene);
}

static void send_raw (void *client, size_t size)
{
    zmq_msg_t message;
    assert_int_equal (zmq_msg_init_size (&message, size), 0);
    (void)memset (zmq_msg_data (&message), 'x', size);
    assert_int_equal (zmq_msg_send (&message, client, 0), (int)size);
}

/* What is not passed on leaves no other trace than its count. */
static void expect_dropped (struct scene *scene, uint64_t count)
{
    struct instant until = instant_add (clock_steady (), (struct span){PATIENCE_MS});
    struct wire_message message;
    while (wire_dropped (scene->server) < count && instant_before (clock_steady (), until))
        assert_false (hear (scene, TURN_MS, &message));
    assert_int_equal (wire_dropped (scene->server), count);
}

/* Exactly the limit passes; a byte more does not, by whichever bound; the server serves on. */
static void test_oversize (void **state)
{
    struct scene scene;
    struct wire_message message;
    void *context = zmq_ctx_new ();
    void *client;
    (void)state;
    begin (&scene);
    client = raw_client (context, &scene, true, NULL);
    send_raw (client, LIMIT_MESSAGE + 1);
    expect_dropped (&scene, 1);
    (void)zmq_close (client);
    client = raw_client (context, &scene, true, NULL);
    send_raw (client, LIMIT_MESSAGE + 4096);
    assert_false (hear (&scene, REFUSED_MS, &message));
    assert_int_equal (wire_dropped (scene.server), 1);
    (void)zmq_close (client);
    client = raw_client (context, &scene, true, NULL);
    send_raw (client, LIMIT_MESSAGE);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    assert_int_equal (message.body.size, LIMIT_MESSAGE);
    (void)zmq_close (client);
    (void)zmq_ctx_term (context);
    assert_int_equal (say (&scene, bytes_of_text ("still there")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    assert_body (&message, "still there");
    end (&scene);
}

static void test_odd_messages (void **state)
{
    struct scene scene;
    struct wire_message message;
    void *context = zmq_ctx_new ();
    void *client;
    (void)state;
    begin (&scene);
    client = raw_client (context, &scene, true, NULL);
    assert_int_equal (zmq_send (client, "", 0, ZMQ_SNDMORE), 0);
    assert_int_equal (zmq_send (client, "a", 1, ZMQ_SNDMORE), 1);
    assert_int_equal (zmq_send (client, "b", 1, 0), 1);
    assert_int_equal (zmq_send (client, "good", 4, 0), 4);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    assert_body (&message, "good");
    assert_int_equal (wire_dropped (scene.server), 1);
    (void)zmq_close (client);
    client = raw_client (context, &scene, true, "connect-p1");
    assert_int_equal (zmq_send (client, "it is me", 8, 0), 8);
    assert_false (hear (&scene, REFUSED_MS, &message));
    assert_int_equal (wire_dropped (scene.server), 2);
    (void)zmq_close (client);
    (void)zmq_ctx_term (context);
    end (&scene);
}

static void test_gone (void **state)
{
    static const uint8_t nobody[] = {0, 1, 2, 3, 4};
    struct scene scene;
    struct wire_message message;
    enum wire_sent sent = WIRE_SENT;
    (void)state;
    begin (&scene);
    assert_int_equal (wire_send (scene.server, nobody, sizeof nobody, bytes_of_text ("anybody?")), WIRE_GONE);
    assert_int_equal (say (&scene, bytes_of_text ("hello")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    wire_socket_close (&scene.client);
    for (int i = 0; i < 500 && sent == WIRE_SENT; i++) {
        sent = wire_send (scene.server, message.route, message.route_size, bytes_of_text ("still there?"));
        (void)poll (NULL, 0, TURN_MS);
    }
    assert_int_equal (sent, WIRE_GONE);
    end (&scene);
}

/* A peer that reads nothing: its queue fills, the sender learns it, nobody waits. */
static void test_full (void **state)
{
    static uint8_t block[LIMIT_CHUNK];
    struct scene scene;
    struct wire_message message;
    enum wire_sent sent = WIRE_SENT;
    int count = 0;
    (void)state;
    begin (&scene);
    assert_int_equal (say (&scene, bytes_of_text ("hello")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    while (sent == WIRE_SENT && count < 3000) {
        struct bytes body = {block, sizeof block};
        sent = wire_send (scene.server, message.route, message.route_size, body);
        count++;
    }
    assert_int_equal (sent, WIRE_FULL);
    assert_true (count > 100);
    end (&scene);
}

/* Takes until libzmq has closed the old socket in the background, which needs ZAP to go on. */
static void idle (struct scene *scene)
{
    struct error error;
    check (wire_wait (scene->server_wire, NULL, 0, NULL, NULL, 0, (struct span){TURN_MS}, &error), &error);
}

static void test_client_comes_back (void **state)
{
    struct scene scene;
    struct wire_message message;
    struct error error;
    enum wire_sent sent = WIRE_SENT;
    char endpoint[LIMIT_ADDRESS];
    (void)state;
    begin (&scene);
    (void)snprintf (endpoint, sizeof endpoint, "%s", wire_endpoint (scene.server));
    assert_int_equal (say (&scene, bytes_of_text ("one")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    wire_socket_close (&scene.server);
    for (int i = 0; i < 500 && sent == WIRE_SENT; i++) {
        idle (&scene);
        sent = wire_send (scene.client, NULL, 0, bytes_of_text ("lost"));
    }
    assert_int_equal (sent, WIRE_GONE);
    for (int i = 0; i < 100 && scene.server == NULL; i++) {
        idle (&scene);
        (void)wire_listen (
            scene.server_wire, WIRE_ROUTER, endpoint, "doors", &scene.server_pair, 100, &scene.server,
            &error);
    }
    assert_non_null (scene.server);
    assert_int_equal (say (&scene, bytes_of_text ("two")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    assert_body (&message, "two");
    end (&scene);
}

static void test_publish (void **state)
{
    struct scene scene = {0};
    struct wire_message message;
    struct error error;
    bool heard = false;
    (void)state;
    listen_at (&scene, WIRE_XPUB, "tcp://127.0.0.1:*", 100);
    connect_as (&scene, WIRE_SUB, &scene.client_pair);
    check (wire_subscribe (scene.client, "production/connect", &error), &error);
    check (wire_subscribe (scene.client, "all", &error), &error);
    for (int i = 0; i < 200 && !heard; i++) {
        wire_publish (scene.server, "all", bytes_of_text ("tick"));
        heard = client_hears (&scene, 20, &message);
    }
    assert_true (heard);
    assert_body (&message, "tick");
    wire_publish (scene.server, "staging/connect", bytes_of_text ("other environment"));
    wire_publish (scene.server, "production/connect-two", bytes_of_text ("other product"));
    wire_publish (scene.server, "production/connect", bytes_of_text ("plan"));
    do
        assert_true (client_hears (&scene, PATIENCE_MS, &message));
    while (bytes_equal (message.body, bytes_of_text ("tick")));
    assert_body (&message, "plan");
    assert_false (wire_receive (scene.server, &message));
    assert_int_equal (wire_dropped (scene.client), 0);
    end (&scene);
}

/* Near the limit of descriptors peers are turned away, so that the program itself keeps some. */
static void test_no_room (void **state)
{
    struct scene scene = {0};
    struct rlimit before;
    struct rlimit tight;
    struct wire_message message;
    (void)state;
    listen_at (&scene, WIRE_ROUTER, "tcp://127.0.0.1:*", 100);
    assert_int_equal (getrlimit (RLIMIT_NOFILE, &before), 0);
    assert_true (before.rlim_cur == before.rlim_max);
    tight = (struct rlimit){80, before.rlim_max};
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &tight), 0);
    connect_as (&scene, WIRE_DEALER, &scene.client_pair);
    for (int i = 0; i < REFUSED_MS / TURN_MS; i++) {
        assert_int_equal (wire_send (scene.client, NULL, 0, bytes_of_text ("hello")), WIRE_GONE);
        (void)turn (&scene);
    }
    assert_int_equal (scene.asked, 0);
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &before), 0);
    assert_int_equal (say (&scene, bytes_of_text ("room")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    assert_body (&message, "room");
    end (&scene);
}

/* A subscriber that was refused first, and only waits, comes in too, with its subscriptions. */
static void test_refused_subscriber (void **state)
{
    struct scene scene = {0};
    struct wire_message message;
    struct error error;
    bool heard = false;
    (void)state;
    listen_at (&scene, WIRE_XPUB, "tcp://127.0.0.1:*", 100);
    scene.admitted = scene.server_pair.public;
    connect_as (&scene, WIRE_SUB, &scene.client_pair);
    check (wire_subscribe (scene.client, "all", &error), &error);
    for (int i = 0; i < 200 && scene.asked == 0; i++)
        (void)client_hears (&scene, 20, &message);
    assert_true (scene.asked > 0);
    scene.admitted = scene.client_pair.public;
    for (int i = 0; i < 300 && !heard; i++) {
        wire_publish (scene.server, "all", bytes_of_text ("tick"));
        heard = client_hears (&scene, 20, &message);
    }
    assert_true (heard);
    end (&scene);
}

static void test_local_door (void **state)
{
    char folder[FOLDER_SIZE] = "/tmp/relevo-wire-XXXXXX";
    char endpoint[FOLDER_SIZE + 16];
    struct scene scene = {0};
    struct wire_message message;
    struct stat status;
    struct error error;
    (void)state;
    assert_non_null (mkdtemp (folder));
    (void)snprintf (endpoint, sizeof endpoint, "ipc://%s/door", folder);
    listen_at (&scene, WIRE_ROUTER, endpoint, 100);
    assert_int_equal (stat (endpoint + 6, &status), 0);
    assert_int_equal (status.st_mode & 07777, 0600);
    assert_string_equal (wire_endpoint (scene.server), endpoint);
    connect_as (&scene, WIRE_DEALER, &scene.client_pair);
    assert_int_equal (say (&scene, bytes_of_text ("hello")), WIRE_SENT);
    assert_true (hear (&scene, PATIENCE_MS, &message));
    assert_memory_equal (&message.peer, &scene.client_pair.public, sizeof message.peer);
    end (&scene);
    assert_true (folder_remove (folder, &error));
}

static void test_wait (void **state)
{
    struct scene scene;
    struct pollfd files[3];
    struct error error;
    struct instant began = clock_steady ();
    bool ready = true;
    int ends[2];
    (void)state;
    begin (&scene);
    assert_int_equal (pipe (ends), 0);
    files[0] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    files[1] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = POLLIN};
    files[2] = (struct pollfd){.fd = ends[1], .events = 0};
    check (
        wire_wait (scene.server_wire, &scene.server, 1, &ready, files, 3, (struct span){200}, &error),
        &error);
    assert_false (ready);
    assert_int_equal (files[0].revents | files[1].revents | files[2].revents, 0);
    assert_in_range (instant_between (began, clock_steady ()).ms, 190, 3000);
    assert_int_equal (write (ends[1], "x", 1), 1);
    (void)close (ends[1]);
    files[2].fd = -1;
    check (
        wire_wait (scene.server_wire, &scene.server, 1, &ready, files, 3, (struct span){-1}, &error), &error);
    assert_int_equal (files[0].revents, POLLIN | POLLHUP);
    (void)close (ends[0]);
    end (&scene);
}

static void test_bad_endpoints (void **state)
{
    struct scene scene;
    struct wire_socket *socket = NULL;
    struct error error;
    (void)state;
    begin (&scene);
    assert_false (wire_listen (
        scene.server_wire, WIRE_ROUTER, wire_endpoint (scene.server), "doors", &scene.server_pair, 1, &socket,
        &error));
    assert_int_equal (error.kind, ERROR_CONFLICT);
    assert_false (wire_listen (
        scene.server_wire, WIRE_ROUTER, "tcp:/x", "doors", &scene.server_pair, 1, &socket, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
    assert_false (wire_connect (
        scene.client_wire, WIRE_DEALER, "carrier-pigeon://x", &scene.server_pair.public, &scene.client_pair,
        &socket, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
    assert_null (socket);
    end (&scene);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_round_trip),
        cmocka_unit_test (test_two_peers),
        cmocka_unit_test (test_stranger_is_refused),
        cmocka_unit_test (test_wrong_server_key),
        cmocka_unit_test (test_without_curve),
        cmocka_unit_test (test_oversize),
        cmocka_unit_test (test_odd_messages),
        cmocka_unit_test (test_gone),
        cmocka_unit_test (test_full),
        cmocka_unit_test (test_client_comes_back),
        cmocka_unit_test (test_publish),
        cmocka_unit_test (test_no_room),
        cmocka_unit_test (test_refused_subscriber),
        cmocka_unit_test (test_local_door),
        cmocka_unit_test (test_wait),
        cmocka_unit_test (test_bad_endpoints),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
