#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/signed_file.h"
#include "controller/cli/output.h"
#include "controller/cli/rollout_show.h"
#include "controller/cli/watch.h"

/* Who starts it, where the controller can't tell by the wire key: the user, behind sudo too. */
static const char *user_name (struct cli *cli)
{
    const char *const said[] = {getenv ("SUDO_USER"), getenv ("USER")};
    const struct passwd *entry = getpwuid (getuid ());
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (said[i] != NULL && text_is_name (said[i]))
            return arena_text (&cli->arena, said[i]);
    return entry != NULL && text_is_name (entry->pw_name) ? arena_text (&cli->arena, entry->pw_name)
                                                          : "unknown";
}

/* A file that is no plan at all is told from a plan that nobody may start. */
static bool refuse_file (const char *file, const struct envelope *envelope, struct error *error)
{
    static const char first[] = "relevo plan ";
    struct bytes content = envelope->content;
    if (content.size < sizeof first - 1 || memcmp (content.data, first, sizeof first - 1) != 0)
        return error_set (
            error, ERROR_INPUT,
            "%s is no plan: `relevo plan build` makes one of a YAML file, and `relevo plan sign` signs it",
            file);
    if (envelope->signatures_count == 0)
        return error_set (
            error, ERROR_REFUSED, "%s is not signed yet: relevo plan sign %s --key NAME", file, file);
    return error_context (error, "%s", file);
}

/* The plan is judged here first: a mistake is explained before anybody else sees it. */
static bool start (
    struct cli *cli, struct client *client, const char *file, const char *by, uint64_t *ret,
    struct error *error)
{
    struct rollout_start begin = {.by = by};
    struct client_inventory inventory;
    struct plan plan;
    const void *said;
    struct arena arena = {0};
    bool done = signed_file_read (file, &arena, &begin.plan, error) &&
                client_inventory (client, &arena, &inventory, error) &&
                (accept_plan (&inventory.trust, &begin.plan, clock_now (), &arena, &plan, error) ||
                 refuse_file (file, &begin.plan, error));
    if (done && begin.by == NULL)
        begin.by = user_name (cli);
    done = done && client_ask_for (client, &rollout_start_type, &begin, &answer_type, &arena, &said, error);
    if (done) {
        const struct answer *answer = said;
        *ret = answer->rollout;
        cli_say (cli, "%s (%s %s, %zu steps)", answer->text, plan.product, plan.version, plan.steps_count);
    }
    arena_free (&arena);
    return done;
}

static void print_number (const struct cli *cli, uint64_t rollout)
{
    if (cli->format == CLI_TABLE)
        (void)printf ("%" PRIu64 "\n", rollout);
    else
        output_json (cli, output_envelope ("rollout", json_integer ((json_int_t)rollout)));
    (void)fflush (stdout);
}

int cmd_rollout_start (struct cli *cli, int argc, char **argv)
{
    struct watch_options options = {0};
    const char *by = NULL;
    bool watch = false;
    const struct option_row rows[] = {
        {"watch", 'w', OPTION_FLAG, &watch, NULL, "look on until it ends"},
        {"timeout", 't', OPTION_SPAN, &options.timeout, "SPAN", "with --watch: at most so long (5m)"},
        {"until-approval", 0, OPTION_FLAG, &options.until_approval, NULL,
         "with --watch: end with 6 where a person is needed"},
        {"by", 0, OPTION_TEXT, &by, "NAME",
         "who starts it, where the trust document names nobody (the user)"},
    };
    const struct command_line line = {
        .usage = "relevo rollout start PLAN [options]",
        .about = "Carries out a signed plan (`relevo plan sign` made it). Prints the rollout's number.\n",
        .examples = "  relevo rollout start connect.plan\n  relevo rollout start connect.plan --watch\n"
                    "  relevo rollout start connect.plan --watch --until-approval -o jsonl\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    uint64_t rollout = 0;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!client_open (cli, &client, &error))
        return cli_fail (cli, &error);
    if (!start (cli, client, operands.items[0], by, &rollout, &error))
        exit_code = cli_fail (cli, &error);
    else if (watch)
        exit_code = watch_rollout (cli, client, rollout, &options);
    else {
        print_number (cli, rollout);
        cli_say (cli, "next: relevo rollout watch %" PRIu64, rollout);
        exit_code = CLI_DONE;
    }
    client_close (&client);
    return exit_code;
}
