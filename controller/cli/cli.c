#include "controller/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "controller/cli/options.h"

enum { COMMANDS_MAX = 32, WIDTH_DEFAULT = 80, HEIGHT_DEFAULT = 24, TEXT_MAX = 2048 };

/* Text from elsewhere never steers the terminal: everything below space but the line feed is shown as \xNN.
 */
static void print_safely (FILE *stream, const char *text)
{
    for (const char *place = text; *place != '\0'; place++) {
        unsigned char byte = (unsigned char)*place;
        if ((byte < 0x20 && byte != '\n') || byte == 0x7F)
            (void)fprintf (stream, "\\x%02x", byte);
        else
            (void)fputc (byte, stream);
    }
}

int cli_fail (struct cli *cli, const struct error *error)
{
    (void)cli;
    (void)fflush (stdout);
    (void)fputs ("relevo: ", stderr);
    print_safely (stderr, error->text);
    (void)fputc ('\n', stderr);
    return CLI_ERROR;
}

int cli_usage (struct cli *cli, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    (void)cli;
    va_start (arguments, format);
    (void)vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    (void)fflush (stdout);
    (void)fputs ("relevo: ", stderr);
    print_safely (stderr, text);
    (void)fputc ('\n', stderr);
    return CLI_USAGE;
}

void cli_say (const struct cli *cli, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    if (cli->quiet)
        return;
    va_start (arguments, format);
    (void)vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    print_safely (stderr, text);
    (void)fputc ('\n', stderr);
}

static struct terminal look_at (int descriptor, bool no_color)
{
    struct terminal terminal = {.width = WIDTH_DEFAULT, .height = HEIGHT_DEFAULT};
    const char *kind = getenv ("TERM");
    const char *never = getenv ("NO_COLOR");
    struct winsize size;
    terminal.is = isatty (descriptor) == 1 && kind != NULL && strcmp (kind, "dumb") != 0;
    terminal.color = terminal.is && !no_color && (never == NULL || never[0] == '\0');
    if (terminal.is && ioctl (descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        terminal.width = size.ws_col;
        terminal.height = size.ws_row;
    }
    return terminal;
}

void cli_look_at_terminals (struct cli *cli)
{
    cli->out = look_at (STDOUT_FILENO, cli->no_color);
    cli->error = look_at (STDERR_FILENO, cli->no_color);
}

bool cli_confirm (struct cli *cli, const char *question, struct error *error)
{
    char answer[16] = "";
    if (cli->yes)
        return true;
    if (cli->no_input || isatty (STDIN_FILENO) != 1)
        return error_set (error, ERROR_INPUT, "%s Nobody can be asked here: add --yes if so", question);
    print_safely (stderr, question);
    (void)fputs (" [y/N] ", stderr);
    (void)fflush (stderr);
    if (fgets (answer, sizeof answer, stdin) == NULL)
        (void)fputc ('\n', stderr);
    if (strcmp (answer, "y\n") == 0 || strcmp (answer, "yes\n") == 0)
        return true;
    return error_set (error, ERROR_REFUSED, "not confirmed: nothing was done");
}

static void show_group (
    const char *group, const char *examples, const struct cli_command *commands, size_t count, FILE *stream)
{
    const char *space = group[0] != '\0' ? " " : "";
    (void)fprintf (
        stream, "Examples:\n%s\nUsage: relevo%s%s COMMAND [options]\n\nCommands:\n", examples, space, group);
    for (size_t i = 0; i < count; i++)
        (void)fprintf (stream, "  %-12s %s\n", commands[i].name, commands[i].about);
    (void)fprintf (stream, "\nMore: `relevo%s%s COMMAND --help`\n", space, group);
}

static int unknown_command (
    struct cli *cli, const char *group, const struct cli_command *commands, size_t count, const char *word)
{
    const char *names[COMMANDS_MAX];
    const char *space = group[0] != '\0' ? " " : "";
    const char *near;
    for (size_t i = 0; i < count && i < COMMANDS_MAX; i++)
        names[i] = commands[i].name;
    near = text_nearest (word, names, count < COMMANDS_MAX ? count : COMMANDS_MAX);
    if (near != NULL)
        return cli_usage (
            cli, "unknown command \"%s\": did you mean `relevo%s%s %s`?", word, space, group, near);
    return cli_usage (cli, "unknown command \"%s\"; see `relevo%s%s --help`", word, space, group);
}

/* `help A B` is `A B --help`, however deep. */
static int help_of (struct cli *cli, const struct cli_command *command, int argc, char **argv)
{
    static char help[] = "--help";
    char **asked = arena_array (&cli->arena, (size_t)argc + 2, sizeof *asked);
    for (int i = 0; i < argc; i++)
        asked[i] = argv[i];
    asked[argc] = help;
    return command->run (cli, argc + 1, asked);
}

int cli_dispatch (
    struct cli *cli, const char *group, const char *examples, const struct cli_command *commands,
    size_t count, int argc, char **argv)
{
    char usage[64];
    struct command_line line = {.usage = usage, .about = "", .examples = ""};
    bool help = false;
    int first = argc;
    int exit_code = CLI_USAGE;
    (void)snprintf (usage, sizeof usage, "relevo%s%s", group[0] != '\0' ? " " : "", group);
    if (!options_leading (cli, &line, argc, argv, &first, &help, &exit_code))
        return exit_code;
    if (!help && first < argc && strcmp (argv[first], "help") == 0) {
        help = true;
        first++;
    }
    if (help && first >= argc) {
        show_group (group, examples, commands, count, stdout);
        return CLI_DONE;
    }
    if (first >= argc) {
        show_group (group, examples, commands, count, stderr);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp (argv[first], commands[i].name) == 0) {
            if (!help)
                return commands[i].run (cli, argc - first, argv + first);
            return help_of (cli, &commands[i], argc - first, argv + first);
        }
    return unknown_command (cli, group, commands, count, argv[first]);
}
