#include <inttypes.h>
#include <stdio.h>

#include "common/io/clock.h"
#include "common/io/signed_file.h"
#include "controller/cli/cmd_trust.h"
#include "controller/cli/options.h"
#include "controller/cli/trust_view.h"

enum { LOOK_EVERY_MS = 500 };

/* What is to come into force: usually one document. Of several, all but the last are the way there. */
struct rotation {
    struct client *client;
    struct trust_base base;
    const char *const *paths;
    size_t count;
    struct envelope *envelopes;
    struct trust newest;
    struct span wait;
};

/* The same checks as the controller and every host make, before anything is sent. */
static bool verify (struct cli *cli, struct rotation *rotation, struct error *error)
{
    struct instant now = clock_now ();
    struct trust before = rotation->base.trust;
    rotation->envelopes = arena_array (&cli->arena, rotation->count, sizeof *rotation->envelopes);
    for (size_t i = 0; i < rotation->count; i++) {
        const char *path = rotation->paths[i];
        bool last = i + 1 == rotation->count;
        struct envelope *envelope = &rotation->envelopes[i];
        struct trust draft;
        if (!trust_draft_read (cli, path, envelope, &draft, error) ||
            (rotation->count == 1 && !trust_draft_check (&rotation->base, path, envelope, &draft, error)))
            return false;
        if (last)
            trust_view_show (cli, &before, &draft, envelope, stderr);
        if (!accept_next_trust (
                &before, envelope, last ? now : (struct instant){0}, &cli->arena, &rotation->newest, error))
            return error_context (error, "%s", path);
        before = rotation->newest;
    }
    return true;
}

static bool submit (struct cli *cli, const struct rotation *rotation, struct error *error)
{
    const struct answer *answer;
    const void *record;
    for (size_t i = 0; i < rotation->count; i++) {
        struct submit message = {.document = rotation->envelopes[i]};
        if (!client_ask_for (
                rotation->client, &submit_type, &message, &answer_type, &cli->arena, &record, error))
            return error_context (error, "the controller does not take %s", rotation->paths[i]);
        answer = record;
        cli_say (cli, "%s: %s", rotation->paths[i], answer->text);
    }
    return true;
}

static bool has_everybody (const struct inventory *raw, uint64_t version)
{
    for (size_t i = 0; i < raw->hosts_count; i++)
        if (raw->hosts[i].connected && raw->hosts[i].trust_version < version)
            return false;
    return true;
}

/* Until each host that is connected has told that it has it, or the time is up. */
static bool wait_for_hosts (struct cli *cli, struct rotation *rotation, struct error *error)
{
    struct instant end = instant_add (clock_steady (), rotation->wait);
    uint64_t version = rotation->newest.version;
    while (trust_base_of_client (cli, rotation->client, &rotation->base, error)) {
        struct message ignored;
        if (rotation->base.trust.version < version)
            return error_set (
                error, ERROR_CONFLICT, "the controller still gives version %" PRIu64 " as the newest",
                rotation->base.trust.version);
        if (has_everybody (rotation->base.raw, version) || !instant_before (clock_steady (), end))
            return true;
        if (client_next (rotation->client, (struct span){LOOK_EVERY_MS}, -1, &cli->arena, &ignored, error) ==
            CLIENT_BROKEN)
            return false;
    }
    return false;
}

static void say_result (const struct cli *cli, const struct rotation *rotation)
{
    const struct inventory *raw = rotation->base.raw;
    uint64_t version = rotation->newest.version;
    struct buffer out = {0};
    json_t *all;
    if (cli->format != CLI_TABLE) {
        all = trust_view_json (NULL, &rotation->newest, rotation->base.document);
        (void)json_object_set_new (all, "hosts", trust_view_hosts_json (raw, version));
        output_json (cli, all);
        return;
    }
    buffer_print (&out, "trust version %" PRIu64 " is in force\n", version);
    trust_view_hosts (raw, version, &out);
    (void)fwrite (out.data, 1, out.size, stdout);
    buffer_free (&out);
    if (!trust_verify (&rotation->newest, ROLE_OPERATOR, "", &raw->fleet, NULL))
        cli_say (
            cli, "next: an operator signs the fleet document anew, for those who signed it are operators no "
                 "more: relevo host renew");
    if (trust_hosts_have (raw, version) < raw->hosts_count)
        cli_say (
            cli, "the other hosts take it by themselves when they connect, and until then believe version by "
                 "version what they have; look again with: relevo trust show");
}

static bool rotate (struct cli *cli, struct rotation *rotation, struct error *error)
{
    return client_open (cli, &rotation->client, error) &&
           trust_base_of_client (cli, rotation->client, &rotation->base, error) &&
           verify (cli, rotation, error) &&
           cli_confirm (
               cli,
               arena_format (
                   &cli->arena, "Bring trust version %" PRIu64 " into force?", rotation->newest.version),
               error) &&
           submit (cli, rotation, error) && wait_for_hosts (cli, rotation, error);
}

int cmd_trust_rotate (struct cli *cli, int argc, char **argv)
{
    static const char *const standard[] = {TRUST_DRAFT};
    struct rotation rotation = {.paths = standard, .count = 1, .wait = {15000}};
    const struct option_row rows[] = {
        {"wait", 0, OPTION_SPAN, &rotation.wait, "SPAN", "for the hosts that are connected (15s)"},
    };
    const struct command_line line = {
        .usage = "relevo trust rotate [FILE…] [options]",
        .about =
            "Brings a signed draft (" TRUST_DRAFT
            ") into force: verifies it here as every host will, hands it to the\n"
            "controller, and says how many hosts have it. Several files, in order, carry a controller that\n"
            "lacks more than one version to the newest; of these only the last must not have expired.\n",
        .examples = "  relevo trust rotate\n  relevo trust rotate trust.next --wait 1m\n"
                    "  relevo trust rotate trust.2 trust.3 trust.4\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .most = LIMIT_PAGE};
    struct operands operands;
    struct error error;
    bool done;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (operands.count > 0) {
        rotation.paths = (const char *const *)operands.items;
        rotation.count = operands.count;
    }
    done = rotate (cli, &rotation, &error);
    if (done)
        say_result (cli, &rotation);
    client_close (&rotation.client);
    return done ? CLI_DONE : cli_fail (cli, &error);
}
