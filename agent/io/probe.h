/* Tests and health probes: one child each, with limits and a deadline. Answers from the network are parsed in
   that child, by this same program started as `--probe`, without rights where the installer is root. */
#ifndef RELEVO_AGENT_IO_PROBE_H
#define RELEVO_AGENT_IO_PROBE_H

#include "agent/io/variables.h"
#include "common/io/spawn.h"

#define PROBE_MODE "--probe"

struct probe_tools {
    const char *store;
    const char *scratch; /* a private folder, for copies of scripts */
    const char *program; /* this one: started with PROBE_MODE */
    const char *user;    /* for network probes where the installer is root; "": nobody */
};

struct probe;

/* `test` and `variables` need to live only until this returns. */
bool probe_start (
    const struct probe_tools *tools, const struct test *test, const struct variables *variables,
    struct probe **ret, struct error *error);
/* Its child, to be polled as spawn.h says. */
const struct spawn *probe_spawn (const struct probe *probe);
/* Never blocks. True when it is over; the texts of `ret` belong to `arena`. */
bool probe_service (struct probe *probe, struct arena *arena, struct test_result *ret);
void probe_free (struct probe **probe);

/* Where the test could not even be started. */
struct test_result probe_impossible (const struct test *test, const char *why, struct arena *arena);

/* One line that every record takes: valid UTF-8 without control characters, at most LIMIT_LINE bytes. */
const char *probe_line (const char *text, struct arena *arena);

#endif
