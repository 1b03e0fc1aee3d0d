/* matrix: the installer of one host dies before each of its effects, from its start until all is over, in an
   install and in an install that has to go back; alone, or with the whole host; and meanwhile its disk is
   well, or full, or has forgotten what it stored. Each of these stories ends as it does when nobody dies;
   only where a probe is lost after the release was unpacked, its host goes back. */
#include "tests/sim/tales.h"
#include "tests/sim/world.h"

enum { VICTIM = 2, FROM_MS = 600, LONGEST = 2000 };

enum trouble { TROUBLE_NONE, TROUBLE_FULL, TROUBLE_ROT, troubles };

static const char *const trouble_words[troubles] = {"well", "full for 15s", "rotten"};

static void tell (struct story *story, bool fails)
{
    tale_plain (story, 3);
    if (fails) {
        story->fated_act = ACT_CHECK;
        story->fated_host = VICTIM;
    }
}

static void add_death (struct story *story, bool whole, enum trouble trouble, long at)
{
    struct happening *first = &story->happenings[0];
    first[0] = (struct happening){
        .kind = whole ? HAPPENS_POWER : HAPPENS_KILL_INSTALLER,
        .at = FROM_MS,
        .host = VICTIM,
        .count = at,
        .span = 20000};
    story->happening_count = 1;
    if (trouble == TROUBLE_NONE)
        return;
    story->dies_with = trouble == TROUBLE_FULL ? HAPPENS_FULL : HAPPENS_ROT;
}

/* How many places there are, or -1 after a line about what went wrong. */
static long try_all (bool fails, bool whole, enum trouble trouble)
{
    enum phase wanted = fails ? PHASE_ROLLED_BACK : PHASE_HEALTHY;
    for (long at = 0; at < LONGEST; at++) {
        struct story story;
        struct outcome_of_run outcome;
        tell (&story, fails);
        add_death (&story, whole, trouble, at);
        run_story (&story, NULL, false, &outcome);
        if (outcome.invariant != 0 || outcome.phase_count == 0 ||
            (outcome.phases[0] != wanted &&
             !(trouble == TROUBLE_ROT && outcome.phases[0] == PHASE_ROLLED_BACK))) {
            (void)printf (
                "%s, %s, disk %s, before effect %ld: %s; %s\n", fails ? "a way back" : "an install",
                whole ? "the host dies" : "the installer dies", trouble_words[trouble], at,
                outcome.phase_count > 0 ? enum_word (&phase_words, outcome.phases[0]) : "no rollout",
                outcome.words);
            return -1;
        }
        if (outcome.crashes == 0)
            return at;
    }
    return -1;
}

int main (void)
{
    bool good = true;
    for (int fails = 0; fails < 2; fails++)
        for (int whole = 0; whole < 2; whole++)
            for (enum trouble trouble = 0; trouble < troubles; trouble++) {
                long places = try_all (fails == 1, whole == 1, trouble);
                good = good && places > 50;
                if (places >= 0)
                    (void)printf (
                        "%-10s  %-18s  disk %-12s  %ld places\n", fails == 1 ? "a way back" : "an install",
                        whole == 1 ? "the host dies" : "the installer dies", trouble_words[trouble], places);
            }
    return good ? 0 : 1;
}
