/* A product profile: how a product is started, stopped, probed and tested on a host.

     product: rstudio-connect
     start: {command: [words] or "shell text", deadline: 1m}
     stop:  {command: …, deadline: 1m}
     health: [tests]              health_interval: 1s      keep_releases: 3
     suites: {NAME: [tests]}

   A text as command stands for ["/bin/sh", "-c", text]; nothing is split into words. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_PROFILE_H
#define RELEVO_CONTROLLER_CORE_PLAN_PROFILE_H

#include "controller/core/plan_test.h"

struct draft_profile {
    const struct tree *root;
    const char *product;
    struct command start;
    struct command stop;
    struct draft_tests health;
    struct span health_interval;
    uint64_t keep_releases;
    struct draft_suites suites;
};

/* What can be read; everything else is in `problems`. All memory is of its arena. */
struct draft_profile plan_profile_read (struct plan_problems *problems, const struct tree *root);

#endif
