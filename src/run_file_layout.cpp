#include "run_file_layout.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>

#include "run_file_format.hpp"

namespace langevo::run_file_layout {

namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

/// `prefix` before the names of variables and of the dimension of points, `kind` in words.
void define_data(const netcdf::Group& root, const std::string& prefix, const std::string& kind,
                 const Dataset& data) {
  const std::string point = prefix + "point";
  root.define_dimension(point, data.points);
  root.define_variable({.name = prefix + "input",
                        .dimensions = {point, "input_dim"},
                        .long_name = "inputs of the " + kind + " data"});
  root.define_variable({.name = prefix + "target",
                        .dimensions = {point, "output_dim"},
                        .long_name = "targets of the " + kind + " data"});
  root.write(prefix + "input", data.inputs);
  root.write(prefix + "target", data.targets);
  if (data.weights.empty()) return;
  root.define_variable({.name = prefix + "weight",
                        .dimensions = {point},
                        .long_name = "weights of the points in the loss, with a sum of 1"});
  root.write(prefix + "weight", data.weights);
}

void define_problem(const netcdf::Group& root, const RunDescription& description, const Problem& problem) {
  const Dataset& data = problem.data();
  root.define_dimension("parameter", description.initial_parameter.size());
  root.define_dimension("input_dim", static_cast<std::size_t>(data.input_dim));
  root.define_dimension("output_dim", static_cast<std::size_t>(data.target_dim));
  root.define_variable({.name = "parameter_name",
                        .dimensions = {"parameter"},
                        .type = NC_STRING,
                        .long_name = "name of the parameter, as in PyTorch"});
  root.define_variable({.name = "initial_parameter",
                        .dimensions = {"parameter"},
                        .long_name = "initial parameters (of replica 0, where each replica draws its own)"});
  root.write("parameter_name", problem.network().parameter_names());
  root.write("initial_parameter", description.initial_parameter);
  define_data(root, "", "training", data);
  if (description.test_data.points > 0) define_data(root, "test_", "held-out", description.test_data);
}

/// What a score of a Scorer is, in words.
std::string score_in_words(const std::string& name) {
  if (name == "test_loss") return "loss on the held-out data";
  return std::string("share of the ") + (name == "accuracy" ? "training" : "held-out") +
         " points whose class has the largest output";
}

void define_ensemble(const netcdf::Group& root, const RunDescription& description) {
  const netcdf::Group group = root.define_group("ensemble");
  const std::size_t parameters = description.initial_parameter.size();
  group.define_unlimited_dimension("time");
  group.define_dimension("replica", description.replicas);
  group.define_dimension("quantile", loss_quantile_levels.size());
  if (description.traced_replicas > 0) group.define_dimension("trace", description.traced_replicas);

  const auto per_record = [&](const std::string& name, const std::string& long_name,
                              nc_type type = NC_DOUBLE) {
    group.define_variable({.name = name,
                           .dimensions = {"time"},
                           .type = type,
                           .long_name = long_name,
                           .chunks = chunk_extents({})});
  };
  const auto per_row = [&](const std::string& name, const std::vector<std::string>& row,
                           const std::vector<std::size_t>& extents, const std::string& long_name) {
    std::vector<std::string> dimensions{"time"};
    dimensions.insert(dimensions.end(), row.begin(), row.end());
    group.define_variable(
        {.name = name, .dimensions = dimensions, .long_name = long_name, .chunks = chunk_extents(extents)});
  };

  per_record("time", "common time t of mutation and gradient descent");
  per_record("step", "steps taken by every replica", NC_UINT64);
  group.define_variable(
      {.name = "quantile", .dimensions = {"quantile"}, .long_name = "level of the quantile over replicas"});
  group.write("quantile", loss_quantile_levels);
  per_record("loss_mean", "mean over replicas of the loss");
  per_record("loss_variance", "variance over replicas of the loss (n - 1 in the denominator)");
  per_record("loss_min", "smallest loss of a replica");
  per_record("loss_max", "largest loss of a replica");
  per_row("loss_quantile", {"quantile"}, {loss_quantile_levels.size()}, "quantile over replicas of the loss");
  per_record("loss_of_mean", "loss of the network with the mean parameters");
  per_record("accepted_fraction", "fraction of the proposals since the last record that were accepted");
  if (description.store_parameter_mean) {
    per_row("parameter_mean", {"parameter"}, {parameters}, "mean over replicas of the parameter");
  }
  if (description.store_parameter_variance) {
    per_row("parameter_variance", {"parameter"}, {parameters},
            "variance over replicas of the parameter (n - 1 in the denominator)");
  }
  if (description.store_replica_loss) {
    per_row("replica_loss", {"replica"}, {description.replicas}, "loss of each replica");
  }
  for (const std::string& score : description.scores) {
    const std::string words = score_in_words(score);
    per_record(score + "_mean", "mean over replicas of the " + words);
    per_record(score + "_variance", "variance over replicas of the " + words + " (n - 1 in the denominator)");
    per_record(score + "_of_mean", "the " + words + ", of the network with the mean parameters");
    if (description.store_replica_loss)
      per_row("replica_" + score, {"replica"}, {description.replicas}, "the " + words + ", of each replica");
  }
  if (description.traced_replicas > 0) {
    per_row("trace_parameter", {"trace", "parameter"}, {description.traced_replicas, parameters},
            "parameters of the first replicas");
  }
}

void define_quadrature(const netcdf::Group& root, const Quadrature& quadrature) {
  const netcdf::Group group = root.define_group("quadrature");
  group.define_dimension("node", quadrature.nodes.size());
  group.define_variable({.name = "point",
                         .dimensions = {"node"},
                         .type = NC_UINT64,
                         .long_name = "number of the point that is the node"});
  group.define_variable({.name = "weight", .dimensions = {"node"}, .long_name = "weight of the node"});
  group.write("point", quadrature.nodes);
  group.write("weight", quadrature.weights);
  group.put_attribute("least_squares_error", quadrature.least_squares_error);
  group.put_attribute("gradient_error", quadrature.gradient_error);
  group.put_attribute("change_error", quadrature.change_error);
}

void define_reference(const netcdf::Group& root, const ReferenceTrajectory& reference,
                      const std::vector<std::string>& scores) {
  const netcdf::Group group = root.define_group("reference");
  group.define_dimension("time", reference.time.size());
  group.define_variable({.name = "time",
                         .dimensions = {"time"},
                         .long_name = "common time t of mutation and gradient descent"});
  group.define_variable(
      {.name = "step", .dimensions = {"time"}, .type = NC_UINT64, .long_name = "gradient steps taken"});
  group.define_variable({.name = "state",
                         .dimensions = {"time", "parameter"},
                         .long_name = "parameters on the gradient trajectory"});
  group.define_variable(
      {.name = "loss", .dimensions = {"time"}, .long_name = "loss on the gradient trajectory"});
  group.define_variable({.name = "gradient_norm",
                         .dimensions = {"time"},
                         .long_name = "Euclidean norm of the gradient of the loss"});
  group.write("time", reference.time);
  group.write("step", reference.step);
  group.write("loss", reference.loss);
  group.write("gradient_norm", reference.gradient_norm);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    group.define_variable({.name = scores[i],
                           .dimensions = {"time"},
                           .long_name = "the " + score_in_words(scores[i]) + ", on the gradient trajectory"});
    group.write(scores[i], reference.scores.at(i));
  }
  for (std::size_t k = 0; k < reference.parameter.size(); ++k) {
    group.write("state", reference.parameter[k], {{k, 0}, {1, reference.parameter[k].size()}});
  }
}

