/* The content store believes nothing that lies in the spool, and the spool resumes what it has. */
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

#include "agent/io/fetch.h"
#include "agent/io/store.h"
#include "common/io/file.h"

#define CONTENT "the bytes that were signed"

enum { CONTENT_SIZE = sizeof CONTENT - 1 };

struct fixture {
    char folder[64];
    char store[96];
    char spool[96];
    struct digest digest;
    struct arena arena;
};

static int setup (void **state)
{
    struct fixture *fixture = calloc (1, sizeof *fixture);
    assert_non_null (fixture);
    (void)snprintf (fixture->folder, sizeof fixture->folder, "/tmp/relevo-store-XXXXXX");
    assert_non_null (mkdtemp (fixture->folder));
    (void)snprintf (fixture->store, sizeof fixture->store, "%s/store", fixture->folder);
    (void)snprintf (fixture->spool, sizeof fixture->spool, "%s/spool", fixture->folder);
    assert_int_equal (mkdir (fixture->store, 0700), 0);
    assert_int_equal (mkdir (fixture->spool, 0700), 0);
    fixture->digest = digest_of (CONTENT, CONTENT_SIZE);
    *state = fixture;
    return 0;
}

static int teardown (void **state)
{
    struct fixture *fixture = *state;
    assert_true (folder_remove (fixture->folder, NULL));
    arena_free (&fixture->arena);
    free (fixture);
    return 0;
}

static const char *spooled (struct fixture *fixture)
{
    return store_path (&fixture->arena, fixture->spool, &fixture->digest);
}

static void put_spool (struct fixture *fixture, const char *text)
{
    assert_true (file_write (spooled (fixture), bytes_of_text (text), 0600, NULL));
}

static bool take (struct fixture *fixture, struct error *error)
{
    return store_take (fixture->store, fixture->spool, &fixture->digest, CONTENT_SIZE, error);
}

static void expect_refusal (struct fixture *fixture, const char *words)
{
    struct error error;
    const char *kept = store_path (&fixture->arena, fixture->store, &fixture->digest);
    assert_false (take (fixture, &error));
    if (strstr (error.text, words) == NULL)
        fail_msg ("\"%s\" is not in \"%s\"", words, error.text);
    assert_int_not_equal (access (kept, F_OK), 0);
    assert_int_not_equal (access (arena_format (&fixture->arena, "%s.partial", kept), F_OK), 0);
    assert_false (store_has (fixture->store, &fixture->digest, CONTENT_SIZE));
}

static void test_good (void **state)
{
    struct fixture *fixture = *state;
    put_spool (fixture, CONTENT);
    assert_true (take (fixture, NULL));
    assert_true (store_has (fixture->store, &fixture->digest, CONTENT_SIZE));
    assert_false (store_has (fixture->store, &fixture->digest, CONTENT_SIZE - 1));
    assert_int_equal (unlink (spooled (fixture)), 0);
    assert_true (take (fixture, NULL)); /* it is there already */
}

static void test_wrong_digest (void **state)
{
    put_spool (*state, "the bytes that were forged");
    expect_refusal (*state, "not what its digest says");
}

static void test_longer_and_shorter (void **state)
{
    put_spool (*state, CONTENT "!");
    expect_refusal (*state, "27 bytes, not the 26");
    put_spool (*state, "short");
    expect_refusal (*state, "5 bytes, not the 26");
}

static void test_symlink (void **state)
{
    struct fixture *fixture = *state;
    char other[128];
    (void)snprintf (other, sizeof other, "%s/other", fixture->folder);
    assert_true (file_write (other, bytes_of_text (CONTENT), 0600, NULL));
    assert_int_equal (symlink (other, spooled (fixture)), 0);
    expect_refusal (fixture, "no such regular file");
}

static void test_fifo_and_nothing (void **state)
{
    struct fixture *fixture = *state;
    expect_refusal (fixture, "no such regular file");
    assert_int_equal (mkfifo (spooled (fixture), 0600), 0);
    expect_refusal (fixture, "no such regular file");
}

static void test_damage_in_the_store (void **state)
{
    struct fixture *fixture = *state;
    const char *kept = store_path (&fixture->arena, fixture->store, &fixture->digest);
    put_spool (fixture, CONTENT);
    assert_true (take (fixture, NULL));
    assert_true (file_write (kept, bytes_of_text ("the bytes that were rotten"), 0400, NULL));
    assert_false (store_has (fixture->store, &fixture->digest, CONTENT_SIZE));
    assert_true (take (fixture, NULL));
    assert_true (store_has (fixture->store, &fixture->digest, CONTENT_SIZE));
}

