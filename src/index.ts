export type { Clock } from './base/clock.js';
export type { Document, NewDocument } from './base/document.js';
export { ERROR_CODES, type ErrorCode, isJdbxError, JdbxError } from './base/errors.js';
export { parseValue, stringifyValue } from './base/extended-json.js';
export type { Value, ValueObject } from './base/values.js';
export type { AsOf } from './documents/as-of.js';
export type { AuditTrail } from './documents/audit-trail.js';
export type { CheckReport } from './documents/check.js';
export type { Collection } from './documents/collection.js';
export type {
  ChangeEvent,
  Filter,
  HistoryEntry,
  RemoveOptions,
  RemoveResult,
  Target,
  Update,
  UpdateOptions,
  UpdateResult,
} from './documents/contract.js';
export type { Cursor } from './documents/cursor.js';
export type { StoreStats, TransactionOptions, WatchOptions } from './documents/database.js';
export type { RetainOptions, RetainReport } from './documents/retention/contract.js';
export type { Snapshot } from './documents/snapshot.js';
export type { Transaction } from './documents/transaction.js';
export type {
  ExportOptions,
  ImportOptions,
  ImportProgress,
  ImportResult,
  ImportSource,
  TextFormat,
} from './documents/transfer/contract.js';
export type { AuditDocument, AuditVerdict } from './history/audit-chain.js';
export type { Jdbx } from './jdbx.js';
export type { ScheduleDocument } from './jobs/schedule-document.js';
export type { Provider } from './llm/contract.js';
export type { Embedder, EmbedOptions } from './llm/embeddings/embedder.js';
export type { CostGroup, CostQuery, CostReport } from './llm/prices/cost-report.js';
export { type Sealed, seal } from './llm/sealing.js';
export type { Calibration, LabelledPair } from './llm/semantic/calibration.js';
export type { CacheReport } from './llm/semantic/report.js';
export { MEMORY, open } from './open.js';
export type { EmitOptions, OpenOptions } from './open-options.js';
export type { Difference } from './pipelines/document-tests/compare.js';
export type { TestReport, TestResult } from './pipelines/document-tests/results.js';
export type { RunEvents } from './pipelines/events.js';
export type {
  FollowOptions,
  LiveRunEvent,
  RunEvent,
  RunEventType,
} from './pipelines/follow.js';
export type { ForkOptions, ForkPatch } from './pipelines/fork.js';
export type { ReplayDifference, ReplayReport } from './pipelines/replay.js';
export type { RunDocument, RunResult } from './pipelines/run-document.js';
export type { RunHandle } from './pipelines/run-handle.js';
export type { RunOptions } from './pipelines/runs.js';
export type { KeptDocument, UndoReport } from './pipelines/undo.js';
export type { WaitDocument } from './pipelines/waits/wait-document.js';
export type { JdbxEvents } from './runtime.js';
export type { BackupOptions, BackupProgress, BackupResult } from './storage/backup.js';
export { type CompactResult, compactStore } from './storage/compact.js';
