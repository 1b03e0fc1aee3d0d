/* Messages and journal entries: [protocol version, number, fields]. */
#ifndef RELEVO_PROTO_MESSAGE_H
#define RELEVO_PROTO_MESSAGE_H

#include "proto/codec.h"

/* A decoded message: `record` is a struct of `type`. */
struct message {
    const struct record_type *type;
    const void *record;
};

/* Appends. `type` is of class MESSAGE or ENTRY. `out` is as it was on failure. */
bool message_encode (
    const struct record_type *type, const void *record, struct buffer *out, struct error *error);

/* Refuses a version other than PROTOCOL_VERSION (saying which side is older), an unknown number, a class
   other than `class`, and, for MESSAGE, a sender that the table does not allow (`sender`: one bit of enum
   sender; ignored for ENTRY). The permission is checked before the fields are decoded. */
bool message_decode (
    enum record_class class, unsigned sender, struct bytes input, struct arena *arena, struct message *ret,
    struct error *error);

/* "a session", "an agent", … for one bit of enum sender. */
const char *sender_name (unsigned sender);

#endif
