/* Does what the installer's core orders: one thing after the other, each in a child, so that the loop stays
   awake. What was begun when the program ends is done again after the next start. */
#ifndef RELEVO_AGENT_IO_PERFORM_H
#define RELEVO_AGENT_IO_PERFORM_H

#include <poll.h>

#include "agent/core/installer.h"
#include "agent/io/config.h"
#include "agent/io/probe.h"

enum { PERFORM_DESCRIPTORS = 2 };

struct perform_options {
    const struct agent_config *config;
    const char *spool;
    struct probe_tools tools;
};

/* What goes back to the core: DONE for an act, HAVE for the rest. Lives until the next perform_service. */
struct perform_end {
    enum installer_event_kind kind;
    bool good;
    const char *detail; /* "" where there is nothing to say */
    struct test_result result;
    const struct digest *have;
    size_t have_count;
};

struct perform;

/* What `options` point to must live as long. */
struct perform *perform_new (const struct perform_options *options);
/* Kills what still runs, except what a start command left behind. */
void perform_free (struct perform **perform);

/* Puts an effect into the queue: ACT, TAKE or LOOK. Copies all that it needs. */
void perform_add (struct perform *perform, const struct installer_effect *effect);

/* What to poll; returns how many of PERFORM_DESCRIPTORS are filled. */
size_t perform_poll (const struct perform *perform, struct pollfd *ret);
/* On clock_steady: when perform_service must be called at the latest. */
struct instant perform_deadline (const struct perform *perform);
/* Never blocks. True when one thing has ended; call it again until it says false. */
bool perform_service (struct perform *perform, struct perform_end *ret);

#endif
