#include "controller/cli/evidence.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "common/core/arena.h"
#include "common/core/safe_text.h"
#include "controller/cli/output.h"

enum { NAMES_SHOWN = 3, SLOWER_TIMES = 3, SLOWER_MS = 1000 };

static void add_receipt (struct table *table, const struct receipt *receipt)
{
    struct buffer step = {0};
    struct buffer versions = {0};
    struct buffer tests = {0};
    size_t passed = 0;
    for (size_t i = 0; i < receipt->tests_count; i++)
        passed += receipt->tests[i].verdict == VERDICT_PASSED ? 1 : 0;
    if (receipt->step > 0)
        buffer_print (&step, "%" PRIu64, receipt->step);
    else
        buffer_text (&step, "return");
    buffer_print (
        &versions, "%s%s%s", receipt->previous, receipt->previous[0] != '\0' ? " → " : "", receipt->version);
    if (receipt->tests_count > 0)
        buffer_print (&tests, "%zu/%zu", passed, receipt->tests_count);
    table_add (
        table, (const char *const[]){
                   step.data, receipt->host, enum_word (&outcome_words, receipt->outcome), versions.data,
                   tests.data, receipt->cause});
    buffer_free (&step);
    buffer_free (&versions);
    buffer_free (&tests);
}

/* The last line that is not empty. */
static struct bytes last_line (const char *text)
{
    size_t end = strlen (text);
    size_t begin;
    while (end > 0 && text[end - 1] == '\n')
        end--;
    begin = end;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    return (struct bytes){(const uint8_t *)text + begin, end - begin};
}

/* What a test said itself, in its last words: whoever answers for a failure has read them. */
static void print_failures (const struct receipt *receipt, struct buffer *out)
{
    for (size_t i = 0; i < receipt->tests_count; i++) {
        const struct test_result *test = &receipt->tests[i];
        struct bytes line = last_line (test->tail);
        if (test->verdict == VERDICT_PASSED)
            continue;
        buffer_print (
            out, "%s, test %s: %s", receipt->host, test->name, enum_word (&verdict_words, test->verdict));
        buffer_text (out, test->detail[0] != '\0' ? ", " : "");
        buffer_plain (out, test->detail);
        if (line.size > 0) {
            buffer_text (out, "; it says: ");
            text_escape ((const char *)line.data, line.size, out);
        }
        buffer_text (out, "\n");
    }
}

static void print_receipts (const struct gate_case *gate, struct buffer *out)
{
    static const char *const headings[] = {"STEP", "HOST", "OUTCOME", "VERSION", "TESTS", "DETAIL"};
    struct table *table = table_new (headings, sizeof headings / sizeof headings[0]);
    for (size_t i = 0; i < gate->receipt_count; i++)
        add_receipt (table, gate->receipts[i].receipt);
    if (gate->receipt_count > 0)
        table_print (table, 0, out);
    table_free (&table);
    for (size_t i = 0; i < gate->receipt_count; i++)
        print_failures (gate->receipts[i].receipt, out);
    for (size_t i = 0; i < gate->approval_count; i++) {
        const struct approval *approval = gate->approvals[i].approval;
        buffer_print (
            out, "%s by %s (%s)", enum_word (&decision_words, approval->decision), approval->name,
            approval->role);
        if (approval->step > 0)
            buffer_print (out, ", step %" PRIu64, approval->step);
        buffer_text (out, approval->comment[0] != '\0' ? ": " : "");
        buffer_plain (out, approval->comment);
        buffer_text (out, "\n");
    }
}
/* ------------------------------------------------------------------------------------------------
 * differences
 */

/* One test on one host. */
struct sighting {
    const struct test_result *result;
    const char *host;
    const char *environment;
};

struct sightings {
    struct arena arena;
    struct sighting *items;
    size_t count;
    struct buffer *out;
};

static const struct step *step_of (const struct gate_case *gate, const struct receipt *receipt)
{
    return receipt->kind == PERMIT_STEP && receipt->step >= 1 && receipt->step <= gate->plan->steps_count
               ? &gate->plan->steps[receipt->step - 1]
               : NULL;
}

static void gather (const struct gate_case *gate, struct sightings *ret)
{
    size_t most = 0;
    for (size_t i = 0; i < gate->receipt_count; i++)
        most += gate->receipts[i].receipt->tests_count;
    ret->items = arena_array (&ret->arena, most, sizeof *ret->items);
    for (size_t i = 0; i < gate->receipt_count; i++) {
        const struct receipt *receipt = gate->receipts[i].receipt;
        const struct step *step = step_of (gate, receipt);
        for (size_t j = 0; step != NULL && j < receipt->tests_count; j++)
            ret->items[ret->count++] =
                (struct sighting){&receipt->tests[j], receipt->host, step->environment};
    }
}

static bool is_first (const struct sightings *sightings, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp (sightings->items[i].result->name, sightings->items[index].result->name) == 0)
            return false;
    return true;
}

static bool is_test (const struct sighting *sighting, const char *name)
{
    return strcmp (sighting->result->name, name) == 0;
}

