/* `relevo-agent status`: what the journal says, without changing it; also while the agent runs. */
#ifndef RELEVO_AGENT_IO_STATUS_H
#define RELEVO_AGENT_IO_STATUS_H

#include "agent/io/config.h"
#include "common/core/text.h"

/* Appends a table: what runs, since when, what ran before, whose signature let it in, and the last receipt.
 */
bool status_print (const struct agent_config *config, struct buffer *out, struct error *error);

#endif
