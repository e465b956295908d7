#include "langevo/simulation.hpp"

#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "listening.hpp"
#include "record.hpp"
#include "shared_ensemble.hpp"

namespace langevo::python {

namespace {

template <class Member>
auto number(Member member) {
  return [member](const Record& record) { return record.values.*member; };
}

template <class Member>
auto of_loss(Member member) {
  return [member](const Record& record) { return record.values.loss.*member; };
}

ConstNumpyArray array_of(const Record& record, std::span<const double> values) {
  return look_at(values, {values.size()}, nb::find(record));
}

/// Steps an ensemble to the record steps; Python hears of each record in `take` and of progress in `tick`.
void simulate(const SharedEnsemble& shared, std::vector<std::uint64_t> record_steps, double time_per_step,
              std::uint64_t traced, const nb::object& take, const nb::object& tick) {
  const SharedEnsemble::Use use(shared);
  langevo::Simulation simulation(shared.share(), {std::move(record_steps), time_per_step}, {traced, {}});
  Listening listening;
  const auto sink = [&](const EnsembleRecord& record) {
    listening.call([&] {
      if (take_record(take, record)) listening.request_stop();
    });
  };
  const auto progress = [&](double fraction) {
    listening.call([&] { tick(fraction); });
    return listening.goes_on();
  };
  try {
    const nb::gil_scoped_release without_lock;
    simulation.run(sink, nullptr, progress);
  } catch (const Stopped&) {
  }
  listening.raise();
}

}  // namespace

bool take_record(const nb::object& take, const EnsembleRecord& record) {
  const nb::object answer = take(nb::cast(Record{record}));
  return PyObject_IsTrue(answer.ptr()) == 1;
}

void bind_simulation(nb::module_& module) {
  nb::class_<Record>(module, "Record",
                     "An ensemble of replicas at one time, reduced. N is the number of parameters.")
      .def_prop_ro("step", number(&EnsembleRecord::step), "Steps that every replica has taken.")
      .def_prop_ro("time", number(&EnsembleRecord::time), "Time t, unit 1.")
      .def_prop_ro("loss_mean", of_loss(&LossSummary::mean), "Mean of the replicas' losses.")
      .def_prop_ro("loss_variance", of_loss(&LossSummary::variance),
                   "Their variance, n - 1 in the denominator; NaN for one replica.")
      .def_prop_ro("loss_min", of_loss(&LossSummary::min), "The least of them.")
      .def_prop_ro("loss_max", of_loss(&LossSummary::max), "The largest of them.")
      .def_prop_ro(
          "loss_quantiles",
          [](const Record& record) { return array_of(record, record.values.loss.quantiles); },
          "Their quantiles at 0.05, 0.25, 0.5, 0.75 and 0.95.")
      .def_prop_ro("loss_of_mean", number(&EnsembleRecord::loss_of_mean),
                   "U of the network with the mean parameters.")
      .def_prop_ro("accepted_fraction", number(&EnsembleRecord::accepted_fraction),
                   "Share of proposals accepted since the last record; NaN where there were none.")
      .def_prop_ro(
          "mean", [](const Record& record) { return array_of(record, record.values.parameter_mean); },
          "Mean over replicas of every parameter [N].")
      .def_prop_ro(
          "variance", [](const Record& record) { return array_of(record, record.values.parameter_variance); },
          "Variance over replicas of every parameter [N], n - 1 in the denominator.")
      .def_prop_ro(
          "losses", [](const Record& record) { return array_of(record, record.values.replica_loss); },
          "U of every replica [replicas].")
      .def_prop_ro(
          "traced",
          [](const Record& record) {
            const std::vector<double>& states = record.values.trace_parameter;
            return look_at(states, {states.size() / record.parameters(), record.parameters()},
                           nb::find(record));
          },
          "States of the first replicas [traced, N].")
      .def("__repr__", [](const Record& record) {
        return nb::str("Record(step={}, time={:.6g}, loss_mean={:.6g})")
            .format(record.values.step, record.values.time, record.values.loss.mean);
      });
  module.def("_simulate", &simulate, nb::arg("ensemble"), nb::arg("record_steps"), nb::arg("time_per_step"),
             nb::arg("traced"), nb::arg("take"), nb::arg("tick"));
}

}  // namespace langevo::python
