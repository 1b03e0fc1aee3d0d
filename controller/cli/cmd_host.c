#include "controller/cli/cmd_host.h"

#include <inttypes.h>
#include <string.h>

#include "common/io/clock.h"
#include "controller/cli/client.h"
#include "controller/cli/commands.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"
#include "controller/cli/token_text.h"

/* --------------------------------------------------------------------------------------------------- listing
 */

static const struct host_row *row_named (const struct inventory *raw, const char *name)
{
    for (size_t i = 0; i < raw->hosts_count; i++)
        if (strcmp (raw->hosts[i].name, name) == 0)
            return &raw->hosts[i];
    return NULL;
}

/* "connect 2026.06.1, pm -": what the fleet says it has, with the version that the host told. */
static void products_of (const struct fleet_host *host, const struct host_row *row, struct buffer *out)
{
    for (size_t i = 0; i < host->products_count; i++) {
        const char *version = "-";
        for (size_t k = 0; row != NULL && k < row->releases_count; k++)
            if (strcmp (row->releases[k].product, host->products[i]) == 0)
                version = row->releases[k].version;
        buffer_print (out, "%s%s %s", i > 0 ? ", " : "", host->products[i], version);
    }
}

static const char *seen_text (const struct host_row *row, char text[TIME_TEXT_SIZE])
{
    if (row == NULL || row->seen.ms == 0)
        return "never";
    return seconds_print (instant_between (row->seen, clock_now ()), text);
}

static void add_host (struct table *table, const struct fleet_host *host, const struct host_row *row)
{
    struct buffer products = {0};
    char seen[TIME_TEXT_SIZE];
    products_of (host, row, &products);
    table_add (
        table, (const char *const[]){
                   host->name, host->environment, row != NULL && row->connected ? "connected" : "away",
                   seen_text (row, seen), row != NULL ? row->agent : "", products.data});
    buffer_free (&products);
}

static void show_list (const struct cli *cli, const struct client_inventory *inventory)
{
    static const char *const headings[] = {"HOST", "ENVIRONMENT", "STATE", "SEEN", "AGENT", "PRODUCTS"};
    struct table *table = table_new (headings, sizeof headings / sizeof headings[0]);
    const struct fleet *fleet = &inventory->fleet;
    for (size_t i = 0; i < fleet->hosts_count; i++)
        add_host (table, &fleet->hosts[i], row_named (inventory->raw, fleet->hosts[i].name));
    for (size_t i = 0; i < inventory->raw->pending_count; i++) {
        const struct pending_row *row = &inventory->raw->pending[i];
        char fingerprint[FINGERPRINT_TEXT_SIZE];
        table_add (
            table,
            (const char *const[]){
                row->name, "-", "waiting", "-", "", key_fingerprint (&row->key, &row->wire, fingerprint)});
    }
    table_show (cli, &table);
    if (inventory->raw->pending_count > 0)
        cli_say (cli, "next: relevo host accept HOST --environment ENVIRONMENT --product PRODUCT");
}

static json_t *rows_json (const struct record_type *type, const void *rows, size_t count)
{
    json_t *list = json_array ();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new (list, record_json (type, (const char *)rows + i * type->size));
    return list;
}

/* `fleet` is what operators signed, `hosts` what the controller says of them. */
static void list_json (const struct cli *cli, const struct client_inventory *inventory)
{
    const struct inventory *raw = inventory->raw;
    json_t *all = output_envelope ("fleet", record_json (&fleet_type, &inventory->fleet));
    (void)json_object_set_new (all, "hosts", rows_json (&host_row_type, raw->hosts, raw->hosts_count));
    (void)json_object_set_new (
        all, "pending", rows_json (&pending_row_type, raw->pending, raw->pending_count));
    output_json (cli, all);
}

static int host_list (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo host list",
        .about = "Lists the hosts of the signed fleet, and those that wait to be accepted, with their "
                 "fingerprints.\n",
        .examples = "  relevo host list\n  relevo host list -o json\n"};
    struct operands operands;
    struct client_inventory inventory;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!client_fetch_inventory (cli, &inventory, &error))
        return cli_fail (cli, &error);
    if (cli->format == CLI_TABLE)
        show_list (cli, &inventory);
    else
        list_json (cli, &inventory);
    return CLI_DONE;
}

static void show_host (const struct cli *cli, const struct fleet_host *host, const struct host_row *row)
{
    struct buffer products = {0};
    char seen[TIME_TEXT_SIZE];
    char fingerprint[FINGERPRINT_TEXT_SIZE];
    if (cli->format != CLI_TABLE) {
        json_t *all = output_envelope ("host", record_json (&fleet_host_type, host));
        if (row != NULL)
            (void)json_object_set_new (all, "state", record_json (&host_row_type, row));
        output_json (cli, all);
        return;
    }
    products_of (host, row, &products);
    (void)printf (
        "host         %s\nenvironment  %s\nproducts     %s\nfingerprint  %s\nstate        %s, seen %s\n",
        host->name, host->environment, products.data != NULL ? products.data : "",
        key_fingerprint (&host->key, &host->wire, fingerprint),
        row != NULL && row->connected ? "connected" : "away", seen_text (row, seen));
    for (size_t i = 0; i < host->labels_count; i++)
        (void)printf ("label        %s=%s\n", host->labels[i].name, host->labels[i].value);
    buffer_free (&products);
}

