/*
 * Builds an index, searches it, saves it to a file, opens the file again: diskann.h and nothing else of the core.
 * From the root of the repository:
 *
 *     mkdir -p build
 *     cc -std=c11 -O2 -ffp-contract=off -Icsrc/include $(find csrc -name "*.c") examples/c/search.c -lm -o build/search
 *     build/search build/example.diskann
 *
 * That takes the kernels every CPU has; csrc/simd/families.h says how the faster ones are compiled in.
 */
#include "diskann.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIMENSIONS = 32, ROWS = 5000, NEAREST = 5, QUERY_ROW = 42 };

/* Stops at the first call that fails: 0 is done, above 0 is more to do, below 0 is an error. */
static void check(int status, const char *what)
{
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, diskann_status_text(status));
        exit(1);
    }
}

/* One request of an operation. The core reads and writes nothing itself: this is all that it needs of a host. */
static int serve(FILE *file, const diskann_request *request)
{
    if (request->kind == DISKANN_SYNC) {
        return fflush(file) == 0 ? DISKANN_OK : DISKANN_ERR_IO;
    }
    if (fseek(file, (long)request->offset, SEEK_SET) != 0) {
        return DISKANN_ERR_IO;
    }
    const size_t length = (size_t)request->length;
    const size_t moved = request->kind == DISKANN_READ ? fread(request->buffer, 1, length, file)
                                                       : fwrite(request->buffer, 1, length, file);
    return moved == length ? DISKANN_OK : DISKANN_ERR_IO;
}

/* Drives an operation to its end on this thread. A host with threads would share out the items of a stage. */
static int drive(diskann_op *op, FILE *file)
{
    diskann_stage stage;
    int status;
    while ((status = diskann_op_step(op, &stage)) > 0) {
        if (status == DISKANN_RUN) {
            diskann_op_run(op, 0, 0, stage.items);
            continue;
        }
        for (uint32_t i = 0; i < stage.request_count; i++) {
            diskann_op_complete(op, stage.requests[i].ticket, serve(file, &stage.requests[i]));
        }
    }
    return status;
}

static diskann_index *build(const float *vectors)
{
    diskann_config config;
    diskann_config_init(&config, DIMENSIONS);
    diskann_index *index;
    diskann_op *op;
    check(diskann_index_create(&config, NULL, &index), "create");
    check(diskann_build_begin(index, 1, &op), "begin to build");
    check(diskann_op_rows(op, vectors, DISKANN_F32, NULL, ROWS), "take the rows");
    check(diskann_op_finish(op), "build");
    diskann_op_end(op);
    return index;
}

/* A real program writes to a temporary name and renames, so that a failure never leaves half a file. */
static void save(diskann_index *index, const char *path)
{
    FILE *file = fopen(path, "wb");
    diskann_op *op;
    check(file != NULL ? DISKANN_OK : DISKANN_ERR_IO, path);
    check(diskann_save_begin(index, 1, &op), "begin to save");
    check(drive(op, file), "save");
    diskann_op_end(op);
    check(fclose(file) == 0 ? DISKANN_OK : DISKANN_ERR_IO, path);
}

static diskann_index *open_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    diskann_op *op;
    check(file != NULL && fseek(file, 0, SEEK_END) == 0 ? DISKANN_OK : DISKANN_ERR_IO, path);
    check(diskann_open_begin((uint64_t)ftell(file), DISKANN_SIMD_AUTO, 1, NULL, &op), "begin to open");
    check(drive(op, file), "open");
    diskann_index *index = diskann_open_take(op);
    diskann_op_end(op);
    fclose(file);
    return index;
}

static void search(const diskann_index *index, const float *query)
{
    const diskann_search_params params = {.k = NEAREST, .list_size = 64, .beam_width = 1};
    diskann_search_counters counters;
    diskann_searcher *searcher;
    uint64_t ids[NEAREST];
    float distances[NEAREST];
    uint32_t count;
    check(diskann_searcher_create(index, &searcher), "create a searcher");
    check(diskann_search(searcher, query, &params, ids, distances, &count, &counters), "search");
    diskann_searcher_destroy(searcher);
    for (uint32_t i = 0; i < count; i++) {
        printf("  %" PRIu64 " at %.4f\n", ids[i], distances[i]);
    }
    printf("  by %" PRIu64 " distances of %" PRIu64 "\n", counters.distances, diskann_index_size(index));
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "example.diskann";
    float *vectors = malloc(sizeof(float) * DIMENSIONS * ROWS);
    check(vectors != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY, "vectors");
    uint32_t state = 1;
    for (size_t i = 0; i < (size_t)DIMENSIONS * ROWS; i++) {
        state = state * 1664525u + 1013904223u;
        vectors[i] = (float)(state >> 8) / 16777216.0f;
    }
    const float *query = vectors + (size_t)QUERY_ROW * DIMENSIONS;

    diskann_index *index = build(vectors);
    printf("built, nearest to row %d:\n", QUERY_ROW);
    search(index, query);
    save(index, path);
    diskann_index_destroy(index);

    index = open_file(path);
    printf("opened %s, nearest to row %d:\n", path, QUERY_ROW);
    search(index, query);
    diskann_index_destroy(index);
    free(vectors);
    return 0;
}
