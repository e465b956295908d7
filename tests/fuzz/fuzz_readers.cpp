// What the readers of files do with any bytes: they give numbers or an error in one sentence. The variable
// LANGEVO_FUZZ_READER of the environment names the reader; run.py makes files to begin with.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "langevo/dataset.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/run_file.hpp"
#include "src/configuration_file.hpp"
#include "src/physical_memory.hpp"
#include "src/settings.hpp"

namespace langevo {

/// Instead of the machine's own: a file may claim more numbers than any memory holds.
double physical_memory() {
  return 1 << 27;
}

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void read_data(const std::string& path) {
  for (const bool labels : {false, true}) {
    const Dataset data = read_data_file(path, 1, 2, {.class_labels = labels}).data;
    require(data.points > 0 && data.inputs.size() == data.points && data.targets.size() == 2 * data.points);
    for (const double value : data.inputs) require(std::isfinite(value));
    for (const double value : data.targets) require(std::isfinite(value));
    require(data.weights.empty() || data.weights.size() == data.points);
    for (const double value : data.weights) require(std::isfinite(value));
  }
}

const std::map<std::string, std::function<void(const std::string&)>>& readers() {
  static const std::map<std::string, std::function<void(const std::string&)>> all{
      {"csv", read_data},
      {"netcdf", read_data},
      {"toml",
       [](const std::string& path) {
         Assignments said = read_configuration(path);
         std::erase_if(said, [](const Assignment& a) { return a.name == "preset" || a.name == "quick"; });
         (void)configuration_text({make_options(said)});
       }},
      {"run-file", [](const std::string& path) { require(!describe_run_file(path).empty()); }},
      {"state",
       [](const std::string& path) {
         require(read_parameter_vector(path, "initial_parameter", 7, "--init").size() == 7);
       }},
  };
  return all;
}

/// A file in memory that has a path.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* bytes, std::size_t size) : descriptor_(memfd_create("fuzz", 0)) {
    require(descriptor_ >= 0 && write(descriptor_, bytes, size) == static_cast<ssize_t>(size));
  }
  ~MemoryFile() { close(descriptor_); }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace
}  // namespace langevo

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace langevo;
  const char* name = std::getenv("LANGEVO_FUZZ_READER");
  require(name != nullptr && readers().count(name) == 1);
  const MemoryFile file(bytes, size);
  try {
    readers().at(name)(file.path());
  } catch (const InputError& error) {
    const std::string sentence = error.what();
    require(!sentence.empty() && sentence.find('\n') == std::string::npos);
  }
  return 0;
}
