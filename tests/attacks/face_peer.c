/* Connections to relevod, its journal as the local door shows it, and the honest work of a whole rollout. */
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "common/io/clock.h"
#include "tests/attacks/face_part.h"

enum { PATIENCE_MS = 15000, WAIT_MS = 20, MOST_STEPS = 50 };

/* ----------------------------------------------------------------------------------------------- connections
 */

static void wait_a_little (struct face_peer *peer, int64_t most)
{
    bool ready;
    struct error error;
    struct span span = {most < WAIT_MS ? most : WAIT_MS};
    if (!wire_wait (peer->face->wire, &peer->socket, 1, &ready, NULL, 0, span, &error))
        fail_msg ("%s", error.text);
}

struct face_peer *face_connect (struct face *face, enum face_door door, const struct wire_pair *pair)
{
    struct face_peer *peer = calloc (1, sizeof *peer);
    enum wire_kind kind = door == FACE_PUBLISH ? WIRE_SUB : WIRE_DEALER;
    struct error error;
    assert_non_null (peer);
    peer->face = face;
    peer->next = face->peers;
    face->peers = peer;
    if (!wire_connect (
            face->wire, kind, face->endpoints[door], &face->server.public, pair, &peer->socket, &error))
        fail_msg ("%s", error.text);
    return peer;
}

void face_leave (struct face_peer **peer)
{
    struct face_peer *self = *peer;
    struct face_peer **place;
    if (self == NULL)
        return;
    place = &self->face->peers;
    while (*place != self)
        place = &(*place)->next;
    *place = self->next;
    wire_socket_close (&self->socket);
    arena_free (&self->arena);
    free (self);
    *peer = NULL;
}

bool face_try_bytes (struct face_peer *peer, struct bytes body)
{
    struct instant end = instant_add (clock_steady (), (struct span){PATIENCE_MS});
    enum wire_sent sent = wire_send (peer->socket, NULL, 0, body);
    while (sent == WIRE_GONE && instant_before (clock_steady (), end)) {
        wait_a_little (peer, 1);
        sent = wire_send (peer->socket, NULL, 0, body);
    }
    if (sent == WIRE_GONE)
        fail_msg ("no connection to %s", wire_endpoint (peer->socket));
    return sent == WIRE_SENT;
}

void face_say_bytes (struct face_peer *peer, struct bytes body)
{
    struct instant end = instant_add (clock_steady (), (struct span){PATIENCE_MS});
    while (!face_try_bytes (peer, body)) {
        assert_true (instant_before (clock_steady (), end));
        (void)zmq_poll (NULL, 0, 1);
    }
}

void face_say (struct face_peer *peer, const struct record_type *type, const void *record)
{
    struct buffer body = {0};
    struct error error;
    if (!message_encode (type, record, &body, &error))
        fail_msg ("%s: %s", type->name, error.text);
    face_say_bytes (peer, buffer_bytes (&body));
    buffer_free (&body);
}

struct message face_next (struct face_peer *peer, int64_t patience)
{
    struct instant end = instant_add (clock_steady (), (struct span){patience});
    struct wire_message wire;
    struct message message = {0};
    struct error error;
    while (!wire_receive (peer->socket, &wire)) {
        int64_t left = instant_between (clock_steady (), end).ms;
        if (left <= 0)
            return message;
        wait_a_little (peer, left);
    }
    arena_free (&peer->arena);
    if (!message_decode (MESSAGE, FROM_CONTROLLER, wire.body, &peer->arena, &message, &error))
        fail_msg ("relevod says what it must not: %s", error.text);
    return message;
}

const void *face_hear_within (struct face_peer *peer, const struct record_type *type, int64_t patience)
{
    struct instant end = instant_add (clock_steady (), (struct span){patience});
    for (;;) {
        struct message message = face_next (peer, instant_between (clock_steady (), end).ms);
        if (message.type == type)
            return message.record;
        if (message.type == NULL)
            return NULL;
    }
}

const void *face_hear (struct face_peer *peer, const struct record_type *type)
{
    const void *record = face_hear_within (peer, type, PATIENCE_MS);
    if (record == NULL)
        fail_msg ("no %s came", type->name);
    return record;
}

void face_settle (struct face_peer *peer)
{
    static uint64_t number;
    struct ping ping = {.number = ++number};
    const struct pong *pong;
    face_say (peer, &ping_type, &ping);
    do
        pong = face_hear (peer, &pong_type);
    while (pong->number != number);
}

const struct answer *face_ask (struct face_peer *peer, const struct record_type *type, const void *record)
{
    face_say (peer, type, record);
    return face_hear (peer, &answer_type);
}

void face_expect (const struct answer *answer, bool done, const char *words)
{
    if (answer->done != done || strstr (answer->text, words) == NULL)
        fail_msg (
            "%s was expected with \"%s\", and it is: %s, %s", done ? "yes" : "no", words,
            answer->done ? "yes" : "no", answer->text);
}

/* --------------------------------------------------------------------------------------------------- journal
 */

