/* Unknown peers, and known ones under another name: routing ids, enrolment, and words that no table has. */
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "common/io/clock.h"
#include "tests/attacks/face_part.h"

enum {
    PATIENCE_MS = 15000,
    HEAR_MS = 500,
    SECRET_SIZE = 32,
    SILENCE_MS = 300,
    GUESSES = 2000,
    LOITERERS = 300,
    ROOM_KB = 64 * 1024
};

struct guest {
    uint8_t secret[SECRET_SIZE];
    struct secret_key key;
    struct wire_pair wire;
};

/* A token is out, and this is who got it. */
static struct guest guest_invited (struct face *face, int64_t seconds)
{
    struct guest guest;
    struct token_make make = {
        .request = 4, .expires = instant_add (clock_now (), (struct span){seconds * 1000})};
    random_fill (guest.secret, sizeof guest.secret);
    face_make_key (&guest.key);
    wire_pair_make (&guest.wire);
    make.secret = digest_of (guest.secret, sizeof guest.secret);
    face_expect (face_ask (face->local, &token_make_type, &make), true, "one host can enrol");
    return guest;
}

static struct enrol enrol_of (const struct guest *guest, const char *name)
{
    return (struct enrol){
        .secret = {guest->secret, sizeof guest->secret}, .name = name, .key = guest->key.public};
}

static const struct enrolment *ask_in (struct face_peer *peer, const struct enrol *enrol)
{
    face_say (peer, &enrol_type, enrol);
    return face_hear (peer, &enrolment_type);
}

static void expect_turned_down (const struct enrolment *enrolment, const char *words)
{
    assert_int_equal (enrolment->state, ENROLMENT_REJECTED);
    assert_int_equal (enrolment->trusts_count, 0);
    assert_int_equal (enrolment->fleet.content.size, 0);
    if (strstr (enrolment->cause, words) == NULL)
        fail_msg ("\"%s\" was expected: %s", words, enrolment->cause);
}

/* The fleet with one more host. */
static struct fleet fleet_with (struct face *face, const struct guest *guest, const char *name)
{
    static const char *products[] = {FACE_PRODUCT};
    struct fleet fleet = face_draft_fleet (face, face->fleet.version + 1);
    struct fleet_host *hosts = arena_array (&face->arena, fleet.hosts_count + 1, sizeof *hosts);
    (void)memcpy (hosts, fleet.hosts, fleet.hosts_count * sizeof *hosts);
    hosts[fleet.hosts_count++] = (struct fleet_host){
        .name = name,
        .environment = "production",
        .products = products,
        .products_count = 1,
        .key = guest->key.public,
        .wire = guest->wire.public};
    fleet.hosts = hosts;
    return fleet;
}

static void expect_fleet_refused (struct face *face, const struct fleet *fleet, const char *words)
{
    struct submit submit = {.request = 9};
    submit.document = FACE_SIGN (face, &fleet_type, fleet, &face->keys[FACE_OPERATOR]);
    face_expect (face_ask (face->local, &submit_type, &submit), false, words);
}

/* ----------------------------------------------------------------------------------------------- enrolment
 */

static void test_token_used_twice (void **state)
{
    struct face *face = *state;
    struct guest guest = guest_invited (face, 60);
    struct guest thief = guest;
    struct guest other = guest_invited (face, 60); /* keeps the door open for strangers */
    struct enrol enrol = enrol_of (&guest, "p4");
    struct face_peer *first = face_connect (face, FACE_AGENTS, &guest.wire);
    struct face_peer *second;
    uint64_t rows;
    wire_pair_make (&thief.wire);
    second = face_connect (face, FACE_AGENTS, &thief.wire);
    assert_int_equal (ask_in (first, &enrol)->state, ENROLMENT_WAITING);
    rows = face_journal (face);
    expect_turned_down (ask_in (second, &enrol), "used or expired");
    assert_int_equal (face_journal (face), rows);
    /* The honest one is let in when an operator says so, and the thief still is not. */
    face_submit_fleet (face, fleet_with (face, &guest, "p4"));
    {
        const struct enrolment *in = face_hear (first, &enrolment_type);
        assert_int_equal (in->state, ENROLMENT_ACCEPTED);
        assert_int_equal (in->trusts_count, 1);
    }
    enrol = enrol_of (&other, "p5");
    enrol.secret = (struct bytes){guest.secret, SECRET_SIZE};
    expect_turned_down (ask_in (second, &enrol), "used or expired");
    face_leave (&first);
    face_leave (&second);
    face_carry_on (face);
}

