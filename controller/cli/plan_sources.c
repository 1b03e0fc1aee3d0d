#include "controller/cli/plan_sources.h"

#include <string.h>

#include "common/io/file.h"
#include "common/io/signed_file.h"
#include "controller/cli/output.h"

static bool read_tree (
    struct plan_problems *problems, const char *path, const struct tree **ret, struct error *error)
{
    struct bytes bytes;
    return file_read (path, TREE_INPUT, problems->arena, &bytes, error) &&
           tree_parse (bytes, path, problems->arena, ret, error);
}

/* A text that is no YAML has a place of its own, in its error. */
static bool take_text_error (struct plan_problems *problems, const char *path, const struct error *error)
{
    const struct tree place = {.file = arena_text (problems->arena, path), .line = 1, .column = 1};
    return plan_problem_take (problems, &place, error);
}

static void read_profile (struct plan_problems *problems, struct plan_sources *sources)
{
    const struct plan_draft *draft = &sources->draft;
    const struct tree *root = NULL;
    struct error error;
    if (draft->profile_place == draft->root && draft->product[0] == '\0')
        return;
    if (!file_exists (draft->profile)) {
        (void)plan_problem (
            problems, draft->profile_place,
            "profile: no file '%s': write profile: PATH, seen from the plan's folder", draft->profile);
        return;
    }
    if (!read_tree (problems, draft->profile, &root, &error)) {
        (void)take_text_error (problems, draft->profile, &error);
        return;
    }
    sources->profile = plan_profile_read (problems, root);
    sources->has_profile = true;
}

static void hash_scripts (struct plan_problems *problems, struct plan_sources *sources)
{
    size_t good = 0;
    for (size_t i = 0; i < sources->script_count; i++) {
        struct plan_file *script = &sources->scripts[i];
        struct error error;
        if (!file_exists (script->path))
            continue;
        if (file_digest (script->path, &script->digest, &script->length, &error))
            sources->scripts[good++] = *script;
        else
            (void)plan_problem (problems, script->place, "exec: %s", error.text);
    }
    sources->script_count = good;
}

static void hash_artifacts (struct plan_problems *problems, struct plan_sources *sources)
{
    const struct plan_draft *draft = &sources->draft;
    sources->files = arena_array (problems->arena, draft->artifact_count, sizeof *sources->files);
    for (size_t i = 0; i < draft->artifact_count; i++) {
        const struct draft_artifact *artifact = &draft->artifacts[i];
        struct plan_file *file = &sources->files[sources->file_count];
        struct error error;
        if (!file_exists (artifact->path))
            continue;
        file->path = artifact->path;
        file->place = artifact->place;
        if (file_digest (artifact->path, &file->digest, &file->length, &error))
            sources->file_count++;
        else
            (void)plan_problem (problems, artifact->place, "artifact: %s", error.text);
    }
}

bool plan_sources_read (
    const char *path, struct plan_problems *problems, struct plan_sources *ret, struct error *error)
{
    struct plan_sources sources = {.has_profile = false};
    const struct tree *root = NULL;
    if (!read_tree (problems, path, &root, error))
        return false;
    sources.draft = plan_read (problems, root);
    read_profile (problems, &sources);
    plan_order (problems, &sources.draft, sources.has_profile ? &sources.profile : NULL);
    sources.scripts = plan_scripts (
        &sources.draft, sources.has_profile ? &sources.profile : NULL, problems->arena,
        &sources.script_count);
    hash_scripts (problems, &sources);
    hash_artifacts (problems, &sources);
    *ret = sources;
    return true;
}

struct plan_world plan_sources_world (const struct plan_sources *sources, struct instant now)
{
    return (struct plan_world){
        .scripts = sources->scripts,
        .script_count = sources->script_count,
        .scripts_known = true,
        .files = sources->files,
        .file_count = sources->file_count,
        .now = now};
}

static json_t *problem_json (const struct plan_problem *problem)
{
    json_t *item = json_object ();
    (void)json_object_set_new (item, "file", json_string (problem->file));
    (void)json_object_set_new (item, "line", json_integer (problem->line));
    (void)json_object_set_new (item, "column", json_integer (problem->column));
    (void)json_object_set_new (item, "warning", json_boolean (problem->warning));
    (void)json_object_set_new (item, "text", json_string (problem->text));
    return item;
}

void plan_problems_show (struct cli *cli, struct plan_problems *problems, const char *path, FILE *stream)
{
    struct buffer out = {0};
    json_t *list;
    plan_problems_sort (problems, path);
    if (cli->format == CLI_TABLE) {
        plan_problems_print (problems, &out);
        if (out.size > 0)
            (void)fwrite (out.data, 1, out.size, stream);
        buffer_free (&out);
        return;
    }
    list = json_array ();
    for (size_t i = 0; i < problems->count; i++)
        (void)json_array_append_new (list, problem_json (&problems->items[i]));
    output_json (cli, output_envelope ("problems", list));
}

bool plan_document_read (
    struct cli *cli, const char *path, struct envelope *ret_envelope, struct plan *ret, struct error *error)
{
    struct envelope envelope;
    struct plan plan;
    if (!signed_file_read (path, &cli->arena, &envelope, error))
        return false;
    if (!document_read (&plan_type, envelope.content, &cli->arena, &plan, error) ||
        !plan_check (&plan, error))
        return error_context (error, "%s", path);
    *ret_envelope = envelope;
    *ret = plan;
    return true;
}
