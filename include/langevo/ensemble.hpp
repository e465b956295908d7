#pragma once

#include <cstddef>
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
  std::uint64_t first_step = 0;  ///< that it takes: the random numbers depend on it, too
};

/// The ensemble at one time, reduced.
struct EnsembleSnapshot {
  Moments moments;
  std::vector<double> losses;  ///< U of every replica, in double, [replicas]
  double loss_of_mean = 0;     ///< U(<x>)
  std::vector<double> traced;  ///< states of the first replicas, [traced][N]
};

/// What trajectories need to go on.
struct EnsembleState {
  EnsembleShape shape;
  std::uint64_t step = 0;  ///< the next one
  StepCounters counters;
  std::vector<double> parameters;  ///< [replicas][N]
  /// Of gradient steps that are followed or in float: where each replica is on its way. For the same dynamics
  /// alone, on any machine.
  std::vector<std::byte> descent;
};

/// What an ensemble has learnt on its way: how good its estimates of the loss change are. It saves time and
/// changes no result. Bytes are for the ensemble alone; `layout` says in words which ensembles can read them.
struct LearntState {
  std::string layout;
  std::vector<std::byte> bytes;
};

/// An ensemble of replicas on one device: state, evolution and reduction.
///
/// A trajectory depends on (seed, global replica index, problem, dynamics) alone. N is the number of
/// parameters; replicas are named by their local index, 0 .. replicas - 1. What a caller passes is checked
/// here, in front of all that devices do: a call that throws InputError has had no effect.
class Ensemble {
 public:
  Ensemble(const Ensemble&) = delete;
  Ensemble& operator=(const Ensemble&) = delete;
  virtual ~Ensemble() = default;

  [[nodiscard]] const EnsembleShape& shape() const { return shape_; }
  [[nodiscard]] std::size_t parameter_count() const { return parameter_count_; }

  /// The step that comes next: shape().first_step, and what was taken since.
  [[nodiscard]] std::uint64_t step() const { return step_; }

  /// Gives every replica the state x, shape [N].
  /// @throws InputError where x is of another size or not finite
  void set_all_parameters(std::span<const double> x);

  /// Sets replicas first, first + 1, ... from x, shape [count][N].
  /// @throws InputError where x is no whole number of states or not finite, or for replicas that do not exist
  void set_parameters(std::uint64_t first, std::span<const double> x);

  /// State of replicas first .. first + count - 1, shape [count][N].
  /// @throws InputError for replicas that do not exist
  [[nodiscard]] std::vector<double> parameters(std::uint64_t first, std::uint64_t count) const;

  /// The states themselves, shape [replicas][N], where they lie; they change with every step and live as long
  /// as the ensemble.
  /// @throws InputError where they are on a device, not in the memory of this process
  [[nodiscard]] std::span<const double> view_parameters() const { return do_view_parameters(); }

  /// Takes `steps` more steps with every replica. How a number of steps is divided among calls changes no bit
  /// of the states.
  /// @throws InputError for steps beyond 2^56 - 1, the last one with random numbers
  /// @throws RunError naming step and replica where a gradient step leaves the finite numbers. Replicas are
  /// then at different steps: states can be read, but the ensemble goes on only from states that are set or
  /// restored.
  void advance(std::uint64_t steps);

  /// Totals since construction, or of the state that was restored and what came after.
  [[nodiscard]] StepCounters counters() const { return counters_; }

  /// The ensemble as it is now, with the states of replicas 0 .. traced - 1. What a device has to do for it
  /// may still go on when this returns, and overlaps with the next advance(); any thread may wait for the
  /// result, while the ensemble lives.
  /// @throws InputError for more traced replicas than there are, or while the future of another snapshot is
  /// still to be taken (or dropped); moments and losses likewise
  [[nodiscard]] std::future<EnsembleSnapshot> snapshot(std::uint64_t traced) const;

  /// Moments of every parameter over replicas: chunk_moments() merged in order.
  [[nodiscard]] Moments parameter_moments() const;

  /// Moments of every parameter over each chunk of replicas, in order. Chunks begin where the global index is
  /// a multiple of replicas_per_chunk, so that those of ensembles which begin there, merged one after the
  /// other, give the bits of one ensemble of all their replicas.
  [[nodiscard]] std::vector<Moments> chunk_moments() const;

  /// U of every replica, in double, shape [replicas].
  [[nodiscard]] std::vector<double> losses() const;

  /// U(x) in double; x of shape [N] need not be finite.
  /// @throws InputError where x is of another size
  [[nodiscard]] double loss(std::span<const double> x) const;

  /// U(x), and g = dU/dx into `gradient`, both of shape [N], by backpropagation in double.
  /// @throws InputError where one of them is of another size
  double gradient(std::span<const double> x, std::span<double> gradient) const;

  /// What another ensemble of the same replicas needs to go on from here to the same bits.
  /// @throws InputError after a step that failed
  [[nodiscard]] EnsembleState save() const;

