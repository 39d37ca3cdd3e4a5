#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY_ALIGNMENT = 64 };

/* The one place that may call the platform's allocator. */
static void *platform_allocate(void *context, size_t bytes)
{
    (void)context;
#if defined(_WIN32)
    return _aligned_malloc(bytes, MEMORY_ALIGNMENT);
#else
    return aligned_alloc(MEMORY_ALIGNMENT, (bytes + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT);
#endif
}

static void platform_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
#if defined(_WIN32)
    _aligned_free(memory);
#else
    free(memory);
#endif
}

const diskann_allocator memory_default_allocator = {platform_allocate, platform_release, NULL};

void memory_account_init(memory_account *account, const diskann_allocator *allocator)
{
    account->allocator = allocator != NULL ? *allocator : memory_default_allocator;
    account->live_bytes = 0;
}

void *memory_get(memory_account *account, uint64_t bytes)
{
    if (bytes == 0 || bytes > SIZE_MAX - MEMORY_ALIGNMENT) {
        return NULL;
    }
    void *memory = account->allocator.allocate(account->allocator.context, (size_t)bytes);
    if (memory != NULL) {
        account->live_bytes += bytes;
    }
    return memory;
}

void *memory_get_zeroed(memory_account *account, uint64_t bytes)
{
    void *memory = memory_get(account, bytes);
    if (memory != NULL) {
        memset(memory, 0, (size_t)bytes);
    }
    return memory;
}

void memory_put(memory_account *account, void *memory, uint64_t bytes)
{
    if (memory != NULL) {
        account->live_bytes -= bytes;
        account->allocator.release(account->allocator.context, memory, (size_t)bytes);
    }
}
