import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** How somebody is told: a web address that takes JSON, a program that is started, or both. */
export interface Ways {
  readonly webhook?: string | undefined;
  readonly command?: string | undefined;
}

/** Why one of the ways failed, after all tries. */
export interface Failed {
  readonly way: keyof Ways;
  readonly why: string;
}

/** Tells of one alert by all ways, each tried three times; gives those that failed. Never rejects. */
export async function deliver(
  { webhook, command }: Ways,
  alert: object & { readonly kind: string; readonly text: string },
): Promise<Failed[]> {
  const body = JSON.stringify(alert);
  const acts: [keyof Ways, () => Promise<void>][] = [];
  if (webhook !== undefined) acts.push(['webhook', () => post(webhook, body)]);
  if (command !== undefined) acts.push(['command', () => run(command, body, alert)]);
  const tried = await Promise.all(acts.map(async ([way, act]) => ({ way, why: await failureOf(act) })));
  return tried.flatMap(({ way, why }) => (why === undefined ? [] : [{ way, why }]));
}

async function failureOf(act: () => Promise<void>): Promise<string | undefined> {
  for (let attempt = 0; ; attempt++) {
    try {
      await act();
      return undefined;
    } catch (error) {
      const pause = PAUSES_MS[attempt];
      if (pause === undefined) return wordsOf(error);
      await sleep(pause);
    }
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

async function post(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(LONGEST_MS) });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`it answers ${answer.status}`);
}

/** No shell is between: the program gets the alert on stdin, and its kind and words in its environment. */
async function run(
  program: string,
  body: string,
  { kind, text }: { readonly kind: string; readonly text: string },
): Promise<void> {
  const env = { ...process.env, ARGUS_ALERT_KIND: kind, ARGUS_ALERT_TEXT: text };
  const child = spawn(program, [], { stdio: ['pipe', 'inherit', 'inherit'], env });
  const late = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
  try {
    child.stdin.on('error', () => {}); // it may not want to read
    child.stdin.end(`${body}\n`);
    const [code, signal] = await once(child, 'exit'); // rejects if it cannot be started
    if (code !== 0) throw new Error(signal ? `it was ended by ${signal}` : `its exit status was ${code}`);
  } finally {
    clearTimeout(late);
  }
}

const LONGEST_MS = 30_000;
const PAUSES_MS = [1_000, 5_000];
