#include "hostd/images/store.h"

#include <fcntl.h>
#include <sys/file.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "hostd/images/find_image.h"
#include "hostd/images/installer.h"
#include "hostd/images/sha256.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

std::string digest_of(const std::string& content) {
  Sha256 hash;
  hash.update(content);
  return hash.finish();
}

Result<ImageUsers> no_users() { return ImageUsers{}; }
FindImageUsers used_by(const std::string& vm, const std::string& spec) {
  return [=] { return Result<ImageUsers>(ImageUsers{{vm, spec}}); };
}

/// A folder, a store in it, and images to install.
struct Fixture {
  TemporaryFolder folder;
  Store store{folder.file("store")};

  /// The path of an image whose initramfs is `initramfs`, as its manifest says by the digest of `announced`.
  std::string bundle(const std::string& name, const std::string& version, const std::string& initramfs,
                     const std::string& announced) {
    const std::string path = name + version;
    std::filesystem::create_directories(folder.file(path));
    folder.write(path + "/i.cpio", initramfs);
    folder.write(path + "/vmlinux", kernel);
    folder.write(path + "/manifest.json",
                 R"({"name":")" + name + R"(","version":")" + version +
                     R"(","initramfs":"i.cpio","kernel":"vmlinux","checksums":{"i.cpio":")" +
                     digest_of(announced) + R"(","vmlinux":")" + digest_of(kernel) + R"("}})");
    return folder.file(path);
  }
  StoredImage install(const std::string& name, const std::string& version, const std::string& initramfs) {
    const auto installed = install_image(store, bundle(name, version, initramfs, initramfs), no_users);
    REQUIRE(installed);
    return *installed;
  }
  [[nodiscard]] bool has_blob(const std::string& content) const {
    return std::filesystem::exists(store.blob_path(digest_of(content)));
  }

  const std::string kernel =
      "\x7f"
      "ELF kernel";
  const std::string first = "070701 first";
  const std::string second = "070701 second";
};

}  // namespace

TEST_CASE("an image is called NAME or NAME:VERSION", "[hostd][images]") {
  CHECK(parse_reference("user-api").value() == ImageReference{"user-api", ""});
  CHECK(parse_reference("user-api:2.1.0").value() == ImageReference{"user-api", "2.1.0"});
  CHECK(format_reference({"a", "1+b"}) == "a:1+b");
  const std::string bad = GENERATE(as<std::string>(), "", ":1", "a:", "-a", "A", "a/b", "a:../1", "a:1/2",
                                   "a b", "a:.1", std::string(65, 'a'));
  CHECK_FALSE(parse_reference(bad));
}

TEST_CASE("a SHA-256 is that of FIPS 180-4, however the bytes come", "[hostd][images]") {
  CHECK(digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  CHECK(hash.finish() == digest_of("abc"));
  CHECK(is_digest(digest_of("")));
  CHECK_FALSE(is_digest(std::string(64, 'g')));
  CHECK_FALSE(is_digest("ab"));
}

TEST_CASE_METHOD(Fixture, "an installed image is found by its name, and runs from the store",
                 "[hostd][images]") {
  install("site", "1.0", first);
  const auto image = store.resolve("site");
  REQUIRE(image);
  CHECK(image->name == "site");
  CHECK(image->initramfs == store.blob_path(digest_of(first)));
  CHECK(image->kernel == store.blob_path(digest_of(kernel)));
  CHECK(store.resolve("site:1.0").value() == *image);
  CHECK(store.resolve("site:2.0").error().code == ENOENT);
  CHECK(store.resolve("other").error().code == ENOENT);
}

TEST_CASE_METHOD(Fixture, "a name alone is the image that was installed last", "[hostd][images]") {
  install("site", "2.0", second);
  install("site", "1.0", first);
  CHECK(store.find({"site", ""}).value().reference.version == "1.0");
  const auto images = store.list();
  REQUIRE(images);
  REQUIRE(images->size() == 2);
  CHECK(images->at(1).reference.version == "2.0");
}

TEST_CASE_METHOD(Fixture, "an archive of an image is installed as its folder is", "[hostd][images]") {
  const std::string path = bundle("site", "1.0", first, first);
  const std::string archive = folder.file("site-1.0.tar.gz");
  REQUIRE(std::system(("tar czf " + archive + " -C " + path + " .").c_str()) == 0);
  REQUIRE(install_image(store, archive, no_users));
  CHECK(has_blob(first));
  CHECK(has_blob(kernel));
}

TEST_CASE_METHOD(Fixture, "what is not as its checksum says is not installed", "[hostd][images]") {
  const auto refused = install_image(store, bundle("site", "1.0", first, second), no_users);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "cannot install " + folder.file("site1.0") + ": the checksum of i.cpio is wrong");
  CHECK(store.list().value().empty());
  CHECK_FALSE(has_blob(first));
  CHECK_FALSE(has_blob(second));
}

