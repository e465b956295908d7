// A loop of one's own that does what no option says: now and then the worst replica starts again from the
// state of the best one. Each turn is recorded, and the records make a run file that `langevo show`, xarray
// and h5py open. Ends with 1 where the best loss has not fallen to half of what it was.  Usage: own_loop
// [RUN.nc]
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/run_file.hpp"

using namespace langevo;

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "own_loop.nc";
  const Problem problem(Network({1, 8, 1}, Activation::tanh, true), make_sin_unit(64), Loss::mse);
  const std::size_t n = problem.network().parameter_count();
  const EnsembleShape shape{.replicas = 16, .seed = 3};
  const auto ensemble =
      make_ensemble(problem, {Metropolis{}, std::vector<double>(n, 2e-3)}, shape, {.kind = BackendKind::cpu});
  const std::vector<double> start = draw_initial_state(problem.network(), PytorchInit{}, shape.seed, 0);
  ensemble->set_all_parameters(start);
  RunFile file(OutputClaim(path, ExistingOutput::overwrite),
               {.title = "the worst replica follows the best one",
                .configuration = "widths = [1, 8, 1]\nsigma = 2e-3\n",
                .backend = "cpu",
                .device = ensemble->device(),
                .seed = shape.seed,
                .replicas = shape.replicas,
                .initial_parameter = start},
               problem, nullptr);
  const std::uint64_t steps = 500;
  const auto begin = std::chrono::steady_clock::now();
  StepCounters before;
  for (std::uint64_t turn = 0; turn <= 20; ++turn) {
    if (turn > 0) ensemble->advance(steps);
    EnsembleSnapshot now = ensemble->snapshot(0).get();
    const StepCounters since = ensemble->counters() - before;
    before = ensemble->counters();
    const auto [best, worst] = std::minmax_element(now.losses.begin(), now.losses.end());
    const auto place = [&](auto which) { return static_cast<std::uint64_t>(which - now.losses.begin()); };
    ensemble->set_parameters(place(worst), ensemble->parameters(place(best), 1));
    file.append({.step = turn * steps,
                 .time = static_cast<double>(turn),
                 .parameter_mean = now.moments.mean,
                 .parameter_variance = now.moments.variance(),
                 .loss = summarize_losses(now.losses),
                 .loss_of_mean = now.loss_of_mean,
                 .accepted_fraction =
                     turn > 0 ? static_cast<double>(since.accepted) / static_cast<double>(since.steps) : 0,
                 .replica_loss = now.losses,
                 .trace_parameter = {}});
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  file.finish({.wall_seconds = wall.count(), .counters = ensemble->counters()}, nullptr);
  std::fputs(describe_run_file(path).c_str(), stdout);
  return summarize_losses(ensemble->losses()).min < ensemble->loss(start) / 2 ? 0 : 1;
}
