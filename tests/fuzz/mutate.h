/* Random changes of records by their table: what bytes alone rarely hit, because lengths, counts and order
   must fit again. */
#ifndef RELEVO_TESTS_FUZZ_MUTATE_H
#define RELEVO_TESTS_FUZZ_MUTATE_H

#include "common/core/arena.h"
#include "proto/messages.h"

/* Numbers that follow from one. */
struct dice {
    uint64_t state;
};

/* Below `bound`, which is above 0. */
uint64_t dice_roll (struct dice *dice, uint64_t bound);

/* Changes one field at random, at any depth. Documents inside envelopes are opened. What becomes too large
   for its bound is refused by the encoder later. */
void mutate_record (const struct record_type *type, void *record, struct arena *arena, struct dice *dice);

/* A record in which every list has one item, and every text and field is neither empty nor zero. */
void fill_record (const struct record_type *type, void *record, struct arena *arena);

/* For LLVMFuzzerCustomMutator of a target whose input is `prefix` bytes and one encoded record: changes the
   record, or, now and then and where there is none, bytes. Returns the new size. */
size_t mutate_encoded (
    const struct record_type *type, size_t prefix, uint8_t *data, size_t size, size_t most, unsigned seed);
/* The same for a document. */
size_t mutate_document (uint8_t *data, size_t size, size_t most, unsigned seed);

/* libFuzzer's own: bytes. */
size_t LLVMFuzzerMutate (uint8_t *data, size_t size, size_t most);
/* Instead of which a target may define this. */
size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most, unsigned seed);

#endif
