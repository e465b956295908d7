// How does the cost of a proposal grow with replicas, points, width, depth, outputs and threads? Proposals
// per second, every one evaluated and screened by the local model, around the shallow net of the paper; as a
// table, and as CSV for bench/plot_scaling.py.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"
#include "sin_targets.hpp"

namespace langevo {
namespace {

struct Size {
  std::uint64_t replicas = 16;
  std::size_t points = 1000;
  int width = 30;
  int depth = 1;
  int outputs = 1;
  Loss loss = Loss::mse;
  int threads = 0;
};

double proposals_per_second(const Size& size, Acceptance acceptance, double seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<int> widths{1};
  for (int l = 0; l < size.depth; ++l) widths.push_back(size.width);
  widths.push_back(size.outputs);
  const Problem problem(Network(widths, Activation::tanh, false),
                        make_sin_targets(size.points, size.outputs, size.loss), size.loss);
  const std::size_t n = problem.network().parameter_count();
  const double beta = std::numeric_limits<double>::infinity();
  const Metropolis rule{beta, Precision::float32, acceptance};
  BackendOptions options;
  options.kind = BackendKind::cpu;
  options.threads = size.threads;
  const auto backend =
      make_ensemble(problem, {rule, std::vector<double>(n, sigma_from_lambda(0.1, 1e-5, beta))},
                    {.replicas = size.replicas}, options);
  backend->set_all_parameters(draw_initial_state(problem.network(), PytorchInit{}, 1, 0));
  std::uint64_t block = 1;
  double spent = 0;
  for (;;) {  // the last of blocks that double is the longest, and local models have had time to grow
    const Clock::time_point begin = Clock::now();
    backend->advance(block);
    const double took = std::chrono::duration<double>(Clock::now() - begin).count();
    spent += took;
    if (spent > seconds) return static_cast<double>(block * size.replicas) / took;
    block *= 2;
  }
}

struct Panel {
  const char* name;
  std::vector<std::pair<double, Size>> sizes;
};

std::vector<Panel> panels() {
  std::vector<Panel> all;
  const auto panel = [&](const char* name, const std::vector<double>& values, const auto& apply) {
    Panel made{name, {}};
    for (const double value : values) {
      Size size;
      apply(size, value);
      made.sizes.emplace_back(value, size);
    }
    all.push_back(std::move(made));
  };
  panel("replicas", {1, 10, 100, 1000, 10000, 100000},
        [](Size& size, double value) { size.replicas = static_cast<std::uint64_t>(value); });
  panel("points", {32, 100, 1000, 10000, 100000},
        [](Size& size, double value) { size.points = static_cast<std::size_t>(value); });
  panel("width", {4, 16, 32, 64, 128, 256, 1024},
        [](Size& size, double value) { size.width = static_cast<int>(value); });
  panel("depth", {1, 2, 4, 8, 16}, [](Size& size, double value) { size.depth = static_cast<int>(value); });
  panel("outputs", {1, 3, 10, 30}, [](Size& size, double value) { size.outputs = static_cast<int>(value); });
  panel("classes", {2, 3, 10, 30}, [](Size& size, double value) {
    size.outputs = static_cast<int>(value);
    size.loss = Loss::cross_entropy;
  });
  std::vector<double> threads;
  for (unsigned t = 1; t <= std::max(1u, std::thread::hardware_concurrency()); t *= 2) threads.push_back(t);
  panel("threads", threads, [](Size& size, double value) { size.threads = static_cast<int>(value); });
  return all;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  using namespace langevo;
  CLI::App app{"Proposals per second against the size of the problem"};
  std::string csv;
  std::string only;
  double seconds = 2;
  app.add_option("--csv", csv, "write the numbers there as well");
  app.add_option("--only", only, "one panel, such as depth");
  app.add_option("--seconds", seconds, "for each number")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  std::ofstream file;
  if (!csv.empty()) file.open(csv);
  file << "panel,value,exact,screened\n";
  std::printf("%-10s %8s %12s %12s\n", "", "", "exact/s", "auto/s");
  for (const Panel& panel : panels()) {
    if (!only.empty() && only != panel.name) continue;
    for (const auto& [value, size] : panel.sizes) {
      const double exact = proposals_per_second(size, Acceptance::exact, seconds);
      const double screened = proposals_per_second(size, Acceptance::automatic, seconds);
      std::printf("%-10s %8g %12.3g %12.3g\n", panel.name, value, exact, screened);
      std::fflush(stdout);
      file << panel.name << ',' << value << ',' << exact << ',' << screened << '\n';
    }
  }
  return 0;
}
