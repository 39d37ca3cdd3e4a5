/*
 * What decided the layout of records: the search of graph/walk.h over one graph, simulated with codes, orders of records and
 * starts that the core may not have, counted in records and pages; and the kinds that it has, timed.
 *
 *     measure_layout <base> <queries> <truth> <l2|cosine> <R> <f32|u8> <variant,...>
 *     base, queries: f32, u32 rows, u32 dimensions first; truth: u32 queries, u32 k, ids. Prints a JSON array.
 *
 * A variant: kind[/bits][+order][+start][+page], kind one of exact, owner, cluster, mean, pq, each with bits of an element
 * (pq: bytes of a code); order: +random, +packed (greedily by edges); start: +nav (the nearest of a hundredth of all); +page:
 * all records of a page that was read are scored. Or build:none, build:8bit, build:1bit, build:pq: what the core does.
 */
#define _POSIX_C_SOURCE 200809L

#include "codes.h"
#include "order.h"

typedef struct variant {
    const char *name;
    code_kind kind;
    uint32_t bits;
    uint32_t has_navigator, has_page_search;
} variant;

typedef struct point {
    double recall, expansions, reads;
} point;

/* ---- the walk ---- */

enum { LIST_MAX = 512, HITS = WORLD_K };

typedef struct candidate {
    float key;
    uint32_t slot;
    uint32_t is_expanded;
} candidate;

typedef struct walk {
    const world *world;
    const codes *codes;
    const placement *placement;
    const variant *variant;
    candidate list[LIST_MAX];
    candidate hits[HITS];
    uint32_t list_size, list_count, hit_count;
    uint32_t *scored, *read; /* by slot, by page: the walk that has */
    uint32_t stamp, query;
} walk;

static void insert(candidate *list, uint32_t *count, uint32_t most, candidate candidate)
{
    uint32_t place = *count;
    while (place > 0 && list[place - 1].key > candidate.key) {
        place--;
    }
    if (place == most) {
        return;
    }
    *count += *count < most;
    memmove(list + place + 1, list + place, (*count - 1 - place) * sizeof *list);
    list[place] = candidate;
}

static void take_out(walk *walk, uint32_t slot)
{
    for (uint32_t i = 0; i < walk->list_count; i++) {
        if (walk->list[i].slot == slot) {
            memmove(walk->list + i, walk->list + i + 1, (walk->list_count - i - 1) * sizeof *walk->list);
            walk->list_count--;
            return;
        }
    }
}

static void offer(walk *walk, uint32_t slot, float key)
{
    for (uint32_t i = 0; i < walk->list_count; i++) {
        if (walk->list[i].slot == slot) {
            if (walk->list[i].key <= key) {
                return;
            }
            take_out(walk, slot);
            break;
        }
    }
    insert(walk->list, &walk->list_count, walk->list_size, (candidate){key, slot, 0});
}

static float score(walk *walk, uint32_t slot, uint32_t is_expanded)
{
    const world *world = walk->world;
    const float distance =
        squared(walk->codes->query, world->vectors + (size_t)slot * world->dimensions, world->dimensions);
    if (walk->scored[slot] != walk->stamp) {
        walk->scored[slot] = walk->stamp;
        insert(walk->hits, &walk->hit_count, HITS, (candidate){distance, slot, 1});
    }
    take_out(walk, slot);
    insert(walk->list, &walk->list_count, walk->list_size, (candidate){distance, slot, is_expanded});
    return distance;
}

static void expand(walk *walk, uint32_t slot, point *counts)
{
    const placement *placement = walk->placement;
    const uint32_t page = placement->page_of[slot];
    const uint32_t is_fresh = walk->read[page] != walk->stamp;
    walk->read[page] = walk->stamp;
    counts->expansions++;
    counts->reads += is_fresh;
    for (uint32_t i = 0; walk->variant->has_page_search && is_fresh && i < placement->per_page; i++) {
        const uint32_t other = placement->slots[(size_t)page * placement->per_page + i];
        if (other != SLOT_NONE && other != slot && walk->scored[other] != walk->stamp) {
            score(walk, other, 0);
        }
    }
    const float base = score(walk, slot, 1);
    const record_list *list = world_list(walk->world, slot);
    for (uint32_t i = 0; i < list->degree; i++) {
        const uint32_t neighbour = list->neighbours[i];
        if (walk->scored[neighbour] != walk->stamp) {
            offer(walk, neighbour, codes_estimate(walk->codes, walk->query, slot, neighbour, base));
        }
    }
}

static uint32_t find_start(const walk *walk)
{
    const world *world = walk->world;
    const uint32_t step = walk->variant->has_navigator ? 100 : world->rows;
    uint32_t best = world->index->entry;
    float least = INFINITY;
    for (uint32_t slot = 0; slot < world->rows && step < world->rows; slot += step) {
        const float distance =
            squared(walk->codes->query, world->vectors + (size_t)slot * world->dimensions, world->dimensions);
        best = distance < least ? slot : best;
        least = distance < least ? distance : least;
    }
    return best;
}