/* "passed on s1, p1; failed on p2 (status 500)" */
static void compare_verdicts (const struct sightings *sightings, const char *name)
{
    struct buffer line = {0};
    unsigned different = 0;
    for (unsigned verdict = 0; verdict < verdict_count; verdict++) {
        const char *detail = "";
        size_t hosts = 0;
        for (size_t i = 0; i < sightings->count; i++) {
            const struct sighting *one = &sightings->items[i];
            if (!is_test (one, name) || one->result->verdict != (enum verdict)verdict)
                continue;
            if (hosts == 0)
                buffer_print (
                    &line, "%s%s on ", different > 0 ? "; " : "", enum_word (&verdict_words, verdict));
            if (hosts < NAMES_SHOWN)
                buffer_print (&line, "%s%s", hosts > 0 ? ", " : "", one->host);
            if (detail[0] == '\0')
                detail = one->result->detail;
            hosts++;
        }
        if (hosts > NAMES_SHOWN)
            buffer_print (&line, " and %zu more", hosts - NAMES_SHOWN);
        if (detail[0] != '\0') {
            buffer_text (&line, " (");
            buffer_plain (&line, detail);
            buffer_text (&line, ")");
        }
        different += hosts > 0 ? 1 : 0;
    }
    if (different > 1)
        buffer_print (sightings->out, "  test %s: %s\n", name, line.data);
    buffer_free (&line);
}

static void compare_times (const struct sightings *sightings, const char *name)
{
    const struct sighting *fast = NULL;
    const struct sighting *slow = NULL;
    char first[TIME_TEXT_SIZE];
    char second[TIME_TEXT_SIZE];
    for (size_t i = 0; i < sightings->count; i++) {
        const struct sighting *one = &sightings->items[i];
        if (!is_test (one, name) || one->result->verdict != VERDICT_PASSED)
            continue;
        if (fast == NULL || one->result->took.ms < fast->result->took.ms)
            fast = one;
        if (slow == NULL || one->result->took.ms > slow->result->took.ms)
            slow = one;
    }
    if (fast == NULL || slow->result->took.ms - fast->result->took.ms < SLOWER_MS ||
        slow->result->took.ms / SLOWER_TIMES < fast->result->took.ms)
        return;
    buffer_print (
        sightings->out, "  test %s: took %s on %s, and %s on %s\n", name,
        span_print (fast->result->took, first), fast->host, span_print (slow->result->took, second),
        slow->host);
}

/* Staging is not production: what was tried in one of them alone is said. */
static void compare_environments (const struct sightings *sightings, const char *name)
{
    const char *only = NULL;
    const char *other = NULL;
    for (size_t i = 0; i < sightings->count; i++) {
        const struct sighting *one = &sightings->items[i];
        if (is_test (one, name) && only != NULL && strcmp (only, one->environment) != 0)
            return;
        if (is_test (one, name))
            only = one->environment;
    }
    for (size_t i = 0; i < sightings->count && only != NULL; i++) {
        const struct sighting *one = &sightings->items[i];
        assert (one->environment != NULL); /* of the step, as gather found it */
        if (strcmp (one->environment, only) != 0)
            other = one->environment;
    }
    if (other != NULL)
        buffer_print (sightings->out, "  test %s: ran in %s, and not in %s\n", name, only, other);
}

static bool deploys (const struct gate_case *gate, const struct receipt *receipt)
{
    const struct step *step = step_of (gate, receipt);
    return step != NULL && step->kind == STEP_DEPLOY;
}

static bool is_seen (const struct gate_case *gate, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (deploys (gate, gate->receipts[i].receipt) &&
            strcmp (gate->receipts[i].receipt->previous, gate->receipts[index].receipt->previous) == 0)
            return true;
    return false;
}

static void print_previous (const struct gate_case *gate, const char *version, struct buffer *out)
{
    size_t hosts = 0;
    buffer_print (out, "%s on ", version[0] != '\0' ? version : "nothing");
    for (size_t i = 0; i < gate->receipt_count; i++) {
        const struct receipt *receipt = gate->receipts[i].receipt;
        if (!deploys (gate, receipt) || strcmp (receipt->previous, version) != 0)
            continue;
        if (hosts < NAMES_SHOWN)
            buffer_print (out, "%s%s", hosts > 0 ? ", " : "", receipt->host);
        hosts++;
    }
    if (hosts > NAMES_SHOWN)
        buffer_print (out, " and %zu more", hosts - NAMES_SHOWN);
}

static void compare_versions (const struct gate_case *gate, struct buffer *out)
{
    struct buffer line = {0};
    size_t different = 0;
    for (size_t i = 0; i < gate->receipt_count; i++) {
        if (!deploys (gate, gate->receipts[i].receipt) || is_seen (gate, i))
            continue;
        buffer_text (&line, different > 0 ? "; " : "");
        print_previous (gate, gate->receipts[i].receipt->previous, &line);
        different++;
    }
    if (different > 1)
        buffer_print (out, "  ran before: %s\n", line.data);
    buffer_free (&line);
}

void evidence_differences (const struct gate_case *gate, struct buffer *out)
{
    struct sightings sightings = {.out = out};
    gather (gate, &sightings);
    compare_versions (gate, out);
    for (size_t i = 0; i < sightings.count; i++) {
        const char *name = sightings.items[i].result->name;
        if (!is_first (&sightings, i))
            continue;
        compare_verdicts (&sightings, name);
        compare_times (&sightings, name);
        compare_environments (&sightings, name);
    }
    arena_free (&sightings.arena);
}

void evidence_print (const struct gate_case *gate, struct buffer *out)
{
    struct buffer differences = {0};
    print_receipts (gate, out);
    evidence_differences (gate, &differences);
    if (differences.size > 0)
        buffer_print (out, "differences between hosts:\n%s", differences.data);
    buffer_free (&differences);
}
