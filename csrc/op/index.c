#include "index.h"

#include "../base/status.h"
#include "../simd/sq8.h"

#include <math.h>

int index_check_config(const diskann_config *config)
{
    if (config->dimensions < DISKANN_DIMENSIONS_MIN || config->dimensions > DISKANN_DIMENSIONS_MAX ||
        config->metric >= DISKANN_METRIC_COUNT || config->data_type >= DISKANN_DATA_TYPE_COUNT ||
        config->max_degree < DISKANN_MAX_DEGREE_MIN || config->max_degree > DISKANN_MAX_DEGREE_MAX ||
        config->build_list_size < DISKANN_LIST_SIZE_MIN || config->build_list_size > DISKANN_LIST_SIZE_MAX ||
        !(config->alpha >= 1.0f && config->alpha <= 2.0f) || config->simd >= DISKANN_SIMD_COUNT ||
        config->codes >= DISKANN_CODES_COUNT || !record_page_bytes_are_valid(config) ||
        config->code_bytes > (config->codes == DISKANN_CODES_PQ ? config->dimensions : 0)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    const simd_kernels *kernels = simd_kernels_get(config->simd);
    return kernels != NULL && index_codes_are_possible(config) ? DISKANN_OK : DISKANN_ERR_UNSUPPORTED;
}

int index_codes_are_possible(const diskann_config *config)
{
    return config->codes == DISKANN_CODES_8BIT   ? code_is_possible(config)
           : config->codes == DISKANN_CODES_1BIT ? config->metric != DISKANN_L1
                                                 : 1;
}

int index_create(const diskann_config *config, const diskann_allocator *allocator, diskann_index **out)
{
    TRY(index_check_config(config));
    memory_account account;
    memory_account_init(&account, allocator);
    diskann_index *index = memory_get_zeroed(&account, sizeof *index);
    if (index == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    const simd_kernels *kernels = simd_kernels_get(config->simd);
    index->config = *config;
    index->config.simd = kernels->simd;
    if (config->codes == DISKANN_CODES_AUTO) {
        index->config.codes = code_is_worthwhile(config) ? DISKANN_CODES_8BIT : DISKANN_CODES_NONE;
    }
    index->may_drop_codes = config->codes != DISKANN_CODES_8BIT;
    if (config->codes == DISKANN_CODES_PQ && config->code_bytes == 0) {
        index->config.code_bytes = pq_code_bytes_default(config->dimensions);
    }
    index->account = account;
    index->entry = SLOT_NONE;
    record_store_init(&index->records, &index->config, &index->account);
    index->config.page_bytes = index->records.layout.page_bytes;
    code_store_init(&index->codes, config, kernels, &index->account);
    navigator_init(&index->navigator, &index->account);
    pq_codes_init(&index->pq, &index->config, kernels->simd, &index->account);
    id_map_init(&index->ids, &index->records, &index->account);
    index->space = (graph_space){
        .records = &index->records,
        .kernels = kernels,
        .codes = index->config.codes == DISKANN_CODES_8BIT ? &index->codes : NULL,
        .bits = index->config.codes == DISKANN_CODES_1BIT ? &index->bits : NULL,
        .navigator = &index->navigator,
        .pq = index->config.codes == DISKANN_CODES_PQ ? &index->pq : NULL,
        .metric = config->metric,
        .data_type = config->data_type,
        .dimensions = config->dimensions,
    };
    if (index->space.bits != NULL && bits_coder_init(&index->bits, config, kernels, &index->account) < 0) {
        index_destroy(index);
        return DISKANN_ERR_NO_MEMORY;
    }
    *out = index;
    return DISKANN_OK;
}

void index_destroy(diskann_index *index)
{
    id_map_reset(&index->ids);
    code_store_reset(&index->codes);
    pq_codes_reset(&index->pq);
    navigator_reset(&index->navigator);
    if (index->space.bits != NULL) {
        bits_coder_reset(&index->bits);
    }
    record_store_reset(&index->records);
    memory_account account = index->account;
    memory_put(&account, index, sizeof *index);
}

uint64_t index_error(const diskann_index *index, uint32_t slot)
{
    if (index->config.data_type != DISKANN_SQ8) {
        return 0;
    }
    const graph_point point = graph_point_at(&index->space, slot);
    const double error = ((const sq8_head *)point.vector)->error;
    const double length = index->config.metric == DISKANN_COSINE ? (point.aux > 0 ? 1.0 / (double)point.aux : 0.0)
                                                                 : sqrt((double)point.aux);
    return (uint64_t)((error < length ? error / length : error > 0) * 0x1p32);
}

void index_drop_codes(diskann_index *index)
{
    index->config.codes = DISKANN_CODES_NONE;
    index->space.codes = NULL;
    code_store_reset(&index->codes);
}

void index_lend_codes(diskann_index *index)
{
    if (graph_is_walked(&index->space) && code_is_worthwhile(&index->config)) {
        index->space.codes = &index->codes;
    }
}

void index_return_codes(diskann_index *index)
{
    if (graph_is_walked(&index->space)) {
        index->space.codes = NULL;
        code_store_reset(&index->codes);
    }
}

static int set_bits_origin(diskann_index *index, graph_point point)
{
    const uint32_t dimensions = index->config.dimensions;
    float *vector = memory_get(&index->account, dimensions * sizeof *vector);
    if (vector == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    graph_code_vector(&index->space, point.vector, vector);
    bits_set_origin(&index->bits, vector);
    memory_put(&index->account, vector, dimensions * sizeof *vector);
    return DISKANN_OK;
}

int index_set_origin(diskann_index *index, uint32_t slot)
{
    const graph_point point = graph_point_at(&index->space, slot);
    if (index->space.bits != NULL) {
        TRY(set_bits_origin(index, point));
    }
    if (index->space.codes == NULL) {
        return DISKANN_OK;
    }
    return code_set_origin(&index->codes, point.vector, graph_code_weight(&index->space, point.aux));
}

void index_encode(const diskann_index *index, uint32_t slot, float *scratch)
{
    const graph_point point = graph_point_at(&index->space, slot);
    const float weight = graph_code_weight(&index->space, point.aux);
    code_encode(&index->codes, slot, point.vector, weight, point.aux, scratch);
}

uint64_t index_pq_scratch(const diskann_index *index)
{
    return (uint64_t)PQ_CODES_ROWS * index->config.dimensions + pq_codes_panel(&index->pq);
}

uint64_t index_pq_pieces(const diskann_index *index, uint64_t rows)
{
    return (rows + PQ_CODES_ROWS - 1) / PQ_CODES_ROWS * pq_codes_ranges(&index->pq);
}

void index_encode_pq(const diskann_index *index, uint64_t first, uint64_t rows, uint64_t piece, float *scratch, uint8_t *out)
{
    const uint32_t dimensions = index->config.dimensions, ranges = pq_codes_ranges(&index->pq);
    const uint64_t row = piece / ranges * PQ_CODES_ROWS, rest = rows - row;
    const uint32_t count = rest < PQ_CODES_ROWS ? (uint32_t)rest : PQ_CODES_ROWS;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *record = record_at(&index->records, (uint32_t)(first + row + i));
        graph_code_vector(&index->space, record, scratch + (size_t)i * dimensions);
    }
    pq_codes_encode(&index->pq, pq_codes_range(&index->pq, (uint32_t)(piece % ranges)), scratch, count,
                    scratch + (size_t)PQ_CODES_ROWS * dimensions, out + row * index->config.code_bytes);
}
