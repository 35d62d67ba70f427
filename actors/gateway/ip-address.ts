/**
 * The eight groups of an IPv6 address, each from 0 to 65535, however the system writes it: `::1`, `fe80::1%eth0`,
 * `::ffff:192.0.2.7`.
 */
export function groupsOf(address: string): readonly number[] {
  const [before = [], after = []] = (address.split('%', 1)[0] ?? '').split('::', 2).map((half) =>
    half
      .split(':')
      .filter((group) => group !== '')
      .flatMap((group) => (group.includes('.') ? groupsOf4(group) : [Number.parseInt(group, 16)])),
  );
  return [...before, ...Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
}

/** The two groups that an IPv4 address is at the end of an IPv6 address. */
export function groupsOf4(address: string): readonly number[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [256 * a + b, 256 * c + d];
}
