/* What a service manager hears of a program: each thing once, in whole lines, at its time; and no child of
   the program finds the manager's address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/supervisor.h"
#include "proto/limits.h"

enum { SOON_MS = 5000, HEARD_SIZE = 4096 };

struct manager {
    int socket;
    char folder[64];
    char path[96];
    char heard[HEARD_SIZE];
};

static int setup (void **state)
{
    struct manager *manager = calloc (1, sizeof *manager);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    assert_non_null (manager);
    (void)snprintf (manager->folder, sizeof manager->folder, "/tmp/relevo-supervisor.XXXXXX");
    assert_non_null (mkdtemp (manager->folder));
    (void)snprintf (manager->path, sizeof manager->path, "%s/notify", manager->folder);
    (void)snprintf (name.sun_path, sizeof name.sun_path, "%s", manager->path);
    manager->socket = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true (manager->socket >= 0);
    assert_int_equal (bind (manager->socket, (const struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal (setenv ("NOTIFY_SOCKET", manager->path, 1), 0);
    *state = manager;
    return 0;
}

static int teardown (void **state)
{
    struct manager *manager = *state;
    (void)close (manager->socket);
    (void)unlink (manager->path);
    (void)rmdir (manager->folder);
    free (manager);
    return 0;
}

/* The next datagram, NULL where none comes within this time. */
static const char *hear (struct manager *manager, int wait_ms)
{
    struct pollfd poll_for = {.fd = manager->socket, .events = POLLIN};
    ssize_t size;
    if (poll (&poll_for, 1, wait_ms) != 1)
        return NULL;
    size = recv (manager->socket, manager->heard, HEARD_SIZE - 1, 0);
    assert_true (size > 0);
    manager->heard[size] = '\0';
    return manager->heard;
}

static struct supervisor *open_supervisor (void)
{
    struct supervisor *supervisor;
    struct error error;
    assert_true (supervisor_open (&supervisor, &error));
    return supervisor;
}

static void test_each_thing_is_told_once (void **state)
{
    struct manager *manager = *state;
    struct supervisor *supervisor = open_supervisor ();
    assert_int_equal (supervisor_deadline (supervisor).ms, INT64_MAX);
    supervisor_say (supervisor, "serves %d", 7);
    supervisor_ready (supervisor);
    assert_true (supervisor_deadline (supervisor).ms <= clock_steady ().ms);
    supervisor_turn (supervisor);
    assert_string_equal (hear (manager, SOON_MS), "READY=1\nSTATUS=serves 7\n");
    supervisor_say (supervisor, "serves %d", 7);
    supervisor_ready (supervisor);
    supervisor_turn (supervisor);
    assert_null (hear (manager, 0));
    assert_int_equal (supervisor_deadline (supervisor).ms, INT64_MAX);
    supervisor_ending (supervisor);
    assert_string_equal (hear (manager, SOON_MS), "STOPPING=1\n");
    supervisor_ending (supervisor);
    assert_null (hear (manager, 0));
    supervisor_close (&supervisor);
    assert_null (supervisor);
}

static void test_no_child_finds_it (void **state)
{
    struct supervisor *supervisor;
    (void)state;
    assert_int_equal (setenv ("WATCHDOG_USEC", "60000000", 1), 0);
    assert_int_equal (setenv ("WATCHDOG_PID", "1", 1), 0);
    supervisor = open_supervisor ();
    assert_null (getenv ("NOTIFY_SOCKET"));
    assert_null (getenv ("WATCHDOG_USEC"));
    assert_null (getenv ("WATCHDOG_PID"));
    /* It was another process that is watched. */
    assert_int_equal (supervisor_deadline (supervisor).ms, INT64_MAX);
    supervisor_close (&supervisor);
}

static void test_a_turn_is_a_sign_of_life (void **state)
{
    struct manager *manager = *state;
    struct supervisor *supervisor;
    char process[32];
    (void)snprintf (process, sizeof process, "%ld", (long)getpid ());
    assert_int_equal (setenv ("WATCHDOG_USEC", "400000", 1), 0);
    assert_int_equal (setenv ("WATCHDOG_PID", process, 1), 0);
    supervisor = open_supervisor ();
    supervisor_turn (supervisor);
    assert_string_equal (hear (manager, SOON_MS), "WATCHDOG=1\n");
    supervisor_turn (supervisor);
    assert_null (hear (manager, 0));
    assert_true (supervisor_deadline (supervisor).ms <= clock_steady ().ms + 200);
    /* Nobody but the loop speaks: without a turn there is silence. */
    assert_null (hear (manager, 300));
    supervisor_turn (supervisor);
    assert_string_equal (hear (manager, SOON_MS), "WATCHDOG=1\n");
    supervisor_close (&supervisor);
}

