/* One story from its beginning to its end. */
#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "proto/render.h"
#include "tests/sim/world.h"

enum {
    LOOK_MS = 5000,                 /* between two looks whether all has settled */
    SETTLED_MOST = 4 * 3600 * 1000, /* from the calm on; the longest plan takes less than half */
    ASSERTION = 99,
};

static const struct instant birth = {INT64_C (1790000000000)};

struct instant true_now (const struct world *world)
{
    return (struct instant){world->start.ms + world->now};
}

/* -----------------------------------------------------------------------------------------------------
 * traces
 */

void violation (struct world *world, unsigned invariant, const char *format, ...)
{
    va_list arguments;
    if (world->invariant != 0)
        return;
    world->invariant = invariant;
    va_start (arguments, format);
    (void)vsnprintf (world->words, sizeof world->words, format, arguments);
    va_end (arguments);
    trace_line (world, "oracle", "invariant %u: %s", invariant, world->words);
}

void trace_line (const struct world *world, const char *who, const char *format, ...)
{
    va_list arguments;
    if (world->trace == NULL)
        return;
    (void)fprintf (world->trace, "%10.3f %-10s ", (double)world->now / 1000, who);
    va_start (arguments, format);
    (void)vfprintf (world->trace, format, arguments);
    va_end (arguments);
    (void)fputc ('\n', world->trace);
}

static void trace_brief (
    const struct world *world, const char *who, const struct record_type *type, const void *record)
{
    if (type == &entry_phase_type) {
        const struct entry_phase *entry = record;
        trace_line (
            world, who, "rollout %llu is %s (attempt %llu): %s", (unsigned long long)entry->rollout,
            enum_word (&phase_words, entry->phase), (unsigned long long)entry->attempt, entry->cause);
    } else if (type == &entry_step_type) {
        const struct entry_step *entry = record;
        trace_line (
            world, who, "step %llu %s%s%s", (unsigned long long)entry->step,
            enum_word (&step_state_words, entry->state), entry->cause[0] != '\0' ? ": " : "", entry->cause);
    } else if (type == &note_lapse_type)
        trace_line (world, who, "was not confirmed in time, and goes back");
    else if (type == &note_kept_type)
        trace_line (world, who, "is confirmed");
}

void trace_record (
    const struct world *world, const char *who, const char *verb, const struct record_type *type,
    const void *record)
{
    struct buffer line = {0};
    if (world->trace == NULL)
        return;
    if (world->brief) {
        trace_brief (world, who, type, record);
        return;
    }
    render (type, record, &line);
    trace_line (world, who, "%s %s", verb, line.data);
    buffer_free (&line);
}

/* ---------------------------------------------------------------------------------------------------
 * beginning
 */

static void open_host (struct world *world, unsigned number)
{
    struct host *host = &world->hosts[number];
    struct random random = random_for (world->story->seed, "host", number);
    struct note_trust trust = {world->papers.trusts[0]};
    struct note_fleet fleet = {world->papers.fleets[0]};
    *host = (struct host){.number = number, .environment = number < world->story->staging ? 0 : 1};
    host->clock.drift = random_between (&random, -world->story->drift, world->story->drift);
    host->installer.dies_after = host->session.dies_after = -1;
    (void)disk_append (world, &host->journal, &note_trust_type, &trust);
    (void)disk_append (world, &host->journal, &note_fleet_type, &fleet);
    host->trust_version = host->fleet_version = 1;
    for (unsigned i = 0; i < PRODUCTS && (world->story->seed & 1) == 0; i++) {
        struct note_release release = papers_old_release (&world->papers, i);
        struct machine *machine = &host->machines[i];
        (void)disk_append (world, &host->journal, &note_release_type, &release);
        (void)snprintf (machine->link, sizeof machine->link, "%s", release.folder);
        (void)snprintf (machine->folders[0].name, sizeof machine->folders[0].name, "%s", release.folder);
        (void)snprintf (
            machine->folders[0].version, sizeof machine->folders[0].version, "%s", release.current.version);
        machine->folder_count = 1;
        oracle_note (world, host, &note_release_type, &release);
    }
    later (
        world, random_between (&random, 0, 500),
        (struct event){.kind = EVENT_POWER, .place = {ROLE_OF_INSTALLER, number}});
}

static void open_controller (struct world *world)
{
    static const char *const targets[] = {"slack", "mail"};
    struct controller_node *node = &world->controller;
    struct entry_trust trust = {world->papers.trusts[0]};
    struct entry_fleet fleet = {world->papers.fleets[0]};
    node->options = (struct controller_options){
        .key = *key_of (KEY_CONTROLLER),
        .heartbeat = {world->story->heartbeat},
        .tick_interval = {world->story->tick},
        .permit_life = {600000},
        .notice_retry = {30000},
        .targets = targets,
        .target_count = 2};
    node->process.dies_after = -1;
    (void)disk_append (world, &node->journal, &entry_trust_type, &trust);
    (void)disk_append (world, &node->journal, &entry_fleet_type, &fleet);
    world->submitted_trust = world->submitted_fleet = 1;
    controller_start_process (world);
}

