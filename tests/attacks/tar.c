#include "tests/attacks/tar.h"

#include <assert.h>
#include <string.h>

enum { BLOCK = 512, NAME = 100, NUMBER = 12 };

/* POSIX.1-1988, ustar: what stands where in an entry's first block. */
struct header {
    char name[NAME];
    char mode[8];
    char user[8];
    char group[8];
    char size[NUMBER];
    char changed[NUMBER];
    char sum[8];
    char kind;
    char target[NAME];
    char magic[8];
    char rest[BLOCK - 265];
};

static_assert (sizeof (struct header) == BLOCK, "a tar header is one block");

/* Octal digits, and a NUL. */
static void number (char *place, size_t size, size_t value)
{
    place[size - 1] = '\0';
    for (size_t i = size - 1; i > 0; i--) {
        place[i - 1] = (char)('0' + value % 8);
        value /= 8;
    }
}

static void add_sum (struct header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    size_t sum = 0;
    (void)memset (header->sum, ' ', sizeof header->sum);
    for (size_t i = 0; i < sizeof *header; i++)
        sum += bytes[i];
    number (header->sum, 7, sum);
}

static void pad (struct buffer *out, size_t size)
{
    static const char nothing[2 * BLOCK];
    buffer_append (out, nothing, size);
}

void tar_add (
    struct buffer *out, enum tar_kind kind, const char *name, const char *target, unsigned mode,
    struct bytes data)
{
    struct header header = {.kind = (char)kind, .magic = {'u', 's', 't', 'a', 'r', '\0', '0', '0'}};
    assert (strlen (name) < NAME && strlen (target) < NAME);
    (void)memcpy (header.name, name, strlen (name));
    (void)memcpy (header.target, target, strlen (target));
    number (header.mode, sizeof header.mode, mode);
    number (header.user, sizeof header.user, 0);
    number (header.group, sizeof header.group, 0);
    number (header.size, sizeof header.size, data.size);
    number (header.changed, sizeof header.changed, 0);
    add_sum (&header);
    buffer_append (out, &header, sizeof header);
    buffer_append (out, data.data, data.size);
    pad (out, (BLOCK - data.size % BLOCK) % BLOCK);
}

void tar_end (struct buffer *out)
{
    pad (out, 2 * BLOCK);
}
