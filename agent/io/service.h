/* The profile's start and stop commands. */
#ifndef RELEVO_AGENT_IO_SERVICE_H
#define RELEVO_AGENT_IO_SERVICE_H

#include "agent/io/variables.h"
#include "common/io/spawn.h"

/* Runs the command in the product's folder. `leaves`: what it leaves in the background goes on. An unknown
   ${variable} is an error. A command without words is no command: the caller asks first. */
bool service_start (
    const struct command *command, const char *folder, const struct variables *variables, bool leaves,
    struct spawn **ret, struct error *error);

/* True where it went well; else `ret_detail` says why, with the last line that it wrote. */
bool service_judge (
    const struct spawn_result *result, const char *what, struct arena *arena, const char **ret_detail);

#endif
