/* Signing with keys of a role of the trust document: finding them, asking for their passwords, and refusing
   early, with the names of those who could, where a key has no say. */
#ifndef RELEVO_CONTROLLER_CLI_SIGNERS_H
#define RELEVO_CONTROLLER_CLI_SIGNERS_H

#include "common/core/trust.h"
#include "controller/cli/options.h"

/* Who signs: with a key of relevo's own, or by ssh-keygen. */
struct signer {
    const char *name; /* in the trust document */
    struct secret_key key;
    const char *ssh_file;      /* NULL: `key` */
    struct public_key ssh_key; /* as the trust document has it */
};

/* One key of the role. `given` is a NAME or FILE, or NULL: the only key of the role whose secret half is in
 * KEYS. */
bool signer_load (
    struct cli *cli, const struct trust *trust, const char *role, const char *environment, const char *given,
    struct signer *ret, struct error *error);

/* The same for the SSH key in FILE (or behind FILE, where that is a .pub). Its passphrase is not asked for
 * yet. */
bool signer_load_ssh (
    struct cli *cli, const struct trust *trust, const char *role, const char *environment, const char *file,
    struct signer *ret, struct error *error);

/* Writes the document and signs it: `ret` holds one signature, memory from `arena`. An SSH key signs only
   approvals. */
bool signer_sign (
    struct cli *cli, const struct signer *signer, const struct record_type *type, const void *record,
    struct instant now, struct arena *arena, struct envelope *ret, struct error *error);
void signer_wipe (struct signer *signer);

/* Signs a document with the given keys of the role, or, where none are given, with as many as its threshold
   asks for of those that are here. */
bool signers_sign (
    struct cli *cli, const struct trust *trust, const char *role, const struct option_texts *given,
    const struct record_type *type, const void *record, struct arena *arena, struct envelope *ret,
    struct error *error);

#endif
