/* A disk index of another program, made here byte by byte: searched where it is, damaged everywhere, on bad days. */
#include "paged_world.h"

enum { HEAD_BYTES = 4096, CENTROIDS = 16, CODE_BYTES = 3, SWEEP_MAX = 400 };

/* What a file is made of. */
typedef struct shape {
    uint32_t type, metric, dimensions, degree, count;
    uint32_t block; /* 0: as C++ writes it; else as Rust does, in blocks of this */
} shape;

typedef struct disk {
    shape shape;
    uint32_t node_bytes, page_bytes;
    made m;      /* the file; in memory: the same vectors, for the truth */
    uint8_t *codes;
    diskann_pq *pq;
} disk;

static void put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static void put_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static uint32_t element_bytes(uint32_t type)
{
    return type == DISKANN_F32 ? 4 : 1;
}

static void put_vector(const disk *d, uint8_t *at, const float *row)
{
    for (uint32_t i = 0; i < d->shape.dimensions; i++) {
        if (d->shape.type == DISKANN_F32) {
            memcpy(at + 4 * (size_t)i, &row[i], 4);
        } else {
            at[i] = (uint8_t)row[i]; /* of small numbers the same for both */
        }
    }
}

/* A ring, and a way to anywhere: all nodes can be reached. Degrees are of all sizes. */
static void put_node(const disk *d, uint8_t *at, uint32_t node, const float *row, random_state *random)
{
    const uint32_t count = d->shape.count, degree = 1 + (uint32_t)random_below(random, d->shape.degree);
    put_vector(d, at, row);
    at += (size_t)d->shape.dimensions * element_bytes(d->shape.type);
    put_u32(at, degree);
    for (uint32_t i = 0; i < degree; i++) {
        put_u32(at + 4 + 4 * (size_t)i, i == 0 ? (node + 1) % count : (uint32_t)random_below(random, count));
    }
}

static void put_head(const disk *d, uint32_t block)
{
    const shape *s = &d->shape;
    const uint64_t file_bytes = d->m.file.file_bytes;
    const uint64_t fields[] = {s->count, s->dimensions, s->count / 2, d->node_bytes, block / d->node_bytes,
                               0,        0,             0,            file_bytes};
    uint8_t *head = d->m.file.file;
    put_u32(head, s->block == 0 ? 9 : 96);
    put_u32(head + 4, 1);
    for (uint32_t i = 0; i < 9; i++) {
        put_u64(head + 8 + 8 * (size_t)i, fields[i]);
    }
    if (s->block != 0) {
        put_u64(head + 88, block);
        put_u32(head + 96, 1);
    }
}

