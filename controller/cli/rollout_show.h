/* Small things that the rollout commands share. */
#ifndef RELEVO_CONTROLLER_CLI_ROLLOUT_SHOW_H
#define RELEVO_CONTROLLER_CLI_ROLLOUT_SHOW_H

#include "controller/cli/client.h"
#include "controller/cli/options.h"

/* The number of a rollout as a person types it; "latest" (and no word) is 0. */
bool rollout_number (const struct operands *operands, size_t place, uint64_t *ret, struct error *error);
/* "next: …" on stderr, by the state that the controller tells. */
void rollout_say_next (struct cli *cli, struct client *client, uint64_t rollout);

int cmd_rollout_start (struct cli *cli, int argc, char **argv);
int cmd_rollout_list (struct cli *cli, int argc, char **argv);

#endif
