#include "controller/io/program.h"

#include <inttypes.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/wire.h"
#include "controller/io/history.h"
#include "controller/io/loop.h"
#include "controller/io/rights.h"

/* Everything that one run owns. */
struct program {
    const struct log *log;
    struct arena arena;
    struct config config;
    struct rights rights;
    struct courier *courier;
    struct supervisor *supervisor;
    struct wire_pair pair;
    struct public_key signing;
    struct history_first first;
    struct history history;
    struct store *store;
    struct depot *depot;
};

/* Keys, and what else only the user who started it may read. */
static bool open_controller (struct program *program, struct error *error)
{
    struct controller_options options;
    if (!wire_pair_read (program->config.wire_key, &program->pair, error) ||
        !history_options (&program->config, &program->arena, &options, error))
        return false;
    program->signing = options.key.public;
    program->history.controller = controller_new (&options);
    secret_key_wipe (&options.key);
    history_first_read (&program->config, &program->arena, &program->first);
    return true;
}

static bool open_journal (struct program *program, enum store_mode mode, struct error *error)
{
    const char *state = program->config.state;
    struct store *writer;
    if (mode == STORE_READ && !file_exists (path_join (&program->arena, state, "journal.sqlite")))
        return history_begin (
            &program->history, &program->config, &program->first, &program->signing, NULL, clock_now (),
            error);
    if (!store_open (state, mode, history_apply, &program->history, &program->store, error))
        return false;
    writer = mode == STORE_WRITE ? program->store : NULL;
    return store_newest (program->store) > 0 || history_begin (
                                                    &program->history, &program->config, &program->first,
                                                    &program->signing, writer, clock_now (), error);
}

static bool check (struct program *program, FILE *out, struct error *error)
{
    const struct config *config = &program->config;
    char text[WIRE_TEXT_SIZE];
    char time[TIME_TEXT_SIZE];
    if (!open_journal (program, STORE_READ, error))
        return false;
    fprintf (out, "controller %s, wire key %s\n", config->name, wire_key_print (&program->pair.public, text));
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
    if (!controller_is_believed (program->history.controller, error))
        return error_context (error, "%s", config->signing_key);
    return fflush (out) == 0 || error_set (error, ERROR_SYSTEM, "the report can't be written");
}

/* Who does what is settled before anything secret is known, and rights are gone before anything that comes
   from outside is looked at, be it the journal. */
static bool divide_rights (struct program *program, struct error *error)
{
    struct courier_options courier = {.config = &program->config, .log = program->log};
    if (!rights_find (&program->config, &program->rights, error) ||
        !rights_give_folders (&program->config, &program->rights, error))
        return false;
    courier.privileges = program->rights.drops ? &program->rights.privileges : NULL;
    /* The supervisor is the face's alone: its socket is opened when the courier is on its way, and before the
       right to do so is gone. */
    return courier_start (&courier, &program->courier, error) &&
           supervisor_open (&program->supervisor, error) && open_controller (program, error) &&
           rights_give_up (&program->config, &program->rights, program->log, error);
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
    struct loop_parts parts = {&program->config,    program->log,   program->history.controller,
                               program->store,      program->depot, program->courier,
                               program->supervisor, &program->pair};
    good = loop_open (&parts, &loop, error);
    wire_pair_wipe (&program->pair);
    if (!good)
        return false;
    good = loop_run (loop, error);
    loop_close (&loop);
    return good;
}

static void close_all (struct program *program)
{
    courier_stop (&program->courier);
    supervisor_close (&program->supervisor);
    wire_pair_wipe (&program->pair);
    depot_close (&program->depot);
    store_close (&program->store);
    if (program->history.controller != NULL)
        controller_free (&program->history.controller);
    arena_free (&program->arena);
}

bool program_serve (const char *config, const struct log *log, struct error *error)
{
    struct program program = {.log = log};
    bool good = config_read (config, &program.arena, &program.config, error) &&
                divide_rights (&program, error) && serve (&program, error);
    close_all (&program);
    return good;
}

bool program_check (const char *config, FILE *out, struct error *error)
{
    struct program program = {0};
    bool good = config_read (config, &program.arena, &program.config, error) &&
                open_controller (&program, error) && check (&program, out, error);
    close_all (&program);
    return good;
}
