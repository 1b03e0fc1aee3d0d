/* The child side of http and tcp probes: `relevo-agent --probe USER KIND TARGET STATUS BODY MILLISECONDS`. */
#ifndef RELEVO_AGENT_IO_PROBE_CHILD_H
#define RELEVO_AGENT_IO_PROBE_CHILD_H

enum { PROBE_EXIT_PASSED = 0, PROBE_EXIT_FAILED = 1, PROBE_EXIT_ERROR = 2, PROBE_EXIT_TIMEOUT = 3 };

/* `words` are those behind --probe. Prints one line, why, on stdout; returns the exit code. */
int probe_child (int count, char **words);

#endif
