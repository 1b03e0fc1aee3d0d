/* One real host, and a controller that is whatever the test makes of it: it holds the controller's true
   signing key and true wire key, and speaks the real protocol over real CURVE sockets to a real `relevo-agent
   run`.

   The host is p2, the last one of the realm's plans, so that nothing opens for it without receipts of other
   hosts and approvals. Every function fails the test, with what the agent said and logged, where what it
   waits for does not come. */
#ifndef RELEVO_TESTS_ATTACKS_WORLD_H
#define RELEVO_TESTS_ATTACKS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "agent/io/config.h"
#include "agent/io/state.h"
#include "common/io/file.h"
#include "common/io/wire.h"
#include "proto/message.h"
#include "tests/attacks/realm.h"

enum { SAID = 512, WORLD_PATH = 128 };

/* What a host's service, link and journal are at one moment. */
struct host_state {
    char current[WORLD_PATH]; /* where the link leads; "" where there is none */
    long service;             /* its process, 0 where none runs */
    char served[WORLD_PATH];  /* the version that it was started as */
    size_t notes;             /* of the journal, but for the clock's */
    bool acts;                /* an act is begun and not finished */
    struct digest journal;
};

struct world;
/* Answers a chunk_wanted in another way than an honest controller. */
typedef void (*chunk_answer) (struct world *world, const struct chunk_wanted *wanted);

struct world {
    struct realm realm;
    enum who controller; /* whose key signs permits and ticks */
    char folder[WORLD_PATH];
    const char *log;
    const char *clock; /* the file that sets the agent's clock; NULL: the real one */
    struct agent_config config;
    struct state_paths paths;

    struct wire *wire;
    struct wire_pair pair; /* the controller's */
    struct wire_socket *agents;
    struct wire_socket *publish;
    bool admits;       /* what ZAP is told */
    size_t admissions; /* keys that ZAP asked about */
    uint8_t route[WIRE_ROUTE_SIZE];
    uint8_t route_size; /* 0: the agent has not come yet */
    pid_t agent;        /* 0 while it does not run */
    uint64_t epoch;
    uint64_t sequence;
    uint64_t barriers;

    chunk_answer answer; /* NULL: honestly */
    bool mute;           /* answers nothing by itself: no welcome, no pong, no chunk */
    size_t messages;     /* that came from the agent */
    size_t hellos;
    size_t pulls;
    size_t chunks;       /* wanted */
    struct digest chunk; /* the content that was wanted last */
    struct arena hello_arena;
    struct hello hello; /* the newest */
    struct {
        enum activity activity;
        char detail[LIMIT_LINE + 1];
    } said[SAID]; /* the newest `doing`s: a ring */
    size_t said_count;
    size_t heard;           /* up to here the test has looked at them */
    struct envelope report; /* the newest, in the realm's memory */
    struct receipt receipt;
    size_t reports;
    size_t reports_seen;

    struct host_state before;
};

/* For main: runs the cases, as `nobody` where root started the program. */
#define WORLD_RUN(tests) cmocka_run_group_tests (tests, world_begin, world_end)
int world_begin (void **state);
int world_end (void **state);

/* Fixtures of one case: keys, sockets, and a host … */
int world_setup_stranger (void **state); /* … that is not enrolled */
int world_setup_bare (void **state);     /* … that is enrolled and runs, with no release on it */
int world_setup (void **state);          /* … with release 1.0, whose counter is 10 */
int world_teardown (void **state);
#define ATTACK(test) cmocka_unit_test_setup_teardown (test, world_setup, world_teardown)
#define ATTACK_BARE(test) cmocka_unit_test_setup_teardown (test, world_setup_bare, world_teardown)
#define ATTACK_STRANGER(test) cmocka_unit_test_setup_teardown (test, world_setup_stranger, world_teardown)

