#pragma once

/// All of the library.
#include "langevo/dataset.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/network.hpp"
#include "langevo/one_step_moments.hpp"
#include "langevo/one_step_theory.hpp"
#include "langevo/problem.hpp"
#include "langevo/quadrature.hpp"
#include "langevo/run_file.hpp"
#include "langevo/run_options.hpp"
#include "langevo/run_request.hpp"
#include "langevo/scorer.hpp"
#include "langevo/simulation.hpp"
#include "langevo/statistics.hpp"
