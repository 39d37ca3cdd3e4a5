#include "memory.h"

#include <cstdlib>

#if defined(_WIN32)
#include <malloc.h>
#else
#include <sys/mman.h>
#endif

namespace diskann_node {

namespace {

constexpr size_t alignment = 64;

#if defined(__linux__)

constexpr size_t huge_page = size_t(2) << 20;
constexpr size_t small_page = 65536; /* the largest page of any Linux machine */

size_t mapped_bytes(size_t bytes)
{
    return (bytes + small_page - 1) & ~(small_page - 1);
}

/* Maps 2 MiB more than wanted and gives back what lies before and after the aligned part. */
void *map_huge(size_t bytes)
{
    const size_t wanted = mapped_bytes(bytes);
    const size_t whole = wanted + huge_page;
    if (whole < bytes) {
        return nullptr;
    }
    void *start = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        return nullptr;
    }
    const uintptr_t address = reinterpret_cast<uintptr_t>(start);
    const uintptr_t aligned = (address + huge_page - 1) & ~uintptr_t(huge_page - 1);
    const size_t before = aligned - address;
    if (before > 0) {
        munmap(start, before);
    }
    if (whole - before > wanted) {
        munmap(reinterpret_cast<void *>(aligned + wanted), whole - before - wanted);
    }
    void *memory = reinterpret_cast<void *>(aligned);
    madvise(memory, wanted, MADV_HUGEPAGE); /* a hint: without it all still works */
    return memory;
}

#endif

void *get(size_t bytes)
{
#if defined(_WIN32)
    return _aligned_malloc(bytes, alignment);
#else
#if defined(__linux__)
    if (bytes >= huge_page) {
        return map_huge(bytes);
    }
#endif
    void *memory = nullptr;
    return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
#endif
}

void put(void *memory, size_t bytes)
{
#if defined(_WIN32)
    (void)bytes;
    _aligned_free(memory);
#else
#if defined(__linux__)
    if (bytes >= huge_page) {
        munmap(memory, mapped_bytes(bytes));
        return;
    }
#else
    (void)bytes;
#endif
    std::free(memory);
#endif
}

} // namespace

Memory::Memory() : allocator_{allocate, release, this} {}

void *Memory::allocate(void *context, size_t bytes)
{
    void *memory = get(bytes);
    if (memory != nullptr) {
        static_cast<Memory *>(context)->bytes_.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
    }
    return memory;
}

void Memory::release(void *context, void *memory, size_t bytes)
{
    put(memory, bytes);
    static_cast<Memory *>(context)->bytes_.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
}

} // namespace diskann_node
