/* As whom relevod works, and what is left to the face, the process that talks to the network. */
#ifndef RELEVO_CONTROLLER_IO_RIGHTS_H
#define RELEVO_CONTROLLER_IO_RIGHTS_H

#include "common/io/log.h"
#include "common/io/privileges.h"
#include "controller/io/config.h"

struct rights {
    bool drops; /* it was started as root, and becomes `privileges` */
    struct privileges privileges;
};

/* Started as root, it must be told whom to become (`user`); started as another, it can't become anybody. */
bool rights_find (const struct config *config, struct rights *ret, struct error *error);

/* Makes the folders of state and local socket where they are missing, and gives them to the user. A state
   folder that is somebody else's and not empty is refused, in words that say what to do. */
bool rights_give_folders (const struct config *config, const struct rights *rights, struct error *error);

/* Gives up root, and then whatever a face can do without (sandbox.h, SANDBOX_LISTENS): what remains are the
   two folders, the configured ports (above 1023, where it was root), and what is open already. Before the
   process has any thread. */
bool rights_give_up (
    const struct config *config, const struct rights *rights, const struct log *log, struct error *error);

#endif