static void open_world (struct world *world, const struct story *story, FILE *trace)
{
    static const enum key_name people[PEOPLE] = {KEY_ANA, KEY_LUIS, KEY_EVA};
    world->story = story;
    world->trace = trace;
    world->start = birth;
    world->network = random_for (story->seed, "network", 0);
    world->body = random_for (story->seed, "body", 0);
    world->minds = random_for (story->seed, "minds", 0);
    world->thieves = random_for (story->seed, "thieves", 0);
    papers_open (&world->papers, story, birth);
    world->host_count = story->staging + story->production;
    world->hosts = calloc (world->host_count, sizeof *world->hosts);
    assert (world->hosts != NULL);
    for (unsigned i = 0; i < world->host_count; i++)
        open_host (world, i);
    open_controller (world);
    for (unsigned i = 0; i < PEOPLE; i++) {
        world->people[i].key = people[i];
        later (world, 1000 * (i + 1), (struct event){.kind = EVENT_PERSON, .number = i});
    }
    for (unsigned i = 0; i < story->rollout_count; i++)
        later (world, story->rollouts[i].at, (struct event){.kind = EVENT_ROLLOUT, .number = i});
    for (unsigned i = 0; i < story->happening_count; i++)
        if (!story->happenings[i].dropped)
            later (world, story->happenings[i].at, (struct event){.kind = EVENT_HAPPENING, .number = i});
}

static void close_host (struct host *host)
{
    installer_effects_free (&host->installer_effects);
    session_effects_free (&host->session_effects);
    installer_free (&host->installer_core);
    session_free (&host->session_core);
    disk_free (&host->journal);
    for (size_t i = 0; i < host->spool_count; i++)
        buffer_free (&host->spool[i].bytes);
    for (size_t i = 0; i < host->act_count; i++)
        arena_free (&host->acts[(host->act_first + i) % ACTS].arena);
}

static void close_world (struct world *world)
{
    for (unsigned i = 0; i < world->host_count; i++)
        close_host (&world->hosts[i]);
    free (world->hosts);
    controller_effects_free (&world->controller.effects);
    controller_free (&world->controller.core);
    disk_free (&world->controller.journal);
    free (world->controller.notices);
    free (world->connections);
    queue_free (&world->queue);
    for (size_t i = 0; i < world->stock_count; i++)
        packet_drop (world->stock[i]);
    papers_close (&world->papers);
}

/* ------------------------------------------------------------------------------------------------------
 * events
 */

static void start_process (struct world *world, const struct place *place)
{
    if (place->role == ROLE_OF_CONTROLLER)
        controller_start_process (world);
    else if (place->role == ROLE_OF_INSTALLER)
        installer_start_process (world, &world->hosts[place->number]);
    else
        session_start_process (world, &world->hosts[place->number]);
}

static void wake (struct world *world, const struct event *event)
{
    struct host *host = event->place.role == ROLE_OF_CONTROLLER ? NULL : &world->hosts[event->place.number];
    struct process *process = host == NULL                             ? &world->controller.process
                              : event->place.role == ROLE_OF_INSTALLER ? &host->installer
                                                                       : &host->session;
    if (!process->alive || process->life != event->life || process->wake_at != event->at)
        return;
    process->wake_at = INT64_MAX;
    if (host == NULL)
        controller_wake (world);
    else if (event->place.role == ROLE_OF_INSTALLER)
        installer_wake (world, host);
    else
        session_wake (world, host);
}

static void to_session (struct world *world, struct host *host, const struct event *event)
{
    struct session_event said = {
        .kind = event->from_controller ? SESSION_FROM_CONTROLLER : SESSION_FROM_INSTALLER};
    const struct message *message =
        packet_read (event->packet, event->from_controller ? FROM_CONTROLLER : FROM_INSTALLER);
    bool fits = event->life == (event->from_controller ? host->connection : host->session.life);
    if (message == NULL || !fits || !host->session.alive)
        return;
    said.message = *message;
    session_event_at (world, host, &said);
}

static void to_installer (struct world *world, struct host *host, const struct event *event)
{
    struct installer_event said = {.kind = INSTALLER_MESSAGE};
    const struct message *message = packet_read (event->packet, FROM_SESSION);
    if (message == NULL || !host->installer.alive || event->life != host->installer.life)
        return;
    said.message = *message;
    installer_event_at (world, host, &said);
}

static void arrive (struct world *world, const struct event *event)
{
    unsigned number = event->place.number;
    switch (event->place.role) {
    case ROLE_OF_CONTROLLER:
        if (event->life != world->controller.process.life)
            break;
        if (number >= STORY_HOSTS)
            controller_take (world, DOOR_LOCAL, number - STORY_HOSTS, 0, event->packet);
        else
            controller_take (world, DOOR_AGENTS, number, event->number, event->packet);
        break;
    case ROLE_OF_SESSION:
        to_session (world, &world->hosts[number], event);
        break;
    case ROLE_OF_INSTALLER:
        to_installer (world, &world->hosts[number], event);
        break;
    case ROLE_OF_PERSON:
        person_take (world, number, event->packet);
        break;
    }
}

