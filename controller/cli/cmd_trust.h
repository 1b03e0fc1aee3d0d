/* The commands of `relevo trust`. */
#ifndef RELEVO_CONTROLLER_CLI_CMD_TRUST_H
#define RELEVO_CONTROLLER_CLI_CMD_TRUST_H

#include "controller/cli/cli.h"

int cmd_trust_show (struct cli *cli, int argc, char **argv);
int cmd_trust_add_key (struct cli *cli, int argc, char **argv);
int cmd_trust_remove_key (struct cli *cli, int argc, char **argv);
int cmd_trust_replace_key (struct cli *cli, int argc, char **argv);
int cmd_trust_set_threshold (struct cli *cli, int argc, char **argv);
int cmd_trust_remove_role (struct cli *cli, int argc, char **argv);
int cmd_trust_renew (struct cli *cli, int argc, char **argv);
int cmd_trust_sign (struct cli *cli, int argc, char **argv);
int cmd_trust_rotate (struct cli *cli, int argc, char **argv);

#endif
