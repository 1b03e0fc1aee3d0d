/* An independent implementation at the other end: czmq's sockets and certificates against our listener. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <czmq.h>

#include "common/io/clock.h"
#include "common/io/wire.h"

enum { PATIENCE_MS = 20000, SILENCE_MS = 700 };

struct server {
    struct wire *wire;
    struct wire_socket *router;
    struct wire_pair pair;
    struct wire_key welcome; /* the one key that is let in */
};

static bool admit (void *context, const char *domain, const struct wire_key *key)
{
    const struct server *server = context;
    assert_string_equal (domain, "test");
    return memcmp (key->bytes, server->welcome.bytes, WIRE_KEY_SIZE) == 0;
}

static void server_open (struct server *server, zcert_t *welcome)
{
    struct error error;
    wire_pair_make (&server->pair);
    (void)memcpy (server->welcome.bytes, zcert_public_key (welcome), WIRE_KEY_SIZE);
    assert_true (wire_open (admit, server, &server->wire, &error));
    assert_true (wire_listen (
        server->wire, WIRE_ROUTER, "tcp://127.0.0.1:*", "test", &server->pair, 100, &server->router, &error));
}

static void server_close (struct server *server)
{
    wire_socket_close (&server->router);
    wire_close (&server->wire);
}

/* True where a message came in time. */
static bool server_hear (struct server *server, int64_t patience, struct wire_message *message)
{
    struct instant end = instant_add (clock_steady (), (struct span){patience});
    while (instant_before (clock_steady (), end)) {
        bool ready = false;
        struct error error;
        assert_true (
            wire_wait (server->wire, &server->router, 1, &ready, NULL, 0, (struct span){50}, &error));
        if (wire_receive (server->router, message))
            return true;
    }
    return false;
}

static zsock_t *client_open (const struct server *server, zcert_t *certificate)
{
    char text[WIRE_TEXT_SIZE];
    zsock_t *client = zsock_new (ZMQ_DEALER);
    assert_non_null (client);
    zsock_set_linger (client, 0);
    if (certificate != NULL) {
        zcert_apply (certificate, client);
        zsock_set_curve_serverkey (client, wire_key_print (&server->pair.public, text));
    }
    assert_int_equal (zsock_connect (client, "%s", wire_endpoint (server->router)), 0);
    return client;
}

static void test_admitted (void **state)
{
    zcert_t *certificate = zcert_new ();
    struct server server;
    struct wire_message message;
    zsock_t *client;
    char *answer;
    (void)state;
    server_open (&server, certificate);
    client = client_open (&server, certificate);
    assert_int_equal (zstr_send (client, "hello"), 0);
    assert_true (server_hear (&server, PATIENCE_MS, &message));
    assert_true (bytes_equal (message.body, bytes_of_text ("hello")));
    assert_memory_equal (message.peer.bytes, server.welcome.bytes, WIRE_KEY_SIZE);
    assert_int_equal (
        wire_send (server.router, message.route, message.route_size, bytes_of_text ("welcome")), WIRE_SENT);
    zsock_set_rcvtimeo (client, PATIENCE_MS);
    answer = zstr_recv (client);
    assert_string_equal (answer, "welcome");
    zstr_free (&answer);
    /* Two frames are no message of ours: dropped, counted, and the next one is heard. */
    assert_int_equal (zstr_sendx (client, "one", "two", NULL), 0);
    assert_int_equal (zstr_send (client, "again"), 0);
    assert_true (server_hear (&server, PATIENCE_MS, &message));
    assert_true (bytes_equal (message.body, bytes_of_text ("again")));
    assert_int_equal (wire_dropped (server.router), 1);
    zsock_destroy (&client);
    server_close (&server);
    zcert_destroy (&certificate);
}

/* Without CURVE, or with a key that nobody knows, not one byte gets through. */
static void test_turned_away (void **state)
{
    zcert_t *certificate = zcert_new ();
    zcert_t *other = zcert_new ();
    struct server server;
    struct wire_message message;
    zsock_t *plain;
    zsock_t *stranger;
    (void)state;
    server_open (&server, certificate);
    plain = client_open (&server, NULL);
    stranger = client_open (&server, other);
    assert_int_equal (zstr_send (plain, "hello"), 0);
    assert_int_equal (zstr_send (stranger, "hello"), 0);
    assert_false (server_hear (&server, SILENCE_MS, &message));
    zsock_destroy (&plain);
    zsock_destroy (&stranger);
    server_close (&server);
    zcert_destroy (&certificate);
    zcert_destroy (&other);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_admitted),
        cmocka_unit_test (test_turned_away),
    };
    int failed;
    zsys_handler_set (NULL);
    failed = cmocka_run_group_tests_name ("czmq at the other end", tests, NULL, NULL);
    zsys_shutdown ();
    return failed;
}
