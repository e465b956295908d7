#include "output_claim.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <limits>
#include <utility>

#include "langevo/error.hpp"
#include "langevo/run_file.hpp"
#include "text.hpp"

namespace langevo {

namespace {

constexpr const char* lock_mark = "langevo: process ";

[[noreturn]] void refuse_unwritable(const std::string& path, int error) {
  throw InputError("output '" + path + "' cannot be written (" + std::strerror(error) +
                   "); give a name in a directory that exists and is writable");
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::string who_and_since_when() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> since{};
  std::strftime(since.data(), since.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  std::string text(lock_mark);
  text.append(std::to_string(::getpid())).append(" on ").append(host.data());
  return text.append(" since ").append(since.data());
}

std::string content_of(int descriptor) {
  std::array<char, 400> buffer{};
  const ssize_t size = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  return {buffer.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
}

/// Closes a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

void require_file_name(const std::string& path, const std::string& target) {
  if (path.empty()) throw InputError("the output file has no name; give one with -o RUN.nc");
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(target, ignored);
  if (std::filesystem::is_directory(status) || std::filesystem::path(target).filename().empty()) {
    throw InputError("output '" + path + "' is a directory; give a file name");
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw InputError("output '" + path + "' is not a regular file; give another name");
  }
}

void require_absent(const std::string& file, const std::string& path, const std::string& what) {
  struct stat ignored {};
  if (::lstat(file.c_str(), &ignored) != 0) {
    if (errno == ENOENT) return;
    refuse_unwritable(path, errno);
  }
  throw InputError("output '" + path + "': " + what +
                   "; give another name, or --overwrite to lose what is in it");
}

}  // namespace

/// A file beside the output with a lock on it. The system takes the lock back when its holder ends, in
/// whatever way. It is one of the open file description, which HDF5's locks on the output itself cannot meet.
struct OutputClaim::Lock {
  std::string path;
  Descriptor file;
  std::unique_ptr<Descriptor> partial;  ///< open, so that no other file gets its number in the file system

  Lock(std::string lock_path, Descriptor descriptor)
      : path(std::move(lock_path)), file(std::move(descriptor)) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    ::unlink(path.c_str());
  }  // before the lock goes, so that nobody takes one on a file without a name

  static std::unique_ptr<Lock> take(const std::string& target, const std::string& path);
};

std::unique_ptr<OutputClaim::Lock> OutputClaim::Lock::take(const std::string& target,
                                                           const std::string& path) {
  std::filesystem::path place(target);
  std::string name(".");
  name.append(place.filename().string()).append(".lock");
  place.replace_filename(name);
  const std::string lock_path = place.string();
  while (true) {
    Descriptor file(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (file.number() < 0) refuse_unwritable(path, errno);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    const int error = ::fcntl(file.number(), F_OFD_SETLK, &whole) == 0 ? 0 : errno;
    const std::string content = content_of(file.number());
    if (!content.empty() && !content.starts_with(lock_mark)) {
      throw InputError("output '" + path + "' needs '" + lock_path +
                       "' for a lock, which is a file of something else; give another name");
    }
    if (error == EAGAIN || error == EACCES) {
      const std::string holder =
          content.empty() ? "another process" : content.substr(std::strlen("langevo: "));
      throw InputError("output '" + path + "' is being written by " + holder +
                       "; give another name, or wait for its end");
    }
    struct stat locked {};
    struct stat named {};
    const bool still_named = ::fstat(file.number(), &locked) == 0 && ::stat(lock_path.c_str(), &named) == 0 &&
                             same_file(locked, named);
    if (!still_named) continue;  // its holder has just ended and removed it
    // A file system without locks: what is there already is refused all the same, and no file is extended
    // that another process made.
    if (error == 0) {
      const std::string text = who_and_since_when();
      if (::ftruncate(file.number(), 0) != 0 ||
          ::pwrite(file.number(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        // The lock holds without words, too: on a full disk the run is refused for that.
      }
    }
    return std::make_unique<Lock>(lock_path, std::move(file));
  }
}

OutputClaim::OutputClaim(std::string path, ExistingOutput existing)
    : path_(std::move(path)), target_(follow_links(path_)), partial_path_(target_ + ".partial") {
  require_file_name(path_, target_);
  lock_ = Lock::take(target_, path_);
  if (existing == ExistingOutput::overwrite) return;
  require_absent(target_, path_, "the file is there already");
  require_absent(partial_path_, path_, "'" + partial_path_ + "' is there, of a run that was stopped");
}

OutputClaim::OutputClaim(OutputClaim&&) noexcept = default;
OutputClaim& OutputClaim::operator=(OutputClaim&&) noexcept = default;
OutputClaim::~OutputClaim() = default;

void OutputClaim::create_partial() {
  // What another run left is replaced, never emptied: whoever still writes to it notices.
  ::unlink(partial_path_.c_str());
  Descriptor file(::open(partial_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.number() < 0) refuse_unwritable(path_, errno);
  lock_->partial = std::make_unique<Descriptor>(std::move(file));
}

bool OutputClaim::has_own_partial() const {
  struct stat made {};
  struct stat now {};
  return lock_->partial && ::fstat(lock_->partial->number(), &made) == 0 &&
         ::stat(partial_path_.c_str(), &now) == 0 && same_file(made, now);
}

void OutputClaim::require_own_partial() const {
  if (has_own_partial()) return;
  throw RunError("'" + partial_path_ + "' is no longer the file that this run made; " +
                 "see what removed or replaced it, and run again under another name");
}

std::string directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

Room room_of(const std::string& path) {
  Room room{.bytes = std::numeric_limits<double>::infinity()};
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory_of(path), error);
  if (!error) room.bytes = static_cast<double>(space.available);
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    const double left = static_cast<double>(limit.rlim_cur) - (error ? 0 : static_cast<double>(size));
    if (left < room.bytes) room = {.bytes = std::max(left, 0.0), .of_disk = false};
  }
  return room;
}

void require_room(const std::vector<std::pair<std::string, double>>& files) {
  double all = 0;
  for (const auto& [path, bytes] : files) {
    all += bytes;
    const Room room = room_of(path);
    const double needed = room.of_disk ? all : bytes;
    if (needed <= room.bytes) continue;
    throw InputError(
        "output '" + path + "' needs up to " + bytes_in_words(needed) + ", but " + room.words() + " leaves " +
        bytes_in_words(room.bytes) +
        "; free some space, or record less (--records, --record-parameters, --trace, --no-replica-loss)");
  }
}

std::string follow_links(const std::string& path) {
  constexpr int most_links = 40;  // as many as the system follows
  std::filesystem::path place(path);
  std::error_code error;
  for (int i = 0; i < most_links && std::filesystem::is_symlink(place, error); ++i) {
    const std::filesystem::path next = std::filesystem::read_symlink(place, error);
    if (error) break;
    place = place.parent_path() / next;
  }
  return place.string();
}

void require_other_than_inputs(const std::string& path, const std::vector<NamedInput>& inputs) {
  const std::string target = follow_links(path);
  for (const std::string& written : {target, target + ".partial"}) {
    struct stat output {};
    if (::stat(written.c_str(), &output) != 0) continue;
    for (const auto& [option, input_path] : inputs) {
      struct stat input {};
      if (::stat(input_path.c_str(), &input) != 0 || !same_file(output, input)) continue;
      throw InputError("--output '" + path + "' would replace '" + input_path + "', which " + option +
                       " reads; give the output another name");
    }
  }
}

}  // namespace langevo
