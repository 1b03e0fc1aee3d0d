/* What the courier does after the fork; courier.c's business alone. */
#ifndef RELEVO_CONTROLLER_IO_COURIER_CHILD_H
#define RELEVO_CONTROLLER_IO_COURIER_CHILD_H

#include "controller/io/courier.h"

/* Gives up what the courier needs no more, and serves until the other side of `channel` is gone. It keeps the
   right to run any program, to connect anywhere and to write wherever its user may: that is what commands and
   webhooks are for. Keys and journal are out of its reach (sandbox_keep_away), also where they belong to the
   same user. */
_Noreturn void courier_child (const struct courier_options *options, int channel);

#endif
