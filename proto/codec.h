/* Records as MessagePack, strictly: a map with every declared field, by name, in declared order, in the
   shortest form. So a value has exactly one encoding, and decode refuses every other: unknown, missing,
   doubled or reordered fields, trailing bytes, longer forms, values outside their bounds. A claimed size is
   checked against the bytes that are left before any memory is taken. */
#ifndef RELEVO_PROTO_CODEC_H
#define RELEVO_PROTO_CODEC_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "common/core/text.h"
#include "proto/messages.h"

/* Appends the encoding of `record` (a struct of `type`). Fails, naming the field, where a value is out of
   bounds; then `out` is as it was. A NULL text is encoded as "". */
bool codec_encode (
    const struct record_type *type, const void *record, struct buffer *out, struct error *error);

/* Fills `ret_record` (a struct of `type`); what it points to belongs to `arena`, nothing to `input`.
   Untouched on failure; the error names the field by its path. */
bool codec_decode (
    const struct record_type *type, struct bytes input, struct arena *arena, void *ret_record,
    struct error *error);

/* The size of the single MessagePack value at the start of `input`, by walking it without taking memory; 0
   where it is cut short, deeper than LIMIT_DEPTH, or of a type that relevo does not use. */
size_t codec_measure (struct bytes input);

#endif
