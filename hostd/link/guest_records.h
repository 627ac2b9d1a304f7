// What the guest tells, as members of a record (records/record_log.h). Pure.
#pragma once

#include <string>

#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

[[nodiscard]] std::string record_of(const wire::EventMessage& event);
[[nodiscard]] std::string record_of(const wire::LogMessage& log);
[[nodiscard]] std::string record_of(const wire::Gap& gap, WallTime now);

/// `vm.linked`: the guest is here, or here again on another connection. `first_log`: the record, of log
/// lines, that this boot's begin with.
enum class Acquaintance { new_boot, known_boot };
[[nodiscard]] std::string record_of(const wire::Hello& hello, int protocol, Acquaintance acquaintance,
                                    std::uint64_t first_log, WallTime now);
/// `vm.exited`: the last word.
[[nodiscard]] std::string record_of(const wire::Exiting& word, WallTime now);
/// `vm.unlinked`.
[[nodiscard]] std::string record_of_loss(std::string_view reason, WallTime now);

/// An event of the runner's own, e.g. `vm.started`. `data` is a JSON object.
[[nodiscard]] std::string host_event(WallTime now, std::string_view type, std::string_view data);

}  // namespace kestrel::hostd
