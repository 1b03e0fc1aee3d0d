/* Staging: honest archives become complete releases; hostile ones change nothing outside of their folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/io/stage.h"
#include "agent/io/store.h"
#include "common/io/file.h"
#include "common/io/spawn.h"

#define CLAIM (INT64_C (10) * 1024 * 1024 * 1024)

enum { PATH_SIZE = 160 };

/* One entry of an archive that is made here. */
struct entry {
    const char *path;
    mode_t type;
    mode_t mode;
    const char *data; /* contents, or a link's target */
    bool is_hard;
    int64_t claim; /* size that is claimed instead of the true one */
};

static char folder[64];
static char store[PATH_SIZE];
static char releases[PATH_SIZE];
static char victim[PATH_SIZE];

static void path_in (const char *below, char ret[PATH_SIZE])
{
    assert_true (snprintf (ret, PATH_SIZE, "%s/%s", folder, below) < PATH_SIZE);
}

static int setup (void **state)
{
    (void)state;
    (void)snprintf (folder, sizeof folder, "/tmp/relevo-stage-XXXXXX");
    assert_non_null (mkdtemp (folder));
    path_in ("store", store);
    path_in ("root/releases", releases);
    path_in ("victim", victim);
    assert_int_equal (mkdir (store, 0700), 0);
    assert_true (file_write (victim, bytes_of_text ("untouched"), 0600, NULL));
    return 0;
}

static int teardown (void **state)
{
    (void)state;
    assert_true (folder_remove (folder, NULL));
    return 0;
}

/* Puts a file into the store, as TAKE would. */
static struct artifact put_file (const char *path, const char *name)
{
    struct arena arena = {0};
    struct artifact artifact = {.name = name};
    struct bytes file;
    assert_true (file_read (path, 1 << 26, &arena, &file, NULL));
    artifact.digest = digest_of (file.data, file.size);
    artifact.length = file.size;
    assert_true (file_write (store_path (&arena, store, &artifact.digest), file, 0400, NULL));
    arena_free (&arena);
    return artifact;
}

static void write_entry (struct archive *writer, const struct entry *made)
{
    struct archive_entry *entry = archive_entry_new ();
    bool is_file = made->type == AE_IFREG && !made->is_hard;
    archive_entry_set_pathname (entry, made->path);
    archive_entry_set_filetype (entry, made->type);
    archive_entry_set_perm (entry, made->mode);
    if (made->is_hard)
        archive_entry_set_hardlink (entry, made->data);
    else if (made->type == AE_IFLNK)
        archive_entry_set_symlink (entry, made->data);
    archive_entry_set_size (
        entry, made->claim > 0 ? made->claim
               : is_file       ? (int64_t)strlen (made->data)
                               : 0);
    assert_int_equal (archive_write_header (writer, entry), ARCHIVE_OK);
    if (is_file)
        assert_true (archive_write_data (writer, made->data, strlen (made->data)) >= 0);
    archive_entry_free (entry);
}

static struct artifact put_tar (const struct entry *entries, size_t count)
{
    struct archive *writer = archive_write_new ();
    char path[PATH_SIZE];
    path_in ("made.tar.gz", path);
    assert_int_equal (archive_write_set_format_pax_restricted (writer), ARCHIVE_OK);
    assert_int_equal (archive_write_add_filter_gzip (writer), ARCHIVE_OK);
    assert_int_equal (archive_write_open_filename (writer, path), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++)
        write_entry (writer, &entries[i]);
    (void)archive_write_free (writer);
    return put_file (path, "made.tar.gz");
}

static bool stage_one (const struct artifact *artifact, const char *name, struct error *error)
{
    return stage (releases, name, store, artifact, 1, &stage_limits_default, error);
}

static void expect_text (const char *below, const char *text)
{
    struct arena arena = {0};
    struct bytes file;
    char path[PATH_SIZE];
    path_in (below, path);
    if (!file_read (path, 4096, &arena, &file, NULL))
        fail_msg ("%s can't be read", path);
    assert_true (bytes_equal (file, bytes_of_text (text)));
    arena_free (&arena);
}

static bool is_there (const char *below)
{
    struct stat status;
    char path[PATH_SIZE];
    path_in (below, path);
    return lstat (path, &status) == 0;
}

