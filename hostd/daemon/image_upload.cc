#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/daemon/api.h"
#include "hostd/images/stored_image.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// A file without a name, beside the images: it is gone with whoever has it open, however that ends.
Result<sys::UniqueFd> make_nameless_file(const std::string& folder) {
  if (const auto made = make_folders(folder); !made) return made.error();
  std::string path = folder + "/upload-XXXXXX";
  sys::UniqueFd file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.is_open()) return errno_error(concat("cannot create a file in ", folder), errno);
  ::unlink(path.c_str());
  return file;
}

Error write_error(int code) { return errno_error("cannot keep the image", code); }

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return write_error(errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

class ImageUpload final : public BodySink {
 public:
  ImageUpload(ApiCall call, sys::UniqueFd file) : call_(std::move(call)), file_(std::move(file)) {}

  void take(std::string_view piece) override {
    if (const auto written = write_all(file_.get(), piece); !written) call_.refuse(written.error());
  }
  void finish() override {
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) return call_.refuse(write_error(errno));
    call_.api.install_image(std::move(file_), [call = call_](const Result<ImageReference>& installed) {
      if (!installed) return call.refuse(installed.error());
      const auto image = call.api.images.find(*installed);
      if (!image) return call.refuse(image.error());
      call.answer(201, to_json(*image));
    });
  }

 private:
  ApiCall call_;
  sys::UniqueFd file_;
};

}  // namespace

void install_image(const ApiCall& call) {
  auto file = make_nameless_file(call.api.images.folder());
  if (!file) return call.refuse(file.error());
  call.responder.receive(std::make_unique<ImageUpload>(call, std::move(*file)));
}

}  // namespace kestrel::hostd
