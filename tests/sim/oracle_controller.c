/* The invariants of the controller, checked at every entry and answer; and of the whole, at the end. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/oracle_gate.h"
#include "tests/sim/world.h"

enum { STALE_HEARTBEATS = 3 };

static struct watch_rollout *rollout_of (struct world *world, uint64_t number)
{
    struct controller_node *node = &world->controller;
    return number >= 1 && number <= node->rollout_count ? &node->rollouts[number - 1] : NULL;
}

static bool is_open (enum phase phase)
{
    return phase == PHASE_PROGRESSING || phase == PHASE_PAUSED || phase == PHASE_AWAITING ||
           phase == PHASE_RETURNING;
}

/* --------------------------------------------------------------------------------------------------- entries
 */

static void add_rollout (struct world *world, const struct entry_rollout *entry)
{
    struct controller_node *node = &world->controller;
    struct digest digest = envelope_digest (&entry->plan);
    const struct true_plan *plan = papers_plan_of (&world->papers, &digest);
    if (plan == NULL || !plan->genuine)
        violation (world, 1, "the controller begins a rollout of a plan that no releaser made");
    if (entry->rollout != node->rollout_count + 1)
        violation (world, 8, "rollout %llu begins twice", (unsigned long long)entry->rollout);
    for (size_t i = 0; i < node->rollout_count; i++)
        if (node->rollouts[i].plan == plan)
            violation (world, 8, "one plan is two rollouts");
    assert (node->rollout_count < sizeof node->rollouts / sizeof node->rollouts[0]);
    node->rollouts[node->rollout_count++] =
        (struct watch_rollout){.plan = plan, .number = entry->rollout, .attempt = 1};
}

/* Invariant 6, as soon as the controller claims it. */
static void check_back (struct world *world, const struct watch_rollout *rollout)
{
    unsigned product = product_number (rollout->plan->plan.product);
    if (world->story->stolen)
        return; /* a host may have been let go on, in time and by true proof, without the controller's knowing
                 */
    for (unsigned i = 0; i < world->host_count; i++) {
        struct host *host = &world->hosts[i];
        const struct watch_product *watch = &host->watch[product];
        const char *runs = machine_version (host, product);
        if (host->lost || !watch->touched[rollout->plan->rollout] ||
            strcmp (runs, rollout->plan->plan.version) != 0 ||
            strcmp (watch->before[rollout->plan->rollout], runs) == 0)
            continue;
        if (fleet_host_named (&world->papers.fleet[world->submitted_fleet - 1], host_name (i)) == NULL)
            continue;
        violation (
            world, 6, "rollout %llu is %s, and %s still runs %s", (unsigned long long)rollout->number,
            enum_word (&phase_words, rollout->phase), host_name (i), runs);
    }
}

static void change_phase (struct world *world, const struct entry_phase *entry)
{
    struct watch_rollout *rollout = rollout_of (world, entry->rollout);
    if (rollout == NULL)
        return;
    if (entry->attempt < rollout->attempt)
        violation (
            world, 5, "rollout %llu goes back to attempt %llu", (unsigned long long)rollout->number,
            (unsigned long long)entry->attempt);
    rollout->phase = entry->phase;
    rollout->attempt = entry->attempt;
    (void)snprintf (rollout->cause, sizeof rollout->cause, "%s", entry->cause);
    if (entry->cause[0] == '\0')
        violation (
            world, 7, "rollout %llu is %s without a cause", (unsigned long long)rollout->number,
            enum_word (&phase_words, entry->phase));
    if (entry->phase == PHASE_ABORTED || entry->phase == PHASE_ROLLED_BACK)
        check_back (world, rollout);
}

static void change_step (struct world *world, const struct entry_step *entry)
{
    struct watch_rollout *rollout = rollout_of (world, entry->rollout);
    struct proof proof;
    if (rollout == NULL || (entry->state != STEP_PASSED && entry->state != STEP_SKIPPED))
        return;
    proof_of_recorded (
        &world->papers, rollout->plan, entry->attempt, entry->at,
        &world->papers.trust[world->submitted_trust - 1], &proof);
    if (rollout->plan->plan.steps[entry->step - 1].kind != STEP_NOTIFY &&
        !proof_is_done (&proof, entry->step))
        violation (
            world, 3, "step %llu of rollout %llu passes without proof", (unsigned long long)entry->step,
            (unsigned long long)entry->rollout);
    if (proof_returns (&proof))
        violation (
            world, 3, "step %llu of rollout %llu passes in spite of a failure or a rejection",
            (unsigned long long)entry->step, (unsigned long long)entry->rollout);
    proof_free (&proof);
}

