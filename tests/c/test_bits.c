/*
 * 1-bit codes of neighbours: the kernel against a plain loop, codes and estimates against their definition in double
 * precision, places, extreme numbers, memory. (c-tests: every CPU and table)
 */
#include "../../csrc/quant/bits.h"
#include "check.h"
#include "golden.h"
#include "host.h"

#include <float.h>

/* -- the kernel -- */

/* Tables as a query makes them: sums of four terms of at most `greatest`. */
static void fill_tables(random_state *random, uint8_t *tables, uint32_t count, int extreme)
{
    for (uint32_t t = 0; t < count; t++) {
        int32_t terms[4];
        for (uint32_t j = 0; j < 4; j++) {
            terms[j] = extreme ? 31 : (int32_t)random_below(random, 63) - 31;
        }
        for (uint32_t i = 0; i < 16; i++) {
            int32_t sum = 124;
            for (uint32_t j = 0; j < 4; j++) {
                sum += (i >> j & 1) != 0 ? terms[j] : -terms[j];
            }
            tables[(size_t)t * 16 + i] = (uint8_t)sum;
        }
    }
}

/* Exact-size heap blocks: under AddressSanitizer a read behind the last byte is caught. */
static void compare_scan(uint32_t count, int extreme)
{
    random_state random = {count};
    uint8_t *tables = malloc((size_t)count * 16), *codes = malloc((size_t)count * 16);
    uint32_t expected[32] = {0}, out[33];
    REQUIRE(tables != NULL && codes != NULL);
    fill_tables(&random, tables, count, extreme);
    for (size_t i = 0; i < (size_t)count * 16; i++) {
        codes[i] = extreme ? 0xff : (uint8_t)random_next(&random);
        const uint8_t *table = tables + i / 16 * 16;
        expected[i % 16] += table[codes[i] & 15];
        expected[16 + i % 16] += table[codes[i] >> 4];
    }
    for (uint32_t family = 0; family < DISKANN_SIMD_COUNT; family++) {
        const simd_kernels *kernels = simd_kernels_get(family);
        if (kernels != NULL) {
            out[32] = 77;
            kernels->scan(tables, count, codes, out);
            check_that(memcmp(out, expected, sizeof expected) == 0, __FILE__, __LINE__, "family %u, %u tables", family, count);
            CHECK_UINT(out[32], 77);
        }
    }
    free(tables);
    free(codes);
}

static void sums_are_exact_in_every_family(void)
{
    for (uint32_t count = 16; count <= 1024; count += 16) {
        compare_scan(count, 0);
        compare_scan(count, 1);
    }
}

static void the_largest_sums_stay_in_range(void)
{
    const uint32_t most = check_is_light() ? 4096 : 16384; /* 65,536 dimensions */
    compare_scan(most, 0);
    compare_scan(most, 1);
}

/* -- the layout -- */

static void blocks_have_the_sizes_they_should(void)
{
    static const uint32_t shapes[][3] = {{128, 32, 768}, {384, 32, 1792}, {384, 64, 3584}, {1, 4, 288}, {100, 40, 1344},
                                         {65, 33, 1312}, {64, 5, 320}, {65535, 512, 4198400}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        bits_layout layout;
        bits_layout_init(&layout, shapes[i][0], shapes[i][1]);
        CHECK_UINT(layout.block_bytes, shapes[i][2]);
    }
    for (uint32_t degree = 1; degree <= 512; degree++) {
        bits_layout layout;
        bits_layout_init(&layout, 384, degree);
        CHECK_UINT(layout.block_bytes % 16, 0);
        CHECK(layout.groups * 32 >= degree && (layout.groups - 1) * 32 + layout.last_slots >= degree);
    }
}

/* -- the rotation -- */

static const uint32_t LENGTHS[] = {64, 128, 192, 256, 320, 384, 448, 768, 960, 1536, 4096};
enum { LENGTH_COUNT = sizeof LENGTHS / sizeof *LENGTHS };

