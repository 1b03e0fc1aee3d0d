/* The edits: each reads the draft, or begins one, changes it in memory, and writes it whole. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "controller/cli/cmd_trust.h"
#include "controller/cli/options.h"
#include "controller/cli/trust_view.h"

enum { KEY_FILE_MAX = 4096 };

#define DAY_SECONDS INT64_C (86400)

/* What every edit can be given. */
struct edit {
    const char *file;
    const char *current;
    struct span life; /* negative: the expiry stays */
    struct trust_base base;
    struct trust draft;
};

#define EDIT_ROWS(edit)                                                                                      \
    {"file", 'f', OPTION_TEXT, &(edit).file, "FILE", "the draft (" TRUST_DRAFT ")"},                         \
        {"for", 0, OPTION_SPAN, &(edit).life, "SPAN", "expires so long from now, such as 365d"},             \
    {                                                                                                        \
        "current", 0, OPTION_TEXT, &(edit).current, "FILE", "the document in force, saved by `trust show`"   \
    }

/* A draft that went out already is where a new one may begin. */
static bool edit_begin (struct cli *cli, struct edit *edit, struct error *error)
{
    struct envelope envelope;
    struct trust draft;
    struct instant now = clock_now ();
    if (!trust_base_load (cli, edit->current, &edit->base, error))
        return false;
    edit->draft = trust_edit_begin (&edit->base.trust, now, &cli->arena);
    if (file_exists (edit->file)) {
        if (!trust_draft_read (cli, edit->file, &envelope, &draft, error))
            return false;
        if (!bytes_equal (envelope.content, edit->base.document->content)) {
            if (!trust_draft_follows (&edit->base, edit->file, &envelope, &draft, error))
                return error_context (error, "an existing draft can't be edited further");
            if (envelope.signatures_count > 0)
                cli_say (
                    cli, "%s is changed: its %zu signature%s dropped, and %s to be made again", edit->file,
                    envelope.signatures_count, envelope.signatures_count == 1 ? " is" : "s are",
                    envelope.signatures_count == 1 ? "has" : "have");
            edit->draft = trust_edit_begin (&draft, now, &cli->arena);
            edit->draft.version = draft.version;
        }
    }
    if (edit->life.ms >= 0)
        edit->draft.expires = instant_add (now, edit->life);
    return true;
}

static bool edit_end (struct cli *cli, const struct edit *edit, struct error *error)
{
    struct envelope written;
    struct trust draft;
    if (!trust_edit_check (&edit->base.trust, &edit->draft, clock_now (), error))
        return error_context (error, "%s", edit->file);
    if (!trust_draft_write (edit->file, &edit->draft, error) ||
        !trust_draft_read (cli, edit->file, &written, &draft, error))
        return false;
    if (cli->format == CLI_TABLE)
        trust_view_show (cli, &edit->base.trust, &draft, &written, stdout);
    else
        output_json (cli, trust_view_json (&edit->base.trust, &draft, &written));
    cli_say (
        cli, "wrote %s; next: more edits, or relevo trust sign%s%s --key ROOT-KEY", edit->file,
        strcmp (edit->file, TRUST_DRAFT) == 0 ? "" : " ",
        strcmp (edit->file, TRUST_DRAFT) == 0 ? "" : edit->file);
    return true;
}

/* ---------------------------------------------------------------------------------------------- keys */

/* The likeliest mistake, and the worst: a secret key does not belong into other hands. */
static bool refuse_secret (const char *path, struct bytes file, struct error *error)
{
    static const char armour[] = "-----BEGIN ";
    bool encrypted;
    if (!secret_key_is_encrypted (file, &encrypted, NULL) &&
        (file.size < sizeof armour - 1 || memcmp (file.data, armour, sizeof armour - 1) != 0))
        return true;
    return error_set (
        error, ERROR_INPUT,
        "%s is a secret key, which stays with its owner alone: give its public half, which ends with .pub",
        path);
}

static bool read_public (struct cli *cli, const char *given, struct public_key *ret, struct error *error)
{
    const char *path = given;
    struct arena arena = {0};
    struct bytes file = {0};
    bool good = true;
    if (strchr (given, '/') == NULL && file_exists (given))
        path = arena_format (&cli->arena, "./%s", given);
    if (strchr (path, '/') != NULL) {
        good = file_read (path, KEY_FILE_MAX, &arena, &file, error) && refuse_secret (given, file, error);
        if (file.size > 0)
            sodium_memzero ((void *)(uintptr_t)file.data, file.size);
        arena_free (&arena);
    }
    return good && cli_public_key (cli, path, ret, error);
}

