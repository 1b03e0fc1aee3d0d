#include "tests/sim/random.h"

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): each state gives one
   number, and no seed is a bad one. */
static uint64_t mix (uint64_t state)
{
    state = (state ^ state >> 30) * UINT64_C (0xBF58476D1CE4E5B9);
    state = (state ^ state >> 27) * UINT64_C (0x94D049BB133111EB);
    return state ^ state >> 31;
}

uint64_t random_next (struct random *random)
{
    random->state += UINT64_C (0x9E3779B97F4A7C15);
    return mix (random->state);
}

struct random random_for (uint64_t seed, const char *purpose, uint64_t number)
{
    struct random random = {seed};
    for (const char *letter = purpose; *letter != '\0'; letter++)
        random.state = mix (random.state + (uint8_t)*letter + 1);
    random.state = mix (random.state + number * UINT64_C (0x9E3779B97F4A7C15));
    return random;
}

uint64_t random_below (struct random *random, uint64_t bound)
{
    return bound == 0 ? 0 : random_next (random) % bound;
}

int64_t random_between (struct random *random, int64_t least, int64_t most)
{
    return least + (int64_t)random_below (random, (uint64_t)(most - least) + 1);
}

bool random_chance (struct random *random, unsigned of_a_thousand)
{
    return random_below (random, 1000) < of_a_thousand;
}
