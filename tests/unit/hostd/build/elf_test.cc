#include "hostd/build/elf.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "kestrel/sys/file.h"

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("a program tells its loader and the libraries it needs", "[hostd][build]") {
  const auto self = sys::read_file("/proc/self/exe", mebibytes(1024));
  REQUIRE(self);
  const auto needs = read_needs(*self);
  REQUIRE(needs);
  CHECK(needs->interpreter == "/lib64/ld-linux-x86-64.so.2");
  CHECK(std::count(needs->libraries.begin(), needs->libraries.end(), "libc.so.6") == 1);
}

TEST_CASE("what is no ELF file needs nothing, and one that is cut off does no harm", "[hostd][build]") {
  CHECK_FALSE(read_needs("#!/bin/sh\n"));
  CHECK_FALSE(read_module_depends(""));
  const auto self = sys::read_file("/proc/self/exe", mebibytes(1024));
  REQUIRE(self);
  for (std::size_t size = 0; size < 4096; size += 7)
    static_cast<void>(read_needs(std::string_view(*self).substr(0, size)));
  // A program has no section of a module's.
  CHECK_FALSE(read_module_depends(*self));
}
