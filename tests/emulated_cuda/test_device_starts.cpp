// The ways in which a device does not start that users report most: `--backend auto` says why in one line and
// takes the CPU, `--backend cuda` ends with one sentence, and no device is touched that is not asked for.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "langevo/ensemble.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"
#include "machine.hpp"

namespace langevo {
namespace {

using emulated_cuda::Device;
using emulated_cuda::machine;

std::unique_ptr<Ensemble> make_on(BackendKind kind, int device = 0) {
  const Problem problem(Network({1, 2, 1}, Activation::tanh, true), make_sin_unit(10), Loss::mse);
  const Dynamics dynamics{Metropolis{}, std::vector<double>(problem.network().parameter_count(), 1e-3)};
  BackendOptions options;
  options.kind = kind;
  options.device = device;
  return make_ensemble(problem, dynamics, {}, options);
}

std::string why_not_cuda(int device = 0) {
  BackendOptions options;
  options.device = device;
  const BackendChoice choice = choose_backend(options);
  EXPECT_EQ(choice.kind, BackendKind::cpu);
  return choice.why_not_cuda;
}

std::string refusal(int device = 0) {
  try {
    make_on(BackendKind::cuda, device);
  } catch (const InputError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

void expect_one_sentence(const std::string& words, const std::string& part) {
  EXPECT_NE(words.find(part), std::string::npos) << words;
  EXPECT_EQ(words.find('\n'), std::string::npos) << words;
  EXPECT_EQ(words.find(". "), std::string::npos) << words;
}

class DeviceStarts : public testing::Test {
 protected:
  void SetUp() override { emulated_cuda::reset_machine(); }
  void TearDown() override {
    unsetenv("CUDA_VISIBLE_DEVICES");
    emulated_cuda::reset_machine();
  }

  /// Both ways of asking say the same.
  static void expect_reason(const std::string& part) {
    expect_one_sentence(why_not_cuda(), part);
    expect_one_sentence(refusal(), part);
    expect_one_sentence(refusal(), "; use --backend cpu");
    EXPECT_NE(make_on(BackendKind::automatic)->device().find("thread"), std::string::npos);
  }
};

TEST_F(DeviceStarts, ADeviceThatWorksIsTaken) {
  BackendOptions options;
  const BackendChoice choice = choose_backend(options);
  EXPECT_EQ(choice.kind, BackendKind::cuda);
  EXPECT_EQ(choice.device, 0);
  EXPECT_EQ(choice.why_not_cuda, "");
  EXPECT_EQ(make_on(BackendKind::automatic)->device(), "Emulated H100 (cuda)");
  EXPECT_EQ(make_on(BackendKind::cuda)->device(), "Emulated H100 (cuda)");
}

TEST_F(DeviceStarts, WhoAsksForTheCpuIsToldNothing) {
  machine().driver_version = 0;
  BackendOptions options;
  options.kind = BackendKind::cpu;
  EXPECT_EQ(choose_backend(options).why_not_cuda, "");
  EXPECT_EQ(machine().contexts, 0);
}

TEST_F(DeviceStarts, NoDriver) {
  machine().driver_version = 0;
  expect_reason("this machine has no NVIDIA driver");
}

TEST_F(DeviceStarts, DriverOlderThanTheToolkit) {
  machine().driver_version = 12040;
  expect_reason("the NVIDIA driver is for CUDA 12.4 and this langevo needs 13");
}

TEST_F(DeviceStarts, NoPermission) {
  for (const cudaError_t status : {cudaErrorOperatingSystem, cudaErrorNotPermitted}) {
    machine().when_counted = status;
    expect_reason("does not let this user use the NVIDIA driver (its files are /dev/nvidia*)");
  }
}

TEST_F(DeviceStarts, PartsOfTheDriverDiffer) {
  machine().when_counted = cudaErrorSystemDriverMismatch;
  expect_reason("different versions (restart the machine)");
}

TEST_F(DeviceStarts, ExclusiveAndTaken) {
  machine().devices[0].mode = cudaComputeModeExclusiveProcess;
  machine().devices[0].when_taken = cudaErrorDevicesUnavailable;
  expect_reason("it serves one process at a time and another one has it");
}

TEST_F(DeviceStarts, Prohibited) {
  machine().devices[0].mode = cudaComputeModeProhibited;
  expect_reason("its compute mode is 'prohibited'");
}

TEST_F(DeviceStarts, NoCodeForTheCard) {
  machine().devices[0].when_code_is_loaded = cudaErrorNoKernelImageForDevice;
  expect_reason("this langevo has no code for it");
}

TEST_F(DeviceStarts, TooOldACard) {
  machine().devices[0].major = 6;
  expect_reason("its compute capability is below 7.5");
}

TEST_F(DeviceStarts, NoMemoryLeft) {
  machine().devices[0].when_taken = cudaErrorMemoryAllocation;
  expect_reason("other programs have all of its memory");
}

TEST_F(DeviceStarts, NothingVisible) {
  machine().devices.clear();
  expect_reason("no NVIDIA device that this user may use");
  for (const char* const visible : {"", "MIG-41b36014-8a2b-5c0f-9e2e-8a6e6f5b7c11"}) {
    setenv("CUDA_VISIBLE_DEVICES", visible, 1);
    expect_reason("CUDA_VISIBLE_DEVICES is '" + std::string(visible) +
                  "', which names no device of this machine");
  }
}

TEST_F(DeviceStarts, AForkedChild) {
  const auto in_parent = make_on(BackendKind::cuda);
  const pid_t child = fork();
  if (child == 0) {
    const bool told =
        why_not_cuda().find("forked") != std::string::npos && refusal().find("forked") != std::string::npos;
    _exit(told ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(DeviceStarts, OneOfTwoIsBroken) {
  for (const int broken : {0, 1}) {
    emulated_cuda::reset_machine();
    machine().devices = {Device{}, Device{}};
    machine().devices[static_cast<std::size_t>(broken)].when_taken = cudaErrorECCUncorrectable;
    const int sound = 1 - broken;
    const BackendChoice choice = choose_backend({});
    EXPECT_EQ(choice.kind, BackendKind::cuda);
    EXPECT_EQ(choice.device, sound);
    expect_one_sentence(refusal(broken), "its memory has errors that cannot be corrected");
    expect_one_sentence(refusal(broken), "; use --device " + std::to_string(sound));
    EXPECT_EQ(make_on(BackendKind::cuda, sound)->device(), "Emulated H100 (cuda)");
  }
}

TEST_F(DeviceStarts, BothAreBroken) {
  machine().devices = {Device{}, Device{}};
  machine().devices[0].when_taken = cudaErrorDevicesUnavailable;
  machine().devices[1].when_asked = cudaErrorDevicesUnavailable;
  expect_one_sentence(why_not_cuda(), "device 0: it is busy or out of order");
  expect_one_sentence(why_not_cuda(), "device 1: it is busy or out of order");
}

TEST_F(DeviceStarts, ADeviceThatFailsItsTrialIsNotTaken) {
  machine().launches_before_loss = 1;
  expect_one_sentence(why_not_cuda(), "a trial on it failed: the CUDA device was lost");
}

TEST_F(DeviceStarts, OnlyTheDeviceAskedForIsTaken) {
  machine().devices = {Device{}, Device{}, Device{}};
  const std::vector<DeviceInfo> devices = list_devices();
  EXPECT_EQ(devices.size(), 4);
  EXPECT_EQ(machine().contexts, 0);
  make_on(BackendKind::cuda, 1);
  EXPECT_EQ(machine().contexts, 1);
  make_on(BackendKind::automatic, 1);
  EXPECT_EQ(machine().contexts, 1);
}

TEST_F(DeviceStarts, ADeviceLostInMidRunIsSaidInOneSentence) {
  const auto ensemble = make_on(BackendKind::cuda);
  ensemble->advance(3);
  machine().launches_before_loss = 0;
  try {
    ensemble->advance(3);
    FAIL() << "no error";
  } catch (const RunError& error) {
    expect_one_sentence(error.what(), "the CUDA device was lost");
  }
}

TEST_F(DeviceStarts, MemoryThatRunsOutIsSaidInOneSentence) {
  machine().devices[0].memory_bytes = (std::size_t{64} << 20) + 1000;  // of which the driver keeps 64 MiB
  expect_one_sentence(refusal(), "of device memory for --replicas 1");
}

}  // namespace
}  // namespace langevo
