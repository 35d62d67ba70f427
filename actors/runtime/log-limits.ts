import pino, { type LoggerOptions } from 'pino';

/**
 * Bounds for what a node logs, whatever it is sent: of lines with the same words so many within ten seconds, of all lines at `info` so
 * many besides the first of each kind, of which requests of clients take no more than their share, so that a flood leaves room for blocks
 * and breaches; and each of a length. What was held back is told when the time is over. Lines below `info` are for who looks for a
 * fault, and are not bounded.
 */
export function logLimits({
  mostLines = MOST_LINES,
  mostInfo = MOST_INFO,
  mostRequests = Math.ceil(REQUESTS_SHARE * mostInfo),
  withinMs = WITHIN_MS,
}: Partial<Bounds> = {}): LogBounds {
  const windows = new Windows({ mostLines, mostInfo, mostRequests, withinMs });
  const hooks: LogBounds['hooks'] = {
    logMethod(args, method, level) {
      const said = args.find((arg): arg is string => typeof arg === 'string') ?? '';
      const log: Say = (...line) => method.apply(this, line);
      const line = { level, key: `${level} ${said.slice(0, MOST_TEXT)}`, isOfRequest: isOfRequest(args[0]) };
      if (level < INFO || windows.take(line, log)) method.apply(this, args.map(shortened) as typeof args);
    },
  };
  return { hooks, serializers: { err: short } };
}

type LogBounds = Required<Pick<LoggerOptions, 'hooks' | 'serializers'>>;
type Say = (about: object, said: string) => void;

interface Bounds {
  /** With the same words. */
  readonly mostLines: number;
  /** At `info`, of all words together. */
  readonly mostInfo: number;
  /** Of those, about clients' requests. */
  readonly mostRequests: number;
  readonly withinMs: number;
}

interface Line {
  readonly level: number;
  /** What lines with the same words have in common. */
  readonly key: string;
  readonly isOfRequest: boolean;
}

/** What was logged lately. */
class Windows {
  readonly #windows = new Map<string, { lines: number; heldBack: number }>();
  /** Lines at `info`, but for the first of each kind. */
  #info = 0;
  #requests = 0;
  #isCounting = false;

  constructor(private readonly bounds: Bounds) {}

  /** Whether a line is to be logged. */
  take(line: Line, log: Say): boolean {
    const window = this.#windows.get(line.key);
    if (!window) return this.#begin(line, log);
    const isOne = window.lines < this.bounds.mostLines && (line.level > INFO || this.#takeInfo(line.isOfRequest));
    if (isOne) window.lines++;
    else window.heldBack++;
    return isOne;
  }

  #takeInfo(isOfRequest: boolean): boolean {
    if (!this.#isCounting) {
      this.#isCounting = true;
      this.#later(() => {
        this.#isCounting = false;
        this.#info = 0;
        this.#requests = 0;
      });
    }
    if (isOfRequest && ++this.#requests > this.bounds.mostRequests) return false;
    return ++this.#info <= this.bounds.mostInfo;
  }

  #begin(line: Line, log: Say): boolean {
    const { key } = line;
    // The texts are the code's own, so there are few of them; should one carry what it was sent, they share what is left.
    if (key !== '' && this.#windows.size >= MOST_KEYS) return this.take({ ...line, key: '' }, log);
    const opened = { lines: 1, heldBack: 0 };
    this.#windows.set(key, opened);
    this.#later(() => {
      this.#windows.delete(key);
      const { heldBack } = opened;
      if (heldBack > 0)
        log({ held_back: heldBack, said: key.slice(key.indexOf(' ') + 1) }, 'the same was logged too often');
    });
    return true;
  }

  #later(act: () => void): void {
    setTimeout(act, this.bounds.withinMs).unref();
  }
}

const isOfRequest = (about: unknown): boolean => typeof about === 'object' && about !== null && 'request' in about;

const shortened = (arg: unknown): unknown => {
  if (arg instanceof Error) return { err: arg, msg: arg.message.slice(0, MOST_TEXT) };
  return typeof arg === 'string' ? arg.slice(0, MOST_TEXT) : arg;
};

/** An error as pino writes it, without what in it has no bound. */
function short(error: unknown): unknown {
  const written: unknown = error instanceof Error ? pino.stdSerializers.err(error) : error;
  if (typeof written !== 'object' || written === null) return written;
  const fields = Object.entries(written).flatMap(([name, value]) => {
    if (typeof value === 'string') return [[name, value.slice(0, name === 'stack' ? MOST_STACK : MOST_TEXT)]];
    return typeof value === 'object' ? [] : [[name, value]];
  });
  return Object.fromEntries(fields);
}

const INFO = 30;
const MOST_LINES = 30;
const MOST_INFO = 100;
const REQUESTS_SHARE = 0.6;
const WITHIN_MS = 10_000;
const MOST_KEYS = 1_000;
const MOST_TEXT = 500;
const MOST_STACK = 4_000;
