/*
 * The kernels of halves, of bytes and of sq8, of every family this CPU runs, to the bit: halves and sq8 against the lane rule
 * over values decoded by arithmetic, bytes against sums in 64 bits. (c-tests: every CPU and table)
 */
#include "../../csrc/simd/simd.h"
#include "../../csrc/simd/sq8.h"
#include "check.h"
#include "golden.h"
#include "tables.h"

#include <stdlib.h>

static const char *const TYPES[DISKANN_DATA_TYPE_COUNT] = {"f32", "f16", "i8", "u8", "sq8"};

/* The elements of two vectors of a case: `query` of floats for f16 and sq8, else of the type; `row` of the type. */
typedef struct typed_case {
    uint32_t type;
    uint32_t dims;
    uint32_t query_bytes; /* of an element */
    uint32_t align;       /* of a row */
    size_t stride;        /* from row to row, where there are several */
    uint8_t *query;
    uint8_t *row;
    uint8_t *query_block; /* exact-size heap blocks: under AddressSanitizer a read behind the last element is caught */
    uint8_t *row_block;
} typed_case;

static int is_of_floats(uint32_t type)
{
    return type == DISKANN_F16 || type == DISKANN_SQ8;
}

static typed_case case_make_rows(uint32_t type, uint32_t dims, uint32_t rows, uint32_t shift)
{
    typed_case c = {.type = type, .dims = dims};
    const size_t row_bytes = simd_row_bytes(type, dims);
    c.align = type == DISKANN_SQ8 ? 4 : simd_element_bytes(type);
    c.stride = (row_bytes + c.align - 1) / c.align * c.align;
    c.query_bytes = is_of_floats(type) ? 4 : c.align;
    c.query_block = malloc((size_t)(shift + dims) * c.query_bytes);
    c.row_block = malloc((size_t)shift * c.align + (rows - 1) * c.stride + row_bytes);
    REQUIRE(c.query_block != NULL && c.row_block != NULL);
    c.query = c.query_block + (size_t)shift * c.query_bytes;
    c.row = c.row_block + (size_t)shift * c.align;
    return c;
}

static typed_case case_make(uint32_t type, uint32_t dims, uint32_t shift)
{
    return case_make_rows(type, dims, 1, shift);
}

static void case_free(const typed_case *c)
{
    free(c->query_block);
    free(c->row_block);
}

/* -- references -- */

/* The value of a finite half, by the definition. */
static float half_value(uint16_t half)
{
    const int exponent = half >> 10 & 31;
    const double magnitude = exponent == 0 ? ldexp(half & 1023, -24) : ldexp(1024 + (half & 1023), exponent - 25);
    return (float)(half & 0x8000 ? -magnitude : magnitude);
}

static float row_value(const typed_case *c, uint32_t i)
{
    if (c->type == DISKANN_F16) {
        return half_value(((const uint16_t *)(const void *)c->row)[i]);
    }
    const sq8_head *head = (const sq8_head *)(const void *)c->row;
    const float product = (float)((double)head->step * c->row[SIMD_SQ8_HEAD_BYTES + i]); /* rounded once: exact in double */
    return head->least + product;
}

/* `is_norm`: of the row with itself. */
static float float_sum(const typed_case *c, int is_norm, uint32_t sum)
{
    float *a = malloc((c->dims + 1) * sizeof *a), *b = malloc((c->dims + 1) * sizeof *b);
    REQUIRE(a != NULL && b != NULL);
    for (uint32_t i = 0; i < c->dims; i++) {
        b[i] = row_value(c, i);
        a[i] = is_norm ? b[i] : ((const float *)(const void *)c->query)[i];
    }
    const float result = golden_sum(a, b, c->dims, sum);
    free(a);
    free(b);
    return result;
}

static float byte_sum(const typed_case *c, const uint8_t *query, uint32_t sum)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < c->dims; i++) {
        const int64_t a = c->type == DISKANN_I8 ? (int8_t)query[i] : query[i];
        const int64_t b = c->type == DISKANN_I8 ? (int8_t)c->row[i] : c->row[i];
        const int64_t difference = a - b;
        total += sum == SIMD_SUM_DOT ? a * b : sum == SIMD_SUM_L2 ? difference * difference : llabs(difference);
    }
    return (float)total;
}

static float case_sum(const typed_case *c, uint32_t sum)
{
    return is_of_floats(c->type) ? float_sum(c, 0, sum) : byte_sum(c, c->query, sum);
}

