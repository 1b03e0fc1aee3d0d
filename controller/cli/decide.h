/* A person's decision about a rollout: its evidence is fetched and verified here, shown, and what is signed
   names exactly what was shown. */
#ifndef RELEVO_CONTROLLER_CLI_DECIDE_H
#define RELEVO_CONTROLLER_CLI_DECIDE_H

#include "controller/cli/client.h"

struct decide_options {
    const char *key;     /* NAME or FILE, NULL: the only one of the role that is here */
    const char *ssh_key; /* FILE of an SSH key, which then signs; else NULL */
    const char *comment; /* "" for none */
};

/* Shows the case on stderr, asks, signs and sends. */
bool decide_do (
    struct cli *cli, struct client *client, uint64_t rollout, enum decision decision,
    const struct decide_options *options, struct error *error);

/* The command of one decision: approve, reject, … */
int cmd_decide (struct cli *cli, enum decision decision, int argc, char **argv);

#endif
