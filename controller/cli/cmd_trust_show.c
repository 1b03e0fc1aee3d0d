#include <inttypes.h>
#include <stdio.h>

#include "common/io/clock.h"
#include "common/io/signed_file.h"
#include "controller/cli/cmd_trust.h"
#include "controller/cli/options.h"
#include "controller/cli/trust_view.h"

static void print (struct buffer *out)
{
    (void)fwrite (out->data, 1, out->size, stdout);
    buffer_free (out);
}

static bool show_in_force (struct cli *cli, const char *current, const char *save, struct error *error)
{
    struct trust_base base;
    struct buffer out = {0};
    json_t *all;
    if (!trust_base_load (cli, current, &base, error) ||
        (save != NULL && !signed_file_write (save, base.document, error)))
        return false;
    if (cli->format == CLI_TABLE) {
        trust_view_document (&base.trust, clock_now (), &out);
        if (base.raw != NULL && base.raw->hosts_count > 0) {
            buffer_text (&out, "\n");
            trust_view_hosts (base.raw, base.trust.version, &out);
        }
        print (&out);
    } else {
        all = trust_view_json (NULL, &base.trust, base.document);
        if (base.raw != NULL)
            (void)json_object_set_new (all, "hosts", trust_view_hosts_json (base.raw, base.trust.version));
        output_json (cli, all);
    }
    if (save != NULL)
        cli_say (
            cli, "saved with its signatures in %s; on a machine without a network: --current %s", save, save);
    return true;
}

/* A file that is no draft of the next version is shown as it is, with the reason. */
static bool show_file (struct cli *cli, const char *path, const char *current, struct error *error)
{
    struct trust_base base;
    struct envelope envelope;
    struct trust trust;
    struct buffer out = {0};
    struct error why;
    bool follows;
    if (!trust_draft_read (cli, path, &envelope, &trust, error))
        return false;
    follows = trust_base_load (cli, current, &base, &why);
    if (follows && trust.version < base.trust.version)
        follows = error_set (&why, ERROR_CONFLICT, "that is version %" PRIu64, base.trust.version);
    follows = follows && trust_draft_check (&base, path, &envelope, &trust, &why);
    if (!follows)
        cli_say (cli, "not compared with the document in force: %s", why.text);
    if (cli->format != CLI_TABLE) {
        output_json (cli, trust_view_json (follows ? &base.trust : NULL, &trust, &envelope));
        return true;
    }
    trust_view_document (&trust, clock_now (), &out);
    if (follows) {
        buffer_text (&out, "\n");
        trust_view_draft (&base.trust, &trust, &envelope, &out);
    }
    print (&out);
    return true;
}

int cmd_trust_show (struct cli *cli, int argc, char **argv)
{
    const char *save = NULL;
    const char *current = NULL;
    const struct option_row rows[] = {
        {"save", 0, OPTION_TEXT, &save, "FILE", "write the document in force, with its signatures"},
        {"current", 0, OPTION_TEXT, &current, "FILE", "such a file, instead of the controller"},
    };
    const struct command_line line = {
        .usage = "relevo trust show [FILE] [options]",
        .about = "Shows the trust document in force: who has which key, which roles, and how many of a role\n"
                 "have to sign. With FILE: a draft, what it changes, and whose signatures it still needs.\n",
        .examples = "  relevo trust show\n  relevo trust show trust.next\n"
                    "  relevo trust show --save trust.now\n  relevo trust show -o json\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .most = 1};
    struct operands operands;
    struct error error;
    bool good;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (operands.count > 0 && save != NULL)
        return cli_usage (cli, "--save writes the document in force: leave %s out", operands.items[0]);
    good = operands.count > 0 ? show_file (cli, operands.items[0], current, &error)
                              : show_in_force (cli, current, save, &error);
    return good ? CLI_DONE : cli_fail (cli, &error);
}