static float case_norm(const typed_case *c)
{
    return is_of_floats(c->type) ? float_sum(c, 1, SIMD_SUM_DOT) : byte_sum(c, c->row, SIMD_SUM_DOT);
}

static void same_bits(float actual, float expected, const simd_kernels *kernels, const typed_case *c, const char *what)
{
    check_that(golden_bits(actual) == golden_bits(expected), __FILE__, __LINE__, "family %u, %s %s, %u dims: %08x, not %08x",
               kernels->simd, TYPES[c->type], what, c->dims, golden_bits(actual), golden_bits(expected));
}

static void compare(const typed_case *c)
{
    const float norm = case_norm(c);
    for (uint32_t sum = 0; sum < SIMD_SUM_COUNT; sum++) {
        const float expected = case_sum(c, sum);
        for (uint32_t family = 0; family < TABLE_COUNT; family++) {
            const simd_kernels *kernels = table_get(family);
            if (kernels != NULL) {
                same_bits(kernels->one[c->type][sum](c->query, c->row, c->dims), expected, kernels, c, GOLDEN_SUMS[sum]);
                same_bits(kernels->norm[c->type](c->row, c->dims), norm, kernels, c, "norm");
            }
        }
    }
}

/* -- inputs -- */

enum { FILL_ANY, FILL_EXTREME, FILL_COUNT };

static uint16_t half_of(uint32_t fill, uint64_t draw)
{
    const uint16_t half = (uint16_t)draw;
    if (fill == FILL_EXTREME) {
        return draw >> 32 & 1 ? half & 0x83ff : (half & 0x8000) | 0x7bff; /* subnormal, or the largest */
    }
    return (half & 0x7c00) == 0x7c00 ? half & 0xbfff : half;
}

static uint8_t byte_of(uint32_t type, uint32_t fill, uint64_t draw)
{
    const uint8_t ends[2] = {type == DISKANN_I8 ? 0x80 : 0, type == DISKANN_I8 ? 0x7f : 0xff};
    return fill == FILL_EXTREME ? ends[draw >> 40 & 1] : (uint8_t)draw;
}

/* Extreme: denormal, all equal, or as large as a norm allows at 65,535 dimensions. */
static sq8_head head_of(uint32_t fill, uint64_t draw)
{
    static const sq8_head extremes[] = {{0x1p-149f, 0x1p-149f, 0, 0}, {-0x1p-130f, 0x1p-137f, 0, 0}, {-3.5f, 0, 0, 0},
                                        {-0x1p+54f, 0x1p+47f, 0, 0},  {0x1p+20f, 0x1p-5f, 0, 0}};
    if (fill == FILL_EXTREME) {
        return extremes[draw % 5];
    }
    return (sq8_head){.least = golden_uniform(draw), .step = 0.01f * fabsf(golden_uniform(draw << 20))};
}

/* A row of dims elements. */
static void fill_row(const typed_case *c, uint8_t *row, uint32_t fill, random_state *random)
{
    if (c->type == DISKANN_SQ8) {
        *(sq8_head *)(void *)row = head_of(fill, random_next(random));
        row += SIMD_SQ8_HEAD_BYTES;
    }
    for (uint32_t i = 0; i < c->dims; i++) {
        const uint64_t draw = random_next(random);
        if (c->type == DISKANN_F16) {
            ((uint16_t *)(void *)row)[i] = half_of(fill, draw);
        } else {
            row[i] = byte_of(c->type, fill, draw);
        }
    }
}

static void fill_case(typed_case *c, uint32_t rows, uint32_t fill, uint64_t seed)
{
    random_state random = {seed};
    for (uint32_t i = 0; i < c->dims; i++) {
        const uint64_t draw = random_next(&random);
        if (is_of_floats(c->type)) {
            ((float *)(void *)c->query)[i] = golden_uniform(draw);
        } else {
            c->query[i] = byte_of(c->type, fill, draw);
        }
    }
    for (uint32_t row = 0; row < rows; row++) {
        fill_row(c, c->row + row * c->stride, fill, &random);
    }
}

static void compare_filled(uint32_t type, uint32_t dims, uint32_t shift)
{
    for (uint32_t fill = 0; fill < FILL_COUNT; fill++) {
        typed_case c = case_make(type, dims, shift);
        fill_case(&c, 1, fill, 1000 * type + dims);
        compare(&c);
        case_free(&c);
    }
}

/* -- bits -- */

