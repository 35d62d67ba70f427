import { existsSync } from 'node:fs';
import { BitcoindRpc } from '../../actors/bitcoind/rpc.js';
import { type Config, checkConfig } from '../../actors/config.js';
import type { ConfigSources, SettingPath } from '../../actors/config-sources.js';
import { registrationPolicies } from '../../actors/outcomes.js';
import { examineBitcoind } from '../doctor/bitcoind.js';
import type { Finding } from '../doctor/finding.js';
import { addressesOf, examineDoors } from '../doctor/ports.js';
import { examineTor } from '../doctor/tor.js';
import { publishedTopics } from '../doctor/zmq.js';
import { usualBitcoind, usualNetwork } from './bitcoin-conf.js';
import type { Terminal } from './terminal.js';

/** What was settled so far, by the settings' paths. */
type Answers = Record<SettingPath, string>;

/**
 * What a new node has to know: what is given stays; the rest is asked at a terminal, or taken as it is by habit where there is
 * none. An answer is checked at once, bitcoind by asking it.
 */
export class Questions {
  readonly #answers: Answers = {};

  /** `tell` hears what is odd. */
  constructor(
    private readonly sources: ConfigSources,
    private readonly terminal: Terminal | undefined,
    private readonly tell: (line: string) => void,
  ) {}

  async askAll(): Promise<Answers> {
    await this.#ask('network', 'Network: mainnet, testnet, testnet4, signet, regtest', usualNetwork() ?? 'mainnet');
    await this.#askBitcoind();
    await this.#ask('registration.policy', `Who may register: ${registrationPolicies.join(', ')}`, 'open');
    await this.#askHttp();
    await this.#askTor();
    await this.#askNats();
    return this.#answers;
  }

  /** What was given and answered: the configuration so far. */
  #checked(more: Answers = {}): ReturnType<typeof checkConfig> {
    const flags = { ...this.sources.flags, ...this.#answers, ...more };
    return checkConfig({ file: null, env: this.sources.env, flags });
  }

