/** What `argus doctor` finds. */

/** `unknown`: it cannot be seen from here, or not before something else is mended. */
export type FindingState = 'ok' | 'warning' | 'problem' | 'unknown';

export interface Finding {
  /** What it is about, such as `bitcoind`. */
  readonly area: string;
  readonly state: FindingState;
  /** One line. */
  readonly what: string;
  /** What to do about it: the line to change or to run; null where nothing needs to be done. */
  readonly cure: string | null;
}

/** Findings about one area. */
export interface About {
  readonly ok: (what: string) => Finding;
  /** The tower works, but not as well, or not for long. */
  readonly warning: (what: string, cure: string) => Finding;
  /** A node would not start, or would not do its duty. */
  readonly problem: (what: string, cure: string) => Finding;
  readonly unknown: (what: string, cure?: string) => Finding;
}

export const about = (area: string): About => ({
  ok: (what) => ({ area, state: 'ok', what, cure: null }),
  warning: (what, cure) => ({ area, state: 'warning', what, cure }),
  problem: (what, cure) => ({ area, state: 'problem', what, cure }),
  unknown: (what, cure) => ({ area, state: 'unknown', what, cure: cure ?? null }),
});

/** What an error says, on one line. */
export const said = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
