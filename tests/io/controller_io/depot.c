/* The depot: only whole and right content ever appears, whatever is sent in whatever order. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/io/file.h"
#include "controller/io/depot.h"
#include "proto/limits.h"

enum { SIZE = 1000000, PIECE = 70000 };

struct fixture {
    char folder[256];
    struct depot *depot;
    uint8_t *content;
    struct digest digest;
};

static int setup (void **state)
{
    const char *base = getenv ("TMPDIR");
    struct fixture *fixture = calloc (1, sizeof *fixture);
    struct error error;
    (void)snprintf (
        fixture->folder, sizeof fixture->folder, "%s/relevo-depot-XXXXXX", base == NULL ? "/tmp" : base);
    fixture->content = malloc (SIZE);
    for (size_t i = 0; i < SIZE; i++)
        fixture->content[i] = (uint8_t)(i * i / 257);
    fixture->digest = digest_of (fixture->content, SIZE);
    *state = fixture;
    return mkdtemp (fixture->folder) == NULL || !depot_open (fixture->folder, &fixture->depot, &error);
}

static int teardown (void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool good = folder_remove (fixture->folder, &error);
    depot_close (&fixture->depot);
    free (fixture->content);
    free (fixture);
    return !good;
}

static void reopen (struct fixture *fixture)
{
    struct error error;
    depot_close (&fixture->depot);
    assert_true (depot_open (fixture->folder, &fixture->depot, &error));
}

static struct depot_state put (struct fixture *fixture, uint64_t offset, size_t size)
{
    struct depot_state state = {0};
    struct error error;
    if (!depot_put (
            fixture->depot, &fixture->digest, SIZE, offset, (struct bytes){fixture->content + offset, size},
            &state, &error))
        fail_msg ("%s", error.text);
    return state;
}

static bool is_there (const struct fixture *fixture, const char *ending)
{
    char path[400];
    char text[DIGEST_TEXT_SIZE];
    (void)snprintf (
        path, sizeof path, "%s/%s%s", fixture->folder, digest_print (&fixture->digest, text), ending);
    return file_exists (path);
}

static struct depot_state put_rest (struct fixture *fixture, struct depot_state state)
{
    while (!state.complete) {
        size_t left = (size_t)(SIZE - state.have);
        uint64_t before = state.have;
        state = put (fixture, state.have, left < PIECE ? left : PIECE);
        assert_true (state.have > before);
        assert_true (state.complete || !is_there (fixture, ""));
    }
    return state;
}

static void check_whole (struct fixture *fixture)
{
    struct arena arena = {0};
    struct bytes bytes;
    struct error error;
    assert_true (is_there (fixture, ""));
    assert_false (is_there (fixture, ".part"));
    assert_true (depot_read (fixture->depot, &fixture->digest, 0, SIZE, &arena, &bytes, &error));
    assert_true (bytes_equal (bytes, (struct bytes){fixture->content, SIZE}));
    assert_true (depot_read (fixture->depot, &fixture->digest, SIZE - 5, 100, &arena, &bytes, &error));
    assert_int_equal (bytes.size, 5);
    assert_memory_equal (bytes.data, fixture->content + SIZE - 5, 5);
    assert_true (depot_read (fixture->depot, &fixture->digest, SIZE, 100, &arena, &bytes, &error));
    assert_int_equal (bytes.size, 0);
    assert_false (depot_read (fixture->depot, &fixture->digest, SIZE + 1, 1, &arena, &bytes, &error));
    arena_free (&arena);
}

static void test_put_and_read (void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal (put (fixture, 0, 0).have, 0);
    (void)put_rest (fixture, (struct depot_state){0});
    check_whole (fixture);
    assert_true (put (fixture, 0, 0).complete);
    reopen (fixture);
    check_whole (fixture);
}

static void test_resume (void **state)
{
    struct fixture *fixture = *state;
    (void)put (fixture, 0, PIECE);
    (void)put (fixture, PIECE, PIECE);
    reopen (fixture);
    assert_int_equal (put (fixture, 0, 0).have, 2 * PIECE);
    (void)put_rest (fixture, put (fixture, 0, 0));
    check_whole (fixture);
}

/* Killed between the last byte and the rename. */
/* The disk damaged a whole content: the question notices it, and the same bytes can come again. */
static void test_damage_is_repaired (void **state)
{
    struct fixture *fixture = *state;
    struct arena arena = {0};
    struct bytes bytes;
    struct error error;
    char path[400];
    char text[DIGEST_TEXT_SIZE];
    (void)snprintf (path, sizeof path, "%s/%s", fixture->folder, digest_print (&fixture->digest, text));
    for (int round = 0; round < 2; round++) {
        int file;
        (void)put_rest (fixture, put (fixture, 0, 0));
        assert_true (depot_read (fixture->depot, &fixture->digest, 0, 10, &arena, &bytes, &error));
        assert_true (put (fixture, 0, 0).complete);
        assert_int_equal (chmod (path, 0600), 0);
        file = open (path, O_WRONLY | O_CLOEXEC);
        assert_true (file >= 0);
        if (round == 0)
            assert_int_equal (pwrite (file, "damage", 6, SIZE / 2), 6);
        else
            assert_int_equal (ftruncate (file, SIZE / 2), 0);
        assert_int_equal (close (file), 0);
        assert_int_equal (put (fixture, 0, 0).have, 0);
        assert_false (is_there (fixture, ""));
        assert_false (depot_read (fixture->depot, &fixture->digest, 0, 10, &arena, &bytes, &error));
        (void)put_rest (fixture, (struct depot_state){0});
        check_whole (fixture);
    }
    arena_free (&arena);
}

