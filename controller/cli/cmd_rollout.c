#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/commands.h"
#include "controller/cli/decide.h"
#include "controller/cli/live.h"
#include "controller/cli/output.h"
#include "controller/cli/rollout_show.h"
#include "controller/cli/watch.h"

bool rollout_number (const struct operands *operands, size_t place, uint64_t *ret, struct error *error)
{
    const char *text = place < operands->count ? operands->items[place] : "latest";
    char *end = NULL;
    *ret = 0;
    if (strcmp (text, "latest") == 0)
        return true;
    if (text[0] >= '1' && text[0] <= '9')
        *ret = strtoull (text, &end, 10);
    if (end != NULL && *end == '\0' && *ret < ULLONG_MAX)
        return true;
    return error_set (
        error, ERROR_INPUT, "\"%s\" is no number of a rollout: see `relevo rollout list`", text);
}

void rollout_say_next (struct cli *cli, struct client *client, uint64_t rollout)
{
    struct view view = {0};
    struct buffer next = {0};
    if (watch_once (client, rollout, &view, NULL))
        live_next (&view, &next);
    if (next.size > 0)
        cli_say (cli, "next: relevo rollout watch %llu | %s", (unsigned long long)rollout, next.data);
    buffer_free (&next);
    view_free (&view);
}

static int status_once (struct cli *cli, struct client *client, uint64_t rollout)
{
    struct view view = {0};
    struct error error;
    int exit_code;
    if (!watch_once (client, rollout, &view, &error))
        return cli_fail (cli, &error);
    watch_show (cli, &view);
    exit_code = phase_exit_code (view.state.head.phase);
    view_free (&view);
    return exit_code;
}

/* Waits in silence for an end, and shows it. */
static int status_wait (
    struct cli *cli, struct client *client, uint64_t rollout, const struct watch_options *options)
{
    struct watch_options silently = *options;
    int exit_code;
    silently.silent = true;
    exit_code = watch_rollout (cli, client, rollout, &silently);
    if (exit_code != CLI_INTERRUPTED && exit_code != CLI_ERROR)
        (void)status_once (cli, client, rollout);
    return exit_code;
}

static int rollout_status (struct cli *cli, int argc, char **argv)
{
    struct watch_options options = {0};
    bool wait = false;
    const struct option_row rows[] = {
        {"wait", 'w', OPTION_FLAG, &wait, NULL, "until it ends, or waits for an approval"},
        {"timeout", 't', OPTION_SPAN, &options.timeout, "SPAN", "with --wait: at most so long (5m)"},
    };
    const struct command_line line = {
        .usage = "relevo rollout status [ROLLOUT] [options]",
        .about = "Shows where a rollout (default: the newest) stands. Exit code: 0 Healthy, 3 Degraded or "
                 "Aborted,\n"
                 "4 RolledBack, 6 waits for an approval, 5 goes on.\n",
        .examples = "  relevo rollout status\n  relevo rollout status 7 -o json\n"
                    "  relevo rollout status 7 --wait --timeout 10m\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .most = 1};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    uint64_t rollout;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!rollout_number (&operands, 0, &rollout, &error) || !client_open (cli, &client, &error))
        return cli_fail (cli, &error);
    options.until_approval = true;
    exit_code = wait ? status_wait (cli, client, rollout, &options) : status_once (cli, client, rollout);
    client_close (&client);
    return exit_code;
}

static int rollout_watch (struct cli *cli, int argc, char **argv)
{
    struct watch_options options = {0};
    const struct option_row rows[] = {
        {"timeout", 't', OPTION_SPAN, &options.timeout, "SPAN", "look on at most so long (5m)"},
        {"until-approval", 0, OPTION_FLAG, &options.until_approval, NULL,
         "end with 6 where a person is needed"},
    };
    const struct command_line line = {
        .usage = "relevo rollout watch [ROLLOUT] [options]",
        .about =
            "Looks on until the rollout (default: the newest) ends. Ctrl-C detaches; the rollout goes on.\n"
            "Exit code: 0 Healthy, 3 Degraded or Aborted, 4 RolledBack, 5 time is up, 6 waits for an "
            "approval.\n",
        .examples = "  relevo rollout watch\n  relevo rollout watch 7 --timeout 10m\n  relevo rollout watch "
                    "7 -o jsonl\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .most = 1};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    uint64_t rollout;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!rollout_number (&operands, 0, &rollout, &error) || !client_open (cli, &client, &error))
        return cli_fail (cli, &error);
    exit_code = watch_rollout (cli, client, rollout, &options);
    client_close (&client);
    return exit_code;
}

#define DECISION_COMMAND(word, decision)                                                                     \
    static int rollout_##word (struct cli *cli, int argc, char **argv)                                       \
    {                                                                                                        \
        return cmd_decide (cli, decision, argc, argv);                                                       \
    }
DECISION_COMMAND (approve, DECISION_APPROVE)
DECISION_COMMAND (reject, DECISION_REJECT)
DECISION_COMMAND (skip, DECISION_SKIP)
DECISION_COMMAND (promote, DECISION_PROMOTE)
DECISION_COMMAND (pause, DECISION_PAUSE)
DECISION_COMMAND (resume, DECISION_RESUME)
DECISION_COMMAND (abort, DECISION_ABORT)
DECISION_COMMAND (retry, DECISION_RETRY)
DECISION_COMMAND (undo, DECISION_UNDO)
DECISION_COMMAND (override, DECISION_OVERRIDE)

int cmd_rollout (struct cli *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"start", cmd_rollout_start, "carry out a signed plan"},
        {"list", cmd_rollout_list, "all rollouts"},
        {"status", rollout_status, "where one stands"},
        {"watch", rollout_watch, "look on until it ends"},
        {"approve", rollout_approve, "approve the step that waits"},
        {"reject", rollout_reject, "reject it"},
        {"skip", rollout_skip, "skip an optional manual test"},
        {"promote", rollout_promote, "end a pause step"},
        {"pause", rollout_pause, "hold it"},
        {"resume", rollout_resume, "go on"},
        {"abort", rollout_abort, "end it and return"},
        {"retry", rollout_retry, "another attempt"},
        {"undo", rollout_undo, "take a finished one back"},
        {"override", rollout_override, "answer for failures, and go on"},
    };
    static const char examples[] = "  relevo rollout start connect.plan --watch\n  relevo rollout status 7\n"
                                   "  relevo rollout approve 7 --key ana -m \"numbers are fine\"\n";
    return cli_dispatch (
        cli, "rollout", examples, commands, sizeof commands / sizeof commands[0], argc, argv);
}
