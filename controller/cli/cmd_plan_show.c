#include "controller/cli/cmd_plan.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"
#include "controller/cli/plan_sources.h"
#include "controller/core/plan_show.h"

static void print (const struct plan *plan, const struct envelope *envelope)
{
    struct buffer out = {0};
    char digest[DIGEST_TEXT_SIZE];
    struct digest content = digest_of (envelope->content.data, envelope->content.size);
    plan_show (plan, &out);
    buffer_print (
        &out, "\n%zu %s, not verified here; digest %s\n", envelope->signatures_count,
        envelope->signatures_count == 1 ? "signature" : "signatures", digest_print (&content, digest));
    (void)fwrite (out.data, 1, out.size, stdout);
    buffer_free (&out);
}

int cmd_plan_show (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo plan show FILE",
        .about = "Shows everything that a built plan says. Its signatures are the business of\n"
                 "`relevo plan verify`.\n",
        .examples = "  relevo plan show connect-2026.06.1.plan\n  relevo plan show june.plan -o json\n",
        .least = 1,
        .most = 1};
    struct operands operands;
    struct envelope envelope;
    struct plan plan;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!plan_document_read (cli, operands.items[0], &envelope, &plan, &error))
        return cli_fail (cli, &error);
    if (cli->format == CLI_TABLE)
        print (&plan, &envelope);
    else
        output_json (cli, output_envelope ("plan", record_json (&plan_type, &plan)));
    return CLI_DONE;
}
