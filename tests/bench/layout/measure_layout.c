/*
 * What decided the layout of records: the search of graph/walk.c over one graph, simulated with codes, orders of records and
 * starts that the core may not have, counted in records and pages and timed; and the kinds that it has, timed.
 *
 *     measure_layout <base> <queries> <truth> <l2|cosine> <R> <f32|u8> <variant,...>
 *     base, queries: f32, u32 rows, u32 dimensions first; truth: u32 queries, u32 k, ids. Prints a JSON array.
 *
 * A variant: kind[/bits][+order][+start][+page], kind one of exact, owner, cluster, mean, pq, each with bits of an element
 * (pq: bytes of a code); order: +random, +packed (greedily by edges); start: +nav (the nearest of a hundredth of all); +page:
 * all records of a page that was read are scored. Or variants that are all of the core: build:none, build:8bit, build:1bit,
 * build:pq.
 *
 * Times are of one thread's CPU. Those of the simulation are of vectors of f32 and of plain kernels: they compare with each
 * other, not with the core.
 */
#define _POSIX_C_SOURCE 200809L

#include "kinds.h"
#include "walk.h"

enum { VARIANTS_MAX = 16 };

typedef struct variant {
    const char *name;
    codes codes;
    placement placement;
    walk *walk;
} variant;

/* Records of a page as it would be: with codes of the neighbours where they are of edges, without where of points. */
static uint32_t records_per_page(const diskann_config *config, const codes *codes)
{
    diskann_config shaped = *config;
    record_layout layout;
    const int of_edges = codes->kind == CODE_OWNER;
    shaped.codes = of_edges ? DISKANN_CODES_1BIT : DISKANN_CODES_NONE;
    record_layout_init(&layout, &shaped);
    const uint64_t more = of_edges ? (uint64_t)(codes->bits - 1) * config->max_degree * (codes->length / 8) : 0;
    const uint64_t fitting = (layout.page_bytes - PAGE_HEADER_BYTES) / (layout.record_bytes + more);
    return more == 0 ? layout.records_per_page : fitting > 0 ? (uint32_t)fitting : 1;
}

static code_kind kind_by_name(const char *name)
{
    static const char *const kinds[] = {"exact", "owner", "cluster", "mean", "pq"};
    for (uint32_t i = 0; i < 5; i++) {
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0) {
            return (code_kind)i;
        }
    }
    fail("variant", name);
}

static void variant_make(variant *variant, const world *world, const diskann_config *config, const char *name)
{
    const char *slash = strchr(name, '/');
    variant->name = name;
    codes_make(&variant->codes, world, kind_by_name(name), slash != NULL ? (uint32_t)atoi(slash + 1) : 1);
    placement_make(&variant->placement, world, records_per_page(config, &variant->codes), name);
    variant->walk = walk_create(&variant->codes, &variant->placement);
    variant->walk->has_navigator = strstr(name, "+nav") != NULL;
    variant->walk->has_page_search = strstr(name, "+page") != NULL;
}

static void variant_free(variant *variant)
{
    walk_destroy(variant->walk);
    placement_free(&variant->placement);
    codes_free(&variant->codes);
}

/* Ratio of estimate and distance, of all edges of some records, for the first queries. */
static void print_errors(variant *variant)
{
    codes *codes = &variant->codes;
    edges *edges = &variant->walk->edges;
    const world *world = codes->world;
    const uint32_t step = world->rows / 100 + 1;
    double sum = 0, squares = 0;
    uint64_t count = 0;
    for (uint32_t q = 0; q < world->queries && q < 50; q++) {
        codes_query(codes, q);
        for (uint32_t slot = q; slot < world->rows; slot += step) {
            const record_list *list = world_list(world, slot);
            edges->owner = slot;
            edges->base = squared(world, codes->query, vector_at(world, slot), world->dimensions);
            edges->count = list->degree;
            for (uint32_t i = 0; i < list->degree; i++) {
                edges->places[i] = i;
                edges->slots[i] = list->neighbours[i];
            }
            codes_estimate(codes, edges);
            for (uint32_t i = 0; i < list->degree; i++) {
                const double distance =
                    squared(world, codes->query, vector_at(world, edges->slots[i]), world->dimensions);
                if (distance > 0) {
                    const double ratio = edges->estimates[i] / distance;
                    sum += ratio;
                    squares += ratio * ratio;
                    count++;
                }
            }
        }
    }
    const double mean = sum / (double)count, variance = squares / (double)count - mean * mean;
    printf(", \"mean\": %.4f, \"sigma\": %.4f", mean, sqrt(variance > 0 ? variance : 0));
}

