import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';

/**
 * Loaded into a command that is to die, as of SIGKILL, at the step that TEST_KILL_AT says: 1 is the first. A step is what
 * may be seen afterwards: a change of a file in the folder of later identities, a commit for the chain before it is sent and
 * when it is sent and no ack was heard, and a line for the operator.
 */

const killAt = Number(process.env.TEST_KILL_AT);
let steps = 0;

function step(): void {
  if (++steps === killAt) process.kill(process.pid, 'SIGKILL');
}

type Changing = 'openSync' | 'linkSync' | 'renameSync' | 'rmSync' | 'mkdirSync';
const NAMES: readonly Changing[] = ['openSync', 'linkSync', 'renameSync', 'rmSync', 'mkdirSync'];

for (const name of NAMES) {
  const original: (...given: never[]) => unknown = fs[name];
  const stepped = (...given: never[]) => {
    const [where, flags]: unknown[] = given;
    // Of files that are opened only those that are made.
    if (String(where).includes('identities') && (name !== 'openSync' || flags === 'wx')) step();
    return original(...given);
  };
  Object.assign(fs, { [name]: stepped });
}
syncBuiltinESMExports();

type Write = (this: Socket, bytes: Uint8Array | string, ...more: never[]) => boolean;
const write: Write = Socket.prototype.write;
const steppedWrite: Write = function (bytes, ...more) {
  const isCommit = typeof bytes !== 'string' && Buffer.from(bytes).includes('PUB argus.chain ');
  if (isCommit) step();
  const taken = write.call(this, bytes, ...more);
  if (isCommit) step();
  return taken;
};
Object.assign(Socket.prototype, { write: steppedWrite });

const say: (...given: never[]) => boolean = process.stdout.write.bind(process.stdout);
Object.assign(process.stdout, {
  write(...given: never[]) {
    step();
    return say(...given);
  },
});
