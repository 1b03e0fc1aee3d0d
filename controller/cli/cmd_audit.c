#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/core/document.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"
#include "controller/cli/audit.h"
#include "controller/cli/client.h"
#include "controller/cli/commands.h"
#include "controller/cli/options.h"
#include "controller/cli/output.h"

/* An export: this line, and then each row as the codec writes it. */
#define EXPORT_HEAD "relevo audit export 1\n"
#define EXPORT_MOST (SIZE_MAX / 4)

typedef bool (*row_visit) (void *context, const struct audit_row *row, struct error *error);

/* --------------------------------------------------------------------------------------------------- sources
 */

static bool rows_of_controller (struct client *client, row_visit visit, void *context, struct error *error)
{
    struct audit_wanted wanted = {0};
    bool more = true;
    while (more) {
        struct arena arena = {0};
        const void *record;
        const struct audit_page *page = NULL;
        bool good =
            client_ask_for (client, &audit_wanted_type, &wanted, &audit_page_type, &arena, &record, error);
        if (good)
            page = record;
        for (size_t i = 0; good && i < page->rows_count; i++) {
            good = visit (context, &page->rows[i], error);
            wanted.after = page->rows[i].sequence;
        }
        more = good && page->more && page->rows_count > 0;
        arena_free (&arena);
        if (!good)
            return false;
    }
    return true;
}

static bool rows_of_file (const char *path, row_visit visit, void *context, struct error *error)
{
    struct arena file = {0};
    struct bytes left;
    size_t head = strlen (EXPORT_HEAD);
    bool good = file_read (path, EXPORT_MOST, &file, &left, error);
    if (good && (left.size < head || memcmp (left.data, EXPORT_HEAD, head) != 0))
        good = error_set (error, ERROR_INPUT, "%s is no export of `relevo audit export`", path);
    if (good)
        left = (struct bytes){left.data + head, left.size - head};
    while (good && left.size > 0) {
        struct arena arena = {0};
        struct audit_row row;
        size_t size = codec_measure (left);
        good = size > 0 || error_set (error, ERROR_INPUT, "%s is cut short or damaged", path);
        good = good && codec_decode (&audit_row_type, (struct bytes){left.data, size}, &arena, &row, error) &&
               visit (context, &row, error);
        left = (struct bytes){left.data + size, left.size - size};
        arena_free (&arena);
    }
    arena_free (&file);
    return good;
}

static bool rows (struct cli *cli, const char *from, row_visit visit, void *context, struct error *error)
{
    struct client *client = NULL;
    bool good;
    if (from != NULL)
        return rows_of_file (from, visit, context, error);
    good = client_open (cli, &client, error) && rows_of_controller (client, visit, context, error);
    client_close (&client);
    return good;
}

/* ------------------------------------------------------------------------------------------------------
 * verify */

static bool judge_row (void *context, const struct audit_row *row, struct error *error)
{
    return audit_judge (context, row, error);
}

static void set_count (json_t *object, const char *name, uint64_t count)
{
    (void)json_object_set_new (object, name, json_integer ((json_int_t)count));
}

static void show_result (const struct cli *cli, const struct audit_counts *counts)
{
    char head[DIGEST_TEXT_SIZE];
    json_t *result;
    (void)digest_print (&counts->head, head);
    if (cli->format == CLI_TABLE) {
        (void)printf (
            "the history holds: %" PRIu64 " rows in one chain, %" PRIu64 " trust and %" PRIu64
            " fleet documents, %" PRIu64 " rollouts,\n%" PRIu64 " permits whose gates were open, %" PRIu64
            " receipts in their hosts' chains, %" PRIu64 " approvals\nhead %s\n",
            counts->rows, counts->trusts, counts->fleets, counts->rollouts, counts->permits, counts->receipts,
            counts->approvals, head);
        return;
    }
    result = json_object ();
    (void)json_object_set_new (result, "holds", json_true ());
    set_count (result, "rows", counts->rows);
    set_count (result, "trusts", counts->trusts);
    set_count (result, "fleets", counts->fleets);
    set_count (result, "rollouts", counts->rollouts);
    set_count (result, "permits", counts->permits);
    set_count (result, "receipts", counts->receipts);
    set_count (result, "approvals", counts->approvals);
    (void)json_object_set_new (result, "head", json_string (head));
    output_json (cli, output_envelope ("audit", result));
}

/* Whoever audits elsewhere needs no more than an export, and the first trust document by a way of their own.
 */
