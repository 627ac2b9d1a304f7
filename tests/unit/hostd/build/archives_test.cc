// Archives that are written and read, container images among them.
#include <catch2/catch.hpp>
#include <filesystem>

#include "hostd/build/oci_layout.h"
#include "hostd/build/tree_sources.h"
#include "hostd/images/archive_content.h"
#include "hostd/images/archive_reader.h"
#include "hostd/images/archive_writer.h"
#include "hostd/images/sha256.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

using Kind = ArchiveMember::Kind;

ArchiveMember member(Kind kind, const std::string& name, std::uint32_t mode, const std::string& link = {}) {
  ArchiveMember made;
  made.kind = kind;
  made.name = name;
  made.mode = mode;
  made.link = link;
  return made;
}

void write_archive(const std::string& path, ArchiveForm form,
                   const std::vector<std::pair<ArchiveMember, std::string>>& members) {
  auto writer = ArchiveWriter::create(path, form);
  REQUIRE(writer);
  for (auto [header, content] : members) {
    header.size = content.size();
    REQUIRE(writer->add(header));
    REQUIRE(writer->write(content));
  }
  REQUIRE(writer->finish());
}

bool can_be_read(const std::string& path) {
  auto reader = ArchiveReader::open(path);
  while (reader) {
    const auto next = reader->next();
    if (!next) return false;
    if (!*next) return true;
    while (true) {
      const auto bytes = reader->read();
      if (!bytes) return false;
      if (bytes->empty()) break;
    }
  }
  return false;
}

/// A container image of these layers, each an archive's members, in `folder`.
class Layout {
 public:
  explicit Layout(const TemporaryFolder& folder) : folder_(folder) {
    std::filesystem::create_directories(folder.file("oci/blobs/sha256"));
    folder.write("oci/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  }
  void add_layer(const std::vector<std::pair<ArchiveMember, std::string>>& members) {
    const std::string path = folder_.file("layer");
    write_archive(path, ArchiveForm::tar_gzip, members);
    if (!layers_.empty()) layers_ += ',';
    layers_ += descriptor(keep(folder_.read("layer")));
  }
  std::string finish() {
    const std::string config = keep(
        R"({"config":{"Entrypoint":["/bin/app"],"Cmd":["-v"],"Env":["A=1"],"WorkingDir":"/app","User":"1000"}})");
    const std::string manifest =
        keep(R"({"config":)" + descriptor(config) + R"(,"layers":[)" + layers_ + "]}");
    folder_.write("oci/index.json", R"({"manifests":[{"digest":"sha256:)" + std::string(64, '0') +
                                        R"(","platform":{"architecture":"arm64","os":"linux"}},)" +
                                        descriptor(manifest) + "]}");
    return folder_.file("oci");
  }

 private:
  static std::string descriptor(const std::string& digest) {
    return R"({"digest":"sha256:)" + digest + "\"}";
  }
  [[nodiscard]] std::string keep(const std::string& content) const {
    Sha256 hash;
    hash.update(content);
    const std::string digest = hash.finish();
    folder_.write("oci/blobs/sha256/" + digest, content);
    return digest;
  }

  const TemporaryFolder& folder_;
  std::string layers_;
};

}  // namespace

TEST_CASE("what is written into an archive is read from it", "[hostd][images]") {
  const auto form = GENERATE(ArchiveForm::initramfs_zstd, ArchiveForm::initramfs_gzip, ArchiveForm::tar_gzip);
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_archive(path, form,
                {{member(Kind::folder, "etc", 0755), ""},
                 {member(Kind::file, "etc/über", 04755), "content"},
                 {member(Kind::symlink, "etc/link", 0777, "über"), ""}});
  auto reader = ArchiveReader::open(path);
  REQUIRE(reader);
  CHECK(reader->next().value()->kind == Kind::folder);
  const auto file = reader->next().value();
  REQUIRE(file);
  CHECK(file->name == "etc/über");
  CHECK(file->mode == 04755);
  CHECK(reader->read().value() == "content");
  CHECK(reader->next().value()->link == "über");
  CHECK_FALSE(reader->next().value());
}

TEST_CASE("what is no archive, or is cut off, is an error", "[hostd][images]") {
  const TemporaryFolder folder;
  CHECK_FALSE(can_be_read(folder.file("nosuch")));
  CHECK_FALSE(can_be_read(folder.write("text", "no archive at all")));
  write_archive(folder.file("b"), ArchiveForm::tar_gzip,
                {{member(Kind::file, "x", 0644), std::string(100'000, 'x')}});
  CHECK(can_be_read(folder.file("b")));
  const std::string whole = folder.read("b");
  for (const std::size_t part : {2, 3, 4})
    CHECK_FALSE(can_be_read(folder.write("cut", whole.substr(0, whole.size() * (part - 1) / part))));
}

TEST_CASE("the layers of a container image lie one over the other", "[hostd][build]") {
  const TemporaryFolder folder;
  Layout layout(folder);
  layout.add_layer({{member(Kind::file, "etc/kept", 0644), "1"},
                    {member(Kind::file, "etc/replaced", 0644), "1"},
                    {member(Kind::file, "etc/removed", 0644), "1"},
                    {member(Kind::file, "cleared/old", 0644), "1"}});
  layout.add_layer({{member(Kind::file, "cleared/new", 0644), "2"},
                    {member(Kind::file, "cleared/.wh..wh..opq", 0644), ""},
                    {member(Kind::file, "etc/.wh.removed", 0644), ""},
                    {member(Kind::file, "etc/replaced", 0600), "2"}});
  const std::string path = layout.finish();
  Tree tree;
  auto spool = Spool::create(folder.path());
  REQUIRE(spool);
  const auto process = add_oci_layout(tree, path, *spool);
  REQUIRE(process);
  std::string paths;
  for (const auto& [name, entry] : tree.entries()) paths += name + ' ';
  CHECK(paths == "cleared cleared/new etc etc/kept etc/replaced ");
  CHECK(tree.find("etc/replaced")->mode == 0600);
  CHECK(process->command == std::vector<std::string>{"/bin/app", "-v"});
  CHECK(process->env == std::map<std::string, std::string>{{"A", "1"}});
  CHECK(process->working_dir == "/app");
  CHECK(process->user == "1000");
}

TEST_CASE("a blob of a container image that is not what its name says is refused", "[hostd][build]") {
  const TemporaryFolder folder;
  Layout layout(folder);
  layout.add_layer({{member(Kind::file, "a", 0644), "1"}});
  const std::string path = layout.finish();
  for (const auto& blob : std::filesystem::directory_iterator(path + "/blobs/sha256"))
    std::filesystem::resize_file(blob.path(), 10);
  Tree tree;
  auto spool = Spool::create(folder.path());
  REQUIRE(spool);
  const auto process = add_oci_layout(tree, path, *spool);
  REQUIRE_FALSE(process);
  CHECK(process.error().message.ends_with("is not what its name says"));
}

TEST_CASE("a file is read as it is beneath its compression", "[hostd][images]") {
  const TemporaryFolder folder;
  folder.write("plain", "bytes");
  REQUIRE(std::system(("gzip -k " + folder.file("plain") + " && xz -k " + folder.file("plain")).c_str()) ==
          0);
  for (const char* name : {"plain", "plain.gz", "plain.xz"})
    CHECK(read_decompressed(folder.file(name), mebibytes(1)).value() == "bytes");
  CHECK_FALSE(read_decompressed(folder.file("plain.gz"), Bytes{4}));
}
