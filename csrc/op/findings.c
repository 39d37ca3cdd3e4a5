#include "findings.h"

int findings_create(const op_calls *calls, size_t bytes, uint32_t workers, const diskann_allocator *allocator,
                    diskann_op **out)
{
    TRY(op_create(calls, bytes, workers, allocator, out));
    findings *found = (findings *)*out;
    found->list = memory_get_zeroed(&found->base.account, DISKANN_FINDINGS_MAX * sizeof *found->list);
    return found->list != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

void findings_reset(findings *found)
{
    memory_put(&found->base.account, found->list, DISKANN_FINDINGS_MAX * sizeof *found->list);
}

void findings_add(findings *found, uint32_t kind, uint32_t slot, int64_t page)
{
    if (found->count < DISKANN_FINDINGS_MAX) {
        found->list[found->count++] = (diskann_finding){.kind = kind, .slot = slot, .page = page};
    }
    found->total++;
}

const diskann_finding *diskann_verify_findings(const diskann_op *base, uint32_t *count, uint64_t *total)
{
    const findings *found = (const findings *)base;
    if (base->calls != &verify_calls && base->calls != &paged_verify_calls) {
        *count = 0;
        *total = 0;
        return NULL;
    }
    *count = found->count;
    *total = found->total;
    return found->list;
}
