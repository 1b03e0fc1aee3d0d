#include "agent/io/check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/clock.h"

enum { CHECK_INTERVAL_MS = 1000, CHECK_DEADLINE_MS = 300000 };

struct check {
    const struct probe_tools *tools;
    const struct act_order *order;
    const struct variables *variables;
    struct probe *probe; /* NULL: resting */
    size_t next;         /* the probe that comes next in this round */
    struct instant started;
    struct instant round;   /* when the next round begins */
    struct instant healthy; /* when the current unbroken run of good rounds began; 0: none */
    size_t rounds;
    char trouble[LIMIT_LINE + 1]; /* why the last round failed */
};

static struct span or_default (struct span span, int64_t ms)
{
    return span.ms > 0 ? span : (struct span){ms};
}

struct check *check_start (
    const struct probe_tools *tools, const struct act_order *order, const struct variables *variables)
{
    struct check *check = calloc (1, sizeof *check);
    assert (check != NULL);
    check->tools = tools;
    check->order = order;
    check->variables = variables;
    check->started = clock_steady ();
    check->round = check->started;
    return check;
}

const struct spawn *check_spawn (const struct check *check)
{
    return check->probe != NULL ? probe_spawn (check->probe) : NULL;
}

static struct instant end_of (const struct check *check)
{
    return instant_add (check->started, or_default (check->order->deadline, CHECK_DEADLINE_MS));
}

struct instant check_deadline (const struct check *check)
{
    struct instant due = check->probe != NULL ? spawn_deadline (probe_spawn (check->probe)) : check->round;
    return instant_earlier (due, end_of (check));
}

static void note_trouble (struct check *check, const char *probe, const char *verdict, const char *detail)
{
    struct buffer text = {0};
    struct arena arena = {0};
    const char *line;
    buffer_print (&text, "probe %s %s%s%s", probe, verdict, detail[0] != '\0' ? ": " : "", detail);
    line = probe_line (text.data, &arena);
    (void)memcpy (check->trouble, line, strlen (line) + 1);
    arena_free (&arena);
    buffer_free (&text);
    check->healthy = (struct instant){0};
}

static void end_round (struct check *check)
{
    struct span interval = or_default (check->order->interval, CHECK_INTERVAL_MS);
    check->next = 0;
    check->rounds++;
    check->round = instant_add (clock_steady (), interval);
}

static bool begin_probe (struct check *check)
{
    const struct test *test = &check->order->tests[check->next];
    struct error error;
    if (probe_start (check->tools, test, check->variables, &check->probe, &error))
        return true;
    note_trouble (check, test->name, "could not run", error.text);
    end_round (check);
    return false;
}

/* A round in which every probe passed: its beginning counts as the first healthy moment only where none is
   known, and its end is what "held until now" means. */
static void good_round (struct check *check)
{
    if (check->healthy.ms == 0)
        check->healthy = clock_steady ();
    end_round (check);
    if (check->order->min_healthy_time.ms > 0)
        check->round =
            instant_earlier (check->round, instant_add (check->healthy, check->order->min_healthy_time));
}

static bool has_held (const struct check *check)
{
    return check->healthy.ms != 0 && check->next == 0 && check->probe == NULL &&
           instant_between (check->healthy, clock_steady ()).ms >= check->order->min_healthy_time.ms;
}

/* The running probe's end. False while it runs. */
static bool end_probe (struct check *check)
{
    struct test_result result;
    struct arena arena = {0};
    bool is_over = probe_service (check->probe, &arena, &result);
    if (is_over) {
        probe_free (&check->probe);
        check->next++;
        if (result.verdict != VERDICT_PASSED) {
            note_trouble (check, result.name, enum_word (&verdict_words, result.verdict), result.detail);
            end_round (check);
        } else if (check->next == check->order->test_count) {
            good_round (check);
        }
    }
    arena_free (&arena);
    return is_over;
}

static const char *late (const struct check *check, struct arena *arena)
{
    char allowed[TIME_TEXT_SIZE];
    char wanted[TIME_TEXT_SIZE];
    struct span deadline = or_default (check->order->deadline, CHECK_DEADLINE_MS);
    (void)span_print (deadline, allowed);
    (void)span_print (check->order->min_healthy_time, wanted);
    return probe_line (
        arena_format (
            arena, "not healthy for %s within %s; %s", wanted, allowed,
            check->trouble[0] != '\0' ? check->trouble : "the probes were still running"),
        arena);
}

/* One step forward. False where nothing can be done now. */
static bool advance (struct check *check)
{
    if (check->probe != NULL)
        return end_probe (check);
    if (check->next == 0 && instant_before (clock_steady (), check->round))
        return false;
    if (check->order->test_count == 0) {
        good_round (check);
        return false;
    }
    return begin_probe (check);
}

bool check_service (struct check *check, struct arena *arena, bool *ret_good, const char **ret_detail)
{
    char held[TIME_TEXT_SIZE];
    while (!has_held (check)) {
        if (!instant_before (clock_steady (), end_of (check))) {
            *ret_good = false;
            *ret_detail = late (check, arena);
            return true;
        }
        if (!advance (check))
            return false;
    }
    *ret_good = true;
    *ret_detail = arena_format (
        arena, "healthy for %s, %zu rounds",
        span_print (instant_between (check->healthy, clock_steady ()), held), check->rounds);
    return true;
}

void check_free (struct check **check)
{
    if (*check == NULL)
        return;
    probe_free (&(*check)->probe);
    free (*check);
    *check = NULL;
}
