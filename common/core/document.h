/* A document's bytes begin with the line "relevo PURPOSE VERSION\n" (e.g. "relevo plan 1"), so that a
   signature over one purpose can never pass for another; its fields follow as codec.h writes them. Verify
   first, then decode, once. */
#ifndef RELEVO_COMMON_CORE_DOCUMENT_H
#define RELEVO_COMMON_CORE_DOCUMENT_H

#include "common/core/key.h"
#include "proto/codec.h"

/* Appends the document's bytes. */
bool document_write (
    const struct record_type *type, const void *record, struct buffer *out, struct error *error);

/* Looks at the first line alone. An unknown purpose or a newer version is refused with a reason. */
bool document_type (struct bytes content, const struct record_type **ret, struct error *error);

/* Refuses another purpose than `type`. For bytes whose signatures have been verified (or whose maker is this
 * program). */
bool document_read (
    const struct record_type *type, struct bytes content, struct arena *arena, void *ret_record,
    struct error *error);

/* How many different public keys among `keys` have a valid signature in the envelope. The same key listed or
   signing twice counts once. `ret_signed` (count items, may be NULL) says which. */
size_t document_signers (
    const struct envelope *envelope, const struct public_key *keys, size_t count, bool *ret_signed);

/* Writes the document and signs it with one key into `ret` (memory from `arena`). The trusted comment says
 * when, and the purpose. */
bool document_sign (
    const struct record_type *type, const void *record, const struct secret_key *key, struct instant now,
    struct arena *arena, struct envelope *ret, struct error *error);

/* A copy in `arena`, with everything that it points to. */
struct envelope envelope_copy (const struct envelope *envelope, struct arena *arena);

#endif
