#include "hostd/registry/database.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "kestrel/base/log.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

int code_of(int status) {
  switch (status & 0xff) {
    case SQLITE_FULL:
      return ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return EIO;
    default:
      return 0;
  }
}

Error error_of(sqlite3* database, std::string_view what) {
  return Error{concat(what, ": ", sqlite3_errmsg(database)), code_of(sqlite3_errcode(database))};
}

}  // namespace

// --- rows and statements ----------------------------------------------------------------------------------

std::string Row::text(int column) const {
  const auto* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t Row::number(int column) const { return sqlite3_column_int64(statement_, column); }

bool Row::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Statement::~Statement() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_, ++bound_, number);
  return *this;
}

Statement& Statement::bind_null() {
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

Result<void> Statement::run() {
  return each([](const Row&) { return true; });
}

Result<void> Statement::each(const std::function<bool(const Row&)>& take) {
  while (true) {
    const int status = sqlite3_step(statement_);
    if (status == SQLITE_DONE) return {};
    if (status != SQLITE_ROW) return error_of(database_, "cannot use the registry");
    if (!take(Row(statement_))) return {};
  }
}

// --- the database -----------------------------------------------------------------------------------------

Result<Database> Database::open(const std::string& path, std::int32_t application_id) {
  Database database;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &database.database_, flags, nullptr) != SQLITE_OK)
    return error_of(database.database_, concat("cannot open registry ", path));
  if (const auto checked = database.check(path, application_id); !checked) return checked.error();
  return database;
}

/// A file that cannot be trusted is refused before anything is written to it.
Result<void> Database::check(const std::string& path, std::int32_t application_id) {
  const std::string what = concat("cannot open registry ", path);
  std::string verdict;
  std::int64_t found_id = 0;
  std::int64_t tables = 0;
  const auto note = [&](const char* sql, const std::function<void(const Row&)>& take) -> Result<void> {
    const auto read = prepare(sql).each([&](const Row& row) {
      take(row);
      return false;
    });
    return read ? read : Result<void>(error_of(database_, what));
  };
  // The first statement finds out whether the file is a database at all, so nothing may be prepared before.
  if (sqlite3_exec(database_, "PRAGMA schema_version", nullptr, nullptr, nullptr) != SQLITE_OK)
    return error_of(database_, what);
  for (const auto& read :
       {note("PRAGMA quick_check(1)", [&](const Row& row) { verdict = row.text(0); }),
        note("PRAGMA application_id", [&](const Row& row) { found_id = row.number(0); }),
        note("SELECT count(*) FROM sqlite_schema", [&](const Row& row) { tables = row.number(0); })}) {
    if (!read) return read;
  }
  if (verdict != "ok") return Error{concat(what, ": it is damaged: ", verdict), EIO};
  if (found_id != application_id && (found_id != 0 || tables != 0))
    return Error{concat(what, ": it is a database of some other program")};
  // It tells what has been asked of guests, secrets among it; the files beside it get its mode.
  if (::chmod(path.c_str(), 0600) != 0) return errno_error(what, errno);
  return execute(concat("PRAGMA application_id=", application_id,
                        ";PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON"));
}

Database::Database(Database&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)), statements_(std::move(other.statements_)) {
  other.statements_.clear();
}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(statements_, other.statements_);
  return *this;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

Result<void> Database::execute(const std::string& sql) {
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error_of(database_, "cannot use the registry");
}

Statement Database::prepare(const std::string& sql) {
  auto& statement = statements_[sql];
  if (statement == nullptr && sqlite3_prepare_v3(database_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                                                 &statement, nullptr) != SQLITE_OK) {
    log_error("cannot prepare `", sql, "`: ", sqlite3_errmsg(database_));
  }
  return {database_, statement};
}

Result<std::int64_t> Database::schema_version() {
  std::int64_t version = 0;
  const auto read = prepare("PRAGMA user_version").each([&](const Row& row) {
    version = row.number(0);
    return false;
  });
  if (!read) return read.error();
  return version;
}

Result<void> Database::transact(const std::function<Result<void>()>& work) {
  if (const auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = work();
  if (done) done = execute("COMMIT");
  // A commit that failed, for a full disk, is still open.
  if (!done && sqlite3_get_autocommit(database_) == 0) static_cast<void>(execute("ROLLBACK"));
  return done;
}

}  // namespace kestrel::hostd
