#include "controller/core/trust_edit.h"

#include <inttypes.h>
#include <string.h>

bool role_name_parse (const char *text, struct arena *arena, struct role_name *ret, struct error *error)
{
    const char *at = strchr (text, '@');
    struct role_name role = {.name = text, .environment = ""};
    if (at != NULL) {
        role.name = arena_text_of (arena, text, (size_t)(at - text));
        role.environment = at + 1;
    }
    if (!text_is_name (role.name) || (at != NULL && !text_is_name (role.environment)))
        return error_set (
            error, ERROR_INPUT,
            "\"%s\" is no role: write ROLE, or ROLE@ENVIRONMENT for one environment alone", text);
    *ret = role;
    return true;
}

const char *role_name_print (const struct trust_role *role, struct arena *arena)
{
    if (role->environment[0] == '\0')
        return role->name;
    return arena_format (arena, "%s@%s", role->name, role->environment);
}

struct trust trust_edit_begin (const struct trust *base, struct instant now, struct arena *arena)
{
    struct trust next = *base;
    next.version = base->version + 1;
    next.issued = now;
    next.keys = arena_copy (arena, base->keys, base->keys_count * sizeof *base->keys);
    next.roles = arena_copy (arena, base->roles, base->roles_count * sizeof *base->roles);
    return next;
}

/* ---------------------------------------------------------------------------------------------- finding */

static struct trust_key *key_named (struct trust *trust, const char *name)
{
    for (size_t i = 0; i < trust->keys_count; i++)
        if (strcmp (trust->keys[i].name, name) == 0)
            return &trust->keys[i];
    return NULL;
}

static struct trust_role *role_named (struct trust *trust, const struct role_name *name)
{
    for (size_t i = 0; i < trust->roles_count; i++)
        if (strcmp (trust->roles[i].name, name->name) == 0 &&
            strcmp (trust->roles[i].environment, name->environment) == 0)
            return &trust->roles[i];
    return NULL;
}

/* What was meant, where it was nearly written; NULL where nothing is near. */
static const char *nearest_key (const struct trust *trust, const char *name, struct arena *arena)
{
    const char **names = arena_array (arena, trust->keys_count, sizeof *names);
    for (size_t i = 0; i < trust->keys_count; i++)
        names[i] = trust->keys[i].name;
    return text_nearest (name, names, trust->keys_count);
}

static const char *nearest_role (const struct trust *trust, const char *text, struct arena *arena)
{
    const char **names = arena_array (arena, trust->roles_count, sizeof *names);
    for (size_t i = 0; i < trust->roles_count; i++)
        names[i] = role_name_print (&trust->roles[i], arena);
    return text_nearest (text, names, trust->roles_count);
}

static struct trust_key *wanted_key (
    struct trust *trust, const char *name, struct arena *arena, struct error *error)
{
    struct trust_key *key = key_named (trust, name);
    const char *near = key != NULL ? NULL : nearest_key (trust, name, arena);
    if (key == NULL)
        (void)error_set (
            error, ERROR_MISSING, "the trust document has no key named %s%s%s: see `relevo trust show`", name,
            near != NULL ? "; did you mean " : "", near != NULL ? near : "");
    return key;
}

static struct trust_role *wanted_role (
    struct trust *trust, const struct role_name *name, struct arena *arena, struct error *error)
{
    struct trust_role *role = role_named (trust, name);
    struct trust_role written = {.name = name->name, .environment = name->environment};
    const char *text = role_name_print (&written, arena);
    const char *near = role != NULL ? NULL : nearest_role (trust, text, arena);
    if (role == NULL)
        (void)error_set (
            error, ERROR_MISSING, "the trust document has no role %s%s%s: see `relevo trust show`", text,
            near != NULL ? "; did you mean " : "", near != NULL ? near : "");
    return role;
}

/* ---------------------------------------------------------------------------------------------- keys */

/* Nobody else may have the key or the way in: one person would count as two. */
static bool check_owner (const struct trust *trust, const struct key_edit *edit, struct error *error)
{
    const struct trust_key *other = edit->key != NULL ? trust_key_of (trust, edit->key) : NULL;
    if (other != NULL && strcmp (other->name, edit->name) != 0)
        return error_set (
            error, ERROR_CONFLICT,
            "this public key is there already as %s, and one key can't count as two: give %s further roles "
            "with `relevo trust add-key %s --role ROLE`",
            other->name, other->name, other->name);
    other = edit->wire_edit == EDIT_WIRE_GIVEN ? trust_key_wired (trust, &edit->wire) : NULL;
    if (other != NULL && strcmp (other->name, edit->name) != 0)
        return error_set (
            error, ERROR_CONFLICT,
            "this wire key is there already as that of %s: each person needs their own", other->name);
    return true;
}

