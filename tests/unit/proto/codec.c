/* The codec: one encoding a value, everything else refused, no memory on a claim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message.h"
#include "proto/render.h"

static const struct envelope empty_envelope = {.content = {(const uint8_t *)"relevo x 1\n", 11}};

static struct hello sample (struct host_release *release)
{
    *release = (struct host_release){
        .product = "rstudio-connect", .version = "2026.06.1", .plan = digest_of ("p", 1), .counter = 7};
    return (struct hello){
        .host = "connect-p1",
        .agent = "0.1.0",
        .trust_version = 3,
        .fleet_version = 300,
        .receipts = UINT64_MAX,
        .releases = release,
        .releases_count = 1};
}

static void encode (struct buffer *out)
{
    struct host_release release;
    struct hello hello = sample (&release);
    struct error error;
    assert_true (message_encode (&hello_type, &hello, out, &error));
}

static void test_round_trip (void **state)
{
    struct buffer out = {0};
    struct arena arena = {0};
    struct message message;
    struct error error;
    const struct hello *hello;
    (void)state;
    encode (&out);
    assert_true (message_decode (MESSAGE, FROM_AGENT, buffer_bytes (&out), &arena, &message, &error));
    assert_ptr_equal (message.type, &hello_type);
    hello = message.record;
    assert_string_equal (hello->host, "connect-p1");
    assert_int_equal (hello->releases_count, 1);
    assert_int_equal (hello->releases[0].counter, 7);
    assert_true (hello->receipts == UINT64_MAX);
    buffer_free (&out);
    arena_free (&arena);
}

/* Every cut, every added byte and every changed byte is either refused or decodes to something that encodes
   to exactly the changed bytes: no two encodings of one value. */
static void test_every_mutation (void **state)
{
    struct buffer out = {0};
    struct arena arena = {0};
    (void)state;
    encode (&out);
    for (size_t size = 0; size < out.size; size++) {
        struct message message;
        struct bytes cut = {(const uint8_t *)out.data, size};
        assert_false (message_decode (MESSAGE, FROM_AGENT, cut, &arena, &message, NULL));
    }
    for (size_t i = 0; i < out.size; i++)
        for (unsigned byte = 0; byte < 256; byte++) {
            struct message message;
            struct buffer again = {0};
            char kept = out.data[i];
            out.data[i] = (char)byte;
            if (message_decode (MESSAGE, FROM_AGENT, buffer_bytes (&out), &arena, &message, NULL)) {
                assert_true (message_encode (message.type, message.record, &again, NULL));
                assert_true (bytes_equal (buffer_bytes (&again), buffer_bytes (&out)));
            }
            out.data[i] = kept;
            buffer_free (&again);
            arena_free (&arena);
        }
    buffer_append (&out, "\0", 1);
    {
        struct message message;
        struct error error;
        assert_false (message_decode (MESSAGE, FROM_AGENT, buffer_bytes (&out), &arena, &message, &error));
        assert_non_null (strstr (error.text, "too many"));
    }
    buffer_free (&out);
    arena_free (&arena);
}

static void test_claims_take_no_memory (void **state)
{
    static const uint8_t claims[][6] = {
        {0xDD, 0xFF, 0xFF, 0xFF, 0xFF},
        {0xDF, 0xFF, 0xFF, 0xFF, 0xFF},
        {0xC6, 0xFF, 0xFF, 0xFF, 0xFF},
        {0xDB, 0xFF, 0xFF, 0xFF, 0xFF},
        {0xDC, 0xFF, 0xFF},
    };
    uint8_t deep[100];
    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
        assert_int_equal (codec_measure ((struct bytes){claims[i], 5}), 0);
    memset (deep, 0x91, sizeof deep);
    assert_int_equal (codec_measure ((struct bytes){deep, sizeof deep}), 0);
}

/* The whole table: each message from each kind of sender. */
static void test_senders (void **state)
{
    (void)state;
    for (size_t i = 0; i < record_type_count; i++) {
        const struct record_type *type = record_types[i];
        if (type->class != MESSAGE)
            continue;
        assert_true (type->senders != 0);
        assert_ptr_equal (record_type_find (MESSAGE, type->number), type);
        for (unsigned sender = FROM_STRANGER; sender <= FROM_COURIER; sender <<= 1) {
            uint8_t head[] = {0x93, PROTOCOL_VERSION, (uint8_t)type->number, 0x80};
            struct arena arena = {0};
            struct message message;
            struct error error;
            assert_false (message_decode (
                MESSAGE, sender, (struct bytes){head, sizeof head}, &arena, &message, &error));
            assert_int_equal (
                strstr (error.text, "must not come from") != NULL, (type->senders & sender) == 0);
            arena_free (&arena);
        }
    }
}

/* Said once more, by hand: what each kind of peer may say at all. A sender that is added to the table must be
   added here too, by someone who has thought about it. */
