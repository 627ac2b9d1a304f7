// From a request to the resource that answers it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/control/answer.h"

namespace kestrel::control {

/// Every request has an answer: 400 for a malformed target, 404 for an unknown path, 405 for a method it does
/// not have. HEAD is answered like GET; to leave out the body is the caller's.
[[nodiscard]] Answer route(const wire::Request& request, Guest& guest);

/// All there are, such as `GET /v1/services/*`: `*` stands for one segment. CONNECT and HEAD are not among
/// them.
[[nodiscard]] std::vector<std::string> route_names();

/// How the body of a request is taken; nullopt: as usual, whole and no longer than ConnectionLimits says.
[[nodiscard]] std::optional<wire::BodyRule> body_rule(std::string_view method, std::string_view target);

}  // namespace kestrel::control
