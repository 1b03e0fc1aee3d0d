/* The invariants of a host, checked at every note, word and act. Numbers as in the design: 1 bytes, 2 whole
   releases, 3 evidence, 4 hosts out of service, 5 versions, 6 the way back, 7 an end, 8 once and not lost,
   9 crashes, 10 notices. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/oracle_gate.h"
#include "tests/sim/world.h"

static const struct trust *trust_of (const struct world *world, uint64_t version)
{
    return &world->papers.trust[version - 1];
}

/* ------------------------------------------------------------------------------------------------- documents
 */

static void check_trust (struct world *world, struct host *host, const struct note_trust *note)
{
    size_t place = host->trust_version;
    if (place >= world->papers.trust_count ||
        !bytes_equal (note->document.content, world->papers.trusts[place].content))
        violation (
            world, 5, "%s takes a trust document that is not number %zu", host_name (host->number),
            place + 1);
    host->trust_version++;
}

static void check_fleet (struct world *world, struct host *host, const struct note_fleet *note)
{
    for (size_t i = 0; i < world->papers.fleet_count; i++)
        if (bytes_equal (note->document.content, world->papers.fleets[i].content)) {
            if (i + 1 <= host->fleet_version)
                violation (
                    world, 5, "%s goes from fleet %llu to %zu", host_name (host->number),
                    (unsigned long long)host->fleet_version, i + 1);
            host->fleet_version = i + 1;
            return;
        }
    violation (world, 1, "%s takes a fleet document that nobody signed", host_name (host->number));
}

/* ---------------------------------------------------------------------------------------------------- begins
 */

static bool signer_stands (const struct world *world, const struct true_plan *plan, uint64_t trust_version)
{
    const struct trust *trust = trust_of (world, trust_version);
    const struct trust_role *role = trust_role_for (trust, ROLE_RELEASER, "");
    return trust_role_has (trust, role, &key_of (plan->signer)->public);
}

static void check_bytes (
    struct world *world, const struct host *host, const struct true_plan *plan, const struct permit *permit)
{
    if (plan == NULL || !plan->genuine)
        violation (
            world, 1, "%s begins a plan that no releaser made (%s)", host_name (host->number),
            plan != NULL ? plan->plan.version : "unknown");
    else if (permit->kind == PERMIT_STEP && !signer_stands (world, plan, host->trust_version))
        violation (
            world, 1, "%s begins a plan of %s, whose key trust %llu does not have", host_name (host->number),
            key_word (plan->signer), (unsigned long long)host->trust_version);
    else if (permit->kind == PERMIT_STEP && plan->plan.expires.ms <= host_now (world, host).ms)
        violation (world, 1, "%s begins an expired plan", host_name (host->number));
}

static void check_evidence (
    struct world *world, struct host *host, const struct true_plan *plan, const struct permit *permit)
{
    const char *why = "";
    struct proof proof;
    bool good = proof_of (
        &world->papers, plan, permit->attempt, host_now (world, host), trust_of (world, host->trust_version),
        permit->evidence, permit->evidence_count, &proof);
    if (!good)
        why = "a piece of evidence was never signed by anybody";
    else if (permit->kind == PERMIT_STEP)
        good = proof_opens (&proof, permit->step, host_name (host->number), &why);
    else if (permit->kind == PERMIT_KEEP)
        good = proof_keeps (&proof, permit->step, &why);
    else {
        good = proof_returns (&proof);
        why = "nothing failed, and nobody said no";
    }
    proof_free (&proof);
    if (!good)
        violation (
            world, 3, "%s acts on a permit (%s, step %llu, attempt %llu) without proof: %s",
            host_name (host->number), enum_word (&permit_kind_words, permit->kind),
            (unsigned long long)permit->step, (unsigned long long)permit->attempt, why);
}

static void check_once (
    struct world *world, struct host *host, const struct digest *plan, enum permit_kind kind, uint64_t step,
    uint64_t attempt)
{
    for (size_t i = 0; world->host_count <= 100 && i < world->papers.paper_count; i++) {
        const struct receipt *receipt = world->papers.papers[i].receipt;
        if (receipt != NULL && receipt->kind == kind && receipt->step == step &&
            receipt->attempt == attempt && kind != PERMIT_RETURN &&
            strcmp (receipt->host, host_name (host->number)) == 0 && digest_equal (&receipt->plan, plan))
            violation (
                world, 8, "%s does step %llu of attempt %llu a second time", host_name (host->number),
                (unsigned long long)step, (unsigned long long)attempt);
    }
    for (unsigned i = 0; i < PRODUCTS; i++)
        if (host->watch[i].busy)
            violation (
                world, 8, "%s begins a second work before the first has ended", host_name (host->number));
}

