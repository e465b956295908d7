// How many threads a run takes where it is not told.
#include "kernels/cpu/cpu_machine.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace langevo {
namespace {

TEST(CpuMachine, TakesTheProcessorsOnWhichItMayRun) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(cpu_threads(0), 1);
  EXPECT_EQ(cpu_threads(3), 3);  // asked for is asked for
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_LE(cpu_threads(0), CPU_COUNT(&before));
}

TEST(CpuMachine, KnowsTheQuotaOfItsControlGroups) {
  struct Case {
    const char* name;
    std::string membership;
    std::map<std::string, std::string> files;
    double processors;
  };
  const double unlimited = std::numeric_limits<double>::infinity();
  const std::vector<Case> cases{
      {"no groups", "", {}, unlimited},
      {"version 2", "0::/a/b\n", {{"a/b/cpu.max", "150000 100000\n"}}, 1.5},
      {"version 2 without a limit", "0::/a/b\n", {{"a/b/cpu.max", "max 100000\n"}}, unlimited},
      {"a group above has less",
       "0::/a/b\n",
       {{"a/b/cpu.max", "max 100000\n"}, {"a/cpu.max", "200000 50000\n"}},
       4},
      {"the root of a container", "0::/\n", {{"cpu.max", "50000 100000\n"}}, 0.5},
      {"a path of the host", "0::/docker/1234\n", {{"cpu.max", "300000 100000\n"}}, 3},
      {"version 1",
       "5:memory:/a\n4:cpu,cpuacct:/a\n",
       {{"cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n"}, {"cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"}},
       2.5},
      {"version 1 without a limit",
       "4:cpuacct,cpu:/a\n",
       {{"cpu/a/cpu.cfs_quota_us", "-1\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"}},
       unlimited},
      {"another controller", "4:cpuset:/a\n", {{"cpuset/a/cpu.max", "50000 100000\n"}}, unlimited},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string root = (std::filesystem::temp_directory_path() / "langevo_groups_XXXXXX").string();
    ASSERT_NE(mkdtemp(root.data()), nullptr);
    std::ofstream(root + "/membership") << c.membership;
    for (const auto& [name, content] : c.files) {
      const std::filesystem::path path = std::filesystem::path(root) / name;
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << content;
    }
    EXPECT_EQ(cgroup_processors(root + "/membership", root), c.processors);
    std::filesystem::remove_all(root);
  }
}

}  // namespace
}  // namespace langevo
