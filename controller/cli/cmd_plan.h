/* The commands of `relevo plan`, a file each. */
#ifndef RELEVO_CONTROLLER_CLI_CMD_PLAN_H
#define RELEVO_CONTROLLER_CLI_CMD_PLAN_H

#include "controller/cli/cli.h"

int cmd_plan_lint (struct cli *cli, int argc, char **argv);
int cmd_plan_build (struct cli *cli, int argc, char **argv);
int cmd_plan_show (struct cli *cli, int argc, char **argv);
int cmd_plan_sign (struct cli *cli, int argc, char **argv);
int cmd_plan_verify (struct cli *cli, int argc, char **argv);
int cmd_plan_diff (struct cli *cli, int argc, char **argv);

#endif
