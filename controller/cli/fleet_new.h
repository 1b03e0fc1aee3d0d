/* A new fleet: what `relevo init` is asked for, and how it is laid out.

     DIR/relevo.yaml  trust.relevo  fleet.relevo  keys/NAME.{key,pub}  person.wire
     DIR/controller/{controller.yaml, wire.key, controller.key, state/} */
#ifndef RELEVO_CONTROLLER_CLI_FLEET_NEW_H
#define RELEVO_CONTROLLER_CLI_FLEET_NEW_H

#include "controller/cli/cli.h"

enum { FLEET_ROLES_MAX = 64 };

struct fleet_role {
    const char *name;
    const char **keys;
    size_t key_count;
    uint64_t threshold;
};

/* An approver who has an SSH key already: no other is made for that name. */
struct fleet_ssh_key {
    const char *name;
    struct public_key key;
    struct bytes line; /* becomes keys/NAME.pub */
};

struct fleet_target {
    const char *name;
    const char *webhook; /* NULL: a command */
    const char **words;
    size_t word_count;
};

struct fleet_new {
    const char *folder;
    const char *name;                         /* the controller's */
    const char *listen;                       /* the address that it binds */
    const char *address;                      /* the address by which others find it */
    uint64_t port;                            /* the first of four */
    const char *password;                     /* NULL: keys without one */
    struct fleet_role roles[FLEET_ROLES_MAX]; /* all but the controller's own */
    size_t role_count;
    struct fleet_ssh_key *ssh_keys;
    size_t ssh_key_count;
    struct fleet_target *targets;
    size_t target_count;
};

/* Checks names, quorums, SSH keys and ports before anything is written. */
bool fleet_new_check (const struct fleet_new *wanted, struct error *error);
/* Writes everything. ERROR_CONFLICT where the folder holds a fleet already. */
bool fleet_new_write (
    const struct fleet_new *wanted, struct instant now, struct arena *arena, struct error *error);

#endif
