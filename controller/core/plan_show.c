#include "controller/core/plan_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/core/safe_text.h"

enum { LABEL_WIDTH = 14, SHOWN_HOSTS = 8 };

static void put (struct buffer *out, const char *text)
{
    text_escape (text, strlen (text), out);
}

static void put_field (struct buffer *out, const char *label, const char *text)
{
    buffer_print (out, "%-*s", LABEL_WIDTH, label);
    put (out, text);
    buffer_text (out, "\n");
}

static void put_number (struct buffer *out, const char *label, uint64_t number)
{
    buffer_print (out, "%-*s%" PRIu64 "\n", LABEL_WIDTH, label, number);
}

/* A text of several lines keeps them, each indented and escaped by itself. */
static void put_lines (struct buffer *out, const char *indent, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn (text, "\n");
        buffer_text (out, indent);
        text_escape (text, size, out);
        buffer_text (out, "\n");
        text += size + (text[size] == '\n');
    }
}

static void put_list (struct buffer *out, const char *const *texts, size_t count, size_t most)
{
    for (size_t i = 0; i < count && i < most; i++) {
        buffer_text (out, i > 0 ? ", " : "");
        put (out, texts[i]);
    }
    if (count > most)
        buffer_print (out, " and %zu more", count - most);
}

static void show_head (const struct plan *plan, struct buffer *out)
{
    char text[TIME_TEXT_SIZE];
    char digest[DIGEST_TEXT_SIZE];
    put_field (out, "plan", plan->name);
    put_field (out, "product", plan->product);
    put_field (out, "version", plan->version);
    if (plan->comment[0] != '\0') {
        buffer_text (out, "comment\n");
        put_lines (out, "  ", plan->comment);
    }
    put_number (out, "counter", plan->counter);
    put_field (out, "issued", instant_print (plan->issued, text));
    put_field (out, "expires", instant_print (plan->expires, text));
    put_field (out, "on failure", enum_word (&on_failure_words, plan->on_failure));
    if (plan->override_role[0] != '\0') {
        buffer_print (out, "%-*sby %" PRIu64 " of role '", LABEL_WIDTH, "override", plan->override_approvals);
        put (out, plan->override_role);
        buffer_text (out, "', with a reason\n");
    }
    put_number (out, "trust", plan->trust_version);
    buffer_print (
        out, "%-*s%" PRIu64 " (%.12s)\n", LABEL_WIDTH, "fleet", plan->fleet_version,
        digest_print (&plan->fleet, digest));
}

static void show_artifacts (const struct plan *plan, struct buffer *out)
{
    char digest[DIGEST_TEXT_SIZE];
    buffer_text (out, "\nartefacts\n");
    for (size_t i = 0; i < plan->artifacts_count; i++) {
        const struct artifact *artifact = &plan->artifacts[i];
        buffer_text (out, "  ");
        put (out, artifact->name);
        buffer_print (
            out, "  %" PRIu64 " bytes\n    %s\n", artifact->length, digest_print (&artifact->digest, digest));
    }
}

static void show_command (const char *label, const struct command *command, struct buffer *out)
{
    char text[TIME_TEXT_SIZE];
    buffer_print (out, "  %s", label);
    if (command->words_count == 0) {
        buffer_text (out, ": nothing to do\n");
        return;
    }
    buffer_print (out, " within %s\n", span_print (command->deadline, text));
    for (size_t i = 0; i < command->words_count; i++)
        put_lines (out, "    ", command->words[i]);
}

static void show_test (const struct test *test, struct buffer *out)
{
    char text[TIME_TEXT_SIZE];
    char digest[DIGEST_TEXT_SIZE];
    buffer_text (out, "    ");
    put (out, test->name);
    buffer_print (out, ": %s ", enum_word (&test_kind_words, test->kind));
    if (test->kind == TEST_EXEC)
        buffer_print (out, "%.12s, %" PRIu64 " bytes", digest_print (&test->script, digest), test->length);
    else
        put (out, test->target);
    if (test->arguments_count > 0) {
        buffer_text (out, ", with ");
        put_list (out, test->arguments, test->arguments_count, LIMIT_ARGUMENTS);
    }
    if (test->kind == TEST_HTTP)
        buffer_print (out, " answers %" PRIu64, test->status);
    if (test->body[0] != '\0') {
        buffer_text (out, " with '");
        put (out, test->body);
        buffer_text (out, "'");
    }
    buffer_print (out, ", within %s\n", span_print (test->deadline, text));
}

