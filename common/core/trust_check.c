/* Are a trust and a fleet document well-formed? Asked once, when one is accepted. */
#include <sodium.h>
#include <string.h>

#include "common/core/trust.h"
#include "common/core/twice.h"

static bool is_zero (const uint8_t bytes[PUBLIC_KEY_SIZE])
{
    return sodium_is_zero (bytes, PUBLIC_KEY_SIZE) == 1;
}

static bool is_word (const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (word, words[i]) == 0)
            return true;
    return false;
}

/* What a list of owners of keys (people or hosts) is checked by. */
struct owners {
    const char *what;
    const char **names;
    const void **keys;
    const void **wires; /* those that are there */
    size_t count;
    size_t wire_count;
};

static struct owners owners_new (const char *what, size_t most, struct arena *arena)
{
    return (struct owners){
        .what = what,
        .names = arena_array (arena, most, sizeof (const char *)),
        .keys = arena_array (arena, most, sizeof (const void *)),
        .wires = arena_array (arena, most, sizeof (const void *))};
}

static bool owners_add (
    struct owners *owners, const char *name, const struct public_key *key, const struct wire_key *wire,
    struct error *error)
{
    if (!text_is_name (name))
        return error_set (
            error, ERROR_INPUT, "'%s' is no name for a %s: use 1 to 64 of A-Z a-z 0-9 . _ -", name,
            owners->what);
    if (is_zero (key->bytes))
        return error_set (error, ERROR_INPUT, "the %s %s has no key", owners->what, name);
    owners->names[owners->count] = name;
    owners->keys[owners->count] = key->bytes;
    owners->count++;
    if (!is_zero (wire->bytes))
        owners->wires[owners->wire_count++] = wire->bytes;
    return true;
}

/* The same key under two names would count twice, or let one host speak for another. */
static bool owners_check (struct owners *owners, struct error *error)
{
    const char *name = text_twice (owners->names, owners->count);
    char number[2 * KEY_NUMBER_SIZE + 1];
    const void *key;
    if (name != NULL)
        return error_set (error, ERROR_INPUT, "the %s %s is listed twice", owners->what, name);
    key = block_twice (owners->keys, owners->count, PUBLIC_KEY_SIZE);
    if (key == NULL)
        key = block_twice (owners->wires, owners->wire_count, WIRE_KEY_SIZE);
    if (key == NULL)
        return true;
    return error_set (
        error, ERROR_INPUT, "the same key (beginning %s) is listed for more than one %s",
        sodium_bin2hex (number, sizeof number, key, KEY_NUMBER_SIZE), owners->what);
}

static bool keys_check (const struct trust *trust, struct arena *arena, struct error *error)
{
    struct owners owners = owners_new ("key", trust->keys_count, arena);
    for (size_t i = 0; i < trust->keys_count; i++)
        if (!owners_add (&owners, trust->keys[i].name, &trust->keys[i].key, &trust->keys[i].wire, error))
            return false;
    return owners_check (&owners, error);
}

static bool role_keys_check (
    const struct trust *trust, const struct trust_role *role, struct arena *arena, struct error *error)
{
    const char **names = arena_copy (arena, role->keys, role->keys_count * sizeof *names);
    const char *twice = text_twice (names, role->keys_count);
    if (twice != NULL)
        return error_set (error, ERROR_INPUT, "the key %s is listed twice", twice);
    for (size_t i = 0; i < role->keys_count; i++)
        if (trust_key_named (trust, role->keys[i]) == NULL)
            return error_set (error, ERROR_MISSING, "there is no key named %s", role->keys[i]);
    if (role->threshold < 1)
        return error_set (
            error, ERROR_INPUT, "the threshold is 0, by which anybody would do; use at least 1");
    if (role->threshold > role->keys_count)
        return error_set (
            error, ERROR_INPUT, "the threshold %llu can't be reached with %zu keys",
            (unsigned long long)role->threshold, role->keys_count);
    return true;
}