static bool pin_of_file (const char *path, struct digest *ret, struct error *error)
{
    struct arena arena = {0};
    struct envelope envelope;
    const struct record_type *type;
    bool good = signed_file_read (path, &arena, &envelope, error) &&
                (document_type (envelope.content, &type, error) || error_context (error, "%s", path));
    if (good && type != &trust_type)
        good = error_set (error, ERROR_INPUT, "%s is a %s document, not a trust document", path, type->name);
    if (good)
        *ret = digest_of (envelope.content.data, envelope.content.size);
    arena_free (&arena);
    return good;
}

static int audit_verify (struct cli *cli, int argc, char **argv)
{
    const char *from = NULL;
    const char *trust = NULL;
    const struct option_row options[] = {
        {"from", 0, OPTION_TEXT, &from, "FILE", "an export instead of the controller"},
        {"trust", 0, OPTION_TEXT, &trust, "FILE",
         "the first trust document (the pinned one of relevo.yaml)"}};
    const struct command_line line = {
        .usage = "relevo audit verify [options]",
        .about = "Judges the whole history again, believing only the pinned trust document: the hash chain, "
                 "trust, fleet,\n"
                 "plans, every permit with its gate, receipts and each host's chain, approvals. Names the "
                 "first thing\n"
                 "that does not hold, and ends with 1.\n",
        .examples =
            "  relevo audit verify\n  relevo audit verify --from history.audit --trust trust.relevo\n",
        .rows = options,
        .row_count = sizeof options / sizeof options[0]};
    struct operands operands;
    struct digest pin;
    struct audit *audit;
    struct audit_counts counts;
    struct error error;
    bool good;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (trust != NULL ? !pin_of_file (trust, &pin, &error) : !client_pin (cli, &pin, &error))
        return cli_fail (cli, &error);
    audit = audit_new (&pin);
    good = rows (cli, from, judge_row, audit, &error) && audit_finish (audit, &error);
    counts = audit_counts (audit);
    audit_free (&audit);
    if (!good)
        return cli_fail (cli, &error);
    show_result (cli, &counts);
    return CLI_DONE;
}

/* ------------------------------------------------------------------------------------------------------
 * export */

struct export
{
    FILE *file;
    uint64_t rows;
};

static bool write_row (void *context, const struct audit_row *row, struct error *error)
{
    struct export *export = context;
    struct buffer out = {0};
    bool good = codec_encode (&audit_row_type, row, &out, error);
    if (good && fwrite (out.data, 1, out.size, export->file) != out.size)
        good = error_set (error, ERROR_SYSTEM, "the export can't be written: %s", strerror (errno));
    export->rows++;
    buffer_free (&out);
    return good;
}

/* A new file only: an export is evidence, and is not written over. */
static bool write_export (struct cli *cli, const char *path, uint64_t *ret_rows, struct error *error)
{
    int descriptor = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    struct export export = {.file = descriptor >= 0 ? fdopen (descriptor, "w") : NULL};
    bool good;
    if (export.file == NULL)
        return error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    good = fputs (EXPORT_HEAD, export.file) >= 0 && rows (cli, NULL, write_row, &export, error);
    if (good && (fflush (export.file) != 0 || fsync (descriptor) != 0))
        good = error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    (void)fclose (export.file);
    if (!good)
        (void)unlink (path);
    *ret_rows = export.rows;
    return good;
}

static int audit_export (struct cli *cli, int argc, char **argv)
{
    const struct command_line line = {
        .usage = "relevo audit export FILE",
        .about = "Saves the whole history, for an audit elsewhere: `relevo audit verify --from FILE`.\n",
        .examples = "  relevo audit export history.audit\n",
        .least = 1,
        .most = 1};
    struct operands operands;
    struct error error;
    uint64_t count = 0;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (!write_export (cli, operands.items[0], &count, &error))
        return cli_fail (cli, &error);
    cli_say (
        cli, "%" PRIu64 " rows in %s\nnext: relevo audit verify --from %s", count, operands.items[0],
        operands.items[0]);
    return CLI_DONE;
}

int cmd_audit (struct cli *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"verify", audit_verify, "judge the whole history again"},
        {"export", audit_export, "save it"},
    };
    return cli_dispatch (
        cli, "audit", "  relevo audit verify\n  relevo audit export history.audit\n", commands,
        sizeof commands / sizeof commands[0], argc, argv);
}
