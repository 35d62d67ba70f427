/** The reason for a wait, for a line of the logs: what failed is expected to, and its stack tells nobody anything. */
export const why = (error: unknown): { why: string } => ({
  why: (error instanceof Error ? error.message : String(error)).slice(0, MOST_SAID),
});

/** How much of what another program said a line repeats. */
const MOST_SAID = 500;
