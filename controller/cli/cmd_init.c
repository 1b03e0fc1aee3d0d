#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/core/trust.h"
#include "common/io/clock.h"
#include "controller/cli/commands.h"
#include "controller/cli/fleet_new.h"
#include "controller/cli/options.h"
#include "controller/cli/ssh_sign.h"

enum { PORT_DEFAULT = 7400, WORDS_MAX = 64, HOST_TEXT = 256 };

struct asked {
    const char *name;
    const char *listen;
    const char *address;
    const char *operator_name;
    const char *root;
    uint64_t port;
    bool no_password;
    struct option_texts releasers;
    struct option_texts approvers;
    struct option_texts ssh_approvers;
    struct option_texts thresholds;
    struct option_texts targets;
};

/* "A,B,C" or "A B C" as a list. */
static const char **split (struct arena *arena, const char *text, const char *between, size_t *ret_count)
{
    const char **words = arena_array (arena, WORDS_MAX, sizeof *words);
    char *copy = arena_text (arena, text);
    char *kept = NULL;
    size_t count = 0;
    for (char *word = strtok_r (copy, between, &kept); word != NULL && count < WORDS_MAX;
         word = strtok_r (NULL, between, &kept))
        words[count++] = word;
    *ret_count = count;
    return words;
}

/* "NAME=REST" in two. */
static bool pair_of (
    struct arena *arena, const char *option, const char *text, const char **ret_name, const char **ret_rest,
    struct error *error)
{
    const char *equals = strchr (text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0')
        return error_set (
            error, ERROR_INPUT, "--%s wants %s, not \"%s\"", option,
            strcmp (option, "approver") == 0 ? "ROLE=NAME,NAME" : "NAME=…", text);
    *ret_name = arena_text_of (arena, text, (size_t)(equals - text));
    *ret_rest = equals + 1;
    return true;
}

static bool add_role (
    struct fleet_new *wanted, const char *name, const char **keys, size_t count, struct error *error)
{
    for (size_t i = 0; i < wanted->role_count; i++)
        if (strcmp (wanted->roles[i].name, name) == 0)
            return error_set (error, ERROR_INPUT, "the role %s is given twice", name);
    if (wanted->role_count == FLEET_ROLES_MAX)
        return error_set (error, ERROR_LIMIT, "at most %d roles", FLEET_ROLES_MAX);
    wanted->roles[wanted->role_count++] = (struct fleet_role){name, keys, count, 1};
    return true;
}

static bool add_approvers (
    struct cli *cli, const struct asked *asked, struct fleet_new *wanted, struct error *error)
{
    static const char *standard[] = {"release-managers=manager-1,manager-2", "testers=tester-1"};
    struct option_texts given = asked->approvers;
    if (given.count == 0)
        given = (struct option_texts){standard, 2};
    for (size_t i = 0; i < given.count; i++) {
        const char *name;
        const char *names;
        const char **keys;
        size_t count;
        if (!pair_of (&cli->arena, "approver", given.items[i], &name, &names, error))
            return false;
        keys = split (&cli->arena, names, ",", &count);
        if (!add_role (wanted, name, keys, count, error))
            return false;
    }
    return true;
}

static bool add_ssh_approvers (
    struct cli *cli, const struct asked *asked, struct fleet_new *wanted, struct error *error)
{
    wanted->ssh_keys = arena_array (&cli->arena, asked->ssh_approvers.count, sizeof *wanted->ssh_keys);
    for (size_t i = 0; i < asked->ssh_approvers.count; i++) {
        struct fleet_ssh_key *ssh = &wanted->ssh_keys[wanted->ssh_key_count++];
        const char *file;
        if (!pair_of (&cli->arena, "ssh-approver", asked->ssh_approvers.items[i], &ssh->name, &file, error))
            return false;
        if (!ssh_public_key (file, &cli->arena, &ssh->key, &ssh->line, error))
            return error_context (error, "--ssh-approver %s", ssh->name);
    }
    return true;
}

static bool set_thresholds (
    struct cli *cli, const struct asked *asked, struct fleet_new *wanted, struct error *error)
{
    for (size_t i = 0; i < asked->thresholds.count; i++) {
        const char *name;
        const char *number;
        unsigned threshold = 0;
        struct fleet_role *role = NULL;
        if (!pair_of (&cli->arena, "threshold", asked->thresholds.items[i], &name, &number, error))
            return false;
        for (size_t r = 0; r < wanted->role_count; r++)
            if (strcmp (wanted->roles[r].name, name) == 0)
                role = &wanted->roles[r];
        for (const char *digit = number; *digit >= '0' && *digit <= '9' && threshold < LIMIT_ROLE_KEYS;
             digit++)
            threshold = threshold * 10 + (unsigned)(*digit - '0');
        if (role == NULL || threshold == 0 || strspn (number, "0123456789") != strlen (number))
            return error_set (
                error, ERROR_INPUT, "--threshold wants ROLE=NUMBER with a role of this fleet, not \"%s\"",
                asked->thresholds.items[i]);
        role->threshold = threshold;
    }
    return true;
}

static bool add_targets (
    struct cli *cli, const struct asked *asked, struct fleet_new *wanted, struct error *error)
{
    wanted->targets = arena_array (&cli->arena, asked->targets.count, sizeof *wanted->targets);
    for (size_t i = 0; i < asked->targets.count; i++) {
        struct fleet_target *target = &wanted->targets[wanted->target_count++];
        const char *rest;
        if (!pair_of (&cli->arena, "target", asked->targets.items[i], &target->name, &rest, error))
            return false;
        if (strncmp (rest, "command:", 8) == 0)
            target->words = split (&cli->arena, rest + 8, " ", &target->word_count);
        else if (strncmp (rest, "http://", 7) == 0 || strncmp (rest, "https://", 8) == 0)
            target->webhook = rest;
        if (!text_is_name (target->name) || (target->webhook == NULL && target->word_count == 0))
            return error_set (
                error, ERROR_INPUT, "--target wants NAME=command:PROGRAM WORDS or NAME=https://…, not \"%s\"",
                asked->targets.items[i]);
    }
    return true;
}

/* What others should call a controller that listens everywhere. */
static const char *address_of (struct cli *cli, const struct asked *asked)
{
    char name[HOST_TEXT] = "localhost";
    if (asked->address != NULL)
        return asked->address;
    if (strcmp (asked->listen, "0.0.0.0") != 0 && strcmp (asked->listen, "*") != 0)
        return asked->listen;
    (void)gethostname (name, sizeof name - 1);
    return arena_text (&cli->arena, name);
}

static bool gather (
    struct cli *cli, const struct asked *asked, const char *folder, struct fleet_new *ret,
    struct error *error)
{
    static const char *standard_releaser[] = {"release-1"};
    const char **root = arena_array (&cli->arena, 1, sizeof *root);
    const char **operators = arena_array (&cli->arena, 1, sizeof *operators);
    bool named = asked->releasers.count > 0;
    *ret = (struct fleet_new){
        .folder = folder,
        .name = asked->name,
        .listen = asked->listen,
        .address = address_of (cli, asked),
        .port = asked->port};
    root[0] = asked->root;
    operators[0] = asked->operator_name;
    return add_role (ret, ROLE_ROOT, root, 1, error) && add_role (ret, ROLE_OPERATOR, operators, 1, error) &&
           add_role (
               ret, ROLE_RELEASER, named ? asked->releasers.items : standard_releaser,
               named ? asked->releasers.count : 1, error) &&
           add_approvers (cli, asked, ret, error) && add_ssh_approvers (cli, asked, ret, error) &&
           set_thresholds (cli, asked, ret, error) && add_targets (cli, asked, ret, error) &&
           fleet_new_check (ret, error);
}

static void say_next (const struct cli *cli, const struct fleet_new *wanted)
{
    const char *folder = wanted->folder;
    (void)printf ("A new fleet in %s\n", folder);
    for (size_t i = 0; i < wanted->role_count; i++) {
        (void)printf (
            "  %-18s %llu of", wanted->roles[i].name, (unsigned long long)wanted->roles[i].threshold);
        for (size_t k = 0; k < wanted->roles[i].key_count; k++)
            (void)printf (" %s", wanted->roles[i].keys[k]);
        (void)printf ("\n");
    }
    cli_say (
        cli,
        "next:\n"
        "  relevod --config %s/controller/controller.yaml   start the controller\n"
        "  export RELEVO_CONFIG=%s/relevo.yaml\n"
        "  relevo host token                                invite a host\n"
        "Move keys/root.key to a place that is offline, and each other key to its owner: whoever has them is "
        "believed.",
        folder, folder);
}

static int make (struct cli *cli, const struct asked *asked, const char *folder)
{
    char password[CLI_PASSWORD_MAX] = "";
    struct fleet_new wanted;
    struct error error;
    bool done = gather (cli, asked, folder, &wanted, &error) &&
                (asked->no_password || cli_password (cli, "all new keys", true, password, &error));
    if (done) {
        wanted.password = asked->no_password ? NULL : password;
        if (!asked->no_password)
            cli_say (cli, "encrypting the keys takes a few seconds each…");
        done = fleet_new_write (&wanted, clock_now (), &cli->arena, &error);
    }
    sodium_memzero (password, sizeof password);
    if (!done)
        return cli_fail (cli, &error);
    say_next (cli, &wanted);
    return CLI_DONE;
}

int cmd_init (struct cli *cli, int argc, char **argv)
{
    struct asked asked = {
        .name = "controller-1",
        .listen = "127.0.0.1",
        .operator_name = "operator",
        .root = "root",
        .port = PORT_DEFAULT};
    const struct option_row rows[] = {
        {"name", 0, OPTION_TEXT, &asked.name, "NAME", "of the controller (controller-1)"},
        {"listen", 0, OPTION_TEXT, &asked.listen, "ADDRESS", "that it binds (127.0.0.1)"},
        {"address", 0, OPTION_TEXT, &asked.address, "ADDRESS", "by which others find it (as --listen)"},
        {"port", 0, OPTION_NUMBER, &asked.port, "BASE",
         "agents BASE+1, publish BASE+2, people BASE+3 (7400)"},
        {"root", 0, OPTION_TEXT, &asked.root, "NAME", "key that signs trust documents (root)"},
        {"operator", 0, OPTION_TEXT, &asked.operator_name, "NAME",
         "key that accepts hosts and runs rollouts (operator)"},
        {"releaser", 0, OPTION_TEXTS, &asked.releasers, "NAME",
         "key that signs plans (release-1); repeatable"},
        {"approver", 0, OPTION_TEXTS, &asked.approvers, "ROLE=NAME,…", "keys that approve; repeatable"},
        {"ssh-approver", 0, OPTION_TEXTS, &asked.ssh_approvers, "NAME=FILE.pub",
         "an approver's own SSH key, so none is made; repeatable"},
        {"threshold", 0, OPTION_TEXTS, &asked.thresholds, "ROLE=N",
         "signatures that a role needs (1); repeatable"},
        {"target", 0, OPTION_TEXTS, &asked.targets, "NAME=TARGET",
         "whom `notify` tells: command:WORDS or a URL"},
        {"no-password", 0, OPTION_FLAG, &asked.no_password, NULL, "keys without passwords: for trying out"},
    };
    const struct command_line line = {
        .usage = "relevo init DIR [options]",
        .about = "Lays out a new fleet: keys, the first trust document and an empty fleet document, both "
                 "signed, and the\n"
                 "configuration of controller and command line. Nothing that exists is overwritten. "
                 "Approvers are\n"
                 "release-managers=manager-1,manager-2 and testers=tester-1 where none are given.\n",
        .examples = "  relevo init fleet --no-password\n"
                    "  relevo init fleet --listen 0.0.0.0 --address relevo.example.org \\\n"
                    "      --approver release-managers=ana,luis --approver testers=eva \\\n"
                    "      --ssh-approver luis=luis.pub \\\n"
                    "      --target managers=https://hooks.example.org/releases\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    return make (cli, &asked, operands.items[0]);
}
