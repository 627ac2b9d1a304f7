#include "hostd/image.h"

#include <catch2/catch.hpp>

#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

std::string fake_bzimage() {
  std::string head(head_size, '\0');
  head.replace(0x202, 4, "HdrS");
  return head;
}

}  // namespace

TEST_CASE("a manifest names what to boot and what it needs", "[hostd]") {
  const auto image = parse_manifest(
      R"({"name":"site","kernel":"vmlinuz","initramfs":"i.cpio.zst","resources":{"vcpu":2,"memory_mb":128},
          "workload":{"port":8080,"type":"http"},"env":{"A":"1"},"more":[]})",
      "/images/x");
  REQUIRE(image);
  CHECK(
      *image ==
      Image{"site", "/images/x/i.cpio.zst", "/images/x/vmlinuz", 2, mebibytes(128), 8080, {{"A", "1"}}, {}});
}

TEST_CASE("a manifest may name a disk with the image's files, and then says of what format", "[hostd]") {
  const auto image =
      parse_manifest(R"({"initramfs":"i","rootfs":"r.img","rootfs_format":"raw"})", "/images/x");
  REQUIRE(image);
  CHECK(image->rootfs == DiskFile{"/images/x/r.img", DiskFormat::raw});
  CHECK(parse_manifest(R"({"initramfs":"i","rootfs":"r"})", "/x").error().message ==
        "cannot read manifest.json: `rootfs_format` is neither raw nor qcow2");
}

TEST_CASE("a disk with erofs or squashfs can only be read", "[hostd]") {
  const auto is_read_only = [](const std::string& type) {
    return parse_manifest(
               R"({"initramfs":"i","rootfs":"r","rootfs_format":"raw","rootfs_type":")" + type + "\"}", "/x")
        ->is_rootfs_read_only;
  };
  CHECK(is_read_only("erofs"));
  CHECK(is_read_only("squashfs"));
  CHECK_FALSE(is_read_only("ext4"));
}

TEST_CASE("a manifest says whether its kernel has a virtio console", "[hostd]") {
  CHECK(parse_manifest(R"({"initramfs":"i","console":"hvc0"})", "/x")->has_virtio_console);
  CHECK_FALSE(parse_manifest(R"({"initramfs":"i"})", "/x")->has_virtio_console);
}

TEST_CASE("a manifest needs no more than an initramfs", "[hostd]") {
  const auto image = parse_manifest(R"({"initramfs":"/elsewhere/i.gz"})", "/images/x");
  REQUIRE(image);
  CHECK(*image == Image{"x", "/elsewhere/i.gz", "", {}, {}, {}, {}, {}});
}

TEST_CASE("a broken manifest is told by what is broken", "[hostd]") {
  const auto [text, cause] = GENERATE(table<std::string, std::string>({
      {"{", "it is not a JSON object"},
      {"{}", "it names no initramfs"},
      {R"({"initramfs":1})", "`initramfs` is not text"},
      {R"({"initramfs":"i","resources":{"vcpu":0}})", "`resources.vcpu` is not a number of processors"},
      {R"({"initramfs":"i","resources":{"memory_mb":"1G"}})",
       "`resources.memory_mb` is not a number of mebibytes"},
      {R"({"initramfs":"i","workload":{"port":65536}})", "`workload.port` is not a port"},
      {R"({"initramfs":"i","env":{"A":1}})", "`env.A` is not text"},
  }));
  const auto image = parse_manifest(text, "/x");
  REQUIRE_FALSE(image);
  CHECK(image.error().message == "cannot read manifest.json: " + cause);
}

TEST_CASE("an image is a folder with a manifest or a bare initramfs", "[hostd]") {
  const TemporaryFolder folder;
  const std::string bare = folder.write("site.cpio.gz", "\x1f\x8b and more");
  const auto file_image = read_image(bare);
  REQUIRE(file_image);
  CHECK(file_image->name == "site");
  CHECK(file_image->initramfs == bare);

  folder.write("manifest.json", R"({"initramfs":"site.cpio.gz"})");
  const auto folder_image = read_image(folder.path() + "/.");
  REQUIRE(folder_image);
  CHECK(folder_image->initramfs == bare);
}

TEST_CASE("an image that cannot be booted is refused before QEMU sees it", "[hostd]") {
  const TemporaryFolder folder;
  CHECK(read_image(folder.path() + "/none").error().message ==
        "cannot open " + folder.path() + "/none: No such file or directory");
  CHECK(read_image(folder.path()).error().message.find("manifest.json") != std::string::npos);
  const std::string empty = folder.write("empty", "");
  CHECK(read_image(empty).error().message == "cannot use initramfs " + empty + ": it is empty");
  const std::string text = folder.write("text", "hello");
  CHECK(read_image(text).error().message ==
        "cannot use initramfs " + text + ": it is no cpio archive, plain or compressed");
}

TEST_CASE("the kernel is the one asked for, else the image's, else the fallback", "[hostd]") {
  const TemporaryFolder folder;
  const std::string asked = folder.write("asked", fake_bzimage());
  const std::string own = folder.write("own",
                                       "\x7f"
                                       "ELF");
  const std::string fallback = folder.write("fallback", fake_bzimage());
  Image image;
  CHECK(*choose_kernel("", image, fallback) == fallback);
  image.kernel = own;
  CHECK(*choose_kernel("", image, fallback) == own);
  CHECK(*choose_kernel(asked, image, fallback) == asked);
}

TEST_CASE("a missing kernel and a file that is none are refused", "[hostd]") {
  const TemporaryFolder folder;
  CHECK(choose_kernel("", {}, "").error().message ==
        "cannot find a guest kernel: neither the image nor --kernel nor KESTREL_KERNEL names one");
  CHECK(choose_kernel("/none", {}, "").error().message ==
        "cannot use guest kernel: cannot open /none: No such file or directory");
  const std::string text = folder.write("text", "hello");
  CHECK(choose_kernel(text, {}, "").error().message ==
        "cannot use guest kernel " + text + ": it is neither a bzImage nor a vmlinux");
}