static void search(walk *walk, point *counts)
{
    walk->stamp++;
    walk->list_count = walk->hit_count = 0;
    offer(walk, find_start(walk), 0);
    for (uint32_t at = 0; at < walk->list_count;) {
        if (walk->list[at].is_expanded) {
            at++;
            continue;
        }
        expand(walk, walk->list[at].slot, counts);
        at = 0;
    }
    for (uint32_t i = 0; i < walk->hit_count; i++) {
        counts->recall += is_true_hit(walk->world, walk->query, walk->world->ids[walk->hits[i].slot]);
    }
}

static point measure(walk *walk, codes *codes, uint32_t list_size)
{
    const uint32_t queries = walk->world->queries;
    point sum = {0};
    walk->list_size = list_size;
    for (walk->query = 0; walk->query < queries; walk->query++) {
        codes_query(codes, walk->query);
        search(walk, &sum);
    }
    return (point){sum.recall / queries / WORLD_K, sum.expansions / queries, sum.reads / queries};
}

/* ---- what is printed ---- */

static const double targets[] = {0.95, 0.99};

static void print_at(const char *what, double low_recall, double low, double high_recall, double high, double target)
{
    const double share = high_recall > low_recall ? (target - low_recall) / (high_recall - low_recall) : 1;
    printf(", \"%s%.0f\": %.3f", what, 100 * target, low + (share < 0 ? 0 : share) * (high - low));
}

/* Ratio of estimate and distance, of all edges of the records that the first queries expand. */
static void print_errors(codes *codes, uint32_t step)
{
    const world *world = codes->world;
    double sum = 0, squares = 0;
    uint64_t count = 0;
    for (uint32_t q = 0; q < world->queries && q < 50; q++) {
        codes_query(codes, q);
        for (uint32_t slot = q; slot < world->rows; slot += step) {
            const record_list *list = world_list(world, slot);
            const float base =
                squared(codes->query, world->vectors + (size_t)slot * world->dimensions, world->dimensions);
            for (uint32_t i = 0; i < list->degree; i++) {
                const float *other = world->vectors + (size_t)list->neighbours[i] * world->dimensions;
                const double distance = squared(codes->query, other, world->dimensions);
                if (distance > 0) {
                    const double ratio = codes_estimate(codes, q, slot, list->neighbours[i], base) / distance;
                    sum += ratio;
                    squares += ratio * ratio;
                    count++;
                }
            }
        }
    }
    const double mean = sum / (double)count;
    printf(", \"mean\": %.4f, \"sigma\": %.4f", mean, sqrt(squares / (double)count - mean * mean));
}

static void simulate(const world *world, const variant *variant, const placement *placement)
{
    static const uint32_t lists[] = {10, 12, 14, 17, 20, 24, 28, 34, 40, 56, 80, 112, 160, 240, 360, 500};
    codes codes;
    codes_make(&codes, world, variant->kind, variant->bits);
    walk *walk = get(sizeof *walk);
    walk->world = world;
    walk->codes = &codes;
    walk->placement = placement;
    walk->variant = variant;
    walk->scored = get(world->rows * sizeof *walk->scored);
    walk->read = get((world->rows + 1) * sizeof *walk->read);
    printf("{\"variant\": \"%s\", \"perPage\": %u, \"inPage\": %.4f", variant->name, placement->per_page,
           placement_share(placement, world));
    print_errors(&codes, world->rows / 100 + 1);
    point before = {0};
    uint32_t target = 0;
    for (uint32_t i = 0; i < sizeof lists / sizeof *lists && target < 2; i++) {
        const point at = measure(walk, &codes, lists[i]);
        for (; target < 2 && at.recall >= targets[target]; target++) {
            const point low = i == 0 ? at : before;
            print_at("expansions", low.recall, low.expansions, at.recall, at.expansions, targets[target]);
            print_at("reads", low.recall, low.reads, at.recall, at.reads, targets[target]);
        }
        before = at;
    }
    printf("}");
    free(walk->scored);
    free(walk->read);
    free(walk);
    codes_free(&codes);
}

/* ---- what the core does ---- */

static double recall_of(const world *world, diskann_searcher *searcher, uint32_t list_size, double *seconds, double *hops)
{
    const diskann_search_params params = {.k = WORLD_K, .list_size = list_size, .beam_width = 1};
    uint64_t hits = 0, expanded = 0;
    const double began = now();
    for (uint32_t q = 0; q < world->queries; q++) {
        uint64_t ids[WORLD_K];
        float distances[WORLD_K];
        uint32_t count;
        diskann_search_counters counters;
        check(diskann_search(searcher, world->query_vectors + (size_t)q * world->dimensions, &params, ids, distances, &count,
                             &counters),
              "search");
        for (uint32_t i = 0; i < count; i++) {
            hits += is_true_hit(world, q, ids[i]);
        }
        expanded += counters.hops;
    }
    *seconds = (now() - began) / world->queries;
    *hops = (double)expanded / world->queries;
    return (double)hits / world->queries / WORLD_K;
}