static void every_length_up_to_200(void)
{
    for (uint32_t type = DISKANN_F16; type < DISKANN_DATA_TYPE_COUNT; type++) {
        for (uint32_t dims = 0; dims <= 200; dims++) {
            compare_filled(type, dims, 0);
        }
    }
}

static void odd_and_large_lengths(void)
{
    static const uint32_t lengths[] = {255, 257, 300, 767, 769, 960, 1025, 1536, 4095, 65535};
    for (uint32_t type = DISKANN_F16; type < DISKANN_DATA_TYPE_COUNT; type++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            compare_filled(type, lengths[i], 0);
        }
    }
}

static void pointers_aligned_to_an_element_only(void)
{
    for (uint32_t type = DISKANN_F16; type < DISKANN_DATA_TYPE_COUNT; type++) {
        for (uint32_t shift = 1; shift < 32; shift++) {
            for (uint32_t dims = 1; dims <= 130; dims += 1 + dims / 8) {
                compare_filled(type, dims, shift);
            }
        }
    }
}

/* The largest sums there are: no lane of 32 bits may wrap so that it shows, and none may saturate. */
static void the_largest_sums_are_exact(void)
{
    static const uint8_t ends[][3] = {
        {DISKANN_U8, 0xff, 0x00}, {DISKANN_U8, 0xff, 0xff}, {DISKANN_I8, 0x80, 0x7f},
        {DISKANN_I8, 0x80, 0x80}, {DISKANN_I8, 0x7f, 0x7f},
    };
    static const uint32_t lengths[] = {1, 2, 31, 64, 128, 1000, 33026, 65535}; /* from 33,026 on, 255^2 each passes 2^31 */
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (size_t at = 0; at < sizeof lengths / sizeof lengths[0]; at++) {
            typed_case c = case_make(ends[i][0], lengths[at], 0);
            memset(c.query, ends[i][1], c.dims);
            memset(c.row, ends[i][2], c.dims);
            compare(&c);
            case_free(&c);
        }
    }
}

/* 2^24 + 1 is no float: a sum of floats would lose the one at once, a sum of integers rounds in the end, to even. */
static void integers_are_rounded_once(void)
{
    typed_case c = case_make(DISKANN_U8, 65535, 0);
    memset(c.query, 16, c.dims);
    memset(c.row, 0, c.dims);
    c.query[65534] = 1; /* 65534 * 256 + 1 = 2^24 - 511 */
    c.query[0] = 32;    /* + 768: 2^24 + 257, between two floats */
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        if (kernels != NULL) {
            same_bits(kernels->one[DISKANN_U8][SIMD_SUM_L2](c.query, c.row, c.dims), 16777472.0f, kernels, &c, "rounded");
        }
    }
    case_free(&c);
}

static void compare_many(const simd_kernels *kernels, uint32_t type, uint32_t dims)
{
    enum { ROWS = 23 };
    typed_case c = case_make_rows(type, dims, ROWS, 0);
    const void *rows[ROWS];
    float out[ROWS + 1];
    fill_case(&c, ROWS, FILL_ANY, dims);
    for (uint32_t i = 0; i < ROWS; i++) { /* the last block ends where a row ends */
        rows[i] = c.row + (size_t)((i * 7) % ROWS) * c.stride;
    }
    for (uint32_t count = 0; count <= ROWS; count += 1 + count / 3) {
        for (uint32_t sum = 0; sum < SIMD_SUM_COUNT; sum++) {
            out[count] = 12345.0f;
            kernels->many[type][sum](c.query, rows, count, dims, out);
            CHECK(out[count] == 12345.0f);
            for (uint32_t i = 0; i < count; i++) {
                same_bits(out[i], kernels->one[type][sum](c.query, rows[i], dims), kernels, &c, "many");
            }
        }
    }
    case_free(&c);
}

static void many_is_one_for_each_row(void)
{
    static const uint32_t lengths[] = {1, 3, 31, 33, 64, 100, 128, 384, 1000};
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        for (uint32_t type = DISKANN_F16; kernels != NULL && type < DISKANN_DATA_TYPE_COUNT; type++) {
            for (size_t at = 0; at < sizeof lengths / sizeof lengths[0]; at++) {
                compare_many(kernels, type, lengths[at]);
            }
        }
    }
}

