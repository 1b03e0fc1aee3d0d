#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/io/file.h"
#include "controller/cli/cli.h"

enum { KEY_FILE_MAX = 4096 };

#define KEY_SUFFIX ".key"
#define PUBLIC_SUFFIX ".pub"

const char *cli_key_path (struct cli *cli, const char *name, const char *suffix)
{
    return path_join (&cli->arena, cli->settings.keys, arena_format (&cli->arena, "%s%s", name, suffix));
}

static bool ends_with (const char *text, const char *end)
{
    size_t size = strlen (text);
    return size > strlen (end) && strcmp (text + size - strlen (end), end) == 0;
}

/* The path behind a NAME or FILE, and the name behind either. */
static bool find_key (
    struct cli *cli, const char *given, const char *suffix, const char **ret_path, const char **ret_name,
    struct error *error)
{
    const char *slash = strrchr (given, '/');
    const char *base = slash != NULL ? slash + 1 : given;
    if (slash != NULL || ends_with (given, suffix)) {
        size_t size = strlen (base) - (ends_with (base, suffix) ? strlen (suffix) : 0);
        *ret_path = given;
        *ret_name = arena_text_of (&cli->arena, base, size);
        return true;
    }
    if (!text_is_name (given))
        return error_set (error, ERROR_INPUT, "\"%s\" is no name of a key, and no path", given);
    if (!cli_settings (cli, error))
        return false;
    *ret_path = cli_key_path (cli, given, suffix);
    *ret_name = given;
    if (!file_exists (*ret_path))
        return error_set (
            error, ERROR_MISSING, "there is no key \"%s\" (looked for %s): see `relevo key list`", given,
            *ret_path);
    return true;
}

/* One line of a file, without its end. */
static bool password_of_file (const char *path, char ret[CLI_PASSWORD_MAX], struct error *error)
{
    FILE *file = fopen (path, "re");
    bool read;
    if (file != NULL)
        (void)setvbuf (file, NULL, _IONBF, 0); /* no copy is left in a buffer */
    read = file != NULL && fgets (ret, CLI_PASSWORD_MAX, file) != NULL;
    if (file != NULL)
        (void)fclose (file);
    if (!read)
        return error_set (error, ERROR_INPUT, "no password could be read from %s", path);
    ret[strcspn (ret, "\r\n")] = '\0';
    return true;
}

/* Signals wait until the terminal shows again what is typed. */
static bool read_hidden (int descriptor, char ret[CLI_PASSWORD_MAX])
{
    struct termios shown;
    struct termios hidden;
    sigset_t blocked;
    sigset_t before;
    size_t size = 0;
    ssize_t got = 1;
    if (tcgetattr (descriptor, &shown) != 0)
        return false;
    (void)sigemptyset (&blocked);
    (void)sigaddset (&blocked, SIGTSTP);
    (void)sigprocmask (SIG_BLOCK, &blocked, &before);
    hidden = shown;
    hidden.c_lflag &= (tcflag_t) ~(unsigned)(ECHO | ISIG);
    (void)tcsetattr (descriptor, TCSAFLUSH, &hidden);
    while (size + 1 < CLI_PASSWORD_MAX && (got = read (descriptor, &ret[size], 1)) == 1 &&
           ret[size] != '\n') {
        if (ret[size] == '\003')
            break;
        size++;
    }
    (void)tcsetattr (descriptor, TCSAFLUSH, &shown);
    (void)sigprocmask (SIG_SETMASK, &before, NULL);
    if (got == 1 && ret[size] != '\n' && size + 1 < CLI_PASSWORD_MAX)
        size = CLI_PASSWORD_MAX;
    if (got != 1 || size >= CLI_PASSWORD_MAX)
        return false;
    ret[size] = '\0';
    return true;
}

static bool prompt (const char *question, const char *key, char ret[CLI_PASSWORD_MAX], struct error *error)
{
    int terminal = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool read;
    if (terminal < 0)
        return error_set (
            error, ERROR_INPUT,
            "the key %s has a password and there is no terminal to ask on: use --password-file or "
            "$RELEVO_PASSWORD",
            key);
    (void)dprintf (terminal, "%s %s: ", question, key);
    read = read_hidden (terminal, ret);
    (void)dprintf (terminal, "\n");
    (void)close (terminal);
    return read || error_set (error, ERROR_INPUT, "no password was typed: nothing was done");
}

static bool prompt_twice (const char *key, char ret[CLI_PASSWORD_MAX], struct error *error)
{
    char again[CLI_PASSWORD_MAX] = "";
    bool same = prompt ("New password for", key, ret, error) && prompt ("Once more for", key, again, error) &&
                (strcmp (again, ret) == 0 ||
                 error_set (error, ERROR_INPUT, "the two passwords differ: nothing was done"));
    sodium_memzero (again, sizeof again);
    return same;
}

bool cli_password (
    struct cli *cli, const char *key, bool fresh, char ret[CLI_PASSWORD_MAX], struct error *error)
{
    const char *given = getenv ("RELEVO_PASSWORD");
    bool done;
    if (cli->password_file != NULL)
        done = password_of_file (cli->password_file, ret, error);
    else if (given != NULL) {
        done =
            strlen (given) < CLI_PASSWORD_MAX ||
            error_set (error, ERROR_LIMIT, "$RELEVO_PASSWORD is longer than %d bytes", CLI_PASSWORD_MAX - 1);
        if (done)
            (void)snprintf (ret, CLI_PASSWORD_MAX, "%s", given);
    } else if (cli->no_input)
        done = error_set (
            error, ERROR_INPUT, "the key %s needs a password: use --password-file or $RELEVO_PASSWORD", key);
    else
        done = fresh ? prompt_twice (key, ret, error) : prompt ("Password for", key, ret, error);
    if (done && ret[0] == '\0')
        return error_set (
            error, ERROR_INPUT, "the password for %s is empty%s", key,
            fresh ? ": use --no-password if that is meant" : ": nothing was done");
    return done;
}

bool cli_key (
    struct cli *cli, const char *name_or_file, struct secret_key *ret, const char **ret_name,
    struct error *error)
{
    char password[CLI_PASSWORD_MAX] = "";
    struct arena arena = {0};
    const char *path;
    const char *name;
    struct bytes file = {0};
    bool encrypted = false;
    bool good;
    if (!find_key (cli, name_or_file, KEY_SUFFIX, &path, &name, error))
        return false;
    good = file_read_secret (path, KEY_FILE_MAX, &arena, &file, error) &&
           secret_key_is_encrypted (file, &encrypted, error) &&
           (!encrypted || cli_password (cli, name, false, password, error)) &&
           (secret_key_parse (file, encrypted ? password : NULL, ret, error) ||
            error_context (error, "%s", path));
    sodium_memzero (password, sizeof password);
    file_wipe_secret (&file);
    arena_free (&arena);
    if (good && ret_name != NULL)
        *ret_name = name;
    return good;
}

bool cli_public_key (struct cli *cli, const char *name_or_file, struct public_key *ret, struct error *error)
{
    struct arena arena = {0};
    const char *path;
    const char *name;
    struct bytes file;
    bool good;
    if (!find_key (cli, name_or_file, PUBLIC_SUFFIX, &path, &name, error))
        return false;
    good = file_read (path, KEY_FILE_MAX, &arena, &file, error) &&
           (public_key_parse (file, ret, error) || error_context (error, "%s", path));
    arena_free (&arena);
    return good;
}
