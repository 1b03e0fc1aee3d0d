#include <stdio.h>
#include <string.h>

#include "common/io/clock.h"
#include "controller/cli/client.h"
#include "controller/cli/commands.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"

enum { BAR_CELLS = 24, FRAME_MS = 200 };

/* The bar of one upload, on stderr, where that is a terminal. */
struct bar {
    const struct cli *cli;
    const char *name;
    struct instant drawn;
};

static void draw_bar (void *context, uint64_t have, uint64_t length)
{
    struct bar *bar = context;
    char done[TIME_TEXT_SIZE];
    char all[TIME_TEXT_SIZE];
    uint64_t full = length > 0 ? have / (length / BAR_CELLS + 1) : BAR_CELLS;
    bool last = have >= length;
    if (!bar->cli->error.is || bar->cli->quiet ||
        (!last && instant_between (bar->drawn, clock_steady ()).ms < FRAME_MS))
        return;
    bar->drawn = clock_steady ();
    (void)fprintf (stderr, "\r%s ", bar->name);
    for (uint64_t i = 0; i < BAR_CELLS; i++)
        (void)fputs (last || i < full ? "█" : "░", stderr);
    (void)fprintf (
        stderr, " %s of %s\033[K%s", size_print (have, done), size_print (length, all), last ? "\n" : "");
    (void)fflush (stderr);
}

static void show_added (const struct cli *cli, const struct artifact *artifact)
{
    char digest[DIGEST_TEXT_SIZE];
    if (cli->format == CLI_TABLE)
        (void)printf ("%s  %s\n", digest_print (&artifact->digest, digest), artifact->name);
    else
        output_json (cli, output_envelope ("artifact", record_json (&artifact_type, artifact)));
    (void)fflush (stdout);
}

static bool add_all (
    struct cli *cli, struct client *client, const struct operands *files, const char *name,
    struct error *error)
{
    for (size_t i = 0; i < files->count; i++) {
        const char *file = files->items[i];
        const char *slash = strrchr (file, '/');
        struct bar bar = {.cli = cli, .name = name != NULL ? name : slash != NULL ? slash + 1 : file};
        struct artifact artifact;
        if (!client_upload (client, file, bar.name, draw_bar, &bar, &artifact, &cli->arena, error))
            return false;
        show_added (cli, &artifact);
    }
    return true;
}

static int artifact_add (struct cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    const struct option_row rows[] = {
        {"name", 'n', OPTION_TEXT, &name, "NAME", "under which plans find it (the file's name)"}};
    const struct command_line line = {
        .usage = "relevo artifact add FILE… [options]",
        .about = "Puts files into the depot, where plans and hosts find them by digest. A broken upload goes "
                 "on where it\n"
                 "ended when the command is given again. Prints digest and name.\n",
        .examples = "  relevo artifact add rstudio-connect_2026.06.1_amd64.deb\n"
                    "  relevo artifact add build/out.tar --name connect-2026.06.1.tar\n",
        .rows = rows,
        .row_count = 1,
        .least = 1,
        .most = LIMIT_ARTIFACTS};
    struct operands operands;
    struct client *client = NULL;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (name != NULL && operands.count > 1)
        return cli_usage (cli, "--name is for one file");
    if (!client_open (cli, &client, &error))
        return cli_fail (cli, &error);
    exit_code = add_all (cli, client, &operands, name, &error) ? CLI_DONE : cli_fail (cli, &error);
    client_close (&client);
    return exit_code;
}

/* Rows whose name or digest (or at least 8 digits of it) is `wanted`; all where it is NULL. */
static size_t select_rows (const struct inventory *raw, const char *wanted, struct content_row *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < raw->contents_count; i++) {
        char digest[DIGEST_TEXT_SIZE];
        const struct content_row *row = &raw->contents[i];
        (void)digest_print (&row->digest, digest);
        if (wanted == NULL || strcmp (row->name, wanted) == 0 ||
            (strlen (wanted) >= 8 && strncmp (digest, wanted, strlen (wanted)) == 0))
            ret[count++] = *row;
    }
    return count;
}

static void show_rows (const struct cli *cli, const struct content_row *rows, size_t count)
{
    struct table *table;
    if (cli->format != CLI_TABLE) {
        output_records (cli, "artifacts", &content_row_type, rows, count);
        return;
    }
    table = table_new ((const char *const[]){"NAME", "SIZE", "ADDED", "DIGEST"}, 4);
    for (size_t i = 0; i < count; i++) {
        char size[TIME_TEXT_SIZE];
        char added[TIME_TEXT_SIZE];
        char digest[DIGEST_TEXT_SIZE];
        table_add (
            table, (const char *const[]){
                       rows[i].name, size_print (rows[i].length, size), instant_print (rows[i].added, added),
                       digest_print (&rows[i].digest, digest)});
    }
    table_show (cli, &table);
}

static int show (struct cli *cli, const char *wanted)
{
    struct client_inventory inventory;
    struct content_row *rows;
    struct error error;
    size_t count;
    if (!client_fetch_inventory (cli, &inventory, &error))
        return cli_fail (cli, &error);
    rows = arena_array (&cli->arena, inventory.raw->contents_count, sizeof *rows);
    count = select_rows (inventory.raw, wanted, rows);
    if (wanted != NULL && count == 0) {
        (void)error_set (
            &error, ERROR_MISSING, "no artefact is called %s: see `relevo artifact list`", wanted);
        return cli_fail (cli, &error);
    }
    show_rows (cli, rows, count);
    return CLI_DONE;
}

static int artifact_list (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo artifact list",
        .about = "Lists what is in the depot.\n",
        .examples = "  relevo artifact list\n  relevo artifact list -o json\n"};
    struct operands operands;
    int exit_code = CLI_ERROR;
    return options_parse (cli, &line, argc, argv, &operands, &exit_code) ? show (cli, NULL) : exit_code;
}

static int artifact_show (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo artifact show NAME|DIGEST",
        .about = "Shows one artefact: by its name, or by at least eight digits of its digest.\n",
        .examples =
            "  relevo artifact show rstudio-connect_2026.06.1_amd64.deb\n  relevo artifact show 5f0c2e9b\n",
        .least = 1,
        .most = 1};
    struct operands operands;
    int exit_code = CLI_ERROR;
    return options_parse (cli, &line, argc, argv, &operands, &exit_code) ? show (cli, operands.items[0])
                                                                         : exit_code;
}

int cmd_artifact (struct cli *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"add", artifact_add, "put files into the depot"},
        {"list", artifact_list, "what is there"},
        {"show", artifact_show, "one of them"},
    };
    static const char examples[] =
        "  relevo artifact add rstudio-connect_2026.06.1_amd64.deb\n  relevo artifact list\n";
    return cli_dispatch (
        cli, "artifact", examples, commands, sizeof commands / sizeof commands[0], argc, argv);
}
