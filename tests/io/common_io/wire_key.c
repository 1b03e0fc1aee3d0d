/* CURVE keys as text and as files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io/file.h"
#include "common/io/wire.h"

static void test_text (void **state)
{
    /* The example of ZeroMQ's RFC 26 manual page zmq_curve: the server's public key. */
    static const char known[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    struct wire_key key;
    struct wire_key again;
    struct error error;
    char text[WIRE_TEXT_SIZE];
    (void)state;
    assert_true (wire_key_parse (known, &key, &error));
    assert_int_equal (key.bytes[0], 0x54);
    assert_int_equal (key.bytes[1], 0xFC);
    assert_int_equal (key.bytes[2], 0xBA);
    assert_string_equal (wire_key_print (&key, text), known);
    assert_true (wire_key_parse (text, &again, &error));
    assert_memory_equal (&key, &again, sizeof key);
}

static void test_bad_text (void **state)
{
    static const char *const bad[] = {
        "",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf77",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\"",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\xFF",
        "####################################\x01###",
        "########################################", /* five of them are more than 32 bits */
    };
    struct wire_key key;
    struct error error;
    (void)state;
    (void)memset (&key, 7, sizeof key);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false (wire_key_parse (bad[i], &key, &error));
        assert_int_equal (error.kind, ERROR_INPUT);
    }
    assert_int_equal (key.bytes[0], 7);
}

static void write_text (const char *path, const char *text)
{
    assert_true (file_write (path, bytes_of_text (text), 0600, NULL));
}

static void test_file (void **state)
{
    char folder[] = "/tmp/relevo-key-XXXXXX";
    struct arena arena = {0};
    struct wire_pair pair;
    struct wire_pair again;
    struct bytes file;
    struct stat status;
    struct error error;
    const char *path;
    char *text;
    (void)state;
    assert_non_null (mkdtemp (folder));
    path = path_join (&arena, folder, "key");
    wire_pair_make (&pair);
    assert_true (wire_pair_write (path, &pair, &error));
    assert_int_equal (stat (path, &status), 0);
    assert_int_equal (status.st_mode & 07777, 0600);
    assert_true (wire_pair_read (path, &again, &error));
    assert_memory_equal (&pair, &again, sizeof pair);
    assert_false (wire_pair_write (path, &pair, &error));
    assert_int_equal (error.kind, ERROR_CONFLICT);
    assert_int_equal (chmod (path, 0644), 0);
    assert_false (wire_pair_read (path, &again, &error));
    assert_int_equal (error.kind, ERROR_REFUSED);
    assert_int_equal (chmod (path, 0600), 0);
    assert_true (file_read (path, 1000, &arena, &file, &error));
    /* Cut anywhere, it is refused. */
    for (size_t size = 0; size < file.size; size++) {
        write_text (path, arena_text_of (&arena, (const char *)file.data, size));
        assert_false (wire_pair_read (path, &again, &error));
    }
    text = arena_text_of (&arena, (const char *)file.data, file.size);
    write_text (path, arena_format (&arena, "%s\n", text));
    assert_false (wire_pair_read (path, &again, &error));
    /* Nor is it with zeros behind its text. */
    assert_true (file_write (path, (struct bytes){(const uint8_t *)text, file.size + 1}, 0600, &error));
    assert_false (wire_pair_read (path, &again, &error));
    text[8] = text[8] == 'a' ? 'b' : 'a';
    write_text (path, text);
    assert_false (wire_pair_read (path, &again, &error));
    assert_int_equal (error.kind, ERROR_INPUT);
    wire_pair_wipe (&again);
    for (size_t i = 0; i < sizeof again.secret; i++)
        assert_int_equal (again.secret[i], 0);
    arena_free (&arena);
    assert_true (folder_remove (folder, NULL));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_text),
        cmocka_unit_test (test_bad_text),
        cmocka_unit_test (test_file),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
