#include "dry_run.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <sstream>
#include <thread>
#include <variant>
#include <vector>

#include "last_place.hpp"
#include "run_description.hpp"
#include "setting_value.hpp"
#include "text.hpp"

namespace langevo {

namespace {

double largest_magnitude(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

/// Steps after which a rate is that of the rest of a run.
constexpr std::uint64_t steps_to_learn = 30000;

/// Few, so that each takes many steps in a short time, but one for each thread.
std::uint64_t replicas_of_a_trial(const BackendOptions& machine) {
  if (machine.threads > 0) return static_cast<std::uint64_t>(machine.threads);
  return std::max(1u, std::thread::hardware_concurrency());
}

/// Whether the first steps of a run go slower than the rest, as local models are still to be learnt.
bool learns(const Dynamics& dynamics) {
  const auto* const metropolis = std::get_if<Metropolis>(&dynamics.rule);
  return metropolis != nullptr && metropolis->acceptance != Acceptance::exact;
}

/// Steps of all replicas per second, from a short trial with a replica for each thread, which lasts until
/// local models are learnt and two blocks of steps in turn go at one rate; 0 where even one step would be
/// long.
double measured_rate(const RunPlan& plan, const Dynamics& dynamics, EnsembleShape shape,
                     const BackendOptions& machine, std::uint64_t steps) {
  using Clock = std::chrono::steady_clock;
  constexpr double least_seconds = 0.2;
  constexpr double most_seconds = 4;
  constexpr double steady = 0.1;        // relative
  constexpr double longest_step = 1e9;  // multiply-adds
  const double work = static_cast<double>(plan.problem.network().parameter_count()) *
                      static_cast<double>(plan.problem.data().points);
  if (work > longest_step) return 0;
  shape.replicas = std::min<std::uint64_t>(shape.replicas, replicas_of_a_trial(machine));
  const std::unique_ptr<Ensemble> ensemble = make_ensemble(plan.problem, dynamics, shape, machine);
  ensemble->set_all_parameters(plan.initial_parameter);
  std::uint64_t done = 0;
  double seconds = 0;
  double rate = 0;  // of the last block: local models begin short
  for (std::uint64_t block = 1; seconds < most_seconds && done < steps; block *= 2) {
    const std::uint64_t count = std::min(block, steps - done);
    const Clock::time_point begin = Clock::now();
    ensemble->advance(count);
    const double took = std::max(std::chrono::duration<double>(Clock::now() - begin).count(), 1e-9);
    const double before = rate;
    rate = static_cast<double>(count * shape.replicas) / took;
    seconds += took;
    done += count;
    // Models are trusted from some 10^4 steps on, and where they are, the rate jumps.
    const bool is_learnt = !learns(dynamics) || done >= steps_to_learn;
    if (seconds >= least_seconds && is_learnt && std::abs(rate - before) <= steady * rate) break;
  }
  return rate;
}

/// What there is to say of the reference, and the time that it takes before the ensemble begins.
struct ReferenceEstimate {
  std::string text;
  double seconds = 0;
  bool measured = true;
};

ReferenceEstimate estimate_reference(const RunPlan& plan) {
  if (!plan.reference) return {"none: " + plan.why_no_reference};
  const std::uint64_t steps = reference_steps(plan);
  const std::string text =
      std::to_string(steps) + " gradient steps of " + rounded(plan.reference_time_per_step, 6);
  const double rate =
      measured_rate(plan, *plan.reference, {}, {.kind = BackendKind::cpu, .threads = 1}, steps);
  if (!(rate > 0)) return {text, 0, false};
  const double seconds = static_cast<double>(steps) / rate;
  return {text + ", " + duration_in_words(seconds), seconds};
}

std::string sigma_text(const RunPlan& plan) {
  const auto [least, most] = std::minmax_element(plan.dynamics.sigma.begin(), plan.dynamics.sigma.end());
  std::string text = rounded(*least, 5);
  if (*most > *least) text += " to " + rounded(*most, 5);
  const double largest = largest_magnitude(plan.initial_parameter);
  return text + ", the least " + rounded(*least / last_place<double>(largest), 3) +
         " units in the last place of the largest weight, " + rounded(largest, 3) + " (" +
         rounded(*least / last_place<float>(largest), 3) + " if it were stored in float)";
}

}  // namespace

std::string describe_plan(const RunPlan& plan) {
  std::ostringstream out;
  const Schedule& schedule = plan.schedule;
  const double steps = static_cast<double>(schedule.last_step());
  const ReferenceEstimate reference = estimate_reference(plan);
  const Dynamics dynamics = dynamics_on(plan, choose_backend(plan).kind);
  const std::string quadrature = quadrature_in_words(dynamics.quadrature);
  out << "parameters      " << plan.problem.network().parameter_count() << ", widths "
      << toml_value(plan.resolved.widths) << "\n"
      << "points          " << plan.problem.data().points
      << (plan.data_note.empty() ? "" : ", " + plan.data_note) << "\n"
      << "replicas        " << plan.shape.replicas << ", " << plan.simulation.traced_replicas << " traced\n"
      << "steps           " << schedule.last_step()
      << ", to t = " << rounded(steps * schedule.time_per_step, 6) << "\n"
      << "time per step   " << rounded(schedule.time_per_step, 6) << "\n"
      << "lambda          " << rounded(plan.lambda, 6) << "\n"
      << "sigma           " << sigma_text(plan) << "\n"
      << "records         " << schedule.record_steps.size() << ", " << plan.simulation.reset_steps.size()
      << " followed by a reset\n"
      << "reference       " << reference.text << "\n"
      << (quadrature.empty() ? "" : "quadrature      " + quadrature + "\n") << "memory          "
      << bytes_in_words(static_cast<double>(plan.memory_bytes)) << "\n"
      << "output          " << bytes_in_words(output_bytes(plan)) << "\n";
  const double rate = measured_rate(plan, dynamics, plan.shape, plan.resolved.backend, schedule.last_step());
  const double replica_steps = steps * static_cast<double>(plan.shape.replicas);
  out << "estimated time  "
      << (rate > 0 && reference.measured ? duration_in_words(reference.seconds + replica_steps / rate) +
                                               ", the ensemble at " + rounded(rate, 3) + " proposals/s"
                                         : std::string("not measured: a single step is long"))
      << "\n";
  for (const std::string& remark : plan.remarks) out << "but             " << remark << "\n";
  return out.str();
}

}  // namespace langevo
