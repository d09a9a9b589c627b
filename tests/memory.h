/* Put before the native kernel by its tests: its memory is counted, and runs out when a test wants it to.
 * Python's own is not touched. */

#include <stdlib.h>

#define SEEN __attribute__((visibility("default")))

SEEN _Atomic long memory_held = 0; /* pieces that are not given back yet */
SEEN _Atomic long memory_left = -1; /* pieces that can still be had; below 0: any number */

static void *counted_calloc(size_t n, size_t size)
{
    if (memory_left == 0)
        return NULL;
    memory_left -= memory_left > 0;
    void *memory = calloc(n, size);
    memory_held += memory != NULL;
    return memory;
}

static void *counted_realloc(void *old, size_t size)
{
    if (memory_left == 0)
        return NULL;
    memory_left -= memory_left > 0;
    void *memory = realloc(old, size);
    memory_held += old == NULL && memory != NULL;
    return memory;
}

static void *counted_malloc(size_t size)
{
    return counted_realloc(NULL, size);
}

static void counted_free(void *memory)
{
    memory_held -= memory != NULL;
    free(memory);
}

