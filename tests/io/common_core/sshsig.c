/* Against ssh-keygen itself: what it signs for us is accepted, by both hashes and at all sizes; what it signs
   for others, or with other kinds of key, is not, and the error names the kind. Skipped where it is not
   installed. */
#include "common/core/signature.h"
#include "tests/io/common_core/tools.h"

static void make_key (struct place *place, const char *name, const char *kind, const char *password)
{
    assert_int_equal (TOOL (place, "nothing", "ssh-keygen", "-q", "-t", kind, "-N", password, "-f", name), 0);
}

/* Signs the file "f" and gives the text. */
static void sign (
    struct place *place, const char *key, const char *namespace, const char *hash, struct buffer *ret)
{
    assert_int_equal (
        TOOL (place, "f", "ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-O", hash, "-f", key), 0);
    read_file (place, "output", ret);
}

static bool read_key (struct place *place, const char *name, struct public_key *ret, struct error *error)
{
    struct buffer file = {0};
    bool read;
    read_file (place, name, &file);
    read = public_key_parse (buffer_bytes (&file), ret, error);
    buffer_free (&file);
    return read;
}

/* An approval of that size: its first line, and any bytes. */
static void make_content (struct place *place, size_t size, struct buffer *ret)
{
    static const char line[] = "relevo approval 1\n";
    buffer_clear (ret);
    buffer_text (ret, line);
    for (size_t i = strlen (line); i < size; i++)
        buffer_append (ret, &(uint8_t){(uint8_t)(i * 7)}, 1);
    write_file (place, "f", buffer_bytes (ret));
}

/* Around the blocks of both hashes, the shortest and one that is longer than any document. */
static void test_sizes_and_hashes (void **state)
{
    static const size_t sizes[] = {18, 19, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 4096, 100001};
    static const char *const hashes[] = {"hashalg=sha512", "hashalg=sha256"};
    struct place *place = *state;
    struct public_key key;
    struct public_key other;
    struct buffer content = {0};
    struct buffer text = {0};
    struct error error;
    need_tool (place, "ssh-keygen");
    make_key (place, "a", "ed25519", "");
    make_key (place, "b", "ed25519", "");
    assert_true (read_key (place, "a.pub", &key, &error));
    assert_true (read_key (place, "b.pub", &other, &error));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t j = 0; j < sizeof hashes / sizeof hashes[0]; j++) {
            make_content (place, sizes[i], &content);
            sign (place, "a", SIGNATURE_SSH_NAMESPACE, hashes[j], &text);
            assert_true (signature_verify (text.data, &key, buffer_bytes (&content), &error));
            assert_false (signature_verify (text.data, &other, buffer_bytes (&content), &error));
            content.data[content.size - 1] ^= 1;
            assert_false (signature_verify (text.data, &key, buffer_bytes (&content), &error));
        }
    buffer_free (&content);
    buffer_free (&text);
}

static void test_other_namespaces (void **state)
{
    static const char *const namespaces[] = {
        "file", "git", "relevo-approval ", "Relevo-approval", "relevo-approvals", "relevo"};
    struct place *place = *state;
    struct public_key key;
    struct buffer content = {0};
    struct buffer text = {0};
    struct error error;
    need_tool (place, "ssh-keygen");
    make_key (place, "a", "ed25519", "");
    assert_true (read_key (place, "a.pub", &key, &error));
    make_content (place, 100, &content);
    for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++) {
        sign (place, "a", namespaces[i], "hashalg=sha512", &text);
        assert_false (signature_verify (text.data, &key, buffer_bytes (&content), &error));
        assert_int_equal (error.kind, ERROR_REFUSED);
        assert_non_null (strstr (error.text, "where relevo-approval is wanted"));
    }
    buffer_free (&content);
    buffer_free (&text);
}

static void test_other_kinds (void **state)
{
    static const struct {
        const char *name;
        const char *kind;
        const char *word;
    } keys[] = {{"r", "rsa", "ssh-rsa"}, {"e", "ecdsa", "ecdsa-sha2-nistp256"}};
    struct place *place = *state;
    struct public_key good;
    struct buffer content = {0};
    struct buffer text = {0};
    need_tool (place, "ssh-keygen");
    make_key (place, "a", "ed25519", "");
    assert_true (read_key (place, "a.pub", &good, NULL));
    make_content (place, 100, &content);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct public_key key;
        struct error error;
        char path[PATH_MOST];
        make_key (place, keys[i].name, keys[i].kind, "");
        (void)snprintf (path, sizeof path, "%s.pub", keys[i].name);
        assert_false (read_key (place, path, &key, &error));
        assert_non_null (strstr (error.text, keys[i].word));
        assert_non_null (strstr (error.text, "only ssh-ed25519 keys can approve"));
        sign (place, keys[i].name, SIGNATURE_SSH_NAMESPACE, "hashalg=sha512", &text);
        assert_false (signature_verify (text.data, &good, buffer_bytes (&content), &error));
        assert_non_null (strstr (error.text, keys[i].word));
        assert_false (read_key (place, keys[i].name, &key, &error));
        assert_non_null (strstr (error.text, "secret key"));
    }
    buffer_free (&content);
    buffer_free (&text);
}

/* The same key pair in both worlds: ssh-keygen's own check takes what we take. */
static void test_ssh_keygen_agrees (void **state)
{
    struct place *place = *state;
    struct public_key key;
    struct buffer content = {0};
    struct buffer text = {0};
    struct buffer file = {0};
    struct buffer signers = {0};
    need_tool (place, "ssh-keygen");
    make_key (place, "a", "ed25519", "");
    assert_true (read_key (place, "a.pub", &key, NULL));
    read_file (place, "a.pub", &file);
    buffer_print (&signers, "ana %s", file.data);
    write_file (place, "signers", buffer_bytes (&signers));
    make_content (place, 300, &content);
    sign (place, "a", SIGNATURE_SSH_NAMESPACE, "hashalg=sha512", &text);
    write_file (place, "sig", buffer_bytes (&text));
#define VERIFY(input)                                                                                        \
    TOOL (                                                                                                   \
        place, input, "ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "ana", "-n",                      \
        SIGNATURE_SSH_NAMESPACE, "-s", "sig")
    assert_true (signature_verify (text.data, &key, buffer_bytes (&content), NULL));
    assert_int_equal (VERIFY ("f"), 0);
    assert_int_not_equal (VERIFY ("nothing"), 0);
    buffer_free (&content);
    buffer_free (&text);
    buffer_free (&file);
    buffer_free (&signers);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_sizes_and_hashes, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_other_namespaces, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_other_kinds, enter_place, leave_place),
        cmocka_unit_test_setup_teardown (test_ssh_keygen_agrees, enter_place, leave_place),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
