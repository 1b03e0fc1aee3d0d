/* A socketpair between two processes of one program: u32 LE length, then one message as message_encode writes
   it. Never blocks; both directions are bounded. The other side is not believed: a frame over LIMIT_MESSAGE
   ends the channel. */
#ifndef RELEVO_COMMON_IO_CHANNEL_H
#define RELEVO_COMMON_IO_CHANNEL_H

#include "common/core/error.h"
#include "proto/message.h"

struct channel;

/* Takes over `descriptor`, and makes it non-blocking. */
struct channel *channel_new (int descriptor);
void channel_free (struct channel **channel);

int channel_descriptor (const struct channel *channel);
/* What to poll for. */
short channel_interest (const struct channel *channel);

/* Puts one message into the queue. ERROR_LIMIT where the other side does not keep up. */
bool channel_send (
    struct channel *channel, const struct record_type *type, const void *record, struct error *error);
/* Reads and writes as much as goes without waiting. False where the other side is gone or does not keep to
   the form; frames that came before can still be taken. */
bool channel_service (struct channel *channel, struct error *error);
/* The next whole frame; it lives until the next channel_service. False where there is none. */
bool channel_next (struct channel *channel, struct bytes *ret);

#endif