/* Invariant 4, as hosts can see to it: so many of a cohort at work. */
static void check_width (
    struct world *world, const struct true_plan *plan, const struct step *step, uint64_t attempt)
{
    uint64_t width = step->max_parallel < step->max_unavailable ? step->max_parallel : step->max_unavailable;
    uint64_t count = 0;
    for (unsigned i = 0; i < world->host_count; i++)
        for (unsigned j = 0; j < PRODUCTS; j++) {
            const struct watch_product *watch = &world->hosts[i].watch[j];
            count += watch->busy_deploy && watch->plan == plan && watch->step == step->number &&
                     watch->attempt == attempt;
        }
    if (count > width)
        violation (
            world, 4, "%llu hosts are at work at step %llu, which allows %llu", (unsigned long long)count,
            (unsigned long long)step->number, (unsigned long long)width);
}

static void touch (struct host *host, unsigned product, const struct true_plan *plan)
{
    struct watch_product *watch = &host->watch[product];
    if (watch->touched[plan->rollout])
        return;
    watch->touched[plan->rollout] = true;
    (void)snprintf (
        watch->before[plan->rollout], sizeof watch->before[0], "%s", machine_version (host, product));
}

static void begin (
    struct world *world, struct host *host, const struct true_plan *plan, const struct permit *permit,
    struct instant at)
{
    unsigned product = product_number (plan->plan.product);
    struct watch_product *watch = &host->watch[product];
    const struct step *step = permit->step >= 1 ? &plan->plan.steps[permit->step - 1] : NULL;
    bool is_deploy = permit->kind == PERMIT_STEP && step->kind == STEP_DEPLOY;
    check_once (world, host, &plan->digest, permit->kind, permit->step, permit->attempt);
    if (is_deploy && plan->plan.counter < watch->counter)
        violation (
            world, 5, "%s begins release counter %llu after %llu", host_name (host->number),
            (unsigned long long)plan->plan.counter, (unsigned long long)watch->counter);
    if (is_deploy) {
        touch (host, product, plan);
        watch->counter = plan->plan.counter;
    }
    watch->busy = true;
    watch->busy_deploy = is_deploy;
    watch->plan = plan;
    watch->kind = permit->kind;
    watch->step = permit->step;
    watch->attempt = permit->attempt;
    if (is_deploy) {
        watch->deployed_at = at.ms; /* until a swap; there is none where the release is current already */
        watch->deployed = plan;
        watch->deployed_step = permit->step;
        watch->kept = false;
    }
    if (is_deploy)
        check_width (world, plan, step, permit->attempt);
}

static void check_begin (struct world *world, struct host *host, const struct note_begin *note)
{
    struct digest digest = envelope_digest (&note->plan);
    struct digest permit_digest = envelope_digest (&note->permit);
    const struct true_plan *plan = papers_plan_of (&world->papers, &digest);
    struct arena arena = {0};
    struct permit permit;
    bool good = document_read (&permit_type, note->permit.content, &arena, &permit, NULL);
    assert (good);
    check_bytes (world, host, plan, &permit);
    if (!world->story->stolen && papers_find (&world->papers, &permit_digest) == NULL)
        violation (
            world, 3, "%s begins by a permit that the controller has not recorded", host_name (host->number));
    if (world->invariant == 0) {
        check_evidence (world, host, plan, &permit);
        begin (world, host, plan, &permit, note->at);
    }
    arena_free (&arena);
}

static void check_kept (struct world *world, struct host *host, const struct note_kept *note)
{
    struct arena arena = {0};
    struct permit permit;
    const struct true_plan *plan;
    bool good = document_read (&permit_type, note->permit.content, &arena, &permit, NULL);
    assert (good);
    plan = papers_plan_of (&world->papers, &permit.plan);
    if (plan == NULL) {
        violation (world, 1, "%s keeps a plan that nobody made", host_name (host->number));
    } else {
        /* A permit for a later step proves the same. */
        if (permit.kind == PERMIT_KEEP)
            check_evidence (world, host, plan, &permit);
        host->watch[product_number (plan->plan.product)].kept = true;
    }
    arena_free (&arena);
}

