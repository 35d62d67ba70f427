import { z } from 'zod';

/** What travels between an auditor and a node. */

/** Where a node makes a consumer of a stream for an auditor, with the stream's name behind: `argus.audit.v1.consumer.TOWER_0`. */
export const AUDIT_CONSUMER = 'argus.audit.v1.consumer';

/** The question: from which position on. */
export const AuditFrom = z.strictObject({ from: z.number().int().min(1) });

/** The answer: by what name messages are asked for, at `argus.audit.v1.next.<stream>.<consumer>`. */
export const AuditConsumer = z.object({ consumer: z.string().regex(/^[A-Za-z0-9-]{1,64}$/) });
