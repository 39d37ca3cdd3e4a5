/* What reads an index in its file from the first page to the last: exact search, ids, the audit, a copy. */
#include "check.h"
#include "forge.h"
#include "pq_index_world.h"

enum { ROWS = 500, BUILT = 450, DIMENSIONS = 12, K = 9, SWEEP_MAX = 400 };

/* A file, the same opened in memory, and the same where it is. It stays where it was made: its meters are the allocators. */
typedef struct pair {
    float *rows;
    host file;
    meter beside; /* of the one in memory */
    meter memory;
    diskann_index *resident;
    diskann_paged *paged;
    uint32_t dimensions;
} pair;

static void open_paged(pair *p)
{
    const diskann_allocator allocator = meter_allocator(&p->memory);
    REQUIRE(world_paged_open(&p->file, 1 << 16, &allocator, &p->paged, NULL) == DISKANN_OK);
}

static void pair_open(pair *p, host file, float *rows, uint32_t dimensions)
{
    *p = (pair){.file = file, .rows = rows, .dimensions = dimensions};
    REQUIRE(host_open(&p->file, &p->beside, &p->resident, NULL) == DISKANN_OK);
    open_paged(p);
}

static void pair_close(pair *p)
{
    diskann_paged_destroy(p->paged);
    diskann_index_destroy(p->resident);
    CHECK_UINT(p->memory.live + p->beside.live, 0);
    free(p->file.file);
    free(p->rows);
}

static host file_of(uint32_t codes, uint32_t type, uint32_t metric, uint32_t dimensions, uint32_t count, float **rows)
{
    host in_order = {.workers = 1};
    diskann_config config = world_config(dimensions, type, metric, codes == DISKANN_CODES_PQ ? dimensions / 4 : 0);
    config.codes = codes;
    *rows = world_rows(count, &config, 3);
    diskann_index *index = world_index(&config, NULL, *rows, count < BUILT ? count : BUILT, count, &in_order);
    const host file = world_save(index);
    diskann_index_destroy(index);
    return file;
}

static const uint32_t KINDS[] = {DISKANN_CODES_1BIT, DISKANN_CODES_PQ};

static void make(pair *p, uint32_t codes, uint32_t type, uint32_t metric, uint32_t count)
{
    float *rows;
    const host file = file_of(codes, type, metric, DIMENSIONS, count, &rows);
    pair_open(p, file, rows, DIMENSIONS);
}

typedef struct hits {
    uint64_t ids[ROWS];
    float distances[ROWS];
    uint32_t count;
} hits;

static int drive(pair *p, host way, diskann_op *op)
{
    way.file = p->file.file;
    way.file_bytes = p->file.file_bytes;
    const int status = host_drive(&way, op);
    CHECK(!way.out_of_bounds);
    return status;
}

static int exact_in_file(pair *p, host way, const float *query, uint32_t k, hits *out)
{
    diskann_op *op;
    memset(out, 0, sizeof *out);
    const int begun = diskann_paged_exact_begin(p->paged, query, k, way.workers > 0 ? way.workers : 1, &op);
    if (begun < 0) {
        return begun;
    }
    const int status = drive(p, way, op);
    diskann_exact_take(op, out->ids, out->distances, &out->count);
    diskann_op_end(op);
    return status;
}

static void exact_in_memory(const pair *p, const float *query, uint32_t k, hits *out)
{
    diskann_op *op;
    memset(out, 0, sizeof *out);
    REQUIRE(diskann_exact_begin(p->resident, query, k, 1, &op) == DISKANN_OK);
    CHECK_INT(diskann_op_finish(op), DISKANN_OK);
    diskann_exact_take(op, out->ids, out->distances, &out->count);
    diskann_op_end(op);
}

