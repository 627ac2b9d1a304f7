// SQLite behind four small types: a database, statements, rows and transactions. The one place that knows it.
//
// The journal is a write-ahead log: a process that is killed at any moment loses nothing that it had
// committed, and leaves nothing half done (https://sqlite.org/wal.html). Every commit reaches the disk before
// it returns (synchronous=FULL), so that neither does a power cut. Errors have the code ENOSPC where the disk
// is full, EIO where the file is damaged, and are 0 otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kestrel::hostd {

/// The columns of the row that a query stands at; what it shows is valid until the next one.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// One use of a prepared statement: parameters in their order, then run() or each().
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind_null();

  /// For what returns no rows.
  [[nodiscard]] Result<void> run();
  /// Calls `take` for every row until it says false.
  [[nodiscard]] Result<void> each(const std::function<bool(const Row&)>& take);

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

class Database {
 public:
  /// Opens or creates. `application_id` marks the file as ours; a file of somebody else, a damaged one, or
  /// one that is no database is an error, and is left as it is.
  [[nodiscard]] static Result<Database> open(const std::string& path, std::int32_t application_id);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// Statements without parameters or results.
  [[nodiscard]] Result<void> execute(const std::string& sql);
  /// Prepared once and kept. `sql` is ours: it must be right.
  [[nodiscard]] Statement prepare(const std::string& sql);
  /// PRAGMA user_version.
  [[nodiscard]] Result<std::int64_t> schema_version();

  /// All of what `work` does, or nothing of it: its error undoes it.
  [[nodiscard]] Result<void> transact(const std::function<Result<void>()>& work);

 private:
  Database() = default;
  [[nodiscard]] Result<void> check(const std::string& path, std::int32_t application_id);

  sqlite3* database_ = nullptr;
  std::map<std::string, sqlite3_stmt*> statements_;
};

}  // namespace kestrel::hostd
