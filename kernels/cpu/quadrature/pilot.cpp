#include "kernels/cpu/quadrature/pilot.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "kernels/cpu/cpu_machine.hpp"
#include "kernels/cpu/parallel_for.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/random/normals.hpp"

namespace langevo {

namespace {

constexpr double one_over_sqrt_2pi = 0.3989422804014327;
/// Share of the last velocity that a long step keeps, which lets it be so many times longer.
constexpr double inertia = 0.9;
constexpr double longer = 1 / (1 - inertia);
/// A long step times the curvature along the last one stays below this.
constexpr double stable = 0.5;
/// Long steps that a trajectory has at least.
constexpr double least_long_steps = 192;

/// Shares of the run at whose end a trajectory's states are taken; the last ones only check.
constexpr double choosing_times[] = {0,     1.0 / 256, 1.0 / 64, 1.0 / 16, 0.125, 0.25,
                                     0.375, 0.5,       0.625,    0.75,     0.875, 1};
constexpr double checking_times[] = {1.0 / 32, 0.3125, 0.6875, 0.9375};

struct TimedState {
  double share;
  bool chooses;
};

std::vector<TimedState> times_of(bool noisy) {
  std::vector<TimedState> times;
  for (const double share : choosing_times) times.push_back({share, true});
  if (noisy) {
    for (const double share : checking_times) times.push_back({share, false});
  }
  std::stable_sort(times.begin(), times.end(),
                   [](const TimedState& a, const TimedState& b) { return a.share < b.share; });
  return times;
}

double product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// A pilot trajectory in units of the mutation widths, y_i = x_i / sigma_i.
class Pilot {
 public:
  Pilot(ProblemKernels& problem, int thread, const Metropolis& rule, std::span<const double> sigma,
        std::span<const double> start, double noise, std::uint32_t number, const PilotPlan& plan)
      : problem_(problem),
        thread_(thread),
        rule_(rule),
        sigma_(sigma),
        x_(start.begin(), start.end()),
        noise_(noise),
        number_(number),
        plan_(plan),
        gradient_(x_.size()),
        velocity_(x_.size(), 0.0) {}

  /// States up to where the gradients are spent or the numbers are no longer finite.
  void follow(const std::vector<TimedState>& times, std::vector<PilotState>& states) {
    const auto total = plan_.mutations;
    double done = 0;
    double length = total / least_long_steps;
    for (const TimedState& time : times) {
      while (done < time.share * total * (1 - 1e-12)) {
        if (gradients_ == plan_.most_gradients || !find_gradient()) return;
        length = std::min({1.5 * length, longest(), total / least_long_steps});
        const double step = std::min(length, time.share * total - done);
        move(step);
        done += step;
      }
      states.push_back({x_, time.chooses});
    }
  }

 private:
  /// G = sigma.dU/dx, and what it says of the curvature along the last step.
  bool find_gradient() {
    const double loss = problem_.loss_and_gradient(thread_, x_.data(), gradient_.data());
    ++gradients_;
    for (std::size_t i = 0; i < x_.size(); ++i) gradient_[i] *= sigma_[i];
    norm_ = std::sqrt(product(gradient_, gradient_));
    if (!std::isfinite(loss) || !std::isfinite(norm_)) return false;
    if (!last_gradient_.empty()) {
      double change = 0;
      for (std::size_t i = 0; i < x_.size(); ++i) change += velocity_[i] * (gradient_[i] - last_gradient_[i]);
      const double square = product(velocity_, velocity_) * last_step_;
      curvature_ = square > 0 ? std::max(0.5 * curvature_, change / square) : curvature_;
    }
    last_gradient_ = gradient_;
    return true;
  }

  /// Drift per mutation and unit of G.
  [[nodiscard]] double drift() const {
    if (!(norm_ > 0)) return 0;
    const double at_zero_temperature = one_over_sqrt_2pi / norm_;
    return std::isfinite(rule_.beta) ? std::min(0.5 * rule_.beta, at_zero_temperature) : at_zero_temperature;
  }

