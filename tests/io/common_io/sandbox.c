/* The sandbox, tried from inside: each trial is a child that gives up its rights and then does one thing.
   What is allowed works, what is not fails with the errno, or the signal, that is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/file.h"
#include "common/io/sandbox.h"

#ifdef RELEVO_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { NO_SANDBOX = 199, PORTS = 2, KERNEL_HAS_PORTS = 4 };

struct place {
    char folder[128];
    struct arena arena;
    const char *shown;   /* a folder to read, with a file in it */
    const char *own;     /* a folder to change */
    const char *other;   /* a folder beside them, with a file in it */
    const char *program; /* in `other`: can be executed by anybody */
    int listeners[PORTS];
    uint16_t ports[PORTS]; /* on loopback; the first is allowed */
    int landlock;
};

static struct place *place; /* of the test that runs, for the trials */

/* --------------------------------------------------------------------------------------------- the place */

static const char *path_of (const char *folder, const char *name)
{
    return path_join (&place->arena, folder, name);
}

static void put_file (const char *path, const char *text, mode_t mode)
{
    struct error error;
    if (!file_write (path, bytes_of_text (text), mode, &error))
        fail_msg ("%s", error.text);
}

static uint16_t listen_somewhere (int *ret_socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    *ret_socket = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal (bind (*ret_socket, (struct sockaddr *)&address, size), 0);
    assert_int_equal (listen (*ret_socket, 5), 0);
    assert_int_equal (getsockname (*ret_socket, (struct sockaddr *)&address, &size), 0);
    return ntohs (address.sin_port);
}

