/* controller.yaml: what relevod is told at its start. Every error says file, line and column, and what to
   write instead. Relative paths are relative to the file's folder. */
#ifndef RELEVO_CONTROLLER_IO_CONFIG_H
#define RELEVO_CONTROLLER_IO_CONFIG_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "common/core/text.h"
#include "common/core/time.h"

enum { CONFIG_MOST_TARGETS = 256, CONFIG_MOST_HEADERS = 32 };

/* Where notifications go: a URL that is posted to, or a command that is run. */
struct target {
    const char *name;
    const char *webhook;  /* NULL: a command */
    const char **headers; /* webhook: "Name: value" */
    size_t header_count;
    const char **words; /* command */
    size_t word_count;
    struct span deadline; /* of one try */
};

struct config {
    const char *name;
    const char *state; /* folder: journal.sqlite, depot/, lock, endpoints */
    const char *user;  /* whom relevod becomes where it is started as root; "" if none */
    const char *agents;
    const char *publish;
    const char *people;
    const char *local;
    const char *wire_key;
    const char *signing_key;
    const char *trust;
    const char *fleet;
    struct span heartbeat;
    struct span tick;
    struct span permit_life;
    struct span notice_retry;
    struct target *targets;
    size_t target_count;
};

/* Reads and checks the file. Everything in `ret` belongs to `arena`. */
bool config_read (const char *path, struct arena *arena, struct config *ret, struct error *error);

/* The same for bytes in hand; `file` is shown in errors, `folder` is what relative paths start from. */
bool config_parse (
    struct bytes input, const char *file, const char *folder, struct arena *arena, struct config *ret,
    struct error *error);

/* NULL where no target has this name. */
const struct target *config_target (const struct config *config, const char *name);

#endif
