#include "common/core/twice.h"

#include <stdlib.h>
#include <string.h>

static int compare_texts (const void *first, const void *second)
{
    return strcmp (*(const char *const *)first, *(const char *const *)second);
}

static int compare_blocks (const void *first, const void *second, void *size)
{
    return memcmp (*(const void *const *)first, *(const void *const *)second, *(const size_t *)size);
}

const char *text_twice (const char **texts, size_t count)
{
    if (count > 1)
        qsort (texts, count, sizeof *texts, compare_texts);
    for (size_t i = 1; i < count; i++)
        if (strcmp (texts[i - 1], texts[i]) == 0)
            return texts[i];
    return NULL;
}

const void *block_twice (const void **blocks, size_t count, size_t size)
{
    if (count > 1)
        qsort_r (blocks, count, sizeof *blocks, compare_blocks, &size);
    for (size_t i = 1; i < count; i++)
        if (memcmp (blocks[i - 1], blocks[i], size) == 0)
            return blocks[i];
    return NULL;
}