static double norm_of(const float *vector, uint32_t length)
{
    double norm = 0;
    for (uint32_t i = 0; i < length; i++) {
        norm += (double)vector[i] * vector[i];
    }
    return norm;
}

static void a_rotation_keeps_norms(void)
{
    memory_account account;
    memory_account_init(&account, NULL);
    for (uint32_t at = 0; at < LENGTH_COUNT; at++) {
        const uint32_t length = LENGTHS[at];
        float *values = malloc(2 * length * sizeof *values), *spare = malloc(length * sizeof *spare);
        rotation turn;
        REQUIRE(values != NULL && spare != NULL && rotation_init(&turn, length, &account) == DISKANN_OK);
        for (uint32_t kind = 0; kind < 4; kind++) { /* uniform, bytes, wide, huge */
            golden_inputs(kind, length, at, values, values + length);
            const double before = norm_of(values, length);
            rotation_apply(&turn, values, spare);
            CHECK(fabs(sqrt(norm_of(values, length) / before) - 1) <= 1e-5);
        }
        rotation_reset(&turn, &account);
        free(values);
        free(spare);
    }
    CHECK_UINT(account.live_bytes, 0);
}

/* The rows of the matrix: what becomes of unit vectors. */
static double *matrix_of(const rotation *turn)
{
    const uint32_t length = turn->length;
    double *matrix = malloc((size_t)length * length * sizeof *matrix);
    float *values = calloc(length, sizeof *values), *spare = malloc(length * sizeof *spare);
    REQUIRE(matrix != NULL && values != NULL && spare != NULL);
    for (uint32_t j = 0; j < length; j++) {
        memset(values, 0, length * sizeof *values);
        values[j] = 1;
        rotation_apply(turn, values, spare);
        for (uint32_t i = 0; i < length; i++) {
            matrix[(size_t)i * length + j] = values[i];
        }
    }
    free(values);
    free(spare);
    return matrix;
}

static void a_rotation_is_orthonormal(void)
{
    static const uint32_t lengths[] = {64, 128, 192, 320};
    memory_account account;
    memory_account_init(&account, NULL);
    for (size_t at = 0; at < sizeof lengths / sizeof *lengths; at++) {
        const uint32_t length = lengths[at];
        rotation turn;
        REQUIRE(rotation_init(&turn, length, &account) == DISKANN_OK);
        double *matrix = matrix_of(&turn), worst = 0;
        for (uint32_t a = 0; a < length; a++) {
            for (uint32_t b = 0; b <= a; b++) {
                double product = a == b ? -1 : 0;
                for (uint32_t j = 0; j < length; j++) {
                    product += matrix[(size_t)a * length + j] * matrix[(size_t)b * length + j];
                }
                worst = fabs(product) > worst ? fabs(product) : worst;
            }
        }
        check_that(worst <= 1e-6, __FILE__, __LINE__, "%u: products of rows are %g off", length, worst);
        free(matrix);
        rotation_reset(&turn, &account);
    }
}

