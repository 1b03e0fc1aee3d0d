/* From a draft to the plan that is signed: every choice resolved against the fleet, the depot and the
   counters of earlier releases. Also used for lint, with as much of the world as is known. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_BUILD_H
#define RELEVO_CONTROLLER_CORE_PLAN_BUILD_H

#include "controller/core/plan_cohort.h"

/* What a plan is resolved against. What is NULL or not `known` is not checked. */
struct plan_world {
    const struct trust *trust;
    const struct fleet *fleet;
    struct digest fleet_digest;
    const struct plan_file *scripts; /* of plan_scripts, with their digests: those that could be read */
    size_t script_count;
    bool scripts_known;
    const struct plan_file *files; /* artefacts that lie where draft_artifact.path says */
    size_t file_count;
    const struct content_row *contents; /* of the depot */
    size_t content_count;
    bool contents_known;
    const struct host_release *counters; /* the highest release counter seen, per product */
    size_t counter_count;
    const char *const *targets; /* of notifications */
    size_t target_count;
    bool targets_known;
    struct instant now;
};

/* `draft` was ordered by plan_order. True where nothing is wrong and the whole world but the targets is
   known: then `ret` holds a plan that passes plan_check. `profile` may be NULL where it could not be read.
   All memory is of the arena of `problems`, or of what was given. */
bool plan_build (
    struct plan_problems *problems, const struct plan_draft *draft, const struct draft_profile *profile,
    const struct plan_world *world, struct plan *ret);

#endif
