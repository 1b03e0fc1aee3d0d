#include <stdio.h>

#include "controller/cli/decide.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"
#include "controller/cli/rollout_show.h"

struct decision_words {
    const char *about;
    const char *examples;
    bool comment; /* needed */
};

static const struct decision_words words[] = {
    [DECISION_REJECT] =
        {"Rejects the step that waits: the rollout fails, and its plan says what then happens. Needs a "
         "comment.\n",
         "  relevo rollout reject 7 --key ana -m \"charts are empty\"\n", true},
    [DECISION_APPROVE] =
        {"Approves the manual test or the sign-off that waits. The receipts so far are fetched, verified "
         "here and\n"
         "shown; the signature covers exactly them, and every host checks it.\n",
         "  relevo rollout approve 7 --key ana -m \"numbers are fine\"\n"
         "  relevo rollout approve 7 --ssh-key ~/.ssh/id_ed25519\n",
         false},
    [DECISION_SKIP] =
        {"Skips an optional manual test. Needs a comment.\n",
         "  relevo rollout skip 7 --key eva -m \"hotfix, the change is one line\"\n", true},
    [DECISION_PROMOTE] =
        {"Ends the pause at which the rollout stands.\n", "  relevo rollout promote 7\n", false},
    [DECISION_PAUSE] =
        {"Holds the rollout: what a host has begun it ends, nothing new begins.\n",
         "  relevo rollout pause 7 -m \"looking at a graph\"\n", false},
    [DECISION_RESUME] = {"Goes on after a pause.\n", "  relevo rollout resume 7\n", false},
    [DECISION_ABORT] =
        {"Ends the rollout: every host that it touched returns to the version before.\n",
         "  relevo rollout abort 7 -m \"wrong artefact\"\n", false},
    [DECISION_RETRY] =
        {"Opens the next attempt, from step 1. Hosts that run the release already only check their health.\n",
         "  relevo rollout retry 7 -m \"disk was full\"\n", false},
    [DECISION_OVERRIDE] =
        {"Lets the rollout go on in spite of the failures and rejections so far, where the plan names a role "
         "that may.\n"
         "They are fetched, verified and shown; each is answered for by its own signature. Needs a "
         "comment.\n",
         "  relevo rollout override 7 --key ana -m \"known flake, see ticket 4711\"\n", true},
    [DECISION_UNDO] =
        {"Takes a finished rollout back: its hosts return to the version before.\n",
         "  relevo rollout undo 7 -m \"customers complain\"\n", false},
};

static int decide (
    struct cli *cli, uint64_t rollout, enum decision decision, const struct decide_options *options)
{
    struct client *client = NULL;
    struct error error;
    int exit_code = CLI_DONE;
    if (!client_open (cli, &client, &error))
        return cli_fail (cli, &error);
    if (!decide_do (cli, client, rollout, decision, options, &error))
        exit_code = cli_fail (cli, &error);
    else {
        json_t *result = output_envelope ("rollout", json_integer ((json_int_t)rollout));
        (void)json_object_set_new (result, "decision", json_string (enum_word (&decision_words, decision)));
        if (cli->format != CLI_TABLE)
            output_json (cli, json_incref (result));
        json_decref (result);
        rollout_say_next (cli, client, rollout);
    }
    client_close (&client);
    return exit_code;
}

int cmd_decide (struct cli *cli, enum decision decision, int argc, char **argv)
{
    struct decide_options options = {.comment = ""};
    const struct option_row rows[] = {
        {"key", 'k', OPTION_TEXT, &options.key, "NAME|FILE", "who decides (the role's only key here)"},
        {"ssh-key", 0, OPTION_TEXT, &options.ssh_key, "FILE",
         "decide with an SSH key, by ssh-keygen; FILE.pub: ssh-agent has it"},
        {"comment", 'm', OPTION_TEXT, &options.comment, "TEXT", "why; kept for ever"},
    };
    char usage[64];
    const struct command_line line = {
        .usage = usage,
        .about = words[decision].about,
        .examples = words[decision].examples,
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct error error;
    uint64_t rollout;
    int exit_code = CLI_ERROR;
    (void)snprintf (
        usage, sizeof usage, "relevo rollout %s ROLLOUT [options]", enum_word (&decision_words, decision));
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!rollout_number (&operands, 0, &rollout, &error) || rollout == 0)
        return cli_usage (cli, "a decision wants the rollout's number: see `relevo rollout list`");
    if (options.key != NULL && options.ssh_key != NULL)
        return cli_usage (cli, "--key and --ssh-key: one person decides, so give one of them");
    if (cli->password_file != NULL && options.ssh_key != NULL)
        return cli_usage (
            cli, "--password-file is not for SSH keys: give the key to ssh-agent before, with ssh-add");
    if (words[decision].comment && options.comment[0] == '\0')
        return cli_usage (
            cli, "to %s needs a reason: add -m \"TEXT\"", enum_word (&decision_words, decision));
    return decide (cli, rollout, decision, &options);
}
