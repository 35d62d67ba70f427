import { parseArgs } from 'node:util';
import type { BenchOptions, Figure, Measured } from './figure.js';
import { figures } from './figures.js';
import { round } from './measure/statistics.js';
import { Stage, type StageOptions } from './stage/stage.js';

/**
 * `npm run bench`: measures what the tower does, and in the same run what bounds it.
 *
 * One line of JSON per figure on stdout, `{name, value, unit, limit, ratio, ...}`; progress on stderr. Exit status 0 if
 * all that was asked for was measured, 1 if not, 2 if the question was not understood.
 */
const USAGE = `usage: npm run bench [-- --only NAME[,NAME...]] [--seconds N] [--rounds N] [--most APPOINTMENTS] [--profile FOLDER]
${figures.map(({ name, says }) => `  ${name.padEnd(16)}${says}`).join('\n')}`;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

class UsageError extends Error {
  readonly code = 'usage';
}

interface Wanted {
  readonly figures: readonly Figure[];
  readonly options: BenchOptions;
}

/** What the command line asks for; undefined if for help. Throws `UsageError`. */
function wanted(): Wanted | undefined {
  const { only, seconds, rounds, most, profile, help } = readArguments();
  if (help) return undefined;
  const names = (only ?? []).flatMap((list) => list.split(',')).filter((name) => name !== '');
  const unknown = names.filter((name) => !figures.some((figure) => figure.name === name));
  const known = figures.map(({ name }) => name).join(', ');
  if (unknown.length > 0) throw new UsageError(`there is no figure ${unknown.join(', ')}; there are ${known}`);
  return {
    figures: figures.filter(({ name }) => names.length === 0 || names.includes(name)),
    options: {
      seconds: whole('--seconds', seconds),
      rounds: whole('--rounds', rounds),
      most: whole('--most', most, 8),
      profile,
    },
  };
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        seconds: { type: 'string', default: '10' },
        rounds: { type: 'string', default: '50' },
        most: { type: 'string', default: '10000000' },
        profile: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function whole(flag: string, text: string, digits = 4): number {
  if (/^[1-9]\d*$/.test(text) && text.length <= digits) return Number(text);
  throw new UsageError(`${flag} is a whole number from 1 to ${10 ** digits - 1}, not ${text}`);
}

let inUse: Stage | undefined;
let ending = false;

/** Measures one figure on a stage of its own, and prints it. */
async function measure(figure: Figure, options: BenchOptions): Promise<void> {
  const { name, says } = figure;
  say(`${name}: ${says}`);
  const begun = performance.now();
  const stage = async (wanted?: StageOptions) => {
    inUse = new Stage();
    await inUse.build(options.profile, wanted);
    return inUse;
  };
  try {
    const measured = await figure.measure({ options, stage, say: (text) => say(`  ${text}`) });
    print(name, measured);
    const { value, unit, limit } = measured;
    say(`  ${round(value)} ${unit}, limit ${round(limit)}, in ${round((performance.now() - begun) / 1000)} s`);
  } finally {
    await inUse?.clear();
  }
}

function print(name: string, { value, unit, limit, errors, details }: Measured): void {
  const figure = { name, value: round(value, 4), unit, limit: round(limit, 4), ratio: round(value / limit) };
  process.stdout.write(`${JSON.stringify({ ...figure, ...details, errors: errors.length })}\n`);
  const [first] = errors;
  if (!first) return;
  process.exitCode = 1;
  say(`  ${errors.length} errors; the first: ${first.message}`);
}

/** Ctrl-C ends every child before it ends us. */
function endOnSignals(): void {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      say('stopping');
      void Promise.resolve(inUse?.clear()).finally(() => process.exit(status));
    });
}

try {
  const asked = wanted();
  endOnSignals();
  if (asked) for (const figure of asked.figures) await measure(figure, asked.options);
  else say(USAGE);
} catch (error) {
  const isUsage = error instanceof UsageError;
  if (!ending) say(`bench: ${isUsage ? error.message : error instanceof Error ? error.stack : error}`);
  process.exitCode = isUsage ? 2 : 1;
}
