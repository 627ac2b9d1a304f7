#include "kestrel/control/exec_book.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace kestrel::control {

namespace {

/// Never one of an earlier boot again. Nobody is kept out by it: who may call the API may see all of them.
std::string new_id() {
  std::array<std::uint8_t, 6> bytes{};
  [[maybe_unused]] const auto count = ::getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id;
  for (const std::uint8_t byte : bytes) id.append({digits[byte >> 4], digits[byte & 15]});
  return id;
}

}  // namespace

ExecBook::ExecBook(loop::Loop& loop, ExecLauncher& launcher)
    : loop_(&loop), launcher_(&launcher), burial_(loop, [this] {
        corpses_.clear();
        if (execs_.empty()) pool_.forget_spare();
      }) {}

ExecBook::~ExecBook() = default;

bool ExecBook::start(wire::ExecRequest request, Outcome on_outcome) {
  if (execs_.size() >= most_execs || (request.is_detached && !make_room_for_detached())) return false;
  ExecOwner& owner = *this;
  Exec& exec =
      *execs_.emplace_back(std::make_unique<Exec>(*loop_, pool_, owner, new_id(), std::move(request)));
  exec.start(*launcher_,
             [this, &exec, outcome = std::move(on_outcome)](const std::optional<wire::ExecFailure>& failure) {
               const std::string id = exec.id();
               if (failure) retire(exec);
               outcome(id, failure);
             });
  return true;
}

Exec* ExecBook::find(std::string_view id) const {
  const auto found =
      std::find_if(execs_.begin(), execs_.end(), [id](const auto& exec) { return exec->id() == id; });
  return found == execs_.end() ? nullptr : found->get();
}

void ExecBook::remove(Exec& exec) {
  exec.dismiss("it was killed on request");
  retire(exec);
}

std::vector<Exec::View> ExecBook::list() const {
  std::vector<Exec::View> views;
  views.reserve(execs_.size());
  for (const auto& exec : execs_) views.push_back(exec->view());
  return views;
}

void ExecBook::end_all() {
  for (auto& exec : std::exchange(execs_, {})) {
    exec->dismiss("the guest ends");
    bury(std::move(exec));
  }
}

void ExecBook::retire(Exec& exec) {
  const auto found =
      std::find_if(execs_.begin(), execs_.end(), [&exec](const auto& each) { return each.get() == &exec; });
  if (found == execs_.end()) return;
  bury(std::move(*found));
  execs_.erase(found);
}

void ExecBook::bury(std::shared_ptr<void> corpse) {
  corpses_.push_back(std::move(corpse));
  burial_.arm(Duration::zero());
}

bool ExecBook::make_room_for_detached() {
  const auto is_detached = [](const auto& exec) { return exec->is_detached(); };
  if (static_cast<std::size_t>(std::count_if(execs_.begin(), execs_.end(), is_detached)) < most_detached)
    return true;
  const auto oldest = std::find_if(execs_.begin(), execs_.end(), [](const auto& exec) {
    return exec->is_detached() && exec->has_exited() && !exec->view().is_attached;
  });
  if (oldest == execs_.end()) return false;
  retire(**oldest);
  return true;
}

}  // namespace kestrel::control