static void test_token_expired (void **state)
{
    struct face *face = *state;
    struct guest late = guest_invited (face, 1);
    struct guest other = guest_invited (face, 60);
    struct enrol enrol = enrol_of (&late, "p4");
    struct face_peer *peer = face_connect (face, FACE_AGENTS, &late.wire);
    uint64_t rows = face_journal (face);
    (void)usleep (1100 * 1000);
    expect_turned_down (ask_in (peer, &enrol), "used or expired");
    assert_int_equal (face_journal (face), rows);
    enrol = enrol_of (&other, "p4");
    assert_int_equal (ask_in (peer, &enrol)->state, ENROLMENT_WAITING);
    face_leave (&peer);
    face_carry_on (face);
}

/* No token at all, then thousands of guesses at one that is out: by one connection without waiting. */
static void test_token_guessed (void **state)
{
    struct face *face = *state;
    struct guest guesser = guest_invited (face, 60);
    struct enrol enrol = enrol_of (&guesser, "p4");
    struct face_peer *peer = face_connect (face, FACE_AGENTS, &guesser.wire);
    uint8_t guess[SECRET_SIZE];
    uint64_t rows;
    size_t before = face_memory (face);
    (void)memcpy (guess, guesser.secret, sizeof guess);
    rows = face_journal (face);
    for (size_t i = 0; i < GUESSES; i++) {
        /* All but one bit right, cut short, empty: nothing tells how near it was. */
        enrol.secret = (struct bytes){guess, i % 3 == 0 ? SECRET_SIZE : i % SECRET_SIZE};
        guess[i % SECRET_SIZE] ^= (uint8_t)(1U << (i % 8));
        if (i % 3 == 0 && memcmp (guess, guesser.secret, SECRET_SIZE) == 0)
            continue;
        expect_turned_down (ask_in (peer, &enrol), "unknown, used or expired");
        (void)memcpy (guess, guesser.secret, sizeof guess);
        guess[(i + 1) % SECRET_SIZE] ^= (uint8_t)(1U << (i % 8));
    }
    assert_int_equal (face_journal (face), rows);
    assert_true (face_memory (face) < before + ROOM_KB);
    enrol = enrol_of (&guesser, "p4");
    assert_int_equal (ask_in (peer, &enrol)->state, ENROLMENT_WAITING);
    face_leave (&peer);
    face_carry_on (face);
}

/* Whoever waits asks thousands of times: it is one who waits. */
static void test_flood_of_requests (void **state)
{
    struct face *face = *state;
    struct guest guest = guest_invited (face, 60);
    struct enrol enrol = enrol_of (&guest, "p4");
    struct face_peer *peer = face_connect (face, FACE_AGENTS, &guest.wire);
    struct inventory_wanted wanted = {.request = 1};
    uint64_t rows = face_journal (face);
    for (size_t i = 0; i < GUESSES; i++)
        assert_int_equal (ask_in (peer, &enrol)->state, ENROLMENT_WAITING);
    assert_int_equal (face_journal (face), rows + 1);
    face_say (face->local, &inventory_wanted_type, &wanted);
    assert_int_equal (((const struct inventory *)face_hear (face->local, &inventory_type))->pending_count, 1);
    face_leave (&peer);
    face_carry_on (face);
}

