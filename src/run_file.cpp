#include "langevo/run_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "langevo/error.hpp"
#include "netcdf.hpp"
#include "output_claim.hpp"
#include "run_file_layout.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// Makes what was written to a file or directory survive a crash of the machine.
void sync(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  int error = descriptor < 0 ? errno : 0;
  if (descriptor >= 0) {
    if (::fsync(descriptor) != 0) error = errno;
    ::close(descriptor);
  }
  // Some file systems cannot sync a directory.
  if (error != 0 && !(error == EINVAL && (flags & O_DIRECTORY))) {
    throw RunError("'" + path + "' cannot be synced to disk (" + std::strerror(error) + "); check the disk");
  }
}

void expect_size(std::size_t size, std::size_t expected, const std::string& what) {
  if (size == expected) return;
  throw std::invalid_argument("run file: " + what + " has " + std::to_string(size) + " elements instead of " +
                              std::to_string(expected));
}

void check_reference(const ReferenceTrajectory& reference, std::size_t parameters) {
  const std::size_t times = reference.time.size();
  expect_size(reference.step.size(), times, "the reference's step");
  expect_size(reference.loss.size(), times, "the reference's loss");
  expect_size(reference.gradient_norm.size(), times, "the reference's gradient_norm");
  expect_size(reference.parameter.size(), times, "the reference's parameter");
  for (const std::vector<double>& x : reference.parameter)
    expect_size(x.size(), parameters, "a reference state");
}

}  // namespace

RunFile::RunFile(OutputClaim claim, const RunDescription& description, const Problem& problem,
                 const ReferenceTrajectory* reference)
    : claim_(std::move(claim)),
      description_(description),
      data_numbers_(run_file_layout::data_numbers(problem.data())),
      reference_records_(reference ? reference->time.size() : 0) {
  expect_size(description.initial_parameter.size(), problem.network().parameter_count(), "initial_parameter");
  if (reference) check_reference(*reference, description.initial_parameter.size());
  claim_.create_partial();
  try {
    netcdf::File file = netcdf::File::create(partial_path());
    run_file_layout::define(file.root(), description_, problem, reference);
    file.close();
  } catch (...) {
    ::unlink(partial_path().c_str());
    throw;
  }
}

RunFile::~RunFile() {
  if (finished_) return;
  try {
    flush();
  } catch (...) {
    // What was written before stays; there is nobody left to tell.
  }
  if (written_ == 0 && claim_.has_own_partial()) ::unlink(partial_path().c_str());
}

template <class Write>
void RunFile::extend(std::size_t records, const Write& write) {
  claim_.require_own_partial();
  // A failed write would spoil what is there already.
  std::error_code unknown;
  const auto size = static_cast<double>(std::filesystem::file_size(partial_path(), unknown));
  const double needed =
      run_file_layout::most_bytes(description_, data_numbers_, records, reference_records_) -
      (unknown ? 0 : size);
  const Room room = room_of(partial_path());
  if (room.bytes < needed) {
    throw RunError("'" + partial_path() + "' cannot be extended: " + room.words() + " leaves " +
                   bytes_in_words(room.bytes) + " and the next records may need " + bytes_in_words(needed) +
                   "; free some space, what was recorded is kept");
  }
  try {
    netcdf::File file = netcdf::File::open_to_write(partial_path());
    write(file.root());
    file.close();
  } catch (const netcdf::Error& error) {
    throw RunError(std::string(error.what()) + "; check the disk it is on");
  }
}

void RunFile::append(EnsembleRecord record) {
  if (finished_) throw std::logic_error("run file: append after finish");
  const std::size_t parameters = description_.initial_parameter.size();
  const auto keep = [&](bool stored, std::vector<double>& values, std::size_t size, const std::string& what) {
    if (stored) {
      expect_size(values.size(), size, what);
      buffered_bytes_ += size * sizeof(double);
    } else {
      std::vector<double>().swap(values);
    }
  };
  keep(description_.store_parameter_mean, record.parameter_mean, parameters, "parameter_mean");
  keep(description_.store_parameter_variance, record.parameter_variance, parameters, "parameter_variance");
  keep(description_.store_replica_loss, record.replica_loss, description_.replicas, "replica_loss");
  keep(description_.traced_replicas > 0, record.trace_parameter, description_.traced_replicas * parameters,
       "trace_parameter");
  buffered_bytes_ += sizeof(EnsembleRecord);
  buffer_.push_back(std::move(record));
  if (buffer_.size() >= run_file_layout::records_per_batch ||
      buffered_bytes_ >= run_file_layout::bytes_per_batch) {
    flush();
  }
}

void RunFile::flush() {
  if (buffer_.empty()) return;
  extend(written_ + buffer_.size(), [this](const netcdf::Group& root) {
    run_file_layout::append(root, description_, written_, buffer_);
  });
  written_ += buffer_.size();
  buffer_.clear();
  buffered_bytes_ = 0;
}

void RunFile::finish(const RunSummary& summary, const Correspondence* correspondence) {
  if (finished_) throw std::logic_error("run file: finish called twice");
  flush();
  if (correspondence) {
    expect_size(correspondence->delta.size(), written_, "delta");
    expect_size(correspondence->delta_by_replicas.size(), correspondence->replicas_averaged.size(),
                "delta_by_replicas");
  }
  extend(written_,
         [&](const netcdf::Group& root) { run_file_layout::complete(root, summary, correspondence); });
  sync(partial_path(), O_RDONLY);
  claim_.require_own_partial();
  if (std::rename(partial_path().c_str(), claim_.target().c_str()) != 0) {
    throw RunError("'" + partial_path() + "' cannot be renamed to '" + claim_.target() + "' (" +
                   std::strerror(errno) + "); the run is complete under the first name");
  }
  finished_ = true;
  sync(directory_of(claim_.target()), O_RDONLY | O_DIRECTORY);
}

}  // namespace langevo