static void test_resume_all_there (void **state)
{
    struct fixture *fixture = *state;
    char path[400];
    char text[DIGEST_TEXT_SIZE];
    struct error error;
    (void)snprintf (path, sizeof path, "%s/%s.part", fixture->folder, digest_print (&fixture->digest, text));
    assert_true (file_write (path, (struct bytes){fixture->content, SIZE}, 0600, &error));
    assert_true (put (fixture, 0, 0).complete);
    check_whole (fixture);
}

/* A part that is too large to be hashed in one go: asked for work until it can answer. */
static void test_resume_in_slices (void **state)
{
    struct fixture *fixture = *state;
    size_t size = 80 * 1024 * 1024;
    uint8_t *large = calloc (1, size);
    struct depot_state answer;
    struct error error;
    unsigned turns = 0;
    fixture->digest = digest_of (large, size);
    for (size_t at = 0; at < size - 1; at += (size_t)8 << 20)
        assert_true (depot_put (
            fixture->depot, &fixture->digest, size, at,
            (struct bytes){large, size - 1 - at < (size_t)8 << 20 ? size - 1 - at : (size_t)8 << 20}, &answer,
            &error));
    reopen (fixture);
    assert_true (depot_put (fixture->depot, &fixture->digest, size, 0, (struct bytes){0}, &answer, &error));
    assert_true (answer.busy);
    while (depot_work (fixture->depot))
        turns++;
    assert_in_range (turns, 1, 2);
    assert_true (depot_put (
        fixture->depot, &fixture->digest, size, size - 1, (struct bytes){large, 1}, &answer, &error));
    assert_true (answer.complete);
    free (large);
}

static void test_other_offsets_are_ignored (void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal (put (fixture, 0, PIECE).have, PIECE);
    assert_int_equal (put (fixture, 0, PIECE).have, PIECE);
    assert_int_equal (put (fixture, 2 * PIECE, PIECE).have, PIECE);
    assert_int_equal (put (fixture, 1, PIECE).have, PIECE);
    (void)put_rest (fixture, (struct depot_state){.have = PIECE});
    check_whole (fixture);
}

