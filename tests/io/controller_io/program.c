/* The whole controller, in a child process, with real sockets: it becomes ready, serves people and hosts each
   what is theirs, ends on TERM, and after a kill has everything that it acknowledged. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/core/tree.h"
#include "common/core/trust.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"
#include "common/io/wire.h"
#include "controller/io/program.h"
#include "proto/message.h"

enum { CONTENT_SIZE = 600000, PIECE = 200000, KEYS = 4, PATIENCE_MS = 15000, NOBODY = 65534 };

enum { ROOT, OPERATOR, RELEASER, CONTROLLER };

static const char *const key_names[KEYS] = {"root", "operator", "releaser", "controller"};

struct fixture {
    char folder[200];
    char config[256];
    struct arena arena;
    struct secret_key keys[KEYS];
    struct secret_key installer;
    struct wire_pair server;
    struct wire_pair person;
    struct wire_pair agent;
    struct wire_pair stranger;
    pid_t child;
    char endpoints[4][256]; /* agents, publish, people, local */
};

static const char *in_folder (struct fixture *fixture, const char *name)
{
    return path_join (&fixture->arena, fixture->folder, name);
}

static void make_key (struct secret_key *ret)
{
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    random_fill (seed, sizeof seed);
    random_fill (number, sizeof number);
    secret_key_make (seed, number, ret);
}

static void write_document (
    struct fixture *fixture, const char *name, const struct record_type *type, const void *record,
    const struct secret_key *key)
{
    struct envelope envelope;
    struct error error;
    if (!document_sign (type, record, key, clock_now (), &fixture->arena, &envelope, &error) ||
        !signed_file_write (in_folder (fixture, name), &envelope, &error))
        fail_msg ("%s", error.text);
}

/* The controller's key is `controller`. */
static struct envelope sign_trust (
    struct fixture *fixture, uint64_t version, const struct public_key *controller,
    const struct secret_key *signer)
{
    struct envelope envelope;
    struct error error;
    struct trust_key keys[KEYS];
    struct trust_role roles[KEYS];
    struct trust trust = {
        .version = version,
        .issued = clock_now (),
        .expires = instant_add (clock_now (), span_seconds (3600)),
        .keys = keys,
        .keys_count = KEYS,
        .roles = roles,
        .roles_count = KEYS};
    for (size_t i = 0; i < KEYS; i++) {
        keys[i] = (struct trust_key){.name = key_names[i], .key = fixture->keys[i].public};
        roles[i] = (struct trust_role){
            .name = key_names[i],
            .environment = "",
            .threshold = 1,
            .keys = (const char **)&key_names[i],
            .keys_count = 1};
    }
    keys[OPERATOR].wire = fixture->person.public;
    keys[CONTROLLER].key = *controller;
    if (!document_sign (&trust_type, &trust, signer, clock_now (), &fixture->arena, &envelope, &error))
        fail_msg ("%s", error.text);
    return envelope;
}

static void write_trust (struct fixture *fixture)
{
    struct envelope envelope =
        sign_trust (fixture, 1, &fixture->keys[CONTROLLER].public, &fixture->keys[ROOT]);
    struct error error;
    if (!signed_file_write (in_folder (fixture, "trust.relevo"), &envelope, &error))
        fail_msg ("%s", error.text);
}

static void write_fleet (struct fixture *fixture)
{
    const char *products[] = {"rstudio-connect"};
    struct fleet_host host = {
        .name = "connect-p1",
        .environment = "production",
        .products = products,
        .products_count = 1,
        .key = fixture->installer.public,
        .wire = fixture->agent.public};
    struct fleet fleet = {
        .version = 1,
        .issued = clock_now (),
        .expires = instant_add (clock_now (), span_seconds (3600)),
        .hosts = &host,
        .hosts_count = 1};
    write_document (fixture, "fleet.relevo", &fleet_type, &fleet, &fixture->keys[OPERATOR]);
}

