// Programs from Debian's packages without installing them: apt resolves and downloads into a private folder, dpkg-deb
// unpacks there. Needs no root, touches neither the system's packages nor its apt lists, and asks the mirror that the
// machine's own apt is configured for, through that configuration's proxies and keyring.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { capture } from './process.mjs';
import { watchFolder } from './progress.mjs';
import { log, SetupError, size } from './report.mjs';

// Debian's stable suites have neither server, or one too old.
const SUITE = 'sid';

const KEYRINGS = ['gpg', 'pgp'].map((ending) => `/usr/share/keyrings/debian-archive-keyring.${ending}`);

// The hooks are for the system's lists and caches, not ours, and would fail without root. A default release would
// demand a suite that our list of sources does not have.
const CONFIGURATION = `#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear APT::Default-Release;
`;

// The private package status is otherwise empty, so that apt lists every library needed. What only an installation
// needs (users made, questions asked) is said to be there: it would bring in all of systemd.
const STATUS = `Package: argus-host
Status: install ok installed
Version: 1
Architecture: all
Maintainer: nobody <nobody@localhost>
Provides: systemd-sysusers (= 999), debconf (= 999), adduser (= 999)
Description: stands for what unpacked packages do without

`;

/**
 * Downloads packages with everything they need and unpacks each, with all of that, into a folder of its own.
 * @param {Record<string, string>} roots for each package an empty folder
 * @param {string} work a folder for apt's lists and downloads; left after a failure, so that the next try goes on
 * @returns {Promise<void>}
 * @throws {SetupError} with one line that says why it cannot be done
 */
export async function unpackPackages(roots, work) {
  const apt = await prepareApt(work);
  await update(apt);
  await download(apt, Object.keys(roots));
  for (const [name, root] of Object.entries(roots)) {
    for (const { file } of await resolve(apt, [name])) {
      const unpacked = await capture('dpkg-deb', ['-x', path.join(apt.archives, file), root]);
      if (!unpacked.ok) throw new SetupError(`${file} could not be unpacked: ${firstError(unpacked)}`);
    }
  }
  rmSync(work, { recursive: true, force: true });
}

/**
 * @typedef {object} Apt
 * @property {string[]} options for apt-get
 * @property {string} sources the file that names the mirror
 * @property {string} lists
 * @property {string} archives what has been downloaded
 * @property {string} none a folder like it, always empty
 * @property {string} architecture
 */

/**
 * @param {string} work
 * @returns {Promise<Apt>}
 */
async function prepareApt(work) {
  const architecture = await capture('dpkg', ['--print-architecture']);
  const version = await capture('apt-get', ['--version']);
  if (!architecture.ok || !version.ok) throw new SetupError('this machine has no apt');
  const at = (/** @type {string[]} */ ...names) => path.join(work, ...names);
  const apt = {
    sources: at('debian.sources'),
    lists: at('lists'),
    archives: at('archives'),
    none: at('none'),
    architecture: architecture.stdout.trim(),
  };
  for (const folder of [apt.lists, apt.archives, apt.none])
    mkdirSync(path.join(folder, 'partial'), { recursive: true });
  writeFileSync(at('apt.conf'), CONFIGURATION);
  writeFileSync(at('status'), STATUS);
  const settings = {
    'Dir::State': work,
    'Dir::State::lists': apt.lists,
    'Dir::State::status': at('status'),
    'Dir::State::extended_states': at('extended_states'),
    'Dir::Cache': work,
    'Dir::Cache::archives': apt.archives,
    'Dir::Cache::pkgcache': at('pkgcache.bin'),
    'Dir::Cache::srcpkgcache': at('srcpkgcache.bin'),
    'Dir::Log': at('log'),
    'Dir::Etc::SourceList': apt.sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    // As root, apt would fetch as a user of its own, who may not enter the folder that the checkout is in.
    'APT::Sandbox::User': '',
    'APT::Install-Recommends': 'false',
    'APT::Get::AllowUnauthenticated': 'false',
    'Acquire::AllowInsecureRepositories': 'false',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
  };
  const options = ['-q', '-y', '-c', at('apt.conf')];
  for (const [name, value] of Object.entries(settings)) options.push('-o', `${name}=${value}`);
  return { ...apt, options };
}

