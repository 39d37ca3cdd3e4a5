/*
 * The addon's long operations over the real core, on several threads, with files: what Node would ask for, without Node.
 * Under a race detector this also watches the core's own stages.
 */
#include "errands.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace diskann_node;

namespace {

enum { DIMENSIONS = 12, ROWS = 1500, K = 5 };

std::vector<float> make_rows(size_t rows)
{
    std::vector<float> values(rows * DIMENSIONS);
    uint64_t state = 12345;
    for (float &value : values) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        value = static_cast<float>(state >> 40) / 16777216.0f;
    }
    return values;
}

Index *make_index(const std::shared_ptr<Shared> &shared)
{
    diskann_config config;
    diskann_config_init(&config, DIMENSIONS);
    config.max_degree = 16;
    config.build_list_size = 32;
    diskann_index *core = nullptr;
    CHECK_INT(diskann_index_create(&config, shared->memory.allocator(), &core), DISKANN_OK);
    return new Index(shared, core, DIMENSIONS);
}

void insert(const std::shared_ptr<Shared> &shared, Index *index, bool build, const float *rows, size_t count,
            uint32_t workers)
{
    auto errand = std::make_unique<InsertErrand>(index);
    CHECK_INT(errand->begin(build, workers), DISKANN_OK);
    CHECK_INT(diskann_op_rows(errand->op(), rows, DISKANN_F32, nullptr, count), DISKANN_OK);
    const int status = drive<InsertErrand>(shared->pool, std::move(errand), workers, [&](InsertErrand &ended) {
        CHECK_UINT(ended.outcome().added, count);
    });
    CHECK_INT(status, DISKANN_OK);
}

Index *build(const std::shared_ptr<Shared> &shared, const std::vector<float> &rows, uint32_t workers)
{
    Index *index = make_index(shared);
    insert(shared, index, true, rows.data(), rows.size() / DIMENSIONS, workers);
    return index;
}

std::vector<uint8_t> to_bytes(const std::shared_ptr<Shared> &shared, Index *index, uint32_t workers)
{
    diskann_stats stats;
    diskann_index_stats(index->core(), &stats);
    std::vector<uint8_t> bytes(stats.file_bytes);
    auto errand = std::make_unique<SaveBytesErrand>(index, bytes.data(), bytes.size());
    CHECK_INT(errand->begin(workers), DISKANN_OK);
    CHECK_INT(drive<SaveBytesErrand>(shared->pool, std::move(errand), workers, [](SaveBytesErrand &) {}), DISKANN_OK);
    return bytes;
}

