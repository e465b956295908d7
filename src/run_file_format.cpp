#include "run_file_format.hpp"

#include "langevo/error.hpp"

namespace langevo {

void require_known_format(const netcdf::Group& root, const std::string& name) {
  // An attribute of that name in a file of somebody else means what they say.
  if (!root.text_attribute("langevo_version")) return;
  const std::uint64_t version = root.count_attribute("format_version").value_or(1);
  if (version <= run_file_format_version) return;
  throw InputError(name + " is a run file of version " + std::to_string(version) +
                   ", but this langevo knows versions up to " + std::to_string(run_file_format_version) +
                   "; read it with the langevo that wrote it, or a later one");
}

}  // namespace langevo