static void time_core(world *world, const char *name, const diskann_config *config)
{
    static const uint32_t lists[] = {10, 12, 14, 17, 20, 24, 28, 34, 40, 50, 64, 80, 112, 160};
    const uint32_t first = world->rows - world->rows / 10;
    double built, added, recall = 0, seconds = 0, hops = 0;
    diskann_stats stats;
    diskann_searcher *searcher;
    world_build(world, config, first, &built, &added);
    diskann_index_stats(world->index, &stats);
    check(diskann_searcher_create(world->index, &searcher), "searcher");
    printf("{\"variant\": \"%s\", \"buildMicroseconds\": %.1f, \"addMicroseconds\": %.1f, \"recordBytes\": %u, "
           "\"fileBytes\": %llu, \"memoryBytes\": %llu",
           name, built / first * 1e6, added / (world->rows - first) * 1e6, stats.record_bytes,
           (unsigned long long)stats.file_bytes, (unsigned long long)stats.memory_total);
    uint32_t target = 0;
    for (uint32_t i = 0; i < sizeof lists / sizeof *lists && target < 2; i++) {
        double at_seconds, at_hops;
        recall_of(world, searcher, lists[i], &at_seconds, &at_hops); /* warm */
        const double at = recall_of(world, searcher, lists[i], &at_seconds, &at_hops);
        for (; target < 2 && at >= targets[target]; target++) {
            print_at("microseconds", recall, i == 0 ? at_seconds * 1e6 : seconds * 1e6, at, at_seconds * 1e6,
                     targets[target]);
            print_at("expansions", recall, i == 0 ? at_hops : hops, at, at_hops, targets[target]);
        }
        recall = at;
        seconds = at_seconds;
        hops = at_hops;
    }
    printf("}");
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(world->index);
    world->index = NULL;
}

/* ---- variants ---- */

static variant parse(const char *name)
{
    static const char *const kinds[] = {"exact", "owner", "cluster", "mean", "pq"};
    variant out = {.name = name, .kind = CODE_EXACT, .bits = 1};
    for (uint32_t i = 0; i < 5; i++) {
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0) {
            out.kind = (code_kind)i;
        }
    }
    const char *slash = strchr(name, '/');
    out.bits = slash != NULL ? (uint32_t)atoi(slash + 1) : 1;
    out.has_navigator = strstr(name, "+nav") != NULL;
    out.has_page_search = strstr(name, "+page") != NULL;
    return out;
}

static uint32_t codes_by_name(const char *name)
{
    return strstr(name, "8bit") != NULL   ? DISKANN_CODES_8BIT
           : strstr(name, "1bit") != NULL ? DISKANN_CODES_1BIT
           : strstr(name, "pq") != NULL   ? DISKANN_CODES_PQ
                                          : DISKANN_CODES_NONE;
}

/* Records of a page as it would be: with codes of the neighbours where they are of edges, without where of points. */
static uint32_t records_per_page(const diskann_config *config, const variant *variant)
{
    diskann_config shaped = *config;
    record_layout layout;
    shaped.codes = variant->kind == CODE_OWNER ? DISKANN_CODES_1BIT : DISKANN_CODES_NONE;
    record_layout_init(&layout, &shaped);
    const uint64_t more = variant->kind == CODE_OWNER ? (variant->bits - 1) * UINT64_C(1) * config->max_degree *
                                                             ((config->dimensions + 63) / 64 * 8)
                                                       : 0;
    const uint64_t fitting = (layout.page_bytes - PAGE_HEADER_BYTES) / (layout.record_bytes + more);
    return more == 0 ? layout.records_per_page : fitting > 0 ? (uint32_t)fitting : 1;
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fail("usage", "measure_layout base queries truth metric R type variants");
    }
    world world;
    diskann_config config;
    double built, added;
    const int is_cosine = strcmp(argv[4], "cosine") == 0;
    world_read(&world, argv + 1, is_cosine);
    diskann_config_init(&config, world.dimensions);
    config.metric = is_cosine ? DISKANN_COSINE : DISKANN_L2;
    config.max_degree = (uint32_t)atoi(argv[5]);
    config.data_type = strcmp(argv[6], "u8") == 0 ? DISKANN_U8 : DISKANN_F32;
    printf("[");
    int is_first = 1;
    for (char *name = strtok(argv[7], ","); name != NULL; name = strtok(NULL, ","), is_first = 0) {
        printf(is_first ? "" : ",\n");
        if (strncmp(name, "build:", 6) == 0) {
            config.codes = codes_by_name(name);
            time_core(&world, name, &config);
            continue;
        }
        if (world.index == NULL) {
            config.codes = DISKANN_CODES_AUTO;
            world_build(&world, &config, world.rows, &built, &added);
            world_unpack(&world);
        }
        const variant variant = parse(name);
        placement placement;
        placement_make(&placement, &world, records_per_page(&config, &variant), name);
        simulate(&world, &variant, &placement);
        placement_free(&placement);
        fflush(stdout);
    }
    printf("]\n");
    return 0;
}
