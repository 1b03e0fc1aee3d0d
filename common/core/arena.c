#include "common/core/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    alignas (max_align_t) unsigned char data[];
};

static struct arena_block *block_new (struct arena *arena, size_t needed)
{
    size_t size = needed > BLOCK_SIZE ? needed : BLOCK_SIZE;
    struct arena_block *block;
    assert (size <= SIZE_MAX - sizeof *block);
    block = calloc (1, sizeof *block + size);
    assert (block != NULL);
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_take (struct arena *arena, size_t size)
{
    const size_t step = alignof (max_align_t);
    struct arena_block *block = arena->blocks;
    void *place;
    assert (size <= SIZE_MAX - step);
    size = (size + step - 1) / step * step;
    if (block == NULL || block->size - block->used < size)
        block = block_new (arena, size);
    place = block->data + block->used;
    block->used += size;
    return place;
}

void *arena_array (struct arena *arena, size_t count, size_t size)
{
    assert (size == 0 || count <= SIZE_MAX / size);
    return arena_take (arena, count * size);
}

void *arena_copy (struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_take (arena, size);
    if (size > 0)
        (void)memcpy (copy, data, size);
    return copy;
}

char *arena_text (struct arena *arena, const char *text)
{
    return arena_text_of (arena, text, strlen (text));
}

char *arena_text_of (struct arena *arena, const char *data, size_t size)
{
    char *copy;
    assert (size < SIZE_MAX);
    copy = arena_take (arena, size + 1);
    if (size > 0)
        (void)memcpy (copy, data, size);
    return copy;
}

char *arena_format (struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_list again;
    int size;
    char *text;
    va_start (arguments, format);
    va_copy (again, arguments);
    size = vsnprintf (NULL, 0, format, arguments);
    va_end (arguments);
    assert (size >= 0);
    text = arena_take (arena, (size_t)size + 1);
    (void)vsnprintf (text, (size_t)size + 1, format, again);
    va_end (again);
    return text;
}

void arena_free (struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block != NULL) {
        struct arena_block *next = block->next;
        free (block);
        block = next;
    }
    arena->blocks = NULL;
}
