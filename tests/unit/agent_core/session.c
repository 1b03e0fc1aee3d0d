/* The session against a controller whose messages are lost, doubled and reordered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/session.h"
#include "common/core/document.h"

enum { LENGTH = 5 * 1000 * 1000 + 17, QUEUE = 256 };

/* The rest of the world: a controller with one content, a spool, and an installer that listens. */
struct bench {
    struct session *session;
    struct instant now;
    uint64_t random;
    struct arena arena;
    struct message queue[QUEUE]; /* from the controller */
    size_t queued;
    struct session_event news[QUEUE]; /* from the spool */
    size_t news_count;

    bool deaf;      /* the controller answers nothing */
    unsigned lose;  /* one chunk in so many is lost; 0: none */
    unsigned twice; /* … is doubled */
    unsigned mix;   /* … is overtaken by the next */
    unsigned bad;   /* so many times the whole content turns out wrong */
    unsigned refuse;

    uint8_t *content;
    uint8_t *spool;
    uint64_t have;
    uint64_t outstanding;
    uint64_t outstanding_most;
    size_t sent[64]; /* by message number */
    size_t handed[64];
    size_t pulls_seen;
    uint64_t epoch;
    size_t reconnects;
    size_t opens;
    size_t drops;
    size_t chunks;
    char detail[LIMIT_LINE + 1];
    char late[LIMIT_LINE + 1]; /* what the installer heard about it */
};

static struct digest the_content (void)
{
    return digest_of ("content", 7);
}

static void answer (struct bench *bench, const struct record_type *type, const void *record)
{
    assert_true (bench->queued < QUEUE);
    bench->queue[bench->queued++] = (struct message){type, arena_copy (&bench->arena, record, type->size)};
}

static uint64_t roll (struct bench *bench)
{
    bench->random = bench->random * 6364136223846793005U + 1442695040888963407U;
    return bench->random >> 33;
}

static void serve_chunk (struct bench *bench, const struct chunk_wanted *wanted)
{
    struct chunk chunk = {
        .content = wanted->content,
        .offset = wanted->offset,
        .data = {bench->content + wanted->offset, wanted->size},
    };
    assert_true (wanted->size > 0 && wanted->size <= LIMIT_CHUNK);
    assert_true (wanted->offset + wanted->size <= LENGTH);
    bench->chunks++;
    if (bench->refuse > 0) {
        struct chunk_refused refused = {.content = wanted->content, .cause = "too many ask"};
        bench->refuse--;
        answer (bench, &chunk_refused_type, &refused);
        return;
    }
    if (bench->lose > 0 && roll (bench) % bench->lose == 0)
        return;
    answer (bench, &chunk_type, &chunk);
    if (bench->twice > 0 && roll (bench) % bench->twice == 0)
        answer (bench, &chunk_type, &chunk);
    if (bench->mix > 0 && bench->queued > 1 && roll (bench) % bench->mix == 0) {
        struct message last = bench->queue[bench->queued - 1];
        bench->queue[bench->queued - 1] = bench->queue[bench->queued - 2];
        bench->queue[bench->queued - 2] = last;
    }
}

static void see_sent (struct bench *bench, const struct session_effect *effect)
{
    bench->sent[effect->type->number]++;
    if (effect->type == &doing_type)
        strncpy (bench->detail, ((const struct doing *)effect->record)->detail, LIMIT_LINE);
    if (bench->deaf)
        return;
    if (effect->type == &hello_type) {
        struct welcome welcome = {.epoch = bench->epoch, .sequence = 10, .heartbeat = {2000}};
        answer (bench, &welcome_type, &welcome);
    } else if (effect->type == &ping_type) {
        struct pong pong = {.number = ((const struct ping *)effect->record)->number};
        answer (bench, &pong_type, &pong);
    } else if (effect->type == &chunk_wanted_type) {
        const struct chunk_wanted *wanted = effect->record;
        uint64_t credit = wanted->offset + wanted->size - bench->have;
        if (credit > bench->outstanding_most)
            bench->outstanding_most = credit;
        serve_chunk (bench, wanted);
    }
}

