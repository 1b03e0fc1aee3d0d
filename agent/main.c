/* relevo-agent: takes part in a fleet on behalf of one host. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/io/config.h"
#include "agent/io/enrol.h"
#include "agent/io/installer_loop.h"
#include "agent/io/probe.h"
#include "agent/io/probe_child.h"
#include "agent/io/session_loop.h"
#include "agent/io/status.h"
#include "common/io/file.h"
#include "common/io/sandbox.h"

enum exit_code { EXIT_DONE = 0, EXIT_PROBLEM = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3, EXIT_LATE = 5 };

enum { TOKEN_FILE_MAX = 8192, ENROL_TIMEOUT_MS = 600000 };

#define CONFIG_DEFAULT "/etc/relevo/agent.yaml"

struct choices {
    const char *config;
    const char *token;
    struct span timeout;
    bool verbose;
};

struct command_entry {
    const char *name;
    const char *what;
    bool (*run) (
        const struct agent_config *config, const struct choices *choices, const struct log *log,
        struct arena *arena, struct error *error);
};

static bool run (
    const struct agent_config *config, const struct choices *choices, const struct log *log,
    struct arena *arena, struct error *error)
{
    (void)choices, (void)arena;
    return installer_run (config, log, error);
}

static bool run_session (
    const struct agent_config *config, const struct choices *choices, const struct log *log,
    struct arena *arena, struct error *error)
{
    (void)choices, (void)arena;
    return session_run (config, log, error);
}

/* "@FILE" keeps the token out of the process list. */
static bool read_token (const char *word, struct arena *arena, struct token *ret, struct error *error)
{
    struct bytes file;
    if (word == NULL)
        return error_set (
            error, ERROR_INPUT,
            "enrol needs --token TOKEN or --token @FILE; \"relevo host token\" makes one");
    if (word[0] != '@')
        return token_parse (word, arena, ret, error);
    return file_read (word + 1, TOKEN_FILE_MAX, arena, &file, error) &&
           token_parse ((const char *)file.data, arena, ret, error);
}

static bool run_enrol (
    const struct agent_config *config, const struct choices *choices, const struct log *log,
    struct arena *arena, struct error *error)
{
    struct token token;
    (void)log;
    return read_token (choices->token, arena, &token, error) &&
           enrol (config, &token, choices->timeout, error);
}

static bool run_status (
    const struct agent_config *config, const struct choices *choices, const struct log *log,
    struct arena *arena, struct error *error)
{
    struct buffer out = {0};
    bool good = status_print (config, &out, error);
    (void)choices, (void)log, (void)arena;
    if (good)
        (void)fputs (out.data, stdout);
    buffer_free (&out);
    return good;
}

static const struct command_entry commands[] = {
    {"run", "take part in the fleet, until TERM; services keep running", run},
    {"enrol", "become a host of a fleet, with a one-time token", run_enrol},
    {"status", "what runs here, since when, and by whose signature", run_status},
};

/* Started by `run` itself. */
static const struct command_entry session_command = {"session", "", run_session};

static void print_help (FILE *out)
{
    size_t i;
    (void)fputs (
        "relevo-agent: installs what its fleet's people have signed, and nothing else.\n\n"
        "  relevo-agent enrol --config /etc/relevo/agent.yaml --token @token.txt\n"
        "  relevo-agent run --config /etc/relevo/agent.yaml\n"
        "  relevo-agent status\n\n"
        "Commands:\n",
        out);
    for (i = 0; i < sizeof commands / sizeof *commands; i++)
        (void)fprintf (out, "  %-8s %s\n", commands[i].name, commands[i].what);
    (void)fputs (
        "\nOptions:\n"
        "  --config FILE    agent.yaml (" CONFIG_DEFAULT ")\n"
        "  --token TOKEN    enrol: the token, or @FILE that holds it\n"
        "  --timeout TIME   enrol: how long to wait for acceptance (10m)\n"
        "  --verbose        log every note and message\n"
        "  --help, --version\n\n"
        "Exit codes: 0 done, 1 error, 2 usage, 3 refused, 5 timed out.\n",
        out);
}