static void exact_search_is_that_in_memory(void)
{
    static hits wanted, found;
    for (uint32_t i = 0; i < 2 * DISKANN_DATA_TYPE_COUNT * DISKANN_METRIC_COUNT; i += check_is_light() ? 3 : 1) {
        const uint32_t codes = KINDS[i & 1], type = i / 2 % DISKANN_DATA_TYPE_COUNT, metric = i / 2 % DISKANN_METRIC_COUNT;
        if (codes == DISKANN_CODES_1BIT && metric == DISKANN_L1) {
            continue;
        }
        pair p;
        make(&p, codes, type, metric, ROWS);
        const uint32_t ks[] = {1, K, ROWS + 5};
        for (uint32_t j = 0; j < 3; j++) {
            const host way = {.workers = j + 1, .shuffle = j};
            const float *query = p.rows + (size_t)(7 * j) * DIMENSIONS;
            exact_in_memory(&p, query, ks[j], &wanted);
            CHECK_INT(exact_in_file(&p, way, query, ks[j], &found), DISKANN_OK);
            CHECK_UINT(wanted.count, ks[j] < ROWS ? ks[j] : ROWS);
            CHECK_BYTES(&found, &wanted, sizeof found);
        }
        pair_close(&p);
    }
}

/* ---- ids ---- */

static int find(pair *p, host way, uint64_t id, float *out, uint64_t *requests)
{
    diskann_op *op;
    way.file = p->file.file;
    way.file_bytes = p->file.file_bytes;
    const int begun = diskann_paged_find_begin(p->paged, id, &op);
    if (begun < 0) {
        return begun;
    }
    int status = host_drive(&way, op);
    if (status == DISKANN_OK) {
        status = diskann_paged_find_take(op, out);
        CHECK_INT(diskann_paged_find_take(op, NULL), status);
    } else {
        CHECK_INT(diskann_paged_find_take(op, out), DISKANN_ERR_INVALID_ARGUMENT);
    }
    *requests = way.requests;
    diskann_op_end(op);
    return status;
}

static void every_id_has_its_vector(void)
{
    const host way = {.workers = 1, .shuffle = 5};
    for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT; type++) {
        pair p;
        make(&p, KINDS[type & 1], type, DISKANN_COSINE, ROWS);
        float found[DIMENSIONS], wanted[DIMENSIONS];
        uint64_t requests;
        for (uint64_t id = 0; id < ROWS; id += 13) {
            CHECK_INT(find(&p, way, id, found, &requests), DISKANN_OK);
            CHECK_INT(diskann_index_get(p.resident, id, wanted), DISKANN_OK);
            CHECK_BYTES(found, wanted, sizeof found);
            CHECK(requests > 0);
        }
        CHECK_INT(find(&p, way, ROWS, found, &requests), DISKANN_ERR_NOT_FOUND); /* known without a look */
        CHECK_UINT(requests, 0);
        pair_close(&p);
    }
}

static void the_page_of_a_hit_is_in_the_cache(void)
{
    pair p;
    make(&p, DISKANN_CODES_PQ, DISKANN_F32, DISKANN_L2, ROWS);
    const host way = {.workers = 1};
    float found[DIMENSIONS];
    uint64_t requests;
    answer a;
    REQUIRE(world_paged_search(&p.file, p.paged, p.rows, (diskann_search_params){3, 20, 2, 0, 0}, &a) == DISKANN_OK);
    CHECK_UINT(a.ids[0], 0);
    CHECK_INT(find(&p, way, a.ids[0], found, &requests), DISKANN_OK);
    CHECK_BYTES(found, p.rows, sizeof found);
    CHECK_UINT(requests, 0);
    pair_close(&p);
}

/* ids 1000, 1003, ...: those between are not there, and only the file can tell. */
static void an_id_that_is_not_there_takes_a_look_at_all(void)
{
    forge f = forge_make_coded(DISKANN_CODES_PQ, DISKANN_U8, DISKANN_L2, 8, 8, 300);
    const host file = {.file = f.bytes, .file_bytes = f.file_bytes, .workers = 1};
    pair p;
    pair_open(&p, file, NULL, 8);
    const host way = {.workers = 1};
    uint64_t requests;
    float vector[8];
    CHECK_INT(find(&p, way, 1000 + 3 * 299, vector, &requests), DISKANN_OK);
    CHECK_INT(find(&p, way, 1001, vector, &requests), DISKANN_ERR_NOT_FOUND);
    CHECK(requests > 0);
    CHECK_INT(find(&p, way, 0, vector, &requests), DISKANN_ERR_NOT_FOUND);
    forge_page(&f, f.pages / 2)[100] ^= 1; /* now nobody can say */
    CHECK_INT(find(&p, way, 1001, vector, &requests), DISKANN_ERR_CORRUPT);
    pair_close(&p);
}

