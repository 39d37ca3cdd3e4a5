/* The words for numbers that cross into messages. */
#include "../include/diskann.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

const char *diskann_status_text(int status)
{
    switch (status) {
#define STATUS_CASE(name, value, text) \
    case value:                        \
        return text;
        DISKANN_STATUS_TABLE(STATUS_CASE)
#undef STATUS_CASE
    default:
        return "unknown status";
    }
}

const char *diskann_phase_text(uint32_t phase)
{
    static const char *const texts[DISKANN_PHASE_COUNT] = {"none",  "validate", "link", "order", "read",
                                                           "check", "audit",    "seal", "write", "scan",
                                                           "train"};
    return phase < COUNT_OF(texts) ? texts[phase] : "unknown phase";
}

const char *diskann_finding_text(uint32_t kind)
{
    static const char *const texts[DISKANN_FINDING_COUNT] = {
        "nothing is wrong",
        "the superblock is damaged",
        "the file is shorter or longer than its superblock says",
        "the checksum of a page does not match its bytes",
        "a page has a wrong number, or bytes where there should be zeros",
        "a record has more neighbours than it can hold",
        "an edge leads to a record that does not exist",
        "a record is its own neighbour",
        "a record has the same neighbour twice",
        "a vector or its norm is not finite",
        "the stored norm is not the norm of the vector",
        "an id is out of range or is used twice",
        "the tree edges do not form a tree over all records",
        "a record cannot be reached by any search",
        "codes are not those of the vectors",
    };
    return kind < COUNT_OF(texts) ? texts[kind] : "unknown finding";
}

const char *diskann_simd_text(uint32_t simd)
{
    static const char *const texts[DISKANN_SIMD_COUNT] = {"auto", "portable", "avx2", "avx512", "neon", "wasm128"};
    return simd < COUNT_OF(texts) ? texts[simd] : "unknown";
}
