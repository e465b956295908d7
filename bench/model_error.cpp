// How far off is the scaled gradient that a local model carries, in units of what screened acceptance allows
// for? Stretches end at random places, where the exact gradient is compared: each of e's parts along the
// model's directions is divided by along_margin times its root mean square of late, and the length of the
// rest by the most it was thought likely to be (kernels/screened/controller.hpp; a decision then allows for
// six standard deviations of what that rest makes of a mutation). Decisions closer than three times these
// bounds are looked at again when a stretch ends, and where the error there was larger than they allowed for
// it is replayed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <random>

#include "paper_workloads.hpp"
#include "screened_replica.hpp"

namespace langevo {
namespace {

constexpr double levels[] = {0.25, 0.5, 1, 1.5};

/// Shares of the stretches with an error above each level.
struct Tail {
  std::uint64_t stretches = 0;
  std::uint64_t along[std::size(levels)] = {};
  std::uint64_t across[std::size(levels)] = {};

  void add(double along_error, double across_error) {
    ++stretches;
    for (std::size_t i = 0; i < std::size(levels); ++i) {
      along[i] += along_error > levels[i] ? 1 : 0;
      across[i] += across_error > levels[i] ? 1 : 0;
    }
  }

  void print(const char* where) const {
    std::printf("  %-22s %8llu", where, static_cast<unsigned long long>(stretches));
    for (const auto& above : {along, across}) {
      for (std::size_t i = 0; i < std::size(levels); ++i)
        std::printf(" %8.1e",
                    stretches > 0 ? static_cast<double>(above[i]) / static_cast<double>(stretches) : 0.0);
    }
    std::printf("\n");
  }
};

/// `stretches` of one replica, of which the first fifth only teaches the controller.
void follow(ScreenedRun<SerialTeam, StepContext>& run, std::uint64_t stretches, std::mt19937_64& generator,
            Tail& early, Tail& late) {
  for (std::uint64_t stretch = 0; stretch < stretches; ++stretch) {
    begin_stretch(run);
    for (int attempt = 0;; ++attempt) {
      const bool first = attempt == 0;
      assume_stretch(run, attempt);
      if (first) run.stretch.most = 1 + generator() % run.stretch.most;
      run.error = {};
      const bool holds = follow_stretch(run) && check_stretch(run);
      if (first && holds && stretch >= stretches / 5) {
        const AssumedError& assumed = run.stretch.error;
        const auto accepted = static_cast<double>(run.progress.accepted);
        (accepted < 0.1 * assumed.length ? early : late)
            .add(assumed.excess_along(run.error, accepted), assumed.excess_across(run.error, accepted));
      }
      if (finish_stretch(run, holds)) break;
    }
  }
}

void run(const PaperWorkload& workload, double time, double lambda, std::uint64_t stretches) {
  constexpr std::uint64_t of_one_replica = 2500;  // further on it would have left that time behind
  const Problem problem = workload.problem();
  const std::vector<double> start = workload.state_at(time);
  std::mt19937_64 generator(7);
  Tail early;
  Tail late;
  std::uint64_t left = stretches + stretches / 4;
  for (std::uint32_t r = 0; left > 0; ++r) {
    ScreenedReplica replica(problem, start, workload.sigma(lambda), workload.beta, Acceptance::screened);
    replica.run.context.replica = r;
    const std::uint64_t mine = std::min(left, of_one_replica);
    follow(replica.run, mine, generator, early, late);
    left -= mine;
  }
  std::printf("%s, t = %g, lambda = %g\n", workload.name, time, lambda);
  early.print("first tenth");
  late.print("later");
  std::fflush(stdout);
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  using namespace langevo;
  CLI::App app{"The error of local models in units of the error assumed"};
  double scale = 1;
  app.add_option("--scale", scale, "stretches, in 200,000 for the shallow net")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  std::printf("%-24s %8s %35s %35s\n", "", "", "share with parts along above", "with the part across above");
  std::printf("%-24s %8s", "", "checked");
  for (int part = 0; part < 2; ++part) {
    for (const double level : levels) std::printf(" %8g", level);
  }
  std::printf("\n");
  const auto stretches = [&](double count) { return static_cast<std::uint64_t>(scale * count) + 1; };
  for (const double time : {0.0, 2.0, 5.0, 9.0}) run(shallow_workload(), time, 0.1, stretches(2e5));
  run(shallow_workload(), 5, 1, stretches(2e5));
  run(wide_workload(), 1, 0.1, stretches(1e4));
  for (const double time : {0.0, 1.0}) run(deep_workload(), time, 0.1, stretches(2e3));
  return 0;
}