void define_correspondence(const netcdf::Group& root, const Correspondence& correspondence) {
  const std::vector<double> times = root.find_group("ensemble").value().read("time");
  const netcdf::Group group = root.define_group("correspondence");
  group.define_dimension("time", times.size());
  group.define_dimension("m", correspondence.replicas_averaged.size());
  group.define_variable({.name = "time",
                         .dimensions = {"time"},
                         .long_name = "common time t of mutation and gradient descent"});
  group.define_variable({.name = "delta",
                         .dimensions = {"time"},
                         .long_name = "mean squared difference of the mean parameters and the reference's"});
  group.define_variable({.name = "replicas_averaged",
                         .dimensions = {"m"},
                         .type = NC_UINT64,
                         .long_name = "number of replicas averaged"});
  group.define_variable({.name = "delta_by_replicas",
                         .dimensions = {"m"},
                         .long_name = "delta at the last time with the mean over the first replicas only"});
  group.write("time", times);
  group.write("delta", correspondence.delta);
  group.write("replicas_averaged", correspondence.replicas_averaged);
  group.write("delta_by_replicas", correspondence.delta_by_replicas);
}

}  // namespace

std::vector<std::size_t> chunk_extents(const std::vector<std::size_t>& row) {
  std::vector<std::size_t> extents(row.size() + 1);
  std::size_t room = (std::size_t{1} << 20) / sizeof(double);
  std::size_t row_size = 1;
  for (std::size_t d = row.size(); d > 0; --d) {
    // Parts of equal size: what the last one has too much is lost space.
    const std::size_t parts = (row[d - 1] + room - 1) / room;
    extents[d] = (row[d - 1] + parts - 1) / parts;
    room = std::max<std::size_t>(room / extents[d], 1);
    row_size *= row[d - 1];
  }
  // A chunk takes its whole size on disk even in a short run, so short rows stop at 8 KiB.
  extents[0] = std::min(room, std::max(records_per_batch, 1024 / row_size));
  return extents;
}

