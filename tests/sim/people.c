/* People: they start rollouts, look at them now and then, verify the evidence as the command line does, and
   decide. What they sign goes into the papers, where the oracle finds it. */
#include <assert.h>
#include <string.h>

#include "tests/sim/world.h"

enum {
    LOOKS_LEAST = 3000,
    LOOKS_MOST = 15000,
    PATIENCE = 20000, /* an answer that has not come by then never comes */
    VALID_MS = 86400000,
    ATTEMPTS = 3,
    STARTS = 60,
    STARTER = PEOPLE, /* who starts rollouts, as a person of this number */
};

static bool is_operator (const struct person *person)
{
    return person->key == KEY_ANA || person->key == KEY_LUIS;
}

static void ask (
    struct world *world, unsigned number, enum asking asking, const struct record_type *type,
    const void *record)
{
    struct person *person = &world->people[number];
    struct packet *packet = packet_make (type, record);
    person->asking = asking;
    person->asked_at = world->now;
    if (packet != NULL)
        send_from_person (world, number, packet);
}

void person_wake (struct world *world, unsigned number)
{
    struct person *person = &world->people[number];
    struct rollouts_wanted wanted = {.request = ++person->request};
    later (
        world, random_between (&world->minds, LOOKS_LEAST, LOOKS_MOST),
        (struct event){.kind = EVENT_PERSON, .number = number});
    if (person->asking != ASKING_NOTHING && world->now - person->asked_at < PATIENCE)
        return;
    ask (world, number, ASKING_LIST, &rollouts_wanted_type, &wanted);
}

/* ------------------------------------------------------------------------------------------ what there is to
 * do
 */

/* Any one that this person can do something about. */
static bool wants_me (const struct world *world, const struct person *person, const struct view_head *head)
{
    if (person->urged)
        return is_operator (person);
    switch (head->phase) {
    case PHASE_AWAITING:
        return true;
    case PHASE_PAUSED:
        return true;
    case PHASE_DEGRADED:
        return is_operator (person) && world->calm;
    default:
        return false;
    }
}

static void take_list (struct world *world, unsigned number, const struct rollouts *rollouts)
{
    struct person *person = &world->people[number];
    const struct view_head *chosen = NULL;
    struct evidence_wanted wanted;
    uint64_t count = 0;
    person->asking = ASKING_NOTHING;
    if (world->now - person->decided_at < random_between (&world->minds, 0, world->story->thinking))
        return;
    for (size_t i = 0; i < rollouts->heads_count; i++)
        if (wants_me (world, person, &rollouts->heads[i]) && random_below (&world->minds, ++count) == 0)
            chosen = &rollouts->heads[i];
    if (chosen == NULL)
        return;
    person->rollout = chosen->rollout;
    person->phase = chosen->phase;
    wanted = (struct evidence_wanted){.request = ++person->request, .rollout = chosen->rollout};
    ask (world, number, ASKING_EVIDENCE, &evidence_wanted_type, &wanted);
}

struct subject {
    const struct evidence_list *list;
    const struct true_plan *plan;
    struct gate_case gate;
    const struct step *step;
    struct arena arena;
};

/* As the command line: every piece is verified, or nothing is signed. */
static bool verify (struct world *world, const struct evidence_list *list, struct subject *ret)
{
    const struct papers *papers = &world->papers;
    struct digest digest = envelope_digest (&list->plan);
    ret->list = list;
    ret->plan = papers_plan_of (papers, &digest);
    if (ret->plan == NULL)
        return false;
    ret->gate = (struct gate_case){
        .plan = &ret->plan->plan, .plan_digest = digest, .attempt = list->attempt, .now = true_now (world)};
    for (size_t i = 0; i < list->evidence_count; i++)
        if (!gate_add (
                &ret->gate, &papers->trust[world->submitted_trust - 1],
                &papers->fleet[world->submitted_fleet - 1], &list->evidence[i], &ret->arena, NULL))
            return false;
    if (list->step >= 1 && list->step <= ret->plan->plan.steps_count)
        ret->step = &ret->plan->plan.steps[list->step - 1];
    return true;
}

static bool has_consented (const struct subject *subject, const struct person *person)
{
    struct digest seen = gate_evidence_digest (&subject->gate, subject->list->step);
    for (size_t i = 0; i < subject->gate.approval_count; i++) {
        const struct gate_approval *item = &subject->gate.approvals[i];
        if (item->approval->step == subject->list->step && digest_equal (&item->approval->evidence, &seen) &&
            item->approval->decision != DECISION_REJECT && item->approval->decision != DECISION_OVERRIDE &&
            strcmp (item->approval->name, key_word (person->key)) == 0)
            return true;
    }
    return false;
}