static void variant_print(variant *variant)
{
    const codes *codes = &variant->codes;
    const placement *placement = &variant->placement;
    printf("{\"variant\": \"%s\", \"perPage\": %u, \"inPage\": %.4f, \"codeBytes\": %u, \"makeMicroseconds\": %.2f, "
           "\"addMicroseconds\": %.2f",
           variant->name, placement->per_page, placement_share(placement, codes->world),
           codes->kind == CODE_EXACT ? 0 : codes->stride, codes->make_seconds * 1e6, codes->add_seconds * 1e6);
    print_errors(variant);
}

static void measure_variants(world *world, diskann_config config, char **names, uint32_t count)
{
    static variant variants[VARIANTS_MAX];
    static curve curves[VARIANTS_MAX];
    double built, added;
    config.codes = DISKANN_CODES_AUTO;
    world_build(world, &config, world->rows, &built, &added);
    world_unpack(world);
    for (uint32_t i = 0; i < count; i++) {
        variant_make(&variants[i], world, &config, names[i]);
        curves[i] = (curve){.pass = walk_pass, .context = variants[i].walk, .queries = world->queries};
        curve_explore(&curves[i]);
    }
    curves_time(curves, count);
    for (uint32_t i = 0; i < count; i++) {
        variant_print(&variants[i]);
        curve_print(&curves[i]);
        printf(i + 1 < count ? "},\n" : "}\n");
        variant_free(&variants[i]);
    }
}

static void measure_kinds(world *world, const diskann_config *config, char **names, uint32_t count)
{
    static kind kinds[VARIANTS_MAX];
    static curve curves[VARIANTS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        kind_make(&kinds[i], world, *config, names[i]);
        curves[i] = (curve){.pass = kind_pass, .context = &kinds[i], .queries = world->queries};
        curve_explore(&curves[i]);
    }
    curves_time(curves, count);
    for (uint32_t i = 0; i < count; i++) {
        kind_print(&kinds[i]);
        curve_print(&curves[i]);
        printf(i + 1 < count ? "},\n" : "}\n");
        kind_free(&kinds[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fail("usage", "measure_layout base queries truth metric R type variants");
    }
    world world;
    diskann_config config;
    char *names[VARIANTS_MAX];
    uint32_t count = 0;
    const int is_cosine = strcmp(argv[4], "cosine") == 0;
    world_read(&world, argv + 1, is_cosine);
    diskann_config_init(&config, world.dimensions);
    config.metric = is_cosine ? DISKANN_COSINE : DISKANN_L2;
    config.max_degree = (uint32_t)atoi(argv[5]);
    config.data_type = strcmp(argv[6], "u8") == 0 ? DISKANN_U8 : DISKANN_F32;
    for (char *name = strtok(argv[7], ","); name != NULL; name = strtok(NULL, ",")) {
        if (count == VARIANTS_MAX) {
            fail("variants", "too many");
        }
        names[count++] = name;
    }
    printf("[");
    if (count > 0 && strncmp(names[0], "build:", 6) == 0) {
        measure_kinds(&world, &config, names, count);
    } else {
        measure_variants(&world, config, names, count);
    }
    printf("]\n");
    return 0;
}
