// How many acceptance decisions does float32 get wrong?
//
// Along the (normalized) gradient path of the paper's nets, replicas make true Metropolis steps at lambda =
// 1/10. Every proposal is decided four times: by the double change of loss (which moves the replica), by
// langevo's ladder that starts with the float change, and by subtracting two float32 losses as one would in
// PyTorch, with tanhf and with a float64 mean of float32 terms. Prints one row per net and time; fails if the
// ladder decides any proposal otherwise than double does, or sends 1 % of them or more on to double.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <thread>

#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "kernels/cpu/parallel_for.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/rules/advance.hpp"
#include "langevo/ensemble.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

/// U(x) in float32 throughout, and with the float32 terms added in double.
struct NaiveLoss {
  float all_float;
  float double_mean;
};

NaiveLoss naive_loss(const Problem& problem, const std::vector<double>& x, std::vector<float>& scratch) {
  const Dataset& data = problem.data();
  const std::size_t points = data.points;
  const auto width = static_cast<std::size_t>(problem.network().max_width());
  scratch.resize(2 * width * points);
  float* h = scratch.data();
  float* next = h + width * points;
  for (std::size_t p = 0; p < points; ++p) h[p] = static_cast<float>(data.inputs[p]);
  for (const Layer& layer : problem.network().layers()) {
    const bool hidden = &layer != &problem.network().layers().back();
    for (int j = 0; j < layer.fan_out; ++j) {
      float* row = next + static_cast<std::size_t>(j) * points;
      const float bias = layer.has_bias ? static_cast<float>(x[layer.bias_offset + j]) : 0.0f;
      for (std::size_t p = 0; p < points; ++p) row[p] = bias;
      for (int k = 0; k < layer.fan_in; ++k) {
        const auto w =
            static_cast<float>(x[layer.weight_offset + static_cast<std::size_t>(j) * layer.fan_in + k]);
        const float* input = h + static_cast<std::size_t>(k) * points;
        for (std::size_t p = 0; p < points; ++p) row[p] += w * input[p];
      }
      if (hidden) {
        for (std::size_t p = 0; p < points; ++p)
          row[p] = hyperbolic_tangent(row[p]);  // within 2 ulp, as PyTorch's
      }
    }
    std::swap(h, next);
  }
  float sum = 0;
  double sum_in_double = 0;
  for (std::size_t p = 0; p < points; ++p) {
    const float residual = h[p] - static_cast<float>(data.targets[p]);
    sum += residual * residual;
    sum_in_double += static_cast<double>(residual * residual);
  }
  return {sum / static_cast<float>(points), static_cast<float>(sum_in_double / static_cast<double>(points))};
}

struct Row {
  std::uint64_t proposals = 0;
  std::uint64_t accepted = 0;
  std::uint64_t ladder_wrong = 0;
  std::uint64_t sent_on =
      0;  ///< to double, because the float bound did not exclude the threshold or to measure it
  std::uint64_t audits = 0;
  std::uint64_t audit_failures = 0;
  std::uint64_t naive_wrong = 0;
  std::uint64_t naive_double_mean_wrong = 0;

  void add(const Row& other) {
    proposals += other.proposals;
    accepted += other.accepted;
    ladder_wrong += other.ladder_wrong;
    sent_on += other.sent_on;
    audits += other.audits;
    audit_failures += other.audit_failures;
    naive_wrong += other.naive_wrong;
    naive_double_mean_wrong += other.naive_double_mean_wrong;
  }
};

/// `steps` Metropolis steps of one replica from x, each decided in all ways.
Row decide_all_ways(const Problem& problem, const ProblemView& view, double beta, double sigma,
                    std::vector<double> x, std::uint32_t replica, std::uint64_t steps) {
  const std::vector<double> sigmas(x.size(), sigma);
  OwnedWorkspace<MetropolisWorkspace<SerialTeam>> owned(view.network);
  const MetropolisWorkspace<SerialTeam>& work = owned.get();
  FloatCalibration calibration;
  StepCounters ladder_counters;
  StepCounters double_counters;
  std::vector<float> scratch;
  Row row;
  const SerialTeam team;
  NaiveLoss loss = naive_loss(problem, x, scratch);
  for (StepContext context{view, sigmas.data(), 1, 0, replica}; context.step < steps; ++context.step) {
    propose(team, context, context.random(Stream::mutation), x.data(), work);
    const std::vector<double> proposed(work.proposed, work.proposed + x.size());
    const double threshold = acceptance_threshold(beta, context.random(Stream::acceptance));
    work.ladder.begin_step(team, context, calibration);
    const auto accepts = [&](Precision precision, StepCounters& counters) {
      const ProposedStep<SerialTeam, StepContext, LadderWorkspace<SerialTeam>> step{
          team, context, precision, x.data(), proposed.data(), work.ladder, &calibration, counters};
      return decide(step, threshold).accepted;
    };
    const bool by_ladder = accepts(Precision::float32, ladder_counters);
    const bool by_double = accepts(Precision::float64, double_counters);
    const NaiveLoss new_loss = naive_loss(problem, proposed, scratch);
    const bool naive = new_loss.all_float - loss.all_float <= static_cast<float>(threshold);
    const bool naive_double_mean = new_loss.double_mean - loss.double_mean <= static_cast<float>(threshold);
    row.ladder_wrong += by_ladder != by_double ? 1 : 0;
    row.naive_wrong += naive != by_double ? 1 : 0;
    row.naive_double_mean_wrong += naive_double_mean != by_double ? 1 : 0;
    work.ladder.end_step(team, by_double, view.network);
    if (by_double) {
      x = proposed;
      loss = new_loss;
      ++row.accepted;
    }
  }
  row.proposals = steps;
  row.sent_on = steps - ladder_counters.decided_by_float;
  row.audits = ladder_counters.audits;
  row.audit_failures = ladder_counters.audit_failures;
  return row;
}

