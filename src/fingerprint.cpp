#include "fingerprint.hpp"

#include <bit>

namespace langevo {

namespace {

/// Takes in one word after the other; between them the mixing steps of SplitMix64 (Steele, Lea, Flood, OOPSLA
/// 2014).
class Digest {
 public:
  void add(std::uint64_t word) {
    std::uint64_t z = value_ + 0x9e3779b97f4a7c15 + word;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    value_ = z ^ (z >> 31);
  }
  void add(int number) { add(static_cast<std::uint64_t>(number)); }
  void add(double number) { add(std::bit_cast<std::uint64_t>(number)); }
  template <class Number>
  void add(std::span<const Number> numbers) {
    add(std::uint64_t{numbers.size()});
    for (const Number number : numbers) add(number);
  }

  void add(const Metropolis& rule) {
    add(rule.beta);
    add(static_cast<int>(rule.precision));
    add(static_cast<int>(rule.acceptance));
  }
  void add(const Gradient& rule) { add(rule.alpha); }
  void add(const NormalizedGradient& rule) { add(rule.alpha); }
  void add(const Langevin& rule) {
    add(rule.beta);
    add(rule.stride);
  }

  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

}  // namespace

std::uint64_t fingerprint(const Problem& problem, const Dynamics& dynamics) {
  Digest digest;
  const Network& network = problem.network();
  digest.add(network.widths());
  digest.add(static_cast<int>(network.activation()));
  digest.add(static_cast<int>(network.layers().back().has_bias));
  digest.add(static_cast<int>(problem.loss()));
  digest.add(std::span<const double>(problem.data().inputs));
  digest.add(std::span<const double>(problem.data().targets));
  if (!problem.data().weights.empty()) digest.add(std::span<const double>(problem.data().weights));
  digest.add(static_cast<int>(dynamics.rule.index()));
  std::visit([&](const auto& rule) { digest.add(rule); }, dynamics.rule);
  digest.add(std::span<const double>(dynamics.sigma));
  digest.add(std::span<const std::uint64_t>(dynamics.quadrature.nodes));
  digest.add(std::span<const double>(dynamics.quadrature.weights));
  digest.add(static_cast<int>(dynamics.gradient.steps));
  digest.add(static_cast<int>(dynamics.gradient.precision));
  digest.add(dynamics.gradient.tolerance);
  return digest.value();
}

}  // namespace langevo
