import pino, { type LoggerOptions } from 'pino';

/**
 * Bounds for what a node logs, whatever it is sent: of lines with the same words so many within ten seconds, and each of a
 * length. What was held back is told when the time is over. Lines below `info` are for who looks for a fault, and are not bounded.
 */
export function logLimits({ mostLines = MOST_LINES, withinMs = WITHIN_MS } = {}): LogBounds {
  const windows = new Map<string, Window>();
  const hooks: LogBounds['hooks'] = {
    logMethod(args, method, level) {
      const said = args.find((arg): arg is string => typeof arg === 'string') ?? '';
      const log = (...line: [object, string]) => method.apply(this, line);
      if (level < INFO || isWithin(windows, `${level} ${said.slice(0, MOST_TEXT)}`, { mostLines, withinMs, log }))
        method.apply(this, args.map(shortened) as typeof args);
    },
  };
  return { hooks, serializers: { err: short } };
}

type LogBounds = Required<Pick<LoggerOptions, 'hooks' | 'serializers'>>;

interface Window {
  lines: number;
}

function isWithin(
  windows: Map<string, Window>,
  key: string,
  { mostLines, withinMs, log }: { mostLines: number; withinMs: number; log: (about: object, said: string) => void },
): boolean {
  const window = windows.get(key);
  if (window) return ++window.lines <= mostLines;
  const opened: Window = { lines: 1 };
  // The texts are the code's own, so there are few of them; should one carry what it was sent, they share what is left.
  if (key !== '' && windows.size >= MOST_KEYS) return isWithin(windows, '', { mostLines, withinMs, log });
  windows.set(key, opened);
  setTimeout(() => {
    windows.delete(key);
    const heldBack = opened.lines - mostLines;
    if (heldBack > 0)
      log({ held_back: heldBack, said: key.slice(key.indexOf(' ') + 1) }, 'the same was logged too often');
  }, withinMs).unref();
  return true;
}

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
const WITHIN_MS = 10_000;
const MOST_KEYS = 1_000;
const MOST_TEXT = 500;
const MOST_STACK = 4_000;
