#include "kestrel/app/check_command.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/config/load.h"

namespace kestrel::app {
namespace {

using config::Problem;

std::string counted(std::size_t count, std::string_view noun) {
  return concat(count, ' ', noun, count == 1 ? "" : "s");
}

std::string summary(const config::Model& model) {
  const auto is_job = [](const config::Service& service) { return service.kind == config::Kind::job; };
  const auto jobs =
      static_cast<std::size_t>(std::count_if(model.services.begin(), model.services.end(), is_job));
  const std::size_t services = model.services.size() - jobs;
  if (jobs == 0) return counted(services, "service");
  if (services == 0) return counted(jobs, "job");
  return concat(counted(services, "service"), ", ", counted(jobs, "job"));
}

void print_json(const std::string& file, const config::Problems& problems) {
  auto list = nlohmann::json::array();
  for (const Problem& problem : problems) {
    list.push_back({{"line", problem.line}, {"column", problem.column}, {"message", problem.message}});
  }
  const nlohmann::json report = {{"file", file}, {"ok", problems.empty()}, {"problems", std::move(list)}};
  std::puts(report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_text(const std::string& file, const config::Problems& problems, const std::string& good_news) {
  if (problems.empty()) {
    std::puts(concat(file, ": ok, ", good_news).c_str());
    return;
  }
  for (const Problem& problem : problems) std::fprintf(stderr, "%s\n", describe(problem, file).c_str());
  std::fprintf(stderr, "%s\n", counted(problems.size(), "problem").c_str());
}

}  // namespace

int run_check(const std::string& file, const std::optional<std::string>& root, bool json) {
  const config::Loaded loaded = config::load_file(file);
  config::Problems problems;
  std::string good_news;
  if (const auto* model = std::get_if<config::Model>(&loaded)) {
    good_news = summary(*model);
    if (root) {
      for (std::string& message : missing_in_root(*model, *root))
        problems.push_back({0, 0, std::move(message)});
    }
  } else {
    problems = std::get<config::Problems>(loaded);
  }
  if (json) {
    print_json(file, problems);
  } else {
    print_text(file, problems, good_news);
  }
  return problems.empty() ? 0 : 1;
}

}  // namespace kestrel::app
