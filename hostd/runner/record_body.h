// Records as the body of an answer, read from their files while the client takes them: a client that stops
// reading costs nothing but its connection.
#pragma once

#include "hostd/http/http_server.h"
#include "hostd/records/record_log.h"
#include "hostd/records/record_reader.h"

namespace kestrel::hostd {

class RecordBody final : public BodySource {
 public:
  /// With a log to follow, which outlives it, it goes on when that has more.
  explicit RecordBody(RecordReader reader, RecordLog* followed = nullptr)
      : reader_(std::move(reader)), followed_(followed) {}
  ~RecordBody() override {
    if (listener_ != 0) followed_->forget(listener_);
  }

  std::optional<std::string> read_some() override {
    std::string lines = reader_.read_some();
    if (lines.empty() && followed_ == nullptr) return std::nullopt;
    return lines;
  }
  void on_more(std::function<void()> wake) override {
    if (followed_ != nullptr) listener_ = followed_->listen(std::move(wake));
  }

 private:
  RecordReader reader_;
  RecordLog* followed_;
  RecordLog::ListenerId listener_ = 0;
};

}  // namespace kestrel::hostd
