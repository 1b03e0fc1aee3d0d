/* Fields of a plan's maps, each with its default: what is wrong with one is added to the list of problems,
   and the default stands in for it, so that the reading goes on. */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_FIELD_H
#define RELEVO_CONTROLLER_CORE_PLAN_FIELD_H

#include "controller/core/plan_problem.h"

/* A number of hosts, or a share of them. */
struct plan_amount {
    bool given;
    bool percent;
    uint64_t value;
};

/* Every unknown key is a problem. False where `map` is no map (a problem too). */
bool field_keys (
    struct plan_problems *problems, const struct tree *map, const char *what, const char *const *keys,
    size_t count);
/* The node at `key`; where it is absent, a problem at `place`: "WHAT needs KEY: HINT". */
const struct tree *field_need (
    struct plan_problems *problems, const struct tree *map, const struct tree *place, const char *what,
    const char *key, const char *hint);

/* An absent field gives `otherwise` without a problem. */
const char *field_text (
    struct plan_problems *problems, const struct tree *map, const char *key, size_t most,
    const char *otherwise);
const char *field_name (
    struct plan_problems *problems, const struct tree *map, const char *key, const char *otherwise);
bool field_flag (struct plan_problems *problems, const struct tree *map, const char *key, bool otherwise);
uint64_t field_number (
    struct plan_problems *problems, const struct tree *map, const char *key, uint64_t least, uint64_t most,
    uint64_t otherwise);
struct span field_span (
    struct plan_problems *problems, const struct tree *map, const char *key, struct span otherwise);
/* "3" or "25%". */
struct plan_amount field_amount (struct plan_problems *problems, const struct tree *map, const char *key);
/* A list of names, or one name. Doubled ones are a problem. */
const char **field_names (
    struct plan_problems *problems, const struct tree *map, const char *key, size_t most, size_t *ret_count);

/* The node at `key`, or `place` where there is none: where an error about that field belongs. */
const struct tree *field_place (const struct tree *map, const char *key, const struct tree *place);
/* The entry `name` of the list at `key`; else as field_place. */
const struct tree *field_entry (
    const struct tree *map, const char *key, const char *name, const struct tree *place);

#endif
