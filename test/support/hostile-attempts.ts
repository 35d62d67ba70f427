/** What a client of a tower has no business with, as the server's subjects: tried one by one by `test/tower/hostile-client.test.ts`. */

/** Where a client may not listen, beside the inboxes of others. `own` is its own nkey. */
export const subscriptions = (own: string): readonly string[] => [
  // Everything, in all shapes of a wildcard.
  ...['>', '*', '*.>', '*.*', '*.*.*', '*.*.*.*', '*.>.x'],
  // The requests of others, or the place of the gateway that answers them.
  ...['argus.>', 'argus.*', 'argus.v1.>', 'argus.v1.*', 'argus.*.info', 'argus.v1.info', 'argus.v1.add_appointment'],
  // What is the tower's own: the log as it is written, nodes among themselves, operator, auditor.
  ...['argus.chain', 'argus.txids.*', 'argus.checkpoint.*', 'argus.0.>', 'argus.0.user.*', 'argus.0.blob.*'],
  ...['argus.relay.v1.>', 'argus.operator.v1.>', 'argus.operator.v1.info', 'argus.audit.v1.>'],
  // Inboxes: of all, of other kinds, and what is nearly one's own.
  ...[
    '_INBOX.>',
    '_INBOX.*',
    '_INBOX.*.*',
    '_INBOX',
    '_INBOX_*.>',
    '_INBOX_*',
    '_INBOX_OPERATOR.>',
    '_INBOX_AUDITOR.>',
  ],
  ...[`_INBOX_${own}`, `_INBOX_${own}>`, `_INBOX_${own}*.>`, `*_INBOX_${own}.>`, `_INBOX_${own.toLowerCase()}.>`],
  // The server's: answers on their way between accounts, its API, its events, services.
  ...['_R_.>', '_R_.*.*', '_GR_.>', '$JS.>', '$JS.API.>', '$JS.API.STREAM.INFO.*', '$JS.EVENT.ADVISORY.>', '$JS.ACK.>'],
  ...['$JS.FC.>', '$JSC.>', '$NRG.>', '$KV.>', '$O.>', '$SRV.>', '$SRV.PING', '$SRV.INFO.argus', '$LDS.>', '$GNR.>'],
  ...[
    '$SYS.>',
    '$SYS.ACCOUNT.>',
    '$SYS.SERVER.>',
    '$SYS.REQ.>',
    '$SYS.REQ.USER.AUTH',
    '$SYS._INBOX.>',
    '$MQTT.>',
    '$G.>',
  ],
];

