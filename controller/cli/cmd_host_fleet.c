/* Changes of the fleet document: the next version, signed here, so that a controller can't invent a host. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/io/clock.h"
#include "controller/cli/client.h"
#include "controller/cli/cmd_host.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"
#include "controller/cli/signers.h"

enum { DAYS_VALID = 365 };

/* Version N + 1 with these hosts. */
static bool submit_fleet (
    struct cli *cli, struct client *client, const struct client_inventory *inventory,
    struct fleet_host *hosts, size_t count, const struct option_texts *keys, struct error *error)
{
    struct instant now = clock_now ();
    struct fleet next = {
        .version = inventory->fleet.version + 1, .issued = now, .hosts = hosts, .hosts_count = count};
    struct submit submit = {0};
    const void *answer;
    next.expires = instant_add (now, span_seconds (DAYS_VALID * INT64_C (86400)));
    return fleet_check (&next, error) &&
           signers_sign (
               cli, &inventory->trust, ROLE_OPERATOR, keys, &fleet_type, &next, &cli->arena, &submit.document,
               error) &&
           client_ask_for (client, &submit_type, &submit, &answer_type, &cli->arena, &answer, error);
}

static const struct pending_row *pending_named (const struct inventory *raw, const char *name)
{
    for (size_t i = 0; i < raw->pending_count; i++)
        if (strcmp (raw->pending[i].name, name) == 0)
            return &raw->pending[i];
    return NULL;
}

/* People type fingerprints with and without their dashes, in either case. */
static bool fingerprint_is (const char *typed, const char *shown)
{
    for (;;) {
        while (*typed != '\0' && !isxdigit ((unsigned char)*typed))
            typed++;
        while (*shown != '\0' && !isxdigit ((unsigned char)*shown))
            shown++;
        if (*typed == '\0' || *shown == '\0')
            return *typed == *shown;
        if (tolower ((unsigned char)*typed++) != tolower ((unsigned char)*shown++))
            return false;
    }
}

struct acceptance {
    const char *name;
    const char *environment;
    const char *fingerprint;
    struct option_texts products;
    struct option_texts labels;
    struct option_texts keys;
};

static bool check_fingerprint (
    struct cli *cli, const struct acceptance *wanted, const struct pending_row *row, struct error *error)
{
    char shown[FINGERPRINT_TEXT_SIZE];
    struct buffer question = {0};
    bool good;
    (void)key_fingerprint (&row->key, &row->wire, shown);
    if (wanted->fingerprint != NULL)
        return fingerprint_is (wanted->fingerprint, shown) ||
               error_set (
                   error, ERROR_REFUSED, "%s has the fingerprint %s, not that one: nothing was done",
                   wanted->name, shown);
    cli_say (cli, "%s shows the fingerprint %s", wanted->name, shown);
    buffer_print (
        &question, "Does the host itself show the same, and does it belong to %s?", wanted->environment);
    good = cli_confirm (cli, question.data, error);
    buffer_free (&question);
    return good;
}

static bool make_labels (
    struct cli *cli, const struct option_texts *given, struct fleet_host *host, struct error *error)
{
    host->labels = arena_array (&cli->arena, given->count, sizeof *host->labels);
    for (size_t i = 0; i < given->count; i++) {
        const char *equals = strchr (given->items[i], '=');
        if (equals == NULL || equals == given->items[i])
            return error_set (error, ERROR_INPUT, "--label wants NAME=VALUE, not \"%s\"", given->items[i]);
        host->labels[host->labels_count++] = (struct label){
            arena_text_of (&cli->arena, given->items[i], (size_t)(equals - given->items[i])), equals + 1};
    }
    return true;
}

