// What an ensemble promises its callers, on every backend of this machine: misuse is one sentence and has no
// effect; shards merge to the bits of the whole; what was saved goes on to the bits of what was not
// interrupted.
#include "langevo/ensemble.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <functional>
#include <limits>

#include "tests/misuse.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

auto as_list(const StepCounters& counters) {
  return std::bit_cast<std::array<std::uint64_t, sizeof(StepCounters) / sizeof(std::uint64_t)>>(counters);
}

class EnsembleTest : public testing::TestWithParam<BackendKind> {
 protected:
  void SetUp() override {
    for (const DeviceInfo& device : list_devices()) {
      if (device.kind == GetParam() && device.usable) return;
    }
    GTEST_SKIP() << "no usable device";
  }

  [[nodiscard]] static Making making() {
    Making making;
    making.options.kind = GetParam();
    return making;
  }
};

TEST_P(EnsembleTest, MisuseIsOneSentenceAndHasNoEffect) {
  struct Misuse {
    const char* name;
    const char* words;
    std::function<void(Ensemble&)> call;
  };
  const std::vector<double> nine(9, 0.5);
  std::vector<double> ten(10, 0.5);
  const auto ten_with = [&](double value) {
    std::vector<double> x = ten;
    x[4] = value;
    return x;
  };
  std::vector<double> two_states(20, 0.5);
  two_states[13] = nan;
  std::vector<double> place(9);
  const auto restored = [](const std::function<void(EnsembleState&)>& change) {
    return [change](Ensemble& e) {
      EnsembleState state = e.save();
      state.parameters[0] = 7;
      change(state);
      e.restore(state);
    };
  };
  const std::vector<Misuse> misuses{
      {"a short state",
       "the state has 9 numbers, but the network has 10 parameters; give one number for each",
       [&](Ensemble& e) { e.set_all_parameters(nine); }},
      {"a long state", "has 20 numbers", [&](Ensemble& e) { e.set_all_parameters(two_states); }},
      {"no state", "has 0 numbers", [&](Ensemble& e) { e.set_all_parameters({}); }},
      {"a state with nan", "parameter 4 of the state for replica 0 is nan, not a finite number",
       [&](Ensemble& e) { e.set_all_parameters(ten_with(nan)); }},
      {"a state with inf", "is -inf", [&](Ensemble& e) { e.set_all_parameters(ten_with(-inf)); }},
      {"part of a state", "the states have 9 numbers, no multiple of the network's 10 parameters",
       [&](Ensemble& e) { e.set_parameters(0, nine); }},
      {"a replica too many", "1 replica from 5 on are asked for, but the ensemble has only 5",
       [&](Ensemble& e) { e.set_parameters(5, ten); }},
      {"replicas that wrap", "from 18446744073709551615 on",
       [&](Ensemble& e) { e.set_parameters(last, ten); }},
      {"states with nan", "parameter 3 of the state for replica 3 is nan",
       [&](Ensemble& e) { e.set_parameters(2, two_states); }},
      {"states beyond the end", "2 replicas from 4 on", [](Ensemble& e) { (void)e.parameters(4, 2); }},
      {"too many states", "6 replicas from 0 on", [](Ensemble& e) { (void)e.parameters(0, 6); }},
      {"states from beyond the end", "0 replicas from 6 on", [](Ensemble& e) { (void)e.parameters(6, 0); }},
      {"a range that wraps", "from 1 on", [](Ensemble& e) { (void)e.parameters(1, last); }},
      {"steps beyond the last", "72057594037927934 more steps from step 3 on reach beyond 2^56 - 1",
       [](Ensemble& e) { e.advance((std::uint64_t{1} << 56) - 2); }},
      {"steps that wrap", "reach beyond 2^56 - 1", [](Ensemble& e) { e.advance(last); }},
      {"too many traced", "--trace is 6, but there are only 5 replicas",
       [](Ensemble& e) { (void)e.snapshot(6); }},
      {"the loss of a short state", "the state has 9 numbers", [&](Ensemble& e) { (void)e.loss(nine); }},
      {"the gradient of a short state", "the state has 9 numbers",
       [&](Ensemble& e) { e.gradient(nine, ten); }},
      {"no room for the gradient", "the place for the gradient has 9 numbers",
       [&](Ensemble& e) { e.gradient(ten, place); }},
      {"a state of fewer replicas",
       "the saved state is of 4 replicas from 7 on with seed 3, but the ensemble is of 5 replicas from 7 on "
       "with seed 3",
       restored([](EnsembleState& s) { s.shape.replicas = 4; })},
      {"a state of others", "from 8 on", restored([](EnsembleState& s) { s.shape.first_replica = 8; })},
      {"a state of another seed", "seed 4", restored([](EnsembleState& s) { s.shape.seed = 4; })},
      {"a state of another network",
       "the saved state has 51 numbers, but 5 replicas of 10 parameters have 50",
       restored([](EnsembleState& s) { s.parameters.push_back(0); })},
      {"a state beyond the last step", "beyond 2^56 - 1",
       restored([](EnsembleState& s) { s.step = (std::uint64_t{1} << 56) + 1; })},
      {"a saved state with nan", "parameter 9 of the state for replica 4 is nan",
       restored([](EnsembleState& s) { s.parameters.back() = nan; })},
      {"nothing learnt", "what was learnt is of another ensemble ('', here it is 'version 1, ",
       [](Ensemble& e) { e.restore_learnt({}); }},
      {"less than was learnt", "but its layout says",
       [](Ensemble& e) {
         LearntState learnt = e.learnt();
         learnt.bytes.pop_back();
         e.restore_learnt(learnt);
       }},
  };
  const auto expected = making().make();
  const auto ensemble = making().make();
  expected->advance(3);
  ensemble->advance(3);
  for (const Misuse& misuse : misuses) {
    expect_refusal(misuse.name, misuse.words, [&] { misuse.call(*ensemble); });
    EXPECT_EQ(ensemble->step(), 3) << misuse.name;
    EXPECT_EQ(ensemble->parameters(0, 5), expected->parameters(0, 5)) << misuse.name;
    EXPECT_EQ(as_list(ensemble->counters()), as_list(expected->counters())) << misuse.name;
    EXPECT_EQ(ensemble->losses(), expected->losses()) << misuse.name;
  }
  expected->advance(4);
  ensemble->advance(4);
  EXPECT_EQ(ensemble->parameters(0, 5), expected->parameters(0, 5));
  EXPECT_EQ(as_list(ensemble->counters()), as_list(expected->counters()));
}

