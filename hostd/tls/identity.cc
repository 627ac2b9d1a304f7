#include "hostd/tls/identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace kestrel::hostd {

namespace {

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using Bio = std::unique_ptr<BIO, Release<BIO_free>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;

Bio read_from(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Nobody is there to type one.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<void> use_certificates(ssl_ctx_st* context, const std::string& text) {
  const Bio input = read_from(text);
  const Certificate own(PEM_read_bio_X509(input.get(), nullptr, no_passphrase, nullptr));
  if (own == nullptr) return Error{"the first file holds no certificate in PEM"};
  if (SSL_CTX_use_certificate(context, own.get()) != 1) return Error{"its key is of a kind that is refused"};
  while (X509* const authority = PEM_read_bio_X509(input.get(), nullptr, no_passphrase, nullptr)) {
    // The context owns it from here.
    SSL_CTX_add0_chain_cert(context, authority);
  }
  return {};
}

Result<void> use_key(ssl_ctx_st* context, const std::string& text) {
  const Bio input = read_from(text);
  const Key key(PEM_read_bio_PrivateKey(input.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    const bool is_locked = text.find("ENCRYPTED") != std::string::npos;
    return Error{is_locked ? "the key has a passphrase, which nobody is there to type"
                           : "the second file holds no private key in PEM"};
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return Error{"the key is not the certificate's"};
  return {};
}

}  // namespace

void TlsDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsDeleter::operator()(ssl_st* session) const { SSL_free(session); }

Result<TlsContext> make_tls_context(const std::string& certificates, const std::string& key) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return Error{"OpenSSL does not start"};
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  // What a write keeps for later moves with its connection.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  auto used = use_certificates(context.get(), certificates);
  if (used) used = use_key(context.get(), key);
  ERR_clear_error();
  if (!used) return used.error();
  return context;
}

}  // namespace kestrel::hostd
