#include <nlohmann/json.hpp>

#include "hostd/daemon/api.h"
#include "hostd/daemon/image_users.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// nullopt: it has been refused.
std::optional<StoredImage> find(const ApiCall& call) {
  const auto reference = parse_reference(call.name);
  if (!reference) {
    call.refuse(422, reference.error().message);
    return std::nullopt;
  }
  auto image = call.api.images.find(*reference);
  if (image) return std::move(*image);
  call.refuse(image.error());
  return std::nullopt;
}

}  // namespace

void list_images(const ApiCall& call) {
  const auto images = call.api.images.list();
  if (!images) return call.refuse(images.error());
  call.answer(200, to_json(*images));
}

void show_image(const ApiCall& call) {
  if (const auto image = find(call)) call.answer(200, to_json(*image));
}

void delete_image(const ApiCall& call) {
  const auto image = find(call);
  if (!image) return;
  const auto removed = call.api.images.remove(
      *image, [&] { return image_users(call.api.registry); },
      call.has_flag("force") ? Store::Removal::forced : Store::Removal::careful);
  if (!removed) return call.refuse(removed.error());
  call.answer(200, "{}");
}

}  // namespace kestrel::hostd
