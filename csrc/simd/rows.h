/* What lanes.h and integers.h share: how a row that is needed soon is asked for, and what is inlined whatever it costs. */
#ifndef DISKANN_SIMD_ROWS_H
#define DISKANN_SIMD_ROWS_H

#include "families.h"

enum {
    ROW_LINE_BYTES = 64, /* of a cache */
#if defined(SIMD_WASM128)
    ROWS_AHEAD = 4
#else
    ROWS_AHEAD = 3
#endif
};

#if defined(__GNUC__) || defined(__clang__)
#define ROWS_INLINE static inline __attribute__((always_inline))
#else
#define ROWS_INLINE static __forceinline
#endif

/* A sum that one and many have in common: in WebAssembly it is there once, since what is there twice is loaded twice. */
#if defined(SIMD_WASM128)
#define ROWS_SUM static __attribute__((noinline))
#else
#define ROWS_SUM ROWS_INLINE
#endif

/*
 * WebAssembly has no prefetch, but a load whose value nobody waits for does the same: a search of 30,000 x 384 gets
 * a quarter faster.
 */
#if defined(SIMD_WASM128)
#define ROWS_PREFETCH(address) ((void)*(const volatile char *)(const void *)(address))
#elif defined(__GNUC__) || defined(__clang__)
#define ROWS_PREFETCH(address) __builtin_prefetch(address, 0, 3)
#elif defined(SIMD_X86_64)
#include <xmmintrin.h>
#define ROWS_PREFETCH(address) _mm_prefetch((const char *)(address), _MM_HINT_T0)
#else
#define ROWS_PREFETCH(address) ((void)(address))
#endif

/* A whole row of at least one byte. */
ROWS_INLINE void rows_prefetch(const uint8_t *row, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes; at += ROW_LINE_BYTES) {
        ROWS_PREFETCH(row + at);
    }
    ROWS_PREFETCH(row + bytes - 1);
}

/*
 * The row to be read a few rows after row i: each block of a sum asks the caches for the same place of it. Asking piece
 * by piece keeps pace with the memory; asking for a row at once stalls on the queue of misses. Near the end the query
 * stands in, which is not shorter: it is in the cache, and asking again costs less than a branch.
 */
ROWS_INLINE const uint8_t *rows_ahead(const void *query, const void *const *rows, uint32_t i, uint32_t count)
{
    return count - i > ROWS_AHEAD ? rows[i + ROWS_AHEAD] : query;
}

ROWS_INLINE void rows_begin(const void *const *rows, uint32_t count, uint32_t row_bytes)
{
    for (uint32_t i = 0; i < count && i < ROWS_AHEAD; i++) {
        rows_prefetch(rows[i], row_bytes);
    }
}

/*
 * `one` and `many` of a sum that takes bytes: sum_<name>(a, b, dims, row to be read later or NULL), under two names that may
 * be for other files. `row_bytes`: of `dims`.
 */
#define ROWS_KERNELS_NAMED(linkage, one, many, name, row_bytes)                                             \
    linkage float one(const void *a, const void *b, uint32_t dims)                                          \
    {                                                                                                       \
        return sum_##name(a, b, dims, NULL);                                                                \
    }                                                                                                       \
    linkage void many(const void *query, const void *const *rows, uint32_t count, uint32_t dims, float *out) \
    {                                                                                                       \
        rows_begin(rows, count, row_bytes);                                                                 \
        for (uint32_t i = 0; i < count; i++) {                                                              \
            out[i] = sum_##name(query, rows[i], dims, rows_ahead(query, rows, i, count));                   \
        }                                                                                                   \
    }
#define ROWS_KERNELS(name, row_bytes) ROWS_KERNELS_NAMED(static, one_##name, many_##name, name, row_bytes)

#endif
