/* The rows that people see below a rollout's head: its steps, and its hosts. */
#include <string.h>

#include "controller/core/state.h"

enum { NAMED_HOSTS = 3 };

static const struct suite *suite_of (const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->suites_count; i++)
        if (strcmp (plan->suites[i].name, name) == 0)
            return &plan->suites[i];
    return NULL;
}

static bool is_about (const struct doing *doing, const struct rollout *rollout, uint64_t step)
{
    return digest_equal (&doing->plan, &rollout->plan_digest) && doing->step == step &&
           doing->attempt == rollout->attempt;
}

/* Tests of one host in one step: by its receipt, else by what it says that it is doing. */
static void count_tests (
    const struct rollout *rollout, const struct stage *stage, size_t place, uint64_t *passed, uint64_t *total)
{
    const struct paper *paper = stage->tasks[place].receipt;
    const struct suite *suite = suite_of (&rollout->plan, stage->step->suite);
    const struct doing *doing = &stage->seats[place]->host->doing;
    *passed = 0;
    *total = suite != NULL ? suite->tests_count : 0;
    if (paper == NULL) {
        *passed = is_about (doing, rollout, stage->step->number) ? doing->tests_passed : 0;
        return;
    }
    for (size_t i = 0; i < paper->receipt->tests_count; i++)
        *passed += paper->receipt->tests[i].verdict == VERDICT_PASSED ? 1 : 0;
}

static void deploy_row (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage,
    struct arena *arena, struct view_step *row)
{
    struct buffer names = {0};
    (void)controller;
    (void)rollout;
    row->total = stage->step->hosts_count;
    for (size_t i = 0; i < stage->step->hosts_count; i++) {
        const struct paper *paper = stage->tasks[i].receipt;
        row->done += paper != NULL && paper->receipt->outcome == OUTCOME_KEPT ? 1 : 0;
    }
    for (size_t i = 0; i < stage->step->hosts_count && stage->step->hosts_count <= NAMED_HOSTS; i++)
        buffer_print (&names, "%s%s", i > 0 ? ", " : " ", stage->step->hosts[i]);
    row->detail = line_format (
        arena, "%llu/%llu%s", (unsigned long long)row->done, (unsigned long long)row->total,
        names.size > 0 ? names.data : "");
    buffer_free (&names);
}

static void test_row (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage,
    struct arena *arena, struct view_step *row)
{
    (void)controller;
    for (size_t i = 0; i < stage->step->hosts_count; i++) {
        uint64_t passed;
        uint64_t total;
        count_tests (rollout, stage, i, &passed, &total);
        row->done += passed;
        row->total += total;
    }
    row->detail =
        line_format (arena, "%llu/%llu", (unsigned long long)row->done, (unsigned long long)row->total);
}

/* "2/2 ana, luis", or who skipped it and why. */
static void approval_row (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage,
    struct arena *arena, struct view_step *row)
{
    struct buffer names = {0};
    const struct approval *skip = NULL;
    (void)controller;
    row->total = stage->step->approvals;
    for (size_t i = 0; i < rollout->gate.approval_count; i++) {
        const struct approval *approval = rollout->gate.approvals[i].approval;
        if (approval->step != stage->step->number)
            continue;
        if (approval->decision == DECISION_SKIP)
            skip = approval;
        if (approval->decision == DECISION_APPROVE) {
            row->done++;
            buffer_print (&names, "%s%s", row->done > 1 ? ", " : " ", approval->name);
        }
    }
    if (stage->state == STEP_SKIPPED && skip != NULL)
        row->detail = line_format (arena, "skipped by %s: \"%s\"", skip->name, skip->comment);
    else
        row->detail = line_format (
            arena, "%llu/%llu%s", (unsigned long long)row->done, (unsigned long long)row->total,
            names.size > 0 ? names.data : "");
    buffer_free (&names);
}

static void pause_row (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage,
    struct arena *arena, struct view_step *row)
{
    char text[TIME_TEXT_SIZE];
    (void)controller;
    row->total = 1;
    row->done = stage->state == STEP_PASSED ? 1 : 0;
    for (size_t i = 0; i < rollout->gate.approval_count; i++) {
        const struct approval *approval = rollout->gate.approvals[i].approval;
        if (approval->step == stage->step->number && approval->decision == DECISION_PROMOTE) {
            row->detail = line_format (arena, "promoted by %s", approval->name);
            return;
        }
    }
    row->detail = stage->step->duration.ms > 0
                      ? line_format (arena, "%s", span_print (stage->step->duration, text))
                      : "until promoted";
}