/* Every finite half, at every place of a vector, and lengths that end anywhere. */
static void expand_gives_the_value_of_each_half(void)
{
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        for (uint32_t first = 0, dims = 1; kernels != NULL && first < 65536; first += dims, dims = dims % 97 + 1) {
            typed_case c = case_make(DISKANN_F16, dims, 0);
            uint16_t *halves = (uint16_t *)(void *)c.row;
            float *out = (float *)(void *)c.query;
            for (uint32_t i = 0; i < dims; i++) {
                const uint16_t half = (uint16_t)(first + i);
                halves[i] = (half & 0x7c00) == 0x7c00 ? 0 : half;
            }
            kernels->expand[DISKANN_F16](halves, dims, out);
            for (uint32_t i = 0; i < dims; i++) {
                same_bits(out[i], half_value(halves[i]), kernels, &c, "expanded");
            }
            case_free(&c);
        }
    }
}

/* Every code at every place of a vector, of every kind of head. */
static void expand_gives_the_value_of_each_code(void)
{
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        for (uint32_t round = 0; kernels != NULL && round < 2000; round++) {
            const uint32_t dims = round % 97 + 1;
            typed_case c = case_make(DISKANN_SQ8, dims, 0);
            float *out = (float *)(void *)c.query;
            fill_case(&c, 1, round % 2, round);
            kernels->expand[DISKANN_SQ8](c.row, dims, out);
            for (uint32_t i = 0; i < dims; i++) {
                same_bits(out[i], row_value(&c, i), kernels, &c, "expanded");
            }
            case_free(&c);
        }
        CHECK(kernels == NULL || (kernels->expand[DISKANN_F32] == NULL && kernels->expand[DISKANN_I8] == NULL &&
                                  kernels->expand[DISKANN_U8] == NULL));
    }
}

/* -- golden vectors -- */

static void golden_fill(typed_case *c, const char *kind, uint64_t seed)
{
    random_state random = {seed};
    const uint32_t fill = strcmp(kind, "any") == 0 ? FILL_ANY : FILL_EXTREME;
    for (uint32_t i = 0; i < c->dims; i++) {
        if (c->type == DISKANN_F16) {
            ((float *)(void *)c->query)[i] = golden_uniform(random_next(&random));
            const uint16_t half = (uint16_t)random_next(&random);
            ((uint16_t *)(void *)c->row)[i] = fill == FILL_ANY ? half_of(FILL_ANY, half) : half & 0x83ff;
        } else { /* the lowest bit picks the end */
            const uint64_t a = random_next(&random), b = random_next(&random);
            c->query[i] = byte_of(c->type, fill, fill == FILL_ANY ? a : a << 40);
            c->row[i] = byte_of(c->type, fill, fill == FILL_ANY ? b : b << 40);
        }
    }
}

static int check_golden_line(const char *line)
{
    char type_name[8], sum_name[16], kind_name[16];
    unsigned dims, seed, bits;
    if (sscanf(line,
               " { \"type\": \"%7[a-z0-9]\", \"sum\": \"%15[a-z0-9]\", \"kind\": \"%15[a-z]\", \"dims\": %u, \"seed\": %u, "
               "\"bits\": \"%x\"",
               type_name, sum_name, kind_name, &dims, &seed, &bits) != 6) {
        return 0;
    }
    const uint32_t type = golden_find(TYPES, DISKANN_DATA_TYPE_COUNT, type_name);
    const uint32_t sum = golden_find(GOLDEN_SUMS, SIMD_SUM_COUNT, sum_name);
    REQUIRE(type < DISKANN_DATA_TYPE_COUNT && sum < SIMD_SUM_COUNT && dims <= GOLDEN_DIMS_MAX);
    typed_case c = case_make(type, dims, 0);
    golden_fill(&c, kind_name, seed);
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        if (kernels != NULL) {
            same_bits(kernels->one[type][sum](c.query, c.row, dims), golden_float(bits), kernels, &c, "golden");
        }
    }
    case_free(&c);
    return 1;
}

static void golden_vectors(void)
{
    char line[256];
    unsigned cases = 0;
    FILE *file = fopen(GOLDEN_PATH, "r");
    REQUIRE(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        cases += (unsigned)check_golden_line(line);
    }
    fclose(file);
    CHECK_UINT(cases, 198);
}

CHECK_MAIN(CHECK_TEST(every_length_up_to_200), CHECK_TEST(odd_and_large_lengths),
           CHECK_TEST(pointers_aligned_to_an_element_only), CHECK_TEST(the_largest_sums_are_exact),
           CHECK_TEST(integers_are_rounded_once), CHECK_TEST(many_is_one_for_each_row),
           CHECK_TEST(expand_gives_the_value_of_each_half), CHECK_TEST(expand_gives_the_value_of_each_code),
           CHECK_TEST(golden_vectors))
