/* Children: how they end, what they cannot do, and what is left of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/spawn.h"

enum { FOLDER_SIZE = 64, WORD_SIZE = 512 };

static const char *const plain_environment[] = {"PATH=/usr/bin:/bin", "GREETING=hello", NULL};

static struct spawn_options shell (const char *const *words)
{
    return (struct spawn_options){
        .words = words, .environment = plain_environment, .deadline = span_seconds (20)};
}

static struct spawn_result run (const char *script)
{
    const char *const words[] = {"sh", "-c", script, NULL};
    struct spawn_options options = shell (words);
    struct spawn_result result;
    struct error error;
    if (!spawn_run (&options, &result, &error))
        fail_msg ("%s", error.text);
    return result;
}

static void test_ends (void **state)
{
    struct spawn_result result = run ("echo out; echo err >&2; exit 3");
    char text[64];
    (void)state;
    assert_int_equal (result.exit_code, 3);
    assert_int_equal (result.signal, 0);
    assert_false (result.timed_out);
    assert_string_equal (result.tail, "out\nerr\n");
    assert_string_equal (spawn_explain (&result, text, sizeof text), "exit code 3");
    result = run ("kill -9 $$");
    assert_int_equal (result.exit_code, -1);
    assert_int_equal (result.signal, SIGKILL);
    assert_string_equal (spawn_explain (&result, text, sizeof text), "killed by signal 9 (Killed)");
}

static void test_environment_is_exact (void **state)
{
    struct spawn_result result;
    (void)state;
    assert_int_equal (setenv ("LEAKED", "secret", 1), 0);
    result = run ("/usr/bin/env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | sort; pwd; cat");
    assert_string_equal (result.tail, "GREETING=hello\nPATH=/usr/bin:/bin\n/\n");
}

/* An open file without close-on-exec, an ignored signal and a blocked one do not reach the child. */
static void test_nothing_is_inherited (void **state)
{
    const char *script = "ls -1 /proc/self/fd | wc -l; grep -E '^Sig(Blk|Ign)' /proc/self/status";
    const char *expected =
        "4\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"; /* ls's own is the 4th */
    struct spawn_result result;
    sigset_t blocked;
    sigset_t before;
    int file = open ("/", O_RDONLY);
    (void)state;
    assert_true (file >= 0);
    (void)sigemptyset (&blocked);
    (void)sigaddset (&blocked, SIGUSR1);
    assert_int_equal (sigprocmask (SIG_BLOCK, &blocked, &before), 0);
    assert_ptr_not_equal (signal (SIGPIPE, SIG_IGN), SIG_ERR);
    result = run (script);
    assert_string_equal (result.tail, expected);
    assert_int_equal (sigprocmask (SIG_SETMASK, &before, NULL), 0);
    (void)close (file);
}

static void test_own_session (void **state)
{
    struct spawn_result result =
        run ("read -r pid name rest < /proc/$$/stat; set -- $rest; echo $(($3 == pid)) "
             "$(($4 == pid))");
    (void)state;
    assert_string_equal (result.tail, "1 1\n");
}

