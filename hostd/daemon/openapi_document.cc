// The API's description is part of the program: docs/openapi-hostd.yaml, as it was when this was built.
#include "hostd/daemon/api.h"

__asm__(
    ".pushsection .rodata\n"
    "kestrel_openapi_begin:\n"
    ".incbin \"docs/openapi-hostd.yaml\"\n"
    "kestrel_openapi_end:\n"
    ".popsection\n");

extern "C" {
extern const char kestrel_openapi_begin[];
extern const char kestrel_openapi_end[];
}

namespace kestrel::hostd {

void show_openapi(const ApiCall& call) {
  wire::Response response;
  response.headers.emplace_back("Content-Type", "application/yaml");
  response.body.assign(kestrel_openapi_begin, kestrel_openapi_end);
  call.responder.answer(response);
}

}  // namespace kestrel::hostd
