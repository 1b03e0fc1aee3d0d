/* Any record as one line for logs and traces: "hello host=web-1 agent=0.1 releases=[…2]". Bytes are shown as
   sizes, digests by their first 12 digits, text with control characters escaped. */
#ifndef RELEVO_PROTO_RENDER_H
#define RELEVO_PROTO_RENDER_H

#include "proto/messages.h"

void render (const struct record_type *type, const void *record, struct buffer *out);

#endif
