/* What a process gives up for good, for itself and for whatever it may still start: privileges that exec
   could give, core dumps, files (Landlock), system calls (seccomp). Nothing here needs root. */
#ifndef RELEVO_COMMON_IO_SANDBOX_H
#define RELEVO_COMMON_IO_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "common/core/error.h"

enum sandbox_access {
    SANDBOX_READ,   /* a file, or everything in a folder */
    SANDBOX_CHANGE, /* of a folder: read, write, make and remove files, folders and sockets in it */
};

struct sandbox_path {
    const char *path;
    enum sandbox_access access;
};

enum sandbox_network {
    SANDBOX_CONNECTS, /* to `ports`, by TCP over IPv4 and IPv6, and names may be looked up; never listens */
    SANDBOX_LISTENS,  /* on `ports` (with a 0, which the system chooses, on any) and on local sockets; never
                         connects */
};

struct sandbox_options {
    enum sandbox_network network;
    const uint16_t *ports; /* TCP */
    size_t port_count;
    const struct sandbox_path *paths; /* one that is not there is passed over */
    size_t path_count;
};

/* No core dump of this process, and none but root looks into its memory or its /proc. Undone by exec. Does
   not touch the limits that children inherit. */
bool sandbox_hide (struct error *error);

/* Hides the process, and leaves it what `options` say: no other file, no other socket, no program to run, no
   child, no memory that is both written and executed. Before the process has any thread.

   A call that no honest process makes here (exec, fork, ptrace, mount, bpf, …) kills. Of what is merely not
   on the list, SANDBOX_CONNECTS is killed too: it is started again at once. SANDBOX_LISTENS gets EPERM: a
   library's rare call must not end the one process that everybody needs.

   `ret_landlock` is the kernel's Landlock ABI. 0: it has none, and only the file modes guard files; below 4:
   ports are not guarded. seccomp must be there (ERROR_SYSTEM). */
bool sandbox_enter (const struct sandbox_options *options, int *ret_landlock, struct error *error);

/* For a process that must be able to run any command: everything stays as it is, but nothing may be gained
   (no_new_privs: no setuid program works), and nothing at or below `paths` is reached any more. What lies
   directly in a folder that leads to one of them stays as it is now: it can be used, but nothing new can be
   made beside it. `ret_landlock` as above; with 0 nothing but the file modes keeps the process away. */
bool sandbox_keep_away (const char *const *paths, size_t path_count, int *ret_landlock, struct error *error);

#endif
