/*
 * Every kernel family this CPU runs, on vectors of floats, against a plain loop that spells out the rule of
 * csrc/simd/simd.h, to the bit. The reference names its lanes one by one and shares no code with the kernels; golden
 * vectors (from JavaScript) keep the two from being wrong together. (c-tests: every CPU and table)
 */
#include "../../csrc/simd/simd.h"
#include "check.h"
#include "golden.h"
#include "tables.h"

#include <stdlib.h>

static int same_bits(float actual, float expected, uint32_t family, uint32_t sum, const char *what, uint32_t dims)
{
    const uint32_t a = golden_bits(actual), e = golden_bits(expected);
    return check_that(a == e, __FILE__, __LINE__, "family %u, %s, %s, %u dims: %08x, not %08x", family, GOLDEN_SUMS[sum], what,
                      dims, a, e);
}

/* -- families -- */

static void a_family_says_its_name(void)
{
    unsigned available = 0;
    for (uint32_t family = DISKANN_SIMD_PORTABLE; family < DISKANN_SIMD_COUNT; family++) {
        const simd_kernels *kernels = simd_kernels_get(family);
        if (kernels != NULL) {
            CHECK_UINT(kernels->simd, family);
            available++;
        }
    }
    CHECK(available >= 1);
    CHECK(simd_kernels_get(DISKANN_SIMD_PORTABLE) != NULL);
    CHECK(simd_kernels_get(DISKANN_SIMD_COUNT) == NULL);
    CHECK(simd_kernels_get(UINT32_MAX) == NULL);
}

static void auto_is_one_of_the_families(void)
{
    const simd_kernels *best = simd_kernels_get(DISKANN_SIMD_AUTO);
    REQUIRE(best != NULL);
    const simd_kernels *named = simd_kernels_get(best->simd);
    REQUIRE(named != NULL);
    for (uint32_t sum = 0; sum < SIMD_SUM_COUNT; sum++) {
        CHECK(best->one[DISKANN_F32][sum] != NULL);
        CHECK(best->many[DISKANN_F32][sum] != NULL);
    }
}

/* The runner says what the CPU it set up must show, so that a family cannot go missing unseen. */
static void the_expected_families_are_here(void)
{
    static const char *const names[] = {"auto", "portable", "avx2", "avx512", "neon", "wasm128"};
    const char *expected = getenv("DISKANN_EXPECT_SIMD");
    CHECK(simd_kernels_get(DISKANN_SIMD_PORTABLE) != NULL);
    if (expected != NULL) {
        for (uint32_t family = DISKANN_SIMD_PORTABLE; family < DISKANN_SIMD_COUNT; family++) {
            const int wanted = strstr(expected, names[family]) != NULL;
            check_that((simd_kernels_get(family) != NULL) == wanted, __FILE__, __LINE__, "%s is %s", names[family],
                       wanted ? "missing" : "there, on a CPU without it");
        }
        for (uint32_t i = 1; i < TABLE_PAIR_COUNT; i++) {
            const int wanted = strstr(expected, TABLE_PAIRS[i].name) != NULL;
            check_that(table_is_better(&TABLE_PAIRS[i]) == wanted, __FILE__, __LINE__, "%s is %s", TABLE_PAIRS[i].name,
                       wanted ? "missing" : "there, on a CPU without it");
        }
    }
}

/* -- bits -- */

static void compare_one(const float *a, const float *b, uint32_t dims, const char *what)
{
    for (uint32_t sum = 0; sum < SIMD_SUM_COUNT; sum++) {
        const float expected = golden_sum(a, b, dims, sum);
        for (uint32_t family = 0; family < TABLE_COUNT; family++) {
            const simd_kernels *kernels = table_get(family);
            if (kernels != NULL) {
                same_bits(kernels->one[DISKANN_F32][sum](a, b, dims), expected, family, sum, what, dims);
            }
        }
    }
}

