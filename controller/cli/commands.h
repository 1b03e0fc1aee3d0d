/* The commands, a file each; `cmd_plan` and `cmd_trust` have several. */
#ifndef RELEVO_CONTROLLER_CLI_COMMANDS_H
#define RELEVO_CONTROLLER_CLI_COMMANDS_H

#include "controller/cli/cli.h"

int cmd_init (struct cli *cli, int argc, char **argv);
int cmd_key (struct cli *cli, int argc, char **argv);
int cmd_key_wire (struct cli *cli, int argc, char **argv);
int cmd_host (struct cli *cli, int argc, char **argv);
int cmd_artifact (struct cli *cli, int argc, char **argv);
int cmd_plan (struct cli *cli, int argc, char **argv);
int cmd_rollout (struct cli *cli, int argc, char **argv);
int cmd_trust (struct cli *cli, int argc, char **argv);
int cmd_audit (struct cli *cli, int argc, char **argv);
int cmd_version (struct cli *cli, int argc, char **argv);

#endif