static void expect_refusal (const struct entry *entries, size_t count, const char *words)
{
    struct artifact artifact = put_tar (entries, count);
    struct error error;
    assert_false (stage_one (&artifact, "bad", &error));
    if (strstr (error.text, words) == NULL)
        fail_msg ("\"%s\" is not in \"%s\"", words, error.text);
    assert_false (is_there ("root/releases/bad"));
    assert_false (is_there ("root/releases/bad.partial"));
    expect_text ("victim", "untouched");
}

static void test_tar (void **state)
{
    static const struct entry entries[] = {
        {.path = "bin", .type = AE_IFDIR, .mode = 0555},
        {.path = "bin/run", .type = AE_IFREG, .mode = 04755, .data = "#!/bin/sh\n"},
        {.path = "bin/again", .type = AE_IFREG, .mode = 0755, .data = "bin/run", .is_hard = true},
        {.path = "link", .type = AE_IFLNK, .mode = 0777, .data = "bin/run"}};
    struct artifact artifact = put_tar (entries, 4);
    struct stat status;
    struct error error;
    char path[PATH_SIZE];
    (void)state;
    if (!stage_one (&artifact, "1.0", &error))
        fail_msg ("%s", error.text);
    expect_text ("root/releases/1.0/link", "#!/bin/sh\n");
    expect_text ("root/releases/1.0/bin/again", "#!/bin/sh\n");
    path_in ("root/releases/1.0/bin/run", path);
    assert_int_equal (stat (path, &status), 0);
    assert_int_equal (status.st_mode & 07777, 0755);
    assert_false (is_there ("root/releases/1.0.partial"));
}

static void test_done_again (void **state)
{
    static const struct entry entries[] = {{.path = "a", .type = AE_IFREG, .mode = 0644, .data = "new"}};
    struct artifact artifact = put_tar (entries, 1);
    char path[PATH_SIZE];
    (void)state;
    path_in ("root/releases/1.0.partial/left", path);
    assert_true (folder_make (path, 0755, NULL));
    assert_true (stage_one (&artifact, "1.0", NULL));
    assert_false (is_there ("root/releases/1.0/left"));
    path_in ("root/releases/1.0/mark", path);
    assert_true (file_write (path, bytes_of_text ("x"), 0600, NULL));
    assert_true (stage_one (&artifact, "1.0", NULL)); /* complete: not unpacked over */
    assert_true (is_there ("root/releases/1.0/mark"));
}

static void run_or_fail (const char *const *words)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
    struct spawn_options options = {.words = words, .environment = environment, .deadline = {60000}};
    struct spawn_result result;
    struct error error;
    if (!spawn_run (&options, &result, &error))
        fail_msg ("%s", error.text);
    if (result.exit_code != 0)
        fail_msg ("%s: %s", words[0], result.tail);
}

static void test_real_deb (void **state)
{
    char path[PATH_SIZE];
    char tree[PATH_SIZE];
    char deb[PATH_SIZE];
    const char *words[] = {"dpkg-deb", "--root-owner-group", "--build", tree, deb, NULL};
    struct artifact artifact;
    struct error error;
    (void)state;
    path_in ("tree", tree);
    path_in ("made.deb", deb);
    path_in ("tree/DEBIAN", path);
    assert_true (folder_make (path, 0755, NULL));
    path_in ("tree/DEBIAN/control", path);
    assert_true (file_write (
        path,
        bytes_of_text ("Package: made\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b.c>\n"
                       "Description: made\n"),
        0644, NULL));
    path_in ("tree/usr/lib/made", path);
    assert_true (folder_make (path, 0755, NULL));
    path_in ("tree/usr/lib/made/file", path);
    assert_true (file_write (path, bytes_of_text ("from a deb"), 0644, NULL));
    run_or_fail (words);
    artifact = put_file (deb, "made.deb");
    if (!stage_one (&artifact, "1.0", &error))
        fail_msg ("%s", error.text);
    expect_text ("root/releases/1.0/usr/lib/made/file", "from a deb");
    assert_false (is_there ("root/releases/1.0/DEBIAN"));
    assert_false (is_there ("root/releases/1.0/control"));
}

static void test_outside (void **state)
{
    static const struct entry up = {.path = "a/../../../victim", .type = AE_IFREG, .mode = 0644, .data = "x"};
    struct entry absolute = {.path = victim, .type = AE_IFREG, .mode = 0644, .data = "x"};
    (void)state;
    expect_refusal (&up, 1, "outside");
    expect_refusal (&absolute, 1, "outside");
}

