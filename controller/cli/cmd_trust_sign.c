#include <stdio.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/io/signed_file.h"
#include "controller/cli/cmd_trust.h"
#include "controller/cli/options.h"
#include "controller/cli/trust_view.h"

struct signing {
    const char *path;
    const char *key;
    const char *current;
    struct trust_base base;
    struct envelope envelope;
    struct trust draft;
};

/* Whose signature counts for neither document does not sign. */
static bool check_signer (
    const struct signing *signing, const char *name, const struct public_key *key, struct error *error)
{
    const struct trust *base = &signing->base.trust;
    const struct trust *draft = &signing->draft;
    if (trust_role_has (base, trust_role_for (base, ROLE_ROOT, ""), key) ||
        trust_role_has (draft, trust_role_for (draft, ROLE_ROOT, ""), key))
        return true;
    return error_set (
        error, ERROR_REFUSED,
        "%s is a root key neither of version %llu nor of version %llu: its signature would count for nothing",
        name, (unsigned long long)base->version, (unsigned long long)draft->version);
}

static bool add_signature (
    struct cli *cli, const struct signing *signing, const struct secret_key *key, struct error *error)
{
    const char *slash = strrchr (signing->path, '/');
    const char *written = NULL;
    struct buffer comment = {0};
    struct buffer signature = {0};
    bool good;
    signature_comment (clock_now (), slash != NULL ? slash + 1 : signing->path, &comment);
    good = signature_make (key, signing->envelope.content, comment.data, &signature, error) &&
           signed_file_add (signing->path, signature.data, &cli->arena, &written, error);
    if (good)
        (void)printf ("%s\n", written);
    buffer_free (&comment);
    buffer_free (&signature);
    return good;
}

static bool say_next (struct cli *cli, const struct signing *signing, const char *name, struct error *error)
{
    struct trust_signing now;
    struct envelope envelope;
    struct buffer missing = {0};
    if (!signed_file_read (signing->path, &cli->arena, &envelope, error))
        return false;
    trust_signing (&signing->base.trust, &signing->draft, &envelope, &cli->arena, &now);
    for (size_t i = 0; i < now.count; i++)
        if (!now.signers[i].has_signed && ((now.signers[i].before && now.have_before < now.need_before) ||
                                           (now.signers[i].after && now.have_after < now.need_after)))
            buffer_print (&missing, "%s%s", missing.size > 0 ? ", " : "", now.signers[i].name);
    if (trust_signing_is_done (&now))
        cli_say (cli, "%s has signed, and that is enough; next: relevo trust rotate %s", name, signing->path);
    else
        cli_say (
            cli,
            "%s has signed: %llu of %llu by version %llu, %llu of %llu by version %llu; still to sign: %s",
            name, (unsigned long long)now.have_before, (unsigned long long)now.need_before,
            (unsigned long long)signing->base.trust.version, (unsigned long long)now.have_after,
            (unsigned long long)now.need_after, (unsigned long long)signing->draft.version, missing.data);
    buffer_free (&missing);
    return true;
}

static bool sign (struct cli *cli, struct signing *signing, struct error *error)
{
    struct secret_key key;
    const char *name = NULL;
    bool good;
    if (!trust_draft_read (cli, signing->path, &signing->envelope, &signing->draft, error) ||
        !trust_base_load (cli, signing->current, &signing->base, error) ||
        !trust_draft_check (&signing->base, signing->path, &signing->envelope, &signing->draft, error))
        return false;
    trust_view_show (cli, &signing->base.trust, &signing->draft, &signing->envelope, stderr);
    if (!cli_confirm (
            cli,
            arena_format (
                &cli->arena, "Sign trust version %llu with key %s?",
                (unsigned long long)signing->draft.version, signing->key),
            error) ||
        !cli_key (cli, signing->key, &key, &name, error))
        return false;
    good = check_signer (signing, name, &key.public, error) && add_signature (cli, signing, &key, error) &&
           say_next (cli, signing, name, error);
    secret_key_wipe (&key);
    return good;
}

int cmd_trust_sign (struct cli *cli, int argc, char **argv)
{
    struct signing signing = {.path = TRUST_DRAFT};
    const struct option_row rows[] = {
        {"key", 'k', OPTION_TEXT, &signing.key, "NAME|FILE", "the root key to sign with"},
        {"current", 0, OPTION_TEXT, &signing.current, "FILE",
         "the document in force, saved by `trust show`: no network needed"},
    };
    const struct command_line line = {
        .usage = "relevo trust sign [FILE] --key NAME [options]",
        .about = "Shows what a draft (" TRUST_DRAFT
                 ") changes, asks, and puts the signature beside it. Enough roots of the\n"
                 "version in force and of the new one have to sign; on a machine without a network the "
                 "version in\n"
                 "force comes from --current.\n",
        .examples = "  relevo trust sign --key root-1\n"
                    "  relevo trust sign trust.next --key ./root-2.key --current trust.now\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .most = 1};
    struct operands operands;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (signing.key == NULL)
        return cli_usage (cli, "--key is missing: name the root key to sign with; see `relevo trust show`");
    if (operands.count > 0)
        signing.path = operands.items[0];
    return sign (cli, &signing, &error) ? CLI_DONE : cli_fail (cli, &error);
}
