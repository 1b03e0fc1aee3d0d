/* What commands and tests on a host may refer to: as ${name} in their words, and in their environment. */
#ifndef RELEVO_AGENT_IO_VARIABLES_H
#define RELEVO_AGENT_IO_VARIABLES_H

#include "agent/core/installer.h"
#include "agent/io/config.h"

struct variables {
    const struct label *items;
    size_t count;
};

/* RELEVO_HOST, RELEVO_ENVIRONMENT, RELEVO_PRODUCT, RELEVO_VERSION, RELEVO_PREVIOUS, RELEVO_RELEASE,
   RELEVO_CURRENT, RELEVO_ROOT, RELEVO_SHARED, the product's variables, service_environment, and a PATH where
   nobody set one. Of equal names the first counts. */
struct variables variables_make (
    const struct agent_config *config, const struct product_config *product, const struct act_order *order,
    struct arena *arena);

/* Puts values in the place of ${name}. An unknown name is an error that lists the known ones. A '$' without
   '{' is left alone. */
bool variables_expand (
    const struct variables *variables, const char *text, struct arena *arena, const char **ret,
    struct error *error);
/* A list of words, ending with NULL. `first`, where not NULL, goes before them as it is. */
bool variables_words (
    const struct variables *variables, const char *first, const char *const *words, size_t count,
    struct arena *arena, const char *const **ret, struct error *error);
/* "NAME=value", ending with NULL. */
const char *const *variables_environment (const struct variables *variables, struct arena *arena);

#endif
