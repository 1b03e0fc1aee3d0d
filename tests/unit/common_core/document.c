/* Documents: the purpose is signed with the bytes, different keys are counted, nothing is parsed that another
   purpose was meant for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common_core/world.h"

static const struct tick sample = {
    .epoch = 3, .sequence = 9, .issued = {1}, .expires = {2}, .trust_version = 1, .fleet_version = 4};

static void test_round_trip (void **state)
{
    struct arena arena = {0};
    struct buffer out = {0};
    struct tick tick;
    const struct record_type *type = NULL;
    (void)state;
    assert_true (document_write (&tick_type, &sample, &out, NULL));
    assert_memory_equal (out.data, "relevo tick 1\n", 14);
    assert_true (document_type (buffer_bytes (&out), &type, NULL));
    assert_ptr_equal (type, &tick_type);
    assert_true (document_read (&tick_type, buffer_bytes (&out), &arena, &tick, NULL));
    assert_int_equal (tick.sequence, 9);
    assert_int_equal (tick.fleet_version, 4);
    buffer_free (&out);
    arena_free (&arena);
}

static void test_every_type (void **state)
{
    size_t seen = 0;
    (void)state;
    for (size_t i = 0; i < record_type_count; i++) {
        const struct record_type *found = NULL;
        char line[96];
        if (record_types[i]->class != DOCUMENT)
            continue;
        (void)snprintf (line, sizeof line, "relevo %s %u\n", record_types[i]->name, record_types[i]->number);
        assert_true (document_type (bytes_of_text (line), &found, NULL));
        assert_ptr_equal (found, record_types[i]);
        seen++;
    }
    assert_true (seen >= 7);
}

static void test_first_line_refused (void **state)
{
    static const struct {
        const char *content;
        enum error_kind kind;
    } bad[] = {
        {"", ERROR_INPUT},
        {"\n", ERROR_INPUT},
        {"relevo tick 1", ERROR_INPUT},
        {"relevo tick\n", ERROR_INPUT},
        {"Relevo tick 1\n", ERROR_INPUT},
        {"relevo \x1b[2J 1\n", ERROR_INPUT},
        {"relevo tock 1\n", ERROR_REFUSED},
        {"relevo hello 1\n", ERROR_REFUSED}, /* a message is no document */
        {"relevo tick 2\n", ERROR_REFUSED},
        {"relevo tick 01\n", ERROR_REFUSED},
        {"relevo tick 1 \n", ERROR_REFUSED},
        {"relevo tick 1\r\n", ERROR_INPUT},
        {"relevo ticktickticktickticktickticktickticktickticktickticktickticktick 1\n", ERROR_INPUT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF (bad); i++) {
        const struct record_type *type = NULL;
        struct error error;
        assert_false (document_type (bytes_of_text (bad[i].content), &type, &error));
        assert_int_equal (error.kind, bad[i].kind);
        assert_null (type);
    }
}

