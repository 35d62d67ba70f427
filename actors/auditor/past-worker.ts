import { parentPort, workerData } from 'node:worker_threads';
import { connectLog } from '../../events/log/connection.js';
import { AS_NODE, openLiveSource } from './live-source.js';
import { LogPointError } from './log-point.js';
import { PastQuestionError, PastReader } from './past-reader.js';
import { PastAsked, type PastSaid, PastSetting } from './past-wire.js';

/** The thread that reads a node's log for people: has a connection of its own, so that nothing else in the node waits for it. */

const setting = PastSetting.parse(workerData);
const nc = await connectLog(setting);
const source = await openLiveSource(nc, setting.seed, AS_NODE);
const reader = new PastReader(source, { signal: new AbortController().signal });

async function said({ id, question }: PastAsked): Promise<PastSaid> {
  try {
    return { id, answer: { ...(await reader.answer(question)) } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isWrong = error instanceof PastQuestionError || error instanceof LogPointError;
    return isWrong ? { id, wrong: message } : { id, error: message };
  }
}

/** One after another: each is a walk through the log. */
let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (message) => {
  last = last.then(async () => parentPort?.postMessage(await said(PastAsked.parse(message))));
});
