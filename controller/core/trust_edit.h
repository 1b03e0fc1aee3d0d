/* The next trust document, as an edit of the one before it; what an edit changes; and whose signatures it
   still needs. Pure: reading, signing and asking are the command line's. */
#ifndef RELEVO_CONTROLLER_CORE_TRUST_EDIT_H
#define RELEVO_CONTROLLER_CORE_TRUST_EDIT_H

#include "common/core/trust.h"

/* A role as people write it: "ROLE", or "ROLE@ENVIRONMENT". */
struct role_name {
    const char *name;
    const char *environment; /* "" for all */
};

/* Memory from `arena`. */
bool role_name_parse (const char *text, struct arena *arena, struct role_name *ret, struct error *error);
/* The same text again. */
const char *role_name_print (const struct trust_role *role, struct arena *arena);

/* Version N + 1 with everything of `base`, whose texts it shares: `base` must live as long. */
struct trust trust_edit_begin (const struct trust *base, struct instant now, struct arena *arena);

/* What becomes of the key with which its owner's command line connects. */
enum wire_edit { EDIT_WIRE_STAYS, EDIT_WIRE_GIVEN, EDIT_WIRE_GONE };

struct key_edit {
    const char *name;
    const struct public_key *key; /* NULL: as it is */
    enum wire_edit wire_edit;
    struct wire_key wire; /* EDIT_WIRE_GIVEN */
};

/* Each of these changes `trust` (made by trust_edit_begin, memory from `arena`) or refuses with the reason
   and what to do instead. */

/* A new key, or further roles for one that is there. A role that is not there yet is made, with threshold 1.
 */
bool trust_edit_add_key (
    struct trust *trust, const struct key_edit *edit, const struct role_name *roles, size_t role_count,
    struct arena *arena, struct error *error);
/* Out of one role, or (`role` NULL) out of all. A key that has no role left is gone, and its owner's
   connection with it. */
bool trust_edit_remove_key (
    struct trust *trust, const char *name, const struct role_name *role, struct arena *arena,
    struct error *error);
/* The same name in the same roles, with another key, or another way in. */
bool trust_edit_replace_key (
    struct trust *trust, const struct key_edit *edit, struct arena *arena, struct error *error);
bool trust_edit_set_threshold (
    struct trust *trust, const struct role_name *role, uint64_t threshold, struct arena *arena,
    struct error *error);
/* A role of approvers, or one for an environment alone. */
bool trust_edit_remove_role (
    struct trust *trust, const struct role_name *role, struct arena *arena, struct error *error);

/* What can be seen to fail already: `next` is not well-formed, is not the version after `base`, is of another
   fleet, would be expired, or needs more signatures than a document can carry. */
bool trust_edit_check (
    const struct trust *base, const struct trust *next, struct instant now, struct error *error);

/* One thing that differs between two documents. Texts are of the arena. */
struct trust_change {
    char sign;        /* '+', '-' or '~' */
    const char *what; /* "key", "role" or "expiry" */
    const char *name; /* of the key or role; "" for the expiry */
    const char *text; /* in words */
};

size_t trust_changes (
    const struct trust *before, const struct trust *after, struct arena *arena, struct trust_change **ret);

/* A root key of version N, of version N + 1, or of both. */
struct trust_signer {
    const char *name;
    bool before;
    bool after;
    bool has_signed;
};

struct trust_signing {
    struct trust_signer *signers; /* each key once */
    size_t count;
    uint64_t have_before; /* different root keys of N that have signed */
    uint64_t need_before;
    uint64_t have_after;
    uint64_t need_after;
};

/* By the signatures in `envelope`, whose content is `after`. */
void trust_signing (
    const struct trust *before, const struct trust *after, const struct envelope *envelope,
    struct arena *arena, struct trust_signing *ret);
bool trust_signing_is_done (const struct trust_signing *signing);

#endif
