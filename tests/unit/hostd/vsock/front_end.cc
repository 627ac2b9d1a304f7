#include "tests/unit/hostd/vsock/front_end.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace kestrel::hostd::vsock::test {

namespace {

template <typename... Numbers>
std::string packed(Numbers... numbers) {
  std::string out;
  (out.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
  return out;
}

constexpr int enough_turns = 24;
constexpr int most_turns = 20000;

}  // namespace

std::pair<sys::UniqueFd, sys::UniqueFd> socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) std::abort();
  return {sys::UniqueFd(fds[0]), sys::UniqueFd(fds[1])};
}

HostRead read_host(const sys::UniqueFd& fd, std::size_t limit) {
  HostRead result;
  std::vector<char> buffer(65536);
  while (result.data.size() < limit) {
    const ssize_t count =
        ::read(fd.get(), buffer.data(), std::min(buffer.size(), limit - result.data.size()));
    if (count > 0) result.data.append(buffer.data(), static_cast<std::size_t>(count));
    result.is_end = count == 0 || (count < 0 && errno == ECONNRESET);
    if (count <= 0) break;
  }
  return result;
}

std::size_t write_host(const sys::UniqueFd& fd, std::string_view data) {
  const ssize_t count = ::send(fd.get(), data.data(), data.size(), MSG_NOSIGNAL);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

void send_with_files(int socket, std::span<const std::uint8_t> bytes, std::span<const int> files) {
  iovec piece{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  std::vector<char> control(CMSG_SPACE(files.size_bytes()));
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!files.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(files.size_bytes());
    std::memcpy(CMSG_DATA(part), files.data(), files.size_bytes());
  }
  [[maybe_unused]] const ssize_t ignored = ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

std::string vring_state(std::uint32_t index, std::uint32_t number) { return packed(index, number); }

FrontEnd::FrontEnd(FrontEndOptions options)
    : rx(ram, 0x1000, options.ring_size), tx(ram, 0x20000, options.ring_size), options_(std::move(options)) {
  auto [ours, theirs] = socket_pair();
  vmm_ = std::move(ours);
  auto created = Device::create(
      loop, {.cid = guest_cid, .uds_path = options_.uds_path, .max_connections = options_.max_connections},
      std::move(theirs), [this](const Error* error) {
        has_ended = true;
        end_reason = error == nullptr ? "" : error->message;
      });
  if (!created) std::abort();
  device = std::move(*created);
  device->on_driver_change([this](bool is_up) { driver_changes.push_back(is_up); });
  for (auto& fd : kicks_) fd.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  for (auto& fd : calls_) fd.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void FrontEnd::turn() {
  loop.post([] {});
  loop.run_once();
}

void FrontEnd::settle() {
  for (int i = 0; i < enough_turns; ++i) turn();
}

bool FrontEnd::run_until(const std::function<bool()>& is_done) {
  for (int i = 0; i < most_turns; ++i) {
    if (is_done()) return true;
    turn();
  }
  return is_done();
}

void FrontEnd::send_raw(std::string_view bytes, const std::vector<int>& files) {
  send_with_files(vmm_.get(), {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, files);
}

void FrontEnd::send_message(Request request, std::string_view payload, const std::vector<int>& files,
                            bool wants_reply) {
  const std::uint32_t flags = wants_reply ? 9 : 1;
  send_raw(packed(static_cast<std::uint32_t>(request), flags, static_cast<std::uint32_t>(payload.size()))
               .append(payload),
           files);
}

std::string FrontEnd::ask(Request request, std::string_view payload, const std::vector<int>& files,
                          bool wants_reply) {
  send_message(request, payload, files, wants_reply);
  return read_reply();
}

std::string FrontEnd::read_reply() {
  std::string reply;
  const bool came = run_until([&] {
    reply += read_host(vmm_).data;
    return reply.size() >= message_header_size;
  });
  return came ? reply.substr(message_header_size) : "no reply";
}

void FrontEnd::set_memory() {
  const MemoryRegion region = ram.region();
  send_message(Request::set_mem_table,
               packed(std::uint32_t{1}, std::uint32_t{0}, region.guest_address, region.size,
                      region.user_address, region.file_offset),
               {ram.file()});
}

void FrontEnd::set_ring(std::uint32_t index, const DriverRing& ring, std::uint16_t base) {
  const QueueAddresses at = ring.addresses();
  send_message(Request::set_vring_num, vring_state(index, ring.size()));
  send_message(Request::set_vring_base, vring_state(index, base));
  send_message(Request::set_vring_addr,
               packed(index, std::uint32_t{0}, at.descriptors, at.used, at.available, std::uint64_t{0}));
  send_message(Request::set_vring_kick, packed(std::uint64_t{index}), {kicks_[index].get()});
}

void FrontEnd::start(std::uint16_t rx_base, std::uint16_t tx_base) {
  send_message(Request::set_features, packed(options_.features));
  set_memory();
  for (std::uint32_t i = 0; i < 2; ++i) {
    send_message(Request::set_vring_call, packed(std::uint64_t{i}), {calls_[i].get()});
    set_ring(i, ring(i), i == 0 ? rx_base : tx_base);
  }
  for (std::uint32_t i = 0; i < 2; ++i) send_message(Request::set_vring_enable, vring_state(i, 1));
  settle();
}

std::pair<std::uint16_t, std::uint16_t> FrontEnd::stop() {
  std::uint16_t bases[2];
  for (std::uint32_t i = 0; i < 2; ++i) send_message(Request::set_vring_enable, vring_state(i, 0));
  for (std::uint32_t i = 0; i < 2; ++i) {
    const std::string reply = ask(Request::get_vring_base, vring_state(i, 0));
    std::uint32_t number = 0;
    if (reply.size() == 8) std::memcpy(&number, reply.data() + 4, 4);
    bases[i] = static_cast<std::uint16_t>(number);
  }
  return {bases[0], bases[1]};
}

void FrontEnd::reboot() {
  static_cast<void>(stop());
  rx.clear();
  tx.clear();
  free_tx_.clear();
  start();
  fill_rx();
}

void FrontEnd::fill_rx() {
  for (std::uint16_t i = 0; i < rx.size(); ++i) {
    rx.offer(i, {rx_buffers + std::uint64_t{i} * rx_buffer_size, rx_buffer_size, Descriptor::is_writable, 0});
  }
  for (std::uint16_t i = 0; i < tx.size(); ++i) free_tx_.push_back(i);
  kick(0);
}

void FrontEnd::kick(std::uint32_t index) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(kicks_[index].get(), &one, sizeof one);
}

std::uint64_t FrontEnd::take_interrupts(std::uint32_t index) {
  std::uint64_t count = 0;
  return ::read(calls_[index].get(), &count, sizeof count) == sizeof count ? count : 0;
}

void FrontEnd::send(const PacketHeader& header, std::string_view payload) {
  const bool has_room = run_until([&] {
    while (const auto used = tx.next_used()) free_tx_.push_back(static_cast<std::uint16_t>(used->head));
    return !free_tx_.empty();
  });
  if (!has_room) std::abort();
  const std::uint16_t slot = free_tx_.back();
  free_tx_.pop_back();
  const std::uint64_t buffer = tx_buffers + std::uint64_t{slot % 128U} * tx_buffer_size;
  ram.write(buffer, encode_packet_header(header));
  ram.write_text(buffer + packet_header_size, payload);
  const std::uint16_t before = tx.available_index();
  tx.offer(slot, {buffer, static_cast<std::uint32_t>(packet_header_size + payload.size()), 0, 0});
  // Kicks as Linux does, only when asked: a device that forgot to ask would hang here.
  if ((options_.features & 1ULL << 29) != 0 ? tx.kick_event() == before : tx.kick_flag() == 0) kick(1);
}

std::optional<Packet> FrontEnd::receive() {
  const auto used = rx.next_used();
  if (!used) return std::nullopt;
  const std::uint64_t buffer = rx_buffers + std::uint64_t{used->head} * rx_buffer_size;
  Packet packet{decode_packet_header(ram.read<PacketHeaderBytes>(buffer)),
                ram.text(buffer + packet_header_size, used->written - packet_header_size)};
  const std::uint16_t before = rx.available_index();
  rx.make_available(static_cast<std::uint16_t>(used->head));
  if ((options_.features & 1ULL << 29) != 0 ? rx.kick_event() == before : rx.kick_flag() == 0) kick(0);
  return packet;
}

Packet FrontEnd::expect() {
  std::optional<Packet> packet;
  static_cast<void>(run_until([&] { return (packet = receive()).has_value(); }));
  return packet.value_or(Packet{});
}

bool FrontEnd::stays_silent() {
  settle();
  return !receive().has_value();
}

PacketHeader FrontEnd::header(Operation operation, ConnectionId id, std::uint32_t length) {
  return {.source_cid = guest_cid,
          .destination_cid = host_cid,
          .source_port = id.guest_port,
          .destination_port = id.host_port,
          .length = length,
          .operation = operation,
          .buffer_size = 256 * 1024};
}

PacketHeader FrontEnd::shutdown_header(ConnectionId id, std::uint32_t flags) {
  PacketHeader header = FrontEnd::header(Operation::shutdown, id);
  header.flags = flags;
  return header;
}

FrontEnd::Opened FrontEnd::open(std::uint32_t guest_port, Preamble preamble) {
  auto [ours, theirs] = socket_pair();
  device->connect(guest_port, std::move(theirs), std::move(preamble), [](const Result<void>&) {});
  const Packet request = expect();
  const ConnectionId id{.host_port = request.header.source_port, .guest_port = guest_port};
  send(header(Operation::response, id));
  settle();
  return {id, std::move(ours)};
}

bool FrontEnd::is_sane() {
  Opened opened = open(1234);
  write_host(opened.host, "ping");
  const Packet ping = expect();
  if (ping.header.operation != Operation::data || ping.payload != "ping") return false;
  send(header(Operation::data, opened.id, 4), "pong");
  std::string pong;
  if (!run_until([&] { return (pong += read_host(opened.host).data) == "pong"; })) return false;
  send(shutdown_header(opened.id, 3));
  return expect().header.operation == Operation::reset && read_host(opened.host).is_end;
}

}  // namespace kestrel::hostd::vsock::test
