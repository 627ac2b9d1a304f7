#include "kestrel/config/graph_text.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel::config {
namespace {

std::string_view name_of(Condition condition) {
  switch (condition) {
    case Condition::started:
      return "started";
    case Condition::ready:
      return "ready";
    case Condition::healthy:
      return "healthy";
    case Condition::completed:
      break;
  }
  return "completed";
}

std::string label_of(const Dependency& dependency) {
  return concat(name_of(dependency.condition), dependency.restart ? ", restart" : "");
}

/// Name and schedule, with `line_break` between. A valid model has no character in them that either language
/// would take for its own.
std::string label_of(const Service& service, std::string_view line_break) {
  if (!service.schedule) return service.name;
  std::string expression = service.schedule->expression;
  std::replace_if(
      expression.begin(), expression.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return concat(service.name, line_break, expression);
}

bool is_infrastructure(const Service& service) { return service.tier == Tier::infrastructure; }

// The two languages: how they write the parts of a graph.
struct Dot {
  static std::string head() { return "digraph kestrel {\n  rankdir=LR;\n  node [shape=box];\n"; }
  static std::string begin_frame() {
    return "  subgraph cluster_infrastructure {\n    label=\"infrastructure\";\n";
  }
  static std::string end_frame() { return "  }\n"; }
  static std::string node(std::string_view indent, const Service& service, std::size_t) {
    std::string attributes;
    if (service.schedule) attributes = concat("label=\"", label_of(service, "\\n"), '"');
    if (service.kind == Kind::job) attributes += concat(attributes.empty() ? "" : ", ", "shape=ellipse");
    return concat(indent, '"', service.name, '"', attributes.empty() ? "" : concat(" [", attributes, ']'),
                  ";\n");
  }
  static std::string edge(const Model& model, std::size_t from, const Dependency& dependency) {
    return concat("  \"", model.services[from].name, "\" -> \"", model.services[dependency.service].name,
                  "\" [label=\"", label_of(dependency), '"', dependency.required ? "" : ", style=dashed",
                  "];\n");
  }
  static std::string tail() { return "}\n"; }
};

struct Mermaid {
  static std::string head() { return "flowchart LR\n"; }
  static std::string begin_frame() { return "  subgraph infrastructure\n"; }
  static std::string end_frame() { return "  end\n"; }
  /// Numbers name the nodes, for some names of services are words of the language.
  static std::string node(std::string_view indent, const Service& service, std::size_t index) {
    const bool is_job = service.kind == Kind::job;
    return concat(indent, 's', index, is_job ? "([\"" : "[\"", label_of(service, "<br>"),
                  is_job ? "\"])" : "\"]", '\n');
  }
  static std::string edge(const Model&, std::size_t from, const Dependency& dependency) {
    return concat("  s", from, dependency.required ? " -->|" : " -.->|", label_of(dependency), "| s",
                  dependency.service, '\n');
  }
  static std::string tail() { return {}; }
};

template <typename Language>
std::string write(const Model& model) {
  std::string out = Language::head();
  const auto& services = model.services;
  if (std::any_of(services.begin(), services.end(), is_infrastructure)) {
    out += Language::begin_frame();
    for (std::size_t i = 0; i < services.size(); ++i) {
      if (is_infrastructure(services[i])) out += Language::node("    ", services[i], i);
    }
    out += Language::end_frame();
  }
  for (std::size_t i = 0; i < services.size(); ++i) {
    if (!is_infrastructure(services[i])) out += Language::node("  ", services[i], i);
  }
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const Dependency& dependency : services[i].depends_on) out += Language::edge(model, i, dependency);
  }
  return out + Language::tail();
}

}  // namespace

std::string graph_text(const Model& model, GraphFormat format) {
  return format == GraphFormat::dot ? write<Dot>(model) : write<Mermaid>(model);
}

}  // namespace kestrel::config