static size_t look (struct face *face, uint64_t after, const struct record_type *type)
{
    struct audit_wanted wanted = {.request = 7, .after = after};
    const struct audit_page *page;
    size_t found = 0;
    face->rows = after;
    do {
        face_say (face->local, &audit_wanted_type, &wanted);
        page = face_hear (face->local, &audit_page_type);
        for (size_t i = 0; i < page->rows_count; i++) {
            struct arena arena = {0};
            struct message entry;
            struct error error;
            if (!message_decode (ENTRY, 0, page->rows[i].body, &arena, &entry, &error))
                fail_msg ("row %zu: %s", i, error.text);
            found += entry.type == type;
            face->rows = wanted.after = page->rows[i].sequence;
            arena_free (&arena);
        }
    } while (page->more);
    return found;
}

uint64_t face_journal (struct face *face)
{
    (void)look (face, face->rows, NULL);
    return face->rows;
}

size_t face_journal_count (struct face *face, uint64_t after, const struct record_type *type)
{
    return look (face, after, type);
}

/* ------------------------------------------------------------------------------------------------ honest
 * work */

/* The permits that a pull brings for this host. */
static size_t take_permits (
    struct face_peer *peer, const char *name, struct arena *arena, struct permit *ret, size_t most)
{
    struct pull pull = {
        .trust_version = peer->face->trust.version, .fleet_version = peer->face->fleet.version};
    struct ping ping = {.number = 99};
    size_t count = 0;
    face_say (peer, &pull_type, &pull);
    face_say (peer, &ping_type, &ping);
    for (;;) {
        struct message message = face_next (peer, PATIENCE_MS);
        const struct permit_offer *offer = message.record;
        struct error error;
        if (message.type == &pong_type)
            return count;
        assert_non_null (message.type);
        if (message.type != &permit_offer_type)
            continue;
        assert_true (count < most);
        if (!document_read (&permit_type, offer->permit.content, arena, &ret[count], &error))
            fail_msg ("%s", error.text);
        for (size_t i = 0; i < ret[count].hosts_count; i++)
            if (strcmp (ret[count].hosts[i], name) == 0) {
                count++;
                break;
            }
    }
}

struct face_peer *face_agent (struct face *face, enum face_host host)
{
    struct face_peer *peer = face_connect (face, FACE_AGENTS, &face->hosts[host].wire);
    struct hello hello = {.host = face_host_name (host), .agent = "1"};
    face_say (peer, &hello_type, &hello);
    (void)face_hear (peer, &welcome_type);
    return peer;
}

size_t face_obey (struct face *face, struct face_peer *peer, enum face_host host)
{
    struct arena arena = {0};
    struct permit permits[MOST_STEPS];
    size_t count = take_permits (peer, face_host_name (host), &arena, permits, MOST_STEPS);
    for (size_t i = 0; i < count; i++) {
        bool is_test = permits[i].step == FACE_TEST_P1 || permits[i].step == FACE_TEST_ALL;
        enum outcome outcome = permits[i].kind == PERMIT_RETURN ? OUTCOME_RETURNED
                               : is_test                        ? OUTCOME_PASSED
                                                                : OUTCOME_KEPT;
        struct report report = face_report (
            face, host,
            face_draft_receipt (face, host, &permits[i].plan, permits[i].step, permits[i].attempt, outcome));
        face_say (peer, &report_type, &report);
        (void)face_hear (peer, &report_stored_type);
    }
    arena_free (&arena);
    return count;
}

void face_work (struct face *face)
{
    struct face_peer *peers[2];
    size_t done;
    for (size_t i = 0; i < 2; i++)
        peers[i] = face_agent (face, (enum face_host)i);
    do {
        done = 0;
        for (size_t i = 0; i < 2; i++)
            done += face_obey (face, peers[i], (enum face_host)i);
    } while (done > 0);
    for (size_t i = 0; i < 2; i++)
        face_leave (&peers[i]);
}

struct view_head face_head (struct face *face)
{
    struct rollouts_wanted wanted = {.request = 8};
    const struct rollouts *rollouts;
    struct view_head head;
    face_say (face->local, &rollouts_wanted_type, &wanted);
    rollouts = face_hear (face->local, &rollouts_type);
    assert_true (rollouts->heads_count > 0);
    head = rollouts->heads[0];
    head.cause = arena_text (&face->arena, head.cause);
    return head;
}

struct face_release face_to_signoff (struct face *face)
{
    struct face_release release = face_start_release (face);
    face_work (face);
    assert_int_equal (face_head (face).phase, PHASE_AWAITING);
    return release;
}

void face_carry_on (struct face *face)
{
    struct face_peer *watcher = face_connect (face, FACE_REMOTE, &face->wires[FACE_ANA]);
    struct watch watch = {.request = 1, .rollout = 0};
    const struct progress *progress;
    struct face_release release;
    release = face_to_signoff (face);
    face_say (watcher, &watch_type, &watch);
    assert_int_equal (
        ((const struct progress *)face_hear (watcher, &progress_type))->head.phase, PHASE_AWAITING);
    face_expect (face_decide (face, &release, FACE_ANA, DECISION_APPROVE, FACE_SIGNOFF), true, "recorded");
    face_expect (face_decide (face, &release, FACE_LUIS, DECISION_APPROVE, FACE_SIGNOFF), true, "recorded");
    face_work (face);
    do
        progress = face_hear (watcher, &progress_type);
    while (progress->head.phase != PHASE_HEALTHY);
    face_leave (&watcher);
}