static void test_clear_spares_scripts (void **state)
{
    struct fixture *fixture = *state;
    struct digest artifact = digest_of ("artifact", 8);
    put_spool (fixture, CONTENT);
    assert_true (take (fixture, NULL));
    assert_true (file_write (
        store_path (&fixture->arena, fixture->spool, &artifact), bytes_of_text ("artifact"), 0600, NULL));
    assert_true (store_take (fixture->store, fixture->spool, &artifact, 8, NULL));
    assert_true (store_mark_unpacked (fixture->store, &artifact, NULL));
    assert_true (store_clear (fixture->store, NULL));
    assert_true (store_has (fixture->store, &fixture->digest, CONTENT_SIZE));
    assert_false (store_has (fixture->store, &artifact, 8));
}

static struct bytes part (size_t from, size_t to)
{
    return (struct bytes){(const uint8_t *)CONTENT + from, to - from};
}

static void test_fetch_resumes (void **state)
{
    struct fixture *fixture = *state;
    struct fetch *fetch;
    struct fetch_state told;
    assert_true (fetch_new (fixture->spool, &fetch, NULL));
    fetch_open (fetch, &fixture->digest, CONTENT_SIZE, &told);
    assert_int_equal (told.have, 0);
    fetch_write (fetch, &fixture->digest, 0, part (0, 10), &told);
    assert_int_equal (told.have, 10);
    fetch_write (fetch, &fixture->digest, 12, part (12, 14), &told); /* a gap is not filled with guesses */
    assert_int_equal (told.have, 10);
    fetch_free (&fetch);
    assert_true (fetch_new (fixture->spool, &fetch, NULL));
    fetch_open (fetch, &fixture->digest, CONTENT_SIZE, &told);
    assert_int_equal (told.have, 10);
    fetch_write (fetch, &fixture->digest, 10, part (10, CONTENT_SIZE), &told);
    assert_true (told.complete && !told.bad);
    assert_true (take (fixture, NULL));
    fetch_open (fetch, &fixture->digest, CONTENT_SIZE, &told);
    assert_true (told.complete);
    fetch_drop (fetch, &fixture->digest);
    assert_int_not_equal (access (spooled (fixture), F_OK), 0);
    fetch_free (&fetch);
}

static void test_fetch_bad_bytes (void **state)
{
    struct fixture *fixture = *state;
    struct fetch *fetch;
    struct fetch_state told;
    assert_true (fetch_new (fixture->spool, &fetch, NULL));
    fetch_open (fetch, &fixture->digest, 4, &told);
    fetch_write (fetch, &fixture->digest, 0, part (0, 5), &told); /* one byte too many: none is taken */
    assert_int_equal (told.have, 0);
    fetch_write (fetch, &fixture->digest, 0, part (0, 4), &told);
    assert_true (told.bad && !told.complete);
    assert_int_equal (told.have, 0);
    fetch_open (fetch, &fixture->digest, CONTENT_SIZE, &told);
    assert_int_equal (told.have, 0);
    fetch_free (&fetch);
}

/* A .part that is longer than the content starts over. */
static void test_fetch_part_too_long (void **state)
{
    struct fixture *fixture = *state;
    struct fetch *fetch;
    struct fetch_state told;
    assert_true (file_write (
        arena_format (&fixture->arena, "%s.part", spooled (fixture)), bytes_of_text (CONTENT CONTENT), 0600,
        NULL));
    assert_true (fetch_new (fixture->spool, &fetch, NULL));
    fetch_open (fetch, &fixture->digest, CONTENT_SIZE, &told);
    assert_int_equal (told.have, 0);
    assert_string_equal (told.trouble, "");
    fetch_write (fetch, &fixture->digest, 0, part (0, CONTENT_SIZE), &told);
    assert_true (told.complete);
    fetch_free (&fetch);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_good, setup, teardown),
        cmocka_unit_test_setup_teardown (test_wrong_digest, setup, teardown),
        cmocka_unit_test_setup_teardown (test_longer_and_shorter, setup, teardown),
        cmocka_unit_test_setup_teardown (test_symlink, setup, teardown),
        cmocka_unit_test_setup_teardown (test_fifo_and_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown (test_damage_in_the_store, setup, teardown),
        cmocka_unit_test_setup_teardown (test_clear_spares_scripts, setup, teardown),
        cmocka_unit_test_setup_teardown (test_fetch_resumes, setup, teardown),
        cmocka_unit_test_setup_teardown (test_fetch_bad_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown (test_fetch_part_too_long, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
