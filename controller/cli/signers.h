/* Signing with keys of a role of the trust document: finding them, asking for their passwords, and refusing
   early, with the names of those who could, where a key has no say. */
#ifndef RELEVO_CONTROLLER_CLI_SIGNERS_H
#define RELEVO_CONTROLLER_CLI_SIGNERS_H

#include "common/core/trust.h"
#include "controller/cli/options.h"

struct signer {
    struct secret_key key;
    const char *name; /* in the trust document */
};

/* One key of the role. `given` is a NAME or FILE, or NULL: the only key of the role whose secret half is in
 * KEYS. */
bool signer_load (
    struct cli *cli, const struct trust *trust, const char *role, const char *environment, const char *given,
    struct signer *ret, struct error *error);

/* Signs a document with the given keys of the role, or, where none are given, with as many as its threshold
   asks for of those that are here. */
bool signers_sign (
    struct cli *cli, const struct trust *trust, const char *role, const struct option_texts *given,
    const struct record_type *type, const void *record, struct arena *arena, struct envelope *ret,
    struct error *error);

#endif
