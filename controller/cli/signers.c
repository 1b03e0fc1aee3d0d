#include "controller/cli/signers.h"

#include <string.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "controller/cli/ssh_sign.h"

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
        error, ERROR_INPUT,
        "%s of the role %s: name one of %s with --key, or the file of an SSH key with --ssh-key",
        count == 0 ? "there is no key here" : "there are several keys here", role->name, names.data);
    buffer_free (&names);
    return false;
}

/* The key as the trust document has it, where it is one of the role's. */
static const struct trust_key *key_in_role (
    const struct trust *trust, const struct trust_role *role, const char *environment,
    const struct public_key *key, const char *given, struct error *error)
{
    const struct trust_key *known = trust_key_of (trust, key);
    struct buffer names = {0};
    if (known != NULL && trust_role_has (trust, role, key))
        return known;
    role_names (role, &names);
    (void)error_set (
        error, ERROR_REFUSED, "the key %s %s the role %s%s%s: %s", given,
        known != NULL ? "has no part in" : "is not in the trust document, and so not in", role->name,
        environment[0] != '\0' ? " for " : "", environment, names.data);
    buffer_free (&names);
    return NULL;
}

bool signer_load (
    struct cli *cli, const struct trust *trust, const char *role, const char *environment, const char *given,
    struct signer *ret, struct error *error)
{
    const struct trust_role *wanted;
    const struct trust_key *known;
    struct signer signer = {0};
    if (!cli_settings (cli, error) || !find_role (trust, role, environment, &wanted, error) ||
        (given == NULL && !pick (cli, wanted, &given, error)) ||
        !cli_key (cli, given, &signer.key, NULL, error))
        return false;
    known = key_in_role (trust, wanted, environment, &signer.key.public, given, error);
    if (known != NULL) {
        signer.name = known->name;
        *ret = signer;
    }
    signer_wipe (&signer);
    return known != NULL;
}

bool signer_load_ssh (
    struct cli *cli, const struct trust *trust, const char *role, const char *environment, const char *file,
    struct signer *ret, struct error *error)
{
    const struct trust_role *wanted;
    const struct trust_key *known;
    struct public_key key;
    if (!find_role (trust, role, environment, &wanted, error) ||
        !ssh_public_key (file, &cli->arena, &key, NULL, error))
        return false;
    known = key_in_role (trust, wanted, environment, &key, file, error);
    if (known == NULL)
        return false;
    *ret = (struct signer){.name = known->name, .ssh_file = file, .ssh_key = known->key};
    return true;
}

static bool ssh_signs (
    struct cli *cli, const struct signer *signer, const struct record_type *type, const void *record,
    struct arena *arena, struct envelope *ret, struct error *error)
{
    const char **signatures = arena_array (arena, 1, sizeof *signatures);
    struct buffer content = {0};
    bool good = document_write (type, record, &content, error);
    if (good) {
        cli_say (cli, "signing as %s, by ssh-keygen with %s", signer->name, signer->ssh_file);
        good = ssh_sign (
            cli, signer->ssh_file, &signer->ssh_key, buffer_bytes (&content), arena, signatures, error);
    }
    if (good)
        *ret = (struct envelope){
            .content = {arena_copy (arena, content.data, content.size), content.size},
            .signatures = signatures,
            .signatures_count = 1};
    buffer_free (&content);
    return good;
}

bool signer_sign (
    struct cli *cli, const struct signer *signer, const struct record_type *type, const void *record,
    struct instant now, struct arena *arena, struct envelope *ret, struct error *error)
{
    return signer->ssh_file != NULL ? ssh_signs (cli, signer, type, record, arena, ret, error)
                                    : document_sign (type, record, &signer->key, now, arena, ret, error);
}

void signer_wipe (struct signer *signer)
{
    secret_key_wipe (&signer->key);
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
        signed_it = signer_sign (cli, &signer, type, record, clock_now (), arena, &one, error);
        signer_wipe (&signer);
        if (!signed_it)
            return false;
        all.content = one.content;
        all.signatures[all.signatures_count++] = one.signatures[0];
    }
    *ret = all;
    return true;
}
