// How far a download is, seen from the folder that it fills: a line that changes on a terminal, a line now and then in
// a log file.

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { log, size } from './report.mjs';

const REDRAW_MS = 200;
const REPEAT_MS = 15_000;

/**
 * Shows how many bytes a folder holds until it is stopped.
 * @param {string} folder
 * @param {string} doing
 * @param {number} [total] bytes expected, if known
 * @returns {{ stop(): void }}
 */
export function watchFolder(folder, doing, total) {
  const line = () => {
    const bytes = bytesIn(folder);
    return total === undefined
      ? `${doing}: ${size(bytes)}`
      : `${doing} ${Math.min(100, Math.floor((100 * bytes) / total))} %, ${size(bytes)} of ${size(total)}`;
  };
  if (!process.stderr.isTTY) {
    const timer = setInterval(() => log(line()), REPEAT_MS);
    return { stop: () => clearInterval(timer) };
  }
  const draw = () => process.stderr.write(`\r\x1b[Kargus: ${line()}`);
  const timer = setInterval(draw, REDRAW_MS);
  draw();
  return {
    stop() {
      clearInterval(timer);
      process.stderr.write('\r\x1b[K');
    },
  };
}

/** @param {string} folder */
function bytesIn(folder) {
  let bytes = 0;
  for (const part of [folder, path.join(folder, 'partial')]) {
    for (const name of readdirSync(part)) bytes += fileSize(path.join(part, name));
  }
  return bytes;
}

/** @param {string} file */
function fileSize(file) {
  try {
    const found = statSync(file);
    return found.isFile() ? found.size : 0;
  } catch {
    return 0; // renamed since it was listed: it is counted next time
  }
}