static void show_profile (const struct plan *plan, struct buffer *out)
{
    const struct profile *profile = &plan->profile;
    char text[TIME_TEXT_SIZE];
    buffer_text (out, "\nprofile\n");
    show_command ("start", &profile->start, out);
    show_command ("stop", &profile->stop, out);
    buffer_print (out, "  health every %s\n", span_print (profile->health_interval, text));
    for (size_t i = 0; i < profile->health_count; i++)
        show_test (&profile->health[i], out);
    buffer_print (out, "  keeps %" PRIu64 " releases\n", profile->keep_releases);
}

static void show_suites (const struct plan *plan, struct buffer *out)
{
    for (size_t i = 0; i < plan->suites_count; i++) {
        buffer_text (out, i == 0 ? "\nsuites\n  " : "  ");
        put (out, plan->suites[i].name);
        buffer_text (out, "\n");
        for (size_t j = 0; j < plan->suites[i].tests_count; j++)
            show_test (&plan->suites[i].tests[j], out);
    }
}

static void show_deploy (const struct step *step, struct buffer *out)
{
    char healthy[TIME_TEXT_SIZE];
    char deadline[TIME_TEXT_SIZE];
    char progress[TIME_TEXT_SIZE];
    buffer_print (
        out, "     %s, at most %" PRIu64 " at once, at most %" PRIu64 " out of service\n",
        enum_word (&strategy_words, step->strategy), step->max_parallel, step->max_unavailable);
    buffer_print (
        out, "     healthy for %s within %s, all within %s\n", span_print (step->min_healthy_time, healthy),
        span_print (step->healthy_deadline, deadline), span_print (step->progress_deadline, progress));
    if (step->confirm_within.ms > 0)
        buffer_print (
            out, "     returns by itself where it is not confirmed within %s of the switch\n",
            span_print (step->confirm_within, progress));
}

static void show_people (const struct step *step, struct buffer *out)
{
    buffer_print (
        out, "     %" PRIu64 " %s of role '", step->approvals,
        step->approvals == 1 ? "approval" : "approvals");
    put (out, step->role);
    buffer_print (out, "'%s\n", step->optional ? ", may be skipped with a reason" : "");
    put_lines (out, "     > ", step->instructions);
}

static void show_step (const struct step *step, struct buffer *out)
{
    char text[TIME_TEXT_SIZE];
    buffer_print (out, "%3" PRIu64 "  %-8s", step->number, enum_word (&step_kind_words, step->kind));
    put (out, step->title);
    if (step->environment[0] != '\0') {
        buffer_text (out, "  [");
        put (out, step->environment);
        buffer_text (out, "]");
    }
    buffer_text (out, "\n");
    if (step->hosts_count > 0) {
        buffer_print (out, "     %zu %s: ", step->hosts_count, step->hosts_count == 1 ? "host" : "hosts");
        put_list (out, step->hosts, step->hosts_count, SHOWN_HOSTS);
        buffer_text (out, "\n");
    }
    if (step->kind == STEP_DEPLOY)
        show_deploy (step, out);
    if (step->kind == STEP_TEST) {
        buffer_text (out, "     suite ");
        put (out, step->suite);
        buffer_text (out, "\n");
    }
    if (step->kind == STEP_MANUAL || step->kind == STEP_SIGNOFF)
        show_people (step, out);
    if (step->kind == STEP_PAUSE)
        buffer_print (
            out, "     %s\n", step->duration.ms > 0 ? span_print (step->duration, text) : "until promoted");
    if (step->kind == STEP_NOTIFY) {
        buffer_text (out, "     to ");
        put_list (out, step->targets, step->targets_count, LIMIT_TARGETS);
        buffer_text (out, "\n");
    }
}

void plan_show (const struct plan *plan, struct buffer *out)
{
    show_head (plan, out);
    show_artifacts (plan, out);
    show_profile (plan, out);
    show_suites (plan, out);
    buffer_text (out, "\nsteps\n");
    for (size_t i = 0; i < plan->steps_count; i++)
        show_step (&plan->steps[i], out);
}