static bool names (const struct permit *permit, const char *host)
{
    for (size_t i = 0; i < permit->hosts_count; i++)
        if (strcmp (permit->hosts[i], host) == 0)
            return true;
    return false;
}

/* Invariant 4, as the controller can see to it: who is silent counts as out of service. */
static void check_unavailable (
    struct world *world, const struct watch_rollout *rollout, const struct step *step,
    const struct permit *permit)
{
    const struct fleet *fleet = &world->papers.fleet[world->submitted_fleet - 1];
    int64_t now = permit->issued.ms;
    uint64_t silent = 0;
    for (size_t i = 0; i < fleet->hosts_count; i++) {
        const struct host *host = &world->hosts[host_number (fleet->hosts[i].name)];
        int64_t heard =
            host->heard_at > world->controller.started ? host->heard_at : world->controller.started;
        bool stale = heard + STALE_HEARTBEATS * world->story->heartbeat < now;
        if (strcmp (fleet->hosts[i].environment, step->environment) == 0 && (stale || host->heard_at == 0) &&
            !names (permit, fleet->hosts[i].name))
            silent++;
    }
    for (size_t i = 0; i < permit->hosts_count; i++) {
        struct host *host = &world->hosts[host_number (permit->hosts[i])];
        struct grant_seen seen = {permit->attempt, permit->step};
        struct grant_seen *granted = &host->granted[rollout->number - 1];
        bool again = memcmp (granted, &seen, sizeof seen) == 0;
        *granted = seen;
        if (!again && host->heard_at != 0 &&
            host->heard_at + STALE_HEARTBEATS * world->story->heartbeat >= now &&
            silent + 1 > step->max_unavailable) {
            violation (
                world, 4,
                "%s is sent to work at step %llu of rollout %llu with %llu others silent, and %llu may be "
                "out",
                permit->hosts[i], (unsigned long long)step->number, (unsigned long long)rollout->number,
                (unsigned long long)silent, (unsigned long long)step->max_unavailable);
            return;
        }
    }
}

/* The word of a host that was taken out of the fleet proves nothing any more, and the others see that. */
static bool has_lost_a_host (const struct world *world, const struct plan *plan)
{
    const struct fleet *fleet = &world->papers.fleet[world->submitted_fleet - 1];
    for (size_t i = 0; i < plan->steps_count; i++)
        for (size_t j = 0; j < plan->steps[i].hosts_count; j++)
            if (fleet_host_named (fleet, plan->steps[i].hosts[j]) == NULL)
                return true;
    return false;
}

static void check_permit (struct world *world, const struct entry_permit *entry)
{
    struct watch_rollout *rollout = rollout_of (world, entry->rollout);
    struct arena arena = {0};
    struct permit permit;
    struct proof proof;
    const char *why = "a piece of evidence was never signed by anybody";
    bool good = document_read (&permit_type, entry->permit.content, &arena, &permit, NULL);
    assert (good);
    if (rollout != NULL) {
        good = proof_of (
            &world->papers, rollout->plan, permit.attempt, permit.issued,
            &world->papers.trust[world->submitted_trust - 1], permit.evidence, permit.evidence_count, &proof);
        if (good && permit.kind == PERMIT_RETURN)
            good = proof_returns (&proof);
        for (size_t i = 0; good && permit.kind == PERMIT_STEP && i < permit.hosts_count; i++)
            good = proof_opens (&proof, permit.step, permit.hosts[i], &why);
        if (good && permit.kind == PERMIT_KEEP)
            good = proof_keeps (&proof, permit.step, &why);
        proof_free (&proof);
        /* What has ended is not looked at again when trust changes; a host is, by itself. */
        if (!good && !has_lost_a_host (world, &rollout->plan->plan) && is_open (rollout->phase))
            violation (
                world, 3, "the controller permits (%s, step %llu) without proof: %s",
                enum_word (&permit_kind_words, permit.kind), (unsigned long long)permit.step, why);
        if (permit.kind == PERMIT_STEP && rollout->plan->plan.steps[permit.step - 1].kind == STEP_DEPLOY)
            check_unavailable (world, rollout, &rollout->plan->plan.steps[permit.step - 1], &permit);
    }
    papers_keep_permit (&world->papers, &entry->permit);
    arena_free (&arena);
}

static void check_paper (
    struct world *world, const struct envelope *envelope, uint64_t rollout, const char *what)
{
    struct digest digest = envelope_digest (envelope);
    struct true_paper *paper = papers_find (&world->papers, &digest);
    if (paper == NULL)
        violation (world, 3, "the controller takes a %s that nobody signed", what);
    else if (paper->recorded)
        violation (world, 8, "the controller records one %s twice", what);
    else
        paper->recorded = true;
    if (paper != NULL)
        paper->counted = rollout > 0;
}