/* As `relevo key wire` prints it, or a file of a pair. */
static bool read_wire (const char *given, struct wire_key *ret, struct error *error)
{
    struct wire_pair pair;
    bool good;
    if (wire_key_parse (given, ret, NULL))
        return true;
    if (!file_exists (given))
        return error_set (
            error, ERROR_INPUT,
            "--wire wants the line that `relevo key wire FILE` prints, or such a file, not \"%s\"", given);
    good = wire_pair_read (given, &pair, error);
    if (good)
        *ret = pair.public;
    wire_pair_wipe (&pair);
    return good;
}

/* The key that is asked for. */
struct asked_key {
    const char *public;
    const char *wire;
    bool no_wire;
    struct public_key key;
};

static bool read_key (
    struct cli *cli, struct asked_key *asked, const char *name, struct key_edit *ret, struct error *error)
{
    *ret = (struct key_edit){.name = name, .wire_edit = asked->no_wire ? EDIT_WIRE_GONE : EDIT_WIRE_STAYS};
    if (asked->public != NULL) {
        if (!read_public (cli, asked->public, &asked->key, error))
            return false;
        ret->key = &asked->key;
    }
    if (asked->wire == NULL)
        return true;
    ret->wire_edit = EDIT_WIRE_GIVEN;
    return read_wire (asked->wire, &ret->wire, error);
}

static bool read_roles (
    struct cli *cli, const struct option_texts *given, struct role_name **ret, struct error *error)
{
    struct role_name *roles = arena_array (&cli->arena, given->count, sizeof *roles);
    for (size_t i = 0; i < given->count; i++)
        if (!role_name_parse (given->items[i], &cli->arena, &roles[i], error))
            return false;
    *ret = roles;
    return true;
}

