#include "controller/cli/live.h"

#include <inttypes.h>
#include <string.h>

#include "controller/cli/output.h"

enum {
    BAR_CELLS = 16,
    TITLE_SHARE = 3, /* a title takes at most a third of the width */
    TITLE_LEAST = 12,
    STEP_FRAME = 15, /* mark, number and time of a step, and the blanks between */
    TEXT_MOST = 44,  /* longer ones push the time to the right */
    REASON_LINES = 3,
    HOST_COLUMNS = 6,
    HOSTS_LEAST = 3,
    NEXT_INDENT = 6,
};

/* ---------------------------------------------------------------------------------------------------- lines
 */

static void add_padded (struct buffer *out, const char *text, unsigned columns)
{
    size_t size = text_fit (text, columns);
    struct buffer cut = {0};
    unsigned used;
    buffer_append (&cut, text, size);
    used = text_columns (cut.data);
    buffer_plain (out, cut.data);
    buffer_print (out, "%*s", (int)(columns - used), "");
    buffer_free (&cut);
}

/* Ends a line: never wider than the terminal, no blanks at its end. */
static void end_line (struct buffer *line, unsigned width, struct buffer *out)
{
    size_t size = line->size > 0 ? text_fit (line->data, width) : 0;
    while (size > 0 && line->data[size - 1] == ' ')
        size--;
    if (size > 0)
        buffer_append (out, line->data, size);
    buffer_text (out, "\n");
    buffer_clear (line);
}

/* Words over several lines, each beginning with `indent` blanks but the first. */
static void wrap (const char *text, unsigned width, unsigned indent, unsigned most, struct buffer *out)
{
    struct buffer rest = {0};
    const char *place;
    buffer_plain (&rest, text);
    place = rest.data != NULL ? rest.data : "";
    for (unsigned i = 0; i < most && *place != '\0'; i++) {
        size_t size = text_fit (place, width - (i > 0 ? indent : 0));
        size_t cut = size;
        while (place[size] != '\0' && i + 1 < most && cut > 0 && place[cut] != ' ')
            cut--;
        size = cut > 0 ? cut : size;
        if (size == 0)
            break;
        buffer_print (out, "%*s%.*s\n", i > 0 ? (int)indent : 0, "", (int)size, place);
        place += size;
        place += strspn (place, " ");
    }
    buffer_free (&rest);
}

/* ----------------------------------------------------------------------------------------------------- head
 */

/* How long the machines still work if it goes on as it went; people and pauses are not foreseen. Zero where
   nothing is known yet. */
static struct span work_left (const struct progress *state, struct instant now)
{
    int64_t hosts = 0, deploying = 0, suites = 0, testing = 0, left = 0;
    for (size_t i = 0; i < state->steps_count; i++) {
        const struct view_step *step = &state->steps[i];
        int64_t took = instant_between (step->started, step->finished).ms;
        if (step->state != STEP_PASSED || took < 0)
            continue;
        deploying += step->kind == STEP_DEPLOY ? took : 0;
        hosts += step->kind == STEP_DEPLOY ? (int64_t)step->total : 0;
        testing += step->kind == STEP_TEST ? took : 0;
        suites += step->kind == STEP_TEST ? 1 : 0;
    }
    for (size_t i = 0; i < state->steps_count; i++) {
        const struct view_step *step = &state->steps[i];
        bool running = step->state == STEP_RUNNING;
        int64_t took = running ? instant_between (step->started, now).ms : 0;
        int64_t whole = 0;
        if (!running && step->state != STEP_WAITING)
            continue;
        if (step->kind == STEP_DEPLOY && hosts > 0)
            whole = deploying / hosts * (int64_t)step->total;
        if (step->kind == STEP_TEST && suites > 0)
            whole = testing / suites;
        left += whole > took ? whole - took : 0;
    }
    return (struct span){left};
}

static void add_times (const struct progress *state, struct instant now, struct buffer *line)
{
    const struct view_head *head = &state->head;
    char text[TIME_TEXT_SIZE];
    struct instant end = phase_is_final (head->phase) ? head->changed : now;
    struct span span = instant_between (head->started, end);
    struct span left = work_left (state, now);
    if (head->started.ms == 0 || span.ms < 0)
        return;
    buffer_print (line, "   %s", seconds_print (span, text));
    if (head->phase == PHASE_PROGRESSING && left.ms > 0)
        buffer_print (line, ", ~%s left", span_print (span_seconds (left.ms / 1000 + 1), text));
}

