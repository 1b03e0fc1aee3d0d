/* relevo: the command line of people and pipelines. */
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/io/sandbox.h"
#include "controller/cli/commands.h"

static const struct cli_command commands[] = {
    {"init", cmd_init, "a new fleet: keys, trust, configuration"},
    {"key", cmd_key, "make and list signing keys"},
    {"trust", cmd_trust, "who may say what: show, change, sign, rotate"},
    {"host", cmd_host, "invite, accept, list and remove hosts"},
    {"artifact", cmd_artifact, "put files into the depot"},
    {"plan", cmd_plan, "build, show, sign and verify plans"},
    {"rollout", cmd_rollout, "start, watch and decide"},
    {"audit", cmd_audit, "verify the whole history"},
    {"version", cmd_version, "the version of this program"},
};

static const char examples[] =
    "  relevo init fleet                        keys, trust and configuration of a new fleet\n"
    "  relevo host token                        invite a host\n"
    "  relevo plan build plan.yaml              resolve a plan, see what changes where\n"
    "  relevo rollout start plan.plan --watch   carry it out and look on\n"
    "  relevo rollout approve 7 --key ana       decide on the step that waits\n";

/* A stream that came closed must not become a socket's number: writing to it fails then, and is told. */
static void hold_streams (void)
{
    while (true) {
        int descriptor = open ("/dev/null", O_RDONLY | O_NOCTTY | O_CLOEXEC);
        if (descriptor > STDERR_FILENO)
            (void)close (descriptor);
        if (descriptor < 0 || descriptor > STDERR_FILENO)
            return;
    }
}

/* True where something of what was to be shown could not be written. Who closed a pipe knows that. */
static bool lost_output (void)
{
    struct pollfd pipe = {.fd = STDOUT_FILENO};
    bool lost = ferror (stdout) != 0;
    lost = fflush (stdout) != 0 || lost;
    if (lost && !(poll (&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0))
        (void)fputs (
            "relevo: the output could not be written, so it is not complete: is the disk full? What was done "
            "stays done\n",
            stderr);
    return lost;
}

int main (int argc, char **argv)
{
    struct cli cli = {0};
    struct error error;
    int exit_code;
    static char version[] = "version";
    hold_streams ();
    if (sodium_init () < 0) {
        (void)fputs ("relevo: the crypto library can't start: is /dev/urandom there?\n", stderr);
        return CLI_ERROR;
    }
    /* It holds keys and passwords. */
    if (!sandbox_hide (&error)) {
        (void)fprintf (stderr, "relevo: %s\n", error.text);
        return CLI_ERROR;
    }
    (void)setlocale (LC_CTYPE, "");
    (void)signal (SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp (argv[1], "--version") == 0)
        argv[1] = version;
    cli_look_at_terminals (&cli);
    exit_code = cli_dispatch (&cli, "", examples, commands, sizeof commands / sizeof commands[0], argc, argv);
    arena_free (&cli.arena);
    return lost_output () && exit_code == CLI_DONE ? CLI_ERROR : exit_code;
}
