/* What every fuzz target is made of: tests/fuzz/LIBRARY/NAME.c fills one struct, and fuzz.c does the rest.

   A target checks properties by assert, which stays on in every build. Targets link the library that they are
   named after, and common_core. */
#ifndef RELEVO_TESTS_FUZZ_FUZZ_H
#define RELEVO_TESTS_FUZZ_FUZZ_H

#include <assert.h>
#include <string.h>

#include "common/core/arena.h"
#include "common/core/error.h"
#include "common/core/text.h"

struct fuzz_target {
    size_t most; /* bytes of the largest input that is worth trying */
    /* Tries one input: true where it was accepted. Leaves nothing behind. */
    bool (*run) (struct bytes input);
    /* Calls the two functions below for each input to begin with. */
    void (*seed) (void);
};

/* The one of this program. */
extern const struct fuzz_target fuzz_target;

/* Writes a seed. The target must accept it, or refuse it: so a seed that the code has outgrown is noticed. */
void seed_good (const char *name, struct bytes input);
void seed_bad (const char *name, struct bytes input);
/* A good seed for each file of a folder below the sources whose name ends so. */
void seed_files (const char *folder, const char *suffix);

/* An error of a refusal says something, in text that messages and journals can hold. */
void check_error (const struct error *error);

/* The input as text that ends at its first NUL. */
const char *text_of (struct bytes input, struct arena *arena);

/* Takes `size` bytes off the front of the input, or all that is left. */
struct bytes take (struct bytes *input, size_t size);
/* Takes a number of two bytes off, the low one first, and that many bytes. */
struct bytes take_piece (struct bytes *input);
/* Appends a piece as take_piece takes it. */
void put_piece (struct bytes piece, struct buffer *out);

/* A folder in $TMPDIR, or else in memory, that is removed when the program ends. Static storage. */
const char *scratch_folder (void);

#endif