static void tell_spool (struct bench *bench)
{
    struct session_event *event = &bench->news[bench->news_count++];
    assert_true (bench->news_count < QUEUE);
    *event = (struct session_event){.kind = SESSION_SPOOL, .content = the_content (), .have = bench->have};
    if (bench->have < LENGTH)
        return;
    event->complete = bench->bad == 0;
    event->bad = bench->bad > 0;
    if (event->bad) {
        bench->bad--;
        bench->have = 0;
    }
}

static void perform (struct bench *bench, const struct session_effect *effect)
{
    switch (effect->kind) {
    case SESSION_SEND:
        see_sent (bench, effect);
        break;
    case SESSION_HAND:
        bench->handed[effect->type->number]++;
        if (effect->type == &content_late_type)
            (void)snprintf (
                bench->late, sizeof bench->late, "%s", ((const struct content_late *)effect->record)->cause);
        break;
    case SESSION_RECONNECT:
        bench->reconnects++;
        bench->queued = 0;
        break;
    case SESSION_OPEN:
        bench->opens++;
        assert_int_equal (effect->length, LENGTH);
        tell_spool (bench);
        break;
    case SESSION_WRITE:
        assert_true (effect->offset == bench->have);
        assert_true (effect->offset + effect->data.size <= LENGTH);
        memcpy (bench->spool + effect->offset, effect->data.data, effect->data.size);
        bench->have += effect->data.size;
        tell_spool (bench);
        break;
    case SESSION_DROP:
        bench->drops++;
        bench->have = 0;
        break;
    }
}

