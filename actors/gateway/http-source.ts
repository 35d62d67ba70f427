import { BlockList, isIP, isIPv6 } from 'node:net';
import { InviteToken } from '../../events/policy.js';

/** Where an HTTP request comes from, and what the host name that it asked for says. */

/** Where a request comes from, as far as it can be told. */
export interface Source {
  readonly name: string;
  /** Whether that may be anybody: whoever comes through an onion service, or a proxy that is not trusted, for one. */
  readonly isShared: boolean;
}

/** Whether an address is that of a proxy whose word is taken. */
export type Proxies = (address: string) => boolean;

/** Proxies given as addresses and networks: `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`. Throws a `RangeError` for anything else. */
export function parseProxies(list: readonly string[]): Proxies {
  const known = new BlockList();
  for (const one of list) {
    const [address = '', bits, ...more] = one.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    const isWhole = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
    if (family === 0 || !isWhole || more.length > 0) throw new RangeError(`${one} is no address, and no network`);
    known.addSubnet(address, bits === undefined ? most : Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => isIP(address) > 0 && known.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

const LOOPBACK = parseProxies(['127.0.0.0/8', '::1']);

/** The longest `X-Forwarded-For` that is looked at, from its end. */
const MOST_HOPS = 32;

/**
 * Who sent a request: its peer, or, where that is a proxy that is trusted, the last address that such a proxy was not. What comes
 * before that in `X-Forwarded-For` anybody may have written. An IPv6 address counts as its /64, which is one household's; the
 * machine itself stands for all whom something on it lets in.
 */
export function sourceOf(
  peer: string | undefined,
  forwardedFor: string | readonly string[] | undefined,
  proxies: Proxies,
): Source {
  let source = plain(peer ?? '');
  const hops = [forwardedFor ?? []].flat().join(',').split(',').slice(-MOST_HOPS);
  for (let hop = hops.pop(); hop !== undefined && proxies(source); hop = hops.pop()) {
    const before = plain(hop.trim());
    // A proxy that says something else than an address has said nothing.
    if (isIP(before) === 0) break;
    source = before;
  }
  if (source === '' || LOOPBACK(source)) return { name: 'this machine', isShared: true };
  return { name: isIPv6(source) ? networkOf(source) : source, isShared: false };
}

/** `::ffff:192.0.2.1` is 192.0.2.1; a zone says which of the machine's own networks. */
function plain(address: string): string {
  const [bare = ''] = address.split('%');
  const [, ip4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare) ?? [];
  return ip4 ?? bare;
}

/** `2001:db8:1:2::/64` */
function networkOf(address: string): string {
  const [left = '', right] = address.toLowerCase().split('::');
  const groups = left === '' ? [] : left.split(':');
  // What is left out by `::` are zeros; an IPv4 tail stands for two groups, and is never among the first four of eight.
  const after = right === undefined || right === '' ? [] : right.split(':');
  const length = after.length + (right?.includes('.') ? 1 : 0);
  const all =
    right === undefined ? groups : [...groups, ...Array<string>(8 - groups.length - length).fill('0'), ...after];
  const first = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${first.join(':')}::/64`;
}

/** The token in the first label of a host name: `<token>.tower.example`. Clients that can say it nowhere else are given it so. */
export function inviteInHost(host: string | undefined): InviteToken | undefined {
  const [label = '', ...domain] = (host ?? '').split('.');
  return domain.length > 0 ? InviteToken.safeParse(label).data : undefined;
}
