// Who a TLS server is to its clients: a certificate, those that vouch for it, and its key.
#pragma once

#include <memory>
#include <string>

#include "kestrel/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace kestrel::hostd {

struct TlsDeleter {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* session) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsDeleter>;
using TlsSession = std::unique_ptr<ssl_st, TlsDeleter>;

/// What sessions are made from: TLS 1.2 and 1.3, with the library's choice of ciphers. Both texts are PEM; in
/// the first the server's own certificate comes before those of its authorities. An error where one of them
/// is not what it should be, the key has a passphrase, or it is not the certificate's.
[[nodiscard]] Result<TlsContext> make_tls_context(const std::string& certificates, const std::string& key);

}  // namespace kestrel::hostd
