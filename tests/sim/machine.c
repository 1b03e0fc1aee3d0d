/* What stands for a host's own side: releases beside each other, `current`, a service, the stores of
   contents; and the acts on them, one at a time, as agent/io does them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

unsigned product_number (const char *product)
{
    return strcmp (product, product_name (0)) == 0 ? 0 : 1;
}

struct machine *machine_of (struct host *host, const char *product)
{
    return &host->machines[product_number (product)];
}

const char *machine_version (const struct host *host, unsigned product)
{
    const struct machine *machine = &host->machines[product];
    for (size_t i = 0; i < machine->folder_count; i++)
        if (strcmp (machine->folders[i].name, machine->link) == 0)
            return machine->folders[i].version;
    return "";
}

static struct release_folder *folder_named (struct machine *machine, const char *name)
{
    for (size_t i = 0; i < machine->folder_count; i++)
        if (strcmp (machine->folders[i].name, name) == 0)
            return &machine->folders[i];
    return NULL;
}

static void set_text (char *place, size_t size, const char *text)
{
    (void)snprintf (place, size, "%s", text);
}

void machine_boot (struct world *world, struct host *host)
{
    for (unsigned i = 0; i < PRODUCTS; i++)
        set_text (host->machines[i].running, sizeof host->machines[i].running, host->machines[i].link);
    trace_line (world, host_name (host->number), "boots; its services start");
}

/* -------------------------------------------------------------------------------------------------- contents
 */

static struct stored *stored_in (struct stored *items, size_t count, const struct digest *digest)
{
    for (size_t i = 0; i < count; i++)
        if (digest_equal (&items[i].digest, digest))
            return &items[i];
    return NULL;
}

static bool store_has_whole (struct host *host, const struct digest *digest)
{
    struct stored *stored = stored_in (host->store, host->store_count, digest);
    return stored != NULL && !stored->rotten;
}

static void store_keep (struct host *host, const struct digest *digest)
{
    struct stored *stored = stored_in (host->store, host->store_count, digest);
    if (stored == NULL && host->store_count == STORED)
        memmove (host->store, host->store + 1, --host->store_count * sizeof *host->store);
    if (stored == NULL)
        stored = &host->store[host->store_count++];
    *stored = (struct stored){.digest = *digest};
}

/* An artefact is removed once it is unpacked; scripts stay. */
static void store_clear_artifacts (const struct world *world, struct host *host)
{
    size_t kept = 0;
    for (size_t i = 0; i < host->store_count; i++) {
        bool is_artifact = false;
        for (size_t j = 0; j < world->papers.plan_count; j++)
            is_artifact =
                is_artifact ||
                digest_equal (&world->papers.plans[j].plan.artifacts[0].digest, &host->store[i].digest);
        if (!is_artifact)
            host->store[kept++] = host->store[i];
    }
    host->store_count = kept;
}

/* ----------------------------------------------------------------------------------------------------- fates
 */

/* Whether this act fails here, now: a matter of the host, the version and the try. */
static bool is_fated (struct world *world, const struct host *host, const struct act_order *order)
{
    const struct story_rates *rates = &world->story->rates;
    unsigned rate = order->returning ? rates->stuck : rates->fails;
    struct random random;
    if (order->act == world->story->fated_act && host->number == world->story->fated_host &&
        !order->returning)
        return order->act != ACT_NONE;
    if (order->act == ACT_PRUNE || order->act == ACT_SWAP || order->act == ACT_NONE)
        return false;
    if (order->act == ACT_STOP || order->act == ACT_STAGE)
        rate /= 4;
    random = random_for (
        world->story->seed ^ (uint64_t)host->number << 32, order->version,
        (uint64_t)order->act * 2 + (order->returning ? 1 : 0));
    return random_chance (&random, rate);
}

/* ------------------------------------------------------------------------------------------------------ acts
 */

static bool stage (struct world *world, struct host *host, const struct act_order *order, const char **why)
{
    struct machine *machine = machine_of (host, order->product);
    struct release_folder *folder = folder_named (machine, order->folder);
    for (size_t i = 0; i < order->artifact_count; i++)
        if (!store_has_whole (host, &order->artifacts[i].digest)) {
            *why = "the artefact is not what it was";
            return false;
        }
    if (host->journal.full_until > world->now) {
        *why = "No space left on device";
        return false;
    }
    if (folder == NULL && machine->folder_count == RELEASES) {
        *why = "No space left on device";
        return false;
    }
    if (folder == NULL)
        folder = &machine->folders[machine->folder_count++];
    set_text (folder->name, sizeof folder->name, order->folder);
    set_text (folder->version, sizeof folder->version, order->version);
    return true;
}

