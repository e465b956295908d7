#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "langevo/run_request.hpp"
#include "listening.hpp"
#include "record.hpp"

namespace langevo::python {

namespace {

/// Says everything to Python: records to `take`, sentences to `say`, progress to `tick`.
class PythonListener final : public RunListener {
 public:
  PythonListener(nb::object take, nb::object say, nb::object tick)
      : take_(std::move(take)), say_(std::move(say)), tick_(std::move(tick)) {}

  RunEnd carry_out(const RunRequest& request) {
    RunEnd end = RunEnd::stopped;
    {
      const nb::gil_scoped_release without_lock;
      end = langevo::carry_out(request, *this);
    }
    listening_.raise();
    return end;
  }

 private:
  void say(const std::string& sentence) override {
    listening_.call([&] { say_(sentence, true); });
  }

  void mention(const std::string& sentence) override {
    listening_.call([&] { say_(sentence, false); });
  }

  Progress watch(const Workload& workload, bool /*quiet*/) override {
    return [this, name = workload.name](double fraction) {
      listening_.call([&] { tick_(name, fraction); });
      return listening_.goes_on();
    };
  }

  void take(const EnsembleRecord& record) override {
    listening_.call([&] {
      if (!take_.is_none() && take_record(take_, record)) listening_.request_stop();
    });
  }

  void finished(const std::string& /*output*/, const std::string& table) override { mention(table); }

  nb::object take_;
  nb::object say_;
  nb::object tick_;
  Listening listening_;
};

using Words = std::vector<std::pair<std::string, std::string>>;

std::pair<std::vector<std::string>, bool> run(const Words& settings, const std::optional<std::string>& preset,
                                              bool quick, const std::optional<std::string>& config,
                                              const nb::object& take, const nb::object& say,
                                              const nb::object& tick) {
  const RunRequest request = make_request({settings, preset, quick, config});
  std::vector<std::string> outputs;
  for (const RequestedRun& requested : request.runs) outputs.push_back(requested.options.output);
  PythonListener listener(take, say, tick);
  return {outputs, listener.carry_out(request) == RunEnd::whole};
}

}  // namespace

void bind_run(nb::module_& module) {
  module.def(
      "_run", &run, nb::arg("settings"), nb::arg("preset").none(), nb::arg("quick"), nb::arg("config").none(),
      nb::arg("take").none(), nb::arg("say"), nb::arg("tick"),
      "Carries out the runs that settings ask for; the names of their files, and whether all are whole.");
}

}  // namespace langevo::python
