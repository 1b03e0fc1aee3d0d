#include <stdio.h>
#include <string.h>

#include "common/core/document.h"
#include "common/core/trust.h"
#include "common/io/clock.h"
#include "common/io/signed_file.h"
#include "controller/cli/cmd_plan.h"
#include "controller/cli/options.h"
#include "controller/cli/plan_sources.h"
#include "controller/core/plan_show.h"

/* On stderr: stdout stays for data. */
static void show (const struct cli *cli, const struct plan *plan)
{
    struct buffer out = {0};
    if (cli->quiet)
        return;
    plan_show (plan, &out);
    buffer_text (&out, "\n");
    plan_show_changes (plan, NULL, 0, &out);
    (void)fwrite (out.data, 1, out.size, stderr);
    buffer_free (&out);
}

static bool add_signature (
    struct cli *cli, const char *path, const struct envelope *envelope, const struct secret_key *key,
    struct error *error)
{
    const char *slash = strrchr (path, '/');
    const char *written = NULL;
    struct buffer comment = {0};
    struct buffer signature = {0};
    bool good;
    signature_comment (clock_now (), slash != NULL ? slash + 1 : path, &comment);
    good = signature_make (key, envelope->content, comment.data, &signature, error) &&
           signed_file_add (path, signature.data, &cli->arena, &written, error);
    if (good)
        (void)printf ("%s\n", written);
    buffer_free (&comment);
    buffer_free (&signature);
    return good;
}

/* The trust document that is pinned here may not be the newest: so this is a hint, and no refusal. */
static void say_next (struct cli *cli, const char *path, const char *name, const struct public_key *key)
{
    struct arena arena = {0};
    struct envelope envelope;
    struct trust trust;
    bool known = cli_settings (cli, NULL) &&
                 signed_file_read (cli->settings.trust, &arena, &envelope, NULL) &&
                 document_read (&trust_type, envelope.content, &arena, &trust, NULL);
    const struct trust_role *role = known ? trust_role_for (&trust, ROLE_RELEASER, "") : NULL;
    if (role != NULL && !trust_role_has (&trust, role, key))
        cli_say (
            cli,
            "%s has signed, but %s does not name it as a releaser: hosts count releasers' signatures only",
            name, cli->settings.trust);
    else
        cli_say (cli, "%s has signed; next: relevo rollout start %s", name, path);
    arena_free (&arena);
}

static bool sign (struct cli *cli, const char *path, const char *key_name, struct error *error)
{
    struct envelope envelope;
    struct plan plan;
    struct secret_key key;
    const char *name = NULL;
    bool good;
    if (!plan_document_read (cli, path, &envelope, &plan, error))
        return false;
    if (!instant_before (clock_now (), plan.expires))
        return error_set (error, ERROR_EXPIRED, "%s has expired: build it again", path);
    show (cli, &plan);
    if (!cli_confirm (
            cli, arena_format (&cli->arena, "Sign plan %s with key %s?", plan.name, key_name), error) ||
        !cli_key (cli, key_name, &key, &name, error))
        return false;
    good = add_signature (cli, path, &envelope, &key, error);
    if (good)
        say_next (cli, path, name, &key.public);
    secret_key_wipe (&key);
    return good;
}

int cmd_plan_sign (struct cli *cli, int argc, char **argv)
{
    const char *key = NULL;
    const struct option_row rows[] = {
        {"key", 'k', OPTION_TEXT, &key, "NAME", "the key to sign with, or its file"},
    };
    const struct command_line line = {
        .usage = "relevo plan sign FILE --key NAME [options]",
        .about = "Shows what is about to be signed, asks, and puts the signature beside the plan. Who signs\n"
                 "with a second key adds a second signature.\n",
        .examples = "  relevo plan sign connect-2026.06.1.plan --key release-1\n"
                    "  relevo plan sign june.plan --key ./ci.key --password-file pw --yes\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (key == NULL)
        return cli_usage (cli, "--key is missing: name the key to sign with; see `relevo key list`");
    return sign (cli, operands.items[0], key, &error) ? CLI_DONE : cli_fail (cli, &error);
}