static void test_words_stay_one_line (void **state)
{
    struct manager *manager = *state;
    struct supervisor *supervisor = open_supervisor ();
    char long_word[2 * LIMIT_LINE];
    supervisor_say (supervisor, "a%sb", "\nREADY=1\n");
    supervisor_turn (supervisor);
    assert_string_equal (hear (manager, SOON_MS), "STATUS=a READY=1 b\n");
    (void)memset (long_word, 'x', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    (void)memcpy (long_word + LIMIT_LINE - 1, "\xc3\xa9", 2);
    supervisor_say (supervisor, "%s", long_word);
    supervisor_turn (supervisor);
    assert_int_equal (strlen (hear (manager, SOON_MS)), strlen ("STATUS=\n") + LIMIT_LINE);
    assert_string_equal (manager->heard + strlen ("STATUS=") + LIMIT_LINE - 2, "x?\n");
    supervisor_close (&supervisor);
}

static void test_full_queue_is_told_later (void **state)
{
    struct manager *manager = *state;
    struct supervisor *supervisor = open_supervisor ();
    int number = 0;
    int last;
    do {
        supervisor_say (supervisor, "%d", number++);
        supervisor_turn (supervisor);
    } while (supervisor_deadline (supervisor).ms == INT64_MAX && number < 100000);
    last = number - 1;
    assert_true (number < 100000);
    supervisor_turn (supervisor); /* too early: nothing is tried */
    while (hear (manager, 0) != NULL)
        continue;
    assert_true (supervisor_deadline (supervisor).ms > clock_steady ().ms);
    (void)poll (NULL, 0, (int)(supervisor_deadline (supervisor).ms - clock_steady ().ms + 1));
    supervisor_turn (supervisor);
    assert_non_null (hear (manager, SOON_MS));
    assert_int_equal (strtol (manager->heard + strlen ("STATUS="), NULL, 10), last);
    supervisor_close (&supervisor);
}

static void test_nobody_is_told (void **state)
{
    struct manager *manager = *state;
    struct supervisor *supervisor;
    assert_int_equal (unsetenv ("NOTIFY_SOCKET"), 0);
    assert_int_equal (setenv ("WATCHDOG_USEC", "1000", 1), 0);
    supervisor = open_supervisor ();
    supervisor_say (supervisor, "to whom?");
    supervisor_ready (supervisor);
    supervisor_turn (supervisor);
    supervisor_ending (supervisor);
    assert_int_equal (supervisor_deadline (supervisor).ms, INT64_MAX);
    assert_null (hear (manager, 0));
    supervisor_close (&supervisor);
}

static void refused (const char *address, const char *words)
{
    struct supervisor *supervisor;
    struct error error;
    assert_int_equal (setenv ("NOTIFY_SOCKET", address, 1), 0);
    assert_false (supervisor_open (&supervisor, &error));
    assert_null (supervisor);
    assert_non_null (strstr (error.text, words));
    assert_null (getenv ("NOTIFY_SOCKET"));
}

static void test_wrong_addresses (void **state)
{
    struct manager *manager = *state;
    char long_path[256];
    refused ("notify", "no local socket");
    refused ("@", "no local socket");
    (void)memset (long_path, '/', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    refused (long_path, "no local socket");
    assert_int_equal (unlink (manager->path), 0);
    refused (manager->path, "No such file or directory");
}

static void test_abstract_address (void **state)
{
    struct manager *manager = *state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct supervisor *supervisor;
    char address[64];
    int length = snprintf (address, sizeof address, "@relevo-supervisor-%ld", (long)getpid ());
    (void)close (manager->socket);
    manager->socket = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)memcpy (name.sun_path + 1, address + 1, (size_t)length - 1);
    assert_int_equal (
        bind (
            manager->socket, (const struct sockaddr *)&name,
            (socklen_t)(offsetof (struct sockaddr_un, sun_path) + (size_t)length)),
        0);
    assert_int_equal (setenv ("NOTIFY_SOCKET", address, 1), 0);
    supervisor = open_supervisor ();
    supervisor_ready (supervisor);
    supervisor_turn (supervisor);
    assert_string_equal (hear (manager, SOON_MS), "READY=1\n");
    supervisor_close (&supervisor);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_each_thing_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown (test_no_child_finds_it, setup, teardown),
        cmocka_unit_test_setup_teardown (test_a_turn_is_a_sign_of_life, setup, teardown),
        cmocka_unit_test_setup_teardown (test_words_stay_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown (test_full_queue_is_told_later, setup, teardown),
        cmocka_unit_test_setup_teardown (test_nobody_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown (test_wrong_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown (test_abstract_address, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
