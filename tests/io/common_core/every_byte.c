/* Vectors made by minisign and ssh-keygen themselves verify, and no change of any one of their bytes to any
   other value does: in what is signed, in the signature's text, in the public key's file.

   Free by the formats, and shown to be free here, is nothing but what nobody signed and nothing is read from:
   - minisign's signature and public key file: the words behind "untrusted comment: ", where they stay one
   line;
   - OpenSSH's public key line: the comment behind the key, and the line feed at its end, which can become a
   part of it, where it stays one printable line. In an SSH signature nothing is free. Each test is skipped
   where its program is not installed. */
#include "tests/io/common_core/tools.h"

#define UNTRUSTED "untrusted comment: "

struct vector {
    struct buffer content;
    struct buffer signature;
    struct buffer key;
    bool is_ssh;
};

enum part { PART_CONTENT, PART_SIGNATURE, PART_KEY };

static const char *const part_names[] = {"content", "signature", "public key"};

/* As a program would: a zero byte is no part of any text. */
static bool passes (const struct vector *vector)
{
    struct public_key key;
    return strlen (vector->signature.data) == vector->signature.size &&
           public_key_parse (buffer_bytes (&vector->key), &key, NULL) &&
           signature_verify (vector->signature.data, &key, buffer_bytes (&vector->content), NULL);
}

static bool in_untrusted_comment (const struct buffer *text, size_t place)
{
    const char *end = strchr (text->data, '\n');
    assert_memory_equal (text->data, UNTRUSTED, strlen (UNTRUSTED));
    assert_non_null (end);
    return place >= strlen (UNTRUSTED) && place < (size_t)(end - text->data);
}

/* Behind the second space. */
static bool in_ssh_comment (const struct buffer *line, size_t place)
{
    const char *space = strchr (strchr (line->data, ' ') + 1, ' ');
    assert_non_null (space);
    return place > (size_t)(space - line->data);
}

static bool is_free (const struct vector *vector, enum part part, size_t place, uint8_t value)
{
    const struct buffer *text = part == PART_KEY ? &vector->key : &vector->signature;
    if (part == PART_CONTENT || (part == PART_SIGNATURE && vector->is_ssh))
        return false;
    if (vector->is_ssh)
        return in_ssh_comment (text, place) && value >= 0x20 && value < 0x7F;
    return in_untrusted_comment (text, place) && value != '\n' && (value != 0 || part == PART_KEY);
}

static void every_byte_of (struct vector *vector, enum part part)
{
    struct buffer *parts[] = {&vector->content, &vector->signature, &vector->key};
    struct buffer *text = parts[part];
    size_t free_ones = 0;
    assert_true (text->size > 0);
    for (size_t i = 0; i < text->size; i++) {
        char before = text->data[i];
        for (unsigned other = 1; other < 256; other++) {
            uint8_t value = (uint8_t)((unsigned char)before ^ other);
            bool expected = is_free (vector, part, i, value);
            bool passed;
            text->data[i] = (char)value;
            passed = passes (vector);
            text->data[i] = before;
            if (passed != expected)
                fail_msg (
                    "byte %zu of the %s as 0x%02x %s", i, part_names[part], value,
                    passed ? "passes" : "is refused");
            free_ones += passed ? 1 : 0;
        }
    }
    print_message ("%s: %zu changes, %zu of them free\n", part_names[part], text->size * 255, free_ones);
}

/* No part that is cut, or has one byte more, passes either. */
static void every_length_of (struct vector *vector, enum part part)
{
    struct buffer *parts[] = {&vector->content, &vector->signature, &vector->key};
    struct buffer *text = parts[part];
    struct buffer whole = *text;
    for (size_t size = 0; size < whole.size; size++) {
        bool is_comment = part == PART_KEY && vector->is_ssh &&
                          (size == whole.size - 1 || in_ssh_comment (&whole, size + 1));
        bool is_line_end = part == PART_KEY && size == whole.size - 1;
        *text = (struct buffer){0};
        buffer_append (text, whole.data, size);
        if (passes (vector) != (is_comment || is_line_end))
            fail_msg ("the first %zu bytes of the %s", size, part_names[part]);
        buffer_free (text);
    }
    *text = whole;
    buffer_text (text, "\n");
    assert_false (passes (vector));
}

static void every_change (struct vector *vector)
{
    struct buffer *parts[] = {&vector->content, &vector->signature, &vector->key};
    assert_true (passes (vector));
    for (enum part part = PART_CONTENT; part <= PART_KEY; part++)
        every_byte_of (vector, part);
    assert_true (passes (vector));
    for (enum part part = PART_CONTENT; part <= PART_KEY; part++) {
        struct buffer whole = {0};
        buffer_append (&whole, parts[part]->data, parts[part]->size);
        every_length_of (vector, part);
        buffer_free (parts[part]);
        *parts[part] = whole;
    }
    assert_true (passes (vector));
    for (enum part part = PART_CONTENT; part <= PART_KEY; part++)
        buffer_free (parts[part]);
}

static struct vector begin_vector (struct place *place, const char *program)
{
    struct vector vector = {.is_ssh = strcmp (program, "ssh-keygen") == 0};
    need_tool (place, program);
    buffer_text (&vector.content, "relevo approval 1\n");
    buffer_append (&vector.content, "\x8a\xa4plan\x00\xff\n", 10);
    write_file (place, "f", buffer_bytes (&vector.content));
    return vector;
}

static void minisign_vector (struct place *place, const char *form)
{
    struct vector vector = begin_vector (place, "minisign");
    assert_int_equal (TOOL (place, "nothing", "minisign", "-G", "-W", "-f", "-p", "a.pub", "-s", "a.key"), 0);
    assert_int_equal (
        TOOL (
            place, "nothing", "minisign", "-S", form, "-s", "a.key", "-m", "f", "-x", "sig", "-t",
            "grüße\tdu"),
        0);
    read_file (place, "a.pub", &vector.key);
    read_file (place, "sig", &vector.signature);
    every_change (&vector);
}

static void test_minisign_prehashed (void **state)
{
    minisign_vector (*state, "-H");
}

static void test_minisign_legacy (void **state)
{
    minisign_vector (*state, "-l");
}

static void ssh_vector (struct place *place, const char *hash)
{
    struct vector vector = begin_vector (place, "ssh-keygen");
    assert_int_equal (
        TOOL (
            place, "nothing", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana of example.org", "-f",
            "a"),
        0);
    assert_int_equal (
        TOOL (place, "f", "ssh-keygen", "-Y", "sign", "-q", "-n", "relevo-approval", "-O", hash, "-f", "a"),
        0);
    read_file (place, "a.pub", &vector.key);
    read_file (place, "output", &vector.signature);
    every_change (&vector);
}

static void test_ssh_sha512 (void **state)
{
    ssh_vector (*state, "hashalg=sha512");
}

static void test_ssh_sha256 (void **state)
{
    ssh_vector (*state, "hashalg=sha256");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_minisign_prehashed, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_minisign_legacy, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_ssh_sha512, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_ssh_sha256, enter_place, leave_place),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
