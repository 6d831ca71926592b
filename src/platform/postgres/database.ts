import type { ApiQuotaTable } from './tables/api-quota.ts'
import type { ChainLeavesTable } from './tables/chain-leaves.ts'
import type { ClassificationRevisionsTable } from './tables/classification-revisions.ts'
import type { ClassificationsTable } from './tables/classifications.ts'
import type { ClipsTable } from './tables/clips.ts'
import type { IdentifiersTable } from './tables/identifiers.ts'
import type { ModelResultsTable } from './tables/model-results.ts'
import type { ModelScoresTable } from './tables/model-scores.ts'
import type { OverrideNotesTable } from './tables/override-notes.ts'
import type { QuarantinedPayloadsTable } from './tables/quarantined-payloads.ts'
import type { RevisionPayloadsTable } from './tables/revision-payloads.ts'
import type { SchemaDriftTable } from './tables/schema-drift.ts'
import type { SyncRunsTable } from './tables/sync-runs.ts'
import type { VerdictModelsTable } from './tables/verdict-models.ts'
import type { VerdictsTable } from './tables/verdicts.ts'

/** The media that can be tracked; the migration of each medium adds its row. */
interface MediaTable {
  media: string
}

/** The tables as the migrations create them; `npm run schema:drift` compares the two. */
export interface Database {
  'identifai.media': MediaTable
  'identifai.identifiers': IdentifiersTable
  'identifai.sync_runs': SyncRunsTable
  'identifai.classifications': ClassificationsTable
  'identifai.clips': ClipsTable
  'identifai.verdicts': VerdictsTable
  'identifai.verdict_models': VerdictModelsTable
  'identifai.model_results': ModelResultsTable
  'identifai.model_scores': ModelScoresTable
  'identifai.classification_revisions': ClassificationRevisionsTable
  'identifai.revision_payloads': RevisionPayloadsTable
  'identifai.quarantined_payloads': QuarantinedPayloadsTable
  'identifai.schema_drift': SchemaDriftTable
  'identifai.api_quota': ApiQuotaTable
  'identifai.override_notes': OverrideNotesTable
  'identifai.chain_leaves': ChainLeavesTable
}
