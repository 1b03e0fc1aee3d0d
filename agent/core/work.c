/* What comes next. The choice is a function of the notes alone:

     deploy    supply → STAGE → STOP → SWAP → START → CHECK → kept          (STOP only where something runs)
     recheck   supply → CHECK → kept                                        (the release is current already)
     test      supply → TEST … → passed | failed
     return    STOP → SWAP → START → supply → CHECK → returned | stuck

   A deploy or recheck that fails after STAGE becomes a return. After a crash the last act, begun and not
   finished, is done again; a START is done again by way of STOP, for the service may be half up; and what was
   stopped before the crash is stopped again before a SWAP or START, for the host may have booted meanwhile.
 */
#include <assert.h>
#include <string.h>

#include "agent/core/installer_state.h"

enum choice_kind { CHOOSE_ACT, CHOOSE_SUPPLY, CHOOSE_END };

struct choice {
    enum choice_kind kind;
    enum act act;
    bool returning;
    enum outcome outcome;
};

struct row *work_row (const struct installer *installer)
{
    return row_named (installer, installer->work.plan.product);
}

bool work_is_current (const struct installer *installer)
{
    const struct row *row = work_row (installer);
    return row != NULL && release_exists (&row->release.current) &&
           digest_equal (&row->release.current.plan, &installer->work.plan_digest);
}

struct side side_new (const struct installer *installer)
{
    const struct work *work = &installer->work;
    return (struct side){true, true, work->plan.version, work->folder, &work->plan.profile};
}

struct side side_old (const struct installer *installer)
{
    const struct row *row = work_row (installer);
    struct side side = {.known = true, .version = "", .folder = "", .profile = NULL};
    const struct note_release *release;
    if (row == NULL)
        return side;
    release = &row->release;
    if (!work_is_current (installer))
        return (struct side){
            release_exists (&release->current), true, release->current.version, release->folder,
            &release->profile};
    side = (struct side){
        release_exists (&release->previous), true, release->previous.version, release->previous_folder,
        &release->previous_profile};
    side.known = side.exists || release->previous.product[0] == '\0';
    return side;
}

static struct choice do_act (enum act act, bool returning)
{
    return (struct choice){.kind = CHOOSE_ACT, .act = act, .returning = returning};
}

static struct choice do_end (enum outcome outcome)
{
    return (struct choice){.kind = CHOOSE_END, .outcome = outcome};
}

static struct choice first_supply (const struct work *work, enum act act)
{
    return work->supplied ? do_act (act, false) : (struct choice){.kind = CHOOSE_SUPPLY};
}

static bool must_swap_back (const struct installer *installer)
{
    const struct work *work = &installer->work;
    return !work->swapped_back && (work->kind == WORK_RETURN || work->linked || work_is_current (installer));
}

static struct choice start_old (const struct installer *installer)
{
    return side_old (installer).exists ? do_act (ACT_START, true) : do_end (OUTCOME_RETURNED);
}

static struct choice begin_back (const struct installer *installer)
{
    const struct work *work = &installer->work;
    if (work->kind == WORK_RETURN && !work->rescue && !work_is_current (installer))
        return do_end (OUTCOME_RETURNED);
    if (!side_old (installer).known)
        return do_end (OUTCOME_STUCK);
    return do_act (ACT_STOP, true);
}

/* The old release runs again, but its probes may have been cleared away: then they are fetched, for a while.
 */
static struct choice check_old (const struct installer *installer)
{
    return installer->work.supplied_back ? do_act (ACT_CHECK, true) : (struct choice){.kind = CHOOSE_SUPPLY};
}

/* A release that cannot be stopped is not left running behind another's back. Where the link was never
   touched, the old one may simply still run: its health decides. */
static struct choice after_stop_back (const struct installer *installer)
{
    const struct work *work = &installer->work;
    if (!work->good && work_is_current (installer))
        return do_end (OUTCOME_STUCK);
    if (must_swap_back (installer))
        return do_act (ACT_SWAP, true);
    if (!work->good && !work->swapped_back)
        return check_old (installer);
    return start_old (installer);
}

static struct choice choose_back (const struct installer *installer)
{
    const struct work *work = &installer->work;
    if (!work->returning)
        return begin_back (installer);
    if (!work->finished && work->act == ACT_CHECK)
        return check_old (installer);
    if (!work->finished)
        return do_act (work->act == ACT_START ? ACT_STOP : work->act, true);
    if (work->act == ACT_STOP)
        return after_stop_back (installer);
    if (!work->good)
        return do_end (OUTCOME_STUCK);
    if (work->act == ACT_SWAP)
        return start_old (installer);
    return work->act == ACT_START ? check_old (installer) : do_end (OUTCOME_RETURNED);
}

