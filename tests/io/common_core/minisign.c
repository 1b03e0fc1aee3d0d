/* Against minisign itself: what one side writes the other accepts, keys with and without a password, and
   signatures in both of its forms. Skipped where minisign is not installed. */
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/core/key.h"

extern char **environ;

enum { FILE_MOST = 65536, PATH_MOST = 256 };

static const char password[] = "correct horse";

struct place {
    char folder[PATH_MOST];
};

static const char *in (struct place *place, const char *name, char path[PATH_MOST])
{
    int size = snprintf (path, PATH_MOST, "%.200s/%.40s", place->folder, name);
    assert_in_range (size, 1, PATH_MOST - 1);
    return path;
}

static void write_file (struct place *place, const char *name, struct bytes content)
{
    char path[PATH_MOST];
    int fd = open (in (place, name, path), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true (fd >= 0);
    assert_int_equal (write (fd, content.data, content.size), (ssize_t)content.size);
    assert_int_equal (close (fd), 0);
}

static void read_file (struct place *place, const char *name, struct buffer *ret)
{
    char path[PATH_MOST];
    char data[FILE_MOST];
    ssize_t size;
    int fd = open (in (place, name, path), O_RDONLY | O_CLOEXEC);
    assert_true (fd >= 0);
    size = read (fd, data, sizeof data);
    assert_true (size >= 0);
    assert_int_equal (close (fd), 0);
    buffer_clear (ret);
    buffer_append (ret, data, (size_t)size);
}

/* Runs minisign in the folder with the words, `input` on its standard input. Returns its exit code. */
static int minisign (struct place *place, const char *input, const char *const *words, size_t count)
{
    char *argv[16] = {(char *)(uintptr_t) "minisign"};
    char path[PATH_MOST];
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    assert_true (count < 15);
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    write_file (place, "input", bytes_of_text (input));
    assert_int_equal (posix_spawn_file_actions_init (&actions), 0);
    assert_int_equal (
        posix_spawn_file_actions_addopen (&actions, 0, in (place, "input", path), O_RDONLY, 0), 0);
    assert_int_equal (posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal (posix_spawn_file_actions_adddup2 (&actions, 1, 2), 0);
    assert_int_equal (posix_spawn_file_actions_addchdir_np (&actions, place->folder), 0);
    if (posix_spawnp (&pid, "minisign", &actions, NULL, argv, environ) != 0)
        pid = -1;
    (void)posix_spawn_file_actions_destroy (&actions);
    if (pid < 0)
        return 127;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    return WIFEXITED (status) ? WEXITSTATUS (status) : 128;
}

#define MINISIGN(place, input, ...)                                                                          \
    minisign (                                                                                               \
        place, input, (const char *const[]){__VA_ARGS__},                                                    \
        sizeof ((const char *const[]){__VA_ARGS__}) / sizeof (const char *))

static int enter (void **state)
{
    struct place *place = calloc (1, sizeof *place);
    const char *base = getenv ("TMPDIR");
    assert_non_null (place);
    (void)snprintf (
        place->folder, sizeof place->folder, "%.150s/relevo-minisign-XXXXXX", base ? base : "/tmp");
    assert_non_null (mkdtemp (place->folder));
    *state = place;
    return sodium_init () >= 0 ? 0 : -1;
}

static int leave (void **state)
{
    static const char *const names[] = {"input",     "a.pub",   "a.key",   "f", "f.minisig",
                                        "l.minisig", "own.pub", "own.key", "g", "g.minisig"};
    struct place *place = *state;
    char path[PATH_MOST];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink (in (place, names[i], path));
    assert_int_equal (rmdir (place->folder), 0);
    free (place);
    return 0;
}

static void need_minisign (struct place *place)
{
    if (MINISIGN (place, "", "-v") == 127)
        skip ();
}

static struct secret_key own_key (void)
{
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    struct secret_key key;
    randombytes_buf (seed, sizeof seed);
    randombytes_buf (number, sizeof number);
    secret_key_make (seed, number, &key);
    return key;
}

static void write_own_key (struct place *place, const struct secret_key *key, const char *word)
{
    struct buffer file = {0};
    uint8_t salt[KEY_SALT_SIZE];
    randombytes_buf (salt, sizeof salt);
    assert_true (secret_key_print (key, word, salt, &file, NULL));
    write_file (place, "own.key", buffer_bytes (&file));
    buffer_clear (&file);
    public_key_print (&key->public, &file);
    write_file (place, "own.pub", buffer_bytes (&file));
    buffer_free (&file);
}

static void check_signature (struct place *place, const char *name, const struct public_key *key)
{
    struct buffer content = {0};
    struct buffer signature = {0};
    struct error error = {.text = ""};
    read_file (place, "f", &content);
    read_file (place, name, &signature);
    assert_true (signature_verify (signature.data, key, buffer_bytes (&content), &error));
    content.data[content.size / 2] ^= 1;
    assert_false (signature_verify (signature.data, key, buffer_bytes (&content), &error));
    buffer_free (&content);
    buffer_free (&signature);
}

static void test_minisign_makes (void **state)
{
    struct place *place = *state;
    struct buffer file = {0};
    struct public_key public;
    struct secret_key secret;
    need_minisign (place);
    write_file (place, "f", (struct bytes){(const uint8_t *)"bytes \0 and \xff\n", 15});
    assert_int_equal (MINISIGN (place, "", "-G", "-W", "-p", "a.pub", "-s", "a.key"), 0);
    assert_int_equal (MINISIGN (place, "", "-S", "-s", "a.key", "-m", "f"), 0);
    assert_int_equal (
        MINISIGN (place, "", "-S", "-l", "-s", "a.key", "-m", "f", "-x", "l.minisig", "-t", "grüße"), 0);
    read_file (place, "a.pub", &file);
    assert_true (public_key_parse (buffer_bytes (&file), &public, NULL));
    check_signature (place, "f.minisig", &public);
    check_signature (place, "l.minisig", &public);
    read_file (place, "a.key", &file);
    assert_true (secret_key_parse (buffer_bytes (&file), NULL, &secret, NULL));
    assert_memory_equal (&secret.public, &public, sizeof public);
    buffer_free (&file);
}

static void test_minisign_verifies (void **state)
{
    struct place *place = *state;
    struct secret_key key = own_key ();
    struct buffer comment = {0};
    struct buffer signature = {0};
    const struct bytes content = bytes_of_text ("relevo plan 1\nand its fields");
    need_minisign (place);
    write_own_key (place, &key, NULL);
    write_file (place, "g", content);
    signature_comment ((struct instant){1780000000000}, "g", &comment);
    assert_true (signature_make (&key, content, comment.data, &signature, NULL));
    write_file (place, "g.minisig", buffer_bytes (&signature));
    assert_int_equal (MINISIGN (place, "", "-V", "-m", "g", "-p", "own.pub"), 0);
    assert_int_equal (MINISIGN (place, "", "-V", "-H", "-m", "g", "-p", "own.pub"), 0);
    write_file (place, "g", bytes_of_text ("relevo plan 1\nand other fields"));
    assert_int_not_equal (MINISIGN (place, "", "-V", "-m", "g", "-p", "own.pub"), 0);
    assert_int_equal (MINISIGN (place, "", "-S", "-s", "own.key", "-m", "g"), 0);
    assert_int_equal (MINISIGN (place, "", "-V", "-m", "g", "-p", "own.pub"), 0);
    buffer_free (&comment);
    buffer_free (&signature);
}

static void test_minisign_reads_our_password (void **state)
{
    struct place *place = *state;
    struct secret_key key = own_key ();
    need_minisign (place);
    write_own_key (place, &key, password);
    write_file (place, "f", bytes_of_text ("signed behind a password\n"));
    assert_int_not_equal (MINISIGN (place, "wrong\n", "-S", "-s", "own.key", "-m", "f"), 0);
    assert_int_equal (MINISIGN (place, "correct horse\n", "-S", "-s", "own.key", "-m", "f"), 0);
    check_signature (place, "f.minisig", &key.public);
}

static void test_we_read_its_password (void **state)
{
    struct place *place = *state;
    struct buffer file = {0};
    struct public_key public;
    struct secret_key secret;
    struct error error;
    bool encrypted = false;
    need_minisign (place);
    assert_int_equal (
        MINISIGN (place, "correct horse\ncorrect horse\n", "-G", "-f", "-p", "a.pub", "-s", "a.key"), 0);
    read_file (place, "a.pub", &file);
    assert_true (public_key_parse (buffer_bytes (&file), &public, NULL));
    read_file (place, "a.key", &file);
    assert_true (secret_key_is_encrypted (buffer_bytes (&file), &encrypted, NULL));
    assert_true (encrypted);
    assert_false (secret_key_parse (buffer_bytes (&file), "correct horsf", &secret, &error));
    assert_int_equal (error.kind, ERROR_REFUSED);
    assert_true (secret_key_parse (buffer_bytes (&file), password, &secret, &error));
    assert_memory_equal (&secret.public, &public, sizeof public);
    buffer_free (&file);
}

/* What this process has mapped to write on, in KiB. */
static unsigned long data_mapped (void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *file = fopen ("/proc/self/status", "re");
    assert_non_null (file);
    while (fgets (line, sizeof line, file) != NULL)
        if (strncmp (line, "VmData:", 7) == 0)
            kib = strtoul (line + 7, NULL, 10);
    (void)fclose (file);
    return kib;
}

/* With room for 512 MiB and not for 1 GiB, both limits are halved once, as minisign does. */
static void test_little_memory (void **state)
{
    struct secret_key key = own_key ();
    struct secret_key again;
    const uint8_t salt[KEY_SALT_SIZE] = {1};
    uint8_t form[158];
    struct buffer file = {0};
    struct rlimit before;
    struct rlimit low;
    bool printed;
    (void)state;
    assert_int_equal (getrlimit (RLIMIT_DATA, &before), 0);
    low = (struct rlimit){(data_mapped () + 700UL * 1024) * 1024, before.rlim_max};
    assert_int_equal (setrlimit (RLIMIT_DATA, &low), 0);
    printed = secret_key_print (&key, password, salt, &file, NULL);
    assert_int_equal (setrlimit (RLIMIT_DATA, &before), 0);
    assert_true (printed);
    assert_int_equal (
        sodium_base642bin (
            form, sizeof form, strchr (file.data, '\n') + 1, 212, NULL, NULL, NULL,
            sodium_base64_VARIANT_ORIGINAL),
        0);
    assert_int_equal (form[38 + 3], 1);    /* opslimit 2^24 */
    assert_int_equal (form[46 + 3], 0x20); /* memlimit 2^29 */
    assert_true (secret_key_parse (buffer_bytes (&file), password, &again, NULL));
    assert_memory_equal (&again, &key, sizeof key);
    buffer_free (&file);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_minisign_makes, enter, leave),
        cmocka_unit_test_setup_teardown (test_minisign_verifies, enter, leave),
        cmocka_unit_test_setup_teardown (test_minisign_reads_our_password, enter, leave),
        cmocka_unit_test_setup_teardown (test_we_read_its_password, enter, leave),
        cmocka_unit_test (test_little_memory),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
