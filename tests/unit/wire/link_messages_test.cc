#include "kestrel/wire/link_messages.h"

#include <catch2/catch.hpp>
#include <random>

#include "kestrel/base/text.h"

namespace kestrel::wire {
namespace {

/// Each message beside the line it has on the wire: the contract of protocol 1. New members may be added to a
/// line, none may change or go.
struct FrozenGuest {
  GuestMessage message;
  std::string line;
};

TEST_CASE("the guest's messages of protocol 1 look as they always did", "[wire]") {
  const WallTime time{milliseconds(1'700'000'000'123)};
  const std::vector<FrozenGuest> frozen = {
      {Hello{.protocol = 1,
             .version = "0.1.0",
             .boot_id = "b",
             .self_id = "web",
             .config_digest = "d",
             .provides = {"http"},
             .requires_ = {"db"},
             .boot = {{"kernel", 12}}},
       R"({"boot":[{"at_us":12,"name":"kernel"}],"boot_id":"b","config_digest":"d","min_protocol":1,"protocol":1,"provides":["http"],"requires":["db"],"self_id":"web","type":"hello","version":"0.1.0"})"},
      {EventMessage{.seq = 7,
                    .time = time,
                    .mono_ms = 90,
                    .type = "service.ready",
                    .service = "web",
                    .data = R"({"pid":4})"},
       R"({"data":{"pid":4},"event":"service.ready","mono_ms":90,"seq":7,"service":"web","time":"2023-11-14T22:13:20.123Z","type":"event"})"},
      {LogMessage{.seq = 8, .time = time, .service = "web", .stream = "stdout", .line = "hi"},
       R"({"line":"hi","seq":8,"service":"web","stream":"stdout","time":"2023-11-14T22:13:20.123Z","type":"log"})"},
      {Gap{Gap::Of::logs, 3, 5}, R"({"first":3,"last":5,"of":"logs","type":"gap"})"},
      {Exiting{.status = 7, .cause = "batch"},
       R"({"action":"shutdown","cause":"batch","oom":false,"problems":[],"signal":0,"status":7,"type":"exiting"})"},
  };
  for (const auto& one : frozen) {
    CHECK(encode(one.message) == one.line + "\n");
    const auto back = decode_guest_message(one.line);
    REQUIRE(back);
    CHECK(*back == one.message);
  }
}

TEST_CASE("the host's messages of protocol 1 look as they always did", "[wire]") {
  const HostMessage welcome = Welcome{.protocol = 1,
                                      .runtime_id = "r",
                                      .token = "t",
                                      .hostname = "h",
                                      .env = {{"A", "1"}},
                                      .time_ns = 5,
                                      .entropy = "00ff"};
  const std::string line =
      R"({"entropy":"00ff","env":{"A":"1"},"hostname":"h","protocol":1,"runtime_id":"r","time_ns":5,"token":"t","type":"welcome"})";
  CHECK(encode(welcome) == line + "\n");
  CHECK(decode_host_message(line).value() == welcome);
  const HostMessage with_image = Welcome{.image_env = {{"B", "2"}}};
  CHECK(decode_host_message(encode(with_image)).value() == with_image);
  const HostMessage with_user_data = Welcome{.user_data = "#cloud-config\nhostname: a\n"};
  CHECK(decode_host_message(encode(with_user_data)).value() == with_user_data);
  const HostMessage ack = Ack{.events = 4, .logs = 9, .exiting = true};
  CHECK(encode(ack) == R"({"events":4,"exiting":true,"logs":9,"type":"ack"})"
                       "\n");
  CHECK(decode_host_message(encode(ack)).value() == ack);
}

TEST_CASE("the messages that protocol 2 has added look as they always did", "[wire]") {
  const std::vector<FrozenGuest> of_guest = {
      {Pong{.id = 7}, R"({"id":7,"type":"pong"})"},
      {ResumedReport{.id = 3, .clock_error_ns = -2'000'000'000, .is_clock_set = true, .took_us = 120},
       R"({"clock_error_ns":-2000000000,"id":3,"is_clock_set":true,"took_us":120,"type":"resumed"})"},
  };
  for (const auto& one : of_guest) {
    CHECK(encode(one.message) == one.line + "\n");
    CHECK(decode_guest_message(one.line).value() == one.message);
  }
  const std::vector<std::pair<HostMessage, std::string>> of_host = {
      {Ping{.id = 7}, R"({"id":7,"type":"ping"})"},
      {Ping{}, R"({"type":"ping"})"},
      {Resumed{.id = 3, .time_ns = 5, .paused_ms = 2000, .entropy = "00ff"},
       R"({"entropy":"00ff","id":3,"paused_ms":2000,"time_ns":5,"type":"resumed"})"},
  };
  for (const auto& [message, line] : of_host) {
    CHECK(encode(message) == line + "\n");
    CHECK(decode_host_message(line).value() == message);
  }
}

TEST_CASE("what protocol 3 has added to the welcome looks as it always did", "[wire]") {
  const HostMessage welcome = Welcome{.protocol = 3,
                                      .mounts = {{"data", "/var/lib/data", "ext4"}},
                                      .network = NetworkSettings{"10.0.0.2/24", "10.0.0.1", {"10.0.0.53"}}};
  const std::string line =
      R"({"entropy":"","env":{},"hostname":"","mounts":[{"source":"data","target":"/var/lib/data","type":"ext4"}],"network":{"address":"10.0.0.2/24","gateway":"10.0.0.1","name_servers":["10.0.0.53"]},"protocol":3,"runtime_id":"","time_ns":0,"token":"","type":"welcome"})";
  CHECK(encode(welcome) == line + "\n");
  CHECK(decode_host_message(line).value() == welcome);
  CHECK(!decode_host_message(R"({"type":"welcome","mounts":["data"]})"));
  CHECK(!decode_host_message(R"({"type":"welcome","network":{"gateway":"10.0.0.1"}})"));
}

TEST_CASE("both sides speak the smaller of their newest protocols, or none", "[wire]") {
  static_assert(protocol == 3 && oldest_protocol == 1, "freeze the new generation's messages above");
  CHECK(agree_on_protocol(1, 1).value() == 1);
  CHECK(agree_on_protocol(1, 2).value() == 2);
  CHECK(agree_on_protocol(2, 2).value() == 2);
  CHECK(agree_on_protocol(1, 9).value() == 3);
  CHECK(!agree_on_protocol(4, 9));
  CHECK(!agree_on_protocol(0, 0));
  CHECK(!agree_on_protocol(2, 1));
}

TEST_CASE("a message of a type from the future is no error", "[wire]") {
  const auto message = decode_guest_message(R"({"type":"weather"})");
  REQUIRE(message);
  CHECK(!message->has_value());
}

TEST_CASE("what is no message is an error and never an exception", "[wire]") {
  const auto line = GENERATE("", "{", "[]", "42", "{}", R"({"type":5})", R"({"type":"log","seq":"x"})",
                             R"({"type":"hello","boot":[7]})", "\xff\xfe");
  CHECK(!decode_guest_message(line));
}

TEST_CASE("a number of the wrong kind or size is no message", "[wire]") {
  const auto seq = GENERATE("-1", "1.5", "1e300", "true", "18446744073709551616", "\"1\"", "null", "[]");
  CHECK(!decode_guest_message(concat(R"({"type":"log","seq":)", seq, "}")));
  CHECK(!decode_guest_message(R"({"type":"exiting","status":2147483648})"));
  CHECK(decode_guest_message(R"({"type":"log","seq":18446744073709551615})"));
  CHECK(decode_guest_message(R"({"type":"event","mono_ms":-1})"));
}

TEST_CASE("a line of nothing but brackets is refused and not followed", "[wire]") {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  CHECK(!decode_guest_message(R"({"type":"event","data":{"a":)" + deep + "}}"));
  CHECK(!decode_guest_message(R"({"type":"event","data":{"\"":)" + deep + "}}"));
  CHECK(decode_guest_message(R"({"type":"log","line":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})"));
  CHECK(decode_guest_message(R"({"type":"event","data":{"a":[[[[1]]]]}})"));
}

TEST_CASE("100,000 damaged messages crash nothing, and what is read can be written", "[wire]") {
  const std::vector<std::string> lines = {
      encode(GuestMessage(Hello{.provides = {"a"}, .boot = {{"kernel", 12}}})),
      encode(GuestMessage(EventMessage{.type = "service.ready", .data = R"({"a":[1,{"b":null}]})"})),
      encode(GuestMessage(Gap{Gap::Of::events, 1, 2})),
      encode(GuestMessage(Exiting{.problems = {"x: \\ \"y\""}})),
      encode(HostMessage(Welcome{.env = {{"A", "\u00e4"}}})),
      encode(HostMessage(Ack{.events = 1})),
  };
  constexpr std::string_view replacements = "{}[]\",:-0e\\tfn\xff\xc3x";
  std::mt19937 random(20240131);
  for (int i = 0; i < 100'000; ++i) {
    auto line = lines[random() % lines.size()];
    for (auto changes = 1 + random() % 3; changes > 0; --changes) {
      line[random() % line.size()] = replacements[random() % replacements.size()];
    }
    const auto guest = decode_guest_message(line);
    if (guest && *guest && !decode_guest_message(encode(**guest))) FAIL(line);
    const auto host = decode_host_message(line);
    if (host && *host && !decode_host_message(encode(**host))) FAIL(line);
  }
}

TEST_CASE("bytes that are not UTF-8 arrive as replacement characters", "[wire]") {
  const auto line = encode(GuestMessage(LogMessage{.line = "a\xff"
                                                           "b"}));
  const auto back = decode_guest_message(line);
  CHECK(std::get<LogMessage>(**back).line ==
        "a\xef\xbf\xbd"
        "b");
}

TEST_CASE("lines are the same however the bytes are cut", "[wire]") {
  const std::string text = "one\n\ntwo\nrest";
  LineReader whole;
  CHECK(whole.feed(text).value() == std::vector<std::string>{"one", "", "two"});
  LineReader bytewise;
  std::vector<std::string> lines;
  for (const char byte : text + "!\n") {
    for (auto& line : bytewise.feed({&byte, 1}).value()) lines.push_back(std::move(line));
  }
  CHECK(lines == std::vector<std::string>{"one", "", "two", "rest!"});
}

TEST_CASE("a line that never ends is an error instead of memory", "[wire]") {
  LineReader reader(10);
  CHECK(reader.feed("12345"));
  CHECK(!reader.feed("678901"));
}

}  // namespace
}  // namespace kestrel::wire
