#include "moments_command.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli.hpp"
#include "ensemble_checks.hpp"
#include "langevo/error.hpp"
#include "langevo/one_step_moments.hpp"
#include "langevo/run_options.hpp"
#include "run_checks.hpp"
#include "setting_value.hpp"
#include "settings.hpp"
#include "standard_output.hpp"
#include "text.hpp"

namespace langevo {

namespace {

constexpr double largest_sigma = 1e-6;       // unless --sigma says otherwise
constexpr double allowed_shift = 0.1;        // standard errors that curvature may add where sigma is chosen
constexpr double tolerable_shift = 1;        // and where it is given
constexpr double smallest_relative = 1e-12;  // sigma over |x|: below, x + eps is mostly rounding
constexpr double largest_z = 5;
constexpr double most_relax_steps = 1e9;

/// Settings of `langevo run` that mean the same here.
const std::vector<std::string>& shared_settings() {
  static const std::vector<std::string> names{
      "widths", "activation", "output-bias", "data",       "header",        "points",
      "loss",   "alpha",      "precision",   "sigma-file", "first-replica", "seed",
      "init",   "init-std",   "backend",     "threads",    "device",        "instruction-set"};
  return names;
}

bool is_shared(const Setting& setting) {
  const std::vector<std::string>& names = shared_settings();
  return std::find(names.begin(), names.end(), setting.name) != names.end();
}

struct MomentsArguments {
  std::string a = "0.01,0.1,1,10,inf";
  std::string sigma;
  std::string relax = "0";
  std::string replicas = "1000000";
};

struct MomentsRequest {
  RunOptions options;
  std::vector<double> a;
  double relax = 0;
  std::uint64_t replicas = 0;
};

void bind(CLI::App& app, MomentsArguments& arguments) {
  const char* group = "One step";
  app.add_option("--a", arguments.a,
                 "beta |sigma.g|: steepness of the loss in units of a mutation [" + arguments.a + "]")
      ->type_name("A,A,...")
      ->group(group);
  app.add_option("--replicas", arguments.replicas,
                 "proposals for each a; z is normal from about 10000 on [1000000]")
      ->type_name("R")
      ->group(group);
  app.add_option("--sigma", arguments.sigma,
                 "width of a mutation; the closed form holds where sigma tr(H)/|g| is far below "
                 "1/sqrt(replicas), H the second derivatives [1e-6, or less where curvature asks for it]")
      ->type_name("X")
      ->group(group);
  app.add_option("--relax", arguments.relax,
                 "first follow the normalized gradient for this time, in steps of --alpha [0]")
      ->type_name("T")
      ->group(group);
}

std::vector<double> read_a(const std::string& text) {
  std::vector<double> list;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    double a = 0;
    read_value("--a", text.substr(begin, end - begin), a);
    if (!(a > 0)) throw InputError("--a has " + shortest(a) + "; give positive numbers or inf");
    list.push_back(a);
    begin = end + 1;
  }
  return list;
}

MomentsRequest read_request(const CLI::App& app, const MomentsArguments& arguments, const Assignments& said) {
  refuse_extras(app);
  MomentsRequest request;
  request.options = make_options(said);
  require_effect(said, request.options);
  if (!arguments.sigma.empty()) read_value("--sigma", arguments.sigma, request.options.sigma);
  request.a = read_a(arguments.a);
  read_value("--relax", arguments.relax, request.relax);
  if (!(request.relax >= 0) || !std::isfinite(request.relax)) {
    throw InputError("--relax is " + shortest(request.relax) + "; give a time, 0 or more");
  }
  if (request.relax / request.options.alpha > most_relax_steps) {
    throw InputError("--relax " + shortest(request.relax) + " would take " +
                     rounded(request.relax / request.options.alpha, 3) +
                     " gradient steps; give less, or a larger --alpha");
  }
  read_value("--replicas", arguments.replicas, request.replicas);
  require_replica_numbers(request.replicas, request.options.first_replica);
  return request;
}

/// The plan of a run of one step, for its problem, sigma and x.
RunPlan plan_one_step(const RunOptions& said) {
  RunOptions options = said;
  options.replicas = 1;
  options.steps = 1;
  options.reference = ReferenceKind::none;
  if (!options.sigma && options.sigma_file.empty()) options.sigma = largest_sigma;
  return plan_run(options);
}

std::vector<double> relaxed(const RunPlan& plan, const RunOptions& options, double time) {
  if (time == 0) return plan.initial_parameter;
  const std::vector<double> ones(plan.initial_parameter.size(), 1.0);
  const std::array<double, 1> times{time};
  return follow_reference(plan.problem, {NormalizedGradient{options.alpha}, ones, {}, reference_method},
                          options.alpha, plan.initial_parameter, times, {})
      .parameter.front();
}

/// Sigma as asked, or small enough for the closed form.
OneStepProbe make_probe(const RunPlan& plan, const MomentsRequest& request, std::vector<double>& sigma) {
  const RunOptions& options = request.options;
  const std::vector<double> x = relaxed(plan, options, request.relax);
  sigma = plan.dynamics.sigma;
  OneStepProbe probe(plan.problem, x, sigma);
  const double shift = probe.curvature_shift(request.replicas);
  const bool chosen_here = !options.sigma && options.sigma_file.empty();
  if (chosen_here && shift > allowed_shift) {
    for (double& s : sigma) s *= allowed_shift / shift;
    probe = OneStepProbe(plan.problem, x, sigma);
  } else if (shift > tolerable_shift) {
    const std::string option =
        options.sigma ? "--sigma " + shortest(*options.sigma) : "--sigma-file '" + options.sigma_file + "'";
    throw InputError(option + " is so large that the curvature of the loss moves the results by " +
                     rounded(shift, 2) + " standard errors; give it " + rounded(shift / allowed_shift, 2) +
                     " times smaller");
  }
  double largest = 0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  const double smallest = *std::min_element(sigma.begin(), sigma.end());
  if (smallest < smallest_relative * largest) {
    throw InputError("sigma " + rounded(smallest, 2) + " drowns in the rounding of x up to " +
                     rounded(largest, 2) + "; give a larger --sigma, or another --init or --relax");
  }
  return probe;
}

/// What printf would print.
template <class... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 1024> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, values...);
  return buffer.data();
}

