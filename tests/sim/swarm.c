/* swarm --seeds N [--from S] [--jobs J] [--hosts H] [--stop 1]: tells N stories in J processes. A story in
   which an invariant breaks is made as short and mild as it can be while the same one still breaks, and
   printed with the command that tells it again. Exit code 1 where there is one. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/world.h"

enum { JOBS = 64 };

/* Shared by the processes. */
struct tally {
    _Atomic uint64_t next;
    _Atomic uint64_t told;
    _Atomic uint64_t events;
    _Atomic uint64_t crashes;
    _Atomic uint64_t virtual_ms;
    _Atomic uint64_t broken;
    _Atomic uint64_t phases[phase_count];
    _Atomic uint64_t first_broken; /* how many stories had been told when the first one broke, and that one */
};

struct wishes {
    uint64_t seeds;
    uint64_t from;
    uint64_t jobs;
    uint64_t hosts;
    uint64_t stop; /* 1: end with the first, as it is */
};

static double seconds_now (void)
{
    struct timespec time;
    (void)clock_gettime (CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Each way once, and again from the beginning as long as one helps. */
static void shrink (struct story *story, unsigned invariant, struct outcome_of_run *outcome)
{
    bool helped = true;
    while (helped) {
        struct story simpler;
        helped = false;
        for (unsigned way = 0; story_simplify (story, way, &simpler); way++) {
            struct outcome_of_run other;
            if (memcmp (&simpler, story, sizeof simpler) == 0)
                continue;
            run_story (&simpler, NULL, false, &other);
            if (other.invariant != invariant)
                continue;
            *story = simpler;
            *outcome = other;
            helped = true;
        }
    }
}

static void report (const struct wishes *wishes, struct story *story, struct outcome_of_run *outcome)
{
    struct buffer text = {0};
    unsigned invariant = outcome->invariant;
    (void)printf (
        "seed %llu breaks invariant %u: %s\n", (unsigned long long)story->seed, invariant, outcome->words);
    (void)fflush (stdout);
    if (wishes->stop == 1)
        return;
    shrink (story, invariant, outcome);
    buffer_print (&text, "the shortest story that still breaks it (%s):\n", outcome->words);
    story_print (story, &text);
    buffer_text (&text, "again: sim ");
    story_print_options (story, (unsigned)wishes->hosts, &text);
    (void)printf ("%s --trace\n", text.data);
    (void)fflush (stdout);
    buffer_free (&text);
}

static void tell_one (const struct wishes *wishes, struct tally *tally, uint64_t seed)
{
    struct story story;
    struct outcome_of_run outcome;
    story_draw (seed, (unsigned)wishes->hosts, &story);
    run_story (&story, NULL, false, &outcome);
    tally->told++;
    tally->events += outcome.events;
    tally->crashes += outcome.crashes;
    tally->virtual_ms += (uint64_t)outcome.virtual_ms;
    for (unsigned i = 0; i < outcome.phase_count; i++)
        tally->phases[outcome.phases[i]]++;
    if (outcome.invariant == 0)
        return;
    if (tally->broken++ == 0)
        tally->first_broken = tally->told;
    report (wishes, &story, &outcome);
}

static void work (const struct wishes *wishes, struct tally *tally)
{
    while (!(wishes->stop == 1 && tally->broken > 0)) {
        uint64_t place = tally->next++;
        if (place >= wishes->seeds)
            return;
        tell_one (wishes, tally, wishes->from + place);
    }
}

static bool run_jobs (const struct wishes *wishes, struct tally *tally)
{
    bool good = true;
    int status;
    for (uint64_t i = 0; i < wishes->jobs; i++) {
        pid_t child = fork ();
        if (child == 0) {
            work (wishes, tally);
            (void)fflush (stdout);
            _exit (0);
        }
        good = good && child > 0;
    }
    while (wait (&status) > 0)
        good = good && WIFEXITED (status) && WEXITSTATUS (status) == 0;
    return good;
}

static void sum_up (const struct tally *tally, double took)
{
    double virtual = (double)tally->virtual_ms / 1000;
    (void)printf (
        "%llu stories in %.1fs: %.1f seeds a second, %.0f times as fast as time; %.1f million events, %llu "
        "crashes\n",
        (unsigned long long)tally->told, took, (double)tally->told / took, virtual / took,
        (double)tally->events / 1e6, (unsigned long long)tally->crashes);
    (void)printf ("rollouts:");
    for (enum phase phase = 0; phase < phase_count; phase++)
        if (tally->phases[phase] > 0)
            (void)printf (
                " %llu %s", (unsigned long long)tally->phases[phase], enum_word (&phase_words, phase));
    (void)printf ("\n%llu broken invariants", (unsigned long long)tally->broken);
    if (tally->broken > 0)
        (void)printf (", the first after %llu seeds", (unsigned long long)tally->first_broken);
    (void)printf ("\n");
}

static bool take_words (int count, char **words, struct wishes *ret)
{
    for (int i = 1; i + 1 < count; i += 2) {
        uint64_t *place = strcmp (words[i], "--seeds") == 0   ? &ret->seeds
                          : strcmp (words[i], "--from") == 0  ? &ret->from
                          : strcmp (words[i], "--jobs") == 0  ? &ret->jobs
                          : strcmp (words[i], "--hosts") == 0 ? &ret->hosts
                          : strcmp (words[i], "--stop") == 0  ? &ret->stop
                                                              : NULL;
        char *end = NULL;
        if (place == NULL)
            return false;
        *place = strtoull (words[i + 1], &end, 10);
        if (end == words[i + 1] || *end != '\0')
            return false;
    }
    return count % 2 == 1 && ret->seeds > 0 && ret->jobs >= 1 && ret->jobs <= JOBS &&
           (ret->hosts == 0 || (ret->hosts >= 3 && ret->hosts <= STORY_HOSTS));
}

int main (int count, char **words)
{
    struct wishes wishes = {.seeds = 1000, .from = 1, .jobs = 2};
    struct tally *tally =
        mmap (NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double began = seconds_now ();
    bool good;
    if (!take_words (count, words, &wishes)) {
        (void)fprintf (
            stderr, "usage: swarm --seeds N [--from SEED] [--jobs 1…64] [--hosts 3…10000] [--stop 1]\n");
        return 2;
    }
    if (tally == MAP_FAILED)
        return 2;
    good = run_jobs (&wishes, tally);
    sum_up (tally, seconds_now () - began);
    if (!good)
        (void)puts ("a process of the swarm has died: its seed is not among the above");
    return good && tally->broken == 0 ? 0 : 1;
}