TEST_CASE_METHOD(Fixture, "what is missing of an image is named", "[hostd][images]") {
  const std::string path = bundle("site", "1.0", first, first);
  std::filesystem::remove(path + "/i.cpio");
  CHECK(install_image(store, path, no_users).error().message ==
        "cannot install " + path + ": it has no i.cpio, which its manifest names");
}

TEST_CASE("a manifest of an image to install has its name, version and checksums", "[hostd][images]") {
  const auto [text, cause] = GENERATE(table<std::string, std::string>({
      {"[]", "it is not a JSON object"},
      {R"({"name":"A","version":"1"})", "`name` is not one of lower case letters, digits, `.`, `_` and `-`"},
      {R"({"name":"a"})", "`version` is not one of letters, digits, `.`, `_`, `-` and `+`"},
      {R"({"name":"a","version":"1","initramfs":"../i"})", "`initramfs` is a path, not a file beside it"},
      {R"({"name":"a","version":"1","initramfs":"i"})", "`checksums` has no SHA-256 of i"},
      {R"({"name":"a","version":"1","kernel":"k","checksums":{"k":"12"}})",
       "`checksums` has no SHA-256 of k"},
  }));
  const auto contents = parse_bundle_contents(text);
  REQUIRE_FALSE(contents);
  CHECK(contents.error().message == "cannot read manifest.json: " + cause);
}

TEST_CASE_METHOD(Fixture, "the files of a removed image go, but for those that another one has",
                 "[hostd][images]") {
  const StoredImage image = install("site", "1.0", first);
  install("api", "1.0", second);
  REQUIRE(store.remove(image, no_users, Store::Removal::careful));
  CHECK_FALSE(has_blob(first));
  CHECK(has_blob(second));
  CHECK(has_blob(kernel));
  CHECK(store.list().value().size() == 1);
}

TEST_CASE_METHOD(Fixture, "an image that a VM uses is not removed", "[hostd][images]") {
  const StoredImage image = install("site", "1.0", first);
  const auto users = used_by("web", R"({"initramfs":")" + store.blob_path(digest_of(first)) + "\"}");
  const auto refused = store.remove(image, users, Store::Removal::careful);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EBUSY);
  CHECK(refused.error().message == "cannot remove image site:1.0: VM web uses it");
  CHECK(store.find({"site", "1.0"}));
}

TEST_CASE_METHOD(Fixture, "who uses images is asked while nobody else can change the store",
                 "[hostd][images]") {
  bool was_locked = false;
  const auto ask = [&] {
    const sys::UniqueFd other(::open(folder.file("store").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    was_locked = ::flock(other.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    return Result<ImageUsers>(Error{"nobody knows"});
  };
  const StoredImage image = install("site", "1.0", first);
  const auto refused = store.remove(image, ask, Store::Removal::careful);
  CHECK(was_locked);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "cannot remove image site:1.0: nobody knows");
  CHECK(has_blob(first));
}

TEST_CASE_METHOD(Fixture, "a kernel that images share is nobody's reason to keep one of them",
                 "[hostd][images]") {
  const StoredImage image = install("site", "1.0", first);
  install("api", "1.0", second);
  const auto users = used_by("api", store.blob_path(digest_of(kernel)) + store.blob_path(digest_of(second)));
  CHECK(store.remove(image, users, Store::Removal::careful));
}

TEST_CASE_METHOD(Fixture, "removed by force, an image leaves a VM what it uses until the VM has ended",
                 "[hostd][images]") {
  const StoredImage image = install("site", "1.0", first);
  const auto users = used_by("web", store.blob_path(digest_of(first)));
  REQUIRE(store.remove(image, users, Store::Removal::forced));
  CHECK_FALSE(store.find({"site", "1.0"}));
  CHECK(has_blob(first));
  CHECK_FALSE(has_blob(kernel));
  const auto lock = store.lock();
  REQUIRE(lock);
  CHECK(store.collect_garbage(*lock, {}).value() == Bytes{first.size()});
  CHECK_FALSE(has_blob(first));
}

TEST_CASE_METHOD(Fixture, "an image that is installed again replaces the one before", "[hostd][images]") {
  install("site", "1.0", first);
  install("site", "1.0", second);
  CHECK(store.list().value().size() == 1);
  CHECK(store.resolve("site").value().initramfs == store.blob_path(digest_of(second)));
  CHECK_FALSE(has_blob(first));
}

TEST_CASE_METHOD(Fixture, "a path is what has a slash in it, or is not installed", "[hostd][images]") {
  install("site", "1.0", first);
  const std::string path = bundle("other", "1.0", second, second);
  CHECK(find_image(store, "site").value().initramfs == store.blob_path(digest_of(first)));
  CHECK(find_image(store, path).value().initramfs == path + "/i.cpio");
  CHECK(find_image(store, "nosuch").error().code == ENOENT);
  folder.write("packed.tar.gz", "\x1f\x8b");
  CHECK(find_image(store, folder.file("packed.tar.gz"))
            .error()
            .message.starts_with("it is packed; install it"));
}
