#include "hostd/vmm/qmp.h"

#include <nlohmann/json.hpp>

#include "kestrel/base/log.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

void handle_line(const std::string& line, const std::function<void(const QmpEvent&)>& on_event) {
  const json message = json::parse(line, nullptr, false);
  if (!message.is_object()) return;
  if (const auto error = message.find("error"); error != message.end()) {
    log_warning("QEMU refused a monitor command: ",
                error->dump(-1, ' ', false, json::error_handler_t::replace));
  }
  const auto name = message.find("event");
  if (name == message.end() || !name->is_string()) return;
  const auto data = message.find("data");
  on_event({name->get<std::string>(),
            data == message.end() ? "{}" : data->dump(-1, ' ', false, json::error_handler_t::replace)});
}

}  // namespace

Qmp::Qmp(loop::Loop& loop, sys::UniqueFd monitor, std::function<void(const QmpEvent&)> on_event)
    : on_event_(std::move(on_event)),
      stream_(loop, std::move(monitor),
              {.on_data = [this](std::string_view bytes) { receive(bytes); },
               .on_end = [](const Error*) {},
               .on_drained = {}}) {
  stream_.start_reading();
  stream_.write("{\"execute\":\"qmp_capabilities\"}\n");
}

void Qmp::quit() { stream_.write("{\"execute\":\"quit\"}\n"); }

void Qmp::pause() { stream_.write("{\"execute\":\"stop\"}\n"); }

void Qmp::resume() { stream_.write("{\"execute\":\"cont\"}\n"); }

void Qmp::receive(std::string_view bytes) {
  const auto lines = lines_.feed(bytes);
  if (!lines) {
    stream_.stop_reading();
    return;
  }
  for (const std::string& line : *lines) handle_line(line, on_event_);
}

}  // namespace kestrel::hostd