static void test_start_fails (void **state)
{
    const char *const missing[] = {"no-such-program", NULL};
    const char *const path[] = {"/no/such/program", NULL};
    const char *const folder[] = {"/bin/true", NULL};
    const char *const none[] = {NULL};
    struct spawn_options options = shell (missing);
    struct spawn *spawn = NULL;
    struct error error;
    (void)state;
    assert_false (spawn_start (&options, &spawn, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
    options.words = path;
    assert_false (spawn_start (&options, &spawn, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
    assert_non_null (strstr (error.text, "/no/such/program: cannot run it"));
    options.words = folder;
    options.folder = "/no/such/folder";
    assert_false (spawn_start (&options, &spawn, &error));
    assert_non_null (strstr (error.text, "cannot enter its folder"));
    options.words = none;
    assert_false (spawn_start (&options, &spawn, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
    assert_null (spawn);
}

/* The shell and its child both ignore TERM; KILL comes five seconds after the deadline. */
static void test_deadline (void **state)
{
    const char *const words[] = {"sh", "-c", "trap '' TERM; echo begun; while :; do sleep 1; done", NULL};
    struct spawn_options options = shell (words);
    struct spawn_result result;
    struct error error;
    char text[64];
    (void)state;
    options.deadline = (struct span){300};
    assert_true (spawn_run (&options, &result, &error));
    assert_true (result.timed_out);
    assert_int_equal (result.signal, SIGKILL);
    assert_in_range (result.took.ms, 5200, 9000);
    assert_string_equal (result.tail, "begun\n");
    assert_string_equal (spawn_explain (&result, text, sizeof text), "no end within 300ms");
}

static void test_deadline_by_term (void **state)
{
    const char *const words[] = {"sh", "-c", "trap 'echo bye; exit 0' TERM; sleep 60 & wait", NULL};
    struct spawn_options options = shell (words);
    struct spawn_result result;
    struct error error;
    (void)state;
    options.deadline = (struct span){1500}; /* a busy machine has set the trap by then */
    assert_true (spawn_run (&options, &result, &error));
    assert_true (result.timed_out);
    assert_int_equal (result.exit_code, 0);
    assert_in_range (result.took.ms, 1500, 5500);
    assert_string_equal (result.tail, "bye\n");
}

static void test_tail (void **state)
{
    /* 6 bytes a line: the cut falls into a character sooner or later, so every start is tried. */
    char script[WORD_SIZE];
    (void)state;
    for (int pad = 0; pad < 6; pad++) {
        struct spawn_result result;
        (void)snprintf (
            script, sizeof script,
            "i=0; while [ $i -lt 2000 ]; do echo '\xE2\x82\xAC\xC3\xA9'; i=$((i+1)); done; printf '%.*s'",
            pad, "abcdef");
        result = run (script);
        assert_in_range (strlen (result.tail), LIMIT_TAIL - 3, LIMIT_TAIL);
        assert_true (text_is_utf8 (result.tail, strlen (result.tail)));
        assert_null (strchr (result.tail, '?'));
    }
    assert_string_equal (run ("printf 'a\\033[2J\\0\\tb\\377\\302\\205\\n'").tail, "a?[2J?\tb???\n");
}

static bool is_alive (pid_t pid)
{
    char path[64];
    char text[256];
    size_t got;
    FILE *file;
    (void)snprintf (path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen (path, "re");
    if (file == NULL)
        return false;
    got = fread (text, 1, sizeof text - 1, file);
    (void)fclose (file);
    text[got] = '\0';
    return strstr (text, ") Z ") == NULL;
}

static void wait_until_dead (pid_t pid)
{
    for (int i = 0; i < 200 && is_alive (pid); i++)
        (void)poll (NULL, 0, 10);
    assert_false (is_alive (pid));
}

/* What the start command leaves behind writes more than a pipe holds, and still goes on. */
static void test_leftover_goes_on (void **state)
{
    char folder[FOLDER_SIZE] = "/tmp/relevo-spawn-XXXXXX";
    char script[WORD_SIZE];
    char mark[FOLDER_SIZE + 8];
    const char *const words[] = {"sh", "-c", script, NULL};
    struct spawn_options options = shell (words);
    struct spawn_result result;
    struct error error;
    pid_t left;
    (void)state;
    assert_non_null (mkdtemp (folder));
    (void)snprintf (mark, sizeof mark, "%s/mark", folder);
    (void)snprintf (
        script, sizeof script,
        "(sleep 0.3; head -c 200000 /dev/zero; echo x; touch %s; exec sleep 60) & echo $!", mark);
    options.leave_group = true;
    assert_true (spawn_run (&options, &result, &error));
    assert_false (result.timed_out);
    assert_true (result.took.ms < 5000);
    left = (pid_t)strtol (result.tail, NULL, 10);
    assert_true (left > 1);
    for (int i = 0; i < 300 && !file_exists (mark); i++)
        (void)poll (NULL, 0, 10);
    assert_true (file_exists (mark));
    assert_true (is_alive (left));
    assert_int_equal (kill (left, SIGKILL), 0);
    wait_until_dead (left);
    assert_true (folder_remove (folder, &error));
}

/* Without leave_group, what closed its output and stayed is killed with the group. */
static void test_leftover_is_killed (void **state)
{
    struct spawn_result result = run ("sleep 60 >/dev/null 2>&1 & echo $!");
    pid_t left = (pid_t)strtol (result.tail, NULL, 10);
    (void)state;
    assert_true (left > 1);
    assert_false (result.timed_out);
    wait_until_dead (left);
}

static void test_free_kills (void **state)
{
    const char *const words[] = {"sh", "-c", "echo $$; exec sleep 60", NULL};
    struct spawn_options options = shell (words);
    struct spawn_result result;
    struct spawn *spawn = NULL;
    struct error error;
    struct pollfd file;
    char text[32] = "";
    pid_t child;
    (void)state;
    assert_true (spawn_start (&options, &spawn, &error));
    file = (struct pollfd){.fd = spawn_output (spawn), .events = POLLIN};
    assert_int_equal (poll (&file, 1, 5000), 1);
    assert_true (read (spawn_output (spawn), text, sizeof text - 1) > 0);
    assert_false (spawn_service (spawn, &result));
    child = (pid_t)strtol (text, NULL, 10);
    assert_true (is_alive (child));
    spawn_free (&spawn);
    assert_null (spawn);
    assert_false (is_alive (child));
}

static void test_limits (void **state)
{
    char folder[FOLDER_SIZE] = "/tmp/relevo-spawn-XXXXXX";
    const char *const file[] = {
        "sh", "-c", "head -c 100000 /dev/zero > big; ls -l big | cut -d' ' -f5", NULL};
    const char *const memory[] = {"sh", "-c", "head -c 300m /dev/zero | tail -n 1 | wc -c", NULL};
    const char *const cpu[] = {"sh", "-c", "while :; do :; done", NULL};
    struct spawn_options options = shell (file);
    struct spawn_result result;
    struct error error;
    (void)state;
    assert_non_null (mkdtemp (folder));
    options.folder = folder;
    options.most_file = 4096;
    assert_true (spawn_run (&options, &result, &error));
    assert_non_null (strstr (result.tail, "4096\n"));
    options = shell (memory);
    options.most_memory = UINT64_C (64) * 1024 * 1024;
    assert_true (spawn_run (&options, &result, &error));
    assert_non_null (strstr (result.tail, "memory exhausted"));
    options = shell (cpu);
    options.most_cpu_seconds = 1;
    assert_true (spawn_run (&options, &result, &error));
    assert_int_equal (result.signal, SIGXCPU);
    assert_false (result.timed_out);
    assert_true (folder_remove (folder, &error));
}

static void test_process_limit_is_set (void **state)
{
    const char *const words[] = {"sh", "-c", "ulimit -p 2>/dev/null || ulimit -u", NULL};
    struct spawn_options options = shell (words);
    struct spawn_result result;
    struct error error;
    (void)state;
    options.most_processes = 77;
    assert_true (spawn_run (&options, &result, &error));
    assert_string_equal (result.tail, "77\n");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_ends),
        cmocka_unit_test (test_environment_is_exact),
        cmocka_unit_test (test_nothing_is_inherited),
        cmocka_unit_test (test_own_session),
        cmocka_unit_test (test_start_fails),
        cmocka_unit_test (test_deadline),
        cmocka_unit_test (test_deadline_by_term),
        cmocka_unit_test (test_tail),
        cmocka_unit_test (test_leftover_goes_on),
        cmocka_unit_test (test_leftover_is_killed),
        cmocka_unit_test (test_free_kills),
        cmocka_unit_test (test_limits),
        cmocka_unit_test (test_process_limit_is_set),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