static uint64_t hash_of(uint64_t hash, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The same bits everywhere: a change here changes every file that holds codes. */
static void rotations_are_the_golden_ones(void)
{
    static const uint64_t golden[LENGTH_COUNT] = {
        UINT64_C(0x0ae1e8d68dbcec4a), UINT64_C(0x54f2284767f92adc), UINT64_C(0x6d15ac08b12cbebe), UINT64_C(0xdeddd6acdb750e26),
        UINT64_C(0x6923ddf7cbbfb033), UINT64_C(0x7214f22aa6c93710), UINT64_C(0xa601e3b6de171ba1), UINT64_C(0x2aa836fd69574bba),
        UINT64_C(0x80f2ba1b43fb4975), UINT64_C(0x9b6ddd29e9e3cf17), UINT64_C(0xc8b702e87bd54916)};
    memory_account account;
    memory_account_init(&account, NULL);
    for (uint32_t at = 0; at < LENGTH_COUNT; at++) {
        const uint32_t length = LENGTHS[at];
        float *values = malloc(2 * length * sizeof *values), *spare = malloc(length * sizeof *spare);
        rotation turn;
        REQUIRE(values != NULL && spare != NULL && rotation_init(&turn, length, &account) == DISKANN_OK);
        golden_inputs(0, length, 1, values, values + length);
        rotation_apply(&turn, values, spare);
        CHECK_UINT(hash_of(UINT64_C(0xcbf29ce484222325), values, length * sizeof *values), golden[at]);
        rotation_reset(&turn, &account);
        free(values);
        free(spare);
    }
}

/* -- codes -- */

enum { PLACES = 75 };

typedef struct world {
    memory_account account;
    bits_coder coder;
    bits_query query;
    uint32_t dimensions;
    float *vectors; /* [PLACES + 3][dimensions]: neighbours, owner, origin, query */
    float *scratch;
    uint8_t *block;
} world;

static float *vector_of(const world *w, uint32_t row)
{
    return w->vectors + (size_t)row * w->dimensions;
}

static void world_encode(world *w)
{
    bits_set_origin(&w->coder, vector_of(w, PLACES + 1));
    bits_owner_set(&w->coder, w->scratch, vector_of(w, PLACES));
    for (uint32_t place = 0; place < PLACES; place++) {
        bits_encode(&w->coder, w->scratch, w->block, place, vector_of(w, place));
    }
    bits_query_set(&w->query, &w->coder, vector_of(w, PLACES + 2));
}

static void world_open(world *w, uint32_t metric, uint32_t dimensions, uint32_t simd)
{
    random_state random = {dimensions};
    diskann_config config;
    diskann_config_init(&config, dimensions);
    config.metric = metric;
    config.max_degree = PLACES;
    memory_account_init(&w->account, NULL);
    w->dimensions = dimensions;
    REQUIRE(bits_coder_init(&w->coder, &config, simd_kernels_get(simd), &w->account) == DISKANN_OK);
    REQUIRE(bits_query_init(&w->query, &w->coder, &w->account) == DISKANN_OK);
    w->vectors = malloc((PLACES + 3) * (size_t)dimensions * sizeof(float));
    w->scratch = malloc(bits_scratch_floats(&w->coder.layout) * sizeof(float));
    w->block = calloc(1, w->coder.layout.block_bytes);
    REQUIRE(w->vectors != NULL && w->scratch != NULL && w->block != NULL);
    for (size_t i = 0; i < (PLACES + 3) * (size_t)dimensions; i++) {
        w->vectors[i] = 5 * golden_uniform(random_next(&random)) + 2;
    }
    world_encode(w);
}

static void world_close(world *w)
{
    bits_query_reset(&w->query, &w->coder, &w->account);
    bits_coder_reset(&w->coder);
    free(w->vectors);
    free(w->scratch);
    free(w->block);
    CHECK_UINT(w->account.live_bytes, 0);
}

/* Where the header says that they are. */
static uint32_t bit_at(const bits_layout *layout, const uint8_t *block, uint32_t place, uint32_t dimension)
{
    const uint8_t *group = block + (size_t)(place / 32) * layout->group_bytes;
    const uint32_t byte = group[dimension / 4 * 16 + place % 16];
    return byte >> (place % 32 < 16 ? 0 : 4) >> dimension % 4 & 1;
}

static float factor_at(const bits_layout *layout, const uint8_t *block, uint32_t place, uint32_t which)
{
    const uint32_t group = place / 32, slots = group + 1 < layout->groups ? 32 : layout->last_slots;
    float value;
    memcpy(&value,
           block + (size_t)group * layout->group_bytes + layout->length * 4 + (which * slots + place % 32) * sizeof value,
           sizeof value);
    return value;
}

/* matrix * (a - b) */
static void turned(const world *w, const double *matrix, const float *a, const float *b, double *out)
{
    const uint32_t length = w->coder.layout.length;
    for (uint32_t i = 0; i < length; i++) {
        out[i] = 0;
        for (uint32_t j = 0; j < w->dimensions; j++) {
            out[i] += matrix[(size_t)i * length + j] * ((double)a[j] - (b != NULL ? b[j] : 0));
        }
    }
}

static int is_near(double actual, double expected, double size)
{
    return fabs(actual - expected) <= 2e-5 * size;
}

/* One neighbour's code, and what it says of the query, from the definition. */
static void compare_code(const world *w, const double *matrix, uint32_t place, float estimate, double base)
{
    const bits_layout *layout = &w->coder.layout;
    const uint32_t metric = w->coder.metric;
    static double residual[2048], centre[2048], query[2048];
    const float *origin = metric == DISKANN_IP ? NULL : vector_of(w, PLACES + 1);
    turned(w, matrix, vector_of(w, place), vector_of(w, PLACES), residual);
    turned(w, matrix, vector_of(w, PLACES), origin, centre);
    turned(w, matrix, vector_of(w, PLACES + 2), origin, query);
    double norm = 0, sizes = 0, of_centre = 0, of_query = 0, length_of_query = 0;
    for (uint32_t i = 0; i < layout->length; i++) {
        const uint32_t bit = bit_at(layout, w->block, place, i);
        CHECK(fabs(residual[i]) < 1e-5 || bit == (residual[i] > 0));
        norm += residual[i] * residual[i];
        sizes += fabs(residual[i]);
        of_centre += bit != 0 ? centre[i] : -centre[i];
        of_query += bit != 0 ? query[i] : -query[i];
        length_of_query += query[i] * query[i];
    }
    const double slope = norm / sizes, weight = metric == DISKANN_L2 ? 2 : 1;
    const double offset = metric == DISKANN_IP ? 0 : weight * (norm / 2 + slope * of_centre);
    CHECK(is_near(factor_at(layout, w->block, place, 0), offset, norm + fabs(weight * slope * of_centre)));
    CHECK(is_near(factor_at(layout, w->block, place, 1), -weight * slope, weight * slope));
    /* rounding the query: every element is off by at most half of a 31st of the largest, in any direction */
    const double rounding = weight * slope * sqrt(length_of_query) * 0.3;
    CHECK(fabs(estimate - (base + offset - weight * slope * of_query)) <= rounding);
}

static void codes_are_what_they_are_defined_as(void)
{
    static const uint32_t metrics[] = {DISKANN_L2, DISKANN_COSINE, DISKANN_IP}, dimensions[] = {1, 3, 64, 131, 192};
    for (uint32_t at = 0; at < 15; at++) {
        world w;
        float out[PLACES];
        world_open(&w, metrics[at % 3], dimensions[at / 3], DISKANN_SIMD_AUTO);
        double *matrix = matrix_of(&w.coder.rotation);
        bits_estimates(&w.coder, &w.query, w.block, PLACES, 12.5f, out);
        for (uint32_t place = 0; place < PLACES; place += 7) {
            compare_code(&w, matrix, place, out[place], 12.5);
        }
        free(matrix);
        world_close(&w);
    }
}

/* Bits, factors and estimates, in every family; other bits make other files. */
static void every_family_codes_and_estimates_the_golden_bits(void)
{
    static const uint32_t metrics[] = {DISKANN_L2, DISKANN_COSINE, DISKANN_IP};
    static const uint64_t golden[] = {UINT64_C(0xe5b909bf5614c2cd), UINT64_C(0x1a0cde70c686bb10), UINT64_C(0x8a62f93da7fd9e50)};
    for (size_t m = 0; m < 3; m++) {
        for (uint32_t family = DISKANN_SIMD_PORTABLE; family < DISKANN_SIMD_COUNT; family++) {
            if (simd_kernels_get(family) == NULL) {
                continue;
            }
            world w;
            float out[PLACES];
            world_open(&w, metrics[m], 131, family);
            bits_estimates(&w.coder, &w.query, w.block, PLACES, 3.0f, out);
            const uint64_t block = hash_of(UINT64_C(0xcbf29ce484222325), w.block, w.coder.layout.block_bytes);
            CHECK_UINT(hash_of(block, out, sizeof out), golden[m]);
            world_close(&w);
        }
    }
}

/* Of the owner itself, for which no direction can be told, the estimate is what is known: base. */
static void a_neighbour_equal_to_its_owner_adds_nothing(void)
{
    world w;
    float out[PLACES];
    world_open(&w, DISKANN_L2, 100, DISKANN_SIMD_AUTO);
    memset(w.block, 0, w.coder.layout.block_bytes);
    bits_encode(&w.coder, w.scratch, w.block, 40, vector_of(&w, PLACES));
    for (uint32_t i = 0; i < w.coder.layout.block_bytes; i++) {
        CHECK_UINT(w.block[i], 0);
    }
    bits_estimates(&w.coder, &w.query, w.block, PLACES, 7.25f, out);
    CHECK(out[40] == 7.25f);
    world_close(&w);
}

static void a_query_at_the_origin_is_fine(void)
{
    world w;
    float out[PLACES];
    world_open(&w, DISKANN_L2, 70, DISKANN_SIMD_AUTO);
    bits_query_set(&w.query, &w.coder, vector_of(&w, PLACES + 1));
    bits_estimates(&w.coder, &w.query, w.block, PLACES, 2.0f, out);
    for (uint32_t place = 0; place < PLACES; place++) {
        CHECK(out[place] == 2.0f + factor_at(&w.coder.layout, w.block, place, 0));
    }
    world_close(&w);
}

/* -- places -- */

static int same_code(const bits_layout *layout, const uint8_t *a, uint32_t place_a, const uint8_t *b, uint32_t place_b)
{
    int same = factor_at(layout, a, place_a, 0) == factor_at(layout, b, place_b, 0) &&
               factor_at(layout, a, place_a, 1) == factor_at(layout, b, place_b, 1);
    for (uint32_t i = 0; i < layout->length; i++) {
        same &= bit_at(layout, a, place_a, i) == bit_at(layout, b, place_b, i);
    }
    return same;
}

static void codes_move_and_leave_the_others_alone(void)
{
    static const uint32_t moves[][2] = {{0, 1}, {3, 20}, {20, 3}, {17, 31}, {31, 64}, {74, 0}, {15, 16}, {5, 5}, {40, 74}};
    world w;
    world_open(&w, DISKANN_L2, 150, DISKANN_SIMD_AUTO);
    const bits_layout *layout = &w.coder.layout;
    uint8_t *before = malloc(layout->block_bytes), *other = malloc(layout->block_bytes);
    REQUIRE(before != NULL && other != NULL);
    memset(other, 0x5a, layout->block_bytes);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        const uint32_t to = moves[i][0], from = moves[i][1];
        memcpy(before, w.block, layout->block_bytes);
        bits_move(layout, w.block, to, w.block, from);
        bits_move(layout, other, to, before, from);
        CHECK(same_code(layout, other, to, before, from));
        for (uint32_t place = 0; place < PLACES; place++) {
            CHECK(same_code(layout, w.block, place, before, place == to ? from : place));
        }
    }
    free(before);
    free(other);
    world_close(&w);
}

