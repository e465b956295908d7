#include "interrupt.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace langevo {

namespace {

// A signal handler can reach nothing but this.
volatile std::sig_atomic_t stop_flag = 0;

constexpr char will_stop[] =
    "langevo: will stop after the steps under way, in some seconds or when a longer step ends; ask again to "
    "end at once\n";

/// Who asks twice wants no patience.
constexpr int asking_signals[] = {SIGINT, SIGTERM};
/// Who listened is gone; that may be said several times.
constexpr int leaving_signals[] = {SIGHUP, SIGPIPE};

extern "C" void langevo_request_stop(int);

bool is_handled(int number) {
  struct sigaction now {};
  sigaction(number, nullptr, &now);
  return now.sa_handler == langevo_request_stop;
}

extern "C" void langevo_request_stop(int number) {
  const int error = errno;
  stop_flag = 1;
  if (number == SIGHUP || number == SIGPIPE) {
    std::signal(number, SIG_IGN);
  } else {
    for (const int asking : asking_signals) {
      if (is_handled(asking)) std::signal(asking, SIG_DFL);
    }
    // Nothing can be done where it cannot be said.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, will_stop, sizeof will_stop - 1);
  }
  errno = error;
}

void handle(int number) {
  struct sigaction before {};
  sigaction(number, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = langevo_request_stop;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

void give_back(int number) {
  if (is_handled(number)) std::signal(number, SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  stop_flag = 0;
  for (const int number : asking_signals) handle(number);
  for (const int number : leaving_signals) handle(number);
  // A write beyond the limit on the size of files fails then, and the run ends as on a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
}

InterruptGuard::~InterruptGuard() {
  for (const int number : asking_signals) give_back(number);
  for (const int number : leaving_signals) give_back(number);
}

bool InterruptGuard::stop_requested() {
  return stop_flag != 0;
}

}  // namespace langevo
