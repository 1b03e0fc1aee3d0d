/* One running relevod, and everybody who may want something of it: people of every role, hosts, and those
   whom nobody knows. Each speaks over a real socket. An attack takes the keys that its thief is granted.

   Everything fails the test by itself where it cannot be done; an attack's own outcome is returned. */
#ifndef RELEVO_TESTS_ATTACKS_FACE_H
#define RELEVO_TESTS_ATTACKS_FACE_H

#include <sys/types.h>

#include "common/core/gate.h"
#include "common/io/wire.h"
#include "proto/message.h"

/* Who stands in the trust document, and with what. All but the roots and the controller have a wire key
 * there.
 */
enum face_person {
    FACE_ROOT_1, /* two of the three roots sign a trust document */
    FACE_ROOT_2,
    FACE_ROOT_3,
    FACE_OPERATOR,
    FACE_RELEASER_1, /* two of two releasers sign a plan */
    FACE_RELEASER_2,
    FACE_ANA, /* ana and luis are the release-managers of production */
    FACE_LUIS,
    FACE_EVA, /* release-manager of staging, and tester */
    FACE_CONTROLLER,
    FACE_NOBODY, /* a key that no document knows */
    FACE_PEOPLE
};

/* The fleet: p1, p2 and p3 in production, s1 in staging, one product. Honest plans are about p1 and p2. */
enum face_host { FACE_P1, FACE_P2, FACE_P3, FACE_S1, FACE_HOSTS };

enum face_door { FACE_AGENTS, FACE_PUBLISH, FACE_REMOTE, FACE_LOCAL, FACE_DOORS };

#define FACE_PRODUCT "app"

struct face_installer {
    struct secret_key key;
    struct wire_pair wire;
    uint64_t counter;
    struct digest before;
    char version[LIMIT_VERSION + 1];
};

struct face {
    struct arena arena;
    char folder[128];
    pid_t process;
    char endpoints[FACE_DOORS][LIMIT_ADDRESS];
    struct wire *wire;
    struct wire_pair server;
    struct secret_key keys[FACE_PEOPLE];
    struct wire_pair wires[FACE_PEOPLE];
    struct face_installer hosts[FACE_HOSTS];
    struct trust trust;
    struct envelope trust_envelope;
    struct fleet fleet;
    struct envelope fleet_envelope;
    uint64_t counter;        /* of the newest plan */
    uint64_t rows;           /* of the journal, as of the last look */
    struct face_peer *peers; /* that have not left */
    struct face_peer *local;
    off_t log_mark;
};

/* A relevod with its first documents and one artefact, ready. cmocka's setup; `*state` is a struct face. */
int face_setup (void **state);
/* It must have lived to see the end, and end well. Removes everything. */
int face_teardown (void **state);
void face_stop (struct face *face);
void face_start (struct face *face);
/* Honest work still gets through: hosts say hello, a release goes out in all its steps, people watch. */
void face_carry_on (struct face *face);

struct instant face_in (int64_t seconds);                    /* from now; negative: that long ago */
size_t face_memory (const struct face *face);                /* what relevod holds, in KiB */
const char *face_path (struct face *face, const char *name); /* in relevod's folder */
/* Ends the test where a program of the release is missing. In the face's arena. */
const char *face_program (struct face *face, const char *name);

/* What relevod has written into its log since the last mark says so, or does within two seconds. */
void face_log_mark (struct face *face);
bool face_log_says (struct face *face, const char *words);

/* --------------------------------------------------------------------------------------------- connections
 */

struct face_peer {
    struct face *face;
    struct face_peer *next;
    struct wire_socket *socket;
    struct arena arena; /* of what was heard last */
};

/* Fails the test where the connection does not come about. */
struct face_peer *face_connect (struct face *face, enum face_door door, const struct wire_pair *pair);
void face_leave (struct face_peer **peer);
void face_say (struct face_peer *peer, const struct record_type *type, const void *record);
void face_say_bytes (struct face_peer *peer, struct bytes body);
/* False where its queue is full: the other side takes no more for now. */
bool face_try_bytes (struct face_peer *peer, struct bytes body);
/* The next message of that type, others are passed over. NULL: none within `patience` (milliseconds). It is
   good until the next call with this peer. */
const void *face_hear_within (struct face_peer *peer, const struct record_type *type, int64_t patience);
/* Fails the test where none comes. */
const void *face_hear (struct face_peer *peer, const struct record_type *type);
/* The next message of any type within `patience`; its type is NULL where none came. */
struct message face_next (struct face_peer *peer, int64_t patience);
/* Everything that was said before has been dealt with: a ping came back. For agents and people. */
void face_settle (struct face_peer *peer);
/* Asks, and hears the answer. */
const struct answer *face_ask (struct face_peer *peer, const struct record_type *type, const void *record);
void face_expect (const struct answer *answer, bool done, const char *words);