/* What goes where, and how it stands: one line where it fits, else two. */
static void draw_title (const struct progress *state, const struct live_options *options, struct buffer *out)
{
    const struct view_head *head = &state->head;
    struct buffer line = {0};
    struct buffer stand = {0};
    buffer_plain (&line, head->product);
    buffer_text (&line, " ");
    if (head->from[0] != '\0') {
        buffer_plain (&line, head->from);
        buffer_text (&line, " → ");
    }
    buffer_plain (&line, head->version);
    buffer_text (&line, "   ");
    buffer_plain (&line, head->environment);
    buffer_print (
        &stand, "● %s   step %" PRIu64 "/%" PRIu64, enum_word (&phase_words, head->phase), head->step,
        head->steps);
    add_times (state, options->now, &stand);
    if (text_columns (line.data) + 3 + text_columns (stand.data) > options->width)
        end_line (&line, options->width, out);
    else
        buffer_text (&line, "   ");
    buffer_append (&line, stand.data, stand.size);
    end_line (&line, options->width, out);
    buffer_free (&stand);
    buffer_free (&line);
}

static void draw_head (const struct progress *state, const struct live_options *options, struct buffer *out)
{
    const struct view_head *head = &state->head;
    struct buffer line = {0};
    draw_title (state, options, out);
    if (head->by[0] != '\0')
        buffer_text (&line, "by ");
    buffer_plain (&line, head->by);
    buffer_print (&line, "%srollout %" PRIu64, head->by[0] != '\0' ? "  " : "", head->rollout);
    if (head->attempt > 1)
        buffer_print (&line, "  attempt %" PRIu64, head->attempt);
    buffer_text (&line, head->signers[0] != '\0' ? "  signed by " : "");
    buffer_plain (&line, head->signers);
    buffer_text (&line, head->approvers[0] != '\0' ? ", signed off by " : "");
    buffer_plain (&line, head->approvers);
    end_line (&line, options->width, out);
    buffer_free (&line);
}

/* ---------------------------------------------------------------------------------------------------- steps
 */

static const char *step_mark (enum step_state state)
{
    switch (state) {
    case STEP_PASSED:
    case STEP_SKIPPED:
        return "✔";
    case STEP_RUNNING:
        return "◐";
    case STEP_FAILED:
        return "✘";
    case STEP_WAITING:
    case step_state_count:
        break;
    }
    return "○";
}

static void add_bar (struct buffer *line, uint64_t done, uint64_t total)
{
    uint64_t full = done >= total ? BAR_CELLS : done * BAR_CELLS / total;
    for (uint64_t i = 0; i < BAR_CELLS; i++)
        buffer_text (line, i < full ? "█" : "░");
    buffer_text (line, " ");
}

void live_step_words (const struct view_step *step, struct buffer *out)
{
    struct buffer counts = {0};
    bool counted;
    buffer_print (&counts, "%" PRIu64 "/%" PRIu64, step->done, step->total);
    counted = step->total == 0 || strncmp (step->detail, counts.data, counts.size) == 0 ||
              step->state == STEP_SKIPPED;
    if (!counted)
        buffer_print (out, "%s%s", counts.data, step->detail[0] != '\0' ? " " : "");
    buffer_plain (out, step->detail);
    buffer_free (&counts);
}

/* The bar, the counts and the words of one step. */
static void step_text (const struct view_step *step, struct buffer *out)
{
    if (step->state == STEP_RUNNING && step->total > 0 &&
        (step->kind == STEP_DEPLOY || step->kind == STEP_TEST))
        add_bar (out, step->done, step->total);
    /* The hosts at work have lines of their own. */
    if (step->state == STEP_RUNNING && step->kind == STEP_DEPLOY && step->total > 1)
        buffer_print (out, "%" PRIu64 "/%" PRIu64, step->done, step->total);
    else
        live_step_words (step, out);
}

/* Columns of a step's line: those of the longest title and text, as far as the width allows. */
struct step_columns {
    unsigned title;
    unsigned text;
};

static struct step_columns step_columns (const struct progress *state, unsigned width)
{
    struct step_columns columns = {0};
    unsigned title = width / TITLE_SHARE > TITLE_LEAST ? width / TITLE_SHARE : TITLE_LEAST;
    unsigned text;
    for (size_t i = 0; i < state->steps_count; i++) {
        struct buffer words = {0};
        unsigned size = text_columns (state->steps[i].title);
        if (state->steps[i].state == STEP_WAITING)
            continue;
        columns.title = size > columns.title ? size : columns.title;
        step_text (&state->steps[i], &words);
        size = words.size > 0 ? text_columns (words.data) : 0;
        columns.text = size > columns.text ? size : columns.text;
        buffer_free (&words);
    }
    columns.title = columns.title < title ? columns.title : title;
    text = width > columns.title + STEP_FRAME ? width - columns.title - STEP_FRAME : 0;
    text = text < TEXT_MOST ? text : TEXT_MOST;
    columns.text = columns.text < text ? columns.text : text;
    return columns;
}

