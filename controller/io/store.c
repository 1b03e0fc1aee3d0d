#include "controller/io/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/file.h"

enum { SCHEMA_VERSION = 1, BUSY_MS = 5000 };

struct store {
    const char *path; /* for errors */
    sqlite3 *database;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *rollback;
    sqlite3_stmt *insert;
    sqlite3_stmt *page;
    int lock;
    uint64_t newest;
    struct digest chain;
    struct arena arena;
};

static bool failed (const struct store *store, const char *what, struct error *error)
{
    int code = sqlite3_errcode (store->database);
    return error_set (
        error, ERROR_SYSTEM, "%s: %s: %s%s", store->path, what, sqlite3_errmsg (store->database),
        code == SQLITE_FULL ? ": free space on this disk" : "");
}

/* ------------------------------------------------------------------------------------------------- the lock
 */

/* SQLite's own locks would let a second relevod wait and then write on. The lock goes with the process. */
static bool lock_folder (struct store *store, const char *folder, struct error *error)
{
    const char *path = path_join (&store->arena, folder, "lock");
    char holder[16] = "";
    ssize_t size;
    store->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock < 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    if (flock (store->lock, LOCK_EX | LOCK_NB) != 0) {
        size = pread (store->lock, holder, sizeof holder - 1, 0);
        holder[size > 0 ? size : 0] = '\0';
        holder[strspn (holder, "0123456789")] = '\0';
        return error_set (
            error, ERROR_CONFLICT,
            "another relevod (process %s) works in %s: stop it first, or give this one its own state folder",
            holder[0] == '\0' ? "unknown" : holder, folder);
    }
    if (ftruncate (store->lock, 0) != 0 || dprintf (store->lock, "%d\n", (int)getpid ()) < 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    return true;
}

/* ----------------------------------------------------------------------------------------------- the schema
 */

static bool execute (struct store *store, const char *sql, struct error *error)
{
    if (sqlite3_exec (store->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return failed (store, "setting up", error);
    return true;
}

static bool prepare (struct store *store, const char *sql, sqlite3_stmt **ret, struct error *error)
{
    if (sqlite3_prepare_v3 (store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
        return failed (store, "preparing", error);
    return true;
}

static bool ask_number (struct store *store, const char *sql, int64_t *ret, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool good = prepare (store, sql, &statement, error);
    if (good && sqlite3_step (statement) != SQLITE_ROW)
        good = failed (store, "reading", error);
    if (good)
        *ret = sqlite3_column_int64 (statement, 0);
    (void)sqlite3_finalize (statement);
    return good;
}

static bool check_schema (struct store *store, enum store_mode mode, struct error *error)
{
    int64_t version;
    int64_t tables;
    if (!ask_number (store, "PRAGMA user_version", &version, error) ||
        !ask_number (store, "SELECT count(*) FROM sqlite_schema", &tables, error))
        return false;
    if (version == SCHEMA_VERSION)
        return true;
    if (version > SCHEMA_VERSION)
        return error_set (
            error, ERROR_REFUSED,
            "%s: written by a newer relevod (schema %" PRId64 ", this one knows %d): use that version",
            store->path, version, SCHEMA_VERSION);
    if (tables != 0 || mode == STORE_READ)
        return error_set (error, ERROR_INPUT, "%s: not a journal of relevod", store->path);
    return execute (
        store,
        "BEGIN IMMEDIATE;"
        "CREATE TABLE journal (sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, number INTEGER NOT NULL,"
        " chain BLOB NOT NULL, body BLOB NOT NULL) STRICT;"
        "PRAGMA user_version = 1;"
        "COMMIT",
        error);
}

static bool set_up (struct store *store, enum store_mode mode, struct error *error)
{
    static_assert (SCHEMA_VERSION == 1, "the statement in check_schema sets the version");
    (void)sqlite3_busy_timeout (store->database, BUSY_MS);
    (void)sqlite3_extended_result_codes (store->database, 0);
    if (mode == STORE_WRITE && !execute (
                                   store,
                                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                   "PRAGMA trusted_schema = OFF",
                                   error))
        return false;
    return check_schema (store, mode, error) && prepare (store, "BEGIN IMMEDIATE", &store->begin, error) &&
           prepare (store, "COMMIT", &store->commit, error) &&
           prepare (store, "ROLLBACK", &store->rollback, error) &&
           prepare (
               store, "INSERT INTO journal (sequence, at, number, chain, body) VALUES (?, ?, ?, ?, ?)",
               &store->insert, error) &&
           prepare (
               store,
               "SELECT sequence, at, number, chain, body FROM journal WHERE sequence > ? ORDER BY sequence",
               &store->page, error);
}

/* ------------------------------------------------------------------------------------------------- reading
 */

static struct digest chain_next (const struct digest *before, struct bytes body)
{
    struct digest_stream stream;
    digest_begin (&stream);
    digest_add (&stream, before->bytes, sizeof before->bytes);
    digest_add (&stream, body.data, body.size);
    return digest_end (&stream);
}

/* The row at which `page` stands. Its body is valid until the next step. */
static bool take_row (const struct store *store, struct store_row *ret, struct error *error)
{
    sqlite3_stmt *page = store->page;
    struct store_row row = {
        .sequence = (uint64_t)sqlite3_column_int64 (page, 0),
        .at = {sqlite3_column_int64 (page, 1)},
        .number = (unsigned)sqlite3_column_int64 (page, 2),
        .body = {sqlite3_column_blob (page, 4), (size_t)sqlite3_column_bytes (page, 4)}};
    if (sqlite3_column_bytes (page, 3) != DIGEST_SIZE || row.body.size == 0 || row.body.size > LIMIT_MESSAGE)
        return error_set (error, ERROR_INPUT, "%s: entry %" PRIu64 " is damaged", store->path, row.sequence);
    memcpy (row.chain.bytes, sqlite3_column_blob (page, 3), DIGEST_SIZE);
    *ret = row;
    return true;
}

static bool check_row (struct store *store, const struct store_row *row, struct error *error)
{
    struct digest chain = chain_next (&store->chain, row->body);
    if (row->sequence != store->newest + 1)
        return error_set (
            error, ERROR_REFUSED,
            "%s: entry %" PRIu64 " is missing (%" PRIu64 " follows %" PRIu64
            "): bring back the journal from a copy",
            store->path, store->newest + 1, row->sequence, store->newest);
    if (!digest_equal (&chain, &row->chain))
        return error_set (
            error, ERROR_REFUSED,
            "%s: entry %" PRIu64
            " does not fit the chain: it, or one before it, was changed: bring back the journal from a copy",
            store->path, row->sequence);
    store->chain = chain;
    store->newest = row->sequence;
    return true;
}

static bool read_all (struct store *store, store_visit visit, void *context, struct error *error)
{
    struct store_row row;
    int code = SQLITE_ROW;
    bool good = true;
    (void)sqlite3_bind_int64 (store->page, 1, 0);
    while (good && (code = sqlite3_step (store->page)) == SQLITE_ROW) {
        good = take_row (store, &row, error) && check_row (store, &row, error);
        if (good && visit != NULL && !visit (context, &row, error))
            good = error_context (error, "%s: entry %" PRIu64, store->path, row.sequence);
    }
    if (good && code != SQLITE_DONE)
        good = failed (store, "reading", error);
    (void)sqlite3_reset (store->page);
    return good;
}

bool store_page (
    struct store *store, uint64_t after, size_t most, size_t most_bytes, struct arena *arena,
    struct audit_row **ret, size_t *ret_count, bool *ret_more, struct error *error)
{
    struct audit_row *rows = arena_array (arena, most, sizeof rows[0]);
    struct store_row row;
    size_t count = 0;
    size_t bytes = 0;
    bool good = true;
    bool full = false;
    int code = SQLITE_ROW;
    (void)sqlite3_bind_int64 (store->page, 1, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    while (count < most && (code = sqlite3_step (store->page)) == SQLITE_ROW) {
        good = take_row (store, &row, error);
        full = good && count > 0 && bytes + row.body.size > most_bytes;
        if (!good || full)
            break;
        bytes += row.body.size;
        rows[count++] = (struct audit_row){
            row.sequence,
            row.at,
            row.chain,
            {arena_copy (arena, row.body.data, row.body.size), row.body.size}};
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        good = failed (store, "reading", error);
    (void)sqlite3_reset (store->page);
    if (!good)
        return false;
    *ret = rows;
    *ret_count = count;
    *ret_more = count > 0 && rows[count - 1].sequence < store->newest;
    return true;
}

/* ------------------------------------------------------------------------------------------------- writing
 */

static bool run (struct store *store, sqlite3_stmt *statement, const char *what, struct error *error)
{
    int code = sqlite3_step (statement);
    bool good = code == SQLITE_DONE || failed (store, what, error);
    (void)sqlite3_reset (statement);
    return good;
}

static bool insert_row (struct store *store, const struct store_row *row, struct error *error)
{
    sqlite3_stmt *insert = store->insert;
    (void)sqlite3_bind_int64 (insert, 1, (int64_t)row->sequence);
    (void)sqlite3_bind_int64 (insert, 2, row->at.ms);
    (void)sqlite3_bind_int64 (insert, 3, row->number);
    (void)sqlite3_bind_blob (insert, 4, row->chain.bytes, DIGEST_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_blob64 (insert, 5, row->body.data, row->body.size, SQLITE_STATIC);
    bool good = run (store, insert, "appending", error);
    (void)sqlite3_clear_bindings (insert);
    return good;
}

bool store_append (
    struct store *store, struct instant at, const struct store_entry *entries, size_t count,
    struct error *error)
{
    uint64_t newest = store->newest;
    struct digest chain = store->chain;
    bool good = run (store, store->begin, "appending", error);
    for (size_t i = 0; good && i < count; i++) {
        assert (entries[i].body.size > 0 && entries[i].body.size <= LIMIT_MESSAGE);
        chain = chain_next (&chain, entries[i].body);
        good = insert_row (
            store, &(struct store_row){++newest, at, entries[i].number, chain, entries[i].body}, error);
    }
    if (good)
        good = run (store, store->commit, "appending", error);
    if (!good) {
        if (sqlite3_get_autocommit (store->database) == 0)
            (void)run (store, store->rollback, "going back", NULL);
        return false;
    }
    store->newest = newest;
    store->chain = chain;
    return true;
}

uint64_t store_newest (const struct store *store)
{
    return store->newest;
}

/* ------------------------------------------------------------------------------------------ open and close
 */

static bool open_database (struct store *store, enum store_mode mode, struct error *error)
{
    int flags = mode == STORE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    mode_t before = umask (0077);
    int code = sqlite3_open_v2 (store->path, &store->database, flags | SQLITE_OPEN_NOMUTEX, NULL);
    bool good = code == SQLITE_OK || failed (store, "opening", error);
    good = good && set_up (store, mode, error);
    (void)umask (before);
    return good;
}

bool store_open (
    const char *folder, enum store_mode mode, store_visit visit, void *context, struct store **ret,
    struct error *error)
{
    struct store *store = calloc (1, sizeof *store);
    assert (store != NULL);
    store->lock = -1;
    store->path = path_join (&store->arena, folder, "journal.sqlite");
    if ((mode == STORE_WRITE &&
         (!folder_make (folder, 0700, error) || !lock_folder (store, folder, error))) ||
        !open_database (store, mode, error) || !read_all (store, visit, context, error)) {
        store_close (&store);
        return false;
    }
    *ret = store;
    return true;
}

void store_close (struct store **store)
{
    struct store *self = *store;
    if (self == NULL)
        return;
    (void)sqlite3_finalize (self->begin);
    (void)sqlite3_finalize (self->commit);
    (void)sqlite3_finalize (self->rollback);
    (void)sqlite3_finalize (self->insert);
    (void)sqlite3_finalize (self->page);
    (void)sqlite3_close (self->database);
    if (self->lock >= 0)
        (void)close (self->lock);
    arena_free (&self->arena);
    free (self);
    *store = NULL;
}