/* ---- the audit ---- */

typedef struct verdict {
    diskann_finding list[DISKANN_FINDINGS_MAX];
    uint32_t count;
    uint64_t total;
} verdict;

static int verify_by(pair *p, host way, verdict *out)
{
    diskann_op *op;
    memset(out, 0, sizeof *out);
    const int begun = diskann_paged_verify_begin(p->paged, way.workers > 0 ? way.workers : 1, &op);
    if (begun < 0) {
        return begun;
    }
    const int status = drive(p, way, op);
    const diskann_finding *list = diskann_verify_findings(op, &out->count, &out->total);
    memcpy(out->list, list, out->count * sizeof *list);
    diskann_op_end(op);
    return status;
}

/* In several ways, which must agree. */
static verdict verify(pair *p)
{
    static verdict first, other;
    CHECK_INT(verify_by(p, (host){.workers = 1}, &first), DISKANN_OK);
    for (uint64_t shuffle = 1; shuffle < 3; shuffle++) {
        CHECK_INT(verify_by(p, (host){.workers = (uint32_t)shuffle * 2, .shuffle = shuffle}, &other), DISKANN_OK);
        CHECK_BYTES(&other, &first, sizeof first);
    }
    return first;
}

static void a_sound_file_has_no_findings(void)
{
    for (uint32_t type = 0; type < 2 * DISKANN_DATA_TYPE_COUNT; type++) {
        const uint32_t sizes[] = {ROWS, 1, 0, 130, ROWS};
        pair p;
        make(&p, KINDS[type & 1], type / 2, DISKANN_IP, sizes[type / 2]);
        const verdict v = verify(&p);
        CHECK_UINT(v.total, 0);
        pair_close(&p);
    }
}

/* Not always the first: what a damaged record says of others is noted where they are. */
static int has_finding(const verdict *v, uint32_t kind, int64_t page)
{
    int found = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        found |= v->list[i].kind == kind && v->list[i].page == page;
    }
    return found;
}

/* A byte of every page, while the index is open: the audit says which, and a copy and an exact search stop there. */
static void every_damaged_page_is_found(void)
{
    static hits found;
    for (uint32_t i = 0; i < 2; i++) {
        pair p;
        make(&p, KINDS[i], DISKANN_I8, DISKANN_L2, ROWS);
        diskann_stats stats;
        diskann_paged_stats(p.paged, &stats);
        const uint64_t pages = (stats.file_bytes - DISKANN_SUPERBLOCK_BYTES) / stats.page_bytes;
        CHECK(pages > stats.pages || i == 0);
        for (uint64_t page = 0; page < pages; page++) {
            uint8_t *at = p.file.file + DISKANN_SUPERBLOCK_BYTES + page * stats.page_bytes + page * 89 % stats.page_bytes;
            *at ^= 0x40;
            const verdict v = verify(&p);
            CHECK(has_finding(&v, DISKANN_FINDING_CHECKSUM, (int64_t)page));
            if (page < stats.pages) {
                CHECK_INT(exact_in_file(&p, (host){.workers = 2, .shuffle = page + 1}, p.rows, K, &found), DISKANN_ERR_CORRUPT);
            }
            *at ^= 0x40;
        }
        p.file.file[FORGE_SEED] ^= 1;
        const verdict v = verify(&p);
        CHECK_UINT(v.total, 1);
        CHECK_UINT(v.list[0].kind, DISKANN_FINDING_SUPERBLOCK);
        p.file.file[FORGE_SEED] ^= 1;
        CHECK_UINT(verify(&p).total, 0);
        pair_close(&p);
    }
}

