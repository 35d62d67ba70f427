import type { Height } from '../../events/ids.js';
import type { UserRegistered } from '../../events/user.js';
import type { Place } from './shard-context.js';

/**
 * What came from another tower: it is on the log before its shard has evaluated any block, since a block comes after the
 * statement in `CHAIN` that it was all. Of when it began, the other tower's word is all that there is, which its receipts bear out.
 */

/** Says what is wrong with the terms of a user that was brought; `isScanned`: whether its shard had evaluated a block by then. */
export function checkImportedUser(
  { importedFrom, start }: UserRegistered,
  isScanned: boolean,
  { chain: { imported }, complain }: Place,
): void {
  if (!imported || imported.from !== importedFrom)
    complain('import', `the user is said to be from a ${importedFrom}, and CHAIN tells of no import from one`);
  else if (isScanned) complain('import', 'a user is brought from another tower after blocks were evaluated');
  else if (start > imported.height)
    complain('import', `the subscription began at height ${start}, after the import at ${imported.height}`);
}

/** Whether an appointment of a user that was brought began as one that was brought with it may have begun. */
export const isImportedStart = (startBlock: Height, isScanned: boolean, { chain: { imported } }: Place): boolean =>
  imported !== undefined && !isScanned && startBlock <= imported.height;