/* The state of an enrolled host, with the realm's newest documents; and the process. */
void world_join (struct world *world);
void agent_spawn (struct world *world, const char *command, const char *more); /* does not wait */
void agent_start (struct world *world);                                        /* waits until it has pulled */
void agent_stop (struct world *world);
void agent_kill (struct world *world); /* as by kill -9 */
void agent_restart (struct world *world);
/* What `relevo-agent status` prints, beside the agent that runs. In the realm's memory. */
const char *agent_status (struct world *world);
/* Until it ends by itself, at most ten seconds; its exit code. */
int agent_wait (struct world *world);
/* Sets the clock of the agent, and of all that is signed from now on, that far from the real one. Before
   agent_start for the first time. */
void world_clock (struct world *world, int64_t seconds);

/* Starts `relevo-agent enrol`, and waits until it asks; … */
void world_ask (struct world *world);
/* … and answers it. */
void world_enrol (struct world *world, const struct enrolment *answer);
/* A host makes its keys when it asks for the first time. It is rejected, and the realm knows them: so a fleet
   can name them. */
void world_learn_keys (struct world *world);

/* --------------------------------------------------------------------------- words of the controller */

void world_send (struct world *world, const struct record_type *type, const void *record);
void world_send_bytes (struct world *world, struct bytes body);
/* By XPUB, to everybody. */
void world_publish (struct world *world, const struct record_type *type, const void *record);
void world_tick (struct world *world); /* an honest one, the next in the epoch */
/* The envelope as an `offer`. An honest tick goes before it, so that the agent repeats what it has said
 * before. */
void world_offer (struct world *world, const struct envelope *envelope);
void world_permit_envelope (
    struct world *world, const struct envelope *permit, const struct evidence *evidence);
/* Signed by the controller. */
void world_permit (struct world *world, const struct permit *permit, const struct evidence *evidence);
/* The plan, and everything that opens deploy step 6 for this host; does not wait. */
void world_open (struct world *world, const struct release *release, uint64_t attempt);
/* Makes it the realm's newest, and offers it. */
void world_new_trust (struct world *world, struct envelope trust, uint64_t version);
void world_new_fleet (struct world *world, struct envelope fleet, uint64_t version);

/* -------------------------------------------------------------------------------- what the host does */

/* Takes what comes and answers it, for so long. */
void world_serve (struct world *world, struct span time);
/* Until `*counter` is above `above`. */
void world_until (struct world *world, const size_t *counter, size_t above, const char *what);
/* Until it says something that contains the words, beyond what was looked at. */
void world_says (struct world *world, const char *words);
void world_says_as (struct world *world, enum activity activity, const char *words);
/* Until its log contains the words. */
void world_logs (struct world *world, const char *words);
/* Until its hello says that it has documents of these versions. */
void world_knows (struct world *world, uint64_t trust, uint64_t fleet);
/* Until everything that was sent before has been judged. */
void world_settle (struct world *world);
/* Until a receipt comes, in world->receipt: of this plan, step and outcome, with these words in its cause. */
void world_reports (
    struct world *world, const struct release *release, uint64_t step, enum outcome outcome,
    const char *words);

struct host_state host_look (const struct world *world);
/* The state from which an attack starts, once all is at rest. world_setup remembers the one after
 * release 1.0. */
void world_remember (struct world *world);
/* Link, service and journal are what they were; everything that was sent has been judged. */
void world_unchanged (struct world *world);
/* Link and service are; the journal holds that something was tried. */
void world_same_service (struct world *world);
/* It says so, and nothing has changed. */
void world_refuses (struct world *world, const char *words);
/* It runs this release, and its service says so. */
void world_runs (struct world *world, const struct release *release);
/* The honest counterpart of an attack: the plan and its true permit are obeyed. */
void world_obeys (struct world *world, const struct release *release);
void world_obeys_attempt (struct world *world, const struct release *release, uint64_t attempt);

void world_fail (const struct world *world, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

#endif
