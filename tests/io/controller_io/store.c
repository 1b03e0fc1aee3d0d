/* The journal: what was acknowledged is there after a kill, and no byte changes unnoticed. */
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "common/io/file.h"
#include "controller/io/store.h"

enum { BODY_SIZE = 100 };

static int setup (void **state)
{
    const char *base = getenv ("TMPDIR");
    char *folder = malloc (256);
    (void)snprintf (folder, 256, "%s/relevo-store-XXXXXX", base == NULL ? "/tmp" : base);
    *state = folder;
    return mkdtemp (folder) == NULL;
}

static int teardown (void **state)
{
    struct error error;
    bool good = folder_remove (*state, &error);
    free (*state);
    return !good;
}

static struct bytes body (uint8_t data[BODY_SIZE], unsigned seed)
{
    for (size_t i = 0; i < BODY_SIZE; i++)
        data[i] = (uint8_t)(seed * 7 + i);
    return (struct bytes){data, BODY_SIZE};
}

static bool append (struct store *store, unsigned first, unsigned count)
{
    uint8_t data[8][BODY_SIZE];
    struct store_entry entries[8];
    struct error error;
    assert (count <= 8);
    for (unsigned i = 0; i < count; i++)
        entries[i] = (struct store_entry){100 + i, body (data[i], first + i)};
    return store_append (store, (struct instant){1000 + first}, entries, count, &error);
}

struct seen {
    uint64_t count;
    uint64_t stop_at;
};

static bool see (void *context, const struct store_row *row, struct error *error)
{
    struct seen *seen = context;
    uint8_t data[BODY_SIZE];
    seen->count++;
    assert_int_equal (row->sequence, seen->count);
    assert_true (bytes_equal (row->body, body (data, (unsigned)row->sequence)));
    return row->sequence != seen->stop_at || error_set (error, ERROR_INPUT, "not this one");
}

static struct store *open_good (const char *folder, uint64_t expected)
{
    struct seen seen = {0};
    struct store *store = NULL;
    struct error error = {0};
    if (!store_open (folder, STORE_WRITE, see, &seen, &store, &error))
        fail_msg ("%s", error.text);
    assert_int_equal (seen.count, expected);
    assert_int_equal (store_newest (store), expected);
    return store;
}

static void test_append_and_reopen (void **state)
{
    struct store *store = open_good (*state, 0);
    assert_true (append (store, 1, 1));
    assert_true (append (store, 2, 5));
    assert_int_equal (store_newest (store), 6);
    store_close (&store);
    assert_null (store);
    store = open_good (*state, 6);
    assert_true (append (store, 7, 2));
    store_close (&store);
    store = open_good (*state, 8);
    store_close (&store);
}

static void test_visitor_stops (void **state)
{
    struct seen seen = {.stop_at = 2};
    struct error error;
    struct store *store = open_good (*state, 0);
    assert_true (append (store, 1, 3));
    store_close (&store);
    assert_false (store_open (*state, STORE_WRITE, see, &seen, &store, &error));
    assert_non_null (strstr (error.text, "entry 2: not this one"));
    assert_null (store);
}

