/*
 * Open, save and verify with real threads, for the thread sanitizer: several workers take pieces of the same parallel
 * stage. What comes out is what one worker makes of it.
 */
#include "check.h"
#include "forge.h"
#include "host.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, PIECE = 3 };

typedef struct crew {
    diskann_op *op;
    uint64_t items;
    atomic_uint_fast64_t next;
} crew;

typedef struct member {
    crew *crew;
    uint32_t worker;
} member;

static void *work(void *context)
{
    const member *me = context;
    uint64_t begin;
    while ((begin = atomic_fetch_add(&me->crew->next, PIECE)) < me->crew->items) {
        const uint64_t end = begin + PIECE < me->crew->items ? begin + PIECE : me->crew->items;
        diskann_op_run(me->crew->op, me->worker, begin, end);
    }
    return NULL;
}

static void run_on_threads(diskann_op *op, uint64_t items)
{
    crew crew = {.op = op, .items = items};
    member members[THREADS];
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        members[i] = (member){&crew, i};
        REQUIRE(pthread_create(&threads[i], NULL, work, &members[i]) == 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static int drive(host *h, diskann_op *op)
{
    random_state random = {1};
    diskann_stage stage;
    int status;
    while ((status = diskann_op_step(op, &stage)) > 0) {
        if (status == DISKANN_IO) {
            host_io(h, &random, op, &stage);
        } else if (stage.parallel) {
            run_on_threads(op, stage.items);
        } else {
            diskann_op_run(op, 0, 0, stage.items);
        }
    }
    return status;
}

static diskann_index *open_on_threads(forge *f)
{
    host h = {.file = f->bytes, .file_bytes = f->file_bytes};
    diskann_op *op;
    REQUIRE(diskann_open_begin(f->file_bytes, 0, THREADS, NULL, &op) == DISKANN_OK);
    CHECK_INT(drive(&h, op), DISKANN_OK);
    diskann_index *index = diskann_open_take(op);
    diskann_op_end(op);
    REQUIRE(index != NULL);
    return index;
}

static void insert_row(diskann_index *index, uint32_t dimensions)
{
    float row[64] = {1, 2, 3};
    diskann_op *op;
    REQUIRE(dimensions <= 64 && diskann_insert_begin(index, 1, &op) == DISKANN_OK);
    CHECK_INT(diskann_op_rows(op, row, DISKANN_F32, NULL, 1), DISKANN_OK);
    CHECK_INT(diskann_op_finish(op), DISKANN_OK);
    diskann_op_end(op);
}

static void threads_open_save_and_verify(void)
{
    forge f = forge_make(DISKANN_COSINE, 20, 8, 2000);
    diskann_index *index = open_on_threads(&f);
    diskann_op *op;
    diskann_stats stats;
    uint32_t count;
    uint64_t total;
    insert_row(index, 20); /* some pages have to be sealed again */
    diskann_index_stats(index, &stats);
    host out = {.file = calloc(1, stats.file_bytes), .file_bytes = stats.file_bytes};
    REQUIRE(diskann_save_begin(index, THREADS, &op) == DISKANN_OK);
    CHECK_INT(drive(&out, op), DISKANN_OK);
    diskann_op_end(op);
    REQUIRE(diskann_verify_begin(index, THREADS, &op) == DISKANN_OK);
    CHECK_INT(drive(&out, op), DISKANN_OK);
    diskann_verify_findings(op, &count, &total);
    CHECK_UINT(total, 0);
    diskann_op_end(op);
    diskann_index_destroy(index);

    f.bytes = memcpy(realloc(f.bytes, stats.file_bytes), out.file, stats.file_bytes);
    f.file_bytes = stats.file_bytes;
    index = open_on_threads(&f);
    CHECK_UINT(diskann_index_size(index), 2001);
    diskann_index_destroy(index);
    free(out.file);
    forge_free(&f);
}

/* Damage in many pages at once: the workers agree on the first. */
static void threads_name_the_first_damaged_page(void)
{
    forge f = forge_make(DISKANN_L2, 20, 8, 2000);
    for (uint64_t page = 5; page < f.pages; page++) {
        forge_page(&f, page)[60] ^= 1;
    }
    for (int i = 0; i < 20; i++) {
        host h = {.file = f.bytes, .file_bytes = f.file_bytes};
        diskann_op *op;
        diskann_failure failure;
        REQUIRE(diskann_open_begin(f.file_bytes, 0, THREADS, NULL, &op) == DISKANN_OK);
        CHECK_INT(drive(&h, op), DISKANN_ERR_CORRUPT);
        diskann_op_failure(op, &failure);
        CHECK_INT(failure.page, 5);
        CHECK_UINT(failure.detail, DISKANN_FINDING_CHECKSUM);
        diskann_op_end(op);
    }
    forge_free(&f);
}

CHECK_MAIN(CHECK_TEST(threads_open_save_and_verify), CHECK_TEST(threads_name_the_first_damaged_page))
