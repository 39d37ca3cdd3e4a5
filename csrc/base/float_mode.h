/*
 * The floating-point mode of the calling thread: round to nearest, denormals kept. Another addon in the process may
 * have changed it, and then the same vectors would give other bits; each entry of the core sets and restores it.
 */
#ifndef DISKANN_BASE_FLOAT_MODE_H
#define DISKANN_BASE_FLOAT_MODE_H

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>

enum { FLOAT_MODE_STANDARD = 0x1f80 }; /* all exceptions masked, nearest, no flush to zero */

static inline uint64_t float_mode_enter(void)
{
    const unsigned saved = _mm_getcsr();
    if (saved != FLOAT_MODE_STANDARD) {
        _mm_setcsr(FLOAT_MODE_STANDARD);
    }
    return saved;
}

static inline void float_mode_leave(uint64_t saved)
{
    if ((unsigned)saved != FLOAT_MODE_STANDARD) {
        _mm_setcsr((unsigned)saved);
    }
}

#elif defined(__aarch64__)

static inline uint64_t float_mode_enter(void)
{
    uint64_t saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    if (saved != 0) {
        const uint64_t standard = 0;
        __asm__ volatile("msr fpcr, %0" : : "r"(standard));
    }
    return saved;
}

static inline void float_mode_leave(uint64_t saved)
{
    if (saved != 0) {
        __asm__ volatile("msr fpcr, %0" : : "r"(saved));
    }
}

#else /* WebAssembly has one mode only */

static inline uint64_t float_mode_enter(void)
{
    return 0;
}

static inline void float_mode_leave(uint64_t saved)
{
    (void)saved;
}

#endif
#endif
