#pragma once

#include <string>
#include <utility>
#include <vector>

namespace langevo {

/// An option that names a file, and the file.
using NamedInput = std::pair<std::string, std::string>;

/// Where the links in `path` lead, also where nothing is there yet.
std::string follow_links(const std::string& path);

/// Where writing a run file to `path` would destroy one of the files that the run reads, under whatever name.
/// @throws InputError
void require_other_than_inputs(const std::string& path, const std::vector<NamedInput>& inputs);

}  // namespace langevo