static bool start (struct world *world, struct host *host, const struct act_order *order)
{
    struct machine *machine = machine_of (host, order->product);
    if (machine->running[0] != '\0' &&
        !(machine->unstoppable && strcmp (machine->running, machine->link) == 0))
        violation (
            world, 2, "%s: %s is started while %s runs", host_name (host->number), order->folder,
            machine->running);
    if (strcmp (machine->link, order->folder) != 0)
        violation (
            world, 2, "%s: %s is started while current names %s", host_name (host->number), order->folder,
            machine->link);
    set_text (machine->running, sizeof machine->running, machine->link);
    return true;
}

static void prune (struct world *world, struct host *host, const struct act_order *order)
{
    struct machine *machine = machine_of (host, order->product);
    size_t kept = 0;
    for (size_t i = 0; i < machine->folder_count; i++) {
        bool keep = strcmp (machine->folders[i].name, machine->link) == 0; /* as the real one insists */
        for (size_t j = 0; j < order->keep_count; j++)
            keep = keep || strcmp (machine->folders[i].name, order->keep[j]) == 0;
        if (keep)
            machine->folders[kept++] = machine->folders[i];
    }
    machine->folder_count = kept;
    store_clear_artifacts (world, host);
}

static bool do_act (struct world *world, struct host *host, const struct act_order *order, const char **why)
{
    struct machine *machine = machine_of (host, order->product);
    bool fated = is_fated (world, host, order);
    *why = fated ? "fate" : "";
    world->acts++;
    oracle_act (world, host, order);
    switch (order->act) {
    case ACT_STAGE:
        return !fated && stage (world, host, order, why);
    case ACT_STOP:
        machine->unstoppable = fated;
        if (!fated)
            machine->running[0] = '\0';
        return !fated;
    case ACT_SWAP:
        if (machine->running[0] != '\0' && !machine->unstoppable &&
            strcmp (machine->running, order->folder) != 0)
            violation (
                world, 2, "%s: current is swapped to '%s' while '%s' runs", host_name (host->number),
                order->folder, machine->running);
        set_text (machine->link, sizeof machine->link, order->folder);
        return true;
    case ACT_START:
        return !fated && start (world, host, order);
    case ACT_CHECK:
        for (size_t i = 0; i < order->test_count; i++)
            if (!store_has_whole (host, &order->tests[i].script)) {
                *why = "the probe is not there";
                return false;
            }
        return !fated && strcmp (machine->running, order->folder) == 0;
    case ACT_TEST:
        return !fated && strcmp (machine->running, order->folder) == 0 &&
               store_has_whole (host, &order->tests[0].script);
    case ACT_PRUNE:
        prune (world, host, order);
        return true;
    default:
        violation (world, 2, "an act of the kind %d was ordered", (int)order->act);
        return false;
    }
}

/* What a crash in the middle leaves: nothing done, or all; of an unpacking also a part, beside what counts.
 */
static void break_off (struct world *world, struct host *host, const struct act_order *order, bool by_power)
{
    const char *why;
    bool may_have_happened = order->act != ACT_CHECK && order->act != ACT_TEST && order->act != ACT_NONE;
    if (!may_have_happened || (by_power && (order->act == ACT_STOP || order->act == ACT_START)) ||
        !random_chance (&world->body, 500))
        return;
    trace_line (
        world, host_name (host->number), "the %s that was cut off had happened",
        enum_word (&act_words, order->act));
    (void)do_act (world, host, order, &why);
}

/* --------------------------------------------------------------------------------------------- a queue of
 * jobs
 */

static void order_keep (struct act_job *job, const struct act_order *order)
{
    struct arena *arena = &job->arena;
    struct act_order *copy = arena_copy (arena, order, sizeof *order);
    const char **keep = arena_array (arena, order->keep_count, sizeof *keep);
    struct test *tests = arena_array (arena, order->test_count, sizeof *tests);
    copy->product = arena_text (arena, order->product);
    copy->version = arena_text (arena, order->version == NULL ? "" : order->version);
    copy->folder = arena_text (arena, order->folder == NULL ? "" : order->folder);
    copy->artifacts = arena_copy (arena, order->artifacts, order->artifact_count * sizeof *order->artifacts);
    for (size_t i = 0; i < order->test_count; i++) {
        tests[i] = order->tests[i];
        tests[i].name = arena_text (arena, order->tests[i].name);
    }
    copy->tests = tests;
    for (size_t i = 0; i < order->keep_count; i++)
        keep[i] = arena_text (arena, order->keep[i]);
    copy->keep = keep;
    job->order = copy;
}

