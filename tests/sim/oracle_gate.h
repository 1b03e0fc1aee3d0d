/* The gate's rule once more, in other words and by the truth, so that a wrong gate is found out. */
#ifndef RELEVO_TESTS_SIM_ORACLE_GATE_H
#define RELEVO_TESTS_SIM_ORACLE_GATE_H

#include "tests/sim/papers.h"

struct proof {
    const struct true_plan *plan;
    uint64_t attempt;
    struct instant now;
    const struct trust *trust; /* who may approve */
    const struct true_paper **papers;
    size_t count;
};

/* The papers of a list of digests; false where one of them was never signed by anybody. */
bool proof_of (
    const struct papers *papers, const struct true_plan *plan, uint64_t attempt, struct instant now,
    const struct trust *trust, const struct digest *digests, size_t count, struct proof *ret);
/* All that the controller has recorded about the plan and attempt. */
void proof_of_recorded (
    const struct papers *papers, const struct true_plan *plan, uint64_t attempt, struct instant now,
    const struct trust *trust, struct proof *ret);
void proof_free (struct proof *proof);

bool proof_opens (const struct proof *proof, uint64_t step, const char *host, const char **why);
bool proof_keeps (const struct proof *proof, uint64_t step, const char **why);
bool proof_is_done (const struct proof *proof, uint64_t step);
/* Something failed, or somebody said no. */
bool proof_returns (const struct proof *proof);

#endif