TEST_P(EnsembleTest, TheLastReplicasAndStepsCanBeUsed) {
  Making made = making();
  made.shape = {.replicas = 5,
                .first_replica = (std::uint64_t{1} << 32) - 5,
                .first_step = (std::uint64_t{1} << 56) - 2};
  const auto ensemble = made.make();
  ensemble->advance(2);
  EXPECT_EQ(ensemble->step(), std::uint64_t{1} << 56);
  ensemble->advance(0);
  expect_refusal("one more", "2^56 - 1", [&] { ensemble->advance(1); });
}

TEST_P(EnsembleTest, CountsItsSteps) {
  Making made = making();
  made.shape.first_step = 40;
  const auto late = made.make();
  EXPECT_EQ(late->step(), 40);
  late->advance(3);
  late->advance(2);
  EXPECT_EQ(late->step(), 45);
  EXPECT_EQ(late->parameter_count(), 10);
  EXPECT_EQ(late->shape().first_replica, 7);
  made.shape.first_step = 0;
  const auto early = made.make();
  early->advance(5);
  EXPECT_NE(early->parameters(0, 5), late->parameters(0, 5)) << "other steps, other random numbers";
}

TEST_P(EnsembleTest, StatesOnTheCpuCanBeLookedAtWhereTheyLie) {
  const auto ensemble = making().make();
  if (GetParam() == BackendKind::cuda) {
    expect_refusal("view", "cannot be looked at where they lie", [&] { (void)ensemble->view_parameters(); });
    return;
  }
  const std::span<const double> states = ensemble->view_parameters();
  const std::vector<double> before(states.begin(), states.end());
  EXPECT_EQ(before, ensemble->parameters(0, 5));
  ensemble->advance(3);
  EXPECT_EQ(std::vector<double>(states.begin(), states.end()), ensemble->parameters(0, 5));
  EXPECT_NE(std::vector<double>(states.begin(), states.end()), before);
}

TEST_P(EnsembleTest, OneSnapshotAtATime) {
  const auto ensemble = making().make();
  const std::string words = "a snapshot is still to be taken; get() it";
  {
    std::future<EnsembleSnapshot> pending = ensemble->snapshot(2);
    ensemble->advance(3);
    expect_refusal("snapshot", words, [&] { (void)ensemble->snapshot(2); });
    expect_refusal("moments", words, [&] { (void)ensemble->parameter_moments(); });
    expect_refusal("chunks", words, [&] { (void)ensemble->chunk_moments(); });
    expect_refusal("losses", words, [&] { (void)ensemble->losses(); });
    EXPECT_EQ(pending.get().traced, making().make()->parameters(0, 2));
  }
  { const std::future<EnsembleSnapshot> dropped = ensemble->snapshot(5); }
  EXPECT_EQ(ensemble->snapshot(1).get().losses, ensemble->losses());
}

