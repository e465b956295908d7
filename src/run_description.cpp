#include "run_description.hpp"

#include "run_file_layout.hpp"
#include "settings.hpp"
#include "text.hpp"

namespace langevo {

std::string quadrature_in_words(const Quadrature& quadrature) {
  if (quadrature.empty()) return quadrature.remark.empty() ? "" : "none, as " + quadrature.remark;
  return std::to_string(quadrature.nodes.size()) + " points, which leave out " +
         rounded(quadrature.gradient_error, 2) + " of the gradient";
}

std::string reference_in_words(const RunPlan& plan) {
  if (!plan.reference) return "no reference: " + plan.why_no_reference;
  const std::uint64_t steps = reference_steps(plan);
  std::string text = "first a reference of " + std::to_string(steps) + " gradient steps";
  const double of_ensemble =
      static_cast<double>(plan.schedule.last_step()) * static_cast<double>(plan.shape.replicas);
  if (static_cast<double>(steps) <= of_ensemble) return text;
  return text + ", more than the ensemble takes: --reference none leaves it out, a larger --alpha makes " +
         "its steps longer";
}

RunDescription describe_run(const RunPlan& plan) {
  const RunOptions& options = plan.resolved;
  return {.title = {},
          .configuration = configuration_text({options}),
          .backend = {},
          .device = {},
          .seed = options.seed,
          .replicas = options.replicas,
          .traced_replicas = plan.simulation.traced_replicas,
          .store_replica_loss = options.replica_loss,
          .store_parameter_mean = options.record_parameters != RecordParameters::none,
          .store_parameter_variance = options.record_parameters == RecordParameters::all,
          .initial_parameter = plan.initial_parameter,
          .test_data = plan.held_out ? plan.held_out->data() : Dataset{}};
}

double output_bytes(const RunPlan& plan) {
  const std::size_t records = plan.schedule.record_steps.size();
  return run_file_layout::most_bytes(describe_run(plan), run_file_layout::data_numbers(plan.problem.data()),
                                     records, plan.reference ? records : 0);
}

}  // namespace langevo
