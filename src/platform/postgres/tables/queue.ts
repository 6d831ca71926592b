import { defineTable } from '../table.ts'

/** States of a tracked identifier; ARCHITECTURE.md draws the transitions. */
export const IDENTIFIER_STATES = ['pending', 'done', 'errored', 'missing', 'quarantined', 'retired'] as const
export type IdentifierState = (typeof IDENTIFIER_STATES)[number]

const FINISHED_STATES = ['done', 'errored'] as const
export type FinishedState = (typeof FINISHED_STATES)[number]

export function isFinished(state: IdentifierState): state is FinishedState {
  return (FINISHED_STATES as readonly string[]).includes(state)
}

/** The media that have an endpoint; the migration of each adds its row. */
export const MEDIA_TABLE = defineTable({ name: 'media', columns: { media: 'text not null' } })

/** Tracked identifiers, which are the queue; the migration has the comments of the columns. */
export const IDENTIFIERS = defineTable({
  name: 'identifiers',
  columns: {
    id: 'bigint not null default',
    media: 'text not null default',
    identifier: 'text not null',
    submitted_at: 'timestamptz',
    source: 'text',
    state: ['text not null default', IDENTIFIER_STATES],
    priority: 'smallint not null default',
    due_at: 'timestamptz default',
    attempts: 'integer not null default',
    absences: 'integer not null default',
    request_limit: 'smallint',
    withheld_at: 'timestamptz',
    lease_until: 'timestamptz',
    leased_by: 'uuid',
    claim_no: 'integer not null default',
    refresh_requested_at: 'timestamptz',
    last_error: 'text',
    record_digest: 'bytea',
    enqueued_at: 'timestamptz not null default',
    last_requested_at: 'timestamptz',
    last_confirmed_at: 'timestamptz',
    finished_at: 'timestamptz',
    retired_at: 'timestamptz',
    retired_reason: 'text',
    redacted_at: 'timestamptz',
    changed_at: 'timestamptz',
  },
})

/** The time of the last change that the reporting views show: one row, from which every transaction takes a later time. */
export const CHANGE_CLOCK = defineTable({
  name: 'change_clock',
  columns: {
    is_only_row: 'boolean not null default',
    changed_at: 'timestamptz not null',
  },
})

/** Shared pacing: all processes that use one API key take their request slots from one row. */
export const API_QUOTA = defineTable({
  name: 'api_quota',
  columns: {
    key_fingerprint: 'text not null',
    next_slot_at: 'timestamptz not null default',
    paused_until: 'timestamptz',
    throttled_at: 'timestamptz',
    slowdown: 'double precision not null default',
    last_accepted_at: 'timestamptz',
  },
})

/** The length of request that each API accepts, by its address. */
export const API_SIZE_LIMITS = defineTable({
  name: 'api_size_limits',
  columns: {
    api_url: 'text not null',
    max_url_bytes: 'integer not null',
    learned_at: 'timestamptz not null default',
  },
})
