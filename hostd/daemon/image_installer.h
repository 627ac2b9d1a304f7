// Installing images beside the daemon: checking some hundred megabytes takes seconds, which nobody else is to
// wait for. It is `kestrelctl images install` that does it.
#pragma once

#include <functional>
#include <list>
#include <string>

#include "hostd/images/stored_image.h"
#include "kestrel/base/result.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

/// Code EINVAL where the archive is no image, or one with wrong checksums, ENOSPC where the disk is full.
using ImageInstalled = std::function<void(Result<ImageReference> installed)>;
/// `archive` is a file, read from its beginning.
using InstallImage = std::function<void(sys::UniqueFd archive, ImageInstalled done)>;

/// Its processes are children like the runners: whoever owns this collects those that have ended. Destroyed,
/// it leaves them to end their work.
class ImageInstaller {
 public:
  explicit ImageInstaller(loop::Loop& loop) : loop_(loop) {}
  ImageInstaller(const ImageInstaller&) = delete;
  ImageInstaller& operator=(const ImageInstaller&) = delete;

  void install(const sys::UniqueFd& archive, ImageInstalled done);

 private:
  struct Run {
    ImageInstalled done;
    std::string output;
    loop::Stream stream;
  };
  void end(std::list<Run>::iterator run);

  loop::Loop& loop_;
  std::list<Run> runs_;
};

}  // namespace kestrel::hostd
