#include "langevo/scorer.hpp"

#include <algorithm>
#include <vector>

#include "kernels/cpu/cpu_machine.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "kernels/cpu/parallel_for.hpp"
#include "langevo/error.hpp"

namespace langevo {

class Scorer::Kernels {
 public:
  Kernels(const Problem& training, const Problem* held_out, int threads)
      : kernels_(choose_cpu_kernels({})), classes_(training.loss() == Loss::cross_entropy) {
    if (classes_) {
      problems_.push_back(std::make_unique<HostProblem>(training));
      names.emplace_back("accuracy");
    }
    if (held_out != nullptr) {
      problems_.push_back(std::make_unique<HostProblem>(*held_out));
      names.emplace_back("test_loss");
      if (classes_) names.emplace_back("test_accuracy");
    }
    parameters_ = training.network().parameter_count();
    has_test_ = held_out != nullptr;
    for (int thread = 0; !problems_.empty() && thread < cpu_threads(threads); ++thread)
      memory_.emplace_back(kernels_.workspace_bytes(problems_.front()->view().network, nullptr));
  }

  std::vector<std::vector<double>> scores(std::span<const double> states) {
    const std::size_t count = states.size() / parameters_;
    std::vector<std::vector<double>> result(names.size(), std::vector<double>(count));
    if (names.empty()) return result;
    parallel_for(count, static_cast<int>(memory_.size()), 1, [&](int thread, std::uint64_t r) {
      unsigned char* const workspace = memory_[static_cast<std::size_t>(thread)].data();
      const double* const x = states.data() + r * parameters_;
      std::size_t row = 0;
      for (std::size_t i = 0; i < problems_.size(); ++i) {
        const Score score = kernels_.score(problems_[i]->view(), x, workspace);
        if (has_test_ && i + 1 == problems_.size()) result[row++][r] = score.loss;
        if (classes_) result[row++][r] = score.accuracy;
      }
    });
    return result;
  }

  std::vector<std::string> names;

 private:
  const CpuKernels& kernels_;
  bool classes_;
  bool has_test_ = false;
  std::size_t parameters_ = 0;
  std::vector<std::unique_ptr<HostProblem>> problems_;  // training data with classes, held-out data
  std::vector<WorkspaceMemory> memory_;                 // one per thread
};

namespace {

bool are_alike(const Problem& a, const Problem& b) {
  const std::span<const int> widths = a.network().widths();
  const std::span<const int> others = b.network().widths();
  return std::equal(widths.begin(), widths.end(), others.begin(), others.end()) &&
         a.network().activation() == b.network().activation() &&
         a.network().parameter_count() == b.network().parameter_count() && a.loss() == b.loss();
}

}  // namespace

Scorer::Scorer(const Problem& training, const Problem* held_out, int threads) {
  if (held_out != nullptr && !are_alike(training, *held_out)) {
    throw InputError(
        "the held-out data are of another network or loss than the training data; give them the "
        "same ones");
  }
  kernels_ = std::make_unique<Kernels>(training, held_out, threads);
}

Scorer::~Scorer() = default;

const std::vector<std::string>& Scorer::names() const {
  return kernels_->names;
}

std::vector<std::vector<double>> Scorer::scores(std::span<const double> states) {
  return kernels_->scores(states);
}

}  // namespace langevo