/** Where a client may not send anything, beside the inboxes of others. `server` is the server's id. */
export const publications = (server: string): readonly string[] => [
  // The tower's own.
  ...['argus', 'argus.v1', 'argus.v1.a.b', 'argus.v2.info', 'ARGUS.v1.info', 'argus.chain', 'argus.txids.1'],
  ...['argus.checkpoint.0', 'argus.0.user.x', 'argus.0.tracker.x', 'argus.0.scan', 'argus.0.blob.x'],
  ...['argus.relay.v1.0.serve', 'argus.operator.v1.info', 'argus.operator.v1.users', 'argus.operator.v1.state'],
  ...['argus.operator.v1.create_invite', 'argus.operator.v1.allow'],
  ...['argus.audit.v1.info.TOWER_0', 'argus.audit.v1.get.TOWER_0', 'argus.audit.v1.get.OBJ_SNAPSHOTS'],
  ...['argus.audit.v1.consumer.TOWER_0', 'argus.audit.v1.next.TOWER_0.x', 'argus.audit.v1.next.OBJ_SNAPSHOTS.x'],
  // JetStream: streams, messages, consumers, backups, the account and the cluster.
  ...['INFO', 'STREAM.NAMES', 'STREAM.LIST', 'STREAM.CREATE.MINE', 'STREAM.INFO.TOWER_0', 'STREAM.UPDATE.TOWER_0'].map(
    api,
  ),
  ...['STREAM.DELETE.TOWER_0', 'STREAM.PURGE.TOWER_0', 'STREAM.MSG.GET.TOWER_0', 'STREAM.MSG.DELETE.TOWER_0'].map(api),
  ...['STREAM.SNAPSHOT.TOWER_0', 'STREAM.RESTORE.TOWER_0', 'STREAM.LEADER.STEPDOWN.TOWER_0'].map(api),
  ...['STREAM.PEER.REMOVE.TOWER_0', 'META.LEADER.STEPDOWN', 'SERVER.REMOVE', 'ACCOUNT.PURGE.TOWER'].map(api),
  ...['DIRECT.GET.TOWER_0', 'DIRECT.GET.TOWER_0.argus.0.scan', 'CONSUMER.CREATE.TOWER_0', 'CONSUMER.LIST.TOWER_0'].map(
    api,
  ),
  ...['CONSUMER.CREATE.TOWER_0.mine', 'CONSUMER.DURABLE.CREATE.TOWER_0.mine', 'CONSUMER.DELETE.TOWER_0.mine'].map(api),
  ...['CONSUMER.MSG.NEXT.TOWER_0.mine', 'CONSUMER.NAMES.TOWER_0', 'CONSUMER.INFO.TOWER_0.mine'].map(api),
  ...['$JS.ACK.TOWER_0.mine.1.1.1.1.1', '$JS.FC.TOWER_0.mine.x', '$JS.hub.API.INFO', '$KV.bucket.key'],
  ...['$O.SNAPSHOTS.C.x', '$O.SNAPSHOTS.M.x'],
  // Services, the server and its events.
  ...['$SRV.PING', '$SRV.INFO', '$SRV.STATS', '$SRV.PING.argus', '$SRV.STATS.argus', '$SYS.REQ.USER.AUTH'],
  ...['$SYS.REQ.USER.INFO', '$SYS.REQ.SERVER.PING', '$SYS.REQ.SERVER.PING.VARZ', '$SYS.REQ.SERVER.PING.CONNZ'],
  ...['RELOAD', 'VARZ', 'KICK', 'LDM', 'JSZ'].map((what) => `$SYS.REQ.SERVER.${server}.${what}`),
  ...['$SYS.REQ.ACCOUNT.PUBLIC.CONNZ', '$SYS.REQ.ACCOUNT.TOWER.JSZ', '$SYS.REQ.CLAIMS.UPDATE', '$SYS.REQ.CLAIMS.LIST'],
  ...['$SYS.ACCOUNT.TOWER.SERVER.CONNS', '$NRG.AE.1', '$LDS.x', '$GNR.x', '$MQTT.x'],
  // Answers that are not this client's to give.
  ...['_R_.abcdef.ghijkl', '_GR_.x.y.z', '_INBOX.x', '_INBOX.x.y', '_INBOX_OPERATOR.x', '_INBOX_AUDITOR.x'],
];

const api = (what: string): string => `$JS.API.${what}`;

/** Where a client may have an answer sent, since it is its own account's subject and nobody else's; and where not. */
export const replies: readonly string[] = [
  ...['argus.chain', 'argus.0.user.x', 'argus.0.scan', 'argus.0.blob.x', 'argus.relay.v1.0.serve'],
  ...['argus.operator.v1.info', 'argus.v1.info', 'argus.v1.register', '_INBOX.x', '_INBOX_OPERATOR.x'],
  ...['$JS.API.STREAM.DELETE.TOWER_0', '$JS.API.STREAM.PURGE.TOWER_0', '$JS.API.STREAM.DELETE.CHAIN', '$KV.a.b'],
  ...['$SRV.PING', '$SYS.REQ.USER.AUTH', '$SYS.REQ.SERVER.PING', '$SYS.REQ.CLAIMS.UPDATE', '_R_.abcdef.ghijkl'],
];
