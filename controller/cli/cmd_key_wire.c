#include <stdio.h>

#include "common/io/file.h"
#include "controller/cli/commands.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"

static bool make_or_read (struct cli *cli, const char *path, struct wire_key *ret, struct error *error)
{
    struct wire_pair pair;
    bool good;
    if (file_exists (path)) {
        good = wire_pair_read (path, &pair, error);
    } else {
        wire_pair_make (&pair);
        good = wire_pair_write (path, &pair, error);
        if (good)
            cli_say (cli, "wrote %s: name it as `wire_key` in relevo.yaml, and keep it to yourself", path);
    }
    *ret = pair.public;
    wire_pair_wipe (&pair);
    return good;
}

int cmd_key_wire (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo key wire FILE",
        .about = "Prints the public half of the key with which a command line proves who it is, and makes "
                 "the key\n"
                 "where FILE is not there yet. The trust document lets its owner in:\n"
                 "`relevo trust add-key NAME … --wire KEY`.\n",
        .examples = "  relevo key wire ~/.config/relevo/person.wire\n",
        .least = 1,
        .most = 1};
    struct operands operands;
    struct wire_key key;
    struct error error;
    char text[WIRE_TEXT_SIZE];
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!make_or_read (cli, operands.items[0], &key, &error))
        return cli_fail (cli, &error);
    if (cli->format == CLI_TABLE)
        (void)printf ("%s\n", wire_key_print (&key, text));
    else
        output_json (cli, output_envelope ("wire_key", json_string (wire_key_print (&key, text))));
    return CLI_DONE;
}
