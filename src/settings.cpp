#include "settings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "langevo/error.hpp"
#include "setting_value.hpp"

namespace langevo {

namespace {

/// `field` is a function from options to the member, for options const and not.
template <class Field>
Setting value(const char* name, const char* group, const char* type, const char* help, Field field) {
  return {name,
          group,
          type,
          help,
          [field](RunOptions& options, const std::string& called, const std::string& text) {
            read_value(called, text, field(options));
          },
          [field](const RunOptions& options) { return toml_value(field(options)); }};
}

template <class Field, class Enum>
Setting choice(const char* name, const char* group, const char* help, Field field,
               std::vector<std::pair<std::string, Enum>> known) {
  std::vector<std::string> words;
  std::string type;
  for (const auto& [word, unused] : known) {
    words.push_back(word);
    type += (type.empty() ? "" : "|") + word;
  }
  return {name,
          group,
          type,
          help,
          [field, known, words](RunOptions& options, const std::string& called, const std::string& text) {
            field(options) = known[read_choice(called, text, words)].second;
          },
          [field, known](const RunOptions& options) {
            const auto found = std::find_if(known.begin(), known.end(), [&](const auto& entry) {
              return entry.second == field(options);
            });
            return toml_value(found->first);
          }};
}

Setting init_setting() {
  return {"init",
          "Ensemble",
          "gaussian|pytorch|PATH",
          "initial state: normal numbers, PyTorch's default, a file with one number a line, or the start of "
          "a run file (see --init-at) [gaussian]",
          [](RunOptions& options, const std::string& called, const std::string& text) {
            std::string word;
            read_value(called, text, word);
            options.init = word == "gaussian"  ? InitKind::gaussian
                           : word == "pytorch" ? InitKind::pytorch
                                               : InitKind::file;
            options.init_file = options.init == InitKind::file ? word : "";
          },
          [](const RunOptions& options) {
            if (options.init == InitKind::file) return toml_value(options.init_file);
            return toml_value(std::string(options.init == InitKind::gaussian ? "gaussian" : "pytorch"));
          }};
}

Setting init_at_setting() {
  return {
      "init-at",
      "Ensemble",
      "last|T",
      "where --init is a run file: start from its last record, or its record at time T; from the mean of its "
      "replicas, or with --init-per-replica each from its own traced state [its initial state]",
      [](RunOptions& options, const std::string& called, const std::string& text) {
        double time = std::numeric_limits<double>::infinity();
        if (text != "last") {
          read_value(called, text, time);
          if (!(time >= 0) || std::isinf(time)) {
            throw InputError(called + " is " + text + "; give last, or the time of a record");
          }
        }
        options.init_at = time;
      },
      [](const RunOptions& options) {
        const bool last = options.init_at && std::isinf(*options.init_at);
        return last ? toml_value(std::string("last")) : toml_value(options.init_at);
      }};
}

Setting quadrature_setting() {
  return {"quadrature",
          "Dynamics",
          "auto|off|NODES",
          "a weighted few of the points, found before the run, stand for all of them where that decides a "
          "mutation, with the same decisions; how many, or as many as pay (on the CPU) [auto]",
          [](RunOptions& options, const std::string& called, const std::string& text) {
            if (text == "auto") {
              options.quadrature.reset();
            } else if (text == "off") {
              options.quadrature = 0;
            } else {
              read_value(called, text, options.quadrature);
              if (*options.quadrature == 0)
                throw InputError(called + " is 0; give a number of nodes, auto or off");
            }
          },
          [](const RunOptions& options) {
            if (!options.quadrature) return toml_value(std::string("auto"));
            return *options.quadrature == 0 ? toml_value(std::string("off"))
                                            : toml_value(*options.quadrature);
          }};
}

Setting no_replica_loss_setting() {
  return {"no-replica-loss",
          "Output",
          "",
          "leave the loss of every single replica out of the file",
          [](RunOptions& options, const std::string& called, const std::string& text) {
            bool left_out = false;
            read_value(called, text, left_out);
            options.replica_loss = !left_out;
          },
          [](const RunOptions& options) { return toml_value(!options.replica_loss); }};
}

// A member of RunOptions, as a function of options const or not.
#define LANGEVO_FIELD(member) ([](auto& options) -> auto& { return options.member; })

std::vector<Setting> problem_settings() {
  return {
      value("widths", "Problem", "W,W,...",
            "layer widths from input to output; 32x8 is eight times 32 [1,30,1]", LANGEVO_FIELD(widths)),
      choice("activation", "Problem", "of the hidden layers [tanh]", LANGEVO_FIELD(activation),
             activation_words()),
      value("output-bias", "Problem", "true|false",
            "whether the last layer has a bias; the presets of shallow nets say false, as the paper does "
            "[true]",
            LANGEVO_FIELD(output_bias)),
      value("data", "Problem", "sin-unit|sin-symmetric|PATH",
            "training data: built in, or a file: CSV with columns of inputs, then of targets, or netCDF with "
            "input(point,input_dim), target(point,output_dim) and, if points have weights, weight(point) "
            "[sin-unit]",
            LANGEVO_FIELD(data)),
      Setting{
          "test-data", "Problem", "PATH",
          "held-out data, a file like --data: their loss, and with cross-entropy the accuracy on them, are "
          "recorded of replicas, mean and gradient [none]",
          [](RunOptions& options, const std::string& called, const std::string& text) {
            read_value(called, text, options.test_data);
          },
          [](const RunOptions& options) {
            return options.test_data.empty() ? std::string() : toml_value(options.test_data);
          }},
      choice("header", "Problem",
             "whether a CSV file begins with names of columns; auto: where no field of its first line begins "
             "like a number [auto]",
             LANGEVO_FIELD(header),
             std::vector<std::pair<std::string, HeaderLine>>{
                 {"auto", HeaderLine::automatic}, {"yes", HeaderLine::yes}, {"no", HeaderLine::no}}),
      value("points", "Problem", "K", "points of built-in data [1000 for sin-unit, 1001 for sin-symmetric]",
            LANGEVO_FIELD(points)),
      choice(
          "loss", "Problem",
          "mean squared error, softmax cross-entropy, whose targets are a probability for each class or one "
          "column of labels 0, 1, ..., or Huber's loss [mse]",
          LANGEVO_FIELD(loss), loss_words()),
  };
}

std::vector<Setting> dynamics_settings() {
  return {
      choice("dynamics", "Dynamics", "what one step does [metropolis]", LANGEVO_FIELD(dynamics),
             std::vector<std::pair<std::string, DynamicsKind>>{
                 {"metropolis", DynamicsKind::metropolis},
                 {"gradient", DynamicsKind::gradient},
                 {"normalized-gradient", DynamicsKind::normalized_gradient},
                 {"langevin", DynamicsKind::langevin}}),
      value("beta", "Dynamics", "X", "inverse temperature, unit 1/loss; inf accepts no increase [inf]",
            LANGEVO_FIELD(beta)),
      value("alpha", "Dynamics", "X", "time of one gradient step, unit 1 [1e-5]", LANGEVO_FIELD(alpha)),
      value("lambda", "Dynamics", "X", "gradient steps that one mutation stands for; gives sigma [0.1]",
            LANGEVO_FIELD(lambda)),
      value("sigma", "Dynamics", "X", "width of a mutation of one parameter; gives lambda [from lambda]",
            LANGEVO_FIELD(sigma)),
      Setting{"sigma-file", "Dynamics", "PATH",
              "one sigma per parameter: one number a line, or netCDF variable `sigma`",
              [](RunOptions& options, const std::string& called, const std::string& text) {
                read_value(called, text, options.sigma_file);
              },
              [](const RunOptions& options) {
                return options.sigma_file.empty() ? std::string() : toml_value(options.sigma_file);
              }},
      value("stride", "Dynamics", "X",
            "mutations that one langevin step stands for [1/lambda, or 1 where sigma is given]",
            LANGEVO_FIELD(stride)),
      choice(
          "acceptance", "Dynamics",
          "exact evaluates every proposal; screened lets a local model decide the clear ones, with the same "
          "decisions; auto does so where it pays [auto]",
          LANGEVO_FIELD(acceptance),
          std::vector<std::pair<std::string, Acceptance>>{{"auto", Acceptance::automatic},
                                                          {"exact", Acceptance::exact},
                                                          {"screened", Acceptance::screened}}),
      choice(
          "precision", "Dynamics",
          "first evaluation of a change of the loss, or gradients of gradient rules, whose errors are then "
          "measured [float]",
          LANGEVO_FIELD(precision),
          std::vector<std::pair<std::string, Precision>>{{"float", Precision::float32},
                                                         {"double", Precision::float64}}),
      choice(
          "gradient", "Dynamics",
          "followed takes several gradient steps, each with its own noise, for one gradient at the mean of "
          "their path; exact finds one for each step, those of the reference too; auto is followed on the "
          "CPU [auto]",
          LANGEVO_FIELD(gradient),
          std::vector<std::pair<std::string, GradientSteps>>{{"auto", GradientSteps::automatic},
                                                             {"exact", GradientSteps::exact},
                                                             {"followed", GradientSteps::followed}}),
      value("gradient-tolerance", "Dynamics", "X",
            "largest measured error of gradient rules: of followed steps, relative to the way moved, and of "
            "gradients in float, relative to the gradient [1e-5]",
            LANGEVO_FIELD(gradient_tolerance)),
      quadrature_setting(),
  };
}

std::vector<Setting> schedule_settings() {
  return {
      value("time", "Schedule", "T", "length of the run, unit 1 [10]", LANGEVO_FIELD(time)),
      value("steps", "Schedule", "N", "length of the run in steps, instead of --time", LANGEVO_FIELD(steps)),
      value("record-every", "Schedule", "DT", "time between records, instead of --records",
            LANGEVO_FIELD(record_every)),
      value("records", "Schedule", "N", "number of equal intervals between records [100, at most one a step]",
            LANGEVO_FIELD(records)),
      value("reset-every", "Schedule", "DT", "set every replica to the reference at these times [never]",
            LANGEVO_FIELD(reset_every)),
  };
}

std::vector<Setting> ensemble_settings() {
  return {
      value("replicas", "Ensemble", "R", "number of replicas [1000]", LANGEVO_FIELD(replicas)),
      value("first-replica", "Ensemble", "R",
            "number of the first one, on which its random numbers depend [0]", LANGEVO_FIELD(first_replica)),
      value("seed", "Ensemble", "N", "key of all random numbers [1]", LANGEVO_FIELD(seed)),
      init_setting(),
      init_at_setting(),
      value("init-std", "Ensemble", "X", "standard deviation of --init gaussian [0.01]",
            LANGEVO_FIELD(init_std)),
      value("init-per-replica", "Ensemble", "", "an initial state of its own for every replica; no reference",
            LANGEVO_FIELD(init_per_replica)),
  };
}

std::vector<Setting> output_settings() {
  return {
      value("output", "Output", "PATH", "the run file; a preset of several runs puts their names before .nc",
            LANGEVO_FIELD(output)),
      value("overwrite", "Output", "", "replace a run file of that name, or what a stopped run left of one",
            LANGEVO_FIELD(overwrite)),
      choice("reference", "Output", "follow the matching gradient trajectory from the same start [auto]",
             LANGEVO_FIELD(reference),
             std::vector<std::pair<std::string, ReferenceKind>>{{"auto", ReferenceKind::automatic},
                                                                {"none", ReferenceKind::none}}),
      value("trace", "Output", "R", "replicas recorded in full [25, at most all]", LANGEVO_FIELD(trace)),
      no_replica_loss_setting(),
      choice("record-parameters", "Output", "all records mean and variance of every parameter [all]",
             LANGEVO_FIELD(record_parameters),
             std::vector<std::pair<std::string, RecordParameters>>{{"none", RecordParameters::none},
                                                                   {"mean", RecordParameters::mean},
                                                                   {"all", RecordParameters::all}}),
  };
}

std::vector<Setting> machine_settings() {
  return {
      choice("backend", "Machine",
             "where to compute; auto takes the first CUDA device on which a short trial ends in the CPU's "
             "states bit for bit, and else the CPU, and says why [auto]",
             LANGEVO_FIELD(backend.kind),
             std::vector<std::pair<std::string, BackendKind>>{
                 {"auto", BackendKind::automatic}, {"cpu", BackendKind::cpu}, {"cuda", BackendKind::cuda}}),
      value("threads", "Machine", "N", "CPU threads; 0 takes all that the process may use [0]",
            LANGEVO_FIELD(backend.threads)),
      value("device", "Machine", "N", "CUDA device [0]", LANGEVO_FIELD(backend.device)),
      value("instruction-set", "Machine", "generic|avx2|avx512",
            "of the CPU code [the best this machine has]", LANGEVO_FIELD(backend.instruction_set)),
      value("quiet", "Machine", "", "no progress line", LANGEVO_FIELD(quiet)),
  };
}

#undef LANGEVO_FIELD

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = [] {
    std::vector<Setting> list;
    for (auto group : {problem_settings, dynamics_settings, schedule_settings, ensemble_settings,
                       output_settings, machine_settings}) {
      std::vector<Setting> part = group();
      std::move(part.begin(), part.end(), std::back_inserter(list));
    }
    return list;
  }();
  return all;
}

std::vector<std::string> replaced_by(const std::string& name) {
  static const std::map<std::string, std::vector<std::string>> also{
      {"lambda", {"sigma", "sigma-file"}},
      {"sigma", {"lambda", "sigma-file"}},
      {"sigma-file", {"lambda", "sigma"}},
      {"time", {"steps"}},
      {"steps", {"time"}},
      {"records", {"record-every"}},
      {"record-every", {"records"}},
      {"data", {"points", "header"}},
      {"dynamics", {"stride"}},
      {"init", {"init-at"}},
  };
  std::vector<std::string> names{name};
  if (const auto found = also.find(name); found != also.end()) {
    names.insert(names.end(), found->second.begin(), found->second.end());
  }
  return names;
}

Assignments overlay(Assignments lower, const Assignments& upper) {
  for (const Assignment& assignment : upper) {
    for (const std::string& name : replaced_by(assignment.name)) {
      lower.erase(
          std::remove_if(lower.begin(), lower.end(), [&name](const Assignment& a) { return a.name == name; }),
          lower.end());
    }
  }
  lower.insert(lower.end(), upper.begin(), upper.end());
  return lower;
}

RunOptions make_options(const Assignments& assignments) {
  RunOptions options;
  for (const Assignment& assignment : assignments) {
    const auto found = std::find_if(settings().begin(), settings().end(),
                                    [&](const Setting& s) { return s.name == assignment.name; });
    found->set(options, assignment.origin + assignment.name, assignment.value);
  }
  return options;
}

std::string belongs_to(const std::string& name, const RunOptions& options) {
  const DynamicsKind dynamics = options.dynamics;
  const bool mutates = dynamics == DynamicsKind::metropolis;
  if (name == "acceptance") return mutates ? "" : "--dynamics metropolis";
  if (name == "gradient-tolerance")
    return mutates ? "--dynamics gradient, normalized-gradient and langevin" : "";
  if (name == "quadrature") {
    if (mutates ? options.acceptance != Acceptance::exact : options.gradient != GradientSteps::exact)
      return "";
    return mutates ? "--acceptance auto and screened" : "--gradient auto and followed";
  }
  if (name == "stride") return dynamics == DynamicsKind::langevin ? "" : "--dynamics langevin";
  if (name == "beta" || name == "lambda" || name == "sigma") {
    return mutates || dynamics == DynamicsKind::langevin ? "" : "--dynamics metropolis and langevin";
  }
  if (name == "init-std") return options.init == InitKind::gaussian ? "" : "--init gaussian";
  if (name == "init-at") return options.init == InitKind::file ? "" : "--init RUN.nc";
  if (name == "device") return options.backend.kind == BackendKind::cpu ? "--backend cuda" : "";
  if (name == "threads" || name == "instruction-set")
    return options.backend.kind == BackendKind::cuda ? "--backend cpu" : "";
  if (name == "seed") {
    const bool draws = mutates || dynamics == DynamicsKind::langevin || options.init != InitKind::file;
    return draws ? "" : "dynamics or initial states that draw random numbers";
  }
  return "";
}

void require_effect(const Assignments& said, const RunOptions& options) {
  for (const Assignment& assignment : said) {
    const std::string owner = belongs_to(assignment.name, options);
    if (owner.empty()) continue;
    throw InputError(assignment.origin + assignment.name + " " + assignment.value +
                     " would change nothing here, it belongs to " + owner + "; leave it out");
  }
}

std::string configuration_text(const std::vector<RunOptions>& runs) {
  std::string text;
  std::string group;
  for (const Setting& setting : settings()) {
    if (!setting.in_configuration()) continue;
    const std::string value = setting.toml(runs.front());
    const bool common = std::all_of(
        runs.begin(), runs.end(), [&](const RunOptions& options) { return setting.toml(options) == value; });
    if (value.empty() || !common || !belongs_to(setting.name, runs.front()).empty()) continue;
    if (setting.group != group) {
      text += (text.empty() ? "# " : "\n# ") + setting.group + "\n";
      group = setting.group;
    }
    text.append(setting.name).append(" = ").append(value).append("\n");
  }
  return text;
}

}  // namespace langevo
