/* The installer: the process that changes this host. It has no network sockets at all; what it knows of the
   world comes from its child, the session, and is judged by the core. */
#ifndef RELEVO_AGENT_IO_INSTALLER_LOOP_H
#define RELEVO_AGENT_IO_INSTALLER_LOOP_H

#include "agent/io/config.h"
#include "common/io/log.h"

/* Runs until TERM or INT; services keep running then. False where it could not start or go on. */
bool installer_run (const struct agent_config *config, const struct log *log, struct error *error);

#endif
