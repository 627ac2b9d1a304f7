# Kestrel's only build entry. `make help` lists what it can do.
#
# One library per layer (a folder below kestrel/ or hostd/): a layer's objects come from every *.cc in it, and
# `make layers` holds the includes against the table of allowed arrows in tests/support/layers.txt.
# Everything made goes below $(BUILD); a second tree (sanitizers, a debug build) is another BUILD.

BUILD  ?= build
V      ?= 0
DEV    ?=
CXX    ?= g++
CCACHE := $(shell command -v ccache 2>/dev/null)
Q      := $(if $(filter 1,$(V)),,@)
comma  := ,
say     = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n' $(1) $(2))

# A make within a make takes its share of the outer one's jobs.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

VERSION  := $(shell cat VERSION)
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough -Wno-missing-field-initializers
DEFINES  := -D_GNU_SOURCE -DSPDLOG_FMT_EXTERNAL -DFMT_HEADER_ONLY -DBOOST_BEAST_USE_STD_STRING_VIEW -DKESTREL_VERSION='"$(VERSION)"'
CXXFLAGS ?= -g1
override CXXFLAGS += -std=c++20 -ffunction-sections -fdata-sections -fno-plt $(WARNINGS)
override CPPFLAGS += -I. $(DEFINES)
# The guest's binary is held small, the host's programs are not.
# Its objects hold both machine code, for the host's programs and the tests, and what the optimizer needs to shrink the
# one static binary as a whole (200 KB of 3.6 MB).
# DEV=1 leaves that out: quick turns, a bigger binary.
whole       := $(if $(SAN)$(DEV),,1)
OPT_kestrel := -Os $(if $(whole),-flto -ffat-lto-objects)
# gold folds functions whose code is the same, which templates make many of (1.5 %).
SHRINK      := -Os $(if $(whole),-flto=auto $(if $(shell command -v ld.gold),-fuse-ld=gold -Wl$(comma)--icf=all))
OPT_hostd   := -O2
OPT_tests   := -O1
ifneq ($(SAN),)
# `make check-unit SAN=address,undefined BUILD=build-san`
override CXXFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
override LDFLAGS  += -fsanitize=$(SAN)
STATIC :=
else
STATIC := -static
endif

GUEST_LAYERS := base config core dhcp sys loop wire probes control app
GUEST_LIBS   := -luv_a -lyaml-cpp -lre2 -lpthread -ldl
# As needed: libarchive and OpenSSL, with all that they bring along, would cost hostd memory, which uses neither.
HOST_LIBS    := -Wl,--as-needed -luv -lyaml-cpp -lre2 -larchive -lsqlite3 -lnettle -lssl -lcrypto -lpthread

