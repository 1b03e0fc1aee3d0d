/* The journal: what was acknowledged stays, what a crash tore off goes, and damage is never passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/io/journal.h"
#include "common/io/file.h"

enum { RECORDS = 3, KILLS = 6, CLOCK_FLOOD = 40000, BESIDE = 3000, READINGS = 10 };

struct seen {
    size_t count;
    uint64_t last;
    bool in_order;
};

static char folder[64];
static char path[96];

static int setup (void **state)
{
    (void)state;
    (void)snprintf (folder, sizeof folder, "/tmp/relevo-journal-XXXXXX");
    assert_non_null (mkdtemp (folder));
    (void)snprintf (path, sizeof path, "%s/journal", folder);
    return 0;
}

static int teardown (void **state)
{
    (void)state;
    assert_true (folder_remove (folder, NULL));
    return 0;
}

/* Clock notes and act notes carry their number as a time. */
static bool look (void *context, const struct record_type *type, const void *record, struct error *error)
{
    struct seen *seen = context;
    uint64_t number = type == &note_clock_type ? (uint64_t)((const struct note_clock *)record)->floor.ms
                                               : (uint64_t)((const struct note_act *)record)->at.ms;
    (void)error;
    if (seen->count > 0 && number != seen->last + 1)
        seen->in_order = false;
    seen->last = number;
    seen->count++;
    return true;
}

static struct journal *open_journal (struct seen *seen, uint64_t *cut)
{
    struct journal *journal;
    struct error error;
    *seen = (struct seen){.in_order = true};
    if (!journal_open (path, look, seen, &journal, cut, &error))
        fail_msg ("%s", error.text);
    return journal;
}

static void append_act (struct journal *journal, int64_t number)
{
    struct note_act note = {.act = ACT_STAGE, .at = {number}, .detail = "a detail", .result = {.name = "t"}};
    struct error error;
    if (!journal_append (journal, &note_act_type, &note, &error))
        fail_msg ("%s", error.text);
}

/* Fills the file with RECORDS acts; the sizes at which a record ends. */
static void fill (size_t ends[RECORDS])
{
    struct seen seen;
    uint64_t cut;
    struct journal *journal = open_journal (&seen, &cut);
    struct stat status;
    for (int64_t i = 0; i < RECORDS; i++) {
        append_act (journal, i + 1);
        assert_int_equal (stat (path, &status), 0);
        ends[i] = (size_t)status.st_size;
    }
    journal_close (&journal);
}

static struct bytes read_file (struct arena *arena)
{
    struct bytes file;
    assert_true (file_read (path, 1 << 26, arena, &file, NULL));
    return file;
}

static void test_torn_at_every_byte (void **state)
{
    size_t ends[RECORDS];
    struct arena arena = {0};
    struct bytes whole;
    size_t size;
    (void)state;
    fill (ends);
    whole = read_file (&arena);
    for (size = 0; size <= whole.size; size++) {
        struct seen seen;
        uint64_t cut;
        struct journal *journal;
        size_t expected = 0;
        assert_true (file_write (path, (struct bytes){whole.data, size}, 0600, NULL));
        while (expected < RECORDS && ends[expected] <= size)
            expected++;
        journal = open_journal (&seen, &cut);
        assert_int_equal (seen.count, expected);
        assert_int_equal (cut, size - (expected > 0 ? ends[expected - 1] : 0));
        append_act (journal, (int64_t)expected + 1); /* what follows joins without a gap */
        journal_close (&journal);
        journal = open_journal (&seen, &cut);
        assert_int_equal (seen.count, expected + 1);
        assert_true (seen.in_order);
        assert_int_equal (cut, 0);
        journal_close (&journal);
    }
    arena_free (&arena);
}

static void test_damage_is_named (void **state)
{
    size_t ends[RECORDS];
    struct arena arena = {0};
    struct bytes whole;
    uint8_t *copy;
    size_t at;
    (void)state;
    fill (ends);
    whole = read_file (&arena);
    copy = arena_copy (&arena, whole.data, whole.size);
    for (at = 0; at < ends[1]; at++) {
        struct seen seen = {0};
        struct journal *journal = NULL;
        struct error error;
        char expected[64];
        uint64_t cut;
        copy[at] ^= 0x41;
        assert_true (file_write (path, (struct bytes){copy, whole.size}, 0600, NULL));
        assert_false (journal_open (path, look, &seen, &journal, &cut, &error));
        assert_null (journal);
        (void)snprintf (
            expected, sizeof expected, "at byte %zu is damaged", at < ends[0] ? (size_t)0 : ends[0]);
        assert_non_null (strstr (error.text, expected));
        copy[at] ^= 0x41;
    }
    arena_free (&arena);
}

static void test_reading_changes_nothing (void **state)
{
    size_t ends[RECORDS];
    struct seen seen = {.in_order = true};
    struct stat status;
    (void)state;
    fill (ends);
    assert_int_equal (truncate (path, (off_t)ends[2] - 5), 0);
    assert_true (journal_read (path, look, &seen, NULL));
    assert_int_equal (seen.count, 2);
    assert_int_equal (stat (path, &status), 0);
    assert_int_equal (status.st_size, ends[2] - 5);
    assert_true (journal_read ("/tmp/there-is-no-such-journal", look, &seen, NULL));
}

