/* Who may send what: every message of the table, from every kind of peer, through every door. What is allowed
   stands here once more, by hand: whoever changes the table has to think twice. */
#include <string.h>

#include <zmq.h>

#include "tests/attacks/face_part.h"
#include "tests/attacks/plausible.h"

/* relevod complains thirty times a minute at most: it is started anew before that. */
enum { COMPLAINTS = 25, MARK = 424242, GONE_MS = 300, PATIENCE_MS = 15000 };

/* Kinds of peers that are let in at all. */
enum { STRANGER = 1, AGENT = 2, WATCHER = 4, OPERATOR = 8, RELEASER = 16, LOCAL = 32 };
enum { PEOPLE = WATCHER | OPERATOR | RELEASER | LOCAL };

static const struct row {
    const char *message;
    unsigned allowed;
    const char *answer; /* NULL: none, it is only taken */
} rows[] = {
    {"hello", AGENT, "welcome"},
    {"welcome", 0, NULL},
    {"ping", AGENT | PEOPLE, "pong"},
    {"pong", 0, NULL},
    {"pull", AGENT, "offer"},
    {"offer", 0, NULL},
    {"permit_offer", 0, NULL},
    {"heartbeat", 0, NULL},
    {"report", AGENT, "report_stored"},
    {"report_stored", 0, NULL},
    {"doing", AGENT, NULL},
    {"chunk_wanted", AGENT, "chunk"},
    {"chunk", 0, NULL},
    {"chunk_refused", 0, NULL},
    {"enrol", STRANGER | AGENT, "enrolment"},
    {"enrolment", 0, NULL},
    {"content_wanted", 0, NULL},
    {"content_here", 0, NULL},
    {"linked", 0, NULL},
    {"content_late", 0, NULL},
    {"content_done", 0, NULL},
    {"answer", 0, NULL},
    {"inventory_wanted", PEOPLE, "inventory"},
    {"inventory", 0, NULL},
    {"submit", PEOPLE, "answer"},
    {"token_make", OPERATOR | LOCAL, "answer"},
    {"host_reject", OPERATOR | LOCAL, "answer"},
    {"put", OPERATOR | RELEASER | LOCAL, "put_state"},
    {"put_state", 0, NULL},
    {"rollout_start", OPERATOR | RELEASER | LOCAL, "answer"},
    {"decide", PEOPLE, "answer"},
    {"rollouts_wanted", PEOPLE, "rollouts"},
    {"rollouts", 0, NULL},
    {"watch", PEOPLE, "progress"},
    {"progress", 0, NULL},
    {"evidence_wanted", PEOPLE, "evidence_list"},
    {"evidence_list", 0, NULL},
    {"audit_wanted", PEOPLE, "audit_page"},
    {"audit_page", 0, NULL},
    {"trusts_wanted", PEOPLE, "trusts_page"},
    {"trusts_page", 0, NULL},
    {"tell", 0, NULL},
    {"told", 0, NULL},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void test_the_matrix_is_the_table (void **state)
{
    size_t messages = 0;
    (void)state;
    for (size_t i = 0; i < record_type_count; i++)
        messages += record_types[i]->class == MESSAGE;
    assert_int_equal (messages, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        if (record_type_named (MESSAGE, rows[i].message) == NULL)
            fail_msg ("there is no message %s", rows[i].message);
}

/* ------------------------------------------------------------------------------------------------------
 * doors */

static void token_out (struct face *face)
{
    face_expect (face_ask (face->local, &token_make_type, plausible (face, &token_make_type)), true, "enrol");
}

static const struct {
    const char *who;
    enum face_shake agents;
    enum face_shake publish;
    enum face_shake remote;
} doors[] = {
    {"no key", FACE_BROKEN, FACE_BROKEN, FACE_BROKEN},
    {"an unknown key", FACE_TURNED_AWAY, FACE_TURNED_AWAY, FACE_TURNED_AWAY},
    {"the controller's own key", FACE_TURNED_AWAY, FACE_TURNED_AWAY, FACE_TURNED_AWAY},
    {"an agent", FACE_OPEN, FACE_OPEN, FACE_TURNED_AWAY},
    {"an operator", FACE_TURNED_AWAY, FACE_TURNED_AWAY, FACE_OPEN},
    {"a releaser", FACE_TURNED_AWAY, FACE_TURNED_AWAY, FACE_OPEN},
    {"an approver", FACE_TURNED_AWAY, FACE_TURNED_AWAY, FACE_OPEN},
    {"a host that was revoked", FACE_TURNED_AWAY, FACE_TURNED_AWAY, FACE_TURNED_AWAY},
    {"a person who was revoked", FACE_TURNED_AWAY, FACE_TURNED_AWAY, FACE_TURNED_AWAY},
};
enum { DOORS = sizeof doors / sizeof doors[0] };

static void test_every_key_at_every_door (void **state)
{
    struct face *face = *state;
    const struct wire_pair *keys[DOORS] = {
        NULL,
        &face->wires[FACE_NOBODY],
        &face->server,
        &face->hosts[FACE_P3].wire,
        &face->wires[FACE_OPERATOR],
        &face->wires[FACE_RELEASER_1],
        &face->wires[FACE_ANA],
        &face->hosts[FACE_S1].wire,
        &face->wires[FACE_EVA]};
    assert_int_equal (face_shake (face, FACE_AGENTS, &face->hosts[FACE_S1].wire), FACE_OPEN);
    assert_int_equal (face_shake (face, FACE_REMOTE, &face->wires[FACE_EVA]), FACE_OPEN);
    face_revoke_host (face, FACE_S1);
    face_revoke_person (face, FACE_EVA);
    for (size_t i = 0; i < DOORS; i++) {
        const enum face_shake wanted[] = {doors[i].agents, doors[i].publish, doors[i].remote};
        for (size_t door = 0; door < 3; door++) {
            enum face_shake shake = face_shake (face, (enum face_door)door, keys[i]);
            if (shake != wanted[door])
                fail_msg ("%s at door %zu: %d, not %d", doors[i].who, door, (int)shake, (int)wanted[door]);
        }
    }
    assert_int_equal (face_shake (face, FACE_LOCAL, NULL), FACE_BROKEN);
    assert_int_equal (face_shake (face, FACE_LOCAL, &face->wires[FACE_NOBODY]), FACE_OPEN);
    /* A token lets strangers in, where they can use it and nowhere else. */
    token_out (face);
    assert_int_equal (face_shake (face, FACE_AGENTS, &face->wires[FACE_NOBODY]), FACE_OPEN);
    assert_int_equal (face_shake (face, FACE_AGENTS, &face->hosts[FACE_S1].wire), FACE_OPEN);
    assert_int_equal (face_shake (face, FACE_PUBLISH, &face->wires[FACE_NOBODY]), FACE_TURNED_AWAY);
    assert_int_equal (face_shake (face, FACE_REMOTE, &face->wires[FACE_NOBODY]), FACE_TURNED_AWAY);
    face_carry_on (face);
}

/* ------------------------------------------------------------------------------------- messages of those let
 * in */

static const struct kind {
    unsigned bit;
    const char *name; /* as relevod calls it */
    enum face_door door;
    int person; /* else a host: p3 */
} kinds[] = {
    {STRANGER, "a stranger", FACE_AGENTS, FACE_NOBODY},
    {AGENT, "an agent", FACE_AGENTS, -1},
    {WATCHER, "a person", FACE_REMOTE, FACE_ANA},
    {OPERATOR, "an operator", FACE_REMOTE, FACE_OPERATOR},
    {RELEASER, "a releaser", FACE_REMOTE, FACE_RELEASER_1},
    {LOCAL, "an operator", FACE_LOCAL, FACE_NOBODY},
};

static const struct wire_pair *pair_of (const struct face *face, const struct kind *kind)
{
    return kind->person < 0 ? &face->hosts[FACE_P3].wire : &face->wires[kind->person];
}

/* The first message that comes before the answer to a ping; of a stranger, to a request that is refused. */
static struct message say_and_settle (
    struct face_peer *peer, const struct kind *kind, const struct record_type *type, const void *record,
    struct arena *arena)
{
    struct ping ping = {.number = MARK};
    struct enrol enrol = {
        .secret = bytes_of_text ("no token"), .name = "x", .key = peer->face->keys[0].public};
    struct message first = {0};
    face_say (peer, type, record);
    if (kind->bit == STRANGER)
        face_say (peer, &enrol_type, &enrol);
    else
        face_say (peer, &ping_type, &ping);
    for (;;) {
        struct message message = face_next (peer, PATIENCE_MS);
        const struct pong *pong = message.record;
        if (message.type == NULL)
            fail_msg ("%s from %s: not even what came after it was answered", type->name, kind->name);
        if (message.type == &pong_type && pong->number == MARK)
            return first;
        if (kind->bit == STRANGER && (type != &enrol_type || first.type != NULL))
            return first;
        if (first.type == NULL) {
            first = message;
            if (message.type == &answer_type) {
                struct answer *answer = arena_copy (arena, message.record, sizeof *answer);
                answer->text = arena_text (arena, answer->text);
                answer->kind = arena_text (arena, answer->kind);
                first.record = answer;
            }
        }
    }
}

static void expect_refused (
    struct face *face, const struct kind *kind, const struct row *row, const struct message *said,
    uint64_t rows_before)
{
    const struct answer *answer = said->record;
    const char *why =
        arena_format (&face->arena, "refused: %s must not come from %s", row->message, kind->name);
    if (face_journal (face) != rows_before)
        fail_msg ("%s from %s was written into the journal", row->message, kind->name);
    if (!face_log_says (face, why))
        fail_msg ("the log does not say \"%s\"", why);
    if (kind->door == FACE_AGENTS && said->type != NULL)
        fail_msg ("%s from %s was answered by %s", row->message, kind->name, said->type->name);
    if (kind->door != FACE_AGENTS) {
        assert_ptr_equal (said->type, &answer_type);
        assert_string_equal (answer->kind, "refused");
        face_expect (answer, false, strchr (why, ' ') + 1);
    }
}

static void expect_taken (
    struct face *face, const struct kind *kind, const struct row *row, const struct message *said)
{
    const char *name = said->type != NULL ? said->type->name : NULL;
    if (name == NULL ? row->answer != NULL : row->answer == NULL || strcmp (name, row->answer) != 0)
        fail_msg ("%s from %s was answered by %s", row->message, kind->name, name != NULL ? name : "nothing");
    if (said->type == &answer_type)
        assert_null (strstr (((const struct answer *)said->record)->text, "must not come from"));
    if (strcmp (row->message, "submit") == 0) {
        face_expect (said->record, true, "is in force");
        face->fleet.version++;
    }
}

/* A rollout is under way, so that decisions, evidence and watchers have something to be about. */
static void test_every_message_from_every_peer (void **state)
{
    struct face *face = *state;
    struct face_release release = face_start_release (face);
    size_t complaints = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t i = 0; i < ROWS; i++) {
            const struct record_type *type = record_type_named (MESSAGE, rows[i].message);
            struct arena arena = {0};
            struct face_peer *peer;
            struct message said;
            uint64_t before;
            if (kinds[k].bit == STRANGER)
                token_out (face);
            peer = face_connect (face, kinds[k].door, pair_of (face, &kinds[k]));
            before = face_journal (face);
            face_log_mark (face);
            said = say_and_settle (peer, &kinds[k], type, plausible (face, type), &arena);
            if ((rows[i].allowed & kinds[k].bit) != 0)
                expect_taken (face, &kinds[k], &rows[i], &said);
            else
                expect_refused (face, &kinds[k], &rows[i], &said, before);
            complaints += (rows[i].allowed & kinds[k].bit) == 0;
            face_leave (&peer);
            arena_free (&arena);
            if (complaints == COMPLAINTS) {
                complaints = 0;
                face_stop (face);
                face_start (face);
            }
        }
    face_expect (face_decide (face, &release, FACE_OPERATOR, DECISION_ABORT, 0), true, "recorded");
    face_work (face);
    assert_int_equal (face_head (face).phase, PHASE_ABORTED);
    face_submit_fleet (face, face_draft_fleet (face, face->fleet.version + 1));
    face_carry_on (face);
}

/* ------------------------------------------------------------------------------------------ those who were
 * known */

/* The connection stands, for ZeroMQ ends none; but nothing that comes by it is heard any more. */
static void expect_deaf (struct face *face, struct face_peer *peer)
{
    face_log_mark (face);
    for (size_t i = 0; i < ROWS; i++) {
        const struct record_type *type = record_type_named (MESSAGE, rows[i].message);
        uint64_t before = face_journal (face);
        face_say (peer, type, plausible (face, type));
        if (face_journal (face) != before)
            fail_msg ("%s was written into the journal", rows[i].message);
    }
    assert_null (face_next (peer, GONE_MS).type);
    assert_true (face_log_says (face, "refused: this key is not admitted (any more)"));
}

static void test_revoked_host_stays_connected (void **state)
{
    struct face *face = *state;
    struct face_peer *host = face_connect (face, FACE_AGENTS, &face->hosts[FACE_P3].wire);
    face_settle (host);
    face_revoke_host (face, FACE_P3);
    expect_deaf (face, host);
    face_leave (&host);
    face_carry_on (face);
}

static void test_revoked_person_stays_connected (void **state)
{
    struct face *face = *state;
    struct face_peer *person = face_connect (face, FACE_REMOTE, &face->wires[FACE_EVA]);
    face_settle (person);
    face_revoke_person (face, FACE_EVA);
    expect_deaf (face, person);
    face_leave (&person);
    face_carry_on (face);
}

/* ------------------------------------------------------------------------------------------ without any
 * handshake */

/* ZMTP by hand: a greeting, and then messages without waiting for anything. */
static void greeting (struct buffer *out, const char *mechanism)
{
    char words[64] = {0};
    words[0] = (char)0xFF;
    words[9] = 0x7F;
    words[10] = 3;
    (void)memcpy (words + 12, mechanism, strlen (mechanism));
    buffer_append (out, words, sizeof words);
}

static void frame (struct buffer *out, unsigned char flags, struct bytes body)
{
    const unsigned char head[] = {
        flags | 2,
        0,
        0,
        0,
        0,
        (unsigned char)(body.size >> 24),
        (unsigned char)(body.size >> 16),
        (unsigned char)(body.size >> 8),
        (unsigned char)body.size};
    buffer_append (out, head, sizeof head);
    buffer_append (out, body.data, body.size);
}

static void every_message (struct face *face, struct buffer *out)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct record_type *type = record_type_named (MESSAGE, rows[i].message);
        struct buffer body = {0};
        struct error error;
        if (!message_encode (type, plausible (face, type), &body, &error))
            fail_msg ("%s", error.text);
        frame (out, 0, buffer_bytes (&body));
        buffer_free (&body);
    }
}