/* Opens a sound forged file where it is, spoils one thing, reseals, and expects one finding. */
static void check_forged(void (*spoil)(forge *), uint32_t kind, uint32_t slot)
{
    for (uint32_t i = 0; i < 2; i++) {
        forge f = forge_make_coded(DISKANN_CODES_PQ, DISKANN_F32, DISKANN_L2, 8, 8, 300);
        if (i == 1) { /* sparse ids */
            forge_put(forge_id(&f, 299), UINT64_C(1) << 50, 8);
            forge_put(f.bytes + FORGE_NEXT_ID, (UINT64_C(1) << 50) + 1, 8);
            forge_seal_superblock(f.bytes);
            forge_seal_page(&f, 299 / f.records_per_page);
        }
        const host file = {.file = f.bytes, .file_bytes = f.file_bytes, .workers = 1};
        pair p;
        pair_open(&p, file, NULL, 8);
        CHECK_UINT(verify(&p).total, 0);
        spoil(&f);
        for (uint64_t page = 0; page < f.pages; page++) {
            forge_seal_page(&f, page);
        }
        const verdict v = verify(&p);
        CHECK(v.total > 0);
        CHECK_UINT(v.list[0].kind, kind);
        CHECK_UINT(v.list[0].slot, slot);
        CHECK_INT(v.list[0].page, slot / f.records_per_page);
        pair_close(&p);
    }
}

static void same_id(forge *f) { forge_put(forge_id(f, 200), 1000, 8); }
static void large_id(forge *f) { forge_put(forge_id(f, 20), UINT64_C(1) << 53, 8); }
static void far_edge(forge *f) { forge_put(forge_edge(f, 20, 1), 300, 4); }
static void self_edge(forge *f) { forge_put(forge_edge(f, 20, 2), 20, 4); }
static void double_edge(forge *f) { forge_put(forge_edge(f, 20, 2), 41, 4); }
static void large_degree(forge *f) { forge_put(forge_degree(f, 20), 9, 2); }
static void two_parents(forge *f) { forge_put(forge_edge(f, 20, 0), 5, 4); }
static void child_of_its_own_child(forge *f) { forge_put(forge_edge(f, 9, 0), 299, 4), forge_put(forge_edge(f, 299, 0), 9, 4); }
static void not_finite(forge *f) { forge_put(forge_record(f, 33), 0x7fc00000, 4); }
static void other_norm(forge *f) { forge_put(forge_aux(f, 33), 0x3f800000, 4); }

static void every_broken_rule_is_found(void)
{
    check_forged(same_id, DISKANN_FINDING_ID, 200);
    check_forged(large_id, DISKANN_FINDING_ID, 20);
    check_forged(far_edge, DISKANN_FINDING_EDGE_RANGE, 20);
    check_forged(self_edge, DISKANN_FINDING_SELF_EDGE, 20);
    check_forged(double_edge, DISKANN_FINDING_DUPLICATE_EDGE, 20);
    check_forged(large_degree, DISKANN_FINDING_DEGREE, 20);
    check_forged(two_parents, DISKANN_FINDING_TREE, 5);
    check_forged(child_of_its_own_child, DISKANN_FINDING_TREE, 19);
    check_forged(not_finite, DISKANN_FINDING_NOT_FINITE, 33);
    check_forged(other_norm, DISKANN_FINDING_NORM, 33);
}