/* Beside a process that appends without a pause: each reading sees a beginning of what is written. The file
   must end somewhere, for it is read as a whole each time. */
static void test_read_beside_a_writer (void **state)
{
    struct seen seen;
    uint64_t cut;
    struct journal *journal = open_journal (&seen, &cut);
    size_t readings = 0;
    int status = 0;
    pid_t writer;
    (void)state;
    append_act (journal, 1);
    writer = fork ();
    assert_true (writer >= 0);
    if (writer == 0) {
        for (int64_t i = 2; i <= BESIDE; i++)
            append_act (journal, i);
        _exit (0);
    }
    for (; waitpid (writer, &status, WNOHANG) == 0; readings++) {
        struct error error;
        seen = (struct seen){.in_order = true};
        if (!journal_read (path, look, &seen, &error))
            fail_msg ("%s", error.text);
        assert_true (seen.in_order && seen.count >= 1);
    }
    assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
    assert_true (readings >= READINGS);
    journal_close (&journal);
}

/* The child writes each number to the pipe only after the append has returned. */
static void append_for_ever (int acknowledge)
{
    struct seen seen;
    uint64_t cut;
    struct journal *journal = open_journal (&seen, &cut);
    for (int64_t i = (int64_t)seen.last + 1;; i++) {
        append_act (journal, i);
        if (write (acknowledge, &i, sizeof i) != sizeof i)
            _exit (1);
    }
}

static void test_killed_while_appending (void **state)
{
    int64_t acknowledged = 0;
    (void)state;
    for (int round = 0; round < KILLS; round++) {
        struct seen seen;
        struct journal *journal;
        uint64_t cut;
        int ends[2];
        pid_t child;
        assert_int_equal (pipe (ends), 0);
        child = fork ();
        if (child == 0)
            append_for_ever (ends[1]);
        (void)close (ends[1]);
        (void)usleep (20000 + 7000 * (useconds_t)round);
        assert_int_equal (kill (child, SIGKILL), 0);
        assert_int_equal (waitpid (child, NULL, 0), child);
        while (read (ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged)
            ;
        (void)close (ends[0]);
        journal = open_journal (&seen, &cut);
        assert_true (seen.in_order);
        assert_true (seen.last >= (uint64_t)acknowledged);
        journal_close (&journal);
    }
    assert_true (acknowledged > 0);
}

/* A file that may not grow behaves like a full disk: part of the record is written, then none. */
static void append_to_the_limit (void)
{
    struct seen seen;
    uint64_t cut;
    struct journal *journal = open_journal (&seen, &cut);
    struct rlimit limit = {0};
    struct note_act note = {.act = ACT_STOP, .at = {2}, .detail = "does not fit"};
    struct stat status;
    struct error error;
    append_act (journal, 1);
    (void)stat (path, &status);
    limit.rlim_cur = limit.rlim_max = (rlim_t)status.st_size + 20;
    (void)signal (SIGXFSZ, SIG_IGN);
    (void)setrlimit (RLIMIT_FSIZE, &limit);
    _exit (journal_append (journal, &note_act_type, &note, &error) ? 1 : 0);
}

static void test_full_disk_leaves_it_whole (void **state)
{
    struct seen seen;
    struct journal *journal;
    uint64_t cut;
    int status;
    pid_t child = fork ();
    (void)state;
    if (child == 0)
        append_to_the_limit ();
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
    journal = open_journal (&seen, &cut);
    assert_int_equal (seen.count, 1);
    assert_int_equal (cut, 0);
    journal_close (&journal);
}

static void test_old_clock_notes_go (void **state)
{
    struct seen seen;
    struct journal *journal;
    struct buffer copy = {0};
    struct arena arena = {0};
    struct bytes one;
    uint64_t cut;
    struct stat status;
    struct note_clock clock = {.floor = {1}};
    (void)state;
    journal = open_journal (&seen, &cut);
    assert_true (journal_append (journal, &note_clock_type, &clock, NULL));
    journal_close (&journal);
    one = read_file (&arena);
    for (size_t i = 0; i < CLOCK_FLOOD; i++)
        buffer_append (&copy, one.data, one.size);
    assert_true (file_write (path, buffer_bytes (&copy), 0600, NULL));
    journal = open_journal (&seen, &cut);
    append_act (journal, 2);
    journal_close (&journal);
    assert_int_equal (stat (path, &status), 0);
    assert_true ((size_t)status.st_size < 10 * one.size);
    journal = open_journal (&seen, &cut);
    assert_int_equal (seen.count, 2);
    assert_true (seen.in_order);
    journal_close (&journal);
    buffer_free (&copy);
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_torn_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown (test_damage_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown (test_reading_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown (test_read_beside_a_writer, setup, teardown),
        cmocka_unit_test_setup_teardown (test_killed_while_appending, setup, teardown),
        cmocka_unit_test_setup_teardown (test_full_disk_leaves_it_whole, setup, teardown),
        cmocka_unit_test_setup_teardown (test_old_clock_notes_go, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
