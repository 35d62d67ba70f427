import { about, type Finding } from './finding.js';

const { ok, warning, problem } = about('clock');

/** A clock that is read by asking somebody else, in ms since 1970. */
export interface ClockReading {
  readonly whose: string;
  /** What it said. */
  readonly theirs: number;
  /** Our own when we asked, and when the answer was there. */
  readonly asked: number;
  readonly answered: number;
}

/** From here on people see that times of logs do not fit together, in ms. */
const ODD_MS = 5_000;
/** And from here on certificates, invites' ends and the times on the log are wrong by what somebody counts on. */
const WRONG_MS = 60_000;

const CURE = 'have the clock set by a time server on both machines: timedatectl set-ntp true';

/** Compares our clock with another's; half of the time that the question took is not counted. */
export function compareClocks({ whose, theirs, asked, answered }: ClockReading): Finding {
  const off = Math.max(0, Math.abs(theirs - (asked + answered) / 2) - (answered - asked) / 2);
  const way = theirs > answered ? 'ahead of' : 'behind';
  const seconds = `${(off / 1000).toFixed(off < 10_000 ? 1 : 0)} s`;
  if (off < ODD_MS) return ok(`agrees with that of ${whose}`);
  const what = `the clock of ${whose} is ${seconds} ${way} this one`;
  return off < WRONG_MS ? warning(what, CURE) : problem(what, CURE);
}

/** Blocks from more than two hours ahead are refused by bitcoind, so its clock must not be far behind its peers'. */
export function peersClock(offsetSeconds: number): Finding[] {
  const off = Math.abs(offsetSeconds);
  if (off * 1000 < WRONG_MS) return [];
  const what = `bitcoind's clock is ${off} s ${offsetSeconds > 0 ? 'behind' : 'ahead of'} those of its peers`;
  return [off < 3600 ? warning(what, CURE) : problem(what, CURE)];
}
