/* Open and save on a bad day: no memory, devices that fail, answers in any order, cancelled at any moment. */
#include "../../csrc/op/transfer.h"
#include "check.h"
#include "forge.h"
#include "host.h"

enum { SWEEP_MAX = 1000 }; /* no sweep here has that many steps: one that does not end has failed */

static host host_of(forge *f)
{
    return (host){.file = f->bytes, .file_bytes = f->file_bytes, .workers = 3};
}

static diskann_index *opened(forge *f, meter *m)
{
    host h = host_of(f);
    diskann_index *index;
    REQUIRE(host_open(&h, m, &index, NULL) == DISKANN_OK);
    return index;
}

/* -- memory -- */

static void open_survives_every_failed_allocation(void)
{
    forge f = forge_make(DISKANN_COSINE, 100, 32, 200);
    uint64_t at = 1;
    for (int status = DISKANN_ERR_NO_MEMORY; status != DISKANN_OK; at++) {
        host h = host_of(&f);
        meter m = {.fail_at = at};
        diskann_index *index;
        status = host_open(&h, &m, &index, NULL);
        CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
        REQUIRE(at < SWEEP_MAX);
    }
    CHECK(at > 7); /* the operation, its workers, the index, two for the walk, records, ids */
    forge_free(&f);
}

static void save_survives_every_failed_allocation(void)
{
    forge f = forge_make(DISKANN_COSINE, 100, 32, 200);
    meter m = {0};
    diskann_index *index = opened(&f, &m);
    const uint64_t held = m.live;
    uint64_t after = 1;
    for (int status = DISKANN_ERR_NO_MEMORY; status != DISKANN_OK; after++) {
        host out = {.file = calloc(1, f.file_bytes), .file_bytes = f.file_bytes};
        m.fail_at = m.calls + after;
        status = host_save(&out, index);
        CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
        CHECK_UINT(m.live, held);
        CHECK_INT(memcmp(out.file, f.bytes, f.file_bytes) == 0, status == DISKANN_OK);
        free(out.file);
        REQUIRE(after < SWEEP_MAX);
    }
    CHECK(after > 2);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    forge_free(&f);
}

/* -- devices -- */

/*
 * Pages of a large index, so that open and save have several requests in a round: 5 segments of about 1 MiB.
 */
static forge several_segments(void)
{
    return forge_make(DISKANN_L2, 65535, 4, 18);
}

static void open_reports_every_failed_read(void)
{
    forge f = several_segments();
    uint64_t requests = 0;
    for (uint64_t at = 0; at <= requests; at++) {
        host h = host_of(&f);
        meter m = {0};
        diskann_index *index;
        h.fail_at = at;
        h.shuffle = at;
        const int status = host_open(&h, &m, &index, NULL);
        CHECK_INT(status, at == 0 ? DISKANN_OK : DISKANN_ERR_IO);
        CHECK((index != NULL) == (at == 0));
        requests = at == 0 ? h.requests : requests;
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
    }
    CHECK_UINT(requests, 1 + 5);
    forge_free(&f);
}

static void save_reports_every_failed_write_and_sync(void)
{
    forge f = several_segments();
    meter m = {0};
    diskann_index *index = opened(&f, &m);
    uint64_t requests = 0;
    for (uint64_t at = 0; at <= requests; at++) {
        host out = {.file = calloc(1, f.file_bytes), .file_bytes = f.file_bytes, .fail_at = at};
        out.shuffle = at;
        CHECK_INT(host_save(&out, index), at == 0 ? DISKANN_OK : DISKANN_ERR_IO);
        CHECK(at == 0 || at == requests || out.syncs == 0); /* no sync of what is not written */
        requests = at == 0 ? out.requests : requests;
        free(out.file);
    }
    CHECK_UINT(requests, 1 + 5 + 1);
    /* and after all that failing it saves as if nothing had been */
    host out = {.file = calloc(1, f.file_bytes), .file_bytes = f.file_bytes};
    CHECK_INT(host_save(&out, index), DISKANN_OK);
    CHECK_BYTES(out.file, f.bytes, f.file_bytes);
    free(out.file);
    diskann_index_destroy(index);
    forge_free(&f);
}

