/* Those who mean ill. Without keys: they hand over what they overheard, or signed themselves. With the
   controller's key: permits for anything, proven by any part of what is true. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

enum { EVIDENCE = 64, HOUR = 3600000 };

void thief_overhears (struct world *world, struct packet *packet)
{
    size_t place =
        world->stock_count < STOCK ? world->stock_count++ : (size_t)random_below (&world->thieves, STOCK);
    packet->references++;
    packet_drop (world->stock[place]);
    world->stock[place] = packet;
}

static void say (struct world *world, struct host *host, const struct record_type *type, const void *record)
{
    struct packet *packet = packet_make (type, record);
    if (packet == NULL)
        return;
    trace_record (world, "thief", "says", type, record);
    send_to_session (world, host, packet);
}

static void replay_one (struct world *world, struct host *host)
{
    struct packet *packet;
    if (world->stock_count == 0)
        return;
    packet = world->stock[random_below (&world->thieves, world->stock_count)];
    packet->references++;
    trace_line (world, "thief", "says again what was heard before");
    send_to_session (world, host, packet);
}

/* Any part of the true receipts and approvals: also of other plans and attempts. */
static size_t choose_evidence (
    struct world *world, const struct true_plan *plan, struct envelope *ret, struct digest *ret_digests)
{
    size_t count = 0;
    unsigned rate = (unsigned)random_below (&world->thieves, 1001);
    for (size_t i = 0; i < world->papers.paper_count && count < EVIDENCE; i++) {
        const struct true_paper *paper = &world->papers.papers[i];
        const struct digest *about = paper->receipt != NULL    ? &paper->receipt->plan
                                     : paper->approval != NULL ? &paper->approval->plan
                                                               : &paper->digest;
        bool fits = digest_equal (about, &plan->digest);
        if ((fits || random_chance (&world->thieves, 30)) && random_chance (&world->thieves, rate)) {
            ret[count] = paper->envelope;
            ret_digests[count++] = paper->digest;
        }
    }
    return count;
}

static void offer_permit (
    struct world *world, struct host *host, const struct true_plan *plan, const struct secret_key *key)
{
    struct envelope evidence[EVIDENCE];
    struct digest digests[EVIDENCE];
    const char *names[] = {host_name (host->number)};
    struct instant now = true_now (world);
    struct permit permit = {
        .plan = plan->digest,
        .kind = random_chance (&world->thieves, 700)   ? PERMIT_STEP
                : random_chance (&world->thieves, 500) ? PERMIT_RETURN
                                                       : PERMIT_KEEP,
        .attempt = 1 + random_below (&world->thieves, 2),
        .hosts = names,
        .hosts_count = 1,
        .evidence = digests,
        .issued = now,
        .expires = {now.ms + HOUR}};
    struct permit_offer offer = {.evidence = evidence};
    permit.evidence_count = choose_evidence (world, plan, evidence, digests);
    if (permit.kind != PERMIT_RETURN)
        permit.step = 1 + random_below (&world->thieves, plan->plan.steps_count);
    offer.evidence_count = permit.evidence_count;
    offer.permit = papers_sign (&world->papers, &permit_type, &permit, key, now);
    say (world, host, &offer_type, &(struct offer){.document = plan->envelope});
    say (world, host, &permit_offer_type, &offer);
}

static const struct true_plan *any_plan (struct world *world)
{
    return world->papers.plan_count == 0
               ? NULL
               : &world->papers.plans[random_below (&world->thieves, world->papers.plan_count)];
}

static void offer_false_plan (struct world *world, struct host *host, const struct secret_key *key)
{
    const struct true_plan *plan =
        papers_false_plan (&world->papers, (unsigned)random_below (&world->thieves, 4), true_now (world));
    if (plan != NULL)
        offer_permit (world, host, plan, key);
}

/* True ones that are over, and the next ones by a key that has no say. */
static void offer_documents (struct world *world, struct host *host, const struct secret_key *key)
{
    struct trust trust = world->papers.trust[world->papers.trust_count - 1];
    struct fleet fleet = world->papers.fleet[world->papers.fleet_count - 1];
    struct instant now = true_now (world);
    size_t old_trust = (size_t)random_below (&world->thieves, world->papers.trust_count);
    size_t old_fleet = (size_t)random_below (&world->thieves, world->papers.fleet_count);
    say (world, host, &offer_type, &(struct offer){.document = world->papers.trusts[old_trust]});
    say (world, host, &offer_type, &(struct offer){.document = world->papers.fleets[old_fleet]});
    trust.version += 1;
    fleet.version += 1;
    say (
        world, host, &offer_type,
        &(struct offer){.document = papers_sign (&world->papers, &trust_type, &trust, key, now)});
    say (
        world, host, &offer_type,
        &(struct offer){.document = papers_sign (&world->papers, &fleet_type, &fleet, key, now)});
}

/* To the controller, by the line of the host whose name it bears. */
static void report_falsely (struct world *world, struct host *host)
{
    const struct true_plan *plan = any_plan (world);
    struct instant now = true_now (world);
    struct receipt receipt = {
        .host = host_name (host->number),
        .kind = PERMIT_STEP,
        .attempt = 1,
        .outcome = OUTCOME_KEPT,
        .cause = "",
        .previous = "",
        .started = now,
        .finished = now,
        .counter = 1};
    struct report report;
    struct packet *packet;
    if (plan == NULL)
        return;
    receipt.plan = plan->digest;
    receipt.version = plan->plan.version;
    receipt.step = 1 + random_below (&world->thieves, plan->plan.steps_count);
    report.receipt = papers_sign (&world->papers, &receipt_type, &receipt, key_of (KEY_STRANGER), now);
    packet = packet_make (&report_type, &report);
    if (packet != NULL)
        send_to_controller (world, host, packet);
}

static void say_tick (struct world *world, struct host *host, const struct secret_key *key)
{
    struct instant now = true_now (world);
    struct tick tick = {
        .epoch = random_below (&world->thieves, 100),
        .sequence = random_below (&world->thieves, 1000000),
        .issued = {now.ms + random_between (&world->thieves, -HOUR, HOUR)},
        .expires = {now.ms + HOUR},
        .trust_version = random_below (&world->thieves, 5),
        .fleet_version = random_below (&world->thieves, 5)};
    struct heartbeat heartbeat = {.tick = papers_sign (&world->papers, &tick_type, &tick, key, now)};
    say (world, host, &heartbeat_type, &heartbeat);
}

static void act (struct world *world, const struct happening *happening, const struct secret_key *key)
{
    struct host *host = &world->hosts[happening->host % world->host_count];
    const struct true_plan *plan = any_plan (world);
    switch (happening->which % 8) {
    case 0:
        replay_one (world, host);
        break;
    case 1:
        offer_false_plan (world, host, key);
        break;
    case 2:
        offer_documents (world, host, key);
        break;
    case 3:
        report_falsely (world, host);
        break;
    case 4:
        say_tick (world, host, key);
        break;
    default:
        for (unsigned i = 0; plan != NULL && i < world->host_count && i < 16; i++)
            offer_permit (world, &world->hosts[(happening->host + i) % world->host_count], plan, key);
        break;
    }
}

void thief_forges (struct world *world, const struct happening *happening)
{
    act (world, happening, key_of (KEY_STRANGER));
}

void thief_steals (struct world *world, const struct happening *happening)
{
    act (world, happening, key_of (KEY_CONTROLLER));
}
