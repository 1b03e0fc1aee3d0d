/* Numbers that are a function of their seed. Every purpose has a stream of its own, so that leaving one thing
   out of a story leaves what all others draw as it was. */
#ifndef RELEVO_TESTS_SIM_RANDOM_H
#define RELEVO_TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

struct random random_for (uint64_t seed, const char *purpose, uint64_t number);
uint64_t random_next (struct random *random);
uint64_t random_below (struct random *random, uint64_t bound); /* 0 to bound - 1; 0 where bound is 0 */
int64_t random_between (struct random *random, int64_t least, int64_t most); /* both included */
bool random_chance (struct random *random, unsigned of_a_thousand);

#endif
