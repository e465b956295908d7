#include "saved_ensemble.hpp"

#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <cstring>
#include <map>
#include <tuple>

#include "arrays.hpp"
#include "counters.hpp"
#include "langevo/error.hpp"

namespace langevo::python {

namespace {

constexpr int format = 1;  ///< of what is pickled

template <class Value>
nb::bytes bytes_of(const std::vector<Value>& values) {
  return nb::bytes(values.data(), values.size() * sizeof(Value));
}

template <class Value>
std::vector<Value> values_of(const nb::bytes& bytes) {
  std::vector<Value> values(bytes.size() / sizeof(Value));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(Value));
  return values;
}

using Pickled =
    std::tuple<int, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
               std::map<std::string, std::uint64_t>, nb::bytes, nb::bytes, std::string, nb::bytes>;

Pickled pickle(const SavedEnsemble& saved) {
  const EnsembleState& state = saved.state;
  std::map<std::string, std::uint64_t> counters;
  for (const auto& [name, member] : counter_names) counters[name] = state.counters.*member;
  return {format,
          state.shape.replicas,
          state.shape.first_replica,
          state.shape.seed,
          state.shape.first_step,
          state.step,
          counters,
          bytes_of(state.parameters),
          bytes_of(state.descent),
          saved.learnt.layout,
          bytes_of(saved.learnt.bytes)};
}

SavedEnsemble unpickle(const Pickled& pickled) {
  const auto& [version, replicas, first_replica, seed, first_step, step, counters, parameters, descent,
               layout, learnt] = pickled;
  if (version != format) {
    throw InputError("the saved ensemble is of format " + std::to_string(version) +
                     ", and this langevo reads " + std::to_string(format) +
                     "; read it with the version that wrote it");
  }
  SavedEnsemble saved;
  saved.state.shape = {replicas, first_replica, seed, first_step};
  saved.state.step = step;
  for (const auto& [name, member] : counter_names) {
    const auto found = counters.find(name);
    if (found != counters.end()) saved.state.counters.*member = found->second;
  }
  saved.state.parameters = values_of<double>(parameters);
  saved.state.descent = values_of<std::byte>(descent);
  saved.learnt = {layout, values_of<std::byte>(learnt)};
  return saved;
}

}  // namespace

SavedEnsemble save(const SharedEnsemble& shared) {
  const SharedEnsemble::Use ensemble(shared);
  return {ensemble->save(), ensemble->learnt()};
}

void restore(const SavedEnsemble& saved, SharedEnsemble& shared) {
  const SharedEnsemble::Use ensemble(shared);
  ensemble->restore(saved.state);
  if (saved.learnt.layout == ensemble->learnt_layout()) ensemble->restore_learnt(saved.learnt);
}

void bind_saved_ensemble(nb::module_& module) {
  nb::class_<SavedEnsemble>(module, "SavedEnsemble",
                            "An ensemble at one step, by Ensemble.save(): what it needs to go on from there.")
      .def_prop_ro(
          "step", [](const SavedEnsemble& saved) { return saved.state.step; }, "The step that comes next.")
      .def_prop_ro(
          "seed", [](const SavedEnsemble& saved) { return saved.state.shape.seed; },
          "Key of all random numbers.")
      .def_prop_ro(
          "parameters",
          [](const SavedEnsemble& saved) {
            const std::size_t replicas = saved.state.shape.replicas;
            const std::vector<double>& all = saved.state.parameters;
            return look_at(all, {replicas, all.size() / replicas}, nb::find(saved));
          },
          "The states [replicas, N], to be read only.")
      .def("__getstate__", &pickle, nb::sig("def __getstate__(self) -> tuple[object, ...]"))
      .def(
          "__setstate__",
          [](SavedEnsemble& saved, const Pickled& pickled) { new (&saved) SavedEnsemble(unpickle(pickled)); },
          nb::sig("def __setstate__(self, state: tuple[object, ...]) -> None"));
}

}  // namespace langevo::python
