/* relevo: the command line of people and pipelines. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "controller/cli/commands.h"

static const struct cli_command commands[] = {
    {"init", cmd_init, "a new fleet: keys, trust, configuration"},
    {"key", cmd_key, "make and list signing keys"},
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

int main (int argc, char **argv)
{
    struct cli cli = {0};
    int exit_code;
    static char version[] = "version";
    if (sodium_init () < 0) {
        (void)fputs ("relevo: the crypto library can't start: is /dev/urandom there?\n", stderr);
        return CLI_ERROR;
    }
    (void)setlocale (LC_CTYPE, "");
    (void)signal (SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp (argv[1], "--version") == 0)
        argv[1] = version;
    cli_look_at_terminals (&cli);
    exit_code = cli_dispatch (&cli, "", examples, commands, sizeof commands / sizeof commands[0], argc, argv);
    arena_free (&cli.arena);
    if (fflush (stdout) != 0 && exit_code == CLI_DONE)
        exit_code = CLI_ERROR;
    return exit_code;
}
