/* Field access by table, shared by encoder, decoder and renderer. */
#ifndef RELEVO_PROTO_CODEC_WALK_H
#define RELEVO_PROTO_CODEC_WALK_H

#include "proto/messages.h"

static inline const void *field_in (const struct field *field, const void *record)
{
    return (const char *)record + field->offset;
}

static inline void *field_of (const struct field *field, void *record)
{
    return (char *)record + field->offset;
}

static inline size_t field_count_in (const struct field *field, const void *record)
{
    return *(const size_t *)(const void *)((const char *)record + field->count_offset);
}

static inline void field_count_set (const struct field *field, void *record, size_t count)
{
    *(size_t *)(void *)((char *)record + field->count_offset) = count;
}

/* Whether the record's encoding is exactly these bytes: compared while it is made, never stored. */
bool codec_encodes_to (const struct record_type *type, const void *record, struct bytes expected);

#endif