static void check_lapse (struct world *world, struct host *host, const struct note_lapse *note)
{
    struct digest digest = envelope_digest (&note->plan);
    const struct true_plan *plan = papers_plan_of (&world->papers, &digest);
    struct watch_product *watch;
    const struct step *step;
    if (plan == NULL) {
        violation (world, 1, "%s leaves a plan that nobody made", host_name (host->number));
        return;
    }
    watch = &host->watch[product_number (plan->plan.product)];
    step = watch->deployed_step >= 1 ? &plan->plan.steps[watch->deployed_step - 1] : NULL;
    if (watch->deployed != plan || step == NULL || step->confirm_within.ms == 0)
        violation (world, 6, "%s goes back from what need not be confirmed", host_name (host->number));
    else if (watch->kept)
        violation (world, 6, "%s goes back though it was confirmed", host_name (host->number));
    else if (note->at.ms < watch->deployed_at + step->confirm_within.ms)
        violation (world, 6, "%s goes back too early", host_name (host->number));
    watch->busy = true;
    watch->busy_deploy = false;
    watch->plan = plan;
    watch->kind = PERMIT_RETURN;
    watch->step = 0;
    watch->attempt = note->attempt;
}

/* ------------------------------------------------------------------------------------------------- acts,
 * ends
 */

static struct watch_product *busy_product (struct host *host)
{
    for (unsigned i = 0; i < PRODUCTS; i++)
        if (host->watch[i].busy)
            return &host->watch[i];
    return NULL;
}

static void follow_act (struct host *host, const struct note_act *note)
{
    struct watch_product *watch = busy_product (host);
    host->noted_act = note->finished ? ACT_NONE : note->act;
    if (watch == NULL || note->act != ACT_SWAP || !note->finished || !note->good || note->returning)
        return;
    watch->deployed_at = note->at.ms;
}

static void follow_release (struct host *host, const struct note_release *note)
{
    struct watch_product *watch = &host->watch[product_number (note->product)];
    (void)snprintf (watch->folder, sizeof watch->folder, "%s", note->folder);
    (void)snprintf (watch->version, sizeof watch->version, "%s", note->current.version);
}

/* What a receipt says is so, on the host itself. */
static void check_truth (
    struct world *world, struct host *host, unsigned product, const struct receipt *receipt)
{
    const struct machine *machine = &host->machines[product];
    const char *version = machine_version (host, product);
    if (strcmp (receipt->version, version) != 0)
        violation (
            world, 2, "%s says that it runs '%s', and current is '%s'", host_name (host->number),
            receipt->version, version);
    if ((receipt->outcome == OUTCOME_KEPT || receipt->outcome == OUTCOME_RETURNED) && host->powered &&
        strcmp (machine->running, machine->link) != 0)
        violation (
            world, 2, "%s says %s, and '%s' runs where current names '%s'", host_name (host->number),
            enum_word (&outcome_words, receipt->outcome), machine->running, machine->link);
}

static void check_receipt (struct world *world, struct host *host, const struct note_receipt *note)
{
    struct digest digest = envelope_digest (&note->receipt);
    struct watch_product *watch = busy_product (host);
    const struct receipt *receipt;
    papers_keep_receipt (&world->papers, &note->receipt);
    receipt = papers_find (&world->papers, &digest)->receipt;
    if (watch == NULL || !digest_equal (&watch->plan->digest, &receipt->plan) ||
        watch->kind != receipt->kind || watch->step != receipt->step || watch->attempt != receipt->attempt) {
        violation (world, 8, "%s gives a receipt for what it has not begun", host_name (host->number));
        return;
    }
    if (receipt->counter != host->receipts + 1 || !digest_equal (&receipt->before, &host->receipt_newest))
        violation (
            world, 8, "%s: the receipt %llu does not follow %llu", host_name (host->number),
            (unsigned long long)receipt->counter, (unsigned long long)host->receipts);
    check_truth (world, host, (unsigned)(watch - host->watch), receipt);
    host->receipts = receipt->counter;
    host->receipt_newest = digest;
    watch->busy = watch->busy_deploy = false;
    if (receipt->kind == PERMIT_RETURN || receipt->outcome == OUTCOME_STUCK ||
        receipt->outcome == OUTCOME_RETURNED || receipt->outcome == OUTCOME_KEPT)
        watch->stuck = receipt->outcome == OUTCOME_STUCK;
}

