#include <stdio.h>
#include <string.h>

#include "controller/cli/cmd_plan.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"
#include "controller/cli/plan_sources.h"
#include "controller/core/plan_diff.h"

/* As diff(1): 0 the same, 1 different, 2 trouble. */
enum { DIFF_SAME = 0, DIFF_DIFFERENT = 1, DIFF_TROUBLE = 2 };

static json_t *lines_json (const struct buffer *lines)
{
    json_t *list = json_array ();
    const char *text = lines->size > 0 ? lines->data : "";
    while (*text != '\0') {
        size_t size = strcspn (text, "\n");
        (void)json_array_append_new (list, json_stringn (text, size));
        text += size + (text[size] == '\n');
    }
    return list;
}

int cmd_plan_diff (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo plan diff FIRST SECOND",
        .about =
            "Says how two built plans differ, field by field. Exit code 0: the same, 1: different, 2: one\n"
            "can't be read.\n",
        .examples = "  relevo plan diff may.plan june.plan\n",
        .least = 2,
        .most = 2};
    struct operands operands;
    struct envelope envelope;
    struct plan first;
    struct plan second;
    struct buffer out = {0};
    struct error error;
    size_t differences;
    int exit_code = DIFF_TROUBLE;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!plan_document_read (cli, operands.items[0], &envelope, &first, &error) ||
        !plan_document_read (cli, operands.items[1], &envelope, &second, &error)) {
        (void)cli_fail (cli, &error);
        return DIFF_TROUBLE;
    }
    differences = plan_diff (&first, &second, &out);
    if (cli->format != CLI_TABLE)
        output_json (cli, output_envelope ("differences", lines_json (&out)));
    else if (out.size > 0)
        (void)fwrite (out.data, 1, out.size, stdout);
    buffer_free (&out);
    return differences > 0 ? DIFF_DIFFERENT : DIFF_SAME;
}
