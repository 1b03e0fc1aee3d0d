/* A document and its signatures as files beside each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/core/key.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"

enum { KEYS = 3 };

struct place {
    char folder[64];
    struct arena arena;
    const char *path;
    struct secret_key keys[KEYS];
    const char *signatures[KEYS];
};

static const char content[] = "relevo plan 1\nbytes";

static int set_up (void **state)
{
    static struct place place;
    place = (struct place){.folder = "/tmp/relevo-signed-XXXXXX"};
    *state = &place;
    if (mkdtemp (place.folder) == NULL)
        return -1;
    place.path = path_join (&place.arena, place.folder, "plan.relevo");
    for (uint8_t i = 0; i < KEYS; i++) {
        uint8_t seed[KEY_SEED_SIZE] = {i};
        uint8_t number[KEY_NUMBER_SIZE] = {0x10, 0, 0, 0, 0, 0, 0, (uint8_t)(0xA0 + i)};
        struct buffer out = {0};
        secret_key_make (seed, number, &place.keys[i]);
        if (!signature_make (&place.keys[i], bytes_of_text (content), "t", &out, NULL))
            return -1;
        place.signatures[i] = arena_text (&place.arena, out.data);
        buffer_free (&out);
    }
    return 0;
}

static int tear_down (void **state)
{
    struct place *place = *state;
    arena_free (&place->arena);
    return folder_remove (place->folder, NULL) ? 0 : -1;
}

static struct envelope envelope_of (struct place *place, size_t count)
{
    return (struct envelope){
        .content = bytes_of_text (content), .signatures = place->signatures, .signatures_count = count};
}

static const char *beside (struct place *place, const char *name)
{
    return path_join (&place->arena, place->folder, name);
}

static void test_round_trip (void **state)
{
    struct place *place = *state;
    struct envelope envelope = envelope_of (place, KEYS);
    struct envelope again;
    struct error error;
    assert_true (signed_file_write (place->path, &envelope, &error));
    assert_true (file_exists (beside (place, "plan.relevo.minisig")));
    assert_true (file_exists (beside (place, "plan.relevo.A100000000000010.minisig")));
    assert_true (file_exists (beside (place, "plan.relevo.A200000000000010.minisig")));
    assert_true (signed_file_read (place->path, &place->arena, &again, &error));
    assert_true (bytes_equal (again.content, envelope.content));
    assert_int_equal (again.signatures_count, KEYS);
    for (size_t i = 0; i < KEYS; i++) {
        assert_string_equal (again.signatures[i], place->signatures[i]);
        assert_true (signature_verify (again.signatures[i], &place->keys[i].public, again.content, &error));
    }
}

static void test_strangers_are_passed_over (void **state)
{
    static const char *const names[] = {
        "plan.relevo.backup.minisig", "plan.relevo.A10000000000001.minisig", "plan.relevo2.minisig",
        "plan.relevo.minisig.old", "other.minisig"};
    struct place *place = *state;
    struct envelope again;
    struct error error;
    assert_true (file_write (place->path, bytes_of_text (content), 0600, &error));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true (file_write (beside (place, names[i]), bytes_of_text ("x"), 0600, &error));
    assert_true (signed_file_read (place->path, &place->arena, &again, &error));
    assert_int_equal (again.signatures_count, 0);
}

static void test_write_removes_old_signatures (void **state)
{
    struct place *place = *state;
    struct envelope envelope = envelope_of (place, KEYS);
    struct envelope again;
    struct error error;
    assert_true (signed_file_write (place->path, &envelope, &error));
    envelope.signatures_count = 1;
    assert_true (signed_file_write (place->path, &envelope, &error));
    assert_true (signed_file_read (place->path, &place->arena, &again, &error));
    assert_int_equal (again.signatures_count, 1);
    assert_string_equal (again.signatures[0], place->signatures[0]);
}

static void test_write_refuses (void **state)
{
    struct place *place = *state;
    struct envelope envelope = envelope_of (place, KEYS);
    const char *doubled[] = {place->signatures[0], place->signatures[1], place->signatures[1]};
    const char *broken[] = {"no signature"};
    struct envelope again;
    struct error error;
    assert_true (signed_file_write (place->path, &envelope, &error));
    envelope.signatures = doubled;
    assert_false (signed_file_write (place->path, &envelope, &error));
    assert_int_equal (error.kind, ERROR_CONFLICT);
    envelope.signatures = broken;
    envelope.signatures_count = 1;
    assert_false (signed_file_write (place->path, &envelope, &error));
    assert_true (signed_file_read (place->path, &place->arena, &again, &error));
    assert_int_equal (again.signatures_count, KEYS);
}

static void test_add (void **state)
{
    struct place *place = *state;
    struct envelope again;
    struct error error;
    const char *where = NULL;
    assert_false (signed_file_add (place->path, place->signatures[0], &place->arena, &where, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
    assert_true (file_write (place->path, bytes_of_text (content), 0600, &error));
    assert_true (signed_file_add (place->path, place->signatures[0], &place->arena, &where, &error));
    assert_string_equal (where, beside (place, "plan.relevo.minisig"));
    assert_true (signed_file_add (place->path, place->signatures[1], &place->arena, &where, &error));
    assert_string_equal (where, beside (place, "plan.relevo.A100000000000010.minisig"));
    /* The same keys again replace their own files. */
    assert_true (signed_file_add (place->path, place->signatures[0], &place->arena, &where, &error));
    assert_string_equal (where, beside (place, "plan.relevo.minisig"));
    assert_true (signed_file_add (place->path, place->signatures[1], &place->arena, NULL, &error));
    assert_true (signed_file_read (place->path, &place->arena, &again, &error));
    assert_int_equal (again.signatures_count, 2);
    assert_int_equal (unlink (beside (place, "plan.relevo.minisig")), 0);
    assert_true (signed_file_add (place->path, place->signatures[1], &place->arena, &where, &error));
    assert_string_equal (where, beside (place, "plan.relevo.A100000000000010.minisig"));
    assert_false (signed_file_add (place->path, "no signature", &place->arena, NULL, &error));
}

static void test_read_refuses (void **state)
{
    struct place *place = *state;
    struct envelope again;
    struct error error;
    assert_false (signed_file_read (place->path, &place->arena, &again, &error));
    assert_int_equal (error.kind, ERROR_MISSING);
    assert_true (file_write (place->path, bytes_of_text (content), 0600, &error));
    assert_true (file_write (
        beside (place, "plan.relevo.minisig"), (struct bytes){(const uint8_t *)"a\0b", 3}, 0600, &error));
    assert_false (signed_file_read (place->path, &place->arena, &again, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
    for (unsigned i = 0; i < LIMIT_SIGNATURES; i++) {
        const char *name = arena_format (&place->arena, "%s.%016X.minisig", place->path, i);
        assert_true (file_write (name, bytes_of_text ("x"), 0600, &error));
    }
    assert_false (signed_file_read (place->path, &place->arena, &again, &error));
    assert_int_equal (error.kind, ERROR_LIMIT);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_strangers_are_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_write_removes_old_signatures, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_write_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_add, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_read_refuses, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
