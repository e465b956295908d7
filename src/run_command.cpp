#include "run_command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dry_run.hpp"
#include "interrupt.hpp"
#include "langevo/error.hpp"
#include "langevo/run_file.hpp"
#include "output_claim.hpp"
#include "presets.hpp"
#include "progress.hpp"
#include "run_report.hpp"
#include "standard_output.hpp"
#include "text.hpp"

namespace langevo {

namespace {

constexpr int done = 0;
constexpr int failed = 1;
constexpr int interrupted = 130;

void say(const std::string& sentence) {
  std::fprintf(stderr, "langevo: %s\n", sentence.c_str());
}

/// Every run's place is taken before hours are spent on the first.
std::vector<OutputClaim> claim_outputs(const RunRequest& request, const std::vector<RunPlan>& plans) {
  std::vector<OutputClaim> claims;
  for (const RunPlan& plan : plans) {
    const RunOptions& options = plan.resolved;
    if (options.output.empty()) throw InputError("langevo run is not told where to write; give -o RUN.nc");
    std::vector<NamedInput> inputs;
    if (!request.configuration.empty()) inputs.emplace_back("--config", request.configuration);
    if (!options.points) inputs.emplace_back("--data", options.data);
    if (!options.sigma_file.empty()) inputs.emplace_back("--sigma-file", options.sigma_file);
    if (options.init == InitKind::file) inputs.emplace_back("--init", options.init_file);
    require_other_than_inputs(options.output, inputs);
    claims.emplace_back(options.output,
                        options.overwrite ? ExistingOutput::overwrite : ExistingOutput::refuse);
  }
  return claims;
}

void set_initial_states(Ensemble& ensemble, const RunPlan& plan) {
  if (!plan.resolved.init_per_replica) {
    ensemble.set_all_parameters(plan.initial_parameter);
    return;
  }
  for (std::uint64_t r = 0; r < plan.shape.replicas; ++r) {
    ensemble.set_parameters(
        r, initial_state(plan.resolved, plan.problem.network(), plan.shape.first_replica + r));
  }
}

RunDescription describe(const RunPlan& plan, const std::string& title, const BackendOptions& backend,
                        const Quadrature& quadrature, const Ensemble& ensemble) {
  RunDescription description = describe_run(plan);
  description.quadrature = quadrature;
  description.title = title;
  description.backend = backend.kind == BackendKind::cuda ? "cuda" : "cpu";
  description.device = ensemble.device();
  return description;
}

/// A reference that takes more steps than all replicas together is seldom what was meant.
std::string reference_in_words(const RunPlan& plan) {
  if (!plan.reference) return "no reference: " + plan.why_no_reference;
  const std::uint64_t steps = reference_steps(plan);
  std::string text = "first a reference of " + std::to_string(steps) + " gradient steps";
  const double of_ensemble =
      static_cast<double>(plan.schedule.last_step()) * static_cast<double>(plan.shape.replicas);
  if (static_cast<double>(steps) <= of_ensemble) return text;
  return text + ", more than the ensemble takes: --reference none leaves it out, a larger --alpha makes " +
         "its steps longer";
}

Progress watch(ProgressLine& line) {
  return [&line](double fraction) {
    line.show(fraction);
    return !InterruptGuard::stop_requested();
  };
}

std::optional<ReferenceTrajectory> follow(const RunPlan& plan) {
  if (!plan.reference) return std::nullopt;
  std::vector<double> times;
  for (const std::uint64_t step : plan.schedule.record_steps) {
    times.push_back(static_cast<double>(step) * plan.schedule.time_per_step);
  }
  ProgressLine line({plan.resolved.output + ", reference", static_cast<double>(reference_steps(plan)), 1, ""},
                    plan.resolved.quiet);
  return follow_reference(plan.problem, *plan.reference, plan.reference_time_per_step, plan.initial_parameter,
                          times, watch(line));
}

/// Records that were taken are worth keeping whatever ended the run.
std::string keep_records(RunFile& file) {
  std::string words = "; the records so far are in ";
  try {
    file.flush();
  } catch (const RunError&) {
    words = "; what could be written is in ";
  }
  return file.has_records() ? words + file.partial_path() : "; nothing was recorded";
}

Workload workload_of(const RunPlan& plan) {
  const bool proposes = std::holds_alternative<Metropolis>(plan.dynamics.rule);
  return {plan.resolved.output, static_cast<double>(plan.schedule.last_step()),
          static_cast<double>(plan.shape.replicas), proposes ? "proposals" : "replica steps"};
}

/// The ensemble's own part: evolves it and fills the file.
int evolve(const RunPlan& plan, std::unique_ptr<Ensemble> ensemble, RunFile& file,
           const ReferenceTrajectory* reference) {
  using Clock = std::chrono::steady_clock;
  RunReport report(reference, plan.shape.replicas);
  Simulation simulation(std::move(ensemble), plan.schedule, plan.simulation);
  std::optional<double> time;
  const auto sink = [&](const EnsembleRecord& record) {
    file.append(record);
    report.take(record);
    time = record.time;
  };
  const Clock::time_point begin = Clock::now();
  try {
    ProgressLine line(workload_of(plan), plan.resolved.quiet);
    simulation.run(sink, reference, watch(line));
  } catch (const Stopped&) {
    say("stopped as asked " +
        (time ? "after the record at t = " + rounded(*time, 6) : std::string("before the first record")) +
        keep_records(file));
    return interrupted;
  } catch (const RunError& error) {
    throw RunError(error.what() + keep_records(file));
  }
  const RunSummary summary{.wall_seconds = std::chrono::duration<double>(Clock::now() - begin).count(),
                           .counters = simulation.ensemble().counters(),
                           .gradient_errors = simulation.ensemble().gradient_errors()};
  std::optional<Correspondence> correspondence;
  if (reference) correspondence = report.correspondence(simulation.ensemble());
  file.finish(summary, correspondence ? &*correspondence : nullptr);
  try {
    print(plan.resolved.output + "\n" + report.table(summary));
  } catch (const RunError& error) {
    say(error.what() + std::string(", the run is whole in ") + plan.resolved.output);
    return failed;
  }
  return done;
}

int run_one(const RunPlan& plan, OutputClaim claim, const std::string& title) {
  const RunOptions& options = plan.resolved;
  BackendOptions machine = options.backend;
  const BackendChoice choice = choose_backend(plan);
  machine.kind = choice.kind;  // so that the run file can say which backend it was
  machine.device = choice.device;
  const Dynamics dynamics = dynamics_on(plan, machine.kind);
  std::unique_ptr<Ensemble> ensemble = make_ensemble(plan.problem, dynamics, plan.shape, machine);
  set_initial_states(*ensemble, plan);
  for (const std::string& remark : plan.remarks) say(options.output + ": " + remark);
  if (!options.quiet) {
    const std::string quadrature = quadrature_in_words(dynamics.quadrature);
    if (!plan.data_note.empty()) {
      say("data file '" + options.data + "': " + std::to_string(plan.problem.data().points) + " points, " +
          plan.data_note);
    }
    say(options.output + ": " + std::to_string(options.replicas) + " replicas of " +
        std::to_string(plan.initial_parameter.size()) + " parameters, " +
        std::to_string(plan.schedule.last_step()) + " steps, on " + ensemble->device() +
        (choice.why_not_cuda.empty() ? "" : " (no CUDA: " + choice.why_not_cuda + ")") + "; " +
        reference_in_words(plan) + (quadrature.empty() ? "" : "; quadrature: " + quadrature));
  }
  std::optional<ReferenceTrajectory> reference;
  try {
    reference = follow(plan);
  } catch (const Stopped&) {
    say("stopped as asked before the first record; nothing was written to " + options.output);
    return interrupted;
  }
  const ReferenceTrajectory* const trajectory = reference ? &*reference : nullptr;
  RunFile file(std::move(claim), describe(plan, title, machine, dynamics.quadrature, *ensemble), plan.problem,
               trajectory);
  return evolve(plan, std::move(ensemble), file, trajectory);
}

}  // namespace

int run(const RunRequest& request) {
  std::vector<RunPlan> plans;
  for (const RequestedRun& requested : request.runs) plans.push_back(plan_run(requested.options));
  if (request.print_config) {
    std::vector<RunOptions> resolved;
    for (const RunPlan& plan : plans) resolved.push_back(plan.resolved);
    print(request_text(request, resolved));
    return done;
  }
  if (request.dry_run) {
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const std::string& name = request.runs[i].name;
      print((i > 0 ? "\n" : "") + (name.empty() ? "" : "run             " + name + "\n") +
            describe_plan(plans[i]));
    }
    return done;
  }
  std::vector<OutputClaim> claims = claim_outputs(request, plans);
  std::vector<std::pair<std::string, double>> files;
  for (std::size_t i = 0; i < plans.size(); ++i)
    files.emplace_back(claims[i].partial_path(), output_bytes(plans[i]));
  require_room(files);
  const InterruptGuard guard;
  int worst = done;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const int exit_code = run_one(plans[i], std::move(claims[i]), request.runs[i].title);
    if (exit_code == interrupted) return interrupted;
    worst = std::max(worst, exit_code);
  }
  return worst;
}

}  // namespace langevo
