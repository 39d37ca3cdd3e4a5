/*
 * Requests of an operation, in rounds: each IO stage is one round, so that a host never holds more than
 * TRANSFER_REQUESTS_MAX at once. Tickets go on from round to round: one of an earlier round is never taken
 * for one of this.
 */
#ifndef DISKANN_OP_TRANSFER_H
#define DISKANN_OP_TRANSFER_H

#include "../record/record.h"

enum { TRANSFER_REQUESTS_MAX = 64 };

typedef struct op_transfer {
    diskann_request requests[TRANSFER_REQUESTS_MAX];
    uint8_t pending[TRANSFER_REQUESTS_MAX];
    uint32_t count;
    uint32_t pending_count;
    uint32_t first_ticket;
    int status;
    uint64_t bytes; /* of all requests so far, this round's too */
    uint64_t bytes_before;
} op_transfer;

/* Begins the next round. */
void transfer_begin(op_transfer *transfer);
void transfer_add(op_transfer *transfer, uint32_t kind, uint64_t offset, uint64_t length, void *buffer);
/*
 * Adds runs of pages, each within one segment, from `page` on until `pages` or until the round is full;
 * returns the next page. `layout`: of the file.
 */
uint64_t transfer_add_pages(op_transfer *transfer, uint32_t kind, const record_store *store, const record_layout *layout,
                            uint64_t page, uint64_t pages);
/* Hands the round out: DISKANN_IO. `total`: bytes of all rounds together. */
int transfer_hand_out(const op_transfer *transfer, diskann_stage *stage, uint32_t phase, uint64_t total);
/* Takes one answer; what is not a pending ticket of this round is ignored. */
void transfer_complete(op_transfer *transfer, uint32_t ticket, int status);
/* OK when all of the round has been served, else ERR_IO. */
int transfer_finish(const op_transfer *transfer);

#endif
