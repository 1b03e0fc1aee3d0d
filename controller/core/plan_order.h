/* The order of a plan's steps, as far as it can be judged without a fleet: what must stand before what, and
   the defaults that come from neighbouring steps. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_ORDER_H
#define RELEVO_CONTROLLER_CORE_PLAN_ORDER_H

#include "controller/core/plan_read.h"

/* Gives every step its environment, tests their reach, and manual tests and sign-offs their role.
   `profile` is NULL where it could not be read; then an unknown suite is no problem. */
void plan_order (
    struct plan_problems *problems, struct plan_draft *draft, const struct draft_profile *profile);

/* The newest deploy before the step at `index`, to `environment` or, where that is "", to any. NULL if none.
 */
const struct draft_step *plan_deploy_before (
    const struct plan_draft *draft, size_t index, const char *environment);

/* True for a deploy to all hosts of its environment that are left. */
bool plan_deploy_is_whole (const struct draft_step *step);

#endif
