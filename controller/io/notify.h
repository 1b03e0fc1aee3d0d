/* Notifications, as the courier carries them out: each is one child process with a deadline, so that a slow
   target stops nobody. Webhooks are posted by this same program, started as `PROGRAM --post` with its orders
   in the environment, where other users can't read them. At most NOTIFY_MOST_RUNNING run at once; the rest
   wait. */
#ifndef RELEVO_CONTROLLER_IO_NOTIFY_H
#define RELEVO_CONTROLLER_IO_NOTIFY_H

#include <poll.h>

#include "controller/io/config.h"
#include "proto/messages.h"

enum {
    NOTIFY_MOST_RUNNING = 8,
    NOTIFY_MOST_WAITING = 4096,
    NOTIFY_DESCRIPTORS = 2 * NOTIFY_MOST_RUNNING,
};

#define NOTIFY_POST_WORD "--post"

struct notify;

struct notice {
    const char *target; /* a name of the configuration */
    const char *key;    /* the same at every try */
    const char *text;
    const struct view_head *head; /* may be NULL */
};

struct notice_result {
    const char *key;
    bool done;
    const char *text; /* what the target said, or why it was not reached: one line */
};

/* `config` must outlive it. */
struct notify *notify_new (const struct config *config);
/* Ends what still runs. */
void notify_free (struct notify **notify);

/* Copies the notice and starts it when there is room. One with a key that is under way already is taken for
   the same. An unknown target or too many waiting is an error: then no result will come. */
bool notify_push (struct notify *notify, const struct notice *notice, struct error *error);

/* The descriptors to poll; returns how many (at most NOTIFY_DESCRIPTORS). */
size_t notify_descriptors (const struct notify *notify, struct pollfd *ret);

/* On clock_steady: when notify_service must be called at the latest; 0: no such time. */
struct instant notify_deadline (const struct notify *notify);

/* Goes on with everything that runs. True: one ended, and `ret` (valid until the next call) tells how; call
   again. */
bool notify_service (struct notify *notify, struct notice_result *ret);

/* What `PROGRAM --post` does: returns the exit code. Its one line of output is the result's text. */
int notify_post (void);

#endif
