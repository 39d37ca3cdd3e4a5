/*
 * A host for operations that does what a bad day does: fails the j-th request, answers in any order, cuts
 * stages into odd ranges on several workers, cancels at any stage; and an allocator that counts, and fails
 * the i-th time.
 */
#ifndef DISKANN_TESTS_HOST_H
#define DISKANN_TESTS_HOST_H

#include "../../csrc/base/random.h"
#include "../../csrc/include/diskann.h"

#include <stdlib.h>
#include <string.h>

/* -- memory -- */

typedef struct meter {
    uint64_t live;    /* bytes */
    uint64_t peak;
    uint64_t calls;
    uint64_t fail_at; /* 1: the first call from here on fails; 0: none */
} meter;

/*
 * One large block is kept for the next call: a test that opens ten thousand times would wait for the kernel
 * only.
 */
static void *meter_spare;
static size_t meter_spare_bytes;

static inline void *meter_take(size_t bytes)
{
    if (meter_spare != NULL && meter_spare_bytes == bytes) {
        void *memory = meter_spare;
        meter_spare = NULL;
        return memory;
    }
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static inline void *meter_allocate(void *context, size_t bytes)
{
    meter *m = context;
    m->calls++;
    if (m->fail_at != 0 && m->calls >= m->fail_at) {
        return NULL;
    }
    void *memory = meter_take(bytes);
    if (memory != NULL) {
        memset(memory, 0xa5, bytes < 65536 ? bytes : 65536); /* dirty, as the contract has it */
        m->live += bytes;
        m->peak = m->live > m->peak ? m->live : m->peak;
    }
    return memory;
}

static inline void meter_release(void *context, void *memory, size_t bytes)
{
    meter *m = context;
    m->live -= bytes;
    if (bytes >= 1 << 20 && meter_spare == NULL) {
        meter_spare = memory;
        meter_spare_bytes = bytes;
    } else {
        free(memory);
    }
}

static inline diskann_allocator meter_allocator(meter *m)
{
    return (diskann_allocator){meter_allocate, meter_release, m};
}

/* -- requests -- */

typedef struct host {
    uint8_t *file;       /* READ and WRITE go here; owned by caller */
    uint64_t file_bytes;
    uint8_t *written;    /* how often each byte of the file has been written, or NULL */
    uint32_t workers;    /* 0 is taken for 1 */
    uint64_t shuffle;    /* 0: requests and ranges in order; else a seed */
    uint64_t fail_at;    /* the request (1 ...) that fails, half done; 0: none */
    uint64_t cancel_at;  /* the stage (1 ...) before whose items or requests it cancels; 0: none */
    uint64_t stages, requests, syncs, largest_round;
    int out_of_bounds;   /* a request was outside the file */
    int after_sync;      /* something was written after the sync */
} host;

/* Like a device that stops half way: a failed transfer has moved some of its bytes. */
static inline int host_serve(host *h, const diskann_request *request)
{
    const int failing = ++h->requests == h->fail_at;
    const uint64_t length = failing ? request->length / 2 : request->length;
    if (request->kind == DISKANN_SYNC) {
        h->syncs++;
    } else if (request->offset > h->file_bytes || request->length > h->file_bytes - request->offset) {
        h->out_of_bounds = 1;
        return DISKANN_ERR_IO;
    } else if (request->kind == DISKANN_READ) {
        memcpy(request->buffer, h->file + request->offset, length);
    } else {
        h->after_sync |= h->syncs > 0;
        memcpy(h->file + request->offset, request->buffer, length);
        for (uint64_t i = 0; h->written != NULL && i < length; i++) {
            h->written[request->offset + i]++;
        }
    }
    return failing ? DISKANN_ERR_IO : DISKANN_OK;
}

static inline void host_permutation(random_state *random, uint64_t shuffle, uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (uint32_t i = count; shuffle != 0 && i > 1; i--) {
        const uint32_t j = (uint32_t)random_below(random, i);
        const uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

static inline void host_io(host *h, random_state *random, diskann_op *op, const diskann_stage *stage)
{
    uint32_t order[1024];
    const uint32_t count = stage->request_count < 1024 ? stage->request_count : 1024;
    h->largest_round = count > h->largest_round ? count : h->largest_round;
    host_permutation(random, h->shuffle, order, count);
    for (uint32_t i = 0; i < count; i++) {
        const diskann_request request = stage->requests[order[i]];
        diskann_op_complete(op, request.ticket, host_serve(h, &request));
        diskann_op_complete(op, request.ticket, DISKANN_ERR_IO); /* a second answer is not listened to */
    }
}

/* Pieces of odd sizes; those of a parallel stage go to any worker, from the back or from the front. */
static inline void host_run(host *h, random_state *random, diskann_op *op, const diskann_stage *stage)
{
    const uint32_t workers = h->workers > 0 ? h->workers : 1;
    uint64_t begin = 0, end = stage->items;
    if (h->shuffle == 0) {
        diskann_op_run(op, 0, 0, stage->items);
        return;
    }
    while (begin < end) {
        const uint64_t most = end - begin < 7 ? end - begin : 7;
        const uint64_t piece = 1 + random_below(random, most);
        const uint32_t worker = stage->parallel ? (uint32_t)random_below(random, workers) : 0;
        if (stage->parallel && random_below(random, 2) == 0) {
            diskann_op_run(op, worker, end - piece, end);
            end -= piece;
        } else {
            diskann_op_run(op, worker, begin, begin + piece);
            begin += piece;
        }
    }
}

/* Drives to the end; returns the status of the last step. Does not end the operation. */
static inline int host_drive(host *h, diskann_op *op)
{
    random_state random = {h->shuffle};
    diskann_stage stage;
    int status;
    while ((status = diskann_op_step(op, &stage)) > 0) {
        if (++h->stages == h->cancel_at) {
            diskann_op_cancel(op);
        }
        if (status == DISKANN_IO) {
            host_io(h, &random, op, &stage);
        } else {
            host_run(h, &random, op, &stage);
        }
    }
    return status;
}

/* -- whole operations -- */

/* Opens h->file. *out is NULL unless the status is OK; *failure may be NULL. */
static inline int host_open(host *h, meter *m, diskann_index **out, diskann_failure *failure)
{
    const diskann_allocator allocator = meter_allocator(m);
    diskann_op *op;
    *out = NULL;
    const int begun = diskann_open_begin(h->file_bytes, 0, h->workers > 0 ? h->workers : 1, &allocator, &op);
    if (begun < 0) {
        return begun;
    }
    const int status = host_drive(h, op);
    *out = diskann_open_take(op);
    if (failure != NULL) {
        diskann_op_failure(op, failure);
    }
    diskann_op_end(op);
    return status;
}

/* Saves into h->file, which must have the room. */
static inline int host_save(host *h, diskann_index *index)
{
    diskann_op *op;
    const int begun = diskann_save_begin(index, h->workers > 0 ? h->workers : 1, &op);
    if (begun < 0) {
        return begun;
    }
    const int status = host_drive(h, op);
    diskann_op_end(op);
    return status;
}

#endif
