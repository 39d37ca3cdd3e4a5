/* CRC-32C: known answers (RFC 3720, appendix B.4), golden vectors, and every routine against a bit-by-bit one.
 * (c-tests: every CPU) */
#include "../../csrc/simd/simd.h"
#include "check.h"
#include "golden.h"

#include <stdlib.h>

enum { BUFFER_BYTES = 20000 };

static uint32_t reference(uint32_t crc, const uint8_t *data, size_t bytes)
{
    uint32_t state = ~crc;
    for (size_t i = 0; i < bytes; i++) {
        state ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            state = (state & 1) != 0 ? state >> 1 ^ UINT32_C(0x82f63b78) : state >> 1;
        }
    }
    return ~state;
}

static void fill(uint8_t *data, size_t bytes, uint64_t seed)
{
    random_state random = {seed};
    for (size_t i = 0; i < bytes; i++) {
        data[i] = (uint8_t)random_next(&random);
    }
}

static void check_all(const void *data, size_t bytes, uint32_t expected)
{
    for (uint32_t family = 0; family < DISKANN_SIMD_COUNT; family++) {
        const simd_kernels *kernels = simd_kernels_get(family);
        if (kernels != NULL) {
            const uint32_t crc = kernels->crc32c(0, data, bytes);
            check_that(crc == expected, __FILE__, __LINE__, "family %u, %zu bytes: %08x, not %08x", family, bytes, crc,
                       expected);
        }
    }
}

static void known_answers(void)
{
    uint8_t block[32];
    check_all("", 0, 0);
    check_all("123456789", 9, 0xe3069283);
    memset(block, 0, sizeof block);
    check_all(block, sizeof block, 0x8a9136aa);
    memset(block, 0xff, sizeof block);
    check_all(block, sizeof block, 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++) {
        block[i] = (uint8_t)i;
    }
    check_all(block, sizeof block, 0x46dd794e);
    for (unsigned i = 0; i < 32; i++) {
        block[i] = (uint8_t)(31 - i);
    }
    check_all(block, sizeof block, 0x113fdb5c);
}

static void every_length_and_start(void)
{
    uint8_t data[300];
    fill(data, sizeof data, 1);
    for (size_t start = 0; start < 16; start++) {
        for (size_t bytes = 0; bytes <= 280; bytes++) {
            check_all(data + start, bytes, reference(0, data + start, bytes));
        }
    }
}

static void exact_blocks(void)
{
    static const size_t lengths[] = {767, 768, 769, 1023, 1535, 4080, 4092, 4096, 8191, 12287, 12288, 12289, 19999};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t *data = malloc(lengths[i]);
        REQUIRE(data != NULL);
        fill(data, lengths[i], i);
        check_all(data, lengths[i], reference(0, data, lengths[i]));
        free(data);
    }
}

static void pieces_chain_to_the_whole(void)
{
    static uint8_t data[BUFFER_BYTES];
    fill(data, sizeof data, 2);
    const uint32_t whole = reference(0, data, sizeof data);
    for (uint32_t family = 0; family < DISKANN_SIMD_COUNT; family++) {
        const simd_kernels *kernels = simd_kernels_get(family);
        for (size_t cut = 0; kernels != NULL && cut <= sizeof data; cut += 1 + cut / 7) {
            const uint32_t first = kernels->crc32c(0, data, cut);
            CHECK_UINT(kernels->crc32c(first, data + cut, sizeof data - cut), whole);
        }
    }
}

static void golden_vectors(void)
{
    static uint8_t data[65536];
    char line[256];
    unsigned cases = 0, bytes, seed, bits;
    FILE *file = fopen(GOLDEN_PATH, "r");
    REQUIRE(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, " { \"checksum\": \"crc32c\", \"bytes\": %u, \"seed\": %u, \"bits\": \"%x\"", &bytes, &seed,
                   &bits) == 3) {
            REQUIRE(bytes <= sizeof data);
            fill(data, bytes, seed);
            check_all(data, bytes, bits);
            cases++;
        }
    }
    fclose(file);
    CHECK_UINT(cases, 12);
}

CHECK_MAIN(CHECK_TEST(known_answers), CHECK_TEST(every_length_and_start), CHECK_TEST(exact_blocks),
           CHECK_TEST(pieces_chain_to_the_whole), CHECK_TEST(golden_vectors))
