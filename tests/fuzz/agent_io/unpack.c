/* Archives: whatever one says, nothing outside of its folder changes, and nothing comes into being there but
   files, folders and links, within the budget. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/io/unpack.h"
#include "common/io/file.h"

enum { ENTRIES_MOST = 64, BYTES_MOST = 1024 * 1024, TREE_MOST = 32, BLOCK = 512, SUM_LEFT_ONE_IN = 16 };

/* scratch/outside/{victim,in}: the archive goes into `in`. */
static char outside[96];
static char victim[96];
static char inside[96];
static char source[96];

static void begin (void)
{
    const char *scratch = scratch_folder ();
    if (outside[0] != '\0')
        return;
    (void)snprintf (outside, sizeof outside, "%s/outside", scratch);
    (void)snprintf (victim, sizeof victim, "%s/outside/victim", scratch);
    (void)snprintf (inside, sizeof inside, "%s/outside/in", scratch);
    (void)snprintf (source, sizeof source, "%s/archive", scratch);
    assert (folder_make (outside, 0700, NULL));
    assert (file_write (victim, bytes_of_text ("untouched"), 0640, NULL));
}

static size_t names_in (const char *folder)
{
    DIR *list = opendir (folder);
    size_t count = 0;
    assert (list != NULL);
    while (readdir (list) != NULL)
        count++;
    (void)closedir (list);
    return count - 2;
}

static void check_outside (void)
{
    struct arena arena = {0};
    struct stat status;
    struct bytes file;
    int failed = lstat (victim, &status);
    assert (failed == 0 && S_ISREG (status.st_mode) && (status.st_mode & 07777) == 0640);
    assert (status.st_nlink == 1);
    assert (file_read (victim, 4096, &arena, &file, NULL));
    assert (bytes_equal (file, bytes_of_text ("untouched")));
    assert (names_in (outside) == 2 && names_in (scratch_folder ()) == 2);
    failed = lstat (inside, &status);
    assert (failed == 0 && S_ISDIR (status.st_mode));
    arena_free (&arena);
}

static uint64_t bytes_seen;

static int check_one (const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)place, (void)kind;
    assert (S_ISREG (status->st_mode) || S_ISDIR (status->st_mode) || S_ISLNK (status->st_mode));
    assert (S_ISLNK (status->st_mode) || strcmp (path, inside) == 0 || (status->st_mode & 07000) == 0);
    assert (status->st_uid == geteuid ());
    if (S_ISREG (status->st_mode))
        bytes_seen += (uint64_t)status->st_size / status->st_nlink;
    return 0;
}

static void check_inside (void)
{
    int failed;
    bytes_seen = 0;
    failed = nftw (inside, check_one, TREE_MOST, FTW_PHYS);
    assert (failed == 0 && bytes_seen <= BYTES_MOST);
}

static bool run (struct bytes input)
{
    struct unpack_budget budget = {.entries = ENTRIES_MOST, .bytes = BYTES_MOST};
    struct error error = {0};
    bool good;
    begin ();
    assert (file_write (source, input, 0600, NULL));
    assert (folder_make (inside, 0700, NULL));
    good = unpack (source, inside, &budget, &error);
    if (!good)
        check_error (&error);
    assert (budget.unpacked + budget.entries == ENTRIES_MOST);
    check_outside ();
    check_inside ();
    assert (folder_remove (inside, NULL));
    return good;
}

/* ------------------------------------------------------------------------------------------------- seeds */

struct entry {
    const char *path;
    mode_t type;
    const char *data; /* contents, or a link's target */
    bool is_hard;
};

static void put_entry (struct archive *writer, const struct entry *made)
{
    struct archive_entry *entry = archive_entry_new ();
    bool has_data = made->type == AE_IFREG && !made->is_hard;
    int status;
    archive_entry_set_pathname (entry, made->path);
    archive_entry_set_filetype (entry, made->type);
    archive_entry_set_perm (entry, made->type == AE_IFREG ? 04755 : 0755);
    archive_entry_set_size (entry, has_data ? (int64_t)strlen (made->data) : 0);
    if (made->is_hard)
        archive_entry_set_hardlink (entry, made->data);
    else if (made->type == AE_IFLNK)
        archive_entry_set_symlink (entry, made->data);
    status = archive_write_header (writer, entry);
    assert (status == ARCHIVE_OK);
    if (has_data)
        (void)archive_write_data (writer, made->data, strlen (made->data));
    archive_entry_free (entry);
}

/* Appends to `out` without a closing block of zeros beyond what the format needs. */
static void put_archive (
    int (*format) (struct archive *), int (*filter) (struct archive *), const struct entry *entries,
    size_t count, struct buffer *out)
{
    static char memory[65536];
    struct archive *writer = archive_write_new ();
    size_t used = 0;
    int status = format (writer);
    assert (status == ARCHIVE_OK);
    if (filter != NULL)
        status = filter (writer);
    assert (status == ARCHIVE_OK);
    (void)archive_write_set_bytes_per_block (writer, BLOCK);
    status = archive_write_open_memory (writer, memory, sizeof memory, &used);
    assert (status == ARCHIVE_OK);
    for (size_t i = 0; i < count; i++)
        put_entry (writer, &entries[i]);
    (void)archive_write_free (writer);
    buffer_append (out, memory, used);
}