/* A host that enrols again keeps its place and gets its new keys. */
static bool accept_host (
    struct cli *cli, struct client *client, const struct acceptance *wanted, struct error *error)
{
    struct client_inventory inventory;
    const struct pending_row *row;
    struct fleet_host host = {.name = wanted->name, .environment = wanted->environment};
    struct fleet_host *hosts;
    size_t count = 0;
    if (!client_inventory (client, &cli->arena, &inventory, error))
        return false;
    row = pending_named (inventory.raw, wanted->name);
    if (row == NULL)
        return error_set (
            error, ERROR_MISSING,
            "no host %s waits: see `relevo host list`, or invite it with `relevo host token`", wanted->name);
    if (!check_fingerprint (cli, wanted, row, error) || !make_labels (cli, &wanted->labels, &host, error))
        return false;
    host.key = row->key;
    host.wire = row->wire;
    host.products = wanted->products.items;
    host.products_count = wanted->products.count;
    hosts = arena_array (&cli->arena, inventory.fleet.hosts_count + 1, sizeof *hosts);
    for (size_t i = 0; i < inventory.fleet.hosts_count; i++)
        if (strcmp (inventory.fleet.hosts[i].name, wanted->name) != 0)
            hosts[count++] = inventory.fleet.hosts[i];
    hosts[count++] = host;
    return submit_fleet (cli, client, &inventory, hosts, count, &wanted->keys, error);
}