static void notify_row (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage,
    struct arena *arena, struct view_step *row)
{
    struct buffer trouble = {0};
    (void)controller;
    row->total = stage->step->targets_count;
    for (size_t i = 0; i < rollout->notice_count; i++) {
        const struct notice *notice = rollout->notices[i];
        if (notice->step != stage->step->number || notice->attempt != rollout->attempt)
            continue;
        if (notice->done)
            row->done++;
        else if (notice->tried)
            buffer_print (&trouble, "; %s: %s", notice->target, notice->said);
    }
    row->detail = line_format (
        arena, "%llu/%llu told%s", (unsigned long long)row->done, (unsigned long long)row->total,
        trouble.size > 0 ? trouble.data : "");
    buffer_free (&trouble);
}

/* Who answers for a failure of the step, and why, stands beside it for ever. */
static void override_fill (
    const struct rollout *rollout, const struct stage *stage, struct arena *arena, struct view_step *row)
{
    const struct approval *last = NULL;
    struct buffer names = {0};
    for (size_t i = 0; i < rollout->gate.approval_count; i++) {
        const struct approval *approval = rollout->gate.approvals[i].approval;
        if (approval->decision != DECISION_OVERRIDE || approval->step != stage->step->number)
            continue;
        if (last == NULL || strcmp (last->name, approval->name) != 0)
            buffer_print (&names, "%s%s", last != NULL ? ", " : "", approval->name);
        last = approval;
    }
    if (last != NULL)
        row->detail =
            line_format (arena, "%s, overridden by %s: \"%s\"", row->detail, names.data, last->comment);
    buffer_free (&names);
}

static void (*const rows[]) (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage,
    struct arena *arena, struct view_step *row) = {
    [STEP_DEPLOY] = deploy_row,    [STEP_TEST] = test_row,   [STEP_MANUAL] = approval_row,
    [STEP_SIGNOFF] = approval_row, [STEP_PAUSE] = pause_row, [STEP_NOTIFY] = notify_row,
};

static const char *title_of (const struct step *step, struct arena *arena)
{
    if (step->title[0] != '\0')
        return step->title;
    if (step->kind == STEP_DEPLOY)
        return line_format (
            arena, "deploy to %zu server%s", step->hosts_count, step->hosts_count == 1 ? "" : "s");
    if (step->kind == STEP_TEST)
        return line_format (arena, "%s tests", step->suite);
    return enum_word (&step_kind_words, step->kind);
}

void view_step_fill (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage,
    struct arena *arena, struct view_step *ret)
{
    *ret = (struct view_step){
        .number = stage->step->number,
        .kind = stage->step->kind,
        .title = title_of (stage->step, arena),
        .environment = plan_environment (&rollout->plan, stage->step->number),
        .state = stage->state,
        .role = stage->step->role,
        .optional = stage->step->optional,
        .started = stage->started,
        .finished = stage->finished};
    rows[stage->step->kind](controller, rollout, stage, arena, ret);
    override_fill (rollout, stage, arena, ret);
    if (stage->state == STEP_FAILED && stage->cause[0] != '\0')
        ret->detail = line_format (arena, "%s: %s", ret->detail, stage->cause);
}

static enum activity outcome_activity (enum outcome outcome)
{
    static const enum activity activities[] = {
        [OUTCOME_REFUSED] = ACTIVITY_FAILED,    [OUTCOME_KEPT] = ACTIVITY_KEPT,
        [OUTCOME_RETURNED] = ACTIVITY_RETURNED, [OUTCOME_STUCK] = ACTIVITY_STUCK,
        [OUTCOME_PASSED] = ACTIVITY_PASSED,     [OUTCOME_FAILED] = ACTIVITY_FAILED,
    };
    return activities[outcome];
}

/* What people see of a host comes from one of its tasks. */
struct seen_task {
    const struct task *task;   /* NULL where the host was let into nothing yet */
    const struct stage *stage; /* NULL for a return */
};