/* A link may point anywhere; nothing may be written through it. */
static void test_through_a_link (void **state)
{
    struct entry entries[] = {
        {.path = "door", .type = AE_IFLNK, .mode = 0777, .data = folder},
        {.path = "door/victim", .type = AE_IFREG, .mode = 0644, .data = "x"},
        {.path = "door/new", .type = AE_IFREG, .mode = 0644, .data = "x"}};
    struct entry over[] = {
        {.path = "direct", .type = AE_IFLNK, .mode = 0777, .data = victim},
        {.path = "direct", .type = AE_IFREG, .mode = 0644, .data = "x"}};
    struct artifact artifact = put_tar (entries, 3);
    (void)state;
    (void)stage_one (&artifact, "linked", NULL);
    expect_text ("victim", "untouched");
    assert_false (is_there ("new"));
    artifact = put_tar (over, 2);
    (void)stage_one (&artifact, "over", NULL);
    expect_text ("victim", "untouched");
}

/* A hard link to a symbolic link that leads outside, then data for it. */
static void test_through_both_links (void **state)
{
    struct entry entries[] = {
        {.path = "s", .type = AE_IFLNK, .mode = 0777, .data = victim},
        {.path = "h", .type = AE_IFREG, .mode = 0644, .data = "s", .is_hard = true},
        {.path = "h", .type = AE_IFREG, .mode = 0644, .data = "x"}};
    struct artifact artifact = put_tar (entries, 3);
    (void)state;
    (void)stage_one (&artifact, "both", NULL);
    expect_text ("victim", "untouched");
}

/* One header as it lies in a tar archive; honest writers never give a hard link a size. */
static void put_header (
    FILE *file, const char *name, char kind, const char *link, const char *mode, const char *size)
{
    char block[512] = {0};
    unsigned sum = 0;
    (void)snprintf (block, 100, "%s", name);
    (void)snprintf (block + 100, 8, "%s", mode);
    (void)snprintf (block + 124, 12, "%s", size);
    (void)memset (block + 148, ' ', 8);
    block[156] = kind;
    (void)snprintf (block + 157, 100, "%s", link);
    if (kind == '1')
        block[116] = 'x'; /* no number of a group: then libarchive keeps the link's size */
    (void)memcpy (block + 257, "ustar", 6);
    (void)memcpy (block + 263, "00", 2);
    for (size_t i = 0; i < sizeof block; i++)
        sum += (unsigned char)block[i];
    (void)snprintf (block + 148, 8, "%06o", sum);
    assert_int_equal (fwrite (block, 1, sizeof block, file), sizeof block);
}

/* A hard link to a symbolic link, with a size: its mode must not become that of what both lead to. */
static void test_hard_link_with_data (void **state)
{
    struct stat status;
    struct error error;
    struct artifact artifact;
    char path[PATH_SIZE];
    FILE *file;
    (void)state;
    path_in ("made.tar", path);
    file = fopen (path, "w");
    assert_non_null (file);
    put_header (file, "s", '2', victim, "0000777", "0");
    put_header (file, "h", '1', "s", "0000777", "00000000005");
    assert_true (fputs ("bytes", file) >= 0);
    assert_int_equal (fclose (file), 0);
    artifact = put_file (path, "made.tar");
    assert_false (stage_one (&artifact, "bad", &error));
    if (strstr (error.text, "data of its own") == NULL)
        fail_msg ("%s", error.text);
    expect_text ("victim", "untouched");
    assert_int_equal (stat (victim, &status), 0);
    assert_int_equal (status.st_mode & 07777, 0600);
}

static void test_hard_link_outside (void **state)
{
    struct entry absolute = {.path = "h", .type = AE_IFREG, .mode = 0644, .data = victim, .is_hard = true};
    static const struct entry up = {
        .path = "h", .type = AE_IFREG, .mode = 0644, .data = "../../../victim", .is_hard = true};
    (void)state;
    expect_refusal (&absolute, 1, "hard link");
    expect_refusal (&up, 1, "hard link");
}

static void test_devices (void **state)
{
    static const struct entry character = {.path = "null", .type = AE_IFCHR, .mode = 0666};
    static const struct entry fifo = {.path = "fifo", .type = AE_IFIFO, .mode = 0666};
    (void)state;
    expect_refusal (&character, 1, "device");
    expect_refusal (&fifo, 1, "device");
}

