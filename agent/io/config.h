/* agent.yaml: what an administrator says about this host. Everything else comes signed. */
#ifndef RELEVO_AGENT_IO_CONFIG_H
#define RELEVO_AGENT_IO_CONFIG_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "proto/messages.h"

/* Where one product lives: root/releases/NAME, root/current -> releases/NAME, root/shared. */
struct product_config {
    const char *name;
    const char *root; /* absolute */
    const struct label *variables;
    size_t variable_count;
};

struct agent_config {
    const char *file;         /* absolute path of agent.yaml */
    const char *name;         /* this host's, as in the fleet document */
    const char *state;        /* absolute */
    const char *session_user; /* "" if none */
    const char *environment;  /* "" if not told: only narrows what the session subscribes to */
    const struct label *service_environment;
    size_t service_environment_count;
    const struct product_config *products;
    size_t product_count;
};

/* Reads the file. What `ret` points to belongs to `arena`. Errors are "file:line:column: …". */
bool config_read (const char *path, struct arena *arena, struct agent_config *ret, struct error *error);

/* The same from bytes; relative paths are taken from `folder`, which is absolute. */
bool config_parse (
    struct bytes input, const char *file, const char *folder, struct arena *arena, struct agent_config *ret,
    struct error *error);

/* Fails in words that say what to add to agent.yaml. */
bool config_product (
    const struct agent_config *config, const char *name, const struct product_config **ret,
    struct error *error);

#endif
