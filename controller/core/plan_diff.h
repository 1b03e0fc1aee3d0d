/* Two plans, field by field, by the table in messages.def: what one who has seen the first must look at in
   the second. Lists of names are compared as sets where only members differ, artefacts, suites and tests by
   their names, everything else by its number in the list. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_DIFF_H
#define RELEVO_CONTROLLER_CORE_PLAN_DIFF_H

#include "proto/messages.h"

/* Appends a line a difference ("steps[3].max_parallel: 1 -> 2", "steps[3].hosts: + connect-p4"); returns how
   many there are. Words from outside are escaped. */
size_t plan_diff (const struct plan *first, const struct plan *second, struct buffer *out);

#endif
