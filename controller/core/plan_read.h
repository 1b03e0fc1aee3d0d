/* A plan as a person writes it: from the YAML tree to a draft, in which every field has its type and its
   default, and every place is remembered. Nothing is looked up yet; see plan_order.h and plan_build.h. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_READ_H
#define RELEVO_CONTROLLER_CORE_PLAN_READ_H

#include "controller/core/plan_profile.h"

struct draft_step {
    const struct tree *word; /* "deploy", …: where errors about the whole step belong */
    const struct tree *body; /* a map */
    size_t number;           /* from 1, as the plan lists them */
    enum step_kind kind;
    const char *title;       /* "" where none was written */
    const char *environment; /* "" where none was written; plan_order gives every step its own */
    const char **hosts;
    size_t host_count;
    struct plan_amount canary; /* deploy */
    bool remaining;
    struct plan_amount max_parallel;
    struct plan_amount max_unavailable;
    struct span min_healthy_time;
    struct span healthy_deadline;
    struct span progress_deadline;
    struct span confirm_within; /* 0: never */
    const char *suite;          /* test */
    bool whole_environment; /* test: on every host of the environment that was deployed to; set by plan_order
                             */
    const char *instructions; /* manual, signoff */
    bool optional;
    const char *role; /* "" where none was written; plan_order looks for the next sign-off's */
    uint64_t approvals;
    struct span duration; /* pause */
    const char **targets; /* notify */
    size_t target_count;
};

struct draft_artifact {
    const struct tree *place;
    const char *name; /* as written */
    const char *path; /* with the plan's folder: where such a file would lie */
};

struct plan_draft {
    const struct tree *root;
    const char *name;
    const char *product;
    const char *version;
    const char *comment;
    const char *skip_staging; /* the reason; "" where staging is not skipped */
    enum on_failure on_failure;
    const struct tree *override; /* NULL: nobody may */
    const char *override_role;
    uint64_t override_approvals;
    struct span expires;              /* from the build */
    const char *profile;              /* path, with the plan's folder */
    const struct tree *profile_place; /* where it is written; `root` for the default, PRODUCT.yaml */
    struct draft_artifact *artifacts;
    size_t artifact_count;
    struct draft_suites suites;
    struct draft_step *steps;
    size_t step_count;
};

/* What can be read; everything else is in `problems`. All memory is of its arena. */
struct plan_draft plan_read (struct plan_problems *problems, const struct tree *root);

/* One step: an entry of the list `steps`. False where it is none. */
bool plan_step_read (struct plan_problems *problems, const struct tree *entry, struct draft_step *ret);

/* The suite of that name: the plan's own goes before the profile's. NULL where there is none. */
const struct draft_suite *plan_suite (
    const struct plan_draft *draft, const struct draft_profile *profile, const char *name);

/* The scripts of the health tests and of the suites that the steps use, each path once, without digests: for
   the caller to read and hash. */
struct plan_file *plan_scripts (
    const struct plan_draft *draft, const struct draft_profile *profile, struct arena *arena,
    size_t *ret_count);

#endif