static void set_wire (struct trust_key *key, const struct key_edit *edit)
{
    if (edit->wire_edit == EDIT_WIRE_GIVEN)
        key->wire = edit->wire;
    else if (edit->wire_edit == EDIT_WIRE_GONE)
        key->wire = (struct wire_key){{0}};
}

static bool add_new_key (
    struct trust *trust, const struct key_edit *edit, struct arena *arena, struct error *error)
{
    struct trust_key *keys = arena_array (arena, trust->keys_count + 1, sizeof *keys);
    if (!text_is_name (edit->name))
        return error_set (
            error, ERROR_INPUT, "\"%s\" is no name for a key: letters, digits, '.', '_' and '-', at most %d",
            edit->name, LIMIT_NAME);
    if (edit->key == NULL)
        return error_set (
            error, ERROR_MISSING,
            "%s is not in the trust document yet: give its public key with --public FILE", edit->name);
    if (trust->keys_count == LIMIT_KEYS)
        return error_set (error, ERROR_LIMIT, "a trust document has at most %d keys", LIMIT_KEYS);
    (void)memcpy (keys, trust->keys, trust->keys_count * sizeof *keys);
    keys[trust->keys_count] = (struct trust_key){.name = edit->name, .key = *edit->key};
    set_wire (&keys[trust->keys_count], edit);
    trust->keys = keys;
    trust->keys_count++;
    return true;
}

static bool make_role (
    struct trust *trust, const struct role_name *name, struct arena *arena, struct error *error)
{
    struct trust_role *roles = arena_array (arena, trust->roles_count + 1, sizeof *roles);
    if (trust->roles_count == LIMIT_ROLES)
        return error_set (error, ERROR_LIMIT, "a trust document has at most %d roles", LIMIT_ROLES);
    (void)memcpy (roles, trust->roles, trust->roles_count * sizeof *roles);
    roles[trust->roles_count] =
        (struct trust_role){.name = name->name, .environment = name->environment, .threshold = 1};
    trust->roles = roles;
    trust->roles_count++;
    return true;
}

static bool join_role (
    struct trust *trust, const char *key, const struct role_name *name, struct arena *arena,
    struct error *error)
{
    struct trust_role *role = role_named (trust, name);
    const char **keys;
    if (role == NULL && !make_role (trust, name, arena, error))
        return false;
    role = role_named (trust, name);
    for (size_t i = 0; i < role->keys_count; i++)
        if (strcmp (role->keys[i], key) == 0)
            return error_set (
                error, ERROR_CONFLICT, "%s is in the role %s already", key, role_name_print (role, arena));
    if (role->keys_count == LIMIT_ROLE_KEYS)
        return error_set (
            error, ERROR_LIMIT, "the role %s has %d keys already, and more are not possible",
            role_name_print (role, arena), LIMIT_ROLE_KEYS);
    keys = arena_array (arena, role->keys_count + 1, sizeof *keys);
    if (role->keys_count > 0)
        (void)memcpy (keys, role->keys, role->keys_count * sizeof *keys);
    keys[role->keys_count] = key;
    role->keys = keys;
    role->keys_count++;
    return true;
}

bool trust_edit_add_key (
    struct trust *trust, const struct key_edit *edit, const struct role_name *roles, size_t role_count,
    struct arena *arena, struct error *error)
{
    struct trust_key *known = key_named (trust, edit->name);
    if (!check_owner (trust, edit, error))
        return false;
    if (known != NULL && edit->key != NULL && !public_key_equal (&known->key, edit->key))
        return error_set (
            error, ERROR_CONFLICT,
            "the name %s is taken by another key: choose another name, or replace that key with `relevo "
            "trust "
            "replace-key %s --public FILE`",
            edit->name, edit->name);
    if (known == NULL && !add_new_key (trust, edit, arena, error))
        return false;
    if (known != NULL)
        set_wire (known, edit);
    for (size_t i = 0; i < role_count; i++)
        if (!join_role (trust, edit->name, &roles[i], arena, error))
            return false;
    return true;
}

bool trust_edit_replace_key (
    struct trust *trust, const struct key_edit *edit, struct arena *arena, struct error *error)
{
    struct trust_key *key = wanted_key (trust, edit->name, arena, error);
    if (key == NULL || !check_owner (trust, edit, error))
        return false;
    if (edit->key != NULL && public_key_equal (&key->key, edit->key))
        return error_set (error, ERROR_CONFLICT, "%s has this very key already", edit->name);
    if (edit->key != NULL)
        key->key = *edit->key;
    set_wire (key, edit);
    return true;
}

/* ---------------------------------------------------------------------------------------------- less */

static bool is_wanted_always (const char *role)
{
    return strcmp (role, ROLE_ROOT) == 0 || strcmp (role, ROLE_OPERATOR) == 0 ||
           strcmp (role, ROLE_RELEASER) == 0 || strcmp (role, ROLE_CONTROLLER) == 0;
}