/* What becomes of a connection, without wire.h's care: `pair` NULL is no CURVE at all. */
enum face_shake { FACE_OPEN, FACE_TURNED_AWAY, FACE_BROKEN, FACE_SILENCE };
enum face_shake face_shake (struct face *face, enum face_door door, const struct wire_pair *pair);

/* ZeroMQ as it is: any socket type, frames at will, a routing id of one's own choice (NULL: none). It is
   connected when the first thing is said or heard. */
struct face_raw;
struct face_raw *face_raw (
    struct face *face, enum face_door door, int type, const struct wire_pair *pair, const char *routing_id);
void face_raw_say (struct face_raw *raw, struct bytes frame);
/* Not the message's last frame. */
void face_raw_say_part (struct face_raw *raw, struct bytes frame);
/* Any frame, within `patience` (milliseconds). */
bool face_raw_hears (struct face_raw *raw, int patience);
void face_raw_leave (struct face_raw **raw);

/* TCP as it is: a descriptor. */
int face_tcp (const struct face *face, enum face_door door);
/* As much as the other side takes before it hangs up. */
void face_tcp_say (int file, struct bytes data);
/* The other side hangs up within some seconds. Closes the descriptor. */
bool face_tcp_ends (int file);

/* -------------------------------------------------------------------------------------------------- journal
 */

/* How many rows it has now. */
uint64_t face_journal (struct face *face);
/* Rows of this type among those behind `after`. */
size_t face_journal_count (struct face *face, uint64_t after, const struct record_type *type);

/* --------------------------------------------------------------------------------------------------- papers
 */

const char *face_name (enum face_person person);
const char *face_host_name (enum face_host host);
void face_make_key (struct secret_key *ret);

struct envelope face_sign (
    struct face *face, const struct record_type *type, const void *record,
    const struct secret_key *const *keys, size_t count);
#define FACE_SIGN(face, type, record, ...)                                                                   \
    face_sign (                                                                                              \
        face, type, record, (const struct secret_key *const[]){__VA_ARGS__},                                 \
        sizeof ((const struct secret_key *const[]){__VA_ARGS__}) / sizeof (void *))
struct digest face_digest (const struct envelope *envelope);

/* Drafts, as honest owners of the keys would write them. */
struct trust face_draft_trust (struct face *face, uint64_t version);
struct fleet face_draft_fleet (struct face *face, uint64_t version);
/* Signs it with what it takes, hands it in by the local door, and it is in force. */
void face_submit_trust (struct face *face, struct trust trust);
void face_submit_fleet (struct face *face, struct fleet fleet);
/* The newest documents without that one; a role in which nobody is left goes too. */
void face_revoke_host (struct face *face, enum face_host host);
void face_revoke_person (struct face *face, enum face_person person);

/* deploy to p1, test it, two sign-offs, deploy to p2, test both. */
enum { FACE_DEPLOY_P1 = 1, FACE_TEST_P1, FACE_SIGNOFF, FACE_DEPLOY_P2, FACE_TEST_ALL };

struct face_release {
    struct plan plan;
    struct envelope envelope;
    struct digest digest;
    uint64_t rollout;
};

struct plan face_draft_plan (struct face *face);
/* Signed by both releasers. */
struct face_release face_release_of (struct face *face, const struct plan *plan);
/* Started by the local door. */
struct face_release face_start_release (struct face *face);

struct receipt face_draft_receipt (
    struct face *face, enum face_host host, const struct digest *plan, uint64_t step, uint64_t attempt,
    enum outcome outcome);
/* By the host's installer, as the next of its chain. */
struct envelope face_sign_receipt (struct face *face, enum face_host host, struct receipt *receipt);
struct report face_report (struct face *face, enum face_host host, struct receipt receipt);
/* By a person who has seen what the controller shows of the newest rollout. */
struct approval face_draft_approval (
    struct face *face, const struct face_release *release, enum face_person person, enum decision decision,
    uint64_t step);
/* Signs and hands it in by the local door; the answer is good until the next call by it. */
const struct answer *face_decide (
    struct face *face, const struct face_release *release, enum face_person person, enum decision decision,
    uint64_t step);

/* A host that has connected and is welcome. */
struct face_peer *face_agent (struct face *face, enum face_host host);
/* What a host says that has pulled: every permit is obeyed, its receipt stored. How many there were. */
size_t face_obey (struct face *face, struct face_peer *peer, enum face_host host);
/* Both hosts of a plan obey until nothing is left to do. */
void face_work (struct face *face);
/* Where the newest rollout stands, and why. Its other texts are gone at the next call. */
struct view_head face_head (struct face *face);
/* Up to the sign-off. */
struct face_release face_to_signoff (struct face *face);

#endif
