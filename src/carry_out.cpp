#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "langevo/error.hpp"
#include "langevo/run_file.hpp"
#include "langevo/run_request.hpp"
#include "output_claim.hpp"
#include "run_description.hpp"
#include "run_report.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// Every run's place is taken before hours are spent on the first.
std::vector<OutputClaim> claim_outputs(const RunRequest& request, const std::vector<RunPlan>& plans) {
  std::vector<OutputClaim> claims;
  for (const RunPlan& plan : plans) {
    const RunOptions& options = plan.resolved;
    if (options.output.empty()) throw InputError("langevo run is not told where to write; give -o RUN.nc");
    std::vector<NamedInput> inputs;
    if (!request.configuration.empty()) inputs.emplace_back("--config", request.configuration);
    if (!options.points) inputs.emplace_back("--data", options.data);
    if (!options.test_data.empty()) inputs.emplace_back("--test-data", options.test_data);
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
                        const Quadrature& quadrature, const Ensemble& ensemble, const Scorer& scorer) {
  RunDescription description = describe_run(plan);
  description.scores = scorer.names();
  description.quadrature = quadrature;
  description.title = title;
  description.backend = backend.kind == BackendKind::cuda ? "cuda" : "cpu";
  description.device = ensemble.device();
  return description;
}

std::optional<ReferenceTrajectory> follow(const RunPlan& plan, Scorer& scorer, RunListener& listener) {
  if (!plan.reference) return std::nullopt;
  std::vector<double> times;
  for (const std::uint64_t step : plan.schedule.record_steps) {
    times.push_back(static_cast<double>(step) * plan.schedule.time_per_step);
  }
  const Workload workload{plan.resolved.output + ", reference", static_cast<double>(reference_steps(plan)), 1,
                          ""};
  ReferenceTrajectory reference =
      follow_reference(plan.problem, *plan.reference, plan.reference_time_per_step, plan.initial_parameter,
                       times, listener.watch(workload, plan.resolved.quiet));
  reference.scores.resize(scorer.names().size());
  for (const std::vector<double>& state : reference.parameter) {
    const std::vector<std::vector<double>> scores = scorer.scores(state);
    for (std::size_t i = 0; i < scores.size(); ++i) reference.scores[i].push_back(scores[i].front());
  }
  return reference;
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
RunEnd evolve(const RunPlan& plan, std::unique_ptr<Ensemble> ensemble, Scorer& scorer, RunFile& file,
              const ReferenceTrajectory* reference, RunListener& listener) {
  using Clock = std::chrono::steady_clock;
  RunReport report(reference, plan.shape.replicas, scorer.names());
  SimulationOptions options = plan.simulation;
  if (!scorer.names().empty()) options.scorer = &scorer;
  Simulation simulation(std::move(ensemble), plan.schedule, options);
  std::optional<double> time;
  const auto sink = [&](const EnsembleRecord& record) {
    file.append(record);
    report.take(record);
    time = record.time;
    listener.take(record);
  };
  const Clock::time_point begin = Clock::now();
  try {
    simulation.run(sink, reference, listener.watch(workload_of(plan), plan.resolved.quiet));
  } catch (const Stopped&) {
    listener.say(
        "stopped as asked " +
        (time ? "after the record at t = " + rounded(*time, 6) : std::string("before the first record")) +
        keep_records(file));
    return RunEnd::stopped;
  } catch (const RunError& error) {
    throw RunError(error.what() + keep_records(file));
  }
  const RunSummary summary{.wall_seconds = std::chrono::duration<double>(Clock::now() - begin).count(),
                           .counters = simulation.ensemble().counters(),
                           .gradient_errors = simulation.ensemble().gradient_errors()};
  std::optional<Correspondence> correspondence;
  if (reference) correspondence = report.correspondence(simulation.ensemble());
  file.finish(summary, correspondence ? &*correspondence : nullptr);
  listener.finished(plan.resolved.output, report.table(summary));
  return RunEnd::whole;
}

void mention_run(const RunPlan& plan, const Dynamics& dynamics, const BackendChoice& choice,
                 const Ensemble& ensemble, RunListener& listener) {
  const RunOptions& options = plan.resolved;
  const std::string quadrature = quadrature_in_words(dynamics.quadrature);
  if (!plan.data_note.empty()) {
    listener.mention("data file '" + options.data + "': " + std::to_string(plan.problem.data().points) +
                     " points, " + plan.data_note);
  }
  listener.mention(options.output + ": " + std::to_string(options.replicas) + " replicas of " +
                   std::to_string(plan.initial_parameter.size()) + " parameters, " +
                   std::to_string(plan.schedule.last_step()) + " steps, on " + ensemble.device() +
                   (choice.why_not_cuda.empty() ? "" : " (no CUDA: " + choice.why_not_cuda + ")") + "; " +
                   reference_in_words(plan) + (quadrature.empty() ? "" : "; quadrature: " + quadrature));
}

RunEnd carry_out_one(const RunPlan& plan, OutputClaim claim, const std::string& title,
                     RunListener& listener) {
  const RunOptions& options = plan.resolved;
  BackendOptions machine = options.backend;
  const BackendChoice choice = choose_backend(plan);
  machine.kind = choice.kind;  // so that the run file can say which backend it was
  machine.device = choice.device;
  const Dynamics dynamics = dynamics_on(plan, machine.kind);
  std::unique_ptr<Ensemble> ensemble = make_ensemble(plan.problem, dynamics, plan.shape, machine);
  set_initial_states(*ensemble, plan);
  for (const std::string& remark : plan.remarks) listener.say(options.output + ": " + remark);
  if (!options.quiet) mention_run(plan, dynamics, choice, *ensemble, listener);
  Scorer scorer(plan.problem, plan.held_out ? &*plan.held_out : nullptr, machine.threads);
  std::optional<ReferenceTrajectory> reference;
  try {
    reference = follow(plan, scorer, listener);
  } catch (const Stopped&) {
    listener.say("stopped as asked before the first record; nothing was written to " + options.output);
    return RunEnd::stopped;
  }
  const ReferenceTrajectory* const trajectory = reference ? &*reference : nullptr;
  RunFile file(std::move(claim), describe(plan, title, machine, dynamics.quadrature, *ensemble, scorer),
               plan.problem, trajectory);
  return evolve(plan, std::move(ensemble), scorer, file, trajectory, listener);
}

}  // namespace

RunEnd carry_out(const RunRequest& request, RunListener& listener) {
  std::vector<RunPlan> plans;
  for (const RequestedRun& requested : request.runs) plans.push_back(plan_run(requested.options));
  std::vector<OutputClaim> claims = claim_outputs(request, plans);
  std::vector<std::pair<std::string, double>> files;
  for (std::size_t i = 0; i < plans.size(); ++i)
    files.emplace_back(claims[i].partial_path(), output_bytes(plans[i]));
  require_room(files);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (carry_out_one(plans[i], std::move(claims[i]), request.runs[i].title, listener) == RunEnd::stopped)
      return RunEnd::stopped;
  }
  return RunEnd::whole;
}

}  // namespace langevo
