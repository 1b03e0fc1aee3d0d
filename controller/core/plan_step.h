/* The steps of the plan that is signed, out of those of a draft. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_STEP_H
#define RELEVO_CONTROLLER_CORE_PLAN_STEP_H

#include "controller/core/plan_build.h"

/* Fills plan->steps. Without a fleet no step has hosts; without trust no role is checked. */
void plan_steps_build (
    struct plan_problems *problems, const struct plan_draft *draft, const struct plan_world *world,
    struct plan *plan);

#endif
