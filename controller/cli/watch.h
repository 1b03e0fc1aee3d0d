/* Watching one rollout until it ends: the picture on a terminal, a line a change elsewhere, or its events as
 * JSON. */
#ifndef RELEVO_CONTROLLER_CLI_WATCH_H
#define RELEVO_CONTROLLER_CLI_WATCH_H

#include "controller/cli/client.h"
#include "controller/cli/view.h"

struct watch_options {
    struct span timeout; /* 0: none. Then CLI_RUNNING, and the rollout goes on */
    bool silent;         /* show nothing, only the exit code */
    bool until_approval; /* end with CLI_APPROVAL as soon as it waits for a person */
};

/* The exit code by the rollout's end; CLI_INTERRUPTED after Ctrl-C. The connection may break and come back.
 */
int watch_rollout (
    struct cli *cli, struct client *client, uint64_t rollout, const struct watch_options *options);

/* The whole state, once. */
bool watch_once (struct client *client, uint64_t rollout, struct view *view, struct error *error);
/* Shows a state once: the picture, or JSON. */
void watch_show (struct cli *cli, const struct view *view);

#endif