guest_sources := $(foreach l,$(GUEST_LAYERS),$(sort $(wildcard kestrel/$(l)/*.cc)))
# Every folder below hostd/ is a layer; the .cc files right in hostd/ are its pure part. main_*.cc are the programs.
host_sources  := $(sort $(filter-out hostd/main_%,$(wildcard hostd/*.cc hostd/*/*.cc)))
# ONLY=tests/unit/config UNIT_LIBS="base config" builds and links just that, for a quick turn while others are in flux.
ONLY      ?= tests/unit/*
# hostd's tests hold its answers against their description with what does so for the guest's (UNIT_LIBS: config, too).
described     := $(if $(findstring tests/unit/hostd,$(ONLY)),$(addprefix tests/unit/control/document/,api_document.cc json_schema.cc))
test_sources  := tests/unit/main.cc $(sort $(described) $(wildcard $(ONLY)/*.cc $(ONLY)/*/*.cc))
fuzz_sources  := $(sort $(wildcard tests/fuzz/*.cc))
tool_sources  := $(sort $(wildcard tests/support/*.cc))
guest_test_sources := tests/unit/main.cc kestrel/unwanted.cc $(sort $(wildcard tests/guest/*.cc))
sources       := $(guest_sources) $(host_sources) $(test_sources) $(guest_test_sources) $(fuzz_sources) $(tool_sources) kestrel/main.cc kestrel/unwanted.cc $(wildcard hostd/main_*.cc)

object   = $(patsubst %.cc,$(BUILD)/obj/%.o,$(1))
programs = $(BUILD)/kestrel $(BUILD)/hostd $(BUILD)/hostd-tls $(BUILD)/kestrelctl

.DEFAULT_GOAL := all
.PHONY: all help deps kernel-deps kernel docs completions named-tests fuzz check check-all check-unit check-pid1 check-vm check-examples images demo bench size layers format tidy install install-completions install-man install-units install-kernel deb clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(programs)

help: ## print this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

deps: ## install the packages that are missing (Debian)
	$(Q).ci/deps

# --- objects and libraries -------------------------------------------------------------------------------------------
$(BUILD)/obj/%.o: %.cc Makefile VERSION
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(CXX) $(CPPFLAGS) $(CXXFLAGS) $(OPT_$(firstword $(subst /, ,$*))) -MMD -MP -c $< -o $@

# The daemon carries its API's description.
$(BUILD)/obj/hostd/daemon/openapi_document.o: docs/openapi-hostd.yaml

define layer_library
$(BUILD)/lib/$(1).a: $(call object,$(2))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcsD $$@ $$^
endef
$(foreach l,$(GUEST_LAYERS),$(eval $(call layer_library,kestrel-$(l),$(sort $(wildcard kestrel/$(l)/*.cc)))))
$(eval $(call layer_library,hostd,$(host_sources)))

guest_libraries := $(foreach l,$(GUEST_LAYERS),$(if $(wildcard kestrel/$(l)/*.cc),$(BUILD)/lib/kestrel-$(l).a))
host_libraries  := $(BUILD)/lib/hostd.a $(guest_libraries)
group = -Wl,--start-group $(1) -Wl,--end-group

program_objects := $(call object,kestrel/main.cc kestrel/unwanted.cc)
$(BUILD)/kestrel.debug: $(program_objects) $(guest_libraries)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(STATIC) $(CXXFLAGS) $(SHRINK) -Wl,--gc-sections -Wl,-O1 $(LDFLAGS) -o $@ $(program_objects) $(call group,$(guest_libraries)) $(GUEST_LIBS)

$(BUILD)/kestrel: $(BUILD)/kestrel.debug
	$(call say,STRIP,$@)
	$(Q)strip -o $@ $<

$(BUILD)/hostd $(BUILD)/hostd-tls $(BUILD)/kestrelctl $(BUILD)/completions: $(BUILD)/%: $(BUILD)/obj/hostd/main_%.o $(host_libraries)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) -fno-lto -Wl,--gc-sections $(LDFLAGS) -o $@ $< $(call group,$(host_libraries)) $(HOST_LIBS)

unit_libraries := $(if $(UNIT_LIBS),$(foreach l,$(UNIT_LIBS),$(BUILD)/lib/$(if $(filter hostd,$(l)),hostd,kestrel-$(l)).a),$(host_libraries))
$(BUILD)/unit-tests: $(call object,$(test_sources)) $(unit_libraries)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) -fno-lto $(LDFLAGS) -o $@ $(call object,$(test_sources)) $(call group,$(unit_libraries)) $(HOST_LIBS)

# Small programs that tests and benches run inside guests: static, so that any image can carry them.
tool_programs := $(patsubst tests/support/%.cc,$(BUILD)/support/%,$(tool_sources))
$(BUILD)/support/%: $(BUILD)/obj/tests/support/%.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(STATIC) $(CXXFLAGS) -Wl,--gc-sections -s -o $@ $<

# Tests of code that needs a kernel of its own, as one program for a guest (tests/vm/vsock_test.sh).
$(BUILD)/guest-tests: $(call object,$(guest_test_sources)) $(host_libraries)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(STATIC) $(CXXFLAGS) -fno-lto -Wl,--gc-sections -s -o $@ $(call object,$(guest_test_sources)) $(call group,$(host_libraries)) $(GUEST_LIBS)

# What completes the command lines, and their manual pages; `completions` itself is a tool of the build.
shells      := bash zsh fish man
completions := $(foreach p,kestrelctl hostd kestrel,$(foreach s,$(shells),$(BUILD)/completion/$(p).$(s)))
$(completions): $(BUILD)/completion/%: $(BUILD)/completions
	@mkdir -p $(@D)
	$(Q)$< $(basename $*) $(subst .,,$(suffix $*)) >$@
completions: $(completions) ## scripts that complete the command lines, for bash, zsh and fish

# --- images ------------------------------------------------------------------------------------------------------------
# What guests are made of is unpacked from the distribution's packages and never installed.
packages = $(BUILD)/packages
$(packages)/kernel:  contents := linux-image-cloud-amd64
$(packages)/caddy:   contents := caddy libc6 libzstd1
$(packages)/busybox: contents := busybox-static
$(packages)/nginx:   contents := nginx libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g
$(packages)/go:      contents := golang-1.19-go golang-1.19-src golang-github-lib-pq-dev
$(packages)/kernel $(packages)/caddy $(packages)/busybox $(packages)/nginx $(packages)/go: initramfs/fetch-package
	$(call say,FETCH,$(firstword $(contents)))
	$(Q)initramfs/fetch-package -o $@ $(contents)

# KERNEL= names another kernel (bzImage or vmlinux), MODULES= its lib/modules/VERSION; without that all is built in.
KERNEL  ?=
MODULES ?=
kernel_source := $(BUILD)/kernel.source
$(kernel_source): FORCE
	@mkdir -p $(@D) && echo '$(KERNEL) $(MODULES)' | cmp -s - $@ || echo '$(KERNEL) $(MODULES)' >$@

$(BUILD)/kernel/version: $(or $(KERNEL),$(packages)/kernel) $(kernel_source) initramfs/unpack-kernel
	$(call say,KERNEL,$(@D))
	$(Q)initramfs/unpack-kernel -o $(@D) $(if $(KERNEL),--kernel $(KERNEL) $(if $(MODULES),--modules $(MODULES)), \
	  --kernel $(packages)/kernel/boot/vmlinuz-* --modules $(packages)/kernel/lib/modules/*)

# A kernel of our own, with everything built in: what guests have from then on. KERNEL_CONFIG= names files with more of it.
KERNEL_CONFIG ?=
$(packages)/linux-source: initramfs/fetch-package
	$(call say,FETCH,linux-source-6.1)
	$(Q)initramfs/fetch-package -o $@ linux-source-6.1

kernel-deps: ## install what building a kernel takes (Debian)
	$(Q).ci/deps --kernel

kernel: $(packages)/linux-source ## build a lean guest kernel, which images have from then on; takes minutes
	$(call say,KERNEL,$(BUILD)/lean-kernel)
	$(Q)initramfs/build-kernel -o $(BUILD)/lean-kernel --source $(packages)/linux-source/usr/src/linux-source-*.tar.xz \
	  $(patsubst %,--config %,initramfs/kernel.config $(KERNEL_CONFIG))

# Images have KERNEL=, else the lean one where that has been built, else the distribution's.
lean_kernel  := $(wildcard $(BUILD)/lean-kernel/version)
image_kernel := $(dir $(if $(KERNEL),$(BUILD)/kernel/version,$(or $(lean_kernel),$(BUILD)/kernel/version)))vmlinux
build_image  := KESTREL_KERNEL=$(image_kernel) $(BUILD)/kestrelctl build --quiet
image_parts  := $(BUILD)/kestrelctl $(BUILD)/kestrel $(dir $(image_kernel))version $(BUILD)/image.kernel
$(BUILD)/image.kernel: FORCE
	@mkdir -p $(@D) && echo '$(image_kernel)' | cmp -s - $@ || echo '$(image_kernel)' >$@

# An example's programs come from the unpacked packages in place of the host's.
define example_image
$(BUILD)/images/$(1)/manifest.json: $(shell find config-examples/$(1) -type f) $(image_parts) $(packages)/$(2)
	$$(call say,IMAGE,$$(@D))
	$$(Q)$(build_image) --file config-examples/$(1)/fledge.toml --sysroot $(packages)/$(2) $(3) -o $$(@D) >/dev/null
endef
$(eval $(call example_image,static-site,caddy))
$(eval $(call example_image,batch,busybox))
$(eval $(call example_image,bad-config,busybox,--no-check))
$(eval $(call example_image,multi-tier,nginx))
images: $(foreach e,static-site batch bad-config,$(BUILD)/images/$(e)/manifest.json) ## the images of config-examples/

# Examples with a root file system: of Debian's packages instead of what their Dockerfile says, which has to be pulled.
disk_examples := $(patsubst config-examples/%/debian,%,$(wildcard config-examples/*/debian))
$(BUILD)/rootfs/%.tar: config-examples/%/debian config-examples/debian-rootfs
	$(call say,ROOTFS,$@)
	@mkdir -p $(@D)
	$(Q)config-examples/debian-rootfs $* $@
