/* The walk over untrusted MessagePack that comes before everything else: it follows lengths and counts
   without taking memory, so that no claim is believed. Format: github.com/msgpack/msgpack/blob/master/spec.md
 */
#include "proto/codec.h"

struct walk {
    const uint8_t *data;
    size_t size;
    size_t place;
};

static bool walk_value (struct walk *walk, unsigned depth);

static bool walk_number (struct walk *walk, size_t size, uint64_t *ret)
{
    uint64_t number = 0;
    if (walk->size - walk->place < size)
        return false;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | walk->data[walk->place++];
    *ret = number;
    return true;
}

static bool walk_over (struct walk *walk, uint64_t size)
{
    if (walk->size - walk->place < size)
        return false;
    walk->place += (size_t)size;
    return true;
}

/* Every item takes at least one byte: a count beyond what is left is a lie. */
static bool walk_items (struct walk *walk, uint64_t count, unsigned depth)
{
    if (depth == 0 || count > walk->size - walk->place)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!walk_value (walk, depth - 1))
            return false;
    return true;
}

static bool walk_sized (struct walk *walk, uint8_t first, unsigned depth)
{
    uint64_t number = 0;
    switch (first) {
    case 0xC2: /* false */
    case 0xC3: /* true */
        return true;
    case 0xC4: /* bin 8, 16, 32 */
    case 0xC5:
    case 0xC6:
        return walk_number (walk, (size_t)1 << (first - 0xC4), &number) && walk_over (walk, number);
    case 0xCC: /* uint 8, 16, 32, 64 */
    case 0xCD:
    case 0xCE:
    case 0xCF:
        return walk_over (walk, UINT64_C (1) << (first - 0xCC));
    case 0xD0: /* int 8, 16, 32, 64 */
    case 0xD1:
    case 0xD2:
    case 0xD3:
        return walk_over (walk, UINT64_C (1) << (first - 0xD0));
    case 0xD9: /* str 8, 16, 32 */
    case 0xDA:
    case 0xDB:
        return walk_number (walk, (size_t)1 << (first - 0xD9), &number) && walk_over (walk, number);
    case 0xDC: /* array 16, 32 */
    case 0xDD:
        return walk_number (walk, (size_t)2 << (first - 0xDC), &number) && walk_items (walk, number, depth);
    case 0xDE: /* map 16, 32 */
    case 0xDF:
        return walk_number (walk, (size_t)2 << (first - 0xDE), &number) &&
               walk_items (walk, 2 * number, depth);
    default: /* nil, floats and extensions: relevo uses none */
        return false;
    }
}

static bool walk_value (struct walk *walk, unsigned depth)
{
    uint8_t first;
    if (walk->place == walk->size)
        return false;
    first = walk->data[walk->place++];
    if (first < 0x80 || first >= 0xE0)
        return true;
    if (first < 0x90)
        return walk_items (walk, 2 * (uint64_t)(first & 0x0F), depth);
    if (first < 0xA0)
        return walk_items (walk, first & 0x0F, depth);
    if (first < 0xC0)
        return walk_over (walk, first & 0x1F);
    return walk_sized (walk, first, depth);
}

size_t codec_measure (struct bytes input)
{
    struct walk walk = {input.data, input.size, 0};
    return walk_value (&walk, 2 * LIMIT_DEPTH) ? walk.place : 0;
}
