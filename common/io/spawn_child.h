/* What happens between fork and exec; spawn.c's business alone. */
#ifndef RELEVO_COMMON_IO_SPAWN_CHILD_H
#define RELEVO_COMMON_IO_SPAWN_CHILD_H

#include <sys/types.h>

#include "common/io/spawn.h"

/* Everything that the child needs, made before the fork: afterwards nothing may take memory or a lock, since
   other threads of this program may have held one. */
struct spawn_plan {
    const struct spawn_options *options;
    const char *program; /* a path */
    int input;           /* descriptors, all above 2 */
    int output;
    int report;
    pid_t parent;
};

/* What the child did last, and errno, when it could not become the program. */
struct spawn_report {
    int act; /* index for spawn_act_name */
    int number;
};

/* Becomes the program, or writes a spawn_report and exits. */
_Noreturn void spawn_child (const struct spawn_plan *plan);

/* "enter the folder", … */
const char *spawn_act_name (int act);

#endif