static void seed_archive (
    const char *name, int (*format) (struct archive *), int (*filter) (struct archive *),
    const struct entry *entries, size_t count, bool good)
{
    struct buffer out = {0};
    put_archive (format, filter, entries, count, &out);
    if (good)
        seed_good (name, buffer_bytes (&out));
    else
        seed_bad (name, buffer_bytes (&out));
    buffer_free (&out);
}

static const struct entry tree[] = {
    {"bin", AE_IFDIR, NULL, false},
    {"bin/run", AE_IFREG, "#!/bin/sh\n", false},
    {"bin/again", AE_IFREG, "bin/run", true},
    {"link", AE_IFLNK, "bin/run", false},
    {"up", AE_IFLNK, "..", false},
};
static const struct entry through[] = {
    {"up", AE_IFLNK, "..", false},
    {"up/victim", AE_IFREG, "x", false},
};
static const struct entry direct[] = {
    {"v", AE_IFLNK, "../victim", false},
    {"h", AE_IFREG, "v", true},
    {"h", AE_IFREG, "x", false},
    {"v", AE_IFREG, "x", false},
};
static const struct entry parent[] = {{"../victim", AE_IFREG, "x", false}};
static const struct entry device[] = {{"fifo", AE_IFIFO, NULL, false}};

static void seed_deb (int (*filter) (struct archive *), const char *data_name, const char *name)
{
    struct buffer data = {0};
    struct buffer deb = {0};
    put_archive (archive_write_set_format_ustar, filter, tree, 4, &data);
    buffer_text (&deb, "!<arch>\n");
    buffer_print (&deb, "%-16s%-12d%-6d%-6d%-8s%-10d`\n2.0\n", "debian-binary", 0, 0, 0, "100644", 4);
    buffer_print (&deb, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", data_name, 0, 0, 0, "100644", data.size);
    buffer_append (&deb, data.data, data.size);
    seed_good (name, buffer_bytes (&deb));
    buffer_free (&data);
    buffer_free (&deb);
}

static void seed (void)
{
    static const struct {
        const char *name;
        int (*format) (struct archive *);
        int (*filter) (struct archive *);
    } kinds[] = {
        {"tar", archive_write_set_format_ustar, NULL},
        {"pax", archive_write_set_format_pax, NULL},
        {"gnutar", archive_write_set_format_gnutar, NULL},
        {"zip", archive_write_set_format_zip, NULL},
        {"tar.gz", archive_write_set_format_ustar, archive_write_add_filter_gzip},
        {"tar.bz2", archive_write_set_format_ustar, archive_write_add_filter_bzip2},
        {"tar.xz", archive_write_set_format_ustar, archive_write_add_filter_xz},
        {"tar.zst", archive_write_set_format_ustar, archive_write_add_filter_zstd},
        {"tar.lz4", archive_write_set_format_ustar, archive_write_add_filter_lz4},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        seed_archive (
            kinds[i].name, kinds[i].format, kinds[i].filter, tree,
            kinds[i].format == archive_write_set_format_zip ? 2 : 5, true);
    seed_deb (NULL, "data.tar", "deb");
    seed_deb (archive_write_add_filter_gzip, "data.tar.gz", "deb-gz");
    seed_archive ("through", archive_write_set_format_ustar, NULL, through, 2, true);
    seed_archive ("direct", archive_write_set_format_ustar, NULL, direct, 4, true);
    seed_archive ("parent", archive_write_set_format_ustar, NULL, parent, 1, false);
    seed_archive ("device", archive_write_set_format_ustar, NULL, device, 1, false);
}

/* A header of a tar archive begins 257 bytes before "ustar" and bears a sum of its bytes, without which the
   rest is never looked at. */
static void mend_sum (uint8_t *header)
{
    unsigned sum = 0;
    char text[8];
    (void)memset (header + 148, ' ', sizeof text);
    for (size_t i = 0; i < BLOCK; i++)
        sum += header[i];
    (void)snprintf (text, sizeof text, "%06o", sum);
    (void)memcpy (header + 148, text, 7);
}

size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most, unsigned seed)
{
    struct dice dice = {seed};
    size = LLVMFuzzerMutate (data, size, most);
    if (dice_roll (&dice, SUM_LEFT_ONE_IN) == 0)
        return size;
    for (size_t at = 257; at + BLOCK - 257 <= size; at++)
        if (memcmp (data + at, "ustar", 5) == 0)
            mend_sum (data + at - 257);
    return size;
}

const struct fuzz_target fuzz_target = {.most = 16384, .run = run, .seed = seed};
