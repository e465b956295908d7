#include "interrupt.hpp"

#include <csignal>

namespace langevo {

namespace {

// A signal handler can reach nothing but this.
volatile std::sig_atomic_t stop_flag = 0;

constexpr int stopping_signals[] = {SIGINT, SIGTERM};

void give_back_signals() {
  for (const int number : stopping_signals) std::signal(number, SIG_DFL);
}

extern "C" void langevo_request_stop(int) {
  stop_flag = 1;
  give_back_signals();
}

}  // namespace

InterruptGuard::InterruptGuard() {
  stop_flag = 0;
  for (const int number : stopping_signals) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = langevo_request_stop;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
}

InterruptGuard::~InterruptGuard() {
  for (const int number : stopping_signals) {
    struct sigaction now {};
    sigaction(number, nullptr, &now);
    if (now.sa_handler == langevo_request_stop) std::signal(number, SIG_DFL);
  }
}

bool InterruptGuard::stop_requested() {
  return stop_flag != 0;
}

}  // namespace langevo