static void cleared_places_are_as_if_never_written(void)
{
    static const uint32_t ranges[][2] = {{0, 75}, {0, 0}, {3, 4}, {10, 70}, {16, 32}, {31, 33}, {64, 75}, {74, 75}, {0, 64}};
    world w;
    world_open(&w, DISKANN_COSINE, 150, DISKANN_SIMD_AUTO);
    const uint32_t bytes = w.coder.layout.block_bytes;
    uint8_t *cleared = malloc(bytes), *expected = malloc(bytes);
    REQUIRE(cleared != NULL && expected != NULL);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        memcpy(cleared, w.block, bytes);
        memset(expected, 0, bytes);
        bits_clear(&w.coder.layout, cleared, ranges[i][0], ranges[i][1]);
        for (uint32_t place = 0; place < PLACES; place++) {
            if (place < ranges[i][0] || place >= ranges[i][1]) {
                bits_encode(&w.coder, w.scratch, expected, place, vector_of(&w, place));
            }
        }
        CHECK_BYTES(cleared, expected, bytes);
    }
    free(cleared);
    free(expected);
    world_close(&w);
}

/* -- extremes -- */

/* Nothing but numbers comes out, whatever goes in. */
static void extreme_vectors_give_numbers(void)
{
    static const float sizes[] = {0.0f, 1e-45f, 1e-39f, 1e-20f, 1.0f, 1e15f, 9.0e18f};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    static const uint32_t metrics[] = {DISKANN_L2, DISKANN_COSINE, DISKANN_IP};
    for (uint32_t at = 0; at < 3 * SIZES * SIZES * 2; at++) {
        const uint32_t dimensions = at % 2 == 0 ? 1 : 3;
        const float a = sizes[at / 6 % SIZES], b = sizes[at / 6 / SIZES];
        world w;
        float out[PLACES];
        world_open(&w, metrics[at / 2 % 3], dimensions, DISKANN_SIMD_AUTO);
        for (uint32_t row = 0; row < PLACES + 3; row++) {
            memset(vector_of(&w, row), 0, dimensions * sizeof(float));
            vector_of(&w, row)[row % dimensions] = row % 3 == 0 ? a : row % 3 == 1 ? -b : b;
        }
        world_encode(&w);
        for (uint32_t place = 0; place < PLACES; place++) {
            const float offset = factor_at(&w.coder.layout, w.block, place, 0);
            const float scale = factor_at(&w.coder.layout, w.block, place, 1);
            CHECK(fabsf(offset) <= FLT_MAX && fabsf(scale) <= FLT_MAX);
        }
        for (uint32_t i = 0; i < SIZES; i++) {
            bits_estimates(&w.coder, &w.query, w.block, PLACES, sizes[i] * sizes[i], out);
            for (uint32_t place = 0; place < PLACES; place++) {
                CHECK(fabsf(out[place]) <= FLT_MAX);
            }
        }
        world_close(&w);
    }
}