static void step (struct bench *bench, struct session_event event)
{
    struct session_effects effects = {0};
    event.now = bench->now;
    event.random = roll (bench);
    session_step (bench->session, &event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        perform (bench, &effects.items[i]);
    session_effects_free (&effects);
}

/* All that is on its way arrives. */
static void settle (struct bench *bench)
{
    while (bench->news_count > 0 || bench->queued > 0) {
        struct session_event event = {.kind = SESSION_FROM_CONTROLLER};
        if (bench->news_count > 0) {
            event = bench->news[0];
            memmove (bench->news, bench->news + 1, --bench->news_count * sizeof event);
        } else {
            event.message = bench->queue[0];
            memmove (bench->queue, bench->queue + 1, --bench->queued * sizeof bench->queue[0]);
        }
        bench->now.ms += 1;
        step (bench, event);
    }
}

static void wait_once (struct bench *bench)
{
    struct instant due = session_deadline (bench->session);
    assert_true (due.ms < INT64_MAX);
    if (due.ms > bench->now.ms)
        bench->now = due;
    step (bench, (struct session_event){.kind = SESSION_TIME});
    settle (bench);
}

static void from_controller (struct bench *bench, const struct record_type *type, const void *record)
{
    answer (bench, type, record);
    settle (bench);
}

static void from_installer (struct bench *bench, const struct record_type *type, const void *record)
{
    struct session_event event = {.kind = SESSION_FROM_INSTALLER, .message = {type, record}};
    step (bench, event);
    settle (bench);
}

static void say_hello (struct bench *bench, uint64_t receipts)
{
    struct hello hello = {
        .host = "p1", .agent = "0.1", .trust_version = 1, .fleet_version = 1, .receipts = receipts};
    from_installer (bench, &hello_type, &hello);
}

static struct bench *bench_new (void)
{
    struct bench *bench = calloc (1, sizeof *bench);
    assert_non_null (bench);
    bench->session = session_new ();
    bench->now.ms = 1800000000000;
    bench->random = 7;
    bench->epoch = 4;
    bench->content = malloc (LENGTH);
    bench->spool = calloc (1, LENGTH);
    assert_non_null (bench->content);
    assert_non_null (bench->spool);
    for (size_t i = 0; i < LENGTH; i++)
        bench->content[i] = (uint8_t)roll (bench);
    step (bench, (struct session_event){.kind = SESSION_START});
    assert_int_equal (session_deadline (bench->session).ms, INT64_MAX);
    return bench;
}

static void bench_free (struct bench *bench)
{
    session_free (&bench->session);
    arena_free (&bench->arena);
    free (bench->content);
    free (bench->spool);
    free (bench);
}

static void want (struct bench *bench)
{
    struct content_wanted wanted = {.content = the_content (), .length = LENGTH};
    from_installer (bench, &content_wanted_type, &wanted);
}

/* ------------------------------------------------------------------------------------------------- the link
 */

static void test_greeting (void **state)
{
    struct bench *bench = bench_new ();
    (void)state;
    assert_int_equal (bench->sent[1], 0);
    say_hello (bench, 0);
    assert_int_equal (bench->sent[1], 1);
    assert_int_equal (bench->sent[5], 1);
    say_hello (bench, 0);
    assert_int_equal (bench->sent[1], 1);
    say_hello (bench, 1);
    assert_int_equal (bench->sent[1], 2);
    assert_int_equal (bench->sent[5], 1);
    for (int i = 0; i < 20; i++)
        wait_once (bench);
    assert_int_equal (bench->reconnects, 0);
    assert_true (bench->sent[3] >= 19);
    bench_free (bench);
}

/* Silence: hello again, a new connection after three, and ever longer pauses; then all is well at once. */
static void test_deaf_controller (void **state)
{
    struct bench *bench = bench_new ();
    struct instant begin;
    (void)state;
    bench->deaf = true;
    say_hello (bench, 0);
    begin = bench->now;
    while (bench->reconnects < 8)
        wait_once (bench);
    assert_int_equal (bench->sent[1], 24);
    assert_true (bench->now.ms - begin.ms > 60 * 1000);
    assert_int_equal (bench->sent[5], 0);
    bench->deaf = false;
    for (int i = 0; i < 3 && bench->sent[5] == 0; i++)
        wait_once (bench);
    assert_int_equal (bench->sent[5], 1);
    bench->deaf = true;
    begin = bench->now;
    while (bench->reconnects < 9)
        wait_once (bench);
    assert_in_range ((uintmax_t)(bench->now.ms - begin.ms), 6000, 8100);
    bench_free (bench);
}

static struct envelope make_tick (struct bench *bench, uint64_t epoch, uint64_t sequence, uint64_t fleet)
{
    struct tick tick = {.epoch = epoch, .sequence = sequence, .trust_version = 1, .fleet_version = fleet};
    struct secret_key key;
    struct envelope envelope;
    uint8_t seed[KEY_SEED_SIZE] = {1};
    uint8_t number[KEY_NUMBER_SIZE] = {1};
    secret_key_make (seed, number, &key);
    assert_true (document_sign (&tick_type, &tick, &key, bench->now, &bench->arena, &envelope, NULL));
    return envelope;
}

static void publish (struct bench *bench, uint64_t epoch, uint64_t sequence)
{
    struct offer offer = {.epoch = epoch, .sequence = sequence};
    from_controller (bench, &offer_type, &offer);
}

static void beat (struct bench *bench, uint64_t epoch, uint64_t sequence, uint64_t fleet)
{
    struct heartbeat heartbeat = {.tick = make_tick (bench, epoch, sequence, fleet)};
    from_controller (bench, &heartbeat_type, &heartbeat);
}

/* How many pulls since this was asked last, and within the next seconds? */
static size_t pulls (struct bench *bench)
{
    size_t before = bench->pulls_seen;
    wait_once (bench);
    wait_once (bench);
    bench->pulls_seen = bench->sent[5];
    return bench->sent[5] - before;
}

static void test_gaps (void **state)
{
    struct bench *bench = bench_new ();
    (void)state;
    say_hello (bench, 0);
    assert_int_equal (pulls (bench), 1);
    publish (bench, 4, 11);
    publish (bench, 4, 0);
    publish (bench, 4, 11);
    publish (bench, 4, 12);
    beat (bench, 4, 13, 1);
    assert_int_equal (pulls (bench), 0);
    assert_int_equal (bench->handed[6], 4);
    publish (bench, 4, 15);
    publish (bench, 4, 14);
    publish (bench, 4, 20);
    assert_int_equal (pulls (bench), 2);
    assert_int_equal (pulls (bench), 0);
    beat (bench, 4, 21, 1);
    assert_int_equal (pulls (bench), 0);
    beat (bench, 4, 23, 1);
    assert_int_equal (pulls (bench), 1);
    beat (bench, 4, 24, 2);
    assert_int_equal (pulls (bench), 1);
    assert_int_equal (bench->handed[8], 4);
    bench_free (bench);
}

/* A new epoch is a controller that has forgotten who is connected. */
static void test_epoch (void **state)
{
    struct bench *bench = bench_new ();
    size_t hellos;
    (void)state;
    say_hello (bench, 0);
    hellos = bench->sent[1];
    publish (bench, 3, 99);
    assert_int_equal (bench->sent[1], hellos);
    assert_int_equal (pulls (bench), 1);
    bench->epoch = 5;
    beat (bench, 5, 1, 1);
    assert_int_equal (bench->sent[1], hellos + 1);
    assert_int_equal (pulls (bench), 1);
    bench_free (bench);
}

static void test_forwards (void **state)
{
    struct bench *bench = bench_new ();
    struct report report = {0};
    struct doing doing = {.activity = ACTIVITY_STAGING, .detail = "x"};
    struct permit_offer permit = {.epoch = 4};
    struct report_stored stored = {0};
    (void)state;
    from_installer (bench, &report_type, &report);
    from_installer (bench, &doing_type, &doing);
    assert_int_equal (bench->sent[9] + bench->sent[11], 0);
    say_hello (bench, 0);
    from_installer (bench, &report_type, &report);
    from_installer (bench, &doing_type, &doing);
    assert_int_equal (bench->sent[9], 1);
    assert_int_equal (bench->sent[11], 1);
    from_controller (bench, &permit_offer_type, &permit);
    from_controller (bench, &report_stored_type, &stored);
    assert_int_equal (bench->handed[7], 1);
    assert_int_equal (bench->handed[10], 1);
    bench_free (bench);
}

/* ---------------------------------------------------------------------------------------------- the contents
 */

static void fetch_all (struct bench *bench)
{
    say_hello (bench, 0);
    want (bench);
    for (int i = 0; i < 2000 && bench->handed[31] == 0; i++)
        wait_once (bench);
    assert_int_equal (bench->handed[31], 1);
    assert_int_equal (bench->have, LENGTH);
    assert_memory_equal (bench->spool, bench->content, LENGTH);
    assert_true (bench->outstanding_most <= LIMIT_CREDIT);
}

static void test_fetch (void **state)
{
    struct bench *bench = bench_new ();
    struct content_done done = {.content = the_content (), .good = true};
    (void)state;
    fetch_all (bench);
    assert_int_equal (bench->chunks, LENGTH / LIMIT_CHUNK + 1);
    assert_true (bench->outstanding_most > LIMIT_CREDIT / 2);
    want (bench);
    assert_int_equal (bench->handed[31], 2);
    assert_int_equal (bench->drops, 0);
    from_installer (bench, &content_done_type, &done);
    assert_int_equal (bench->drops, 1);
    bench_free (bench);
}

static void test_bad_weather (void **state)
{
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        struct bench *bench = bench_new ();
        bench->random = round;
        bench->lose = round % 2 == 0 ? 9 : 0;
        bench->twice = round % 3 == 0 ? 3 : 0;
        bench->mix = round % 4 != 0 ? 4 : 0;
        fetch_all (bench);
        bench_free (bench);
    }
}

