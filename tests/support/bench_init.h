// What the programs that are /init of a guest of `make bench` share, beside bench_guest.h.
#pragma once

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/bench_guest.h"

namespace bench {

inline void mount_on(const char* target, const char* type) {
  ::mkdir(target, 0755);
  if (::mount(type, target, type, 0, nullptr) != 0) give_up(target);
}

/// For inits that leave that to scripts.
inline void mount_usual() {
  mount_on("/proc", "proc");
  mount_on("/sys", "sysfs");
  mount_on("/dev", "devtmpfs");
  mount_on("/run", "tmpfs");
  mount_on("/tmp", "tmpfs");
}

/// Executes the command in a file, one word a line.
[[noreturn]] inline void become(const char* path) {
  std::ifstream file(path);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word);) words.push_back(word);
  if (words.empty()) give_up(path);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(arguments.front(), arguments.data());
  give_up(arguments.front());
}

}  // namespace bench
