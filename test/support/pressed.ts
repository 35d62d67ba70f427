/** `NODE_OPTIONS` by which a command thinks that ctrl-c was pressed just before it reads a file as a stream. */
export const CTRL_C_AT_FILE = `--import=data:text/javascript,${encodeURIComponent(`import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const { createReadStream } = fs;
fs.createReadStream = (...given) => {
  process.emit('SIGINT');
  return createReadStream(...given);
};
syncBuiltinESMExports();`)}`;
