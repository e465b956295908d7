#pragma once

namespace langevo {

/// Bytes of memory this process can have at most: the machine's, or its control group's where that is less.
double physical_memory();

}  // namespace langevo
