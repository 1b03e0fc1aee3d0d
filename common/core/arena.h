/* Memory with one lifetime: everything that a step, a decoded document or a request needs, released at once.
   Running out of memory is an assertion failure by policy: sizes are bounded before they are asked for, and
   every program rebuilds its state from a journal. */
#ifndef RELEVO_COMMON_CORE_ARENA_H
#define RELEVO_COMMON_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_block;

/* All zero is an empty arena. */
struct arena {
    struct arena_block *blocks;
};

/* `size` zeroed bytes, aligned for any type. Never NULL. Owned by the arena. */
void *arena_take (struct arena *arena, size_t size);

/* An array of `count` zeroed items of `size` bytes; the product is checked. Never NULL, even for no items. */
void *arena_array (struct arena *arena, size_t count, size_t size);

/* Copies. arena_text ends with a NUL that is not counted in `size`. */
void *arena_copy (struct arena *arena, const void *data, size_t size);
char *arena_text (struct arena *arena, const char *text);
char *arena_text_of (struct arena *arena, const char *data, size_t size);
char *arena_format (struct arena *arena, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/* Everything that was taken is invalid afterwards; the arena can be used again. */
void arena_free (struct arena *arena);

#endif
