#include "kernels/cuda/teams/ensemble_kernels.cuh"

namespace langevo {

const CudaKernels& block_kernels() {
  return kernels_of_team<BlockTeam>();
}

}  // namespace langevo
