/* Effects: nothing is sent before what stands in front of it is durable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "controller/io/perform.h"

struct fixture {
    char folder[256];
    struct log log;
    struct config config;
    struct wire *wire;
    struct performer performer;
};

static bool admit (void *context, const char *domain, const struct wire_key *key)
{
    (void)context;
    (void)domain;
    (void)key;
    return true;
}

static int setup (void **state)
{
    struct fixture *fixture = calloc (1, sizeof *fixture);
    struct performer *performer = &fixture->performer;
    const char *base = getenv ("TMPDIR");
    struct courier_options courier = {.config = &fixture->config, .log = &fixture->log};
    struct wire_pair pair;
    struct error error;
    (void)snprintf (
        fixture->folder, sizeof fixture->folder, "%s/relevo-perform-XXXXXX", base == NULL ? "/tmp" : base);
    fixture->log = (struct log){"test", LOG_PROBLEM};
    performer->log = &fixture->log;
    fixture->config = (struct config){.state = fixture->folder, .signing_key = "/", .wire_key = "/"};
    wire_pair_make (&pair);
    *state = fixture;
    return mkdtemp (fixture->folder) == NULL || !courier_start (&courier, &performer->courier, &error) ||
           !store_open (fixture->folder, STORE_WRITE, NULL, NULL, &performer->store, &error) ||
           !wire_open (admit, NULL, &fixture->wire, &error) ||
           !wire_listen (
               fixture->wire, WIRE_ROUTER, "tcp://127.0.0.1:*", "agents", &pair, 10,
               &performer->doors[DOOR_AGENTS], &error);
}

static int teardown (void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool good = folder_remove (fixture->folder, &error);
    wire_socket_close (&fixture->performer.doors[DOOR_AGENTS]);
    wire_close (&fixture->wire);
    courier_stop (&fixture->performer.courier);
    store_close (&fixture->performer.store);
    performer_free (&fixture->performer);
    free (fixture);
    return !good;
}

static const struct entry_epoch epoch = {1};
static const struct pong pong = {1};

#define RECORD                                                                                               \
    {                                                                                                        \
        .kind = CONTROLLER_RECORD, .type = &entry_epoch_type, .record = &epoch                               \
    }
#define SEND(last)                                                                                           \
    {                                                                                                        \
        .kind = CONTROLLER_SEND, .type = &pong_type, .record = &pong, .route = {                             \
            .door = DOOR_AGENTS,                                                                             \
            .size = 5,                                                                                       \
            .id = {0, 1, 2, 3, last}                                                                         \
        }                                                                                                    \
    }

static bool perform_list (struct fixture *fixture, struct controller_effect *items, size_t count)
{
    struct controller_effects effects = {.items = items, .count = count};
    struct error error = {0};
    bool good = perform (&fixture->performer, &effects, clock_now (), &error);
    assert_int_equal (good, error.text[0] == '\0');
    return good;
}

static void test_records_and_routes (void **state)
{
    struct fixture *fixture = *state;
    struct controller_effect items[] = {RECORD, RECORD, SEND (4), SEND (4), RECORD, SEND (5)};
    struct echo echo;
    assert_true (perform_list (fixture, items, 6));
    assert_int_equal (store_newest (fixture->performer.store), 3);
    assert_true (perform_echo (&fixture->performer, &echo));
    assert_int_equal (echo.kind, CONTROLLER_GONE);
    assert_int_equal (echo.route.id[4], 4);
    assert_true (perform_echo (&fixture->performer, &echo));
    assert_int_equal (echo.route.id[4], 5);
    assert_false (perform_echo (&fixture->performer, &echo));
}

/* The second entry of a run can't be encoded: the first is not in the journal either, and nothing is sent. */
static void test_a_run_is_whole_or_nothing (void **state)
{
    struct fixture *fixture = *state;
    struct entry_enrolled wrong = {.state = (enum entry_state)77};
    struct controller_effect items[] = {
        RECORD, {.kind = CONTROLLER_RECORD, .type = &entry_enrolled_type, .record = &wrong}, SEND (4)};
    struct echo echo;
    assert_false (perform_list (fixture, items, 3));
    assert_int_equal (store_newest (fixture->performer.store), 0);
    assert_false (perform_echo (&fixture->performer, &echo));
}

static void test_no_journal_no_message (void **state)
{
    struct fixture *fixture = *state;
    struct controller_effect before[] = {RECORD};
    struct controller_effect items[] = {RECORD, SEND (4)};
    struct error error;
    struct echo echo;
    assert_true (perform_list (fixture, before, 1));
    store_close (&fixture->performer.store);
    assert_true (store_open (fixture->folder, STORE_READ, NULL, NULL, &fixture->performer.store, &error));
    assert_false (perform_list (fixture, items, 2));
    assert_false (perform_echo (&fixture->performer, &echo));
    assert_int_equal (store_newest (fixture->performer.store), 1);
}

/* A notification that can't be handed over has failed for now; the core tries again. */
static void test_untellable_notice (void **state)
{
    struct fixture *fixture = *state;
    struct view_head head = {.phase = (enum phase)77};
    struct controller_effect items[] = {
        {.kind = CONTROLLER_NOTIFY,
         .target = "pager",
         .notice_key = "1/2",
         .notice_text = "done",
         .head = &head}};
    struct echo echo;
    fixture->log.least = (enum log_level) (LOG_PROBLEM + 1);
    assert_true (perform_list (fixture, items, 1));
    assert_true (perform_echo (&fixture->performer, &echo));
    assert_int_equal (echo.kind, CONTROLLER_NOTICE);
    assert_string_equal (echo.key, "1/2");
    assert_non_null (strstr (echo.text, "tell"));
}

/* A message that the codec refuses is left out; the rest goes on. */
static void test_unsendable (void **state)
{
    struct fixture *fixture = *state;
    struct enrolment wrong = {.state = (enum entry_state)77};
    struct controller_effect items[] = {SEND (4), RECORD};
    struct echo echo;
    fixture->log.least = (enum log_level) (LOG_PROBLEM + 1);
    items[0].type = &enrolment_type;
    items[0].record = &wrong;
    assert_true (perform_list (fixture, items, 2));
    assert_int_equal (store_newest (fixture->performer.store), 1);
    assert_false (perform_echo (&fixture->performer, &echo));
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST (test_records_and_routes),
        TEST (test_a_run_is_whole_or_nothing),
        TEST (test_no_journal_no_message),
        TEST (test_untellable_notice),
        TEST (test_unsendable),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
