#include "kestrel/config/problem.h"

#include <algorithm>
#include <tuple>

#include "kestrel/base/text.h"

namespace kestrel::config {

std::string describe(const Problem& problem, std::string_view file) {
  if (problem.line == 0) return concat(file, ": ", problem.message);
  return concat(file, ':', problem.line, ':', problem.column, ": ", problem.message);
}

std::string describe(Position position) { return concat(position.line, ':', position.column); }

void put_in_order(Problems& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  std::vector<Problem> once;
  once.reserve(problems.size());
  for (Problem& problem : problems) {
    const auto same_place = std::find_if(once.rbegin(), once.rend(), [&](const Problem& earlier) {
      return earlier.line != problem.line || earlier.column != problem.column || earlier == problem;
    });
    if (same_place == once.rend() || *same_place != problem) once.push_back(std::move(problem));
  }
  if (once.size() > max_problems) {
    const Problem& next = once[max_problems];
    once[max_problems] = {next.line, next.column,
                          concat("from here on, ", once.size() - max_problems, " more problems")};
    once.resize(max_problems + 1);
  }
  problems = std::move(once);
}

}  // namespace kestrel::config
