/* The session: the process that talks to the network, and has no rights. A child of the installer, which it
   reaches by descriptor SESSION_CHANNEL. */
#ifndef RELEVO_AGENT_IO_SESSION_LOOP_H
#define RELEVO_AGENT_IO_SESSION_LOOP_H

#include "agent/io/config.h"
#include "common/io/log.h"

enum { SESSION_CHANNEL = 3 };

#define SESSION_MODE "--session"

/* Runs until the installer is gone. False where it could not start or go on. */
bool session_run (const struct agent_config *config, const struct log *log, struct error *error);

#endif
