/* The hosts of a product, and which step of a plan takes which of them. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_COHORT_H
#define RELEVO_CONTROLLER_CORE_PLAN_COHORT_H

#include "common/core/trust.h"
#include "controller/core/plan_order.h"

#define PLAN_STAGING "staging"

struct cohort_host {
    const struct fleet_host *host;
    size_t step; /* number of the deploy that took it; 0: none yet */
};

/* All hosts of a fleet that have the product, by name. */
struct cohort_pool {
    const struct fleet *fleet;
    const char *product;
    struct cohort_host *hosts;
    size_t count;
};

struct cohort_pool cohort_pool_make (const struct fleet *fleet, const char *product, struct arena *arena);
/* How many of the environment's hosts have the product. */
size_t cohort_environment_size (const struct cohort_pool *pool, const char *environment);

/* The hosts of a deploy, in their order, marked as taken; of a test. Fills `ret->hosts` and its count; what
   is wrong is added to `problems`, and gives no hosts. */
void cohort_of_deploy (
    struct plan_problems *problems, struct cohort_pool *pool, const struct draft_step *step,
    struct step *ret);
/* `deployed` is the step of the newest deploy before it. */
void cohort_of_test (
    struct plan_problems *problems, struct cohort_pool *pool, const struct draft_step *step,
    const struct step *deployed, struct step *ret);

#endif