static void write_files (struct fixture *fixture)
{
    static const char config[] =
        "name: controller-1\nstate: state\nagents: tcp://127.0.0.1:*\npublish: tcp://127.0.0.1:*\n"
        "people: tcp://127.0.0.1:0\nlocal: ipc://state/local\nwire_key: wire.key\n"
        "signing_key: controller.key\ntrust: trust.relevo\nfleet: fleet.relevo\nheartbeat: 200ms\n";
    const char *user = geteuid () == 0 ? "user: nobody\n" : "";
    struct buffer key = {0};
    struct error error;
    write_trust (fixture);
    write_fleet (fixture);
    assert_true (secret_key_print (&fixture->keys[CONTROLLER], NULL, NULL, &key, &error));
    assert_true (file_write (in_folder (fixture, "controller.key"), buffer_bytes (&key), 0600, &error));
    assert_true (wire_pair_write (in_folder (fixture, "wire.key"), &fixture->server, &error));
    assert_true (file_write (
        fixture->config, bytes_of_text (arena_format (&fixture->arena, "%s%s", config, user)), 0644, &error));
    buffer_free (&key);
}

static int setup (void **state)
{
    struct fixture *fixture = calloc (1, sizeof *fixture);
    const char *base = getenv ("TMPDIR");
    (void)snprintf (
        fixture->folder, sizeof fixture->folder, "%s/relevo-XXXXXX", base == NULL ? "/tmp" : base);
    if (sodium_init () < 0 || mkdtemp (fixture->folder) == NULL || chmod (fixture->folder, 0755) != 0)
        return -1;
    (void)snprintf (fixture->config, sizeof fixture->config, "%s/controller.yaml", fixture->folder);
    for (size_t i = 0; i < KEYS; i++)
        make_key (&fixture->keys[i]);
    make_key (&fixture->installer);
    wire_pair_make (&fixture->server);
    wire_pair_make (&fixture->person);
    wire_pair_make (&fixture->agent);
    wire_pair_make (&fixture->stranger);
    write_files (fixture);
    *state = fixture;
    return 0;
}

/* --------------------------------------------------------------------------------------------- the child */

static int run_child (const struct fixture *fixture)
{
    const struct log log = {"relevod", LOG_WARNING};
    struct error error;
    if (program_serve (fixture->config, &log, &error))
        return 0;
    log_line (&log, LOG_PROBLEM, "%s", error.text);
    return error.kind == ERROR_CONFLICT ? 3 : 1;
}

static pid_t start_child (const struct fixture *fixture)
{
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0)
        exit (run_child (fixture));
    return child;
}

static void read_endpoints (struct fixture *fixture)
{
    static const char *const names[4] = {"agents", "publish", "people", "local"};
    const struct tree *tree;
    struct bytes file;
    struct error error;
    assert_true (file_read (in_folder (fixture, "state/endpoints"), 4096, &fixture->arena, &file, &error));
    if (!tree_parse (file, "endpoints", &fixture->arena, &tree, &error))
        fail_msg ("%s", error.text);
    for (size_t i = 0; i < 4; i++)
        (void)snprintf (
            fixture->endpoints[i], sizeof fixture->endpoints[i], "%s", tree_get (tree, names[i])->text);
}

static void start (struct fixture *fixture)
{
    const char *path = in_folder (fixture, "state/endpoints");
    (void)unlink (path);
    fixture->child = start_child (fixture);
    for (int waited = 0; !file_exists (path); waited += 10) {
        assert_true (waited < PATIENCE_MS);
        assert_int_equal (waitpid (fixture->child, NULL, WNOHANG), 0);
        (void)usleep (10000);
    }
    read_endpoints (fixture);
}

/* Its wait status. */
static int end (struct fixture *fixture, int number)
{
    int status = -1;
    assert_int_equal (kill (fixture->child, number), 0);
    for (int waited = 0; waitpid (fixture->child, &status, WNOHANG) == 0; waited += 10) {
        assert_true (waited < PATIENCE_MS);
        (void)usleep (10000);
    }
    fixture->child = 0;
    return status;
}

static int teardown (void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool good;
    if (fixture->child > 0) {
        (void)kill (fixture->child, SIGKILL);
        (void)waitpid (fixture->child, NULL, 0);
    }
    good = folder_remove (fixture->folder, &error);
    arena_free (&fixture->arena);
    free (fixture);
    return !good;
}

/* ------------------------------------------------------------------------------------------- a peer's side
 */

struct peer {
    struct wire *wire;
    struct wire_socket *socket;
    struct arena arena;
};