static const struct command_entry *find_command (const char *name)
{
    const char *names[sizeof commands / sizeof *commands];
    const char *nearest;
    size_t i;
    for (i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp (commands[i].name, name) == 0)
            return &commands[i];
        names[i] = commands[i].name;
    }
    nearest = text_nearest (name, names, sizeof commands / sizeof *commands);
    (void)fprintf (
        stderr, "relevo-agent: there is no command \"%s\"%s%s%s\n", name,
        nearest != NULL ? "; did you mean \"" : "; see relevo-agent --help", nearest != NULL ? nearest : "",
        nearest != NULL ? "\"?" : "");
    return NULL;
}

static bool read_timeout (const char *text, struct choices *choices)
{
    struct error error;
    if (span_parse (text, &choices->timeout, &error))
        return true;
    (void)fprintf (stderr, "relevo-agent: --timeout: %s\n", error.text);
    return false;
}

/* False where the words are wrong (`ret_code` EXIT_USAGE) or were only a question (EXIT_DONE). */
static bool read_choices (int count, char **words, struct choices *choices, int *ret_code)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"token", required_argument, NULL, 't'},
        {"timeout", required_argument, NULL, 'w'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0}};
    int option;
    *ret_code = EXIT_USAGE;
    while ((option = getopt_long (count, words, "c:t:vh", options, NULL)) != -1) {
        if (option == 'c')
            choices->config = optarg;
        else if (option == 't')
            choices->token = optarg;
        else if (option == 'v')
            choices->verbose = true;
        else if (option == 'w' && !read_timeout (optarg, choices))
            return false;
        else if (option == 'h' || option == 'V') {
            *ret_code = EXIT_DONE;
            option == 'h' ? print_help (stdout) : (void)printf ("relevo-agent " RELEVO_VERSION "\n");
            return false;
        } else if (option == '?')
            return false;
    }
    return true;
}

static int exit_code_of (const struct error *error)
{
    switch (error->kind) {
    case ERROR_REFUSED:
        return EXIT_REFUSED;
    case ERROR_TIMEOUT:
        return EXIT_LATE;
    case ERROR_INPUT:
    case ERROR_LIMIT:
    case ERROR_EXPIRED:
    case ERROR_MISSING:
    case ERROR_CONFLICT:
    case ERROR_SYSTEM:
        break;
    }
    return EXIT_PROBLEM;
}

static int do_command (const struct command_entry *command, const struct choices *choices)
{
    struct log log = {
        .program = command == &session_command ? "relevo-agent session" : "relevo-agent",
        .least = choices->verbose ? LOG_DEBUG : LOG_NOTE};
    struct arena arena = {0};
    struct agent_config config;
    struct error error = {0};
    int code = EXIT_DONE;
    if (!config_read (choices->config, &arena, &config, &error) ||
        !command->run (&config, choices, &log, &arena, &error)) {
        log_line (&log, LOG_PROBLEM, "%s", error.text);
        code = exit_code_of (&error);
    }
    arena_free (&arena);
    return code;
}

int main (int count, char **words)
{
    struct choices choices = {.config = CONFIG_DEFAULT, .timeout = {ENROL_TIMEOUT_MS}};
    const struct command_entry *command;
    struct error error;
    bool is_session = count > 1 && strcmp (words[1], SESSION_MODE) == 0;
    int code;
    if (sodium_init () < 0) {
        (void)fputs ("relevo-agent: libsodium does not start\n", stderr);
        return EXIT_PROBLEM;
    }
    if (count > 1 && strcmp (words[1], PROBE_MODE) == 0)
        return probe_child (count - 2, words + 2);
    /* It holds the host's keys. */
    if (!sandbox_hide (&error)) {
        (void)fprintf (stderr, "relevo-agent: %s\n", error.text);
        return EXIT_PROBLEM;
    }
    if (is_session) {
        count--;
        words++;
    }
    if (!read_choices (count, words, &choices, &code))
        return code;
    if (is_session)
        return do_command (&session_command, &choices);
    if (optind + 1 != count) {
        print_help (stderr);
        return EXIT_USAGE;
    }
    command = find_command (words[optind]);
    return command != NULL ? do_command (command, &choices) : EXIT_USAGE;
}
