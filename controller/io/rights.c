#include "controller/io/rights.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/file.h"
#include "common/io/sandbox.h"

enum { STATE_MODE = 0700, SOCKET_MODE = 0755 };

bool rights_find (const struct config *config, struct rights *ret, struct error *error)
{
    struct rights rights = {.drops = geteuid () == 0};
    if (rights.drops && config->user[0] == '\0')
        return error_set (
            error, ERROR_INPUT,
            "started as root, relevod needs \"user: NAME\" in controller.yaml, so that the part that talks "
            "to "
            "the network has no rights; or start it as that user");
    if (config->user[0] != '\0' && !privileges_find (config->user, &rights.privileges, error))
        return false;
    if (!rights.drops && config->user[0] != '\0' && rights.privileges.user != geteuid ())
        return error_set (
            error, ERROR_INPUT,
            "controller.yaml says \"user: %s\", but relevod was started as user %u: start it as root or as "
            "%s",
            config->user, (unsigned)geteuid (), config->user);
    *ret = rights;
    return true;
}

/* ------------------------------------------------------------------------------------------------- folders
 */

static bool is_empty (const char *path)
{
    DIR *list = opendir (path);
    const struct dirent *entry;
    bool empty = list != NULL;
    while (empty && (entry = readdir (list)) != NULL)
        empty = strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0;
    if (list != NULL)
        (void)closedir (list);
    return empty;
}

static bool give (const char *path, const struct privileges *user, struct error *error)
{
    return lchown (path, user->user, user->group) == 0 ||
           error_set (error, ERROR_SYSTEM, "%s: give it to its user: %s", path, strerror (errno));
}

static bool give_state (const struct config *config, const struct privileges *user, struct error *error)
{
    struct stat status;
    if (stat (config->state, &status) != 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", config->state, strerror (errno));
    if (status.st_uid == user->user)
        return true;
    /* What is in it was written by somebody, and who that may be now is not for relevod to say. */
    if (status.st_uid != 0 || !is_empty (config->state))
        return error_set (
            error, ERROR_CONFLICT,
            "%s belongs to user %u, not to \"%s\" of controller.yaml; run: chown -R %s %s", config->state,
            (unsigned)status.st_uid, config->user, config->user, config->state);
    return give (config->state, user, error);
}

static const char *socket_folder (const struct config *config, struct arena *arena)
{
    const char *path = config->local + strlen ("ipc://");
    const char *slash = strrchr (path, '/');
    return slash == path ? "/" : arena_text_of (arena, path, (size_t)(slash - path));
}

static bool make_socket_folder (const struct config *config, const struct rights *rights, struct error *error)
{
    struct arena arena = {0};
    const char *folder = socket_folder (config, &arena);
    bool good = file_exists (folder) || (folder_make (folder, SOCKET_MODE, error) &&
                                         (!rights->drops || give (folder, &rights->privileges, error)));
    arena_free (&arena);
    return good;
}

bool rights_give_folders (const struct config *config, const struct rights *rights, struct error *error)
{
    return folder_make (config->state, STATE_MODE, error) &&
           (!rights->drops || give_state (config, &rights->privileges, error)) &&
           make_socket_folder (config, rights, error);
}

/* ---------------------------------------------------------------------------------------------- giving up
 */

/* The configuration was checked: a port or "*" is there. */
static uint16_t port_of (const char *endpoint)
{
    return (uint16_t)strtoul (strrchr (endpoint, ':') + 1, NULL, 10);
}

static bool can_work (const struct config *config, struct error *error)
{
    return access (config->state, R_OK | W_OK | X_OK) == 0 ||
           error_set (
               error, ERROR_SYSTEM,
               "%s: user %u can't work there: %s; each folder that leads there must let others through "
               "(chmod "
               "o+x), or the state must lie elsewhere, such as in /var/lib/relevo",
               config->state, (unsigned)geteuid (), strerror (errno));
}

static bool enter (const struct config *config, struct arena *arena, int *ret_landlock, struct error *error)
{
    const uint16_t ports[] = {port_of (config->agents), port_of (config->publish), port_of (config->people)};
    const struct sandbox_path paths[] = {
        {config->state, SANDBOX_CHANGE}, {socket_folder (config, arena), SANDBOX_CHANGE}};
    const struct sandbox_options options = {
        .network = SANDBOX_LISTENS,
        .ports = ports,
        .port_count = sizeof ports / sizeof ports[0],
        .paths = paths,
        .path_count = sizeof paths / sizeof paths[0]};
    return sandbox_enter (&options, ret_landlock, error);
}

bool rights_give_up (
    const struct config *config, const struct rights *rights, const struct log *log, struct error *error)
{
    struct arena arena = {0};
    int landlock;
    bool good = (!rights->drops || privileges_drop (&rights->privileges, error)) &&
                can_work (config, error) && enter (config, &arena, &landlock, error);
    if (good && landlock == 0)
        log_line (
            log, LOG_NOTE,
            "this kernel has no Landlock: file modes alone keep the network's part from files");
    arena_free (&arena);
    return good;
}
