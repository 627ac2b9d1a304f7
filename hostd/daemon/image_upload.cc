#include <unistd.h>

#include <cerrno>

#include "hostd/daemon/api.h"
#include "hostd/disks/overlay.h"
#include "hostd/images/stored_image.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

class ImageUpload final : public BodySink {
 public:
  ImageUpload(ApiCall call, sys::UniqueFd file) : call_(std::move(call)), file_(std::move(file)) {}

  void take(std::string_view piece) override {
    const auto written = sys::write_all(file_.get(), piece);
    if (!written) call_.refuse(written.error().in("cannot keep the image"));
  }
  void finish() override {
    if (::lseek(file_.get(), 0, SEEK_SET) != 0)
      return call_.refuse(errno_error("cannot keep the image", errno));
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
  auto file = open_unnamed_file(call.api.images.folder());
  if (!file) return call.refuse(file.error());
  call.responder.receive(std::make_unique<ImageUpload>(call, std::move(*file)));
}

}  // namespace kestrel::hostd