static void test_other_purpose (void **state)
{
    struct arena arena = {0};
    struct buffer out = {0};
    struct approval approval = {.comment = "as it was"};
    struct error error;
    (void)state;
    assert_true (document_write (&tick_type, &sample, &out, NULL));
    assert_false (document_read (&approval_type, buffer_bytes (&out), &arena, &approval, &error));
    assert_int_equal (error.kind, ERROR_REFUSED);
    assert_string_equal (approval.comment, "as it was");
    buffer_append (&out, "", 1);
    assert_false (document_read (&tick_type, buffer_bytes (&out), &arena, &approval, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
    buffer_free (&out);
    arena_free (&arena);
}

/* The same fields under another purpose need another signature. */
static void test_purpose_is_signed (void **state)
{
    struct arena arena = {0};
    struct envelope envelope = signed_by_one (&tick_type, &sample, "ctl", &arena);
    struct public_key key = key_named ("ctl").public;
    char *content = arena_copy (&arena, envelope.content.data, envelope.content.size);
    (void)state;
    assert_int_equal (document_signers (&envelope, &key, 1, NULL), 1);
    (void)memcpy (content, "relevo tock 1\n", 14);
    envelope.content.data = (const uint8_t *)content;
    assert_int_equal (document_signers (&envelope, &key, 1, NULL), 0);
    arena_free (&arena);
}

static void test_signers (void **state)
{
    static const char *const names[] = {"ana", "luis", "ana"};
    struct arena arena = {0};
    struct envelope envelope = signed_by (&tick_type, &sample, names, 3, &arena);
    struct public_key keys[5] = {
        key_named ("ana").public, key_named ("eva").public, key_named ("luis").public,
        key_named ("ana").public, key_named ("ana").public};
    bool signers[5] = {false, true, false, false, true};
    (void)state;
    keys[4].number[0] ^= 1; /* the same key under another number */
    assert_int_equal (document_signers (&envelope, keys, 5, signers), 2);
    assert_true (signers[0] && !signers[1] && signers[2] && signers[3] && !signers[4]);
    assert_int_equal (document_signers (&envelope, keys, 1, NULL), 1);
    assert_int_equal (document_signers (&envelope, keys, 0, NULL), 0);
    envelope.signatures_count = 0;
    assert_int_equal (document_signers (&envelope, keys, 5, signers), 0);
    assert_false (signers[0] || signers[2]);
    arena_free (&arena);
}

/* One key that signs under two numbers is one signer. */
static void test_same_key_two_numbers (void **state)
{
    struct arena arena = {0};
    struct secret_key first = key_named ("ana");
    struct secret_key second = first;
    struct public_key keys[2];
    struct envelope one;
    struct envelope two;
    const char *both[2];
    (void)state;
    second.public.number[3] ^= 9;
    assert_true (document_sign (&tick_type, &sample, &first, noon, &arena, &one, NULL));
    assert_true (document_sign (&tick_type, &sample, &second, noon, &arena, &two, NULL));
    both[0] = one.signatures[0];
    both[1] = two.signatures[0];
    one.signatures = both;
    one.signatures_count = 2;
    keys[0] = first.public;
    keys[1] = second.public;
    assert_int_equal (document_signers (&one, keys, 2, NULL), 1);
    arena_free (&arena);
}

static void test_bad_signature_beside_good (void **state)
{
    struct arena arena = {0};
    struct envelope envelope = signed_by_one (&tick_type, &sample, "ana", &arena);
    struct public_key key = key_named ("ana").public;
    const char *signatures[] = {"", "rubbish\n", envelope.signatures[0]};
    (void)state;
    envelope.signatures = signatures;
    envelope.signatures_count = 3;
    assert_int_equal (document_signers (&envelope, &key, 1, NULL), 1);
    envelope.signatures_count = 2;
    assert_int_equal (document_signers (&envelope, &key, 1, NULL), 0);
    arena_free (&arena);
}

static void test_copy (void **state)
{
    struct arena arena = {0};
    struct arena other = {0};
    struct envelope envelope = signed_by_one (&tick_type, &sample, "ana", &other);
    struct envelope copy = envelope_copy (&envelope, &arena);
    struct public_key key = key_named ("ana").public;
    (void)state;
    arena_free (&other);
    assert_int_equal (document_signers (&copy, &key, 1, NULL), 1);
    copy = envelope_copy (&(struct envelope){0}, &arena);
    assert_int_equal (copy.content.size, 0);
    assert_int_equal (copy.signatures_count, 0);
    arena_free (&arena);
}

/* What can't be read back is not written. */
static void test_out_of_bounds (void **state)
{
    struct arena arena = {0};
    struct approval approval = {.attempt = LIMIT_ATTEMPTS + 1};
    struct secret_key key = key_named ("ana");
    struct buffer out = {0};
    struct envelope envelope = {.signatures_count = 77};
    struct error error;
    (void)state;
    buffer_text (&out, "before");
    assert_false (document_write (&approval_type, &approval, &out, &error));
    assert_int_equal (out.size, 6);
    assert_false (document_sign (&approval_type, &approval, &key, noon, &arena, &envelope, &error));
    assert_int_equal (envelope.signatures_count, 77);
    buffer_free (&out);
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_round_trip),
        cmocka_unit_test (test_every_type),
        cmocka_unit_test (test_first_line_refused),
        cmocka_unit_test (test_other_purpose),
        cmocka_unit_test (test_purpose_is_signed),
        cmocka_unit_test (test_signers),
        cmocka_unit_test (test_same_key_two_numbers),
        cmocka_unit_test (test_bad_signature_beside_good),
        cmocka_unit_test (test_copy),
        cmocka_unit_test (test_out_of_bounds),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