TEST_P(EnsembleTest, AfterAFailureOnlyStatesHelp) {
  Making made = making();
  made.rule = Gradient{1e200};
  made.sigma.assign(10, 1);
  const auto ensemble = made.make();
  const EnsembleState saved = ensemble->save();
  EXPECT_THROW(ensemble->advance(100), RunError);
  EXPECT_EQ(ensemble->step(), 0);
  for (int time = 0; time < 2; ++time) {
    expect_refusal("advance", "from step 0 on failed", [&] { ensemble->advance(1); });
    expect_refusal("save", "from step 0 on failed", [&] { (void)ensemble->save(); });
    ensemble->set_parameters(0, std::vector<double>(10, 0.5));  // one replica is not all
  }
  ensemble->restore(saved);
  EXPECT_EQ(ensemble->save().parameters, saved.parameters);
  EXPECT_EQ(ensemble->counters().steps, 0);
  EXPECT_THROW(ensemble->advance(100), RunError);
  ensemble->set_parameters(0, saved.parameters);
  EXPECT_EQ(ensemble->save().parameters, saved.parameters);
}

Moments merged(const std::vector<Moments>& chunks) {
  Moments total(10);
  for (const Moments& chunk : chunks) total.merge(chunk);
  return total;
}

void expect_equal(const Moments& a, const Moments& b) {
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.sum_squared_deviations, b.sum_squared_deviations);
}

TEST_P(EnsembleTest, ShardsMergeToTheBitsOfTheWhole) {
  const auto evolved = [](std::uint64_t first, std::uint64_t replicas) {
    Making made = making();
    made.shape = {.replicas = replicas, .first_replica = first, .seed = 3};
    auto ensemble = made.make();
    ensemble->advance(3);
    return ensemble;
  };
  for (const std::uint64_t begin : {0, 64}) {
    const auto whole = evolved(begin, 256);
    const Moments expected = whole->parameter_moments();
    expect_equal(merged(whole->chunk_moments()), expected);
    for (const std::vector<std::uint64_t>& shards :
         {std::vector<std::uint64_t>{128, 128}, {64, 64, 64, 64}, {32, 160, 64}, {224, 20, 12}}) {
      std::vector<Moments> chunks;
      std::uint64_t first = begin;
      for (const std::uint64_t replicas : shards) {
        for (Moments& chunk : evolved(first, replicas)->chunk_moments()) chunks.push_back(std::move(chunk));
        first += replicas;
      }
      const Moments total = merged(chunks);
      if (shards.back() % replicas_per_chunk == 0) {
        expect_equal(total, expected);
      } else {  // a chunk cut in two: the same numbers, other roundings
        EXPECT_EQ(total.count, 256);
        for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(total.mean[i], expected.mean[i], 1e-14);
      }
    }
  }
}

/// Also where states take turns on a device.
TEST_P(EnsembleTest, ChunksEndWithTheGlobalIndex) {
  for (const std::uint64_t replicas : {3, 27, 70, 150}) {
    Making made = making();
    made.shape = {.replicas = replicas, .first_replica = 69};  // 27 before the first multiple of 32
    const auto whole = made.make();
    whole->advance(3);
    const std::vector<Moments> chunks = whole->chunk_moments();
    std::uint64_t first = 0;
    for (std::size_t c = 0; c < chunks.size(); ++c) {
      const std::uint64_t count = std::min<std::uint64_t>(c == 0 ? 27 : 32, replicas - first);
      Moments expected(10);
      for (std::uint64_t r = first; r < first + count; ++r) expected.add(whole->parameters(r, 1));
      expect_equal(chunks[c], expected);
      first += count;
    }
    EXPECT_EQ(first, replicas);
    expect_equal(merged(chunks), whole->parameter_moments());
    made.options.device_memory_limit = 65 * 10 * 9;
    const auto in_turns = made.make();
    in_turns->advance(3);
    expect_equal(in_turns->parameter_moments(), whole->parameter_moments());
    expect_equal(merged(in_turns->chunk_moments()), whole->parameter_moments());
    EXPECT_EQ(in_turns->losses(), whole->losses());
  }
}

