/* Who may say what: the trust document and its roles, and the fleet document. */
#ifndef RELEVO_COMMON_CORE_TRUST_H
#define RELEVO_COMMON_CORE_TRUST_H

#include "common/core/document.h"

#define ROLE_ROOT "root"
#define ROLE_OPERATOR "operator"
#define ROLE_RELEASER "releaser"
#define ROLE_CONTROLLER "controller"
#define ROLE_FLAGS "flags"

/* Well-formed: unique names, unique public keys, thresholds between 1 and the number of the role's different
   keys, every role key exists, root, operator, releaser and controller present. */
bool trust_check (const struct trust *trust, struct error *error);
bool fleet_check (const struct fleet *fleet, struct error *error);

const struct trust_key *trust_key_named (const struct trust *trust, const char *name);
const struct trust_key *trust_key_of (const struct trust *trust, const struct public_key *key);
const struct trust_key *trust_key_wired (const struct trust *trust, const struct wire_key *wire);
const struct fleet_host *fleet_host_named (const struct fleet *fleet, const char *name);
bool fleet_host_has_product (const struct fleet_host *host, const char *product);

/* The role for that environment: an entry that names the environment goes before one for all. NULL if none.
 */
const struct trust_role *trust_role_for (
    const struct trust *trust, const char *role, const char *environment);
/* Whether the key stands in that role for any environment. */
bool trust_key_plays (const struct trust *trust, const struct trust_key *key, const char *role);
bool trust_role_has (const struct trust *trust, const struct trust_role *role, const struct public_key *key);

/* The role's threshold of different keys signed the envelope. Says who is missing. */
bool trust_verify (
    const struct trust *trust, const char *role, const char *environment, const struct envelope *envelope,
    struct error *error);

/* Appends the names of all keys of the role that signed, ", " between. */
void trust_signers (
    const struct trust *trust, const char *role, const char *environment, const struct envelope *envelope,
    struct buffer *out);

#endif
