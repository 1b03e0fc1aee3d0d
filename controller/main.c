/* relevod: the controller. */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/wire.h"
#include "controller/io/history.h"
#include "controller/io/loop.h"

enum { EXIT_GOOD = 0, EXIT_ERROR = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "relevod - the controller of relevo\n"
    "\n"
    "usage: relevod --config FILE [--check] [--verbose]\n"
    "\n"
    "  --config FILE  the configuration, controller.yaml (as `relevo init` writes it)\n"
    "  --check        read configuration, keys and journal, say what is there, and end\n"
    "  --verbose      log every message and every entry of the journal\n"
    "  --help         this text\n"
    "  --version      the version\n"
    "\n"
    "examples:\n"
    "  relevo init /etc/relevo && relevod --config /etc/relevo/controller/controller.yaml\n"
    "  relevod --config controller.yaml --check      (also beside a running relevod)\n"
    "\n"
    "It ends on SIGTERM and SIGINT. Its endpoints stand in STATE/endpoints once it is ready.\n"
    "Exit codes: 0 good, 1 error, 2 wrong usage.\n";

struct arguments {
    const char *config;
    bool check;
    bool verbose;
};

/* Everything that one run owns. */
struct program {
    struct log log;
    struct arena arena;
    struct config config;
    struct public_key signing;
    struct history history;
    struct store *store;
    struct depot *depot;
    struct notify *notify;
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
    if (optind < count || ret->config == NULL) {
        fprintf (stderr, "%s", usage);
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

static bool open_controller (struct program *program, const char *path, struct error *error)
{
    struct controller_options options;
    if (!config_read (path, &program->arena, &program->config, error) ||
        !history_options (&program->config, &program->arena, &options, error))
        return false;
    program->signing = options.key.public;
    program->history.controller = controller_new (&options);
    secret_key_wipe (&options.key);
    return true;
}

static bool open_journal (struct program *program, enum store_mode mode, struct error *error)
{
    const char *state = program->config.state;
    struct store *writer;
    if (mode == STORE_READ && !file_exists (path_join (&program->arena, state, "journal.sqlite")))
        return history_begin (
            &program->history, &program->config, &program->signing, NULL, clock_now (), error);
    if (!store_open (state, mode, history_apply, &program->history, &program->store, error))
        return false;
    writer = mode == STORE_WRITE ? program->store : NULL;
    return store_newest (program->store) > 0 ||
           history_begin (
               &program->history, &program->config, &program->signing, writer, clock_now (), error);
}

static bool check (struct program *program, struct error *error)
{
    const struct config *config = &program->config;
    struct wire_pair pair;
    char text[WIRE_TEXT_SIZE];
    char time[TIME_TEXT_SIZE];
    if (!wire_pair_read (config->wire_key, &pair, error) || !open_journal (program, STORE_READ, error))
        return false;
    printf ("controller %s, wire key %s\n", config->name, wire_key_print (&pair.public, text));
    wire_pair_wipe (&pair);
    printf (
        "agents %s, publish %s, people %s, local %s\n", config->agents, config->publish, config->people,
        config->local);
    printf ("%zu notification targets\n", config->target_count);
    if (program->history.entries == 0)
        printf ("no journal in %s yet: the first trust and fleet documents are good\n", config->state);
    else
        printf (
            "journal in %s: %" PRIu64 " entries, the chain is whole; %" PRIu64 " starts, %" PRIu64
            " rollouts; newest entry %s\n",
            config->state, program->history.entries, program->history.epochs, program->history.rollouts,
            instant_print (program->history.newest, time));
    return true;
}

static bool serve (struct program *program, struct error *error)
{
    struct loop *loop;
    const char *folder = path_join (&program->arena, program->config.state, "depot");
    bool good;
    if (!open_journal (program, STORE_WRITE, error) || !depot_open (folder, &program->depot, error))
        return false;
    log_line (
        &program->log, LOG_NOTE, "%s %s: %" PRIu64 " entries in the journal", program->config.name,
        RELEVO_VERSION, store_newest (program->store));
    program->notify = notify_new (&program->config);
    struct loop_parts parts = {&program->config, &program->log,  program->history.controller,
                               program->store,   program->depot, program->notify};
    if (!loop_open (&parts, &loop, error))
        return false;
    good = loop_run (loop, error);
    loop_close (&loop);
    return good;
}

static void close_all (struct program *program)
{
    notify_free (&program->notify);
    depot_close (&program->depot);
    store_close (&program->store);
    if (program->history.controller != NULL)
        controller_free (&program->history.controller);
    arena_free (&program->arena);
}

int main (int count, char **words)
{
    struct arguments arguments = {0};
    struct program program = {.log = {.program = "relevod", .least = LOG_NOTE}};
    struct error error;
    bool good;
    int code;
    if (count == 2 && strcmp (words[1], NOTIFY_POST_WORD) == 0)
        return notify_post ();
    code = read_arguments (count, words, &arguments);
    if (code >= 0)
        return code;
    if (arguments.verbose)
        program.log.least = LOG_DEBUG;
    if (sodium_init () < 0)
        return EXIT_ERROR;
    (void)signal (SIGPIPE, SIG_IGN);
    raise_limits ();
    good = open_controller (&program, arguments.config, &error) &&
           (arguments.check ? check (&program, &error) : serve (&program, &error));
    if (!good)
        log_line (&program.log, LOG_PROBLEM, "%s", error.text);
    close_all (&program);
    return good ? EXIT_GOOD : EXIT_ERROR;
}
