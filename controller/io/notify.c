#include "controller/io/notify.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/io/http.h"
#include "common/io/spawn.h"

enum { MOST_VARIABLES = 64, SAID_MOST = 200 };

struct job {
    struct arena arena;
    const char *key;
    struct spawn_options options;
    struct spawn *child; /* NULL: waits */
};

struct notify {
    const struct config *config;
    struct job *jobs[NOTIFY_MOST_WAITING]; /* in order; those that run come first */
    size_t count;
    size_t running;
    struct arena result; /* of the last notify_service */
};

/* An environment under construction: "NAME=value" words. */
struct variables {
    struct arena *arena;
    const char *words[MOST_VARIABLES + 1];
    size_t count;
};

static void set (struct variables *variables, const char *name, const char *value)
{
    assert (variables->count < MOST_VARIABLES);
    variables->words[variables->count++] =
        arena_format (variables->arena, "%s=%s", name, value == NULL ? "" : value);
}

static void set_number (struct variables *variables, const char *name, uint64_t value)
{
    set (variables, name, arena_format (variables->arena, "%" PRIu64, value));
}

static void set_base (struct variables *variables)
{
    set (variables, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    set (variables, "LANG", "C.UTF-8");
}

/* ----------------------------------------------------------------------------------------------- new, free
 */

struct notify *notify_new (const struct config *config)
{
    struct notify *notify = calloc (1, sizeof *notify);
    assert (notify != NULL);
    notify->config = config;
    return notify;
}

static void job_free (struct job *job)
{
    if (job->child != NULL)
        spawn_free (&job->child);
    arena_free (&job->arena);
    free (job);
}

void notify_free (struct notify **notify)
{
    if (*notify == NULL)
        return;
    for (size_t i = 0; i < (*notify)->count; i++)
        job_free ((*notify)->jobs[i]);
    arena_free (&(*notify)->result);
    free (*notify);
    *notify = NULL;
}

/* --------------------------------------------------------------------------------------------- what is told
 */

static void json_head (json_t *object, const struct view_head *head)
{
    char time[TIME_TEXT_SIZE];
    char digest[DIGEST_TEXT_SIZE];
    (void)json_object_set_new (object, "rollout", json_integer ((json_int_t)head->rollout));
    (void)json_object_set_new (object, "name", json_string (head->name));
    (void)json_object_set_new (object, "product", json_string (head->product));
    (void)json_object_set_new (object, "version", json_string (head->version));
    (void)json_object_set_new (object, "from", json_string (head->from));
    (void)json_object_set_new (object, "environment", json_string (head->environment));
    (void)json_object_set_new (object, "phase", json_string (enum_word (&phase_words, head->phase)));
    (void)json_object_set_new (object, "cause", json_string (head->cause));
    (void)json_object_set_new (object, "attempt", json_integer ((json_int_t)head->attempt));
    (void)json_object_set_new (object, "step", json_integer ((json_int_t)head->step));
    (void)json_object_set_new (object, "steps", json_integer ((json_int_t)head->steps));
    (void)json_object_set_new (object, "by", json_string (head->by));
    (void)json_object_set_new (object, "approvers", json_string (head->approvers));
    (void)json_object_set_new (object, "changed", json_string (instant_print (head->changed, time)));
    (void)json_object_set_new (object, "plan", json_string (digest_print (&head->plan, digest)));
}

/* "text" is what Slack and its like show; the rest is for programs. */
static const char *notice_json (const struct notice *notice, struct arena *arena)
{
    json_t *object = json_object ();
    char *text;
    const char *copy;
    (void)json_object_set_new (object, "text", json_string (notice->text));
    (void)json_object_set_new (object, "key", json_string (notice->key));
    if (notice->head != NULL)
        json_head (object, notice->head);
    text = json_dumps (object, JSON_COMPACT);
    assert (text != NULL);
    copy = arena_text (arena, text);
    free (text);
    json_decref (object);
    return copy;
}

static void head_variables (struct variables *variables, const struct view_head *head)
{
    set_number (variables, "RELEVO_ROLLOUT", head->rollout);
    set (variables, "RELEVO_NAME", head->name);
    set (variables, "RELEVO_PRODUCT", head->product);
    set (variables, "RELEVO_VERSION", head->version);
    set (variables, "RELEVO_PREVIOUS", head->from);
    set (variables, "RELEVO_ENVIRONMENT", head->environment);
    set (variables, "RELEVO_PHASE", enum_word (&phase_words, head->phase));
    set (variables, "RELEVO_CAUSE", head->cause);
    set_number (variables, "RELEVO_ATTEMPT", head->attempt);
    set_number (variables, "RELEVO_STEP", head->step);
    set_number (variables, "RELEVO_STEPS", head->steps);
}

static void command_variables (struct variables *variables, const struct notice *notice)
{
    set (variables, "RELEVO_TARGET", notice->target);
    set (variables, "RELEVO_NOTICE_TEXT", notice->text);
    set (variables, "RELEVO_NOTICE_KEY", notice->key);
    if (notice->head != NULL)
        head_variables (variables, notice->head);
}

/* The certificates that the administrator chose for relevod hold for its children too. */
static void pass_on (struct variables *variables, const char *name)
{
    const char *value = getenv (name);
    if (value != NULL)
        set (variables, name, value);
}

static void post_variables (
    struct variables *variables, const struct target *target, const struct notice *notice)
{
    set (variables, "RELEVO_POST_URL", target->webhook);
    set (variables, "RELEVO_POST_BODY", notice_json (notice, variables->arena));
    set (variables, "RELEVO_POST_KEY", notice->key);
    set_number (variables, "RELEVO_POST_DEADLINE", (uint64_t)target->deadline.ms);
    for (size_t i = 0; i < target->header_count; i++)
        set (variables, arena_format (variables->arena, "RELEVO_POST_HEADER_%zu", i), target->headers[i]);
    pass_on (variables, "SSL_CERT_FILE");
    pass_on (variables, "SSL_CERT_DIR");
}

static void job_prepare (struct job *job, const struct target *target, const struct notice *notice)
{
    static const char *const post_words[] = {"/proc/self/exe", NOTIFY_POST_WORD, NULL};
    struct variables variables = {.arena = &job->arena};
    const char **words = arena_array (&job->arena, target->word_count + 1, sizeof words[0]);
    set_base (&variables);
    if (target->webhook != NULL)
        post_variables (&variables, target, notice);
    else
        command_variables (&variables, notice);
    for (size_t i = 0; i < target->word_count; i++)
        words[i] = target->words[i];
    job->key = arena_text (&job->arena, notice->key);
    job->options = (struct spawn_options){
        .words = target->webhook != NULL ? post_words : words,
        .environment = arena_copy (&job->arena, variables.words, sizeof variables.words),
        .deadline = target->deadline};
    /* http_do ends by itself at the deadline and says so better than a kill would. */
    if (target->webhook != NULL)
        job->options.deadline.ms += 2000;
}

bool notify_push (struct notify *notify, const struct notice *notice, struct error *error)
{
    const struct target *target = config_target (notify->config, notice->target);
    struct job *job;
    if (target == NULL)
        return error_set (
            error, ERROR_MISSING, "no target \"%s\" in the controller's configuration", notice->target);
    for (size_t i = 0; i < notify->count; i++)
        if (strcmp (notify->jobs[i]->key, notice->key) == 0)
            return true;
    if (notify->count == NOTIFY_MOST_WAITING)
        return error_set (error, ERROR_LIMIT, "%d notifications wait already", NOTIFY_MOST_WAITING);
    job = calloc (1, sizeof *job);
    assert (job != NULL);
    job_prepare (job, target, notice);
    notify->jobs[notify->count++] = job;
    return true;
}

/* ------------------------------------------------------------------------------------------ what is running
 */

size_t notify_descriptors (const struct notify *notify, struct pollfd *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < notify->running; i++) {
        int files[2] = {spawn_output (notify->jobs[i]->child), spawn_ending (notify->jobs[i]->child)};
        for (size_t j = 0; j < 2; j++)
            if (files[j] >= 0)
                ret[count++] = (struct pollfd){.fd = files[j], .events = POLLIN};
    }
    return count;
}

