#include "run_command.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "dry_run.hpp"
#include "interrupt.hpp"
#include "langevo/error.hpp"
#include "progress.hpp"
#include "standard_output.hpp"

namespace langevo {

namespace {

constexpr int done = 0;
constexpr int failed = 1;
constexpr int interrupted = 130;

/// Sentences and progress go to standard error, tables to standard output.
class Terminal final : public RunListener {
 public:
  [[nodiscard]] bool lost_a_table() const { return lost_a_table_; }

 private:
  void say(const std::string& sentence) override { std::fprintf(stderr, "langevo: %s\n", sentence.c_str()); }

  void mention(const std::string& sentence) override { say(sentence); }

  Progress watch(const Workload& workload, bool quiet) override {
    return [line = std::make_shared<ProgressLine>(workload, quiet)](double fraction) {
      line->show(fraction);
      return !InterruptGuard::stop_requested();
    };
  }

  void take(const EnsembleRecord& /*record*/) override {}

  void finished(const std::string& output, const std::string& table) override {
    try {
      print(output + "\n" + table);
    } catch (const RunError& error) {
      say(error.what() + std::string(", the run is whole in ") + output);
      lost_a_table_ = true;
    }
  }

  bool lost_a_table_ = false;
};

std::vector<RunPlan> plan_all(const RunRequest& request) {
  std::vector<RunPlan> plans;
  for (const RequestedRun& requested : request.runs) plans.push_back(plan_run(requested.options));
  return plans;
}

std::string configuration_of(const RunRequest& request) {
  std::vector<RunOptions> resolved;
  for (const RunPlan& plan : plan_all(request)) resolved.push_back(plan.resolved);
  return request_text(request, resolved);
}

void describe_plans(const RunRequest& request) {
  const std::vector<RunPlan> plans = plan_all(request);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const std::string& name = request.runs[i].name;
    print((i > 0 ? "\n" : "") + (name.empty() ? "" : "run             " + name + "\n") +
          describe_plan(plans[i]));
  }
}

}  // namespace

int run(const RunCommandRequest& request) {
  if (request.print_config) {
    print(configuration_of(request));
    return done;
  }
  if (request.dry_run) {
    describe_plans(request);
    return done;
  }
  const InterruptGuard guard;
  Terminal terminal;
  if (carry_out(request, terminal) == RunEnd::stopped) return interrupted;
  return terminal.lost_a_table() ? failed : done;
}

}  // namespace langevo