int cmd_host_accept (struct cli *cli, int argc, char **argv)
{
    struct acceptance wanted = {0};
    const struct option_row rows[] = {
        {"environment", 'e', OPTION_TEXT, &wanted.environment, "NAME", "staging, production, …"},
        {"product", 'p', OPTION_TEXTS, &wanted.products, "NAME", "that it runs; repeatable"},
        {"label", 'l', OPTION_TEXTS, &wanted.labels, "NAME=VALUE", "repeatable"},
        {"fingerprint", 'f', OPTION_TEXT, &wanted.fingerprint, "TEXT",
         "that the host shows; else you are asked"},
        {"key", 'k', OPTION_TEXTS, &wanted.keys, "NAME|FILE", "operator key; repeatable"},
    };
    const struct command_line line = {
        .usage = "relevo host accept HOST [options]",
        .about =
            "Takes a waiting host into the fleet: signs the next fleet document with an operator's key.\n",
        .examples = "  relevo host accept connect-p1 --environment production --product rstudio-connect\n"
                    "  relevo host accept connect-p1 -e production -p rstudio-connect -l rack=4 --yes\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    bool done;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    wanted.name = operands.items[0];
    if (wanted.environment == NULL || wanted.products.count == 0)
        return cli_usage (cli, "say where the host belongs: --environment NAME --product NAME");
    done = client_open (cli, &client, &error) && accept_host (cli, client, &wanted, &error);
    client_close (&client);
    if (!done)
        return cli_fail (cli, &error);
    cli_say (cli, "%s belongs to %s now", wanted.name, wanted.environment);
    return CLI_DONE;
}

static bool revoke (
    struct cli *cli, struct client *client, const char *name, const struct option_texts *keys,
    struct error *error)
{
    struct client_inventory inventory;
    struct fleet_host *hosts;
    struct buffer question = {0};
    size_t count = 0;
    bool good;
    if (!client_inventory (client, &cli->arena, &inventory, error))
        return false;
    if (fleet_host_named (&inventory.fleet, name) == NULL)
        return error_set (error, ERROR_MISSING, "no host is called %s: see `relevo host list`", name);
    buffer_print (&question, "Remove %s from the fleet? Its keys are not believed any more.", name);
    good = cli_confirm (cli, question.data, error);
    buffer_free (&question);
    if (!good)
        return false;
    hosts = arena_array (&cli->arena, inventory.fleet.hosts_count, sizeof *hosts);
    for (size_t i = 0; i < inventory.fleet.hosts_count; i++)
        if (strcmp (inventory.fleet.hosts[i].name, name) != 0)
            hosts[count++] = inventory.fleet.hosts[i];
    return submit_fleet (cli, client, &inventory, hosts, count, keys, error);
}

int cmd_host_revoke (struct cli *cli, int argc, char **argv)
{
    struct option_texts keys = {0};
    const struct option_row rows[] = {
        {"key", 'k', OPTION_TEXTS, &keys, "NAME|FILE", "operator key; repeatable"},
    };
    const struct command_line line = {
        .usage = "relevo host revoke HOST [options]",
        .about = "Removes a host from the fleet: signs the next fleet document without it. What it runs goes "
                 "on running.\n",
        .examples = "  relevo host revoke connect-p1\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    bool done;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    done = client_open (cli, &client, &error) && revoke (cli, client, operands.items[0], &keys, &error);
    client_close (&client);
    if (!done)
        return cli_fail (cli, &error);
    cli_say (cli, "%s does not belong to the fleet any more", operands.items[0]);
    return CLI_DONE;
}

static void show_hosts (const struct cli *cli, const struct fleet *fleet)
{
    static const char *const headings[] = {"HOST", "ENVIRONMENT", "FINGERPRINT"};
    struct table *table = table_new (headings, sizeof headings / sizeof headings[0]);
    struct buffer out = {0};
    for (size_t i = 0; i < fleet->hosts_count; i++) {
        const struct fleet_host *host = &fleet->hosts[i];
        char text[FINGERPRINT_TEXT_SIZE];
        table_add (
            table, (const char *const[]){
                       host->name, host->environment, key_fingerprint (&host->key, &host->wire, text)});
    }
    table_print (table, 0, &out);
    table_free (&table);
    if (!cli->quiet)
        (void)fwrite (out.data, 1, out.size, stderr);
    buffer_free (&out);
}

/* The document may be signed by those who were operators once, or have expired: whoever signs it anew vouches
   for what stands in it, and so is shown all of it. */
static bool renew (
    struct cli *cli, struct client *client, const struct option_texts *keys, struct error *error)
{
    struct client_inventory inventory;
    struct fleet *fleet = &inventory.fleet;
    const struct envelope *envelope;
    struct buffer question = {0};
    bool good;
    if (!client_trust (client, &cli->arena, &inventory, error))
        return false;
    envelope = &inventory.raw->fleet;
    if (inventory.fleet_trust == 0)
        return error_set (
            error, ERROR_REFUSED,
            "the controller's fleet document was signed by operators of no trust version: it is not one to "
            "sign anew");
    if (!document_read (&fleet_type, envelope->content, &cli->arena, fleet, error) ||
        !fleet_check (fleet, error))
        return false;
    show_hosts (cli, fleet);
    if (inventory.fleet_trust < inventory.trust.version)
        cli_say (
            cli, "the operators of trust version %" PRIu64 " signed this, and they are operators no more",
            inventory.fleet_trust);
    buffer_print (
        &question, "Sign fleet version %" PRIu64 " with these %zu hosts?", fleet->version + 1,
        fleet->hosts_count);
    good = cli_confirm (cli, question.data, error) &&
           submit_fleet (cli, client, &inventory, fleet->hosts, fleet->hosts_count, keys, error);
    buffer_free (&question);
    return good;
}

int cmd_host_renew (struct cli *cli, int argc, char **argv)
{
    struct option_texts keys = {0};
    const struct option_row rows[] = {
        {"key", 'k', OPTION_TEXTS, &keys, "NAME|FILE", "operator key; repeatable"},
    };
    const struct command_line line = {
        .usage = "relevo host renew [options]",
        .about =
            "Signs the fleet document as it is, anew: it is good for another year, and by operators who\n"
            "are operators now. Needed when the key of the one who signed it last has been revoked.\n",
        .examples = "  relevo host renew\n  relevo host renew --key op-2\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0]};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    bool done;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    done = client_open (cli, &client, &error) && renew (cli, client, &keys, &error);
    client_close (&client);
    if (!done)
        return cli_fail (cli, &error);
    cli_say (cli, "the fleet document is signed anew");
    return CLI_DONE;
}