define disk_example_image
$(BUILD)/images/$(1)/manifest.json: $(shell find config-examples/$(1) -type f) $(image_parts) $(BUILD)/rootfs/$(1).tar
	$$(call say,IMAGE,$$(@D))
	$$(Q)$(build_image) --file config-examples/$(1)/fledge.toml --from $(BUILD)/rootfs/$(1).tar -o $$(@D) >/dev/null
endef
$(foreach e,$(disk_examples),$(eval $(call disk_example_image,$(e))))

go := $(abspath $(packages)/go)
$(BUILD)/images/user-api/manifest.json: $(shell find config-examples/user-api -type f) $(image_parts) $(packages)/go
	$(call say,IMAGE,$(@D))
	$(Q)PATH=$(go)/usr/lib/go-1.19/bin:$$PATH GOROOT=$(go)/usr/lib/go-1.19 GOPATH=$(go)/usr/share/gocode GOCACHE=$(abspath $(BUILD))/go-cache \
	  $(build_image) --file config-examples/user-api/fledge.toml -o $(@D) >/dev/null

# What tests build guests of by themselves, whichever kernel the examples' images have.
test_guest  := $(BUILD)/kernel/version $(packages)/busybox
more_images := $(foreach e,$(disk_examples) user-api multi-tier,$(BUILD)/images/$(e)/manifest.json)

