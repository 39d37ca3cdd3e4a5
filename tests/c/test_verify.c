/* The audit: it finds what is wrong and where, nothing else, and the same with any number of workers. */
#include "../../csrc/op/index.h"
#include "check.h"
#include "forge.h"
#include "host.h"

enum { SWEEP_MAX = 1000 };

typedef struct verdict {
    diskann_finding findings[DISKANN_FINDINGS_MAX];
    uint32_t count;
    uint64_t total;
} verdict;

static int verify_by(host *h, const diskann_index *index, verdict *out)
{
    diskann_op *op;
    memset(out, 0, sizeof *out);
    const int begun = diskann_verify_begin(index, h->workers > 0 ? h->workers : 1, &op);
    if (begun < 0) {
        return begun;
    }
    const int status = host_drive(h, op);
    const diskann_finding *findings = diskann_verify_findings(op, &out->count, &out->total);
    CHECK(out->count <= DISKANN_FINDINGS_MAX && out->count <= out->total);
    memcpy(out->findings, findings, out->count * sizeof *findings);
    diskann_op_end(op);
    return status;
}

/* In three ways, which must agree. */
static verdict verify(const diskann_index *index)
{
    verdict first, other;
    host one = {.workers = 1};
    CHECK_INT(verify_by(&one, index, &first), DISKANN_OK);
    for (uint64_t shuffle = 1; shuffle < 4; shuffle++) {
        host many = {.workers = (uint32_t)shuffle * 2, .shuffle = shuffle};
        CHECK_INT(verify_by(&many, index, &other), DISKANN_OK);
        CHECK_UINT(other.total, first.total);
        CHECK_BYTES(&other, &first, sizeof first);
    }
    return first;
}

static diskann_index *opened(forge *f, meter *m)
{
    host h = {.file = f->bytes, .file_bytes = f->file_bytes, .workers = 2};
    diskann_index *index;
    REQUIRE(host_open(&h, m, &index, NULL) == DISKANN_OK);
    return index;
}

/* Opens a sound index and spoils it in memory: as a file, not all of that would be let in. */
static verdict verify_forge(forge *f)
{
    meter m = {0};
    forge sound = forge_make(f->metric, f->dimensions, f->max_degree, f->size);
    diskann_index *index = opened(&sound, &m);
    for (uint64_t page = 0; page < f->pages; page++) {
        forge_seal_page(f, page);
        memcpy(page_at(&index->records, (uint32_t)page), forge_page(f, page), f->page_bytes);
    }
    forge_free(&sound);
    const verdict v = verify(index);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    return v;
}

static void check_finding(const verdict *v, uint32_t i, uint32_t kind, uint32_t slot, int64_t page)
{
    REQUIRE(i < v->count);
    CHECK_UINT(v->findings[i].kind, kind);
    CHECK_UINT(v->findings[i].slot, slot);
    CHECK_INT(v->findings[i].page, page);
}

/* -- sound indexes -- */

static void a_forged_index_is_sound(void)
{
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        static const uint64_t sizes[] = {0, 1, 2, 35, 36, 37, 300};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            forge f = forge_make(metric, 13, 8, sizes[i]);
            CHECK_UINT(verify_forge(&f).total, 0);
            forge_free(&f);
        }
    }
}

static void insert_rows(diskann_index *index, uint64_t rows, uint64_t seed, int build)
{
    const uint64_t values = rows * index->config.dimensions;
    random_state random = {seed};
    float *vectors = malloc(values * sizeof *vectors);
    diskann_op *op;
    for (uint64_t i = 0; i < values; i++) {
        vectors[i] = (float)(random_next(&random) >> 40) / 8388608.0f - 1.0f;
    }
    const int begun = build ? diskann_build_begin(index, 2, &op) : diskann_insert_begin(index, 2, &op);
    REQUIRE(begun == DISKANN_OK);
    CHECK_INT(diskann_op_rows(op, vectors, DISKANN_F32, NULL, rows), DISKANN_OK);
    CHECK_INT(diskann_op_finish(op), DISKANN_OK);
    diskann_op_end(op);
    free(vectors);
}

/* Built, grown, saved, opened and grown again: sound at each moment, dirty pages and clean ones. */
static void an_index_is_sound_through_its_life(void)
{
    for (uint32_t turn = 0; turn < DISKANN_METRIC_COUNT + 3; turn++) {
        const uint32_t metric = turn % DISKANN_METRIC_COUNT;
        diskann_config config;
        diskann_index *index, *again;
        diskann_stats stats;
        meter m = {0};
        const diskann_allocator allocator = meter_allocator(&m);
        diskann_config_init(&config, 17);
        config.metric = metric;
        config.max_degree = 4 + 2 * metric;
        config.codes = turn < DISKANN_METRIC_COUNT ? DISKANN_CODES_AUTO : DISKANN_CODES_1BIT;
        config.build_list_size = 20;
        REQUIRE(diskann_index_create(&config, &allocator, &index) == DISKANN_OK);
        insert_rows(index, 250, 1, 1);
        CHECK_UINT(verify(index).total, 0);
        insert_rows(index, 100, 2, 0);
        CHECK_UINT(verify(index).total, 0);
        diskann_index_stats(index, &stats);
        host h = {.file = malloc(stats.file_bytes), .file_bytes = stats.file_bytes};
        CHECK_INT(host_save(&h, index), DISKANN_OK);
        CHECK(memchr(index->records.dirty, 1, stats.pages) == NULL); /* so that all checksums are asked for */
        CHECK_UINT(verify(index).total, 0);
        REQUIRE(host_open(&h, &m, &again, NULL) == DISKANN_OK);
        CHECK_UINT(verify(again).total, 0);
        insert_rows(again, 50, 3, 0);
        CHECK_UINT(verify(again).total, 0);
        CHECK_UINT(diskann_index_size(again), 400);
        diskann_index_destroy(index);
        diskann_index_destroy(again);
        CHECK_UINT(m.live, 0);
        free(h.file);
    }
}

