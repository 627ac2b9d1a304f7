// Fuzz targets of the guest's API, against a guest made by hand: any requests, and any frames on the stream
// of an exec. Files are only read, below a folder of their own: whoever fuzzes wants to keep his.
#pragma once

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/control/exec_book.h"
#include "kestrel/control/routes.h"
#include "tests/fuzz/pieces.h"
#include "tests/unit/control/fake_guest.h"

namespace kestrel::control::fuzz {

using kestrel::fuzz::Input;
using kestrel::fuzz::never;
using kestrel::fuzz::Pieces;

/// Programs that run until they are killed, and say nothing. Of each name there is one answer.
class SilentLauncher final : public ExecLauncher {
 public:
  std::unique_ptr<LaunchedExec> launch(const wire::ExecRequest& request, const std::string&,
                                       const ChildStdio&, ExecCallbacks callbacks) override {
    if (request.command.size() % 2 == 0) {
      callbacks.on_failed({"exec", "cannot start it", ENOENT});
      return nullptr;
    }
    callbacks.on_started();
    struct Silent final : LaunchedExec {
      void signal(int) override {}
      void kill() override {}
    };
    return std::make_unique<Silent>();
  }
};

class FuzzedGuest final : public test::FakeGuest {
 public:
  loop::Loop loop;
  SilentLauncher launcher;
  ExecBook book{loop, launcher};

  FuzzedGuest() {
    add("api");
    print("a line");
    happen(core::NoticeType::service_ready);
  }
  ExecBook* execs() override { return &book; }
  void settle() {
    for (int i = 0; i < 3; ++i) {
      loop.post([] {});
      loop.run_once();
    }
  }
};

/// A folder with a little of everything in it, for as long as the process lives.
inline const std::string& fuzzed_folder() {
  static const std::string folder = [] {
    std::string name = "/tmp/kestrel-fuzz-XXXXXX";
    never(::mkdtemp(name.data()) == nullptr);
    std::ofstream(name + "/file") << "contents";
    static_cast<void>(::symlink("file", (name + "/link").c_str()));
    static_cast<void>(::symlink("/etc/hostname", (name + "/out").c_str()));
    static_cast<void>(::symlink("loop", (name + "/loop").c_str()));
    static const auto remove = [name] {
      for (const char* each : {"/file", "/link", "/out", "/loop"}) ::unlink((name + each).c_str());
      ::rmdir(name.c_str());
    };
    std::atexit([] { remove(); });
    return name;
  }();
  return folder;
}

/// False: it is better not asked.
inline bool make_harmless(wire::Request& request) {
  const auto target = wire::parse_target(request.target);
  if (!target || target->path != "/v1/files") return true;
  if (request.method != "GET" && request.method != "HEAD") return false;
  // The first of a name counts.
  request.target.insert(
      request.target.find('?') == std::string::npos ? request.target.size() : request.target.find('?'),
      concat("?root=", wire::percent_encode(fuzzed_folder()), "&x="));
  return true;
}

/// What an answer says is JSON, its errors included; metrics and configurations are text of their own.
inline void check(const wire::Response& response) {
  never(response.status < 200 || response.status > 599);
  const auto type = wire::find_header(response.headers, "Content-Type").value_or("");
  never(response.status >= 400 && !type.starts_with("application/"));
  never(type.ends_with("json") && !nlohmann::json::accept(response.body));
  static_cast<void>(wire::serialize(response));
}

inline void consume(Answer answer, FuzzedGuest& guest) {
  std::visit(overloaded{[](wire::Response& response) { check(response); },
                        [](std::unique_ptr<BodySource>& source) {
                          BodyPiece body;
                          static_cast<void>(source->head());
                          for (int i = 0; i < 16 && source->produce(body) == BodySource::State::more; ++i)
                            continue;
                        },
                        [](std::unique_ptr<Work>& work) {
                          if (const auto early = work->take("a body")) return check(*early);
                          if (const auto response = work->go_on()) check(*response);
                        },
                        [](OpenTunnel& tunnel) { never(tunnel.addresses.empty() || tunnel.port == 0); },
                        [&](std::unique_ptr<LateAnswer>& late) {
                          late->begin([](const auto& response) {
                            if (response) check(*response);
                          });
                          guest.settle();
                        }},
             answer);
}

/// Requests as they come on a connection.
inline void fuzz_api(Input input) {
  FuzzedGuest guest;
  wire::RequestReader reader(kibibytes(64), [](std::string_view method, std::string_view target) {
    auto rule = body_rule(method, target);
    if (rule) rule->delivery = wire::BodyRule::Delivery::whole;
    return rule;
  });
  for (Pieces pieces(input); !pieces.rest.empty();) {
    for (auto fed = reader.feed(pieces.next()); fed && *fed; fed = reader.feed({})) {
      wire::Request& request = **fed;
      if (make_harmless(request)) consume(route(request, guest), guest);
    }
  }
  guest.settle();
}

/// What a client sends on the stream of an exec: of a plain one, one with a terminal, or a detached one.
inline void fuzz_exec_stream(Input input) {
  if (input.empty()) return;
  FuzzedGuest guest;
  const auto kind = input.front() % 3;
  std::string id;
  never(!guest.book.start(
      {.command = "cat", .has_terminal = kind == 1, .has_stdin = true, .is_detached = kind == 2},
      [&](const std::string& started, const auto&) { id = started; }));
  int ends[2];
  never(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0);
  sys::UniqueFd client(ends[0]);
  Exec* exec = guest.book.find(id);
  if (exec == nullptr) return;  // it takes a terminal, and there may be none left
  exec->attach(sys::UniqueFd(ends[1]), "", {}, 0);
  for (Pieces pieces(input.subspan(1)); !pieces.rest.empty();) {
    const auto piece = pieces.next();
    if (::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
    guest.settle();
  }
  client.reset();
  guest.settle();
  never(kind != 2 && guest.book.find(id) != nullptr);
}

}  // namespace kestrel::control::fuzz