# make sees a make in a recipe only where MAKE is spelt out, or by the +.
submake = $(MAKE) --no-print-directory $(if $(Q),-s)
# Packages first, in a make of its own: what comes after looks for the compiler and the libraries when it is read.
demo: ## boot the static site, show its page and state; DEMO=once ends then, DEMO_PORT=8080
	+$(Q)$(submake) deps
	+$(Q)$(submake) $(programs) $(BUILD)/images/static-site/manifest.json
	$(Q)BUILD=$(BUILD) config-examples/demo.sh

# --- checks ------------------------------------------------------------------------------------------------------------
check: ## everything: layers, unit tests, PID 1 in namespaces, guests
	+$(Q)$(submake) deps
	+$(Q)$(submake) check-all

check-all: layers named-tests size $(programs) $(completions) $(BUILD)/unit-tests $(BUILD)/guest-tests $(tool_programs) $(test_guest) images $(more_images)
	$(Q)BUILD=$(BUILD) tests/run unit pid1 vm examples

check-unit: $(BUILD)/unit-tests ## only the unit tests; T="[tag]" or T="a name*" picks
	$(Q)$(BUILD)/unit-tests $(T)

# libFuzzer's own objects, of clang and with sanitizers, are in a tree of their own. UNIT_LIBS= names the layers that a
# target needs, where not all shall be built. What it finds of interest is kept in the tree, what fails in FAILED.
FOR  ?= 60
fuzz: ## look for inputs that break TARGET=api, a file of tests/fuzz, for FOR=60 seconds; needs clang
	@mkdir -p $(BUILD)/fuzz/found/$(TARGET)
	+$(Q)$(submake) DEV=1 CCACHE= CXX=clang++ SAN=fuzzer-no-link,address,undefined BUILD=$(BUILD)/fuzz $(BUILD)/fuzz/$(TARGET)
	$(Q)$(BUILD)/fuzz/$(TARGET) -max_total_time=$(FOR) -timeout=10 -rss_limit_mb=1024 -artifact_prefix=$(BUILD)/fuzz/FAILED- \
	  $(BUILD)/fuzz/found/$(TARGET) tests/fuzz/corpus/$(TARGET)

ifneq ($(TARGET),)
fuzz_parts := $(if $(filter vsock_%,$(TARGET)),$(wildcard tests/unit/hostd/vsock/front_end.cc))
$(BUILD)/$(TARGET): $(call object,tests/fuzz/$(TARGET).cc $(fuzz_parts)) $(unit_libraries)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $(filter %.o,$^) $(call group,$(unit_libraries)) $(HOST_LIBS)
endif

check-pid1: $(programs) $(tool_programs) $(completions) ## only the tests of kestrel in namespaces; T= picks a file
	$(Q)BUILD=$(BUILD) tests/run pid1 $(T)

check-examples: $(programs) $(test_guest) $(more_images) $(packages)/caddy ## only the big examples (needs root); T= picks a file
	$(Q)BUILD=$(BUILD) tests/run examples $(T)

check-vm: $(programs) $(BUILD)/guest-tests $(tool_programs) $(test_guest) images ## only the tests with guests; T= picks a file
	$(Q)BUILD=$(BUILD) tests/run vm $(T)

bench: ## measure, print a table, write $(BUILD)/bench.json
	+$(Q)$(submake) deps
	+$(Q)$(submake) $(programs) $(tool_programs) images $(more_images)
	$(Q)BUILD=$(BUILD) tests/bench/run

