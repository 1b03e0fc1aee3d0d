/* Notes to state: the same function for a note from the journal and for one that was decided just now.

   What a crash leaves behind is then plain: an act that was begun and not finished is the work's last act,
   and work.c chooses what to do about it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/installer_state.h"

bool release_exists (const struct host_release *release)
{
    return release->version != NULL && release->version[0] != '\0';
}

struct row *row_named (const struct installer *installer, const char *product)
{
    for (size_t i = 0; i < installer->row_count; i++)
        if (strcmp (installer->rows[i].release.product, product) == 0)
            return (struct row *)&installer->rows[i];
    return NULL;
}

const struct reached *reached_of (const struct installer *installer, const char *product)
{
    for (size_t i = 0; i < installer->reached_count; i++)
        if (strcmp (installer->reached[i].product, product) == 0)
            return &installer->reached[i];
    return NULL;
}

/* A step of a newer plan takes the place of the one before; a return only counts for the plan that is there.
 */
static void reach (struct installer *installer, const struct work *work)
{
    struct reached *reached = (struct reached *)reached_of (installer, work->plan.product);
    bool same = reached != NULL && digest_equal (&reached->plan, &work->plan_digest);
    if (same && work->permit.attempt > reached->attempt)
        reached->attempt = work->permit.attempt;
    if (same || work->permit.kind == PERMIT_RETURN ||
        (reached != NULL && work->plan.counter < reached->counter))
        return;
    if (reached == NULL && installer->reached_count == LIMIT_PRODUCTS)
        return;
    if (reached == NULL)
        reached = &installer->reached[installer->reached_count++];
    *reached = (struct reached){
        .counter = work->plan.counter, .plan = work->plan_digest, .attempt = work->permit.attempt};
    (void)snprintf (reached->product, sizeof reached->product, "%s", work->plan.product);
}

static void reach_end (struct installer *installer, const struct held_receipt *receipt)
{
    for (size_t i = 0; i < installer->reached_count; i++) {
        struct reached *reached = &installer->reached[i];
        if (receipt_is_success (receipt) || !digest_equal (&reached->plan, &receipt->plan) ||
            receipt->attempt < reached->closed)
            continue;
        if (receipt->attempt > reached->closed)
            reached->closings = 0;
        reached->closed = receipt->attempt;
        reached->closings++;
    }
}

void work_free (struct installer *installer)
{
    arena_free (&installer->work.arena);
    installer->work = (struct work){0};
    installer->wait = WAIT_NOTHING;
}

static bool apply_trust (struct installer *installer, const struct note_trust *note, struct error *error)
{
    struct arena arena = {0};
    struct trust trust;
    if (!document_read (&trust_type, note->document.content, &arena, &trust, error)) {
        arena_free (&arena);
        return false;
    }
    arena_free (&installer->trust_arena);
    installer->trust_arena = arena;
    installer->trust = trust;
    installer->trust_digest = digest_of (note->document.content.data, note->document.content.size);
    installer->has_trust = true;
    installer->hello_due = true;
    installer->judge_due = true;
    return true;
}

static bool apply_fleet (struct installer *installer, const struct note_fleet *note, struct error *error)
{
    struct arena arena = {0};
    struct fleet fleet;
    if (!document_read (&fleet_type, note->document.content, &arena, &fleet, error)) {
        arena_free (&arena);
        return false;
    }
    arena_free (&installer->fleet_arena);
    installer->fleet_arena = arena;
    installer->fleet = fleet;
    installer->fleet_digest = digest_of (note->document.content.data, note->document.content.size);
    installer->has_fleet = true;
    installer->hello_due = true;
    installer->judge_due = true;
    return true;
}

static bool names_host (const struct step *step, const char *host)
{
    for (size_t i = 0; i < step->hosts_count; i++)
        if (strcmp (step->hosts[i], host) == 0)
            return true;
    return false;
}

/* The step that the permit opens; for a return the last deploy step of this host, for its times. */
static const struct step *step_of (const struct installer *installer, const struct work *work)
{
    const struct step *found = NULL;
    for (size_t i = 0; i < work->plan.steps_count; i++) {
        const struct step *step = &work->plan.steps[i];
        if (!names_host (step, installer->options.host))
            continue;
        if (work->permit.kind == PERMIT_STEP ? step->number == work->permit.step : step->kind == STEP_DEPLOY)
            found = step;
    }
    return found;
}

static const struct suite *suite_of (const struct work *work)
{
    for (size_t i = 0; i < work->plan.suites_count; i++)
        if (strcmp (work->plan.suites[i].name, work->step->suite) == 0)
            return &work->plan.suites[i];
    return NULL;
}

static enum work_kind kind_of (const struct installer *installer)
{
    const struct work *work = &installer->work;
    if (work->permit.kind == PERMIT_RETURN)
        return WORK_RETURN;
    if (work->step->kind == STEP_TEST)
        return WORK_TEST;
    return work_is_current (installer) ? WORK_RECHECK : WORK_DEPLOY;
}

