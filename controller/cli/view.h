/* The state of one rollout as a watcher knows it: whole once, then changed by each `progress`. */
#ifndef RELEVO_CONTROLLER_CLI_VIEW_H
#define RELEVO_CONTROLLER_CLI_VIEW_H

#include "common/core/arena.h"
#include "proto/messages.h"

/* All zero is an empty view. `state.whole` says that it holds something. */
struct view {
    struct arena arena;
    struct progress state; /* merged; belongs to `arena` */
};

enum view_merged {
    VIEW_CHANGED,
    VIEW_SAME, /* known already */
    VIEW_GAP,  /* something is missing: ask for the whole again */
};

enum view_merged view_merge (struct view *view, const struct progress *progress);
void view_free (struct view *view);

/* NULL where there is none. */
const struct view_step *view_step_numbered (const struct view *view, uint64_t number);
const struct view_host *view_host_named (const struct view *view, const char *name);

/* Nothing will happen by itself any more. */
bool phase_is_final (enum phase phase);
/* The exit code (enum cli_exit) that tells a script this phase. */
int phase_exit_code (enum phase phase);

#endif
