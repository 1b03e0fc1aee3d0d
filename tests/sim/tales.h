/* Stories that somebody wrote, and no seed drew: the ten good ones of which the traces are kept, and the two
   works whose every crash is tried. */
#ifndef RELEVO_TESTS_SIM_TALES_H
#define RELEVO_TESTS_SIM_TALES_H

#include "tests/sim/story.h"

enum { TALES = 10 };

struct tale {
    const char *name;
    enum phase ends; /* its first rollout's */
    void (*tell) (struct story *story);
};

extern const struct tale tales[TALES];

/* One staging and `production` hosts; deploy, test, sign-off, deploy, test, notify; nothing goes wrong. */
void tale_plain (struct story *story, unsigned production);

#endif
