/* Landlock by its system calls: libc has no functions for them, and the kernel headers of a stable
   distribution lack its newer half (docs.kernel.org/userspace-api/landlock.html). */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/core/text.h"
#include "common/io/sandbox_part.h"

/* Rights on files. The later ones came with later ABIs, and must not be named to an earlier kernel. */
enum {
    FILES_EXECUTE = 1 << 0,
    FILES_WRITE = 1 << 1,
    FILES_READ = 1 << 2,
    FILES_LIST = 1 << 3,
    FILES_REMOVE_FOLDER = 1 << 4,
    FILES_REMOVE = 1 << 5,
    FILES_MAKE_FOLDER = 1 << 7,
    FILES_MAKE = 1 << 8,
    FILES_MAKE_SOCKET = 1 << 9,
    FILES_ABI_1 = (1 << 13) - 1,
    FILES_REFER = 1 << 13,    /* ABI 2: rename and link from one folder to another */
    FILES_TRUNCATE = 1 << 14, /* ABI 3 */
    FILES_DEVICE = 1 << 15,   /* ABI 5: ioctl on devices */
    /* What can be said of a file that is no folder. */
    FILES_OF_ONE = FILES_EXECUTE | FILES_WRITE | FILES_READ | FILES_TRUNCATE | FILES_DEVICE,
    FILES_READING = FILES_READ | FILES_LIST,
    FILES_CHANGING = FILES_READING | FILES_WRITE | FILES_REMOVE_FOLDER | FILES_REMOVE | FILES_MAKE_FOLDER |
                     FILES_MAKE | FILES_MAKE_SOCKET | FILES_TRUNCATE,
};

enum { NETWORK_BIND = 1 << 0, NETWORK_CONNECT = 1 << 1 };         /* ABI 4, TCP alone */
enum { SCOPE_ABSTRACT_SOCKETS = 1 << 0, SCOPE_SIGNALS = 1 << 1 }; /* ABI 6 */

enum { ASK_VERSION = 1 << 0, RULE_PATH = 1, RULE_PORT = 2, DEPTH_MAX = 64 };

/* A kernel that knows less takes the whole struct where the rest is zero. */
struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scope;
};

struct path_rule {
    uint64_t rights;
    int32_t file;
} __attribute__ ((packed));

struct port_rule {
    uint64_t rights;
    uint64_t port;
};

struct rules {
    int descriptor;
    uint64_t files; /* that this kernel knows */
    struct error *error;
};

