/* The host commands, in two files. */
#ifndef RELEVO_CONTROLLER_CLI_CMD_HOST_H
#define RELEVO_CONTROLLER_CLI_CMD_HOST_H

#include "controller/cli/cli.h"

int cmd_host_accept (struct cli *cli, int argc, char **argv);
int cmd_host_renew (struct cli *cli, int argc, char **argv);
int cmd_host_revoke (struct cli *cli, int argc, char **argv);

#endif