/* What the host is at work on, or did last: it keeps that while the next permit only waits for it. */
static struct seen_task newest_task (const struct rollout *rollout, const struct seat *seat)
{
    const struct doing *doing = &seat->host->doing;
    struct seen_task waiting = {0};
    bool granted = seat->back.grant != NULL;
    if (seat->back.receipt != NULL || (granted && is_about (doing, rollout, 0)))
        return (struct seen_task){.task = &seat->back};
    if (granted)
        waiting.task = &seat->back;
    for (size_t i = rollout->plan.steps_count; i > 0; i--) {
        const struct stage *stage = &rollout->stages[i - 1];
        const struct task *task = rollout_task (rollout, PERMIT_STEP, i, seat->host);
        if (task == NULL || (task->grant == NULL && task->receipt == NULL))
            continue;
        if (task->receipt != NULL || is_about (doing, rollout, i))
            return (struct seen_task){.task = task, .stage = stage};
        if (waiting.task == NULL)
            waiting = (struct seen_task){.task = task, .stage = stage};
    }
    return waiting;
}

static void fill_tests (const struct rollout *rollout, const struct seat *seat, struct view_host *row)
{
    for (size_t i = rollout->plan.steps_count; i > 0; i--) {
        const struct stage *stage = &rollout->stages[i - 1];
        const struct task *task = rollout_task (rollout, PERMIT_STEP, i, seat->host);
        bool began = task != NULL && (task->receipt != NULL ||
                                      (task->grant != NULL && is_about (&seat->host->doing, rollout, i)));
        if (stage->step->kind != STEP_TEST || !began)
            continue;
        count_tests (rollout, stage, (size_t)(task - stage->tasks), &row->tests_passed, &row->tests_total);
        return;
    }
}

/* An end is what the receipt says. Until it is here the host is at the last of its work, whatever it says. */
static enum activity unproven (enum activity said, const struct stage *stage)
{
    switch (said) {
    case ACTIVITY_KEPT:
    case ACTIVITY_PASSED:
    case ACTIVITY_FAILED:
        return stage == NULL                    ? ACTIVITY_RETURNING
               : stage->step->kind == STEP_TEST ? ACTIVITY_TESTING
                                                : ACTIVITY_CHECKING;
    case ACTIVITY_RETURNED:
        return ACTIVITY_RETURNING;
    default:
        return said;
    }
}

static void fill_activity (
    const struct rollout *rollout, const struct seat *seat, struct arena *arena, struct view_host *row)
{
    const struct host *host = seat->host;
    struct seen_task newest = newest_task (rollout, seat);
    const struct paper *receipt = newest.task != NULL ? newest.task->receipt : NULL;
    uint64_t step = newest.stage != NULL ? newest.stage->step->number : 0;
    char text[TIME_TEXT_SIZE];
    if (receipt != NULL) {
        row->activity = outcome_activity (receipt->receipt->outcome);
        row->detail = receipt->receipt->cause;
    } else if (newest.task != NULL && is_about (&host->doing, rollout, step)) {
        row->activity = unproven (host->doing.activity, newest.stage);
        row->detail = line_format (arena, "%s", host->detail);
        /* Behind the swap it is the new version that starts and is checked. */
        if (newest.stage != NULL && newest.stage->step->kind == STEP_DEPLOY &&
            (row->activity == ACTIVITY_STARTING || row->activity == ACTIVITY_CHECKING))
            row->version = rollout->plan.version;
        if (strcmp (row->detail, row->version) == 0 || strcmp (row->detail, rollout->plan.version) == 0)
            row->detail = "";
    } else if (newest.task != NULL) {
        row->activity = ACTIVITY_WAITING;
    }
    if (!host->stale || (receipt != NULL && !rollout_is_open (rollout)))
        return;
    row->activity = ACTIVITY_STALE;
    row->detail = host->seen.ms > 0 ? line_format (arena, "last contact %s", instant_print (host->seen, text))
                                    : "no contact since the controller's start";
}

void view_host_fill (
    const struct rollout *rollout, const struct seat *seat, struct arena *arena, struct view_host *ret)
{
    const struct host_release *release = host_release_of (seat->host, rollout->plan.product);
    *ret = (struct view_host){
        .name = seat->host->name,
        .environment = seat->environment,
        .version = release != NULL ? release->version : "",
        .activity = ACTIVITY_IDLE,
        .seen = seat->host->seen,
        .detail = ""};
    fill_tests (rollout, seat, ret);
    fill_activity (rollout, seat, arena, ret);
}