static struct choice choose_forward (const struct installer *installer)
{
    const struct work *work = &installer->work;
    switch (work->act) {
    case ACT_NONE:
        return first_supply (work, work->kind == WORK_RECHECK ? ACT_CHECK : ACT_STAGE);
    case ACT_STAGE:
        if (!work->finished)
            return first_supply (work, ACT_STAGE);
        if (!work->good)
            return do_end (OUTCOME_FAILED);
        return do_act (side_old (installer).exists ? ACT_STOP : ACT_SWAP, false);
    case ACT_START:
        if (!work->finished)
            return do_act (ACT_STOP, false);
        break;
    default:
        if (!work->finished)
            return do_act (work->act, false);
    }
    if (!work->good)
        return begin_back (installer);
    if (work->act == ACT_STOP)
        return do_act (work->swapped ? ACT_START : ACT_SWAP, false);
    if (work->act == ACT_SWAP)
        return do_act (ACT_START, false);
    return work->act == ACT_START ? do_act (ACT_CHECK, false) : do_end (OUTCOME_KEPT);
}

static struct choice choose_test (const struct installer *installer)
{
    const struct work *work = &installer->work;
    if (!work_is_current (installer))
        return do_end (OUTCOME_FAILED);
    if (work->result_count < work->suite->tests_count)
        return first_supply (work, ACT_TEST);
    for (size_t i = 0; i < work->result_count; i++)
        if (work->results[i].verdict != VERDICT_PASSED)
            return do_end (OUTCOME_FAILED);
    return do_end (OUTCOME_PASSED);
}

/* A host that boots starts its services, whatever this work had stopped before: nothing is swapped under a
   service that runs, and none is started a second time. Where nothing ran before, only what was swapped in
   can have been started. */
static bool must_stop_again (const struct installer *installer)
{
    const struct work *work = &installer->work;
    if (!work->unsure || (work->finished && !work->good))
        return false;
    if (work->act == ACT_SWAP && !work->finished)
        return work->returning || side_old (installer).exists;
    return work->finished && (work->act == ACT_STOP || work->act == ACT_SWAP);
}

static struct choice choose (const struct installer *installer)
{
    const struct work *work = &installer->work;
    if (work->kind == WORK_TEST)
        return choose_test (installer);
    if (must_stop_again (installer))
        return do_act (ACT_STOP, work->returning);
    if (work->kind == WORK_RETURN || work->returning)
        return choose_back (installer);
    return choose_forward (installer);
}

/* Where nothing was tried there is no failed act to name the cause. */
static void explain (struct installer *installer, enum outcome outcome)
{
    struct work *work = &installer->work;
    const struct row *row = work_row (installer);
    if (outcome == OUTCOME_STUCK && work->back_cause == NULL)
        work->back_cause = arena_format (
            &work->arena,
            "what ran before %s %s is not known any more: deploy the wanted release by a new plan",
            work->plan.product, work->plan.version);
    if (outcome == OUTCOME_FAILED && work->kind == WORK_TEST && !work_is_current (installer))
        work->cause = arena_format (
            &work->arena, "%s runs %s %s, not the release of this plan", installer->options.host,
            work->plan.product,
            row != NULL && release_exists (&row->release.current) ? row->release.current.version
                                                                  : "in no version");
}

static enum activity activity_of (enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_KEPT:
        return ACTIVITY_KEPT;
    case OUTCOME_PASSED:
        return ACTIVITY_PASSED;
    case OUTCOME_RETURNED:
        return ACTIVITY_RETURNED;
    case OUTCOME_STUCK:
        return ACTIVITY_STUCK;
    case OUTCOME_REFUSED:
    case OUTCOME_FAILED:
    case outcome_count:
        break;
    }
    return ACTIVITY_FAILED;
}

void work_end (
    struct installer *installer, enum outcome outcome, struct instant now, struct installer_effects *effects)
{
    const struct work *work = &installer->work;
    const char *words;
    explain (installer, outcome);
    words = outcome == OUTCOME_STUCK && work->back_cause != NULL ? work->back_cause : work->cause;
    say_doing (installer, effects, &work->permit, activity_of (outcome), words);
    receipt_make (installer, outcome, now, effects);
}

static void work_go (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    struct choice choice = choose (installer);
    switch (choice.kind) {
    case CHOOSE_SUPPLY:
        supply_begin (installer, now, effects);
        break;
    case CHOOSE_ACT:
        act_begin (installer, choice.act, choice.returning, now, effects);
        break;
    case CHOOSE_END:
        work_end (installer, choice.outcome, now, effects);
        break;
    }
}

/* Each turn waits for something, ends a work, or takes one of the few permits that wait: so it ends. */
void work_advance (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    for (;;) {
        if (installer->wait == WAIT_NOTHING && installer->work.kind != WORK_NONE)
            work_go (installer, now, effects);
        else if (installer->wait == WAIT_NOTHING && installer->prune != NULL)
            prune_begin (installer, now, effects);
        else if (
            !judge_waiting (installer, now, effects) &&
            !(installer->wait == WAIT_NOTHING && vigil_lapse (installer, now, effects)))
            return;
    }
}
