/* The state folder: which file is where, and the small ones among them. */
#ifndef RELEVO_AGENT_IO_STATE_H
#define RELEVO_AGENT_IO_STATE_H

#include "agent/io/config.h"
#include "common/core/key.h"
#include "common/io/wire.h"

struct state_paths {
    const char *folder;
    const char *journal;
    const char *key;        /* the installer's, signs receipts */
    const char *wire;       /* the session's pair */
    const char *connection; /* written last by enrol: without it this host is not enrolled */
    const char *store;
    const char *spool;
    const char *scratch;
    const char *lock;
};

struct state_paths state_paths (const struct agent_config *config, struct arena *arena);

/* Makes the folders. Where the process is root, the spool belongs to session_user. Empties scratch/. */
bool state_prepare (const struct state_paths *paths, const struct agent_config *config, struct error *error);

/* Only one program at a time may work with the folder. The lock goes with the process. */
bool state_lock (const struct state_paths *paths, int *ret_descriptor, struct error *error);

/* `make`: where the file is missing, it is made. */
bool state_key (const struct state_paths *paths, bool make, struct secret_key *ret, struct error *error);
bool state_wire (const struct state_paths *paths, bool make, struct wire_pair *ret, struct error *error);

bool state_connection_read (
    const struct state_paths *paths, struct arena *arena, struct connection *ret, struct error *error);
bool state_connection_write (
    const struct state_paths *paths, const struct connection *connection, struct error *error);

#endif
