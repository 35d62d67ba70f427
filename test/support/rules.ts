import { BookingTable } from '../../actors/auditor/booking-table.js';
import type { ChainRecord } from '../../actors/auditor/chain-record.js';
import { ScanRules } from '../../actors/auditor/scan-rules.js';
import { CROSSING_MS } from '../../actors/auditor/shard-context.js';
import { TrackerRecords } from '../../actors/auditor/tracker-records.js';
import { TrackerRules } from '../../actors/auditor/tracker-rules.js';
import { UserRules } from '../../actors/auditor/user-rules.js';
import type { TowerId } from '../../events/ids.js';

type UserNeeds = ConstructorParameters<typeof UserRules>[0];

/** An auditor's rules for shard 0; what is signed and which blobs there are is looked at by nobody, unless told. */
export function rulesOf(
  towerId: TowerId,
  chain: ChainRecord,
  { policy, signatures, compare }: Partial<Pick<UserNeeds, 'policy' | 'signatures' | 'compare'>> = {},
) {
  const trackers = new TrackerRecords(CROSSING_MS);
  const records = { users: new Map(), bookings: new BookingTable(), trackers };
  const scans = new ScanRules();
  const users = new UserRules({
    ...records,
    scans,
    signatures: signatures ?? { message: () => {}, acceptance: () => {}, acceptanceBy: () => {} },
    towerId,
    identities: chain.identities,
    blobs: { expect: () => {}, left: () => {} },
    compare: compare ?? (() => {}),
    policy,
    stream: 'TOWER_0',
  });
  return { users, scans, breaches: new TrackerRules({ ...records, mined: () => {} }) };
}
