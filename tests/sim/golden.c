/* golden FOLDER [--write]: tells the ten stories of tales.c. Each trace is what the file of its name in the
   folder says, or is written there, to be read before it is kept. Exit code 1 where one differs. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/tales.h"
#include "tests/sim/world.h"

/* The trace, to be freed. */
static char *trace_of (const struct tale *tale, struct outcome_of_run *ret)
{
    struct story story;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream (&text, &size);
    tale->tell (&story);
    run_story (&story, file, true, ret);
    (void)fclose (file);
    return text;
}

static bool write_file (const char *path, const char *text)
{
    FILE *file = fopen (path, "w");
    bool good = file != NULL && fputs (text, file) >= 0;
    return (file == NULL || fclose (file) == 0) && good;
}

/* The first line that differs, of both. */
static bool compare (const char *path, const char *text)
{
    FILE *file = fopen (path, "r");
    char *line = NULL;
    size_t room = 0;
    bool same = file != NULL;
    while (same && getline (&line, &room, file) > 0) {
        size_t size = strlen (line);
        same = strncmp (text, line, size) == 0;
        if (!same)
            (void)printf ("%s says: %sand now it is: %.*s\n", path, line, (int)strcspn (text, "\n"), text);
        text += same ? size : 0;
    }
    if (same && *text != '\0')
        (void)printf ("%s ends, and now it goes on: %.*s\n", path, (int)strcspn (text, "\n"), text);
    same = same && *text == '\0';
    free (line);
    if (file != NULL)
        (void)fclose (file);
    return same;
}

static bool tell_one (const char *folder, const struct tale *tale, bool writes)
{
    struct outcome_of_run outcome;
    char *text = trace_of (tale, &outcome);
    char path[512];
    bool good;
    (void)snprintf (path, sizeof path, "%s/%s.trace", folder, tale->name);
    good = writes ? write_file (path, text) : compare (path, text);
    if (outcome.invariant != 0 || outcome.phase_count == 0 || outcome.phases[0] != tale->ends) {
        good = false;
        (void)printf (
            "%s ends %s, not %s; %s\n", tale->name,
            outcome.phase_count > 0 ? enum_word (&phase_words, outcome.phases[0]) : "nowhere",
            enum_word (&phase_words, tale->ends), outcome.words);
    }
    (void)printf ("%-28s %s\n", tale->name, good ? "as it was" : "DIFFERS");
    free (text);
    return good;
}

int main (int count, char **words)
{
    bool writes = count == 3 && strcmp (words[2], "--write") == 0;
    bool good = true;
    if (count < 2 || (count == 3 && !writes) || count > 3) {
        (void)fprintf (stderr, "usage: golden FOLDER [--write]\n");
        return 2;
    }
    for (size_t i = 0; i < TALES; i++)
        good = tell_one (words[1], &tales[i], writes) && good;
    return good ? 0 : 1;
}
