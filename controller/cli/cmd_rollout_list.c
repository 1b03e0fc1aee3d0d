#include <inttypes.h>

#include "controller/cli/output.h"
#include "controller/cli/rollout_show.h"

static void add_row (struct table *table, const struct view_head *head)
{
    char started[TIME_TEXT_SIZE];
    struct buffer number = {0};
    struct buffer step = {0};
    buffer_print (&number, "%" PRIu64, head->rollout);
    buffer_print (&step, "%" PRIu64 "/%" PRIu64, head->step, head->steps);
    table_add (
        table, (const char *const[]){
                   number.data, head->product, head->version, head->environment,
                   enum_word (&phase_words, head->phase), step.data, instant_print (head->started, started),
                   head->by, head->cause});
    buffer_free (&number);
    buffer_free (&step);
}

static void show (const struct cli *cli, const struct rollouts *rollouts)
{
    static const char *const headings[] = {"ROLLOUT", "PRODUCT", "VERSION", "ENVIRONMENT", "PHASE",
                                           "STEP",    "STARTED", "BY",      "REASON"};
    struct table *table;
    if (cli->format != CLI_TABLE) {
        output_records (cli, "rollouts", &view_head_type, rollouts->heads, rollouts->heads_count);
        return;
    }
    if (rollouts->heads_count == 0)
        cli_say (cli, "no rollout yet: `relevo rollout start PLAN` begins one");
    table = table_new (headings, sizeof headings / sizeof headings[0]);
    for (size_t i = 0; i < rollouts->heads_count; i++)
        add_row (table, &rollouts->heads[i]);
    table_show (cli, &table);
}

int cmd_rollout_list (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo rollout list",
        .about = "Lists all rollouts.\n",
        .examples = "  relevo rollout list\n  relevo rollout list -o json\n"};
    struct rollouts_wanted wanted = {0};
    struct operands operands;
    struct client *client = NULL;
    const void *rollouts;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!client_open (cli, &client, &error))
        return cli_fail (cli, &error);
    if (!client_ask_for (
            client, &rollouts_wanted_type, &wanted, &rollouts_type, &cli->arena, &rollouts, &error))
        exit_code = cli_fail (cli, &error);
    else {
        show (cli, rollouts);
        exit_code = CLI_DONE;
    }
    client_close (&client);
    return exit_code;
}
