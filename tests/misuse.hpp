#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "langevo/ensemble.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {

/// Expects an InputError of one sentence with these words.
inline void expect_refusal(const std::string& name, const std::string& words,
                           const std::function<void()>& misuse) {
  try {
    misuse();
    ADD_FAILURE() << name << ": no error";
  } catch (const InputError& error) {
    const std::string said = error.what();
    EXPECT_NE(said.find(words), std::string::npos) << name << ": " << said;
    EXPECT_NE(said.find(';'), std::string::npos) << name << " does not say what to do: " << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << name << ": " << said;
    EXPECT_EQ(said.find(". "), std::string::npos) << name << ": " << said;
  }
}

/// What an ensemble is made of, right at first.
struct Making {
  std::vector<int> widths{1, 3, 1};
  Rule rule = Metropolis{};
  EnsembleShape shape{.replicas = 5, .first_replica = 7, .seed = 3};
  BackendOptions options;
  std::vector<double> sigma = std::vector<double>(10, 1e-3);
  Dataset data = make_sin_unit(33);

  [[nodiscard]] Problem problem() const { return {Network(widths, Activation::tanh, true), data, Loss::mse}; }
  [[nodiscard]] std::unique_ptr<Ensemble> bare() const {
    return make_ensemble(problem(), {rule, sigma}, shape, options);
  }
  [[nodiscard]] std::unique_ptr<Ensemble> make() const {
    auto ensemble = bare();
    ensemble->set_all_parameters(draw_initial_state(problem().network(), PytorchInit{}, 3, 0));
    return ensemble;
  }
};

}  // namespace langevo
