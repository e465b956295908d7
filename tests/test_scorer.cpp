// Scores beside the training loss: by hand, then over sizes around the tile and with weights.
#include "langevo/scorer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "definitions.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/error.hpp"

namespace langevo {
namespace {

// f = (x, -x, 0): without hidden layers the outputs are weights times the input.
const std::vector<double> three_lines{1, -1, 0};

Problem classes_of(const std::vector<double>& inputs, const std::vector<int>& classes,
                   std::vector<double> weights = {}) {
  Dataset data{.points = inputs.size(), .input_dim = 1, .target_dim = 3, .inputs = inputs, .targets = {}};
  for (const int of_point : classes) {
    for (int k = 0; k < 3; ++k) data.targets.push_back(k == of_point ? 1 : 0);
  }
  data.weights = std::move(weights);
  return {Network({1, 3}, Activation::tanh, false), std::move(data), Loss::cross_entropy};
}

TEST(Scorer, AccuracyByHand) {
  const Problem problem = classes_of({2, -2, 3, 0}, {0, 1, 2, 0});  // right, right, wrong, a tie: the first
  Scorer scorer(problem, nullptr, 1);
  EXPECT_EQ(scorer.names(), std::vector<std::string>{"accuracy"});
  EXPECT_EQ(scorer.scores(three_lines), (std::vector<std::vector<double>>{{0.75}}));
  const Problem other = classes_of({2, 2}, {1, 0}, {0.25, 0.75});
  Scorer both(problem, &other, 1);
  EXPECT_EQ(both.names(), (std::vector<std::string>{"accuracy", "test_loss", "test_accuracy"}));
  std::vector<double> two_states = three_lines;
  two_states.insert(two_states.end(), {-1, 1, 0});
  const std::vector<std::vector<double>> scores = both.scores(two_states);
  EXPECT_EQ(scores[0], (std::vector<double>{0.75, 0.25}));
  EXPECT_EQ(scores[2], (std::vector<double>{0.75, 0.25}));
}

TEST(Scorer, OfAnySizeHasTheLossOfTheEnsemble) {
  std::mt19937_64 generator(3);
  std::normal_distribution<double> normal;
  for (const std::size_t points : {1, 31, 33, 64, 65, 1000}) {
    std::vector<double> inputs;
    std::vector<int> classes;
    std::vector<double> weights;
    for (std::size_t p = 0; p < points; ++p) {
      inputs.push_back(normal(generator));
      classes.push_back(static_cast<int>(generator() % 3));
      weights.push_back(static_cast<double>(1 + generator() % 4));
    }
    for (const bool weighted : {false, true}) {
      const Problem problem = classes_of(inputs, classes, weighted ? weights : std::vector<double>{});
      const Problem training = classes_of({1}, {0});
      double hits = 0;
      double all = 0;
      for (std::size_t p = 0; p < points; ++p) {
        const double weight = weighted ? weights[p] : 1;
        const int largest = inputs[p] > 0 ? 0 : 1;
        if (largest == classes[p]) hits += weight;
        all += weight;
      }
      const std::vector<std::vector<double>> scores = Scorer(training, &problem, 2).scores(three_lines);
      const auto ensemble =
          make_ensemble(problem, {Gradient{1}, std::vector<double>(3, 1.0)}, {}, {.kind = BackendKind::cpu});
      EXPECT_EQ(scores[1], std::vector<double>{ensemble->loss(three_lines)}) << points;
      EXPECT_NEAR(scores[2].front(), hits / all, 1e-14) << points;
    }
  }
}

TEST(Scorer, HasNothingToSayOfFunctions) {
  const Problem problem(Network({1, 2, 1}, Activation::tanh, true), make_sin_unit(10), Loss::mse);
  Scorer scorer(problem, nullptr, 1);
  EXPECT_TRUE(scorer.names().empty());
  EXPECT_TRUE(scorer.scores(std::vector<double>(problem.network().parameter_count())).empty());
  Scorer of_held_out(problem, &problem, 1);
  EXPECT_EQ(of_held_out.names(), std::vector<std::string>{"test_loss"});
  const Problem other(Network({1, 3, 1}, Activation::tanh, true), make_sin_unit(10), Loss::mse);
  EXPECT_THROW(Scorer(problem, &other, 1), InputError);
}

}  // namespace
}  // namespace langevo
