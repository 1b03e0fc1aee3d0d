/* Making a signing key: NAME.key (0600) and NAME.pub, in minisign's formats. */
#ifndef RELEVO_CONTROLLER_CLI_NEW_KEY_H
#define RELEVO_CONTROLLER_CLI_NEW_KEY_H

#include "controller/cli/cli.h"

/* Fresh and random. The caller wipes it. */
void new_key_make (struct secret_key *ret);
/* Writes both files into `folder`, which exists. `password` NULL: without one. ERROR_CONFLICT where the
   secret key's file is there already: a key is never overwritten. */
bool new_key_write (
    const char *folder, const char *name, const struct secret_key *key, const char *password,
    struct error *error);

/* Writes NAME's secret key at `path` anew under another password: the old file or the new one, never half. */
bool new_key_change (
    const char *path, const struct secret_key *key, const char *password, struct error *error);

#endif
