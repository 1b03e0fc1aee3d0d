/* Becoming a host of a fleet: with a one-time token, and a person who compares fingerprints. */
#ifndef RELEVO_AGENT_IO_ENROL_H
#define RELEVO_AGENT_IO_ENROL_H

#include "agent/io/config.h"
#include "common/core/time.h"

/* "relevo1." and base64url without padding; spaces around it are fine. */
bool token_parse (const char *text, struct arena *arena, struct token *ret, struct error *error);

/* Makes the keys where they are missing, asks until a person has accepted, verifies what came with the
   acceptance from the token's pin on, and writes the first journal notes and, last, `connection`. Progress
   goes to stdout. After a crash it can be run again. */
bool enrol (
    const struct agent_config *config, const struct token *token, struct span timeout, struct error *error);

#endif