static void peer_open (
    struct peer *peer, enum wire_kind kind, const char *endpoint, const struct fixture *fixture,
    const struct wire_pair *pair)
{
    struct error error;
    *peer = (struct peer){0};
    if (!wire_open (NULL, NULL, &peer->wire, &error) ||
        !wire_connect (peer->wire, kind, endpoint, &fixture->server.public, pair, &peer->socket, &error))
        fail_msg ("%s", error.text);
}

static void peer_close (struct peer *peer)
{
    wire_socket_close (&peer->socket);
    wire_close (&peer->wire);
    arena_free (&peer->arena);
}

/* The next message of this type; others are passed over. NULL where none comes in time. */
static const void *hear (struct peer *peer, const struct record_type *type, int64_t patience_ms)
{
    struct instant until = instant_add (clock_steady (), (struct span){patience_ms});
    struct wire_message wire;
    struct message message;
    struct error error;
    bool ready;
    while (instant_before (clock_steady (), until)) {
        assert_true (wire_wait (
            peer->wire, &peer->socket, 1, &ready, NULL, 0, instant_between (clock_steady (), until), &error));
        while (wire_receive (peer->socket, &wire)) {
            if (!message_decode (MESSAGE, FROM_CONTROLLER, wire.body, &peer->arena, &message, &error))
                fail_msg ("%s", error.text);
            if (message.type == type)
                return message.record;
        }
    }
    return NULL;
}

/* The connection may still be on its way: sends until the socket takes it. */
static void say (struct peer *peer, const struct record_type *type, const void *record)
{
    struct buffer bytes = {0};
    struct error error;
    bool ready;
    if (!message_encode (type, record, &bytes, &error))
        fail_msg ("%s", error.text);
    for (int waited = 0; wire_send (peer->socket, NULL, 0, buffer_bytes (&bytes)) != WIRE_SENT;
         waited += 20) {
        assert_true (waited < PATIENCE_MS);
        assert_true (wire_wait (peer->wire, &peer->socket, 1, &ready, NULL, 0, (struct span){20}, &error));
    }
    buffer_free (&bytes);
}

static const void *ask (
    struct peer *peer, const struct record_type *type, const void *record, const struct record_type *wanted)
{
    const void *heard;
    say (peer, type, record);
    heard = hear (peer, wanted, PATIENCE_MS);
    if (heard == NULL)
        fail_msg ("no %s came", wanted->name);
    return heard;
}

/* ------------------------------------------------------------------------------------------------ the tests
 */

static void fill (uint8_t *content)
{
    for (size_t i = 0; i < CONTENT_SIZE; i++)
        content[i] = (uint8_t)(i * i / 311);
}

static void upload (struct peer *person)
{
    uint8_t *content = malloc (CONTENT_SIZE);
    const struct put_state *state = NULL;
    struct put put = {.request = 5, .name = "connect.deb", .length = CONTENT_SIZE};
    fill (content);
    put.content = digest_of (content, CONTENT_SIZE);
    for (put.offset = 0; put.offset < CONTENT_SIZE; put.offset += PIECE) {
        put.data = (struct bytes){content + put.offset, PIECE};
        state = ask (person, &put_type, &put, &put_state_type);
        assert_int_equal (state->request, 5);
        assert_int_equal (state->have, put.offset + PIECE);
        assert_int_equal (state->complete, state->have == CONTENT_SIZE);
    }
    free (content);
}

static void check_inventory (struct peer *person, size_t contents)
{
    struct inventory_wanted wanted = {.request = 9};
    const struct inventory *inventory = ask (person, &inventory_wanted_type, &wanted, &inventory_type);
    assert_int_equal (inventory->request, 9);
    assert_int_equal (inventory->trusts_count, 1);
    assert_int_equal (inventory->hosts_count, 1);
    assert_string_equal (inventory->hosts[0].name, "connect-p1");
    assert_int_equal (inventory->contents_count, contents);
}

