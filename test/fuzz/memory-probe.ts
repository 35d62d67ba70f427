/** Loaded into a node that is to say how much memory and time it has needed: when its parent asks, after a collection. */
process.on('message', () => {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send?.({ used: heapUsed + external, rss, cpu: user + system });
});
process.channel?.unref();
