/* What the session may still do, once it has no privileges: its spool, names of hosts, and the two ports of
   its controller. Names are looked up in /etc/hosts and by UDP at name servers, which libc does itself; what
   it would have to load a library for (mdns, ldap) or to ask by a local socket is passed over. */
#ifndef RELEVO_AGENT_IO_SESSION_RIGHTS_H
#define RELEVO_AGENT_IO_SESSION_RIGHTS_H

#include <sys/types.h>

#include "common/core/error.h"
#include "proto/messages.h"

enum { SESSION_READS = 8 };

struct session_rights {
    int landlock; /* the kernel's ABI; 0: it has none */
    struct file_identity {
        dev_t device;
        ino_t number;
    } reads[SESSION_READS]; /* the files by which names are looked up, as they were; all zero: not there */
};

/* See sandbox_enter. `spool` is the one folder that it may change. */
bool session_rights_enter (
    struct session_rights *ret, const char *spool, const struct connection *connection, struct error *error);

/* The right to read a file is a right to that file: one that was put in its place since then, such as a new
   /etc/resolv.conf, can't be read. True where there is such a one (`why` says which): then the session must
   begin anew. */
bool session_rights_are_stale (const struct session_rights *rights, struct error *why);

#endif