static void test_refused_and_damaged (void **state)
{
    struct bench *bench = bench_new ();
    (void)state;
    bench->refuse = 12;
    bench->bad = 2;
    fetch_all (bench);
    assert_true (bench->opens >= 4);
    assert_in_range (bench->handed[content_late_type.number], 3, 14);
    assert_non_null (strstr (bench->late, "what arrived was damaged"));
    bench_free (bench);
}

/* The words of a pause reach people. */
static void test_silence (void **state)
{
    struct bench *bench = bench_new ();
    (void)state;
    say_hello (bench, 0);
    bench->lose = 1;
    want (bench);
    for (int i = 0; i < 40 && strstr (bench->detail, "no content arrived") == NULL; i++)
        wait_once (bench);
    assert_non_null (strstr (bench->detail, "no content arrived"));
    bench->lose = 0;
    for (int i = 0; i < 100 && bench->handed[31] == 0; i++)
        wait_once (bench);
    assert_memory_equal (bench->spool, bench->content, LENGTH);
    assert_non_null (strstr (bench->detail, "of 5.0 MB"));
    bench_free (bench);
}

/* The line breaks in the middle: what is there stays. */
static void test_resume (void **state)
{
    struct bench *bench = bench_new ();
    uint64_t before;
    size_t chunks;
    (void)state;
    say_hello (bench, 0);
    bench->lose = 6;
    want (bench);
    before = bench->have;
    assert_true (before > 0 && before < LENGTH);
    bench->deaf = true;
    while (bench->reconnects == 0)
        wait_once (bench);
    bench->deaf = false;
    bench->lose = 0;
    chunks = bench->chunks;
    for (int i = 0; i < 100 && bench->handed[31] == 0; i++)
        wait_once (bench);
    assert_memory_equal (bench->spool, bench->content, LENGTH);
    assert_true (bench->chunks - chunks <= (LENGTH - before) / LIMIT_CHUNK + 1);
    bench_free (bench);
}

