// The random-number contract: Philox4x32-10, its counters, and who uses which.
#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <vector>

#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/random/normals.hpp"
#include "kernels/rules/advance.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/problem.hpp"

#ifdef LANGEVO_HAVE_CURAND
#  include <curand.h>
#endif

namespace langevo {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words words_of(const RandomWords& words) {
  return {words.word[0], words.word[1], words.word[2], words.word[3]};
}

TEST(Philox, KnownAnswersOfTheAuthors) {
  constexpr std::uint32_t ones = 0xffffffffu;
  EXPECT_EQ(words_of(philox4x32_10({{0, 0, 0, 0}}, 0, 0)),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(words_of(philox4x32_10({{ones, ones, ones, ones}}, ones, ones)),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      words_of(philox4x32_10({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0)),
      (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, AgreesWithRandom123) {
  std::mt19937 generator(1);
  for (int i = 0; i < 10000; ++i) {
    RandomWords counter{};
    for (std::uint32_t& word : counter.word) word = static_cast<std::uint32_t>(generator());
    const auto key0 = static_cast<std::uint32_t>(generator());
    const auto key1 = static_cast<std::uint32_t>(generator());
    const auto expected = r123::Philox4x32_R<10>()(
        {{counter.word[0], counter.word[1], counter.word[2], counter.word[3]}}, {{key0, key1}});
    ASSERT_EQ(words_of(philox4x32_10(counter, key0, key1)),
              (Words{expected[0], expected[1], expected[2], expected[3]}));
  }
}

TEST(Philox, CounterLayoutIsTheContract) {
  const RandomSource source{0x1122334455667788u, 0x00abcdef12345678u, Stream::langevin_noise, 77};
  const Words random = words_of(philox4x32_10({{5, 0x12345678, 0x03abcdef, 77}}, 0x55667788, 0x11223344));
  EXPECT_EQ(words_of(source.block(5)), random);
  EXPECT_EQ(words_of(source.blocks(9, 1).words(5)), random);
  EXPECT_EQ(words_of(RandomSource(source).blocks(9, 3).words(5)), random);
  RandomSource before = source;
  before.step -= 2;
  EXPECT_EQ(words_of(before.blocks(9, 3).words(2 * 9 + 5)), random);
}

#ifdef LANGEVO_HAVE_CURAND
// cuRAND's host generator runs without a device. Its words follow the counter in blocks of four; we look for
// our blocks at the start of its sequence for the same seed.
TEST(Philox, AgreesWithCurandsHostGenerator) {
  constexpr std::uint64_t seed = 0x0123456789abcdefu;
  constexpr std::size_t blocks = 256;
  curandGenerator_t generator = nullptr;
  ASSERT_EQ(curandCreateGeneratorHost(&generator, CURAND_RNG_PSEUDO_PHILOX4_32_10), CURAND_STATUS_SUCCESS);
  ASSERT_EQ(curandSetPseudoRandomGeneratorSeed(generator, seed), CURAND_STATUS_SUCCESS);
  std::vector<unsigned int> words(4 * blocks);
  ASSERT_EQ(curandGenerate(generator, words.data(), words.size()), CURAND_STATUS_SUCCESS);
  curandDestroyGenerator(generator);
  // Word 4b + i of cuRAND's sequence is word i of the block with subsequence b in counter words 2, 3 or with
  // offset b in words 0, 1, depending on its ordering; both leave the other pair at 0.
  std::size_t by_offset = 0;
  std::size_t by_subsequence = 0;
  for (std::uint32_t b = 0; b < blocks; ++b) {
    const Words here{words[4 * b], words[4 * b + 1], words[4 * b + 2], words[4 * b + 3]};
    const auto key0 = static_cast<std::uint32_t>(seed);
    const auto key1 = static_cast<std::uint32_t>(seed >> 32);
    by_offset += here == words_of(philox4x32_10({{b, 0, 0, 0}}, key0, key1)) ? 1 : 0;
    by_subsequence += here == words_of(philox4x32_10({{0, 0, b, 0}}, key0, key1)) ? 1 : 0;
  }
  EXPECT_TRUE(by_offset == blocks || by_subsequence == blocks)
      << by_offset << " and " << by_subsequence << " of " << blocks << " blocks agree";
}
#else
TEST(Philox, AgreesWithCurandsHostGenerator) {
  GTEST_SKIP() << "built without the CUDA toolkit";
}
#endif

/// Writes down every counter it is asked for.
struct RecordingSource {
  RandomSource source;
  std::vector<Words>* counters;

  [[nodiscard]] BlockRange blocks(std::uint32_t blocks_per_step, std::uint32_t steps) const {
    const BlockRange range = source.blocks(blocks_per_step, steps);
    for (std::uint32_t index = 0; index < blocks_per_step * steps; ++index)
      counters->push_back(words_of(range.counter(range.place(index))));
    return range;
  }

  [[nodiscard]] RandomWords block(std::uint32_t index) const {
    EXPECT_EQ(index, 0u);
    return blocks(1, 1).words(0);
  }
};

struct RecordingContext : StepContext {
  std::vector<Words>* counters = nullptr;

  [[nodiscard]] RecordingSource random(Stream stream) const {
    return {StepContext::random(stream), counters};
  }
};

template <class RuleType>
void record_run(const RuleType& rule, std::vector<Words>& counters) {
  const Problem problem(Network({1, 5, 1}, Activation::tanh, true),
                        Dataset{3, 1, 1, {0.1, 0.5, 0.9}, {1, -1, 0.5}}, Loss::mse);
  const HostProblem host(problem);
  const std::size_t n = problem.network().parameter_count();
  const std::vector<double> sigma(n, 1e-3);
  OwnedWorkspace<typename WorkspaceOf<SerialTeam, RuleType>::Type> work(host.view().network);
  StepCounters step_counters;
  for (std::uint32_t replica = 0; replica < 7; ++replica) {
    std::vector<double> x(n, 0.1);
    FloatCalibration calibration;
    ScreeningState screening;
    LearntCurvature learnt;
    RecordingContext context;
    static_cast<StepContext&>(context) = {host.view(), sigma.data(), 42, 0xfffffff0u,
                                          replica};  // crosses 2^32
    context.counters = &counters;
    ASSERT_EQ(advance_replica(SerialTeam{}, context, rule, 40, {x.data(), &calibration, &screening, &learnt},
                              work.get(), step_counters),
              40u);
  }
}

TEST(Philox, NoCounterIsUsedTwice) {
  std::vector<Words> counters;
  record_run(Metropolis{1e3, Precision::float32}, counters);
  const std::size_t blocks_of_16_parameters = 4;
  EXPECT_EQ(counters.size(), 7u * 40u * (blocks_of_16_parameters + 1));
  record_run(gradient_rule(Langevin{1e3, 1}), counters);
  EXPECT_EQ(counters.size(), 7u * 40u * (2 * blocks_of_16_parameters + 1));
  for (std::uint32_t replica = 0; replica < 7; ++replica) {  // initial states
    const RecordingSource source{{42, 0, Stream::initial_state, replica}, &counters};
    std::vector<float> normals(normal_buffer_size(16));
    draw_normals(SerialTeam{}, source, 16, normals.data());
  }
  const std::set<Words> unique(counters.begin(), counters.end());
  EXPECT_EQ(unique.size(), counters.size());
}

TEST(Philox, BlocksYieldTheNormalsOfFourParameters) {
  const RandomSource source{9, 100, Stream::mutation, 3};
  std::vector<float> all(normal_buffer_size(1001));
  draw_normals(SerialTeam{}, source, 1001, all.data());
  for (const std::size_t n : {std::size_t{1}, std::size_t{31}, std::size_t{33}, std::size_t{1000}}) {
    std::vector<float> some(normal_buffer_size(n));
    draw_normals(SerialTeam{}, source, n, some.data());
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(some[i], all[i]);
  }
  for (const std::size_t n : {1, 4, 31, 33, 90, 1000}) {
    for (const std::uint32_t steps : {2, 3, 16, 40, 81}) {  // several steps at once, up to a new high word
      const RandomSource first{9, 0x100000000u - steps, Stream::mutation, 3};
      const std::size_t row = normal_buffer_size(n);
      std::vector<float> rows(steps * row);
      draw_normals(SerialTeam{}, first, n, rows.data(), steps);
      for (std::size_t k = 0; k < steps; ++k) {
        std::vector<float> one(row);
        draw_normals(SerialTeam{}, RandomSource{9, first.step + k, Stream::mutation, 3}, n, one.data());
        for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(rows[k * row + i], one[i]);
        const RandomWords words = RandomSource{9, first.step + k, Stream::mutation, 3}.block(0);
        ASSERT_EQ(one[0], normal_pair(words.word[0], words.word[1]).first);
      }
    }
  }
  const RandomWords words = source.block(7);
  EXPECT_EQ(all[28], normal_pair(words.word[0], words.word[1]).first);
  EXPECT_EQ(all[31], normal_pair(words.word[2], words.word[3]).second);
}

TEST(Philox, BlocksSideBySideAreThoseOfTheSource) {
  for (const std::uint32_t blocks : {1, 2, 23, 31, 33, 1000}) {
    for (const std::uint32_t steps : {1, 2, 3, 7, 32}) {
      if (steps > 1 && blocks * steps >= 0x8000) continue;
      const RandomSource first{0x1122334455667788u, 0x00abcdefffffff00u, Stream::langevin_noise, 77};
      const std::size_t row = normal_buffer_size(std::size_t{4} * blocks);
      std::vector<float> rows(row * steps);
      const auto floats = [](PackedLanes words) { return float_of_bits(words); };
      SerialTeam{}.each_block(first.blocks(blocks, steps), steps, [&](const auto& words, const auto& place) {
        place.put(each_part(floats, words.even), each_part(floats, words.odd), rows.data(), row);
      });
      for (std::uint32_t step = 0; step < steps; ++step) {
        const RandomSource source{first.seed, first.step + step, first.stream, first.replica};
        for (std::uint32_t b = 0; b < blocks; ++b) {
          const RandomWords words = source.block(b);
          for (std::size_t w = 0; w < 4; ++w)
            ASSERT_EQ(bits_of(rows[step * row + 4 * b + w]), words.word[w]) << blocks << " blocks, " << steps;
        }
      }
    }
  }
}

}  // namespace
}  // namespace langevo