/* It may ask; but no fleet document with the same name twice, or the same key twice, is ever in force. */
static void test_enrol_as_another_host (void **state)
{
    struct face *face = *state;
    struct guest guest = guest_invited (face, 60);
    struct enrol enrol = enrol_of (&guest, face_host_name (FACE_P1));
    struct face_peer *peer = face_connect (face, FACE_AGENTS, &guest.wire);
    struct fleet fleet;
    assert_int_equal (ask_in (peer, &enrol)->state, ENROLMENT_WAITING);
    fleet = fleet_with (face, &guest, face_host_name (FACE_P1));
    expect_fleet_refused (face, &fleet, "p1 is listed twice");
    guest.key = face->hosts[FACE_P1].key;
    fleet = fleet_with (face, &guest, "p4");
    expect_fleet_refused (face, &fleet, "the same key");
    face_make_key (&guest.key);
    guest.wire = face->hosts[FACE_P1].wire;
    fleet = fleet_with (face, &guest, "p4");
    expect_fleet_refused (face, &fleet, "the same key");
    /* And p1 itself, by its own connection, can't become another. */
    face_leave (&peer);
    peer = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P1].wire);
    enrol = enrol_of (&guest, "p4");
    expect_turned_down (ask_in (peer, &enrol), "by another name or with another signing key");
    enrol = enrol_of (&guest, face_host_name (FACE_P1));
    expect_turned_down (ask_in (peer, &enrol), "by another name or with another signing key");
    enrol.key = face->hosts[FACE_P1].key.public;
    assert_int_equal (ask_in (peer, &enrol)->state, ENROLMENT_ACCEPTED);
    face_leave (&peer);
    face_carry_on (face);
}

/* A name may become part of a path, a topic, a line on somebody's terminal. */
static void test_enrol_with_a_path_for_a_name (void **state)
{
    static const char *const bad[] = {
        "",        ".",   "..",      "../x", "/etc/passwd",    "a/b", "a\nb",
        "\x1b[2J", "-rf", ".hidden", "a b",  "production/app", "a%n", "\xf0\x9f\x90\xa2",
        "p1\\"};
    struct face *face = *state;
    struct guest guest = guest_invited (face, 60);
    struct face_peer *peer = face_connect (face, FACE_AGENTS, &guest.wire);
    struct enrol enrol = enrol_of (&guest, "p4");
    uint64_t rows = face_journal (face);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fleet fleet;
        enrol.name = bad[i];
        expect_turned_down (ask_in (peer, &enrol), "no name for a host");
        fleet = fleet_with (face, &guest, bad[i]);
        expect_fleet_refused (face, &fleet, "is no name for a host");
    }
    assert_int_equal (face_journal (face), rows);
    enrol.name = "p4";
    assert_int_equal (ask_in (peer, &enrol)->state, ENROLMENT_WAITING);
    face_leave (&peer);
    face_carry_on (face);
}

/* Revoked is revoked, also for a host that once came in by a token. */
static void test_enrolled_and_revoked (void **state)
{
    struct face *face = *state;
    struct guest guest = guest_invited (face, 60);
    struct enrol enrol = enrol_of (&guest, "p4");
    struct face_peer *peer = face_connect (face, FACE_AGENTS, &guest.wire);
    assert_int_equal (ask_in (peer, &enrol)->state, ENROLMENT_WAITING);
    assert_int_equal (face_shake (face, FACE_AGENTS, &guest.wire), FACE_OPEN);
    face_submit_fleet (face, fleet_with (face, &guest, "p4"));
    assert_int_equal (face_shake (face, FACE_AGENTS, &guest.wire), FACE_OPEN);
    face_submit_fleet (face, face_draft_fleet (face, face->fleet.version + 1));
    assert_int_equal (face_shake (face, FACE_AGENTS, &guest.wire), FACE_TURNED_AWAY);
    face_leave (&peer);
    face_carry_on (face);
}

