/* relevod: the controller. */
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/io/sandbox.h"
#include "controller/io/notify.h"
#include "controller/io/program.h"

enum { EXIT_GOOD = 0, EXIT_ERROR = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "Examples:\n"
    "  relevo init fleet && relevod --config fleet/controller/controller.yaml\n"
    "  relevod --config controller.yaml --check      (also beside a running relevod)\n"
    "\n"
    "relevod is the controller of relevo.\n"
    "\n"
    "Usage: relevod --config FILE [--check] [--verbose]\n"
    "\n"
    "  --config FILE  the configuration, controller.yaml (as `relevo init` writes it)\n"
    "  --check        read configuration, keys and journal, say what is there, and end\n"
    "  --verbose      log every message and every entry of the journal\n"
    "  --help         this text\n"
    "  --version      the version\n"
    "\n"
    "Started as root, it becomes the `user` of the configuration once it has read the keys.\n"
    "Its child, the courier, carries out notifications, and can't reach keys and journal.\n"
    "It ends on SIGTERM and SIGINT. Its endpoints stand in STATE/endpoints once it is ready.\n"
    "Exit codes: 0 good, 1 error, 2 wrong usage.\n";

struct arguments {
    const char *config;
    bool check;
    bool verbose;
};

/* -1: go on; else the exit code. */
static int read_arguments (int count, char **words, struct arguments *ret)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
        {"verbose", no_argument, NULL, 'v'},      {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long (count, words, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            ret->config = optarg;
            break;
        case 'k':
            ret->check = true;
            break;
        case 'v':
            ret->verbose = true;
            break;
        case 'h':
            return fputs (usage, stdout) < 0 ? EXIT_ERROR : EXIT_GOOD;
        case 'V':
            return puts ("relevod " RELEVO_VERSION) < 0 ? EXIT_ERROR : EXIT_GOOD;
        default:
            fputs ("relevod --help tells what is possible\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < count) {
        (void)fprintf (stderr, "relevod: unexpected word \"%s\"; see relevod --help\n", words[optind]);
        return EXIT_USAGE;
    }
    if (ret->config == NULL) {
        (void)fputs (
            "relevod: --config FILE is missing: `relevo init DIR` writes DIR/controller/controller.yaml\n",
            stderr);
        return EXIT_USAGE;
    }
    return -1;
}

/* Every connection is a descriptor, and libzmq spins where there are none left. */
static void raise_limits (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit (RLIMIT_NOFILE, &limit);
    }
}

int main (int count, char **words)
{
    struct arguments arguments = {0};
    struct log log = {.program = "relevod", .least = LOG_NOTE};
    struct error error;
    bool good;
    int code;
    /* It holds keys, or a target's secrets. */
    if (!sandbox_hide (&error)) {
        log_line (&log, LOG_PROBLEM, "%s", error.text);
        return EXIT_ERROR;
    }
    if (count == 2 && strcmp (words[1], NOTIFY_POST_WORD) == 0)
        return notify_post ();
    code = read_arguments (count, words, &arguments);
    if (code >= 0)
        return code;
    if (arguments.verbose)
        log.least = LOG_DEBUG;
    if (sodium_init () < 0)
        return EXIT_ERROR;
    (void)signal (SIGPIPE, SIG_IGN);
    raise_limits ();
    good = arguments.check ? program_check (arguments.config, stdout, &error)
                           : program_serve (arguments.config, &log, &error);
    if (!good)
        log_line (&log, LOG_PROBLEM, "%s", error.text);
    return good ? EXIT_GOOD : EXIT_ERROR;
}
