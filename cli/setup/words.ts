import type { z } from 'zod';
import type { Settings } from '../../actors/config.js';

/** What is said of each setting in the file that `argus init` writes: one line, and an example where there is no default. */

type Spelt = z.infer<typeof Settings>;
type PathIn<Section extends keyof Spelt & string> =
  NonNullable<Spelt[Section]> extends object ? `${Section}.${keyof NonNullable<Spelt[Section]> & string}` : Section;
/** A setting's path in the file: `bitcoind.url`. There is no other, which the compiler sees to. */
export type SettingName = { [Section in keyof Spelt & string]: PathIn<Section> }[keyof Spelt & string];

export interface Words {
  /** What it is. */
  readonly what: string;
  /** What it could be, of a setting that is not there unless it is set. */
  readonly like?: string | number;
}

export const WORDS: Readonly<Record<SettingName, Words>> = {
  network: { what: 'mainnet, testnet, testnet4, signet or regtest; bitcoind must be on it' },
  data: { what: "this node's folder, if it is not ~/.argus/<network>", like: '/var/lib/argus' },
  node: { what: "this node's name in the log; the host's unless set" },
  log_level: { what: 'trace, debug, info, warn, error or silent' },
  locator_cache_size: { what: "blocks in which a late appointment's breach is still found" },
  signature_threads: {
    what: "threads that check and make signatures; as many as the machine's cores allow unless set",
  },

  'key.passphrase_file': {
    what: "its first line is the passphrase of the tower's key, after argus key encrypt; asked at the terminal unless set",
    like: '/etc/argus/passphrase',
  },

  'nats.url': {
    what: 'NATS servers that are not of this node, with commas; unless set, the node starts one of its own',
    like: 'nats://10.0.0.1:4222,nats://10.0.0.2:4222,nats://10.0.0.3:4222',
  },
  'nats.nkey_file': {
    what: 'the seed to sign in with; nats/node.nkey in the data folder',
    like: '/etc/argus/node.nkey',
  },
  'nats.ca_file': { what: 'who certifies the servers of nats.url (PEM), for tls://', like: '/etc/argus/ca.pem' },
  'nats.host': { what: 'address of the own server; 0.0.0.0 lets clients in from outside' },
  'nats.port': { what: 'its port' },
  'nats.cert_file': { what: 'with both of these (PEM), the own server takes TLS only', like: '/etc/argus/cert.pem' },
  'nats.key_file': { what: 'the key of that certificate', like: '/etc/argus/key.pem' },
  'nats.websocket': { what: 'where the own server takes websockets, too', like: '127.0.0.1:8080' },
  'nats.clients_listen': {
    what: 'a second own server, for clients alone: the one with the log need not be reached by them, and a flood is not its matter',
    like: '0.0.0.0:4333',
  },
  'nats.clients_url': {
    what: 'servers of nats-clients.conf, if clients come to others than those of nats.url',
    like: 'nats://10.0.0.1:4333',
  },

  'http.listen': { what: 'where TEOS clients reach the tower; off for nowhere' },
  'http.python_listen': { what: 'the same for python clients alone', like: '127.0.0.1:9817' },
  'http.rust_listen': { what: 'the same for rust clients alone', like: '127.0.0.1:9818' },
  'http.cert_file': { what: 'with both of these (PEM), HTTP takes TLS only', like: '/etc/argus/cert.pem' },
  'http.key_file': { what: 'the key of that certificate', like: '/etc/argus/key.pem' },
  'http.max_connections': { what: 'at so many, further ones are refused until half of them are gone' },
  'http.trusted_proxies': { what: 'proxies whose X-Forwarded-For is believed: ["127.0.0.1", "10.0.0.0/8"]' },
  'http.max_connections_per_source': {
    what: 'from one address; a quarter of http.max_connections unless set',
    like: 250,
  },

  'tor.control': {
    what: "tor's control port, for an onion service: 127.0.0.1:9051 or /run/tor/control; auto finds it; off for none",
  },
  'tor.password_file': {
    what: "the control port's password, if it is not tor's cookie that lets us in",
    like: '/etc/argus/tor',
  },

  'metrics.listen': { what: 'where Prometheus reads the metrics, such as 127.0.0.1:9815; off for nowhere' },
  'web.listen': { what: "where the operator's web page is shown, or off" },

  'log.shards': { what: 'groups of users, fixed when the log is made; as the log has it unless set', like: 1 },
  'log.replicas': { what: 'copies of the log in a NATS cluster; as the log has it unless set', like: 1 },
  'log.serve': { what: 'the shards that this node serves, such as 0-3,7' },
  'snapshots.every': { what: 'commits between two snapshots; 0 for none' },

  'bitcoind.url': {
    what: "bitcoind's RPC; the network's port on this machine unless set",
    like: 'http://127.0.0.1:8332',
  },
  'bitcoind.cookie_file': {
    what: "bitcoind's cookie; below ~/.bitcoin unless set",
    like: '/var/lib/bitcoind/.cookie',
  },
  'bitcoind.user': { what: 'instead of the cookie: rpcuser, or the name in rpcauth', like: 'argus' },
  'bitcoind.password': { what: 'and its password', like: 'secret' },
  'bitcoind.zmq_hashblock': {
    what: "bitcoind's zmqpubhashblock; without it blocks are found by asking",
    like: 'tcp://127.0.0.1:28332',
  },
  'bitcoind.zmq_sequence': {
    what: "bitcoind's zmqpubsequence; with it breaches are answered before they are mined",
    like: 'tcp://127.0.0.1:28332',
  },
  'bitcoind.poll_seconds': { what: 'how often bitcoind is asked for blocks, beside ZMQ' },
  'bitcoind.timeout_seconds': { what: 'how long bitcoind may be silent' },

  'subscription.slots': { what: 'what a registration gives; a slot holds 2048 bytes' },
  'subscription.duration': { what: 'and for how many blocks' },
  'subscription.grace': { what: 'blocks between its end and being forgotten' },
  'registration.policy': {
    what: 'who may register: open (anybody), invite (argus invite create), or allow (argus allow add)',
  },

  'limits.max_appointments': { what: 'of all users' },
  'limits.max_blob_bytes': { what: 'of one appointment' },
  'limits.min_to_self_delay': { what: 'in blocks, of python clients' },
  'limits.max_users': { what: 'who has a subscription renews it all the same' },
  'limits.max_slots_per_user': { what: 'a registration that would give a user more is refused' },
  'limits.registrations_per_minute': { what: 'from one source; 0 for no limit, as below' },
  'limits.user_requests_per_second': { what: "of one user, on average: ten seconds' worth may come at once" },
  'limits.source_requests_per_second': { what: 'from one source, in the same way' },
};