/* Every row of the journal fits the chain; returns how many of this entry there are. */
static size_t audit (struct peer *person, const struct record_type *type)
{
    struct audit_wanted wanted = {.request = 3};
    const struct audit_page *page;
    struct digest chain = {0};
    size_t found = 0;
    do {
        page = ask (person, &audit_wanted_type, &wanted, &audit_page_type);
        for (size_t i = 0; i < page->rows_count; i++) {
            struct digest_stream stream;
            struct message entry;
            struct error error;
            digest_begin (&stream);
            digest_add (&stream, chain.bytes, sizeof chain.bytes);
            digest_add (&stream, page->rows[i].body.data, page->rows[i].body.size);
            chain = digest_end (&stream);
            assert_true (digest_equal (&chain, &page->rows[i].chain));
            assert_int_equal (page->rows[i].sequence, ++wanted.after);
            assert_true (message_decode (ENTRY, 0, page->rows[i].body, &person->arena, &entry, &error));
            found += entry.type == type;
        }
    } while (page->more);
    return found;
}

static void check_chunk (struct peer *agent)
{
    uint8_t *content = malloc (CONTENT_SIZE);
    struct chunk_wanted wanted = {.offset = 1000, .size = LIMIT_CHUNK};
    const struct chunk *chunk;
    fill (content);
    wanted.content = digest_of (content, CONTENT_SIZE);
    chunk = ask (agent, &chunk_wanted_type, &wanted, &chunk_type);
    assert_int_equal (chunk->offset, 1000);
    assert_true (bytes_equal (chunk->data, (struct bytes){content + 1000, LIMIT_CHUNK}));
    wanted.content.bytes[0] ^= 1;
    assert_non_null (
        ((const struct chunk_refused *)ask (agent, &chunk_wanted_type, &wanted, &chunk_refused_type))->cause);
    free (content);
}

static void greet (struct peer *agent)
{
    struct hello hello = {.host = "connect-p1", .agent = "0.1.0"};
    const struct welcome *welcome = ask (agent, &hello_type, &hello, &welcome_type);
    assert_int_equal (welcome->heartbeat.ms, 200);
}

static void test_life (void **state)
{
    struct fixture *fixture = *state;
    struct peer person;
    struct peer agent;
    int status;
    start (fixture);
    peer_open (&person, WIRE_DEALER, fixture->endpoints[2], fixture, &fixture->person);
    peer_open (&agent, WIRE_DEALER, fixture->endpoints[0], fixture, &fixture->agent);
    check_inventory (&person, 0);
    upload (&person);
    check_inventory (&person, 1);
    greet (&agent);
    check_chunk (&agent);
    assert_int_equal (audit (&person, &entry_epoch_type), 1);
    peer_close (&person);
    peer_close (&agent);

    status = end (fixture, SIGKILL);
    assert_true (WIFSIGNALED (status));
    start (fixture);
    peer_open (&person, WIRE_DEALER, fixture->endpoints[3], fixture, &fixture->stranger);
    peer_open (&agent, WIRE_DEALER, fixture->endpoints[0], fixture, &fixture->agent);
    check_inventory (&person, 1);
    greet (&agent);
    check_chunk (&agent);
    assert_int_equal (audit (&person, &entry_epoch_type), 2);
    assert_int_equal (audit (&person, &entry_content_type), 1);
    peer_close (&person);
    peer_close (&agent);

    assert_int_equal (kill (fixture->child, SIGHUP), 0);
    status = end (fixture, SIGTERM);
    assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
    assert_false (file_exists (in_folder (fixture, "state/endpoints")));
}

static void test_who_may_what (void **state)
{
    struct fixture *fixture = *state;
    struct inventory_wanted wanted = {.request = 1};
    struct hello hello = {.host = "connect-p1", .agent = "0.1.0"};
    const struct answer *answer;
    struct peer peer;
    start (fixture);
    /* A person may not speak as an agent, and is told. */
    peer_open (&peer, WIRE_DEALER, fixture->endpoints[2], fixture, &fixture->person);
    answer = ask (&peer, &hello_type, &hello, &answer_type);
    assert_false (answer->done);
    assert_string_equal (answer->kind, "refused");
    peer_close (&peer);
    /* An agent may not ask what people ask. */
    peer_open (&peer, WIRE_DEALER, fixture->endpoints[0], fixture, &fixture->agent);
    say (&peer, &inventory_wanted_type, &wanted);
    greet (&peer);
    assert_null (hear (&peer, &inventory_type, 300));
    peer_close (&peer);
    assert_int_equal (WEXITSTATUS (end (fixture, SIGTERM)), 0);
}

