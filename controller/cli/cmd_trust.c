#include "controller/cli/cmd_trust.h"

#include "controller/cli/commands.h"

int cmd_trust (struct cli *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"show", cmd_trust_show, "the trust document in force, or a draft"},
        {"add-key", cmd_trust_add_key, "draft: a new key, or further roles for one"},
        {"remove-key", cmd_trust_remove_key, "draft: revoke a key"},
        {"replace-key", cmd_trust_replace_key, "draft: the same roles, another key"},
        {"set-threshold", cmd_trust_set_threshold, "draft: how many of a role have to sign"},
        {"remove-role", cmd_trust_remove_role, "draft: without this role"},
        {"renew", cmd_trust_renew, "draft: a new expiry alone"},
        {"sign", cmd_trust_sign, "show a draft, ask, and sign it as a root"},
        {"rotate", cmd_trust_rotate, "bring a signed draft into force"},
    };
    return cli_dispatch (
        cli, "trust",
        "  relevo trust show\n  relevo trust add-key eva --public eva.pub --role testers\n"
        "  relevo trust sign --key root\n  relevo trust rotate\n",
        commands, sizeof commands / sizeof commands[0], argc, argv);
}
