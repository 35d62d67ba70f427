/**
 * Loaded into a tower's process by `--import`, with `--expose-gc`: at SIGUSR2 it collects all garbage and prints what
 * memory the process has then, as a line of JSON.
 */
process.on('SIGUSR2', () => {
  // What one collection finds to be finalised, another frees.
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const line = { time: Date.now(), level: 20, msg: 'garbage is collected', heapUsed, external, arrayBuffers };
  process.stderr.write(`${JSON.stringify(line)}\n`);
});