static void say_gone (struct world *world, const struct event *event)
{
    struct controller_event gone = {
        .kind = CONTROLLER_GONE, .route = {.door = DOOR_AGENTS, .size = sizeof event->number}};
    memcpy (gone.route.id, &event->number, sizeof event->number);
    if (event->life == world->controller.process.life)
        controller_event_at (world, &gone);
}

static void do_event (struct world *world, const struct event *event)
{
    struct host *host = event->place.role == ROLE_OF_INSTALLER ? &world->hosts[event->place.number] : NULL;
    switch (event->kind) {
    case EVENT_HAPPENING:
        trace_line (world, "story", "#%llu", (unsigned long long)event->number);
        happen (world, &world->story->happenings[event->number]);
        break;
    case EVENT_START:
        start_process (world, &event->place);
        break;
    case EVENT_WAKE:
        wake (world, event);
        break;
    case EVENT_MESSAGE:
        arrive (world, event);
        break;
    case EVENT_ACT:
        if (host->installer.alive && host->installer.life == event->life)
            act_end (world, host);
        break;
    case EVENT_NOTICE:
        if (event->life == world->controller.process.life && world->controller.process.alive)
            controller_notice (world, event->number);
        break;
    case EVENT_GONE:
        say_gone (world, event);
        break;
    case EVENT_POWER:
        host_power_on (world, host);
        break;
    case EVENT_PERSON:
        person_wake (world, (unsigned)event->number);
        break;
    case EVENT_ROLLOUT:
        rollout_start_try (world, (unsigned)event->number);
        break;
    }
}

static void say_open (struct world *world)
{
    struct controller_node *node = &world->controller;
    for (size_t i = 0; i < node->rollout_count; i++)
        if (node->rollouts[i].phase < PHASE_HEALTHY) {
            violation (
                world, 7, "rollout %zu is still %s long after the calm: %s", i + 1,
                enum_word (&phase_words, node->rollouts[i].phase), node->rollouts[i].cause);
            return;
        }
    for (unsigned i = 0; i < world->host_count; i++)
        for (unsigned j = 0; j < PRODUCTS; j++)
            if (!world->hosts[i].lost && world->hosts[i].watch[j].busy)
                violation (world, 7, "%s is still at work long after the calm", host_name (i));
    violation (world, 7, "something is still owed long after the calm: a receipt, or a notice");
}

/* A thief with the controller's key can delay for ever: then safety alone is asked for. */
static void tell (struct world *world)
{
    int64_t look_at = world->story->calm_at;
    int64_t end = world->story->calm_at + (world->story->stolen ? LOOK_MS : SETTLED_MOST);
    struct event event;
    while (world->invariant == 0 && queue_take (&world->queue, &event)) {
        if (event.at >= look_at) {
            world->now = look_at;
            if (!world->calm)
                calm_down (world);
            else if (world->now >= end || oracle_is_settled (world)) {
                packet_drop (event.packet);
                break;
            }
            look_at += LOOK_MS;
            queue_put (&world->queue, event);
            continue;
        }
        world->now = event.at;
        world->events++;
        do_event (world, &event);
        packet_drop (event.packet);
    }
    if (world->invariant == 0 && !world->story->stolen) {
        if (oracle_is_settled (world))
            oracle_end (world);
        else
            say_open (world);
    }
}

static struct world *running;

/* An assertion of the core is a violation like others; the world is left as it lies. */
static void on_abort (int signal)
{
    (void)signal;
    if (running != NULL && running->out != NULL)
        siglongjmp (*running->out, 1);
}

void run_story (const struct story *story, FILE *trace, bool brief, struct outcome_of_run *ret)
{
    struct world *world = calloc (1, sizeof *world);
    sigjmp_buf out;
    assert (world != NULL);
    world->out = &out;
    world->brief = brief;
    running = world;
    (void)signal (SIGABRT, on_abort);
    if (sigsetjmp (out, 1) == 0) {
        open_world (world, story, trace);
        tell (world);
    } else {
        violation (world, ASSERTION, "an assertion of the core fails");
    }
    (void)signal (SIGABRT, SIG_DFL);
    running = NULL;
    *ret = (struct outcome_of_run){
        .invariant = world->invariant,
        .events = world->events,
        .messages = world->messages,
        .crashes = world->crashes,
        .acts = world->acts,
        .virtual_ms = world->now};
    memcpy (ret->words, world->words, sizeof ret->words);
    for (size_t i = 0; i < world->controller.rollout_count && i < STORY_ROLLOUTS; i++)
        ret->phases[ret->phase_count++] = world->controller.rollouts[i].phase;
    if (world->invariant != ASSERTION) {
        close_world (world);
        free (world);
    }
}
