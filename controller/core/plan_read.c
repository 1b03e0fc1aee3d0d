#include "controller/core/plan_read.h"

#include <string.h>

enum { EXPIRES_DAYS = 7, MOST_DAYS = 365, DAY_SECONDS = 86400 };

static const char *read_version (struct plan_problems *problems, const struct tree *root)
{
    const struct tree *node =
        field_need (problems, root, root, "a plan", "version", "the product's version that goes out");
    const char *version = field_text (problems, root, "version", LIMIT_VERSION, NULL);
    if (version == NULL)
        return "";
    if (!text_is_version (version)) {
        (void)plan_problem (
            problems, node,
            "version: '%.80s' is no version: use letters, digits and . + ~ : _ -, beginning with a letter or "
            "digit",
            version);
        return "";
    }
    return version;
}

static void read_artifacts (struct plan_problems *problems, const struct tree *root, struct plan_draft *draft)
{
    const struct tree *one = tree_get (root, "artifact");
    const struct tree *node = one != NULL ? one : tree_get (root, "artifacts");
    const char **names;
    struct error error;
    if (one != NULL && tree_get (root, "artifacts") != NULL)
        (void)plan_problem (problems, one, "'artifact' and 'artifacts' together: keep the list alone");
    if (node == NULL) {
        (void)plan_problem (
            problems, root, "a plan needs 'artifact': the name of a file in the depot, or a path");
        return;
    }
    if (!tree_texts (
            node, "artifact", LIMIT_ARTIFACTS, LIMIT_LINE, problems->arena, &names, &draft->artifact_count,
            &error)) {
        (void)plan_problem_take (problems, node, &error);
        return;
    }
    if (draft->artifact_count == 0)
        (void)plan_problem (problems, node, "artifacts: the list is empty: write at least one file");
    draft->artifacts = arena_array (problems->arena, draft->artifact_count, sizeof *draft->artifacts);
    for (size_t i = 0; i < draft->artifact_count; i++) {
        const struct tree *place = node->kind == TREE_LIST ? node->items[i] : node;
        draft->artifacts[i] = (struct draft_artifact){
            .place = place, .name = names[i], .path = plan_path (problems->arena, place->file, names[i])};
        for (size_t j = 0; j < i; j++)
            if (strcmp (names[i], names[j]) == 0)
                (void)plan_problem (
                    problems, place, "artifacts: '%.80s' stands here twice: keep one", names[i]);
    }
}

static enum on_failure read_on_failure (struct plan_problems *problems, const struct tree *root)
{
    const char *word = field_text (problems, root, "on_failure", LIMIT_LINE, "rollback");
    unsigned value;
    if (enum_value (&on_failure_words, word, strlen (word), &value))
        return (enum on_failure)value;
    (void)plan_problem (
        problems, tree_get (root, "on_failure"), "on_failure: %s",
        plan_advice (problems, word, on_failure_words.words, on_failure_words.count));
    return ON_FAILURE_ROLLBACK;
}

/* Only a rollout that pauses waits for anybody's word about a failure. */
static void read_override (struct plan_problems *problems, const struct tree *root, struct plan_draft *draft)
{
    static const char *const keys[] = {"role", "approvals"};
    const struct tree *node = tree_get (root, "override");
    if (node == NULL || !field_keys (problems, node, "override", keys, sizeof keys / sizeof keys[0]))
        return;
    draft->override = node;
    (void)field_need (
        problems, node, node, "override", "role", "who may override a failure, such as release-managers");
    draft->override_role = field_name (problems, node, "role", "");
    draft->override_approvals = field_number (problems, node, "approvals", 1, LIMIT_ROLE_KEYS, 1);
    if (draft->on_failure != ON_FAILURE_PAUSE)
        (void)plan_problem (
            problems, node,
            "override: the hosts of a failed step return before anybody could decide: write on_failure: "
            "pause, "
            "or leave it out");
}

static void read_profile_path (
    struct plan_problems *problems, const struct tree *root, struct plan_draft *draft)
{
    const struct tree *node = tree_get (root, "profile");
    const char *path = field_text (problems, root, "profile", LIMIT_LINE, NULL);
    if (path == NULL)
        path = arena_format (problems->arena, "%s.yaml", draft->product);
    draft->profile = plan_path (problems->arena, root->file, path);
    draft->profile_place = node != NULL ? node : root;
}

