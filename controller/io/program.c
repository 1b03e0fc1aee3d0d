#include "controller/io/program.h"

#include <inttypes.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/wire.h"
#include "controller/io/history.h"
#include "controller/io/loop.h"

/* Everything that one run owns. */
struct program {
    const struct log *log;
    struct arena arena;
    struct config config;
    struct public_key signing;
    struct history history;
    struct store *store;
    struct depot *depot;
    struct notify *notify;
};

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

static bool check (struct program *program, FILE *out, struct error *error)
{
    const struct config *config = &program->config;
    struct wire_pair pair;
    char text[WIRE_TEXT_SIZE];
    char time[TIME_TEXT_SIZE];
    if (!wire_pair_read (config->wire_key, &pair, error) || !open_journal (program, STORE_READ, error))
        return false;
    fprintf (out, "controller %s, wire key %s\n", config->name, wire_key_print (&pair.public, text));
    wire_pair_wipe (&pair);
    fprintf (
        out, "agents %s, publish %s, people %s, local %s\n", config->agents, config->publish, config->people,
        config->local);
    fprintf (out, "%zu notification targets\n", config->target_count);
    if (program->history.entries == 0)
        fprintf (out, "no journal in %s yet: the first trust and fleet documents are good\n", config->state);
    else
        fprintf (
            out,
            "journal in %s: %" PRIu64 " entries, the chain is whole; %" PRIu64 " starts, %" PRIu64
            " rollouts; newest entry %s\n",
            config->state, program->history.entries, program->history.epochs, program->history.rollouts,
            instant_print (program->history.newest, time));
    return fflush (out) == 0 || error_set (error, ERROR_SYSTEM, "the report can't be written");
}

static bool serve (struct program *program, struct error *error)
{
    struct loop *loop;
    const char *folder = path_join (&program->arena, program->config.state, "depot");
    bool good;
    if (!open_journal (program, STORE_WRITE, error) || !depot_open (folder, &program->depot, error))
        return false;
    log_line (
        program->log, LOG_NOTE, "%s %s: %" PRIu64 " entries in the journal", program->config.name,
        RELEVO_VERSION, store_newest (program->store));
    program->notify = notify_new (&program->config);
    struct loop_parts parts = {&program->config, program->log,   program->history.controller,
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

bool program_serve (const char *config, const struct log *log, struct error *error)
{
    struct program program = {.log = log};
    bool good = open_controller (&program, config, error) && serve (&program, error);
    close_all (&program);
    return good;
}

bool program_check (const char *config, FILE *out, struct error *error)
{
    struct program program = {0};
    bool good = open_controller (&program, config, error) && check (&program, out, error);
    close_all (&program);
    return good;
}
