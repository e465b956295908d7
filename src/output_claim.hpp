#pragma once

#include <string>
#include <utility>
#include <vector>

namespace langevo {

/// An option that names a file, and the file.
using NamedInput = std::pair<std::string, std::string>;

/// The folder of a file, "." where none is named.
std::string directory_of(const std::string& path);

/// How much longer a file may become, and what ends there: the disk, which files share, or the limit for
/// each.
struct Room {
  double bytes = 0;
  bool of_disk = true;

  [[nodiscard]] const char* words() const {
    return of_disk ? "the disk" : "the limit on the size of files (ulimit -f)";
  }
};
Room room_of(const std::string& path);

/// Throws where the files that a process is about to write, of so many bytes, have no room.
/// @throws InputError
void require_room(const std::vector<std::pair<std::string, double>>& files);

/// Where the links in `path` lead, also where nothing is there yet.
std::string follow_links(const std::string& path);

/// Throws where writing a run file to `path` would destroy one of the files that the run reads, under
/// whatever name.
/// @throws InputError
void require_other_than_inputs(const std::string& path, const std::vector<NamedInput>& inputs);

}  // namespace langevo
