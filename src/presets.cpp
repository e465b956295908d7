#include "presets.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "langevo/error.hpp"
#include "schedule.hpp"
#include "text.hpp"

namespace langevo {

namespace {

using Pairs = std::vector<std::pair<const char*, const char*>>;

Assignments assignments(const Pairs& pairs) {
  Assignments result;
  for (const auto& [name, value] : pairs) result.push_back({name, value, "preset: "});
  return result;
}

Preset preset(const char* name, const char* shows, const Pairs& network, const Pairs& run, const Pairs& quick,
              const char* varies = "",
              const std::vector<std::pair<const char*, Pairs>>& members = {{"", {}}}) {
  Preset result{name, shows, assignments(network), assignments(quick), varies, {}};
  result.common = overlay(result.common, assignments(run));
  for (const auto& [member, settings] : members) {
    result.members.push_back({member, assignments(settings)});
  }
  return result;
}

const Pairs shallow{{"widths", "1,30,1"}, {"activation", "tanh"}, {"output-bias", "false"},
                    {"data", "sin-unit"}, {"points", "1000"},     {"loss", "mse"}};
const Pairs wide{{"widths", "1,256,1"}, {"activation", "tanh"}, {"output-bias", "false"},
                 {"data", "sin-unit"},  {"points", "1000"},     {"loss", "mse"}};
const Pairs deep{
    {"widths", "1,32x8,1"}, {"activation", "tanh"}, {"output-bias", "true"}, {"data", "sin-symmetric"},
    {"init", "pytorch"},    {"points", "1001"},     {"loss", "mse"}};

std::vector<Preset> make_presets() {
  const Pairs fig1{
      {"dynamics", "metropolis"}, {"beta", "inf"}, {"alpha", "1e-5"}, {"lambda", "0.1"}, {"time", "10"},
      {"replicas", "1000"},       {"seed", "1"}};
  const Pairs fig2{{"dynamics", "metropolis"}, {"beta", "inf"}, {"alpha", "1e-5"}, {"time", "10"},
                   {"replicas", "1000"},       {"seed", "1"}};
  const Pairs fig3{{"dynamics", "metropolis"}, {"beta", "inf"}, {"alpha", "1e-4"}, {"time", "5"},
                   {"replicas", "100"},        {"seed", "1"}};
  const Pairs fig6{{"dynamics", "metropolis"}, {"beta", "1e3"}, {"alpha", "1e-4"}, {"time", "10"},
                   {"replicas", "1000"},       {"seed", "1"}};
  const auto with = [](Pairs pairs, const char* name, const char* value) {
    const auto found = std::find_if(pairs.begin(), pairs.end(),
                                    [name](const auto& p) { return p.first == std::string(name); });
    if (found == pairs.end()) {
      pairs.emplace_back(name, value);
    } else {
      found->second = value;
    }
    return pairs;
  };
  // Fewer points keep the loss and make room for small steps: with large ones noise of variance pi alpha
  // lambda t per weight, not the gradient, would break the symmetry of the initial net.
  const Pairs few{{"points", "64"}, {"alpha", "2e-5"}, {"replicas", "8"}};
  const Pairs few_deep{{"points", "64"}, {"replicas", "4"}};
  const std::vector<std::pair<const char*, Pairs>> three_lambdas{{"lambda-0.1", {{"lambda", "0.1"}}},
                                                                 {"lambda-1", {{"lambda", "1"}}},
                                                                 {"lambda-10", {{"lambda", "10"}}}};
  const std::vector<std::pair<const char*, Pairs>> six_lambdas{
      {"lambda-0.1", {{"lambda", "0.1"}}}, {"lambda-1", {{"lambda", "1"}}},
      {"lambda-10", {{"lambda", "10"}}},   {"lambda-100", {{"lambda", "100"}}},
      {"lambda-1e3", {{"lambda", "1e3"}}}, {"lambda-1e4", {{"lambda", "1e4"}}}};
  const std::vector<std::pair<const char*, Pairs>> two_lambdas{{"lambda-0.1", {{"lambda", "0.1"}}},
                                                               {"lambda-1", {{"lambda", "1"}}}};
  return {
      preset("fig1", "weights and loss: replicas, mean and gradient", shallow, fig1, few),
      preset("fig2", "Delta(t) and loss by lambda", shallow, fig2, few, "lambda", three_lambdas),
      preset("fig3", "deep net: weights, loss, the fitted function (also Figs. 4, 5)", deep, fig3, few_deep,
             "lambda", two_lambdas),
      preset("fig6", "finite temperature: U of the mean net, Delta against the number of replicas", wide,
             fig6, {{"points", "64"}, {"replicas", "8"}}, "lambda", two_lambdas),
      preset("s1", "fig1 from another initial net", shallow, with(fig1, "seed", "2"), few),
      preset("s2", "fig2 from another initial net", shallow, with(fig2, "seed", "2"), few, "lambda",
             three_lambdas),
      preset("s3", "deep net at large lambda", deep, with(fig3, "lambda", "10"), {{"points", "64"}}),
      preset("s4", "replicas reset to the gradient solution at intervals, or never", wide,
             with(with(fig6, "replicas", "152"), "lambda", "1"), {{"points", "64"}, {"replicas", "38"}},
             "reset-every", {{"reset-never", {}}, {"reset-every-1", {{"reset-every", "1"}}}}),
      preset("regimes",
             "mutations of all widths: as the gradient, in the mean, learning otherwise, not learning",
             shallow, with(fig2, "replicas", "100"), few, "lambda", six_lambdas),
  };
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

double expected_seconds(const Preset& preset, bool is_quick) {
  double seconds = 0;
  for (const PresetMember& member : preset.members) {
    seconds += expected_seconds(make_options(preset.settings(member, is_quick)));
  }
  return seconds;
}

}  // namespace

std::string member_path(const std::string& path, const std::string& name) {
  if (name.empty()) return path;
  const std::filesystem::path given(path);
  return (given.parent_path() / (given.stem().string() + "-" + name + given.extension().string())).string();
}

double expected_seconds(const RunOptions& options) {
  // Proposals per second on two cores with 1000 points, on nodes where a run takes them, and with 64, as
  // --dry-run measures them: the larger a mutation, the fewer proposals a model decides. Last, seconds of one
  // gradient step of the reference, with 1000 points on one core, where one gradient does for many.
  struct Rate {
    double parameters;
    double lambda;
    double many_points;
    double few_points;
    double gradient_seconds;
  };
  constexpr Rate rates[] = {{90, 0.1, 1.7e7, 1.6e7, 7.4e-6}, {90, 1, 9.3e6, 8.2e6, 7.4e-6},
                            {90, 10, 4.2e5, 2.3e6, 7.4e-6},  {768, 0.1, 2.3e6, 1.5e6, 6.5e-6},
                            {768, 1, 1.3e6, 7.1e5, 6.5e-6},  {7489, 0.1, 1.9e5, 1.3e5, 1.1e-3},
                            {7489, 1, 2.0e4, 7.5e4, 1.1e-3}, {7489, 10, 9.1e3, 7.6e4, 1.1e-3}};
  double parameters = options.output_bias ? 0 : -options.widths.back();
  for (std::size_t l = 0; l + 1 < options.widths.size(); ++l) {
    parameters += (options.widths[l] + 1.0) * options.widths[l + 1];
  }
  const double lambda = options.lambda.value_or(0.1);
  const auto distance = [&](const Rate& rate) {
    return 10 * std::abs(std::log(rate.parameters / parameters)) + std::abs(std::log(rate.lambda / lambda));
  };
  const Rate& rate = *std::min_element(std::begin(rates), std::end(rates), [&](const Rate& a, const Rate& b) {
    return distance(a) < distance(b);
  });
  const double time = options.time.value_or(default_time);
  const double steps = time / time_of_step(options, lambda, options.stride.value_or(1 / lambda));
  // Between the two, and beyond them, time is linear in the points.
  const auto points = static_cast<double>(options.points.value_or(1000));
  const double of_point = (1 / rate.many_points - 1 / rate.few_points) / (1000 - 64);
  const double of_proposal = 1 / rate.few_points + (points - 64) * of_point;
  const double reference = options.reference == ReferenceKind::none
                               ? 0
                               : time / options.alpha * points / 1000 * rate.gradient_seconds;
  return steps * static_cast<double>(options.replicas) * of_proposal + reference;
}

Assignments Preset::settings(const PresetMember& member, bool is_quick) const {
  return overlay(is_quick ? overlay(common, quick) : common, member.settings);
}

std::string Preset::title(const PresetMember& member, bool is_quick) const {
  return "langevo run, preset " + name + (is_quick ? " --quick" : "") +
         (member.name.empty() ? "" : ", " + member.name) + ": " + shows;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = make_presets();
  return all;
}

const Preset& find_preset(const std::string& name) {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  throw InputError("there is no preset '" + name + "'; did you mean '" + nearest(name, names) + "' of " +
                   joined(names) + "?");
}

namespace {

std::string members_in_words(const Preset& preset) {
  constexpr std::size_t most_named = 3;
  if (preset.members.size() > most_named)
    return std::to_string(preset.members.size()) + " by " + preset.varies;
  std::vector<std::string> names;
  for (const PresetMember& member : preset.members) {
    if (!member.name.empty()) names.push_back(member.name);
  }
  return names.empty() ? "one" : joined(names);
}

}  // namespace

std::string preset_table() {
  std::string table = padded("preset", 8) + padded("runs", 32) + padded("replicas", 10) +
                      padded("in full", 14) + padded("--quick", 9) + "shows\n";
  for (const Preset& preset : presets()) {
    const RunOptions options = make_options(preset.settings(preset.members.front(), false));
    table += padded(preset.name, 8) + padded(members_in_words(preset), 32) +
             padded(std::to_string(options.replicas), 10) +
             padded(duration_in_words(expected_seconds(preset, false)), 14) +
             padded(duration_in_words(expected_seconds(preset, true)), 9) + preset.shows + "\n";
  }
  return table + "Times are for two cores.\n";
}

std::string preset_text(const Preset& preset, bool is_quick) {
  std::string text = "# " + preset.name + (is_quick ? " --quick" : "") + ": " + preset.shows + "\n";
  for (const PresetMember& member : preset.members) {
    if (!member.name.empty()) text += "\n# ---- " + preset.name + ", run " + member.name + "\n";
    text += configuration_text({make_options(preset.settings(member, is_quick))});
  }
  return text;
}

}  // namespace langevo
