#include <string.h>

#include "common/io/clock.h"
#include "common/io/signed_file.h"
#include "controller/cli/cmd_plan.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"
#include "controller/cli/plan_sources.h"
#include "controller/core/plan_show.h"

struct build {
    struct cli *cli;
    const char *path;
    const char *out; /* NULL: NAME.plan */
    struct client *client;
    struct client_inventory inventory;
    struct plan_problems problems;
    struct plan_sources sources;
    struct plan plan;
};

static bool resolve (struct build *build)
{
    const struct inventory *raw = build->inventory.raw;
    struct plan_world world = plan_sources_world (&build->sources, clock_now ());
    world.trust = &build->inventory.trust;
    world.fleet = &build->inventory.fleet;
    world.fleet_digest = build->inventory.fleet_digest;
    world.contents = raw->contents;
    world.content_count = raw->contents_count;
    world.contents_known = true;
    world.counters = raw->counters;
    world.counter_count = raw->counters_count;
    return plan_build (
        &build->problems, &build->sources.draft, build->sources.has_profile ? &build->sources.profile : NULL,
        &world, &build->plan);
}

static bool is_in_depot (const struct build *build, const struct digest *digest)
{
    const struct inventory *raw = build->inventory.raw;
    for (size_t i = 0; i < raw->contents_count; i++)
        if (digest_equal (&raw->contents[i].digest, digest))
            return true;
    return false;
}

/* What was sent must be what was hashed: the file may have changed in between. */
static bool upload (struct build *build, const struct plan_file *file, struct error *error)
{
    const char *slash = strrchr (file->path, '/');
    const char *name = slash != NULL ? slash + 1 : file->path;
    struct artifact stored;
    if (is_in_depot (build, &file->digest))
        return true;
    if (!client_upload (build->client, file->path, name, NULL, NULL, &stored, &build->cli->arena, error))
        return error_context (error, "%s", file->path);
    if (!digest_equal (&stored.digest, &file->digest))
        return error_set (
            error, ERROR_CONFLICT, "%s changed while the plan was built: build it again", file->path);
    cli_say (build->cli, "uploaded %s", file->path);
    return true;
}

static bool upload_all (struct build *build, struct error *error)
{
    for (size_t i = 0; i < build->sources.script_count; i++)
        if (!upload (build, &build->sources.scripts[i], error))
            return false;
    for (size_t i = 0; i < build->sources.file_count; i++)
        if (!upload (build, &build->sources.files[i], error))
            return false;
    return true;
}

/* Signatures of a plan that was here before are removed with it. */
static bool write_plan (struct build *build, struct error *error)
{
    struct buffer out = {0};
    struct envelope envelope = {.signatures_count = 0};
    bool good;
    if (build->out == NULL)
        build->out = arena_format (&build->cli->arena, "%s.plan", build->plan.name);
    good = document_write (&plan_type, &build->plan, &out, error);
    envelope.content = buffer_bytes (&out);
    good = good && signed_file_write (build->out, &envelope, error);
    buffer_free (&out);
    return good;
}

/* Without the file at hand, the digest of an artefact is the controller's word: who signs can compare it. */
static void tell_depot_digests (const struct build *build)
{
    for (size_t i = 0; i < build->plan.artifacts_count; i++) {
        const struct artifact *artifact = &build->plan.artifacts[i];
        char text[DIGEST_TEXT_SIZE];
        bool at_hand = false;
        for (size_t j = 0; j < build->sources.file_count; j++)
            at_hand = at_hand || digest_equal (&build->sources.files[j].digest, &artifact->digest);
        if (!at_hand)
            cli_say (
                build->cli, "%s is taken from the depot, as %s", artifact->name,
                digest_print (&artifact->digest, text));
    }
}

static void show (struct build *build)
{
    const struct inventory *raw = build->inventory.raw;
    struct buffer out = {0};
    char text[TIME_TEXT_SIZE];
    if (build->cli->format == CLI_TABLE) {
        plan_show_changes (&build->plan, raw->hosts, raw->hosts_count, &out);
        (void)fwrite (out.data, 1, out.size, stdout);
        buffer_free (&out);
    } else {
        output_json (build->cli, output_envelope ("plan", record_json (&plan_type, &build->plan)));
    }
    tell_depot_digests (build);
    cli_say (
        build->cli, "wrote %s, which expires %s; next: relevo plan sign %s --key NAME", build->out,
        instant_print (build->plan.expires, text), build->out);
}

static int run (struct build *build)
{
    struct error error;
    if (!plan_sources_read (build->path, &build->problems, &build->sources, &error) ||
        !client_open (build->cli, &build->client, &error) ||
        !client_inventory (build->client, &build->cli->arena, &build->inventory, &error))
        return cli_fail (build->cli, &error);
    if (!resolve (build)) {
        plan_problems_show (build->cli, &build->problems, build->path, stderr);
        return CLI_ERROR;
    }
    if (build->problems.warnings > 0 && build->cli->format == CLI_TABLE)
        plan_problems_show (build->cli, &build->problems, build->path, stderr);
    if (!upload_all (build, &error) || !write_plan (build, &error))
        return cli_fail (build->cli, &error);
    show (build);
    return CLI_DONE;
}

int cmd_plan_build (struct cli *cli, int argc, char **argv)
{
    struct build build = {.cli = cli, .problems = {.arena = &cli->arena}};
    const struct option_row rows[] = {
        {"out", 'o', OPTION_TEXT, &build.out, "FILE", "where to write the plan (default: NAME.plan)"},
    };
    const struct command_line line = {
        .usage = "relevo plan build FILE [options]",
        .about = "Resolves a plan against the signed fleet and the depot: hosts by name, artefacts and test\n"
                 "scripts by digest. Uploads what the depot lacks, shows what will change where, and writes\n"
                 "the bytes that are to be signed.\n",
        .examples = "  relevo plan build connect.yaml\n  relevo plan build connect.yaml -o june.plan\n"
                    "  relevo plan build connect.yaml --output json\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    build.path = operands.items[0];
    exit_code = run (&build);
    client_close (&build.client);
    return exit_code;
}
