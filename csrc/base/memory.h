/* Memory: everything the core holds comes through one injected allocator, aligned to 64 bytes. */
#ifndef DISKANN_BASE_MEMORY_H
#define DISKANN_BASE_MEMORY_H

#include "../include/diskann.h"

/* malloc and free of the platform, aligned; used where the host gave NULL. */
extern const diskann_allocator memory_default_allocator;

/*
 * An allocator with a count of what it gave out. Embedded by value in its owner; `live_bytes` is changed only by the
 * owner's serial stages, so it needs no lock.
 */
typedef struct memory_account {
    diskann_allocator allocator; /* copied */
    uint64_t live_bytes;
} memory_account;

void memory_account_init(memory_account *account, const diskann_allocator *allocator);
/* NULL when there is no memory; bytes > 0. Dirty memory. */
void *memory_get(memory_account *account, uint64_t bytes);
/* The same, zeroed. */
void *memory_get_zeroed(memory_account *account, uint64_t bytes);
/* NULL is fine. */
void memory_put(memory_account *account, void *memory, uint64_t bytes);

#endif