/* The publisher is for hosts alone: a subscriber hears ticks, a stranger nothing. */
static void test_publisher (void **state)
{
    struct fixture *fixture = *state;
    struct peer host;
    struct peer stranger;
    struct error error;
    start (fixture);
    peer_open (&host, WIRE_SUB, fixture->endpoints[1], fixture, &fixture->agent);
    peer_open (&stranger, WIRE_SUB, fixture->endpoints[1], fixture, &fixture->stranger);
    assert_true (wire_subscribe (host.socket, "all", &error));
    assert_true (wire_subscribe (stranger.socket, "all", &error));
    assert_non_null (hear (&host, &heartbeat_type, PATIENCE_MS));
    assert_null (hear (&stranger, &heartbeat_type, 300));
    peer_close (&host);
    peer_close (&stranger);
    assert_int_equal (WEXITSTATUS (end (fixture, SIGINT)), 0);
}

static void test_strangers_stay_out (void **state)
{
    struct fixture *fixture = *state;
    struct peer peer;
    bool ready;
    struct error error;
    start (fixture);
    for (size_t door = 0; door <= 2; door += 2) {
        struct ping ping = {.number = 1};
        struct buffer bytes = {0};
        peer_open (&peer, WIRE_DEALER, fixture->endpoints[door], fixture, &fixture->stranger);
        assert_true (message_encode (&ping_type, &ping, &bytes, &error));
        for (int i = 0; i < 20; i++) {
            assert_int_not_equal (wire_send (peer.socket, NULL, 0, buffer_bytes (&bytes)), WIRE_SENT);
            assert_true (wire_wait (peer.wire, &peer.socket, 1, &ready, NULL, 0, (struct span){20}, &error));
        }
        buffer_free (&bytes);
        peer_close (&peer);
    }
    assert_int_equal (WEXITSTATUS (end (fixture, SIGTERM)), 0);
}

static void test_second_is_refused (void **state)
{
    struct fixture *fixture = *state;
    struct peer person;
    int status;
    pid_t second;
    start (fixture);
    second = start_child (fixture);
    assert_int_equal (waitpid (second, &status, 0), second);
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), 3);
    peer_open (&person, WIRE_DEALER, fixture->endpoints[2], fixture, &fixture->person);
    check_inventory (&person, 0);
    peer_close (&person);
    assert_int_equal (WEXITSTATUS (end (fixture, SIGTERM)), 0);
}

/* What an earlier life left behind is hashed again in slices; meanwhile others are served, and then the
   sender hears where to go on. */
static void test_resumed_upload (void **state)
{
    struct fixture *fixture = *state;
    const size_t size = (size_t)100 << 20;
    uint8_t *zeros = calloc (1, size);
    struct put put = {.request = 8, .name = "large", .length = size};
    struct ping ping = {.number = 4};
    const struct put_state *answer;
    const char *part;
    char text[DIGEST_TEXT_SIZE];
    struct error error;
    struct peer person;
    struct peer other;
    put.content = digest_of (zeros, size);
    assert_true (folder_make (in_folder (fixture, "state/depot"), 0700, &error));
    part = arena_format (
        &fixture->arena, "%s/state/depot/%s.part", fixture->folder, digest_print (&put.content, text));
    assert_true (file_create (part, (struct bytes){0}, 0600, &error));
    assert_int_equal (truncate (part, (off_t)size - 10), 0);
    if (geteuid () == 0) {
        /* Root's leavings are not for its user. */
        int status;
        assert_int_equal (waitpid (start_child (fixture), &status, 0) > 0, 1);
        assert_int_equal (WEXITSTATUS (status), 3);
        assert_int_equal (chown (in_folder (fixture, "state"), NOBODY, NOBODY), 0);
        assert_int_equal (chown (in_folder (fixture, "state/depot"), NOBODY, NOBODY), 0);
        assert_int_equal (chown (part, NOBODY, NOBODY), 0);
    }
    start (fixture);
    peer_open (&person, WIRE_DEALER, fixture->endpoints[2], fixture, &fixture->person);
    peer_open (&other, WIRE_DEALER, fixture->endpoints[3], fixture, &fixture->stranger);
    assert_int_equal (((const struct pong *)ask (&other, &ping_type, &ping, &pong_type))->number, 4);
    say (&person, &put_type, &put);
    assert_int_equal (((const struct pong *)ask (&other, &ping_type, &ping, &pong_type))->number, 4);
    answer = hear (&person, &put_state_type, PATIENCE_MS);
    assert_non_null (answer);
    assert_int_equal (answer->have, size - 10);
    assert_false (answer->complete);
    put.offset = size - 10;
    put.data = (struct bytes){zeros, 10};
    answer = ask (&person, &put_type, &put, &put_state_type);
    assert_true (answer->complete);
    check_inventory (&person, 1);
    peer_close (&person);
    peer_close (&other);
    free (zeros);
    assert_int_equal (WEXITSTATUS (end (fixture, SIGTERM)), 0);
}

