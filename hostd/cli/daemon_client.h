// The command line as a client of hostd.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "hostd/cli/output_format.h"
#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// Whether one listens at its socket.
[[nodiscard]] bool is_hostd_there();

/// The body of its answer. A refusal is an error whose message is its detail; code ENOENT: it knows none of
/// that name (404), ENOTCONN: there is no hostd.
[[nodiscard]] Result<std::string> ask_hostd(std::string method, std::string target, std::string body = {},
                                            Duration patience = seconds(30));

/// Hands the body on as it comes, until its end or until `take` says false.
[[nodiscard]] Result<void> follow_hostd(std::string target,
                                        const std::function<bool(std::string_view)>& take);

/// Its answer, a JSON document, in the form that was asked for; `report` makes of it what people see. Returns
/// the exit status.
[[nodiscard]] int print_answer(const std::string& json, OutputFormat format,
                               Result<std::string> (*report)(std::string_view, WallTime));

/// `cannot VERB NAME: …` on stderr, with the way out; the exit status.
int hostd_failed(std::string_view verb, std::string_view name, const Error& error);

}  // namespace kestrel::hostd
