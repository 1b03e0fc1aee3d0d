/* The steps of a plan, one reader a kind. */
#include <string.h>

#include "controller/core/plan_read.h"

enum { MIN_HEALTHY = 10, HEALTHY_DEADLINE = 300, PROGRESS_DEADLINE = 600 };

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

static void read_strategy (struct plan_problems *problems, const struct tree *body)
{
    const char *word = field_text (problems, body, "strategy", LIMIT_LINE, "rolling");
    unsigned value;
    if (!enum_value (&strategy_words, word, strlen (word), &value))
        (void)plan_problem (
            problems, tree_get (body, "strategy"), "strategy: %s",
            plan_advice (problems, word, strategy_words.words, strategy_words.count));
}

/* A host has to hold for a while, within the time it has to become healthy, within the time for all of it. */
static void check_spans (struct plan_problems *problems, const struct draft_step *step)
{
    char first[TIME_TEXT_SIZE];
    char second[TIME_TEXT_SIZE];
    if (step->min_healthy_time.ms >= step->healthy_deadline.ms)
        (void)plan_problem (
            problems,
            field_place (
                step->body, "min_healthy_time", field_place (step->body, "healthy_deadline", step->word)),
            "min_healthy_time (%s) must be shorter than healthy_deadline (%s)",
            span_print (step->min_healthy_time, first), span_print (step->healthy_deadline, second));
    if (step->healthy_deadline.ms >= step->progress_deadline.ms)
        (void)plan_problem (
            problems,
            field_place (
                step->body, "healthy_deadline", field_place (step->body, "progress_deadline", step->word)),
            "healthy_deadline (%s) must be shorter than progress_deadline (%s)",
            span_print (step->healthy_deadline, first), span_print (step->progress_deadline, second));
}

/* A host is confirmed when the whole step is done. */
static void check_confirm (struct plan_problems *problems, const struct draft_step *step)
{
    const struct tree *node = tree_get (step->body, "confirm_within");
    char first[TIME_TEXT_SIZE];
    char second[TIME_TEXT_SIZE];
    if (node != NULL && step->confirm_within.ms <= step->progress_deadline.ms)
        (void)plan_problem (
            problems, node,
            "confirm_within (%s) must be longer than progress_deadline (%s), and than all hosts of the step "
            "take "
            "together: they are confirmed when the last of them has kept",
            span_print (step->confirm_within, first), span_print (step->progress_deadline, second));
}

static void check_choice (struct plan_problems *problems, const struct draft_step *step)
{
    const struct tree *body = step->body;
    int chosen = (tree_get (body, "canary") != NULL) + (tree_get (body, "hosts") != NULL) + step->remaining;
    const struct tree *flag = tree_get (body, "remaining");
    if (chosen > 1)
        (void)plan_problem (
            problems, step->word, "deploy: canary, hosts and remaining exclude each other: keep one of them");
    if (flag != NULL && !step->remaining && flag->kind == TREE_SCALAR && strcmp (flag->text, "false") == 0)
        (void)plan_problem (problems, flag, "remaining: false says nothing: leave it out, or write true");
}

static void read_deploy (struct plan_problems *problems, struct draft_step *step)
{
    static const char *const keys[] = {
        "environment",
        "strategy",
        "canary",
        "remaining",
        "hosts",
        "max_parallel",
        "max_unavailable",
        "min_healthy_time",
        "healthy_deadline",
        "progress_deadline",
        "confirm_within",
        "title"};
    const struct tree *body = step->body;
    (void)field_keys (problems, body, "deploy", keys, COUNT (keys));
    (void)field_need (problems, body, step->word, "deploy", "environment", "such as environment: staging");
    read_strategy (problems, body);
    step->canary = field_amount (problems, body, "canary");
    step->remaining = field_flag (problems, body, "remaining", false);
    step->max_parallel = field_amount (problems, body, "max_parallel");
    step->max_unavailable = field_amount (problems, body, "max_unavailable");
    step->min_healthy_time = field_span (problems, body, "min_healthy_time", span_seconds (MIN_HEALTHY));
    step->healthy_deadline = field_span (problems, body, "healthy_deadline", span_seconds (HEALTHY_DEADLINE));
    step->progress_deadline =
        field_span (problems, body, "progress_deadline", span_seconds (PROGRESS_DEADLINE));
    step->confirm_within = field_span (problems, body, "confirm_within", (struct span){0});
    check_spans (problems, step);
    check_confirm (problems, step);
    check_choice (problems, step);
}

static void read_test_step (struct plan_problems *problems, struct draft_step *step)
{
    static const char *const keys[] = {"suite", "environment", "hosts", "title"};
    (void)field_keys (problems, step->body, "test", keys, COUNT (keys));
    (void)field_need (problems, step->body, step->word, "test", "suite", "the name of a list of tests");
    step->suite = field_name (problems, step->body, "suite", "");
}