struct instant notify_deadline (const struct notify *notify)
{
    struct instant first = {0};
    if (notify->running < notify->count && notify->running < NOTIFY_MOST_RUNNING)
        return clock_steady ();
    for (size_t i = 0; i < notify->running; i++) {
        struct instant due = spawn_deadline (notify->jobs[i]->child);
        first = first.ms == 0 ? due : instant_earlier (first, due);
    }
    return first;
}

static void take_out (struct notify *notify, size_t index)
{
    struct job *job = notify->jobs[index];
    if (job->child != NULL)
        notify->running--;
    memmove (
        &notify->jobs[index], &notify->jobs[index + 1], (notify->count - index - 1) * sizeof notify->jobs[0]);
    notify->count--;
    job_free (job);
}

/* The first line of what it said, short: the text goes into the journal. */
static const char *first_line (struct arena *arena, const char *tail)
{
    size_t size = strcspn (tail, "\n");
    size_t cut = text_cut (tail, size > SAID_MOST ? SAID_MOST : size);
    char *line = arena_text_of (arena, tail, cut);
    for (size_t i = 0; i < cut; i++)
        if (line[i] == '\t')
            line[i] = ' ';
    return line;
}

static struct notice_result judge (
    struct notify *notify, const struct job *job, const struct spawn_result *result)
{
    char text[128];
    const char *how = spawn_explain (result, text, sizeof text);
    const char *said = first_line (&notify->result, result->tail);
    struct notice_result verdict = {
        .key = arena_text (&notify->result, job->key),
        .done = !result->timed_out && result->signal == 0 && result->exit_code == 0};
    if (verdict.done)
        verdict.text = said;
    else
        verdict.text = arena_format (&notify->result, "%s%s%s", how, said[0] == '\0' ? "" : ": ", said);
    return verdict;
}

/* True where the child could not even be started. */
static bool start_next (struct notify *notify, struct notice_result *ret)
{
    struct job *job = notify->jobs[notify->running];
    struct error error;
    if (spawn_start (&job->options, &job->child, &error)) {
        notify->running++;
        return false;
    }
    *ret = (struct notice_result){
        arena_text (&notify->result, job->key), false, arena_text (&notify->result, error.text)};
    take_out (notify, notify->running);
    return true;
}

bool notify_service (struct notify *notify, struct notice_result *ret)
{
    struct spawn_result result;
    arena_free (&notify->result);
    for (size_t i = 0; i < notify->running; i++)
        if (spawn_service (notify->jobs[i]->child, &result)) {
            *ret = judge (notify, notify->jobs[i], &result);
            take_out (notify, i);
            return true;
        }
    while (notify->running < NOTIFY_MOST_RUNNING && notify->running < notify->count)
        if (start_next (notify, ret))
            return true;
    return false;
}