/* A code that another vector has, with its checksum. */
static void another_code_is_found(void)
{
    pair p;
    make(&p, DISKANN_CODES_PQ, DISKANN_F32, DISKANN_L2, ROWS);
    diskann_stats stats;
    diskann_paged_stats(p.paged, &stats);
    const forge f = {.bytes = p.file.file, .page_bytes = stats.page_bytes};
    const uint64_t pages = (stats.file_bytes - DISKANN_SUPERBLOCK_BYTES) / stats.page_bytes;
    const uint64_t codes_end = 1028 * (uint64_t)DIMENSIONS + (uint64_t)ROWS * DIMENSIONS / 4;
    forge_page(&f, pages - 1)[15 + codes_end % (stats.page_bytes - 16)] ^= 1; /* the last byte */
    forge_seal_page(&f, pages - 1);
    verdict v = verify(&p); /* what is in memory is not what is in the file */
    CHECK_UINT(v.total, 1);
    CHECK_UINT(v.list[0].kind, DISKANN_FINDING_CODES);
    CHECK_INT(v.list[0].page, (int64_t)pages - 1);
    diskann_paged_destroy(p.paged);
    open_paged(&p);
    v = verify(&p); /* and now it is, but not the vector's */
    CHECK_UINT(v.total, 1);
    CHECK_UINT(v.list[0].kind, DISKANN_FINDING_CODES);
    CHECK(v.list[0].slot < ROWS);
    pair_close(&p);
}

/* ---- a copy ---- */

/* READ goes to the file of the pair, WRITE to one of its own. */
static int copy(pair *p, uint32_t workers, uint64_t fail_at, uint8_t *to)
{
    diskann_op *op;
    diskann_stage stage;
    int status = diskann_paged_copy_begin(p->paged, workers, &op), synced = 0;
    uint64_t last = 0, served = 0;
    if (status < 0) {
        return status;
    }
    while ((status = diskann_op_step(op, &stage)) > 0) {
        CHECK(stage.phase == DISKANN_PHASE_NONE || (stage.done >= last && stage.done <= stage.total));
        last = stage.phase == DISKANN_PHASE_NONE ? last : stage.done;
        for (uint64_t i = 0; status == DISKANN_RUN && i < stage.items; i++) {
            diskann_op_run(op, (uint32_t)(i % workers), i, i + 1);
        }
        for (uint32_t i = 0; i < stage.request_count; i++) {
            const diskann_request request = stage.requests[i];
            const int failing = ++served == fail_at;
            CHECK(!synced && request.offset + request.length <= p->file.file_bytes);
            if (request.kind == DISKANN_READ) {
                memcpy(request.buffer, p->file.file + request.offset, failing ? 0 : request.length);
            } else if (request.kind == DISKANN_WRITE) {
                memcpy(to + request.offset, request.buffer, failing ? 0 : request.length);
            } else {
                synced = 1;
            }
            diskann_op_complete(op, request.ticket, failing ? DISKANN_ERR_IO : DISKANN_OK);
        }
    }
    CHECK(status != DISKANN_OK || synced);
    diskann_op_end(op);
    return status;
}

static void a_copy_has_the_same_bytes(void)
{
    for (uint32_t i = 0; i < 4; i++) {
        pair p;
        make(&p, KINDS[i & 1], DISKANN_F16, DISKANN_COSINE, i < 2 ? ROWS : 0);
        uint8_t *to = calloc(1, p.file.file_bytes);
        CHECK_INT(copy(&p, 3, 0, to), DISKANN_OK);
        CHECK_BYTES(to, p.file.file, p.file.file_bytes);
        uint64_t at = 1;
        for (int done = 0; !done && at < SWEEP_MAX; at++) {
            const int status = copy(&p, 1, at, to);
            done = status == DISKANN_OK;
            CHECK(done || status == DISKANN_ERR_IO);
        }
        CHECK(at > 3 && at < SWEEP_MAX);
        p.file.file[p.file.file_bytes - 1] ^= 1;
        CHECK_INT(copy(&p, 1, 0, to), i < 2 ? DISKANN_ERR_CORRUPT : DISKANN_OK); /* it has no pages that could be damaged */
        free(to);
        pair_close(&p);
    }
}

/* ---- bad days ---- */