/* -------------------------------------------------------------------------------------- names of one's own
 */

/* Who calls itself by an id is not heard at all, and takes nobody's place. */
static void test_routing_id_of_ones_own (void **state)
{
    static const char *const ids[] = {"p1", "local", "\x01\x02\x03\x04\x05", "a name that is rather long"};
    struct face *face = *state;
    struct face_peer *victim = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P1].wire);
    struct ping ping = {.number = 1};
    struct buffer body = {0};
    struct error error;
    face_settle (victim);
    assert_true (message_encode (&ping_type, &ping, &body, &error));
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct face_raw *raw = face_raw (face, FACE_AGENTS, ZMQ_DEALER, &face->hosts[FACE_P3].wire, ids[i]);
        face_raw_say (raw, buffer_bytes (&body));
        assert_false (face_raw_hears (raw, HEAR_MS));
        face_settle (victim);
        face_raw_leave (&raw);
    }
    {
        struct face_raw *raw = face_raw (face, FACE_AGENTS, ZMQ_DEALER, &face->hosts[FACE_P3].wire, NULL);
        face_raw_say (raw, buffer_bytes (&body));
        assert_true (face_raw_hears (raw, PATIENCE_MS));
        face_raw_leave (&raw);
    }
    buffer_free (&body);
    face_leave (&victim);
    face_carry_on (face);
}

static const char *version_of (struct face *face, const char *name)
{
    struct inventory_wanted wanted = {.request = 1};
    const struct inventory *inventory;
    face_say (face->local, &inventory_wanted_type, &wanted);
    inventory = face_hear (face->local, &inventory_type);
    for (size_t i = 0; i < inventory->hosts_count; i++)
        if (strcmp (inventory->hosts[i].name, name) == 0)
            return inventory->hosts[i].releases_count > 0 ? inventory->hosts[i].releases[0].version : "";
    fail_msg ("no host %s", name);
    return NULL;
}

static void test_hello_in_another_name (void **state)
{
    struct face *face = *state;
    struct host_release release = {.product = FACE_PRODUCT, .version = "6.6.6", .counter = 99};
    struct hello hello = {
        .host = face_host_name (FACE_P1), .agent = "1", .releases = &release, .releases_count = 1};
    struct face_peer *liar = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P3].wire);
    face_say (liar, &hello_type, &hello);
    assert_null (face_hear_within (liar, &welcome_type, SILENCE_MS));
    assert_string_equal (version_of (face, "p1"), "");
    assert_string_equal (version_of (face, "p3"), "");
    hello.host = face_host_name (FACE_P3);
    face_say (liar, &hello_type, &hello);
    (void)face_hear (liar, &welcome_type);
    assert_string_equal (version_of (face, "p3"), "6.6.6"); /* of itself a host may claim what it likes */
    assert_string_equal (version_of (face, "p1"), "");
    face_leave (&liar);
    face_carry_on (face);
}

/* A stolen wire key beside its owner: each is answered on its own connection, and the owner loses nothing. */
static void test_two_connections_with_one_key (void **state)
{
    struct face *face = *state;
    struct face_peer *owner = face_agent (face, FACE_P1);
    struct face_peer *thief = face_agent (face, FACE_P1);
    struct pull pull = {.trust_version = 1, .fleet_version = 1};
    assert_null (face_next (owner, SILENCE_MS).type);
    (void)face_start_release (face);
    face_say (thief, &pull_type, &pull);
    (void)face_hear (thief, &permit_offer_type);
    assert_int_equal (face_obey (face, owner, FACE_P1), 1);
    assert_int_equal (face_obey (face, owner, FACE_P1), 1);
    assert_int_equal (face_head (face).step, FACE_SIGNOFF);
    face_leave (&owner);
    face_leave (&thief);
}

/* --------------------------------------------------------------------------- what is in no table, and
 * loiterers */