static bool role_check (
    const struct trust *trust, const struct trust_role *role, struct arena *arena, struct error *error)
{
    static const char *const everywhere[] = {ROLE_ROOT, ROLE_RELEASER, ROLE_CONTROLLER};
    if (!text_is_name (role->name))
        return error_set (error, ERROR_INPUT, "'%s' is no name for a role", role->name);
    if (role->environment[0] != '\0' && !text_is_name (role->environment))
        return error_set (
            error, ERROR_INPUT, "role %s: '%s' is no name for an environment", role->name, role->environment);
    if (role->environment[0] != '\0' &&
        is_word (role->name, everywhere, sizeof everywhere / sizeof everywhere[0]))
        return error_set (
            error, ERROR_INPUT, "role %s: it is one for all environments, and can't be given for %s alone",
            role->name, role->environment);
    return role_keys_check (trust, role, arena, error) || error_context (error, "role %s", role->name);
}

/* The controller's key lies on a server that is online: whoever takes it must get no other say. */
static bool controller_check (const struct trust *trust, struct error *error)
{
    const struct trust_role *controller = trust_role_for (trust, ROLE_CONTROLLER, "");
    for (size_t i = 0; i < trust->roles_count; i++)
        for (size_t j = 0; j < controller->keys_count && &trust->roles[i] != controller; j++) {
            const struct trust_key *key = trust_key_named (trust, controller->keys[j]);
            if (trust_role_has (trust, &trust->roles[i], &key->key))
                return error_set (
                    error, ERROR_INPUT,
                    "the controller's key %s is also in the role %s: a key that is online must have no other",
                    key->name, trust->roles[i].name);
        }
    return true;
}

static bool roles_check (const struct trust *trust, struct arena *arena, struct error *error)
{
    static const char *const wanted[] = {ROLE_ROOT, ROLE_OPERATOR, ROLE_RELEASER, ROLE_CONTROLLER};
    const char **names = arena_array (arena, trust->roles_count, sizeof *names);
    const char *twice;
    for (size_t i = 0; i < trust->roles_count; i++) {
        const struct trust_role *role = &trust->roles[i];
        if (!role_check (trust, role, arena, error))
            return false;
        names[i] = arena_format (arena, "%s for '%s'", role->name, role->environment);
    }
    twice = text_twice (names, trust->roles_count);
    if (twice != NULL)
        return error_set (error, ERROR_INPUT, "the role %s is listed twice", twice);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (trust_role_for (trust, wanted[i], "") == NULL)
            return error_set (
                error, ERROR_MISSING,
                "the role %s is missing: root, operator, releaser and controller must be there", wanted[i]);
    return controller_check (trust, error);
}

bool trust_check (const struct trust *trust, struct error *error)
{
    struct arena arena = {0};
    bool good = trust->version > 0 || error_set (error, ERROR_INPUT, "versions count from 1");
    good = good && keys_check (trust, &arena, error) && roles_check (trust, &arena, error);
    arena_free (&arena);
    return good || error_context (error, "trust document");
}

static bool host_check (const struct fleet_host *host, struct error *error)
{
    if (!text_is_name (host->environment))
        return error_set (
            error, ERROR_INPUT, "host %s: '%s' is no name for an environment", host->name, host->environment);
    for (size_t i = 0; i < host->products_count; i++) {
        if (!text_is_name (host->products[i]))
            return error_set (
                error, ERROR_INPUT, "host %s: '%s' is no name for a product", host->name, host->products[i]);
        for (size_t j = 0; j < i; j++)
            if (strcmp (host->products[i], host->products[j]) == 0)
                return error_set (
                    error, ERROR_INPUT, "host %s: the product %s is listed twice", host->name,
                    host->products[i]);
    }
    for (size_t i = 0; i < host->labels_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp (host->labels[i].name, host->labels[j].name) == 0)
                return error_set (
                    error, ERROR_INPUT, "host %s: the label %s is given twice", host->name,
                    host->labels[i].name);
    return true;
}

bool fleet_check (const struct fleet *fleet, struct error *error)
{
    struct arena arena = {0};
    struct owners owners = owners_new ("host", fleet->hosts_count, &arena);
    bool good = fleet->version > 0 || error_set (error, ERROR_INPUT, "versions count from 1");
    for (size_t i = 0; i < fleet->hosts_count && good; i++) {
        const struct fleet_host *host = &fleet->hosts[i];
        good = owners_add (&owners, host->name, &host->key, &host->wire, error) && host_check (host, error);
    }
    good = good && owners_check (&owners, error);
    arena_free (&arena);
    return good || error_context (error, "fleet document");
}
