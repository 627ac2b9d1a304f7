#include "hostd/tls/identity.h"

#include "certificates.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

std::string refusal(const std::string& certificates, const std::string& key) {
  const auto context = make_tls_context(certificates, key);
  return context ? "" : context.error().message;
}

}  // namespace

TEST_CASE("a certificate with its key, and one that vouches for it, make a TLS server", "[hostd][tls]") {
  const Pem own = make_pem();
  CHECK(make_tls_context(own.certificate, own.key));
  CHECK(make_tls_context(own.certificate + make_pem().certificate, own.key));
}

TEST_CASE("a TLS server's files that are something else are refused, each by its name", "[hostd][tls]") {
  const Pem own = make_pem();
  CHECK(refusal("", own.key) == "the first file holds no certificate in PEM");
  CHECK(refusal(own.key, own.certificate) == "the first file holds no certificate in PEM");
  CHECK(refusal(own.certificate, "") == "the second file holds no private key in PEM");
  CHECK(refusal(own.certificate, own.certificate) == "the second file holds no private key in PEM");
}

TEST_CASE("a key that is not the certificate's makes no TLS server", "[hostd][tls]") {
  CHECK(refusal(make_pem().certificate, make_pem().key) == "the key is not the certificate's");
}

TEST_CASE("a key with a passphrase is refused without a question", "[hostd][tls]") {
  const Pem locked = make_pem("secret");
  CHECK(refusal(locked.certificate, locked.key) == "the key has a passphrase, which nobody is there to type");
}