static void execute (const char *folder, const char *sql)
{
    char path[300];
    sqlite3 *database;
    (void)snprintf (path, sizeof path, "%s/journal.sqlite", folder);
    assert_int_equal (sqlite3_open (path, &database), SQLITE_OK);
    assert_int_equal (sqlite3_exec (database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal (sqlite3_close (database), SQLITE_OK);
}

static void refuse_after (void **state, const char *sql, const char *expected)
{
    struct store *store = open_good (*state, 0);
    struct error error;
    assert_true (append (store, 1, 7));
    store_close (&store);
    execute (*state, sql);
    assert_false (store_open (*state, STORE_WRITE, NULL, NULL, &store, &error));
    if (strstr (error.text, expected) == NULL)
        fail_msg ("%s", error.text);
}

static void test_changed_byte (void **state)
{
    refuse_after (
        state,
        "UPDATE journal SET body = CAST(substr(body, 1, 50) || x'00' || substr(body, 52) AS BLOB)"
        " WHERE sequence = 4",
        "entry 4 does not fit the chain");
}

static void test_changed_chain (void **state)
{
    refuse_after (
        state, "UPDATE journal SET chain = zeroblob (32) WHERE sequence = 7",
        "entry 7 does not fit the chain");
}

static void test_missing_row (void **state)
{
    refuse_after (state, "DELETE FROM journal WHERE sequence = 3", "entry 3 is missing");
}

static void test_swapped_rows (void **state)
{
    refuse_after (
        state,
        "UPDATE journal SET sequence = 100 WHERE sequence = 5;"
        "UPDATE journal SET sequence = 5 WHERE sequence = 6;"
        "UPDATE journal SET sequence = 6 WHERE sequence = 100",
        "entry 5 does not fit the chain");
}

static void test_short_chain (void **state)
{
    refuse_after (state, "UPDATE journal SET chain = x'00' WHERE sequence = 2", "entry 2 is damaged");
}

static void test_newer_schema (void **state)
{
    refuse_after (state, "PRAGMA user_version = 9", "written by a newer relevod (schema 9");
}

static void test_foreign_database (void **state)
{
    struct store *store;
    struct error error;
    execute (*state, "CREATE TABLE other (x)");
    assert_false (store_open (*state, STORE_WRITE, NULL, NULL, &store, &error));
    assert_non_null (strstr (error.text, "not a journal of relevod"));
}

static void test_two_writers (void **state)
{
    struct store *store = open_good (*state, 0);
    struct store *other = NULL;
    struct error error;
    char process[32];
    assert_true (append (store, 1, 2));
    assert_false (store_open (*state, STORE_WRITE, NULL, NULL, &other, &error));
    assert_int_equal (error.kind, ERROR_CONFLICT);
    (void)snprintf (process, sizeof process, "process %d", (int)getpid ());
    assert_non_null (strstr (error.text, process));
    assert_null (other);
    assert_true (store_open (*state, STORE_READ, NULL, NULL, &other, &error));
    assert_int_equal (store_newest (other), 2);
    store_close (&other);
    assert_true (append (store, 3, 1));
    store_close (&store);
}

static void test_pages (void **state)
{
    struct store *store = open_good (*state, 0);
    struct arena arena = {0};
    struct audit_row *rows;
    struct error error;
    size_t count;
    bool more;
    assert_true (append (store, 1, 8));
    assert_true (store_page (store, 0, 3, 1000000, &arena, &rows, &count, &more, &error));
    assert_int_equal (count, 3);
    assert_true (more);
    assert_int_equal (rows[2].sequence, 3);
    assert_int_equal (rows[2].at.ms, 1001);
    assert_true (store_page (store, 3, 100, 2 * BODY_SIZE, &arena, &rows, &count, &more, &error));
    assert_int_equal (count, 2);
    assert_true (more);
    assert_true (store_page (store, 5, 100, 1, &arena, &rows, &count, &more, &error));
    assert_int_equal (count, 1);
    assert_true (store_page (store, 6, 100, 1000000, &arena, &rows, &count, &more, &error));
    assert_int_equal (count, 2);
    assert_false (more);
    assert_true (store_page (store, UINT64_MAX, 100, 1000000, &arena, &rows, &count, &more, &error));
    assert_int_equal (count, 0);
    assert_false (more);
    arena_free (&arena);
    store_close (&store);
}

/* The pages alone are enough to check the chain, which is what `audit` does on another machine. */
static void test_page_chain (void **state)
{
    struct store *store = open_good (*state, 0);
    struct arena arena = {0};
    struct audit_row *rows;
    struct digest chain = {0};
    struct error error;
    size_t count;
    bool more;
    assert_true (append (store, 1, 4));
    assert_true (store_page (store, 0, 10, 1000000, &arena, &rows, &count, &more, &error));
    for (size_t i = 0; i < count; i++) {
        struct digest_stream stream;
        digest_begin (&stream);
        digest_add (&stream, chain.bytes, sizeof chain.bytes);
        digest_add (&stream, rows[i].body.data, rows[i].body.size);
        chain = digest_end (&stream);
        assert_true (digest_equal (&chain, &rows[i].chain));
    }
    assert_int_equal (count, 4);
    arena_free (&arena);
    store_close (&store);
}

/* Appends runs of three until it is killed; tells each that was acknowledged. */
static void write_for_ever (const char *folder, int pipe)
{
    struct store *store;
    struct error error;
    uint64_t newest;
    if (!store_open (folder, STORE_WRITE, NULL, NULL, &store, &error))
        _exit (1);
    for (;;) {
        if (!append (store, (unsigned)store_newest (store) + 1, 3))
            _exit (1);
        newest = store_newest (store);
        if (write (pipe, &newest, sizeof newest) != (ssize_t)sizeof newest)
            _exit (1);
    }
}

static uint64_t kill_a_writer (const char *folder, useconds_t after)
{
    uint64_t acknowledged = 0;
    uint64_t next;
    int pipes[2];
    int status;
    pid_t child;
    assert_int_equal (pipe (pipes), 0);
    child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        close (pipes[0]);
        write_for_ever (folder, pipes[1]);
    }
    close (pipes[1]);
    assert_int_equal (read (pipes[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    usleep (after);
    assert_int_equal (kill (child, SIGKILL), 0);
    while (read (pipes[0], &next, sizeof next) == (ssize_t)sizeof next)
        acknowledged = next;
    close (pipes[0]);
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_true (WIFSIGNALED (status));
    return acknowledged;
}

static void test_kill (void **state)
{
    uint64_t before = 0;
    for (unsigned round = 0; round < 10; round++) {
        uint64_t acknowledged = kill_a_writer (*state, round * 1700);
        struct seen seen = {0};
        struct store *store;
        struct error error;
        assert_true (store_open (*state, STORE_WRITE, see, &seen, &store, &error));
        assert_true (acknowledged > before);
        assert_true (store_newest (store) >= acknowledged);
        assert_true (store_newest (store) <= acknowledged + 3);
        assert_int_equal (store_newest (store) % 3, 0);
        before = store_newest (store);
        store_close (&store);
    }
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST (test_append_and_reopen),
        TEST (test_visitor_stops),
        TEST (test_changed_byte),
        TEST (test_changed_chain),
        TEST (test_missing_row),
        TEST (test_swapped_rows),
        TEST (test_short_chain),
        TEST (test_newer_schema),
        TEST (test_foreign_database),
        TEST (test_two_writers),
        TEST (test_pages),
        TEST (test_page_chain),
        TEST (test_kill),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
