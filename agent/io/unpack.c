#include "agent/io/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNPACK_BLOCK = 64 * 1024 };

static const int UNPACK_FLAGS = ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_PERM |
                                ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_UNLINK;

/* The data archive inside a .deb, as the outer archive's reader delivers it. */
struct inner {
    struct archive *outer;
    char block[UNPACK_BLOCK];
};

/* libarchive's own words leave out what the system said, as that the disk is full. The two numbers left out
   here are its own: a bad format, and a wrong use. */
static bool archive_failed (struct archive *archive, const char *what, struct error *error)
{
    const char *text = archive_error_string (archive);
    int number = archive_errno (archive);
    bool is_system = number > 0 && number != EILSEQ && number != EINVAL;
    return error_set (
        error, is_system ? ERROR_SYSTEM : ERROR_INPUT, "%s: %s%s%s", what,
        text != NULL ? text : "unknown error", is_system ? ": " : "", is_system ? strerror (number) : "");
}

/* Only filters that libarchive does itself: the others start programs of the host. */
static struct archive *new_reader (void)
{
    struct archive *reader = archive_read_new ();
    assert (reader != NULL);
    (void)archive_read_support_filter_gzip (reader);
    (void)archive_read_support_filter_bzip2 (reader);
    (void)archive_read_support_filter_xz (reader);
    (void)archive_read_support_filter_lzma (reader);
    (void)archive_read_support_filter_zstd (reader);
    (void)archive_read_support_filter_lz4 (reader);
    (void)archive_read_support_format_tar (reader);
    (void)archive_read_support_format_gnutar (reader);
    return reader;
}

static bool is_inside (const char *path)
{
    const char *at = path;
    if (path[0] == '/')
        return false;
    while (*at != '\0') {
        size_t size = strcspn (at, "/");
        if (size == 2 && at[0] == '.' && at[1] == '.')
            return false;
        at += size;
        while (*at == '/')
            at++;
    }
    return true;
}