static int each(pair *p, uint32_t which, host way)
{
    static hits h;
    static verdict v;
    float vector[DIMENSIONS];
    uint64_t requests;
    if (which == 2) {
        const int status = find(p, way, ROWS - 1, vector, &requests);
        return status == DISKANN_ERR_NOT_FOUND ? DISKANN_ERR_CORRUPT : status;
    }
    return which == 0 ? exact_in_file(p, way, p->rows, K, &h) : verify_by(p, way, &v);
}

static void requests_fail_and_calls_are_cancelled(void)
{
    for (uint32_t which = 0; which < 6; which++) {
        pair p;
        make(&p, KINDS[which & 1], DISKANN_U8, DISKANN_L2, ROWS);
        const uint64_t before = p.memory.live;
        uint64_t at = 1;
        for (int done = 0; !done && at < SWEEP_MAX; at++) {
            const int status = each(&p, which / 2, (host){.workers = 2, .shuffle = at, .fail_at = at});
            done = status == DISKANN_OK;
            CHECK(done || status == DISKANN_ERR_IO);
            CHECK_UINT(p.memory.live, before);
        }
        CHECK(at > 2 && at < SWEEP_MAX);
        at = 1;
        for (int done = 0; !done && at < SWEEP_MAX; at++) {
            const int status = each(&p, which / 2, (host){.workers = 2, .cancel_at = at});
            done = status == DISKANN_OK;
            CHECK(done || status == DISKANN_ERR_CANCELLED);
            CHECK_UINT(p.memory.live, before);
        }
        CHECK(at > 3 && at < SWEEP_MAX);
        pair_close(&p);
    }
}

static void every_allocation_fails(void)
{
    for (uint32_t which = 0; which < 6; which++) {
        pair p;
        make(&p, KINDS[which & 1], DISKANN_SQ8, DISKANN_L2, ROWS);
        const uint64_t before = p.memory.live;
        uint64_t at = 1;
        for (int done = 0; !done && at < SWEEP_MAX; at++) {
            p.memory.fail_at = p.memory.calls + at;
            const int status = each(&p, which / 2, (host){.workers = 2});
            done = status == DISKANN_OK;
            CHECK(done || status == DISKANN_ERR_NO_MEMORY);
            CHECK_UINT(p.memory.live, before);
        }
        CHECK(at > 4 && at < SWEEP_MAX);
        p.memory.fail_at = 0;
        pair_close(&p);
    }
}

static void bad_arguments(void)
{
    pair p;
    make(&p, DISKANN_CODES_PQ, DISKANN_U8, DISKANN_L2, 20);
    diskann_op *op;
    const float half[DIMENSIONS] = {0.5f};
    CHECK_INT(diskann_paged_exact_begin(NULL, p.rows, 1, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_exact_begin(p.paged, NULL, 1, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_exact_begin(p.paged, p.rows, 0, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_exact_begin(p.paged, p.rows, 1, 0, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_exact_begin(p.paged, half, 1, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_find_begin(NULL, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_verify_begin(NULL, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_verify_begin(p.paged, 0, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_copy_begin(NULL, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_copy_begin(p.paged, 1, NULL), DISKANN_ERR_INVALID_ARGUMENT);
    REQUIRE(diskann_paged_copy_begin(p.paged, 1, &op) == DISKANN_OK);
    CHECK_INT(diskann_paged_find_take(op, NULL), DISKANN_ERR_INVALID_ARGUMENT);
    diskann_op_end(op);
    pair_close(&p);
}

CHECK_MAIN(CHECK_TEST(exact_search_is_that_in_memory), CHECK_TEST(every_id_has_its_vector),
           CHECK_TEST(the_page_of_a_hit_is_in_the_cache), CHECK_TEST(an_id_that_is_not_there_takes_a_look_at_all),
           CHECK_TEST(a_sound_file_has_no_findings), CHECK_TEST(every_damaged_page_is_found),
           CHECK_TEST(every_broken_rule_is_found), CHECK_TEST(another_code_is_found), CHECK_TEST(a_copy_has_the_same_bytes),
           CHECK_TEST(requests_fail_and_calls_are_cancelled), CHECK_TEST(every_allocation_fails), CHECK_TEST(bad_arguments))