class Folder {
public:
    Folder()
    {
        char name[] = "/tmp/diskann-errands-XXXXXX";
        path_ = mkdtemp(name) != nullptr ? name : "";
        CHECK(!path_.empty());
    }
    ~Folder() { CHECK_INT(rmdir(path_.c_str()), 0); } /* only an empty one goes: nothing temporary was left */
    std::string at(const char *name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

std::vector<uint8_t> read_file(const std::string &path)
{
    std::vector<uint8_t> bytes;
    FILE *file = std::fopen(path.c_str(), "rb");
    if (file != nullptr) {
        for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) {
            bytes.push_back(static_cast<uint8_t>(c));
        }
        std::fclose(file);
    }
    return bytes;
}

int save(const std::shared_ptr<Shared> &shared, Index *index, const std::string &path, std::string *message)
{
    auto errand = std::make_unique<SaveErrand>(index, path);
    CHECK_INT(errand->begin(2), DISKANN_OK);
    return drive<SaveErrand>(shared->pool, std::move(errand), 2, [&](SaveErrand &ended) {
        *message = ended.outcome().file.message;
        CHECK_INT(ended.outcome().failure.status != DISKANN_OK, !message->empty());
    });
}

int open(const std::shared_ptr<Shared> &shared, const std::string &path, Index **index, std::string *message)
{
    auto errand = std::make_unique<OpenErrand>(shared, DISKANN_SIMD_AUTO, 3);
    errand->begin_file(path);
    return drive<OpenErrand>(shared->pool, std::move(errand), 3, [&](OpenErrand &ended) {
        *index = ended.outcome().index;
        *message = ended.outcome().file.message;
        ended.outcome().index = nullptr;
    });
}

void same_bytes_with_any_number_of_threads()
{
    const std::vector<float> rows = make_rows(ROWS);
    const std::vector<float> more = make_rows(ROWS / 3);
    std::vector<uint8_t> first;
    for (unsigned threads = 1; threads <= 4; threads++) {
        const Threads pool(threads);
        const std::shared_ptr<Shared> &shared = pool.shared;
        Index *index = build(shared, rows, threads);
        insert(shared, index, false, more.data(), more.size() / DIMENSIONS, threads);
        const std::vector<uint8_t> bytes = to_bytes(shared, index, threads);
        if (threads == 1) {
            first = bytes;
        }
        CHECK(bytes == first);
        index->release_later();
    }
}

void saves_and_opens()
{
    const Threads pool(3);
    const std::shared_ptr<Shared> &shared = pool.shared;
    const Folder folder;
    const std::string path = folder.at("index");
    Index *index = build(shared, make_rows(ROWS), 3);
    std::string message;
    for (int i = 0; i < 2; i++) { /* the second time over the first */
        CHECK_INT(save(shared, index, path, &message), DISKANN_OK);
        CHECK(read_file(path) == to_bytes(shared, index, 2));
    }
    Index *opened = nullptr;
    CHECK_INT(open(shared, path, &opened, &message), DISKANN_OK);
    CHECK(opened != nullptr && to_bytes(shared, opened, 1) == read_file(path));
    unlink(path.c_str());
    index->release_later();
    opened->release_later();
}

void file_errors_name_the_file()
{
    const Threads pool(2);
    const std::shared_ptr<Shared> &shared = pool.shared;
    const Folder folder;
    Index *index = build(shared, make_rows(100), 2);
    Index *opened = nullptr;
    std::string message;
    const std::string absent = folder.at("absent");
    CHECK_INT(open(shared, absent, &opened, &message), DISKANN_ERR_IO);
    CHECK(message == "cannot open '" + absent + "': no such file or directory");
    const std::string inside = folder.at("absent/index");
    CHECK_INT(save(shared, index, inside, &message), DISKANN_ERR_IO);
    CHECK(message == "cannot write '" + inside + "': no such file or directory");
    CHECK_INT(open(shared, "/tmp", &opened, &message), DISKANN_ERR_IO);
    CHECK_TEXT(message.c_str(), "cannot open '/tmp': is a directory");
    CHECK_INT(save(shared, index, "/tmp", &message), DISKANN_ERR_IO);
    CHECK_TEXT(message.c_str(), "cannot write '/tmp': is a directory");
    CHECK_INT(open(shared, "/dev/null", &opened, &message), DISKANN_ERR_IO);
    CHECK_TEXT(message.c_str(), "cannot open '/dev/null': not a regular file");
    CHECK(opened == nullptr);
    index->release_later();
}

void links_and_rights_survive_a_save()
{
    const Threads pool(1);
    const std::shared_ptr<Shared> &shared = pool.shared;
    const Folder folder;
    const std::string path = folder.at("index"), link = folder.at("link");
    Index *index = build(shared, make_rows(50), 1);
    std::string message;
    struct stat info;
    CHECK_INT(save(shared, index, path, &message), DISKANN_OK);
    CHECK_INT(chmod(path.c_str(), 0640), 0);
    CHECK_INT(symlink(path.c_str(), link.c_str()), 0);
    CHECK_INT(save(shared, index, link, &message), DISKANN_OK);
    CHECK(lstat(link.c_str(), &info) == 0 && S_ISLNK(info.st_mode));
    CHECK(lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode));
    CHECK_UINT(info.st_mode & 0777, 0640);
    unlink(link.c_str());
    unlink(path.c_str());
    index->release_later();
}

/* Requests are served by this thread, as JavaScript does for bytes and blobs. */
void opens_what_the_host_reads()
{
    const Threads pool(2);
    const std::shared_ptr<Shared> &shared = pool.shared;
    Index *index = build(shared, make_rows(ROWS), 2);
    const std::vector<uint8_t> bytes = to_bytes(shared, index, 2);
    auto errand = std::make_unique<OpenErrand>(shared, DISKANN_SIMD_AUTO, 2);
    OpenErrand &opening = *errand;
    CHECK_INT(errand->begin_bytes(bytes.size()), DISKANN_OK);
    Ending ending;
    Drive driven(shared->pool, ending, std::move(errand), 2);
    driven.start(false);
    for (int rounds = 0; rounds < 2; rounds++) {
        ending.wait_requests();
        for (uint32_t i = 0; i < driven.stage().request_count; i++) {
            const diskann_request &request = driven.stage().requests[i];
            std::memcpy(request.buffer, bytes.data() + request.offset, request.length);
        }
        driven.resume(DISKANN_OK);
    }
    ending.wait();
    CHECK_INT(driven.status(), DISKANN_OK);
    Index *opened = opening.outcome().index;
    opening.outcome().index = nullptr;
    CHECK(opened != nullptr && to_bytes(shared, opened, 1) == bytes);
    opened->release_later();
    index->release_later();
}

