#include "kernels/cuda/teams/ensemble_kernels.cuh"

namespace langevo {

const CudaKernels& warp_kernels() {
  return kernels_of_team<WarpTeam>();
}

}  // namespace langevo