static void read_people (struct plan_problems *problems, struct draft_step *step)
{
    const struct tree *body = step->body;
    step->instructions = field_text (problems, body, "instructions", LIMIT_COMMENT, "");
    step->role = field_name (problems, body, "role", "");
    step->approvals = field_number (problems, body, "approvals", 1, LIMIT_ROLE_KEYS, 1);
}

static void read_manual (struct plan_problems *problems, struct draft_step *step)
{
    static const char *const keys[] = {"instructions", "optional",    "role",
                                       "approvals",    "environment", "title"};
    (void)field_keys (problems, step->body, "manual", keys, COUNT (keys));
    (void)field_need (
        problems, step->body, step->word, "manual", "instructions", "what the tester is asked to do");
    read_people (problems, step);
    step->optional = field_flag (problems, step->body, "optional", false);
}

static void read_signoff (struct plan_problems *problems, struct draft_step *step)
{
    static const char *const keys[] = {"role", "approvals", "instructions", "environment", "title"};
    (void)field_keys (problems, step->body, "signoff", keys, COUNT (keys));
    (void)field_need (
        problems, step->body, step->word, "signoff", "role",
        "whose approvals count, such as release-managers");
    read_people (problems, step);
}

static void read_pause (struct plan_problems *problems, struct draft_step *step)
{
    static const char *const keys[] = {"duration", "title"};
    (void)field_keys (problems, step->body, "pause", keys, COUNT (keys));
    step->duration = field_span (problems, step->body, "duration", (struct span){0});
    if (tree_get (step->body, "duration") != NULL && step->duration.ms == 0)
        (void)plan_problem (
            problems, tree_get (step->body, "duration"),
            "duration: expected a time such as 10m; leave it out for a pause until somebody promotes");
}

static void read_notify (struct plan_problems *problems, struct draft_step *step)
{
    static const char *const keys[] = {"to", "title"};
    (void)field_keys (problems, step->body, "notify", keys, COUNT (keys));
    (void)field_need (
        problems, step->body, step->word, "notify", "to",
        "names of targets in the controller's configuration");
    step->targets = field_names (problems, step->body, "to", LIMIT_TARGETS, &step->target_count);
}

/* `pause: until promoted`, and a bare `pause:`, are written without a map. */
static const struct tree *body_of (
    struct plan_problems *problems, const struct tree *node, enum step_kind kind)
{
    bool bare =
        node->kind == TREE_SCALAR && (node->text[0] == '\0' || strcmp (node->text, "until promoted") == 0);
    struct tree *empty;
    if (node->kind == TREE_MAP)
        return node;
    if (kind != STEP_PAUSE || !bare) {
        (void)plan_problem (
            problems, node, "%s: expected a map in braces or indented lines%s", step_kind_words.words[kind],
            kind == STEP_PAUSE ? ", such as {duration: 10m}, or the words 'until promoted'" : "");
        return NULL;
    }
    empty = arena_take (problems->arena, sizeof *empty);
    *empty = (struct tree){.kind = TREE_MAP, .file = node->file, .line = node->line, .column = node->column};
    return empty;
}

static bool find_kind (struct plan_problems *problems, const struct tree *entry, enum step_kind *ret)
{
    static const char expected[] = "a step is one of deploy, test, manual, signoff, pause and notify";
    unsigned value;
    if (entry->kind != TREE_MAP || entry->count == 0)
        return plan_problem (problems, entry, "%s, with a colon behind it", expected);
    if (entry->count > 1)
        (void)plan_problem (
            problems, entry->keys[1], "'%.80s' belongs to another step, or deeper into this one: %s",
            entry->keys[1]->text, "begin it with '- ', or indent it further");
    if (!enum_value (&step_kind_words, entry->keys[0]->text, strlen (entry->keys[0]->text), &value))
        return plan_problem (
            problems, entry->keys[0], "no step is named %s",
            plan_advice (problems, entry->keys[0]->text, step_kind_words.words, step_kind_words.count));
    *ret = (enum step_kind)value;
    return true;
}

bool plan_step_read (struct plan_problems *problems, const struct tree *entry, struct draft_step *ret)
{
    static void (*const readers[]) (struct plan_problems *, struct draft_step *) = {
        [STEP_DEPLOY] = read_deploy,   [STEP_TEST] = read_test_step, [STEP_MANUAL] = read_manual,
        [STEP_SIGNOFF] = read_signoff, [STEP_PAUSE] = read_pause,    [STEP_NOTIFY] = read_notify,
    };
    struct draft_step step = {.title = "", .environment = "", .suite = "", .instructions = "", .role = ""};
    if (!find_kind (problems, entry, &step.kind))
        return false;
    step.word = entry->keys[0];
    step.body = body_of (problems, entry->items[0], step.kind);
    if (step.body == NULL)
        return false;
    step.title = field_text (problems, step.body, "title", LIMIT_LINE, "");
    step.environment = field_name (problems, step.body, "environment", "");
    if (step.kind == STEP_DEPLOY || step.kind == STEP_TEST)
        step.hosts = field_names (problems, step.body, "hosts", LIMIT_HOSTS, &step.host_count);
    readers[step.kind](problems, &step);
    *ret = step;
    return true;
}
