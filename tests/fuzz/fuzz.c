/* The program around a fuzz target: libFuzzer's entry points, and `PROGRAM --seeds FOLDER`, which writes the
   target's seeds. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/io/file.h"

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum { PATH_SIZE = 512, SEED_FILE_MOST = 1024 * 1024 };

static const char *seeds_folder;
static char scratch[64];

static void seed (const char *name, struct bytes input, bool accepted)
{
    char path[PATH_SIZE];
    struct error error;
    if (fuzz_target.run (input) != accepted) {
        (void)fprintf (stderr, "the seed '%s' is %s\n", name, accepted ? "refused" : "accepted");
        exit (1);
    }
    if (input.size > fuzz_target.most) {
        (void)fprintf (stderr, "the seed '%s' is larger than the target's limit\n", name);
        exit (1);
    }
    (void)snprintf (path, sizeof path, "%s/%s", seeds_folder, name);
    if (!file_write (path, input, 0644, &error)) {
        (void)fprintf (stderr, "%s\n", error.text);
        exit (1);
    }
}

void seed_good (const char *name, struct bytes input)
{
    seed (name, input, true);
}

void seed_bad (const char *name, struct bytes input)
{
    seed (name, input, false);
}

void seed_files (const char *folder, const char *suffix)
{
    struct arena arena = {0};
    const char *whole = path_join (&arena, RELEVO_SOURCES, folder);
    DIR *list = opendir (whole);
    const struct dirent *entry;
    size_t count = 0;
    assert (list != NULL);
    while ((entry = readdir (list)) != NULL) {
        size_t size = strlen (entry->d_name);
        struct bytes file;
        if (size < strlen (suffix) || strcmp (entry->d_name + size - strlen (suffix), suffix) != 0)
            continue;
        if (!file_read (path_join (&arena, whole, entry->d_name), SEED_FILE_MOST, &arena, &file, NULL))
            abort ();
        seed_good (entry->d_name, file);
        count++;
    }
    assert (count > 0);
    (void)closedir (list);
    arena_free (&arena);
}

void check_error (const struct error *error)
{
    assert (error->text[0] != '\0');
    assert (text_is_utf8 (error->text, strlen (error->text)));
    assert (strcmp (error_kind_name (error->kind), "unknown") != 0);
}

const char *text_of (struct bytes input, struct arena *arena)
{
    return arena_text_of (arena, (const char *)input.data, input.size);
}

struct bytes take (struct bytes *input, size_t size)
{
    struct bytes taken = {input->data, size < input->size ? size : input->size};
    input->data += taken.size;
    input->size -= taken.size;
    return taken;
}

struct bytes take_piece (struct bytes *input)
{
    struct bytes size = take (input, 2);
    return take (input, size.size == 2 ? size.data[0] | (size_t)size.data[1] << 8 : 0);
}

void put_piece (struct bytes piece, struct buffer *out)
{
    uint8_t size[2] = {(uint8_t)piece.size, (uint8_t)(piece.size >> 8)};
    assert (piece.size <= UINT16_MAX);
    buffer_append (out, size, sizeof size);
    buffer_append (out, piece.data, piece.size);
}

static void remove_scratch (void)
{
    (void)folder_remove (scratch, NULL);
}

const char *scratch_folder (void)
{
    if (scratch[0] == '\0') {
        const char *base = getenv ("TMPDIR");
        (void)snprintf (scratch, sizeof scratch, "%s/relevo-fuzz-XXXXXX", base != NULL ? base : "/dev/shm");
        if (mkdtemp (scratch) == NULL) {
            perror (scratch);
            exit (1);
        }
        (void)atexit (remove_scratch);
    }
    return scratch;
}

/* libFuzzer reads its options after this, so the target's own limit is put among them. */
static void limit_size (int *argc, char ***argv)
{
    static char limit[64];
    char **longer = calloc ((size_t)*argc + 2, sizeof *longer);
    assert (longer != NULL);
    (void)snprintf (limit, sizeof limit, "-max_len=%zu", fuzz_target.most);
    (void)memcpy (longer, *argv, (size_t)*argc * sizeof *longer);
    longer[(*argc)++] = limit;
    *argv = longer;
}

int LLVMFuzzerInitialize (int *argc, char ***argv)
{
    if (sodium_init () < 0)
        abort ();
    if (*argc == 3 && strcmp ((*argv)[1], "--seeds") == 0) {
        seeds_folder = (*argv)[2];
        fuzz_target.seed ();
        exit (0);
    }
    limit_size (argc, argv);
    return 0;
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    (void)fuzz_target.run ((struct bytes){data, size});
    return 0;
}
