/* The installer's side of the session process: start it, notice its end, start it again. */
#ifndef RELEVO_AGENT_IO_SESSION_CHILD_H
#define RELEVO_AGENT_IO_SESSION_CHILD_H

#include <poll.h>

#include "common/core/time.h"
#include "common/io/channel.h"

enum { SESSION_CHILD_DESCRIPTORS = 2 };

struct session_child;

/* `config` is the path that the session gets as --config; `verbose`: it gets --verbose too. Nothing is
   started yet. */
struct session_child *session_child_new (const char *config, bool verbose);
/* Closes the channel, by which the session ends, and waits for that a moment before it kills. */
void session_child_free (struct session_child **child);

/* Starts it where that is due. `ret_started`: it runs anew since the last call. */
bool session_child_start (struct session_child *child, bool *ret_started, struct error *error);
/* NULL while it does not run. */
struct channel *session_child_channel (struct session_child *child);
size_t session_child_poll (const struct session_child *child, struct pollfd *ret);
/* True where it has ended; how, is in `why`. It starts again after a pause that grows. */
bool session_child_ended (struct session_child *child, struct error *why);
/* Ends one that does not keep to the form. */
void session_child_stop (struct session_child *child);
/* On clock_steady: when session_child_start is due; INT64_MAX while it runs. */
struct instant session_child_deadline (const struct session_child *child);

#endif
