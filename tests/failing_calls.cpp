// Loaded before the program's libraries (LD_PRELOAD): the call that LANGEVO_FAILING_CALL names, "nc_close" or
// "fsync", reports a failure the LANGEVO_FAILING_TURN-th time.
#include <dlfcn.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace {

bool has_to_fail(const char* call) {
  const char* const chosen = std::getenv("LANGEVO_FAILING_CALL");
  const char* const turn = std::getenv("LANGEVO_FAILING_TURN");
  static int calls = 0;
  return chosen && turn && std::strcmp(chosen, call) == 0 && ++calls == std::atoi(turn);
}

}  // namespace

extern "C" int nc_close(int id) {
  static const auto real = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, "nc_close"));
  constexpr int hdf_error = -101;
  const int status = real(id);
  return has_to_fail("nc_close") ? hdf_error : status;
}

extern "C" int fsync(int descriptor) {
  static const auto real = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, "fsync"));
  if (!has_to_fail("fsync")) return real(descriptor);
  errno = EIO;
  return -1;
}