  #config(): Config | undefined {
    const checked = this.#checked();
    return 'config' in checked ? checked.config : undefined;
  }

  /** Whether flags or the environment have said it. */
  #isGiven(path: SettingPath): boolean {
    const variable = `ARGUS_${path.toUpperCase().replace('.', '_')}`;
    return this.sources.flags[path] !== undefined || this.sources.env[variable] !== undefined;
  }

  async #ask(path: SettingPath, question: string, usual: string): Promise<void> {
    if (this.#isGiven(path)) return;
    if (!this.terminal) return this.#settle(path, usual);
    for (;;) {
      const answer = await this.terminal.ask(question, usual);
      const wrong = this.#complaint(path, answer);
      if (wrong === undefined) return this.#settle(path, answer);
      this.terminal.say(`  ${wrong}`);
    }
  }

  #settle(path: SettingPath, answer: string): void {
    this.#answers[path] = answer;
  }

  /** What is wrong with an answer, of whatever is wrong with the rest. */
  #complaint(path: SettingPath, answer: string): string | undefined {
    const checked = this.#checked({ [path]: answer });
    const problem = 'problems' in checked && checked.problems.find(({ setting }) => setting === path);
    return problem ? problem.message.replace(/^flag: /, '') : undefined;
  }

  async #askBitcoind(): Promise<void> {
    const network = this.#config()?.network;
    if (!network) return; // what is wrong with that is said by whoever reads the configuration
    const usual = usualBitcoind(network);
    for (;;) {
      await this.#ask('bitcoind.url', "bitcoind's RPC", usual['bitcoind.url'] ?? '');
      await this.#askCredentials(usual);
      const config = this.#config();
      const findings = config ? await examineBitcoind(config) : [];
      const isRight = !findings.some(({ area, state }) => area === 'bitcoind' && state === 'problem');
      this.#show(findings.filter(({ area }) => area === 'bitcoind' || area === 'pruning'));
      if (isRight && config) await this.#takeTopics(config);
      if (isRight || !this.terminal) return;
      const again = await this.terminal.ask('Other answers (yes), or go on all the same (no)', 'yes');
      if (again.startsWith('n')) return;
      for (const path of Object.keys(this.#answers)) if (path.startsWith('bitcoind.')) delete this.#answers[path];
    }
  }

  async #askCredentials(usual: Answers): Promise<void> {
    if (['cookie_file', 'user', 'password'].some((name) => this.#isGiven(`bitcoind.${name}`))) return;
    const { 'bitcoind.user': user, 'bitcoind.password': password, 'bitcoind.cookie_file': cookie } = usual;
    if (!this.terminal) {
      if (cookie !== undefined) return this.#settle('bitcoind.cookie_file', cookie);
      this.#settle('bitcoind.user', user ?? '');
      return this.#settle('bitcoind.password', password ?? '');
    }
    const file = await this.terminal.ask('Its cookie file, or - for a user and a password', cookie ?? '-');
    if (file !== '-') return this.#settle('bitcoind.cookie_file', file);
    await this.#ask('bitcoind.user', 'Its user', user ?? '');
    const isSame = user !== undefined && user === this.#answers['bitcoind.user'] && password !== undefined;
    const typed = await this.terminal.askSecret(
      isSame ? 'Its password (Enter: as bitcoin.conf has it)' : 'Its password',
    );
    this.#settle('bitcoind.password', typed === '' && isSame ? password : typed);
  }

  /** Where bitcoind tells of blocks and transactions, it says itself. */
  async #takeTopics({ bitcoind }: Config): Promise<void> {
    const published = await publishedTopics(bitcoind.url, new BitcoindRpc(bitcoind)).catch(() => ({}));
    for (const [path, address] of Object.entries(published)) if (!this.#isGiven(path)) this.#settle(path, address);
    const config = this.#config();
    if (!config) return;
    const findings = await examineBitcoind(config);
    this.#show(findings.filter(({ area }) => area === 'zmq'));
  }

  /** Tor may be started later: what is wrong with it is said, and is no reason for another answer. */
  async #askTor(): Promise<void> {
    await this.#ask('tor.control', "An onion service, too: tor's control port, auto, or off", 'off');
    const config = this.#config();
    if (config) this.#show(await examineTor(config));
  }

  async #askHttp(): Promise<void> {
    for (;;) {
      const question = 'Where clients come in by HTTP (0.0.0.0:9814: from everywhere)';
      await this.#ask('http.listen', question, '127.0.0.1:9814');
      const config = this.#config();
      const findings = config ? await examineDoors(config) : [];
      const wrong = findings.filter(({ area, state }) => area === 'http' && state === 'problem');
      this.#show(wrong);
      if (wrong.length === 0 || !this.terminal || this.#isGiven('http.listen')) return;
    }
  }

  async #askNats(): Promise<void> {
    if (this.#isGiven('nats.url')) return;
    while (this.terminal) {
      const question = 'NATS servers of a cluster, or own for one that the node starts itself';
      const answer = await this.terminal.ask(question, 'own');
      if (answer === 'own') break;
      const wrong = this.#complaint('nats.url', answer);
      if (wrong === undefined) return this.#settle('nats.url', answer);
      this.terminal.say(`  ${wrong}`);
    }
    await this.#findNatsPort();
  }

  /** The own server's port is asked for where the usual one is taken, and not by a server that is this node's already. */
  async #findNatsPort(): Promise<void> {
    for (;;) {
      const { nats } = this.#config() ?? {};
      if (!nats || existsSync(nats.nodeNkeyFile)) return;
      const finding = await addressesOf('nats', { host: nats.host, port: nats.port, setting: 'nats.port' });
      if (finding.state === 'ok') return;
      this.#show([finding]);
      if (!this.terminal || this.#isGiven('nats.port')) return;
      await this.#ask('nats.port', "The port of the node's own NATS server", String(nats.port + 1));
    }
  }

  /** At a terminal all of it; else what is wrong alone. */
  #show(findings: readonly Finding[]): void {
    for (const { state, what, cure } of findings) {
      if (state === 'ok' && !this.terminal) continue;
      this.tell(`  ${state === 'ok' ? 'ok' : state.toUpperCase()}  ${what.replace(/[\p{Cc}\p{Cf}]/gu, ' ')}`);
      if (cure !== null) this.tell(`      -> ${cure}`);
    }
  }
}