static int host_show (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo host show HOST",
        .about = "Shows one host: what operators signed about it, and what it last said.\n",
        .examples = "  relevo host show connect-p1\n",
        .least = 1,
        .most = 1};
    struct operands operands;
    struct client_inventory inventory;
    const struct fleet_host *host;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!client_fetch_inventory (cli, &inventory, &error))
        return cli_fail (cli, &error);
    host = fleet_host_named (&inventory.fleet, operands.items[0]);
    if (host == NULL) {
        (void)error_set (
            &error, ERROR_MISSING, "no host is called %s: see `relevo host list`", operands.items[0]);
        return cli_fail (cli, &error);
    }
    show_host (cli, host, row_named (inventory.raw, host->name));
    return CLI_DONE;
}

/* -------------------------------------------------------------------------------------------------- inviting
 */

static bool make_token (
    struct cli *cli, struct client *client, struct span life, char **ret, struct error *error)
{
    uint8_t secret[TOKEN_SECRET_SIZE];
    struct token token = {.secret = {secret, sizeof secret}, .expires = instant_add (clock_now (), life)};
    struct token_make make = {.expires = token.expires};
    struct client_inventory inventory;
    const void *answer;
    bool done;
    if (!client_inventory (client, &cli->arena, &inventory, error))
        return false;
    if (cli->settings.agents[0] == '\0' || cli->settings.publish[0] == '\0')
        return error_set (
            error, ERROR_MISSING, "%s: \"agents\" and \"publish\" are missing, and hosts need both addresses",
            cli->settings.path);
    random_fill (secret, sizeof secret);
    make.secret = digest_of (secret, sizeof secret);
    token.connection = (struct connection){
        .agents = cli->settings.agents,
        .publish = cli->settings.publish,
        .server = cli->settings.server,
        .trust = digest_of (inventory.document->content.data, inventory.document->content.size)};
    done = token_print (&token, &cli->arena, ret, error) &&
           client_ask_for (client, &token_make_type, &make, &answer_type, &cli->arena, &answer, error);
    sodium_memzero (secret, sizeof secret);
    return done;
}

static int host_token (struct cli *cli, int argc, char **argv)
{
    struct span life = span_seconds (3600);
    const struct option_row rows[] = {{"life", 0, OPTION_SPAN, &life, "SPAN", "how long it is good (1h)"}};
    const struct command_line line = {
        .usage = "relevo host token [options]",
        .about = "Makes an invitation for one host. It says where the controller is and whom to trust, and "
                 "is good once.\n"
                 "On the host: relevo-agent enrol --token TOKEN; then here: relevo host accept.\n",
        .examples = "  relevo host token\n  relevo host token --life 10m\n",
        .rows = rows,
        .row_count = 1};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    char *text = NULL;
    bool done;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (life.ms <= 0)
        return cli_usage (cli, "--life wants a time, such as 1h");
    done = client_open (cli, &client, &error) && make_token (cli, client, life, &text, &error);
    client_close (&client);
    if (!done)
        return cli_fail (cli, &error);
    if (cli->format == CLI_TABLE)
        (void)printf ("%s\n", text);
    else
        output_json (cli, output_envelope ("token", json_string (text)));
    return CLI_DONE;
}

static int host_reject (struct cli *cli, int argc, char **argv)
{
    struct host_reject reject = {.cause = "an operator said no"};
    const struct option_row rows[] = {
        {"comment", 'm', OPTION_TEXT, &reject.cause, "TEXT", "why; the host is told"}};
    const struct command_line line = {
        .usage = "relevo host reject HOST [options]",
        .about = "Turns away a host that waits to be accepted.\n",
        .examples = "  relevo host reject connect-p9 -m \"not ours\"\n",
        .rows = rows,
        .row_count = 1,
        .least = 1,
        .most = 1};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    const void *answer;
    bool done;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    reject.name = operands.items[0];
    done = client_open (cli, &client, &error) &&
           client_ask_for (client, &host_reject_type, &reject, &answer_type, &cli->arena, &answer, &error);
    client_close (&client);
    if (!done)
        return cli_fail (cli, &error);
    cli_say (cli, "%s was turned away", reject.name);
    return CLI_DONE;
}

int cmd_host (struct cli *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", host_list, "the fleet, and who waits"},
        {"show", host_show, "one host"},
        {"token", host_token, "an invitation for one host"},
        {"accept", cmd_host_accept, "take a waiting host into the fleet"},
        {"reject", host_reject, "turn a waiting host away"},
        {"renew", cmd_host_renew, "sign the fleet as it is, anew"},
        {"revoke", cmd_host_revoke, "remove a host from the fleet"},
    };
    static const char examples[] =
        "  relevo host token\n"
        "  relevo host accept connect-p1 --environment production --product rstudio-connect\n"
        "  relevo host list\n";
    return cli_dispatch (cli, "host", examples, commands, sizeof commands / sizeof commands[0], argc, argv);
}
