#include "controller/cli/options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/output.h"

enum { ROWS_MAX = 64, FIRST_VALUE = 1000, NAME_COLUMN = 30 };

/* The rows of one command and the global ones, and the same for getopt_long. */
struct parser {
    struct option_row rows[ROWS_MAX];
    size_t count;
    struct option longs[ROWS_MAX + 1];
    char letters[2 * ROWS_MAX + 3];
    const char *format;
    bool help;
};

static size_t global_rows (struct cli *cli, struct parser *parser, struct option_row *ret)
{
    const struct option_row rows[] = {
        {"output", 'o', OPTION_TEXT, &parser->format, "FORMAT", "table, json or jsonl"},
        {"config", 0, OPTION_TEXT, &cli->config, "FILE", "relevo.yaml to use"},
        {"controller", 0, OPTION_TEXT, &cli->controller, "ADDRESS",
         "tcp://HOST:PORT of the controller's people door"},
        {"password-file", 0, OPTION_TEXT, &cli->password_file, "FILE",
         "its first line is the key's password"},
        {"no-color", 0, OPTION_FLAG, &cli->no_color, NULL, "no colour"},
        {"no-input", 0, OPTION_FLAG, &cli->no_input, NULL, "never ask anything"},
        {"yes", 'y', OPTION_FLAG, &cli->yes, NULL, "answer questions with yes"},
        {"quiet", 'q', OPTION_FLAG, &cli->quiet, NULL, "data and errors only"},
        {"help", 'h', OPTION_FLAG, &parser->help, NULL, "this help"},
    };
    (void)memcpy (ret, rows, sizeof rows);
    return sizeof rows / sizeof rows[0];
}

/* The command's own rows come first: a letter that it uses is not taken for the global one. */
static void parser_fill (
    struct parser *parser, struct cli *cli, const struct command_line *line, bool leading)
{
    size_t letters = 0;
    assert (line->row_count + 16 < ROWS_MAX);
    for (size_t i = 0; i < line->row_count; i++)
        parser->rows[i] = line->rows[i];
    parser->count = line->row_count + global_rows (cli, parser, &parser->rows[line->row_count]);
    if (leading)
        parser->letters[letters++] = '+';
    parser->letters[letters++] = ':';
    for (size_t i = 0; i < parser->count; i++) {
        const struct option_row *row = &parser->rows[i];
        parser->longs[i] = (struct option){
            row->name, row->kind == OPTION_FLAG ? no_argument : required_argument, NULL,
            FIRST_VALUE + (int)i};
        if (row->letter != 0 && strchr (parser->letters, row->letter) == NULL) {
            parser->letters[letters++] = row->letter;
            if (row->kind != OPTION_FLAG)
                parser->letters[letters++] = ':';
        }
    }
}

static const struct option_row *parser_row (const struct parser *parser, int value)
{
    if (value >= FIRST_VALUE)
        return &parser->rows[value - FIRST_VALUE];
    for (size_t i = 0; i < parser->count; i++)
        if (parser->rows[i].letter == value)
            return &parser->rows[i];
    return NULL;
}

static bool number_of (const char *text, uint64_t *ret)
{
    char *end = NULL;
    unsigned long long number;
    if (!isdigit ((unsigned char)text[0]))
        return false;
    errno = 0;
    number = strtoull (text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret = number;
    return true;
}

static void texts_add (struct option_texts *texts, const char *text, struct arena *arena)
{
    const char **grown = arena_array (arena, texts->count + 1, sizeof *grown);
    if (texts->count > 0)
        (void)memcpy (grown, texts->items, texts->count * sizeof *grown);
    grown[texts->count] = text;
    texts->items = grown;
    texts->count++;
}

static bool row_take (
    const struct option_row *row, const char *argument, struct arena *arena, struct error *error)
{
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)row->place = true;
        return true;
    case OPTION_TEXT:
        *(const char **)row->place = argument;
        return true;
    case OPTION_TEXTS:
        texts_add (row->place, argument, arena);
        return true;
    case OPTION_NUMBER:
        return number_of (argument, row->place) ||
               error_set (error, ERROR_INPUT, "--%s wants a number, not \"%s\"", row->name, argument);
    case OPTION_SPAN:
        return span_parse (argument, row->place, error) || error_context (error, "--%s", row->name);
    }
    return false;
}

static const char *command_words (const struct command_line *line, char *text, size_t size)
{
    size_t length = 0;
    while (line->usage[length] != '\0' && length + 1 < size) {
        const char *word = &line->usage[length];
        if (length > 0 && word[0] == ' ' && !islower ((unsigned char)word[1]))
            break;
        length++;
    }
    (void)snprintf (text, size, "%.*s", (int)length, line->usage);
    return text;
}

static int explain (struct cli *cli, const struct command_line *line, const char *text)
{
    char words[128];
    size_t size = strlen (text);
    const char *stop = size > 0 && strchr (".?", text[size - 1]) != NULL ? "" : ".";
    return cli_usage (cli, "%s%s See `%s --help`.", text, stop, command_words (line, words, sizeof words));
}