  [[nodiscard]] double longest() const {
    const double stiffness = drift() * curvature_;
    return stiffness > 0 ? longer * stable / stiffness : plan_.mutations;
  }

  /// A long step, for `step` mutations.
  void move(double step) {
    const double pull = drift();
    const double spread = noise_ * std::sqrt(step * (std::isfinite(rule_.beta) ? 1.0 : 0.5));
    std::vector<float> z;
    if (noise_ > 0) z = pilot_normals(plan_.seed, gradients_, number_, x_.size());
    for (std::size_t i = 0; i < x_.size(); ++i) {
      velocity_[i] = inertia * velocity_[i] - (1 - inertia) * pull * gradient_[i];
      x_[i] += sigma_[i] * (step * velocity_[i] + (z.empty() ? 0.0 : spread * static_cast<double>(z[i])));
    }
    last_step_ = step;
  }

  ProblemKernels& problem_;
  int thread_;
  const Metropolis& rule_;
  std::span<const double> sigma_;
  std::vector<double> x_;
  double noise_;
  std::uint32_t number_;
  const PilotPlan& plan_;
  std::vector<double> gradient_;
  std::vector<double> last_gradient_;
  std::vector<double> velocity_;  // of y, per mutation
  double norm_ = 0;
  double curvature_ = 0;  // of U in y, along the way
  double last_step_ = 0;
  std::uint64_t gradients_ = 0;
};

}  // namespace

ProblemKernels::ProblemKernels(const Network& network, const Dataset& data, Loss loss, int threads)
    : kernels_(choose_cpu_kernels({})), problem_(network, data, loss) {
  const std::size_t bytes = kernels_.workspace_bytes(problem_.view().network, nullptr);
  for (int thread = 0; thread < threads; ++thread) memory_.emplace_back(bytes);
}

double ProblemKernels::loss_and_gradient(int thread, const double* x, double* gradient) {
  return kernels_.loss_and_gradient(problem_.view(), x, gradient,
                                    memory_[static_cast<std::size_t>(thread)].data());
}

LossChange ProblemKernels::loss_change(int thread, const double* x, const double* proposed) {
  return kernels_.loss_change(problem_.view(), Precision::float64, x, proposed,
                              memory_[static_cast<std::size_t>(thread)].data());
}

void ProblemKernels::losses_of_points(int thread, const double* x, double* losses) {
  kernels_.losses_of_points(problem_.view(), x, losses, memory_[static_cast<std::size_t>(thread)].data());
}

std::vector<float> pilot_normals(std::uint64_t seed, std::uint64_t step, std::uint32_t replica,
                                 std::size_t n) {
  std::vector<float> z(normal_buffer_size(n));
  draw_normals(SerialTeam{}, RandomSource{seed, step, Stream::pilot, replica}, n, z.data());
  z.resize(n);
  return z;
}

std::vector<PilotState> follow_pilots(ProblemKernels& problem, const Metropolis& rule,
                                      std::span<const double> sigma, std::span<const double> initial_states,
                                      const PilotPlan& plan) {
  const std::size_t n = sigma.size();
  const std::size_t starts = initial_states.size() / n;
  constexpr double noises[] = {0, 1, 1.5};
  std::vector<PilotState> states_of[std::size(noises)];
  parallel_for(std::size(noises), problem.threads(), 1, [&](int thread, std::uint64_t number) {
    const std::span<const double> start = initial_states.subspan(number % starts * n, n);
    const double noise = plan.noise * noises[number];
    Pilot pilot(problem, thread, rule, sigma, start, noise, static_cast<std::uint32_t>(number), plan);
    pilot.follow(times_of(noise > 0), states_of[number]);
  });
  std::vector<PilotState> states;
  for (std::vector<PilotState>& some : states_of)
    states.insert(states.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  return states;
}

}  // namespace langevo
