#include "addon.h"

namespace diskann_node {

namespace {

enum : uint32_t { TELL_PROGRESS = 1, TELL_REQUESTS = 2, TELL_END = 4 };
enum { PROGRESS_LENGTH = RECORD_PREFIX + 3, END_LENGTH = RECORD_PREFIX + 11 };

double *write_prefix(double *out, double ticket, RecordKind kind, size_t length)
{
    out[0] = ticket;
    out[1] = kind;
    out[2] = static_cast<double>(length);
    return out + RECORD_PREFIX;
}

} // namespace

Job::Job(Addon &addon, std::unique_ptr<Errand> errand, uint32_t workers)
    : Handle(kind_wanted), addon_(&addon), errand_(errand.get()),
      drive_(std::make_unique<Drive>(addon.pool(), *this, std::move(errand), workers))
{
    addon.jobs().insert(this);
}

Job::~Job()
{
    if (addon_ != nullptr) {
        addon_->jobs().erase(this);
    }
}

bool Job::start(double ticket, bool wants_progress)
{
    ticket_ = ticket;
    wants_progress_ = wants_progress;
    addon_->outbox().begin_call();
    if (drive_->start(wants_progress)) {
        return true;
    }
    addon_->outbox().end_call();
    return false;
}

void Job::finish()
{
    drive_.reset();
}

void Job::orphan()
{
    addon_ = nullptr;
    drive_.reset();
}

void Job::on_progress()
{
    addon_->outbox().send(this, TELL_PROGRESS);
}

void Job::on_requests()
{
    addon_->outbox().send(this, TELL_REQUESTS);
}

void Job::on_end()
{
    addon_->outbox().send(this, TELL_END);
}

/* The end repeats the progress, so that the last state is always told. */
size_t Job::record_length(uint32_t bits) const
{
    const bool tells = (bits & TELL_PROGRESS) != 0 || ((bits & TELL_END) != 0 && wants_progress_);
    return (tells ? PROGRESS_LENGTH : 0) + ((bits & TELL_REQUESTS) != 0 ? RECORD_PREFIX : 0) +
           ((bits & TELL_END) != 0 ? END_LENGTH : 0);
}

double *Job::write_progress(double *out)
{
    const Progress progress = drive_->progress();
    double *fields = write_prefix(out, ticket_, RECORD_PROGRESS, PROGRESS_LENGTH);
    fields[0] = progress.phase;
    fields[1] = static_cast<double>(progress.done);
    fields[2] = static_cast<double>(progress.total);
    return out + PROGRESS_LENGTH;
}

void Job::write_end(double *out)
{
    const Outcome &outcome = errand_->outcome();
    double *fields = write_prefix(out, ticket_, RECORD_END, END_LENGTH);
    fields[0] = drive_->status();
    fields[1] = outcome.failure.detail;
    fields[2] = static_cast<double>(outcome.failure.row);
    fields[3] = static_cast<double>(outcome.failure.page);
    fields[4] = static_cast<double>(outcome.failure.value);
    fields[5] = static_cast<double>(outcome.added);
    fields[6] = static_cast<double>(outcome.distances);
    fields[7] = static_cast<double>(outcome.hops);
    fields[8] = static_cast<double>(outcome.rounds);
    fields[9] = static_cast<double>(outcome.reads);
    fields[10] = static_cast<double>(outcome.bytes_read);
}

void Job::write(uint32_t bits, double *out)
{
    if ((bits & TELL_PROGRESS) != 0 || ((bits & TELL_END) != 0 && wants_progress_)) {
        out = write_progress(out);
    }
    if ((bits & TELL_REQUESTS) != 0) {
        out = write_prefix(out, ticket_, RECORD_REQUESTS, RECORD_PREFIX);
    }
    if ((bits & TELL_END) != 0) {
        write_end(out);
    }
}

void Job::written(uint32_t bits)
{
    if ((bits & TELL_END) != 0) {
        addon_->outbox().end_call();
        addon_->weigh();
    }
}

} // namespace diskann_node
