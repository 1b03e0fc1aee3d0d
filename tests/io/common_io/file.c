/* Files: old or new and never half, bounded reads, secrets, trees without following links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/log.h"

struct place {
    char folder[64];
    struct arena arena;
};

static int set_up (void **state)
{
    static struct place place;
    place = (struct place){.folder = "/tmp/relevo-file-XXXXXX"};
    *state = &place;
    return mkdtemp (place.folder) == NULL;
}

static int tear_down (void **state)
{
    struct place *place = *state;
    arena_free (&place->arena);
    return folder_remove (place->folder, NULL) && !file_exists (place->folder) ? 0 : -1;
}

static const char *path_of (struct place *place, const char *name)
{
    return path_join (&place->arena, place->folder, name);
}

static void assert_content (struct place *place, const char *path, const char *expected)
{
    struct bytes content;
    assert_true (file_read (path, 1000, &place->arena, &content, NULL));
    assert_true (bytes_equal (content, bytes_of_text (expected)));
    assert_int_equal (content.data[content.size], 0);
}

static size_t entry_count (const char *path)
{
    DIR *folder = opendir (path);
    size_t count = 0;
    assert_non_null (folder);
    while (readdir (folder) != NULL)
        count++;
    (void)closedir (folder);
    return count - 2;
}

static void test_write_and_read (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "a");
    struct stat status;
    struct error error;
    assert_false (file_exists (path));
    assert_true (file_write (path, bytes_of_text ("one"), 0640, &error));
    assert_content (place, path, "one");
    assert_true (file_write (path, bytes_of_text (""), 0600, &error));
    assert_content (place, path, "");
    assert_int_equal (stat (path, &status), 0);
    assert_int_equal (status.st_mode & 07777, 0600);
    assert_int_equal (entry_count (place->folder), 1);
}

static void test_read_is_bounded (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "a");
    const char *fifo = path_of (place, "fifo");
    struct bytes content = {NULL, 77};
    struct error error;
    assert_true (file_write (path, bytes_of_text ("12345"), 0600, &error));
    assert_true (file_read (path, 5, &place->arena, &content, &error));
    content.size = 77;
    assert_false (file_read (path, 4, &place->arena, &content, &error));
    assert_int_equal (error.kind, ERROR_LIMIT);
    assert_false (file_read (path_of (place, "none"), 4, &place->arena, &content, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
    assert_int_equal (mkfifo (fifo, 0600), 0);
    assert_false (file_read (fifo, 4, &place->arena, &content, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
    assert_false (file_read (place->folder, 4, &place->arena, &content, &error));
    assert_false (file_read ("/proc/self/status", 100000, &place->arena, &content, &error));
    assert_int_equal (content.size, 77);
}

static void test_secret (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "key");
    static const mode_t open_modes[] = {0644, 0640, 0620, 0604, 0602, 0601};
    struct bytes content;
    struct error error;
    for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
        assert_true (file_write (path, bytes_of_text ("secret"), open_modes[i], &error));
        assert_false (file_read_secret (path, 100, &place->arena, &content, &error));
        assert_int_equal (error.kind, ERROR_REFUSED);
        assert_non_null (strstr (error.text, "chmod 600"));
    }
    assert_int_equal (chmod (path, 0400), 0);
    assert_true (file_read_secret (path, 100, &place->arena, &content, &error));
    assert_int_equal (content.size, 6);
    file_wipe_secret (&content);
    assert_int_equal (content.size, 0);
    /* It is the file that is judged, whatever leads to it. */
    assert_int_equal (symlink ("key", path_of (place, "link")), 0);
    assert_true (file_read_secret (path_of (place, "link"), 100, &place->arena, &content, &error));
    assert_int_equal (chmod (path, 0440), 0);
    assert_false (file_read_secret (path_of (place, "link"), 100, &place->arena, &content, &error));
}

static void test_wiped (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "key");
    struct bytes content;
    struct bytes copy;
    struct error error;
    assert_true (file_write (path, bytes_of_text ("secret"), 0600, &error));
    assert_true (file_read_secret (path, 100, &place->arena, &content, &error));
    copy = content;
    file_wipe_secret (&content);
    assert_memory_equal (copy.data, "\0\0\0\0\0\0", 6);
}