static void sign (
    struct world *world, unsigned number, const struct subject *subject, enum decision decision,
    uint64_t step, const char *role, struct digest evidence)
{
    struct person *person = &world->people[number];
    struct instant now = true_now (world);
    struct approval approval = {
        .plan = subject->plan->digest,
        .step = step,
        .attempt = subject->list->attempt + (decision == DECISION_RETRY ? 1 : 0),
        .decision = decision,
        .role = role,
        .name = key_word (person->key),
        .comment = "it seems right",
        .evidence = evidence,
        .issued = now,
        .expires = {now.ms + VALID_MS}};
    struct envelope envelope =
        papers_sign (&world->papers, &approval_type, &approval, key_of (person->key), now);
    struct decide decide = {
        .request = ++person->request, .rollout = subject->list->rollout, .approval = envelope};
    person->decision = envelope_digest (&envelope);
    person->decided_at = world->now;
    papers_keep_approval (&world->papers, &envelope, &approval, person->key);
    trace_line (
        world, key_word (person->key), "%s, step %llu of rollout %llu", enum_word (&decision_words, decision),
        (unsigned long long)step, (unsigned long long)subject->list->rollout);
    ask (world, number, ASKING_DECIDE, &decide_type, &decide);
}

static void operate (
    struct world *world, unsigned number, const struct subject *subject, enum decision decision)
{
    sign (world, number, subject, decision, 0, ROLE_OPERATOR, (struct digest){{0}});
}

static bool plays (const struct world *world, const struct person *person, const char *role)
{
    const struct trust *trust = &world->papers.trust[world->submitted_trust - 1];
    const struct trust_role *entry = trust_role_for (trust, role, "");
    return entry != NULL && trust_role_has (trust, entry, &key_of (person->key)->public);
}

static void judge_step (struct world *world, unsigned number, const struct subject *subject)
{
    const struct person *person = &world->people[number];
    const struct step *step = subject->step;
    enum decision decision = DECISION_APPROVE;
    uint64_t seen = step->number;
    if ((step->kind != STEP_MANUAL && step->kind != STEP_SIGNOFF) || has_consented (subject, person) ||
        !plays (world, person, step->role))
        return;
    if (!world->calm && random_chance (&world->minds, world->story->rates.rejects))
        decision = DECISION_REJECT;
    else if (step->optional && random_chance (&world->minds, 400))
        decision = DECISION_SKIP;
    if (world->story->stolen && !world->calm && random_chance (&world->minds, 300))
        seen = 1; /* decides by what was there before anything had happened: a thief may use that */
    sign (
        world, number, subject, decision, step->number, step->role,
        gate_evidence_digest (&subject->gate, seen));
}

/* The failures of which this person has overridden none yet. */
static bool override_one (struct world *world, unsigned number, const struct subject *subject)
{
    struct digest digests[LIMIT_OVERRIDES];
    uint64_t steps[LIMIT_OVERRIDES];
    const struct person *person = &world->people[number];
    size_t count = gate_overridable (&subject->gate, digests, steps, LIMIT_OVERRIDES);
    for (size_t i = 0; i < count && i < LIMIT_OVERRIDES; i++) {
        bool mine = false;
        for (size_t j = 0; j < subject->gate.approval_count; j++)
            mine = mine || (digest_equal (&subject->gate.approvals[j].approval->evidence, &digests[i]) &&
                            strcmp (subject->gate.approvals[j].approval->name, key_word (person->key)) == 0);
        if (mine)
            continue;
        sign (
            world, number, subject, DECISION_OVERRIDE, steps[i], subject->plan->plan.override_role,
            digests[i]);
        return true;
    }
    return false;
}

static void judge_pause (struct world *world, unsigned number, const struct subject *subject)
{
    bool closed = gate_is_closed (&subject->gate, NULL);
    uint64_t way = random_below (&world->minds, 4);
    const struct person *person = &world->people[number];
    if (closed && subject->plan->plan.override_approvals > 0 && way < 3 &&
        plays (world, person, subject->plan->plan.override_role) && override_one (world, number, subject))
        return;
    if (!is_operator (person))
        return;
    if (world->calm && random_chance (&world->minds, 200))
        operate (world, number, subject, DECISION_ABORT); /* what can neither go on nor be tried again */
    else if (
        !closed && subject->step != NULL && subject->step->kind == STEP_PAUSE && way < 2 &&
        !has_consented (subject, person))
        sign (
            world, number, subject, DECISION_PROMOTE, subject->step->number, ROLE_OPERATOR,
            gate_evidence_digest (&subject->gate, subject->step->number));
    else if (!closed && way < 3)
        operate (world, number, subject, DECISION_RESUME);
    else if (way == 3 && subject->list->attempt < ATTEMPTS)
        operate (world, number, subject, DECISION_RETRY);
    else if (closed || world->calm)
        operate (world, number, subject, DECISION_ABORT);
}

