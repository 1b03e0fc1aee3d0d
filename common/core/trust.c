#include "common/core/trust.h"

#include <sodium.h>
#include <string.h>

const struct trust_key *trust_key_named (const struct trust *trust, const char *name)
{
    for (size_t i = 0; i < trust->keys_count; i++)
        if (strcmp (trust->keys[i].name, name) == 0)
            return &trust->keys[i];
    return NULL;
}

const struct trust_key *trust_key_of (const struct trust *trust, const struct public_key *key)
{
    for (size_t i = 0; i < trust->keys_count; i++)
        if (public_key_equal (&trust->keys[i].key, key))
            return &trust->keys[i];
    return NULL;
}

/* An absent wire key is nobody's: it must not find all those that have none. */
static bool wire_is_absent (const struct wire_key *wire)
{
    return sodium_is_zero (wire->bytes, sizeof wire->bytes) == 1;
}

static bool wire_equal (const struct wire_key *first, const struct wire_key *second)
{
    return memcmp (first->bytes, second->bytes, sizeof first->bytes) == 0;
}

const struct trust_key *trust_key_wired (const struct trust *trust, const struct wire_key *wire)
{
    for (size_t i = 0; i < trust->keys_count && !wire_is_absent (wire); i++)
        if (wire_equal (&trust->keys[i].wire, wire))
            return &trust->keys[i];
    return NULL;
}

const struct fleet_host *fleet_host_named (const struct fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->hosts_count; i++)
        if (strcmp (fleet->hosts[i].name, name) == 0)
            return &fleet->hosts[i];
    return NULL;
}

bool fleet_host_has_product (const struct fleet_host *host, const char *product)
{
    for (size_t i = 0; i < host->products_count; i++)
        if (strcmp (host->products[i], product) == 0)
            return true;
    return false;
}

const struct trust_role *trust_role_for (const struct trust *trust, const char *role, const char *environment)
{
    const struct trust_role *for_all = NULL;
    for (size_t i = 0; i < trust->roles_count; i++) {
        const struct trust_role *candidate = &trust->roles[i];
        if (strcmp (candidate->name, role) != 0)
            continue;
        if (candidate->environment[0] == '\0')
            for_all = candidate;
        else if (strcmp (candidate->environment, environment) == 0)
            return candidate;
    }
    return for_all;
}

bool trust_role_has (const struct trust *trust, const struct trust_role *role, const struct public_key *key)
{
    for (size_t i = 0; i < role->keys_count; i++) {
        const struct trust_key *named = trust_key_named (trust, role->keys[i]);
        if (named != NULL && public_key_equal (&named->key, key))
            return true;
    }
    return false;
}

bool trust_key_plays (const struct trust *trust, const struct trust_key *key, const char *role)
{
    for (size_t i = 0; i < trust->roles_count; i++)
        if (strcmp (trust->roles[i].name, role) == 0 && trust_role_has (trust, &trust->roles[i], &key->key))
            return true;
    return false;
}

/* Which of the role's keys signed, in the role's order, and how many different ones. A name without a key
   stands as an all-zero key, by which nothing is ever signed. */
static size_t role_signers (
    const struct trust *trust, const struct trust_role *role, const struct envelope *envelope,
    struct arena *arena, bool **ret_signed)
{
    struct public_key *keys = arena_array (arena, role->keys_count, sizeof *keys);
    *ret_signed = arena_array (arena, role->keys_count, sizeof **ret_signed);
    for (size_t i = 0; i < role->keys_count; i++) {
        const struct trust_key *named = trust_key_named (trust, role->keys[i]);
        if (named != NULL)
            keys[i] = named->key;
    }
    return document_signers (envelope, keys, role->keys_count, *ret_signed);
}

static void name_signers (
    const struct trust_role *role, const bool *signed_by, bool which, struct buffer *out)
{
    const char *between = "";
    for (size_t i = 0; i < role->keys_count; i++)
        if (signed_by[i] == which) {
            buffer_print (out, "%s%s", between, role->keys[i]);
            between = ", ";
        }
}

static bool below_threshold (
    const struct trust_role *role, const bool *signed_by, size_t different, struct error *error)
{
    struct buffer have = {0};
    struct buffer lack = {0};
    name_signers (role, signed_by, true, &have);
    name_signers (role, signed_by, false, &lack);
    (void)error_set (
        error, ERROR_REFUSED,
        "%zu of %llu signatures that the role %s needs are valid (%s); missing from: %s", different,
        (unsigned long long)role->threshold, role->name, have.size > 0 ? have.data : "none",
        lack.size > 0 ? lack.data : "nobody");
    buffer_free (&have);
    buffer_free (&lack);
    return false;
}

bool trust_verify (
    const struct trust *trust, const char *role_name, const char *environment,
    const struct envelope *envelope, struct error *error)
{
    const struct trust_role *role = trust_role_for (trust, role_name, environment);
    struct arena arena = {0};
    bool *signed_by;
    size_t different;
    bool good;
    if (role == NULL)
        return error_set (
            error, ERROR_REFUSED, "the trust document has no role %s%s%s", role_name,
            environment[0] != '\0' ? " for " : "", environment);
    if (role->threshold == 0)
        return error_set (
            error, ERROR_REFUSED, "the role %s has the threshold 0, by which anybody would do", role_name);
    different = role_signers (trust, role, envelope, &arena, &signed_by);
    good = different >= role->threshold || below_threshold (role, signed_by, different, error);
    arena_free (&arena);
    return good;
}

void trust_signers (
    const struct trust *trust, const char *role_name, const char *environment,
    const struct envelope *envelope, struct buffer *out)
{
    const struct trust_role *role = trust_role_for (trust, role_name, environment);
    struct arena arena = {0};
    bool *signed_by;
    if (role == NULL)
        return;
    (void)role_signers (trust, role, envelope, &arena, &signed_by);
    name_signers (role, signed_by, true, out);
    arena_free (&arena);
}