/* Only root can read, or make, a file that is another's and closed to all. */
static void test_secret_of_another (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "key");
    struct bytes content;
    struct error error;
    if (geteuid () != 0)
        skip ();
    assert_true (file_write (path, bytes_of_text ("secret"), 0600, &error));
    assert_int_equal (chown (path, 12345, 12345), 0);
    assert_false (file_read_secret (path, 100, &place->arena, &content, &error));
    assert_int_equal (error.kind, ERROR_REFUSED);
    assert_non_null (strstr (error.text, "belongs to user 12345"));
    assert_non_null (strstr (error.text, "chown 0 "));
}

static void test_create (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "a");
    struct error error;
    assert_true (file_create (path, bytes_of_text ("one"), 0600, &error));
    assert_false (file_create (path, bytes_of_text ("two"), 0600, &error));
    assert_int_equal (error.kind, ERROR_CONFLICT);
    assert_content (place, path, "one");
    assert_int_equal (entry_count (place->folder), 1);
}

/* The limit cuts the write short in the middle, as a full disk does. */
static void test_failed_write_leaves_the_old (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "a");
    static char large[100000];
    struct rlimit before;
    struct rlimit tight;
    struct error error;
    assert_true (file_write (path, bytes_of_text ("old"), 0600, &error));
    assert_ptr_not_equal (signal (SIGXFSZ, SIG_IGN), SIG_ERR);
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
    tight = (struct rlimit){1000, before.rlim_max};
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &tight), 0);
    assert_false (file_write (path, (struct bytes){(uint8_t *)large, sizeof large}, 0600, &error));
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
    assert_int_equal (error.kind, ERROR_SYSTEM);
    assert_content (place, path, "old");
    assert_int_equal (entry_count (place->folder), 1);
    /* Where a folder is in the way, the rename fails. */
    assert_true (folder_make (path_of (place, "d/e"), 0700, &error));
    assert_false (file_write (path_of (place, "d"), bytes_of_text ("new"), 0600, &error));
    assert_int_equal (entry_count (place->folder), 2);
}