/* The installer's own check said no: from the start again. */
static void test_done_badly (void **state)
{
    struct bench *bench = bench_new ();
    struct content_done done = {.content = the_content (), .good = false};
    (void)state;
    fetch_all (bench);
    from_installer (bench, &content_done_type, &done);
    assert_int_equal (bench->drops, 1);
    for (int i = 0; i < 100 && bench->handed[31] == 1; i++)
        wait_once (bench);
    assert_int_equal (bench->handed[31], 2);
    bench_free (bench);
}

/* A controller that sends more, other or nothing gets nothing into the spool that was not asked for. */
static void test_hostile_chunks (void **state)
{
    struct bench *bench = bench_new ();
    uint8_t *big = calloc (1, LIMIT_CHUNK);
    struct chunk chunk = {.content = the_content (), .offset = 0, .data = {big, 100}};
    (void)state;
    say_hello (bench, 0);
    from_controller (bench, &chunk_type, &chunk);
    assert_int_equal (bench->have, 0);
    bench->deaf = true;
    want (bench);
    chunk.offset = UINT64_MAX - 50;
    from_controller (bench, &chunk_type, &chunk);
    chunk.offset = LENGTH;
    from_controller (bench, &chunk_type, &chunk);
    assert_int_equal (bench->have, 0);
    chunk.offset = 0;
    chunk.data.size = 0;
    from_controller (bench, &chunk_type, &chunk);
    assert_int_equal (bench->have, 0);
    assert_non_null (strstr (bench->detail, "not of the length"));
    free (big);
    bench_free (bench);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_greeting),    cmocka_unit_test (test_deaf_controller),
        cmocka_unit_test (test_gaps),        cmocka_unit_test (test_epoch),
        cmocka_unit_test (test_forwards),    cmocka_unit_test (test_fetch),
        cmocka_unit_test (test_bad_weather), cmocka_unit_test (test_refused_and_damaged),
        cmocka_unit_test (test_silence),     cmocka_unit_test (test_resume),
        cmocka_unit_test (test_done_badly),  cmocka_unit_test (test_hostile_chunks),
    };
    return cmocka_run_group_tests_name ("agent session", tests, NULL, NULL);
}