std::size_t data_numbers(const Dataset& data) {
  return data.inputs.size() + data.targets.size() + data.weights.size();
}

double most_bytes(const RunDescription& description, std::size_t numbers_of_data, std::size_t records,
                  std::size_t reference_records) {
  const std::size_t parameters = description.initial_parameter.size();
  std::vector<std::vector<std::size_t>> rows(8);  // time, step, losses and acceptance
  rows.push_back({loss_quantile_levels.size()});
  if (description.store_parameter_mean) rows.push_back({parameters});
  if (description.store_parameter_variance) rows.push_back({parameters});
  if (description.store_replica_loss) rows.push_back({description.replicas});
  if (description.traced_replicas > 0) rows.push_back({description.traced_replicas, parameters});
  for (std::size_t score = 0; score < description.scores.size(); ++score) {
    rows.resize(rows.size() + 3);
    if (description.store_replica_loss) rows.push_back({description.replicas});
  }
  numbers_of_data += data_numbers(description.test_data);
  // Measured: what the library keeps of names and places, in all, of a variable and of a chunk.
  constexpr double bytes_of_file = 84e3;  // a quadrature, too
  constexpr double bytes_of_chunk = 160;
  constexpr double bytes_of_parameter = 80;  // its name, too
  const auto length = static_cast<double>(parameters);
  double bytes = bytes_of_file + static_cast<double>(description.configuration.size()) +
                 bytes_of_parameter * length + sizeof(double) * static_cast<double>(numbers_of_data);
  for (const std::vector<std::size_t>& row : rows) {
    const std::vector<std::size_t> extents = chunk_extents(row);
    double chunks = std::ceil(static_cast<double>(records) / static_cast<double>(extents[0]));
    double chunk_bytes = sizeof(double) * static_cast<double>(extents[0]);
    for (std::size_t d = 0; d < row.size(); ++d) {
      chunks *= std::ceil(static_cast<double>(row[d]) / static_cast<double>(extents[d + 1]));
      chunk_bytes *= static_cast<double>(extents[d + 1]);
    }
    bytes += chunks * (chunk_bytes + bytes_of_chunk);
  }
  if (reference_records == 0) return bytes;
  constexpr double bytes_of_groups = 16e3;  // reference and correspondence
  return bytes + bytes_of_groups + sizeof(double) * static_cast<double>(reference_records) * (length + 6);
}

void define(const netcdf::Group& root, const RunDescription& description, const Problem& problem,
            const ReferenceTrajectory* reference) {
  root.put_attribute("title", description.title);
  root.put_attribute("Conventions", std::string("CF-1.10"));
  root.put_attribute("langevo_version", std::string(LANGEVO_VERSION));
  root.put_attribute("format_version", run_file_format_version);
  root.put_attribute("configuration", description.configuration);
  root.put_attribute("seed", description.seed);
  root.put_attribute("backend", description.backend);
  root.put_attribute("device", description.device);
  root.put_attribute("created", utc_now());
  define_problem(root, description, problem);
  define_ensemble(root, description);
  if (!description.quadrature.empty()) define_quadrature(root, description.quadrature);
  if (reference) define_reference(root, *reference, description.scores);
}