/// For every rule and acceptance, where a Hessian is known and where a curvature is learnt.
TEST_P(EnsembleTest, GoesOnFromWhatWasSaved) {
  struct Case {
    const char* name;
    Rule rule;
    double sigma;
    bool learns = false;
  };
  const std::vector<Case> cases{
      {"exact", Metropolis{}, 1e-3},
      {"double", Metropolis{.precision = Precision::float64}, 1e-3},
      {"at a temperature", Metropolis{.beta = 1e3}, 1e-2},
      {"screened", Metropolis{.acceptance = Acceptance::screened}, 1e-5, true},
      {"screened at a temperature", Metropolis{.beta = 1e4, .acceptance = Acceptance::screened}, 1e-4, true},
      {"automatic", Metropolis{.acceptance = Acceptance::automatic}, 1e-5},
      {"gradient", Gradient{1e-2}, 1},
      {"normalized gradient", NormalizedGradient{1e-2}, 1},
      {"langevin", Langevin{.stride = 3}, 1e-3},
      {"langevin at a temperature", Langevin{.beta = 1e3, .stride = 2}, 1e-3}};
  constexpr std::uint64_t steps = 150;
  for (const std::vector<int>& widths : {std::vector<int>{1, 3, 1}, {1, 3, 2, 1}}) {
    for (const Case& c : cases) {
      Making made = making();
      made.widths = widths;
      made.sigma.assign(made.problem().network().parameter_count(), c.sigma);
      made.shape.replicas = 2;
      made.rule = c.rule;
      const auto whole = made.make();
      whole->advance(steps);
      EXPECT_TRUE(!c.learns || whole->counters().decided_by_model > 0) << c.name;
      for (const std::uint64_t cut : {std::uint64_t{1}, std::uint64_t{97}}) {
        const auto interrupted = made.make();
        interrupted->advance(cut);
        const EnsembleState state = interrupted->save();
        const LearntState learnt = interrupted->learnt();
        EXPECT_EQ(state.step, cut);
        interrupted->advance(steps - cut);
        for (const bool with_learnt : {false, true}) {
          const auto resumed = made.make();
          resumed->advance(5);  // what came before the restoration must not matter
          resumed->restore(state);
          if (with_learnt) resumed->restore_learnt(learnt);
          EXPECT_EQ(resumed->step(), cut);
          resumed->advance(steps - cut);
          EXPECT_EQ(resumed->step(), steps);
          EXPECT_EQ(resumed->parameters(0, 2), whole->parameters(0, 2)) << c.name << ", " << cut;
          EXPECT_EQ(resumed->counters().accepted, whole->counters().accepted) << c.name << ", " << cut;
          EXPECT_EQ(resumed->counters().steps, whole->counters().steps) << c.name << ", " << cut;
          if (!with_learnt) {  // nor is it so in vain
            const bool counts_alike = as_list(resumed->counters()) == as_list(interrupted->counters());
            EXPECT_TRUE(!counts_alike || cut == 1 || !c.learns) << c.name;
            continue;
          }
          EXPECT_EQ(as_list(resumed->counters()), as_list(interrupted->counters())) << c.name << ", " << cut;
        }
      }
    }
  }
}

TEST_P(EnsembleTest, WhatOthersLearntIsRefused) {
  Making made = making();
  made.rule = Metropolis{.acceptance = Acceptance::screened};
  const LearntState learnt = made.make()->learnt();
  EXPECT_NE(learnt.layout.find("5 replicas from 7 on with seed 3"), std::string::npos) << learnt.layout;
  const std::vector<std::function<void(Making&)>> changes{
      [](Making& m) { m.rule = Metropolis{}; },
      [](Making& m) { m.rule = Metropolis{.beta = 2, .acceptance = Acceptance::screened}; },
      [](Making& m) { m.sigma[3] *= 2; },
      [](Making& m) {
        m.data.weights.assign(m.data.points, 1);
        m.data.weights[7] = 2;
      },
      [](Making& m) { m.shape.seed = 4; },
      [](Making& m) { m.shape.replicas = 6; },
      [](Making& m) { m.shape.first_replica = 6; }};
  for (const auto& change : changes) {
    Making other = made;
    change(other);
    const auto ensemble = other.make();
    EXPECT_NE(ensemble->learnt_layout(), learnt.layout);
    expect_refusal("of others", "results do not depend on it", [&] { ensemble->restore_learnt(learnt); });
  }
  const auto same = made.make();
  EXPECT_EQ(same->learnt_layout(), learnt.layout);
  same->restore_learnt(learnt);
}

INSTANTIATE_TEST_SUITE_P(All, EnsembleTest, testing::Values(BackendKind::cpu, BackendKind::cuda),
                         [](const auto& which) { return which.param == BackendKind::cpu ? "cpu" : "cuda"; });

}  // namespace
}  // namespace langevo
