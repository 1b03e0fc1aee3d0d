#include "common/io/clock.h"
#include "common/io/signed_file.h"
#include "controller/cli/cmd_plan.h"
#include "controller/cli/options.h"
#include "controller/cli/plan_sources.h"

/* What else than the files is known: from signed documents, or from the controller. */
struct surroundings {
    const char *trust_path;
    const char *fleet_path;
    struct option_texts targets;
    bool offline;
    struct trust trust;
    struct fleet fleet;
    struct client_inventory inventory;
};

static bool add_trust (
    struct cli *cli, struct surroundings *around, struct plan_world *world, struct error *error)
{
    struct envelope envelope;
    struct digest pin;
    if (!signed_file_read (around->trust_path, &cli->arena, &envelope, error))
        return false;
    pin = digest_of (envelope.content.data, envelope.content.size);
    if (!accept_first_trust (&envelope, &pin, world->now, &cli->arena, &around->trust, error))
        return error_context (error, "%s", around->trust_path);
    world->trust = &around->trust;
    return true;
}

/* Without trust there is nobody whose signature could be asked for: then the fleet is read as it stands. */
static bool add_fleet (
    struct cli *cli, struct surroundings *around, struct plan_world *world, struct error *error)
{
    struct envelope envelope;
    bool good;
    if (!signed_file_read (around->fleet_path, &cli->arena, &envelope, error))
        return false;
    if (world->trust != NULL)
        good = accept_fleet (world->trust, 0, &envelope, world->now, &cli->arena, &around->fleet, error);
    else
        good = document_read (&fleet_type, envelope.content, &cli->arena, &around->fleet, error) &&
               fleet_check (&around->fleet, error);
    if (!good)
        return error_context (error, "%s", around->fleet_path);
    world->fleet = &around->fleet;
    return true;
}

/* A controller that can't be reached leaves the structure to be judged, and a word about it. */
static void add_inventory (struct cli *cli, struct surroundings *around, struct plan_world *world)
{
    struct error error;
    if (!cli_settings (cli, &error)) {
        cli_say (cli, "without a fleet only the plan's own order is checked: use --fleet and --trust");
        return;
    }
    if (!client_fetch_inventory (cli, &around->inventory, &error)) {
        cli_say (cli, "only the plan's own order is checked: %s", error.text);
    } else {
        world->trust = &around->inventory.trust;
        world->fleet = &around->inventory.fleet;
        world->contents = around->inventory.raw->contents;
        world->content_count = around->inventory.raw->contents_count;
        world->contents_known = true;
    }
}

static bool look_around (
    struct cli *cli, struct surroundings *around, struct plan_world *world, struct error *error)
{
    world->targets = around->targets.items;
    world->target_count = around->targets.count;
    world->targets_known = around->targets.count > 0;
    if (around->trust_path == NULL && around->fleet_path == NULL && !around->offline)
        add_inventory (cli, around, world);
    return (around->trust_path == NULL || add_trust (cli, around, world, error)) &&
           (around->fleet_path == NULL || add_fleet (cli, around, world, error));
}

static int lint (struct cli *cli, const char *path, struct surroundings *around)
{
    struct plan_problems problems = {.arena = &cli->arena};
    struct plan_sources sources;
    struct plan_world world;
    struct plan plan;
    struct error error;
    if (!plan_sources_read (path, &problems, &sources, &error))
        return cli_fail (cli, &error);
    world = plan_sources_world (&sources, clock_now ());
    if (!look_around (cli, around, &world, &error))
        return cli_fail (cli, &error);
    (void)plan_build (
        &problems, &sources.draft, sources.has_profile ? &sources.profile : NULL, &world, &plan);
    plan_problems_show (cli, &problems, path, stdout);
    if (problems.errors == 0)
        cli_say (cli, "%s: nothing is wrong with it; next: relevo plan build %s", path, path);
    else
        cli_say (
            cli, "%s: %zu %s, %zu %s", path, problems.errors, problems.errors == 1 ? "error" : "errors",
            problems.warnings, problems.warnings == 1 ? "warning" : "warnings");
    return problems.errors > 0 ? CLI_ERROR : CLI_DONE;
}

int cmd_plan_lint (struct cli *cli, int argc, char **argv)
{
    struct surroundings around = {.trust_path = NULL};
    const struct option_row rows[] = {
        {"fleet", 0, OPTION_TEXT, &around.fleet_path, "FILE", "check against this fleet document"},
        {"trust", 0, OPTION_TEXT, &around.trust_path, "FILE", "check roles against this trust document"},
        {"target", 0, OPTION_TEXTS, &around.targets, "NAME",
         "a notification target that exists; may be repeated"},
        {"offline", 0, OPTION_FLAG, &around.offline, NULL, "never ask the controller"},
    };
    const struct command_line line = {
        .usage = "relevo plan lint FILE [options]",
        .about =
            "Looks for every mistake in a plan: each as file:line:column, with what to write instead.\n"
            "Names of hosts, environments and roles are checked against --fleet and --trust, or, without\n"
            "both, against a controller that can be reached. Exit code 1 where there is an error; warnings\n"
            "alone give 0.\n",
        .examples = "  relevo plan lint connect.yaml\n"
                    "  relevo plan lint connect.yaml --fleet fleet.relevo --trust trust.relevo\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    return lint (cli, operands.items[0], &around);
}