static void test_messages_before_the_handshake (void **state)
{
    static const char *const mechanisms[] = {"NULL", "PLAIN", "CURVE", "GSSAPI"};
    static const char ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER";
    struct face *face = *state;
    uint64_t before = face_journal (face);
    for (size_t door = 0; door < FACE_LOCAL; door++)
        for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
            struct buffer out = {0};
            int file = face_tcp (face, (enum face_door)door);
            greeting (&out, mechanisms[i]);
            frame (&out, 4, (struct bytes){(const uint8_t *)ready, sizeof ready - 1});
            every_message (face, &out);
            face_tcp_say (file, buffer_bytes (&out));
            assert_true (face_tcp_ends (file));
            buffer_free (&out);
        }
    assert_int_equal (face_journal (face), before);
    face_carry_on (face);
}

/* Whoever may subscribe may not speak there: what comes up the wrong way is thrown away. */
static void test_messages_up_the_publish_socket (void **state)
{
    struct face *face = *state;
    uint64_t before = face_journal (face);
    struct face_raw *agent = face_raw (face, FACE_PUBLISH, ZMQ_XSUB, &face->hosts[FACE_P3].wire, NULL);
    struct error error;
    face_raw_say (agent, (struct bytes){(const uint8_t *)"\1", 1});
    for (size_t i = 0; i < ROWS; i++) {
        const struct record_type *type = record_type_named (MESSAGE, rows[i].message);
        struct buffer body = {0};
        if (!message_encode (type, plausible (face, type), &body, &error))
            fail_msg ("%s", error.text);
        face_raw_say (agent, buffer_bytes (&body));
        buffer_free (&body);
    }
    (void)face_start_release (face);
    for (size_t i = 0; i < 3; i++)
        assert_true (face_raw_hears (agent, PATIENCE_MS)); /* ticks, for one */
    assert_int_equal (face_journal_count (face, before, &entry_receipt_type), 0);
    assert_int_equal (face_journal_count (face, before, &entry_fleet_type), 0);
    assert_int_equal (face_journal_count (face, before, &entry_approval_type), 0);
    assert_int_equal (face_journal_count (face, before, &entry_rollout_type), 1);
    face_raw_leave (&agent);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_the_matrix_is_the_table),
        cmocka_unit_test_setup_teardown (test_every_key_at_every_door, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_every_message_from_every_peer, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_revoked_host_stays_connected, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_revoked_person_stays_connected, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_messages_before_the_handshake, face_setup, face_teardown),
        cmocka_unit_test_setup_teardown (test_messages_up_the_publish_socket, face_setup, face_teardown),
    };
    return cmocka_run_group_tests_name ("who may send what", tests, NULL, NULL);
}