static bool read_plan (const struct envelope *plan, struct instant at, struct work *work, struct error *error)
{
    char digits[DIGEST_TEXT_SIZE];
    if (!document_read (&plan_type, plan->content, &work->arena, &work->plan, error))
        return false;
    work->plan_envelope = envelope_copy (plan, &work->arena);
    work->plan_digest = digest_of (plan->content.data, plan->content.size);
    work->started = at;
    work->folder = arena_format (
        &work->arena, "%s-%.*s", work->plan.version, (int)FOLDER_DIGITS,
        digest_print (&work->plan_digest, digits));
    return true;
}

static bool read_begin (
    struct installer *installer, const struct note_begin *note, struct work *work, struct error *error)
{
    if (!read_plan (&note->plan, note->at, work, error) ||
        !document_read (&permit_type, note->permit.content, &work->arena, &work->permit, error))
        return false;
    work->step = step_of (installer, work);
    if (!digest_equal (&work->permit.plan, &work->plan_digest))
        return error_set (error, ERROR_INPUT, "note_begin: its permit is for another plan");
    if (work->step == NULL || (work->permit.kind == PERMIT_STEP && work->step->kind != STEP_DEPLOY &&
                               work->step->kind != STEP_TEST))
        return error_set (
            error, ERROR_INPUT, "note_begin: no step of plan %s is for this host", work->plan.name);
    if (work->step->kind == STEP_TEST) {
        work->suite = suite_of (work);
        if (work->suite == NULL)
            return error_set (
                error, ERROR_INPUT, "note_begin: plan %s has no suite %s", work->plan.name,
                work->step->suite);
        work->results = arena_array (&work->arena, work->suite->tests_count, sizeof *work->results);
    }
    return true;
}

static void take_work (struct installer *installer, const struct work *work)
{
    struct row *row;
    installer->work = *work;
    reach (installer, work);
    row = vigil_of (installer, &work->permit);
    if (row != NULL)
        vigil_end (row);
    row = work_row (installer);
    installer->work.kind = kind_of (installer);
    installer->work.rescue = installer->work.kind == WORK_RETURN && row != NULL && row->stuck;
    installer->wait = WAIT_NOTHING;
}

static bool apply_begin (struct installer *installer, const struct note_begin *note, struct error *error)
{
    struct work work = {0};
    if (installer->work.kind != WORK_NONE)
        return error_set (error, ERROR_INPUT, "note_begin: the work before it has no end");
    if (!read_begin (installer, note, &work, error)) {
        arena_free (&work.arena);
        return false;
    }
    take_work (installer, &work);
    return true;
}

/* As after a return permit, but that there is none. */
static bool apply_lapse (struct installer *installer, const struct note_lapse *note, struct error *error)
{
    struct work work = {0};
    char text[TIME_TEXT_SIZE];
    if (installer->work.kind != WORK_NONE)
        return error_set (error, ERROR_INPUT, "note_lapse: the work before it has no end");
    if (!read_plan (&note->plan, note->at, &work, error)) {
        arena_free (&work.arena);
        return false;
    }
    work.permit = (struct permit){.plan = work.plan_digest, .kind = PERMIT_RETURN, .attempt = note->attempt};
    work.step = step_of (installer, &work);
    if (work.step == NULL) {
        arena_free (&work.arena);
        return error_set (
            error, ERROR_INPUT, "note_lapse: no step of plan %s is for this host", work.plan.name);
    }
    work.cause = arena_format (
        &work.arena, "not confirmed within %s: no permit to keep %s %s came",
        span_print (work.step->confirm_within, text), work.plan.product, work.plan.version);
    take_work (installer, &work);
    return true;
}

static bool apply_kept (struct installer *installer, const struct note_kept *note, struct error *error)
{
    struct arena arena = {0};
    struct permit permit;
    bool good = document_read (&permit_type, note->permit.content, &arena, &permit, error);
    struct row *row = good ? vigil_of (installer, &permit) : NULL;
    if (row != NULL)
        vigil_end (row);
    arena_free (&arena);
    return good;
}

static const char *act_cause (struct work *work, const struct note_act *note)
{
    static const char *const words[] = {
        [ACT_NONE] = "nothing",
        [ACT_STAGE] = "unpacking the release failed",
        [ACT_STOP] = "stopping the service failed",
        [ACT_SWAP] = "switching the release failed",
        [ACT_START] = "starting the service failed",
        [ACT_CHECK] = "the health check failed",
        [ACT_TEST] = "a test failed",
        [ACT_PRUNE] = "removing old releases failed",
    };
    const char *cause = arena_format (
        &work->arena, "%s%s%s", words[note->act], note->detail[0] != '\0' ? ": " : "", note->detail);
    return fit_text (&work->arena, cause, LIMIT_LINE);
}

