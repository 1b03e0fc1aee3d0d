#include <stdio.h>

#include "common/io/clock.h"
#include "common/io/signed_file.h"
#include "controller/cli/cmd_plan.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"
#include "controller/cli/plan_sources.h"

struct verify {
    struct cli *cli;
    const char *path;
    const char *key;
    const char *trust_path;
    struct trust trust;
};

static void tell (struct cli *cli, const struct plan *plan, const char *signers)
{
    json_t *value;
    if (cli->format == CLI_TABLE) {
        (void)printf ("%s: signed by %s\n", plan->name, signers);
        return;
    }
    value = json_object ();
    (void)json_object_set_new (value, "plan", json_string (plan->name));
    (void)json_object_set_new (value, "signers", json_string (signers));
    output_json (cli, output_envelope ("verified", value));
}

/* One public key, as `minisign -V` would do it. */
static bool by_key (struct verify *verify, struct error *error)
{
    struct envelope envelope;
    struct plan plan;
    struct public_key key;
    bool signed_by = false;
    if (!cli_public_key (verify->cli, verify->key, &key, error) ||
        !plan_document_read (verify->cli, verify->path, &envelope, &plan, error))
        return false;
    (void)document_signers (&envelope, &key, 1, &signed_by);
    if (!signed_by)
        return error_set (
            error, ERROR_REFUSED, "%s has no valid signature by the key %s (of %zu signatures)", verify->path,
            verify->key, envelope.signatures_count);
    tell (verify->cli, &plan, verify->key);
    return true;
}

static bool trust_of_file (struct verify *verify, struct error *error)
{
    struct envelope envelope;
    struct digest pin;
    if (!signed_file_read (verify->trust_path, &verify->cli->arena, &envelope, error))
        return false;
    pin = digest_of (envelope.content.data, envelope.content.size);
    return accept_first_trust (&envelope, &pin, clock_now (), &verify->cli->arena, &verify->trust, error) ||
           error_context (error, "%s", verify->trust_path);
}

static bool trust_of_controller (struct verify *verify, struct error *error)
{
    struct client *client = NULL;
    struct client_inventory inventory;
    bool good = client_open (verify->cli, &client, error) &&
                client_inventory (client, &verify->cli->arena, &inventory, error);
    client_close (&client);
    if (!good)
        return error_context (error, "no trust document to verify by (use --trust FILE)");
    verify->trust = inventory.trust;
    return true;
}

static bool by_trust (struct verify *verify, struct error *error)
{
    struct envelope envelope;
    struct plan plan;
    struct buffer signers = {0};
    bool known =
        verify->trust_path != NULL ? trust_of_file (verify, error) : trust_of_controller (verify, error);
    if (!known || !signed_file_read (verify->path, &verify->cli->arena, &envelope, error))
        return false;
    if (!accept_plan (&verify->trust, &envelope, clock_now (), &verify->cli->arena, &plan, error))
        return error_context (error, "%s", verify->path);
    trust_signers (&verify->trust, ROLE_RELEASER, "", &envelope, &signers);
    tell (verify->cli, &plan, signers.data != NULL ? signers.data : "");
    buffer_free (&signers);
    return true;
}

int cmd_plan_verify (struct cli *cli, int argc, char **argv)
{
    struct verify verify = {.cli = cli};
    const struct option_row rows[] = {
        {"key", 'k', OPTION_TEXT, &verify.key, "NAME", "by this public key alone, or its file"},
        {"trust", 0, OPTION_TEXT, &verify.trust_path, "FILE", "by this trust document, without a controller"},
    };
    const struct command_line line = {
        .usage = "relevo plan verify FILE [options]",
        .about =
            "Verifies a plan as every host does: enough releasers signed it, by the newest trust document\n"
            "that follows from the one that is pinned here. Any minisign can check it too:\n"
            "minisign -V -p NAME.pub -m FILE.\n",
        .examples = "  relevo plan verify june.plan\n  relevo plan verify june.plan --trust trust.relevo\n"
                    "  relevo plan verify june.plan --key release-1\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (verify.key != NULL && verify.trust_path != NULL)
        return cli_usage (cli, "--key and --trust exclude each other: keep one of them");
    verify.path = operands.items[0];
    return (verify.key != NULL ? by_key (&verify, &error) : by_trust (&verify, &error))
               ? CLI_DONE
               : cli_fail (cli, &error);
}
