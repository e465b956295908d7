// What do the parts of screened acceptance cost, in exact steps? One thread's times beside what the
// controller (kernels/screened/controller.hpp) takes them to be.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "paper_workloads.hpp"
#include "screened_replica.hpp"
#include "sin_targets.hpp"

namespace langevo {
namespace {

/// Seconds of one call of `body`: the least mean of five tenths of a second.
template <class Body>
double seconds_of(const Body& body) {
  using Clock = std::chrono::steady_clock;
  double least = 1e300;
  for (int run = 0; run < 5; ++run) {
    const Clock::time_point begin = Clock::now();
    double spent = 0;
    int calls = 0;
    for (; spent < 0.04; ++calls) {
      body();
      spent = std::chrono::duration<double>(Clock::now() - begin).count();
    }
    least = std::min(least, spent / calls);
  }
  return least;
}

void run(const Problem& problem, const char* name) {
  const double infinity = std::numeric_limits<double>::infinity();
  ScreenedReplica replica(problem, draw_initial_state(problem.network(), PytorchInit{}, 1, 0),
                          sigma_from_lambda(0.1, 1e-5, infinity), infinity, Acceptance::automatic);
  ScreenedRun<SerialTeam, StepContext>& run = replica.run;
  const ScreenedWorkspace<SerialTeam>& work = replica.work;
  LocalModel model = work.model;
  ScreeningState& state = replica.state;
  const ProblemView& view = replica.view;
  const std::vector<double>& sigma = replica.sigma;
  const SerialTeam team = replica.team;
  const StepContext context = run.context;
  const auto exact_steps = [&] {
    state.exact_left = 200;
    take_exact_steps(run);
  };
  exact_steps();
  const double exact = seconds_of(exact_steps) / 200;
  const std::vector<double> x(run.replica.x, run.replica.x + replica.x.size());
  std::vector<double> next = x;  // a usual stretch away
  for (std::size_t i = 0; i < next.size(); ++i) next[i] += (i % 2 == 0 ? 30 : -30) * sigma[i];
  double* const here = run.replica.x;
  const auto gradient_at = [&](double* state_there) {
    run.replica.x = state_there;
    find_gradient(run);
    run.replica.x = here;
  };
  state.gradients = ScreeningPolicy::first_gradient_comparisons;
  state.growth[0].across = state.growth[0].length = 1e9f;  // float serves
  if (model.knows_curvature()) {
    set_curvature(team, view, x.data(), sigma.data(), work.curvature, model);
    find_directions(team, true, model);
  }
  bool there = false;
  const double gradient = seconds_of([&] {
    gradient_at(there ? next.data() : here);
    set_scaled_gradient(team, work.gradient.gradient, sigma.data(), model);
    if (model.knows_curvature()) find_directions(team, false, model);
    there = !there;
  });
  gradient_at(next.data());
  state.samples = ScreeningPolicy::samples_before_trust + 1;
  propose(team, context, context.random(Stream::mutation), x.data(), work.exact);
  const double evaluation = seconds_of([&] { decide_exactly(run, 0, false); });
  gradient_at(here);
  const double hessian = seconds_of([&] {
    if (model.knows_curvature()) set_curvature(team, view, x.data(), sigma.data(), work.curvature, model);
  });
  run.model = model;
  run.model.curvature = nullptr;
  run.model.rank = 0;
  run.model.remainder = {};
  constexpr std::uint64_t length = 1000;
  run.stretch = {length, length, true, length, length, {{}, 0, 0, length, true, true}, 0, 0};
  const double proposal = seconds_of([&] {
                            run.progress = {};
                            follow_stretch(run);
                          }) /
                          length;
  const ScreeningCosts costs = screening_costs(view, Precision::float32, model.knows_curvature(), true);
  std::printf("%-38s %9.3g %6.2f %6.2f %6.2f %6.2f %6.2f %6.2f %7.4f %7.4f\n", name, 1e6 * exact,
              evaluation / exact, costs.in_float, gradient / exact, costs.gradient,
              (gradient + hessian) / exact, costs.anchor, proposal / exact, costs.proposal);
  std::fflush(stdout);
}

}  // namespace
}  // namespace langevo

int main() {
  using namespace langevo;
  std::printf("%-38s %9s %13s %13s %13s %15s\n", "", "", "evaluation", "gradient", "anchor", "proposal");
  std::printf("%-38s %9s %6s %6s %6s %6s %6s %6s %7s %7s\n", "", "exact us", "here", "taken", "here", "taken",
              "here", "taken", "here", "taken");
  const auto row = [](const std::vector<int>& widths, std::size_t points, Loss loss) {
    const int outputs = widths.back();
    std::string name = std::to_string(points) + " points, depth " + std::to_string(widths.size() - 2) +
                       ", width " + std::to_string(widths[1]);
    if (outputs > 1) name += ", " + std::to_string(outputs) + (loss == Loss::mse ? " outputs" : " classes");
    run(Problem(Network(widths, Activation::tanh, false), make_sin_targets(points, outputs, loss), loss),
        name.c_str());
  };
  for (const std::size_t points : {32, 100, 1000, 10000}) {
    for (const std::vector<int>& widths :
         std::vector<std::vector<int>>{{1, 4, 1},
                                       {1, 30, 1},
                                       {1, 120, 1},
                                       {1, 256, 1},
                                       {1, 1024, 1},
                                       {1, 32, 32, 1},
                                       {1, 32, 32, 32, 32, 32, 32, 32, 32, 1},
                                       {1, 128, 128, 1}}) {
      row(widths, points, Loss::mse);
    }
    for (const Loss loss : {Loss::mse, Loss::cross_entropy}) {
      for (const int outputs : {3, 10}) row({1, 30, outputs}, points, loss);
    }
  }
  return 0;
}