/* -- the graph -- */

/* 50 records: slot s has children 2 s + 1 and 2 s + 2 and then its parent; 36 records in a page. */
static forge tree_of_50(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    CHECK_UINT(f.records_per_page, 36);
    return f;
}

static void self_and_duplicate_edges_are_found(void)
{
    forge f = tree_of_50();
    forge_put(forge_edge(&f, 10, 2), 10, 4);
    forge_put(forge_edge(&f, 40, 0), 40, 4); /* a leaf */
    forge_put(forge_edge(&f, 12, 2), 25, 4); /* child of 12 already */
    const verdict v = verify_forge(&f);
    CHECK_UINT(v.total, 3);
    check_finding(&v, 0, DISKANN_FINDING_SELF_EDGE, 10, 0);
    check_finding(&v, 1, DISKANN_FINDING_DUPLICATE_EDGE, 12, 0);
    check_finding(&v, 2, DISKANN_FINDING_SELF_EDGE, 40, 1);
    forge_free(&f);
}

/* A record that is nobody's child, though an edge leads there. */
static void a_record_outside_the_tree_is_found(void)
{
    forge f = tree_of_50();
    forge_put(forge_children(&f, 23), 1, 2); /* edges 47, 48, 11: 48 is a plain edge now */
    const verdict v = verify_forge(&f);
    CHECK_UINT(v.total, 1);
    check_finding(&v, 0, DISKANN_FINDING_TREE, 48, 1);
    forge_free(&f);
}

static void a_record_that_nothing_leads_to_is_found(void)
{
    forge f = tree_of_50();
    forge_put(forge_edge(&f, 24, 0), 11, 4); /* the child's place is taken by the parent */
    forge_put(forge_edge(&f, 24, 1), 0, 4);
    forge_put(forge_degree(&f, 24), 1, 2);
    forge_put(forge_children(&f, 24), 0, 2);
    const verdict v = verify_forge(&f);
    CHECK_UINT(v.total, 2);
    check_finding(&v, 0, DISKANN_FINDING_TREE, 49, 1);
    check_finding(&v, 1, DISKANN_FINDING_UNREACHABLE, 49, 1);
    forge_free(&f);
}

/* Each record but the entry is the target of one tree edge, and still: 24 and 49 only hold each other. */
static void a_cycle_apart_from_the_tree_is_found(void)
{
    forge f = tree_of_50();
    forge_put(forge_edge(&f, 11, 1), 5, 4); /* 11: children 23, 24, parent 5. Now: 23, parent */
    forge_put(forge_edge(&f, 11, 2), 0, 4);
    forge_put(forge_degree(&f, 11), 2, 2);
    forge_put(forge_children(&f, 11), 1, 2);
    forge_put(forge_edge(&f, 49, 0), 24, 4);
    forge_put(forge_children(&f, 49), 1, 2);
    const verdict v = verify_forge(&f);
    CHECK_UINT(v.total, 4);
    check_finding(&v, 0, DISKANN_FINDING_TREE, 24, 0);
    check_finding(&v, 1, DISKANN_FINDING_UNREACHABLE, 24, 0);
    check_finding(&v, 2, DISKANN_FINDING_TREE, 49, 1);
    check_finding(&v, 3, DISKANN_FINDING_UNREACHABLE, 49, 1);
    forge_free(&f);
}

static void a_target_of_two_tree_edges_is_found(void)
{
    forge f = tree_of_50();
    forge_put(forge_edge(&f, 30, 1), 49, 4); /* 30 is a leaf: edges 14, 49 */
    forge_put(forge_edge(&f, 30, 0), 0, 4);
    forge_put(forge_degree(&f, 30), 2, 2);
    forge_put(forge_children(&f, 30), 2, 2);
    const verdict v = verify_forge(&f);
    CHECK_UINT(v.total, 2);
    check_finding(&v, 0, DISKANN_FINDING_TREE, 0, 0); /* the entry is nobody's child */
    check_finding(&v, 1, DISKANN_FINDING_TREE, 49, 1);
    forge_free(&f);
}