static void test_nobody_says_more_than_this (void **state)
{
    static const struct {
        unsigned sender;
        unsigned count;
        uint8_t numbers[20];
    } may[] = {
        {FROM_STRANGER, 1, {20}},
        {FROM_AGENT, 7, {1, 3, 5, 9, 11, 12, 20}},
        {FROM_CONTROLLER, 17, {2, 4, 6, 7, 8, 10, 13, 14, 21, 40, 42, 47, 51, 53, 55, 57, 59}},
        {FROM_PERSON, 9, {3, 41, 43, 49, 50, 52, 54, 56, 58}},
        {FROM_OPERATOR, 4, {44, 45, 46, 48}},
        {FROM_RELEASER, 2, {46, 48}},
        {FROM_FACE, 1, {60}},
        {FROM_COURIER, 1, {61}},
        {FROM_SESSION, 7, {6, 7, 8, 10, 31, 33, 34}},
        {FROM_INSTALLER, 5, {1, 9, 11, 30, 32}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof may / sizeof may[0]; i++) {
        unsigned found = 0;
        for (size_t j = 0; j < record_type_count; j++) {
            const struct record_type *type = record_types[j];
            if (type->class != MESSAGE || (type->senders & may[i].sender) == 0)
                continue;
            if (memchr (may[i].numbers, (int)type->number, may[i].count) == NULL)
                fail_msg ("%s must not come from %s", type->name, sender_name (may[i].sender));
            found++;
        }
        assert_int_equal (found, may[i].count);
    }
}

static void test_newer_is_refused_with_reason (void **state)
{
    static const uint8_t version[] = {0x93, 0x02, 0x01, 0x80};
    static const uint8_t number[] = {0x93, 0x01, 0x7F, 0x80};
    struct arena arena = {0};
    struct message message;
    struct error error;
    (void)state;
    assert_false (message_decode (
        MESSAGE, FROM_AGENT, (struct bytes){version, sizeof version}, &arena, &message, &error));
    assert_non_null (strstr (error.text, "upgrade the receiving side"));
    assert_false (message_decode (
        MESSAGE, FROM_AGENT, (struct bytes){number, sizeof number}, &arena, &message, &error));
    assert_non_null (strstr (error.text, "unknown"));
    arena_free (&arena);
}

/* Every record of the table encodes with all its texts absent, decodes to the same bytes, and renders as one
 * line. */
static void test_every_record (void **state)
{
    (void)state;
    for (size_t i = 0; i < record_type_count; i++) {
        const struct record_type *type = record_types[i];
        struct arena arena = {0};
        struct buffer out = {0};
        struct buffer line = {0};
        void *record = arena_take (&arena, type->size);
        void *again = arena_take (&arena, type->size);
        struct error error;
        assert_true (codec_encode (type, record, &out, &error));
        assert_true (codec_decode (type, buffer_bytes (&out), &arena, again, &error));
        render (type, again, &line);
        assert_null (strchr (line.data, '\n'));
        assert_int_equal (strncmp (line.data, type->name, strlen (type->name)), 0);
        buffer_free (&out);
        buffer_free (&line);
        arena_free (&arena);
    }
}

/* No text moves the cursor of the terminal on which a log is read. */
static void test_render_escapes (void **state)
{
    struct host_reject reject = {.name = "a\x1b[2J\xC2\x9B\xC2\xA0", .cause = "x"};
    struct buffer line = {0};
    (void)state;
    render (&host_reject_type, &reject, &line);
    assert_string_equal (line.data, "host_reject request=0 name=\"a\\x1b[2J\\xc2\\x9b\xC2\xA0\" cause=x");
    assert_true (text_is_printable (line.data, line.size));
    buffer_free (&line);
}

static void test_bounds (void **state)
{
    struct host_release releases[LIMIT_PRODUCTS + 1] = {0};
    struct hello hello = {.host = "a", .releases = releases, .releases_count = LIMIT_PRODUCTS + 1};
    struct offer offer = {.document = empty_envelope};
    char long_name[LIMIT_NAME + 2];
    struct buffer out = {0};
    struct error error;
    (void)state;
    assert_false (codec_encode (&hello_type, &hello, &out, &error));
    assert_non_null (strstr (error.text, "releases"));
    assert_int_equal (out.size, 0);
    memset (long_name, 'x', sizeof long_name);
    long_name[LIMIT_NAME + 1] = '\0';
    hello = (struct hello){.host = long_name};
    assert_false (codec_encode (&hello_type, &hello, &out, &error));
    assert_int_equal (error.kind, ERROR_LIMIT);
    offer.document.content.size = LIMIT_DOCUMENT + 1;
    assert_false (codec_encode (&offer_type, &offer, &out, &error));
    assert_string_equal (error.text, "offer: document: content: 4194305 is over the limit of 4194304");
    buffer_free (&out);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_round_trip),
        cmocka_unit_test (test_every_mutation),
        cmocka_unit_test (test_claims_take_no_memory),
        cmocka_unit_test (test_senders),
        cmocka_unit_test (test_nobody_says_more_than_this),
        cmocka_unit_test (test_newer_is_refused_with_reason),
        cmocka_unit_test (test_every_record),
        cmocka_unit_test (test_render_escapes),
        cmocka_unit_test (test_bounds),
    };
    return cmocka_run_group_tests_name ("proto codec", tests, NULL, NULL);
}
