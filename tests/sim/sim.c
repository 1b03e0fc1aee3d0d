/* sim --seed S [--hosts N] [--trace] [OPTION…]: tells one story again; the options make it simpler, as
   `swarm` prints them. Exit code 1 where an invariant is broken. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

static int usage (const char *wrong)
{
    (void)fprintf (stderr, "sim: %s\nusage: sim --seed S [--hosts N] [--trace] [OPTION…]\n", wrong);
    return 2;
}

static bool number_of (const char *text, uint64_t most, uint64_t *ret)
{
    char *end = NULL;
    *ret = text != NULL ? strtoull (text, &end, 10) : 0;
    return text != NULL && end != text && *end == '\0' && *ret <= most;
}

static int tell (const struct story *story, bool trace)
{
    struct outcome_of_run outcome;
    struct buffer text = {0};
    story_print (story, &text);
    (void)fputs (text.data, stdout);
    buffer_free (&text);
    run_story (story, trace ? stdout : NULL, false, &outcome);
    (void)printf (
        "%llu events, %llu messages, %llu acts, %llu crashes in %.0fs of its time\n",
        (unsigned long long)outcome.events, (unsigned long long)outcome.messages,
        (unsigned long long)outcome.acts, (unsigned long long)outcome.crashes,
        (double)outcome.virtual_ms / 1000);
    for (unsigned i = 0; i < outcome.phase_count; i++)
        (void)printf ("rollout %u: %s\n", i + 1, enum_word (&phase_words, outcome.phases[i]));
    if (outcome.invariant != 0)
        (void)printf ("invariant %u is broken: %s\n", outcome.invariant, outcome.words);
    else
        (void)puts ("every invariant held");
    return outcome.invariant != 0;
}

int main (int count, char **words)
{
    uint64_t seed = 0;
    uint64_t hosts = 0;
    bool has_seed = false;
    bool trace = false;
    struct story story;
    int first = 1;
    for (; first < count && strncmp (words[first], "--", 2) == 0; first++) {
        if (strcmp (words[first], "--trace") == 0)
            trace = true;
        else if (strcmp (words[first], "--seed") == 0 && first + 1 < count)
            has_seed = number_of (words[++first], UINT64_MAX, &seed);
        else if (strcmp (words[first], "--hosts") == 0 && first + 1 < count) {
            if (!number_of (words[++first], STORY_HOSTS, &hosts) || hosts < 3)
                return usage ("--hosts wants a number from 3 to 10000");
        } else
            return usage ("it knows --seed, --hosts and --trace");
    }
    if (!has_seed)
        return usage ("--seed wants a number");
    story_draw (seed, (unsigned)hosts, &story);
    for (; first < count; first++)
        if (strcmp (words[first], "--trace") == 0)
            trace = true;
        else if (!story_apply (&story, words[first]))
            return usage (
                "an option is none of: without=N rollouts=N no-drift no-drop no-twice no-slow no-fails "
                "no-stuck no-rejects, or its number is not of this story");
    return tell (&story, trace);
}