/* libarchive checks most of this too; here it is refused before a byte is written, and in words. */
static bool check_entry (struct archive_entry *entry, struct error *error)
{
    const char *path = archive_entry_pathname (entry);
    const char *hard = archive_entry_hardlink (entry);
    mode_t type = archive_entry_filetype (entry);
    if (path == NULL || path[0] == '\0')
        return error_set (error, ERROR_INPUT, "the archive has an entry without a readable name");
    if (!is_inside (path))
        return error_set (error, ERROR_REFUSED, "\"%s\" would lie outside of the release's folder", path);
    if (hard != NULL && !is_inside (hard))
        return error_set (
            error, ERROR_REFUSED, "\"%s\" is a hard link to \"%s\", outside of the release's folder", path,
            hard);
    /* libarchive would go on as with a file: set the mode of whatever the link leads to, outside too where
       that is a symbolic link. */
    if (hard != NULL && archive_entry_size (entry) > 0)
        return error_set (
            error, ERROR_REFUSED, "\"%s\" is a hard link that claims data of its own: pack it as a file",
            path);
    if (hard == NULL && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
        return error_set (
            error, ERROR_REFUSED,
            "\"%s\" is a device, fifo or socket: a release holds only files, folders "
            "and links",
            path);
    return true;
}

static bool charge (struct archive_entry *entry, struct unpack_budget *budget, struct error *error)
{
    int64_t size = archive_entry_size_is_set (entry) ? archive_entry_size (entry) : 0;
    if (budget->entries == 0)
        return error_set (error, ERROR_LIMIT, "more than %llu entries", (unsigned long long)budget->unpacked);
    if (size < 0 || (uint64_t)size > budget->bytes)
        return error_set (
            error, ERROR_LIMIT, "\"%s\" claims %lld bytes, and only %llu more may be unpacked",
            archive_entry_pathname (entry), (long long)size, (unsigned long long)budget->bytes);
    budget->entries--;
    budget->unpacked++;
    return true;
}

/* No bits that lend somebody's rights; folders stay usable for whoever has to remove them. */
static void tame (struct archive_entry *entry)
{
    mode_t mode = archive_entry_perm (entry) & 0777;
    if (archive_entry_filetype (entry) == AE_IFDIR)
        mode |= 0700;
    archive_entry_set_perm (entry, mode);
}

/* Bytes are counted as they come, whatever the entry claimed. */
static bool copy_data (
    struct archive *reader, struct archive *writer, struct unpack_budget *budget, struct error *error)
{
    const void *block;
    size_t size;
    la_int64_t offset;
    la_int64_t before = 0;
    int status;
    while ((status = archive_read_data_block (reader, &block, &size, &offset)) == ARCHIVE_OK) {
        uint64_t grown;
        if (offset < before)
            return error_set (error, ERROR_INPUT, "an entry's pieces are out of order");
        grown = (uint64_t)(offset - before) + size;
        if (grown > budget->bytes)
            return error_set (error, ERROR_LIMIT, "it unpacks to more than is allowed");
        budget->bytes -= grown;
        before = offset + (la_int64_t)size;
        if (archive_write_data_block (writer, block, size, offset) != ARCHIVE_OK)
            return archive_failed (writer, "write", error);
    }
    return status == ARCHIVE_EOF || archive_failed (reader, "read", error);
}

static bool unpack_entry (
    struct archive *reader, struct archive *writer, struct archive_entry *entry, struct unpack_budget *budget,
    struct error *error)
{
    if (!check_entry (entry, error) || !charge (entry, budget, error))
        return false;
    tame (entry);
    if (archive_write_header (writer, entry) != ARCHIVE_OK)
        return archive_failed (writer, archive_entry_pathname (entry), error);
    if (!copy_data (reader, writer, budget, error))
        return error_context (error, "%s", archive_entry_pathname (entry));
    if (archive_write_finish_entry (writer) != ARCHIVE_OK)
        return archive_failed (writer, archive_entry_pathname (entry), error);
    return true;
}

/* Unpacks all entries into the working folder. */
static bool unpack_entries (struct archive *reader, struct unpack_budget *budget, struct error *error)
{
    struct archive *writer = archive_write_disk_new ();
    struct archive_entry *entry;
    bool good = true;
    int status = ARCHIVE_OK;
    assert (writer != NULL);
    (void)archive_write_disk_set_options (writer, UNPACK_FLAGS);
    while (good && (status = archive_read_next_header (reader, &entry)) == ARCHIVE_OK)
        good = unpack_entry (reader, writer, entry, budget, error);
    if (good && status != ARCHIVE_EOF)
        good = archive_failed (reader, "read the archive", error);
    if (archive_write_close (writer) != ARCHIVE_OK && good)
        good = archive_failed (writer, "write", error);
    (void)archive_write_free (writer);
    return good;
}

static la_ssize_t read_inner (struct archive *archive, void *context, const void **block)
{
    struct inner *inner = context;
    la_ssize_t size = archive_read_data (inner->outer, inner->block, sizeof inner->block);
    *block = inner->block;
    if (size < 0)
        archive_set_error (archive, EIO, "%s", archive_error_string (inner->outer));
    return size;
}

static bool unpack_inner (struct archive *outer, struct unpack_budget *budget, struct error *error)
{
    struct inner inner = {.outer = outer};
    struct archive *reader = new_reader ();
    bool good = archive_read_open (reader, &inner, NULL, read_inner, NULL) == ARCHIVE_OK
                    ? unpack_entries (reader, budget, error)
                    : archive_failed (reader, "open data.tar", error);
    (void)archive_read_free (reader);
    return good;
}

/* A .deb is an ar archive: debian-binary, control.tar.*, data.tar.*. */
static bool unpack_deb (struct archive *reader, struct unpack_budget *budget, struct error *error)
{
    struct archive_entry *entry;
    int status;
    while ((status = archive_read_next_header (reader, &entry)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname (entry);
        if (name != NULL && strncmp (name, "data.tar", 8) == 0)
            return unpack_inner (reader, budget, error);
    }
    if (status != ARCHIVE_EOF)
        return archive_failed (reader, "read the .deb", error);
    return error_set (error, ERROR_INPUT, "an ar archive without data.tar is no .deb");
}

static bool starts_as_ar (int descriptor)
{
    static const char magic[] = "!<arch>\n";
    char start[sizeof magic - 1];
    return pread (descriptor, start, sizeof start, 0) == (ssize_t)sizeof start &&
           memcmp (start, magic, sizeof start) == 0;
}

static bool unpack_here (int descriptor, struct unpack_budget *budget, struct error *error)
{
    struct archive *reader = new_reader ();
    bool is_ar = starts_as_ar (descriptor);
    bool good;
    (void)(is_ar ? archive_read_support_format_ar (reader) : archive_read_support_format_zip (reader));
    if (archive_read_open_fd (reader, descriptor, UNPACK_BLOCK) != ARCHIVE_OK)
        good = archive_failed (reader, "this is no tar, zip or .deb that relevo can unpack", error);
    else
        good = is_ar ? unpack_deb (reader, budget, error) : unpack_entries (reader, budget, error);
    (void)archive_read_free (reader);
    return good;
}

/* libarchive refuses absolute paths, as it should; so the folder is made the working folder instead of being
   put before every name. */
static bool unpack_inside (int source, int folder, struct unpack_budget *budget, struct error *error)
{
    int before = open (".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good;
    if (before < 0 || fchdir (folder) != 0) {
        good = error_set (error, ERROR_SYSTEM, "enter the release's folder: %s", strerror (errno));
    } else {
        good = unpack_here (source, budget, error);
        if (fchdir (before) != 0 && good)
            good = error_set (error, ERROR_SYSTEM, "leave the release's folder: %s", strerror (errno));
    }
    if (before >= 0)
        (void)close (before);
    return good;
}

bool unpack (const char *archive, const char *folder, struct unpack_budget *budget, struct error *error)
{
    int source = open (archive, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int target = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    bool good = source >= 0 && target >= 0;
    if (good)
        good = unpack_inside (source, target, budget, error);
    else
        (void)error_set (error, ERROR_SYSTEM, "open %s: %s", source < 0 ? archive : folder, strerror (errno));
    if (source >= 0)
        (void)close (source);
    if (target >= 0)
        (void)close (target);
    return good;
}
