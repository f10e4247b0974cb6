import mongoose from 'mongoose'
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'

interface Row {
  _id: string
  /** As text: client ids with dots would otherwise be names of fields. */
  payload: string
  expiresAt?: Date
  consumed?: number
  uid?: string
  userCode?: string
  grantId?: string
}

/** The host's records, a collection for each model: the adapter that this application has had all along. */
export class MongoAdapter implements Adapter {
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

  /** Whoever comes second gets nothing: the host reads first and looks at the answer of nobody. */
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