static void keep_result (struct work *work, const struct test_result *result)
{
    struct test_result *kept = &work->results[work->result_count++];
    *kept = *result;
    kept->name = arena_text (&work->arena, result->name);
    kept->detail = arena_text (&work->arena, result->detail);
    kept->tail = arena_text (&work->arena, result->tail);
}

static bool apply_act (struct installer *installer, const struct note_act *note, struct error *error)
{
    struct work *work = &installer->work;
    if (note->act == ACT_PRUNE) {
        if (note->finished && note->good && installer->prune != NULL)
            retain_pruned (installer->prune, installer->prune->release.profile.keep_releases);
        if (note->finished)
            installer->prune = NULL;
        installer->judge_due = true;
        return true;
    }
    if (work->kind == WORK_NONE || note->act == ACT_NONE)
        return error_set (
            error, ERROR_INPUT, "note_act: %s without a work", enum_word (&act_words, note->act));
    if (note->act == ACT_TEST && note->finished) {
        if (work->suite == NULL || work->result_count == work->suite->tests_count)
            return error_set (error, ERROR_INPUT, "note_act: more tests than the suite has");
        keep_result (work, &note->result);
    }
    work->act = note->act;
    work->returning = note->returning;
    work->finished = note->finished;
    work->good = note->finished && note->good;
    if (note->act == ACT_SWAP && work->good)
        *(note->returning ? &work->swapped_back : &work->swapped) = true;
    if (note->act == ACT_SWAP && work->good && !note->returning)
        work->deployed = note->at;
    if (note->finished && !note->good && note->act != ACT_TEST) {
        const char **cause = note->returning ? &work->back_cause : &work->cause;
        if (*cause == NULL)
            *cause = act_cause (work, note);
    }
    return true;
}

/* A new arena each time: the record that is replaced may be what the new one points to. */
static bool apply_release (struct installer *installer, const struct note_release *note, struct error *error)
{
    struct row *row = row_named (installer, note->product);
    struct buffer bytes = {0};
    struct arena arena = {0};
    struct note_release release;
    bool good;
    if (row == NULL && installer->row_count == LIMIT_PRODUCTS)
        return error_set (error, ERROR_LIMIT, "note_release: more than %d products", LIMIT_PRODUCTS);
    good = codec_encode (&note_release_type, note, &bytes, error) &&
           codec_decode (&note_release_type, buffer_bytes (&bytes), &arena, &release, error);
    buffer_free (&bytes);
    if (!good) {
        arena_free (&arena);
        return false;
    }
    if (row == NULL)
        row = &installer->rows[installer->row_count++];
    arena_free (&row->arena);
    row->arena = arena;
    row->release = release;
    retain_note (row, release.folder);
    vigil_end (row);
    if (installer->work.kind != WORK_NONE)
        installer->work.linked = true;
    return true;
}

/* The work's end: what the receipt says becomes the state of the product, and the work is gone. */
static bool apply_receipt (struct installer *installer, const struct note_receipt *note, struct error *error)
{
    const struct held_receipt *receipt;
    struct row *row;
    if (!receipts_apply (installer, &note->receipt, error))
        return error_context (error, "note_receipt");
    receipt = &installer->receipts[installer->receipt_count - 1];
    reach_end (installer, receipt);
    row = installer->work.kind != WORK_NONE ? work_row (installer) : NULL;
    if (row != NULL && installer->work.kind != WORK_TEST && receipt->outcome != OUTCOME_FAILED) {
        row->stuck = receipt->outcome == OUTCOME_STUCK;
        if (receipt->outcome == OUTCOME_KEPT ||
            (receipt->outcome == OUTCOME_RETURNED && installer->work.linked))
            retain_good (row);
        if (receipt->outcome == OUTCOME_KEPT) {
            installer->prune = row;
            vigil_begin (row, &installer->work, installer->work.started);
        }
    }
    /* One try: what a return could not do, a person must. */
    if (row != NULL && installer->work.kind == WORK_RETURN)
        vigil_end (row);
    work_free (installer);
    installer->hello_due = true;
    installer->judge_due = true;
    return true;
}

bool installer_apply (
    struct installer *installer, const struct record_type *type, const void *record, struct error *error)
{
    if (type == &note_trust_type)
        return apply_trust (installer, record, error);
    if (type == &note_fleet_type)
        return apply_fleet (installer, record, error);
    if (type == &note_begin_type)
        return apply_begin (installer, record, error);
    if (type == &note_act_type)
        return apply_act (installer, record, error);
    if (type == &note_release_type)
        return apply_release (installer, record, error);
    if (type == &note_receipt_type)
        return apply_receipt (installer, record, error);
    if (type == &note_kept_type)
        return apply_kept (installer, record, error);
    if (type == &note_lapse_type)
        return apply_lapse (installer, record, error);
    if (type == &note_stored_type)
        receipts_apply_stored (installer, &((const struct note_stored *)record)->receipt);
    else if (type == &note_clock_type)
        installer->clock = *(const struct note_clock *)record;
    else
        return error_set (error, ERROR_INPUT, "%s is no note of an installer", type->name);
    return true;
}
