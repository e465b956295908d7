#include "bindings.hpp"

#include "langevo/error.hpp"

namespace {

void translate(const std::exception_ptr& thrown, void* /*payload*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const langevo::InputError& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const langevo::RunError& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

}  // namespace

NB_MODULE(_core, module) {
  module.doc() = "The C++ library langevo, as the package langevo gives it to Python.";
  nanobind::register_exception_translator(translate);
  langevo::python::bind_problem(module);
  langevo::python::bind_rules(module);
  langevo::python::bind_quadrature(module);
  langevo::python::bind_saved_ensemble(module);
  langevo::python::bind_ensemble(module);
  langevo::python::bind_simulation(module);
  langevo::python::bind_run(module);
}
