/* A plan for people: what is signed, and what will change where. Words from outside are escaped, so that no
   plan can move the cursor of the terminal on which it is read. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_SHOW_H
#define RELEVO_CONTROLLER_CORE_PLAN_SHOW_H

#include "proto/messages.h"

/* Appends everything that the plan says: head, artefacts, profile, suites, steps. */
void plan_show (const struct plan *plan, struct buffer *out);

/* Appends a table: host, environment, the version that runs now, the new one, and the step. `hosts` is what
   the controller knows; a host that is not among them has an unknown version ("?"). */
void plan_show_changes (
    const struct plan *plan, const struct host_row *hosts, size_t count, struct buffer *out);

#endif