static void test_wrong_bytes (void **state)
{
    struct fixture *fixture = *state;
    struct depot_state answer;
    struct error error;
    fixture->content[PIECE / 2] ^= 1;
    (void)put (fixture, 0, PIECE);
    assert_false (depot_put (
        fixture->depot, &fixture->digest, SIZE, PIECE, (struct bytes){fixture->content + PIECE, SIZE - PIECE},
        &answer, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
    assert_non_null (strstr (error.text, "not what was named"));
    assert_false (is_there (fixture, ""));
    assert_false (is_there (fixture, ".part"));
    fixture->content[PIECE / 2] ^= 1;
    (void)put_rest (fixture, put (fixture, 0, 0));
    check_whole (fixture);
}

static void test_oversize (void **state)
{
    struct fixture *fixture = *state;
    struct depot_state answer;
    struct error error;
    assert_false (depot_put (
        fixture->depot, &fixture->digest, 10, 5, (struct bytes){fixture->content, 6}, &answer, &error));
    assert_int_equal (error.kind, ERROR_LIMIT);
    assert_false (depot_put (fixture->depot, &fixture->digest, 10, 11, (struct bytes){0}, &answer, &error));
    assert_false (depot_put (
        fixture->depot, &fixture->digest, LIMIT_CONTENT + 1, 0, (struct bytes){0}, &answer, &error));
    assert_false (depot_put (
        fixture->depot, &fixture->digest, 10, UINT64_MAX, (struct bytes){fixture->content, 6}, &answer,
        &error));
    (void)put_rest (fixture, (struct depot_state){0});
    assert_false (depot_put (fixture->depot, &fixture->digest, 10, 0, (struct bytes){0}, &answer, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
}

/* A part that grew beyond this length belongs to a claim that can't be true: it starts over. */
static void test_part_too_long (void **state)
{
    struct fixture *fixture = *state;
    struct depot_state answer;
    struct error error;
    assert_true (depot_put (
        fixture->depot, &fixture->digest, LIMIT_CONTENT, 0, (struct bytes){fixture->content, SIZE}, &answer,
        &error));
    assert_true (depot_put (
        fixture->depot, &fixture->digest, LIMIT_CONTENT, SIZE, (struct bytes){fixture->content, 1}, &answer,
        &error));
    assert_int_equal (answer.have, SIZE + 1);
    assert_int_equal (put (fixture, 0, 0).have, 0);
    (void)put_rest (fixture, (struct depot_state){0});
    check_whole (fixture);
}

/* More uploads than the depot keeps open, turn by turn: each goes on where it was. */
static void test_many_at_once (void **state)
{
    struct fixture *fixture = *state;
    enum { MANY = 50, PIECES = 3, EACH = 4000 };
    uint8_t data[PIECES * EACH];
    struct depot_state answer;
    struct error error;
    struct arena arena = {0};
    struct bytes bytes;
    for (size_t piece = 0; piece < PIECES; piece++)
        for (size_t i = 0; i < MANY; i++) {
            struct digest digest;
            memset (data, (int)i, sizeof data);
            digest = digest_of (data, sizeof data);
            assert_true (depot_put (
                fixture->depot, &digest, sizeof data, piece * EACH, (struct bytes){data, EACH}, &answer,
                &error));
            assert_int_equal (answer.have, (piece + 1) * EACH);
            assert_int_equal (answer.complete, piece == PIECES - 1);
        }
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < 2 * MANY; i++) {
            struct digest digest;
            memset (data, (int)(i % MANY), sizeof data);
            digest = digest_of (data, sizeof data);
            assert_true (depot_read (fixture->depot, &digest, 100, 100, &arena, &bytes, &error));
            assert_memory_equal (bytes.data, data, 100);
        }
    arena_free (&arena);
}

static void test_two_senders (void **state)
{
    struct fixture *fixture = *state;
    struct depot_state first = put (fixture, 0, 0);
    struct depot_state second = put (fixture, 0, 0);
    while (!first.complete && !second.complete) {
        size_t size = SIZE - first.have < PIECE ? (size_t)(SIZE - first.have) : PIECE;
        first = put (fixture, first.have, size);
        size = SIZE - second.have < PIECE / 3 ? (size_t)(SIZE - second.have) : PIECE / 3;
        second = put (fixture, second.have, size);
    }
    check_whole (fixture);
}

static void test_missing (void **state)
{
    struct fixture *fixture = *state;
    struct arena arena = {0};
    struct bytes bytes;
    struct error error;
    assert_false (depot_read (fixture->depot, &fixture->digest, 0, 1, &arena, &bytes, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
    arena_free (&arena);
}

static void test_empty_content (void **state)
{
    struct fixture *fixture = *state;
    struct depot_state answer;
    struct error error;
    fixture->digest = digest_of ("", 0);
    assert_true (depot_put (fixture->depot, &fixture->digest, 0, 0, (struct bytes){0}, &answer, &error));
    assert_true (answer.complete);
    assert_true (is_there (fixture, ""));
}

static void test_questions_and_old_parts (void **state)
{
    struct fixture *fixture = *state;
    char path[400];
    char text[DIGEST_TEXT_SIZE];
    struct timespec times[2] = {{0}, {0}};
    (void)snprintf (path, sizeof path, "%s/%s.part", fixture->folder, digest_print (&fixture->digest, text));
    assert_int_equal (put (fixture, 0, 0).have, 0);
    assert_false (file_exists (path));
    assert_int_equal (put (fixture, 0, PIECE).have, PIECE);
    reopen (fixture);
    assert_true (file_exists (path));
    times[0].tv_sec = times[1].tv_sec = time (NULL) - 8 * 24 * 3600;
    assert_int_equal (utimensat (AT_FDCWD, path, times, 0), 0);
    reopen (fixture);
    assert_false (file_exists (path));
    assert_int_equal (put (fixture, 0, 0).have, 0);
}

/* A write that fails in the middle: reported, and what was there before goes on. */
static void test_no_room (void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before;
    struct rlimit small;
    struct depot_state answer;
    struct error error;
    assert_int_equal (put (fixture, 0, PIECE).have, PIECE);
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
    (void)signal (SIGXFSZ, SIG_IGN);
    small = (struct rlimit){PIECE + 1000, before.rlim_max};
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
    assert_false (depot_put (
        fixture->depot, &fixture->digest, SIZE, PIECE, (struct bytes){fixture->content + PIECE, PIECE},
        &answer, &error));
    assert_int_equal (error.kind, ERROR_SYSTEM);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
    assert_int_equal (put (fixture, 0, 0).have, PIECE);
    (void)put_rest (fixture, (struct depot_state){.have = PIECE});
    check_whole (fixture);
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST (test_put_and_read),
        TEST (test_resume),
        TEST (test_damage_is_repaired),
        TEST (test_resume_all_there),
        TEST (test_resume_in_slices),
        TEST (test_other_offsets_are_ignored),
        TEST (test_wrong_bytes),
        TEST (test_oversize),
        TEST (test_part_too_long),
        TEST (test_many_at_once),
        TEST (test_two_senders),
        TEST (test_missing),
        TEST (test_empty_content),
        TEST (test_questions_and_old_parts),
        TEST (test_no_room),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