static int64_t takes (struct world *world, const struct act_job *job)
{
    if (job->kind != INSTALLER_ACT)
        return random_between (&world->body, 1, 50);
    switch (job->order->act) {
    case ACT_STAGE:
        return random_between (&world->body, 100, 5000);
    case ACT_STOP:
    case ACT_START:
        return random_between (&world->body, 50, 3000);
    case ACT_CHECK:
        return job->order->min_healthy_time.ms + random_between (&world->body, 10, 1500);
    case ACT_TEST:
        return random_between (&world->body, 50, 4000);
    default:
        return random_between (&world->body, 1, 100);
    }
}

static void act_begin_first (struct world *world, struct host *host)
{
    struct event event = {
        .kind = EVENT_ACT, .place = {ROLE_OF_INSTALLER, host->number}, .life = host->installer.life};
    if (host->act_at_work || host->act_count == 0)
        return;
    host->act_at_work = true;
    later (world, takes (world, &host->acts[host->act_first]), event);
}

void act_add (struct world *world, struct host *host, const struct installer_effect *effect)
{
    struct act_job *job = &host->acts[(host->act_first + host->act_count) % ACTS];
    assert (host->act_count < ACTS);
    host->act_count++;
    *job = (struct act_job){.kind = effect->kind, .digest = effect->digest, .length = effect->length};
    if (effect->order != NULL)
        order_keep (job, effect->order);
    act_begin_first (world, host);
}

static void take (struct world *world, struct host *host, struct act_job *job, struct installer_event *event)
{
    struct stored *stored = stored_in (host->spool, host->spool_count, &job->digest);
    const struct content *content = papers_content (&world->papers, &job->digest);
    bool whole =
        stored != NULL && content != NULL && bytes_equal (buffer_bytes (&stored->bytes), content->bytes);
    event->good = whole && !stored->rotten && host->journal.full_until <= world->now;
    event->detail = event->good ? "" : "the bytes are not what the digest says, or there is no room";
    if (!event->good)
        return;
    store_keep (host, &job->digest);
    event->have = &job->digest;
    event->have_count = 1;
}

static void look (struct host *host, struct act_job *job, struct installer_event *event)
{
    const struct act_order *order = job->order;
    struct digest *have = arena_array (&job->arena, order->artifact_count + order->test_count, sizeof *have);
    for (size_t i = 0; i < order->artifact_count; i++)
        if (store_has_whole (host, &order->artifacts[i].digest))
            have[event->have_count++] = order->artifacts[i].digest;
    for (size_t i = 0; i < order->test_count; i++)
        if (order->tests[i].kind == TEST_EXEC && store_has_whole (host, &order->tests[i].script))
            have[event->have_count++] = order->tests[i].script;
    event->good = true;
    event->have = have;
    event->detail = "";
}

static void do_job (
    struct world *world, struct host *host, struct act_job *job, struct installer_event *event)
{
    const char *why = "";
    if (job->kind == INSTALLER_TAKE) {
        take (world, host, job, event);
    } else if (job->kind == INSTALLER_LOOK) {
        look (host, job, event);
    } else {
        event->good = do_act (world, host, job->order, &why);
        event->detail = event->good ? "" : why;
        trace_line (
            world, host_name (host->number), "%s%s %s: %s", enum_word (&act_words, job->order->act),
            job->order->returning ? " (returning)" : "", job->order->version,
            event->good ? "done" : event->detail);
        if (job->order->act == ACT_TEST)
            event->result = (struct test_result){
                .name = job->order->tests[0].name,
                .verdict = event->good ? VERDICT_PASSED : VERDICT_FAILED,
                .detail = event->detail,
                .tail = ""};
    }
}

void act_end (struct world *world, struct host *host)
{
    struct act_job job = host->acts[host->act_first];
    struct installer_event event = {
        .kind = job.kind == INSTALLER_ACT ? INSTALLER_DONE : INSTALLER_HAVE, .detail = ""};
    assert (host->act_at_work && host->act_count > 0);
    host->act_first = (host->act_first + 1) % ACTS;
    host->act_count--;
    host->act_at_work = false;
    do_job (world, host, &job, &event);
    oracle_machine (world, host);
    installer_event_at (world, host, &event);
    arena_free (&job.arena);
    if (host->installer.alive)
        act_begin_first (world, host);
}

void acts_drop (struct world *world, struct host *host, bool by_power)
{
    for (bool first = true; host->act_count > 0; first = false) {
        struct act_job *job = &host->acts[host->act_first];
        if (first && host->act_at_work && job->kind == INSTALLER_ACT)
            break_off (world, host, job->order, by_power);
        arena_free (&job->arena);
        host->act_first = (host->act_first + 1) % ACTS;
        host->act_count--;
    }
    host->act_at_work = false;
}
