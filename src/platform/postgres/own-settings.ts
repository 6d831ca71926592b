import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  PostgresDialect,
  type PostgresDialectConfig,
  PostgresDriver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'

/**
 * PostgreSQL with settings of our own in every transaction, so that no statement depends on those of the role, the database
 * or the session. A single statement gets a transaction. The settings are local, because behind a pooler the session belongs
 * to others, too.
 */
export class OwnSettingsDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig
  readonly #settings: string

  /** @param settings Statements that follow BEGIN, in the same message. */
  constructor(config: PostgresDialectConfig, settings: string) {
    super(config)
    this.#config = config
    this.#settings = settings
  }

  override createDriver(): Driver {
    return new OwnSettingsDriver(this.#config, this.#settings)
  }
}

class OwnSettingsDriver implements Driver {
  readonly #driver: PostgresDriver
  readonly #settings: string

  constructor(config: PostgresDialectConfig, settings: string) {
    this.#driver = new PostgresDriver(config)
    this.#settings = settings
  }

  async acquireConnection(): Promise<OwnSettingsConnection> {
    return new OwnSettingsConnection(await this.#driver.acquireConnection(), this.#driver, this.#settings)
  }

  beginTransaction = (connection: OwnSettingsConnection, settings: TransactionSettings) =>
    connection.begin(settings)
  commitTransaction = (connection: OwnSettingsConnection) => connection.commit()
  rollbackTransaction = (connection: OwnSettingsConnection) => connection.rollback()
  releaseConnection = (connection: OwnSettingsConnection) => connection.release()
  init = () => this.#driver.init()
  destroy = () => this.#driver.destroy()
}

/** The connection of the driver, which knows it by its class. */
type Inner = DatabaseConnection & Parameters<PostgresDriver['releaseConnection']>[0]

class OwnSettingsConnection implements DatabaseConnection {
  readonly #inner: Inner
  readonly #driver: PostgresDriver
  readonly #settings: string
  #isInTransaction = false

  constructor(inner: DatabaseConnection, driver: PostgresDriver, settings: string) {
    this.#inner = inner as Inner
    this.#driver = driver
    this.#settings = settings
  }

  async begin({ isolationLevel, accessMode }: TransactionSettings = {}): Promise<void> {
    const modes = [isolationLevel && `isolation level ${isolationLevel}`, accessMode].filter(Boolean)
    await this.#inner.executeQuery(CompiledQuery.raw(`begin ${modes.join(', ')}; ${this.#settings}`))
    this.#isInTransaction = true
  }

  async commit(): Promise<void> {
    this.#isInTransaction = false
    await this.#driver.commitTransaction(this.#inner)
  }

  async rollback(): Promise<void> {
    this.#isInTransaction = false
    await this.#driver.rollbackTransaction(this.#inner)
  }

  release(): Promise<void> {
    return this.#driver.releaseConnection(this.#inner)
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#isInTransaction) return this.#inner.executeQuery<R>(query)
    await this.begin()
    try {
      const result = await this.#inner.executeQuery<R>(query)
      await this.commit()
      return result
    } catch (error) {
      // The first error is the reason; the driver discards a connection that cannot roll back.
      if (this.#isInTransaction) await this.rollback().catch(() => {})
      throw error
    }
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    if (this.#isInTransaction) return yield* this.#inner.streamQuery<R>(query, chunkSize)
    await this.begin()
    try {
      yield* this.#inner.streamQuery<R>(query, chunkSize)
    } finally {
      await this.rollback()
    }
  }
}
