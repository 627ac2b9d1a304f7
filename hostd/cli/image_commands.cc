#include "hostd/cli/image_commands.h"

#include <cerrno>
#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/daemon/image_users.h"
#include "hostd/images/installer.h"
#include "hostd/images/store.h"
#include "hostd/state_dir.h"
#include "kestrel/base/table.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"

namespace kestrel::hostd {

namespace {

int print_json(const std::string& json, OutputFormat format) {
  std::fputs(format == OutputFormat::yaml ? to_yaml(json).c_str() : json.c_str(), stdout);
  return 0;
}

std::string age_of(const StoredImage& image, WallTime now) {
  return now < image.installed ? "" : concat(format_elapsed(now - image.installed), " ago");
}

}  // namespace

int install_command(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const auto image = install_image(Store::standard(), path, [] { return image_users(state_dir()); });
    if (!image) return fail(ExitCode::host_error, image.error().message);
    std::puts(format_reference(image->reference).c_str());
  }
  return 0;
}

int list_images_command(OutputFormat format) {
  const auto images = Store::standard().list();
  if (!images) return fail(ExitCode::host_error, images.error().message);
  if (format != OutputFormat::table) return print_json(to_json(*images), format);
  Table table({"NAME", "VERSION", "SIZE", "INSTALLED", "DESCRIPTION"});
  const WallTime now = sys::wall_now();
  for (const StoredImage& image : *images) {
    table.add({image.reference.name, image.reference.version, format_bytes(image.size), age_of(image, now),
               image.description});
  }
  std::fputs(table.text().c_str(), stdout);
  return 0;
}

int list_image_names_command() {
  const auto images = Store::standard().list();
  if (!images) return fail(ExitCode::host_error, images.error().message);
  for (const StoredImage& image : *images) std::puts(format_reference(image.reference).c_str());
  return 0;
}

int show_image_command(const std::string& text, OutputFormat format) {
  const auto reference = parse_reference(text);
  if (!reference) return fail(ExitCode::usage, reference.error().message);
  const auto image = Store::standard().find(*reference);
  if (!image) return fail(ExitCode::host_error, image.error().message);
  // There is no row to make of it.
  return print_json(to_json(*image), format == OutputFormat::table ? OutputFormat::yaml : format);
}

int remove_images_command(const std::vector<std::string>& texts, bool is_forced) {
  const Store store = Store::standard();
  for (const std::string& text : texts) {
    const auto reference = parse_reference(text);
    if (!reference) return fail(ExitCode::usage, reference.error().message);
    const auto image = store.find(*reference);
    if (!image) return fail(ExitCode::host_error, image.error().message);
    const auto removed = store.remove(
        *image, [] { return image_users(state_dir()); },
        is_forced ? Store::Removal::forced : Store::Removal::careful);
    if (!removed) {
      const bool is_used = removed.error().code == EBUSY;
      return fail(ExitCode::host_error, removed.error().message,
                  is_used ? "stop that VM, or give --force, which leaves it what it uses until it ends" : "");
    }
    std::puts(format_reference(image->reference).c_str());
  }
  return 0;
}

}  // namespace kestrel::hostd