static int unknown_option (
    struct cli *cli, const struct command_line *line, const struct parser *parser, char **argv)
{
    const char *names[ROWS_MAX];
    char word[64];
    char text[256];
    const char *near;
    if (optopt != 0 && optopt < FIRST_VALUE) {
        (void)snprintf (text, sizeof text, "unknown option -%c.", isprint (optopt) ? optopt : '?');
        return explain (cli, line, text);
    }
    for (size_t i = 0; i < parser->count; i++)
        names[i] = parser->rows[i].name;
    (void)snprintf (word, sizeof word, "%s", argv[optind - 1] + strspn (argv[optind - 1], "-"));
    word[strcspn (word, "=")] = '\0';
    near = text_nearest (word, names, parser->count);
    if (near != NULL)
        (void)snprintf (text, sizeof text, "unknown option --%s: did you mean --%s?", word, near);
    else
        (void)snprintf (text, sizeof text, "unknown option --%s.", word);
    return explain (cli, line, text);
}

static int missing_argument (struct cli *cli, const struct command_line *line, const struct parser *parser)
{
    const struct option_row *row = parser_row (parser, optopt);
    char text[256];
    (void)snprintf (
        text, sizeof text, "--%s needs %s.", row != NULL ? row->name : "?",
        row != NULL ? row->argument : "a value");
    return explain (cli, line, text);
}

static bool take_format (struct cli *cli, const char *word)
{
    static const char *const words[] = {"table", "json", "jsonl"};
    for (size_t i = 0; word != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp (word, words[i]) == 0) {
            cli->format = (enum cli_format)i;
            return true;
        }
    return word == NULL;
}

/* Runs getopt over all options. False: the command ends with *ret_exit. */
static bool parse_all (
    struct cli *cli, const struct command_line *line, struct parser *parser, int argc, char **argv,
    int *ret_exit)
{
    int value;
    optind = 0;
    opterr = 0;
    while ((value = getopt_long (argc, argv, parser->letters, parser->longs, NULL)) != -1) {
        const struct option_row *row;
        struct error error;
        if (value == '?') {
            *ret_exit = unknown_option (cli, line, parser, argv);
            return false;
        }
        if (value == ':') {
            *ret_exit = missing_argument (cli, line, parser);
            return false;
        }
        row = parser_row (parser, value);
        if (!row_take (row, optarg, &cli->arena, &error)) {
            *ret_exit = explain (cli, line, error.text);
            return false;
        }
    }
    if (!take_format (cli, parser->format)) {
        *ret_exit = explain (cli, line, "-o wants table, json or jsonl.");
        return false;
    }
    cli_look_at_terminals (cli);
    return true;
}

static void help_row (const struct option_row *row, struct buffer *out)
{
    struct buffer name = {0};
    buffer_print (&name, row->letter != 0 ? "  -%c, " : "      ", row->letter);
    buffer_print (
        &name, "--%s%s%s", row->name, row->argument != NULL ? " " : "",
        row->argument != NULL ? row->argument : "");
    buffer_print (
        out, "%s%*s  %s\n", name.data,
        text_columns (name.data) < NAME_COLUMN ? (int)(NAME_COLUMN - text_columns (name.data)) : 0, "",
        row->about);
    buffer_free (&name);
}

static void help_rows (const char *heading, const struct option_row *rows, size_t count, struct buffer *out)
{
    if (count == 0)
        return;
    buffer_print (out, "\n%s:\n", heading);
    for (size_t i = 0; i < count; i++)
        help_row (&rows[i], out);
}

void options_help (const struct command_line *line, struct buffer *out)
{
    struct cli nobody = {0};
    struct parser parser = {0};
    struct option_row rows[ROWS_MAX];
    size_t count = global_rows (&nobody, &parser, rows);
    buffer_print (out, "Examples:\n%s\nUsage: %s\n\n%s", line->examples, line->usage, line->about);
    help_rows ("Options", line->rows, line->row_count, out);
    help_rows ("Global options", rows, count, out);
}

static int show_help (const struct command_line *line)
{
    struct buffer out = {0};
    options_help (line, &out);
    (void)fwrite (out.data, 1, out.size, stdout);
    buffer_free (&out);
    return CLI_DONE;
}

bool options_parse (
    struct cli *cli, const struct command_line *line, int argc, char **argv, struct operands *ret,
    int *ret_exit)
{
    struct parser parser = {0};
    size_t count;
    parser_fill (&parser, cli, line, false);
    if (!parse_all (cli, line, &parser, argc, argv, ret_exit))
        return false;
    if (parser.help) {
        *ret_exit = show_help (line);
        return false;
    }
    count = (size_t)(argc - optind);
    if (count < line->least || count > line->most) {
        *ret_exit = explain (cli, line, count < line->least ? "something is missing." : "too many words.");
        (void)fprintf (stderr, "usage: %s\n", line->usage);
        return false;
    }
    *ret = (struct operands){argv + optind, count};
    return true;
}

bool options_leading (
    struct cli *cli, const struct command_line *line, int argc, char **argv, int *ret_first, bool *ret_help,
    int *ret_exit)
{
    struct parser parser = {0};
    parser_fill (&parser, cli, line, true);
    if (!parse_all (cli, line, &parser, argc, argv, ret_exit))
        return false;
    *ret_first = optind;
    *ret_help = parser.help;
    return true;
}