static void draw_step (
    const struct view_step *step, struct step_columns columns, const struct live_options *options,
    struct buffer *out)
{
    struct buffer line = {0};
    struct buffer words = {0};
    char text[TIME_TEXT_SIZE];
    bool running = step->state == STEP_RUNNING;
    struct span took = instant_between (step->started, running ? options->now : step->finished);
    bool timed = step->started.ms != 0 && took.ms >= 0 && (running || step->finished.ms != 0);
    buffer_print (&line, " %s %" PRIu64 " ", step_mark (step->state), step->number);
    add_padded (&line, step->title, columns.title);
    buffer_text (&line, "  ");
    step_text (step, &words);
    if (words.size > 0)
        buffer_append (&line, words.data, words.size);
    for (unsigned used = words.size > 0 ? text_columns (words.data) : 0; timed && used < columns.text; used++)
        buffer_text (&line, " ");
    if (timed)
        buffer_print (&line, "  %s", seconds_print (took, text));
    end_line (&line, options->width, out);
    buffer_free (&words);
    buffer_free (&line);
}

/* Steps that have not begun share lines. */
static void draw_waiting (
    const struct progress *state, const struct live_options *options, struct buffer *out)
{
    struct buffer line = {0};
    for (size_t i = 0; i < state->steps_count; i++) {
        struct buffer one = {0};
        if (state->steps[i].state != STEP_WAITING)
            continue;
        buffer_print (&one, " ○ %" PRIu64 " ", state->steps[i].number);
        buffer_plain (&one, state->steps[i].title);
        if (line.size > 0 && text_columns (line.data) + text_columns (one.data) + 2 > options->width)
            end_line (&line, options->width, out);
        buffer_print (&line, "%s%s", line.size > 0 ? "  " : "", one.data);
        buffer_free (&one);
    }
    if (line.size > 0)
        end_line (&line, options->width, out);
    buffer_free (&line);
}

/* Where lines are few, `few`, only those are shown at which something happens or went wrong. */
static void draw_steps (
    const struct progress *state, const struct live_options *options, bool few, struct buffer *out)
{
    struct step_columns columns = step_columns (state, options->width);
    for (size_t i = 0; i < state->steps_count; i++) {
        enum step_state step = state->steps[i].state;
        if (step == STEP_RUNNING || step == STEP_FAILED || (!few && step != STEP_WAITING))
            draw_step (&state->steps[i], columns, options, out);
    }
    if (!few)
        draw_waiting (state, options, out);
}

/* ---------------------------------------------------------------------------------------------------- hosts
 */

static const char *host_mark (enum activity activity)
{
    switch (activity) {
    case ACTIVITY_KEPT:
    case ACTIVITY_PASSED:
        return "✔";
    case ACTIVITY_FAILED:
    case ACTIVITY_STUCK:
        return "✘";
    case ACTIVITY_STALE:
        return "!";
    case ACTIVITY_RETURNED:
        return "↩";
    case ACTIVITY_IDLE:
    case ACTIVITY_WAITING:
        return "○";
    case ACTIVITY_FETCHING:
    case ACTIVITY_STAGING:
    case ACTIVITY_STOPPING:
    case ACTIVITY_SWAPPING:
    case ACTIVITY_STARTING:
    case ACTIVITY_CHECKING:
    case ACTIVITY_TESTING:
    case ACTIVITY_RETURNING:
    case activity_count:
        break;
    }
    return "◐";
}

static bool is_calm (const struct view_host *host)
{
    return host->activity == ACTIVITY_KEPT || host->activity == ACTIVITY_PASSED ||
           host->activity == ACTIVITY_IDLE || host->activity == ACTIVITY_WAITING;
}

static void add_host (struct table *table, const struct view_host *host, struct instant now)
{
    struct buffer state = {0};
    struct buffer tests = {0};
    char seen[TIME_TEXT_SIZE] = "never";
    struct span ago = instant_between (host->seen, now);
    buffer_print (&state, "%s %s", host_mark (host->activity), enum_word (&activity_words, host->activity));
    if (host->activity == ACTIVITY_STALE)
        buffer_text (&tests, "?");
    else if (host->tests_total > 0)
        buffer_print (&tests, "%" PRIu64 "/%" PRIu64, host->tests_passed, host->tests_total);
    else
        buffer_text (&tests, "-");
    if (host->seen.ms != 0)
        (void)seconds_print (ago, seen);
    table_add (
        table, (const char *const[]){
                   host->name, host->version[0] != '\0' ? host->version : "-", state.data, tests.data, seen,
                   host->detail});
    buffer_free (&state);
    buffer_free (&tests);
}

