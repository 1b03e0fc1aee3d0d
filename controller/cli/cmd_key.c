#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/file.h"
#include "controller/cli/commands.h"
#include "controller/cli/new_key.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"

enum { KEYS_MAX = 4096 };

static bool generate (
    struct cli *cli, const char *folder, const char *name, bool no_password, struct public_key *ret,
    struct error *error)
{
    char password[CLI_PASSWORD_MAX] = "";
    struct secret_key key;
    bool done = false;
    if (!text_is_name (name))
        return error_set (
            error, ERROR_INPUT, "\"%s\" is no name for a key: letters, digits, '.', '_' and '-', at most %d",
            name, LIMIT_NAME);
    if (file_exists (path_join (&cli->arena, folder, arena_format (&cli->arena, "%s.key", name))))
        return error_set (
            error, ERROR_CONFLICT, "%s/%s.key is there already: a key is never overwritten", folder, name);
    if (folder_make (folder, 0700, error) &&
        (no_password || cli_password (cli, name, true, password, error))) {
        new_key_make (&key);
        done = new_key_write (folder, name, &key, no_password ? NULL : password, error);
        *ret = key.public;
        secret_key_wipe (&key);
    }
    sodium_memzero (password, sizeof password);
    return done;
}

static int key_generate (struct cli *cli, int argc, char **argv)
{
    const char *folder = NULL;
    bool no_password = false;
    const struct option_row rows[] = {
        {"keys", 0, OPTION_TEXT, &folder, "FOLDER", "where to write (default: `keys` of relevo.yaml)"},
        {"no-password", 0, OPTION_FLAG, &no_password, NULL, "the file alone is enough to sign"},
    };
    const struct command_line line = {
        .usage = "relevo key generate NAME [options]",
        .about = "Makes a signing key: NAME.key stays with its owner, NAME.pub goes into a trust document.\n"
                 "Both are minisign's formats.\n",
        .examples =
            "  relevo key generate ana\n  relevo key generate ci --keys /etc/relevo/keys --no-password\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct public_key public;
    struct error error;
    char text[KEY_LINE_SIZE];
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (folder == NULL) {
        if (!cli_settings (cli, &error))
            return cli_fail (cli, &error);
        folder = cli->settings.keys;
    }
    if (!generate (cli, folder, operands.items[0], no_password, &public, &error))
        return cli_fail (cli, &error);
    if (cli->format == CLI_TABLE)
        (void)printf ("%s\n", public_key_line (&public, text));
    else
        output_json (cli, output_envelope ("public_key", json_string (public_key_line (&public, text))));
    cli_say (cli, "wrote %s/%s.key and %s/%s.pub", folder, operands.items[0], folder, operands.items[0]);
    return CLI_DONE;
}

/* The old password comes from where every command takes it, the new one from its own file or a prompt. */
static bool change_password (struct cli *cli, const char *given, const char *new_file, struct error *error)
{
    char password[CLI_PASSWORD_MAX] = "";
    struct secret_key key;
    const char *name = NULL;
    const char *path = given;
    bool done;
    if (!cli_key (cli, given, &key, &name, error))
        return false;
    if (strcmp (given, name) == 0)
        path = cli_key_path (cli, name, ".key");
    (void)unsetenv ("RELEVO_PASSWORD");
    cli->password_file = new_file;
    done = cli_password (cli, name, true, password, error) && new_key_change (path, &key, password, error);
    secret_key_wipe (&key);
    sodium_memzero (password, sizeof password);
    if (done)
        cli_say (cli, "%s has the new password; copies of the file keep the old one", path);
    return done;
}

static int key_password (struct cli *cli, int argc, char **argv)
{
    const char *new_file = NULL;
    const struct option_row rows[] = {
        {"new-password-file", 0, OPTION_TEXT, &new_file, "FILE", "its first line is the new password"},
    };
    const struct command_line line = {
        .usage = "relevo key password NAME [options]",
        .about = "Gives a key another password: `relevo init` puts one password on all keys, and each owner\n"
                 "then chooses one of their own. NAME is a key of the folder, or a file.\n",
        .examples = "  relevo key password ana\n  relevo key password ./ana.key\n"
                    "  relevo key password ci --password-file old --new-password-file new\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    return change_password (cli, operands.items[0], new_file, &error) ? CLI_DONE : cli_fail (cli, &error);
}

struct key_name {
    const char *name;
    bool secret; /* the secret key is here too */
};

static int compare_names (const void *first, const void *second)
{
    return strcmp (((const struct key_name *)first)->name, ((const struct key_name *)second)->name);
}

static bool list_folder (
    struct cli *cli, const char *folder, struct key_name *ret, size_t *ret_count, struct error *error)
{
    DIR *open_folder = opendir (folder);
    const struct dirent *entry;
    size_t count = 0;
    if (open_folder == NULL)
        return error_set (error, ERROR_SYSTEM, "%s: %s", folder, strerror (errno));
    while (count < KEYS_MAX && (entry = readdir (open_folder)) != NULL) {
        size_t size = strlen (entry->d_name);
        if (size <= 4 || strcmp (entry->d_name + size - 4, ".pub") != 0)
            continue;
        ret[count].name = arena_text_of (&cli->arena, entry->d_name, size - 4);
        ret[count].secret = file_exists (cli_key_path (cli, ret[count].name, ".key"));
        count++;
    }
    (void)closedir (open_folder);
    qsort (ret, count, sizeof *ret, compare_names);
    *ret_count = count;
    return true;
}

static bool list_keys (struct cli *cli, struct error *error)
{
    struct key_name *names = arena_array (&cli->arena, KEYS_MAX, sizeof *names);
    struct table *table = table_new ((const char *const[]){"NAME", "SECRET", "PUBLIC KEY"}, 3);
    json_t *list = json_array ();
    size_t count = 0;
    bool good = cli_settings (cli, error) && list_folder (cli, cli->settings.keys, names, &count, error);
    for (size_t i = 0; good && i < count; i++) {
        struct public_key key;
        char text[KEY_LINE_SIZE];
        json_t *item = json_object ();
        good = cli_public_key (cli, names[i].name, &key, error);
        if (good)
            table_add (
                table, (const char *const[]){
                           names[i].name, names[i].secret ? "here" : "-", public_key_line (&key, text)});
        (void)json_object_set_new (item, "name", json_string (names[i].name));
        (void)json_object_set_new (item, "secret", json_boolean (names[i].secret));
        (void)json_object_set_new (item, "public_key", json_string (good ? text : ""));
        (void)json_array_append_new (list, item);
    }
    if (good && cli->format == CLI_TABLE)
        table_show (cli, &table);
    else if (good)
        output_json (cli, output_envelope ("keys", json_incref (list)));
    table_free (&table);
    json_decref (list);
    return good;
}

static int key_list (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo key list",
        .about =
            "Lists the keys in the folder that relevo.yaml names, and whether their secret half is here.\n",
        .examples = "  relevo key list\n  relevo key list -o json\n"};
    struct operands operands;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    return list_keys (cli, &error) ? CLI_DONE : cli_fail (cli, &error);
}

int cmd_key (struct cli *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"generate", key_generate, "a new key"},
        {"password", key_password, "another password for a key"},
        {"list", key_list, "the keys that are here"},
        {"wire", cmd_key_wire, "the key by which the remote door knows you"},
    };
    return cli_dispatch (
        cli, "key", "  relevo key generate ana\n  relevo key password ana\n  relevo key list\n", commands,
        sizeof commands / sizeof commands[0], argc, argv);
}
