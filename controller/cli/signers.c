#include "controller/cli/signers.h"

#include <string.h>

#include "common/io/clock.h"
#include "common/io/file.h"

static void role_names (const struct trust_role *role, struct buffer *out)
{
    for (size_t i = 0; i < role->keys_count; i++)
        buffer_print (out, "%s%s", i > 0 ? ", " : "", role->keys[i]);
}

static bool find_role (
    const struct trust *trust, const char *role, const char *environment, const struct trust_role **ret,
    struct error *error)
{
    *ret = trust_role_for (trust, role, environment);
    return *ret != NULL || error_set (error, ERROR_MISSING, "the trust document has no role %s", role);
}

/* The keys of the role whose secret half lies in KEYS. */
static size_t keys_here (struct cli *cli, const struct trust_role *role, const char **ret, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < role->keys_count && count < most; i++)
        if (text_is_name (role->keys[i]) && file_exists (cli_key_path (cli, role->keys[i], ".key")))
            ret[count++] = role->keys[i];
    return count;
}

static bool pick (struct cli *cli, const struct trust_role *role, const char **ret, struct error *error)
{
    const char *here[2];
    struct buffer names = {0};
    size_t count = keys_here (cli, role, here, 2);
    if (count == 1) {
        *ret = here[0];
        return true;
    }
    role_names (role, &names);
    (void)error_set (
        error, ERROR_INPUT, "%s of the role %s: name one of %s with --key",
        count == 0 ? "there is no key here" : "there are several keys here", role->name, names.data);
    buffer_free (&names);
    return false;
}

bool signer_load (
    struct cli *cli, const struct trust *trust, const char *role, const char *environment, const char *given,
    struct signer *ret, struct error *error)
{
    const struct trust_role *wanted;
    const struct trust_key *known;
    struct buffer names = {0};
    struct signer signer;
    if (!cli_settings (cli, error) || !find_role (trust, role, environment, &wanted, error) ||
        (given == NULL && !pick (cli, wanted, &given, error)) ||
        !cli_key (cli, given, &signer.key, NULL, error))
        return false;
    known = trust_key_of (trust, &signer.key.public);
    if (known != NULL && trust_role_has (trust, wanted, &signer.key.public)) {
        signer.name = known->name;
        *ret = signer;
        secret_key_wipe (&signer.key);
        return true;
    }
    secret_key_wipe (&signer.key);
    role_names (wanted, &names);
    (void)error_set (
        error, ERROR_REFUSED, "the key %s has no part in the role %s%s%s: it belongs to %s", given, role,
        environment[0] != '\0' ? " for " : "", environment, names.data);
    buffer_free (&names);
    return false;
}

bool signers_sign (
    struct cli *cli, const struct trust *trust, const char *role, const struct option_texts *given,
    const struct record_type *type, const void *record, struct arena *arena, struct envelope *ret,
    struct error *error)
{
    const char *here[LIMIT_ROLE_KEYS];
    const char **names = given->items;
    size_t count = given->count;
    const struct trust_role *wanted;
    struct envelope all = {0};
    if (!cli_settings (cli, error) || !find_role (trust, role, "", &wanted, error))
        return false;
    if (count == 0) {
        names = here;
        count = keys_here (cli, wanted, here, wanted->threshold);
    }
    if (count < wanted->threshold)
        return error_set (
            error, ERROR_INPUT,
            "the role %s needs %llu signature(s) and %zu key(s) of it are here: name more with --key", role,
            (unsigned long long)wanted->threshold, count);
    all.signatures = arena_array (arena, count, sizeof *all.signatures);
    for (size_t i = 0; i < count; i++) {
        struct signer signer;
        struct envelope one;
        bool signed_it;
        if (!signer_load (cli, trust, role, "", names[i], &signer, error))
            return false;
        signed_it = document_sign (type, record, &signer.key, clock_now (), arena, &one, error);
        secret_key_wipe (&signer.key);
        if (!signed_it)
            return false;
        all.content = one.content;
        all.signatures[all.signatures_count++] = one.signatures[0];
    }
    *ret = all;
    return true;
}
