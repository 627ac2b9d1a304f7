// Certificates for tests, made anew: nothing that expires lies in the repository.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>

namespace kestrel::hostd {

struct Pem {
  std::string certificate;
  std::string key;
};

namespace pem_detail {
inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}
}  // namespace pem_detail

/// Signed by itself; the key is encrypted where there is a passphrase.
inline Pem make_pem(const char* passphrase = nullptr) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  REQUIRE(key != nullptr);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  Pem pem;
  BIO* text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(text, certificate.get());
  pem.certificate = pem_detail::text_of(text);
  text = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(text, key.get(), passphrase != nullptr ? EVP_aes_128_cbc() : nullptr, nullptr, 0,
                           nullptr, const_cast<char*>(passphrase));
  pem.key = pem_detail::text_of(text);
  return pem;
}

}  // namespace kestrel::hostd
