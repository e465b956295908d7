#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "langevo/dynamics.hpp"
#include "langevo/problem.hpp"
#include "langevo/statistics.hpp"

namespace langevo {

/// Which replicas an ensemble holds and where it draws their random numbers.
struct EnsembleShape {
  std::uint64_t replicas = 1;
  std::uint64_t first_replica = 0;  ///< global index of the first one: the random numbers depend on it
  std::uint64_t seed = 1;
};

/// The ensemble at one time, reduced.
struct EnsembleSnapshot {
  Moments moments;
  std::vector<double> losses;  ///< U of every replica, in double, [replicas]
  double loss_of_mean = 0;     ///< U(<x>)
  std::vector<double> traced;  ///< states of the first replicas, [traced][N]
};

/// An ensemble of replicas on one device: state, evolution and reduction.
///
/// A trajectory depends on (seed, global replica index, problem, dynamics) alone. Calls cross this interface
/// once per block of steps, never per replica.
class Ensemble {
 public:
  Ensemble() = default;
  Ensemble(const Ensemble&) = delete;
  Ensemble& operator=(const Ensemble&) = delete;
  virtual ~Ensemble() = default;

  /// Gives every replica the state x, shape [N].
  virtual void set_all_parameters(std::span<const double> x) = 0;

  /// Sets replicas first, first + 1, ... (local indices) from x, shape [count][N].
  virtual void set_parameters(std::uint64_t first, std::span<const double> x) = 0;

  /// State of replicas first .. first + count - 1 (local indices), shape [count][N].
  [[nodiscard]] virtual std::vector<double> parameters(std::uint64_t first, std::uint64_t count) const = 0;

  /// Takes steps first_step .. first_step + steps - 1 with every replica.
  /// @throws RunError naming step and replica where a gradient step leaves the finite numbers
  virtual void advance(std::uint64_t first_step, std::uint64_t steps) = 0;

  /// Totals since construction.
  [[nodiscard]] virtual StepCounters counters() const = 0;

  /// The ensemble as it is now, with the states of replicas 0 .. traced - 1. What a device has to do for it
  /// may still go on when this returns, and overlaps with the next advance(); any thread may wait for the
  /// result. One at a time: take it before asking for another snapshot, for moments or for losses.
  [[nodiscard]] virtual std::future<EnsembleSnapshot> snapshot(std::uint64_t traced) const = 0;

  /// Moments of every parameter over replicas, in the fixed order of chunks.
  [[nodiscard]] virtual Moments parameter_moments() const = 0;

  /// U of every replica, in double, shape [replicas].
  [[nodiscard]] virtual std::vector<double> losses() const = 0;

  /// U(x) in double.
  [[nodiscard]] virtual double loss(std::span<const double> x) const = 0;

  /// U(x), and g = dU/dx into `gradient`, shape [N], by backpropagation in double.
  virtual double gradient(std::span<const double> x, std::span<double> gradient) const = 0;

  /// The device in words, e.g. "AMD EPYC (avx512, 2 threads)".
  [[nodiscard]] virtual std::string device() const = 0;
};

/// cpu or cuda; `automatic` stands for what choose_backend finds.
enum class BackendKind { automatic, cpu, cuda };

struct BackendOptions {
  BackendKind kind = BackendKind::automatic;
  int threads = 0;                        ///< CPU threads; 0: all that the process may use
  int device = 0;                         ///< CUDA device number
  std::string instruction_set = {};       ///< CPU: generic, avx2 or avx512; empty: the best this machine has
  std::uint64_t device_memory_limit = 0;  ///< CUDA: bytes for states on the device; 0: all that is free
};

/// One row of `langevo devices`.
struct DeviceInfo {
  BackendKind kind = BackendKind::cpu;
  int index = 0;
  std::string name;
  std::uint64_t memory_bytes = 0;
  std::string capability;  ///< instruction set or compute capability
  bool usable = false;
  std::string why_not;
};

/// @throws InputError for an unknown backend, device or instruction set, or an ensemble that cannot fit in
/// memory
std::unique_ptr<Ensemble> make_ensemble(const Problem& problem, const Dynamics& dynamics,
                                        const EnsembleShape& shape, const BackendOptions& options);

std::vector<DeviceInfo> list_devices();

/// Where an ensemble goes.
struct BackendChoice {
  BackendKind kind = BackendKind::cpu;
  int device = 0;
  std::string why_not_cuda = {};  ///< a clause; empty where CUDA was taken or was not to be
};

/// What the options stand for on this machine. `automatic` takes the CUDA device asked for or else the first
/// one that works, where "works" means that some steps of a small ensemble on it end in the CPU's states bit
/// for bit; without such a device it takes the CPU. Other kinds are what they are, whether or not they work.
BackendChoice choose_backend(const BackendOptions& options);

/// What an ensemble says where a gradient step leaves the finite numbers.
std::string not_finite_message(std::uint64_t step, std::uint64_t replica);

/// Bytes that an ensemble of this size needs, per-thread workspace included; the check before anything is
/// allocated.
std::uint64_t estimate_memory(const Problem& problem, const Rule& rule, std::uint64_t replicas, int threads);

}  // namespace langevo
