/* The channel between session and installer: whatever arrives in whatever pieces, frames come out as they
   were put in, and one over the limit ends it. The first byte of the input is the size of the pieces. */
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/io/channel.h"

enum { HEAD = 4 };

static size_t frame_size (struct bytes stream)
{
    return stream.data[0] | (size_t)stream.data[1] << 8 | (size_t)stream.data[2] << 16 |
           (size_t)stream.data[3] << 24;
}

/* The next frame of the channel is the next one of the stream. */
static void check_frames (struct channel *channel, struct bytes *stream)
{
    struct bytes frame;
    while (channel_next (channel, &frame)) {
        assert (stream->size >= HEAD && frame_size (*stream) == frame.size);
        (void)take (stream, HEAD);
        assert (bytes_equal (take (stream, frame.size), frame));
    }
}

static bool feed (struct channel *channel, int descriptor, struct bytes input)
{
    struct bytes head = take (&input, 1);
    struct bytes expected = input;
    size_t piece = head.size > 0 ? (size_t)head.data[0] * 8 + 1 : 1;
    bool good = true;
    while (good && input.size > 0) {
        struct error error = {0};
        struct bytes some = take (&input, piece);
        ssize_t sent = send (descriptor, some.data, some.size, MSG_NOSIGNAL);
        assert (sent == (ssize_t)some.size);
        good = channel_service (channel, &error);
        check_frames (channel, &expected);
        if (!good) {
            check_error (&error);
            assert (expected.size >= HEAD && frame_size (expected) > LIMIT_MESSAGE);
        }
    }
    assert (!good || expected.size < HEAD || frame_size (expected) > expected.size - HEAD);
    return good && expected.size == 0;
}

static bool run (struct bytes input)
{
    int pair[2];
    struct channel *channel;
    struct error error = {0};
    bool good;
    int failed = socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
    assert (failed == 0);
    channel = channel_new (pair[0]);
    good = feed (channel, pair[1], input);
    (void)close (pair[1]);
    assert (!channel_service (channel, &error));
    check_error (&error);
    channel_free (&channel);
    return good;
}

static void seed (void)
{
    seed_good ("two", (struct bytes){(const uint8_t *)"\0\3\0\0\0abc\0\0\0\0", 12});
    seed_good ("at-once", (struct bytes){(const uint8_t *)"\xff\2\0\0\0ab\1\0\0\0c", 12});
    seed_bad ("too-large", (struct bytes){(const uint8_t *)"\7\1\0\0\0a\1\0\0\1b", 11});
    seed_bad ("unfinished", (struct bytes){(const uint8_t *)"\7\4\0\0\0ab", 7});
}

const struct fuzz_target fuzz_target = {.most = 4096, .run = run, .seed = seed};