static bool check_says (const struct fixture *fixture, const char *words, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    bool good = program_check (fixture->config, out, error);
    (void)fclose (out);
    if (good && strstr (text, words) == NULL)
        fail_msg ("%s", text);
    free (text);
    return good;
}

static void test_check (void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    if (!check_says (fixture, "no journal in ", &error))
        fail_msg ("%s", error.text);
    assert_false (file_exists (in_folder (fixture, "state/journal.sqlite")));
    start (fixture);
    assert_true (check_says (fixture, "3 entries, the chain is whole; 1 starts, 0 rollouts", &error));
    assert_int_equal (WEXITSTATUS (end (fixture, SIGTERM)), 0);
    assert_true (check_says (fixture, "3 entries, the chain is whole; 1 starts", &error));
}

/* What too few have signed is refused, whoever hands it in; what enough have signed can take this
   controller's own say away, and gives it back to the one that has the new key. */
static void test_new_trust (void **state)
{
    struct fixture *fixture = *state;
    struct secret_key next;
    struct peer person;
    struct buffer key = {0};
    struct error error;
    struct submit submit = {.request = 7};
    const struct answer *answer;
    make_key (&next);
    start (fixture);
    peer_open (&person, WIRE_DEALER, fixture->endpoints[3], fixture, &fixture->person);
    submit.document = sign_trust (fixture, 2, &next.public, &fixture->keys[OPERATOR]);
    answer = ask (&person, &submit_type, &submit, &answer_type);
    assert_false (answer->done);
    assert_non_null (strstr (answer->text, "0 of 1 signatures that the role root needs"));
    submit.document = sign_trust (fixture, 2, &next.public, &fixture->keys[ROOT]);
    answer = ask (&person, &submit_type, &submit, &answer_type);
    assert_true (answer->done);
    assert_non_null (strstr (answer->text, "has no say any more"));
    assert_false (check_says (fixture, "", &error)); /* beside the running one */
    assert_non_null (
        strstr (error.text, "controller.key: this controller's signing key has no say any more"));
    peer_close (&person);
    assert_int_equal (WEXITSTATUS (end (fixture, SIGTERM)), 0);
    assert_true (secret_key_print (&next, NULL, NULL, &key, &error));
    assert_true (file_write (in_folder (fixture, "controller.key"), buffer_bytes (&key), 0600, &error));
    assert_true (check_says (fixture, "the chain is whole", &error));
    buffer_free (&key);
}

static void test_wrong_beginnings (void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct buffer key = {0};
    write_document (
        fixture, "fleet.relevo", &fleet_type,
        &(struct fleet){
            .version = 1, .issued = clock_now (), .expires = instant_add (clock_now (), span_seconds (60))},
        &fixture->keys[RELEASER]);
    assert_false (check_says (fixture, "", &error));
    assert_non_null (strstr (error.text, "fleet.relevo"));
    write_fleet (fixture);
    assert_true (secret_key_print (&fixture->keys[RELEASER], NULL, NULL, &key, &error));
    assert_true (file_write (in_folder (fixture, "controller.key"), buffer_bytes (&key), 0600, &error));
    assert_false (check_says (fixture, "", &error));
    assert_non_null (strstr (error.text, "does not have the role \"controller\""));
    assert_true (file_write (in_folder (fixture, "controller.key"), buffer_bytes (&key), 0644, &error));
    assert_false (check_says (fixture, "", &error));
    assert_non_null (strstr (error.text, "controller.key"));
    buffer_free (&key);
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST (test_life),
        TEST (test_who_may_what),
        TEST (test_publisher),
        TEST (test_strangers_stay_out),
        TEST (test_second_is_refused),
        TEST (test_check),
        TEST (test_new_trust),
        TEST (test_resumed_upload),
        TEST (test_wrong_beginnings),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
