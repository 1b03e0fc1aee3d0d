/* relevod without its command line. */
#ifndef RELEVO_CONTROLLER_IO_PROGRAM_H
#define RELEVO_CONTROLLER_IO_PROGRAM_H

#include <stdio.h>

#include "common/core/error.h"
#include "common/io/log.h"

/* Opens everything that the configuration names, and serves until SIGTERM or SIGINT (true), or until
   something fails. Before the process has any thread; leaves those signals blocked. */
bool program_serve (const char *config, const struct log *log, struct error *error);

/* Reads configuration, keys and journal, also beside a running relevod, and prints what is there. */
bool program_check (const char *config, FILE *out, struct error *error);

#endif
