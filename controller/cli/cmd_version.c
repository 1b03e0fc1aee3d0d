#include "controller/cli/commands.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"

int cmd_version (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo version",
        .about = "Prints the version of this program.\n",
        .examples = "  relevo version\n  relevo version -o json\n"};
    struct operands operands;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (cli->format == CLI_TABLE)
        (void)printf ("relevo %s\n", RELEVO_VERSION);
    else
        output_json (cli, output_envelope ("version", json_string (RELEVO_VERSION)));
    return CLI_DONE;
}
