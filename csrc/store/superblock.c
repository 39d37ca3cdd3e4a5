#include "superblock.h"

#include "../base/bits_layout.h"
#include "../base/status.h"
#include "section.h"

#include <float.h>
#include <string.h>

/*
 * Offsets in the superblock. The first four are the same in every layout version, for ever; so is the
 * checksum's rule.
 */
enum {
    AT_MAGIC = 0,
    AT_CHECKSUM = 8,
    AT_VERSION = 12,
    AT_FEATURES = 16,
    AT_FILE_BYTES = 24,
    AT_PAGES = 32,
    AT_SIZE = 40,
    AT_NEXT_ID = 48,
    AT_SEED = 56,
    AT_PAGE_BYTES = 64,
    AT_RECORDS_PER_PAGE = 68,
    AT_RECORD_BYTES = 72,
    AT_DIMENSIONS = 76,
    AT_METRIC = 80,
    AT_DATA_TYPE = 84,
    AT_MAX_DEGREE = 88,
    AT_BUILD_LIST_SIZE = 92,
    AT_ALPHA = 96,
    AT_NORM_MAX = 100,
    AT_ENTRY = 104,
    AT_CODES = 108,
    AT_CODE_BYTES = 112,
    AT_NAVIGATOR_SIZE = 116,
    AT_CODE_PAGES = 120,
    AT_REST = 128 /* zero to the end */
};