/* Numbers of entries and documents, of nothing, other versions, other shapes: from whoever is let in. */
static void say_nonsense (struct face *face, struct face_peer *peer)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *why;
    } bad[] = {
        {"\x93\x01\x64\x80", 4, "message number 100 is unknown"},     /* entry_epoch */
        {"\x93\x01\x65\x80", 4, "message number 101 is unknown"},     /* entry_trust */
        {"\x93\x01\xcc\xc8\x80", 5, "message number 200 is unknown"}, /* note_trust */
        {"\x93\x01\x00\x80", 4, "message number 0 is unknown"},
        {"\x93\x01\x7f\x80", 4, "message number 127 is unknown"},
        {"\x93\x01\xcd\xff\xff\x80", 6, "is unknown"},
        {"\x93\x01\xa5\x68\x65\x6c\x6c\x6f\x80", 9, "is unknown"}, /* a method by its name */
        {"\x93\x02\x01\x80", 4, "protocol version 2, this side speaks 1"},
        {"\x93\xff\x01\x80", 4, "protocol version"},
        {"", 0, "not a relevo message"},
        {"\xdd\xff\xff\xff\xff", 5, "not a relevo message"},
        {"\x93\x01\x14\xdd\xff\xff\xff\xff", 8, NULL}, /* enrol: four thousand million of something */
        {"\x93\x01\x14\x83\xa6secret\xc6\xff\xff\xff\xff", 16, NULL},
        {"\x93\x01\x14\x83\xa6secret\xc4\x20", 12, NULL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        face_log_mark (face);
        face_say_bytes (peer, (struct bytes){(const uint8_t *)bad[i].bytes, bad[i].size});
        if (!face_log_says (face, bad[i].why != NULL ? bad[i].why : "refused: "))
            fail_msg ("nonsense %zu was not refused by \"%s\"", i, bad[i].why);
    }
}

static void test_words_of_no_table (void **state)
{
    struct face *face = *state;
    struct guest guest = guest_invited (face, 60);
    struct face_peer *stranger = face_connect (face, FACE_AGENTS, &guest.wire);
    struct face_peer *agent = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P3].wire);
    struct enrol enrol = enrol_of (&guest, "p4");
    uint64_t rows = face_journal (face);
    size_t before = face_memory (face);
    say_nonsense (face, stranger);
    say_nonsense (face, agent);
    assert_int_equal (face_journal (face), rows);
    assert_true (face_memory (face) < before + ROOM_KB);
    assert_int_equal (ask_in (stranger, &enrol)->state, ENROLMENT_WAITING);
    face_settle (agent);
    face_leave (&stranger);
    face_leave (&agent);
    face_carry_on (face);
}

/* They hold their connections open and never finish a handshake; or say what is no ZeroMQ at all. */
static void test_loiterers (void **state)
{
    static const char *const words[] = {"", "\xff", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02"};
    struct face *face = *state;
    int files[LOITERERS];
    size_t before = face_memory (face);
    for (size_t i = 0; i < LOITERERS; i++) {
        files[i] = face_tcp (face, (enum face_door) (i % FACE_LOCAL));
        face_tcp_say (files[i], bytes_of_text (words[i % (sizeof words / sizeof words[0])]));
    }
    face_carry_on (face);
    assert_true (face_memory (face) < before + ROOM_KB);
    for (size_t i = 0; i < LOITERERS; i++)
        (void)close (files[i]);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_token_used_twice, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_token_expired, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_token_guessed, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_flood_of_requests, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_enrol_as_another_host, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_enrol_with_a_path_for_a_name, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_enrolled_and_revoked, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_routing_id_of_ones_own, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_hello_in_another_name, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_two_connections_with_one_key, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_words_of_no_table, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_loiterers, face_setup, face_teardown),
    };
    return cmocka_run_group_tests_name ("strangers", tests, NULL, NULL);
}