void oracle_note (struct world *world, struct host *host, const struct record_type *type, const void *record)
{
    if (type == &note_trust_type)
        check_trust (world, host, record);
    else if (type == &note_fleet_type)
        check_fleet (world, host, record);
    else if (type == &note_begin_type)
        check_begin (world, host, record);
    else if (type == &note_act_type)
        follow_act (host, record);
    else if (type == &note_release_type)
        follow_release (host, record);
    else if (type == &note_receipt_type)
        check_receipt (world, host, record);
    else if (type == &note_kept_type)
        check_kept (world, host, record);
    else if (type == &note_lapse_type)
        check_lapse (world, host, record);
    else if (type == &note_clock_type) {
        const struct note_clock *note = record;
        if (note->floor.ms < host->floor.ms)
            violation (world, 5, "%s: the floor of its clock falls", host_name (host->number));
        host->floor = note->floor;
    }
}

/* -------------------------------------------------------------------------------------------- words, the
 * host
 */

void oracle_said (struct world *world, struct host *host, const struct record_type *type, const void *record)
{
    if (type == &hello_type) {
        const struct hello *hello = record;
        if (hello->trust_version != host->trust_version || hello->fleet_version != host->fleet_version ||
            hello->receipts != host->receipts)
            violation (
                world, 9, "%s says trust %llu, fleet %llu, receipts %llu; its notes have %llu, %llu, %llu",
                host_name (host->number), (unsigned long long)hello->trust_version,
                (unsigned long long)hello->fleet_version, (unsigned long long)hello->receipts,
                (unsigned long long)host->trust_version, (unsigned long long)host->fleet_version,
                (unsigned long long)host->receipts);
        for (size_t i = 0; i < hello->releases_count; i++)
            if (strcmp (
                    hello->releases[i].version,
                    host->watch[product_number (hello->releases[i].product)].version) != 0)
                violation (
                    world, 9, "%s says that it runs %s", host_name (host->number),
                    hello->releases[i].version);
    }
    if (type == &report_type) {
        struct digest digest = envelope_digest (&((const struct report *)record)->receipt);
        if (papers_find (&world->papers, &digest) == NULL)
            violation (world, 8, "%s sends a receipt before it is noted", host_name (host->number));
    }
}

void oracle_act (struct world *world, struct host *host, const struct act_order *order)
{
    bool is_ours = false;
    if (host->noted_act != order->act)
        violation (
            world, 9, "%s does a %s that is not in its notes", host_name (host->number),
            enum_word (&act_words, order->act));
    for (size_t i = 0; order->act == ACT_STAGE && i < order->artifact_count; i++, is_ours = false) {
        for (size_t j = 0; j < world->papers.plan_count; j++)
            is_ours = is_ours ||
                      (world->papers.plans[j].genuine &&
                       digest_equal (
                           &order->artifacts[i].digest, &world->papers.plans[j].plan.artifacts[0].digest));
        if (!is_ours)
            violation (world, 1, "%s unpacks bytes of no plan", host_name (host->number));
    }
}

void oracle_machine (struct world *world, struct host *host)
{
    for (unsigned i = 0; i < PRODUCTS; i++) {
        const struct machine *machine = &host->machines[i];
        bool whole = machine->link[0] == '\0';
        bool runs = machine->running[0] == '\0';
        for (size_t j = 0; j < machine->folder_count; j++) {
            whole = whole || strcmp (machine->folders[j].name, machine->link) == 0;
            runs = runs || strcmp (machine->folders[j].name, machine->running) == 0;
        }
        if (!whole || !runs)
            violation (
                world, 2, "%s: current names '%s', '%s' runs, and that is no whole release",
                host_name (host->number), machine->link, machine->running);
    }
}

/* An idle host's notes and its link agree, whatever has died before. */
void oracle_rebuilt (struct world *world, struct host *host)
{
    for (unsigned i = 0; i < PRODUCTS; i++)
        if (busy_product (host) == NULL && strcmp (host->watch[i].folder, host->machines[i].link) != 0)
            violation (
                world, 9, "%s: its notes say that current names '%s', and it names '%s'",
                host_name (host->number), host->watch[i].folder, host->machines[i].link);
    oracle_machine (world, host);
}