static void the_order_of_answers_is_of_no_account(void)
{
    forge f = several_segments();
    for (uint64_t shuffle = 0; shuffle < 6; shuffle++) {
        host h = host_of(&f);
        meter m = {0};
        diskann_index *index;
        h.shuffle = shuffle;
        h.workers = 1 + (uint32_t)shuffle;
        CHECK_INT(host_open(&h, &m, &index, NULL), DISKANN_OK);
        REQUIRE(index != NULL);
        host out = {.file = calloc(1, f.file_bytes), .file_bytes = f.file_bytes, .workers = 3};
        out.shuffle = shuffle;
        CHECK_INT(host_save(&out, index), DISKANN_OK);
        CHECK_BYTES(out.file, f.bytes, f.file_bytes);
        free(out.file);
        diskann_index_destroy(index);
    }
    forge_free(&f);
}

/*
 * Rounds of a store of many segments, which are small here: two pages of 64 bytes each. Every page is in one request,
 * no round is too large, and what answers a request of an earlier round is not taken for an answer of this one.
 */
static void requests_come_in_rounds(void)
{
    enum { PAGES = 299, PAGE = 64 };
    static uint8_t pages[PAGES + 1][PAGE], seen[PAGES];
    static uint8_t *segments[(PAGES + 1) / 2];
    static op_transfer transfer;
    record_store store = {.segments = segments};
    store.layout = (record_layout){.page_bytes = PAGE, .pages_per_segment = 2, .segment_shift = 1, .pages_offset = 5000};
    for (size_t i = 0; i < (PAGES + 1) / 2; i++) {
        segments[i] = pages[2 * i];
    }
    uint64_t next = 0, rounds = 0;
    while (next < PAGES) {
        diskann_stage stage = {0};
        transfer_begin(&transfer);
        next = transfer_add_pages(&transfer, DISKANN_READ, &store, &store.layout, next, PAGES);
        CHECK_INT(transfer_hand_out(&transfer, &stage, DISKANN_PHASE_READ, PAGES * PAGE), DISKANN_IO);
        CHECK(stage.request_count <= 64);
        CHECK_UINT(stage.done, rounds++ * 64 * 2 * PAGE);
        transfer_complete(&transfer, stage.requests[0].ticket - 1, DISKANN_OK); /* of the last round */
        for (uint32_t i = 0; i < stage.request_count; i++) {
            const diskann_request *r = &stage.requests[i];
            const uint64_t page = (r->offset - 5000) / PAGE;
            CHECK(r->buffer == pages[page] && r->length == (page == PAGES - 1 ? PAGE : 2 * PAGE));
            seen[page] += 1;
            CHECK_INT(transfer_finish(&transfer), DISKANN_ERR_IO);
            transfer_complete(&transfer, r->ticket, DISKANN_OK);
        }
        CHECK_INT(transfer_finish(&transfer), DISKANN_OK);
    }
    CHECK_UINT(rounds, 3);
    for (size_t page = 0; page < PAGES; page++) {
        CHECK_UINT(seen[page], page % 2 == 0);
    }
}

/* A step with a request still open must not go on as if the bytes were there. */
static void a_request_without_an_answer_is_an_io_error(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    diskann_op *op;
    diskann_stage stage;
    REQUIRE(diskann_open_begin(f.file_bytes, 0, 1, NULL, &op) == DISKANN_OK);
    CHECK_INT(diskann_op_step(op, &stage), DISKANN_IO);
    CHECK_UINT(stage.request_count, 1);
    diskann_op_complete(op, stage.requests[0].ticket + 1, DISKANN_OK); /* nobody's ticket */
    CHECK_INT(diskann_op_step(op, &stage), DISKANN_ERR_IO);
    CHECK_INT(diskann_op_step(op, &stage), DISKANN_ERR_IO); /* an error stays */
    CHECK(diskann_open_take(op) == NULL);
    diskann_op_end(op);
    forge_free(&f);
}

/* -- cancelling -- */

static void open_can_be_cancelled_at_every_stage(void)
{
    forge f = several_segments();
    uint64_t stages = 0;
    for (uint64_t at = 0; at <= stages; at++) {
        host h = host_of(&f);
        meter m = {0};
        diskann_index *index;
        h.cancel_at = at;
        CHECK_INT(host_open(&h, &m, &index, NULL), at == 0 ? DISKANN_OK : DISKANN_ERR_CANCELLED);
        CHECK((index != NULL) == (at == 0));
        stages = at == 0 ? h.stages : stages;
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
    }
    CHECK_UINT(stages, 5); /* superblock, two rounds of pages, check, tree */
    forge_free(&f);
}

