// Random integers and normals made on a device, bit for bit those made on the host, and cuRAND's.
#include <gtest/gtest.h>

#include "device_random.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/random/normals.hpp"
#include "langevo/ensemble.hpp"

namespace langevo {
namespace {

TEST(DeviceRandom, WordsAndNormalsAreTheHostsBitForBit) {
  bool usable = false;
  for (const DeviceInfo& device : list_devices())
    usable = usable || (device.kind == BackendKind::cuda && device.usable);
  if (!usable) GTEST_SKIP() << "no usable device";
  constexpr std::uint32_t count = 50000;
  for (const DeviceRandomInput& input :
       {DeviceRandomInput{1, 0, 0, 0}, DeviceRandomInput{1, 7, 3, 12},
        DeviceRandomInput{0xdeadbeefcafef00du, 0x123456789abcdu, 1, 0xffffffffu}}) {
    const RandomSource source{input.seed, input.step, static_cast<Stream>(input.stream), input.replica};
    const DeviceRandom device = draw_on_device(input, count);
    std::vector<std::uint32_t> words;
    for (std::uint32_t b = 0; b < count; ++b) {
      const RandomWords block = source.block(b);
      words.insert(words.end(), block.word, block.word + 4);
    }
    std::vector<float> normals(normal_buffer_size(words.size()));
    draw_normals(SerialTeam{}, source, words.size(), normals.data());
    normals.resize(words.size());
    EXPECT_EQ(device.words, words);
    EXPECT_EQ(device.curand_words, words);
    EXPECT_EQ(device.normals, normals);
  }
}

}  // namespace
}  // namespace langevo
