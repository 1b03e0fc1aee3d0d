/* Deep copies of orders: the core's live only as long as one step. */
#ifndef RELEVO_AGENT_IO_ORDER_H
#define RELEVO_AGENT_IO_ORDER_H

#include "agent/core/installer.h"

/* All of it belongs to `arena`; texts are never NULL. */
const struct act_order *order_copy (const struct act_order *order, struct arena *arena);

#endif
