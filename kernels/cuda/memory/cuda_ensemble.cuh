#pragma once

#include <span>
#include <vector>

#include "kernels/cuda/memory/device_array.cuh"
#include "kernels/cuda/memory/replica_batches.hpp"

namespace langevo {

/// The states of an ensemble. Where they fit they stay on the device; otherwise the host keeps them in pinned
/// memory and ranges of replicas go to the device and back, two streams taking turns, so that one range is
/// copied while the other is worked on.
class CudaEnsemble {
 public:
  /// Does the body write to the states?
  enum class Access { read, write };

  /// One range of replicas while it is on the device.
  struct Visit {
    ReplicaRange range;
    double* states;  ///< [range.count][N]
    const CudaStream& stream;
    std::size_t slot;  ///< of the streams, which one; what belongs to it may be used
  };

  CudaEnsemble(std::size_t parameters, ReplicaBatches batches)
      : parameters_(parameters),
        batches_(batches),
        host_(resident()
                  ? 0
                  : (batches[batches.size() - 1].first + batches[batches.size() - 1].count) * parameters,
              Filled::with_zeros) {
    // states that stay are 0 until they are set; of the others each range is copied there before its visit
    const Filled filled = resident() ? Filled::with_zeros : Filled::before_it_is_read;
    for (std::size_t slot = 0; slot < slots(batches); ++slot) {
      streams_.emplace_back();
      device_.emplace_back(batches.largest() * parameters, filled);
    }
  }

  /// Streams that an ensemble cut in this way uses.
  static std::size_t slots(const ReplicaBatches& batches) { return batches.size() == 1 ? 1 : 2; }

  [[nodiscard]] const CudaStream& first_stream() const { return streams_.front(); }

  /// Calls body(Visit) for every range, in order; the body enqueues work on the visit's stream. Work that
  /// other visits enqueue comes after it, range by range.
  template <class Body>
  void visit_async(Access access, const Body& body) const {
    for (std::uint64_t batch = 0; batch < batches_.size(); ++batch) {
      const std::size_t slot = batch % streams_.size();
      const CudaStream& stream = streams_[slot];
      const ReplicaRange range = batches_[batch];
      double* const states = device_[slot].data();
      double* const at_home = host_.data() + range.first * parameters_;
      if (!resident()) copy_to_device_async(at_home, range.count * parameters_, states, stream);
      body(Visit{range, states, stream, slot});
      if (!resident() && access == Access::write)
        copy_to_host_async(states, range.count * parameters_, at_home, stream);
    }
  }

  /// Visits all ranges and returns when all of it is done.
  template <class Body>
  void visit(Access access, const Body& body) const {
    visit_async(access, body);
    synchronize();
  }

  /// States of replicas first, first + 1, ... from x [count][N].
  void set(std::uint64_t first, std::span<const double> x) {
    if (!resident()) {
      synchronize();
      std::copy(x.begin(), x.end(), host_.data() + first * parameters_);
      return;
    }
    copy_to_device_async(x.data(), x.size(), device_.front().data() + first * parameters_, first_stream());
    first_stream().synchronize();
  }

  [[nodiscard]] std::vector<double> get(std::uint64_t first, std::uint64_t count) const {
    const std::size_t size = count * parameters_;
    if (!resident()) {
      synchronize();
      const double* const begin = host_.data() + first * parameters_;
      return {begin, begin + size};
    }
    std::vector<double> x(size);
    if (count > 0)
      copy_to_host_async(device_.front().data() + first * parameters_, size, x.data(), first_stream());
    first_stream().synchronize();
    return x;
  }

  /// Waits for all work, whatever becomes of it.
  void drain() const noexcept {
    for (const CudaStream& stream : streams_) cudaStreamSynchronize(stream.get());
  }

 private:
  [[nodiscard]] bool resident() const { return batches_.size() == 1; }
  void synchronize() const {
    for (const CudaStream& stream : streams_) stream.synchronize();
  }

  std::size_t parameters_;
  ReplicaBatches batches_;
  PinnedArray<double> host_;  ///< [replicas][N]; empty where the ensemble stays on the device
  std::vector<CudaStream> streams_;
  std::vector<DeviceArray<double>> device_;  ///< for each stream, [largest range][N]
};

}  // namespace langevo
