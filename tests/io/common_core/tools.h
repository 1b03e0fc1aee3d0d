/* A folder of its own for each test, and programs that are run in it: minisign, ssh-keygen. */
#ifndef RELEVO_TESTS_IO_COMMON_CORE_TOOLS_H
#define RELEVO_TESTS_IO_COMMON_CORE_TOOLS_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/core/key.h"

extern char **environ;

enum { FILE_MOST = 262144, PATH_MOST = 256, WORDS_MOST = 16, NO_PROGRAM = 127 };

struct place {
    char folder[PATH_MOST];
};

static inline const char *in (struct place *place, const char *name, char path[PATH_MOST])
{
    int size = snprintf (path, PATH_MOST, "%.180s/%.60s", place->folder, name);
    assert_in_range (size, 1, PATH_MOST - 1);
    return path;
}

static inline void write_file (struct place *place, const char *name, struct bytes content)
{
    char path[PATH_MOST];
    int fd = open (in (place, name, path), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true (fd >= 0);
    assert_int_equal (write (fd, content.data, content.size), (ssize_t)content.size);
    assert_int_equal (close (fd), 0);
}

static inline void read_file (struct place *place, const char *name, struct buffer *ret)
{
    char path[PATH_MOST];
    char *data = test_malloc (FILE_MOST);
    ssize_t size;
    int fd = open (in (place, name, path), O_RDONLY | O_CLOEXEC);
    assert_true (fd >= 0);
    size = read (fd, data, FILE_MOST);
    assert_in_range (size, 0, FILE_MOST - 1);
    assert_int_equal (close (fd), 0);
    buffer_clear (ret);
    buffer_append (ret, data, (size_t)size);
    test_free (data);
}

/* Runs the words in the folder: its standard input is the file `input`, its output goes into the file
   "output". Returns its exit code; NO_PROGRAM where it is not installed. */
static inline int run_tool (struct place *place, const char *input, const char *const *words, size_t count)
{
    char *argv[WORDS_MOST + 1] = {NULL};
    char path[PATH_MOST];
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    assert_true (count <= WORDS_MOST);
    for (size_t i = 0; i < count; i++)
        argv[i] = (char *)(uintptr_t)words[i];
    assert_int_equal (posix_spawn_file_actions_init (&actions), 0);
    assert_int_equal (
        posix_spawn_file_actions_addopen (&actions, 0, in (place, input, path), O_RDONLY, 0), 0);
    assert_int_equal (
        posix_spawn_file_actions_addopen (
            &actions, 1, in (place, "output", path), O_WRONLY | O_CREAT | O_TRUNC, 0600),
        0);
    assert_int_equal (posix_spawn_file_actions_addopen (&actions, 2, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal (posix_spawn_file_actions_addchdir_np (&actions, place->folder), 0);
    status = posix_spawnp (&pid, argv[0], &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy (&actions);
    if (status != 0)
        return NO_PROGRAM;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    return WIFEXITED (status) ? WEXITSTATUS (status) : 128;
}

#define TOOL(place, input, ...)                                                                              \
    run_tool (                                                                                               \
        place, input, (const char *const[]){__VA_ARGS__},                                                    \
        sizeof ((const char *const[]){__VA_ARGS__}) / sizeof (const char *))

static inline int enter_place (void **state)
{
    struct place *place = calloc (1, sizeof *place);
    const char *base = getenv ("TMPDIR");
    assert_non_null (place);
    (void)snprintf (place->folder, sizeof place->folder, "%.150s/relevo-tools-XXXXXX", base ? base : "/tmp");
    assert_non_null (mkdtemp (place->folder));
    write_file (place, "nothing", (struct bytes){(const uint8_t *)"", 0});
    *state = place;
    return sodium_init () >= 0 ? 0 : -1;
}

static inline int leave_place (void **state)
{
    struct place *place = *state;
    char path[PATH_MOST];
    const struct dirent *entry;
    DIR *folder = opendir (place->folder);
    assert_non_null (folder);
    while ((entry = readdir (folder)) != NULL)
        if (entry->d_name[0] != '.')
            assert_int_equal (unlink (in (place, entry->d_name, path)), 0);
    (void)closedir (folder);
    assert_int_equal (rmdir (place->folder), 0);
    free (place);
    return 0;
}

/* Skips the test where the program that it is held against is not installed. */
static inline void need_tool (struct place *place, const char *program)
{
    if (TOOL (place, "nothing", program, "--help") == NO_PROGRAM)
        skip ();
}

#endif