static struct notice_try *notice_of (struct world *world, const char *key)
{
    struct controller_node *node = &world->controller;
    for (size_t i = 0; i < node->notice_count; i++)
        if (strcmp (node->notices[i].key, key) == 0)
            return &node->notices[i];
    if (node->notice_count == node->notice_capacity) {
        node->notice_capacity = node->notice_capacity == 0 ? 16 : 2 * node->notice_capacity;
        node->notices = realloc (node->notices, node->notice_capacity * sizeof *node->notices);
        assert (node->notices != NULL);
    }
    node->notices[node->notice_count] = (struct notice_try){0};
    (void)snprintf (node->notices[node->notice_count].key, sizeof node->notices[0].key, "%s", key);
    return &node->notices[node->notice_count++];
}

static void follow_notice (struct world *world, const struct entry_notice *entry)
{
    struct notice_try *notice = notice_of (world, entry->key);
    if (!entry->done)
        return;
    if (!notice->delivered)
        violation (world, 10, "a notice is crossed off that never went out: %s", entry->key);
    notice->done = true;
}

static void check_epoch (struct world *world, const struct entry_epoch *entry)
{
    struct controller_node *node = &world->controller;
    if (entry->epoch <= node->epoch)
        violation (world, 5, "the controller's epoch falls to %llu", (unsigned long long)entry->epoch);
    node->epoch = entry->epoch;
}

static void check_documents (struct world *world, const struct record_type *type, const void *record)
{
    const struct envelope *envelope = type == &entry_trust_type
                                          ? &((const struct entry_trust *)record)->document
                                          : &((const struct entry_fleet *)record)->document;
    size_t *version = type == &entry_trust_type ? &world->submitted_trust : &world->submitted_fleet;
    const struct envelope *list = type == &entry_trust_type ? world->papers.trusts : world->papers.fleets;
    size_t count = type == &entry_trust_type ? world->papers.trust_count : world->papers.fleet_count;
    for (size_t i = *version; i < count; i++)
        if (bytes_equal (envelope->content, list[i].content)) {
            *version = i + 1;
            return;
        }
    violation (world, 5, "the controller takes a %s that is not newer, or that nobody signed", type->name);
}

void oracle_entry (struct world *world, const struct record_type *type, const void *record)
{
    if (type == &entry_epoch_type)
        check_epoch (world, record);
    else if (type == &entry_trust_type || type == &entry_fleet_type)
        check_documents (world, type, record);
    else if (type == &entry_rollout_type)
        add_rollout (world, record);
    else if (type == &entry_phase_type)
        change_phase (world, record);
    else if (type == &entry_step_type)
        change_step (world, record);
    else if (type == &entry_permit_type)
        check_permit (world, record);
    else if (type == &entry_receipt_type)
        check_paper (
            world, &((const struct entry_receipt *)record)->receipt,
            ((const struct entry_receipt *)record)->rollout, "receipt");
    else if (type == &entry_approval_type)
        check_paper (
            world, &((const struct entry_approval *)record)->approval,
            ((const struct entry_approval *)record)->rollout, "decision");
    else if (type == &entry_notice_type)
        follow_notice (world, record);
}

/* ----------------------------------------------------------------------------------------------------
 * answers
 */

static bool is_recorded (const struct world *world, const struct digest *digest)
{
    const struct true_paper *paper = papers_find (&world->papers, digest);
    return paper != NULL && paper->recorded;
}

void oracle_answer (struct world *world, unsigned person, const struct record_type *type, const void *record)
{
    const struct answer *answer = record;
    if (type != &answer_type || !answer->done || person >= PEOPLE ||
        world->people[person].asking != ASKING_DECIDE || answer->request != world->people[person].request)
        return;
    if (!is_recorded (world, &world->people[person].decision))
        violation (
            world, 8, "%s is told that a decision is recorded, and it is not",
            key_word (world->people[person].key));
}

void oracle_sent (struct world *world, const struct record_type *type, const void *record)
{
    if (type == &report_stored_type && !is_recorded (world, &((const struct report_stored *)record)->receipt))
        violation (world, 8, "a receipt is acknowledged that is not recorded");
    if (type == &permit_offer_type) {
        struct digest digest = envelope_digest (&((const struct permit_offer *)record)->permit);
        if (papers_find (&world->papers, &digest) == NULL)
            violation (world, 8, "a permit is sent before it is recorded");
    }
}

