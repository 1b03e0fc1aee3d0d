#include "controller/cli/ssh_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/core/signature.h"
#include "common/io/file.h"

enum { PUBLIC_FILE_MAX = 4096 };

#define PUBLIC_SUFFIX ".pub"
#define ASK_RULE "SSH_ASKPASS_REQUIRE="
#define ASK_PROGRAM "SSH_ASKPASS="

static bool is_public (const char *file)
{
    size_t size = strlen (file);
    size_t suffix = strlen (PUBLIC_SUFFIX);
    return size > suffix && strcmp (file + size - suffix, PUBLIC_SUFFIX) == 0;
}

bool ssh_public_key (
    const char *file, struct arena *arena, struct public_key *ret, struct bytes *ret_line,
    struct error *error)
{
    const char *path = is_public (file) ? file : arena_format (arena, "%s" PUBLIC_SUFFIX, file);
    struct bytes line;
    if (path != file && file_exists (file) && !file_exists (path))
        return error_set (
            error, ERROR_MISSING, "%s is not there: `ssh-keygen -y -f %s >%s` makes it", path, file, path);
    if (!file_read (path, PUBLIC_FILE_MAX, arena, &line, error))
        return false;
    if (!ssh_key_parse (line, ret, error))
        return error_context (error, "%s", path);
    if (ret_line != NULL)
        *ret_line = line;
    return true;
}

/* --------------------------------------------------------------------------------------------- the
 * environment
 */

static bool has_terminal (void)
{
    int terminal = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0)
        (void)close (terminal);
    return terminal >= 0;
}

static bool is_set (const char *name)
{
    const char *value = getenv (name);
    return value != NULL && value[0] != '\0';
}

/* How ssh-keygen may come by a passphrase. */
enum asking { ASK_NOBODY, ASK_AS_SET, ASK_ON_TERMINAL };

static enum asking asking_of (const struct cli *cli)
{
    if (cli->no_input)
        return ASK_NOBODY;
    if (is_set ("SSH_ASKPASS_REQUIRE"))
        return ASK_AS_SET;
    if (has_terminal ())
        return ASK_ON_TERMINAL;
    return is_set ("DISPLAY") ? ASK_AS_SET : ASK_NOBODY;
}

static bool begins (const char *text, const char *word)
{
    return strncmp (text, word, strlen (word)) == 0;
}

/* Without a word about it, ssh-keygen would take what is to be signed for the passphrase where it has no
   terminal, and look for a window where its input is none. A program that asks, and says nothing, is nobody.
 */
static const char **environment_for (enum asking asking, struct arena *arena)
{
    size_t count = 0;
    size_t kept = 0;
    const char **environment;
    while (environ[count] != NULL)
        count++;
    environment = arena_array (arena, count + 3, sizeof *environment);
    for (size_t i = 0; i < count; i++)
        if (asking == ASK_AS_SET ||
            (!begins (environ[i], ASK_RULE) && (asking != ASK_NOBODY || !begins (environ[i], ASK_PROGRAM))))
            environment[kept++] = environ[i];
    if (asking == ASK_ON_TERMINAL)
        environment[kept++] = ASK_RULE "never";
    if (asking == ASK_NOBODY) {
        environment[kept++] = ASK_RULE "force";
        environment[kept++] = ASK_PROGRAM "/bin/false";
    }
    return environment;
}

/* --------------------------------------------------------------------------------------------------
 * ssh-keygen
 */

/* Files in memory, not pipes: whoever ends early leaves nobody waiting. */
static bool make_streams (struct bytes content, int *ret_input, int *ret_output, struct error *error)
{
    int input = memfd_create ("relevo-content", MFD_CLOEXEC);
    int output = memfd_create ("relevo-signature", MFD_CLOEXEC);
    bool made = input >= 0 && output >= 0 &&
                write (input, content.data, content.size) == (ssize_t)content.size &&
                lseek (input, 0, SEEK_SET) == 0;
    if (!made) {
        (void)error_set (error, ERROR_SYSTEM, "no file in memory for ssh-keygen: %s", strerror (errno));
        if (input >= 0)
            (void)close (input);
        if (output >= 0)
            (void)close (output);
        return false;
    }
    *ret_input = input;
    *ret_output = output;
    return true;
}

/* In our own session and group: it asks on our terminal, and Ctrl-C ends both. */
static bool start (
    const char *file, const char **environment, int input, int output, pid_t *ret, struct error *error)
{
    const char *words[] = {"ssh-keygen", "-Y", "sign", "-q", "-n", SIGNATURE_SSH_NAMESPACE, "-f", file, NULL};
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init (&actions);
    if (failed == 0) {
        failed = posix_spawn_file_actions_adddup2 (&actions, input, STDIN_FILENO);
        if (failed == 0)
            failed = posix_spawn_file_actions_adddup2 (&actions, output, STDOUT_FILENO);
        if (failed == 0)
            failed = posix_spawnp (
                ret, words[0], &actions, NULL, (char *const *)(uintptr_t)words,
                (char *const *)(uintptr_t)environment);
        (void)posix_spawn_file_actions_destroy (&actions);
    }
    if (failed == ENOENT)
        return error_set (
            error, ERROR_MISSING,
            "there is no ssh-keygen here to sign with an SSH key: install OpenSSH's client (openssh-client "
            "in "
            "Debian, openssh-clients in Red Hat)");
    return failed == 0 ||
           error_set (error, ERROR_SYSTEM, "ssh-keygen could not be started: %s", strerror (failed));
}

static bool wait_for (pid_t child, const char *file, enum asking asking, struct error *error)
{
    int status = -1;
    while (waitpid (child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
        return true;
    if (asking == ASK_NOBODY)
        return error_set (
            error, ERROR_REFUSED,
            "ssh-keygen could not sign with %s. If it has a passphrase: nobody can be asked for it here, so "
            "give "
            "the key to ssh-agent before, with ssh-add",
            file);
    return error_set (
        error, ERROR_REFUSED, "ssh-keygen could not sign with %s, and has said why: nothing was sent", file);
}

static bool read_signature (int output, struct arena *arena, const char **ret, struct error *error)
{
    char text[LIMIT_SIGNATURE + 1];
    ssize_t size = pread (output, text, sizeof text, 0);
    if (size < 0)
        return error_set (error, ERROR_SYSTEM, "ssh-keygen's signature can't be read: %s", strerror (errno));
    if (size > LIMIT_SIGNATURE || memchr (text, 0, (size_t)size) != NULL)
        return error_set (error, ERROR_INPUT, "what ssh-keygen wrote is no signature");
    *ret = arena_text_of (arena, text, (size_t)size);
    return true;
}

bool ssh_sign (
    struct cli *cli, const char *file, const struct public_key *key, struct bytes content,
    struct arena *arena, const char **ret, struct error *error)
{
    enum asking asking = asking_of (cli);
    const char *text = NULL;
    int input;
    int output;
    pid_t child;
    bool done;
    if (!make_streams (content, &input, &output, error))
        return false;
    done = start (file, environment_for (asking, arena), input, output, &child, error) &&
           wait_for (child, file, asking, error) && read_signature (output, arena, &text, error);
    (void)close (input);
    (void)close (output);
    if (!done)
        return false;
    if (!signature_verify (text, key, content, error))
        return error_context (error, "what ssh-keygen made with %s does not count, nothing was sent", file);
    *ret = text;
    return true;
}
