#include "kestrel/dhcp/client.h"

#include <catch2/catch.hpp>

#include "tests/unit/dhcp/server.h"

namespace kestrel::dhcp {
namespace {

using namespace test;

/// A client, a clock that the test moves, and all that the client wanted done.
struct Bench {
  Client client{card, "web", 7};
  MonotonicTime now{seconds(1000)};
  Effects done;

  Bench() { keep(client.start(now)); }

  void keep(Effects effects) { done = std::move(effects); }

  /// To the next deadline; how long that took.
  Duration wait() {
    const auto before = now;
    now = client.deadline().value();
    keep(client.handle_deadline(now));
    return now - before;
  }
  void hear(const Reply& reply) { keep(client.handle_reply(now, reply)); }

  [[nodiscard]] const Send& sent() const {
    REQUIRE(!done.empty());
    REQUIRE(std::holds_alternative<Send>(done.back()));
    return std::get<Send>(done.back());
  }
  template <typename T>
  [[nodiscard]] const T* did() const {
    for (const auto& effect : done)
      if (const auto* one = std::get_if<T>(&effect)) return one;
    return nullptr;
  }

  /// What a good server answers to what was sent last.
  [[nodiscard]] Reply answer(Answer kind) const {
    return {.answer = kind,
            .transaction = sent().request.transaction,
            .mac = card,
            .address = ip("10.0.2.15"),
            .server = ip("10.0.2.2"),
            .netmask = ip("255.255.255.0"),
            .lease_seconds = 3600};
  }
  void bind() {
    hear(answer(Answer::offer));
    hear(answer(Answer::acknowledge));
    REQUIRE(did<UseAddress>());
  }
  /// Until the server is asked for more time.
  void renew() {
    bind();
    REQUIRE(wait() == seconds(1800));
  }
  /// Until anybody is.
  void rebind() {
    renew();
    while (sent().way == decltype(Send::way)(FromAddress{ip("10.0.2.2")})) wait();
  }
};

const decltype(Send::way) to_everybody = ToEverybody{};
decltype(Send::way) from_address_to(const char* whom) { return FromAddress{ip(whom)}; }

TEST_CASE("a client asks who is there, takes the first offer, and has the address once it is confirmed",
          "[dhcp]") {
  Bench bench;
  CHECK(bench.sent().way == to_everybody);
  CHECK(bench.sent().request == Request{.question = Question::discover,
                                        .transaction = bench.sent().request.transaction,
                                        .mac = card,
                                        .host_name = "web"});
  CHECK(bench.client.listening() == Listening::on_the_link);

  const auto transaction = bench.sent().request.transaction;
  bench.now += milliseconds(20);
  bench.hear(bench.answer(Answer::offer));
  CHECK(bench.sent().way == to_everybody);
  CHECK(bench.sent().request == Request{.question = Question::request,
                                        .transaction = transaction,
                                        .mac = card,
                                        .wanted = ip("10.0.2.15"),
                                        .server = ip("10.0.2.2"),
                                        .host_name = "web"});

  bench.hear(bench.answer(Answer::acknowledge));
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.did<UseAddress>()->lease.settings.address == *parse_ip_network("10.0.2.15/24"));
  CHECK(bench.client.listening() == Listening::nowhere);
}

TEST_CASE("an answer to another exchange, card or server changes nothing", "[dhcp]") {
  Bench bench;
  auto other_exchange = bench.answer(Answer::offer);
  ++other_exchange.transaction;
  auto other_card = bench.answer(Answer::offer);
  ++other_card.mac[5];
  for (const auto& reply : {other_exchange, other_card}) {
    bench.keep(bench.client.handle_reply(bench.now, reply));
    CHECK(bench.done.empty());
  }
  bench.keep({Send{{.transaction = other_exchange.transaction - 1}, to_everybody}});
  bench.hear(bench.answer(Answer::offer));
  const auto asked = bench.done;
  for (const auto kind : {Answer::acknowledge, Answer::refuse}) {
    auto other_server = bench.answer(kind);
    other_server.server = ip("10.0.2.9");
    CHECK(bench.client.handle_reply(bench.now, other_server).empty());
    other_server.server.reset();
    CHECK(bench.client.handle_reply(bench.now, other_server).empty());
  }
  bench.hear(bench.answer(Answer::acknowledge));
  CHECK(bench.did<UseAddress>());
}

TEST_CASE("an acknowledgement that nobody asked for is none", "[dhcp]") {
  Bench bench;
  CHECK(bench.client.handle_reply(bench.now, bench.answer(Answer::acknowledge)).empty());
  CHECK(bench.client.handle_reply(bench.now, bench.answer(Answer::refuse)).empty());
  const auto late = bench.answer(Answer::acknowledge);
  bench.bind();
  CHECK(bench.client.handle_reply(bench.now, late).empty());
}

TEST_CASE("an offer that is of no use is passed over for the next", "[dhcp]") {
  Bench bench;
  auto useless = bench.answer(Answer::offer);
  useless.lease_seconds.reset();
  CHECK(bench.client.handle_reply(bench.now, useless).empty());
  bench.hear(bench.answer(Answer::offer));
  CHECK(bench.sent().request.question == Question::request);
}

TEST_CASE("a question that nobody answers is repeated ever more rarely, never in step with others",
          "[dhcp]") {
  Bench bench;
  const auto transaction = bench.sent().request.transaction;
  const auto began = bench.now;
  for (const int expected : {1, 2, 4, 8, 16, 32, 64, 64, 64}) {
    const Duration waited = bench.wait();
    CHECK(waited >= milliseconds(750 * expected));
    CHECK(waited <= milliseconds(1250 * expected));
    CHECK(bench.sent().request.question == Question::discover);
    CHECK(bench.sent().request.transaction == transaction);
    CHECK(bench.sent().request.elapsed == std::chrono::duration_cast<seconds>(bench.now - began));
  }
  Client other(card, "web", 8);
  static_cast<void>(other.start(began));
  CHECK(other.deadline() != Bench().client.deadline());
}

TEST_CASE("an offer that is not confirmed is forgotten after three requests", "[dhcp]") {
  Bench bench;
  const auto transaction = bench.sent().request.transaction;
  bench.hear(bench.answer(Answer::offer));
  for (int i = 0; i < 2; ++i) {
    bench.wait();
    CHECK(bench.sent().request.question == Question::request);
  }
  bench.wait();
  CHECK(bench.sent().request.question == Question::discover);
  CHECK(bench.sent().request.transaction != transaction);
}

TEST_CASE("a server that refuses what it offers is asked again, after longer and longer pauses", "[dhcp]") {
  Bench bench;
  for (const int pause : {1, 2, 4, 8, 16, 32, 64, 64}) {
    bench.hear(bench.answer(Answer::offer));
    bench.hear(bench.answer(Answer::refuse));
    CHECK(bench.done.empty());
    CHECK(bench.client.listening() == Listening::nowhere);
    CHECK(bench.wait() == seconds(pause));
    CHECK(bench.sent().request.question == Question::discover);
  }
  bench.bind();
  bench.wait();
  bench.hear(bench.answer(Answer::refuse));
  CHECK(bench.wait() == seconds(1));
}

TEST_CASE("after half its time the server is asked for more, from the address", "[dhcp]") {
  Bench bench;
  bench.renew();
  CHECK(bench.sent().way == from_address_to("10.0.2.2"));
  CHECK(bench.sent().request == Request{.question = Question::request,
                                        .transaction = bench.sent().request.transaction,
                                        .mac = card,
                                        .own = ip("10.0.2.15"),
                                        .host_name = "web"});
  CHECK(bench.client.listening() == Listening::at_the_address);
  bench.now += seconds(5);
  auto more = bench.answer(Answer::acknowledge);
  more.mtu = 1400;
  bench.hear(more);
  REQUIRE(bench.did<UseAddress>());
  CHECK(bench.did<UseAddress>()->lease.settings.mtu == 1400);
  // Counted from the question, not from the answer
  CHECK(bench.wait() == seconds(1795));
}

TEST_CASE("while it is asked for more, the server has half of the time that is left, at least a minute",
          "[dhcp]") {
  Bench bench;
  bench.renew();
  Duration left = seconds(1350);  // until 7/8
  while (left > Duration()) {
    CHECK(bench.sent().way == from_address_to("10.0.2.2"));
    const auto expected = std::min(std::max(left / 2, Duration(seconds(60))), left);
    CHECK(bench.wait() == expected);
    left -= expected;
  }
  CHECK(bench.sent().way == from_address_to("255.255.255.255"));
  CHECK(bench.did<GiveUpAddress>() == nullptr);
}

TEST_CASE("after seven eighths any server may prolong the lease", "[dhcp]") {
  Bench bench;
  bench.rebind();
  auto other = bench.answer(Answer::acknowledge);
  other.server = ip("10.0.2.9");
  bench.hear(other);
  REQUIRE(bench.did<UseAddress>());
  CHECK(bench.did<UseAddress>()->lease.server == ip("10.0.2.9"));
  bench.wait();
  CHECK(bench.sent().way == from_address_to("10.0.2.9"));
}

TEST_CASE("an address whose time is over is given up at that moment, and another one asked for", "[dhcp]") {
  Bench bench;
  const auto bound = bench.now;
  bench.rebind();
  while (!bench.did<GiveUpAddress>()) bench.wait();
  CHECK(bench.now - bound == seconds(3600));
  CHECK(bench.sent().request.question == Question::discover);
  CHECK(bench.sent().way == to_everybody);
}

TEST_CASE("an address that is refused is given up at once, and another one asked for a second later",
          "[dhcp]") {
  Bench bench;
  SECTION("by its server") { bench.renew(); }
  SECTION("by any server, when any was asked") { bench.rebind(); }
  bench.hear(bench.answer(Answer::refuse));
  CHECK(bench.did<GiveUpAddress>());
  CHECK(bench.wait() == seconds(1));
  CHECK(bench.sent().request.question == Question::discover);
}

TEST_CASE("a stranger cannot take an address away, nor make it another one", "[dhcp]") {
  Bench bench;
  bench.renew();
  auto refusal = bench.answer(Answer::refuse);
  refusal.server = ip("10.0.2.9");
  auto another = bench.answer(Answer::acknowledge);
  another.address = ip("10.0.2.16");
  CHECK(bench.client.handle_reply(bench.now, refusal).empty());
  CHECK(bench.client.handle_reply(bench.now, another).empty());
}

TEST_CASE("a lease for ever is never asked about again", "[dhcp]") {
  Bench bench;
  bench.hear(bench.answer(Answer::offer));
  auto answer = bench.answer(Answer::acknowledge);
  answer.lease_seconds = 0xffffffff;
  bench.hear(answer);
  REQUIRE(bench.did<UseAddress>());
  CHECK_FALSE(bench.client.deadline());
}

TEST_CASE("at the end an address is given back to whom it is from, and nothing else is due", "[dhcp]") {
  Bench bench;
  SECTION("right after it was had") { bench.bind(); }
  SECTION("while more time is asked for") { bench.renew(); }
  SECTION("while anybody is asked") { bench.rebind(); }
  bench.keep(bench.client.stop());
  CHECK(bench.sent().way == from_address_to("10.0.2.2"));
  CHECK(bench.sent().request.question == Question::release);
  CHECK(bench.sent().request.own == ip("10.0.2.15"));
  CHECK(bench.sent().request.server == ip("10.0.2.2"));
  CHECK_FALSE(bench.client.deadline());
  CHECK(bench.client.listening() == Listening::nowhere);
  CHECK(bench.client.stop().empty());
}

TEST_CASE("a client that has no address ends without a word", "[dhcp]") {
  Bench bench;
  SECTION("asking who is there") {}
  SECTION("asking for what was offered") { bench.hear(bench.answer(Answer::offer)); }
  CHECK(bench.client.stop().empty());
  CHECK_FALSE(bench.client.deadline());
}

TEST_CASE("a deadline that has not come does nothing", "[dhcp]") {
  Bench bench;
  CHECK(bench.client.handle_deadline(*bench.client.deadline() - milliseconds(1)).empty());
}

}  // namespace
}  // namespace kestrel::dhcp