static int landlock_abi (void)
{
    long abi = syscall (SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    return abi > 0 ? (int)abi : 0;
}

static uint64_t files_of (int abi)
{
    uint64_t files = FILES_ABI_1;
    if (abi >= 2)
        files |= FILES_REFER;
    if (abi >= 3)
        files |= FILES_TRUNCATE;
    if (abi >= 5)
        files |= FILES_DEVICE;
    return files;
}

static bool rules_open (struct rules *rules, const struct ruleset *wanted, int abi, struct error *error)
{
    struct ruleset known = *wanted;
    known.files = files_of (abi);
    if (abi < 4)
        known.network = 0;
    if (abi < 6)
        known.scope = 0;
    rules->files = known.files;
    rules->error = error;
    rules->descriptor = (int)syscall (SYS_landlock_create_ruleset, &known, sizeof known, 0);
    return rules->descriptor >= 0 || sandbox_failed ("make Landlock's rules", error);
}

static bool rules_enforce (const struct rules *rules)
{
    return syscall (SYS_landlock_restrict_self, rules->descriptor, 0) == 0 ||
           sandbox_failed ("enforce Landlock's rules", rules->error);
}

static bool path_failed (const struct rules *rules, const char *path)
{
    return sandbox_failed ("name a path to Landlock", rules->error) ||
           error_context (rules->error, "%s", path);
}

static bool allow_open (const struct rules *rules, int file, uint64_t rights, const char *path)
{
    struct path_rule rule = {.rights = rights & rules->files, .file = file};
    struct stat status;
    if (fstat (file, &status) != 0)
        return path_failed (rules, path);
    if (!S_ISDIR (status.st_mode))
        rule.rights &= FILES_OF_ONE;
    return rule.rights == 0 || syscall (SYS_landlock_add_rule, rules->descriptor, RULE_PATH, &rule, 0) == 0 ||
           path_failed (rules, path);
}

static bool allow_path (const struct rules *rules, const char *path, uint64_t rights)
{
    int file = open (path, O_PATH | O_CLOEXEC);
    bool good;
    if (file < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES || path_failed (rules, path);
    good = allow_open (rules, file, rights, path);
    (void)close (file);
    return good;
}

static bool allow_port (const struct rules *rules, uint16_t port, uint64_t rights)
{
    struct port_rule rule = {rights, port};
    return syscall (SYS_landlock_add_rule, rules->descriptor, RULE_PORT, &rule, 0) == 0 ||
           sandbox_failed ("name a port to Landlock", rules->error);
}

#if SANDBOX_SANITIZED
/* The folder of "…log_path=FILE…" in a sanitizer's options. */
static bool allow_reports (const struct rules *rules, const char *name)
{
    static const char key[] = "log_path=";
    const char *options = getenv (name);
    const char *path = options == NULL ? NULL : strstr (options, key);
    struct buffer folder = {0};
    bool good = true;
    if (path == NULL)
        return true;
    path += strlen (key);
    buffer_append (&folder, path, strcspn (path, ":"));
    if (strrchr (folder.data, '/') != NULL) {
        *strrchr (folder.data, '/') = '\0';
        good = allow_path (rules, folder.data, FILES_CHANGING);
    }
    buffer_free (&folder);
    return good;
}

static bool allow_sanitizer (const struct rules *rules)
{
    return allow_path (rules, "/proc", FILES_READING) && allow_path (rules, "/usr", FILES_READING) &&
           allow_reports (rules, "ASAN_OPTIONS") && allow_reports (rules, "TSAN_OPTIONS");
}
#else
static bool allow_sanitizer (const struct rules *rules)
{
    (void)rules;
    return true;
}
#endif

/* Whoever closes such a port opens it again by the number that the system gave, which nobody knows yet. */
static bool has_any_port (const struct sandbox_options *options)
{
    for (size_t i = 0; i < options->port_count; i++)
        if (options->network == SANDBOX_LISTENS && options->ports[i] == 0)
            return true;
    return false;
}

static bool allow_all (const struct rules *rules, const struct sandbox_options *options, int abi)
{
    for (size_t i = 0; i < options->path_count; i++) {
        uint64_t rights = options->paths[i].access == SANDBOX_CHANGE ? FILES_CHANGING : FILES_READING;
        if (!allow_path (rules, options->paths[i].path, rights))
            return false;
    }
    for (size_t i = 0; abi >= 4 && i < options->port_count && !has_any_port (options); i++) {
        uint64_t rights = options->network == SANDBOX_LISTENS ? NETWORK_BIND : NETWORK_CONNECT;
        if (!allow_port (rules, options->ports[i], rights))
            return false;
    }
    return allow_sanitizer (rules);
}

bool sandbox_limit_files (const struct sandbox_options *options, int *ret_abi, struct error *error)
{
    const struct ruleset wanted = {
        .network = NETWORK_CONNECT | (has_any_port (options) ? 0 : NETWORK_BIND),
        .scope = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS};
    int abi = landlock_abi ();
    struct rules rules;
    bool good;
    *ret_abi = abi;
    if (abi == 0)
        return true;
    if (!rules_open (&rules, &wanted, abi, error))
        return false;
    good = allow_all (&rules, options, abi) && rules_enforce (&rules);
    (void)close (rules.descriptor);
    return good;
}

/* ------------------------------------------------------------------------------- everything but a few paths
 */

struct hidden {
    const struct rules *rules;
    char **paths; /* absolute, without links */
    size_t count;
};

enum relation { RELATION_NONE, RELATION_LEADS_TO, RELATION_IS };

static enum relation relation_of (const struct hidden *hidden, const char *path)
{
    size_t size = strlen (path);
    enum relation relation = RELATION_NONE;
    for (size_t i = 0; i < hidden->count; i++) {
        if (strcmp (hidden->paths[i], path) == 0)
            return RELATION_IS;
        if (strncmp (hidden->paths[i], path, size) == 0 && hidden->paths[i][size] == '/')
            relation = RELATION_LEADS_TO;
    }
    return relation;
}

static bool allow_around (const struct hidden *hidden, const char *folder, unsigned depth);

/* Of a link nothing follows: a rule counts for the place where a path ends up, which has its own. */
static bool allow_entry (const struct hidden *hidden, const char *path, unsigned depth)
{
    int file;
    bool good;
    switch (relation_of (hidden, path)) {
    case RELATION_IS:
        return true;
    case RELATION_LEADS_TO:
        return allow_around (hidden, path, depth + 1);
    case RELATION_NONE:
        break;
    }
    file = open (path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return true; /* it went away, or is not for this user anyway */
    good = allow_open (hidden->rules, file, hidden->rules->files, path);
    (void)close (file);
    return good;
}

static bool allow_around (const struct hidden *hidden, const char *folder, unsigned depth)
{
    DIR *list = opendir (folder);
    const struct dirent *entry;
    struct buffer path = {0};
    bool good = true;
    if (list == NULL)
        return errno == EACCES || path_failed (hidden->rules, folder);
    while (good && depth < DEPTH_MAX && (entry = readdir (list)) != NULL) {
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
            continue;
        buffer_clear (&path);
        buffer_print (&path, "%s/%s", strcmp (folder, "/") == 0 ? "" : folder, entry->d_name);
        good = allow_entry (hidden, path.data, depth);
    }
    (void)closedir (list);
    buffer_free (&path);
    return good;
}

static bool find_hidden (struct hidden *hidden, const char *const *paths, size_t count)
{
    hidden->paths = calloc (count + 1, sizeof hidden->paths[0]);
    assert (hidden->paths != NULL);
    for (size_t i = 0; i < count; i++) {
        char *path = realpath (paths[i], NULL);
        if (path == NULL && errno != ENOENT && errno != EACCES)
            return path_failed (hidden->rules, paths[i]);
        if (path != NULL)
            hidden->paths[hidden->count++] = path;
    }
    return true;
}

bool sandbox_hide_files (const char *const *paths, size_t count, int *ret_abi, struct error *error)
{
    const struct ruleset wanted = {.scope = SCOPE_SIGNALS};
    int abi = landlock_abi ();
    struct rules rules;
    struct hidden hidden = {.rules = &rules};
    bool good;
    *ret_abi = abi;
    if (abi == 0)
        return true;
    if (!rules_open (&rules, &wanted, abi, error))
        return false;
    /* Names may be listed everywhere: only what is behind them is hidden. */
    good = find_hidden (&hidden, paths, count) && allow_path (&rules, "/", FILES_LIST) &&
           allow_around (&hidden, "/", 0) && rules_enforce (&rules);
    for (size_t i = 0; i < hidden.count; i++)
        free (hidden.paths[i]);
    free (hidden.paths);
    (void)close (rules.descriptor);
    return good;
}