static void read_steps (struct plan_problems *problems, const struct tree *root, struct plan_draft *draft)
{
    const struct tree *list = field_need (
        problems, root, root, "a plan", "steps", "a list, such as - deploy: {environment: staging}");
    if (list == NULL)
        return;
    if (list->kind != TREE_LIST || list->count == 0 || list->count > LIMIT_STEPS) {
        (void)plan_problem (
            problems, list, "steps: expected a list of 1 to %d steps, each beginning with '- '", LIMIT_STEPS);
        return;
    }
    draft->steps = arena_array (problems->arena, list->count, sizeof *draft->steps);
    for (size_t i = 0; i < list->count; i++) {
        struct draft_step *step = &draft->steps[draft->step_count];
        if (plan_step_read (problems, list->items[i], step)) {
            step->number = i + 1;
            draft->step_count++;
        }
    }
}

static void read_expires (struct plan_problems *problems, const struct tree *root, struct plan_draft *draft)
{
    draft->expires = field_span (problems, root, "expires", span_seconds (EXPIRES_DAYS * DAY_SECONDS));
    if (draft->expires.ms == 0 || draft->expires.ms > span_seconds (MOST_DAYS * DAY_SECONDS).ms)
        (void)plan_problem (
            problems, tree_get (root, "expires"), "expires: expected a time from the build of at most %dd",
            MOST_DAYS);
}

struct plan_draft plan_read (struct plan_problems *problems, const struct tree *root)
{
    static const char *const keys[] = {"plan",    "product",      "version", "artifact", "artifacts",
                                       "comment", "on_failure",   "expires", "profile",  "suites",
                                       "steps",   "skip_staging", "override"};
    struct plan_draft draft = {.root = root, .name = "", .product = "", .version = "", .comment = ""};
    draft.skip_staging = "";
    draft.override_role = "";
    draft.profile = "";
    draft.profile_place = root;
    if (!field_keys (problems, root, "a plan", keys, sizeof keys / sizeof keys[0]))
        return draft;
    (void)field_need (problems, root, root, "a plan", "plan", "its name, such as connect-2026.06.1");
    draft.name = field_name (problems, root, "plan", "");
    (void)field_need (problems, root, root, "a plan", "product", "the product's name in the fleet");
    draft.product = field_name (problems, root, "product", "");
    draft.version = read_version (problems, root);
    read_artifacts (problems, root, &draft);
    draft.comment = field_text (problems, root, "comment", LIMIT_COMMENT, "");
    draft.skip_staging = field_text (problems, root, "skip_staging", LIMIT_LINE, "");
    if (tree_get (root, "skip_staging") != NULL && draft.skip_staging[0] == '\0')
        (void)plan_problem (
            problems, tree_get (root, "skip_staging"), "skip_staging: write the reason, for those who sign");
    draft.on_failure = read_on_failure (problems, root);
    read_override (problems, root, &draft);
    read_expires (problems, root, &draft);
    read_profile_path (problems, root, &draft);
    draft.suites = plan_suites_read (problems, tree_get (root, "suites"));
    read_steps (problems, root, &draft);
    return draft;
}

const struct draft_suite *plan_suite (
    const struct plan_draft *draft, const struct draft_profile *profile, const char *name)
{
    const struct draft_suite *own = plan_suite_named (&draft->suites, name);
    if (own != NULL || profile == NULL)
        return own;
    return plan_suite_named (&profile->suites, name);
}

/* The scripts that were found so far; there can't be more than `room`. */
struct gathered {
    struct plan_file *files;
    size_t count;
    size_t room;
};

static void gather (struct gathered *gathered, struct arena *arena, const struct draft_tests *tests)
{
    for (size_t i = 0; i < tests->count; i++) {
        const struct draft_test *draft = &tests->items[i];
        bool known = draft->script == NULL;
        for (size_t j = 0; j < gathered->count && !known; j++)
            known = strcmp (gathered->files[j].path, draft->script) == 0;
        if (known)
            continue;
        if (gathered->count == gathered->room) {
            size_t room = gathered->room > 0 ? 2 * gathered->room : 16;
            struct plan_file *files = arena_array (arena, room, sizeof *files);
            for (size_t j = 0; j < gathered->count; j++)
                files[j] = gathered->files[j];
            gathered->files = files;
            gathered->room = room;
        }
        gathered->files[gathered->count++] =
            (struct plan_file){.path = draft->script, .place = draft->script_place};
    }
}

struct plan_file *plan_scripts (
    const struct plan_draft *draft, const struct draft_profile *profile, struct arena *arena,
    size_t *ret_count)
{
    struct gathered gathered = {0};
    if (profile != NULL)
        gather (&gathered, arena, &profile->health);
    for (size_t i = 0; i < draft->step_count; i++) {
        const struct draft_step *step = &draft->steps[i];
        const struct draft_suite *suite =
            step->kind == STEP_TEST ? plan_suite (draft, profile, step->suite) : NULL;
        if (suite != NULL)
            gather (&gathered, arena, &suite->tests);
    }
    *ret_count = gathered.count;
    return gathered.files;
}
