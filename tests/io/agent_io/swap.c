/* `current`, and which releases go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/io/swap.h"
#include "common/io/file.h"

static char root[64];

static const char *below (const char *name)
{
    static char path[192];
    (void)snprintf (path, sizeof path, "%s/%s", root, name);
    return path;
}

static int setup (void **state)
{
    (void)state;
    (void)snprintf (root, sizeof root, "/tmp/relevo-swap-XXXXXX");
    assert_non_null (mkdtemp (root));
    assert_true (folder_make (below ("releases/1.0"), 0755, NULL));
    assert_true (folder_make (below ("releases/2.0/deep"), 0755, NULL));
    assert_true (folder_make (below ("releases/3.0.partial"), 0755, NULL));
    return 0;
}

static int teardown (void **state)
{
    (void)state;
    assert_true (folder_remove (root, NULL));
    return 0;
}

static void expect_current (const char *target)
{
    char found[128];
    ssize_t size = readlink (below ("current"), found, sizeof found - 1);
    assert_true (size > 0);
    found[size] = '\0';
    assert_string_equal (found, target);
}

static void test_swap (void **state)
{
    struct error error;
    (void)state;
    assert_true (swap (root, "1.0", NULL));
    expect_current ("releases/1.0");
    assert_int_equal (symlink ("nowhere", below (".current.next")), 0); /* left by a crash */
    assert_true (swap (root, "2.0", NULL));
    expect_current ("releases/2.0");
    assert_true (swap (root, "2.0", NULL));
    assert_false (swap (root, "9.9", &error));
    assert_non_null (strstr (error.text, "is not there"));
    assert_false (swap (root, "../1.0", &error));
    expect_current ("releases/2.0");
    assert_true (swap (root, "", NULL));
    assert_true (swap (root, "", NULL));
    assert_int_not_equal (access (below ("current"), F_OK), 0);
}

static void test_current_is_a_folder (void **state)
{
    struct error error;
    (void)state;
    assert_int_equal (mkdir (below ("current"), 0755), 0);
    assert_false (swap (root, "1.0", &error));
    assert_non_null (strstr (error.text, "no symbolic link"));
    assert_false (swap (root, "", &error));
}

static void test_release_is_a_link (void **state)
{
    (void)state;
    assert_int_equal (symlink ("/", below ("releases/4.0")), 0);
    assert_false (swap (root, "4.0", NULL));
}

static void test_prune (void **state)
{
    static const char *const keep[] = {"1.0"};
    (void)state;
    assert_true (folder_make (below ("releases/0.9/deep"), 0755, NULL));
    assert_true (swap (root, "2.0", NULL));
    assert_true (prune (root, keep, 1, NULL));
    assert_int_equal (access (below ("releases/1.0"), F_OK), 0);
    assert_int_equal (access (below ("releases/2.0/deep"), F_OK), 0); /* current, though nobody asked */
    assert_int_not_equal (access (below ("releases/0.9"), F_OK), 0);
    assert_int_not_equal (access (below ("releases/3.0.partial"), F_OK), 0);
}

static void test_prune_follows_no_link (void **state)
{
    (void)state;
    assert_true (folder_make (below ("outside/precious"), 0755, NULL));
    assert_int_equal (symlink ("../outside", below ("releases/0.1")), 0);
    assert_int_equal (symlink ("../../outside", below ("releases/2.0/deep/link")), 0);
    assert_true (prune (root, NULL, 0, NULL));
    assert_int_not_equal (access (below ("releases/0.1"), F_OK), 0);
    assert_int_not_equal (access (below ("releases/2.0"), F_OK), 0);
    assert_int_equal (access (below ("outside/precious"), F_OK), 0);
}

static void test_prune_nothing (void **state)
{
    (void)state;
    assert_true (folder_remove (below ("releases"), NULL));
    assert_true (prune (root, NULL, 0, NULL));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_swap, setup, teardown),
        cmocka_unit_test_setup_teardown (test_current_is_a_folder, setup, teardown),
        cmocka_unit_test_setup_teardown (test_release_is_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown (test_prune, setup, teardown),
        cmocka_unit_test_setup_teardown (test_prune_follows_no_link, setup, teardown),
        cmocka_unit_test_setup_teardown (test_prune_nothing, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
