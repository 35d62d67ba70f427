/** Does something so many times, so many at once. Rejects with the first failure. */
export async function inTurn(count: number, atOnce: number, act: () => Promise<unknown>): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left--;
      await act();
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker));
}