/* Where not all fit, those at work or in trouble go first. */
static void draw_hosts (
    const struct progress *state, const struct live_options *options, size_t most, struct buffer *out)
{
    static const char *const headings[] = {"HOST", "VERSION", "STATE", "TESTS", "SEEN", "DETAIL"};
    struct table *table = table_new (headings, HOST_COLUMNS);
    bool all = state->hosts_count <= most;
    size_t room = all ? state->hosts_count : most - 1;
    size_t shown = 0;
    for (int calm = 0; calm <= 1; calm++)
        for (size_t i = 0; i < state->hosts_count && shown < room; i++)
            if (all ? calm == 0 : is_calm (&state->hosts[i]) == (calm == 1)) {
                add_host (table, &state->hosts[i], options->now);
                shown++;
            }
    table_print (table, options->width, out);
    if (!all)
        buffer_print (out, "… and %zu more\n", state->hosts_count - shown);
    table_free (&table);
}

/* ----------------------------------------------------------------------------------------------------- next
 */

/* One command a line where they do not fit side by side. */
static void draw_next (const struct view *view, unsigned width, struct buffer *out)
{
    struct buffer commands = {0};
    struct buffer line = {0};
    bool fits;
    live_next (view, &commands);
    fits = commands.size == 0 || text_columns (commands.data) + NEXT_INDENT <= width;
    for (const char *place = commands.data; place != NULL && *place != '\0';) {
        const char *bar = fits ? NULL : strstr (place, " | ");
        buffer_text (&line, place == commands.data ? "next: " : "      ");
        buffer_append (&line, place, bar != NULL ? (size_t)(bar - place) : strlen (place));
        end_line (&line, width, out);
        place = bar != NULL ? bar + 3 : NULL;
    }
    buffer_free (&commands);
    buffer_free (&line);
}

/* ------------------------------------------------------------------------------------------------- all of it
 */

static size_t count_lines (const struct buffer *text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text->size; i++)
        lines += text->data[i] == '\n' ? 1 : 0;
    return lines;
}

/* Where all goes well nobody needs a reason; a step that is held up by silence has one. */
static bool is_calm_phase (const struct view_head *head)
{
    return head->phase == PHASE_HEALTHY ||
           (head->phase == PHASE_PROGRESSING && strncmp (head->cause, "waiting for ", 12) != 0);
}

static void draw_foot (const struct view *view, const struct live_options *options, struct buffer *out)
{
    struct buffer line = {0};
    bool calm = is_calm_phase (&view->state.head);
    if (!calm && view->state.head.cause[0] != '\0') {
        buffer_text (&line, "reason: ");
        buffer_plain (&line, view->state.head.cause);
        wrap (line.data, options->width, 8, REASON_LINES, out);
        buffer_clear (&line);
    }
    draw_next (view, options->width, out);
    if (options->note != NULL) {
        buffer_plain (&line, options->note);
        end_line (&line, options->width, out);
    }
    buffer_free (&line);
}

/* The first lines of a text that is longer than the screen: what scrolls away could not be drawn over. */
static void cut_lines (struct buffer *text, size_t from, size_t most)
{
    size_t lines = 0;
    for (size_t i = from; i < text->size; i++) {
        lines += text->data[i] == '\n' ? 1 : 0;
        if (lines == most) {
            text->size = i + 1;
            text->data[text->size] = '\0';
            return;
        }
    }
}

void live_text (const struct view *view, const struct live_options *options, struct buffer *out)
{
    struct buffer foot = {0};
    struct buffer top = {0};
    size_t from = out->size;
    size_t most = SIZE_MAX;
    draw_foot (view, options, &foot);
    for (int few = 0; few <= 1; few++) {
        size_t taken;
        buffer_clear (&top);
        draw_head (&view->state, options, &top);
        draw_steps (&view->state, options, few == 1, &top);
        taken = count_lines (&top) + count_lines (&foot) + 2;
        if (options->height == 0)
            break;
        most = options->height > taken + HOSTS_LEAST ? options->height - taken : HOSTS_LEAST;
        if (options->height >= taken + HOSTS_LEAST)
            break;
    }
    buffer_append (out, top.data, top.size);
    if (view->state.hosts_count > 0)
        draw_hosts (&view->state, options, most, out);
    if (foot.size > 0)
        buffer_append (out, foot.data, foot.size);
    if (options->height > 1)
        cut_lines (out, from, options->height - 1);
    buffer_free (&top);
    buffer_free (&foot);
}
