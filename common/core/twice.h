/* Finding what stands twice in a list, without comparing each with each. For trust, fleet and plan checks. */
#ifndef RELEVO_COMMON_CORE_TWICE_H
#define RELEVO_COMMON_CORE_TWICE_H

#include <stddef.h>

/* A text that stands at least twice among `texts` (their order changes); NULL if none does. */
const char *text_twice (const char **texts, size_t count);

/* The same for blocks of `size` bytes each, to which the items point. */
const void *block_twice (const void **blocks, size_t count, size_t size);

#endif
