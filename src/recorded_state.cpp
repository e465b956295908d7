#include "recorded_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "input_file.hpp"
#include "langevo/error.hpp"
#include "netcdf.hpp"
#include "run_file_format.hpp"
#include "text.hpp"

namespace langevo {

namespace {

std::size_t find_record(const InputFile& file, const netcdf::Group& ensemble, double at) {
  const std::vector<double> times = ensemble.read("time");
  if (times.empty()) throw InputError(file.name + " has no record to start from; give another run file");
  if (std::isinf(at)) return times.size() - 1;
  const auto nearest_time = std::min_element(
      times.begin(), times.end(), [at](double a, double b) { return std::abs(a - at) < std::abs(b - at); });
  // A user writes fewer digits than a product of steps has.
  if (std::abs(*nearest_time - at) > 1e-6 * std::abs(at)) {
    throw InputError(file.name + " has no record at t = " + shortest(at) + "; the nearest is at --init-at " +
                     rounded(*nearest_time, 10));
  }
  return static_cast<std::size_t>(nearest_time - times.begin());
}

/// The number in all of the first replica, which a run file has in its configuration.
std::uint64_t first_replica_of(const netcdf::Group& root) {
  std::string text("\n");
  text += root.text_attribute("configuration").value_or("");
  const std::string name = "\nfirst-replica = ";
  const std::size_t begin = text.find(name);
  return begin == std::string::npos ? 0 : std::strtoull(text.c_str() + begin + name.size(), nullptr, 10);
}

/// Opens a run file of a network of so many parameters and lets `read` have its root, its ensemble and the
/// record.
template <class Read>
std::vector<double> read_record(const std::string& path, double at, std::size_t parameters,
                                const Read& read) {
  const InputFile file("--init", path);
  const InputError no_run_file(file.name +
                               " is no run file, which --init-at needs; leave --init-at out, or give one");
  if (!is_netcdf(file)) throw no_run_file;
  try {
    const netcdf::File netcdf_file = netcdf::File::open_to_read(path);
    const netcdf::Group root = netcdf_file.root();
    const auto ensemble = root.find_group("ensemble");
    if (!ensemble) throw no_run_file;
    require_known_format(root, file.name);
    const std::size_t length = root.find_dimension("parameter").value_or(0);
    if (length != parameters) {
      throw InputError(file.name + " is of a network of " + std::to_string(length) +
                       " parameters, but this one has " + std::to_string(parameters) +
                       "; give a run of the same network");
    }
    return read(file, root, *ensemble, find_record(file, *ensemble, at));
  } catch (const netcdf::Error& error) {
    throw InputError(file.name + " is not complete netCDF: " + error.what());
  }
}

}  // namespace

std::vector<double> read_recorded_mean(const std::string& path, double at, std::size_t parameters) {
  return read_record(
      path, at, parameters,
      [&](const InputFile& file, const netcdf::Group&, const netcdf::Group& ensemble, std::size_t record) {
        if (!ensemble.has_variable("parameter_mean")) {
          throw InputError(file.name +
                           " stores no mean of its replicas to start from; run it with "
                           "--record-parameters mean, or give --init-per-replica");
        }
        return ensemble.read_slab("parameter_mean", {{record, 0}, {1, parameters}});
      });
}

std::vector<double> read_recorded_state(const std::string& path, double at, std::size_t parameters,
                                        std::uint64_t replica) {
  return read_record(
      path, at, parameters,
      [&](const InputFile& file, const netcdf::Group& root, const netcdf::Group& ensemble,
          std::size_t record) {
        const std::uint64_t first = first_replica_of(root);
        const std::uint64_t traced = ensemble.find_dimension("trace").value_or(0);
        if (replica < first || replica - first >= traced) {
          throw InputError(file.name + " has states of " + std::to_string(traced) +
                           " replica(s) from number " + std::to_string(first) + " on, but none for replica " +
                           std::to_string(replica) +
                           "; give fewer --replicas, or run it with a larger --trace");
        }
        return ensemble.read_slab("trace_parameter", {{record, replica - first, 0}, {1, 1, parameters}});
      });
}

}  // namespace langevo
