/* Public face of an index: create, destroy, get, stats. */
#include "../base/float_mode.h"
#include "../base/status.h"
#include "../op/index.h"
#include "../simd/elements.h"
#include "../store/superblock.h"

#include <string.h>

void diskann_config_init(diskann_config *config, uint32_t dimensions)
{
    *config = (diskann_config){
        .dimensions = dimensions,
        .metric = DISKANN_L2,
        .data_type = DISKANN_F32,
        .max_degree = DISKANN_MAX_DEGREE_DEFAULT,
        .build_list_size = DISKANN_BUILD_LIST_SIZE_DEFAULT,
        .alpha = DISKANN_ALPHA_DEFAULT,
        .simd = DISKANN_SIMD_AUTO,
        .codes = DISKANN_CODES_AUTO,
        .seed = 0,
    };
}

int diskann_index_create(const diskann_config *config, const diskann_allocator *allocator, diskann_index **out)
{
    if (config == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    return index_create(config, allocator, out);
}

void diskann_index_destroy(diskann_index *index)
{
    if (index != NULL) {
        index_destroy(index);
    }
}

uint64_t diskann_index_size(const diskann_index *index)
{
    return index->size;
}

int diskann_index_has(const diskann_index *index, uint64_t id)
{
    return id_map_find(&index->ids, id) != SLOT_NONE;
}

int diskann_index_get(const diskann_index *index, uint64_t id, float *out)
{
    const uint32_t slot = id_map_find(&index->ids, id);
    if (slot == SLOT_NONE) {
        return DISKANN_ERR_NOT_FOUND;
    }
    const diskann_config *config = &index->config;
    const uint64_t mode = float_mode_enter();
    elements_to_floats(config->data_type, record_at(&index->records, slot), 0, config->dimensions, out);
    float_mode_leave(mode);
    return DISKANN_OK;
}

static void count_degrees(const diskann_index *index, diskann_stats *out)
{
    for (uint32_t degree = 0; degree <= index->config.max_degree; degree++) {
        const uint64_t records = (uint64_t)(uint32_t)index->degrees.counts[degree];
        out->edges += records * degree;
        out->degree_max = records > 0 ? degree : out->degree_max;
    }
}

void diskann_index_stats(const diskann_index *index, diskann_stats *out)
{
    const record_layout *layout = &index->records.layout;
    memset(out, 0, sizeof *out);
    out->config = index->config;
    out->size = index->size;
    out->next_id = index->next_id;
    out->record_bytes = layout->record_bytes;
    out->page_bytes = layout->page_bytes;
    out->records_per_page = layout->records_per_page;
    out->pages = record_pages(layout, index->size);
    superblock block = {.config = index->config, .size = index->size, .navigator_size = index->navigator.size};
    superblock_derive(&block);
    out->file_bytes = block.file_bytes;
    out->memory_vectors =
        (uint64_t)index->size * simd_row_bytes(index->config.data_type, index->config.dimensions);
    out->memory_graph = (uint64_t)index->size * index->config.max_degree * sizeof(uint32_t);
    out->memory_records = record_store_bytes(&index->records);
    out->memory_codes = code_store_bytes(&index->codes) + pq_codes_bytes(&index->pq) + navigator_bytes(&index->navigator);
    out->memory_ids = id_map_bytes(&index->ids);
    out->memory_total = index->account.live_bytes + pq_codes_apart(&index->pq);
    out->relative_error = index->size > 0 ? (double)index->errors * 0x1p-32 / index->size : 0.0;
    count_degrees(index, out);
}

int diskann_simd_available(uint32_t simd)
{
    return simd < DISKANN_SIMD_COUNT && simd_kernels_get(simd) != NULL;
}

uint32_t diskann_simd_best(void)
{
    return simd_kernels_get(DISKANN_SIMD_AUTO)->simd;
}