/* -- memory -- */

static void no_memory_is_an_error(void)
{
    meter m = {0};
    const diskann_allocator allocator = {.context = &m, .allocate = meter_allocate, .release = meter_release};
    for (uint64_t fail_at = 1; fail_at <= 5; fail_at++) {
        memory_account account;
        diskann_config config;
        bits_coder coder;
        bits_query query;
        memory_account_init(&account, &allocator);
        diskann_config_init(&config, 100);
        m.calls = 0;
        m.fail_at = fail_at;
        if (fail_at <= 2) {
            CHECK_INT(bits_coder_init(&coder, &config, simd_kernels_get(DISKANN_SIMD_AUTO), &account), DISKANN_ERR_NO_MEMORY);
        } else {
            REQUIRE(bits_coder_init(&coder, &config, simd_kernels_get(DISKANN_SIMD_AUTO), &account) == DISKANN_OK);
            CHECK_UINT(bits_coder_bytes(&coder), m.live);
            CHECK_INT(bits_query_init(&query, &coder, &account), DISKANN_ERR_NO_MEMORY);
            bits_coder_reset(&coder);
        }
        CHECK_UINT(m.live, 0);
        CHECK_UINT(account.live_bytes, 0);
    }
}

CHECK_MAIN(CHECK_TEST(sums_are_exact_in_every_family), CHECK_TEST(the_largest_sums_stay_in_range),
           CHECK_TEST(blocks_have_the_sizes_they_should), CHECK_TEST(a_rotation_keeps_norms),
           CHECK_TEST(a_rotation_is_orthonormal), CHECK_TEST(rotations_are_the_golden_ones),
           CHECK_TEST(codes_are_what_they_are_defined_as), CHECK_TEST(every_family_codes_and_estimates_the_golden_bits),
           CHECK_TEST(a_neighbour_equal_to_its_owner_adds_nothing), CHECK_TEST(a_query_at_the_origin_is_fine),
           CHECK_TEST(codes_move_and_leave_the_others_alone), CHECK_TEST(cleared_places_are_as_if_never_written),
           CHECK_TEST(extreme_vectors_give_numbers), CHECK_TEST(no_memory_is_an_error))
