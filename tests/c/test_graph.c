/* The graph's parts on their own: order of candidates, robust prune against its plain definition, locality order. */
#include "../../csrc/base/random.h"
#include "../../csrc/graph/order.h"
#include "check.h"
#include "host.h"

enum { DIMENSIONS = 8, ROWS = 400, DEGREE = 12 };

typedef struct world {
    memory_account account;
    record_store records;
    graph_space space;
} world;

static void world_open(world *w, uint32_t metric, uint64_t seed)
{
    diskann_config config;
    diskann_config_init(&config, DIMENSIONS);
    config.max_degree = DEGREE;
    config.metric = metric;
    memory_account_init(&w->account, NULL);
    record_store_init(&w->records, &config, &w->account);
    w->space = (graph_space){.records = &w->records,
                             .kernels = simd_kernels_get(DISKANN_SIMD_AUTO),
                             .metric = metric,
                             .dimensions = DIMENSIONS};
    REQUIRE(record_store_reserve(&w->records, ROWS) == DISKANN_OK);
    random_state random = {seed};
    for (uint32_t slot = 0; slot < ROWS; slot++) {
        uint8_t *record = record_at(&w->records, slot);
        float *vector = (float *)(void *)record;
        for (uint32_t i = 0; i < DIMENSIONS; i++) {
            vector[i] = (float)random_below(&random, 64) - 20;
        }
        *record_aux(&w->records.layout, record) = graph_aux(&w->space, vector);
    }
}

static void world_close(world *w)
{
    record_store_reset(&w->records);
    CHECK_UINT(w->account.live_bytes, 0);
}

static void candidates_have_the_order_of_distance_then_slot(void)
{
    const float distances[] = {-1e30f, -2.5f, -1e-40f, 0.0f, 1e-45f, 1.0f, 1.0000001f, 3e38f};
    enum { COUNT = sizeof distances / sizeof *distances };
    for (uint32_t i = 0; i < COUNT; i++) {
        for (uint32_t j = 0; j < COUNT; j++) {
            CHECK((candidate_make(distances[i], 9) < candidate_make(distances[j], 9)) == (distances[i] < distances[j]));
        }
        const graph_candidate candidate = candidate_make(distances[i], DISKANN_SIZE_MAX);
        CHECK(candidate_distance(candidate) == distances[i]);
        CHECK_UINT(candidate_slot(candidate), DISKANN_SIZE_MAX);
        CHECK(candidate_make(distances[i], 4) < candidate_make(distances[i], 5));
    }
}

static void sorting_sorts(void)
{
    graph_candidate values[300];
    random_state random = {11};
    for (uint32_t count = 0; count < 300; count++) {
        uint64_t sum = 0, sorted_sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            values[i] = random_below(&random, 1 + count / 2);
            sum += values[i] * values[i];
        }
        candidates_sort(values, count);
        for (uint32_t i = 0; i < count; i++) {
            sorted_sum += values[i] * values[i];
            CHECK(i == 0 || values[i - 1] <= values[i]);
        }
        CHECK_UINT(sorted_sum, sum);
    }
}

static int is_kept(const graph_candidate *kept, uint32_t count, graph_candidate candidate)
{
    for (uint32_t i = 0; i < count; i++) {
        if (kept[i] == candidate) {
            return 1;
        }
    }
    return 0;
}

/* The definition, word for word: passes with factor 1 and alpha; nearest first; every pair compared anew. */
static uint32_t plain_prune(const graph_space *space, const graph_candidate *pool, uint32_t count, uint32_t degree,
                            float alpha, graph_candidate *kept)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (pool[i] & 1) {
            kept[total++] = pool[i];
        }
    }
    const float factors[2] = {1.0f, alpha};
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < count && total < degree; i++) {
            int clear = !is_kept(kept, total, pool[i]);
            for (uint32_t k = 0; k < total && clear; k++) {
                if ((kept[k] | 1) > (pool[i] | 1)) {
                    continue;
                }
                const float between = graph_distance(space, graph_point_at(space, candidate_slot(pool[i])),
                                                     graph_point_at(space, candidate_slot(kept[k])));
                clear = between > 0 && !(candidate_distance(pool[i]) > factors[pass] * between);
            }
            if (clear) {
                kept[total++] = pool[i];
            }
        }
    }
    return total;
}

