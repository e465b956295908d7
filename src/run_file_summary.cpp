#include <cmath>
#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "input_file.hpp"
#include "langevo/error.hpp"
#include "langevo/run_file.hpp"
#include "measured_error.hpp"
#include "netcdf.hpp"
#include "run_file_format.hpp"
#include "text.hpp"

namespace langevo {

namespace {

std::string number(double value) {
  return rounded(value, 6);
}

/// Lines of a label and a text.
class Table {
 public:
  void add(const std::string& label, const std::string& text) {
    out_ << std::left << std::setw(width) << label << text << '\n';
  }
  [[nodiscard]] std::string text() const { return out_.str(); }

 private:
  static constexpr int width = 15;
  std::ostringstream out_;
};

/// Accepted proposals over all proposals: record k counts the steps since record k - 1.
double overall_acceptance(const netcdf::Group& ensemble) {
  const std::vector<double> step = ensemble.read("step");
  const std::vector<double> fraction = ensemble.read("accepted_fraction");
  double accepted = 0;
  for (std::size_t k = 1; k < step.size(); ++k) accepted += fraction[k] * (step[k] - step[k - 1]);
  return accepted / (step.back() - step.front());
}

void describe_records(Table& table, const netcdf::Group& root, const netcdf::Group& ensemble) {
  const std::vector<double> time = ensemble.read("time");
  const std::size_t records = time.size();
  if (records == 0) return table.add("records", "none");
  const std::size_t last = records - 1;
  const double replicas = static_cast<double>(ensemble.find_dimension("replica").value_or(0));
  const double first_step = ensemble.read_one("step", {0});
  const double last_step = ensemble.read_one("step", {last});
  table.add("records", std::to_string(records) + ", t = " + number(time.front()) + " ... " +
                           number(time.back()) + ", steps " +
                           std::to_string(static_cast<std::uint64_t>(first_step)) + " ... " +
                           std::to_string(static_cast<std::uint64_t>(last_step)));

  const double error = std::sqrt(ensemble.read_one("loss_variance", {last}) / replicas);
  std::string loss = number(ensemble.read_one("loss_mean", {last})) + " +- " + rounded_or_dash(error, 2) +
                     " (mean of replicas, standard error), " +
                     number(ensemble.read_one("loss_of_mean", {last})) + " (mean network)";
  if (const auto reference = root.find_group("reference")) {
    const std::size_t reference_records = reference->shape("loss").at(0);
    if (last < reference_records) loss += ", " + number(reference->read_one("loss", {last})) + " (gradient)";
  }
  table.add("final loss", loss);
  for (const char* score : {"accuracy", "test_loss", "test_accuracy"}) {
    const std::string name = score;
    if (!ensemble.has_variable(name + "_mean")) continue;
    const double spread = std::sqrt(ensemble.read_one(name + "_variance", {last}) / replicas);
    std::string words = number(ensemble.read_one(name + "_mean", {last})) + " +- " +
                        rounded_or_dash(spread, 2) + ", " +
                        number(ensemble.read_one(name + "_of_mean", {last})) + " (mean network)";
    if (const auto reference = root.find_group("reference"); reference && last < reference->shape(name).at(0))
      words += ", " + number(reference->read_one(name, {last})) + " (gradient)";
    table.add(name == "accuracy" ? name : name == "test_loss" ? "test loss" : "test accuracy", words);
  }
  if (const auto correspondence = root.find_group("correspondence")) {
    table.add("final Delta", number(correspondence->read("delta").back()));
  }
  if (last_step > first_step) table.add("acceptance", number(overall_acceptance(ensemble)));
}

void describe_quadrature(Table& table, const netcdf::Group& root) {
  const auto group = root.find_group("quadrature");
  if (!group) return;
  table.add("quadrature",
            std::to_string(group->find_dimension("node").value_or(0)) + " nodes, which leave out " +
                rounded(group->number_attribute("gradient_error").value_or(0), 2) + " of the gradient");
}

void describe_gradients(Table& table, const netcdf::Group& root, std::uint64_t steps) {
  const auto gradients = root.count_attribute("gradients");
  if (!gradients || *gradients == 0) return;
  const auto error = [&root](const std::string& name) {
    return MeasuredError{root.count_attribute(name + "_measured").value_or(0),
                         root.number_attribute(name + "_largest").value_or(0),
                         root.number_attribute(name + "_root_mean_square").value_or(0)};
  };
  table.add("gradients", std::to_string(*gradients) + ", one for " +
                             rounded(static_cast<double>(steps) / static_cast<double>(*gradients), 3) +
                             " steps" + in_words(error("gradient_error")));
  const MeasuredError halves = error("followed_error");
  if (halves.count > 0) table.add("followed steps", "against their halves" + in_words(halves));
}

void describe_speed(Table& table, const netcdf::Group& root) {
  const auto proposals = root.count_attribute("proposals");
  const auto seconds = root.number_attribute("wall_seconds");
  if (!proposals || !seconds)
    return table.add("state", "not finished: the run was stopped or is still going");
  std::string speed = std::to_string(*proposals) + " in " + rounded(*seconds, 3) + " s";
  if (*seconds > 0) speed += ", " + rounded(static_cast<double>(*proposals) / *seconds, 3) + " per second";
  table.add("proposals", speed);
  describe_gradients(table, root, *proposals);

  const auto count_of = [&root](const char* attribute) {
    return root.count_attribute(attribute).value_or(0);
  };
  if (count_of("decided_exactly") + count_of("decided_by_model") + count_of("decided_on_nodes") == 0)
    return;  // no acceptance test
  std::string decided;
  const std::pair<const char*, const char*> rungs[] = {
      {"decided_by_model", "local model"},     {"decided_on_nodes", "change on nodes"},
      {"decided_by_float", "change in float"}, {"decided_by_double", "change in double"},
      {"decided_by_value", "value in double"}, {"not_finite", "rejected as not finite"}};
  for (const auto& [attribute, words] : rungs) {
    const std::uint64_t count = count_of(attribute);
    const double percent = 100 * static_cast<double>(count) / static_cast<double>(*proposals);
    decided += (decided.empty() ? "" : "; ") + std::string(words) + " " + std::to_string(count) + " (" +
               number(percent) + " %)";
  }
  table.add("decided by", decided);
  table.add("audits", std::to_string(count_of("audits")) + " of the float bound, failed " +
                          std::to_string(count_of("audit_failures")));
  if (count_of("spans") > 0) {
    table.add("checks of nodes", std::to_string(count_of("spans")) +
                                     " gradients on all points, spans done again " +
                                     std::to_string(count_of("repeated_spans")));
  }
  if (count_of("model_anchors") == 0) return;
  table.add("local models", std::to_string(count_of("model_anchors")) + ", replayed " +
                                std::to_string(count_of("model_replays")) + "; audits " +
                                std::to_string(count_of("model_audits")) + ", above the bound " +
                                std::to_string(count_of("model_failures")));
}

std::string indented(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += "  " + line + '\n';
  return out;
}

/// read(root, ensemble) of the run file at `path`.
template <class Read>
std::string read_run_file(const std::string& path, const Read& read) {
  const InputFile input("run file", path);
  if (!is_netcdf(input)) throw InputError(input.name + " is not netCDF; give a file that langevo run wrote");
  try {
    const netcdf::File file = netcdf::File::open_to_read(path);
    const netcdf::Group root = file.root();
    const auto ensemble = root.find_group("ensemble");
    if (!ensemble || !root.text_attribute("langevo_version"))
      throw InputError(input.name + " was not written by langevo; give a file that langevo run wrote");
    require_known_format(root, input.name);
    return read(root, *ensemble);
  } catch (const netcdf::Error& error) {
    throw InputError("run file " + std::string(error.what()) + "; is it complete?");
  }
}

}  // namespace

std::string describe_run_file(const std::string& path) {
  return read_run_file(path, [](const netcdf::Group& root, const netcdf::Group& ensemble) {
    Table table;
    const auto text = [&](const char* name) { return root.text_attribute(name).value_or("?"); };
    table.add("title", text("title"));
    table.add("created", text("created") + " by langevo " + text("langevo_version"));
    table.add("backend", text("backend") + ": " + text("device"));
    table.add("seed", std::to_string(root.count_attribute("seed").value_or(0)));
    table.add("parameters", std::to_string(root.find_dimension("parameter").value_or(0)));
    table.add("points", std::to_string(root.find_dimension("point").value_or(0)));
    table.add("replicas", std::to_string(ensemble.find_dimension("replica").value_or(0)) + ", " +
                              std::to_string(ensemble.find_dimension("trace").value_or(0)) + " traced");
    describe_quadrature(table, root);
    describe_records(table, root, ensemble);
    describe_speed(table, root);
    return table.text() + "configuration\n" + indented(text("configuration"));
  });
}

std::string configuration_of_run_file(const std::string& path) {
  return read_run_file(path, [](const netcdf::Group& root, const netcdf::Group&) {
    return root.text_attribute("configuration").value_or("");
  });
}

}  // namespace langevo
