/* Prints what random.h and generate.h make, for the test that random.ts and generate.ts make the same. */
#include "generate.h"

#include <stdio.h>

static uint64_t hash_floats(const float *values, size_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], 4);
        for (int shift = 0; shift < 32; shift += 8) {
            hash = (hash ^ ((bits >> shift) & 0xff)) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

static void print_random(uint64_t seed)
{
    static const uint64_t bounds[] = {1, 2, 3, 10, 1000, 2097152, 2097153, UINT64_C(4294967296),
                                      UINT64_C(9007199254740991)};
    random_state random = {seed};
    for (int i = 0; i < 1000; i++) {
        printf("%016llx\n", (unsigned long long)random_next(&random));
    }
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        for (int j = 0; j < 100; j++) {
            printf("%llu\n", (unsigned long long)random_below(&random, bounds[i]));
        }
    }
}

static int print_rows(const generate_shape *shape, uint32_t dimensions, uint32_t stream, uint64_t first, uint64_t rows)
{
    float *out = malloc(rows * dimensions * sizeof(float));
    if (!out || generate_rows(shape, dimensions, 1, stream, first, rows, out) != 0) {
        return -1;
    }
    printf("%016llx\n", (unsigned long long)hash_floats(out, rows * dimensions));
    free(out);
    return 0;
}

int main(void)
{
    print_random(0);
    print_random(UINT64_C(0xfedcba9876543210));
    if (print_rows(&GENERATE_IMAGE, 128, 0, 0, 500) != 0 || print_rows(&GENERATE_IMAGE, 37, 1, 99, 100) != 0 ||
        print_rows(&GENERATE_TEXT, 384, 0, UINT64_C(4294967200), 200) != 0) {
        return 1;
    }
    return 0;
}