/* Exact-size heap blocks: under AddressSanitizer a read behind the last element is caught. */
static void compare_dims(uint32_t kind, uint32_t dims, uint32_t shift)
{
    float *a = malloc((shift + dims) * sizeof(float));
    float *b = malloc((shift + dims) * sizeof(float));
    REQUIRE(a != NULL && b != NULL);
    golden_inputs(kind, dims, 1000 * kind + dims, a + shift, b + shift);
    compare_one(a + shift, b + shift, dims, GOLDEN_KINDS[kind]);
    free(a);
    free(b);
}

static void every_length_up_to_130(void)
{
    for (uint32_t kind = 0; kind < GOLDEN_KIND_COUNT; kind++) {
        for (uint32_t dims = 0; dims <= 130; dims++) {
            compare_dims(kind, dims, 0);
        }
    }
}

static void odd_and_large_lengths(void)
{
    static const uint32_t lengths[] = {131, 191, 255, 257, 300, 767, 769, 960, 1025, 1536, 4095, 65535};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (uint32_t kind = 0; kind < GOLDEN_KIND_COUNT; kind++) {
            compare_dims(kind, lengths[i], 0);
        }
    }
}

static void pointers_aligned_to_4_only(void)
{
    for (uint32_t shift = 1; shift < 16; shift++) {
        for (uint32_t dims = 1; dims <= 70; dims++) {
            compare_dims(2, dims, shift);
        }
    }
}

static void the_lane_order_shows(void)
{
    /*
     * 95 ones and one 2^24, whose neighbours are 2 apart: what is added to it as 1 is lost, what comes as a larger
     * part is kept. Lane 5 stays 2^24; it meets 3 (a tie, to 2^24 + 4), 6, 12, 24 and 48.
     */
    float a[96], b[96];
    for (uint32_t i = 0; i < 96; i++) {
        a[i] = 1.0f;
        b[i] = 1.0f;
    }
    a[5] = 16777216.0f;
    const float in_lane_order = 16777216.0f + 94.0f;
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        if (kernels != NULL) {
            const float sum = kernels->one[DISKANN_F32][SIMD_SUM_DOT](a, b, 96);
            same_bits(sum, in_lane_order, family, SIMD_SUM_DOT, "2^24", 96);
        }
    }
}

static void products_are_rounded_before_the_sum(void)
{
    /* (1 + e)^2 - (1 + 2e), e = 2^-12: a fused multiply-add would keep e^2 = 2^-24 of the product. */
    const float e = 1.0f / 4096.0f;
    float a[64] = {0}, b[64] = {0};
    a[0] = -1.0f;
    b[0] = 1.0f + 2.0f * e;
    a[32] = 1.0f + e;
    b[32] = 1.0f + e;
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        if (kernels != NULL) {
            same_bits(kernels->one[DISKANN_F32][SIMD_SUM_DOT](a, b, 64), 0.0f, family, SIMD_SUM_DOT, "rounded", 64);
        }
    }
}

static void minus_zero_becomes_plus_zero(void)
{
    float a[40], b[40];
    for (uint32_t dims = 0; dims <= 40; dims++) {
        for (uint32_t i = 0; i < dims; i++) {
            a[i] = i % 2 == 0 ? -0.0f : -1e-30f; /* the second one's products are below the smallest denormal */
            b[i] = 1e-30f;
        }
        for (uint32_t family = 0; family < TABLE_COUNT; family++) {
            const simd_kernels *kernels = table_get(family);
            if (kernels != NULL) {
                same_bits(kernels->one[DISKANN_F32][SIMD_SUM_DOT](a, b, dims), 0.0f, family, SIMD_SUM_DOT, "-0", dims);
            }
        }
    }
}