static void prune_agrees_with_its_definition(uint32_t metric)
{
    world w;
    world_open(&w, metric, 3 + metric);
    prune_scratch scratch;
    prune_init(&scratch, &w.account);
    REQUIRE(prune_reserve(&scratch, ROWS, 0) == DISKANN_OK);
    const graph_space space = graph_space_for_links(&w.space, 20000.0f);
    for (uint32_t slot = 0; slot < 60; slot++) {
        uint32_t room[1 + DEGREE];
        record_list *chosen = (record_list *)(void *)room;
        graph_candidate pool[ROWS], kept[ROWS];
        uint32_t count = 0;
        for (uint32_t other = 0; other < ROWS; other += 1 + slot % 3) {
            if (other != slot) {
                const float distance = graph_distance(&space, graph_point_at(&space, slot), graph_point_at(&space, other));
                pool[count++] = candidate_make(distance, other) | (other % 97 == 5);
            }
        }
        memcpy(scratch.pool, pool, count * sizeof *pool);
        prune_run(&scratch, &space, count, DEGREE, 1.2f, chosen);
        candidates_sort(pool, count);
        const uint32_t total = plain_prune(&space, pool, count, DEGREE, 1.2f, kept);
        CHECK_UINT(chosen->degree, total);
        for (uint32_t i = 0; i < total; i++) {
            CHECK_UINT(chosen->neighbours[i], candidate_slot(kept[i]));
            CHECK((i < chosen->children) == (kept[i] & 1));
        }
    }
    prune_reset(&scratch);
    world_close(&w);
}

static void prune_l2(void) { prune_agrees_with_its_definition(DISKANN_L2); }
static void prune_cosine(void) { prune_agrees_with_its_definition(DISKANN_COSINE); }
static void prune_ip(void) { prune_agrees_with_its_definition(DISKANN_IP); }
static void prune_l1(void) { prune_agrees_with_its_definition(DISKANN_L1); }

static void lifted_distances_have_the_order_of_inner_products(void)
{
    world w;
    world_open(&w, DISKANN_IP, 9);
    float norm_max = 0;
    for (uint32_t slot = 0; slot < ROWS; slot++) {
        const float norm = graph_point_at(&w.space, slot).aux;
        norm_max = norm > norm_max ? norm : norm_max;
    }
    const graph_space lifted = graph_space_for_links(&w.space, norm_max);
    uint32_t longest = 0;
    while (graph_point_at(&w.space, longest).aux < norm_max) {
        longest++;
    }
    /* From the longest vector the lifted coordinate is 0: order by |x|^2 + s^2 - 2<q,x> + |q|^2 = order by -<q,x>. */
    const graph_point query = graph_point_at(&w.space, longest);
    for (uint32_t a = 0; a < ROWS; a++) {
        for (uint32_t b = 0; b < ROWS; b++) {
            const float ip_a = graph_distance(&w.space, query, graph_point_at(&w.space, a));
            const float ip_b = graph_distance(&w.space, query, graph_point_at(&w.space, b));
            if (ip_a + 1 < ip_b) {
                CHECK(graph_distance(&lifted, query, graph_point_at(&w.space, a)) <
                      graph_distance(&lifted, query, graph_point_at(&w.space, b)));
            }
        }
    }
    const graph_point longer = {query.vector, 4 * norm_max}; /* came later: no coordinate, no NaN */
    CHECK(graph_distance(&lifted, longer, query) == 0);
    world_close(&w);
}

static void zero_vectors_are_at_cosine_distance_one(void)
{
    world w;
    world_open(&w, DISKANN_COSINE, 1);
    const float zero[DIMENSIONS] = {0};
    const graph_point origin = {zero, graph_aux(&w.space, zero)};
    CHECK(origin.aux == 0);
    CHECK(graph_distance(&w.space, origin, graph_point_at(&w.space, 3)) == 1);
    CHECK(graph_distance(&w.space, origin, origin) == 1);
    const graph_point point = graph_point_at(&w.space, 3);
    CHECK(graph_distance(&w.space, point, point) >= 0 && graph_distance(&w.space, point, point) < 1e-6f);
    world_close(&w);
}

static void permutation_puts_every_record_at_its_rank(void)
{
    world w;
    world_open(&w, DISKANN_L2, 2);
    uint32_t rank[ROWS], copy[ROWS];
    random_state random = {21};
    for (uint32_t slot = 0; slot < ROWS; slot++) {
        *record_id(&w.records.layout, record_at(&w.records, slot)) = slot;
        rank[slot] = slot;
    }
    for (uint32_t slot = ROWS; slot-- > 1;) {
        const uint32_t other = (uint32_t)random_below(&random, slot + 1);
        const uint32_t held = rank[slot];
        rank[slot] = rank[other];
        rank[other] = held;
    }
    memcpy(copy, rank, sizeof rank);
    uint64_t cursor = 0;
    for (uint32_t unit = 0; unit < 2 * ROWS; unit++) {
        order_permute(&w.records, rank, ROWS, &cursor, 1);
    }
    CHECK_UINT(cursor, ROWS);
    for (uint32_t slot = 0; slot < ROWS; slot++) {
        CHECK_UINT(*record_id(&w.records.layout, record_at(&w.records, copy[slot])), slot);
    }
    world_close(&w);
}

CHECK_MAIN(CHECK_TEST(candidates_have_the_order_of_distance_then_slot), CHECK_TEST(sorting_sorts), CHECK_TEST(prune_l2),
           CHECK_TEST(prune_cosine), CHECK_TEST(prune_ip), CHECK_TEST(prune_l1),
           CHECK_TEST(lifted_distances_have_the_order_of_inner_products),
           CHECK_TEST(zero_vectors_are_at_cosine_distance_one),
           CHECK_TEST(permutation_puts_every_record_at_its_rank))