static void test_claims (void **state)
{
    static const struct entry big = {
        .path = "big", .type = AE_IFREG, .mode = 0644, .data = "little", .claim = CLAIM};
    static const struct entry two[] = {
        {.path = "a", .type = AE_IFREG, .mode = 0644, .data = "123456"},
        {.path = "b", .type = AE_IFREG, .mode = 0644, .data = "123456"}};
    struct stage_limits limits = {.most_entries = 10, .most_bytes = 1 << 20};
    struct artifact artifact = put_tar (&big, 1);
    struct error error;
    (void)state;
    assert_false (stage (releases, "bad", store, &artifact, 1, &limits, &error));
    assert_non_null (strstr (error.text, "claims 10737418240 bytes"));
    artifact = put_tar (two, 2);
    limits.most_bytes = 10;
    assert_false (stage (releases, "bad", store, &artifact, 1, &limits, &error));
    limits.most_bytes = 12;
    limits.most_entries = 1;
    assert_false (stage (releases, "bad", store, &artifact, 1, &limits, &error));
    assert_non_null (strstr (error.text, "more than 1 entries"));
    assert_false (is_there ("root/releases/bad"));
    limits.most_entries = 2;
    assert_true (stage (releases, "good", store, &artifact, 1, &limits, &error));
}

static void test_no_archive (void **state)
{
    char path[PATH_SIZE];
    struct artifact artifact;
    struct error error;
    (void)state;
    path_in ("text", path);
    assert_true (file_write (path, bytes_of_text ("this is only text, and no archive at all"), 0600, NULL));
    artifact = put_file (path, "text");
    assert_false (stage_one (&artifact, "bad", &error));
    assert_non_null (strstr (error.text, "artefact text"));
    assert_true (file_write (path, bytes_of_text ("!<arch>\n"), 0600, NULL));
    artifact = put_file (path, "lib.a");
    assert_false (stage_one (&artifact, "bad", &error));
    assert_false (stage_one (&artifact, "../bad", &error));
    assert_non_null (strstr (error.text, "can't be a release's folder"));
}

/* Cut anywhere, an archive is refused as a whole. */
static void test_cut_short (void **state)
{
    static const struct entry entries[] = {
        {.path = "a", .type = AE_IFREG, .mode = 0644, .data = "first"},
        {.path = "b", .type = AE_IFREG, .mode = 0644, .data = "second"}};
    struct artifact artifact = put_tar (entries, 2);
    char path[PATH_SIZE];
    (void)state;
    path_in ("made.tar.gz", path);
    for (off_t size = (off_t)artifact.length - 9; size > 40; size -= 20) {
        struct artifact cut;
        assert_int_equal (truncate (path, size), 0);
        cut = put_file (path, "cut");
        assert_false (stage_one (&cut, "bad", NULL));
        assert_false (is_there ("root/releases/bad"));
    }
}

/* As on a full disk: the system lets no more be written, and its words must reach people. */
static void test_no_room (void **state)
{
    static char much[64 * 1024];
    static const struct entry entries[] = {{.path = "a", .type = AE_IFREG, .mode = 0644, .data = much}};
    struct rlimit before;
    struct rlimit little;
    struct artifact artifact;
    struct error error;
    (void)state;
    (void)memset (much, 'x', sizeof much - 1);
    artifact = put_tar (entries, 1);
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
    little = before;
    little.rlim_cur = 4096;
    (void)signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &little), 0);
    assert_false (stage_one (&artifact, "1.0", &error));
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
    (void)signal (SIGXFSZ, SIG_DFL);
    assert_non_null (strstr (error.text, strerror (EFBIG)));
    assert_int_equal (error.kind, ERROR_SYSTEM);
    assert_false (is_there ("root/releases/1.0"));
    assert_false (is_there ("root/releases/1.0.partial"));
    assert_true (stage_one (&artifact, "1.0", NULL));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_tar, setup, teardown),
        cmocka_unit_test_setup_teardown (test_done_again, setup, teardown),
        cmocka_unit_test_setup_teardown (test_real_deb, setup, teardown),
        cmocka_unit_test_setup_teardown (test_outside, setup, teardown),
        cmocka_unit_test_setup_teardown (test_through_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown (test_through_both_links, setup, teardown),
        cmocka_unit_test_setup_teardown (test_hard_link_with_data, setup, teardown),
        cmocka_unit_test_setup_teardown (test_hard_link_outside, setup, teardown),
        cmocka_unit_test_setup_teardown (test_devices, setup, teardown),
        cmocka_unit_test_setup_teardown (test_claims, setup, teardown),
        cmocka_unit_test_setup_teardown (test_no_archive, setup, teardown),
        cmocka_unit_test_setup_teardown (test_cut_short, setup, teardown),
        cmocka_unit_test_setup_teardown (test_no_room, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