/** @param {Apt} apt */
async function update(apt) {
  const mirrors = await findMirrors();
  if (mirrors.length === 0) throw new SetupError("this machine's apt knows no Debian mirror");
  let failure = '';
  for (const mirror of mirrors) {
    writeFileSync(apt.sources, source(mirror, apt.architecture));
    const progress = watchFolder(apt.lists, "reading Debian's package lists");
    const updated = await capture('apt-get', [...apt.options, '-o', 'APT::Update::Error-Mode=any', 'update']);
    progress.stop();
    if (updated.ok) return;
    failure ||= firstError(updated);
  }
  throw new SetupError(`Debian's package lists could not be read: ${failure}`);
}

/** @param {string} mirror @param {string} architecture */
function source(mirror, architecture) {
  const keyring = KEYRINGS.find((file) => existsSync(file));
  const lines = ['Types: deb', `URIs: ${mirror}`, `Suites: ${SUITE}`, 'Components: main'];
  lines.push(`Architectures: ${architecture}`, 'Targets: Packages', 'PDiffs: no');
  // Without that file, what the machine's apt trusts for any source.
  if (keyring) lines.push(`Signed-By: ${keyring}`);
  return `${lines.join('\n')}\n`;
}

/**
 * The main archive's addresses in the machine's own apt configuration. Before its first `apt-get update` a machine
 * does not know which of its sources are Debian's; then every one that could be is tried, and the keyring decides.
 * @returns {Promise<string[]>}
 */
async function findMirrors() {
  const format = ['--format', '$(ORIGIN)|$(LABEL)|$(REPO_URI)', 'Created-By: Packages'];
  const known = await capture('apt-get', ['indextargets', ...format]);
  const listed = rows(known.stdout).filter(([origin, label]) => origin === 'Debian' && label === 'Debian');
  const configured = await capture('apt-get', ['indextargets', '--no-release-info', ...format]);
  const possible = rows(configured.stdout).filter(([, , uri]) => !/security|^cdrom:/.test(uri ?? ''));
  const found = listed.length > 0 ? listed : possible;
  return [...new Set(found.map(([, , uri]) => uri ?? ''))].filter((uri) => uri !== '' && !uri.startsWith('cdrom:'));
}

/** @param {string} text */
function rows(text) {
  return text.split('\n').map((line) => line.split('|'));
}

/**
 * @param {Apt} apt
 * @param {string[]} packages
 * @returns {Promise<{ file: string, bytes: number }[]>} every archive needed, by its name among the downloads
 */
async function resolve(apt, packages) {
  // apt leaves out what is among the downloads already, so it is shown a folder without any.
  const none = ['-o', `Dir::Cache::archives=${apt.none}`];
  const listed = await capture('apt-get', [...apt.options, ...none, '--print-uris', 'install', ...packages]);
  const wanted = [...listed.stdout.matchAll(/^'[^']*' (\S+\.deb) (\d+)\b/gm)];
  if (!listed.ok || wanted.length === 0) {
    throw new SetupError(`${packages.join(' and ')} could not be found in Debian ${SUITE}: ${firstError(listed)}`);
  }
  return wanted.map(([, file, bytes]) => ({ file: file ?? '', bytes: Number(bytes) }));
}

/**
 * @param {Apt} apt
 * @param {string[]} packages
 */
async function download(apt, packages) {
  const wanted = await resolve(apt, packages);
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  log(`fetching ${packages.join(' and ')} from Debian: ${wanted.length} packages, ${size(total)}`);
  const progress = watchFolder(apt.archives, 'fetched', total);
  const fetched = await capture('apt-get', [...apt.options, '--download-only', 'install', ...packages]);
  progress.stop();
  if (!fetched.ok) throw new SetupError(`Debian's packages could not be fetched: ${firstError(fetched)}`);
}

/** The line of apt's output that says most. @param {{ stdout: string, stderr: string }} output */
function firstError({ stdout, stderr }) {
  const lines = `${stderr}\n${stdout}`.split('\n').map((line) => line.trim());
  const said = lines.find((line) => /^E:/.test(line)) ?? lines.find((line) => line !== '') ?? 'no reason given';
  return said.replace(/^E: /, '').replace(/\s+/g, ' ');
}
