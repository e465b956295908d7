#include "arrays.hpp"

#include "langevo/error.hpp"

namespace langevo::python {

Numbers read_numbers(const char* name, nb::handle value) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  try {
    const nb::object array =
        numpy.attr("asarray")(value, nb::arg("dtype") = numpy.attr("float64"), nb::arg("order") = "C");
    return nb::cast<Numbers>(array);
  } catch (const nb::python_error& error) {
    if (!error.matches(PyExc_TypeError) && !error.matches(PyExc_ValueError)) throw;
    throw InputError(std::string(name) + " make no array of numbers (" + nb::str(error.value()).c_str() +
                     "); give a NumPy array");
  }
}

std::span<const double> span_of(const Numbers& numbers) {
  return {numbers.data(), numbers.size()};
}

std::string shape_in_words(const Numbers& numbers) {
  std::string text = "[";
  for (std::size_t i = 0; i < numbers.ndim(); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(numbers.shape(i));
  return text + "]";
}

NumpyArray give_away(std::vector<double> values, std::vector<std::size_t> shape) {
  auto* const kept = new std::vector<double>(std::move(values));
  const nb::capsule owner(kept, [](void* all) noexcept { delete static_cast<std::vector<double>*>(all); });
  return {kept->data(), shape.size(), shape.data(), owner};
}

NumpyArray give_away(std::vector<double> values) {
  const std::size_t size = values.size();
  return give_away(std::move(values), {size});
}

ConstNumpyArray look_at(std::span<const double> values, std::vector<std::size_t> shape, nb::handle owner) {
  return {values.data(), shape.size(), shape.data(), owner};
}

void refuse_word(const char* name, const std::string& word, const std::vector<std::string>& known) {
  std::string words;
  for (const std::string& text : known) words += (words.empty() ? "" : ", ") + text;
  throw InputError(std::string(name) + " is '" + word + "'; give one of " + words);
}

}  // namespace langevo::python
