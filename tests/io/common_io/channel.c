/* The socketpair between two processes: every message whole and in order, or a clear end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io/channel.h"

enum { MESSAGES = 200, BIG = 3 * 1024 * 1024 };

struct pair {
    struct channel *ends[2];
    int raw; /* the second end's descriptor */
};

static int setup (void **state)
{
    struct pair *pair = calloc (1, sizeof *pair);
    int ends[2];
    assert_non_null (pair);
    assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pair->ends[0] = channel_new (ends[0]);
    pair->ends[1] = channel_new (ends[1]);
    pair->raw = ends[1];
    *state = pair;
    return 0;
}

static int teardown (void **state)
{
    struct pair *pair = *state;
    channel_free (&pair->ends[0]);
    channel_free (&pair->ends[1]);
    free (pair);
    return 0;
}

static struct offer offer_of (const void *data, size_t size, uint64_t number)
{
    return (struct offer){.sequence = number, .document = {.content = {data, size}}};
}

static void test_many_messages (void **state)
{
    struct pair *pair = *state;
    uint8_t *big = calloc (1, BIG);
    uint64_t next = 0;
    struct error error;
    for (uint64_t i = 0; i < MESSAGES; i++) {
        struct offer offer = offer_of (big, i % 50 == 0 ? BIG : 10 * (size_t)i, i);
        assert_true (channel_send (pair->ends[0], &offer_type, &offer, &error));
    }
    assert_int_equal (channel_interest (pair->ends[0]), POLLIN | POLLOUT);
    for (int round = 0; next < MESSAGES && round < 100000; round++) {
        struct bytes body;
        assert_true (channel_service (pair->ends[0], &error));
        assert_true (channel_service (pair->ends[1], &error));
        while (channel_next (pair->ends[1], &body)) {
            struct arena arena = {0};
            struct message message;
            assert_true (message_decode (MESSAGE, FROM_SESSION, body, &arena, &message, &error));
            assert_int_equal (((const struct offer *)message.record)->sequence, next);
            next++;
            arena_free (&arena);
        }
    }
    assert_int_equal (next, MESSAGES);
    assert_int_equal (channel_interest (pair->ends[0]), POLLIN);
    free (big);
}

static void test_nobody_reads (void **state)
{
    struct pair *pair = *state;
    uint8_t *big = calloc (1, BIG);
    struct offer offer = offer_of (big, BIG, 1);
    struct error error;
    size_t sent = 0;
    while (channel_send (pair->ends[0], &offer_type, &offer, &error)) {
        assert_true (channel_service (pair->ends[0], &error));
        assert_true (++sent < 1000);
    }
    assert_int_equal (error.kind, ERROR_LIMIT);
    free (big);
}

static void test_hostile_frames (void **state)
{
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 1, 2, 3};
    static const uint8_t empty_then_huge[] = {0, 0, 0, 0, 1, 0, 0, 0x7f};
    struct pair *pair = *state;
    struct bytes body;
    struct error error;
    assert_int_equal (send (pair->raw, empty_then_huge, sizeof empty_then_huge, 0), sizeof empty_then_huge);
    assert_true (channel_service (pair->ends[0], &error));
    assert_true (channel_next (pair->ends[0], &body));
    assert_int_equal (body.size, 0);
    assert_false (channel_next (pair->ends[0], &body));
    assert_false (channel_service (pair->ends[0], &error)); /* the next turn sees what is in front now */
    assert_int_equal (error.kind, ERROR_LIMIT);
    (void)teardown (state);
    (void)setup (state);
    pair = *state;
    assert_int_equal (send (pair->raw, huge, sizeof huge, 0), sizeof huge);
    assert_false (channel_service (pair->ends[0], &error));
    assert_non_null (strstr (error.text, "4294967295 bytes"));
}

static void test_other_side_gone (void **state)
{
    struct pair *pair = *state;
    struct ping ping = {.number = 5};
    struct bytes body;
    struct error error;
    assert_true (channel_send (pair->ends[1], &ping_type, &ping, &error));
    assert_true (channel_service (pair->ends[1], &error));
    channel_free (&pair->ends[1]);
    assert_false (channel_service (pair->ends[0], &error));
    assert_true (channel_next (pair->ends[0], &body)); /* what came before can still be taken */
    assert_false (channel_next (pair->ends[0], &body));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_many_messages, setup, teardown),
        cmocka_unit_test_setup_teardown (test_nobody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown (test_hostile_frames, setup, teardown),
        cmocka_unit_test_setup_teardown (test_other_side_gone, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
