/* What the service manager that started this program is told: that it is ready, in words what it does, that
   its loop still turns, that it ends. This is the protocol of sd_notify(3), spoken through a socket that is
   opened once: relevod, which gives up the right to make such sockets, still speaks through it. */
#ifndef RELEVO_COMMON_IO_SUPERVISOR_H
#define RELEVO_COMMON_IO_SUPERVISOR_H

#include "common/core/error.h"
#include "common/core/time.h"

struct supervisor;

/* Takes the manager's address out of this process's environment, so that no child finds it there. Where
   nobody started this program that wants to be told, `ret` tells nobody, and everything below does nothing.
 */
bool supervisor_open (struct supervisor **ret, struct error *error);
void supervisor_close (struct supervisor **supervisor);

/* One line that says what the program is doing; longer than LIMIT_LINE is cut. Told with the next turn, like
   all of these, and only where it is new. */
void supervisor_say (struct supervisor *supervisor, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
/* What was started works; said once, however often it is called. */
void supervisor_ready (struct supervisor *supervisor);
/* The program ends by itself or because it was asked to. Told at once. */
void supervisor_ending (struct supervisor *supervisor);

/* To be called in every turn of the main loop, and nowhere else: the manager takes it as the proof that the
   loop turns. Never blocks; what can't be told now is told with a later turn. */
void supervisor_turn (struct supervisor *supervisor);
/* On clock_steady: when the next turn must be at the latest; INT64_MAX where nobody waits for it. */
struct instant supervisor_deadline (const struct supervisor *supervisor);

#endif
