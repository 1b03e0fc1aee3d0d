/* CHECK: all probes of a profile, one after the other, every interval, until they have held for
   min_healthy_time without a break, or the deadline has passed.

   resting ──interval──▶ probing ──all passed──▶ resting … ──held long enough──▶ over (good)
                            └──one failed──▶ resting, held starts anew     deadline ──▶ over (bad) */
#ifndef RELEVO_AGENT_IO_CHECK_H
#define RELEVO_AGENT_IO_CHECK_H

#include "agent/io/probe.h"

struct check;

/* `tools`, `order` and `variables` must live as long as the check. */
struct check *check_start (
    const struct probe_tools *tools, const struct act_order *order, const struct variables *variables);
/* The child that runs now, to be polled; NULL where none does. */
const struct spawn *check_spawn (const struct check *check);
/* On clock_steady: when check_service must be called at the latest. */
struct instant check_deadline (const struct check *check);
/* Never blocks. True when it is over; `ret_detail` is one line, from `arena`. */
bool check_service (struct check *check, struct arena *arena, bool *ret_good, const char **ret_detail);
void check_free (struct check **check);

#endif
