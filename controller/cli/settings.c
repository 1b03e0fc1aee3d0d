#include <stdlib.h>
#include <string.h>

#include "common/core/tree.h"
#include "common/io/file.h"
#include "controller/cli/cli.h"

#define SETTINGS_FILE "relevo.yaml"

static const char *const keys[] = {"controller", "local", "server_key", "wire_key",
                                   "trust",      "keys",  "agents",     "publish"};

/* The text of one key, "" where it is absent and may be. */
static bool text_of (
    const struct tree *map, const char *key, bool needed, const char **ret, struct error *error)
{
    const struct tree *node = tree_get (map, key);
    if (node != NULL)
        return tree_text (node, key, LIMIT_ADDRESS, ret, error);
    *ret = "";
    return !needed || tree_error (map, error, "\"%s\" is missing: `relevo init` writes it", key);
}

static const char *beside (struct arena *arena, const char *file, const char *path)
{
    const char *slash = strrchr (file, '/');
    if (path[0] == '/' || path[0] == '\0' || slash == NULL)
        return path;
    return path_join (arena, arena_text_of (arena, file, (size_t)(slash - file)), path);
}

static bool paths_of (
    const struct tree *map, struct arena *arena, struct settings *settings, struct error *error)
{
    if (!text_of (map, "wire_key", true, &settings->wire_key, error) ||
        !text_of (map, "trust", true, &settings->trust, error) ||
        !text_of (map, "keys", true, &settings->keys, error) ||
        !text_of (map, "local", false, &settings->local, error))
        return false;
    settings->wire_key = beside (arena, settings->path, settings->wire_key);
    settings->trust = beside (arena, settings->path, settings->trust);
    settings->keys = beside (arena, settings->path, settings->keys);
    if (strncmp (settings->local, "ipc://", 6) == 0)
        settings->local =
            arena_format (arena, "ipc://%s", beside (arena, settings->path, settings->local + 6));
    else if (settings->local[0] != '\0')
        return tree_error (tree_get (map, "local"), error, "\"local\" wants ipc://PATH");
    return true;
}

bool settings_read (const char *path, struct arena *arena, struct settings *ret, struct error *error)
{
    struct settings settings = {.path = path};
    struct bytes file;
    const struct tree *map;
    const char *server;
    if (!file_read (path, TREE_INPUT, arena, &file, error) || !tree_parse (file, path, arena, &map, error) ||
        !tree_check_keys (map, "relevo.yaml", keys, sizeof keys / sizeof keys[0], error) ||
        !text_of (map, "controller", true, &settings.controller, error) ||
        !text_of (map, "server_key", true, &server, error) ||
        !text_of (map, "agents", false, &settings.agents, error) ||
        !text_of (map, "publish", false, &settings.publish, error) ||
        !paths_of (map, arena, &settings, error))
        return false;
    if (!wire_key_parse (server, &settings.server, error))
        return error_context (error, "%s: server_key", path);
    *ret = settings;
    return true;
}

/* The first of the places where relevo.yaml may be; NULL where there is none. */
static const char *find_settings (struct cli *cli)
{
    const char *named = cli->config != NULL ? cli->config : getenv ("RELEVO_CONFIG");
    const char *home = getenv ("HOME");
    const char *path;
    if (named != NULL && named[0] != '\0')
        return named;
    if (file_exists (SETTINGS_FILE))
        return SETTINGS_FILE;
    if (home == NULL)
        return NULL;
    path = arena_format (&cli->arena, "%s/.config/relevo/" SETTINGS_FILE, home);
    return file_exists (path) ? path : NULL;
}

bool cli_settings (struct cli *cli, struct error *error)
{
    const char *path;
    if (cli->has_settings)
        return true;
    path = find_settings (cli);
    if (path == NULL)
        return error_set (
            error, ERROR_MISSING,
            "no " SETTINGS_FILE
            " found here or in ~/.config/relevo: make a fleet with `relevo init DIR`, or name the "
            "file with --config or $RELEVO_CONFIG");
    if (!settings_read (path, &cli->arena, &cli->settings, error))
        return false;
    cli->has_settings = true;
    return true;
}
