#pragma once

#include <algorithm>

#include "kernels/cuda/memory/cuda_ensemble.cuh"
#include "kernels/cuda/memory/device_moments.cuh"
#include "langevo/ensemble.hpp"

namespace langevo {

/// One snapshot of an ensemble: reduced range by range behind the work that is already on the streams, then
/// copied to the host on a stream of its own, so that the next steps need not wait for the copies.
class DeviceSnapshot {
 public:
  DeviceSnapshot(std::size_t parameters, const ReplicaChunks& chunks, std::uint64_t largest_range)
      : parameters_(parameters),
        moments_(parameters, chunks, largest_range),
        losses_(chunks.replicas, Filled::before_it_is_read),  // by add_async, as the next one
        loss_of_mean_(1, Filled::before_it_is_read),
        host_moments_(2 * parameters, Filled::before_it_is_read),  // by copy_async, as the next one
        host_losses_(chunks.replicas + 1, Filled::before_it_is_read) {}

  DeviceSnapshot(const DeviceSnapshot&) = delete;
  DeviceSnapshot& operator=(const DeviceSnapshot&) = delete;
  /// Copies to memory that goes must have ended.
  ~DeviceSnapshot() { cudaStreamSynchronize(stream_.get()); }

  /// Makes room, before the first range, for the states of replicas 0 .. traced - 1.
  void begin(std::uint64_t traced) {
    copied_.synchronize();
    traced_ = traced;
    if (host_traced_.size() < traced * parameters_)
      host_traced_ = {traced * parameters_, Filled::before_it_is_read};  // by add_async
  }

  /// Takes a range in. losses_of(states, count, losses) enqueues the losses of `count` states on its stream.
  template <class LossesOf>
  void add_async(const CudaEnsemble::Visit& visit, const LossesOf& losses_of) {
    const ReplicaRange range = visit.range;
    losses_of(static_cast<const double*>(visit.states), range.count, losses_.data() + range.first);
    if (range.first < traced_) {  // straight to the host: the states will not stay as they are
      copy_to_host_async(visit.states, std::min(range.count, traced_ - range.first) * parameters_,
                         host_traced_.data() + range.first * parameters_, visit.stream);
    }
    reduced_.hold_back(visit.stream);  // ranges of the other stream come in order
    moments_.add_async(visit.states, range.count, range.first, visit.stream);
    if (range.first + range.count == losses_.size())
      losses_of(moments_.mean(), std::uint64_t{1}, loss_of_mean_.data());
    reduced_.record(visit.stream);
  }

  /// Ends the snapshot after the last range.
  void copy_async() {
    reduced_.hold_back(stream_);
    moments_.copy_async(host_moments_.data(), stream_);
    copy_to_host_async(losses_.data(), losses_.size(), host_losses_.data(), stream_);
    copy_to_host_async(loss_of_mean_.data(), 1, host_losses_.data() + losses_.size(), stream_);
    copied_.record(stream_);
  }

  /// Moments of every chunk instead. Waits for its work.
  [[nodiscard]] std::vector<Moments> chunk_moments(const CudaEnsemble& ensemble) const {
    copied_.synchronize();  // what works with the same memory
    std::vector<Moments> moments;
    ensemble.visit(CudaEnsemble::Access::read, [&](const CudaEnsemble::Visit& visit) {
      moments_.append_chunks(visit.states, visit.range.count, visit.range.first, visit.stream, moments);
    });
    return moments;
  }

  /// Waits for the copies.
  [[nodiscard]] EnsembleSnapshot collect() const {
    copied_.synchronize();
    EnsembleSnapshot snapshot{Moments(parameters_), {}, host_losses_[losses_.size()], {}};
    snapshot.moments.count = losses_.size();
    const double* const mean = host_moments_.data();
    std::copy(mean, mean + parameters_, snapshot.moments.mean.begin());
    std::copy(mean + parameters_, mean + 2 * parameters_, snapshot.moments.sum_squared_deviations.begin());
    snapshot.losses.assign(host_losses_.data(), host_losses_.data() + losses_.size());
    snapshot.traced.assign(host_traced_.data(), host_traced_.data() + traced_ * parameters_);
    return snapshot;
  }

 private:
  std::size_t parameters_;
  std::uint64_t traced_ = 0;
  DeviceMoments moments_;
  DeviceArray<double> losses_;        // [replicas]
  DeviceArray<double> loss_of_mean_;  // [1]
  PinnedArray<double> host_moments_;  // means [N], sums of squared deviations [N]
  PinnedArray<double> host_losses_;   // [replicas], and that of the mean
  PinnedArray<double> host_traced_;   // [traced][N]
  CudaStream stream_;
  CudaEvent reduced_;
  CudaEvent copied_;
};

}  // namespace langevo
