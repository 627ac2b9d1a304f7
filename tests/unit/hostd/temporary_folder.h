// A folder for one test, gone with everything in it at the test's end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace kestrel::hostd {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char path[] = "/tmp/kestrel-test-XXXXXX";
    path_ = ::mkdtemp(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::string write(std::string_view name, std::string_view content) const {
    std::ofstream(file(name)) << content;
    return file(name);
  }
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ostringstream content;
    content << std::ifstream(file(name)).rdbuf();
    return content.str();
  }
  [[nodiscard]] bool has(std::string_view name) const { return std::filesystem::exists(file(name)); }

 private:
  std::string path_;
};

}  // namespace kestrel::hostd