static const uint8_t magic[8] = {'D', 'I', 'S', 'K', 'A', 'N', 'N', 0};

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get_u64(const uint8_t *at)
{
    return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

static float get_f32(const uint8_t *at)
{
    const uint32_t bits = get_u32(at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

static void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

static void put_f32(uint8_t *at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u32(at, bits);
}

/* Of every byte but the four that hold it. */
static uint32_t checksum(page_crc32c *crc32c, const uint8_t *bytes)
{
    const uint32_t head = crc32c(0, bytes, AT_CHECKSUM);
    return crc32c(head, bytes + AT_VERSION, DISKANN_SUPERBLOCK_BYTES - AT_VERSION);
}

/* Bytes of what is in no record. */
static uint64_t code_section_bytes(const superblock *block)
{
    const diskann_config *config = &block->config;
    if (config->codes == DISKANN_CODES_PQ && block->size > 0) {
        const uint64_t floats = (DISKANN_PQ_CENTROIDS_MAX + UINT64_C(1)) * config->dimensions;
        return floats * sizeof(float) + block->size * config->code_bytes;
    }
    if (block->navigator_size > 0) {
        bits_layout layout;
        bits_layout_init(&layout, config->dimensions, bits_navigator_places(config->dimensions, block->navigator_size));
        return config->dimensions * sizeof(float) + layout.block_bytes;
    }
    return 0;
}

void superblock_derive(superblock *block)
{
    record_layout_init(&block->layout, &block->config);
    block->pages = record_pages(&block->layout, block->size);
    block->code_pages = section_pages(&block->layout, code_section_bytes(block));
    if (block->navigator_size > 0) {
        block->layout.pages_offset += block->code_pages * block->layout.page_bytes;
    }
    block->file_bytes = DISKANN_SUPERBLOCK_BYTES + (block->pages + block->code_pages) * block->layout.page_bytes;
}

void superblock_encode(const superblock *block, page_crc32c *crc32c, uint8_t *bytes)
{
    memset(bytes, 0, DISKANN_SUPERBLOCK_BYTES);
    memcpy(bytes + AT_MAGIC, magic, sizeof magic);
    put_u32(bytes + AT_VERSION, SUPERBLOCK_LAYOUT_VERSION);
    put_u64(bytes + AT_FEATURES, 0);
    put_u64(bytes + AT_FILE_BYTES, block->file_bytes);
    put_u64(bytes + AT_PAGES, block->pages);
    put_u64(bytes + AT_SIZE, block->size);
    put_u64(bytes + AT_NEXT_ID, block->next_id);
    put_u64(bytes + AT_SEED, block->config.seed);
    put_u32(bytes + AT_PAGE_BYTES, block->layout.page_bytes);
    put_u32(bytes + AT_RECORDS_PER_PAGE, block->layout.records_per_page);
    put_u32(bytes + AT_RECORD_BYTES, block->layout.record_bytes);
    put_u32(bytes + AT_DIMENSIONS, block->config.dimensions);
    put_u32(bytes + AT_METRIC, block->config.metric);
    put_u32(bytes + AT_DATA_TYPE, block->config.data_type);
    put_u32(bytes + AT_MAX_DEGREE, block->config.max_degree);
    put_u32(bytes + AT_BUILD_LIST_SIZE, block->config.build_list_size);
    put_f32(bytes + AT_ALPHA, block->config.alpha);
    put_f32(bytes + AT_NORM_MAX, block->norm_max);
    put_u32(bytes + AT_ENTRY, block->entry);
    put_u32(bytes + AT_CODES, block->config.codes);
    put_u32(bytes + AT_CODE_BYTES, block->config.code_bytes);
    put_u32(bytes + AT_NAVIGATOR_SIZE, block->navigator_size);
    put_u64(bytes + AT_CODE_PAGES, block->code_pages);
    put_u32(bytes + AT_CHECKSUM, checksum(crc32c, bytes));
}

static void read_fields(superblock *block, const uint8_t *bytes)
{
    memset(block, 0, sizeof *block);
    block->config.dimensions = get_u32(bytes + AT_DIMENSIONS);
    block->config.metric = get_u32(bytes + AT_METRIC);
    block->config.data_type = get_u32(bytes + AT_DATA_TYPE);
    block->config.max_degree = get_u32(bytes + AT_MAX_DEGREE);
    block->config.build_list_size = get_u32(bytes + AT_BUILD_LIST_SIZE);
    block->config.alpha = get_f32(bytes + AT_ALPHA);
    block->config.simd = DISKANN_SIMD_AUTO;
    block->config.codes = get_u32(bytes + AT_CODES);
    block->config.code_bytes = get_u32(bytes + AT_CODE_BYTES);
    block->config.page_bytes = get_u32(bytes + AT_PAGE_BYTES);
    block->config.seed = get_u64(bytes + AT_SEED);
    block->size = get_u64(bytes + AT_SIZE);
    block->next_id = get_u64(bytes + AT_NEXT_ID);
    block->entry = get_u32(bytes + AT_ENTRY);
    block->norm_max = get_f32(bytes + AT_NORM_MAX);
    block->navigator_size = get_u32(bytes + AT_NAVIGATOR_SIZE);
}

/* NaN is in no range. */
static int config_is_valid(const diskann_config *config)
{
    return config->dimensions >= DISKANN_DIMENSIONS_MIN && config->dimensions <= DISKANN_DIMENSIONS_MAX &&
           config->metric < DISKANN_METRIC_COUNT && config->data_type < DISKANN_DATA_TYPE_COUNT &&
           config->max_degree >= DISKANN_MAX_DEGREE_MIN && config->max_degree <= DISKANN_MAX_DEGREE_MAX &&
           config->build_list_size >= DISKANN_LIST_SIZE_MIN &&
           config->build_list_size <= DISKANN_LIST_SIZE_MAX && config->alpha >= 1.0f && config->alpha <= 2.0f &&
           config->codes < DISKANN_CODES_COUNT && config->codes != DISKANN_CODES_AUTO && config->page_bytes != 0 &&
           record_page_bytes_are_valid(config);
}

static int code_bytes_are_valid(const diskann_config *config)
{
    return config->codes == DISKANN_CODES_PQ ? config->code_bytes >= 1 && config->code_bytes <= config->dimensions
                                             : config->code_bytes == 0;
}

static int navigator_is_valid(const superblock *block)
{
    return block->navigator_size == 0 ||
           (block->config.codes == DISKANN_CODES_1BIT && block->navigator_size <= block->size &&
            bits_navigator_places(block->config.dimensions, block->navigator_size) > 0);
}

static int state_is_valid(const superblock *block)
{
    const uint32_t ip = block->config.metric == DISKANN_IP;
    uint32_t norm_bits;
    memcpy(&norm_bits, &block->norm_max, sizeof norm_bits);
    if (block->size > DISKANN_SIZE_MAX || block->next_id > DISKANN_ID_MAX + 1) {
        return 0;
    }
    if (!navigator_is_valid(block)) {
        return 0;
    }
    if (block->size == 0 ? block->entry != SLOT_NONE : block->entry >= block->size) {
        return 0;
    }
    /* +0 unless the metric uses it; never -0, so that equal states have equal bytes */
    return norm_bits == 0 || (ip && block->norm_max > 0.0f && block->norm_max <= FLT_MAX / 4);
}

/* What the file says about its own shape against what follows from the other fields. */
static int shape_is_valid(const superblock *block, const uint8_t *bytes)
{
    return get_u64(bytes + AT_CODE_PAGES) == block->code_pages &&
           get_u32(bytes + AT_RECORD_BYTES) == block->layout.record_bytes &&
           get_u32(bytes + AT_RECORDS_PER_PAGE) == block->layout.records_per_page &&
           get_u32(bytes + AT_PAGE_BYTES) == block->layout.page_bytes &&
           get_u64(bytes + AT_PAGES) == block->pages && get_u64(bytes + AT_FILE_BYTES) == block->file_bytes;
}

int superblock_decode(superblock *block, page_crc32c *crc32c, const uint8_t *bytes, uint64_t *value)
{
    const uint32_t version = get_u32(bytes + AT_VERSION);
    const uint64_t unknown = get_u64(bytes + AT_FEATURES) & ~SUPERBLOCK_FEATURES_KNOWN;
    if (memcmp(bytes + AT_MAGIC, magic, sizeof magic) != 0 ||
        get_u32(bytes + AT_CHECKSUM) != checksum(crc32c, bytes)) {
        return DISKANN_ERR_CORRUPT;
    }
    /* Only now: a damaged version is damage, not a version. */
    if (version != SUPERBLOCK_LAYOUT_VERSION || unknown != 0) {
        *value = version != SUPERBLOCK_LAYOUT_VERSION ? version : unknown;
        return DISKANN_ERR_VERSION;
    }
    read_fields(block, bytes);
    if (!config_is_valid(&block->config) || !code_bytes_are_valid(&block->config) || !state_is_valid(block)) {
        return DISKANN_ERR_CORRUPT;
    }
    superblock_derive(block);
    if (!shape_is_valid(block, bytes) ||
        !bytes_are_zero(bytes + AT_REST, DISKANN_SUPERBLOCK_BYTES - AT_REST)) {
        return DISKANN_ERR_CORRUPT;
    }
    return DISKANN_OK;
}
