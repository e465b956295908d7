#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/layered/layered_steps.hpp"

namespace langevo {

/// The host as a machine for layered work: plain loops, with sums in either order. `Run` calls body(team) as
/// every member of the team does.
template <class Team, class Run>
class HostMachineOf {
 public:
  using TileTeam = Team;

  explicit HostMachineOf(bool backwards = false) : backwards_(backwards) {}

  unsigned char* memory(std::size_t bytes) {
    memories_.push_back(std::make_unique<WorkspaceMemory>(bytes));
    return memories_.back()->data();
  }

  template <class Body>
  void each_tile(std::size_t count, const Body& body) const {
    for (std::size_t i = 0; i < count; ++i) Run{}([&](const Team& team) { body(team, i); });
  }
  template <class Body>
  void each_replica(std::size_t count, const Body& body) const {
    each_tile(count, body);
  }

  template <class Real>
  void multiply(const BatchedProduct<Real>& product, std::size_t members) const {
    for (std::size_t m = 0; m < members; ++m) {
      for (std::size_t i = 0; i < product.rows; ++i) multiply_row(product, m, i);
    }
  }

  template <class T>
  void send(const T* host, std::size_t count, T* there) const {
    std::copy(host, host + count, there);
  }
  template <class T>
  void fetch(const T* there, std::size_t count, T* host) const {
    std::copy(there, there + count, host);
  }

 private:
  template <class Real>
  void multiply_row(const BatchedProduct<Real>& product, std::size_t member, std::size_t i) const {
    const Real* left = product.left.data + member * product.left.member;
    const Real* right = product.right.data + member * product.right.member;
    Real* out = product.out + member * product.out_member + i * product.out_row;
    if (!product.add) std::fill_n(out, product.columns, Real(0));
    for (std::size_t n = 0; n < product.inner; ++n) {
      const std::size_t k = backwards_ ? product.inner - 1 - n : n;
      const Real factor =
          product.left.transposed ? left[k * product.left.row + i] : left[i * product.left.row + k];
      const std::size_t column = product.right.transposed ? product.right.row : 1;
      const Real* row = right + (product.right.transposed ? k : k * product.right.row);
      for (std::size_t j = 0; j < product.columns; ++j) out[j] += factor * row[j * column];
    }
  }

  bool backwards_;
  std::vector<std::unique_ptr<WorkspaceMemory>> memories_;
};

struct RunSerially {
  template <class Body>
  void operator()(const Body& body) const {
    body(SerialTeam{});
  }
};

using HostMachine = HostMachineOf<SerialTeam, RunSerially>;

/// A problem laid out for layered work on the host.
class HostLayers {
 public:
  explicit HostLayers(const Problem& problem)
      : problem_(problem),
        single_(inputs_by_rows(problem_.view().data_float)),
        double_(inputs_by_rows(problem_.view().data_double)) {}

  [[nodiscard]] LayeredProblem view() const {
    return {problem_.view(), problem_.view(), single_.data(), double_.data()};
  }

 private:
  HostProblem problem_;
  std::vector<float> single_;
  std::vector<double> double_;
};

}  // namespace langevo