struct DecisionTable {
  const char* name;
  PaperWorkload workload;
  double path_alpha;  ///< step of the gradient path that leads to the states
  std::uint64_t replicas;
  std::uint64_t steps;
};

bool run(const DecisionTable& extent, double scale) {
  const Problem problem = extent.workload.problem();
  const std::size_t n = problem.network().parameter_count();
  std::vector<double> x = extent.workload.initial_state();
  const HostProblem host(problem);
  const double sigma = extent.workload.sigma(0.1);
  const auto path =
      make_ensemble(problem, Dynamics{NormalizedGradient{extent.path_alpha}, std::vector<double>(n, 1.0)},
                    EnsembleShape{}, BackendOptions{BackendKind::cpu, 1, 0, ""});
  path->set_all_parameters(x);
  const auto steps = static_cast<std::uint64_t>(std::llround(scale * static_cast<double>(extent.steps)));
  bool good = true;
  for (const double time : {0.1, 1.0, 5.0, 10.0}) {
    const auto target = static_cast<std::uint64_t>(std::llround(time / extent.path_alpha));
    path->advance(target - path->step());
    x = path->parameters(0, 1);
    std::vector<Row> rows(extent.replicas);
    parallel_for(extent.replicas, static_cast<int>(std::max(1u, std::thread::hardware_concurrency())), 1,
                 [&](int, std::uint64_t replica) {
                   rows[replica] = decide_all_ways(problem, host.view(), extent.workload.beta, sigma, x,
                                                   static_cast<std::uint32_t>(replica), steps);
                 });
    Row row;
    for (const Row& part : rows) row.add(part);
    const auto percent = [&](std::uint64_t count) {
      return 100.0 * static_cast<double>(count) / static_cast<double>(row.proposals);
    };
    std::printf("%-12s %5.1f %9.3g %10llu %7.2f %12.3f %12.3f %12llu %9.3f %8llu\n", extent.name, time,
                path->loss(x), static_cast<unsigned long long>(row.proposals), percent(row.accepted),
                percent(row.naive_wrong), percent(row.naive_double_mean_wrong),
                static_cast<unsigned long long>(row.ladder_wrong), percent(row.sent_on),
                static_cast<unsigned long long>(row.audit_failures));
    std::fflush(stdout);
    good = good && row.ladder_wrong == 0 && percent(row.sent_on) < 1;
  }
  return good;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  CLI::App app{"Acceptance decisions: float32 subtraction and langevo's ladder against double"};
  double scale = 1;
  std::string net = "all";
  app.add_option("--scale", scale, "share of the proposals of the full table")->check(CLI::PositiveNumber);
  app.add_option("--net", net, "which net")->check(CLI::IsMember({"all", "shallow", "wide", "deep"}));
  CLI11_PARSE(app, argc, argv);
  const langevo::DecisionTable extents[] = {{"shallow", langevo::shallow_workload(), 1e-4, 16, 31250},
                                            {"wide", langevo::wide_workload(), 1e-3, 8, 4000},
                                            {"deep", langevo::deep_workload(), 5e-4, 2, 5000}};
  std::printf("%-12s %5s %9s %10s %7s %12s %12s %12s %9s %8s\n", "net", "t", "U", "proposals", "acc. %",
              "naive f32 %", "f64 mean %", "ladder wrong", "sent on %", "failures");
  bool good = true;
  for (const langevo::DecisionTable& extent : extents) {
    if (net == "all" || net == extent.name) good = langevo::run(extent, scale) && good;
  }
  std::printf(good ? "every decision of the ladder is double's\n"
                   : "FAILED: see the columns 'ladder wrong' and 'sent on'\n");
  return good ? 0 : 1;
}