/* Invariant 9: what is rebuilt from the journal says what its last entries say. */
void oracle_controller_rebuilt (struct world *world)
{
    struct controller_node *node = &world->controller;
    struct rollouts_wanted wanted = {.request = 7};
    struct controller_effects effects = {0};
    struct controller_event event = {
        .kind = CONTROLLER_MESSAGE,
        .now = controller_now (world),
        .route = {.door = DOOR_LOCAL, .size = 1, .id = {0xff}},
        .sender = FROM_ANY_PERSON,
        .message = {&rollouts_wanted_type, &wanted}};
    controller_step (node->core, &event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct rollouts *rollouts = effects.items[i].record;
        if (effects.items[i].type != &rollouts_type)
            continue;
        for (size_t j = 0; j < rollouts->heads_count; j++) {
            const struct view_head *head = &rollouts->heads[j];
            const struct watch_rollout *rollout = rollout_of (world, head->rollout);
            if (rollout == NULL || rollout->phase != head->phase || rollout->attempt != head->attempt)
                violation (
                    world, 9, "after a restart rollout %llu is %s", (unsigned long long)head->rollout,
                    enum_word (&phase_words, head->phase));
        }
        if (rollouts->heads_count != node->rollout_count)
            violation (world, 9, "after a restart there are %zu rollouts", rollouts->heads_count);
    }
    controller_effects_free (&effects);
}

/* ----------------------------------------------------------------------------------------------------- the
 * end
 */

static bool host_is_quiet (const struct host *host)
{
    if (host->lost)
        return true;
    if (!host->installer.alive || host->act_count > 0)
        return false;
    for (unsigned i = 0; i < PRODUCTS; i++)
        if (host->watch[i].busy)
            return false;
    return true;
}

static bool notices_are_out (const struct controller_node *node)
{
    for (size_t i = 0; i < node->notice_count; i++)
        if (!node->notices[i].done)
            return false;
    return true;
}

bool oracle_is_settled (struct world *world)
{
    struct controller_node *node = &world->controller;
    if (!node->process.alive || !notices_are_out (node))
        return false;
    for (size_t i = 0; i < node->rollout_count; i++)
        if (is_open (node->rollouts[i].phase))
            return false;
    for (unsigned i = 0; i < world->story->rollout_count; i++)
        if (!world->starts[i].done && world->starts[i].tries == 0)
            return false;
    for (unsigned i = 0; i < world->host_count; i++)
        if (!host_is_quiet (&world->hosts[i]))
            return false;
    for (size_t i = 0; i < world->papers.paper_count; i++) {
        const struct true_paper *paper = &world->papers.papers[i];
        const struct host *host;
        if (paper->receipt == NULL || paper->recorded)
            continue;
        host = &world->hosts[host_number (paper->receipt->host)];
        if (!host->lost &&
            fleet_host_named (&world->papers.fleet[world->submitted_fleet - 1], paper->receipt->host) != NULL)
            return false;
    }
    return true;
}

static void check_end_of_rollout (struct world *world, const struct watch_rollout *rollout)
{
    unsigned product = product_number (rollout->plan->plan.product);
    const struct plan *plan = &rollout->plan->plan;
    if (rollout->phase == PHASE_ABORTED || rollout->phase == PHASE_ROLLED_BACK)
        check_back (world, rollout);
    if (plan->override_approvals > 0)
        return; /* people may have answered for a host that is not well */
    for (unsigned i = 0; i < world->host_count && rollout->phase == PHASE_HEALTHY; i++) {
        const struct host *host = &world->hosts[i];
        if (!host->lost && host->watch[product].touched[rollout->plan->rollout] &&
            world->controller.rollouts[world->controller.rollout_count - 1].number == rollout->number &&
            strcmp (machine_version (host, product), plan->version) != 0)
            violation (
                world, 6, "rollout %llu is Healthy, and %s runs %s", (unsigned long long)rollout->number,
                host_name (i), machine_version (host, product));
    }
}

void oracle_end (struct world *world)
{
    struct controller_node *node = &world->controller;
    for (size_t i = 0; i < node->rollout_count; i++)
        check_end_of_rollout (world, &node->rollouts[i]);
    for (unsigned i = 0; i < world->host_count; i++) {
        struct host *host = &world->hosts[i];
        if (host->lost)
            continue;
        oracle_rebuilt (world, host);
        for (unsigned j = 0; j < PRODUCTS; j++)
            if (!host->watch[j].stuck && strcmp (host->machines[j].running, host->machines[j].link) != 0)
                violation (
                    world, 2, "%s: in the end '%s' runs, and current names '%s'", host_name (i),
                    host->machines[j].running, host->machines[j].link);
    }
    for (size_t i = 0; i < node->notice_count; i++)
        if (!node->notices[i].delivered)
            violation (world, 10, "the notice %s never went out", node->notices[i].key);
}