static size_t place_in (const struct trust_role *role, const char *key)
{
    size_t place = 0;
    while (place < role->keys_count && strcmp (role->keys[place], key) != 0)
        place++;
    return place;
}

static bool check_leave (
    const struct trust_role *role, const char *key, struct arena *arena, struct error *error)
{
    const char *name = role_name_print (role, arena);
    size_t left = role->keys_count - 1;
    if (left == 0 && (is_wanted_always (role->name) && role->environment[0] == '\0'))
        return error_set (
            error, ERROR_CONFLICT,
            "%s is the only key of the role %s, which must have one: first add another with `relevo trust "
            "add-key NAME --public FILE --role %s`, or exchange it with `relevo trust replace-key`",
            key, name, name);
    if (left == 0)
        return error_set (
            error, ERROR_CONFLICT,
            "%s is the only key of the role %s: first add another with `relevo trust add-key NAME --public "
            "FILE --role %s`, or take the role away with `relevo trust remove-role %s`",
            key, name, name, name);
    return left >= role->threshold ||
           error_set (
               error, ERROR_CONFLICT,
               "without %s the role %s would have %zu key%s, and it needs %" PRIu64
               " signatures: first lower that with `relevo trust set-threshold %s %zu`, or add another key",
               key, name, left, left == 1 ? "" : "s", role->threshold, name, left);
}

static bool leave_role (struct trust_role *role, const char *key, struct arena *arena, struct error *error)
{
    size_t place = place_in (role, key);
    const char **keys;
    if (!check_leave (role, key, arena, error))
        return false;
    keys = arena_copy (arena, role->keys, role->keys_count * sizeof *keys);
    (void)memmove (&keys[place], &keys[place + 1], (role->keys_count - place - 1) * sizeof *keys);
    role->keys = keys;
    role->keys_count--;
    return true;
}

static bool has_role (const struct trust *trust, const char *key)
{
    for (size_t i = 0; i < trust->roles_count; i++)
        if (place_in (&trust->roles[i], key) < trust->roles[i].keys_count)
            return true;
    return false;
}

/* A key without a role is no one's: it must not remain as a way in. */
static void drop_idle_keys (struct trust *trust)
{
    size_t kept = 0;
    for (size_t i = 0; i < trust->keys_count; i++)
        if (has_role (trust, trust->keys[i].name))
            trust->keys[kept++] = trust->keys[i];
    trust->keys_count = kept;
}

bool trust_edit_remove_key (
    struct trust *trust, const char *name, const struct role_name *role, struct arena *arena,
    struct error *error)
{
    const struct trust_role *only = NULL;
    if (wanted_key (trust, name, arena, error) == NULL)
        return false;
    if (role != NULL) {
        only = wanted_role (trust, role, arena, error);
        if (only == NULL)
            return false;
        if (place_in (only, name) == only->keys_count)
            return error_set (
                error, ERROR_MISSING, "%s is not in the role %s", name, role_name_print (only, arena));
    }
    for (size_t i = 0; i < trust->roles_count; i++) {
        struct trust_role *left = &trust->roles[i];
        if ((only == NULL || left == only) && place_in (left, name) < left->keys_count &&
            !leave_role (left, name, arena, error))
            return false;
    }
    drop_idle_keys (trust);
    return true;
}

bool trust_edit_set_threshold (
    struct trust *trust, const struct role_name *name, uint64_t threshold, struct arena *arena,
    struct error *error)
{
    struct trust_role *role = wanted_role (trust, name, arena, error);
    if (role == NULL)
        return false;
    if (threshold == role->threshold)
        return error_set (
            error, ERROR_CONFLICT, "the role %s needs %" PRIu64 " signature%s already",
            role_name_print (role, arena), threshold, threshold == 1 ? "" : "s");
    if (threshold < 1 || threshold > role->keys_count)
        return error_set (
            error, ERROR_INPUT, "the role %s has %zu key%s: its threshold can be 1 to %zu, not %" PRIu64,
            role_name_print (role, arena), role->keys_count, role->keys_count == 1 ? "" : "s",
            role->keys_count, threshold);
    role->threshold = threshold;
    return true;
}

bool trust_edit_remove_role (
    struct trust *trust, const struct role_name *name, struct arena *arena, struct error *error)
{
    struct trust_role *role = wanted_role (trust, name, arena, error);
    size_t place;
    if (role == NULL)
        return false;
    if (is_wanted_always (role->name) && role->environment[0] == '\0')
        return error_set (
            error, ERROR_REFUSED,
            "the role %s can't be taken away: root, operator, releaser and controller "
            "must be there",
            role->name);
    place = (size_t)(role - trust->roles);
    (void)memmove (role, role + 1, (trust->roles_count - place - 1) * sizeof *role);
    trust->roles_count--;
    drop_idle_keys (trust);
    return true;
}