  /// Goes on from a state that was saved; forgets what was learnt.
  /// @throws InputError where it is of other replicas, of another seed or another network, or not finite
  void restore(const EnsembleState& state);

  /// Optional, beside save() and after restore(): with what was learnt an ensemble also goes on as fast as
  /// before, and counts the same.
  /// @throws InputError where the layout is not learnt_layout() or the bytes are not as many as it says
  [[nodiscard]] LearntState learnt() const;
  void restore_learnt(const LearntState& learnt);

  /// The identity in words: version, device code, sizes, replicas, seed, and a fingerprint of problem and
  /// dynamics.
  [[nodiscard]] std::string learnt_layout() const;

  /// What was measured of gradient steps in float and of followed ones; nothing for other rules.
  [[nodiscard]] GradientErrors gradient_errors() const { return do_gradient_errors(); }

  /// The device in words, e.g. "AMD EPYC (avx512, 2 threads)".
  [[nodiscard]] std::string device() const { return do_device(); }

 protected:
  /// Constructs of arguments that check_ensemble accepts.
  Ensemble(const Problem& problem, const Dynamics& dynamics, const EnsembleShape& shape);

  /// How many bytes were learnt of each replica, and by which code.
  struct Learnt {
    std::string code;
    std::size_t bytes_per_replica = 0;
  };

 private:
  // What a device does: the functions of the same names, of arguments that were checked.
  virtual void do_set_all_parameters(std::span<const double> x) = 0;
  virtual void do_set_parameters(std::uint64_t first, std::span<const double> x) = 0;
  [[nodiscard]] virtual std::vector<double> do_parameters(std::uint64_t first, std::uint64_t count) const = 0;
  [[nodiscard]] virtual std::span<const double> do_view_parameters() const;
  virtual void do_advance(std::uint64_t first_step, std::uint64_t steps, StepCounters& counters) = 0;
  [[nodiscard]] virtual std::future<EnsembleSnapshot> do_snapshot(std::uint64_t traced) const = 0;
  [[nodiscard]] virtual Moments do_parameter_moments() const = 0;
  [[nodiscard]] virtual std::vector<Moments> do_chunk_moments() const = 0;
  [[nodiscard]] virtual std::vector<double> do_losses() const = 0;
  [[nodiscard]] virtual double do_loss(std::span<const double> x) const = 0;
  virtual double do_gradient(std::span<const double> x, std::span<double> gradient) const = 0;
  [[nodiscard]] virtual Learnt do_learnt_layout() const = 0;
  virtual void do_save_learnt(std::span<std::byte> bytes) const = 0;
  virtual void do_restore_learnt(std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual std::size_t do_descent_bytes() const { return 0; }
  virtual void do_save_descent(std::span<std::byte> /*bytes*/) const {}
  virtual void do_restore_descent(std::span<const std::byte> /*bytes*/) {}
  [[nodiscard]] virtual GradientErrors do_gradient_errors() const { return {}; }
  [[nodiscard]] virtual std::string do_device() const = 0;

  void require_replicas(std::uint64_t first, std::uint64_t count) const;
  void require_no_snapshot() const;
  void require_whole() const;

  EnsembleShape shape_;
  std::size_t parameter_count_;
  std::uint64_t fingerprint_;  // of problem and dynamics
  std::uint64_t step_;
  StepCounters counters_;
  bool failed_ = false;                         // replicas may be at different steps
  mutable std::weak_ptr<const void> snapshot_;  // lives as long as a snapshot's future
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

/// An ensemble on the device that the options ask for; its states are 0 until they are set.
/// @throws InputError for what check_ensemble refuses, a device or instruction set that is not there, or an
/// ensemble that cannot fit in memory; `automatic` is the CPU for steps that only the CPU can take
std::unique_ptr<Ensemble> make_ensemble(const Problem& problem, const Dynamics& dynamics,
                                        const EnsembleShape& shape, const BackendOptions& options);

/// Whether the arguments of make_ensemble make sense: replicas 0 .. 2^32 - 1, steps 0 .. 2^56 - 1, one
/// positive sigma for each parameter, numbers of the rule that are positive and finite (beta may be inf),
/// options that exist.
/// @throws InputError
void check_ensemble(const Problem& problem, const Dynamics& dynamics, const EnsembleShape& shape,
                    const BackendOptions& options);

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

/// Why a CUDA device cannot take these steps, as a sentence; empty where it can.
std::string why_not_on_cuda(const Dynamics& dynamics);

/// What an ensemble says where a gradient step leaves the finite numbers.
std::string not_finite_message(std::uint64_t step, std::uint64_t replica);

/// Bytes that an ensemble of this size needs, per-thread workspace included; the check before anything is
/// allocated.
std::uint64_t estimate_memory(const Problem& problem, const Dynamics& dynamics, std::uint64_t replicas,
                              int threads);

}  // namespace langevo
