import { bucket } from './bucket.js';
import { bucketAuto } from './bucket-auto.js';
import { FIELD_STAGES } from './fields.js';
import { fill } from './fill.js';
import { FLOW_STAGES } from './flow.js';
import { GROUP_STAGES } from './group.js';
import { JOIN_STAGES } from './joins.js';
import { MINGO_STAGES } from './mingo.js';
import { redact } from './redact.js';
import type { Stages } from './stage.js';
import { unwind } from './unwind.js';
import { setWindowFields } from './window.js';

/** Every stage there is, by name. */
export const STAGES: Stages = {
  ...MINGO_STAGES,
  ...FIELD_STAGES,
  ...FLOW_STAGES,
  ...GROUP_STAGES,
  ...JOIN_STAGES,
  $bucket: bucket,
  $bucketAuto: bucketAuto,
  $fill: fill,
  $redact: redact,
  $setWindowFields: setWindowFields,
  $unwind: unwind,
};