/* Once: hosts that are gone for good bring no abort to its end. */
static void judge_rest (struct world *world, unsigned number, const struct subject *subject)
{
    for (size_t i = 0; i < subject->gate.approval_count; i++)
        if (subject->gate.approvals[i].approval->decision == DECISION_ABORT)
            return;
    if (subject->list->attempt < ATTEMPTS && random_chance (&world->minds, 300))
        operate (world, number, subject, DECISION_RETRY);
    else
        operate (world, number, subject, DECISION_ABORT);
}

static void take_evidence (struct world *world, unsigned number, const struct evidence_list *list)
{
    struct person *person = &world->people[number];
    struct subject subject = {0};
    person->asking = ASKING_NOTHING;
    if (verify (world, list, &subject)) {
        if (person->urged && person->urge == DECISION_REJECT && subject.step != NULL &&
            (subject.step->kind == STEP_MANUAL || subject.step->kind == STEP_SIGNOFF))
            sign (
                world, number, &subject, DECISION_REJECT, subject.step->number, subject.step->role,
                gate_evidence_digest (&subject.gate, subject.step->number));
        else if (person->urged && person->urge != DECISION_REJECT)
            operate (world, number, &subject, person->urge);
        else if (person->phase == PHASE_AWAITING && subject.step != NULL)
            judge_step (world, number, &subject);
        else if (person->phase == PHASE_PAUSED)
            judge_pause (world, number, &subject);
        else if (person->phase == PHASE_DEGRADED)
            judge_rest (world, number, &subject);
        person->urged = false;
    }
    arena_free (&subject.arena);
}

/* ----------------------------------------------------------------------------------------------------
 * starting
 */

static void put_contents (struct world *world)
{
    struct controller_node *node = &world->controller;
    for (size_t i = 0; i < world->papers.content_count && node->process.alive; i++) {
        const struct content *content = &world->papers.contents[i];
        struct content_row row = {
            .name = "content",
            .digest = content->digest,
            .length = content->bytes.size,
            .added = true_now (world)};
        struct controller_event event = {.kind = CONTROLLER_CONTENT, .content = &row};
        if (!controller_has_content (node->core, &content->digest))
            controller_event_at (world, &event);
    }
}

static void submit (struct world *world, const struct envelope *document)
{
    struct submit submit = {.request = 1, .document = *document};
    struct packet *packet = packet_make (&submit_type, &submit);
    if (packet != NULL)
        send_from_person (world, STARTER, packet);
}

/* Until the controller has them, the newest documents are brought again; then the rollout, until it is one.
 */
void rollout_start_try (struct world *world, unsigned number)
{
    struct start_try *start = &world->starts[number];
    const struct papers *papers = &world->papers;
    struct rollout_start message = {.request = number + 1, .by = "ana"};
    struct packet *packet;
    if (start->done || start->tries++ >= STARTS)
        return;
    later (
        world, random_between (&world->minds, 4000, 20000),
        (struct event){.kind = EVENT_ROLLOUT, .number = number});
    if (world->submitted_trust < papers->trust_count)
        submit (world, &papers->trusts[world->submitted_trust]);
    if (world->submitted_fleet < papers->fleet_count)
        submit (world, &papers->fleets[world->submitted_fleet]);
    if (world->submitted_trust < papers->trust_count || world->submitted_fleet < papers->fleet_count)
        return;
    if (start->plan == NULL || start->tries % 8 == 0)
        start->plan = papers->plan_count + 8 < sizeof papers->plans / sizeof papers->plans[0] &&
                              papers->content_count + 8 < CONTENTS
                          ? papers_plan (&world->papers, number, true_now (world))
                          : start->plan;
    if (start->plan == NULL)
        return;
    put_contents (world);
    message.plan = start->plan->envelope;
    packet = packet_make (&rollout_start_type, &message);
    if (packet != NULL)
        send_from_person (world, STARTER, packet);
}

/* --------------------------------------------------------------------------------------------------- answers
 */

static void take_start (struct world *world, const struct answer *answer)
{
    if (!answer->done || answer->request < 1 || answer->request > world->story->rollout_count)
        return;
    if (answer->rollout > 0)
        world->starts[answer->request - 1].done = true;
}

void person_take (struct world *world, unsigned number, struct packet *packet)
{
    const struct message *message = packet_read (packet, FROM_CONTROLLER);
    struct person *person;
    if (message == NULL)
        return;
    if (number == STARTER) {
        if (message->type == &answer_type)
            take_start (world, message->record);
        return;
    }
    person = &world->people[number];
    if (message->type == &rollouts_type && person->asking == ASKING_LIST &&
        ((const struct rollouts *)message->record)->request == person->request)
        take_list (world, number, message->record);
    else if (
        message->type == &evidence_list_type && person->asking == ASKING_EVIDENCE &&
        ((const struct evidence_list *)message->record)->request == person->request)
        take_evidence (world, number, message->record);
    else if (
        message->type == &answer_type && ((const struct answer *)message->record)->request == person->request)
        person->asking = ASKING_NOTHING;
}
