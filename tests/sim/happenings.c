/* What a story lets happen, and what nobody without the right keys should be able to bring about. */
#include <string.h>

#include "tests/sim/world.h"

enum { FULL_MS = 15000 };

static struct host *host_of (struct world *world, const struct happening *happening)
{
    return &world->hosts[happening->host % world->host_count];
}

static void rot (struct host *host)
{
    for (size_t i = 0; i < host->store_count; i++)
        host->store[i].rotten = true;
    for (size_t i = 0; i < host->spool_count; i++)
        host->spool[i].rotten = true;
}

void die_with (struct world *world, struct host *host)
{
    if (!host->died && world->story->dies_with == HAPPENS_FULL)
        host->journal.full_until = world->now + FULL_MS;
    if (!host->died && world->story->dies_with == HAPPENS_ROT)
        rot (host);
    host->died = true;
}

static void lose (struct world *world, struct host *host)
{
    host->lost = true;
    host->dark_for = 0;
    power_fail (world, host);
}

static void new_trust (struct world *world, unsigned change)
{
    if (papers_next_trust (&world->papers, change, true_now (world)))
        trace_line (world, "people", "trust %zu is signed", world->papers.trust_count);
}

static void new_fleet (struct world *world, const struct happening *happening)
{
    int without = happening->which == 1 ? (int)host_of (world, happening)->number : -1;
    if (world->papers.fleet[world->papers.fleet_count - 1].hosts_count < 3)
        without = -1;
    if (papers_next_fleet (&world->papers, without, true_now (world)))
        trace_line (world, "people", "fleet %zu is signed", world->papers.fleet_count);
}

static void urge (struct world *world, const struct happening *happening)
{
    struct person *person = &world->people[happening->host % 2];
    person->urged = true;
    person->urge = happening->which;
}

static int64_t until (const struct world *world, const struct happening *happening)
{
    return world->now + happening->span;
}

static void happen_to_host (struct world *world, struct host *host, const struct happening *happening)
{
    switch (happening->kind) {
    case HAPPENS_CUT:
        if ((happening->which & 1) != 0)
            host->cut_out_until = until (world, happening);
        if ((happening->which & 2) != 0)
            host->cut_in_until = until (world, happening);
        break;
    case HAPPENS_KILL_INSTALLER:
        host->installer.dies_after = host->installer.alive ? happening->count : -1;
        host->installer.by_power = false;
        break;
    case HAPPENS_KILL_SESSION:
        host->session.dies_after = host->session.alive ? happening->count : -1;
        break;
    case HAPPENS_POWER:
        host->dark_for = happening->span;
        if (!host->installer.alive) {
            power_fail (world, host);
        } else {
            host->installer.dies_after = happening->count;
            host->installer.by_power = true;
        }
        break;
    case HAPPENS_FULL:
        host->journal.full_until = until (world, happening);
        break;
    case HAPPENS_ROT:
        rot (host);
        break;
    case HAPPENS_CLOCK:
        host->clock.offset += happening->span;
        break;
    case HAPPENS_LOST:
        lose (world, host);
        break;
    default:
        break;
    }
}

void happen (struct world *world, const struct happening *happening)
{
    struct controller_node *node = &world->controller;
    switch (happening->kind) {
    case HAPPENS_CUT_ALL:
        for (unsigned i = 0; i < world->host_count; i++)
            world->hosts[i].cut_out_until = world->hosts[i].cut_in_until = until (world, happening);
        break;
    case HAPPENS_KILL_CONTROLLER:
        node->process.dies_after = node->process.alive ? happening->count : -1;
        break;
    case HAPPENS_FULL_CONTROLLER:
        node->journal.full_until = until (world, happening);
        break;
    case HAPPENS_CLOCK_CONTROLLER:
        node->clock.offset += happening->span;
        break;
    case HAPPENS_TRUST:
        new_trust (world, happening->which);
        break;
    case HAPPENS_FLEET:
        new_fleet (world, happening);
        break;
    case HAPPENS_DECIDE:
        urge (world, happening);
        break;
    case HAPPENS_FORGE:
        thief_forges (world, happening);
        break;
    case HAPPENS_STEAL:
        thief_steals (world, happening);
        break;
    default:
        happen_to_host (world, host_of (world, happening), happening);
        break;
    }
}

/* Lines are mended, disks have room, clocks are set, everybody who can comes back; nothing fails any more but
   what is in the releases themselves. */
void calm_down (struct world *world)
{
    struct controller_node *node = &world->controller;
    world->calm = true;
    trace_line (world, "world", "is calm from now on");
    node->process.dies_after = -1;
    node->journal.full_until = 0;
    node->clock.offset = 0;
    for (unsigned i = 0; i < world->host_count; i++) {
        struct host *host = &world->hosts[i];
        host->cut_in_until = host->cut_out_until = 0;
        host->journal.full_until = 0;
        host->clock.offset = -world->now * host->clock.drift / 1000000;
        host->installer.dies_after = host->session.dies_after = -1;
        host_power_on (world, host);
    }
    for (unsigned i = 0; i < PEOPLE; i++)
        world->people[i].urged = false;
}
