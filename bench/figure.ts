import type { Stage, StageOptions } from './stage/stage.js';

/** What a figure is measured with. */
export interface Lab {
  readonly options: BenchOptions;
  /** Starts servers and a tower of the figure's own; they are ended and removed when the figure is measured, or fails. */
  stage(options?: StageOptions): Promise<Stage>;
  /** Tells people how far it is; goes to stderr. */
  say(text: string): void;
}

export interface BenchOptions {
  /** How long a rate is sustained, in seconds. */
  readonly seconds: number;
  /** How often a single act is timed. */
  readonly rounds: number;
  /** No figure holds more appointments than this. */
  readonly most: number;
  /** A folder that takes a CPU profile of each tower; undefined for none. */
  readonly profile: string | undefined;
}

/** What was measured: how well the tower does, and what bounds it, measured in the same run on the same servers. */
export interface Measured {
  readonly value: number;
  readonly unit: string;
  /** What `value` would be if the tower added nothing to what has to be done; same unit. */
  readonly limit: number;
  /** What went wrong meanwhile: any makes the figure worthless, and the exit status 1. */
  readonly errors: readonly Error[];
  /** What else is worth knowing; goes into the same line of JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** One figure: one file in `figures/`, and one line in `figures.ts`. */
export interface Figure {
  readonly name: string;
  /** What it measures: half a sentence for people. */
  readonly says: string;
  measure(lab: Lab): Promise<Measured>;
}
