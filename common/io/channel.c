#include "common/io/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FRAME_HEAD = 4,
    QUEUE_MAX = 4 * LIMIT_MESSAGE,
    READ_PIECE = 256 * 1024,
    READ_MOST = LIMIT_MESSAGE + FRAME_HEAD, /* bytes that may wait to be taken */
};

struct channel {
    int descriptor;
    struct buffer out;
    size_t sent; /* bytes of `out` that are gone */
    struct buffer in;
    size_t taken; /* bytes of `in` that were handed out */
};

struct channel *channel_new (int descriptor)
{
    struct channel *channel = calloc (1, sizeof *channel);
    int flags = fcntl (descriptor, F_GETFL);
    assert (channel != NULL && flags >= 0);
    channel->descriptor = descriptor;
    flags = fcntl (descriptor, F_SETFL, flags | O_NONBLOCK);
    assert (flags == 0);
    return channel;
}

void channel_free (struct channel **channel)
{
    if (*channel == NULL)
        return;
    (void)close ((*channel)->descriptor);
    buffer_free (&(*channel)->out);
    buffer_free (&(*channel)->in);
    free (*channel);
    *channel = NULL;
}

int channel_descriptor (const struct channel *channel)
{
    return channel->descriptor;
}

short channel_interest (const struct channel *channel)
{
    return (short)(POLLIN | (channel->sent < channel->out.size ? POLLOUT : 0));
}

bool channel_send (
    struct channel *channel, const struct record_type *type, const void *record, struct error *error)
{
    struct buffer body = {0};
    uint8_t head[FRAME_HEAD];
    size_t i;
    bool good = message_encode (type, record, &body, error);
    if (good && body.size > LIMIT_MESSAGE)
        good = error_set (error, ERROR_LIMIT, "a %s of %zu bytes is too large", type->name, body.size);
    if (good && channel->out.size - channel->sent + body.size > QUEUE_MAX)
        good =
            error_set (error, ERROR_LIMIT, "the other process does not keep up: %s is dropped", type->name);
    if (good) {
        for (i = 0; i < FRAME_HEAD; i++)
            head[i] = (uint8_t)(body.size >> (8 * i));
        buffer_append (&channel->out, head, FRAME_HEAD);
        buffer_append (&channel->out, body.data, body.size);
    }
    buffer_free (&body);
    return good;
}

/* Moves what is left to the front, so that a queue that never runs empty does not grow. */
static void forget_front (struct buffer *buffer, size_t *gone)
{
    if (*gone == 0)
        return;
    (void)memmove (buffer->data, buffer->data + *gone, buffer->size - *gone);
    buffer->size -= *gone;
    *gone = 0;
}

static bool service_out (struct channel *channel, struct error *error)
{
    while (channel->sent < channel->out.size) {
        ssize_t size = send (
            channel->descriptor, channel->out.data + channel->sent, channel->out.size - channel->sent,
            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (size < 0)
            return error_set (error, ERROR_SYSTEM, "write to the other process: %s", strerror (errno));
        channel->sent += (size_t)size;
    }
    if (channel->sent == channel->out.size || channel->sent > LIMIT_MESSAGE)
        forget_front (&channel->out, &channel->sent);
    return true;
}

static bool service_in (struct channel *channel, struct error *error)
{
    char *piece = malloc (READ_PIECE);
    bool good = true;
    assert (piece != NULL);
    forget_front (&channel->in, &channel->taken);
    while (channel->in.size < READ_MOST) {
        ssize_t size = recv (channel->descriptor, piece, READ_PIECE, MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (size <= 0) {
            good = error_set (
                error, ERROR_SYSTEM, "the other process is gone%s%s", size < 0 ? ": " : "",
                size < 0 ? strerror (errno) : "");
            break;
        }
        buffer_append (&channel->in, piece, (size_t)size);
    }
    free (piece);
    return good;
}

static size_t frame_size (const struct channel *channel)
{
    const uint8_t *head = (const uint8_t *)channel->in.data + channel->taken;
    return head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
}

bool channel_service (struct channel *channel, struct error *error)
{
    bool good = service_in (channel, error) && service_out (channel, error);
    if (channel->in.size >= FRAME_HEAD && frame_size (channel) > LIMIT_MESSAGE)
        return error_set (
            error, ERROR_LIMIT, "the other process sends a frame of %zu bytes", frame_size (channel));
    return good;
}

bool channel_next (struct channel *channel, struct bytes *ret)
{
    size_t left = channel->in.size - channel->taken;
    size_t size;
    if (left < FRAME_HEAD)
        return false;
    size = frame_size (channel);
    if (size > left - FRAME_HEAD)
        return false;
    *ret = (struct bytes){(const uint8_t *)channel->in.data + channel->taken + FRAME_HEAD, size};
    channel->taken += FRAME_HEAD + size;
    return true;
}