int cmd_trust_add_key (struct cli *cli, int argc, char **argv)
{
    struct edit edit = {.file = TRUST_DRAFT, .life = {-1}};
    struct asked_key asked = {0};
    struct option_texts given = {0};
    const struct option_row rows[] = {
        {"public", 'p', OPTION_TEXT, &asked.public, "FILE",
         "the public key, NAME.pub; not for one that is there"},
        {"role", 'r', OPTION_TEXTS, &given, "ROLE[@ENVIRONMENT]", "that it gets; repeatable"},
        {"wire", 'w', OPTION_TEXT, &asked.wire, "KEY",
         "lets its owner in by the remote door: `relevo key wire`"},
        EDIT_ROWS (edit),
    };
    const struct command_line line = {
        .usage = "relevo trust add-key NAME --role ROLE[@ENVIRONMENT] [options]",
        .about =
            "Drafts a trust document with one more key, or with further roles for a key. A role that is not\n"
            "there yet is made, and needs one signature; the roles root, operator, releaser, controller\n"
            "and flags have their own meaning, and every other one is of approvers.\n",
        .examples = "  relevo trust add-key eva --public eva.pub --role testers\n"
                    "  relevo trust add-key eva --role release-managers@staging\n"
                    "  relevo trust add-key op-2 --public op-2.pub --role operator --wire "
                    "'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID'\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct key_edit key;
    struct role_name *roles;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (given.count == 0)
        return cli_usage (cli, "--role is missing: a key without a role has no say; see `relevo trust show`");
    return read_key (cli, &asked, operands.items[0], &key, &error) &&
                   read_roles (cli, &given, &roles, &error) && edit_begin (cli, &edit, &error) &&
                   trust_edit_add_key (&edit.draft, &key, roles, given.count, &cli->arena, &error) &&
                   edit_end (cli, &edit, &error)
               ? CLI_DONE
               : cli_fail (cli, &error);
}

int cmd_trust_replace_key (struct cli *cli, int argc, char **argv)
{
    struct edit edit = {.file = TRUST_DRAFT, .life = {-1}};
    struct asked_key asked = {0};
    const struct option_row rows[] = {
        {"public", 'p', OPTION_TEXT, &asked.public, "FILE", "the new public key"},
        {"wire", 'w', OPTION_TEXT, &asked.wire, "KEY", "the new way in by the remote door"},
        {"no-wire", 0, OPTION_FLAG, &asked.no_wire, NULL, "no way in by the remote door any more"},
        EDIT_ROWS (edit),
    };
    const struct command_line line = {
        .usage = "relevo trust replace-key NAME --public FILE [options]",
        .about =
            "Drafts a trust document where NAME keeps its roles and has another key: what the old one signs\n"
            "is not believed any more. With `controller`, this is how a stolen controller is shut out.\n",
        .examples = "  relevo trust replace-key ana --public ana-2.pub\n"
                    "  relevo trust replace-key controller --public controller.pub\n"
                    "  relevo trust replace-key operator --public op.pub --wire new.wire\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct key_edit key;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    if (asked.public == NULL && asked.wire == NULL && !asked.no_wire)
        return cli_usage (cli, "say what is to be replaced: --public FILE, --wire KEY or --no-wire");
    if (asked.wire != NULL && asked.no_wire)
        return cli_usage (cli, "--wire and --no-wire exclude each other: keep one of them");
    return read_key (cli, &asked, operands.items[0], &key, &error) && edit_begin (cli, &edit, &error) &&
                   trust_edit_replace_key (&edit.draft, &key, &cli->arena, &error) &&
                   edit_end (cli, &edit, &error)
               ? CLI_DONE
               : cli_fail (cli, &error);
}

int cmd_trust_remove_key (struct cli *cli, int argc, char **argv)
{
    struct edit edit = {.file = TRUST_DRAFT, .life = {-1}};
    const char *given = NULL;
    const struct option_row rows[] = {
        {"role", 'r', OPTION_TEXT, &given, "ROLE[@ENVIRONMENT]", "out of this role alone"},
        EDIT_ROWS (edit),
    };
    const struct command_line line = {
        .usage = "relevo trust remove-key NAME [options]",
        .about = "Drafts a trust document without this key, or without it in one role. What it signs is not\n"
                 "believed any more; no other key is touched. A key without any role left is gone.\n",
        .examples = "  relevo trust remove-key luis\n  relevo trust remove-key ana --role testers\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct role_name role;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    return (given == NULL || role_name_parse (given, &cli->arena, &role, &error)) &&
                   edit_begin (cli, &edit, &error) &&
                   trust_edit_remove_key (
                       &edit.draft, operands.items[0], given != NULL ? &role : NULL, &cli->arena, &error) &&
                   edit_end (cli, &edit, &error)
               ? CLI_DONE
               : cli_fail (cli, &error);
}

/* ---------------------------------------------------------------------------------------------- roles,
 * expiry */

static bool parse_count (const char *text, uint64_t *ret, struct error *error)
{
    char *end;
    unsigned long long count;
    errno = 0;
    count = strtoull (text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return error_set (error, ERROR_INPUT, "\"%s\" is no number of signatures", text);
    *ret = count;
    return true;
}

int cmd_trust_set_threshold (struct cli *cli, int argc, char **argv)
{
    struct edit edit = {.file = TRUST_DRAFT, .life = {-1}};
    const struct option_row rows[] = {EDIT_ROWS (edit)};
    const struct command_line line = {
        .usage = "relevo trust set-threshold ROLE[@ENVIRONMENT] NUMBER [options]",
        .about = "Drafts a trust document where so many different keys of the role have to sign.\n",
        .examples = "  relevo trust set-threshold root 2\n  relevo trust set-threshold testers@staging 1\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 2,
        .most = 2};
    struct operands operands;
    struct role_name role;
    struct error error;
    uint64_t count;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    return role_name_parse (operands.items[0], &cli->arena, &role, &error) &&
                   parse_count (operands.items[1], &count, &error) && edit_begin (cli, &edit, &error) &&
                   trust_edit_set_threshold (&edit.draft, &role, count, &cli->arena, &error) &&
                   edit_end (cli, &edit, &error)
               ? CLI_DONE
               : cli_fail (cli, &error);
}

int cmd_trust_remove_role (struct cli *cli, int argc, char **argv)
{
    struct edit edit = {.file = TRUST_DRAFT, .life = {-1}};
    const struct option_row rows[] = {EDIT_ROWS (edit)};
    const struct command_line line = {
        .usage = "relevo trust remove-role ROLE[@ENVIRONMENT] [options]",
        .about = "Drafts a trust document without this role; keys that had no other one are gone with it. "
                 "Where a\n"
                 "role of an environment is taken away, the one for all environments decides there.\n",
        .examples = "  relevo trust remove-role testers@staging\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .least = 1,
        .most = 1};
    struct operands operands;
    struct role_name role;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    return role_name_parse (operands.items[0], &cli->arena, &role, &error) &&
                   edit_begin (cli, &edit, &error) &&
                   trust_edit_remove_role (&edit.draft, &role, &cli->arena, &error) &&
                   edit_end (cli, &edit, &error)
               ? CLI_DONE
               : cli_fail (cli, &error);
}

int cmd_trust_renew (struct cli *cli, int argc, char **argv)
{
    struct edit edit = {.file = TRUST_DRAFT, .life = {365 * DAY_SECONDS * 1000}};
    const struct option_row rows[] = {EDIT_ROWS (edit)};
    const struct command_line line = {
        .usage = "relevo trust renew [options]",
        .about =
            "Drafts a trust document that differs by its expiry alone: a year from now, or --for. One that\n"
            "has expired vouches for nothing, and can still be renewed.\n",
        .examples = "  relevo trust renew\n  relevo trust renew --for 90d\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0]};
    struct operands operands;
    struct error error;
    int exit_code = CLI_ERROR;
    if (!options_parse (cli, &line, argc, argv, &operands, &exit_code))
        return exit_code;
    return edit_begin (cli, &edit, &error) && edit_end (cli, &edit, &error) ? CLI_DONE
                                                                            : cli_fail (cli, &error);
}
