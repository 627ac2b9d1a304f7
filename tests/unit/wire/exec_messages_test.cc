#include "kestrel/wire/exec_messages.h"

#include <catch2/catch.hpp>
#include <cerrno>

namespace kestrel::wire {
namespace {

std::string refusal_of(std::string_view body) {
  const auto request = parse_exec_request(body);
  return request ? "accepted" : request.error().message;
}

}  // namespace

TEST_CASE("a request has all that is said and defaults for the rest", "[wire]") {
  const auto least = parse_exec_request(R"({"command":"ls"})").value();
  CHECK(least == ExecRequest{.command = "ls"});
  const auto full = parse_exec_request(
      R"({"command":"/bin/sh","args":["-c","id"],"env":{"A":"1"},"user":"app:web","working_dir":"/srv",)"
      R"("tty":true,"rows":50,"cols":132,"stdin":false,"timeout":"1m30s","detach":true})");
  CHECK(full.value() == ExecRequest{.command = "/bin/sh",
                                    .args = {"-c", "id"},
                                    .env = {{"A", "1"}},
                                    .user = "app:web",
                                    .working_dir = "/srv",
                                    .has_terminal = true,
                                    .size = {50, 132},
                                    .has_stdin = false,
                                    .timeout = seconds(90),
                                    .is_detached = true});
}

TEST_CASE("a request survives being written and read", "[wire]") {
  const ExecRequest request{.command = "sh",
                            .args = {"-c", "echo \"ä\n\t\""},
                            .env = {{"A", ""}, {"B", "x=y"}},
                            .user = "1000:1000",
                            .working_dir = "/tmp",
                            .has_terminal = true,
                            .size = {1, 65535},
                            .has_stdin = true,
                            .timeout = milliseconds(250),
                            .is_detached = true};
  CHECK(parse_exec_request(to_json(request)).value() == request);
}

TEST_CASE("an environment may be a list as in a configuration", "[wire]") {
  const auto request = parse_exec_request(R"({"command":"x","env":[{"name":"A","value":"1"}]})").value();
  CHECK(request.env == std::vector<std::pair<std::string, std::string>>{{"A", "1"}});
}

TEST_CASE("a request that no process could be made of is refused with the member's name", "[wire]") {
  CHECK(refusal_of("") == "the body is not a JSON object");
  CHECK(refusal_of("[]") == "the body is not a JSON object");
  CHECK(refusal_of("{}") == "'command' must name a program");
  CHECK(refusal_of(R"({"command":7})") == "'command' must be text");
  CHECK(refusal_of(R"({"command":"a\u0000b"})") == "'command' must be text without NUL");
  CHECK(refusal_of(R"({"comand":"ls"})") == "there is no member 'comand'; did you mean 'command'?");
  CHECK(refusal_of(R"({"command":"x","args":"-c"})") == "'args' must be a list");
  CHECK(refusal_of(R"({"command":"x","args":[1]})") == "'args' must be text");
  CHECK(refusal_of(R"({"command":"x","env":{"A=B":"1"}})") ==
        "'env' must be variables whose names are not empty and have no '='");
  CHECK(refusal_of(R"({"command":"x","env":{"A":1}})") == "'env' must be text");
  CHECK(refusal_of(R"({"command":"x","env":["A=1"]})") ==
        R"('env' must be a list of {"name": …, "value": …})");
  CHECK(refusal_of(R"({"command":"x","working_dir":"tmp"})") == "'working_dir' must be an absolute path");
  CHECK(refusal_of(R"({"command":"x","tty":1})") == "'tty' must be true or false");
  CHECK(refusal_of(R"({"command":"x","rows":65536})") == "'rows' must be a whole number from 0 to 65535");
  CHECK(refusal_of(R"({"command":"x","cols":-1})") == "'cols' must be a whole number from 0 to 65535");
  CHECK(refusal_of(R"({"command":"x","timeout":"0s"})") ==
        R"('timeout' must be a duration above 0, such as "30s")");
  CHECK(refusal_of(R"({"command":"x","timeout":5})") ==
        R"('timeout' must be a duration above 0, such as "30s")");
}

TEST_CASE("an exit looks as it always did, and is read back", "[wire]") {
  const ExecExit killed{.code = 0, .signal = 9, .is_oom_kill = true, .is_timeout = false};
  CHECK(to_json(killed) == R"({"code":0,"signal":9,"oom":true,"timeout":false})");
  CHECK(parse_exec_exit(to_json(killed)).value() == killed);
  CHECK(parse_exec_exit(R"({"code":3,"new":{}})").value() == ExecExit{.code = 3});
  CHECK_FALSE(parse_exec_exit("3"));
}

TEST_CASE("why a program could not be started survives as a problem", "[wire]") {
  const ExecFailure failure{"exec", "cannot execute /bin/x: No such file or directory", ENOENT};
  const auto response = to_response(failure);
  CHECK(response.status == 422);
  CHECK(find_header(response.headers, "Content-Type") == "application/problem+json");
  CHECK(read_exec_failure(response).value() == failure);
  CHECK_FALSE(read_exec_failure(problem(422, "something else")));
  CHECK_FALSE(read_exec_failure(problem(404, "no such exec")));
}

TEST_CASE("the payloads of control frames are read back, and nonsense is none", "[wire]") {
  CHECK(to_json(TerminalSize{50, 132}) == R"({"rows":50,"cols":132})");
  CHECK(parse_terminal_size(R"({"rows":50,"cols":132})").value() == TerminalSize{50, 132});
  CHECK_FALSE(parse_terminal_size(R"({"rows":50})"));
  CHECK_FALSE(parse_terminal_size("\xff"));
  CHECK(parse_signal_json(signal_json(15)).value() == 15);
  CHECK(parse_signal_json(R"({"signal":"SIGHUP"})").value() == 1);
  CHECK_FALSE(parse_signal_json(R"({"signal":"NONSENSE"})"));
  CHECK_FALSE(parse_signal_json(R"({"signal":-1})"));
  CHECK_FALSE(parse_signal_json("[]"));
  CHECK(parse_window(window_json(65536)).value() == 65536);
  CHECK_FALSE(parse_window(R"({"bytes":-1})"));
  CHECK(parse_gap(to_json(OutputGap{3, 9})).value() == OutputGap{3, 9});
  CHECK_FALSE(parse_gap(R"({"first":3})"));
  CHECK(parse_error_json(error_json("it \"broke\"")) == "it \"broke\"");
  CHECK(parse_error_json("nonsense").empty());
}

}  // namespace kestrel::wire
