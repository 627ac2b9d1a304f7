// What somebody asks for who wants a VM, in his own words: a command line's options, or the body of hostd's
// `POST /v1/vms`. What it means here, with the image and its manifest looked up, is a VmSpec.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hostd/image.h"
#include "hostd/vm_machine.h"
#include "hostd/vm_spec.h"

namespace kestrel::hostd {

/// Empty texts, and no cpus, mean: as the image says, or the default.
struct VmRequest {
  std::string image;  ///< a path, or what an installed image is called
  std::string name;   ///< empty: made of the image's
  std::vector<std::string> ports;
  std::vector<std::string> volumes;
  std::map<std::string, std::string> env;
  std::string memory;
  unsigned cpus = 0;
  std::string kernel;
  std::string append;
  std::string accel;
  std::string vsock;
  std::string network;
  std::string hostname;
  std::string user_data;  ///< cloud-init's, its text
  std::string boot_timeout;
  std::string shutdown_timeout;
  std::string vmm;
  friend bool operator==(const VmRequest&, const VmRequest&) = default;
};

/// What is not in the request: defaults, and how to find things.
struct Surroundings {
  std::string kernel;
  std::string accel;
  std::string network;
  std::string vsock;
  std::string vmm;
  std::string vms_dir;      ///< below which each VM has its runtime folder
  std::string volumes_dir;  ///< where volumes are kept
  std::function<Result<Image>(const std::string&)> find_image = read_image;
  /// A name like this one that no VM has.
  std::function<std::string(const std::string&)> free_name = [](const std::string& wanted) { return wanted; };
};

/// The request's options win over the image's manifest, which wins over defaults. An outcome says what is
/// wrong, with the status that a command line ends with.
[[nodiscard]] std::variant<VmSpec, Outcome> make_spec(const VmRequest& request,
                                                      const Surroundings& surroundings);

/// A VM's name made of an image's.
[[nodiscard]] std::string name_from(std::string_view image_name);

/// A JSON object whose members are named as ours, `env` an object of texts; empty ones are left out.
[[nodiscard]] std::string to_json(const VmRequest& request);
/// Unknown members are errors that offer the nearest known one, as somebody may have typed them.
[[nodiscard]] Result<VmRequest> parse_vm_request(std::string_view json);
/// The names of all members, for a test of the document that describes them.
[[nodiscard]] std::vector<std::string_view> vm_request_members();

}  // namespace kestrel::hostd
