#pragma once

#include <type_traits>
#include <variant>

#include "kernels/descent/gradient_rule.hpp"
#include "kernels/network/activation.hpp"
#include "kernels/network/hessian/workspace.hpp"
#include "kernels/network/loss.hpp"
#include "kernels/network/problem_view.hpp"
#include "kernels/screened/rule.hpp"

/// The rules as the kernels know them. This list is the one place that names them all: both processors'
/// tables of kernels follow from it.
namespace langevo {

template <class... Rules>
struct RuleList {
  using Any = std::variant<Rules...>;
};

using KernelRules = RuleList<Metropolis, ScreenedMetropolis, GradientRule>;

/// Any of them.
using KernelRule = KernelRules::Any;

/// A FunctionOf<RuleType> for every rule of a list.
template <template <class> class FunctionOf, class RuleType>
struct RuleEntry {
  FunctionOf<RuleType> function;
};
template <template <class> class FunctionOf, class List = KernelRules>
struct RuleTable;
template <template <class> class FunctionOf, class... Rules>
struct RuleTable<FunctionOf, RuleList<Rules...>> : RuleEntry<FunctionOf, Rules>... {
  template <class RuleType>
  [[nodiscard]] constexpr FunctionOf<RuleType> of(const RuleType&) const {
    return RuleEntry<FunctionOf, RuleType>::function;
  }
};

/// The table of Source<RuleType>::function.
template <template <class> class FunctionOf, template <class> class Source, class... Rules>
constexpr RuleTable<FunctionOf, RuleList<Rules...>> table_of(RuleList<Rules...>) {
  return {RuleEntry<FunctionOf, Rules>{Source<Rules>::function}...};
}

/// Whether a local model of the loss may decide: only where the loss has second derivatives everywhere, so
/// that an error of the model is one that others before it have shown. Over a kink the loss changes as no
/// derivative tells (bench/large_mutations).
LANGEVO_FUNCTION bool model_may_decide(const ProblemView& problem) {
  return (problem.network.layer_count == 1 ||
          with_activation(problem.network.activation, [](auto act) { return decltype(act)::is_smooth; })) &&
         with_loss(problem.loss, [](auto of) { return decltype(of)::is_smooth; });
}

/// The rule as it is carried out on a problem.
inline KernelRule kernel_rule(const ProblemView& problem, const Rule& rule,
                              const GradientMethod& gradient = {}) {
  return std::visit(
      [&](const auto& each) -> KernelRule {
        if constexpr (std::is_same_v<std::decay_t<decltype(each)>, Metropolis>) {
          if (each.acceptance != Acceptance::exact && model_may_decide(problem))
            return ScreenedMetropolis{each};
          return each;
        } else {
          return gradient_rule(each, gradient);
        }
      },
      rule);
}

inline bool is_screened(const KernelRule& rule) {
  return std::holds_alternative<ScreenedMetropolis>(rule);
}

/// Whether the nodes of a quadrature may stand for all points.
inline bool uses_nodes(const KernelRule& rule) {
  const auto* const descends = std::get_if<GradientRule>(&rule);
  return is_screened(rule) || (descends != nullptr && descends->method.steps != GradientSteps::exact);
}

/// Whether replicas learn the curvature of their local models.
inline bool learns_curvature(const NetworkView& network, const KernelRule& rule) {
  return is_screened(rule) && !has_curvature(network);
}

/// Whether it is a Metropolis rule, screened or not.
inline bool mutates(const KernelRule& rule) {
  return is_screened(rule) || std::holds_alternative<Metropolis>(rule);
}

}  // namespace langevo
