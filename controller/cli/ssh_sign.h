/* Signing with an SSH key, by the ssh-keygen of this machine: so that the key may lie encrypted in a file, or
   in ssh-agent, and its passphrase is nobody's business but its owner's and OpenSSH's. */
#ifndef RELEVO_CONTROLLER_CLI_SSH_SIGN_H
#define RELEVO_CONTROLLER_CLI_SSH_SIGN_H

#include "controller/cli/cli.h"

/* The public key that belongs to FILE: FILE.pub, or FILE itself where its name ends in ".pub". `ret_line`
   (may be NULL) is the file's content; memory from `arena`. */
bool ssh_public_key (
    const char *file, struct arena *arena, struct public_key *ret, struct bytes *ret_line,
    struct error *error);

/* Runs `ssh-keygen -Y sign` for approvals over the content. It asks for a passphrase on the terminal, if it
   needs one; with --no-input, or without a terminal, it asks nobody. What comes back is verified with `key`;
   `*ret` is from `arena`. ERROR_MISSING where there is no ssh-keygen. */
bool ssh_sign (
    struct cli *cli, const char *file, const struct public_key *key, struct bytes content,
    struct arena *arena, const char **ret, struct error *error);

#endif