static void findings_are_counted_when_there_are_too_many(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 300);
    for (uint32_t slot = 1; slot < 300; slot++) {
        forge_put(forge_edge(&f, slot, (uint32_t)forge_get(forge_children(&f, slot), 2)), slot, 4);
    }
    const verdict v = verify_forge(&f);
    CHECK_UINT(v.total, 299);
    CHECK_UINT(v.count, DISKANN_FINDINGS_MAX);
    for (uint32_t i = 0; i < v.count; i++) {
        check_finding(&v, i, DISKANN_FINDING_SELF_EDGE, i + 1, (i + 1) / 36);
    }
    forge_free(&f);
}

/* -- memory that has been damaged since -- */

static void damage_in_memory_is_found(void)
{
    forge f = tree_of_50();
    meter m = {0};
    diskann_index *index = opened(&f, &m);
    const record_layout *layout = &index->records.layout;
    uint8_t *record = record_at(&index->records, 40);
    *record_id(layout, record) = 1003; /* of slot 1 */
    record_links(layout, record)->degree = 600;
    *record_aux(layout, record_at(&index->records, 41)) += 1;
    record_links(layout, record_at(&index->records, 42))->neighbours[0] = UINT32_MAX;
    page_at(&index->records, 0)[9] = 1;
    verdict v = verify(index);
    CHECK_UINT(v.total, 6);
    check_finding(&v, 0, DISKANN_FINDING_CHECKSUM, UINT32_MAX, 0);
    check_finding(&v, 1, DISKANN_FINDING_CHECKSUM, UINT32_MAX, 1);
    check_finding(&v, 2, DISKANN_FINDING_DEGREE, 40, 1);
    check_finding(&v, 3, DISKANN_FINDING_ID, 40, 1);
    check_finding(&v, 4, DISKANN_FINDING_NORM, 41, 1);
    check_finding(&v, 5, DISKANN_FINDING_EDGE_RANGE, 42, 1);
    /* of a page that is marked as changed the checksum is not asked, its number is */
    index->records.dirty[0] = index->records.dirty[1] = 1;
    v = verify(index);
    CHECK_UINT(v.total, 5);
    check_finding(&v, 0, DISKANN_FINDING_PAGE_HEADER, UINT32_MAX, 0);
    check_finding(&v, 1, DISKANN_FINDING_DEGREE, 40, 1);
    diskann_index_destroy(index);
    forge_free(&f);
}

static void a_bad_entry_is_found(void)
{
    forge f = tree_of_50();
    meter m = {0};
    diskann_index *index = opened(&f, &m);
    index->entry = 50;
    const verdict v = verify(index);
    CHECK_UINT(v.total, 1 + 2 * 50);
    check_finding(&v, 0, DISKANN_FINDING_SUPERBLOCK, UINT32_MAX, DISKANN_NOWHERE);
    check_finding(&v, 1, DISKANN_FINDING_TREE, 0, 0);
    diskann_index_destroy(index);
    forge_free(&f);
}

/* -- bad days -- */

static void verify_survives_every_failed_allocation(void)
{
    forge f = tree_of_50();
    meter m = {0};
    diskann_index *index = opened(&f, &m);
    const uint64_t held = m.live;
    uint64_t after = 1;
    for (int status = DISKANN_ERR_NO_MEMORY; status != DISKANN_OK; after++) {
        host h = {.workers = 3};
        verdict v;
        m.fail_at = m.calls + after;
        status = verify_by(&h, index, &v);
        CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
        CHECK_UINT(m.live, held);
        REQUIRE(after < SWEEP_MAX);
    }
    CHECK(after > 5);
    diskann_index_destroy(index);
    forge_free(&f);
}

static void verify_can_be_cancelled_at_every_stage(void)
{
    forge f = tree_of_50();
    meter m = {0};
    diskann_index *index = opened(&f, &m);
    record_links(&index->records.layout, record_at(&index->records, 23))->children = 1; /* for all stages */
    const uint64_t held = m.live;
    uint64_t stages = 0;
    for (uint64_t at = 0; at <= stages; at++) {
        host h = {.workers = 2, .cancel_at = at};
        verdict v;
        CHECK_INT(verify_by(&h, index, &v), at == 0 ? DISKANN_OK : DISKANN_ERR_CANCELLED);
        stages = at == 0 ? h.stages : stages;
        CHECK_UINT(m.live, held);
    }
    CHECK_UINT(stages, 4); /* records, tree, reach, report */
    diskann_index_destroy(index);
    forge_free(&f);
}

CHECK_MAIN(CHECK_TEST(a_forged_index_is_sound),
           CHECK_TEST(an_index_is_sound_through_its_life),
           CHECK_TEST(self_and_duplicate_edges_are_found),
           CHECK_TEST(a_record_outside_the_tree_is_found),
           CHECK_TEST(a_record_that_nothing_leads_to_is_found),
           CHECK_TEST(a_cycle_apart_from_the_tree_is_found),
           CHECK_TEST(a_target_of_two_tree_edges_is_found),
           CHECK_TEST(findings_are_counted_when_there_are_too_many),
           CHECK_TEST(damage_in_memory_is_found),
           CHECK_TEST(a_bad_entry_is_found),
           CHECK_TEST(verify_survives_every_failed_allocation),
           CHECK_TEST(verify_can_be_cancelled_at_every_stage))