/* Ended in the middle without being cancelled, as when a process shuts down. */
static void open_can_be_ended_at_every_stage(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    for (int stages = 0; stages <= 4; stages++) {
        meter m = {0};
        const diskann_allocator allocator = meter_allocator(&m);
        host h = host_of(&f);
        random_state random = {0};
        diskann_stage stage;
        diskann_op *op;
        REQUIRE(diskann_open_begin(f.file_bytes, 0, 1, &allocator, &op) == DISKANN_OK);
        for (int i = 0; i < stages; i++) {
            if (diskann_op_step(op, &stage) == DISKANN_IO) {
                host_io(&h, &random, op, &stage);
            } else {
                host_run(&h, &random, op, &stage);
            }
        }
        CHECK(diskann_open_take(op) == NULL);
        diskann_op_end(op);
        CHECK_UINT(m.live, 0);
    }
    forge_free(&f);
}

static void a_cancelled_save_leaves_the_index_whole(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    const float row[13] = {1, 2, 3};
    uint64_t stages = 0;
    for (uint64_t at = 0; at <= stages; at++) {
        meter m = {0};
        diskann_index *index = opened(&f, &m);
        diskann_op *op;
        diskann_stats stats;
        REQUIRE(diskann_insert_begin(index, 1, &op) == DISKANN_OK);
        REQUIRE(diskann_op_rows(op, row, DISKANN_F32, NULL, 1) == DISKANN_OK);
        REQUIRE(diskann_op_finish(op) == DISKANN_OK);
        diskann_op_end(op);
        diskann_index_stats(index, &stats);
        host out = {.file = calloc(1, stats.file_bytes), .file_bytes = stats.file_bytes, .cancel_at = at};
        CHECK_INT(host_save(&out, index), at == 0 ? DISKANN_OK : DISKANN_ERR_CANCELLED);
        stages = at == 0 ? out.stages : stages;
        out.cancel_at = 0;
        CHECK_INT(host_save(&out, index), DISKANN_OK);
        meter m2 = {0};
        diskann_index *again;
        CHECK_INT(host_open(&out, &m2, &again, NULL), DISKANN_OK);
        REQUIRE(again != NULL);
        CHECK_UINT(diskann_index_size(again), 51);
        diskann_index_destroy(again);
        diskann_index_destroy(index);
        free(out.file);
    }
    CHECK_UINT(stages, 3); /* seal, write, sync */
    forge_free(&f);
}

/* -- arguments -- */

static void arguments_are_checked(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    meter m = {0};
    diskann_index *index = opened(&f, &m);
    diskann_op *op = NULL;
    CHECK_INT(diskann_open_begin(4096, DISKANN_SIMD_COUNT, 1, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_open_begin(4096, 0, 0, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_open_begin(4096, 0, DISKANN_WORKERS_MAX + 1, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_open_begin(4096, 0, 1, NULL, NULL), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_save_begin(index, 0, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_save_begin(NULL, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_verify_begin(NULL, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_verify_begin(index, 0, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK(op == NULL);
    /* what an operation gives is asked of its own kind only */
    uint32_t count = 9;
    uint64_t total = 9;
    REQUIRE(diskann_save_begin(index, 1, &op) == DISKANN_OK);
    CHECK(diskann_open_take(op) == NULL);
    CHECK(diskann_verify_findings(op, &count, &total) == NULL);
    CHECK_UINT(count + total, 0);
    diskann_op_end(op);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    forge_free(&f);
}

CHECK_MAIN(CHECK_TEST(open_survives_every_failed_allocation),
           CHECK_TEST(save_survives_every_failed_allocation),
           CHECK_TEST(open_reports_every_failed_read),
           CHECK_TEST(save_reports_every_failed_write_and_sync),
           CHECK_TEST(the_order_of_answers_is_of_no_account),
           CHECK_TEST(requests_come_in_rounds),
           CHECK_TEST(a_request_without_an_answer_is_an_io_error),
           CHECK_TEST(open_can_be_cancelled_at_every_stage),
           CHECK_TEST(open_can_be_ended_at_every_stage),
           CHECK_TEST(a_cancelled_save_leaves_the_index_whole),
           CHECK_TEST(arguments_are_checked))