void print_row(const std::string& a, const char* quantity, const Estimate& estimate) {
  print(formatted("%-8s %-21s %12.7f %12.7f %11.7f %7.2f\n", a.c_str(), quantity, estimate.measured,
                  estimate.expected, estimate.standard_error, estimate.z()));
}

void print_heading(const MomentsRequest& request, const RunPlan& plan, const OneStepProbe& probe,
                   const std::vector<double>& sigma, const std::string& device) {
  const Dataset& data = plan.problem.data();
  const auto [least, most] = std::minmax_element(sigma.begin(), sigma.end());
  const std::string range =
      *least == *most ? rounded(*least, 3) : rounded(*least, 3) + " to " + rounded(*most, 3);
  print(formatted("N = %zu parameters, %zu %s, U = %s, |sigma.g| = %s, sigma = %s\n",
                  plan.initial_parameter.size(), data.points,
                  data.weights.empty() ? "points" : "weighted points", rounded(probe.loss(), 6).c_str(),
                  rounded(probe.scaled_gradient_norm(), 6).c_str(), range.c_str()));
  print(
      formatted("%llu proposals for each a on %s; curvature moves the results by up to %s standard errors\n",
                static_cast<unsigned long long>(request.replicas), device.c_str(),
                rounded(probe.curvature_shift(request.replicas), 2).c_str()));
  print("displacements in units of sigma, along and across the direction of sigma.g\n\n");
  print(formatted("%-8s %-21s %12s %12s %11s %7s\n", "a", "quantity", "measured", "expected", "std. error",
                  "z"));
}

/// Prints a's rows; what is too far off goes to `worst` if it is further off than that.
void report(const OneStepMoments& moments, std::pair<double, std::string>& worst) {
  const std::array<std::pair<const char*, const Estimate*>, 4> rows{
      {{"acceptance", &moments.acceptance},
       {"drift along", &moments.drift},
       {"second moment along", &moments.second_moment_along},
       {"second moment across", &moments.second_moment_across}}};
  const std::string a = shortest(moments.a);
  for (const auto& [quantity, estimate] : rows) {
    print_row(a, quantity, *estimate);
    const double off = std::abs(estimate->z());
    if (!(off < largest_z) && !(off <= worst.first)) worst = {off, quantity + (" at a = " + a)};
  }
}

int run_moments(const MomentsRequest& request) {
  const RunPlan plan = plan_one_step(request.options);
  std::vector<double> sigma;
  const OneStepProbe probe = make_probe(plan, request, sigma);
  // made before anything is printed, so that a backend that is missing is all that is said
  const std::string device =
      make_ensemble(plan.problem, plan.dynamics, EnsembleShape{}, request.options.backend)->device();
  print_heading(request, plan, probe, sigma, device);
  OneStepSample sample{.replicas = request.replicas,
                       .first_replica = request.options.first_replica,
                       .seed = request.options.seed,
                       .step = 0,
                       .precision = request.options.precision,
                       .backend = request.options.backend};
  std::pair<double, std::string> worst{0, ""};
  StepCounters total;
  const auto begin = std::chrono::steady_clock::now();
  for (const double a : request.a) {
    const OneStepMoments moments = probe.measure(a, sample);
    report(moments, worst);
    total += moments.counters;
    sample.step += 2;  // other random numbers; odd first steps would all go to the double rung as audits
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto steps = static_cast<double>(total.steps);
  print(formatted("\n%s proposals/s; decided in float: %s %%\n", rounded(steps / seconds, 3).c_str(),
                  rounded(100 * static_cast<double>(total.decided_by_float) / steps, 4).c_str()));
  if (!worst.second.empty()) {
    throw RunError("the " + worst.second + " is " + rounded(worst.first, 3) +
                   " standard errors off, 5 are allowed; repeat with another --seed, and report it if it "
                   "stays");
  }
  return 0;
}

}  // namespace

Command make_moments_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "moments", "Compare one mutation, many times from the same state, with its closed form");
  const auto arguments = std::make_shared<MomentsArguments>();
  bind(*app, *arguments);
  const auto shared = std::make_shared<SettingOptions>(*app, is_shared);
  return {app,
          [app, arguments, shared] { return run_moments(read_request(*app, *arguments, shared->said())); }};
}

}  // namespace langevo