/* Batches, exact scans and audits side by side on one index. */
void reads_run_side_by_side()
{
    const Threads pool(4);
    const std::shared_ptr<Shared> &shared = pool.shared;
    const std::vector<float> rows = make_rows(ROWS);
    Index *index = build(shared, rows, 4);
    std::vector<std::thread> callers;
    std::atomic<unsigned> wrong{0};
    for (int i = 0; i < 3; i++) {
        callers.emplace_back([&] {
            enum { QUERIES = 200 };
            std::vector<double> ids(QUERIES * K);
            std::vector<float> distances(QUERIES * K);
            const diskann_search_params params = {K, 64, 1, 0, 0};
            const HitsOut out = {ids.data(), distances.data(), K};
            auto batch = std::make_unique<BatchErrand>(index, rows.data(), QUERIES, params, out);
            Ending ending;
            wrong += batch->begin(3) != DISKANN_OK;
            Drive driven(shared->pool, ending, std::move(batch), 3);
            driven.start(false);
            ending.wait();
            wrong += driven.status() != DISKANN_OK;
            for (size_t row = 0; row < QUERIES; row++) {
                wrong += ids[row * K] != static_cast<double>(row) || distances[row * K] != 0;
            }
        });
        callers.emplace_back([&] {
            auto verify = std::make_unique<VerifyErrand>(index);
            Ending ending;
            VerifyErrand &verifying = *verify;
            wrong += verify->begin(2) != DISKANN_OK;
            Drive driven(shared->pool, ending, std::move(verify), 2);
            driven.start(false);
            ending.wait();
            wrong += driven.status() != DISKANN_OK || verifying.outcome().finding_total != 0;
        });
        callers.emplace_back([&, i] {
            double ids[K];
            float distances[K];
            auto exact = std::make_unique<ExactErrand>(index, HitsOut{ids, distances, K});
            Ending ending;
            wrong += exact->begin(rows.data() + i * DIMENSIONS, 2) != DISKANN_OK;
            Drive driven(shared->pool, ending, std::move(exact), 2);
            driven.start(false);
            ending.wait();
            wrong += driven.status() != DISKANN_OK || ids[0] != i;
        });
    }
    for (std::thread &caller : callers) {
        caller.join();
    }
    CHECK_UINT(wrong.load(), 0);
    index->release_later();
}

/* An exit in the middle of a build and of a save: nothing leaks, no temporary file stays. */
void everything_can_be_abandoned()
{
    const Folder folder;
    const std::vector<float> rows = make_rows(ROWS);
    for (int moment = 0; moment < 6; moment++) {
        const Threads pool(2);
        const std::shared_ptr<Shared> &shared = pool.shared;
        Index *saved = build(shared, make_rows(400), 2);
        Index *built = make_index(shared);
        auto insertion = std::make_unique<InsertErrand>(built);
        CHECK_INT(insertion->begin(true, 2), DISKANN_OK);
        CHECK_INT(diskann_op_rows(insertion->op(), rows.data(), DISKANN_F32, nullptr, ROWS), DISKANN_OK);
        auto saving = std::make_unique<SaveErrand>(saved, folder.at("index"));
        CHECK_INT(saving->begin(1), DISKANN_OK);
        Ending build_ending, save_ending;
        {
            Drive first(shared->pool, build_ending, std::move(insertion), 2);
            Drive second(shared->pool, save_ending, std::move(saving), 1);
            CHECK(first.start(true) && second.start(false));
            usleep(static_cast<useconds_t>(moment) * 1500);
            first.cancel();
            shared->pool.stop();
        }
        unlink(folder.at("index").c_str()); /* it may have been quick enough */
        built->release_later();
        saved->release_later();
    }
}

void a_cancelled_insert_keeps_whole_batches()
{
    const Threads pool(2);
    const std::shared_ptr<Shared> &shared = pool.shared;
    const std::vector<float> rows = make_rows(ROWS);
    Index *index = make_index(shared);
    auto errand = std::make_unique<InsertErrand>(index);
    InsertErrand &inserting = *errand;
    CHECK_INT(errand->begin(false, 2), DISKANN_OK);
    CHECK_INT(diskann_op_rows(errand->op(), rows.data(), DISKANN_F32, nullptr, ROWS), DISKANN_OK);
    Ending ending;
    Drive driven(shared->pool, ending, std::move(errand), 2);
    driven.start(false);
    usleep(3000);
    driven.cancel();
    ending.wait();
    const bool whole = driven.status() == DISKANN_OK;
    CHECK_INT(driven.status(), whole ? DISKANN_OK : DISKANN_ERR_CANCELLED);
    CHECK_UINT(inserting.outcome().added, diskann_index_size(index->core()));
    CHECK(whole || inserting.outcome().added < ROWS);
    index->release_later();
}

} // namespace

CHECK_MAIN(CHECK_TEST(same_bytes_with_any_number_of_threads), CHECK_TEST(saves_and_opens),
           CHECK_TEST(file_errors_name_the_file), CHECK_TEST(links_and_rights_survive_a_save),
           CHECK_TEST(opens_what_the_host_reads), CHECK_TEST(reads_run_side_by_side),
           CHECK_TEST(everything_can_be_abandoned), CHECK_TEST(a_cancelled_insert_keeps_whole_batches))