static void compare_many(const simd_kernels *kernels, uint32_t sum, const float *query, const void *const *rows,
                         uint32_t count, uint32_t dims)
{
    float out[41];
    for (uint32_t i = 0; i < 41; i++) {
        out[i] = 12345.0f;
    }
    kernels->many[DISKANN_F32][sum](query, rows, count, dims, out);
    for (uint32_t i = 0; i < count; i++) {
        same_bits(out[i], kernels->one[DISKANN_F32][sum](query, rows[i], dims), kernels->simd, sum, "many", dims);
    }
    CHECK(out[count] == 12345.0f);
}

static void many_is_one_for_each_row(void)
{
    static const uint32_t lengths[] = {1, 3, 31, 33, 48, 100, 128, 384, 2000};
    for (size_t at = 0; at < sizeof lengths / sizeof lengths[0]; at++) {
        const uint32_t dims = lengths[at];
        float *memory = malloc((size_t)dims * 41 * sizeof(float));
        REQUIRE(memory != NULL);
        const void *rows[40];
        random_state random = {dims};
        for (uint32_t i = 0; i < dims * 41; i++) {
            memory[i] = golden_uniform(random_next(&random));
        }
        for (uint32_t i = 0; i < 40; i++) {
            rows[i] = memory + (size_t)dims * (1 + (i * 7) % 40); /* the last block ends where a row ends */
        }
        for (uint32_t family = 0; family < TABLE_COUNT; family++) {
            const simd_kernels *kernels = table_get(family);
            for (uint32_t count = 0; kernels != NULL && count <= 40; count += 1 + count / 9) {
                for (uint32_t sum = 0; sum < SIMD_SUM_COUNT; sum++) {
                    compare_many(kernels, sum, memory, rows, count, dims);
                }
            }
        }
        free(memory);
    }
}

/* -- golden vectors -- */

static int check_golden_line(const char *line, float *a, float *b)
{
    char sum_name[16], kind_name[16];
    unsigned dims, seed, bits;
    if (sscanf(line, " { \"sum\": \"%15[a-z0-9]\", \"kind\": \"%15[a-z]\", \"dims\": %u, \"seed\": %u, \"bits\": \"%x\"",
               sum_name, kind_name, &dims, &seed, &bits) != 5) {
        return 0;
    }
    const uint32_t sum = golden_find(GOLDEN_SUMS, SIMD_SUM_COUNT, sum_name);
    const uint32_t kind = golden_find(GOLDEN_KINDS, GOLDEN_KIND_COUNT, kind_name);
    REQUIRE(sum < SIMD_SUM_COUNT && kind < GOLDEN_KIND_COUNT && dims <= GOLDEN_DIMS_MAX);
    golden_inputs(kind, dims, seed, a, b);
    same_bits(golden_sum(a, b, dims, sum), golden_float(bits), UINT32_MAX, sum, kind_name, dims);
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        if (kernels != NULL) {
            same_bits(kernels->one[DISKANN_F32][sum](a, b, dims), golden_float(bits), family, sum, kind_name, dims);
        }
    }
    return 1;
}

static void golden_vectors(void)
{
    static float a[GOLDEN_DIMS_MAX], b[GOLDEN_DIMS_MAX];
    char line[256];
    unsigned cases = 0;
    FILE *file = fopen(GOLDEN_PATH, "r");
    REQUIRE(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        cases += (unsigned)check_golden_line(line, a, b);
    }
    fclose(file);
    CHECK_UINT(cases, 450);
}

CHECK_MAIN(CHECK_TEST(a_family_says_its_name), CHECK_TEST(auto_is_one_of_the_families),
           CHECK_TEST(the_expected_families_are_here), CHECK_TEST(every_length_up_to_130),
           CHECK_TEST(odd_and_large_lengths), CHECK_TEST(pointers_aligned_to_4_only),
           CHECK_TEST(the_lane_order_shows), CHECK_TEST(products_are_rounded_before_the_sum),
           CHECK_TEST(minus_zero_becomes_plus_zero), CHECK_TEST(many_is_one_for_each_row), CHECK_TEST(golden_vectors))
