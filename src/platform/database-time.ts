/** A time of the database's clock as UTC text with six digits, `2026-07-01T02:00:00.000000Z`; such times compare as text. */
export type DatabaseTime = string