static int setup (void **state)
{
    const char *base = getenv ("TMPDIR");
    struct error error;
    place = calloc (1, sizeof *place);
    (void)snprintf (
        place->folder, sizeof place->folder, "%s/relevo-sandbox-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp (place->folder) == NULL)
        return -1;
    place->shown = path_of (place->folder, "shown");
    place->own = path_of (place->folder, "own");
    place->other = path_of (place->folder, "other");
    if (!folder_make (place->shown, 0755, &error) || !folder_make (place->own, 0755, &error) ||
        !folder_make (place->other, 0755, &error))
        return -1;
    place->program = path_of (place->other, "program");
    put_file (path_of (place->shown, "file"), "seen", 0644);
    put_file (path_of (place->other, "file"), "hidden", 0644);
    put_file (place->program, "#!/bin/sh\nexit 0\n", 0755);
    for (size_t i = 0; i < PORTS; i++)
        place->ports[i] = listen_somewhere (&place->listeners[i]);
    place->landlock = (int)syscall (SYS_landlock_create_ruleset, NULL, 0, 1);
    *state = place;
    return 0;
}

static int teardown (void **state)
{
    struct error error;
    bool good = folder_remove (place->folder, &error);
    (void)state;
    for (size_t i = 0; i < PORTS; i++)
        (void)close (place->listeners[i]);
    arena_free (&place->arena);
    free (place);
    return !good;
}

/* -------------------------------------------------------------------------------------------- the trials */

/* Done inside. 0, or errno. */
typedef int (*trial) (void);

static int verdict (long value)
{
    return value < 0 ? errno : 0;
}

static int opening (const char *folder, const char *name, int flags)
{
    int file = open (path_of (folder, name), flags | O_CLOEXEC, 0644);
    if (file < 0)
        return errno;
    (void)close (file);
    return 0;
}

static int read_shown (void)
{
    return opening (place->shown, "file", O_RDONLY);
}
static int write_shown (void)
{
    return opening (place->shown, "file", O_WRONLY);
}
static int make_shown (void)
{
    return opening (place->shown, "new", O_WRONLY | O_CREAT);
}
static int read_other (void)
{
    return opening (place->other, "file", O_RDONLY);
}
static int read_system (void)
{
    return opening ("/etc", "passwd", O_RDONLY);
}
static int remove_other (void)
{
    return verdict (unlink (path_of (place->other, "file")));
}
static int work_in_own (void)
{
    const char *first = path_of (place->own, "first");
    const char *second = path_of (place->own, "second");
    int failed = opening (place->own, "first", O_RDWR | O_CREAT | O_TRUNC);
    failed = failed != 0 ? failed : verdict (rename (first, second));
    failed = failed != 0 ? failed : opening (place->own, "second", O_RDONLY);
    return failed != 0 ? failed : verdict (unlink (second));
}
static int move_out (void)
{
    int failed = opening (place->own, "first", O_RDWR | O_CREAT);
    return failed != 0 ? failed
                       : verdict (rename (path_of (place->own, "first"), path_of (place->other, "first")));
}

static int execute (void)
{
    char *words[] = {(char *)(uintptr_t)place->program, NULL};
    char *environment[] = {NULL};
    return verdict (execve (place->program, words, environment));
}

static int have_child (void)
{
    long child = syscall (SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit (0);
    return verdict (child);
}

static void *count_up (void *number)
{
    (*(int *)number)++;
    return NULL;
}

static int have_thread (void)
{
    pthread_t thread;
    int number = 1;
    int failed = pthread_create (&thread, NULL, count_up, &number);
    failed = failed != 0 ? failed : pthread_join (thread, NULL);
    return failed == 0 && number != 2 ? EINVAL : failed;
}

static int trace_itself (void)
{
    return verdict (ptrace (PTRACE_TRACEME, 0, NULL, NULL));
}
static int trace_parent (void)
{
    return verdict (ptrace (PTRACE_ATTACH, getppid (), NULL, NULL));
}
static int signal_parent (void)
{
    return verdict (kill (getppid (), 0));
}

static int run_data (void)
{
    const void *code =
        mmap (NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code == MAP_FAILED ? errno : 0;
}

static int turn_into_code (void)
{
    void *data = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? EINVAL : verdict (mprotect (data, 4096, PROT_READ | PROT_EXEC));
}

static int make_socket (int family, int kind)
{
    int made = socket (family, kind | SOCK_CLOEXEC, 0);
    if (made < 0)
        return errno;
    (void)close (made);
    return 0;
}

static int netlink_socket (void)
{
    return make_socket (AF_NETLINK, SOCK_RAW);
}
static int packet_socket (void)
{
    return make_socket (AF_PACKET, SOCK_DGRAM);
}
static int unix_socket (void)
{
    return make_socket (AF_UNIX, SOCK_STREAM);
}
static int raw_socket (void)
{
    return make_socket (AF_INET, SOCK_RAW);
}
static int datagram_socket (void)
{
    return make_socket (AF_INET6, SOCK_DGRAM);
}

static int reach (int (*act) (int, const struct sockaddr *, socklen_t), uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons (port), .sin_addr = {htonl (INADDR_LOOPBACK)}};
    int made = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = made < 0 ? errno : verdict (act (made, (struct sockaddr *)&address, sizeof address));
    if (made >= 0)
        (void)close (made);
    return failed;
}

static int connect_allowed (void)
{
    return reach (connect, place->ports[0]);
}
static int connect_other (void)
{
    return reach (connect, place->ports[1]);
}
/* The parent listens there: who may bind is told that the address is taken. */
static int bind_allowed (void)
{
    return reach (bind, place->ports[0]);
}
static int bind_other (void)
{
    return reach (bind, place->ports[1]);
}

#define CALL(name)                                                                                           \
    static int call_##name (void)                                                                            \
    {                                                                                                        \
        return verdict (syscall (SYS_##name, 0, 0, 0, 0, 0, 0));                                             \
    }
CALL (bpf)
CALL (userfaultfd)
CALL (io_uring_setup)
CALL (keyctl)
CALL (memfd_create)
CALL (mount)
CALL (unshare)
CALL (setns)
CALL (process_vm_writev)
CALL (perf_event_open)
CALL (pidfd_open)
CALL (setresuid)
CALL (init_module)
CALL (pkey_mprotect)

/* -------------------------------------------------------------------------------------------- the children
 */

static void enter (enum sandbox_network network)
{
    const struct sandbox_path paths[] = {
        {place->shown, SANDBOX_READ},
        {place->own, SANDBOX_CHANGE},
        {path_of (place->folder, "not there"), SANDBOX_READ}};
    const struct sandbox_options options = {
        .network = network, .ports = place->ports, .port_count = 1, .paths = paths, .path_count = 3};
    struct error error;
    int landlock;
    if (!sandbox_enter (&options, &landlock, &error)) {
        (void)fprintf (stderr, "%s\n", error.text);
        _exit (NO_SANDBOX);
    }
}

/* As on a kernel that was built or started without it. */
static void without_landlock (int number)
{
    scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
    if (filter == NULL ||
        seccomp_rule_add (filter, SCMP_ACT_ERRNO ((uint32_t)number), SCMP_SYS (landlock_create_ruleset), 0) !=
            0 ||
        seccomp_load (filter) != 0)
        _exit (NO_SANDBOX);
    seccomp_release (filter);
}

static int status_of (pid_t child)
{
    int status;
    assert_true (child > 0);
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_false (WIFEXITED (status) && WEXITSTATUS (status) == NO_SANDBOX);
    return status;
}

static int try (enum sandbox_network network, trial act)
{
    pid_t child = fork ();
    if (child == 0) {
        enter (network);
        _exit (act ());
    }
    return status_of (child);
}

struct expected {
    const char *name;
    trial act;
    int number; /* of the errno; 0: it works; negative: of the signal that ends it */
};

#define TRIAL(act, number)                                                                                   \
    {                                                                                                        \
#act, act, number                                                                                    \
    }
#define COUNT(list) (sizeof (list) / sizeof (list)[0])

static void check (const struct expected *expected, int status)
{
    int got = WIFSIGNALED (status) ? -WTERMSIG (status) : WEXITSTATUS (status);
    if (got != expected->number)
        fail_msg ("%s: %d, expected %d", expected->name, got, expected->number);
}

static void try_all (enum sandbox_network network, const struct expected *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check (&expected[i], try (network, expected[i].act));
}

/* ----------------------------------------------------------------------------------------------- the tests
 */

static void test_what_works (void **state)
{
    static const struct expected both[] = {
        TRIAL (work_in_own, 0), TRIAL (read_shown, 0), TRIAL (have_thread, 0)};
    static const struct expected connecting[] = {TRIAL (connect_allowed, 0), TRIAL (datagram_socket, 0)};
    static const struct expected listening[] = {TRIAL (bind_allowed, EADDRINUSE), TRIAL (unix_socket, 0)};
    (void)state;
    try_all (SANDBOX_CONNECTS, both, COUNT (both));
    try_all (SANDBOX_LISTENS, both, COUNT (both));
    try_all (SANDBOX_CONNECTS, connecting, COUNT (connecting));
    try_all (SANDBOX_LISTENS, listening, COUNT (listening));
}

static void test_files (void **state)
{
    static const struct expected files[] = {TRIAL (write_shown, EACCES),  TRIAL (make_shown, EACCES),
                                            TRIAL (read_other, EACCES),   TRIAL (read_system, EACCES),
                                            TRIAL (remove_other, EACCES), TRIAL (move_out, EACCES)};
    (void)state;
    if (place->landlock <= 0)
        skip ();
    try_all (SANDBOX_CONNECTS, files, COUNT (files));
    try_all (SANDBOX_LISTENS, files, COUNT (files));
}

static void test_ports (void **state)
{
    static const struct expected port = TRIAL (connect_other, EACCES);
    static const struct expected listening = TRIAL (bind_other, EACCES);
    (void)state;
    if (place->landlock < KERNEL_HAS_PORTS)
        skip ();
    try_all (SANDBOX_CONNECTS, &port, 1);
    try_all (SANDBOX_LISTENS, &listening, 1);
}

static void test_sockets (void **state)
{
    static const struct expected connecting[] = {
        TRIAL (netlink_socket, EOPNOTSUPP), TRIAL (packet_socket, EOPNOTSUPP),
        TRIAL (unix_socket, EOPNOTSUPP), TRIAL (raw_socket, -SIGSYS), TRIAL (bind_allowed, -SIGSYS)};
    static const struct expected listening[] = {
        TRIAL (netlink_socket, EOPNOTSUPP), TRIAL (packet_socket, EOPNOTSUPP), TRIAL (raw_socket, -SIGSYS),
        TRIAL (datagram_socket, EPERM), TRIAL (connect_allowed, EPERM)};
    (void)state;
    try_all (SANDBOX_CONNECTS, connecting, COUNT (connecting));
    try_all (SANDBOX_LISTENS, listening, COUNT (listening));
}

static void test_hostile_calls (void **state)
{
    static const struct expected both[] = {
        TRIAL (execute, -SIGSYS),
        TRIAL (call_bpf, -SIGSYS),
        TRIAL (call_userfaultfd, -SIGSYS),
        TRIAL (call_io_uring_setup, -SIGSYS),
        TRIAL (call_keyctl, -SIGSYS),
        TRIAL (call_memfd_create, -SIGSYS),
        TRIAL (call_mount, -SIGSYS),
        TRIAL (call_unshare, -SIGSYS),
        TRIAL (call_setns, -SIGSYS),
        TRIAL (call_process_vm_writev, -SIGSYS),
        TRIAL (call_perf_event_open, -SIGSYS),
        TRIAL (call_pidfd_open, -SIGSYS),
        TRIAL (call_setresuid, -SIGSYS),
        TRIAL (call_init_module, -SIGSYS),
        TRIAL (call_pkey_mprotect, -SIGSYS),
        TRIAL (run_data, EACCES),
        TRIAL (turn_into_code, EACCES)};
    (void)state;
    try_all (SANDBOX_CONNECTS, both, COUNT (both));
    try_all (SANDBOX_LISTENS, both, COUNT (both));
}

/* What the sanitizers themselves need, and no other build allows. */
static void test_more_hostile_calls (void **state)
{
    static const struct expected both[] = {
        TRIAL (have_child, -SIGSYS), TRIAL (trace_itself, -SIGSYS), TRIAL (trace_parent, -SIGSYS)};
    static const struct expected connecting = TRIAL (signal_parent, -SIGSYS);
    static const struct expected listening = TRIAL (signal_parent, EPERM);
    (void)state;
    try_all (SANDBOX_CONNECTS, both, COUNT (both));
    try_all (SANDBOX_LISTENS, both, COUNT (both));
    try_all (SANDBOX_CONNECTS, &connecting, 1);
    try_all (SANDBOX_LISTENS, &listening, 1);
}

static void test_without_landlock (void **state)
{
    static const int numbers[] = {ENOSYS, EOPNOTSUPP};
    static const struct expected expected[] = {
        TRIAL (read_system, 0), TRIAL (connect_other, 0), TRIAL (call_bpf, -SIGSYS),
        TRIAL (execute, -SIGSYS)};
    (void)state;
    for (size_t i = 0; i < COUNT (numbers) * COUNT (expected); i++) {
        pid_t child = fork ();
        if (child == 0) {
            without_landlock (numbers[i % COUNT (numbers)]);
            enter (SANDBOX_CONNECTS);
            _exit (expected[i / COUNT (numbers)].act ());
        }
        check (&expected[i / COUNT (numbers)], status_of (child));
    }
}

static bool file_says (pid_t child, const char *name, const char *words)
{
    char path[64];
    char text[8192];
    FILE *file;
    size_t size;
    (void)snprintf (path, sizeof path, "/proc/%d/%s", (int)child, name);
    file = fopen (path, "re");
    assert_non_null (file);
    size = fread (text, 1, sizeof text - 1, file);
    (void)fclose (file);
    text[size] = '\0';
    return strstr (text, words) != NULL;
}

/* As others see it: nobody but root has anything of it, and no dump is written. */
static void test_from_outside (void **state)
{
    struct stat memory;
    char path[64];
    char word;
    int ready[2];
    int go[2];
    pid_t child;
    (void)state;
    assert_int_equal (pipe2 (ready, O_CLOEXEC) | pipe2 (go, O_CLOEXEC), 0);
    child = fork ();
    if (child == 0) {
        enter (SANDBOX_LISTENS);
        _exit (write (ready[1], "x", 1) == 1 && read (go[0], &word, 1) == 1 ? 0 : 1);
    }
    assert_int_equal (read (ready[0], &word, 1), 1);
    assert_true (file_says (child, "status", "NoNewPrivs:\t1"));
    assert_true (file_says (child, "status", "Seccomp:\t2"));
    (void)snprintf (path, sizeof path, "/proc/%d/mem", (int)child);
    assert_int_equal (stat (path, &memory), 0);
    assert_int_equal (memory.st_uid, 0);
    if (geteuid () == 0)
        assert_true (file_says (child, "limits", "Max core file size        0                    0  "));
    assert_int_equal (write (go[1], "x", 1), 1);
    assert_int_equal (status_of (child), 0);
    for (size_t i = 0; i < 2; i++) {
        (void)close (ready[i]);
        (void)close (go[i]);
    }
}

/* --------------------------------------------------------------------------------- keeping away from a few
 */

static int work_beside (void)
{
    return opening (place->shown, "new", O_RDWR | O_CREAT);
}
static int read_kept (void)
{
    return opening (place->own, "secret", O_RDONLY);
}
static int make_in_kept (void)
{
    return opening (place->own, "new", O_RDWR | O_CREAT);
}
static int make_before_kept (void)
{
    return opening (place->folder, "new", O_RDWR | O_CREAT);
}
static int read_beside (void)
{
    return opening (place->other, "program", O_RDONLY);
}
static int list_kept (void)
{
    return opening (place->own, "", O_RDONLY | O_DIRECTORY);
}

static void keep_away (const char *const *paths, size_t count)
{
    struct error error;
    int landlock;
    if (!sandbox_keep_away (paths, count, &landlock, &error)) {
        (void)fprintf (stderr, "%s\n", error.text);
        _exit (NO_SANDBOX);
    }
}

static void test_keep_away (void **state)
{
    static const struct expected expected[] = {
        TRIAL (work_beside, 0),      TRIAL (read_system, 0),       TRIAL (read_beside, 0),
        TRIAL (execute, 0),          TRIAL (have_child, 0),        TRIAL (connect_other, 0),
        TRIAL (list_kept, 0),        TRIAL (read_kept, EACCES),    TRIAL (make_in_kept, EACCES),
        TRIAL (read_other, EACCES),  TRIAL (remove_other, EACCES), TRIAL (make_before_kept, EACCES),
        TRIAL (signal_parent, EPERM)};
    const char *paths[] = {place->own, path_of (place->other, "file"), path_of (place->folder, "not there")};
    (void)state;
    if (place->landlock < 6)
        skip ();
    put_file (path_of (place->own, "secret"), "secret", 0600);
    for (size_t i = 0; i < COUNT (expected); i++) {
        pid_t child = fork ();
        if (child == 0) {
            keep_away (paths, COUNT (paths));
            _exit (expected[i].act ());
        }
        check (&expected[i], status_of (child));
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_what_works, setup, teardown),
        cmocka_unit_test_setup_teardown (test_files, setup, teardown),
        cmocka_unit_test_setup_teardown (test_ports, setup, teardown),
        cmocka_unit_test_setup_teardown (test_sockets, setup, teardown),
        cmocka_unit_test_setup_teardown (test_hostile_calls, setup, teardown),
        cmocka_unit_test_setup_teardown (test_without_landlock, setup, teardown),
        cmocka_unit_test_setup_teardown (test_from_outside, setup, teardown),
        cmocka_unit_test_setup_teardown (test_keep_away, setup, teardown),
        cmocka_unit_test_setup_teardown (test_more_hostile_calls, setup, teardown),
    };
    /* The last one is about builds that go out: e2e/least-rights.sh runs it there. */
    return _cmocka_run_group_tests ("sandbox", tests, COUNT (tests) - SANITIZED, NULL, NULL);
}
