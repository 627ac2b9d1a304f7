// The least that can be called an init, for what the kernel alone costs in a measure of `make bench`: starts
// what /bench.plan lists, one /w a line, waits for each job, restarts each service, reaps the rest. No
// signals, no logs, no groups, no way down.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

struct Program {
  std::string role, name;
};

pid_t start(const Program& program) {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    ::execl("/w", "/w", program.role.c_str(), "0", program.name.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  return pid;
}

}  // namespace

int main() {
  std::vector<Program> programs;
  std::ifstream plan("/bench.plan");
  for (Program one; plan >> one.role >> one.name;) programs.push_back(one);
  std::map<pid_t, const Program*> services;
  for (const Program& one : programs) {
    const pid_t pid = start(one);
    if (one.role == "job") {
      ::waitpid(pid, nullptr, 0);
    } else {
      services[pid] = &one;
    }
  }
  for (;;) {
    const pid_t pid = ::wait(nullptr);
    if (pid < 0) ::pause();
    const auto ended = services.find(pid);
    if (ended == services.end()) continue;
    const Program* service = ended->second;
    services.erase(ended);
    services[start(*service)] = service;
  }
}