/* Root may write anywhere, so the attempt is made as nobody. */
static void test_unwritable_folder (void **state)
{
    struct place *place = *state;
    const uid_t nobody = 65534;
    const char *path = path_of (place, "closed/a");
    bool is_root = geteuid () == 0;
    bool written;
    struct error error;
    assert_false (file_write (path_of (place, "none/a"), bytes_of_text ("new"), 0600, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
    assert_true (folder_make (path_of (place, "closed"), 0755, &error));
    assert_true (file_write (path, bytes_of_text ("old"), 0666, &error));
    assert_int_equal (chmod (path_of (place, "closed"), 0555) | chmod (place->folder, 0755), 0);
    if (is_root)
        assert_int_equal (seteuid (nobody), 0);
    written = file_write (path, bytes_of_text ("new"), 0600, &error);
    if (is_root)
        assert_int_equal (seteuid (0), 0);
    assert_false (written);
    assert_int_equal (error.kind, ERROR_SYSTEM);
    assert_content (place, path, "old");
    assert_int_equal (entry_count (path_of (place, "closed")), 1);
}

static void test_folders (void **state)
{
    struct place *place = *state;
    struct error error;
    struct stat status;
    assert_true (folder_make (path_of (place, "a//b/c/"), 0750, &error));
    assert_true (folder_make (path_of (place, "a/b/c"), 0700, &error));
    assert_int_equal (stat (path_of (place, "a/b/c"), &status), 0);
    assert_int_equal (status.st_mode & 0777, 0750);
    assert_true (file_write (path_of (place, "a/file"), bytes_of_text ("x"), 0600, &error));
    assert_false (folder_make (path_of (place, "a/file"), 0700, &error));
    assert_int_equal (error.kind, ERROR_CONFLICT);
    assert_false (folder_make (path_of (place, "a/file/b"), 0700, &error));
}

static void test_remove (void **state)
{
    struct place *place = *state;
    const char *tree = path_of (place, "tree");
    const char *kept = path_of (place, "kept/file");
    struct error error;
    assert_true (folder_remove (path_of (place, "none"), &error));
    assert_true (folder_make (path_of (place, "kept"), 0700, &error));
    assert_true (file_write (kept, bytes_of_text ("kept"), 0600, &error));
    assert_true (folder_make (path_of (place, "tree/a/b"), 0700, &error));
    for (int i = 0; i < 300; i++) {
        const char *name = arena_format (&place->arena, "%s/a/%d", tree, i);
        assert_true (file_write (name, bytes_of_text ("x"), 0400, &error));
    }
    assert_int_equal (symlink (path_of (place, "kept"), path_of (place, "tree/link")), 0);
    assert_int_equal (symlink ("..", path_of (place, "tree/a/b/up")), 0);
    assert_int_equal (mkfifo (path_of (place, "tree/fifo"), 0600), 0);
    assert_int_equal (chmod (path_of (place, "tree/a"), 0500), 0);
    assert_true (folder_remove (tree, &error));
    assert_false (file_exists (tree));
    assert_content (place, kept, "kept");
    assert_int_equal (symlink (path_of (place, "kept"), tree), 0);
    assert_true (folder_remove (tree, &error));
    assert_content (place, kept, "kept");
}

static void test_depth_is_bounded (void **state)
{
    struct place *place = *state;
    struct error error;
    int folder = open (place->folder, O_RDONLY | O_DIRECTORY);
    int top = dup (folder);
    for (int i = 0; i < 300; i++) {
        int next;
        assert_int_equal (mkdirat (folder, "d", 0700), 0);
        next = openat (folder, "d", O_RDONLY | O_DIRECTORY);
        (void)close (folder);
        folder = next;
    }
    (void)close (folder);
    assert_false (folder_remove (path_of (place, "d"), &error));
    assert_int_equal (error.kind, ERROR_LIMIT);
    for (int i = 0; i < 100; i++) /* halve it, for the cleaning up */
        assert_int_equal (
            renameat (top, "d/d", top, "e") | unlinkat (top, "d", AT_REMOVEDIR) |
                renameat (top, "e", top, "d"),
            0);
    (void)close (top);
}

static void test_digest (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "a");
    static uint8_t large[200001];
    struct digest digest;
    struct digest expected;
    struct error error;
    uint64_t size = 0;
    random_fill (large, sizeof large);
    expected = digest_of (large, sizeof large);
    assert_true (file_write (path, (struct bytes){large, sizeof large}, 0600, &error));
    assert_true (file_digest (path, &digest, &size, &error));
    assert_true (digest_equal (&digest, &expected));
    assert_int_equal (size, sizeof large);
    assert_false (file_digest (path_of (place, "none"), &digest, &size, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
}

static void test_path_join (void **state)
{
    struct place *place = *state;
    assert_string_equal (path_join (&place->arena, "a", "b"), "a/b");
    assert_string_equal (path_join (&place->arena, "a/", "b"), "a/b");
    assert_string_equal (path_join (&place->arena, "/", "b"), "/b");
}

static void test_log (void **state)
{
    struct place *place = *state;
    const char *path = path_of (place, "log");
    const struct log log = {"relevod", LOG_NOTE};
    struct bytes content;
    struct error error;
    int before = dup (STDERR_FILENO);
    int file = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true (dup2 (file, STDERR_FILENO) >= 0);
    log_line (&log, LOG_DEBUG, "not shown");
    log_line (&log, LOG_WARNING, "host %s", "p1\n2026-06-01T09:30:00Z note relevod: forged");
    assert_true (dup2 (before, STDERR_FILENO) >= 0);
    assert_true (file_read (path, 1000, &place->arena, &content, &error));
    assert_string_equal (
        (const char *)content.data + strlen ("2026-06-01T09:30:00Z"),
        " warning relevod: host p1\\x0a2026-06-01T09:30:00Z note relevod: forged\n");
    (void)close (file);
    (void)close (before);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_write_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_read_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_secret, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_wiped, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_secret_of_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_create, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_failed_write_leaves_the_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_unwritable_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_remove, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_depth_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_digest, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_path_join, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_log, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
