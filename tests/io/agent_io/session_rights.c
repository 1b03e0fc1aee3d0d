/* What is left to a session: its spool and its controller's ports; and when it must begin anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/io/session_rights.h"
#include "common/io/file.h"

enum { ENTERED = 0, NOT_ENTERED = 1, NO_SPOOL = 2, NO_NAMES = 3, TOO_MUCH = 4 };

static struct connection connection_to (const char *agents, const char *publish)
{
    return (struct connection){.agents = agents, .publish = publish};
}

/* In the child. */
static int work (const char *spool)
{
    struct connection connection = connection_to ("tcp://controller.example:7401", "tcp://[::1]:7402");
    struct session_rights rights;
    struct error error;
    int folder = open (spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!session_rights_enter (&rights, spool, &connection, &error))
        return NOT_ENTERED;
    if (openat (folder, "content", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0 ||
        renameat (folder, "content", folder, "whole") != 0 || unlinkat (folder, "whole", 0) != 0)
        return NO_SPOOL;
    /* A minimal system has no /etc/hosts. */
    if (open ("/etc/hosts", O_RDONLY | O_CLOEXEC) < 0 && errno != ENOENT)
        return NO_NAMES;
    if (rights.landlock > 0 && open ("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
        return TOO_MUCH;
    return ENTERED;
}

static void test_spool_and_names (void **state)
{
    char folder[] = "/tmp/relevo-session-XXXXXX";
    struct error error;
    int status;
    pid_t child;
    (void)state;
    assert_non_null (mkdtemp (folder));
    child = fork ();
    if (child == 0)
        _exit (work (folder));
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), ENTERED);
    assert_true (folder_remove (folder, &error));
}

/* Told before anything is given up. */
static void test_no_port (void **state)
{
    static const char *const wrong[] = {
        "tcp://host", "tcp://host:", "tcp://host:0", "tcp://host:65536", "host:1x"};
    struct session_rights rights;
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct connection connection = connection_to ("tcp://host:1", wrong[i]);
        assert_false (session_rights_enter (&rights, "/tmp", &connection, &error));
        assert_non_null (strstr (error.text, "does not end with a port"));
    }
}

static int stale_after (size_t changed, int landlock)
{
    struct connection connection = connection_to ("tcp://host:1", "tcp://host:2");
    struct session_rights rights;
    struct error error = {0};
    if (!session_rights_enter (&rights, "/tmp", &connection, &error))
        return -1;
    if (landlock == 0)
        rights.landlock = 0;
    if (changed < SESSION_READS)
        rights.reads[changed].number++;
    return session_rights_are_stale (&rights, &error) &&
           strstr (error.text, "/etc/hosts was replaced") != NULL;
}

static void expect_stale (size_t changed, int landlock, int expected)
{
    int status;
    pid_t child = fork ();
    if (child == 0)
        _exit (stale_after (changed, landlock));
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), expected);
}

/* As if /etc/hosts, the second of the list, were another file now. Without Landlock it can be read anyway. */
static void test_replaced_file (void **state)
{
    (void)state;
    if (syscall (SYS_landlock_create_ruleset, NULL, 0, 1) <= 0)
        skip ();
    expect_stale (SESSION_READS, 1, 0);
    expect_stale (1, 0, 0);
    expect_stale (1, 1, 1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_spool_and_names),
        cmocka_unit_test (test_no_port),
        cmocka_unit_test (test_replaced_file),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