static void make_codes(disk *d)
{
    const uint32_t dimensions = d->shape.dimensions, count = d->shape.count;
    diskann_pq_config config;
    diskann_op *op;
    diskann_pq_config_init(&config, dimensions, CODE_BYTES);
    config.centroids = CENTROIDS;
    float *pivots = make_queries(CENTROIDS, dimensions, 11);
    REQUIRE(diskann_pq_create(&config, NULL, pivots, NULL, NULL, &d->pq) == DISKANN_OK);
    d->codes = malloc((size_t)count * CODE_BYTES);
    REQUIRE(diskann_pq_encode_begin(d->pq, d->m.rows, count, d->codes, 1, &op) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_op_end(op);
    free(pivots);
}

static disk make_disk(shape s)
{
    const uint32_t block = s.block != 0 ? s.block : HEAD_BYTES;
    disk d = {.shape = s, .node_bytes = s.dimensions * element_bytes(s.type) + 4 * (s.degree + 1)};
    const uint32_t nodes = block / d.node_bytes;
    random_state random = {s.count + s.degree};
    d.m = make_index(s.metric, s.type, s.dimensions, 4, s.count);
    free(d.m.file.file);
    d.page_bytes = nodes > 0 ? block : (d.node_bytes + block - 1) / block * block;
    const uint32_t pages = nodes > 0 ? (s.count + nodes - 1) / nodes : s.count;
    const uint64_t file_bytes = block + (uint64_t)pages * d.page_bytes;
    d.m.file = (host){.file = calloc(1, file_bytes), .file_bytes = file_bytes, .workers = 1};
    for (uint32_t i = 0; i < s.count; i++) {
        uint8_t *page = d.m.file.file + block + (uint64_t)(nodes > 0 ? i / nodes : i) * d.page_bytes;
        put_node(&d, page + (nodes > 0 ? i % nodes : 0) * d.node_bytes, i, d.m.rows + (size_t)i * s.dimensions, &random);
    }
    put_head(&d, block);
    make_codes(&d);
    return d;
}

static void disk_free(disk *d)
{
    made_free(&d->m);
    free(d->codes);
    diskann_pq_destroy(d->pq);
}

static int open_disk(paged_host *h, const disk *d, uint64_t cache_bytes, diskann_failure *failure)
{
    const diskann_allocator allocator = meter_allocator(&h->memory);
    const diskann_microsoft how = {d->shape.type, d->shape.metric, 0, 0, d->shape.count, d->pq};
    diskann_op *op;
    h->file = &d->m.file;
    h->paged = NULL;
    const int begun = diskann_paged_microsoft_begin(d->m.file.file_bytes, &how, cache_bytes, &allocator, &op);
    if (begun < 0) {
        return begun;
    }
    for (uint32_t row = 0; row < d->shape.count; row += 100) {
        const uint32_t rest = d->shape.count - row;
        const uint8_t *codes = d->codes + (size_t)row * CODE_BYTES;
        REQUIRE(diskann_paged_microsoft_codes(op, codes, rest < 100 ? rest : 100) == DISKANN_OK);
    }
    host reader = d->m.file;
    reader.fail_at = h->fail_at;
    const int status = host_drive(&reader, op);
    CHECK(status == DISKANN_OK || diskann_paged_take(op) == NULL);
    h->paged = diskann_paged_take(op);
    if (failure != NULL) {
        diskann_op_failure(op, failure);
    }
    diskann_op_end(op);
    return status;
}

/* With a list as long as the index all is found: the hits are those of brute force, to the bit. */
static void search_all(const disk *d, uint64_t cache_bytes, uint32_t page_search)
{
    enum { QUERIES = 6 };
    const diskann_search_params params = {10, d->shape.count, 4, page_search, 0};
    float *queries = make_queries(QUERIES, d->shape.dimensions, d->shape.count);
    paged_host h = {.random = {cache_bytes + 1}};
    paged_search searches[QUERIES];
    diskann_stats stats;
    REQUIRE(open_disk(&h, d, cache_bytes, NULL) == DISKANN_OK);
    h.searches = searches;
    h.search_count = QUERIES;
    for (uint32_t i = 0; i < QUERIES; i++) {
        REQUIRE(begin_search(&h, &searches[i], queries + (size_t)i * d->shape.dimensions, &params) == DISKANN_OK);
    }
    drive_searches(&h, 5);
    uint64_t reads = 0;
    for (uint32_t i = 0; i < QUERIES; i++) {
        const answer *found = &searches[i].answer;
        answer truth;
        diskann_op *op;
        REQUIRE(diskann_exact_begin(d->m.resident, queries + (size_t)i * d->shape.dimensions, 10, 1, &op) == DISKANN_OK);
        CHECK_INT(diskann_op_finish(op), DISKANN_OK);
        diskann_exact_take(op, truth.ids, truth.distances, &truth.count);
        diskann_op_end(op);
        CHECK_INT(searches[i].status, DISKANN_OK);
        CHECK_UINT(found->count, truth.count);
        CHECK_BYTES(found->ids, truth.ids, truth.count * sizeof *truth.ids);
        CHECK_BYTES(found->distances, truth.distances, truth.count * sizeof *truth.distances);
        CHECK_UINT(found->counters.bytes_read, found->counters.reads * d->page_bytes);
        reads += found->counters.reads;
    }
    diskann_paged_stats(h.paged, &stats);
    CHECK_UINT(stats.size, d->shape.count);
    CHECK_UINT(stats.config.max_degree, d->shape.degree);
    CHECK_UINT(stats.record_bytes, d->node_bytes);
    CHECK_UINT(stats.page_bytes, d->page_bytes);
    CHECK_UINT(stats.config.page_bytes, d->page_bytes);
    CHECK_UINT(stats.file_bytes, d->m.file.file_bytes);
    CHECK_UINT(stats.cache_bytes_read, reads * d->page_bytes);
    CHECK_UINT(stats.memory_total, h.memory.live);
    paged_host_close(&h);
    free(queries);
}

static const shape SHAPES[] = {
    {DISKANN_F32, DISKANN_L2, 12, 8, 300, 0},      /* 48 nodes in a block */
    {DISKANN_F32, DISKANN_COSINE, 13, 9, 201, 0},  {DISKANN_F32, DISKANN_IP, 12, 31, 150, 0},
    {DISKANN_I8, DISKANN_L2, 13, 6, 300, 0},       /* lists that are aligned to nothing */
    {DISKANN_U8, DISKANN_IP, 3, 1, 900, 0},        /* records more than twice as long as nodes */
    {DISKANN_U8, DISKANN_COSINE, 5, 512, 40, 0},   {DISKANN_F32, DISKANN_L2, 1100, 8, 37, 0}, /* two blocks each */
    {DISKANN_F32, DISKANN_L2, 12, 8, 300, 16384},  {DISKANN_F32, DISKANN_L2, 1100, 8, 37, 4096},
};
enum { SHAPE_COUNT = sizeof SHAPES / sizeof *SHAPES };

static void every_kind_of_file_is_searched(void)
{
    for (uint32_t i = 0; i < SHAPE_COUNT; i++) {
        disk d = make_disk(SHAPES[i]);
        for (uint32_t pages = 0; pages < 9; pages += 4) {
            search_all(&d, pages * (d.page_bytes * UINT64_C(3)), pages == 4);
        }
        disk_free(&d);
    }
}

static void a_narrow_search_reads_few(void)
{
    disk d = make_disk(SHAPES[0]);
    paged_host h = {.random = {1}};
    paged_search one;
    const diskann_search_params params = {1, 2, 1, 0, 0};
    REQUIRE(open_disk(&h, &d, UINT64_C(1) << 20, NULL) == DISKANN_OK);
    CHECK_INT(search_paged(&h, d.m.rows, &params, &one), DISKANN_OK);
    CHECK(one.answer.counters.hops < d.shape.count / 2);
    CHECK_UINT(one.answer.counters.distances, one.answer.counters.hops);
    paged_host_close(&h);
    disk_free(&d);
}

/* ---- damage ---- */

static int is_refusal(int status)
{
    return status == DISKANN_ERR_CORRUPT || status == DISKANN_ERR_UNSUPPORTED || status == DISKANN_ERR_VERSION;
}

/* Every byte that says something, changed in every bit: refused, unless it is one that no reader looks at. */
static void every_field_is_checked(void)
{
    for (uint32_t rust = 0; rust < 2; rust++) {
        disk d = make_disk(SHAPES[rust == 0 ? 0 : 7]);
        uint32_t taken = 0;
        for (uint32_t bit = 0; bit < 8 * 104; bit++) {
            paged_host h = {.random = {1}};
            d.m.file.file[bit / 8] ^= (uint8_t)(1 << bit % 8);
            const int status = open_disk(&h, &d, 0, NULL);
            CHECK(status == DISKANN_OK || is_refusal(status));
            if (status == DISKANN_OK) { /* another medoid, where frozen points would be, and what C++ has not or Rust's minor */
                const uint32_t at = bit / 8;
                CHECK((at >= 24 && at < 32) || (at >= 56 && at < 64) || at >= 100 || (rust == 0 && at >= 80));
                taken++;
            }
            paged_host_close(&h);
            d.m.file.file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CHECK(taken > 64);
        disk_free(&d);
    }
}

static void refusals_say_why(void)
{
    disk d = make_disk(SHAPES[7]);
    uint8_t *head = d.m.file.file;
    diskann_failure failure;
    paged_host h = {.random = {1}};
    put_u32(head + 96, 2);
    CHECK_INT(open_disk(&h, &d, 0, &failure), DISKANN_ERR_VERSION);
    CHECK_UINT(failure.value, 2);
    put_u32(head + 96, 1);
    put_u64(head + 80, 16); /* data beside the nodes */
    CHECK_INT(open_disk(&h, &d, 0, NULL), DISKANN_ERR_UNSUPPORTED);
    put_u64(head + 80, 0);
    put_u64(head + 64, 1); /* vectors elsewhere */
    CHECK_INT(open_disk(&h, &d, 0, NULL), DISKANN_ERR_UNSUPPORTED);
    put_u64(head + 64, 0);
    put_u64(head + 48, 1); /* a frozen point */
    CHECK_INT(open_disk(&h, &d, 0, NULL), DISKANN_ERR_UNSUPPORTED);
    put_u64(head + 48, 0);
    d.m.file.file_bytes--;
    CHECK_INT(open_disk(&h, &d, 0, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_SUPERBLOCK);
    d.m.file.file_bytes = 50;
    CHECK_INT(open_disk(&h, &d, 0, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_FILE_BYTES);
    CHECK_UINT(h.memory.live, 0);
    disk_free(&d);
}

/* Searches everything; returns the status and where it failed. */
static int search_damaged(const disk *d, diskann_failure *failure)
{
    const diskann_search_params params = {5, d->shape.count, 3, 1, 0};
    paged_host h = {.random = {3}};
    paged_search one;
    REQUIRE(open_disk(&h, d, UINT64_C(1) << 20, NULL) == DISKANN_OK);
    const int status = search_paged(&h, d->m.rows, &params, &one);
    *failure = one.failure;
    paged_host_close(&h);
    return status;
}

static void damaged_nodes_are_found(void)
{
    disk d = make_disk(SHAPES[0]);
    const uint32_t list = d.shape.dimensions * 4, nodes = HEAD_BYTES / d.node_bytes;
    diskann_failure failure;
    for (uint32_t node = 0; node < d.shape.count; node += 31) {
        uint8_t *at = d.m.file.file + HEAD_BYTES + (size_t)(node / nodes) * HEAD_BYTES + (node % nodes) * d.node_bytes;
        uint8_t kept[256];
        memcpy(kept, at, d.node_bytes);
        const struct {
            uint32_t offset, value, kind;
        } faults[] = {{list, d.shape.degree + 1, DISKANN_FINDING_DEGREE},
                      {list, UINT32_MAX, DISKANN_FINDING_DEGREE},
                      {list + 4, d.shape.count, DISKANN_FINDING_EDGE_RANGE},
                      {list + 4, UINT32_MAX, DISKANN_FINDING_EDGE_RANGE},
                      {8, 0x7fc00000, DISKANN_FINDING_NOT_FINITE},
                      {8, 0x7f000000, DISKANN_FINDING_NOT_FINITE}};
        for (uint32_t i = 0; i < sizeof faults / sizeof *faults; i++) {
            put_u32(at + faults[i].offset, faults[i].value);
            CHECK_INT(search_damaged(&d, &failure), DISKANN_ERR_CORRUPT);
            CHECK_UINT(failure.detail, faults[i].kind);
            CHECK_INT(failure.page, node / nodes);
            memcpy(at, kept, d.node_bytes);
        }
        CHECK_INT(search_damaged(&d, &failure), DISKANN_OK);
    }
    disk_free(&d);
}

/* Noise anywhere in the nodes: an answer or an error, and no access outside memory. */
static void noise_does_no_harm(void)
{
    for (uint32_t i = 0; i < SHAPE_COUNT; i += 2) {
        disk d = make_disk(SHAPES[i]);
        random_state random = {i};
        for (uint32_t round = 0; round < 40; round++) {
            diskann_failure failure;
            const uint64_t at = 8192 + random_below(&random, d.m.file.file_bytes - 8192);
            const uint8_t kept = d.m.file.file[at];
            d.m.file.file[at] = (uint8_t)random_below(&random, 256);
            const int status = search_damaged(&d, &failure);
            CHECK(status == DISKANN_OK || status == DISKANN_ERR_CORRUPT);
            d.m.file.file[at] = kept;
        }
        disk_free(&d);
    }
}

/* ---- codes, arguments, memory ---- */

static void codes_are_as_many_as_nodes(void)
{
    disk d = make_disk(SHAPES[0]);
    diskann_failure failure;
    paged_host h = {.random = {1}};
    d.shape.count -= 1;
    CHECK_INT(open_disk(&h, &d, 0, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_CODES);
    d.shape.count += 1;
    const diskann_microsoft how = {DISKANN_F32, DISKANN_L2, 0, 0, d.shape.count, d.pq};
    diskann_op *op;
    REQUIRE(diskann_paged_microsoft_begin(d.m.file.file_bytes, &how, 0, NULL, &op) == DISKANN_OK);
    CHECK_INT(diskann_paged_microsoft_codes(op, d.codes, d.shape.count + 1), DISKANN_ERR_INVALID_ARGUMENT);
    const uint8_t code[CODE_BYTES] = {0, CENTROIDS, 0};
    CHECK_INT(diskann_paged_microsoft_codes(op, code, 1), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_microsoft_codes(op, NULL, 1), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_microsoft_codes(op, d.codes, 1), DISKANN_OK);
    host reader = d.m.file;
    CHECK_INT(host_drive(&reader, op), DISKANN_ERR_CORRUPT); /* one code of many */
    CHECK_INT(diskann_paged_microsoft_codes(op, d.codes, 1), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK(diskann_paged_take(op) == NULL);
    diskann_op_end(op);
    disk_free(&d);
}

static void bad_arguments(void)
{
    disk d = make_disk(SHAPES[0]);
    diskann_op *op;
    const diskann_microsoft good = {DISKANN_F32, DISKANN_L2, 0, 0, d.shape.count, d.pq};
    diskann_microsoft how[] = {good, good, good, good, good, good};
    how[0].data_type = DISKANN_SQ8;
    how[1].metric = DISKANN_L1;
    how[2].simd = DISKANN_SIMD_COUNT;
    how[3].reserved = 1;
    how[4].rows = 0;
    how[5].pq = NULL;
    for (uint32_t i = 0; i < sizeof how / sizeof *how; i++) {
        CHECK_INT(diskann_paged_microsoft_begin(8192, &how[i], 0, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
    }
    CHECK_INT(diskann_paged_microsoft_begin(8192, NULL, 0, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_microsoft_begin(8192, &good, 0, NULL, NULL), DISKANN_ERR_INVALID_ARGUMENT);
    paged_host h = {.random = {1}};
    d.m.file.file[16] = 11; /* dimensions, with the node that goes with them */
    put_u64(d.m.file.file + 32, d.node_bytes);
    diskann_failure failure;
    CHECK_INT(open_disk(&h, &d, 0, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_CODES);
    disk_free(&d);
}

static void every_allocation_and_every_read_fails(void)
{
    disk d = make_disk(SHAPES[3]);
    const diskann_search_params params = {5, 20, 3, 0, 0};
    int status = DISKANN_ERR_NO_MEMORY;
    uint64_t at = 1;
    for (; status != DISKANN_OK && at < SWEEP_MAX; at++) {
        paged_host h = {.memory = {.fail_at = at}};
        status = open_disk(&h, &d, 1 << 16, NULL);
        CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
        paged_host_close(&h);
    }
    CHECK(at > 6 && at < SWEEP_MAX);
    paged_host h = {.random = {1}, .fail_at = 1};
    CHECK_INT(open_disk(&h, &d, 0, NULL), DISKANN_ERR_IO);
    for (at = 1, status = DISKANN_ERR_IO; status == DISKANN_ERR_IO && at < SWEEP_MAX; at++) {
        paged_search one;
        h = (paged_host){.random = {1}};
        REQUIRE(open_disk(&h, &d, 0, NULL) == DISKANN_OK);
        h.fail_at = at;
        status = search_paged(&h, d.m.rows, &params, &one);
        CHECK(status == DISKANN_OK || status == DISKANN_ERR_IO);
        paged_host_close(&h);
    }
    CHECK(at > 4 && at < SWEEP_MAX);
    disk_free(&d);
}

CHECK_MAIN(CHECK_TEST(every_kind_of_file_is_searched), CHECK_TEST(a_narrow_search_reads_few),
           CHECK_TEST(every_field_is_checked), CHECK_TEST(refusals_say_why), CHECK_TEST(damaged_nodes_are_found),
           CHECK_TEST(noise_does_no_harm), CHECK_TEST(codes_are_as_many_as_nodes), CHECK_TEST(bad_arguments),
           CHECK_TEST(every_allocation_and_every_read_fails))
