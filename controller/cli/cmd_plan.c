#include "controller/cli/cmd_plan.h"

#include "controller/cli/commands.h"

int cmd_plan (struct cli *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"lint", cmd_plan_lint, "look for every mistake in a plan"},
        {"build", cmd_plan_build, "resolve it against fleet and depot, and freeze that"},
        {"show", cmd_plan_show, "what a built plan says"},
        {"sign", cmd_plan_sign, "show it, ask, and sign it"},
        {"verify", cmd_plan_verify, "who signed it, and whether that is enough"},
        {"diff", cmd_plan_diff, "how two built plans differ"},
    };
    return cli_dispatch (
        cli, "plan",
        "  relevo plan lint connect.yaml\n  relevo plan build connect.yaml\n"
        "  relevo plan sign connect-2026.06.1.plan --key release-1\n",
        commands, sizeof commands / sizeof commands[0], argc, argv);
}