docs: $(BUILD)/kestrel ## put the tables of all keys into docs/configuration.md
	$(Q)$(BUILD)/kestrel schema --markdown | tests/support/fill-key-tables docs/configuration.md

# Without the optimizer's whole view it is bigger.
size: $(BUILD)/kestrel ## hold the guest's binary to its size
	$(if $(whole),$(Q)tests/support/check-size $<)

layers: ## hold every #include against the allowed arrows
	$(Q)tests/support/check-layers

named-tests: ## hold the tests that tests/README.md names
	$(Q)tests/support/check-named-tests

format: ## rewrite all sources in the house's format
	$(Q)clang-format -i $$(git ls-files '*.cc' '*.h')

tidy: ## clang-tidy over the guest's and host's sources
	$(Q)clang-tidy -quiet $(guest_sources) $(host_sources) -- -std=c++20 $(CPPFLAGS)

# The guest's binary is not for the host's PATH: images take it from lib/kestrel.
PREFIX ?= /usr
# Where the distribution's packages have completions, and where local software has them.
zsh_folder  := share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
fish_folder := share/fish/vendor_completions.d
# Below /lib only where the distribution's packages have them.
unit_folder := $(if $(filter /usr,$(PREFIX)),,$(PREFIX))/lib/systemd/system
install-completions: $(completions)
	$(Q)for p in kestrelctl hostd kestrel; do \
	  install -D -m 644 $(BUILD)/completion/$$p.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p; \
	  install -D -m 644 $(BUILD)/completion/$$p.zsh $(DESTDIR)$(PREFIX)/$(zsh_folder)/_$$p; \
	  install -D -m 644 $(BUILD)/completion/$$p.fish $(DESTDIR)$(PREFIX)/$(fish_folder)/$$p.fish; \
	done

install-man: $(completions)
	$(Q)for p in kestrelctl.1 hostd.8 kestrel.8; do \
	  install -d $(DESTDIR)$(PREFIX)/share/man/man$${p##*.} && \
	  gzip -9 -n -c $(BUILD)/completion/$${p%.*}.man >$(DESTDIR)$(PREFIX)/share/man/man$${p##*.}/$$p.gz || exit; \
	done

install-units:
	$(Q)install -d $(DESTDIR)$(unit_folder)
	$(Q)sed 's,/usr/sbin/,$(PREFIX)/sbin/,' packaging/hostd.service >$(DESTDIR)$(unit_folder)/hostd.service
	$(Q)install -m 644 packaging/hostd.socket $(DESTDIR)$(unit_folder)

# Where `kestrelctl build` looks for one.
install-kernel: $(lean_kernel)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/kestrel/kernel $(addprefix $(dir $<),vmlinux version config)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/kestrel/kernel/modules $(dir $<)modules/modules.builtin

install: $(programs) install-completions install-man install-units $(if $(lean_kernel),install-kernel) ## into $(DESTDIR)$(PREFIX)
	install -s -D -m 755 $(BUILD)/kestrelctl $(DESTDIR)$(PREFIX)/bin/kestrelctl
	install -s -D -m 755 $(BUILD)/hostd $(DESTDIR)$(PREFIX)/sbin/hostd
	install -s -D -m 755 $(BUILD)/hostd-tls $(DESTDIR)$(PREFIX)/lib/kestrel/hostd-tls
	install -D -m 755 $(BUILD)/kestrel $(DESTDIR)$(PREFIX)/lib/kestrel/kestrel
	install -d $(DESTDIR)$(PREFIX)/share/kestrel/initramfs
	install -m 755 initramfs/fetch-package initramfs/unpack-kernel $(DESTDIR)$(PREFIX)/share/kestrel/initramfs

# Without a kernel, whose source would have to go with it.
deb: $(programs) $(completions) ## Debian packages, into $(BUILD)/deb
	$(Q)rm -rf $(BUILD)/deb
	+$(Q)$(submake) install DESTDIR=$(BUILD)/deb/root PREFIX=/usr lean_kernel=
	$(Q)packaging/make-deb $(VERSION) $(BUILD)/deb/root $(BUILD)/deb
	$(Q)rm -rf $(BUILD)/deb/root && ls $(BUILD)/deb/*.deb

clean: ## remove everything made
	rm -rf $(BUILD)

-include $(patsubst %.cc,$(BUILD)/obj/%.d,$(sources))