void append(const netcdf::Group& root, const RunDescription& description, std::size_t first,
            std::span<const EnsembleRecord> records) {
  const netcdf::Group group = root.find_group("ensemble").value();
  const auto scalars = [&](const std::string& name, auto value) {
    std::vector<decltype(value(records[0]))> values;
    for (const EnsembleRecord& record : records) values.push_back(value(record));
    group.write(name, values, {{first}, {values.size()}});
  };
  const auto rows = [&](const std::string& name, std::vector<std::size_t> extents, auto row) {
    netcdf::Slab slab{{first}, {1}};
    slab.start.resize(extents.size() + 1, 0);
    slab.count.insert(slab.count.end(), extents.begin(), extents.end());
    for (const EnsembleRecord& record : records) {
      group.write(name, std::span<const double>(row(record)), slab);
      ++slab.start[0];
    }
  };
  using Record = EnsembleRecord;
  const std::size_t parameters = description.initial_parameter.size();
  const std::size_t traced = description.traced_replicas;

  scalars("time", [](const Record& r) { return r.time; });
  scalars("step", [](const Record& r) { return r.step; });
  scalars("loss_mean", [](const Record& r) { return r.loss.mean; });
  scalars("loss_variance", [](const Record& r) { return r.loss.variance; });
  scalars("loss_min", [](const Record& r) { return r.loss.min; });
  scalars("loss_max", [](const Record& r) { return r.loss.max; });
  scalars("loss_of_mean", [](const Record& r) { return r.loss_of_mean; });
  scalars("accepted_fraction", [](const Record& r) { return r.accepted_fraction; });
  rows(
      "loss_quantile", {loss_quantile_levels.size()},
      [](const Record& r) -> auto& { return r.loss.quantiles; });
  if (description.store_parameter_mean) {
    rows(
        "parameter_mean", {parameters}, [](const Record& r) -> auto& { return r.parameter_mean; });
  }
  if (description.store_parameter_variance) {
    rows(
        "parameter_variance", {parameters}, [](const Record& r) -> auto& { return r.parameter_variance; });
  }
  if (description.store_replica_loss) {
    rows(
        "replica_loss", {description.replicas}, [](const Record& r) -> auto& { return r.replica_loss; });
  }
  for (std::size_t i = 0; i < description.scores.size(); ++i) {
    const std::string& score = description.scores[i];
    scalars(score + "_mean", [i](const Record& r) { return r.scores[i].mean; });
    scalars(score + "_variance", [i](const Record& r) { return r.scores[i].variance; });
    scalars(score + "_of_mean", [i](const Record& r) { return r.scores[i].of_mean; });
    if (description.store_replica_loss) {
      rows(
          "replica_" + score,
          {description.replicas}, [i](const Record& r) -> auto& { return r.scores[i].replicas; });
    }
  }
  if (traced > 0) {
    rows(
        "trace_parameter", {traced, parameters}, [](const Record& r) -> auto& { return r.trace_parameter; });
  }
}

void define_gradient_errors(const netcdf::Group& root, const RunSummary& summary) {
  if (summary.counters.gradients == 0) return;
  root.put_attribute("gradients", summary.counters.gradients);
  const auto put = [&root](const std::string& name, const MeasuredError& error) {
    root.put_attribute(name + "_measured", error.count);
    root.put_attribute(name + "_root_mean_square", error.root_mean_square);
    root.put_attribute(name + "_largest", error.largest);
  };
  put("gradient_error", summary.gradient_errors.gradient);
  put("followed_error", summary.gradient_errors.halves);
  put("followed_error_of_steps", summary.gradient_errors.steps);
  root.put_attribute("replicas_on_nodes", summary.gradient_errors.replicas_on_nodes);
  root.put_attribute("replicas_in_double", summary.gradient_errors.replicas_in_double);
}

void complete(const netcdf::Group& root, const RunSummary& summary, const Correspondence* correspondence) {
  const StepCounters& counters = summary.counters;
  root.put_attribute("wall_seconds", summary.wall_seconds);
  root.put_attribute("proposals", counters.steps);
  root.put_attribute("decided_exactly", counters.decided_exactly());
  root.put_attribute("decided_by_model", counters.decided_by_model);
  root.put_attribute("decided_on_nodes", counters.decided_on_nodes);
  root.put_attribute("decided_by_float", counters.decided_by_float);
  root.put_attribute("decided_by_double", counters.decided_by_double);
  root.put_attribute("decided_by_value", counters.decided_by_value);
  root.put_attribute("not_finite", counters.not_finite);
  root.put_attribute("audits", counters.audits);
  root.put_attribute("audit_failures", counters.audit_failures);
  root.put_attribute("model_anchors", counters.anchors);
  root.put_attribute("model_replays", counters.replays);
  root.put_attribute("model_audits", counters.model_audits);
  root.put_attribute("model_failures", counters.model_failures);
  root.put_attribute("spans", counters.spans);
  root.put_attribute("repeated_spans", counters.repeated_spans);
  define_gradient_errors(root, summary);
  if (correspondence) define_correspondence(root, *correspondence);
}

}  // namespace langevo::run_file_layout
