/**
 * A client of a tower, from its key to a proof: register, add an appointment, look at it and at the subscription, prove it.
 *
 *   node dist/actors/client/example.js TOWER_ID nats://127.0.0.1:4222
 *   node dist/actors/client/example.js TOWER_ID http://127.0.0.1:9814
 *
 * It entrusts the tower with a made-up penalty for a transaction that nobody will ever see. `docs/client.md` goes through it.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AppointmentReceipt, TowerClient } from 'argus-watchtower';
import { TowerRefusedError, TowerUnavailableError } from 'argus-watchtower/errors';
import { overHttp } from 'argus-watchtower/http';
import { TowerId, Txid } from 'argus-watchtower/ids';
import { asClient, overNats } from 'argus-watchtower/nats';
import { connect } from 'nats';

const [tower = '', server = ''] = process.argv.slice(2);
const towerId = TowerId.parse(tower);

// A user is a key. Keep it: whoever has it can ask for what is there, and renew.
const secretKey = new Uint8Array(randomBytes(32));

// Over NATS the connection is yours, to be closed at the end. Over HTTP there is none to keep.
const nc = server.startsWith('http') ? undefined : await connect({ servers: server, ...asClient() });
const client = new TowerClient(nc ? overNats(nc) : overHttp(server), { towerId, secretKey });

try {
  const subscription = await client.register();
  console.log(`registered: ${subscription.available_slots} slots until block ${subscription.subscription_expiry}`);

  // What your node knows of a revoked state: the id of its transaction, and the transaction that takes all of it.
  const disputeTxid = Txid.parse(randomBytes(32).toString('hex'));
  const penalty = new Uint8Array(randomBytes(300));
  const receipt = await client.protect(disputeTxid, penalty, 144);
  // The receipt is verified by now. Keep it: with the tower's id it proves what the tower promised.
  console.log(`accepted: locator ${receipt.locator}, watched from block ${receipt.startBlock}`);

  const shown = await client.getAppointment(receipt.locator);
  console.log(`the tower says: ${shown.status}`);

  const info = await client.getSubscriptionInfo();
  console.log(`subscription: ${info.available_slots} slots left, ${info.locators.length} appointment`);

  const proof = await proofOf(receipt);
  console.log(proof === undefined ? 'no block came' : `proven: on a log of ${proof.proof.head.treeSize} commits`);
} catch (error) {
  if (error instanceof TowerRefusedError) console.error(`the tower says no: ${error.reason}, ${error.message}`);
  else if (error instanceof TowerUnavailableError) console.error(`the tower does not answer: ${error.message}`);
  else throw error;
  process.exitCode = 1;
} finally {
  await nc?.close();
}

/** The proof, which there is from the next block on; undefined if none comes within a minute. */
async function proofOf(receipt: AppointmentReceipt) {
  for (let tries = 0; tries < 120; tries++) {
    try {
      return await client.getProof(receipt);
    } catch (error) {
      if (!(error instanceof TowerRefusedError) || error.reason !== 'not-under-head') throw error;
      await sleep(500);
    }
  }
  return undefined;
}
