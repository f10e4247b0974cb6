import mongoose from 'mongoose'
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'

interface Row {
  _id: string
  /** Stored as text, because client ids with dots would otherwise become field names. */
  payload: string
  expiresAt?: Date
  consumed?: number
  uid?: string
  userCode?: string
  grantId?: string
}

/** The host's records, a collection for each model: the adapter that this application had before the second factor. */
export class MongoAdapter implements Adapter {
  /** Tells the plugin that a code or token is used once, also by parallel requests. */
  readonly atomicConsume = true
  readonly #rows: mongoose.mongo.Collection<Row>

  constructor(model: string) {
    this.#rows = mongoose.connection.collection<Row>(`oidc_${model}`)
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const { uid, userCode, grantId } = payload
    const row: Omit<Row, '_id'> = {
      payload: JSON.stringify(payload),
      ...(expiresIn === undefined ? {} : { expiresAt: new Date(Date.now() + expiresIn * 1000) }),
      ...(uid === undefined ? {} : { uid }),
      ...(userCode === undefined ? {} : { userCode }),
      ...(grantId === undefined ? {} : { grantId }),
    }
    await this.#rows.replaceOne({ _id: id }, row, { upsert: true })
  }

  find(id: string): Promise<AdapterPayload | undefined> {
    return this.#findOne({ _id: id })
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findOne({ uid })
  }

  findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#findOne({ userCode })
  }

  /**
   * A second caller gets an error. The host reads the record before it calls `consume`, and ignores the result, so only
   * an error stops it.
   */
  async consume(id: string): Promise<void> {
    const consumed = Math.floor(Date.now() / 1000)
    const { matchedCount } = await this.#rows.updateOne(
      { _id: id, consumed: { $exists: false } },
      { $set: { consumed } },
    )
    if (matchedCount === 0) throw new errors.InvalidGrant('already used')
  }

  async destroy(id: string): Promise<void> {
    await this.#rows.deleteOne({ _id: id })
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#rows.deleteMany({ grantId })
  }

  async #findOne(by: mongoose.mongo.Filter<Row>): Promise<AdapterPayload | undefined> {
    const row = await this.#rows.findOne(by)
    if (row === null) return undefined
    const payload = JSON.parse(row.payload) as AdapterPayload
    return row.consumed === undefined ? payload : { ...payload, consumed: row.consumed }
  }
}
